"""The CSV connection report: its rows and percentages, appending, and all that may go wrong.

Also what ``messages`` holds: the printed counts and ``Timer``.
"""

from __future__ import annotations

import ast
import csv
import errno
import importlib.util
import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from bmtk.builder import NetworkBuilder
from conftest import built_edges, make_network, pools

import bmtool_connectors
from bmtool_connectors import (
    Connectivity,
    ConnectivityWarning,
    CorrelatedGapJunction,
    EdgeList,
    FileBasedConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    OneToOneSequentialConnector,
    ParameterError,
    ReciprocalConnector,
    Timer,
    UnidirectionConnector,
    messages,
)
from bmtool_connectors.reports.connection_report import save_rows

HEADER = (
    "Source,Target,Percent connectionivity within possible connections,"
    "Percent connectionivity within all connections\n"
)
A, B = "net: pop_name=='A'", "net: pop_name=='B'"

Connector: TypeAlias = Any
Pool: TypeAlias = Any


def connect(net: NetworkBuilder, connector: Connector, source: Pool, target: Pool) -> None:
    """Add the edges of a connector, in all its directions."""
    connector.setup_nodes(source=source, target=target)
    net.add_edges(**connector.edge_params())
    if "backward" in connector.iterators and not connector.recurrent:
        net.add_edges(**connector.edge_params())


def lines(file: str | Path) -> list[str]:
    return Path(file).read_text().splitlines(keepends=True)


def cells(file: str | Path) -> list[list[str]]:
    """Return the rows of a report below its header, as a CSV reader sees them."""
    with Path(file).open(newline="") as text:
        rows = list(csv.reader(text))
    assert ",".join(rows[0]) + "\n" == HEADER
    return rows[1:]


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a working folder of its own: the default report is a relative name."""
    monkeypatch.chdir(tmp_path)


def one_number(value: float) -> str:
    """Return a percentage as the report has it: eight digits, and always a float."""
    text = f"{value:.8g}"
    return text if "." in text or "e" in text else f"{text}.0"


def quiet(**parameters: Any) -> dict[str, Any]:
    return {"verbose": False, "rng": np.random.default_rng(3), **parameters}


# ---------------------------------------------------------------------- rows and denominators
def pair(a: Any, b: Any) -> float:
    """Return a number that stands for an ordered pair of nodes."""
    return 100.0 * a.node_id + b.node_id


def from_0_and_1(key: float) -> float:
    """Connect sources 0 and 1 with everything."""
    return float(key < 200)


def to_0_and_1_of_b(key: float) -> float:
    """Connect backward what ends in ids 4 and 5, the first two of B; called with (b, a)."""
    return float(key // 100 in (4, 5))


def with_0(key: float) -> float:
    """Connect node 0 with all others, whichever comes first."""
    return float(key // 100 == 0 or key % 100 == 0)


def unless_to(node_id: int) -> Callable[[Any, Any], int]:
    return lambda a, b: int(b.node_id != node_id)


def unless_from(node_id: int) -> Callable[[Any, Any], int]:
    return lambda a, b: int(a.node_id != node_id)


def unidirection(**more: Any) -> Connector:
    return UnidirectionConnector(p=from_0_and_1, p_arg=pair, n_syn=unless_to(4), **quiet(), **more)


def listed(**more: Any) -> Connector:
    Path("pairs.csv").write_text("source_node_id,target_node_id\n0,1\n3,2\n")
    return FileBasedConnector("pairs.csv", verbose=False, save_report=True, **more)


#: (what, connector, nodes in A and B, row without labels), counted by hand. n_syn = 0 connects
#: nothing, so that fractions of the possible pairs are not all 1.
TWO: dict[str, tuple[Callable[..., Connector], str, str]] = {
    # 6 of 12 pairs possible, of which the two to node 4 have no synapse
    "unidirection": (unidirection, "66.666667", "33.333333"),
    # forward 6 possible, 4 connected; backward 8 possible, the two to node 0 without a synapse;
    # both: 4 possible; (0, 4), (1, 4) lack forward, (0, 4), (0, 5) backward
    "reciprocal": (
        lambda **more: ReciprocalConnector(
            p0=from_0_and_1, p0_arg=pair, p1=to_0_and_1_of_b, p1_arg=pair, pr=None,
            n_syn0=unless_to(4), n_syn1=unless_to(0), **quiet(), **more,
        ),
        "[66.666667 75 25]",
        "[33.333333 50 8.3333333]",
    ),
    # 2 of 12
    "file": (listed, "16.666667", "16.666667"),
}  # fmt: skip

#: The same within A, 5 nodes.
ONE: dict[str, tuple[Callable[..., Connector], str, str]] = {
    # 10 of 25 pairs possible, those to node 4 without a synapse
    "unidirection": (unidirection, "80", "32"),
    # no self pairs: 8 of 20 possible, 6 connected
    "unidirection, no autapses": (
        lambda **more: unidirection(allow_autapses=False, **more), "75", "30",
    ),
    # 4 of 10 unordered pairs possible, all connected; 1 -> 0 has no synapse
    "reciprocal": (
        lambda **more: ReciprocalConnector(
            p0=with_0, p0_arg=pair, pr=1.0, estimate_rho=False, n_syn0=unless_from(1), **quiet(),
            **more,
        ),
        "[100 75]",
        "[40 30]",
    ),
    # 5 of 15 with self pairs, which are not reciprocal
    "reciprocal, autapses": (
        lambda **more: ReciprocalConnector(
            p0=with_0, p0_arg=pair, pr=1.0, estimate_rho=False, autapses=True, **quiet(), **more,
        ),
        "[100 80]",
        "[33.333333 26.666667]",
    ),
    # 4 of 10 unordered pairs; the label has a suffix
    "gap junction": (
        lambda **more: GapJunction(p=with_0, p_arg=pair, **quiet(), **more), "100", "40",
    ),
    "file": (listed, "8", "8"),
}  # fmt: skip


@pytest.mark.parametrize("name", TWO)
def test_row_between_two_populations(name: str) -> None:
    make, of_possible, of_all = TWO[name]
    net = make_network(4, 3)
    connect(net, make(), *pools(net))
    net.build()
    assert Path("conn.csv").read_text() == f"{HEADER}{A},{B},{of_possible},{of_all}\n"


@pytest.mark.parametrize("name", ONE)
def test_row_within_one_population(name: str) -> None:
    make, of_possible, of_all = ONE[name]
    net = make_network(5)
    connect(net, make(), *pools(net))
    net.build()
    label = f"{A}Gap" if "gap" in name else A
    numbers = [[float(part) for part in text.strip("[]").split()] for text in (of_possible, of_all)]
    rows = cells("conn.csv")
    assert [row[:2] for row in rows] == [[label, label]]
    found = [[float(part) for part in text.strip("[]").split()] for text in rows[0][2:]]
    assert found == numbers
    if "[" in of_all:
        assert rows[0][2:] == [of_possible, of_all]


@pytest.mark.parametrize("p", [0.3, 0.7])
def test_gap_junctions_by_chance(p: float) -> None:
    """Both kinds: unordered pairs in the numerator and in the denominators."""
    net = make_network(12)
    population, _ = pools(net)
    chemical = UnidirectionConnector(p=0.4, save_report=False, **quiet())
    connect(net, chemical, population, population)
    plain = GapJunction(p=lambda key: p if key % 100 > 5 else 0.0, p_arg=pair, **quiet())
    by_chemical = CorrelatedGapJunction(
        p_non=0.0, p_uni=p, p_rec=1.0, connector=chemical, report_name="other.csv", **quiet()
    )
    for connector in (plain, by_chemical):
        connector.setup_nodes(source=population, target=population)
        net.add_edges(**connector.edge_params(), is_gap_junction=True)
    net.build()
    n = len(plain.connectivity.forward)
    possible = sum(j > 5 for i in range(12) for j in range(i + 1, 12))
    assert 0 < n < possible < 66
    row = f"{A}Gap,{A}Gap,{one_number(100 * n / possible)},{one_number(100 * n / 66)}\n"
    assert Path("conn.csv").read_text() == HEADER + row
    both = chemical.connectivity.forward.to_dense() > 0
    directions = np.triu(both.astype(int) + both.T, 1)
    possible = int((directions > 0).sum())
    n = len(by_chemical.connectivity.forward)
    row = f"{A}Gap,{A}Gap,{one_number(100 * n / possible)},{one_number(100 * n / 66)}\n"
    assert Path("other.csv").read_text() == HEADER + row


def test_conditional_has_a_row() -> None:
    net = make_network(10)
    population, _ = pools(net)
    gaps = GapJunction(p=0.4, save_report=False, **quiet())
    connect(net, gaps, population, population)
    connector = GapJunctionConditionalReciprocalConnector(
        gaps, 0.9, 0.9, 0.85, 0.0, 0.0, 0.0, **quiet()
    )
    connect(net, connector, population, population)
    net.build()
    drawn = connector.connectivity
    coupled = len(gaps.connectivity.forward)
    dense = drawn.forward.to_dense() > 0
    connected, both = np.triu(dense | dense.T).sum(), np.triu(dense & dense.T).sum()
    assert both > 5
    texts = [f"[{100 * connected / n:.8g} {100 * both / n:.8g}]" for n in (coupled, 45)]
    assert cells("conn.csv") == [[A, A, *texts]]


def test_one_to_one_has_none() -> None:
    net = make_network(4, 3)
    connect(net, OneToOneSequentialConnector(verbose=False), *pools(net))
    net.build()
    assert net.nedges == 3
    assert not Path("conn.csv").exists()


@pytest.mark.parametrize("default", [True, False])
def test_asked_for(default: bool) -> None:
    """``save_report`` is on by default, but for a file, whose edges nobody drew."""
    net = make_network(4, 3)
    Path("pairs.csv").write_text("source_node_id,target_node_id\n0,1\n")
    asked = {} if default else {"save_report": False}
    connect(net, UnidirectionConnector(**quiet(), **asked), *pools(net))
    connect(net, FileBasedConnector("pairs.csv", verbose=False), *pools(net))
    net.build()
    assert Path("conn.csv").exists() == default
    if default:
        assert len(cells("conn.csv")) == 1


def test_overlapping_pools() -> None:
    """Less the self pairs where autapses are forbidden: 3 of the 4 x 5 pairs."""
    net = make_network(6)
    source, target = net.nodes(node_id=[0, 1, 2, 3]), net.nodes(node_id=[1, 2, 3, 4, 5])
    connector = UnidirectionConnector(p=1.0, n_syn=unless_to(5), allow_autapses=False, **quiet())
    connect(net, connector, source, target)
    net.build()
    assert cells("conn.csv")[0][2:] == [one_number(100 * 13 / 17)] * 2


def test_nothing_is_possible() -> None:
    net = make_network(4, 3)
    connect(net, UnidirectionConnector(p=0.0, **quiet()), *pools(net))
    connect(net, ReciprocalConnector(p0=0.0, p1=0.0, pr=None, **quiet()), *pools(net))
    net.build()
    found = [
        [float(x) for x in re.findall(r"[\d.]+", text)]
        for _, _, *row in cells("conn.csv")
        for text in row
    ]
    assert found == [[0.0], [0.0], [0.0] * 3, [0.0] * 3]


@pytest.mark.parametrize(
    "options",
    [{"precision": 1}, {"legacy": "1.13"}, {"linewidth": 20}, {"suppress": True}, {"sign": "+"}],
    ids=str,
)
def test_numbers_whatever_numpy_prints(options: dict[str, Any]) -> None:
    make, of_possible, of_all = TWO["reciprocal"]
    net = make_network(4, 3)
    connect(net, make(), *pools(net))
    with np.printoptions(**options):
        net.build()
    assert Path("conn.csv").read_text() == f"{HEADER}{A},{B},{of_possible},{of_all}\n"


def test_large_and_small_numbers() -> None:
    """Eight significant digits, of numbers of any size."""
    edges = EdgeList.from_arrays([0], [0], (70_000, 70_000))
    pairs = 70_000**2
    drawn = Connectivity(edges, pairs=pairs, possible=(7, 7, 3), connected=(1, 2, 3))
    save_rows("conn.csv", [("s", "t", drawn)])
    row = f"s,t,[14.285714 28.571429 100],[{100 / pairs:.8g} {200 / pairs:.8g} {300 / pairs:.8g}]\n"
    assert lines("conn.csv")[1] == row
    assert "2.0408163e-08" in row


# ---------------------------------------------------------------------- labels
#: (filter of the source pool, label, whether the cell has to be quoted)
LABELS: list[tuple[dict[str, Any], str, bool]] = [
    ({}, "net: *", False),
    ({"pop_name": ["A"]}, "net: pop_name=='['A']'", False),
    ({"pop_name": ["A", "B"]}, "net: pop_name=='['A', 'B']'", True),
    ({"pop_name": "A", "kind": 1}, "net: pop_name=='A'&kind=='1'", False),
    ({"pop_name": "x,y"}, "net: pop_name=='x,y'", True),
    ({"pop_name": 'the "big" one'}, "net: pop_name=='the \"big\" one'", True),
    ({"pop_name": "two\nlines"}, "net: pop_name=='two\nlines'", True),
    ({"pop_name": "Körner ☂"}, "net: pop_name=='Körner ☂'", False),
]


@pytest.mark.parametrize(("chosen", "label", "quoted"), LABELS, ids=[row[1] for row in LABELS])
def test_labels(chosen: dict[str, Any], label: str, quoted: bool) -> None:
    net = NetworkBuilder("net")
    for name in ("A", "B", "x,y", 'the "big" one', "two\nlines", "Körner ☂"):
        net.add_nodes(N=2, pop_name=name, kind=1)
    connect(net, UnidirectionConnector(p=0.5, **quiet()), net.nodes(**chosen), net.nodes())
    net.build()
    rows = cells("conn.csv")
    assert [row[:2] for row in rows] == [[label, "net: *"]]
    assert len(rows[0]) == 4
    text = Path("conn.csv").read_bytes().decode("utf-8")
    assert text.removeprefix(HEADER).startswith('"') == quoted
    assert "\r" not in text


def test_label_of_a_function() -> None:
    """As BMTK writes it: the repr, with its commas if it has any."""
    net = make_network(4, 3)
    source = net.nodes(pop_name=lambda name: name == "A")
    connect(net, UnidirectionConnector(p=0.5, **quiet()), source, net.nodes(pop_name="B"))
    net.build()
    assert cells("conn.csv")[0][0] == f"net: {source.filter_str}"
    assert "lambda" in cells("conn.csv")[0][0]


# ---------------------------------------------------------------------- the file
def write(file: str | Path = "conn.csv") -> None:
    """Append a row by building a network."""
    net = make_network(4, 3)
    connect(
        net,
        UnidirectionConnector(p=1.0, n_syn=unless_to(4), report_name=file, **quiet()),
        *pools(net),
    )
    net.build()
    assert net.nedges == 8


ROW = f"{A},{B},66.666667,66.666667\n"


def test_appended_over_runs() -> None:
    for n in (1, 2, 3):
        write()
        assert lines("conn.csv") == [HEADER, *[ROW] * n]


def test_second_build_writes_no_second_row() -> None:
    net = make_network(4, 3)
    connect(net, unidirection(), *pools(net))
    net.build()
    before = Path("conn.csv").read_text()
    net.build()
    assert net.nedges == 8  # BMTK appends
    assert Path("conn.csv").read_text() == before


def test_each_use_has_its_row() -> None:
    net = make_network(4, 3)
    connector = unidirection()
    a, b = pools(net)
    for target in (b, a):
        connect(net, connector, a, target)
    net.build()
    assert [row[:2] for row in cells("conn.csv")] == [[A, B], [A, A]]


def test_two_directions_are_one_row() -> None:
    """Also when the backward edges are built first, or on their own."""
    make, of_possible, of_all = TWO["reciprocal"]
    for directions in (("backward", "forward"), ("backward",)):
        net = make_network(4, 3)
        connector = make()
        connector.setup_nodes(*pools(net))
        for direction in directions:
            net.add_edges(**connector.edge_params(direction=direction))
        net.build()
    assert lines("conn.csv")[1:] == [f"{A},{B},{of_possible},{of_all}\n"] * 2


def test_by_hand() -> None:
    """``save_connection_report`` appends the row, once more if asked again."""
    net = make_network(4, 3)
    connector = unidirection(save_report=False)
    connect(net, connector, *pools(net))
    net.build()
    assert not Path("conn.csv").exists()
    for n in (1, 2):
        connector.save_connection_report()
        assert lines("conn.csv") == [HEADER, *[f"{A},{B},66.666667,33.333333\n"] * n]


def test_folder_is_made(tmp_path: Path) -> None:
    write("deep/in/a folder/report.csv")
    write(tmp_path / "other" / "report.csv")
    for file in (tmp_path / "deep/in/a folder/report.csv", tmp_path / "other" / "report.csv"):
        assert file.read_text() == HEADER + ROW


def test_missing_final_newline() -> None:
    Path("conn.csv").write_text(HEADER + "x,y,1,2")
    write()
    assert lines("conn.csv") == [HEADER, "x,y,1,2\n", ROW]


def test_header_alone() -> None:
    for text in (HEADER, HEADER.rstrip("\n")):
        Path("conn.csv").write_text(text)
        write()
        assert lines("conn.csv") == [HEADER, ROW]


def test_empty_file() -> None:
    Path("conn.csv").touch()
    write()
    assert lines("conn.csv") == [HEADER, ROW]


def test_report_of_bmtool_is_continued() -> None:
    """Rows as bmtool writes them stay as they are."""
    old = HEADER + f"{A},{B},[26. 35. 13.],[26. 35. 13.]\n{A},{B},25.0,15.270833333333334\n"
    Path("conn.csv").write_text(old)
    write()
    assert Path("conn.csv").read_text() == old + ROW


def test_windows_line_ends() -> None:
    """A report that a spreadsheet saved with other line ends is still a report."""
    old = (HEADER + "x,y,1,2\n").replace("\n", "\r\n")
    Path("conn.csv").write_bytes(old.encode())
    write()
    assert Path("conn.csv").read_bytes() == (old + ROW).encode()


def test_relative_name_is_resolved_when_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = make_network(4, 3)
    connect(net, unidirection(report_name="out/my.csv"), *pools(net))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    net.build()
    assert (tmp_path / "elsewhere" / "out" / "my.csv").exists()
    assert not (tmp_path / "out").exists()


def test_module_wide_name_is_read_at_construction() -> None:
    net = make_network(4, 3)
    a, b = pools(net)
    first = unidirection()
    bmtool_connectors.report_name = "second.csv"
    second = unidirection()
    bmtool_connectors.connectors.report_name = Path("third.csv")
    third = unidirection()
    own = unidirection(report_name="own.csv")
    del bmtool_connectors.report_name
    assert bmtool_connectors.report_name == "conn.csv"
    bmtool_connectors.report_name = "never.csv"
    for connector in (third, own, second, first):
        connect(net, connector, a, b)
    net.build()
    for file in ("conn.csv", "second.csv", "third.csv", "own.csv"):
        assert len(cells(file)) == 1
    assert not Path("never.csv").exists()


def test_none_is_the_default_again() -> None:
    bmtool_connectors.report_name = "mine.csv"
    bmtool_connectors.report_name = None
    assert bmtool_connectors.report_name == "conn.csv"
    with pytest.raises(ParameterError, match="report_name"):
        bmtool_connectors.report_name = 7
    assert bmtool_connectors.report_name == "conn.csv"


# ---------------------------------------------------------------------- failures cost no edge
@contextmanager
def one_warning(*words: str) -> Iterator[None]:
    """Expect exactly one ConnectivityWarning, with a remedy and these words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    ours = [w for w in caught if w.category is not DeprecationWarning]
    assert len(ours) == 1, [str(w.message) for w in ours]
    assert ours[0].category is ConnectivityWarning
    text = str(ours[0].message)
    for word in (*words, "the edges are complete", "report_name=", "save_report=False"):
        assert word in text, text
    assert "\n" not in text
    assert text.endswith(".")


def test_a_foreign_file_stays_as_it_is() -> None:
    for foreign in ("a,b\n1,2\n", "Source,Target,Percent\n", "x", HEADER.lower(), "\n" + HEADER):
        Path("conn.csv").write_text(foreign)
        with one_warning("conn.csv", "is not a connection report"):
            write()
        assert Path("conn.csv").read_text() == foreign


def test_a_binary_file_stays_as_it_is() -> None:
    content = bytes(range(256)) * 3
    Path("conn.csv").write_bytes(content)
    with one_warning("is not a connection report"):
        write()
    assert Path("conn.csv").read_bytes() == content


def test_a_folder_as_file() -> None:
    Path("conn.csv").mkdir()
    with one_warning("'conn.csv'", "Is a directory"):
        write()
    assert list(Path("conn.csv").iterdir()) == []


def test_an_empty_name() -> None:
    with one_warning("''"):
        write("")
    assert list(Path().iterdir()) == []


def test_a_file_as_folder(tmp_path: Path) -> None:
    """What a folder without write permission is to everybody but root."""
    Path("file").write_text("text")
    for name in ("file/conn.csv", "file/deep/conn.csv"):
        with one_warning("file"):
            write(tmp_path / name)
    assert Path("file").read_text() == "text"


@pytest.mark.parametrize("name", ["a\0b.csv", "x" * 5000], ids=["null", "long"])
def test_a_name_that_cannot_be(name: str) -> None:
    with one_warning():
        write(name)


def test_a_label_that_is_no_text() -> None:
    """A lone surrogate, as undecodable file names have it, cannot be written as UTF-8."""
    net = NetworkBuilder("net\udcff")
    net.add_nodes(N=3, pop_name="A")
    connect(net, UnidirectionConnector(p=1.0, **quiet()), net.nodes(), net.nodes())
    net.build()
    assert net.nedges == 9
    rows = cells("conn.csv")
    assert len(rows) == 1
    assert rows[0][0].startswith("net")
    assert rows[0][0].endswith(": *")


def fails_with(error: BaseException) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("before", [None, HEADER + ROW, HEADER + "x,y,1,2"])
@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("open", PermissionError(errno.EACCES, "Permission denied")),
        ("open", OSError(errno.EROFS, "Read-only file system")),
        ("write", OSError(errno.ENOSPC, "No space left on device")),
        ("write", OSError(errno.EDQUOT, "Disk quota exceeded")),
        ("fstat", OSError(errno.ESTALE, "Stale file handle")),
    ],
    ids=["permission", "read-only", "full", "quota", "stale"],
)
def test_the_system_says_no(
    function: str, error: OSError, before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before is not None:
        Path("conn.csv").write_text(before)
    net = make_network(4, 3)
    connect(net, unidirection(), *pools(net))
    with one_warning("'conn.csv'", str(error.strerror)), monkeypatch.context() as patch:
        patch.setattr(os, function, fails_with(error))
        net.build()
    assert net.nedges == 4
    found = Path("conn.csv").read_text() if Path("conn.csv").exists() else None
    assert found == before or (before is None and found == "")
    write()
    assert lines("conn.csv")[-1] == ROW, "the next row is written all the same"
    assert lines("conn.csv")[0] == HEADER


@pytest.mark.parametrize("before", ["", HEADER + ROW, HEADER + "x,y,1,2"])
def test_a_short_write_is_taken_back(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("conn.csv").write_text(before)
    net = make_network(4, 3)
    connect(net, unidirection(), *pools(net))
    real = os.write
    written: list[int] = []

    def half(handle: int, data: bytes) -> int:
        written.append(real(handle, data[: len(data) // 2]))
        return written[-1]

    with one_warning("disk full"), monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        net.build()
    assert written[0] > 5
    assert net.nedges == 4
    assert Path("conn.csv").read_text() == before


def test_no_locks_on_this_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def flock(handle: int, operation: int) -> None:
        calls.append(operation)
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setitem(sys.modules, "fcntl", SimpleNamespace(flock=flock, LOCK_EX=2))  # type: ignore[arg-type]
    write()
    assert calls == [2]
    assert lines("conn.csv") == [HEADER, ROW]


def test_no_locks_on_this_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    write()
    assert lines("conn.csv") == [HEADER, ROW]


def test_edges_are_those_without_a_report() -> None:
    """A report, a failing one, or none: the same network and the same stream."""
    found = []
    for name in ("conn.csv", ".", None):
        rng = np.random.default_rng(5)
        net = make_network(12, 9)
        a, b = pools(net)
        for target in (b, a):
            connector = UnidirectionConnector(
                p=0.3, verbose=False, rng=rng, save_report=name is not None, report_name=name
            )
            connect(net, connector, a, target)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConnectivityWarning)
            net.build()
        assert len([w for w in caught if w.category is ConnectivityWarning]) == 2 * (name == ".")
        found.append((built_edges(net), rng.bit_generator.state))
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) > 20


# ---------------------------------------------------------------------- many processes
WRITERS = """
import os, sys, warnings
from pathlib import Path
from bmtool_connectors import Connectivity, EdgeList
from bmtool_connectors.reports.connection_report import save_rows

file, n_processes, n_rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def write(number):
    edges = EdgeList.from_arrays([0], [0], (3, 7))
    drawn = Connectivity(edges, pairs=21, possible=(9, 9, 3), connected=(number + 1, 2, 1))
    for row in range(n_rows):
        save_rows(file, [(f"process {number}", f"row {row}, of all", drawn)])

warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside other threads
waiting, go = os.pipe()
children = []
for number in range(n_processes):
    children.append(os.fork())
    if not children[-1]:
        warnings.simplefilter("error")
        try:
            os.close(go)
            os.read(waiting, 1)
            write(number)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
os.close(go)  # all at once
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


def test_eight_processes_at_once(tmp_path: Path) -> None:
    n_processes, n_rows = 8, 50
    command = [sys.executable, "-c", WRITERS, "sub/conn.csv", str(n_processes), str(n_rows)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    text = Path("sub/conn.csv").read_text()
    assert text.count(HEADER) == 1
    assert text.startswith(HEADER)
    rows = cells("sub/conn.csv")
    assert len(rows) == n_processes * n_rows
    expected = {
        (f"process {k}", f"row {row}, of all", f"[{100 * (k + 1) / 9:.8g} 22.222222 33.333333]")
        for k in range(n_processes)
        for row in range(n_rows)
    }
    assert {tuple(row[:3]) for row in rows} == expected
    order = [[row[1] for row in rows if row[0] == f"process {k}"] for k in range(n_processes)]
    assert all(each == [f"row {row}, of all" for row in range(n_rows)] for each in order)


# ---------------------------------------------------------------------- bmtool reads it
Matrix: TypeAlias = "dict[tuple[str, str], float]"

COLUMN = "Percent connectionivity within possible connections"


def percent_matrix(file: str | Path) -> Matrix:
    """Read a report by the rules of bmtool's ``connector_percent_matrix``.

    Only list filters have a short label, with ``-Gap`` for gap junctions; a text of 1 or 2
    values is the percentage from source to target, of 3 values also the one back; anything
    that is neither a text nor a float cannot be read.
    """
    table = pd.read_csv(file)

    def short(label: str) -> str:
        found = re.search(r"\['(.*?)'\]", label)
        if found is None:
            return label
        return found.group(1) + ("-Gap" if "Gap" in label else "")

    matrix: Matrix = {}
    for _, row in table.iterrows():
        source, target, value = short(row["Source"]), short(row["Target"]), row[COLUMN]
        if isinstance(value, str):
            values = [float(part) for part in value.strip("[]").split()]
            assert len(values) in (1, 2, 3), value
        else:
            assert isinstance(value, float), f"{value!r} is a {type(value).__name__}"
            values = [value]
        matrix[source, target] = values[0]
        if len(values) == 3:
            matrix[target, source] = values[1]
    return matrix


def all_kinds() -> dict[tuple[str, str], float]:
    """Build a network with all kinds of rows; return what its matrix has to hold."""
    bmtool_connectors.rng = np.random.default_rng(9)
    net = make_network(12, 9)
    a, b = net.nodes(pop_name=["A"]), net.nodes(pop_name=["B"])
    recurrent = ReciprocalConnector(p0=0.3, pr=0.1, estimate_rho=False, verbose=False)
    two = ReciprocalConnector(p0=0.3, p1=0.6, pr=None, verbose=False)
    alone = UnidirectionConnector(p=lambda key: 0.4 * (key % 3 > 0), p_arg=pair, verbose=False)
    gaps = CorrelatedGapJunction(p_non=0.1, p_uni=0.5, connector=recurrent, verbose=False)
    for connector, source, target in ((recurrent, a, a), (two, a, b), (alone, b, b), (gaps, a, a)):
        connect(net, connector, source, target)
    net.build()

    def percent(connector: Connector, k: int = 0) -> float:
        counts = connector.connectivity
        return 100 * counts.connected[k] / counts.possible[k]

    return {
        ("A", "A"): percent(recurrent),
        ("A", "B"): percent(two),
        ("B", "A"): percent(two, 1),
        ("B", "B"): percent(alone),
        ("A-Gap", "A-Gap"): percent(gaps),
    }


def test_read_by_the_rules_of_bmtool() -> None:
    expected = all_kinds()
    assert percent_matrix("conn.csv") == pytest.approx(expected, rel=1e-7)
    assert len(set(expected.values())) == 5


def only_numbers() -> Matrix:
    """Build a network whose report has no bracket at all."""
    net = make_network(4, 3)
    a, b = net.nodes(pop_name=["A"]), net.nodes(pop_name=["B"])
    connect(net, UnidirectionConnector(p=1.0, n_syn=unless_to(4), **quiet()), a, b)
    net.build()
    return {("A", "B"): 200 / 3}


def whole_numbers() -> Matrix:
    """Build a network whose report has no bracket and no fraction."""
    net = make_network(4, 3)
    a, b = net.nodes(pop_name=["A"]), net.nodes(pop_name=["B"])
    connect(net, UnidirectionConnector(p=1.0, **quiet()), a, b)
    connect(net, GapJunction(p=0.0, **quiet()), a, a)
    net.build()
    return {("A", "B"): 100.0, ("A-Gap", "A-Gap"): 0.0}


def test_plain_numbers_are_read_as_floats() -> None:
    expected = only_numbers()
    assert percent_matrix("conn.csv") == pytest.approx(expected, rel=1e-7)


def test_whole_numbers_are_read_as_floats() -> None:
    """All pairs connected, 100%: pandas must not take the column for one of integers."""
    expected = whole_numbers()
    assert percent_matrix("conn.csv") == expected


def consumer() -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return bmtool's own ``connector_percent_matrix`` and the names it looks up.

    Its module imports NEURON and IPython at the top, so where these are missing the one
    function is compiled from the installed file.
    """
    spec = importlib.util.find_spec("bmtool")
    if spec is None or not spec.submodule_search_locations:
        pytest.fail(
            "bmtool is not installed; install it with 'pip install --no-deps bmtool', or leave "
            "these tests out with -m 'not peer'."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from bmtool.bmplot import connections
    except ImportError:
        pass
    else:
        return connections.connector_percent_matrix, vars(connections)
    file = Path(spec.submodule_search_locations[0]) / "bmplot" / "connections.py"
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    found = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == "connector_percent_matrix"
    ]
    assert len(found) == 1, f"{file} defines connector_percent_matrix {len(found)} times"
    future = ast.ImportFrom(module="__future__", names=[ast.alias("annotations")], level=0)
    module = ast.fix_missing_locations(ast.Module([future, *found], type_ignores=[]))
    names: dict[str, Any] = {"np": np, "pd": pd, "re": re}
    exec(compile(module, str(file), "exec"), names)
    return names["connector_percent_matrix"], names


def matrix_of_bmtool(file: str) -> Matrix:
    """Return the matrix that bmtool plots."""
    function, names = consumer()
    plt = mock.MagicMock()
    axes = mock.MagicMock()
    plt.subplots.return_value = (mock.MagicMock(), axes)
    with mock.patch.dict(names, plt=plt):
        function(csv_path=file)
    matrix = np.asarray(axes.imshow.call_args.args[0])
    populations = axes.set_xticklabels.call_args.args[0]
    assert list(axes.set_yticklabels.call_args.args[0]) == list(populations)
    return {
        (source, target): float(matrix[i, j])
        for i, source in enumerate(populations)
        for j, target in enumerate(populations)
        if matrix[i, j] or i == j
    }


@pytest.mark.peer
@pytest.mark.parametrize("make", [all_kinds, whole_numbers, only_numbers])
def test_read_by_bmtool(make: Callable[[], Matrix]) -> None:
    expected = make()
    found = matrix_of_bmtool("conn.csv")
    assert {key: value for key, value in found.items() if value} == pytest.approx(
        {key: value for key, value in expected.items() if value}, rel=1e-7
    )


# ---------------------------------------------------------------------- printed counts
def connectivity(
    connected: tuple[int, ...], possible: tuple[int, ...], **more: Any
) -> Connectivity:
    edges = EdgeList.from_arrays([0], [0], (4, 5))
    return Connectivity(edges, pairs=20, possible=possible, connected=connected, **more)


def test_fractions() -> None:
    assert messages.fractions(connectivity((3,), (4,))) == ([0.75], [0.15])
    assert messages.fractions(connectivity((3, 4, 1), (6, 8, 0))) == (
        [0.5, 0.5, 0.0],
        [0.15, 0.2, 0.05],
    )
    nothing = Connectivity(EdgeList.from_arrays([], [], (0, 0)), possible=(0,), connected=(0,))
    assert messages.fractions(nothing) == ([0.0], [0.0])


def test_counts_text() -> None:
    assert messages.counts_text(connectivity((3,), (4,)), ("forward",)) == (
        "Number of connected pairs: 3\n"
        "Number of possible connections: 4\n"
        "Fraction of connected pairs in possible ones: 75.00%\n"
        "Number of total pairs: 20\n"
        "Fraction of connected pairs in all pairs: 15.00%\n"
    )
    text = messages.counts_text(connectivity((3, 1), (4, 4), dropped=2), ("all", "reciprocal"))
    assert text.startswith("Numbers of (all, reciprocal) connections:\n")
    assert "Number of connected pairs: (3, 1)\n" in text
    assert "in possible ones: (75.00%, 25.00%)\n" in text
    assert text.endswith("dropped: 2\n")


@pytest.mark.parametrize("save_report", [True, False])
def test_quiet_means_quiet(save_report: bool, capsys: pytest.CaptureFixture[str]) -> None:
    net = make_network(4, 3)
    connect(net, unidirection(save_report=save_report), *pools(net))
    net.build()
    assert capsys.readouterr() == ("", "")


def test_verbose_prints_labels_counts_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    net = make_network(4, 3)
    connector = UnidirectionConnector(p=0.5, rng=np.random.default_rng(3), save_report=False)
    connect(net, connector, *pools(net))
    net.build()
    out, err = capsys.readouterr()
    n = len(connector.connectivity.forward)
    for part in (A, B, f"connected pairs: {n}\n", "total pairs: 12\n", f"{n / 12:.2%}", " sec\n"):
        assert part in out, out
    assert err == ""


@pytest.mark.parametrize(
    ("unit", "scale", "shown"),
    [
        ("sec", 1, "sec"),
        ("ms", 1e3, "ms"),
        ("us", 1e6, "us"),
        ("min", 1 / 60, "min"),
        ("h", 1, "sec"),
    ],
)
def test_timer(
    unit: str, scale: float, shown: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    timer = Timer(unit)
    now[0] += 3.0
    assert timer.end() == pytest.approx(3.0 * scale)
    timer.report("Drawn in")
    timer.start()
    now[0] += 1.5
    timer.report()
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"Drawn in: {3.0 * scale:.3f} {shown}"
    assert second == f"Run time: {1.5 * scale:.3f} {shown}"
