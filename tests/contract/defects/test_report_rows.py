"""Part 2 of the defect table, rows r1 to r12: the CSV connection report."""

from __future__ import annotations

import csv
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builds import (
    bare_percent,
    connect,
    drawn,
    pairs_of,
    percent,
    tables,
    unordered,
    warned,
)
from conftest import QUIET, make_network, pools

from bmtool_connectors import (
    CorrelatedGapJunction,
    FileBasedConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    OneToOneSequentialConnector,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    spherical_dist,
)

HEADER = (
    "Source,Target,"
    "Percent connectionivity within possible connections,"
    "Percent connectionivity within all connections"
)
LABEL_A, LABEL_B = "net: pop_name=='A'", "net: pop_name=='B'"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default report is written to the working directory."""
    monkeypatch.chdir(tmp_path)


def loud(seed: int = 1, **more: Any) -> dict[str, Any]:
    """Return keyword arguments for a connector that reports and does not print."""
    return {"rng": np.random.default_rng(seed), "verbose": False, **more}


def rows(path: str = "conn.csv") -> list[list[str]]:
    """Return the rows of a report without its header, after checking that."""
    lines = Path(path).read_bytes().decode()
    assert lines.startswith(HEADER + "\n")
    assert lines.endswith("\n")
    assert "\r" not in lines
    return list(csv.reader(lines.splitlines()))[1:]


def bracketed(*counts: int, of: int) -> str:
    """Return several percentages as the report writes them."""
    return f"[{' '.join(bare_percent(count, of) for count in counts)}]"


def near(p: float = 0.5) -> dict[str, Any]:
    """Return a law that makes some pairs impossible."""
    return {"p": UniformInRange(p, max_dist=50.0), "p_arg": spherical_dist}


# ---------------------------------------------------------------------- rows r1 to r3
def test_row_r1_header_and_lines() -> None:
    drawn(UnidirectionConnector(p=1.0, **loud()), *pools(make_network(3, 4)))
    text = Path("conn.csv").read_bytes().decode()
    assert text == f"{HEADER}\n{LABEL_A},{LABEL_B},100.0,100.0\n"


def test_row_r2_one_row_per_use() -> None:
    """Both directions of a connector give one row, also when only one is added."""
    net = make_network(6, 8)
    connector = ReciprocalConnector(p0=0.5, p1=0.4, pr=0.2, estimate_rho=False, **loud())
    connect(net, connector, *pools(net))
    net.add_edges(**connector.edge_params())
    net.build()
    net.build()
    assert len(rows()) == 1
    alone = ReciprocalConnector(p0=0.5, p1=0.4, pr=0.2, estimate_rho=False, **loud())
    connect(net, alone, *pools(net))
    with warned("never handed to add_edges"):
        net.build()
    assert [row[:2] for row in rows()] == [[LABEL_A, LABEL_B]] * 2


def test_row_r2_order_of_completion() -> None:
    """Rows come in the order in which the edges are drawn."""
    net = make_network(4, 5)
    a, b = pools(net)
    first, second = (UnidirectionConnector(p=0.5, **loud()) for _ in range(2))
    connect(net, first, a, b)
    connect(net, second, b, a)
    second.initial_all_to_all()
    net.build()
    assert [row[0] for row in rows()] == [LABEL_B, LABEL_A]


def test_row_r3_labels() -> None:
    net = make_network(3, 4)
    filters: list[tuple[dict[str, Any], str]] = [
        ({}, "net: *"),
        ({"pop_name": "A"}, LABEL_A),
        ({"pop_name": ["A"]}, "net: pop_name=='['A']'"),
        ({"pop_name": ["A", "B"]}, "net: pop_name=='['A', 'B']'"),
        ({"pop_name": "A", "node_id": 1}, "net: pop_name=='A'&node_id=='1'"),
    ]
    for selected, _ in filters:
        drawn(UnidirectionConnector(p=1.0, **loud()), net.nodes(**selected), net.nodes())
    assert [row[0] for row in rows()] == [label for _, label in filters]
    # Quoted only where a comma demands it.
    lines = Path("conn.csv").read_text().splitlines()[1:]
    assert [line.startswith('"') for line in lines] == [False, False, False, True, False]


# ---------------------------------------------------------------------- row r4: the values
def test_row_r4_one_way() -> None:
    net = make_network(12, 20)
    source, target = pools(net)
    found = drawn(UnidirectionConnector(**near(), **loud()), source, target)
    possible = sum(spherical_dist(a, b) <= 50 for a in source for b in target)
    n = len(found.forward)
    assert rows()[0][2:] == [percent(n, possible), percent(n, 240)]
    assert 0 < n < possible < 240


@pytest.mark.parametrize("allow_autapses", [True, False])
def test_row_r4_one_way_within_one_population(allow_autapses: bool) -> None:
    connector = UnidirectionConnector(p=0.5, allow_autapses=allow_autapses, **loud())
    n = len(drawn(connector, *pools(make_network(12))).forward)
    assert rows()[0][2:] == [percent(n, 144 if allow_autapses else 132)] * 2


@pytest.mark.parametrize("autapses", [True, False])
def test_row_r4_reciprocal_within_one_population(autapses: bool) -> None:
    law = near()
    connector = ReciprocalConnector(
        p0=law["p"], p0_arg=law["p_arg"], pr=0.3, estimate_rho=False, autapses=autapses, **loud()
    )
    net = make_network(20)
    edges = pairs_of(drawn(connector, *pools(net)).forward)
    nodes = list(net.nodes())
    connected = {(min(e), max(e)) for e in edges}
    both = {(i, j) for i, j in edges if i < j and (j, i) in edges}
    selves = 20 if autapses else 0
    possible = sum(spherical_dist(nodes[i], nodes[j]) <= 50 for i, j in unordered(20)) + selves
    (row,) = rows()
    assert re.fullmatch(r"\[\S+ \S+\]", row[2])
    numbers = [[float(x) for x in cell.strip("[]").split(" ")] for cell in row[2:]]
    # How a node with itself counts among the reciprocal pairs is not promised.
    assert numbers[0][0] == pytest.approx(100 * len(connected) / possible, rel=1e-7)
    assert numbers[1][0] == pytest.approx(100 * len(connected) / (190 + selves), rel=1e-7)
    if not autapses:
        assert row[2] == bracketed(len(connected), len(both), of=possible)
        assert row[3] == bracketed(len(connected), len(both), of=190)
    assert len(both) > 5


def test_row_r4_reciprocal_between_two_populations() -> None:
    law = near()
    connector = ReciprocalConnector(
        p0=law["p"], p0_arg=law["p_arg"], p1=0.4, pr=0.2, estimate_rho=False, **loud()
    )
    net = make_network(12, 20)
    source, target = pools(net)
    found = drawn(connector, source, target)
    assert found.backward is not None
    forward = pairs_of(found.forward)
    backward = {(i, j) for j, i in pairs_of(found.backward)}
    counts = [len(forward), len(backward), len(forward & backward)]
    near_pairs = sum(spherical_dist(a, b) <= 50 for a in source for b in target)
    possible = [near_pairs, 240, near_pairs]
    of_possible = " ".join(bare_percent(c, n) for c, n in zip(counts, possible, strict=True))
    assert rows()[0][2:] == [f"[{of_possible}]", bracketed(*counts, of=240)]
    assert min(counts) > 0


def test_row_r4_gap_junctions() -> None:
    net = make_network(12)
    nodes = list(net.nodes())
    gap = GapJunction(**near(), **loud())
    n = len(drawn(gap, *pools(net)).forward)
    possible = sum(spherical_dist(nodes[i], nodes[j]) <= 50 for i, j in unordered(12))
    correlated = CorrelatedGapJunction(
        0.5, 1.0, 1.0, connector=UnidirectionConnector(p=0.2, **QUIET), **loud()
    )
    correlated.connector.setup_nodes(*pools(net))
    m = len(drawn(correlated, *pools(net)).forward)
    label = f"{LABEL_A}Gap"
    assert rows() == [
        [label, label, percent(n, possible), percent(n, 66)],
        [label, label, percent(m, 66), percent(m, 66)],
    ]


def test_row_r4_file_conditional_and_one_to_one() -> None:
    Path("edges.csv").write_text("source_node_id,target_node_id\n0,1\n2,0\n")
    net = make_network(5)
    a, _ = pools(net)
    drawn(FileBasedConnector("edges.csv", verbose=False), a, a)
    drawn(OneToOneSequentialConnector(verbose=False), a, a)
    assert not Path("conn.csv").exists()
    drawn(FileBasedConnector("edges.csv", verbose=False, save_report=True), a, a)
    gap = GapJunction(p=0.5, **QUIET)
    gap.setup_nodes(a, a)
    connector = GapJunctionConditionalReciprocalConnector(gap, 1, 1, 1, 1, 1, 1, **loud())
    drawn(connector, a, a)
    assert [row[2:] for row in rows()] == [["8.0", "8.0"], ["[100 100]", "[100 100]"]]


def test_row_r5_nothing_possible() -> None:
    """0 percent, without a warning and at no cost."""
    net = make_network(4, 5)
    a, b = pools(net)
    drawn(UnidirectionConnector(p=0.0, **loud()), a, b)
    drawn(ReciprocalConnector(p0=0.0, rho=0.0, **loud()), a, a)
    drawn(ReciprocalConnector(p0=0.0, p1=0.0, rho=0.0, **loud()), a, b)
    drawn(GapJunction(p=0.0, **loud()), a, a)
    assert [row[2] for row in rows()] == ["0.0", "[0 0]", "[0 0 0]", "0.0"]
    assert [row[2] for row in rows()] == [row[3] for row in rows()]


# ---------------------------------------------------------------------- rows r6 and r7: the text
@pytest.mark.parametrize(
    "options",
    [{"precision": 1}, {"legacy": "1.13"}, {"linewidth": 20}, {"suppress": True}, {"sign": "+"}],
    ids=lambda options: next(iter(options)),
)
def test_row_r6_print_options_do_not_matter(options: dict[str, Any]) -> None:
    texts = []
    for given in ({}, options):
        with np.printoptions(**given):
            connector = ReciprocalConnector(
                p0=0.5, p1=0.4, pr=0.2, estimate_rho=False, report_name="other.csv", **loud()
            )
            drawn(connector, *pools(make_network(7, 9)))
        texts.append(Path("other.csv").read_text().splitlines()[-1])
    assert texts[0] == texts[1]
    assert re.search(r",\[\d+\.\d{4,6} \d+\.\d{4,6} \d+\.\d{4,6}\],\[[^]\n]*\]$", texts[0])


def short_name(text: str) -> str:
    """Return the label that the predecessor's plot gives a population."""
    found = re.search(r"\['(.*?)'\]", text)
    if found is None:
        return text
    return f"{found.group(1)}-Gap" if "Gap" in text else found.group(1)


def plotted(path: str) -> dict[tuple[str, str], float]:
    """Read a report like the predecessor's ``connector_percent_matrix`` does."""
    import pandas as pd

    table = pd.read_csv(path)
    matrix = {}
    for source, target, value in zip(
        table["Source"],
        table["Target"],
        table["Percent connectionivity within possible connections"],
        strict=True,
    ):
        source, target = short_name(source), short_name(target)
        numbers = [value] if isinstance(value, float) else str(value).strip("[]").split()
        assert len(numbers) in (1, 2, 3)
        matrix[source, target] = float(numbers[0])
        if len(numbers) == 3:
            matrix[target, source] = float(numbers[1])
    return matrix


def test_row_r7_the_plot_of_the_predecessor_reads_it() -> None:
    net = make_network(10, 15)
    a, b = (net.nodes(pop_name=[name]) for name in "AB")
    law = {"pr": 0.2, "estimate_rho": False}
    both = ReciprocalConnector(p0=0.5, p1=0.4, **law, **loud())
    found = drawn(both, a, b)
    recurrent = drawn(ReciprocalConnector(p0=0.5, **law, **loud()), a, a)
    gap = drawn(GapJunction(p=0.5, **loud()), b, b)
    matrix = plotted("conn.csv")
    assert found.backward is not None
    assert matrix == {
        ("A", "B"): pytest.approx(100 * len(found.forward) / 150, rel=1e-7),
        ("B", "A"): pytest.approx(100 * len(found.backward) / 150, rel=1e-7),
        ("A", "A"): pytest.approx(100 * recurrent.connected[0] / 45, rel=1e-7),
        ("B-Gap", "B-Gap"): pytest.approx(100 * len(gap.forward) / 105, rel=1e-7),
    }


# ---------------------------------------------------------------------- rows r8 to r12: the file
def one_row(path: str, **more: Any) -> None:
    """Append one row to a report by building a network; the edges have to be there."""
    net = make_network(3, 4)
    connector = UnidirectionConnector(p=1.0, report_name=path, **loud(), **more)
    connect(net, connector, *pools(net))
    net.build()
    assert len(tables(net)[0]) == 12


def test_row_r8_folders_empty_files_and_missing_newlines() -> None:
    one_row("new/folder/conn.csv")
    assert len(rows("new/folder/conn.csv")) == 1
    Path("empty.csv").touch()
    one_row("empty.csv")
    assert len(rows("empty.csv")) == 1
    Path("cut.csv").write_text(f"{HEADER}\n1,2,3,4")
    one_row("cut.csv")
    assert rows("cut.csv") == [["1", "2", "3", "4"], [LABEL_A, LABEL_B, "100.0", "100.0"]]
    Path("header.csv").write_text(HEADER)
    one_row("header.csv")
    assert len(rows("header.csv")) == 1


def test_row_r8_paths_of_any_kind(tmp_path: Path) -> None:
    one_row(tmp_path / "path.csv")  # type: ignore[arg-type]
    assert len(rows(str(tmp_path / "path.csv"))) == 1


@pytest.mark.parametrize("what", ["folder", "foreign", "file as folder", "no name"])
def test_row_r9_a_failing_report_costs_no_edge(what: str) -> None:
    """A warning with the reason; whatever was there stays as it was."""
    path, foreign = "report.csv", "a,b\n1,2\n"
    if what == "folder":
        Path(path).mkdir()
    elif what == "foreign":
        Path(path).write_text(foreign)
    elif what == "file as folder":
        Path("file").touch()
        path = "file/report.csv"
    else:
        path = ""
    with warned("could not be written ("):
        one_row(path)
    if what == "foreign":
        assert Path(path).read_text() == foreign


def test_row_r9_a_failing_report_does_not_stop_the_others() -> None:
    Path("bad").mkdir()
    net = make_network(3, 4)
    names = ("bad", "good.csv")
    for name in names:
        connector = UnidirectionConnector(p=1.0, report_name=name, **loud())
        connect(net, connector, *pools(net))
    with warned("'bad' could not be written"):
        net.build()
    assert [len(table) for table in tables(net)] == [12, 12]
    assert len(rows("good.csv")) == 1


def test_row_r10_rows_accumulate() -> None:
    """Over runs too: a report has no notion of a run. Kept, since plots use the last row."""
    for n in range(3):
        drawn(UnidirectionConnector(p=1.0, **loud(n)), *pools(make_network(3, 4)))
    assert len(rows()) == 3


def test_row_r11_default_file_and_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written where the process is when the edges are drawn, unless switched off."""
    net = make_network(3, 4)
    connector = UnidirectionConnector(p=1.0, **loud())
    silent = UnidirectionConnector(p=1.0, save_report=False, **loud())
    connect(net, connector, *pools(net))
    connect(net, silent, *pools(net))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    net.build()
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]
    assert len(rows("conn.csv")) == 1


def test_row_r12_many_writers() -> None:
    """Every row of every thread arrives, whole, after one header."""
    n = 16
    names = [f"net {k}" for k in range(n)]

    def one(name: str) -> None:
        for _ in range(5):
            drawn(UnidirectionConnector(p=1.0, **loud()), *pools(make_network(2, 2, name=name)))

    with ThreadPoolExecutor(n) as pool:
        list(pool.map(one, names))
    found = [row[0].split(":")[0] for row in rows()]
    assert sorted(found) == sorted(names * 5)
    assert all(row[2:] == ["100.0", "100.0"] for row in rows())
