"""Maps of a run's snapshots: what moves from one to the next has moved in the model, not in the picture.

The last moment is laid over the run's own map, each earlier one over the next: it starts from that one's coordinates
and is then turned, mirrored and scaled onto it (Procrustes), so that all of them share one frame.
"""

from __future__ import annotations

import logging
import time

import numpy as np

from core.files import write_json
from core.maps.anchoring import laid_over, starting_points
from core.maps.making import project_points
from core.maps.of_run import arranged
from core.maps.pca import Points
from core.metrics.faithfulness import knn_recall, trustworthiness
from core.runs import Run
from core.snapshots import MANIFEST, MAPS, Snapshot, judged_part, map_of_run, snapshots_of, step_name
from core.store import Projection
from core.studies.study import Study

log = logging.getLogger(__name__)


def project_snapshots(run: Run, study: Study) -> list[Projection]:
    """Map every snapshot of a run that has its own map; the manifest is written last. Nothing happens without any."""
    snapshots = snapshots_of(run)
    if not snapshots:
        return []
    started, frame, over = time.perf_counter(), run.projection(), "the run's map"
    folder, made = run.folder / MAPS, list[Projection]()
    (folder / MANIFEST).unlink(missing_ok=True)
    for snapshot in reversed(snapshots):
        frame = _projected(run, study, snapshot, frame, over)
        over = step_name(snapshot.step)
        frame.save(folder / over)
        made.append(frame)
    maps = [{"step": one.step, "epoch": one.epoch} for one in snapshots]
    write_json(folder / MANIFEST, {"map": map_of_run(run), "maps": maps})
    log.info("%d maps through training: %.1f s", len(made), time.perf_counter() - started)
    return made[::-1]


def _projected(run: Run, study: Study, snapshot: Snapshot, frame: Projection, over: str) -> Projection:
    ids, kinds, vectors = gathered(snapshot, study)
    start = starting_points(ids, kinds, frame)
    coordinates, parameters = project_points(vectors, run.config.projection, run.config.seed, start)
    coordinates, disparity = laid_over(ids, kinds, coordinates, frame)
    parameters |= {"epoch": snapshot.epoch, "step": snapshot.step, "laid_over": over, "disparity": disparity}
    samples = np.array(kinds) == "sample"
    return Projection(
        ids=ids,
        kinds=kinds,
        coordinates=coordinates,
        parameters={**parameters, "study": study.fingerprint},
        faithfulness={
            "trustworthiness": trustworthiness(vectors[samples], coordinates[samples]),
            "knn_recall": knn_recall(vectors[samples], coordinates[samples]),
            "neighbours": 15,
        },
    )


def gathered(snapshot: Snapshot, study: Study) -> tuple[list[str], list[str], Points]:
    """Ids, kinds and vectors (n, d) of everything on the map of a moment; a centroid without support is left out.

    Centroids are those of the judged samples among the snapshot's.
    """
    images, prompts = snapshot.embeddings("images"), snapshot.embeddings("prompts")
    return arranged(images, prompts, *judged_part(images, study))
