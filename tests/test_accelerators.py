"""Which accelerators are found, and by which names, from what nvidia-smi prints and CUDA_VISIBLE_DEVICES says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core import accelerators as module
from core.accelerators import accelerators, gpus, listed, slots
from core.errors import ConfigError
from core.workspace import ROOT

TWO = """GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-11111111-aaaa-bbbb-cccc-000000000000)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-22222222-aaaa-bbbb-cccc-000000000000)
"""
MIXED = TWO.replace("GPU 1: NVIDIA H100 80GB HBM3", "GPU 1: Tesla T4")
PARTS = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-11111111-aaaa-bbbb-cccc-000000000000)
  MIG 3g.20gb     Device  0: (UUID: MIG-33333333-aaaa-bbbb-cccc-000000000000)
  MIG 3g.20gb     Device  1: (UUID: MIG-44444444-aaaa-bbbb-cccc-000000000000)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-22222222-aaaa-bbbb-cccc-000000000000)
"""
ONE, OTHER = (f"GPU-{digit * 8}-aaaa-bbbb-cccc-000000000000" for digit in "12")


def named(text: str) -> list[str]:
    return [gpu.name[:7] for gpu in listed(text)]


def test_what_nvidia_smi_lists() -> None:
    assert [(gpu.name, gpu.model) for gpu in listed(TWO)] == [
        (ONE, "NVIDIA H100 80GB HBM3"),
        (OTHER, "NVIDIA H100 80GB HBM3"),
    ]
    assert named(PARTS) == ["MIG-333", "MIG-444", "GPU-222"], "a GPU that is cut into parts is its parts"
    assert listed("No devices were found\n") == listed("") == []


@pytest.mark.parametrize(
    ("there", "visible", "expected"),
    [
        ("", None, ["cpu"]),
        ("", "", ["cpu"]),
        ("", "-1", ["cpu"]),
        ("", "1", ["1"]),
        (TWO, None, [ONE, OTHER]),
        (TWO, "", ["cpu"]),
        (TWO, "1", [OTHER]),
        (TWO, "1,0", [OTHER, ONE]),
        (TWO, "0,-1,1", [ONE]),
        (TWO, "0,,1", [ONE]),
        (TWO, "GPU-2222", [OTHER]),
        (TWO, "GPU-", ["GPU-"]),
        (TWO, "0,GPU-1111", [ONE]),
        (TWO, "7", ["7"]),
        (MIXED, "1", ["1"]),
        (PARTS, "0", ["0"]),
        (PARTS, "MIG-4", ["MIG-44444444-aaaa-bbbb-cccc-000000000000"]),
    ],
)
def test_one_device_has_one_name(
    monkeypatch: pytest.MonkeyPatch, there: str, visible: str | None, expected: list[str]
) -> None:
    """A number is another device to CUDA than to nvidia-smi where models differ: then it stays a number."""
    monkeypatch.setattr(module, "gpus", lambda: listed(there))
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert accelerators() == expected


def test_numbers_by_slot_are_known_where_cuda_counts_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "gpus", lambda: listed(MIXED))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert accelerators() == [OTHER]


@pytest.mark.parametrize(("ends", "expected"), [("exit 0", ["GPU-111", "GPU-222"]), ("exit 9", [])])
def test_nvidia_smi_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, expected: list[str]) -> None:
    """A program of that name that prints, or fails as one without a driver does."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] || exit 3\ncat <<'END'\n{TWO}END\n{ends}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    kernels = [str(at) for at, _ in enumerate(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    assert [gpu.name[:7] for gpu in gpus()] == (expected or kernels)


@pytest.mark.parametrize(("given", "expected"), [("", 1), ("1", 1), ("12", 12)])
def test_slots(monkeypatch: pytest.MonkeyPatch, given: str, expected: int) -> None:
    monkeypatch.setenv("FLUOROSCOPE_SLOTS", given)
    assert slots() == expected


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5", "²"])
def test_slots_must_be_a_number(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("FLUOROSCOPE_SLOTS", given)
    with pytest.raises(ConfigError, match="it must be a whole number, 1 or more"):
        slots()


def test_neither_the_queue_nor_its_runner_loads_torch() -> None:
    code = "import sys, core.runner; print([name for name in ('torch', 'pandas', 'streamlit') if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
