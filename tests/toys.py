"""``python -m tests.toys NAME N``: a real worker of a search whose runs are toys, so that many fit into a test.

A toy run is a process of its own, as a real one is, with the same files; only what happens in an epoch is a formula:
its AUROC is the better the nearer the learning rate lies to 0.001. It listens to a request to stop, goes on where it
was, and fails above a learning rate of 0.5.
"""

from __future__ import annotations

import sys
from pathlib import Path

from core import jobs
from core.config.presets import preset
from core.config.run import RunConfig
from core.config.search import SearchConfig
from core.config.space import Dimension
from core.runs import MANIFESTS, Run
from core.searches import SearchWorker

RUN = f"""
import json, math, pathlib, signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
folder, stage = pathlib.Path(sys.argv[1]), sys.argv[2]
training = json.loads((folder / "config.json").read_text())["config"]["training"]
rate, epochs = training["learning_rate"], training["epochs"]
path = folder / "metrics.jsonl"
done = len(path.read_text().splitlines()) if path.exists() else 0
if rate > 0.5:
    (folder / "failure.json").write_text(json.dumps({{"message": "The loss became nan at step 1."}}))
    sys.exit(1)
for epoch in range(done + 1, epochs + 1):
    time.sleep(training["checkpoint_every"])
    value = 0.9 - 0.1 * abs(math.log10(rate) + 3) + 0.001 * epoch
    with path.open("a") as stream:
        stream.write(json.dumps({{"step": epoch, "epoch": float(epoch), "validation": {{"auroc": value}}}}) + "\\n")
    if asked:
        sys.exit(85)
for name, file in {MANIFESTS!r}.items():
    if stage in ("None", name):
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text("{{}}")
"""


def toy_base(*, epochs: int = 3, seconds: float = 0.02) -> RunConfig:
    """Settings whose epochs take so many seconds (toys save at every epoch, so that setting is free)."""
    base = preset("linear", study="tiny", encoder="lite")
    return base.replace(training=base.training.replace(epochs=epochs, checkpoint_every=seconds))


def toy_search(name: str = "toys", *, base: RunConfig | None = None, high: float = 0.1, **more: object) -> SearchConfig:
    """A search over the learning rate, from 0.00001 up."""
    space = (Dimension(path="training.learning_rate", kind="log", low=1e-5, high=high),)
    return SearchConfig.from_json(
        {
            "name": name,
            "base": (base or toy_base()).to_json(),
            "space": [one.to_json() for one in space],
            "pruner": "none",
            **more,
        }
    )


def start_toy(run: Run, stage: str | None = None) -> None:
    """In the place of :meth:`Run.start`."""
    jobs.start(run.folder, ["-c", RUN, str(run.folder), str(stage)])


def start_worker(worker: SearchWorker) -> None:
    """In the place of :meth:`SearchWorker.start`."""
    jobs.start(worker.folder, ["-m", "tests.toys", str(worker.folder)])


if __name__ == "__main__":
    from core.searching.worker import Searcher
    from scripts.common import main, reporting, set_up_log

    Run.start = start_toy  # type: ignore[method-assign]
    set_up_log()
    own = SearchWorker(Path(sys.argv[1]))
    main(lambda: reporting(own, lambda: Searcher(own).work()))
