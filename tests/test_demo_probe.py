"""The demo study is neither trivial nor hopeless: a linear probe on the default tower, judged on test patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.config.encoders import resolve_encoder
from core.encoders import load_encoder
from core.features import image_features
from core.metrics.ranking import macro_auroc
from core.studies.study import Study
from tests.finished import command, printed


@pytest.mark.long
@pytest.mark.slow
def test_a_linear_probe_lands_where_a_real_study_would(workspace: Path) -> None:
    assert "1200 radiographs" in printed(command(workspace, "scripts.study", "import", "demo"))
    study = Study.load("demo")
    assert study.synthetic
    assert (study.labels[study.rows("test")].sum(axis=0) >= 20).all()
    features = image_features(load_encoder(resolve_encoder("lite")), study)
    train, test = study.rows("train"), study.rows("test")
    scores = np.empty((len(test), len(study.findings)))
    for column in range(len(study.findings)):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        probe.fit(features[train], study.labels[train, column])
        scores[:, column] = probe.decision_function(features[test])
    assert 0.75 < macro_auroc(study.labels[test], scores) < 0.97
