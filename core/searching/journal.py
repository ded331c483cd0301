"""Optuna's study of a search: where it is kept, who draws settings, and who ends a trial early.

It is kept in a journal, a file of JSON lines that is only ever appended to, under a lock. SQLite needs file locks that
network file systems do not always keep, and a worker that is killed may leave it a journal to roll back; what a kill
leaves here is, at worst, half a last line, which the next worker cuts off. There is no pickle in it.
"""

from __future__ import annotations

import os

import optuna
from filelock import FileLock
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

from core.config.search import SearchConfig
from core.searches import Search


class KernelLock(JournalFileOpenLock):
    """A lock that is free as soon as its holder is gone; after a kill all would wait for optuna's own, a file."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._lock = FileLock(path)

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


def open_study(search: Search) -> optuna.Study:
    """The search's optuna study, made where it is missing."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = search.folder / "journal.jsonl"
    lock = KernelLock(f"{path}.lock")
    lock.acquire()
    try:
        if path.exists():
            whole, newline, rest = path.read_bytes().rpartition(b"\n")
            if rest:
                os.truncate(path, len(whole) + len(newline))
    finally:
        lock.release()
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path), lock_obj=lock)),
        study_name=search.id,
        direction="maximize" if search.config.maximised else "minimize",
        pruner=_pruner(search.config),
        load_if_exists=True,
    )


def _pruner(config: SearchConfig) -> optuna.pruners.BasePruner:
    if config.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=config.grace)
    if config.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=config.base.training.epochs)
    return optuna.pruners.NopPruner()


def sampler_of(config: SearchConfig, number: int) -> optuna.samplers.BaseSampler:
    """A trial's own sampler: what it draws depends on the seed, its number and the trials before it, and not on which
    worker draws, or on how often a search was stopped (one seed for each start would draw the same again)."""
    seed = (config.seed * 1_000_003 + number) % 2**32
    if config.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)
