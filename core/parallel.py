"""Several processes, one training: who works on what, and how what they made comes together.

They are started by ``torchrun``, one for each accelerator. Each has all weights. A tower that learns sees this
process's share of a batch; its features are gathered, so that head and losses see the whole batch everywhere: a
contrastive loss has all its negatives, and its gradient is that of one process with the large batch. Without
``torchrun`` there is one process, and nothing here does anything.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from core.towers.base import Tower

PATIENCE = timedelta(days=2)
"""One process may wait so long for another (which may wait for a lock); torchrun ends all where one of them dies."""


@dataclass(frozen=True)
class World:
    """This process among all that train together."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's part of ``count`` rows: parts stand in order and differ by one row at most."""
        return _share(count, self.rank, self.size)


def _share(count: int, rank: int, size: int) -> slice:
    return slice(count * rank // size, count * (rank + 1) // size)


def world() -> World:
    return World(dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else World()


@contextmanager
def joined() -> Iterator[World]:
    """Be one of those that ``torchrun`` has started (as its environment says); :func:`leave` when the work is done."""
    if int(os.environ.get("WORLD_SIZE", "1")) <= 1:
        yield World()
        return
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
    yield world()


def leave() -> None:
    """End this process here and well, where it is one of several: all is written, and what would tear the group down
    aborts now and then ("terminate called without an active exception", one start in ten with gloo, measured)."""
    if world().size > 1:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def told(value: Any) -> Any:
    """What the first process says, which all others get."""
    if world().size == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]


def together() -> None:
    """Wait until all processes are here."""
    told(None)


def any_of(flag: bool, device: torch.device) -> bool:
    """Whether it is true for one of the processes; all have to ask."""
    if world().size == 1:
        return flag
    found = torch.tensor([float(flag)], device=device)
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return bool(found.item())


def gathered(own: Tensor, count: int) -> Tensor:
    """The rows of all processes in order, (count, width); in the backward pass each gets the gradient of its own.

    Args:
        own: (share, width), this process's share of ``count`` rows.
    """
    if world().size == 1:
        return own
    found: Tensor = _Gathered.apply(own, count)
    return found


class _Gathered(torch.autograd.Function):
    """Every process goes on with the same rows to the same loss, so the gradient of its own is whole already."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, count: int) -> Tensor:
        ctx.share = world().share(count)
        return _all_rows(own, count)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient[ctx.share].contiguous(), None


def _all_rows(own: Tensor, count: int) -> Tensor:
    size = world().size
    lengths = [part.stop - part.start for part in (_share(count, rank, size) for rank in range(size))]
    padded = own.new_zeros(max(lengths), *own.shape[1:])
    padded[: len(own)] = own
    parts = [torch.empty_like(padded) for _ in lengths]
    dist.all_gather(parts, padded)
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])


def reduce_gradients(whole: Iterable[nn.Parameter], shared: Iterable[nn.Parameter]) -> None:
    """Bring the gradients of all processes together, so that they take the same step.

    Args:
        whole: parameters (of head and objective) whose gradient is that of the whole batch in each process; the mean
            takes away what rounding has made of it.
        shared: parameters (of towers) that have seen a share of the batch each; their gradients are summed.
    """
    if world().size == 1:
        return
    _sum([parameter for parameter in whole if parameter.grad is not None], 1 / world().size)
    learning = _reached([parameter for parameter in shared if parameter.requires_grad])
    for parameter in learning:
        if parameter.grad is None:  # no row of this batch came here
            parameter.grad = torch.zeros_like(parameter)
    _sum(learning, 1.0)


def _reached(parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """Those that have a gradient in one process or more; the others are left as they are, as in a process alone."""
    if not parameters:
        return []
    flags = torch.tensor([float(one.grad is not None) for one in parameters], device=parameters[0].device)
    dist.all_reduce(flags, dist.ReduceOp.MAX)
    return [one for one, flag in zip(parameters, flags.tolist(), strict=True) if flag]


def _sum(parameters: Sequence[nn.Parameter], factor: float) -> None:
    """In one piece: many small exchanges would wait for each other."""
    if not parameters:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten().float() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, flat.mul_(factor).split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def average_buffers(modules: Iterable[nn.Module]) -> None:
    """Batch statistics are those of each process's share; the mean of them is what is judged and kept."""
    if world().size == 1:
        return
    for module in modules:
        for buffer in module.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer.div_(world().size)


def spread(make: Callable[[slice], Tensor], count: int, size: int, tower: Tower) -> Tensor:
    """What a tower makes of ``count`` inputs, worked out piece by piece and process by process.

    With pieces, activations are those of one piece at a time: the backward pass makes them again (gradient caching; Gao
    et al., 2021), and the gradient is that of the whole batch. Batch statistics alone are those of a piece.

    Args:
        make: some of the inputs -> (their number, width).
        count: of inputs, all processes together.
        size: inputs in a piece; 0: all at once.
        tower: whose weights and batch statistics are at work.
    """
    own = world().share(count)
    step = size or max(1, own.stop - own.start)
    starts = range(own.start, own.stop, step)
    pieces = [slice(start, min(start + step, own.stop)) for start in starts]
    with _own_random_numbers(tower):
        again = torch.is_grad_enabled() and len(pieces) > 1
        found = [_made_again_later(make, piece, tower) if again else make(piece) for piece in pieces]
    if not found:
        found = [torch.zeros(0, tower.width, device=tower.device)]
    own_rows = torch.cat(found) if len(found) > 1 else found[0]
    return own_rows if world().size == 1 else gathered(own_rows.float(), count)  # of one type in all processes


def _made_again_later(make: Callable[[slice], Tensor], piece: slice, tower: Tower) -> Tensor:
    found: Tensor = checkpoint(
        make, piece, use_reentrant=False, context_fn=lambda: (nullcontext(), _statistics_kept(tower))
    )
    return found


@contextmanager
def _statistics_kept(tower: Tower) -> Iterator[None]:
    """What is made a second time must not move running averages a second time."""
    norms = [one for one in tower.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    momenta = [one.momentum for one in norms]
    for one in norms:
        one.momentum = 0.0
    try:
        yield
    finally:
        for one, momentum in zip(norms, momenta, strict=True):
            one.momentum = momentum


@contextmanager
def _own_random_numbers(tower: Tower) -> Iterator[None]:
    """Dropout in towers differs between processes, but what is drawn afterwards (in heads) stays the same in all."""
    if world().size == 1 or not torch.is_grad_enabled():
        yield
        return
    seed = int(torch.randint(2**62, ()))
    with torch.random.fork_rng([tower.device] if tower.device.type == "cuda" else []):
        torch.manual_seed(seed + world().rank)
        yield
