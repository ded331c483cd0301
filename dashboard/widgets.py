"""Pieces that several views share: the run picker, figures with their export menu, forms, guards."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args, get_origin

import numpy as np
import streamlit as st

from core.config.base import Config, hints_of, settings_of
from core.errors import ConfigError, FluoroscopeError, InputError, RunError
from core.figures.theme import DARK, LIGHT, Theme, with_palette
from core.runs import Run, common_study, list_runs
from core.studies.study import Study, broken_studies
from core.studies.vocabulary import display_name
from dashboard import cached, selection


def frame() -> None:
    """What the browser shows around all views."""
    st.set_page_config(
        page_title="Fluoroscope",
        page_icon="🩻",
        layout="wide",
        menu_items={
            "About": "Fluoroscope: the embedding space of radiograph-text models. Research use, not for diagnosis."
        },
    )


def refuse_open_network() -> None:
    """There is no login: on an address that others can reach the app shows nothing."""
    address = st.get_option("server.address")
    try:
        local = address == "localhost" or ipaddress.ip_address(str(address)).is_loopback
    except ValueError:
        local = False
    if not local:
        st.error(
            f"Fluoroscope is bound to {address or 'every address of this machine'}, where others could read "
            "the studies: it has no login. Start it on 127.0.0.1 (`make run`, or `streamlit run dashboard/app.py "
            "--server.address 127.0.0.1`) and reach it from elsewhere through `ssh -L 8501:127.0.0.1:8501 HOST`."
        )
        st.stop()


def guarded(draw: Callable[[], None]) -> None:
    """Draw a page; an error of ours is shown as what it is, a sentence that says what to do."""
    try:
        draw()
    except FluoroscopeError as error:
        st.error(plain(str(error)))


def warn_of_broken() -> None:
    """Studies that cannot be opened, and why."""
    for reason in broken_studies().values():
        st.warning(plain(reason))


def theme() -> Theme:
    """The figure theme that fits the page, with the user's own palette if there is one (``palette`` of the URL)."""
    base = DARK if st.context.theme.type == "dark" else LIGHT
    colours = selection.values_of("palette")
    try:
        return with_palette(base, colours) if colours else base
    except InputError:
        return base  # an old link; where the palette is chosen, the page says what is wrong with it


def plain(text: str) -> str:
    """User text as Markdown that shows it letter by letter: nothing becomes a link, an image, markup or a formula."""
    escaped = "".join(f"\\{letter}" if letter in r"\`*_{}[]()#+-.!|<>~$:&" else letter for letter in text)
    return escaped.replace("\n", "  \n")  # two blanks: the line ends here in Markdown, too


def header(title: str, question: str) -> None:
    """A view's title and the question that it answers."""
    st.title(title, anchor=False)
    st.caption(question)


def pick_runs(stage: str, *, most: int, needed: bool = True, start: int = 2) -> list[Run]:
    """Up to ``most`` runs that have finished a stage, chosen by the user; ``start`` of them where nothing was chosen.

    Where there is none the page stops, unless none is ``needed``.
    """
    runs = {run.id: run for run in list_runs() if run.has(stage)}
    if not runs and not needed:
        return []
    if not runs:
        st.info(
            f"No run has finished its {stage} stage yet. Start one in the Train view; its pictures appear here when "
            "it is done.",
            icon=":material/hourglass_empty:",
        )
        st.page_link("views/train.py", label="Go to Train", icon=":material/play_circle:")
        st.stop()
    newest = next(iter(runs.values()))
    same = [run_id for run_id, run in runs.items() if run.config.study == newest.config.study]
    chosen = selection.several(
        "Runs" if most > 1 else "Run",
        list(runs),
        name="runs",
        always_in_url=True,
        default=same[: min(start, most)],
        format_func=lambda run_id: label(runs[run_id]),
        max_selections=most,
        help=f"Up to {most} side by side. The first one is the reference.",
    )
    if not chosen and needed:
        st.info("Choose at least one run.")
        st.stop()
    return [runs[run_id] for run_id in chosen]


def label(run: Run) -> str:
    """A run in lists and titles: its title, its study, the beginning of its id."""
    return f"{run.title} · {run.config.study} · {run.id[:4]}"


def study_of(runs: Sequence[Run]) -> Study:
    """The study of all these runs; stops the page where they differ, because nothing could be compared."""
    try:
        study = cached.study(*common_study(runs))
    except RunError as error:
        st.warning(plain(str(error)))
        st.stop()
    for run in runs:
        run.check_is_of(study)
    if study.synthetic:
        st.caption(f"Study `{study.name}` :orange-badge[synthetic]: its radiographs are of nobody.")
    return study


def findings_of(study: Study, row: int) -> str:
    """The findings that are present in one radiograph, as Markdown that shows them letter by letter.

    "No finding" only where all are known to be absent.
    """
    labels = study.labels[row]
    if names := [display_name(name) for name, value in zip(study.findings, labels, strict=True) if value == 1]:
        return plain(", ".join(names))
    if not len(labels) or np.isnan(labels).all():
        return "Findings unknown"
    return "None known" if np.isnan(labels).any() else "No finding"


def form(
    default: Config,
    *,
    key: str,
    main: bool,
    but: Sequence[str] = ("study", "preset", "label", "encoder", "augmentation", "start_from", "findings"),
    titles: str = "{}",
) -> Config:
    """Widgets for the main (or all other) settings of a config, nested ones too, without those named in ``but``.

    ``titles`` holds the title of a setting where its name alone does not say whose it is.

    Raises:
        ConfigError: what the user entered is not allowed; the message says what is.
    """
    hints = hints_of(type(default))
    changes = {}
    for field in dataclasses.fields(default):  # type: ignore[arg-type]
        value, rule = getattr(default, field.name), settings_of(field)
        if field.name in but:
            continue
        if isinstance(value, Config):
            changes[field.name] = form(value, key=f"{key}.{field.name}", main=main, but=but)
        elif rule.main == main:
            title = titles.format(field.name.replace("_", " "))
            title = f"{title[0].upper()}{title[1:]}"  # what is upper case within stays so: GPUs
            changes[field.name] = _field(title, hints[field.name], value, rule, f"{key}.{field.name}")
    return default.replace(**changes)


def _field(title: str, hint: Any, value: Any, rule: Any, key: str) -> Any:
    if get_origin(hint) is Literal:
        return st.selectbox(title, get_args(hint), get_args(hint).index(value), help=rule.help, key=key)
    if hint is bool:
        return st.checkbox(title, value, help=rule.help, key=key)
    if hint is int:
        low, high = (None if end is None else int(end) for end in (rule.low, rule.high))
        return int(st.number_input(title, low, high, value, help=rule.help, key=key))
    if hint is float:
        shown = st.text_input(title, f"{value:g}", help=rule.help, key=key)
        try:
            return float(shown)
        except ValueError:
            raise ConfigError(f"{title} is {shown!r}; it must be a number such as {value:g}.") from None
    if get_origin(hint) is tuple:
        return _lines(title, get_args(hint)[0], value, rule, key)
    return st.text_input(title, value, help=rule.help, key=key)


def _lines(title: str, kind: Any, values: tuple[Any, ...], rule: Any, key: str) -> tuple[Any, ...]:
    """Several of a few choices; or several words, or whole numbers, one a line."""
    if get_origin(kind) is Literal:
        return tuple(st.multiselect(title, get_args(kind), values, help=rule.help, key=key))
    text = st.text_area(title, "\n".join(map(str, values)), help=f"{rule.help} (one a line)", key=key)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return tuple(kind(line) for line in lines)
    except ValueError:
        raise ConfigError(f"{title} is {', '.join(lines)}; it must be whole numbers, one a line.") from None
