"""Render one row of the demo table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.studies.demo.anatomy import build_scene
from core.studies.demo.body import draw_body, reshape
from core.studies.demo.film import develop
from core.studies.demo.findings import apply_findings


def render(row: Mapping[str, Any], size: int) -> np.ndarray:
    """Render a radiograph: uint8 (size, size), 0 black .. 255 white, bone white, patient's left at image right.

    A pure function of ``row`` (as ``sample_table`` makes it) and ``size``. Turning one finding off in the row keeps
    body, position, exposure and noise, so the difference of two renders is that finding.
    """
    body = draw_body(row)
    reshape(body, row)
    scene = build_scene(body, size, int(row["body_seed"]), int(row["render_seed"]))
    apply_findings(scene, row)
    return develop(scene.attenuation(), body, int(row["render_seed"]))
