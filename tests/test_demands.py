"""What a run demands of its study: the losses that need a tree, known findings or texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config.objective import ObjectiveConfig
from core.config.run import HeadConfig, RunConfig
from core.demands import check_study
from core.errors import StudyError
from tests.odd import quick
from tests.tiny import tiny_study


def wanting(kind: str, **objective: object) -> RunConfig:
    head = HeadConfig(kind=kind, private=4)  # type: ignore[arg-type]
    return quick("contrastive", study="tiny").replace(head=head, objective=ObjectiveConfig(**objective))  # type: ignore[arg-type]


def test_the_graph_loss_needs_findings_of_the_tree(workspace: Path) -> None:
    outside = tiny_study(findings=("Edema", "Gallstones", "Scoliosis"))
    with pytest.raises(
        StudyError,
        match=r"'tiny' has findings that are not in the tree of findings \(Gallstones, Scoliosis\), and the graph loss "
        "needs their places. Presets that work on it: zero-shot, ",
    ):
        check_study(wanting("disease-tokens", graph=1.0), outside)
    check_study(wanting("disease-tokens", orthogonal=1.0), outside)
    check_study(wanting("disease-tokens", graph=1.0), tiny_study(findings=("Edema", "Mass", "Hernia")))


def test_semantic_alignment_needs_known_findings(workspace: Path) -> None:
    unknown = tiny_study(labels=lambda drawn: np.full_like(drawn, np.nan), text=True)
    config = wanting("disease-tokens", alignment=1.0, alignment_form="semantic")
    with pytest.raises(
        StudyError, match=r"no known label .* the alignment loss of the semantic form learns from labels"
    ):
        check_study(config, unknown)
    check_study(wanting("disease-tokens", alignment=1.0), unknown)
    check_study(config, tiny_study())


def test_subspaces_need_texts(workspace: Path) -> None:
    with pytest.raises(StudyError, match=r"has neither texts nor known findings .* and the subspaces loss needs two"):
        check_study(wanting("projection", subspaces=1.0), tiny_study(findings=(), text=False))
