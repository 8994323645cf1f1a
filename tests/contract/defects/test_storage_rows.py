"""Rows 56 to 64 of the defect table: synapse counts, memory, and the number of calls."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builds import Recorder, between, connect, drawn, tables, within
from conftest import BOTH_BUILDERS, QUIET, make_network, pools

from bmtool_connectors import (
    FileBasedConnector,
    GapJunction,
    GaussianDropoff,
    OneToOneSequentialConnector,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    spherical_dist,
)

pytestmark = BOTH_BUILDERS


def seeded(seed: int = 1) -> dict[str, Any]:
    """Return keyword arguments for a quiet connector with a generator of its own."""
    return {"rng": np.random.default_rng(seed), **QUIET}


#: Connectors with a synapse count, of which a function gets two nodes.
COUNTED: dict[str, Callable[[Any], Any]] = {
    "unidirection": lambda n: UnidirectionConnector(p=1.0, n_syn=n, **seeded()),
    "reciprocal": lambda n: ReciprocalConnector(p0=1.0, pr=1.0, n_syn0=n, **seeded()),
}


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("count", [300, np.int64(300), np.float64(256), 70_000, True])
@pytest.mark.parametrize("is_function", [False, True])
def test_row_56_any_number_of_synapses(name: str, count: Any, is_function: bool) -> None:
    connector = COUNTED[name]((lambda a, b: count) if is_function else count)
    net = make_network(3)
    connect(net, connector, *pools(net))
    net.build()
    assert {n for _, _, n in tables(net)[0]} == {int(count)}
    assert len(tables(net)[0]) in (6, 9)


@pytest.mark.parametrize("name", [*COUNTED, "one to one"])
@pytest.mark.parametrize("count", [2.9, 0.5, 300.7, -1, np.int64(-1), "3", None, np.nan, [1, 2]])
def test_rows_56_57_58_counts_that_are_none(name: str, count: Any) -> None:
    make = {**COUNTED, "one to one": lambda n: OneToOneSequentialConnector(n_syn=n)}[name]
    with pytest.raises(ParameterError, match=r"n_syn0? of \w+ must be a whole number .*, got "):
        make(count)


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("count", [2.9, 0.5, -1, np.int64(-1), "3x", None, np.nan])
def test_row_57_functions_that_answer_no_count(name: str, count: Any) -> None:
    """An error that names the pair, before BMTK has stored an edge."""
    connector = COUNTED[name](lambda a, b: count if b.node_id == 2 else 1)
    net = make_network(4)
    connect(net, connector, *pools(net))
    with pytest.raises(
        ParameterError, match=r"n_syn0? of \w+ must be .*, got .* for the pair of nodes 0 and 2"
    ):
        net.build()
    assert tables(net) == []


@pytest.mark.parametrize("is_function", [False, True])
def test_row_57_no_synapse_is_no_connection(is_function: bool, tmp_path: Path) -> None:
    """A count of 0 connects nothing, anywhere, and is counted as dropped."""
    report = tmp_path / "conn.csv"
    rng = np.random.default_rng(1)
    connector = UnidirectionConnector(
        p=1.0, n_syn=(lambda a, b: int(b.node_id == 1)) if is_function else 0, rng=rng,
        verbose=False, report_name=str(report),
    )  # fmt: skip
    net = make_network(4)
    connect(net, connector, *pools(net))
    net.build()
    wanted = {(i, 1, 1) for i in range(4)} if is_function else set()
    assert tables(net)[0] == wanted
    assert connector.connectivity.dropped == 16 - len(wanted)
    assert connector.connection_number()[0].tolist() == [len(wanted)]
    assert {(s, t, 1) for s, row in connector.conn_prop.items() for t in row} == wanted
    assert report.read_text().splitlines()[1].endswith(",25.0,25.0" if is_function else ",0.0,0.0")


def test_row_57_reciprocal_pairs_without_synapses() -> None:
    connector = ReciprocalConnector(
        p0=1.0, p1=1.0, pr=1.0, n_syn0=2, n_syn1=lambda a, b: int(b.node_id), **seeded()
    )
    found = between(connector, 3, 4)
    assert found.connected == (12, 8, 8)  # nothing back to node 0
    assert found.dropped == 4


@pytest.mark.parametrize("count", [0, 3, np.int64(300)])
def test_row_58_one_to_one_counts(count: Any) -> None:
    inputs, net = make_network(5, name="inputs"), make_network(3)
    connector = OneToOneSequentialConnector(n_syn=count, verbose=False)
    connect(net, connector, inputs.nodes(), net.nodes())
    net.build()
    assert tables(net) == [{(i, i, int(count)) for i in range(3) if count}]


def test_row_58_one_to_one_counts_are_numbers() -> None:
    with pytest.raises(ParameterError, match="must be a whole number, got a function"):
        OneToOneSequentialConnector(n_syn=lambda a, b: 1)


def test_row_59_property_rules_are_called_per_synapse() -> None:
    """BMTK's way, which the guide describes: a row per synapse once there is a property."""
    net = make_network(3)
    edges = connect(net, UnidirectionConnector(p=1.0, n_syn=3, **seeded()), *pools(net))
    asked = Recorder(lambda a, b: 1.5)
    edges.add_properties("delay", rule=asked, dtypes=float)
    net.build()
    assert asked.calls == [(i, j) for i in range(3) for j in range(3) for _ in range(3)]
    assert len(net.edges()) == net.nedges == 27


# ---------------------------------------------------------------------- memory
def peak(action: Callable[[], Any]) -> int:
    """Return the greatest amount of memory an action had on top of what was there, in bytes."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_row_60_stored_values_cost_no_containers() -> None:
    """``conn_prop`` is a view: nested dictionaries would be 60 bytes and more per edge."""
    connector = UnidirectionConnector(p=0.5, p_arg=spherical_dist, **seeded())
    found = between(connector, 300, 300)
    m = len(found.forward)
    assert m > 40_000

    def use() -> None:
        table = connector.conn_prop
        assert sum(len(row) for row in table.values()) == m
        source = next(iter(table))
        assert all(type(value) is float for value in table[source].values())

    assert peak(use) < 20 * m
    edges = found.forward
    columns = (edges.source, edges.target, edges.pair_arg)
    assert sum(column.nbytes for column in columns) <= 12 * m


@pytest.mark.parametrize(("cache_data", "limit"), [(True, 40), (False, 15)])
def test_row_61_memory_of_a_draw(cache_data: bool, limit: int) -> None:
    """Bytes per pair at the peak; the predecessor needed about 100 and 45."""
    n = 1500
    net = make_network(n)
    source, target = pools(net)
    connector = ReciprocalConnector(
        p0=GaussianDropoff(stdev=20.0, pmax=0.5), p0_arg=spherical_dist, pr=0.01,
        cache_data=cache_data, **seeded(),
    )  # fmt: skip
    connector.setup_nodes(source, target)
    used = peak(connector.initial_all_to_all)
    assert used < limit * n * (n - 1) / 2
    assert len(connector.connectivity.forward) > 1000


# ---------------------------------------------------------------------- time, counted in calls
def listed(tmp_path: Path, n: int) -> str:
    """Write a file that connects node k to node k."""
    path = tmp_path / "edges.csv"
    rows = "".join(f"{k},{k}\n" for k in range(n))
    path.write_text(f"source_node_id,target_node_id\n{rows}")
    return str(path)


@pytest.mark.parametrize("name", ["unidirection", "reciprocal", "gap junction", "one", "file"])
def test_rows_63_64_bmtk_visits_the_edges_and_not_the_pairs(name: str, tmp_path: Path) -> None:
    net = make_network(60, 60)
    a, b = pools(net)
    connector: Any = {
        "unidirection": lambda: UnidirectionConnector(p=0.05, **seeded()),
        "reciprocal": lambda: ReciprocalConnector(p0=0.05, pr=0.01, **seeded()),
        "gap junction": lambda: GapJunction(p=0.05, **seeded()),
        "one": lambda: OneToOneSequentialConnector(verbose=False),
        "file": lambda: FileBasedConnector(listed(tmp_path, 60), verbose=False),
    }[name]()
    edges = connect(net, connector, a, b if name in ("unidirection", "one", "file") else a)
    visited = list(edges.connection_itr())
    assert 0 < len(visited) == len(connector.connectivity.forward) < 500
    net.build()
    assert tables(net) == [set(visited)]


def test_row_63_package_functions_are_not_called_per_pair() -> None:
    """A million pairs of a distance law, in less than a tenth of what a loop of Python needs."""
    net = make_network(1000)
    connector = UnidirectionConnector(
        p=GaussianDropoff(stdev=20.0, pmax=0.5), p_arg=spherical_dist, **seeded()
    )
    source, target = pools(net)
    connector.setup_nodes(source, target)
    start = time.perf_counter()
    connector.initial_all_to_all()
    elapsed = time.perf_counter() - start
    nodes = list(source)[:100]
    start = time.perf_counter()
    for a in nodes:
        for b in nodes[:30]:
            spherical_dist(a, b)
    loop = (time.perf_counter() - start) / 3000 * 1e6
    assert elapsed < loop / 10


def test_row_64_large_files_are_read_and_used_in_one_go(tmp_path: Path) -> None:
    """50,000 rows: no Python call per row, let alone per pair."""
    rng = np.random.default_rng(1)
    pairs = rng.permutation(400 * 400)[:50_000]
    path = tmp_path / "edges.csv"
    lines = [f"{pair // 400},{pair % 400}" for pair in pairs.tolist()]
    path.write_text("\n".join(["source_node_id,target_node_id", *lines]) + "\n")
    net = make_network(400, positions=None)
    start = time.perf_counter()
    found = drawn(FileBasedConnector(str(path), verbose=False), *pools(net))
    elapsed = time.perf_counter() - start
    keys = found.forward.source.astype(int) * 400 + found.forward.target
    assert np.array_equal(keys, np.sort(pairs))
    assert elapsed < 1.0


def test_row_61_counts_are_stored_compactly() -> None:
    found = within(UnidirectionConnector(p=1.0, n_syn=3, **seeded()), 50)
    assert found.forward.n_syn.strides == (0,)  # one number for all edges
