"""Tables of any kind: the same rows come out of each, with the numbers that a spreadsheet shows."""

from __future__ import annotations

import gzip
import resource
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.errors import StudyError
from core.studies.tables import ROW, Problems, delimiter_of, encoding_of, read_table

ROWS = [
    ["name", "note", "value"],
    ["1.png", "first, and\nsecond line", "1,5"],
    ["2.png", 'said "no"; größer', ""],
    ["3.png", "", "2"],
]
WANTED = {
    "name": ["1.png", "2.png", "3.png"],
    "note": ["first, and\nsecond line", 'said "no"; größer', None],
    "value": ["1,5", None, "2"],
    ROW: [2, 3, 4],
}


def written(delimiter: str = ",", newline: str = "\n") -> str:
    return newline.join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS) + newline


def read(path: Path, content: bytes | str) -> dict[str, list[Any]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return plain(read_table(path))


def plain(table: pd.DataFrame) -> dict[str, list[Any]]:
    assert all(isinstance(cell, str) or pd.isna(cell) for name in table if name != ROW for cell in table[name])
    return {name: [None if pd.isna(cell) else cell for cell in table[name]] for name in table}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_delimiters_and_encodings(tmp_path: Path, delimiter: str, encoding: str) -> None:
    assert read(tmp_path / "t.csv", written(delimiter, "\r\n").replace("\r\nsecond", "\nsecond").encode(encoding)) == (
        WANTED
    )


def test_unquoted_decimal_commas(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", "name;age;label\na.png;52,5;0,0\nb.png;60,0;1,0\n") == {
        **dict(name=["a.png", "b.png"], age=["52,5", "60,0"], label=["0,0", "1,0"], row=[2, 3])
    }


def test_packed(tmp_path: Path) -> None:
    text = written().encode()
    for name in ("t.csv.gz", "t.tsv.gz", "T.CSV.GZ", "t.txt.gz"):
        assert read(tmp_path / name, gzip.compress(text)) == WANTED
    for more in ({}, {"__MACOSX/._t.csv": b"\0", "folder/": b""}):
        with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
            for name, content in {**more, "folder/t.csv": text}.items():
                archive.writestr(name, content)
        assert plain(read_table(tmp_path / "t.csv.zip")) == WANTED
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("a.csv", text)
        archive.writestr("b.csv", text)
    with pytest.raises(StudyError, match="the archive holds 2 files; one is allowed"):
        read_table(tmp_path / "t.csv.zip")


def test_letters_that_come_late(tmp_path: Path) -> None:
    """The first 65,536 bytes are plain; what follows tells that the file is not UTF-8."""
    head = "name,note\n" + "x,plain\n" * 9_000
    for encoding in ("utf-8", "cp1252"):
        assert read(tmp_path / "t.csv", (head + "y,größer\n").encode(encoding))["note"][-1] == "größer"


@pytest.mark.parametrize(
    ("text", "rows", "first"),
    [
        ("a,b\n\n1,2\n\n,\n3,4\n\n\n", [3, 6], ["1", "3"]),  # blank rows are shown, and counted, by a spreadsheet
        ("\n\na,b\n1,2\n", [4], ["1"]),
        ("sep=;\na;b\n1;2\n", [2], ["1"]),  # which Excel does not show
        ('a,b\n"1\n\n\n",2\n3,4\n', [2, 3], ["1\n\n\n", "3"]),  # one cell of four lines is one row
        ("a,b\r\n1,2\r\n3,4", [2, 3], ["1", "3"]),
        ("a\tb\n1,1\t2\n", [2], ["1,1"]),
        ("a,b\n1,2,\n3,4,\n", [2, 3], ["1", "3"]),  # a delimiter at the end of each row
        ("a,b\n1\n3,4\n", [2, 3], ["1", "3"]),
        ("a\n1\n\n3\n", [2, 4], ["1", "3"]),
        ('a, b\n1, "2, 3"\n', [2], ["1"]),
    ],
)
def test_row_numbers(tmp_path: Path, text: str, rows: list[int], first: list[str]) -> None:
    found = read(tmp_path / "t.csv", text)
    assert (found[ROW], found["a"]) == (rows, first)


def test_names_of_columns(tmp_path: Path) -> None:
    found = read(tmp_path / "t.csv", ",  a ,a,a.1,row,Row, two\t words\n1,2,3,4,5,6,7\n")
    assert found == {
        "Unnamed: 0": ["1"],
        "a": ["2"],
        **{"a.1": ["3"], "a.1.1": ["4"], "row.1": ["5"], "Row": ["6"], "two words": ["7"]},
        ROW: [2],
    }


def test_an_index_without_a_name(tmp_path: Path) -> None:
    pd.DataFrame({"name": ["x.png", "y.png"]}).to_csv(tmp_path / "t.csv")
    assert plain(read_table(tmp_path / "t.csv")) == {"Unnamed: 0": ["0", "1"], "name": ["x.png", "y.png"], ROW: [2, 3]}


def test_a_sheet(tmp_path: Path) -> None:
    cells = [[None] * 4, ["id", "ok", "weight", None], [12, True, 1.5, "x"], [None] * 4, ["007", False, 2.0, None]]
    pd.DataFrame([*cells, [13, None, None, None]]).to_excel(tmp_path / "t.xlsx", header=False, index=False)
    assert plain(read_table(tmp_path / "t.xlsx")) == {
        "id": ["12", "007", "13"],  # a number that stands among empty cells is not 12.0
        "ok": ["True", "False", None],
        "weight": ["1.5", "2", None],
        "Unnamed: 3": ["x", None, None],
        ROW: [3, 5, 6],
    }


def test_a_sheet_of_another_program(tmp_path: Path) -> None:
    """Without styles, which openpyxl warns of."""
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "whole.xlsx", index=False)
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole, zipfile.ZipFile(tmp_path / "t.xlsx", "w") as bare:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "xl/styles.xml":
                content = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
            bare.writestr(name, content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plain(read_table(tmp_path / "t.xlsx")) == {"a": ["1"], ROW: [2]}


def test_parquet(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "id": [12, None, 13],
            "long": pd.array([2**60 + 1, None, 3], dtype="Int64"),
            "share": [0.5, None, 1.0],
            "ok": [True, False, None],
            "findings": [["Mass", "Nodule"], [], None],
            "kind": pd.Categorical(["x", None, "x"]),
            "text": ["None", "a\nb", ""],
            "pixels": [b"1", b"2", b"3"],
        },
        index=pd.Index(["a.png", "b.png", "c.png"], name="file"),
    )
    table.to_parquet(tmp_path / "t.parquet")
    assert plain(read_table(tmp_path / "t.parquet")) == {
        "id": ["12", None, "13"],
        "long": [str(2**60 + 1), None, "3"],
        "share": ["0.5", None, "1.0"],
        "ok": ["True", "False", None],
        "findings": ["Mass|Nodule", None, None],
        "kind": ["x", None, "x"],
        "text": [None, "a\nb", None],
        "file": ["a.png", "b.png", "c.png"],
        ROW: [2, 3, 4],
    }


def test_missing_cells(tmp_path: Path) -> None:
    found = read(tmp_path / "t.csv", "a,b\nNA,1\nN/A,1\nnan,1\n,1\nNULL,1\nNone,1\nnone,1\n0,1\n")
    assert found["a"] == [None] * 6 + ["none", "0"]


@pytest.mark.parametrize(("content", "columns"), [("a,b\n", ["a", "b", ROW]), ("a\n\n\n", ["a", ROW])])
def test_a_header_only(tmp_path: Path, content: str, columns: list[str]) -> None:
    (tmp_path / "t.csv").write_text(content)
    table = read_table(tmp_path / "t.csv")
    assert list(table) == columns and table.empty


def test_many_columns(tmp_path: Path) -> None:
    wide = "\n".join(";".join(f"c{at}-{row}" for at in range(300)) for row in range(5))
    found = read(tmp_path / "t.csv", wide)
    assert len(found) == 301 and found["c299-0"] == [f"c299-{row}" for row in range(1, 5)]
    with pytest.raises(StudyError, match=r"lacks the columns \['x'\]; it has \['c0-0'") as error:
        read_table(tmp_path / "t.csv", ("x", "c1-0"))
    assert len(str(error.value)) < 600


RUBBISH = np.random.default_rng(0).integers(0, 256, 4000, dtype=np.uint8).tobytes()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\n\n", b"\xff\xfe", RUBBISH, b"PK\x03\x04" + RUBBISH, b"\x1f\x8b\x08" + RUBBISH),
        *(b"PAR1" + RUBBISH + b"PAR1", b"\x89PNG\r\n\x1a\n" + RUBBISH, gzip.compress(written().encode() * 500)[:200]),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "t.csv.zip", "t.parquet", "t.xlsx"])
def test_rubbish(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / f"Miller-{name}"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"cannot be read \(.+\)\. Save it again as CSV in UTF-8") as error:
        read_table(path)
    assert "Miller" not in str(error.value) and str(tmp_path) not in str(error.value)


@pytest.mark.parametrize("text", ["a,b\n1,2,3\n1,2\n", "a,b\n1,2\n1,2,3\n", "a,b\n1,2\n3,it is, in fact, a text\n"])
def test_a_cell_too_many_loses_nothing_silently(tmp_path: Path, text: str) -> None:
    with pytest.raises(StudyError, match=r"cannot be read .*must stand in quotation marks"):
        read(tmp_path / "t.csv", text)


@pytest.mark.parametrize("name", ["t.xls", "t.json", "t", "t.csv.bz2", "t.png"])
def test_other_kinds(tmp_path: Path, name: str) -> None:
    with pytest.raises(StudyError, match=r"^A table may be \.csv, \.tsv.*; this one is "):
        read(tmp_path / name, written())


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    for name in ("t.csv", "t.xlsx", "t.parquet", "t.csv.gz", "t.csv.zip"):
        with pytest.raises(StudyError, match="No such file") as error:
            read_table(tmp_path / name)
        assert str(tmp_path) not in str(error.value)


def test_encoding_and_delimiter_by_hand() -> None:
    assert encoding_of("ä".encode()[:1]) == "utf-8" and encoding_of(b"gr\xf6\xdfer") == "cp1252"
    assert delimiter_of("a;b\n1,5;2\n") == ";" and delimiter_of("a\nb\n") == "," and delimiter_of("") == ","
    assert delimiter_of("a,b\n1;2;3,4\n5;6;7,8\n") == ","


def test_problems_are_told_at_once() -> None:
    problems = Problems()
    problems.check()
    problems.add("3 cells", range(5, 15), todo="mend them.")
    with pytest.raises(StudyError, match=r"^One problem in the table; nothing was imported\.\n- 3 cells \(rows 5, 6"):
        problems.check()
    problems.add("no column", todo="add one.")
    with pytest.raises(StudyError) as error:
        problems.check()
    assert str(error.value).splitlines() == [
        "2 problems in the table; nothing was imported.",
        "- 3 cells (rows 5, 6, 7, 8, 9 …): mend them.",
        "- no column: add one.",
    ]


@pytest.mark.slow
def test_memory_grows_with_the_table_alone(tmp_path: Path) -> None:
    """200,000 rows of 70 bytes; see the module for a million."""
    path, count = tmp_path / "t.csv", 200_000
    with path.open("w") as stream:
        stream.write("image,patient,finding,note\n")
        stream.writelines(f"{at:08}.png,{at // 4},Mass|Nodule,the heart is not enlarged\n" for at in range(count))
    before = peak()
    table = read_table(path)
    assert len(table) == count
    assert peak() - before < 12 * path.stat().st_size + 50e6
    assert table.memory_usage(deep=True).sum() < 4 * path.stat().st_size


def peak() -> float:
    """Most bytes that this process ever held; macOS tells bytes, Linux KiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
