"""Rows 83 to 102 of the defect table: conditional, file-based and one-to-one connectors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builds import Recorder, assert_binomial, connect, drawn, pairs_of, percent, tables, warned
from conftest import BOTH_BUILDERS, QUIET, make_network, pools, stored

import bmtool_connectors
from bmtool_connectors import (
    FileBasedConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    NodeError,
    OneToOneSequentialConnector,
    ParameterError,
    spherical_dist,
    syn_dist_delay_feng,
)

pytestmark = BOTH_BUILDERS

GAP = {"is_gap_junction": True, "syn_weight": 1.0}
ELEC = {"p0_elec": 0.5, "p1_elec": 0.5, "pr_elec": 0.25}
NONELEC = {"p0_nonelec": 0.125, "p1_nonelec": 0.125, "pr_nonelec": 0.03}
#: Coupled pairs are connected, others are not.
ONLY_ELEC = {
    **{"p0_elec": 1.0, "p1_elec": 1.0, "pr_elec": 1.0},
    **{"p0_nonelec": 0.0, "p1_nonelec": 0.0, "pr_nonelec": 0.0},
}


def seeded(seed: int = 1) -> dict[str, Any]:
    """Return keyword arguments for a quiet connector with a generator of its own."""
    return {"rng": np.random.default_rng(seed), **QUIET}


def conditional(
    gap: GapJunction, output: dict[str, Any] | None = None, **parameters: Any
) -> GapJunctionConditionalReciprocalConnector:
    """Make the connector, by default with the laws of the guide."""
    laws = {**ELEC, **NONELEC, **parameters}
    output = seeded(5) if output is None else output
    return GapJunctionConditionalReciprocalConnector(gap, **laws, **output)


def coupled(net: Any, p: float = 0.3, seed: int = 1) -> GapJunction:
    """Return gap junctions set up on all nodes of a network."""
    gap = GapJunction(p=p, **seeded(seed))
    gap.setup_nodes(net.nodes(), net.nodes())
    return gap


# ---------------------------------------------------------------------- rows 83 to 85
@pytest.mark.parametrize(("p0", "p1"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
@pytest.mark.parametrize("n_b", [6, 9])
def test_rows_83_84_two_populations(p0: float, p1: float, n_b: int) -> None:
    net = make_network(6, n_b)
    laws = {"p0": p0, "p1": p1, "pr": p0 * p1}
    parameters = {f"{k}_{s}": v for k, v in laws.items() for s in ("elec", "nonelec")}
    connector = conditional(coupled(net), **parameters)
    connect(net, connector, *pools(net))
    net.add_edges(**connector.edge_params())
    net.build()
    net.build()
    a, b = range(6), range(6, 6 + n_b)
    forward = {(i, j, 1) for i in a for j in b if p0}
    backward = {(j, i, 1) for i in a for j in b if p1}
    assert tables(net) == [forward, backward] * stored(2)


def test_row_83_states_of_pairs_of_two_populations() -> None:
    net = make_network(10, 14)
    gap = coupled(net)
    connector = conditional(gap, **ONLY_ELEC)
    connect(net, connector, *pools(net))
    net.add_edges(**connector.edge_params())
    net.build()
    across = {(i, j) for i, j in pairs_of(gap.connectivity.forward) if i < 10 <= j}
    assert {edge[:2] for edge in tables(net)[0]} == across
    assert {edge[:2] for edge in tables(net)[1]} == {(j, i) for i, j in across}
    assert len(across) > 20


def test_row_83_both_groups_have_their_law() -> None:
    net = make_network(60, 70, positions=None)
    gap = coupled(net)
    connector = conditional(
        gap, p0_elec=0.6, p1_elec=0.4, pr_elec=0.35, p1_nonelec=0.2, pr_nonelec=0.1
    )
    found = drawn(connector, *pools(net))
    assert found.backward is not None
    forward = pairs_of(found.forward)
    backward = {(i, j) for j, i in pairs_of(found.backward)}
    across = {(i, j - 60) for i, j in pairs_of(gap.connectivity.forward) if i < 60 <= j}
    others = {(i, j) for i in range(60) for j in range(70)} - across
    for group, laws in ((across, (0.6, 0.4, 0.35)), (others, (0.125, 0.2, 0.1))):
        for edges, p in zip((forward, backward, forward & backward), laws, strict=True):
            assert_binomial(len(edges & group), len(group), p)


@pytest.mark.parametrize("p", [0.0, 1.0], ids=["no gap junction", "all coupled"])
@pytest.mark.parametrize("n_b", [0, 5], ids=["one", "two"])
def test_row_85_one_kind_of_pairs_alone(
    p: float, n_b: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    net = make_network(5, n_b)
    connector = conditional(
        coupled(net, p),
        {"rng": np.random.default_rng(1), "report_name": str(tmp_path / "conn.csv")},
        **ONLY_ELEC,
    )
    connect(net, connector, *pools(net))
    if n_b:
        net.add_edges(**connector.edge_params())
    net.build()
    pairs = (25 if n_b else 20) * int(p)
    assert [len(table) for table in tables(net)] == [pairs] * len(tables(net))
    assert "Number of connected pairs" in capsys.readouterr().out


def test_row_85_one_cell() -> None:
    net = make_network(1)
    found = drawn(conditional(coupled(net)), *pools(net))
    assert (len(found.forward), found.pairs) == (0, 0)


# ---------------------------------------------------------------------- rows 86 to 91
@pytest.mark.parametrize("where", ["connector", "module", "default"])
def test_row_86_report(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = {"connector": "own.csv", "module": "module.csv", "default": "conn.csv"}[where]
    if where == "module":
        bmtool_connectors.report_name = name
    output = {"verbose": False, "rng": np.random.default_rng(1)}
    if where == "connector":
        output["report_name"] = name
    net = make_network(20)
    connector = conditional(coupled(net), output)
    found = drawn(connector, *pools(net))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    pairs = pairs_of(found.forward)
    connected = len({(min(pair), max(pair)) for pair in pairs})
    reciprocal = len(pairs) - connected
    assert found.connected == (connected, reciprocal)
    values = f"[{100 * connected / 190:.8g} {100 * reciprocal / 190:.8g}]"
    label = "net: pop_name=='A'"
    assert (tmp_path / name).read_text().splitlines()[1:] == [f"{label},{label},{values},{values}"]


@pytest.mark.parametrize("order", ["first", "last", "never"])
def test_row_87_gap_junctions_at_any_time(order: str) -> None:
    net = make_network(15)
    rng = np.random.default_rng(2)
    gap = GapJunction(p=0.3, rng=rng, **QUIET)
    connector = conditional(gap, {"rng": rng, **QUIET}, **ONLY_ELEC)
    if order == "first":
        connect(net, gap, *pools(net), edge_type_id=1, **GAP)
    connect(net, connector, *pools(net), edge_type_id=2)
    gap.setup_nodes(*pools(net))
    if order == "last":
        net.add_edges(**gap.edge_params(), edge_type_id=1, **GAP)
    net.build()
    wanted = pairs_of(
        drawn(GapJunction(p=0.3, rng=np.random.default_rng(2), **QUIET), *pools(net)).forward
    )
    found = {edge[:2] for edge in tables(net)[1 if order == "first" else 0]}
    assert found == wanted | {(j, i) for i, j in wanted}
    assert len(wanted) > 10


def test_row_88_one_population_is_symmetric() -> None:
    net = make_network(100, positions=None)
    connector = conditional(coupled(net), p0_elec=0.6, p1_elec=0.1, pr_elec=0.3)
    with warned("p1_elec of GapJunctionConditionalReciprocalConnector is 0.1"):
        connector.setup_nodes(*pools(net))
    assert connector.vars["p1_elec"] == 0.6
    connector.initial_all_to_all()
    edges = connector.connectivity.forward
    gaps = pairs_of(connector.gap_connector.connectivity.forward)
    up = {(i, j) for i, j in pairs_of(edges) if i < j}
    down = {(j, i) for i, j in pairs_of(edges) if i > j}
    for half in (up, down):
        assert_binomial(len(half & gaps), len(gaps), 0.6)
        assert_binomial(len(half - gaps), 4950 - len(gaps), 0.125)


def test_row_89_functions_get_their_own_pair() -> None:
    """Backward functions are asked about (target, source), also where the sizes differ."""
    net = make_network(3, 5)
    counts = [Recorder(lambda a, b: 1) for _ in range(2)]
    args = [Recorder(lambda a, b: 1.0) for _ in range(3)]
    law = {"p0": lambda d: 1.0, "p1": lambda d: 1.0, "pr": lambda d, p0, p1: 1.0}
    laws = {f"{k}_{s}": v for k, v in law.items() for s in ("elec", "nonelec")}
    for name, arg in zip(law, args, strict=True):
        laws |= {f"{name}_{s}_arg": arg for s in ("elec", "nonelec")}
    connector = conditional(coupled(net), **laws, n_syn0=counts[0], n_syn1=counts[1])
    drawn(connector, *pools(net))
    forward = [(i, j) for i in range(3) for j in range(3, 8)]
    backward = [(j, i) for i, j in forward]
    assert (counts[0].calls, counts[1].calls) == (forward, backward)
    for arg, wanted in zip(args, (forward, backward, forward), strict=True):
        assert sorted(arg.calls) == sorted(wanted)


def test_row_90_stored_values_and_delays() -> None:
    net = make_network(6)
    nodes = list(net.nodes())
    arg = {"p0_elec_arg": spherical_dist, "p0_nonelec_arg": spherical_dist}
    connector = conditional(coupled(net), **ONLY_ELEC, **arg)
    edges = pairs_of(drawn(connector, *pools(net)).forward)
    assert len(edges) >= 4
    for i, j in edges:
        dist = spherical_dist(nodes[i], nodes[j])
        assert connector.get_conn_prop(i, j) == pytest.approx(dist, rel=1e-12)
        delay = syn_dist_delay_feng(nodes[i], nodes[j], connector=connector, fluc_stdev=0.0)
        assert delay == pytest.approx(0.8 + dist / 1000, rel=1e-12)
    plain = conditional(coupled(net), **ONLY_ELEC)
    drawn(plain, *pools(net))
    i, j = min(edges)
    assert plain.get_conn_prop(i, j) is None
    assert syn_dist_delay_feng(nodes[i], nodes[j], connector=plain, fluc_stdev=0.0) > 0.8


def test_row_91_pools_clipping_and_counts() -> None:
    net = make_network(6)
    a, _ = pools(net)
    with pytest.raises(NodeError, match="do not exist"):
        conditional(coupled(net)).setup_nodes(a, net.nodes(pop_name="Z"))
    connector = conditional(coupled(net, 1.0), pr_elec=0.9, n_syn0=300)
    with warned("0.9 became 0.5"):
        found = drawn(connector, a, a)
    assert found.clipped == 15
    assert set(found.forward.n_syn.tolist()) == {300}
    # A second use starts its counts anew.
    again = drawn(connector, a, a)
    assert again.connected[0] <= again.pairs == 15


def test_row_91_reference_that_cannot_serve() -> None:
    net = make_network(6, 6)
    a, b = pools(net)
    gap = GapJunction(p=0.5, **seeded())
    gap.setup_nodes(a, a)
    with pytest.raises(NodeError, match=r"gap_connector .* does not hold all nodes"):
        conditional(gap).setup_nodes(a, b)
    with pytest.raises(ParameterError, match="gap_connector"):
        conditional(None)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- rows 92 to 95: files
def write(path: Path, *rows: str, columns: str = "source_node_id,target_node_id") -> str:
    """Write a CSV file and return its name."""
    path.write_text("\n".join([columns, *rows]) + "\n")
    return str(path)


def test_row_92_rows_that_match_nothing(tmp_path: Path) -> None:
    net = make_network(3, 4)
    name = write(tmp_path / "edges.csv", "0,5", "2,99", "1,1")
    connector = FileBasedConnector(name, verbose=False)
    with warned("2 of its 3 rows name no pair"):
        found = drawn(connector, *pools(net))
    assert pairs_of(found.forward) == {(1, 1)}
    by_id = FileBasedConnector(name, verbose=False, use_relative_ids=False)
    with warned("2 of its 3 rows name no pair"):
        found = drawn(by_id, *pools(net))
    assert pairs_of(found.forward) == {(0, 2)}


def test_row_92_no_row_matches(tmp_path: Path) -> None:
    """The wrong kind of ids is an error that names the other kind."""
    net = make_network(3, 4)
    for rows, relative in ((("0,5", "1,6"), True), (("0,0", "1,1"), False)):
        name = write(tmp_path / "edges.csv", *rows)
        connector = FileBasedConnector(name, verbose=False, use_relative_ids=relative)
        with pytest.raises(NodeError, match=f"use_relative_ids={not relative}"):
            connector.setup_nodes(*pools(net))


def test_row_93_repeated_rows(tmp_path: Path) -> None:
    net = make_network(3, 4)
    name = write(tmp_path / "edges.csv", "0,1", "2,0", "0,1")
    connector = FileBasedConnector(name, n_syn=2, verbose=False)
    with warned("lists 1 pairs again"):
        found = drawn(connector, *pools(net))
    assert found.forward.to_dense().tolist() == [[0, 2, 0, 0], [0] * 4, [2, 0, 0, 0]]


def test_row_93_further_columns(tmp_path: Path) -> None:
    columns = "source_node_id,target_node_id,n_syn,weight"
    name = write(tmp_path / "edges.csv", "0,1,5,0.5", "2,0,1,0.25", columns=columns)
    net = make_network(3, 4)
    connector = FileBasedConnector(name, verbose=False)
    edges = connect(net, connector, *pools(net))
    assert connector.columns["weight"].tolist() == [0.5, 0.25]
    edges.add_properties(**connector.edge_properties())
    net.build()
    (table,) = net.adaptor.edges_table()
    frame = table.to_dataframe()
    rows = zip(*(frame[c].tolist() for c in frame.columns), strict=True)
    assert list(frame.columns) == ["source_node_id", "target_node_id", "weight"]
    assert sorted(rows) == [(0, 4, 0.5)] * 5 + [(2, 3, 0.25)]


@pytest.mark.parametrize("row", ["0.9,1", ",1", "a,1", "-1,1", "0,1.5"])
def test_row_93_ids_are_whole_numbers(row: str, tmp_path: Path) -> None:
    name = write(tmp_path / "edges.csv", "0,0", row)
    with pytest.raises(
        ParameterError, match=r"_node_id of FileBasedConnector must be .*, got .* for row 2"
    ):
        FileBasedConnector(name, verbose=False)


def test_row_93_files_that_list_nothing(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.csv")
    with pytest.raises(ParameterError, match="lacks any row"):
        FileBasedConnector(empty, verbose=False)
    other = write(tmp_path / "other.csv", "0,1", columns="source,target")
    with pytest.raises(ParameterError, match="lacks column source_node_id and column target_node"):
        FileBasedConnector(other, verbose=False)
    with pytest.raises(ParameterError, match=r"none\.csv"):
        FileBasedConnector(tmp_path / "none.csv", verbose=False)


def test_row_94_views_and_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = write(tmp_path / "edges.csv", "0,1", "2,0")
    connector = FileBasedConnector(name, verbose=False)
    drawn(connector, *pools(make_network(3, 4)))
    assert connector.get_conn_prop(0, 4) is None
    assert {(s, t): v for s, row in connector.conn_prop.items() for t, v in row.items()} == {
        (0, 4): None,
        (2, 3): None,
    }
    assert connector.vars["p"] == 1.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edges.csv"]
    connector.save_connection_report()
    assert (tmp_path / "conn.csv").read_text().splitlines()[1].endswith(f",{percent(2, 12)}" * 2)


def test_row_95_other_pools(tmp_path: Path) -> None:
    name = write(tmp_path / "edges.csv", "0,1", "2,0")
    net = make_network(3, 4)
    a, b = pools(net)
    connector = FileBasedConnector(name, verbose=False)
    for source, target in ((a, b), (b, a), (a, a)):
        connect(net, connector, source, target)
    net.build()
    assert tables(net) == [
        {(0, 4, 1), (2, 3, 1)},
        {(3, 1, 1), (5, 0, 1)},
        {(0, 1, 1), (2, 0, 1)},
    ]


# ---------------------------------------------------------------------- rows 96 to 102
@pytest.mark.parametrize("partition_source", [False, True])
def test_rows_96_97_too_many_partners(partition_source: bool) -> None:
    """Refused when the partition is set up, in words that fit, and nothing is changed."""
    inputs = make_network(5, name="inputs")
    net = make_network(4, 4)
    a, b = pools(net)

    def setup(connector: OneToOneSequentialConnector, pool: Any) -> None:
        pair = (pool, inputs.nodes()) if partition_source else (inputs.nodes(), pool)
        connector.setup_nodes(*pair)

    connector = OneToOneSequentialConnector(partition_source=partition_source, verbose=False)
    setup(connector, a)
    single = "target" if partition_source else "source"
    text = rf"pop_name=='B'.* has 4 nodes, but only 1 of 5 nodes of the {single} population"
    with pytest.raises(NodeError, match=text):
        setup(connector, b)
    assert connector.idx_range == [0, 4]
    assert len(connector.targets) == 1
    net.add_edges(**connector.edge_params())
    net.build()
    pairs = {(i, i, 1) for i in range(4)}
    assert tables(net) == [pairs]
    setup(connector, net.nodes(node_id=[7]))
    assert connector.idx_range == [0, 4, 5]


def test_row_98_left_over_nodes_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    inputs, net = make_network(7, name="inputs"), make_network(4, 2)
    a, b = pools(net)
    connector = OneToOneSequentialConnector()
    connector.setup_nodes(inputs.nodes(), a)
    connector.setup_nodes(target=b)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("; ")[1] for line in lines] == ["3 of 7 left.", "1 of 7 left."]
    assert "0 to 3" in lines[0]
    assert "4 to 5" in lines[1]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("partition_source", [False, True])
def test_row_99_allocation_by_setup_and_not_by_build(
    order: tuple[int, int], partition_source: bool
) -> None:
    inputs, net = make_network(8, name="inputs"), make_network(3, 4)
    connector = OneToOneSequentialConnector(partition_source=partition_source, verbose=False)
    for pool in pools(net):
        pair = (pool, inputs.nodes()) if partition_source else (inputs.nodes(), pool)
        connector.setup_nodes(*pair)
    for index in order:
        net.add_edges(**connector.edge_params(target_pop_idx=index))
    net.build()
    # Nodes 0 to 2 of the inputs are those of A, 3 to 6 those of B.
    wanted = [{(i, i, 1) for i in range(3)}, {(i, i, 1) for i in range(3, 7)}]
    assert tables(net) == [wanted[index] for index in order]


def test_row_99_two_networks_built_in_the_other_order() -> None:
    inputs = make_network(8, name="inputs")
    nets = [make_network(3, name="one"), make_network(4, name="two")]
    connector = OneToOneSequentialConnector(verbose=False)
    for net in nets:
        connect(net, connector, inputs.nodes(), net.nodes())
    for net in reversed(nets):
        net.build()
    assert tables(nets[0]) == [{(i, i, 1) for i in range(3)}]
    assert tables(nets[1]) == [{(3 + i, i, 1) for i in range(4)}]


def test_row_100_another_source() -> None:
    inputs, others = make_network(8, name="inputs"), make_network(8, name="others")
    net = make_network(3, 4)
    a, b = pools(net)
    connector = OneToOneSequentialConnector(verbose=False)
    connector.setup_nodes(inputs.nodes(), a)
    with pytest.raises(NodeError, match="source of OneToOneSequentialConnector was inputs"):
        connector.setup_nodes(others.nodes(), b)
    connector.setup_nodes(inputs.nodes(), b)  # given again, as users do
    assert connector.idx_range == [0, 3, 7]


def test_row_101_views() -> None:
    inputs, net = make_network(5, name="inputs", seed=3), make_network(3)
    connector = OneToOneSequentialConnector(n_syn=2, verbose=False)
    edges = connect(net, connector, inputs.nodes(), net.nodes())
    edges.add_properties(
        "delay",
        rule=lambda a, b: syn_dist_delay_feng(a, b, connector=connector, fluc_stdev=0.0),
        dtypes=float,
    )
    net.build()
    assert connector.vars == {"n_syn": 2}
    table = {(s, t): v for s, row in connector.conn_prop.items() for t, v in row.items()}
    assert table == {(i, i): None for i in range(3)}
    with pytest.raises(KeyError, match="no connection from node 0 to node 1"):
        connector.get_conn_prop(0, 1)
    nodes = list(inputs.nodes()), list(net.nodes())
    delays = [0.8 + spherical_dist(nodes[0][i], nodes[1][i]) / 1000 for i in range(3)]
    (stored,) = net.adaptor.edges_table()
    assert stored.get_property_value("delay").tolist() == pytest.approx(np.repeat(delays, 2))
    assert all(math.isfinite(delay) for delay in delays)


def test_row_102_one_node_after_the_other() -> None:
    """Each source drives one cell of one population, and the documentation says so."""
    inputs, net = make_network(9, name="inputs"), make_network(4, 4)
    connector = OneToOneSequentialConnector(verbose=False)
    for pool in pools(net):
        connect(net, connector, inputs.nodes(), pool)
    net.build()
    sources = [source for table in tables(net) for source, _, _ in table]
    assert sorted(sources) == list(range(8))
    assert "in sequence" in (OneToOneSequentialConnector.__doc__ or "")
