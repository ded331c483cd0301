"""``python -m scripts.study import nih --path DIR --name NAME``: bring radiographs into a study."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from core.studies.study import Study, load_studies
from core.studies.vocabulary import display_name
from scripts.common import main


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.study", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the studies of this workspace")
    sources = commands.add_parser("import", help="make a study").add_subparsers(dest="source", required=True)
    nih = sources.add_parser("nih", help="a folder in NIH ChestX-ray14's layout")
    nih.add_argument("--path", type=Path, required=True, help="holds Data_Entry_2017*.csv, images_*/ and the lists")
    nih.add_argument("--val-fraction", type=float, default=0.15, help="share of train_val's images for validation")
    demo = sources.add_parser("demo", help="synthetic radiographs, made on the spot")
    demo.add_argument("--images", type=int, default=1200)
    for source, name in ((nih, None), (demo, "demo")):
        source.add_argument("--name", default=name, required=name is None, help="a-z, 0-9, '.', '-', '_'")
        source.add_argument("--size", type=int, default=224, help="side of the stored pictures in pixels")
        source.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def import_study(arguments: argparse.Namespace) -> Study:
    with tqdm(unit=" radiographs", desc=arguments.name) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        if arguments.source == "nih":
            from core.studies.nih import import_nih

            return import_nih(
                arguments.path,
                arguments.name,
                size=arguments.size,
                val_fraction=arguments.val_fraction,
                seed=arguments.seed,
                progress=progress,
            )
        from core.studies.demo import DemoConfig
        from core.studies.demo.build import build_demo

        config = DemoConfig(images=arguments.images, size=arguments.size, seed=arguments.seed)
        return build_demo(config, arguments.name, progress=progress)


def describe(study: Study) -> str:
    """Counts, splits, findings and what was set aside."""
    facts, positives = study.manifest, (study.labels == 1).sum(axis=0)
    found = [f"{display_name(name)} {count}" for name, count in zip(study.findings, positives, strict=True)]
    lines = [
        f"study {study.name}: {facts['samples']} radiographs of {facts['patients']} patients, "
        f"{facts['size']} x {facts['size']} pixels{' (synthetic)' if study.synthetic else ''}",
        "splits: " + ", ".join(f"{split} {count}" for split, count in facts["splits"].items()),
        "findings: " + ", ".join(found),
        *facts["notes"],
    ]
    aside = facts["set_aside"]
    lines += (
        [f"set aside: {len(aside)}", *(f"  row {one['row']}: {one['reason']}" for one in aside[:10])] if aside else []
    )
    return "\n".join([*lines, f"folder: {study.folder}"])


def work() -> None:
    arguments = parse()
    if arguments.command == "import":
        print(describe(import_study(arguments)))
    else:
        for study in load_studies():
            print(f"{study.name:24}{len(study):>8} radiographs  {study.manifest['title']}")


if __name__ == "__main__":
    main(work)
