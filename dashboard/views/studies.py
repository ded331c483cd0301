"""Studies: what is in a study, who is in it, and what was left out?"""

from __future__ import annotations

import functools

import numpy as np
import streamlit as st

from core.recipes import studies as recipes
from core.studies.study import PREFIX, UNCERTAIN, Study, load_studies
from dashboard import cached, selection
from dashboard.components.plot import Report
from dashboard.grid import condition, radiographs, where
from dashboard.showing import present
from dashboard.widgets import header, plain, warn_of_broken

MOST_LISTED = 1000


def choose() -> Study | None:
    """The study to look at; None where there is none yet."""
    warn_of_broken()
    names = [study.name for study in load_studies()]
    if not names:
        st.info("There is no study yet.", icon=":material/hourglass_empty:")
        st.page_link("views/bring.py", label="Import one", icon=":material/download:")
        return None
    return cached.study(selection.one("Study", names, name="study", always_in_url=True))


def numbers(study: Study) -> None:
    """What matters, before any picture."""
    facts = study.manifest
    tag = " :orange-badge[synthetic]" if study.synthetic else ""
    st.markdown(f"**{plain(facts['title'])}** · `{study.name}`{tag}")
    columns = st.columns(6)
    columns[0].metric("Radiographs", f"{facts['samples']:,}")
    columns[1].metric("Patients", f"{facts['patients']:,}")
    for column, (split, count) in zip(columns[2:], facts["splits"].items(), strict=False):
        column.metric(split.capitalize(), f"{count:,}")
    columns[5].metric("Set aside", f"{sum(facts['set_aside'].values()):,}")
    text = "with text" if study.has_text else "without text"
    findings = f"{len(study.findings)} findings" if study.findings else "no findings"
    size = facts["size"]
    st.caption(f"{findings} · {text} · {size} x {size} pixels, {facts['fit']} · fingerprint `{study.fingerprint}`")
    st.caption(plain("\n".join(facts["notes"])))


def findings(study: Study) -> None:
    """Prevalence, co-occurrence, combinations."""
    if not study.findings:
        st.info(
            "This study states no findings: there is nothing to count here. Its text and radiographs are all there is."
        )
        return
    log = selection.switch("Logarithmic", name="log-prevalence")
    present(
        recipes.Prevalence(study=study.name, log=log),
        key="studies-prevalence",
        help="Head above 10 %, medium, tail up to 1 % (CXR-LT). Of the radiographs in which the finding is known.",
    )
    relative = selection.one("Seen together", ["share", "count"], name="together", draw=st.segmented_control) == "share"
    present(
        recipes.Together(study=study.name, relative=relative),
        key="studies-together",
        react=functools.partial(_follow, study),
        help="Of the radiographs with the row's finding, the share that has the column's. Click a cell to see them.",
    )
    present(
        recipes.Combinations(study=study.name),
        key="studies-upset",
        help="Each column is one combination: exactly the findings with a dot. UpSet, Lex et al., IEEE TVCG 2014.",
    )


def _follow(study: Study, report: Report) -> None:
    """From a cell to its radiographs: both findings become conditions."""
    if report.click is None or not isinstance(report.click.point, tuple):
        return
    names = dict.fromkeys(PREFIX + study.findings[at] for at in report.click.point[:2])
    selection.put(where(study), list(names))
    for name in names:
        selection.put(condition(study, name), ["present"])
    selection.put("part", "Radiographs")


def people(study: Study) -> None:
    """Age, sex and view by split."""
    summary = study.summary
    for kind in (recipes.Ages, recipes.Sexes, recipes.Views):
        if not np.sum(summary[kind.figure]["counts"]):
            st.info(f"{kind.title}: not known of any radiograph of this study.")
            continue
        present(
            kind(study=study.name),
            key=f"studies-{kind.figure}",
            help="Shares within each split, so that splits of different size can be compared.",
        )
    present(recipes.PerPatient(study=study.name), key="studies-per-patient")


def text(study: Study) -> None:
    """Lengths and words."""
    if not study.has_text:
        st.info("This study has no text: for training, captions are made from its findings.")
        return
    present(
        recipes.TextLengths(study=study.name),
        key="studies-lengths",
        help="What a text tower does not read is cut off: CLIP reads 77 tokens, about 55 words.",
    )
    present(recipes.Words(study=study.name), key="studies-words")


def left_out(study: Study) -> None:
    """Rows that were set aside, with their reasons."""
    aside = study.set_aside
    if aside.empty:
        st.success("Nothing was set aside: every row of the source is in the study.")
        return
    for reason, count in aside["reason"].value_counts().items():
        st.markdown(f"- **{count:,}** × {plain(str(reason))}")
    st.dataframe(aside.head(MOST_LISTED), hide_index=True, width="stretch")
    more = f"The first {MOST_LISTED:,} of {len(aside):,}. " if len(aside) > MOST_LISTED else ""
    st.caption(
        f"{more}Row 1 of a table is its header. Files stand under their salted ids: "
        f"`python -m scripts.study find {study.name} ID --path FOLDER` tells which file one is."
    )
    st.download_button(
        "Download all as CSV",
        data=lambda: aside.to_csv(index=False).encode(),
        file_name=f"{study.name}-set-aside.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def identity(study: Study) -> None:
    """Fingerprint, split hash, policies, files."""
    facts = study.manifest
    st.markdown(
        f"- Fingerprint `{study.fingerprint}`: changes with any sample, label, split or pixel\n"
        f"- Split hash `{study.split_hash}`: changes when a patient moves\n"
        f"- Source `{facts['source']}`; pictures: {facts['fit']}, {facts['size']} pixels\n"
        f"- Uncertain findings, policy {study.uncertain}: {plain(UNCERTAIN[study.uncertain])}\n"
        f"- Folder `studies/{study.name}`, {sum(one['bytes'] for one in facts['files'].values()) / 1e6:,.0f} MB"
    )
    st.caption("Verify every file, pixel and split again:")
    st.code(f"python -m scripts.study check {study.name}", language="bash")


PARTS = {
    "Findings": findings,
    "People": people,
    "Text": text,
    "Radiographs": radiographs,
    "Set aside": left_out,
    "Identity": identity,
}


def page() -> None:
    header("Studies", "What is in a study, who is in it, and what was left out?")
    study = choose()
    if study is None:
        return
    numbers(study)
    part = selection.one("Part", list(PARTS), name="part", draw=st.segmented_control, label_visibility="collapsed")
    PARTS[part](study)


page()
