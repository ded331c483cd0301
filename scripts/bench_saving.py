"""How long a checkpoint stops training, against the copy to host memory (the floor) and a plain ``torch.save``."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from core.checkpoints import Checkpoint, CheckpointWriter, on_host, optimiser_tensors
from core.devices import best_device, describe
from scripts.timing import once, typical

LAYERS, WIDTH, REPEATS = 24, 1024, 5
"""25 million weights: 101 MB, and twice as much of AdamW's moments."""


def compare() -> None:
    """One model with its optimiser, saved several times each way."""
    device = best_device()
    model = torch.nn.Sequential(*(torch.nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS))).to(device)
    optimiser = torch.optim.AdamW(model.parameters())
    batch = torch.rand(64, WIDTH, device=device)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        model(batch).square().mean().backward()
        optimiser.step()

    step()  # from here on the optimiser has its moments
    tensors = {"model": model.state_dict(), "optimiser": optimiser_tensors(optimiser)}
    size = sum(value.nbytes for group in tensors.values() for value in group.values())
    copied = typical(lambda: [on_host(group) for group in tensors.values()], warm=0)
    idle = typical(step, repeats=25, device=device)
    with tempfile.TemporaryDirectory(prefix="fluoroscope-bench-") as place:
        stopped, whole, meanwhile = ours(Path(place), tensors, step, device)
        plain = typical(lambda: plainly(Path(place) / "plain.pt", tensors), warm=0)
    print(f"{describe(device)}, {size / 1e6:.0f} MB in a checkpoint:")
    print(f"  copy to host memory                  {copied * 1000:7.0f} ms")
    print(f"  ours stops training for              {stopped * 1000:7.0f} ms   {stopped / copied:5.2f} x the copy")
    print(
        f"  torch.save and fsync                 {plain * 1000:7.0f} ms   {plain / copied:5.2f} x the copy, unverified"
    )
    print(f"  ours is on the disk, hashed, after   {whole * 1000:7.0f} ms")
    print(f"  a step meanwhile                     {meanwhile / idle:7.2f} x a step otherwise ({idle * 1000:.0f} ms)")


def ours(
    folder: Path, tensors: dict[str, dict[str, torch.Tensor]], step: Callable[[], None], device: torch.device
) -> tuple[float, float, float]:
    """Seconds that training stops, until all is on the disk, and of a step in the meantime; medians."""
    writer, stops, wholes, steps = CheckpointWriter(folder), [], [], []
    for number in range(REPEATS):
        started = time.perf_counter()
        copies = {name: on_host(group) for name, group in tensors.items()}
        writer.write(Checkpoint(step=number, tensors=copies, state={}))
        stops.append(time.perf_counter() - started)
        while writer.busy:
            steps.append(once(step, device))
        writer.wait()
        wholes.append(time.perf_counter() - started)
    return median(stops), median(wholes), median(steps)


def plainly(path: Path, tensors: dict[str, dict[str, torch.Tensor]]) -> None:
    with path.open("wb") as stream:
        torch.save(tensors, stream)
        stream.flush()
        os.fsync(stream.fileno())
