"""Encoder + Study -> EmbeddingSets and predictions of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.batches import zero_shot_probabilities
from core.config.run import PromptConfig
from core.encoders import TextEncoder
from core.errors import ConfigError
from core.features import text_features
from core.feeds import ensemble
from core.files import replacing, stamp, write_json
from core.heads import Head
from core.store import EmbeddingSet
from core.studies.captions import captions
from core.studies.study import Progress, Study
from core.studies.vocabulary import spoken_name

BATCH = 256


@dataclass(frozen=True, kw_only=True)
class PromptFeatures:
    """What the text tower makes of the prompts.

    Attributes:
        positive, negative: template ensembles: unit vectors per template, averaged, then normalised; (K, text_width).
        templates: (T, K, text_width), rows of norm 1: each positive template by itself.
    """

    positive: Tensor
    negative: Tensor
    templates: Tensor


def prompt_texts(templates: Sequence[str], findings: Sequence[str]) -> list[list[str]]:
    """For each finding, in order, its prompts.

    Raises:
        ConfigError: a template without ``{finding}``, or no template at all.
    """
    if not templates or any("{finding}" not in template for template in templates):
        raise ConfigError(f"Every prompt template needs {{finding}} in it; got {list(templates)}.")
    return [[template.replace("{finding}", spoken_name(name)) for template in templates] for name in findings]


def prompt_features(
    encoder: TextEncoder, config: PromptConfig, findings: Sequence[str], *, fresh: bool = False
) -> PromptFeatures:
    """Features of the positive and negative prompts of each finding, in order.

    ``fresh``: made now, and not kept on disk, because the text tower has learned since its weights were last hashed.

    Raises:
        ConfigError: see :func:`prompt_texts`.
    """

    def of(templates: Sequence[str]) -> Tensor:
        texts = [text for own in prompt_texts(templates, findings) for text in own]
        made = encoder.embed_texts(texts) if fresh else text_features(encoder, texts)
        vectors = torch.from_numpy(made).to(encoder.device)
        return vectors.unflatten(0, (len(findings), len(templates)))

    positive = of(config.positive)
    return PromptFeatures(
        positive=ensemble(positive),
        negative=ensemble(of(config.negative)),
        templates=F.normalize(positive, dim=-1).transpose(0, 1),
    )


@dataclass(frozen=True, kw_only=True)
class Captions:
    """The distinct texts of a study, and whose text is which, (N,) integers; -1: none."""

    distinct: list[str]
    of_sample: Tensor


def distinct_captions(study: Study, device: torch.device) -> Captions:
    """Each text once: it needs to be embedded only once."""
    codes, distinct = pd.factorize(np.array(list(captions(study)), dtype=object))  # None becomes -1
    return Captions(distinct=[str(text) for text in distinct], of_sample=torch.from_numpy(codes).to(device))


def caption_features(encoder: TextEncoder, texts: Captions) -> Tensor:
    """(c, text_width) of the distinct texts."""
    return torch.from_numpy(text_features(encoder, texts.distinct)).to(encoder.device)


@dataclass(frozen=True, kw_only=True)
class Features:
    """What towers make of a whole study.

    Attributes:
        images: (N, image_width).
        prompts: of the findings.
        captions: (c, text_width) of the distinct texts.
    """

    images: NDArray[np.float32]
    prompts: PromptFeatures
    captions: Tensor


@torch.no_grad()
def embed(
    head: Head,
    study: Study,
    features: Features,
    texts: Captions,
    folder: Path,
    *,
    frozen_prompts: Tensor,
    made_by: dict[str, object],
    progress: Progress | None = None,
) -> None:
    """Write ``images``, ``texts``, ``prompts``, ``negatives``, ``prompts-frozen``, ``templates`` and ``predictions``.

    Args:
        head: in any mode; it is switched to evaluation.
        study, features: the samples and what the towers make of them.
        texts: from :func:`distinct_captions`.
        folder: where to; ``embeddings.json`` is written last.
        frozen_prompts: (K, text_width) of the text tower as it was loaded.
        made_by: what goes into every manifest.
        progress: called with (done, total).
    """
    head.eval()
    prompts = features.prompts
    positive, negative = head.prompts(prompts.positive), head.prompts(prompts.negative)
    parts, probabilities = [], []
    for start in range(0, len(study), BATCH):
        output = head.images(torch.from_numpy(features.images[start : start + BATCH]).to(positive.device))
        parts.append(output.embedding.float().cpu())
        if output.logits is not None:
            probabilities.append(output.logits.float().sigmoid().cpu())
        else:
            found = zero_shot_probabilities(output.embedding, positive, negative, head.scale)
            probabilities.append(found.float().cpu())
        if progress:
            progress(min(start + BATCH, len(study)), len(study))
    images, ids = unit(torch.cat(parts)), study.samples["id"].to_numpy()
    named = {
        "images": EmbeddingSet(ids=ids.tolist(), vectors=images, modality="image", made_by=made_by),
        "texts": paired_texts(head, ids, study.labels, positive, features.captions, texts.of_sample, made_by),
        "prompts": of_findings(study, positive, made_by),
        "negatives": of_findings(study, negative, made_by),
        "prompts-frozen": of_findings(study, frozen_prompts, made_by),
        "templates": _of_templates(study, [head.prompts(own) for own in prompts.templates], made_by),
    }
    for name, embeddings in named.items():
        embeddings.save(folder / name)
    cosines = images @ named["prompts"].vectors.T
    _write_predictions(folder, study, torch.cat(probabilities).numpy(), cosines)
    own_text = "own text" if head.caption_branch and study.has_text else "made from the findings"
    by = "classifier" if head.classifier else "zero-shot, positive against negative prompt"
    sources = {
        "probabilities": by if study.findings else None,
        "texts": own_text if len(named["texts"].ids) else None,
        "scale": head.scale.item(),
        "files": {"predictions.parquet": stamp(folder / "predictions.parquet")},
    }
    write_json(folder / "embeddings.json", {**made_by, **sources, "sets": sorted(named)})


def unit(vectors: Tensor) -> NDArray[np.float32]:
    """Rows of norm 1 to float32 rounding (mixed precision leaves them a little off)."""
    return F.normalize(vectors.float().cpu(), dim=-1).numpy()


def of_findings(study: Study, vectors: Tensor, made_by: dict[str, object]) -> EmbeddingSet:
    """Prompts (K, d), named by the findings."""
    return EmbeddingSet(ids=list(study.findings), vectors=unit(vectors), modality="prompt", made_by=made_by)


def _of_templates(study: Study, vectors: Sequence[Tensor], made_by: dict[str, object]) -> EmbeddingSet:
    """Each template by itself: ids ``0:Mass``, ``0:Nodule``, ..., ``1:Mass``, ..."""
    ids = [f"{number}:{name}" for number in range(len(vectors)) for name in study.findings]
    return EmbeddingSet(ids=ids, vectors=unit(torch.cat(list(vectors))), modality="prompt", made_by=made_by)


def paired_texts(
    head: Head,
    ids: NDArray[np.object_],
    labels: NDArray[np.float32],
    prompts: Tensor,
    texts: Tensor,
    of_sample: Tensor,
    made_by: dict[str, object],
) -> EmbeddingSet:
    """The text of each sample in the model's space.

    Args:
        head: in evaluation mode.
        ids, labels: (n,) and (n, K) of the samples.
        prompts: (K, d) in the model's space.
        texts: (c, text_width) of the distinct texts.
        of_sample: (n,) integers, whose text is which; -1: none.
        made_by: what goes into the manifest.

    A head that knows only its K prompts gives the sum of the prompts of the findings that are present; samples
    without a finding then have no text. Samples without a text are left out.
    """
    if head.caption_branch:
        written = of_sample >= 0
        vectors, rows = head.texts(texts)[of_sample[written]], np.flatnonzero(written.cpu().numpy())
    else:
        known = torch.tensor(labels).nan_to_num().to(prompts.device)
        rows = np.flatnonzero((known.sum(1) > 0).cpu().numpy())
        vectors = known[rows] @ prompts
    return EmbeddingSet(ids=ids[rows].tolist(), vectors=unit(vectors), modality="text", made_by=made_by)


def _write_predictions(
    folder: Path, study: Study, probabilities: NDArray[np.float32], cosines: NDArray[np.float32]
) -> None:
    table = study.samples[["id", "split"]].copy()
    for column, name in enumerate(study.findings):
        table[f"probability:{name}"] = probabilities[:, column]
        table[f"cosine:{name}"] = cosines[:, column]
    with replacing(folder / "predictions.parquet") as stream:
        table.to_parquet(stream, index=False)
