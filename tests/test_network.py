"""The NetworkBuilder of the package: BMTK's files from sparse edges, and its traps closed."""

from __future__ import annotations

import ast
import functools
import pickle
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import bmtk.builder
import h5py
import numpy as np
import pytest
from conftest import QUIET, random_positions
from saved import content

import bmtool_connectors
from bmtool_connectors import (
    AbstractConnector,
    BaseConnector,
    CorrelatedGapJunction,
    DelayRule,
    EdgeList,
    FileBasedConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    NetworkBuilder,
    NodeArrays,
    NodeError,
    OneToOneSequentialConnector,
    ParameterError,
    ReciprocalConnector,
    SparseNetwork,
    UnidirectionConnector,
    WeightRule,
    compare,
    lognormal,
    properties,
    spherical_dist,
    syn_const_delay,
    syn_const_delay_feng_section_PN,
    syn_dist_delay_feng,
    syn_dist_delay_feng_section_PN,
    syn_section_PN,
    syn_uniform_delay_section,
)
from bmtool_connectors.builder import _bmtk, network

Make = Callable[[str], Any]
Script = Callable[[Make], list[Any]]


# ---------------------------------------------------------------------- saved files
def saved(script: Script, make: Make, folder: Path, **options: Any) -> dict[str, Any]:
    """Return what a script saves with a kind of network."""
    for net in script(make):
        net.save(str(folder), **options)
    return content(folder)


def assert_equal_files(script: Script, folder: Path, **options: Any) -> dict[str, Any]:
    """Assert that a script saves the same files with both builders, and return them."""
    stock = saved(script, bmtk.builder.NetworkBuilder, folder / "stock", **options)
    ours = saved(script, NetworkBuilder, folder / "ours", **options)
    assert list(ours) == list(stock)
    for name, wanted in stock.items():
        assert str(ours[name]) == str(wanted), name  # as text: NaN is not equal to itself
    return stock


# ---------------------------------------------------------------------- scripts
def populations(make: Make) -> tuple[Any, Any]:
    """Return a network of A (9 cells) and B (7 cells), and one of inputs."""
    net, inputs = make("net"), make("inputs")
    points = random_positions(16)
    net.add_nodes(N=9, pop_name="A", model_type="biophysical", positions=list(points[:9]))
    net.add_nodes(
        N=7,
        pop_name="B",
        positions=list(points[9:]),
        weight=np.arange(7) / 8,
        label=list("abcdefg"),
    )
    inputs.add_nodes(N=20, pop_name="in", model_type="virtual")
    return net, inputs


def counts(source: Any, target: Any, least: int = 0) -> int:
    """Return 0 to 3 synapses."""
    return max(least, (3 * source.node_id + 5 * target.node_id) % 4)


def one_to_all(source: Any, targets: list[Any]) -> list[int]:
    return [counts(source, target) for target in targets]


def all_to_one(sources: list[Any], target: Any) -> Any:
    return np.array([counts(source, target) for source in sources])


class RuleObject:
    """A rule that is an object."""

    def __call__(self, source: Any, target: Any) -> int:
        return counts(source, target)

    def method(self, source: Any, target: Any) -> int:
        return counts(target, source)


class OwnClass(AbstractConnector):
    """A connector as users write it."""

    def setup_nodes(self, source: Any = None, target: Any = None) -> None:
        self.nodes = {"source": source, "target": target}

    def edge_params(self, **kwargs: Any) -> dict[str, Any]:
        return {**self.nodes, "iterator": "one_to_all", "connection_rule": one_to_all}


class OwnDraw(BaseConnector):
    """A connector on top of ours."""

    def draw(self, source: NodeArrays, target: NodeArrays, rng: Any) -> EdgeList:
        i, j = np.nonzero(rng.random((len(source), len(target))) < 0.4)
        return EdgeList.from_arrays(i, j, (len(source), len(target)), n_syn=1 + i % 3)


#: Arguments of ``add_edges`` between A and B.
RULES: dict[str, dict[str, Any]] = {
    "number": {"connection_rule": 2},
    "default": {},
    "nsyns": {"nsyns": 3},
    "fraction": {"connection_rule": 2.7},
    "nothing": {"connection_rule": 0},
    "function": {"connection_rule": counts},
    "positional parameters": {"connection_rule": counts, "connection_params": {"least": 2}},
    "one to all": {"connection_rule": one_to_all, "iterator": "one_to_all"},
    "all to one": {"connection_rule": all_to_one, "iterator": "all_to_one"},
    "object": {"connection_rule": RuleObject()},
    "method": {"connection_rule": RuleObject().method},
    "lambda": {"connection_rule": lambda *_: 1},
    "partial": {"connection_rule": functools.partial(counts, least=1)},
    "True and False": {"connection_rule": lambda s, t: s.node_id < t.node_id - 8},
    "NumPy's": {"connection_rule": lambda s, t: np.float64(counts(s, t)) / 2},
    "None": {"connection_rule": lambda s, t: counts(s, t) or None},
    "list": {"connection_rule": [k % 3 for k in range(63)]},
    "list for all": {"connection_rule": [0, 1, 2, 0, 1, 2, 3], "iterator": "one_to_all"},
    "list of sources": {"connection_rule": list(range(9)), "iterator": "all_to_one"},
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("prop", [False, True], ids=["pairs", "synapses"])
def test_rules_of_bmtk(name: str, prop: bool, tmp_path: Path) -> None:
    """Whatever BMTK takes as a connection rule runs as in BMTK."""

    def script(make: Make) -> list[Any]:
        net, _ = populations(make)
        edges = net.add_edges({"pop_name": "A"}, {"pop_name": "B"}, syn_weight=0.1, **RULES[name])
        net.add_edges(source=net.nodes(pop_name="B"), target=net.nodes(), connection_rule=counts)
        if prop:
            edges.add_properties("delay", rule=lambda s, t: s.node_id + 0.25 * t["weight"])
        return [net]

    files = assert_equal_files(script, tmp_path)
    assert "net_net_edges.h5" in files


def test_custom_iterators(tmp_path: Path) -> None:
    """In any order, pairs more than once, the last number counts."""

    def iterate(sources: Any, targets: Any, rule: Any) -> Iterator[tuple[int, int, int]]:
        for target in reversed(list(targets)):
            for source in sources:
                yield source.node_id, target.node_id, 3
                yield source.node_id, target.node_id, rule(source, target)

    bmtk.builder.iterator.register("tests", functools.partial, iterate)

    def script(make: Make) -> list[Any]:
        net, _ = populations(make)
        net.add_edges(
            {"pop_name": "A"}, {"pop_name": "B"}, connection_rule=counts, iterator="tests"
        )
        return [net]

    assert_equal_files(script, tmp_path)


def connectors_of(name: str, net: Any, inputs: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Set up connectors of one kind; return each with properties of its edge type."""
    rng = np.random.default_rng(7)
    options = {**QUIET, "rng": rng}
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    law = {"p0": 0.4, "p1": 0.4, "pr": 0.2, "n_syn0": 2, "n_syn1": 2, "estimate_rho": False}
    gap = {"is_gap_junction": True}
    if name == "one to one":
        connector: Any = OneToOneSequentialConnector(n_syn=2, verbose=False)
        found = []
        for pool in (a, b):
            connector.setup_nodes(source=inputs.nodes(), target=pool)
            found.append((connector.edge_params(), {}))
        return found
    if name in ("reciprocal within", "reciprocal between", "correlated"):
        connector = ReciprocalConnector(
            **law, p0_arg=spherical_dist, p1_arg=spherical_dist, **options
        )
        connector.setup_nodes(a, b if name == "reciprocal between" else a)
        found = [(connector.edge_params(), {})]
        if name == "reciprocal between":
            found.append((connector.edge_params(), {}))
        if name == "correlated":
            junctions = CorrelatedGapJunction(
                p_non=0.2, p_uni=0.5, p_rec=0.9, connector=connector, **options
            )
            junctions.setup_nodes(a, a)
            found.append((junctions.edge_params(), gap))
        return found
    if name == "conditional":
        junctions = GapJunction(p=0.4, **options)
        junctions.setup_nodes(a, a)
        connector = GapJunctionConditionalReciprocalConnector(
            junctions, 0.5, 0.5, 0.25, 0.125, 0.125, 0.03, **options
        )
        connector.setup_nodes(a, a)
        return [(junctions.edge_params(), gap), (connector.edge_params(), {})]
    simple = {
        "unidirection": lambda: UnidirectionConnector(p=0.4, n_syn=counts, **options),
        "plain": lambda: UnidirectionConnector(p=0.4, p_arg=spherical_dist, **options),
        "file": lambda: FileBasedConnector("pairs.csv", verbose=False),
        "own class": OwnClass,
        "own draw": lambda: OwnDraw(**options),
    }
    connector = simple[name]()
    connector.setup_nodes(source=a, target=b)
    params = connector.edge_params()
    if name == "plain":
        params["connection_rule"] = functools.partial(params["connection_rule"])
    return [(params, {})]


CONNECTORS = (
    *("unidirection", "plain", "reciprocal within", "reciprocal between", "correlated"),
    *("conditional", "one to one", "file", "own class", "own draw"),
)


@pytest.mark.parametrize("name", CONNECTORS)
@pytest.mark.parametrize("prop", [False, True], ids=["pairs", "synapses"])
def test_connectors(name: str, prop: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every class, with and without properties (BMTK cannot save those of gap junctions)."""
    monkeypatch.chdir(tmp_path)
    Path("pairs.csv").write_text("source_node_id,target_node_id,n_syn\n3,1,2\n0,0,1\n8,6,3\n")

    def script(make: Make) -> list[Any]:
        net, inputs = populations(make)
        for params, more in connectors_of(name, net, inputs):
            edges = net.add_edges(**params, **more)
            if prop and not more:
                edges.add_properties("delay", rule=lambda s, t: s.node_id + t.node_id / 8)
        return [net, inputs]

    files = assert_equal_files(script, tmp_path)
    assert any(name.endswith("edges.h5") for name in files)


HELPERS: dict[str, tuple[Callable[..., Any], dict[str, Any], int]] = {
    "const": (syn_const_delay, {"dist": 50}, 1),
    "distance": (syn_dist_delay_feng, {"min_delay": 1}, 1),
    "uniform": (syn_uniform_delay_section, {"low": 0.5}, 1),
    "section": (syn_section_PN, {"p": 0.4, "sec_id": (3, 4)}, 2),
    "const, section": (syn_const_delay_feng_section_PN, {"p": 0.4, "dist": 30.0}, 3),
    "distance, section": (syn_dist_delay_feng_section_PN, {"p": 0.4, "velocity": 500}, 3),
}
COLUMNS: dict[int, dict[str, Any]] = {
    1: {"names": "delay", "dtypes": float},
    2: {"names": ["section", "place"], "dtypes": [np.int32, np.float32]},
    3: {"names": ["delay", "section", "place"], "dtypes": [float, int, float]},
}


@pytest.mark.pairwise
@pytest.mark.parametrize("name", HELPERS)
@pytest.mark.parametrize("generator", [np.random.default_rng, np.random.RandomState])
@pytest.mark.parametrize("how", ["partial", "rule_params", "module", "no p_arg", "no connector"])
def test_helpers_follow_a_shared_generator(
    name: str, generator: Any, how: str, tmp_path: Path
) -> None:
    """In a batch as one by one: values to the last bit, and the state afterwards."""
    helper, params, n = HELPERS[name]
    states = []

    def script(make: Make) -> list[Any]:
        bmtool_connectors.rng = rng = generator(3)
        net, _ = populations(make)
        pool = net.nodes(pop_name="A")
        arg = None if how == "no p_arg" else spherical_dist
        connector = ReciprocalConnector(p0=0.5, pr=0.3, p0_arg=arg, n_syn0=2, **QUIET)
        connector.setup_nodes(pool, pool)
        edges = net.add_edges(**connector.edge_params())
        given = dict(params)
        rule: Any = helper
        if how == "partial":
            rule = functools.partial(helper, connector=connector, rng=rng)
        elif how == "rule_params":
            given["rng"] = rng
        elif how != "no connector":
            rule = functools.partial(helper, connector=connector)
        edges.add_properties(rule=rule, rule_params=given, **COLUMNS[n])
        net.add_edges(connection_rule=counts).add_properties("w", rule=lambda *_: rng.uniform())
        net.build()
        assert net.nedges > 100
        states.append(
            str(rng.get_state() if generator is np.random.RandomState else rng.bit_generator.state)
        )
        return [net]

    assert_equal_files(script, tmp_path)
    assert states[0] == states[1]


#: Arguments of ``add_properties`` for an edge type of 63 pairs with two synapses each.
PROPERTIES: dict[str, list[dict[str, Any]]] = {
    "a number": [{"names": "x", "rule": 1.5, "dtypes": float}],
    "a whole number": [{"names": "x", "rule": 3, "dtypes": np.int16}],
    "no type": [{"names": "x", "rule": lambda s, t: s.node_id}],
    "a tuple": [{"names": ["x", "y"], "rule": (1, 2.5), "dtypes": [int, float]}],
    "a function": [{"names": "x", "rule": lambda s, t: s["positions"][0], "dtypes": np.float32}],
    "parameters": [{"names": "x", "rule": counts, "rule_params": {"least": 2}, "dtypes": np.uint8}],
    "several": [
        {
            "names": ["x", "y", "z"],
            "rule": lambda s, t: (s.node_id, t.node_id / 3, s.node_id > 4),
            "dtypes": [np.int64, np.float32, bool],
        }
    ],
    "more than asked": [{"names": ["x"], "rule": lambda s, t: (s.node_id, 7), "dtypes": [int]}],
    "a list": [{"names": "x", "values": list(range(126)), "dtypes": int}],
    "a list as rule": [{"names": "x", "rule": [k / 7 for k in range(126)], "dtypes": float}],
    "an array": [{"names": "x", "values": np.arange(200.0), "dtypes": np.float32}],
    "rounded": [{"names": "x", "values": np.arange(126) + 0.7, "dtypes": int}],
    "rows": [
        {"names": ["x", "y"], "values": np.arange(252.0).reshape(-1, 2), "dtypes": [int, float]}
    ],
    "objects": [{"names": "x", "values": [None, *range(125)], "dtypes": float}],
    "bytes": [{"names": "x", "rule": lambda s, t: b"ab"[: 1 + s.node_id % 2], "dtypes": "S2"}],
    "one after the other": [
        {"names": "y", "rule": lambda s, t: t.node_id, "dtypes": int},
        {"names": "x", "values": np.arange(126.0), "dtypes": float},
        {"names": ["a", "b"], "rule": lambda s, t: (1, s.node_id), "dtypes": [int, int]},
    ],
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties(name: str, tmp_path: Path) -> None:
    def script(make: Make) -> list[Any]:
        net, _ = populations(make)
        edges = net.add_edges({"pop_name": "A"}, {"pop_name": "B"}, connection_rule=2)
        for arguments in PROPERTIES[name]:
            edges.add_properties(**arguments)
        return [net]

    files = assert_equal_files(script, tmp_path)
    assert files["net_net_edges.h5/edges/net_to_net/0/x"][1][1] == (126,)


def whole(make: Make) -> list[Any]:
    """A network with everything: groups of columns, empty types, inputs, gap junctions."""
    net, inputs = populations(make)
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    calls: list[Any] = []
    rng = np.random.default_rng(1)
    connector = ReciprocalConnector(
        p0=0.5, p1=0.5, pr=0.3, p0_arg=spherical_dist, p1_arg=spherical_dist, rng=rng, **QUIET
    )
    connector.setup_nodes(a, b)
    for _ in range(2):
        edges = net.add_edges(syn_weight=1.0, delay=None, **connector.edge_params())
        rule = functools.partial(syn_dist_delay_feng, connector=connector, rng=rng)
        edges.add_properties("delay", rule=rule, dtypes=float)
    net.add_edges(source=a, target=b, connection_rule=counts)
    third = net.add_edges(source=b, target=a, connection_rule=counts, edge_type_id=200)
    third.add_properties("weight", rule=lambda s, t: calls.append(s) or len(calls), dtypes=int)
    third.add_properties("delay", rule=lambda s, t: len(calls), dtypes=float)
    nothing = net.add_edges(source=a, target=a, connection_rule=0)
    nothing.add_properties("delay", rule=1.0, dtypes=float)
    net.add_edges(source=inputs.nodes(), target=b, connection_rule=lambda s, t: s.node_id % 2)
    net.add_gap_junctions(
        {"pop_name": "A"}, {"pop_name": "A"}, target_sections=None,
        connection_rule=lambda s, t: 2 * (s.node_id < t.node_id),
    )  # fmt: skip
    junctions = GapJunction(p=0.5, rng=rng, **QUIET)
    junctions.setup_nodes(b, b)
    net.add_edges(is_gap_junction=True, **junctions.edge_params())
    net.add_edges({"pop_name": "B"}, {"pop_name": "A"}, connection_rule=0, is_gap_junction=True)
    return [inputs, net]


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_everything(compression: str, tmp_path: Path) -> None:
    files = assert_equal_files(whole, tmp_path, compression=compression)
    groups = {
        name.split("/")[3]
        for name in files
        if name.startswith("net_net_edges.h5/edges/net_to_net/")
    }
    assert {"0", "1", "2"} <= groups
    assert files["net_gap_juncs.h5/source_ids"][1][1] > (72,)
    assert "inputs_net_edges.h5" in files


def test_first_id_of_gap_junctions(tmp_path: Path) -> None:
    """Of two networks with gap junctions, the second one begins where the first one ends."""

    def script(make: Any) -> list[Any]:
        net = make("net", gj_id_start=100)
        net.add_nodes(N=3)
        net.add_edges(connection_rule=lambda s, t: s.node_id < t.node_id, is_gap_junction=True)
        return [net]

    files = assert_equal_files(script, tmp_path)
    assert files["net_gap_juncs.h5/src_gap_ids"][2] == [100, 102, 104]


@pytest.mark.parametrize("name", ["BioNetBuilder", "PointNetBuilder", "PopNetBuilder"])
def test_other_builders(name: str, tmp_path: Path) -> None:
    """BMTK's other builders take the adaptor (their own ``add_edges`` is a TypeError in BMTK)."""
    builder = getattr(bmtk.builder.network_builder, name)

    def script(adaptor: dict[str, Any], _: Any = None) -> list[Any]:
        net = builder("net", **adaptor)
        if name == "PopNetBuilder":
            net.add_nodes(pop_name="A")
            net.add_nodes(pop_name="B")
            net.adaptor.add_edges({"pop_name": "A"}, {"pop_name": "B"}, nsyns=4, weight=0.5)
        else:
            net.add_nodes(N=6, pop_name="A", x=np.arange(6.0))
            net.adaptor.add_edges({"pop_name": "A"}, {"pop_name": "A"}, counts, delay=2.0)
        return [net]

    stock = saved(lambda _: script({}), None, tmp_path / "stock")
    ours = saved(lambda _: script({"adaptor_cls": SparseNetwork}), None, tmp_path / "ours")
    assert ours == stock
    assert "net_net_edges.h5/edges/net_to_net/edge_type_id" in ours


def test_options_of_the_adaptor(tmp_path: Path) -> None:
    """What only the adaptor's ``save`` takes works as well."""
    for folder, make in (("stock", bmtk.builder.NetworkBuilder), ("ours", NetworkBuilder)):
        _, net = whole(make)
        net.build()
        net.adaptor.save_edges(
            edges_file_name="e.h5", edge_types_file_name="e_types.csv", src_network="net",
            output_dir=str(tmp_path / folder),
        )  # fmt: skip
    assert content(tmp_path / "ours") == content(tmp_path / "stock")


def test_edges_in_memory() -> None:
    """``edges()`` with all its filters, ``nedges``, and what ``compare`` reads."""
    (_, stock), (_, ours) = whole(bmtk.builder.NetworkBuilder), whole(NetworkBuilder)
    for net in (stock, ours):
        net.build()
    assert ours.nedges == stock.nedges > 0
    assert ours.nnodes == stock.nnodes == 16
    for filters in (
        {},
        {"target_nodes": [3, 4, 12]},
        {"source_network": "inputs"},
        {"edge_type_id": 200},
        {"target_nodes": {"pop_name": "B"}, "target_network": "net"},
    ):
        rows = [
            [(type(e).__name__, e.source_node_id, e.target_node_id, e.edge_type_properties,
              e.synaptic_properties) for e in net.edges(**filters)]
            for net in (stock, ours)
        ]  # fmt: skip
        assert rows[0] == rows[1]
        assert rows[0]
    source = ours.edges(source_nodes=[1])
    assert {edge.source_node_id for edge in source} == {1}
    assert compare(stock, ours, rtol=0).equal


# ---------------------------------------------------------------------- what BMTK gets wrong
def small(make: Make = NetworkBuilder) -> Any:
    """Three cells, all connected to all with two synapses each."""
    net = make("net")
    net.add_nodes(N=3, pop_name="A", x=[0.0, 1.0, 2.0])
    net.add_edges(connection_rule=2)
    return net


def test_saved_twice(tmp_path: Path) -> None:
    """In BMTK the second save, and edges() after a save, are AttributeErrors."""
    networks = whole(NetworkBuilder)
    for folder in ("once", "twice"):
        for net in networks:
            net.save(str(tmp_path / folder))
    assert content(tmp_path / "once") == content(tmp_path / "twice")
    assert len(networks[1].edges()) > 100
    _, other = whole(bmtk.builder.NetworkBuilder)
    other.build()
    assert compare(networks[1], other, rtol=0).equal


def test_built_twice() -> None:
    """In BMTK every edge is there twice then."""
    net = small()
    for _ in range(3):
        net.build()
        assert (net.nnodes, net.nedges, len(net.edges())) == (3, 18, 9)


def test_forced_build() -> None:
    """All edges are made again, nodes stay; in BMTK both are there twice."""
    net = NetworkBuilder("net")
    net.add_nodes(N=3)
    asked = []
    net.add_edges(connection_rule=lambda s, t: asked.append(1) or 1)
    net.build()
    nodes = list(net.nodes())
    net.build(force=True)
    assert len(asked) == 18
    assert (net.nnodes, net.nedges) == (3, 9)
    assert all(a is b for a, b in zip(net.nodes(), nodes, strict=True))


def test_cleared() -> None:
    net = small()
    net.build()
    net.clear()
    assert (net.nodes_built, net.edges_built, net.nnodes, net.nedges) == (False, False, 0, 0)
    net.add_nodes(N=2, pop_name="B")
    net.build()
    assert (net.nnodes, net.nedges) == (5, 50)
    assert [node.node_id for node in net.nodes()] == [0, 1, 2, 3, 4]


def test_edges_added_later() -> None:
    """Those that are there stay as they are; in BMTK all are made again."""
    net = small()
    net.build()
    first = net.edges_table()[0]
    net.add_edges({"pop_name": "A"}, {"pop_name": "A"}, connection_rule=1)
    assert not net.edges_built
    assert len(net.edges()) == 18
    assert net.nedges == 27
    assert net.edges_table()[0] is first


def test_saved_with_edges_added_later(tmp_path: Path) -> None:
    """In BMTK the new type is in the CSV file and its edges are nowhere."""
    net = small()
    net.build()
    net.add_edges(connection_rule=1)
    net.save(str(tmp_path))
    with h5py.File(tmp_path / "net_net_edges.h5") as h5:
        assert set(h5["edges/net_to_net/edge_type_id"][()].tolist()) == {100, 101}


def test_properties_added_later() -> None:
    """The next build makes that edge type again."""
    net = small()
    net.build()
    net.get_connections()[0].add_properties("delay", rule=1.5, dtypes=float)
    net.build()
    assert len(net.edges()) == 18
    assert net.edges()[0]["delay"] == 1.5
    assert net.nedges == 18


def test_nodes_added_after_nodes(tmp_path: Path) -> None:
    """BMTK never makes them, and fails in the save."""

    def script(make: Make, early: bool) -> list[Any]:
        net = make("net")
        net.add_nodes(N=3, pop_name="A")
        if early:
            assert len(net.nodes()) == 3
            pool = net.nodes(pop_name="B")
            assert len(pool) == 0
        net.add_nodes(N=2, pop_name="B", node_id=[7, 5])
        net.add_nodes(N=2, pop_name="A", x=[1.0, 2.0])
        if early:
            assert [node.node_id for node in pool] == [7, 5]
            assert net.nnodes == 7
        net.add_edges({"pop_name": "B"}, {}, connection_rule=1)
        return [net]

    ours = saved(lambda make: script(make, True), NetworkBuilder, tmp_path / "ours")
    stock = saved(lambda make: script(make, False), bmtk.builder.NetworkBuilder, tmp_path / "stock")
    assert ours == stock


def test_nodes_added_after_build() -> None:
    net = small()
    net.build()
    with pytest.raises(
        NodeError, match=r"'net' was called after build\(\).*before the first build"
    ):
        net.add_nodes(N=2)
    assert (net.nnodes, net.nedges) == (3, 18)


def test_nodes_added_to_a_pool_in_use() -> None:
    """A connector that would leave the new nodes out says so; other nodes do not matter."""
    net = small()
    connector = UnidirectionConnector(p=1.0, **QUIET)
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="A"))
    net.add_edges(**connector.edge_params())
    net.add_nodes(N=1, pop_name="B")
    net.add_nodes(N=1, pop_name="A")
    with pytest.raises(NodeError, match=r"had 3 nodes in setup_nodes\(\) and has 4 now"):
        net.build()


@pytest.mark.parametrize("bad", ["too short", "known id"])
def test_nodes_that_are_refused(bad: str) -> None:
    """BMTK's own errors change nothing."""
    net = small()
    net.build()
    net.clear()
    net.nodes()
    with pytest.raises(Exception, match=r"length|Duplicate"):
        net.add_nodes(N=2, **({"x": [1.0]} if bad == "too short" else {"node_id": [2, 9]}))
    assert net.nnodes == 3
    net.build()
    assert net.nedges == 18


def test_gap_junctions_with_properties(tmp_path: Path) -> None:
    """In BMTK saving them is a KeyError."""
    net = NetworkBuilder("net")
    net.add_nodes(N=4)
    edges = net.add_edges(
        connection_rule=lambda s, t: 2 * (s.node_id < t.node_id), is_gap_junction=True
    )
    edges.add_properties("conductance", rule=lambda s, t: s.node_id / 8, dtypes=float)
    net.save(str(tmp_path))
    with h5py.File(tmp_path / "net_gap_juncs.h5") as h5:
        assert h5["source_ids"][()].tolist() == [0] * 6 + [1] * 4 + [2] * 2
        assert h5["target_ids"][()].tolist() == [1, 1, 2, 2, 3, 3, 2, 2, 3, 3, 3, 3]
        assert h5["trg_gap_ids"][()].tolist() == list(range(1, 25, 2))
        assert h5["source_ids"].dtype == np.uint64


def test_connector_as_a_parameter() -> None:
    """In BMTK its own parameter has that name: a TypeError."""
    values = []
    for way in ("rule_params", "partial"):
        net, _ = populations(NetworkBuilder)
        connector = UnidirectionConnector(p=0.5, p_arg=spherical_dist, rng=1, **QUIET)
        connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
        edges = net.add_edges(**connector.edge_params())
        rule, params = syn_dist_delay_feng, {"connector": connector, "rng": 1}
        if way == "partial":
            rule, params = functools.partial(rule, **params), {}
        edges.add_properties("delay", rule=rule, rule_params=params, dtypes=float)

        def own(source: Any, target: Any, connector: Any) -> Any:
            return connector.get_conn_prop(source.node_id, target.node_id)

        edges.add_properties("dist", rule=own, rule_params={"connector": connector}, dtypes=float)
        net.build()
        values.append([(e["delay"], e["dist"]) for e in net.edges()])
        assert np.allclose([e[1] for e in values[-1]], connector.connectivity.forward.pair_arg)
    assert values[0] == values[1]


# ---------------------------------------------------------------------- mistakes
def test_a_failed_build_goes_on() -> None:
    """What was made stays, what failed is made by the next build."""
    net = small()
    fail = [True]

    def rule(source: Any, target: Any) -> float:
        if fail and target.node_id == 2:
            raise RuntimeError("of the user")
        return 1.0

    net.add_edges(connection_rule=1).add_properties("w", rule=rule, dtypes=float)
    net.add_edges(connection_rule=1)
    with pytest.raises(RuntimeError, match="of the user"):
        net.build()
    assert not net.edges_built
    assert net.nedges == 18
    fail.clear()
    net.build()
    assert [table.edge_type_id for table in net.edges_table()] == [100, 101, 102]
    assert net.nedges == 36


@pytest.mark.parametrize("value", [-1, np.nan, [1, 2], "two", np.inf, 2**32, np.array([1, 2])])
def test_no_number_of_synapses(value: Any) -> None:
    net = NetworkBuilder("net")
    net.add_nodes(N=3)
    net.add_edges(connection_rule=lambda s, t: value if t.node_id == 1 else 0)
    match = (
        r"connection_rule of edge type 100 must give a number .*, got .* for source 0 and target 1"
    )
    with pytest.raises(ParameterError, match=match):
        net.build()


def test_nodes_that_were_not_asked_for() -> None:
    def iterate(sources: Any, targets: Any, rule: Any) -> Iterator[tuple[int, int, int]]:
        yield 0, 7, 1

    bmtk.builder.iterator.register("wrong", functools.partial, iterate)
    net = NetworkBuilder("net")
    net.add_nodes(N=3)
    net.add_edges(connection_rule=counts, iterator="wrong")
    with pytest.raises(
        NodeError, match=r"iterator of edge type 100 must give nodes of the pool .*, got node 7"
    ):
        net.build()


#: Each part has a seed, and is evaluated by itself.
JOINED = properties(
    DelayRule(jitter=lognormal(1.0, 0.1), rng=1),
    WeightRule(lognormal(1.0, 0.1), rng=1),
    add_nsyns=False,
)["rule"]

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "NaN as int": ({"names": "x", "rule": lambda *_: np.nan, "dtypes": int}, "fits int64"),
    "text": ({"names": "x", "rule": lambda *_: "much", "dtypes": float}, "'much'"),
    "two for one": ({"names": "x", "rule": lambda *_: (1, 2), "dtypes": float}, r"\(1, 2\)"),
    "one for two": (
        {"names": ["x", "y"], "rule": lambda *_: (1,), "dtypes": [int, int]},
        "2 values, one for each name",
    ),
    "no tuple": (
        {"names": ["x", "y"], "rule": lambda *_: 1, "dtypes": [int, int]},
        "one value for each name",
    ),
    "a constant": ({"names": ["x", "y"], "rule": 1, "dtypes": [int, int]}, "one value for each"),
    "too few values": (
        {"names": "x", "values": [1] * 17, "dtypes": int},
        "must be one per synapse, .*, got 17 for 18 synapses",
    ),
    "NaN in an array": (
        {"names": "x", "values": np.full(18, np.nan), "dtypes": int},
        "fits int64",
    ),
    "a table": ({"names": "x", "values": np.ones((18, 2)), "dtypes": float}, "fits float64"),
    "no type": ({"names": ["x", "y"], "rule": counts, "dtypes": [int]}, "has none for 'y'"),
    "a pair of names": ({"names": ("x", "y"), "rule": counts, "dtypes": int}, "has none for 'x'"),
    "three for one": (
        {"names": "x", "rule": syn_const_delay_feng_section_PN, "dtypes": float},
        "3 values",
    ),
    "two for three": (
        {"names": ["x", "y", "z"], "rule": syn_section_PN, "dtypes": [float] * 3},
        "3 values, one for each name",
    ),
    "joined, two for one": (
        {"names": "x", "rule": JOINED, "dtypes": float},
        "as many names as a rule gives values, got '2 values'",
    ),
    "joined, two for three": (
        {"names": ["x", "y", "z"], "rule": JOINED, "dtypes": [float] * 3},
        "3 values, one for each name, got '2 values'",
    ),
    "a helper": (
        {"names": "x", "rule": functools.partial(syn_const_delay, velocity=0), "dtypes": float},
        "velocity of syn_const_delay must be .*, got 0",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_values_that_do_not_fit(name: str) -> None:
    """One sentence that names the edge type; in BMTK a line of NumPy's, or zeros."""
    arguments, match = WRONG[name]
    net = small()
    net.get_connections()[0].add_properties(**arguments)
    with pytest.raises(ParameterError, match=match) as caught:
        net.build()
    assert "edge type 100" in str(caught.value)
    assert net.nedges == 0


def test_one_name_twice() -> None:
    net = small()
    for _ in range(2):
        net.get_connections()[0].add_properties("x", rule=1, dtypes=int)
    with pytest.raises(ParameterError, match=r"names of add_properties\(\).*'x' twice"):
        net.build()


def test_unknown_iterator() -> None:
    """BMTK says so, also of our rules."""
    net = small()
    pool = net.nodes()
    connector = UnidirectionConnector(p=1.0, **QUIET)
    connector.setup_nodes(pool, pool)
    net.add_edges(**{**connector.edge_params(), "iterator": "every_other"})
    with pytest.raises(Exception, match="Couldn't find iterator"):
        net.build()


# ---------------------------------------------------------------------- private streams
def columns(seed: Any, before: int = 0, how: str = "module") -> dict[str, list[list[Any]]]:
    """Build a network with delays, with some more edge types before; values by edge type."""
    bmtool_connectors.rng = seed if how == "module" else np.random.default_rng(0)
    net, inputs = populations(NetworkBuilder)
    params = {} if how == "module" else {"rng": seed}
    for _ in range(before):
        more = net.add_edges(inputs.nodes(), {"pop_name": "A"}, connection_rule=1)
        more.add_properties("delay", rule=syn_const_delay, rule_params=params, dtypes=float)
    for name, source in (("AA", "A"), ("AA again", "A"), ("BA", "B")):
        edges = net.add_edges({"pop_name": source}, {"pop_name": "A"}, connection_rule=2, name=name)
        edges.add_properties("delay", rule=syn_const_delay, rule_params=params, dtypes=float)
        edges.add_properties("second", rule=syn_const_delay, rule_params=params, dtypes=float)
        edges.add_properties(
            ["third", "section", "place"],
            rule=lambda s, t: syn_const_delay_feng_section_PN(s, t, **params),
            dtypes=[float, int, float],
        )
    net.build()
    return {
        f"{table.edge_type_properties['name']} {name}": table.get_property_value(name).tolist()
        for table in net.edges_table()
        if "name" in table.edge_type_properties
        for name in ("delay", "second", "third")
    }


@pytest.mark.parametrize("how", ["module", "rng"])
def test_streams_of_their_own(how: str) -> None:
    """Per edge type and rule, for helpers and for a user's rule that calls them."""
    found = columns(5, how=how)
    assert len(found) == 9
    assert all(len(set(values)) > 50 for values in found.values())
    assert len({tuple(values[:100]) for values in found.values()}) == 9
    assert columns(5, how=how) == found
    assert columns(np.random.SeedSequence(5), how=how) == found
    assert columns(5, before=2, how=how) == found, "other edge types change nothing"
    assert columns(6, how=how) != found


def test_the_stream_of_a_rule_is_pinned() -> None:
    """What a seed gives must stay the same in later versions, and on other machines."""
    net = NetworkBuilder("net")
    net.add_nodes(N=2, pop_name="A")
    edges = net.add_edges(connection_rule=1)
    edges.add_properties("delay", rule=syn_const_delay, rule_params={"rng": 1}, dtypes=float)
    net.build()
    values = net.edges_table()[0].get_property_value("delay")
    seed = bmtool_connectors.randomness.Seed(1)
    # Drawn in the order of target and source, and told in that of source and target.
    noise = seed.of_property(("net: *", "net: *", 0, "delay"), 0).normal(size=4)[[0, 2, 1, 3]]
    assert np.array_equal(values, np.clip(0.9 + 0.2 * noise, 0.2, 2.0))
    assert np.round(values, 6).tolist() == PINNED


PINNED = [0.680797, 0.816237, 0.670334, 1.065937]


def test_a_forced_build_draws_the_same() -> None:
    bmtool_connectors.rng = 4
    net = small()
    net.get_connections()[0].add_properties("delay", rule=syn_const_delay, dtypes=float)
    net.build()
    before = net.edges_table()[0].get_property_value("delay").tolist()
    net.build(force=True)
    assert net.edges_table()[0].get_property_value("delay").tolist() == before


def test_helpers_outside_are_not_moved() -> None:
    """The stream that helpers share elsewhere goes on as if there was no network."""
    expected = []
    for build in (False, True):
        bmtool_connectors.rng = 11
        first = syn_const_delay()
        if build:
            net = small()
            net.get_connections()[0].add_properties("delay", rule=syn_const_delay, dtypes=float)
            net.build()
        expected.append((first, syn_const_delay()))
    assert expected[0] == expected[1]


def test_batches_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """No helper is called synapse by synapse, unless what it needs is elsewhere."""
    called = []
    monkeypatch.setattr(
        bmtool_connectors.builder.properties._Columns, "set_calls", lambda *_: called.append(1)
    )
    for name, (helper, params, n) in HELPERS.items():
        net, _ = populations(NetworkBuilder)
        pool = net.nodes(pop_name="A")
        connector = UnidirectionConnector(p=0.5, p_arg=spherical_dist, rng=1, **QUIET)
        connector.setup_nodes(pool, pool)
        edges = net.add_edges(**connector.edge_params())
        rule = functools.partial(helper, connector=connector, **params)
        edges.add_properties(rule=rule, **COLUMNS[n])
        net.build()
        assert not called, name
    connector.add_conn_prop(0, 1, 99.0)
    net.build(force=True)
    assert called, "what add_conn_prop said is known to the connector only"


class OwnStore(UnidirectionConnector):
    """A connector that knows better what it has stored."""

    def get_conn_prop(self, sid: int, tid: int) -> Any:
        return 100.0 * sid


@pytest.mark.parametrize("how", ["overlay", "other connector", "objects", "own store"])
def test_distances_from_elsewhere(how: str, tmp_path: Path) -> None:
    """Where the edges do not hold what the connector stored, it is asked."""

    def fraction(source: Any, target: Any) -> Any:
        return Fraction(round(spherical_dist(source, target)), 3)

    def script(make: Make) -> list[Any]:
        net, _ = populations(make)
        pool = net.nodes(pop_name="A")
        rng = np.random.default_rng(2)
        arg = fraction if how == "objects" else spherical_dist
        kind = OwnStore if how == "own store" else UnidirectionConnector
        connector, other = (kind(p=1.0, p_arg=arg, rng=seed, **QUIET) for seed in (rng, 1))
        for each in (connector, other):
            each.setup_nodes(pool, pool)
        edges = net.add_edges(**connector.edge_params())
        if how == "overlay":
            connector.add_conn_prop(0, 1, 500.0)
        asked = other if how == "other connector" else connector
        rule = functools.partial(syn_dist_delay_feng, connector=asked, rng=rng)
        edges.add_properties("delay", rule=rule, dtypes=float)
        return [net]

    assert_equal_files(script, tmp_path)


# ---------------------------------------------------------------------- the door to BMTK
class Bar:
    """Stands for tqdm's."""

    made: list[dict[str, Any]] = []

    def __init__(self, **options: Any) -> None:
        self.made.append({**options, "n": 0})

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def update(self, n: int) -> None:
        self.made[-1]["n"] += n


@pytest.mark.parametrize(
    ("verbose", "terminal", "n_bars"), [(True, True, 2), (True, False, 0), (False, True, 0)]
)
def test_progress(
    verbose: bool,
    terminal: bool,
    n_bars: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With totals, on a terminal only, and not with ``verbose=False``."""
    module = types.ModuleType("tqdm")
    module.tqdm = Bar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm", module)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(Bar, "made", [])
    net = NetworkBuilder("net", verbose=verbose)
    net.add_nodes(N=3)
    pool = net.nodes()
    connector = UnidirectionConnector(p=1.0, rng=1, **QUIET)
    connector.setup_nodes(pool, pool)
    edges = net.add_edges(**connector.edge_params())
    edges.add_properties("x", rule=lambda *_: 1.0, dtypes=float)
    net.add_edges(**connector.edge_params())
    net.build()
    bars = [(bar["desc"], bar["unit"], bar["total"]) for bar in Bar.made]
    assert bars == [("net", "edge type", 2), ("edge type 100", "synapse", 9)][:n_bars]
    assert capfd.readouterr() == ("", "")


def test_verbose_is_a_switch() -> None:
    with pytest.raises(ParameterError, match=r"verbose of SparseNetwork must be .*, got 'no'"):
        NetworkBuilder("net", verbose="no")


def test_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """BMTK's own tables then."""
    monkeypatch.setattr("bmtool_connectors.builder._bmtk.n_ranks", lambda: 2)
    net = small()
    net.add_gap_junctions(connection_rule=1)
    net.build()
    assert [type(table).__module__.split(".")[0] for table in net.edges_table()] == ["bmtk"] * 2
    assert net.nedges == 27


#: How a coming version of BMTK might differ, and what the warning names.
CHANGED = {
    "DenseNetwork.edges_table()": (
        "table = D.edges_table\nD.edges_table = lambda self: list(table(self))"
    ),
    "DenseNetwork._build_nodes(self)": "D._build_nodes, D._make_nodes = None, D._build_nodes",
    "ParamsRules._rule": "C.ParamsRules._rule = property(lambda s: None, lambda s, value: None)",
    "AttributeError": "del bmtk.builder.connection_map.ListIterator",
}


#: Each change in a process of its own, forked where BMTK is imported and we are not.
ANOTHER = """
import os, sys, warnings, bmtk.builder
from bmtk.builder.connection_map import ConnectionMap as C
from bmtk.builder.network_adaptors import DenseNetwork as D

def try_it(change):
    exec(change, {"C": C, "D": D, "bmtk": bmtk})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from bmtool_connectors import ConnectivityWarning, NetworkBuilder, SparseNetwork
    found = [str(w.message) for w in caught if w.category is ConnectivityWarning]
    assert SparseNetwork.__bases__ == (D,), SparseNetwork.__mro__
    net = NetworkBuilder("net", verbose=False)
    net.add_nodes(N=3)
    net.add_edges(connection_rule=1)
    print(len(found), found[0], flush=True)

for change in sys.argv[1:]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside other threads
        child = os.fork()
    if not child:
        try:
            try_it(change)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, change
"""


def test_another_bmtk() -> None:
    """One warning that says what is missing, and BMTK builds by itself."""
    command = [sys.executable, "-c", ANOTHER, *CHANGED.values()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "this version of BMTK" in line]
    assert len(lines) == len(CHANGED)
    for name, line in zip(CHANGED, lines, strict=True):
        assert line.startswith("1 this version of BMTK differs from")
        assert name in line


def test_this_bmtk_is_known() -> None:
    assert _bmtk.CHANGES == []
    assert issubclass(SparseNetwork, _bmtk.HookedNetwork)


def test_no_mpi_library(tmp_path: Path) -> None:
    """mpi4py without a library breaks the import of BMTK; the message says what to do."""
    (tmp_path / "mpi4py").mkdir()
    (tmp_path / "mpi4py" / "__init__.py").write_text("")
    broken = "raise RuntimeError('cannot load MPI library')\n"
    (tmp_path / "mpi4py" / "MPI.py").write_text(broken)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import bmtool_connectors\n"
        "bmtool_connectors.NetworkBuilder"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "cannot load MPI library" in done.stderr
    assert "uninstall mpi4py" in done.stderr.splitlines()[-1]


def test_private_names_stand_in_one_module() -> None:
    """No other module speaks of what BMTK may change."""
    names = {*_bmtk._METHODS, *_bmtk._ATTRIBUTES, "_rule_params", "my_list"}
    private = {name for name in names if name.startswith("_")} | {"my_list"}
    found = {
        (path.name, node.attr)
        for path in (Path(bmtool_connectors.__file__).parent / "builder").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in private
    }
    assert {name for name, _ in found} == {"_bmtk.py"}
    assert len(found) > 5


def test_names() -> None:
    """Classes of their own module, imported on demand, the same each time."""
    for name in ("NetworkBuilder", "SparseNetwork"):
        found = getattr(bmtool_connectors, name)
        assert found is getattr(network, name)
        assert pickle.loads(pickle.dumps(found)) is found
    assert issubclass(NetworkBuilder, bmtk.builder.NetworkBuilder)
    with pytest.raises(AttributeError, match="has no attribute 'NetworkBuilders'"):
        _ = bmtool_connectors.NetworkBuilders
