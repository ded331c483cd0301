"""A comparison as CSV and as LaTeX; the same numbers give the same bytes."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence

from core.ablation.numbers import METRICS, Row, Table
from core.published import LINES, MARK

MEASURED = "measured"
PARTS = ("mean", "sd", "low", "high", "patients_low", "patients_high")
DIFFERENCE = ("difference", "difference_sd", "difference_low", "difference_high", "p", "p_holm", "beyond_chance")
IN_LATEX = ("auroc", "average_precision", "prompt_cosine", "gap", "mse")


def number(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """A number as a table shows it; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")


def p_value(value: float) -> str:
    """A p value as a table shows it; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def to_csv(table: Table) -> bytes:
    """One line for each configuration, then the published lines; what is missing stays empty, never 0.

    Columns: ``kind`` (measured, or published), ``configuration``, one for each setting that differs, ``seeds``
    (planned), for each metric ``n`` (seeds with a value), mean, sd, 95 % interval over seeds and over patients; then
    the difference to ``baseline`` on ``metric``.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    measures = [f"{name}_{part}" for name in METRICS for part in ("n", *PARTS)]
    head = ["kind", "configuration", *table.paths, "seeds", *measures, "baseline", "metric", *DIFFERENCE, "measured_on"]
    writer.writerow(head)
    for row in table.rows:
        writer.writerow([MEASURED, *map(_text, (row.label, *row.settings)), row.planned, *_measures(row),
                         *_difference(table, row), _text(table.study)])  # fmt: skip
    for line in LINES:
        known = {"kind": MARK, "configuration": _text(line.title), "auroc_mean": _exact(line.value),
                 "measured_on": line.measured_on}  # fmt: skip
        writer.writerow([known.get(column, "") for column in head])
    return out.getvalue().encode()


def _measures(row: Row) -> list[str]:
    found = []
    for name in METRICS:
        summary = row.summaries[name]
        found += [str(summary.n), *(_exact(getattr(summary, part)) for part in PARTS)]
    return found


def _difference(table: Table, row: Row) -> list[str]:
    made = row.difference
    if made is None:
        return [_text(table.baseline), table.metric, *[""] * len(DIFFERENCE)]
    numbers = (made.value, made.sd, made.low, made.high, made.p, made.p_holm)
    beyond = "" if math.isnan(made.p_holm) else "yes" if made.beyond_chance else "no"
    return [_text(table.baseline), table.metric, *map(_exact, numbers), beyond]


def _exact(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def _text(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; a quote in front makes it text."""
    return f"'{text}" if re.match(r"\s*[=+@\t\r]|\s*-(?![\d.])", text) else text


def to_latex(table: Table) -> bytes:
    """A table for a paper (packages booktabs and graphicx): settings that differ, means and standard deviations, the
    difference to the baseline; bold where it is larger than chance; published lines apart."""
    metric = METRICS[table.metric]
    heads = [*(path.rsplit(".", 1)[-1].replace("_", " ") for path in table.paths), "$n$"]
    heads += [METRICS[name].title for name in IN_LATEX]
    width = len(heads) + 3
    body = [_latex_row(table, row) for row in table.rows]
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\caption{{Ablation {_escaped(table.name)} on study {_escaped(table.study)}: mean $\\pm$ standard deviation "
        f"over $n$ of {len(table.seeds)} seeds. {_escaped(table.how)}}}",
        r"\resizebox{\linewidth}{!}{%",
        f"\\begin{{tabular}}{{l{'l' * len(table.paths)}{'r' * (width - len(table.paths) - 1)}}}",
        r"\toprule",
        " & ".join(map(_head, ["Configuration", *heads]))
        + f" & {_escaped(metric.title)} difference [95\\,\\%] & $p$ (Holm) \\\\",
        r"\midrule",
        *body,
        r"\midrule",
        *_latex_published(len(table.paths) + 2, width),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return ("\n".join(lines) + "\n").encode()


def _latex_row(table: Table, row: Row) -> str:
    cells = [_escaped(text) for text in (row.label, *row.settings)]
    cells.append(str(row.summaries["auroc"].n))
    for name in IN_LATEX:
        summary = row.summaries[name]
        spread = f" \\pm {summary.sd:.3f}" if math.isfinite(summary.sd) else ""
        cells.append(f"${summary.mean:.3f}{spread}$" if math.isfinite(summary.mean) else "--")
    made = row.difference
    if made is None:
        cells += ["baseline", ""]
    elif not math.isfinite(made.value):
        cells += ["--", "--"]
    else:
        ends = f"\\ [{made.low:+.3f}, {made.high:+.3f}]" if math.isfinite(made.low) else ""
        cells += [_bold(f"{made.value:+.3f}{ends}", made.beyond_chance), _latex_p(made.p_holm)]
    return " & ".join(cells) + r" \\"


def _latex_published(first: int, width: int) -> list[str]:
    """What others measured, by what it was measured on; their values stand under the first measure."""
    lines = []
    for place in dict.fromkeys(line.measured_on for line in LINES):
        lines.append(f"\\multicolumn{{{width}}}{{l}}{{\\textit{{{MARK}: {_escaped(place)}}}}} \\\\")
        own = [line for line in LINES if line.measured_on == place]
        rest = " &" * (width - first - 1)
        lines += [
            f"\\multicolumn{{{first}}}{{l}}{{{_escaped(line.title)}}} & {line.value:.3f}{rest} \\\\" for line in own
        ]
    return lines


def _latex_p(value: float) -> str:
    if not math.isfinite(value):
        return "--"
    return "$<0.001$" if value < 0.001 else f"{value:.3f}"


def _bold(formula: str, wanted: bool) -> str:
    return f"$\\mathbf{{{formula}}}$" if wanted else f"${formula}$"


def _head(text: str) -> str:
    return text if text == "$n$" else _escaped(text)


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "·": r"\textperiodcentered{}",
    **{letter: f"\\{letter}" for letter in "&%$#_"},
}


def _escaped(text: str) -> str:
    """Text in which LaTeX sees nothing but letters."""
    return "".join(_SPECIAL.get(letter, letter) for letter in " ".join(text.split()))


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines of text, each column as wide as its widest cell; the first to the left."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    made = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(wide) for cell, wide in zip(others, widths[1:], strict=True))]
        made.append("  ".join(cells).rstrip())
    return made
