"""How the figures of a report came about, in sentences for the methods section of a paper.

Every sentence is made from what a run's folder or a study's manifest says; nothing is told that was not done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.config.run import RunConfig
from core.files import read_json
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import spoken_name

RULES = {
    "f1": "the highest F1",
    "youden": "the highest Youden index",
    "fixed": "0.5",
}

BOOTSTRAP = (
    "95 % intervals of AUROC and average precision are of a bootstrap over patients (Efron & Tibshirani, 1993), its "
    "standard deviation laid out on the scale of the logit"
)

OF_FIGURES = {
    "ablation": "Configurations were compared over seeds; the differences to the baseline carry paired bootstrap "
    "intervals over test patients with Holm's correction (Holm, 1979).",
    "auroc-difference": "AUROCs of models were compared by DeLong's test (DeLong et al., Biometrics 1988) with "
    "patients as clusters (Obuchowski, Biometrics 1997) and Holm's correction over diseases; their means by a paired "
    "bootstrap over patients.",
    "calibration": "Calibration curves have equal bins with Wilson's intervals (Wilson, 1927).",
    "precision-recall": "Bands of curves are pointwise: vertical averages (Fawcett, 2006) over resampled patients.",
    "roc": "Bands of curves are pointwise: vertical averages (Fawcett, 2006) over resampled patients.",
    "subgroups": "Gaps of the true-positive rate follow CheXclusion (Seyyed-Kalantari et al., PSB 2021): minus the "
    "other subgroup's rate, or the median of all; intervals are of a Bayesian bootstrap over patients (Rubin, 1981).",
    "cones": "Cosines of random pairs within and across modalities show the cone effect (Liang et al., NeurIPS 2022).",
    "gap-findings": "The modality gap is the distance of the mean image to the mean text on the unit sphere (Liang et "
    "al., NeurIPS 2022), for each disease beside the gap that as many random pairs would show.",
    "gap-map": "Images and texts are drawn along the vector that joins their means and the first principal component "
    "across it (Liang et al., NeurIPS 2022).",
    "shift": "Images and texts were moved along the gap vector and normalised again; loss, recall and zero-shot AUROC "
    "were measured anew at each step (Liang et al., NeurIPS 2022).",
    "similarity": "Similarity is the cosine of unit vectors; disease centroids are normalised means of test images.",
    "space": "Radiographs, prompts and centroids were mapped together by the method named with the model; maps of "
    "several models are laid over each other by orthogonal Procrustes alignment.",
    "zero-shot": "Zero-shot scores are the cosine to the positive prompt ensemble (POS) or a softmax over the positive "
    "and the negative one (PNC; Tiu et al., Nature Biomedical Engineering 2022).",
    "selection": "Prevalences were compared by Newcombe's interval (Newcombe, 1998) and Fisher's exact test with "
    "Holm's correction.",
    "combinations": "Combinations are drawn as an UpSet plot (Lex et al., IEEE TVCG 2014).",
}
"""What a figure rests on, beside what is said of all."""


def methods(runs: Sequence[Run], studies: Sequence[Study], figures: Iterable[str]) -> str:
    """The paragraphs, as Markdown.

    Args:
        runs: all that the figures are of.
        studies: all that these are of, and others that are drawn.
        figures: names of the figures.
    """
    parts = [*(of_study(one) for one in studies), *(of_run(run) for run in runs)]
    if any(run.has("evaluate") for run in runs):
        parts.append(judgement(runs))
    parts += list(dict.fromkeys(OF_FIGURES[name] for name in figures if name in OF_FIGURES))
    return "\n\n".join(parts) + "\n"


def of_study(study: Study) -> str:
    """Whose radiographs, how many, and how they were split."""
    facts = study.manifest
    splits = ", ".join(f"{count:,} for {name}" for name, count in facts["splits"].items() if count)
    said = (
        f"Study {study.name} ({facts['title']}) holds {facts['samples']:,} radiographs of {facts['patients']:,} "
        f"patients, {len(study.findings)} findings{' and texts' if study.has_text else ''}, as {facts['size']} x "
        f"{facts['size']} pixels ({facts['fit']}). They were split by patient: {splits}."
    )
    if study.synthetic:
        said += " Its radiographs are synthetic: nothing here says anything about clinical performance."
    if aside := sum(facts["set_aside"].values()):
        said += f" {aside:,} rows of the source were set aside."
    return f"{said} (Fingerprint {study.fingerprint}, split {study.split_hash}.)"


def of_run(run: Run) -> str:
    """Towers, head, losses, training."""
    config = run.config
    towers = config.encoder
    said = [
        f"Model {run.title} ({run.id[:8]}) uses the towers of {towers.key} ({_names(config)}) with {_head(config)}.",
        _training(config),
        f"Prompts: {'; '.join(config.prompts.positive)} (negative: {'; '.join(config.prompts.negative)}).",
    ]
    if run.has("project"):
        said.append(_map(run))
    return " ".join(said)


def _names(config: RunConfig) -> str:
    """The towers by name; one name where both come from one place."""
    image, text = config.encoder.image.name, config.encoder.text.name
    return image if image == text else f"image: {image}, text: {text}"


def _head(config: RunConfig) -> str:
    head = config.head
    if head.kind == "none":
        return "no head"
    return f"a head of the kind {head.kind} of width {head.width}"


def _training(config: RunConfig) -> str:
    if not config.losses:
        return "It was not trained on the study."
    how, weights = config.training, config.objective.weights
    losses = ", ".join(f"{name.replace('_', ' ')} (weight {weights[name]:g})" for name in config.losses)
    learned = [
        f"{side} tower: {kind.replace('-', ' ')}"
        for side, kind in (("image", config.tuning.image), ("text", config.tuning.text))
        if kind != "nothing"
    ]
    towers = f"; of the towers learned {', '.join(learned)}" if learned else "; the towers were frozen"
    return (
        f"It was trained for {how.epochs} epochs in batches of {how.batch_size} by {how.optimiser} (learning rate "
        f"{how.learning_rate:g}, weight decay {how.weight_decay:g}, warm-up {how.warmup:.0%}, gradient norm clipped at "
        f"{how.clip_norm:g}) with the losses {losses}, balanced: {config.objective.balancing}{towers}. Random seed "
        f"{config.seed}; kept were the {'weights of the best validation epoch' if how.keep == 'best' else 'last ones'}."
    ).replace("%", " %")


def _map(run: Run) -> str:
    made, config = run.projection().parameters, run.config.projection
    named = {"umap": "UMAP (McInnes et al., 2018)", "tsne": "t-SNE (van der Maaten & Hinton, 2008)"}
    method = named.get(config.method, "principal components")
    told = ""
    if config.method == "umap":
        told = f" with {config.neighbours} neighbours, minimum distance {config.min_dist:g}, {config.epochs} epochs"
    engine = f", engine {made['engine']}" if made.get("engine") else ""
    return f"Its map was made by {method}{told}, random state {run.config.seed}{engine}."


def judgement(runs: Sequence[Run]) -> str:
    """Thresholds, intervals, what is left out."""
    rules = dict.fromkeys(RULES.get(run.config.evaluation.threshold_rule, "the rule named there") for run in runs)
    replicates = sorted({run.config.evaluation.replicates for run in runs})
    findings = {name for run in runs for name in _unjudged(run)}
    said = (
        f"Models were judged on the test split. Thresholds were chosen on the validation split ({', '.join(rules)}). "
        f"{BOOTSTRAP}, {' or '.join(map(str, replicates))} replicates. Unknown labels were left out of every number."
    )
    if findings:
        named = ", ".join(sorted(spoken_name(name) for name in findings))
        said += f" No AUROC is defined for {named}: one class alone in test."
    return said


def _unjudged(run: Run) -> list[str]:
    report = run.evaluation()["test"] if run.has("evaluate") else None
    return [row["finding"] for row in (report or {"findings": []})["findings"] if row["auroc"]["value"] is None]


def versions(runs: Sequence[Run]) -> dict[str, object]:
    """What made the runs, and what drew the figures."""
    import platform
    from importlib import metadata

    here = {name: metadata.version(name) for name in ("plotly", "kaleido", "numpy", "pandas", "scikit-learn")}
    made = {run.id: read_json(run.folder / "config.json")["provenance"] for run in runs}
    return {"drawn_with": {"python": platform.python_version(), **here}, "runs": made}
