"""Rows 65 to 82 of the defect table: gap junctions, plain and correlated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from builds import Recorder, connect, drawn, pairs_of, percent, tables, unordered, warned, within
from conftest import BOTH_BUILDERS, QUIET, make_network, pools

import bmtool_connectors
from bmtool_connectors import (
    CorrelatedGapJunction,
    FileBasedConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    NodeError,
    OneToOneSequentialConnector,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    cylindrical_dist_z,
    spherical_dist,
)

pytestmark = BOTH_BUILDERS

GAP = {"is_gap_junction": True, "syn_weight": 1.0}
LAW = {"p0": 0.4, "pr": 0.2, "estimate_rho": False}

#: A pair has a gap junction if and only if it has a chemical connection.
ONLY_CONNECTED = {"p_non": 0.0, "p_uni": 1.0, "p_rec": 1.0}


def seeded(seed: int = 1) -> dict[str, Any]:
    """Return keyword arguments for a quiet connector with a generator of its own."""
    return {"rng": np.random.default_rng(seed), **QUIET}


def either_way(pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the unordered pairs of different nodes that are connected in any direction."""
    return {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


def ids_of(net: Any, number: int) -> set[tuple[int, int]]:
    """Return the connected pairs of one of BMTK's tables by node id."""
    return {edge[:2] for edge in tables(net)[number]}


# ---------------------------------------------------------------------- rows 65 to 69
def test_row_65_one_edge_per_pair(tmp_path: Path) -> None:
    net = make_network(4)
    connector = GapJunction(p=1.0, **seeded())
    connect(net, connector, *pools(net), **GAP)
    net.build()
    assert tables(net) == [{(i, j, 1) for i, j in unordered(4)}]
    table = connector.conn_prop
    assert {(s, t) for s, row in table.items() for t in row} == {
        (i, j) for i in range(4) for j in range(4) if i != j
    }
    net.save(output_dir=str(tmp_path))
    with h5py.File(tmp_path / "net_gap_juncs.h5") as file:
        ids = zip(file["source_ids"][:].tolist(), file["target_ids"][:].tolist(), strict=True)
        assert sorted(ids) == unordered(4)
        gap_ids = [*file["src_gap_ids"][:].tolist(), *file["trg_gap_ids"][:].tolist()]
        assert sorted(gap_ids) == list(range(12))


def test_row_65_earlier_node_is_the_source() -> None:
    edges = within(GapJunction(p=0.5, **seeded()), 40).forward
    assert (edges.source < edges.target).all()
    assert (edges.n_syn == 1).all()


def report_row(path: Path) -> str:
    """Return the last row of a report."""
    return path.read_text().splitlines()[-1]


def test_row_66_percentage_of_all_pairs(tmp_path: Path) -> None:
    path = tmp_path / "conn.csv"
    output = {"verbose": False, "report_name": str(path), "rng": np.random.default_rng(1)}
    within(GapJunction(p=1.0, **output), 10)
    assert report_row(path) == "net: pop_name=='A'Gap,net: pop_name=='A'Gap,100.0,100.0"
    near = GapJunction(p=UniformInRange(1.0, max_dist=40.0), p_arg=spherical_dist, **output)
    n = len(within(near, 10).forward)
    assert 0 < n < 45
    assert report_row(path).endswith(f"Gap,100.0,{percent(n, 45)}")


@pytest.mark.parametrize("n_b", [4, 5])
def test_row_67_two_populations(n_b: int) -> None:
    net = make_network(4, n_b)
    with pytest.raises(NodeError, match="must be the same population"):
        GapJunction(p=1.0, **QUIET).setup_nodes(*pools(net))


def test_row_68_overlapping_pools() -> None:
    net = make_network(5)
    source, target = net.nodes(node_id=[0, 1, 2]), net.nodes(node_id=[1, 2, 3])
    with pytest.raises(NodeError, match="must be the same population"):
        GapJunction(p=1.0, **QUIET).setup_nodes(source, target)
    # The order of a filter's ids does not matter: BMTK's pools follow the network.
    again = net.nodes(node_id=[2, 1, 0])
    assert pairs_of(drawn(GapJunction(p=1.0, **QUIET), source, again).forward) == set(unordered(3))


@pytest.mark.parametrize(("n", "p"), [(1, 1.0), (5, 0.0)], ids=["one cell", "p is 0"])
def test_row_69_nothing_possible(
    n: int, p: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "conn.csv"
    connector = GapJunction(p=p, report_name=str(path), rng=np.random.default_rng(1))
    net = make_network(n)
    connect(net, connector, *pools(net), **GAP)
    net.build()
    assert tables(net) == [set()]
    assert report_row(path).endswith("Gap,0.0,0.0")
    lines = capsys.readouterr().out.splitlines()
    assert "Number of connected pairs: 0" in lines
    assert "0.0" not in [line.strip() for line in lines]


def test_row_69_one_cell_with_a_reference() -> None:
    net = make_network(1)
    chemical = UnidirectionConnector(p=0.5, **seeded())
    chemical.setup_nodes(*pools(net))
    gap = CorrelatedGapJunction(0.1, 0.5, 1.0, connector=chemical, **seeded())
    found = drawn(gap, *pools(net))
    assert (len(found.forward), found.pairs) == (0, 0)


# ---------------------------------------------------------------------- rows 70 to 79: correlated
def test_row_70_report_name_of_a_correlated_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    net = make_network(6)
    chemical = ReciprocalConnector(**LAW, **seeded())
    chemical.setup_nodes(*pools(net))
    gap = CorrelatedGapJunction(
        **ONLY_CONNECTED, connector=chemical, verbose=False, report_name="mine.csv"
    )
    drawn(gap, *pools(net))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    assert report_row(tmp_path / "mine.csv").startswith("net: pop_name=='A'Gap,")


@pytest.mark.parametrize("reference", [None, "connector", 3])
def test_row_71_reference_that_is_no_connector(reference: Any) -> None:
    with pytest.raises(ParameterError, match="connector of CorrelatedGapJunction must be "):
        CorrelatedGapJunction(connector=reference, **QUIET)


def test_row_71_one_to_one_as_reference() -> None:
    net, inputs = make_network(6), make_network(6, name="inputs")
    one = OneToOneSequentialConnector(verbose=False)
    one.setup_nodes(inputs.nodes(), net.nodes())
    with pytest.raises((NodeError, ParameterError), match="connector of CorrelatedGapJunction"):
        CorrelatedGapJunction(connector=one, **QUIET).setup_nodes(*pools(net))


#: Chemical connectors of one population.
CHEMICAL: dict[str, Callable[..., Any]] = {
    "unidirection": lambda rng: UnidirectionConnector(p=0.3, rng=rng, **QUIET),
    "reciprocal": lambda rng: ReciprocalConnector(**LAW, rng=rng, **QUIET),
    "conditional": lambda rng: GapJunctionConditionalReciprocalConnector(
        GapJunction(p=0.0, **QUIET), 0, 0, 0, 0.3, 0.3, 0.1, rng=rng, **QUIET
    ),
}


@pytest.mark.parametrize("name", ["unidirection", "reciprocal"])
@pytest.mark.parametrize("order", ["first", "last", "never"])
def test_rows_72_76_chemical_edges_at_any_time(name: str, order: str) -> None:
    """Added, and even set up, before or after the gap junctions, or not added at all."""
    net = make_network(12)
    rng = np.random.default_rng(2)
    chemical = CHEMICAL[name](rng)
    gap = CorrelatedGapJunction(**ONLY_CONNECTED, connector=chemical, rng=rng, **QUIET)
    if order == "first":
        connect(net, chemical, *pools(net), edge_type_id=1)
    connect(net, gap, *pools(net), edge_type_id=2, **GAP)
    chemical.setup_nodes(*pools(net))
    if order == "last":
        net.add_edges(**chemical.edge_params(), edge_type_id=1)
    net.build()
    wanted = pairs_of(drawn(CHEMICAL[name](np.random.default_rng(2)), *pools(net)).forward)
    number = 1 if order == "first" else 0
    assert ids_of(net, number) == either_way(wanted)
    assert 5 < len(ids_of(net, number)) < 66


def test_row_72_reference_that_was_never_set_up() -> None:
    net = make_network(6)
    gap = CorrelatedGapJunction(connector=UnidirectionConnector(p=0.3, **QUIET), **seeded())
    connect(net, gap, *pools(net), **GAP)
    with pytest.raises(NodeError, match="call setup_nodes"):
        net.build()


def test_row_73_reference_on_another_population() -> None:
    net = make_network(6, 6)
    a, b = pools(net)
    chemical = UnidirectionConnector(p=0.3, **QUIET)
    chemical.setup_nodes(a, a)
    gap = CorrelatedGapJunction(connector=chemical, **seeded())
    with pytest.raises(NodeError, match="does not hold all nodes of net: pop_name=='B'"):
        gap.setup_nodes(b, b)
    late = CorrelatedGapJunction(connector=UnidirectionConnector(p=0.3, **QUIET), **seeded())
    connect(net, late, b, b, **GAP)
    late.connector.setup_nodes(a, a)
    with pytest.raises(NodeError, match="does not hold all nodes"):
        net.build()


def test_row_73_reference_on_a_part_of_the_population() -> None:
    net = make_network(6)
    part = net.nodes(node_id=[0, 1, 2, 3])
    chemical = UnidirectionConnector(p=0.3, **QUIET)
    chemical.setup_nodes(part, part)
    gap = CorrelatedGapJunction(connector=chemical, **seeded())
    with pytest.raises(NodeError, match="does not hold all nodes of net: pop_name=='A'"):
        gap.setup_nodes(*pools(net))


def test_row_73_reference_on_a_larger_population() -> None:
    net = make_network(6, 7)
    b = net.nodes(pop_name="B")
    chemical = UnidirectionConnector(p=0.3, **seeded(4))
    chemical.setup_nodes(net.nodes(), net.nodes())
    found = drawn(CorrelatedGapJunction(**ONLY_CONNECTED, connector=chemical, **seeded()), b, b)
    chemical_pairs = either_way(pairs_of(chemical.connectivity.forward))
    assert {(i + 6, j + 6) for i, j in pairs_of(found.forward)} == {
        pair for pair in chemical_pairs if pair[0] >= 6
    }
    assert len(found.forward) > 3


def test_row_74_reference_between_two_populations() -> None:
    net = make_network(6, 6)
    chemical = ReciprocalConnector(p0=0.3, p1=0.3, pr=0.1, **QUIET)
    chemical.setup_nodes(*pools(net))
    gap = CorrelatedGapJunction(connector=chemical, **seeded())
    with pytest.raises(NodeError, match="two populations"):
        gap.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="A"))


def test_row_75_any_connector_can_be_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "edges.csv"
    path.write_text("source_node_id,target_node_id\n0,1\n3,2\n4,4\n")
    net = make_network(12)
    a, _ = pools(net)
    listed = FileBasedConnector(str(path), verbose=False)
    listed.setup_nodes(a, a)
    gap = CorrelatedGapJunction(**ONLY_CONNECTED, connector=listed, **seeded())
    assert pairs_of(drawn(gap, a, a).forward) == {(0, 1), (2, 3)}

    conditional = CHEMICAL["conditional"](np.random.default_rng(3))
    conditional.gap_connector.setup_nodes(a, a)
    conditional.setup_nodes(a, a)
    gap = CorrelatedGapJunction(**ONLY_CONNECTED, connector=conditional, **seeded())
    found = pairs_of(drawn(gap, a, a).forward)
    assert found == either_way(pairs_of(conditional.connectivity.forward))
    assert 10 < len(found) < 66


def test_row_75_one_way_and_both_ways_are_told_apart() -> None:
    net = make_network(30)
    a, _ = pools(net)
    chemical = ReciprocalConnector(**LAW, **seeded())
    pairs = pairs_of(drawn(chemical, a, a).forward)
    both = {(i, j) for i, j in pairs if i < j and (j, i) in pairs}
    for law, wanted in (
        ((0.0, 0.0, 1.0), both),
        ((0.0, 1.0, 0.0), either_way(pairs) - both),
        ((1.0, 0.0, 0.0), set(unordered(30)) - either_way(pairs)),
    ):
        gap = CorrelatedGapJunction(*law, connector=chemical, **seeded())
        found = pairs_of(drawn(gap, a, a).forward)
        assert found == wanted
        assert len(found) > 20


def test_row_77_inherited_argument() -> None:
    """p_arg omitted is the chemical connector's; a distance law without any is an error."""
    near = UniformInRange(1.0, max_dist=50.0)
    net = make_network(20)
    a, _ = pools(net)
    nodes = list(a)
    for chemical in (
        UnidirectionConnector(p=0.3, p_arg=cylindrical_dist_z, **seeded()),
        ReciprocalConnector(**LAW, p0_arg=cylindrical_dist_z, **seeded()),
    ):
        chemical.setup_nodes(a, a)
        gap = CorrelatedGapJunction(near, near, near, connector=chemical, **seeded())
        found = pairs_of(drawn(gap, a, a).forward)
        assert gap.vars["p_arg"] is cylindrical_dist_z
        wanted = {(i, j) for i, j in unordered(20) if cylindrical_dist_z(nodes[i], nodes[j]) <= 50}
        assert found == wanted
        own = CorrelatedGapJunction(
            near, near, near, p_arg=spherical_dist, connector=chemical, **seeded()
        )
        assert pairs_of(drawn(own, a, a).forward) == {
            (i, j) for i, j in unordered(20) if spherical_dist(nodes[i], nodes[j]) <= 50
        }
        assert own.vars["p_arg"] is spherical_dist
    with pytest.raises(ParameterError, match="p_arg is None"):
        CorrelatedGapJunction(
            p_non=near, connector=UnidirectionConnector(p=0.3, **QUIET), **seeded()
        )


def test_row_78_stored_values_and_new_ones() -> None:
    """Connected pairs have the value their connection stored, others are asked about."""
    net = make_network(8)
    a, _ = pools(net)
    asked = Recorder(lambda first, second: 1000 * first.node_id + second.node_id)
    chemical = UnidirectionConnector(p=0.3, p_arg=asked, allow_autapses=False, **seeded())
    connected = pairs_of(drawn(chemical, a, a).forward)
    gap = CorrelatedGapJunction(connector=chemical, **seeded())
    drawn(gap, a, a)
    for i, j in unordered(8):
        backward_alone = (j, i) in connected and (i, j) not in connected
        wanted = 1000 * j + i if backward_alone else 1000 * i + j
        assert gap.get_conn_prop(i, j) == gap.get_conn_prop(j, i) == wanted
    assert {(j, i) in connected and (i, j) not in connected for i, j in unordered(8)} == {
        True,
        False,
    }


def test_row_79_variables() -> None:
    chemical = UnidirectionConnector(p=0.3, **QUIET)
    gap = CorrelatedGapJunction(0.1, 0.2, 0.3, connector=chemical, **QUIET)
    assert gap.vars == {"n_syn": 1, "p_arg": None, "p_non": 0.1, "p_uni": 0.2, "p_rec": 0.3}
    assert GapJunction(p=0.1, **QUIET).vars == {"p": 0.1, "p_arg": None, "n_syn": 1}


# ---------------------------------------------------------------------- rows 80 to 82
def test_row_80_a_connector_for_gap_junctions() -> None:
    """A one-way connector draws ordered pairs; the gap junction connector each pair once."""
    assert len(within(UnidirectionConnector(p=1.0, **seeded()), 6).forward) == 36
    assert pairs_of(within(GapJunction(p=1.0, **seeded()), 6).forward) == set(unordered(6))


@pytest.mark.traps
def test_row_81_properties_cannot_be_saved(tmp_path: Path) -> None:
    """BMTK's: its file of gap junctions needs the column nsyns, which properties replace."""
    net = make_network(4)
    edges = connect(net, GapJunction(p=1.0, **seeded()), *pools(net), **GAP)
    edges.add_properties("delay", rule=lambda a, b: 1.0, dtypes=float)
    net.build()
    with pytest.raises(KeyError, match="nsyns"):
        net.save(output_dir=str(tmp_path))
    assert "add_properties" in (GapJunction.__doc__ or "")


def test_row_82_two_networks() -> None:
    one, two = make_network(4, name="one"), make_network(4, name="two")
    with pytest.raises(NodeError, match="same population"):
        GapJunction(p=1.0, **QUIET).setup_nodes(one.nodes(), two.nodes())


def test_row_77_inherited_distance_law_within_one_population() -> None:
    """The same with a profile, through a whole build: probability 0 beyond its range."""
    bmtool_connectors.rng = np.random.default_rng(7)
    net = make_network(30)
    a, _ = pools(net)
    profile = GaussianDropoff(stdev=30.0, max_dist=60.0, pmax=1.0)
    chemical = ReciprocalConnector(p0=profile, p0_arg=spherical_dist, pr=0.1, **QUIET)
    gap = CorrelatedGapJunction(profile, 0.5, 1.0, connector=chemical, **QUIET)
    connect(net, chemical, a, a)
    connect(net, gap, a, a, **GAP)
    with warned("not feasible for"):
        net.build()
    nodes = list(a)
    far = [pair for pair in ids_of(net, 1) if spherical_dist(*(nodes[i] for i in pair)) > 60]
    assert far == []
    assert len(ids_of(net, 1)) > 20
