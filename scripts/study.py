"""``python -m scripts.study import nih --path DIR --name NAME``: bring radiographs into a study."""

from __future__ import annotations

import argparse
import sys

import tyro

from core.config.importing import SOURCES, ImportConfig
from core.errors import ConfigError, StudyError
from core.roots import refuse_system_folder
from core.studies.imports import Import
from core.studies.study import broken_studies, load_studies
from scripts.common import main
from scripts.following import follow_import
from scripts.tables import describe

EXAMPLE = "examples: import nih --path DIR --name NAME; import demo; import table --help; check NAME"


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="python -m scripts.study", description=__doc__, epilog=EXAMPLE)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the studies of this workspace")
    bring = commands.add_parser("import", help="make a study", add_help=False)
    bring.add_argument("source", choices=sorted(SOURCES))
    check = commands.add_parser(
        "check",
        help="verify a study's files, pixels, fingerprint and splits; what is damaged is made again by the next import",
    )
    check.add_argument("name")
    find = commands.add_parser("find", help="which file a salted id of a study stands for")
    find.add_argument("name")
    find.add_argument("id", nargs="+")
    find.add_argument("--path", required=True, help="the folder that the study was imported from")
    find.add_argument("--table", default="", help="its table, where it holds several")
    drop = commands.add_parser("discard", help="forget an unfinished import and what it has decoded")
    drop.add_argument("name")
    if arguments[:1] == ["import"] and {"-h", "--help"} & set(arguments[1:2]):
        print("usage: python -m scripts.study import SOURCE [--help]\n")
        print("\n".join(f"  {source:10} {what}" for source, what in SOURCES.items()))
        sys.exit(0)
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.command != "import":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return chosen, rest


def import_study(source: str, rest: list[str]) -> None:
    """Start the import's process, follow it, say what came out."""
    # tyro needs a valid default to start from; path and name are asked for below
    default = ImportConfig.from_json({"source": source, "path": "?", "name": "?"})
    config = tyro.cli(ImportConfig, default=default, args=rest, prog=f"python -m scripts.study import {source}")
    if config.name == "?":
        config = config.replace(name="demo" if source == "demo" else "")
    if config.source != source:
        raise ConfigError(f"The source is {source!r}, and --source says {config.source!r}: give it once.")
    if source != "demo":
        if config.path == "?" or not config.name:
            raise ConfigError(f"Source {source!r} needs --path DIR (its folder) and --name NAME (of the new study).")
        refuse_system_folder(config.path)
    print(describe(follow_import(config)))


def check(name: str) -> None:
    from core.studies.checking import verify_study

    report = verify_study(name)
    print("\n".join(report.lines))
    if not report.sound:
        raise StudyError(f"Study {name!r} is not sound: import it again.")


def work() -> None:
    chosen, rest = parse(sys.argv[1:])
    if chosen.command == "import":
        import_study(chosen.source, rest)
    elif chosen.command == "check":
        check(chosen.name)
    elif chosen.command == "find":
        from core.studies.checking import find_files

        config = Import.load(chosen.name).config  # it has forgotten the folder and the table
        config = config.replace(path=chosen.path, mapping=config.mapping.replace(table=chosen.table))
        for salted_id, file in find_files(config, chosen.id).items():
            print(f"{salted_id}  {file or 'not among the files of this import'}")
    elif chosen.command == "discard":
        Import.load(chosen.name).discard()
        print(f"Import of {chosen.name!r} forgotten; a finished study stays.")
    else:
        for study in load_studies():
            print(f"{study.name:24}{len(study):>8} radiographs  {study.manifest['title']}")
        for reason in broken_studies().values():
            print(reason, file=sys.stderr)


if __name__ == "__main__":
    main(work)
