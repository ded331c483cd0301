"""Imported sets of embeddings: chosen, described, brought in, and trained on."""

from __future__ import annotations

import typing
from pathlib import Path

import streamlit as st

from core.config.vectors import OrthogonaliseConfig, VectorImportConfig
from core.errors import InputError
from core.imported import ImportedSet, set_names
from core.metrics.similarity import uniformity
from core.pictures import similarity as pictures
from core.recipes.similarity import OrthogonalLoss
from core.roots import allowed_folder, data_roots
from core.studies.vocabulary import VOCABULARIES
from core.vectors.making import Making, Settings, list_makings
from dashboard import cached, selection, status
from dashboard.showing import present
from dashboard.widgets import form, guarded, plain

OWN, BESIDE = "the file's own", "a file beside it"


def pick_sets(*, most: int, start: int) -> list[ImportedSet]:
    """Up to ``most`` imported sets, chosen by the user; the ``start`` newest where nothing was chosen."""
    names = set_names()
    if not names:
        return []
    chosen = selection.several(
        "Imported embeddings",
        names,
        name="sets",
        always_in_url=True,
        default=names[:start][::-1],
        max_selections=most,
        help="Vectors from files, and what the orthogonal module made of them.",
    )
    found = [cached.imported(name) for name in chosen]
    for one in found:
        if len(one.labels) > pictures.MOST:
            st.warning(
                f"{plain(one.name)} has {len(one.labels):,} vectors; a heatmap shows up to {pictures.MOST}. Import the "
                "ones that you want to compare as a set of their own."
            )
    return [one for one in found if len(one.labels) <= pictures.MOST]


def origin(one: ImportedSet) -> str:
    """Where a set comes from and what was changed, in a line."""
    made, vectors = one.manifest["origin"], one.embedding.vectors
    if made["kind"] == "file":
        told = f"Imported from a {made['format']} file"
    else:
        settings = made["settings"]
        told = f"The orthogonal module trained on {made['source']} ({settings['form']}, {settings['steps']} steps, "
        told += f"seed {settings['seed']})"
    told += f"; {len(vectors)} vectors in {vectors.shape[1]} dimensions"
    if len(vectors) > 1:
        told += f", uniformity {uniformity(vectors):.3f}"
    return " ".join([f"{told}.", *one.manifest["notices"]])


def curves(sets: list[ImportedSet]) -> None:
    """How the loss fell in those that were trained."""
    trained = [one for one in sets if one.manifest["origin"]["kind"] != "file"]
    if not trained:
        return
    st.subheader("How it was trained", anchor=False)
    for column, one in zip(st.columns(len(trained)), trained, strict=True):
        with column:
            st.caption(plain(one.name))
            present(OrthogonalLoss(set=one.name), key=f"training-{one.name}", help=_reading(one))


def _reading(one: ImportedSet) -> str:
    made = one.manifest["origin"]
    lowest = "0, which this axis cannot show" if made["floor"] == 0 else "the lower line"
    return f"Chance: directions drawn at random. The least it can reach: {lowest}."


def more_sets(most: int, *, expanded: bool = False) -> None:
    """Bring in another file, train the module on a set, and watch what is under way."""
    title = "Import embeddings, or train the orthogonal module on them"
    with st.expander(title, icon=":material/add:", expanded=expanded):
        left, right = st.columns(2, gap="large")
        with left:
            guarded(_import)
        with right:
            guarded(_train)
    if makings := list_makings():
        _under_way([job.id for job in makings], most)


def _import() -> None:
    st.markdown("**Import from a file**")
    files = {str(path): path for root in data_roots() for path in cached.embedding_files(root)}
    if not files:
        st.caption(
            f"The page reads files below {plain(', '.join(map(str, data_roots())))}, where there is none of "
            "embeddings. On the command line: `python -m scripts.embeddings import FILE --name NAME`."
        )
        return
    path = files[st.selectbox("File", list(files), format_func=_short, key="embeddings-file")]
    beside = [one for one in files_of_labels(path) if one != path]
    choices = [OWN, *VOCABULARIES, *([BESIDE] if beside else [])]
    labels = st.selectbox("Labels", choices, key=f"embeddings-labels-{path}")
    if labels == BESIDE:
        labels = str(st.selectbox("File of labels", beside, format_func=lambda one: one.name, key="embeddings-names"))
    default = VectorImportConfig(path=str(path), name=_slug(path.stem), labels="" if labels == OWN else labels)
    shown = default
    for main in (True, False):
        shown = typing.cast(
            VectorImportConfig, form(shown, key=f"embeddings-{path}-{main}", main=main, but=("path", "labels"))
        )
    _button("Import", shown)


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-2:])


def files_of_labels(path: Path) -> list[Path]:
    """Texts and JSON files in the folder of a file, which must lie below the configured roots.

    Raises:
        StudyError: it does not.
    """
    folder = allowed_folder(str(path.parent))
    return sorted(one for one in folder.iterdir() if one.suffix.lower() in (".txt", ".json") and one.is_file())


def _train() -> None:
    st.markdown("**Train the orthogonal module**")
    names = set_names()
    if not names:
        st.caption("It starts from an imported set, of which there is none yet.")
        return
    source = st.selectbox("Vectors of", names, key="orthogonalise-source")
    default = OrthogonaliseConfig(source=source, name=_slug(f"{source}-orthogonal"))
    shown = form(default, key=f"orthogonalise-{source}", main=True, but=("source",))
    with st.popover("More settings"):
        shown = form(shown, key=f"orthogonalise-more-{source}", main=False, but=("source",))
    _button("Train", typing.cast(OrthogonaliseConfig, shown))


def _button(word: str, settings: Settings) -> None:
    if not st.button(word, key=f"make-{word}", type="primary"):
        return
    if isinstance(settings, VectorImportConfig):
        _refuse_outside(settings)
    Making.begin(settings)
    st.toast(f"{settings.name}: it goes on when this page is closed.")
    st.rerun()


def _refuse_outside(settings: VectorImportConfig) -> None:
    """The page reads below the configured roots alone; a link in there may lead elsewhere."""
    for path in (settings.path, settings.labels):
        if Path(path).suffix and not any(Path(path).resolve().is_relative_to(root) for root in data_roots()):
            raise InputError("This file lies outside the configured roots; put a copy of it there.")


def _slug(name: str) -> str:
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in kept.split("-") if part)[:64].strip("-") or "embeddings"


@st.fragment(run_every=1.0)
def _under_way(listed: list[str], most: int) -> None:
    """What is being made, live; when one of the ``listed`` is finished, the page is drawn anew with it, if it fits."""
    found = list_makings()
    if len(found) < len(listed):
        shown = [*selection.values_of("sets"), *(name for name in listed if name in set_names())]
        if len(shown) + len(selection.values_of("runs")) <= most:
            selection.put("sets", shown)
        st.rerun()
    for job in found:
        guarded(lambda job=job: status.making_card(job))  # type: ignore[misc]
