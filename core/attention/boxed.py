"""The pointing game over all radiographs with boxes, in the background; its result lies in the run's folder."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from core import jobs
from core.attention.looked import FORM, Looked
from core.attention.maps import Look, Saliency
from core.errors import ArtefactError, RunError, StudyError
from core.files import read_json, replacing, stamp, verify, write_json
from core.metrics.pointing import Pointed, Summary, point, summarise
from core.runs import Run, list_runs
from core.studies.study import Study
from core.work import ProgressFile, StopRequest, Work

GRACE = 5.0
"""Seconds to end in when it is asked to stop: the maps that are made are kept already."""

COLUMNS = ["x", "y", "width", "height"]
Part = Literal["test", "all"]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Boxed(Work):
    """``runs/<id>/pointing``: progress, log, ``rows.parquet``, and ``result.json``, written last."""

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(run.folder / "pointing")

    @property
    def run(self) -> Run:
        return Run(self.folder.parent)

    @property
    def id(self) -> str:
        return f"{self.run.id[:8]}/pointing"

    def start(self, part: Part | None = None) -> None:
        """Play, in the background, on the CPU; maps that are kept are not made again.

        Args:
            part: which radiographs; None: as the last time, or those that :func:`boxed_pairs` takes.

        Raises:
            RunBusy: it is at work.
            RunError: the run has no embeddings yet, or its study has no boxes.
        """
        if not self.run.has("embed"):
            raise RunError(f"Run {self.run.id[:8]} has no embeddings yet: let it finish first.")
        study = Study.load(self.run.config.study).asked_for(self.run.config.findings)
        boxed_pairs(study, part or self.part())
        self.folder.mkdir(exist_ok=True)
        self.forget_failure()
        write_json(self.folder / "asked.json", {"part": part or self.part()})
        jobs.start(self.folder, ["-m", "scripts.worker", "look", self.id], grace=GRACE)

    def part(self) -> Part:
        """Which radiographs were asked for last."""
        try:
            return "all" if read_json(self.folder / "asked.json")["part"] == "all" else "test"
        except (ArtefactError, KeyError, TypeError):
            return "test"

    def carry_out(self) -> None:
        """Do the work, in a process of its own: it listens to requests to stop.

        Raises:
            FluoroscopeError: it cannot be done, or was stopped; says why.
        """
        from core.attention.image_side import ImageSide, one_thread

        one_thread()
        stop, progress, looked = StopRequest(), ProgressFile(self.folder), Looked.of(self.run)
        with progress.stage("Loading the image tower"):
            side = ImageSide.load(self.run)
            pairs, rows = boxed_pairs(side.study, self.part())
        with progress.stage("Looking at radiographs with boxes", "maps") as tell:

            def told(done: int) -> None:
                tell(done, len(pairs))
                stop.check()

            table = _play(looked, side.study, pairs, side.look, told)
        self._keep(table, rows, looked.weights(), side.study)
        log.info("%d maps of radiographs with boxes are judged", len(table))

    def _keep(self, table: pd.DataFrame, rows: str, weights: str, study: Study) -> None:
        path = self.folder / "rows.parquet"
        with replacing(path) as stream:
            table.to_parquet(stream, index=False)
        about = {"rows": rows, "learned": weights, "form": FORM, "boxes": _boxes_hash(study), "n": len(table)}
        write_json(self.folder / "result.json", {**about, "file": stamp(path)})

    def result(self) -> Result | None:
        """What was found; None where it was never played, or the run's weights or the boxes have changed since."""
        try:
            told = read_json(self.folder / "result.json")
            made_of = (told["form"], told["learned"], told["boxes"])
            if made_of != (FORM, Looked.of(self.run).weights(), _boxes_hash(Study.load(self.run.config.study))):
                return None
            path = self.folder / "rows.parquet"
            verify(path, told["file"])
            return Result(pd.read_parquet(path), str(told["rows"]))
        except (ArtefactError, RunError, StudyError, KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class Result:
    """A pointing game that was played.

    Attributes:
        table: a row per radiograph and finding: ``id``, ``finding``, ``score``, ``scored_by``, ``method``, and the
            attributes of :class:`~core.metrics.pointing.Pointed`.
        rows: of which radiographs, in words.
    """

    table: pd.DataFrame
    rows: str

    def by_finding(self, findings: tuple[str, ...]) -> dict[str, Summary]:
        """A summary of each of these findings that has a box, in their order."""
        present = set(self.table["finding"])
        return {name: self._summary(self.table["finding"] == name) for name in findings if name in present}

    def overall(self) -> Summary:
        """Over all pairs of a radiograph and a finding."""
        return self._summary(np.ones(len(self.table), np.bool_))

    def _summary(self, chosen: Any) -> Summary:
        own = self.table.loc[chosen, ["hit", "inside", "area", "centre", "empty"]]
        return summarise([Pointed(**row) for row in own.to_dict("records")])


Boxes = np.ndarray[Any, np.dtype[np.float64]]


def boxed(study: Study, part: Part = "test") -> tuple[pd.DataFrame, str]:
    """The boxes of the study's findings in its radiographs; and of which radiographs, in words.

    Those of the test split where any of them has a box and ``part`` does not ask for all.
    """
    known = np.array([name in study.places for name in study.boxes["id"].tolist()], np.bool_)
    boxes = study.boxes[study.boxes["finding"].isin(study.findings) & known]
    split = study.samples["split"].to_numpy()
    tested = boxes[np.array([split[study.places[name]] == "test" for name in boxes["id"].tolist()], np.bool_)]
    return (boxes, "all radiographs") if part == "all" or tested.empty else (tested, "test radiographs")


def boxed_pairs(study: Study, part: Part = "test") -> tuple[list[tuple[str, str, Boxes]], str]:
    """Each radiograph with each finding that is marked in it, and its boxes (m, 4); and of which, see :func:`boxed`.

    Raises:
        RunError: no finding of this study is marked in any radiograph.
    """
    chosen, words = boxed(study, part)
    if chosen.empty:
        raise RunError(
            f"Study {study.name!r} has no boxes, so there is nothing to point at. NIH's are read at the import where "
            "BBox_List_2017.csv lies beside the table."
        )
    pairs = [
        (str(name), str(finding), own[COLUMNS].to_numpy(np.float64))
        for (name, finding), own in chosen.groupby(["id", "finding"], sort=True)
    ]
    return pairs, words


def _boxes_hash(study: Study) -> str:
    return str(study.manifest["files"]["boxes.parquet"]["sha256"])


def _play(
    looked: Looked,
    study: Study,
    pairs: list[tuple[str, str, Boxes]],
    make: Callable[[Look], Saliency],
    told: Callable[[int], None],
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for number, (sample, finding, boxes) in enumerate(pairs):
        told(number)
        look = looked.look(sample, finding=finding)
        found = looked.kept(look.name)
        if found is None:
            found = make(look)
            looked.keep(look, found)
        about = {"id": sample, "finding": finding, "score": found.score, "scored_by": found.scored_by}
        rows.append({**about, "method": found.method, **asdict(point(found.values, boxes))})
    told(len(pairs))
    return pd.DataFrame(rows)


def list_boxed() -> list[Boxed]:
    """The pointing games of this workspace that are at work or did not end well."""
    found = (Boxed.of(run) for run in list_runs(archived=None))
    return [one for one in found if (one.folder / "asked.json").is_file()]


def attention_work(name: str) -> Looked | Boxed:
    """The work of ``RUN/attention`` or ``RUN/pointing``.

    Raises:
        RunError: there is no such run.
    """
    run, _, kind = name.partition("/")
    found = Run.load(run)
    return Boxed.of(found) if kind == Boxed.of(found).folder.name else Looked.of(found)


def kept_map(run: Run, sample: str, finding: str, method: Any = "gradient") -> Saliency:
    """The kept map of a disease.

    Raises:
        RunError: it was not made yet; says how.
    """
    looked = Looked.of(run)
    found = looked.kept(looked.look(sample, finding=finding, method=method).name)
    if found is None:
        words = f"python -m scripts.look {run.id[:8]} --sample {shlex.quote(sample)} --finding {shlex.quote(finding)}"
        words += " --method rollout" if method == "rollout" else ""
        raise RunError(
            f"Where run {run.id[:8]} looks in radiograph {sample} was not asked yet: `{words}`, or the Attention view."
        )
    return found
