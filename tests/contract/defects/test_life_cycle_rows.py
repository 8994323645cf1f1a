"""Rows 35 to 55 of the defect table: builds, retries, reuse, order. Stock BMTK throughout."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bmtk.builder import NetworkBuilder
from builds import Edge, Fails, connect, drawn, pairs_of, tables, warned
from conftest import BOTH_BUILDERS, QUIET, make_network, pools, stored

from bmtool_connectors import (
    GapJunction,
    NodeError,
    OneToOneSequentialConnector,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    is_same_pop,
    spherical_dist,
)

pytestmark = BOTH_BUILDERS

LAW = {"p0": 0.4, "pr": 0.2, "estimate_rho": False}
TWO = {"p0": 0.4, "p1": 0.3, "pr": 0.2, "estimate_rho": False}
GAP = {"is_gap_junction": True, "syn_weight": 1.0}


def seeded(seed: int = 1) -> dict[str, Any]:
    """Return keyword arguments for a quiet connector with a generator of its own."""
    return {"rng": np.random.default_rng(seed), **QUIET}


def both_ways(net: NetworkBuilder, connector: Any, source: Any, target: Any) -> None:
    """Set up between two populations and add both directions."""
    connect(net, connector, source, target)
    net.add_edges(**connector.edge_params())


def expected(connector: Any, net: NetworkBuilder) -> list[set[Edge]]:
    """Return the edges of A to B (and back), or within A, of a connector used for nothing else."""
    found = drawn(connector, *pools(net))
    ids = connector.use.source.ids, connector.use.target.ids
    sets = []
    for edges, (start, end) in ((found.forward, ids), (found.backward, ids[::-1])):
        if edges is not None:
            columns = (start[edges.source], end[edges.target], edges.n_syn)
            sets.append(set(zip(*(column.tolist() for column in columns), strict=True)))
    return sets


# ---------------------------------------------------------------------- rows 35 to 42
@pytest.mark.parametrize("n_b", [0, 6], ids=["one", "two"])
def test_row_35_build_twice(n_b: int) -> None:
    net = make_network(8, n_b)
    connector = ReciprocalConnector(**(TWO if n_b else LAW), **seeded())
    connect(net, connector, *pools(net))
    if n_b:
        net.add_edges(**connector.edge_params())
    net.build()
    net.build()
    wanted = expected(ReciprocalConnector(**(TWO if n_b else LAW), **seeded()), net)
    assert tables(net) == wanted * stored(2)


def test_row_36_counts_and_report_of_a_second_build(tmp_path: Path) -> None:
    net = make_network(5)
    report = tmp_path / "conn.csv"
    connector = UnidirectionConnector(
        p=0.5, rng=np.random.default_rng(1), verbose=False, report_name=str(report)
    )
    connect(net, connector, *pools(net))
    for _ in range(2):
        net.build()
        edges = tables(net)[-1]
        assert connector.connection_number()[0].tolist() == [len(edges)]
        table = connector.conn_prop
        assert {(s, t) for s, row in table.items() for t in row} == {edge[:2] for edge in edges}
        assert len(report.read_text().splitlines()) == 2


def test_row_37_gap_junctions_of_a_second_build() -> None:
    net = make_network(6)
    connect(net, GapJunction(p=1.0, **seeded()), *pools(net), **GAP)
    net.build()
    net.build()
    assert [len(table) for table in tables(net)] == [15] * stored(2)
    assert tables(net)[0] == tables(net)[-1]


@pytest.mark.parametrize("n_inputs", [4, 8])
def test_row_38_one_to_one_of_a_second_build(n_inputs: int) -> None:
    inputs, net = make_network(n_inputs, name="inputs"), make_network(4)
    connect(net, OneToOneSequentialConnector(verbose=False), inputs.nodes(), net.nodes())
    net.build()
    net.build()
    assert tables(net) == [{(i, i, 1) for i in range(4)}] * stored(2)


@pytest.mark.traps
@pytest.mark.parametrize("drawn_before", [False, True])
def test_row_39_forced_rebuild(drawn_before: bool) -> None:
    """BMTK doubles the nodes; the edges are those between the first ones, and a warning says so."""
    net = make_network(5)
    makers = (
        lambda: ReciprocalConnector(**LAW, **seeded()),
        lambda: UnidirectionConnector(p=0.5, **seeded()),
    )
    connectors = [make() for make in makers]
    for connector in connectors:
        connect(net, connector, *pools(net))
    if drawn_before:
        for connector in connectors:
            connector.initial_all_to_all()
        net.build(force=True)
    else:
        text = "had 5 nodes in setup_nodes() and has 10 now"
        with warned(*[text] * 4):  # source and target of two connectors
            net.build(force=True)
    assert len(net.nodes()) == 10
    same = make_network(5)
    assert tables(net) == [expected(make(), same)[0] for make in makers]


def test_row_40_saving_builds_once(tmp_path: Path) -> None:
    for built in (False, True):
        net = make_network(5)
        connector = UnidirectionConnector(p=0.5, **seeded())
        connect(net, connector, *pools(net))
        if built:
            net.build()
        net.save(output_dir=str(tmp_path / f"net {built}"))
        assert net.nedges == connector.connection_number()[0].sum() > 0
        assert len(net.adaptor.edges_table()) == 1


@pytest.mark.parametrize("at", [0, 3])
def test_row_41_retry_after_a_failing_function(at: int) -> None:
    makers = {
        "unidirection": lambda f: UnidirectionConnector(p=0.6, n_syn=f, **seeded()),
        "gap": lambda f: GapJunction(p=lambda d: 0.6, p_arg=f, **seeded()),
        "reciprocal": lambda f: ReciprocalConnector(**LAW, n_syn0=f, **seeded()),
    }
    for name, make in makers.items():
        net = make_network(5)
        connector = make(Fails(lambda a, b: 1, at))
        connect(net, connector, *pools(net), **(GAP if name == "gap" else {}))
        with pytest.raises(RuntimeError, match="of the user"):
            net.build()
        assert tables(net) == []
        net.build()
        assert tables(net) == expected(make(lambda a, b: 1), make_network(5)), name


def test_row_42_second_use_before_the_build(tmp_path: Path) -> None:
    report = tmp_path / "conn.csv"
    net = make_network(5, 7)
    a, b = pools(net)
    one_way = UnidirectionConnector(
        p=0.5, verbose=False, report_name=str(report), rng=np.random.default_rng(1)
    )
    gap = GapJunction(p=1.0, **seeded())
    for pool in (a, b):
        connect(net, one_way, pool, pool)
        connect(net, gap, pool, pool, **GAP)
    net.build()
    assert [len(table) for table in tables(net)[1::2]] == [10, 21]
    rows = report.read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["net: pop_name=='A'", "net: pop_name=='B'"]
    shares = [len(table) / n**2 for table, n in zip(tables(net)[::2], (5, 7), strict=True)]
    assert [float(row.split(",")[2]) for row in rows] == pytest.approx([100 * s for s in shares])


# ---------------------------------------------------------------------- rows 43 to 50
def test_row_43_second_network() -> None:
    """Each network gets what a fresh connector with the generator in that state would give it."""
    for n_b, make in (
        (0, lambda rng: UnidirectionConnector(p=0.5, rng=rng, **QUIET)),
        (0, lambda rng: ReciprocalConnector(**LAW, rng=rng, **QUIET)),
        (6, lambda rng: ReciprocalConnector(**TWO, rng=rng, **QUIET)),
    ):
        rng, other = np.random.default_rng(3), np.random.default_rng(3)
        reused = make(rng)
        for seed in (1, 2):
            net = make_network(7, n_b, name=f"net {seed}", seed=seed)
            connect(net, reused, *pools(net))
            if n_b:
                net.add_edges(**reused.edge_params())
            net.build()
            assert tables(net) == expected(make(other), net)
            assert len(reused.connectivity.forward) == len(tables(net)[0])
            first = reused.conn_prop[0] if isinstance(reused.conn_prop, list) else reused.conn_prop
            assert {(s, t) for s, row in first.items() for t in row} == {
                edge[:2] for edge in tables(net)[0]
            }


def test_row_44_second_population_of_a_recurrent_connector() -> None:
    net = make_network(6, 8)
    a, b = pools(net)
    connector = ReciprocalConnector(**LAW, **seeded())
    for pool in (a, b):
        connect(net, connector, pool, pool)
    net.build()
    rng = np.random.default_rng(1)
    for table, pool in zip(tables(net), (a, b), strict=True):
        fresh = ReciprocalConnector(**LAW, rng=rng, **QUIET)
        found = drawn(fresh, pool, pool)
        ids = fresh.use.source.ids
        assert {e[:2] for e in table} == {(ids[i], ids[j]) for i, j in pairs_of(found.forward)}


def test_row_44_other_pools_while_backward_is_due() -> None:
    net = make_network(6, 8)
    a, b = pools(net)
    connector = ReciprocalConnector(**TWO, **seeded())
    connect(net, connector, a, b)
    with pytest.raises(NodeError, match=r"backward edges .* have not been taken"):
        connector.setup_nodes(a, a)


def test_row_45_looking_at_edge_params() -> None:
    net = make_network(6)
    connector = ReciprocalConnector(**LAW, **seeded())
    connector.setup_nodes(*pools(net))
    params = [connector.edge_params() for _ in range(3)]
    assert {p["iterator"] for p in params} == {"one_to_all"}
    assert len({p["connection_rule"] for p in params}) == 1
    net.add_edges(**params[2])
    net.build()
    assert tables(net) == expected(ReciprocalConnector(**LAW, **seeded()), net)
    with pytest.raises(ParameterError, match="direction"):
        connector.edge_params(direction="backward")


def test_row_45_third_call_between_two_populations() -> None:
    net = make_network(6, 7)
    connector = ReciprocalConnector(**TWO, **seeded())
    connector.setup_nodes(*pools(net))
    iterators = [connector.edge_params()["iterator"] for _ in range(2)]
    assert iterators == ["one_to_all", "all_to_one"]
    with pytest.raises(NodeError, match="both directions"):
        connector.edge_params()
    for direction in ("backward", "forward", "backward"):
        net.add_edges(**connector.edge_params(direction=direction))
    net.build()
    forward, backward = expected(ReciprocalConnector(**TWO, **seeded()), net)
    assert tables(net) == [backward, forward, backward]


def test_row_46_forward_alone() -> None:
    net = make_network(20, 30)
    connector = ReciprocalConnector(**TWO, **seeded())
    connect(net, connector, *pools(net))
    wanted = expected(ReciprocalConnector(**TWO, **seeded()), net)
    with warned(f"drew {len(wanted[1])} backward edges from net: pop_name=='B'"):
        net.build()
    net.build()
    assert tables(net) == [wanted[0]] * stored(2)
    assert {(s, t) for s, row in connector.conn_prop[0].items() for t in row} == {
        edge[:2] for edge in wanted[0]
    }


@pytest.mark.parametrize("explicit", [False, True])
def test_row_47_backward_added_first(explicit: bool) -> None:
    net = make_network(6, 7)
    connector = ReciprocalConnector(**TWO, **seeded())
    connector.setup_nodes(*pools(net))
    if explicit:
        net.add_edges(**connector.edge_params(direction="backward"))
        net.add_edges(**connector.edge_params(direction="forward"))
    else:
        params = [connector.edge_params() for _ in range(2)]
        for each in reversed(params):
            net.add_edges(**each)
    net.build()
    wanted = expected(ReciprocalConnector(**TWO, **seeded()), net)
    assert tables(net) == wanted[::-1]


@pytest.mark.parametrize("backward_first", [False, True])
def test_row_48_directions_on_two_networks(backward_first: bool) -> None:
    one, two = make_network(6, name="one"), make_network(7, name="two")
    connector = ReciprocalConnector(**TWO, **seeded())
    connector.setup_nodes(one.nodes(), two.nodes())
    two.add_edges(**connector.edge_params())
    one.add_edges(**connector.edge_params())
    for net in (one, two) if backward_first else (two, one):
        net.build()
    found = drawn(ReciprocalConnector(**TWO, **seeded()), one.nodes(), two.nodes())
    assert found.backward is not None
    assert {edge[:2] for edge in tables(two)[0]} == pairs_of(found.forward)
    assert {edge[:2] for edge in tables(one)[0]} == pairs_of(found.backward)


def test_row_49_interleaved_connectors() -> None:
    net = make_network(6, 7)
    rng, other = np.random.default_rng(4), np.random.default_rng(4)
    connectors = [ReciprocalConnector(**TWO, rng=rng, **QUIET) for _ in range(2)]
    for _ in range(2):
        for connector in connectors:
            if connector.stage == 0:
                connector.setup_nodes(*pools(net))
            net.add_edges(**connector.edge_params())
    net.build()
    first, second = (
        expected(ReciprocalConnector(**TWO, rng=other, **QUIET), net) for _ in range(2)
    )
    assert tables(net) == [first[0], second[0], first[1], second[1]]


def test_row_50_stored_values_after_the_build() -> None:
    """Ids of two networks overlap; the value is that of the direction BMTK was given last."""
    one, two = make_network(6, name="one", seed=1), make_network(6, name="two", seed=2)
    connector = ReciprocalConnector(
        p0=1.0, p1=1.0, p0_arg=lambda a, b: 100 + a.node_id, p1_arg=lambda a, b: 200 + a.node_id,
        pr=1.0, estimate_rho=False, **seeded(),
    )  # fmt: skip
    connector.setup_nodes(one.nodes(), two.nodes())
    one.add_edges(**connector.edge_params())
    two.add_edges(**connector.edge_params())
    asked: dict[str, list[Any]] = {"one": [], "two": []}
    for net, base in ((one, 100), (two, 200)):
        net.build()
        asked[net.name] = [connector.get_conn_prop(s, t) for s in range(6) for t in range(6)]
        assert asked[net.name] == [base + s for s in range(6) for _ in range(6)]
    assert connector.conn_prop[0][3][4] == 103
    assert connector.conn_prop[1][3][4] == 203


def test_row_50_properties_see_their_own_direction() -> None:
    one, two = make_network(6, name="one", seed=1), make_network(6, name="two", seed=2)
    connector = ReciprocalConnector(
        p0=1.0, p1=1.0, p0_arg=lambda a, b: 100.0, p1_arg=lambda a, b: 200.0,
        pr=1.0, estimate_rho=False, **seeded(),
    )  # fmt: skip
    connector.setup_nodes(one.nodes(), two.nodes())
    for _ in range(2):
        edges = two.add_edges(**connector.edge_params())
        edges.add_properties(
            "value",
            rule=lambda a, b: connector.get_conn_prop(a.node_id, b.node_id),
            dtypes=float,
        )
    two.build()
    values = [table.get_property_value("value") for table in two.adaptor.edges_table()]
    assert [set(v.tolist()) for v in values] == [{100.0}, {200.0}]


def test_row_50_a_look_before_any_direction_was_given() -> None:
    one, two = make_network(3, name="one"), make_network(3, name="two")
    connector = ReciprocalConnector(
        p0=1.0, p1=1.0, p0_arg=lambda a, b: 1.0, p1_arg=lambda a, b: 2.0, pr=1.0,
        estimate_rho=False, rng=1, **QUIET,
    )  # fmt: skip
    connector.setup_nodes(one.nodes(), two.nodes())
    with pytest.raises(NodeError, match=r"forward with 1\.0 and backward with 2\.0"):
        connector.get_conn_prop(0, 1)


# ---------------------------------------------------------------------- rows 51 to 55
def test_row_51_parameters_are_resolved_for_each_use() -> None:
    net = make_network(30, 40)
    a, b = pools(net)
    connector = ReciprocalConnector(p0=0.2, p1=1.0, pr=None, n_syn0=2, n_syn1=3, **seeded())
    with warned("n_syn1 of ReciprocalConnector is 3"):
        connect(net, connector, a, a)
    assert (connector.vars["p1"], connector.vars["n_syn1"]) == (0.2, 2)
    both_ways(net, connector, a, b)
    assert (connector.vars["p1"], connector.vars["n_syn1"]) == (1.0, 3)
    net.build()
    assert len(tables(net)[2]) == 30 * 40
    assert {n for _, _, n in tables(net)[2]} == {3}
    assert {n for _, _, n in tables(net)[0]} == {2}


@pytest.mark.traps
def test_row_52_nodes_added_after_setup() -> None:
    for make in (
        lambda: UnidirectionConnector(p=0.5, **seeded()),
        lambda: ReciprocalConnector(**LAW, **seeded()),
    ):
        net = make_network(5)
        connect(net, make(), *pools(net))
        net.add_nodes(N=3, pop_name="C")
        with pytest.raises(NodeError, match=r"add_nodes\(\) before the first"):
            net.build()
        assert tables(net) == []


@pytest.mark.traps
def test_row_52_cleared_network() -> None:
    """After clear() BMTK makes the nodes once more; edges are those between the first ones."""
    net = make_network(5)
    connect(net, UnidirectionConnector(p=1.0, **seeded()), *pools(net))
    net.adaptor.clear()
    with warned("source of", "target of"):
        net.build()
    assert {edge[:2] for edge in tables(net)[0]} == {(i, j) for i in range(5) for j in range(5)}


def test_row_53_same_population() -> None:
    net, twin = make_network(4, 3), make_network(4, 3)
    a, b = pools(net)
    assert net.name == twin.name
    for quick in (False, True):
        assert not is_same_pop(a, twin.nodes(pop_name="A"), quick=quick)
        assert is_same_pop(a, net.nodes(pop_name="A"), quick=quick)
        assert is_same_pop(a, net.nodes(pop_name=["A"]), quick=quick)
        assert not is_same_pop(a, b, quick=quick)
    assert is_same_pop(a, net.nodes(node_id=[0, 1, 2, 3]))
    ids = np.arange(4)
    arrays = [net.nodes(node_id=ids.tolist(), pop_name="A"),
              net.nodes(pop_name="A", node_id=ids.tolist())]  # fmt: skip
    assert is_same_pop(*arrays, quick=True)
    alone = make_network(4)
    assert is_same_pop(alone.nodes(), alone.nodes(pop_name="A"))
    assert not is_same_pop(alone.nodes(), alone.nodes(pop_name="A"), quick=True)


def test_row_53_networks_of_one_name_stay_apart() -> None:
    net, twin = make_network(4), make_network(4)
    connector = ReciprocalConnector(p0=1.0, p1=0.5, pr=0.5, **seeded())
    connector.setup_nodes(net.nodes(), twin.nodes())
    assert not connector.recurrent
    connector.initial_all_to_all()
    assert len(connector.connectivity.forward) == 16
    assert connector.connectivity.backward is not None


@pytest.mark.parametrize("quick", [False, True])
def test_row_53_quick_check_reads_the_filters(quick: bool) -> None:
    net = make_network(4, 3)
    connector = ReciprocalConnector(**LAW, quick_pop_check=quick, **seeded())
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(node_id=[0, 1, 2, 3]))
    assert connector.recurrent is not quick


CONNECTORS = {
    "unidirection": lambda: UnidirectionConnector(p=0.5, **QUIET),
    "reciprocal": lambda: ReciprocalConnector(**LAW, **QUIET),
    "gap junction": lambda: GapJunction(p=0.5, **QUIET),
    "one to one": lambda: OneToOneSequentialConnector(verbose=False),
}


@pytest.mark.parametrize("name", CONNECTORS)
def test_row_54_pools_that_are_none(name: str) -> None:
    connector = CONNECTORS[name]()
    net = make_network(4)
    a, empty = net.nodes(pop_name="A"), net.nodes(pop_name="Z")
    for bad in (None, {"pop_name": "A"}, list(a)):
        for source, target in ((bad, a), (a, bad)):
            with pytest.raises(NodeError, match=r"net\.nodes"):
                connector.setup_nodes(source=source, target=target)
    with pytest.raises(NodeError, match=r"net\.nodes"):
        connector.setup_nodes()
    for source, target in ((empty, a), (a, empty), (empty, empty)):
        with pytest.raises(NodeError, match="net: pop_name=='Z' nodes do not exist"):
            connector.setup_nodes(source=source, target=target)
    for early in (connector.edge_params, lambda: connector.connectivity):
        with pytest.raises(NodeError, match="call setup_nodes"):
            early()
    # A refused pool leaves nothing behind.
    connector.setup_nodes(source=a, target=a)
    assert set(connector.edge_params()) == {"source", "target", "iterator", "connection_rule"}


def half(arg: Any) -> float:
    """A function that can be pickled."""
    return 0.5


@pytest.mark.parametrize("copied", [lambda c: pickle.loads(pickle.dumps(c)), copy.deepcopy])
@pytest.mark.parametrize("after", [False, True], ids=["before the draw", "after the draw"])
def test_row_55_copies(copied: Any, after: bool) -> None:
    # With a seed: a deep copy shares a generator, and would draw after the original.
    connector = UnidirectionConnector(p=half, p_arg=spherical_dist, **{**seeded(), "rng": 1})
    net = make_network(6, 7)
    connector.setup_nodes(*pools(net))
    if after:
        connector.initial_all_to_all()
    twin = copied(connector)
    for each in (connector, twin):
        each.initial_all_to_all()
    first, second = (each.connectivity.forward for each in (connector, twin))
    assert pairs_of(first) == pairs_of(second)
    assert first.pair_arg.tolist() == second.pair_arg.tolist()
    assert 0 < len(first) < 42
