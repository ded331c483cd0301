"""An ablation in the terminal."""

from __future__ import annotations

from core.ablation.numbers import METRICS, Row, Table
from core.ablation.table import columns, number, p_value
from core.metrics.comparison import Summary
from core.published import LINES, MARK

MAIN = ("auroc", "average_precision", "prompt_cosine", "gap", "zero_shot", "mse")


def comparison(table: Table) -> str:
    """Configurations, their means over seeds, differences to the baseline, and what others published."""
    seeds = ", ".join(map(str, table.seeds))
    return "\n".join(
        [
            f"ablation {table.name} on study {table.study}: {table.runs_done} of {table.runs_planned} runs "
            f"({len(table.rows)} configurations x seeds {seeds})",
            "",
            *_settings(table),
            "mean ± standard deviation over seeds",
            *_means(table, MAIN),
            "",
            *_retrieval(table),
            *_intervals(table),
            "",
            *_differences(table),
            *_lacking(table),
            f"{MARK}:",
            *(f"  {line.value:.3f}  {line.title:52}  {line.measured_on}" for line in LINES),
        ]
    )


def _settings(table: Table) -> list[str]:
    if not table.paths:
        return []
    cells = [["", *table.paths], *([row.label, *row.settings] for row in table.rows)]
    turned = [list(column) for column in zip(*cells, strict=True)]
    return ["what differs", *columns(cells if len(table.rows) > len(table.paths) else turned), ""]


def _means(table: Table, metrics: tuple[str, ...]) -> list[str]:
    head = ["", "n", *(METRICS[name].title for name in metrics)]
    return columns([head, *([row.label, _count(row), *(_mean(row.summaries[name]) for name in metrics)]
                            for row in table.rows)])  # fmt: skip


def _count(row: Row) -> str:
    done = max(summary.n for summary in row.summaries.values())
    return str(done) if done == row.planned else f"{done} of {row.planned}"


def _mean(summary: Summary) -> str:
    return number(summary.mean) + (f" ± {number(summary.sd)}" if summary.n > 1 else "")


def _retrieval(table: Table) -> list[str]:
    ways = tuple(name for name in METRICS if name.startswith("recall"))
    if not any(row.summaries[name].n for row in table.rows for name in ways):
        return []
    return [*_means(table, ways), ""]


def _intervals(table: Table) -> list[str]:
    """Both kinds of interval of the chosen metric."""
    title = METRICS[table.metric].title
    rows = [["", title, "95 % over seeds", "95 % over patients"]]
    for row in table.rows:
        own = row.summaries[table.metric]
        rows.append([row.label, number(own.mean), _ends(own.low, own.high), _ends(own.patients_low, own.patients_high)])
    return columns(rows)


def _ends(low: float, high: float) -> str:
    return f"[{number(low)}, {number(high)}]"


def _differences(table: Table) -> list[str]:
    rows = [["", "difference", "95 % interval", "p", "p (Holm)", "larger than chance"]]
    for row in table.rows:
        if (made := row.difference) is None:
            continue
        unknown = made.p_holm != made.p_holm
        ends = f"[{number(made.low, signed=True)}, {number(made.high, signed=True)}]"
        rows.append([row.label, number(made.value, signed=True), ends, p_value(made.p), p_value(made.p_holm),
                     "–" if unknown else "yes" if made.beyond_chance else "no"])  # fmt: skip
    return [table.how, *columns(rows), ""] if len(rows) > 1 else []


def _lacking(table: Table) -> list[str]:
    told = [f"  {row.label}, seed {seed}: {why}" for row in table.rows for seed, why in row.lacking.items()]
    return ["without a result (missing above, never 0):", *told, ""] if told else []
