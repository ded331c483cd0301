"""The benchmark of a GPU, on the CPU with a tower of a few parameters: that it measures what it says."""

from __future__ import annotations

import math

import pytest

from core.devices import best_device
from scripts import bench_gpu
from tests.small_towers import small_encoder


def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    if best_device().type == "cuda":
        pytest.skip("there is a GPU")
    bench_gpu.compare()
    assert "No GPU on this machine" in capsys.readouterr().out


def test_each_row_measures_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_gpu, "SIDE", 16)
    whole, pieces = bench_gpu.measured(small_encoder(), batch=8, pieces=(0, 3))
    assert (whole["in pieces of"], pieces["in pieces of"]) == (8, 3)
    for row in (whole, pieces):
        rates = [value for name, value in row.items() if name.endswith("images/s")]
        assert len(rates) == 4 and all(isinstance(rate, float) and 0 < rate < math.inf for rate in rates)
        ratio = row["forward + backward, images/s"] / row["training step, images/s"]  # type: ignore[operator]
        assert row["step / passes"] == pytest.approx(ratio)
