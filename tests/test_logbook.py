"""A run's log: written line by line, read whole and as it grows, whatever a crash leaves of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.logbook import CHUNK, Logbook, Metrics, MetricsLog, Tail, read_metrics


def rows(count: int) -> list[dict[str, Any]]:
    references = {"references": {"orthogonal": {"chance": 0.1, "floor": 0.0}}}
    return [references, *({"step": step, "loss": 1 / step, "terms": {"a": 0.1 * step}} for step in range(1, count + 1))]


def write(folder: Path, values: list[dict[str, Any]]) -> Path:
    log = MetricsLog(folder)
    for row in values:
        log.write(row)
    log.close()
    return folder / "metrics.jsonl"


def test_a_log_cut_at_every_byte_gives_all_whole_lines(tmp_path: Path) -> None:
    """Fault row 12."""
    values = rows(4)
    whole = write(tmp_path, values).read_bytes()
    assert whole.count(b"\n") == 5
    cut = tmp_path / "cut.jsonl"
    for length in range(len(whole) + 1):
        cut.write_bytes(whole[:length])
        assert read_metrics(cut) == values[: whole[:length].count(b"\n")], length


def test_a_hole_in_the_middle_of_a_log_loses_only_its_lines(tmp_path: Path) -> None:
    path = write(tmp_path, rows(3))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"\0" * (len(lines[1]) - 1) + b"\n", lines[2][:9] + b"\n", lines[3]]))
    assert read_metrics(path) == [rows(3)[0], rows(3)[3]]


def test_no_log_is_no_rows(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_resuming_drops_later_steps_and_keeps_the_reference_lines(tmp_path: Path) -> None:
    path = write(tmp_path, rows(5))
    path.write_bytes(path.read_bytes() + b'{"step": 6, "lo')
    log = MetricsLog(tmp_path, keep_up_to=3)
    log.write({"step": 4, "loss": 9.0})
    log.close()
    assert read_metrics(path) == [*rows(3), {"step": 4, "loss": 9.0}]
    MetricsLog(tmp_path, keep_up_to=1).close()
    assert read_metrics(path) == rows(1)


def test_beginning_anew_empties_the_log(tmp_path: Path) -> None:
    path = write(tmp_path, rows(5))
    MetricsLog(tmp_path).close()
    assert path.read_bytes() == b""


def test_a_number_that_json_lacks_is_not_written(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    with pytest.raises(ValueError, match="Out of range"):
        log.write({"step": 1, "loss": float("nan")})
    log.write({"step": 2})
    log.close()
    assert read_metrics(tmp_path / "metrics.jsonl") == [{"step": 2}]


def line(step: int, **more: Any) -> bytes:
    return (
        json.dumps({"step": step, "epoch": step / 4, "elapsed": 0.1 * step, "loss": 1 / step, **more}) + "\n"
    ).encode()


def slowly(path: Path) -> dict[str, list[float | None]]:
    """Each value of each step, found row by row."""
    found: dict[str, list[float | None]] = {}
    steps = [row for row in read_metrics(path) if "step" in row]
    for at, row in enumerate(steps):
        flat = {key: value for key, value in row.items() if not isinstance(value, dict)}
        for group in (key for key, value in row.items() if isinstance(value, dict)):
            flat |= {f"{group}.{key}": value for key, value in row[group].items()}
        for key, value in flat.items():
            found.setdefault(key, [None] * len(steps))[at] = value
    return found


def as_lists(metrics: Metrics) -> dict[str, list[float | None]]:
    return {
        name: [None if np.isnan(value) else value for value in column.tolist()]
        for name, column in metrics.columns.items()
    }


def test_columns_hold_what_the_rows_say(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(
        b'{"references": {"orthogonal": {"chance": 0.1, "floor": null}}, "note": "first"}\n'
        + line(1, terms={"a": 2.0}, use={"host_bytes": 7})
        + line(2, terms={"a": 1.0, "b": 3}, validation={"auroc": 0.5, "loss": None})
        + b'{"note": "pruned"}\n'
        + line(3, validation={"auroc": True})
    )
    found = Logbook(path).read()
    assert len(found) == 3
    assert found.columns["terms.b"].tolist()[1] == 3 and np.isnan(found.columns["terms.b"][[0, 2]]).all()
    assert found.columns["use.host_bytes"][0] == 7
    assert found.columns["validation.auroc"][1] == 0.5
    assert np.isnan(found.columns["validation.auroc"][2])  # true is not 1
    assert np.isnan(found.column("validation.loss")).all()
    assert found.column("no such thing").shape == (3,) and np.isnan(found.column("no such thing")).all()
    assert found.references == {"orthogonal": {"chance": 0.1, "floor": None}}
    assert found.notes == ("first", "pruned")
    assert found.last("terms.a") == 1 and found.last("loss") == pytest.approx(1 / 3) and found.last("gone") is None


def test_a_growing_log_cut_at_every_byte_is_read_once_and_whole(tmp_path: Path) -> None:
    whole = b'{"note": "n"}\n' + b"".join(line(step, terms={"a": step}) for step in (1, 2, 3))
    path, full = tmp_path / "metrics.jsonl", tmp_path / "full.jsonl"
    path.touch()
    live = Logbook(path)
    for length in range(len(whole) + 1):
        with path.open("r+b") as stream:
            stream.seek(max(0, length - 1))
            stream.write(whole[max(0, length - 1) : length])
        found = live.read()
        full.write_bytes(whole[:length])
        assert as_lists(found) == slowly(full), length
        assert found.notes == (("n",) if length > 13 else ())
        assert as_lists(Logbook(full).read()) == as_lists(found)


def test_what_was_read_before_stays_as_it_was_and_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"".join(line(step) for step in range(1, 256)))
    book = Logbook(path)
    first = book.read()
    kept = first.columns["loss"].copy()
    with path.open("ab") as stream:
        stream.write(b"".join(line(step, new=step) for step in range(256, 900)))
    second = book.read()
    assert np.array_equal(first.columns["loss"], kept) and len(first) == 255 and len(second) == 899
    assert np.isnan(second.columns["new"][:255]).all() and second.columns["new"][255] == 256
    with pytest.raises(ValueError, match="read-only"):
        second.columns["loss"][0] = 1


def test_only_new_bytes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line(1) + line(2))
    tail = Tail(path)
    assert [len(tail.new()[1]), len(tail.new()[1])] == [2, 0]
    with path.open("ab") as stream:
        stream.write(line(3))
    assert tail.new() == (False, [line(3).rstrip()])


@pytest.mark.parametrize("left", [0, 2, 4])
def test_a_resumed_run_is_read_anew(tmp_path: Path, left: int) -> None:
    log = MetricsLog(tmp_path)
    for step in range(1, 6):
        log.write(json.loads(line(step, terms={"old": 1})))
    log.close()
    book = Logbook(tmp_path / "metrics.jsonl")
    assert len(book.read()) == 5
    again = MetricsLog(tmp_path, keep_up_to=left)
    for step in range(left + 1, 9):
        again.write(json.loads(line(step, terms={"new": 2})))
    again.close()
    found = book.read()
    assert as_lists(found) == slowly(tmp_path / "metrics.jsonl")
    assert found.columns["step"].tolist() == list(range(1, 9))


@pytest.mark.parametrize("other", [b"", line(7), b"".join(line(step) for step in range(11, 99))])
def test_another_file_of_the_same_number_is_told_apart(tmp_path: Path, other: bytes) -> None:
    """As where a file system gives the number of a removed file to the next one."""
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line(1) + line(2) + line(3))
    book = Logbook(path)
    book.read()
    number = path.stat().st_ino
    path.write_bytes(other)  # truncates: the same file to the system
    assert path.stat().st_ino == number
    assert as_lists(book.read()) == slowly(path)


def test_a_log_that_is_gone_has_no_steps(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    book = Logbook(path)
    assert len(book.read()) == 0
    path.write_bytes(line(1))
    assert len(book.read()) == 1
    path.unlink()
    assert len(book.read()) == 0
    path.write_bytes(line(4))
    assert book.read().columns["step"].tolist() == [4]


def test_many_lines_with_a_hole_lose_only_that_hole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [line(step) for step in range(1, 2 * CHUNK)]
    lines[10], lines[CHUNK + 5] = b"\0" * 40 + b"\n", lines[CHUNK + 5][:20] + b"}\n"
    path.write_bytes(b"".join(lines))
    steps = Logbook(path).read().columns["step"]
    assert len(steps) == 2 * CHUNK - 3 and not {11, CHUNK + 6} & set(steps.astype(int).tolist())
    assert len(read_metrics(path)) == len(steps)
