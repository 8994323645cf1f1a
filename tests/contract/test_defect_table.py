"""The table of defects is complete, and what it says is tested.

A test belongs to a row when its name says so: ``test_row_7_...``, or
``test_rows_36_37_...`` for several.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "docs" / "defects.md"
TESTS = Path(__file__).resolve().parent / "defects"

#: Wrong networks and statistics, crashes and hangs: those that must not exist here.
SEVERE = {
    *(1, 2, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 21, 23, 25, 31),
    *(35, 36, 37, 38, 39, 41, 42, 43, 46, 47, 48, 50, 52, 53, 54),
    *(56, 57),
    *(66, 67, 68, 69, 71, 72, 73, 74, 75, 80, 81),
    *(83, 84, 85, 87, 88, 89, 90, 92, 96, 99, 100),
    *(103, 109),
}
#: Building with several processes.
MPI = set(range(120, 130))

ROWS = [*(str(n) for n in range(1, 130)), *(f"r{n}" for n in range(1, 13))]

#: Rows of things to write down and not to do, which no test can hold.
WITHOUT_TEST = {"62"}

_ROW = re.compile(r"^\| (r?\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
_MARK = re.compile(r"fixed|kept because \S.*|BMTK's|later \(MPI\)")
_NAME = re.compile(r"test_rows?_((?:r?\d+_)+)")


def marks(text: str) -> dict[str, str]:
    """Return the mark of each row of the table."""
    rows = [[cell.strip() for cell in row] for row in _ROW.findall(text)]
    found = {row[0]: row[2] for row in rows}
    assert len(found) == len(rows), "a row twice"
    return found


def functions() -> list[ast.FunctionDef]:
    """Return all test functions about rows."""
    found = []
    for path in sorted(TESTS.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and _NAME.match(node.name):
                found.append(node)
    return found


def rows_of(name: str) -> set[str]:
    """Return the rows that the name of a test function speaks of."""
    match = _NAME.match(name)
    return set(match.group(1).strip("_").split("_")) if match else set()


def unexplained(found: dict[str, str], tested: set[str]) -> set[int]:
    """Return the severe rows with neither a test nor a reason."""
    return {
        row
        for row in SEVERE
        if str(row) not in tested
        and not found.get(str(row), "").startswith(("kept because", "BMTK's"))
    }


def test_every_row_is_there() -> None:
    found = marks(TABLE.read_text(encoding="utf-8"))
    assert list(found) == ROWS
    assert all(_MARK.fullmatch(mark) for mark in found.values()), found
    assert {int(row) for row, mark in found.items() if mark == "later (MPI)"} == MPI


def test_every_line_of_the_tables_is_a_row() -> None:
    """So that no row escapes the other tests by a slip of its format."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    heads = ("| row | what | mark | how |", "|---|---|---|---|")
    assert len([line for line in lines if line not in heads]) == len(ROWS)


def test_severe_rows_have_a_test_or_a_reason() -> None:
    found = marks(TABLE.read_text(encoding="utf-8"))
    tested = set().union(*(rows_of(function.name) for function in functions()))
    assert unexplained(found, tested) == set()
    # Every other row that is fixed or kept has one, too.
    promised = {row for row, mark in found.items() if mark.startswith(("fixed", "kept"))}
    assert promised - tested - WITHOUT_TEST == set()
    assert tested <= set(ROWS)
    assert tested & {str(row) for row in MPI} == set()


def test_tests_of_rows_assert_something() -> None:
    for function in functions():
        nodes = list(ast.walk(function))
        calls = [node.func for node in nodes if isinstance(node, ast.Call)]
        names = {ast.unparse(call) for call in calls}
        asserts = any(isinstance(node, ast.Assert) for node in nodes)
        assert asserts or names & {"pytest.raises", "warned", "assert_binomial"}, function.name


def test_a_missing_test_is_noticed() -> None:
    """The comparison above can fail."""
    found = {str(row): "fixed" for row in SEVERE}
    tested = {str(row) for row in SEVERE}
    assert unexplained(found, tested) == set()
    assert unexplained(found, tested - {"36"}) == {36}
    assert unexplained({**found, "36": "kept because of a reason"}, tested - {"36"}) == set()
    assert unexplained({**found, "36": "BMTK's"}, tested - {"36"}) == set()
    assert unexplained({**found, "36": "later (MPI)"}, tested - {"36"}) == {36}
    assert rows_of("test_row_7_pr_arg") == {"7"}
    assert rows_of("test_rows_56_57_58_counts") == {"56", "57", "58"}
    assert rows_of("test_row_r12_many_writers") == {"r12"}
    assert rows_of("test_recorder") == set()
