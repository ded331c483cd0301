"""A model folder as what is judged: chosen below the configured roots, its card shown letter by letter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from core.cards.keeping import is_kept, is_model, keeping, source_of
from core.cards.origins import origins_in, words
from core.cards.reading import Model
from core.config.encoders import EncoderConfig, resolve_encoder
from core.config.run import RunConfig
from core.demands import with_model
from core.errors import ArtefactError
from core.roots import allowed_folder, data_roots
from dashboard import cached, selection
from dashboard.widgets import plain

FOLDER = "judge-folder"


def choose_model() -> Model | None:
    """A model folder, checked; None where there is none.

    Raises:
        FluoroscopeError: it is not allowed, or not of our form; says why.
    """
    roots = data_roots()
    found = {str(path): path for root in roots for path in cached.model_folders(root)}
    if not found:
        st.info(
            f"The page reads model folders below {plain(', '.join(map(str, roots)))}, where there is none. Put one "
            "there, or on the command line: `python -m scripts.embed FOLDER --study NAME`.",
            icon=":material/folder_open:",
        )
        return None
    place = st.selectbox("Model folder", list(found), format_func=lambda path: _short(path, roots), key=FOLDER)
    return cached.model(allowed_folder(place))


def _short(path: str, roots: list[Path]) -> str:
    own = next(root for root in roots if Path(path).is_relative_to(root))
    return f"{own.name}/{Path(path).relative_to(own)}"


def settings_with(model: Model, study: str) -> RunConfig | None:
    """The settings of a run of this model on a study; None where its towers have to be named first."""
    st.caption(plain(words(origins_in(model))))
    st.caption(
        "Thresholds are chosen anew on the study's validation split; without one, those of the card are used, and the "
        "evaluation says so."
    )
    with st.expander("Its card, as whoever made it wrote it"):
        st.code(model.card(), language=None, wrap_lines=True, height=420)
    encoder: EncoderConfig | None = None
    if model.lacks_towers:
        key = st.text_input(
            "Its towers came from a folder elsewhere: which are they here?",
            key=f"judge-towers-{model.digest[:8]}",
            help="a folder, or IMAGE+TEXT, as for a new run; their hashes are compared with the model's",
        ).strip()
        if not key:
            return None
        encoder = resolve_encoder(key)
    return with_model(model, study, encoder)


@contextmanager
def brought(config: RunConfig) -> Iterator[None]:
    """Around the making of a run: a model folder that it is of is copied into the workspace, unless it is there.

    Raises:
        FluoroscopeError: it cannot be used, or is another one than when the page was drawn; nothing is kept then.
    """
    if not is_model(config.start_from) or is_kept(config.start_from):
        yield
        return
    with keeping(allowed_folder(selection.typed(FOLDER))) as model:
        if source_of(model) != config.start_from:
            raise ArtefactError("The model folder changed since this page was drawn: look at its card again.")
        yield
