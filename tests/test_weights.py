"""Weights, delays and places by formula, on BMTK's builder and on ours, and in files."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bmtk.builder import NetworkBuilder as StockBuilder
from conftest import QUIET, pools, random_positions
from scipy import stats

import bmtool_connectors
from bmtool_connectors import (
    DelayRule,
    EdgeList,
    FixedInDegreeConnector,
    GaussianDropoff,
    NetworkBuilder,
    NodeError,
    ParameterError,
    PlacementRule,
    UnidirectionConnector,
    WeightRule,
    cylindrical_dist_z,
    lognormal,
    mixture,
    properties,
    randomness,
    spherical_dist,
    syn_const_delay,
    syn_const_delay_feng_section_PN,
    syn_dist_delay_feng,
    syn_dist_delay_feng_section_PN,
    syn_section_PN,
    syn_uniform_delay_section,
    truncated,
    vectorized,
)
from bmtool_connectors.builder.properties import _Columns
from bmtool_connectors.synapses import synapse_block
from bmtool_connectors.synapses.helper_rules import RuleOf
from bmtool_connectors.synapses.synapse_block import TargetOrder

FALSE_ALARM = 1e-6
LOGNORMAL, NORM = lognormal(2.0, 0.5), stats.norm(0.0, 0.2)
PROFILE = GaussianDropoff(stdev=40.0, pmax=0.8, max_dist=90.0)


def own_law(dist: float) -> float:
    """Return a law of distance."""
    return 1.0 / (1.0 + dist)


@vectorized
def own_array_law(dist: Any) -> Any:
    """Return the same of arrays."""
    return 1.0 / (1.0 + dist)


def of_nodes(source: Any, target: Any) -> float:
    """Return a number of two nodes."""
    return float(source["weight"] + 2 * target["weight"])


@vectorized
def of_node_arrays(source: Any, target: Any) -> Any:
    """Return the same of arrays of nodes."""
    return source["weight"] + 2 * target["weight"]


@vectorized
def own_distance(source: Any, target: Any) -> Any:
    """Return a distance along z, of arrays of nodes."""
    return np.abs(source["positions"][:, 2] - target["positions"][:, 2])


Make = Callable[[Any, Any], Any]
#: Rules, for a connector and a generator.
RULES: dict[str, Make] = {
    "number": lambda c, rng: WeightRule(2.5, -1, rng=rng),
    "lognormal": lambda c, rng: WeightRule(LOGNORMAL, scale=1e-3, rng=rng),
    "truncated": lambda c, rng: WeightRule(truncated(stats.norm(1, 1), 0), rng=rng),
    "mixture": lambda c, rng: WeightRule(mixture([LOGNORMAL, 0.0]), rng=rng),
    "any of scipy": lambda c, rng: WeightRule(stats.nakagami(2.0), rng=rng),
    "either sign": lambda c, rng: WeightRule(NORM, None, rng=rng),
    "profile": lambda c, rng: WeightRule(PROFILE, rng=rng),
    "nodes": lambda c, rng: WeightRule(of_nodes, rng=rng),
    "arrays of nodes": lambda c, rng: WeightRule(of_node_arrays, rng=rng),
    "modulated": lambda c, rng: WeightRule(LOGNORMAL, modulation=PROFILE, rng=rng),
    "modulated, stored": lambda c, rng: WeightRule(
        LOGNORMAL, modulation=own_array_law, connector=c, rng=rng
    ),
    "modulated, own": lambda c, rng: WeightRule(LOGNORMAL, modulation=own_law, rng=rng),
    "fixed": lambda c, rng: DelayRule(fixed=1.23, rng=rng),
    "velocity": lambda c, rng: DelayRule(30.0, rng=rng),
    "velocity, flat": lambda c, rng: DelayRule(30.0, dist=cylindrical_dist_z, rng=rng),
    "velocity, own": lambda c, rng: DelayRule(30.0, dist=own_distance, rng=rng),
    "all": lambda c, rng: DelayRule(
        30.0, of_node_arrays, NORM, minimum=0.5, dt=0.05, connector=c, rng=rng
    ),
    "jitter": lambda c, rng: DelayRule(jitter=LOGNORMAL, rng=rng),
    "place": lambda c, rng: PlacementRule([3, 4], [0.2, 0.7], p=[0.3, 0.7], rng=rng),
    "one section": lambda c, rng: PlacementRule(2, stats.beta(2, 3), rng=rng),
    "place, both drawn": lambda c, rng: PlacementRule([3, 4], stats.uniform(), rng=rng),
    "joined, one drawn": lambda c, rng: properties(
        WeightRule(LOGNORMAL, rng=rng), DelayRule(30.0, rng=rng), PlacementRule(0, 0.5)
    )["rule"],
    "joined, two drawn": lambda c, rng: properties(
        WeightRule(LOGNORMAL, rng=rng), DelayRule(jitter=LOGNORMAL, rng=rng), add_nsyns=False
    )["rule"],
}
#: Those that a shared generator has to be asked for one by one, and those of Python functions.
IN_TURN = {"mixture", "any of scipy", "place, both drawn", "joined, two drawn"}
CALLED = {"nodes", "modulated, own"}
#: Those that draw nothing; functions are then called in the order of the synapses.
NO_DRAW = {
    *("number", "profile", "nodes", "arrays of nodes"),
    *("fixed", "velocity", "velocity, flat", "velocity, own"),
}


def network(builder: Any, make: Make, rng: Any, n_syn: int = 3, n: int = 7) -> Any:
    """Return a built network with one edge type, each pair connected with p = 0.6."""
    own = builder("net")
    for k, name in enumerate("AB"):
        weight = np.random.default_rng(k + 2).random(n).tolist()
        positions = list(random_positions(n, seed=k))
        own.add_nodes(N=n, pop_name=name, weight=weight, positions=positions)
    connector = UnidirectionConnector(p=0.6, p_arg=spherical_dist, n_syn=n_syn, rng=1, **QUIET)
    connector.setup_nodes(*pools(own))
    edges = own.add_edges(**connector.edge_params())
    rule = make(connector, rng)
    edges.add_properties(**_arguments(rule))
    own.build()
    return own


def _arguments(rule: Any) -> dict[str, Any]:
    """Return arguments for add_properties, of the rule as it is."""
    several = len(rule.names) > 1
    dtypes = getattr(rule, "dtypes", (float,) * len(rule.names))  # helpers have none
    return {
        "names": list(rule.names) if several else rule.names[0],
        "rule": rule,
        "dtypes": list(dtypes) if several else dtypes[0],
    }


def columns(net: Any) -> dict[str, list[float]]:
    """Return the properties of the first edge type, as BMTK iterates over them."""
    table = net.edges_table()[0]
    names = [each["name"] for each in table.get_property_metatadata()]
    return {name: table.get_property_value(name).tolist() for name in names}


# ---------------------------------------------------------------------- values
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_as_bmtk_calls_it(name: str, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a shared generator: the values of BMTK's builder, and the same numbers used up."""
    called = []
    set_calls = _Columns.set_calls
    monkeypatch.setattr(
        _Columns, "set_calls", lambda *args: (called.append(1), set_calls(*args))[1]
    )
    mine, other = make(5), make(5)
    found = columns(network(NetworkBuilder, RULES[name], mine))
    expected = columns(network(StockBuilder, RULES[name], other))
    assert found == expected
    assert mine.uniform() == other.uniform()
    assert bool(called) == (name in IN_TURN | CALLED)
    called.clear()
    network(NetworkBuilder, RULES[name], 5)
    assert bool(called) == (name in CALLED & NO_DRAW), "with a private seed"


def synapses(net: Any) -> list[tuple[Any, Any, Any]]:
    """Return source node, target node and edge of each synapse."""
    nodes = {node.node_id: node for node in net.nodes()}
    return [(nodes[e.source_node_id], nodes[e.target_node_id], e) for e in net.edges()]


def weights_of(make: Make, name: str = "syn_weight") -> list[tuple[Any, Any, float]]:
    net = network(NetworkBuilder, make, 3)
    found = [(a, b, edge[name]) for a, b, edge in synapses(net)]
    assert len(found) > 50
    return found


def test_weights_by_formula() -> None:
    for _, _, value in weights_of(lambda c, rng: WeightRule(2.5, -1, scale=0.5)):
        assert value == -1.25
    for a, b, value in weights_of(lambda c, rng: WeightRule(PROFILE, modulation=own_law)):
        d = spherical_dist(a, b)
        expected = 0.8 * np.exp(-((d / 40) ** 2) / 2) / (1 + d) * (d <= 90)
        assert value == pytest.approx(expected, rel=1e-12)
    for a, b, value in weights_of(lambda c, rng: WeightRule(of_nodes, None, scale=3)):
        assert value == pytest.approx(3 * of_nodes(a, b), rel=1e-14)
    for a, b, value in weights_of(
        lambda c, rng: WeightRule(1.0, None, modulation=lambda d: 50.0 - d)
    ):
        assert value == pytest.approx(50.0 - spherical_dist(a, b), rel=1e-12)


def test_delays_by_formula() -> None:
    for a, b, value in weights_of(lambda c, rng: DelayRule(25.0, of_nodes, minimum=1.5), "delay"):
        expected = spherical_dist(a, b) / 25 + of_nodes(a, b)
        assert value == pytest.approx(max(expected, 1.5), rel=1e-12)
    for a, b, value in weights_of(lambda c, rng: DelayRule(25.0, dist=cylindrical_dist_z), "delay"):
        assert value == max(cylindrical_dist_z(a, b) / 25, 0.1)
    for _, _, value in weights_of(lambda c, rng: DelayRule(fixed=-3.0), "delay"):
        assert value == 0.1


@pytest.mark.parametrize("dt", [0.1, 0.025, 0.3, 1 / 3])
@pytest.mark.parametrize("minimum", [0.1, 0.3, 0.7, 0.95])
def test_grid_of_delays(dt: float, minimum: float) -> None:
    """Multiples of dt, none below the minimum, and the nearest that is allowed."""
    raw = np.linspace(-0.2, 3.0, 641)
    rule = DelayRule(fixed=1.0, minimum=minimum, dt=dt)
    found = rule._allowed(raw)
    steps = found / dt
    assert np.abs(steps - np.rint(steps)).max() < 1e-9
    assert found.min() >= minimum
    assert found.min() < minimum + dt
    free = raw > found.min()
    assert (np.abs(found - raw)[free] <= dt / 2 + 1e-9).all()
    assert [DelayRule(fixed=x, minimum=minimum, dt=dt)(None, None) for x in raw[::40]] == (
        found[::40].tolist()
    )


def test_places() -> None:
    rule = PlacementRule([3, 4, 9], [0.1, 0.5, 1.0], p=[0.2, 0.3, 0.5], rng=1)
    net = network(NetworkBuilder, lambda c, rng: rule, None, n_syn=20, n=15)
    found = columns(net)
    place = list(zip(found["afferent_section_id"], found["afferent_section_pos"], strict=True))
    counts = [place.count(each) for each in ((3, 0.1), (4, 0.5), (9, 1.0))]
    assert sum(counts) == len(place) > 2000
    p = stats.chisquare(counts, len(place) * np.array([0.2, 0.3, 0.5])).pvalue
    assert p > FALSE_ALARM
    drawn = PlacementRule(1, stats.uniform(), rng=2)
    positions = columns(network(NetworkBuilder, lambda c, rng: drawn, None, 20, 15))
    uniform = stats.kstest(positions["afferent_section_pos"], stats.uniform().cdf)
    assert uniform.pvalue > FALSE_ALARM


def test_a_stored_distance() -> None:
    """Of a connector: what it stored, whatever the positions are."""
    far = vectorized(lambda a, b: 1000.0 + a.node_id + 0 * b.node_id)
    net = NetworkBuilder("net")
    net.add_nodes(N=5, positions=list(random_positions(5)))
    pool = net.nodes()
    connector = UnidirectionConnector(1.0, far, rng=1, **QUIET)
    connector.setup_nodes(pool, pool)
    edges = net.add_edges(**connector.edge_params())
    edges.add_properties(**DelayRule(10.0, connector=connector).properties())
    edges.add_properties(
        **WeightRule(GaussianDropoff(mean=1002.0, stdev=1.0), dist=far).properties(False)
    )
    net.build()
    for edge in net.edges():
        assert edge["delay"] == (1000.0 + edge.source_node_id) / 10
        assert edge["syn_weight"] == np.exp(-((edge.source_node_id - 2.0) ** 2) / 2)


# ---------------------------------------------------------------------- laws and streams
def many(make: Make, rng: Any = 1) -> dict[str, np.ndarray]:
    """Return the properties of some thousand synapses in several blocks."""
    found = columns(network(NetworkBuilder, make, rng, n_syn=40, n=18))
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("rng", [1, np.random.default_rng(1)], ids=["private", "shared"])
def test_laws_in_a_network(rng: Any) -> None:
    """Weights and delays have the laws they are given, and do not depend on each other."""
    weight = WeightRule(LOGNORMAL, -1, rng=rng)
    delay = DelayRule(jitter=truncated(stats.norm(1.0, 0.5), 0.5, 2.0), rng=rng)
    found = many(lambda c, _: properties(weight, delay, add_nsyns=False)["rule"])
    n = len(found["delay"])
    assert n > 5000
    assert stats.kstest(-found["syn_weight"], LOGNORMAL.cdf).pvalue > FALSE_ALARM
    assert stats.kstest(found["delay"], stats.truncnorm(-1, 2, 1, 0.5).cdf).pvalue > FALSE_ALARM
    rank = stats.spearmanr(found["syn_weight"], found["delay"])
    assert rank.pvalue > FALSE_ALARM
    assert len(set(found["syn_weight"].tolist())) == n, "also of several synapses of a pair"


def test_laws_one_by_one() -> None:
    """As BMTK's builder calls a rule."""
    rule = WeightRule(mixture([LOGNORMAL, GAMMA], [0.4, 0.6]), rng=np.random.default_rng(2))
    values = [rule(None, None) for _ in range(4000)]
    assert stats.kstest(values, lambda x: 0.4 * LOGNORMAL.cdf(x) + 0.6 * GAMMA.cdf(x)).pvalue > (
        FALSE_ALARM
    )


GAMMA = stats.gamma(2.0, scale=3.0)


def test_a_stream_per_edge_type_and_property() -> None:
    """With a private seed: joined with others or not, and whatever else the network has."""

    def built(rules: list[Any], before: int = 0, seed: Any = 7) -> list[dict[str, list[float]]]:
        bmtool_connectors.rng = seed
        net = NetworkBuilder("net")
        net.add_nodes(N=6, pop_name="A", positions=list(np.eye(6)[:, :3]))
        net.add_nodes(N=6, pop_name="B", positions=list(np.eye(6)[:, :3]))
        for _ in range(before):
            more = net.add_edges({"pop_name": "B"}, {"pop_name": "B"}, connection_rule=1)
            more.add_properties(**properties(*rules))
        for name in "AB":
            edges = net.add_edges({"pop_name": "A"}, {"pop_name": name}, connection_rule=2)
            edges.add_properties(**properties(*rules))
        net.build()
        tables = net.edges_table()[before:]
        return [
            {name: t.get_property_value(name).tolist() for name in ("syn_weight", "delay")}
            if len(rules) > 1
            else {"syn_weight": t.get_property_value("syn_weight").tolist()}
            for t in tables
        ]

    weight, delay = WeightRule(LOGNORMAL), DelayRule(jitter=LOGNORMAL)
    both = built([weight, delay])
    assert built([weight, delay]) == both, "a script run twice"
    assert built([delay, weight]) == both
    assert built([weight, delay], before=2) == both
    assert [each["syn_weight"] for each in built([weight])] == [e["syn_weight"] for e in both]
    assert built([weight, delay], seed=8) != both
    values = [value for each in both for column in each.values() for value in column]
    assert len(set(values)) == len(values) == 2 * 2 * 72
    slower = built([weight, DelayRule(jitter=mixture([LOGNORMAL, 1.0]))])
    assert [each["syn_weight"] for each in slower] == [each["syn_weight"] for each in both]


def test_streams_are_pinned() -> None:
    """What a seed gives must stay the same in later versions, and on other machines."""
    net = NetworkBuilder("net")
    net.add_nodes(N=2, pop_name="A")
    edges = net.add_edges(connection_rule=1)
    delay = DelayRule(jitter=truncated(stats.norm(1.0, 0.1), 0.5), rng=1)
    edges.add_properties(**properties(delay, WeightRule(LOGNORMAL, rng=1)))
    net.build()
    found = columns(net)
    seed = bmtool_connectors.randomness.Seed(1)
    for name, values in {
        "delay": lambda rng: 1.0 + 0.1 * rng.standard_normal(4),
        "syn_weight": lambda rng: LOGNORMAL.rvs(size=4, random_state=rng),
    }.items():
        stream = seed.of_property(("net: *", "net: *", 0, name), 0)
        # Drawn in the order of target and source, and told in that of source and target.
        drawn = values(stream)[[0, 2, 1, 3]]
        assert found[name] == pytest.approx(drawn, rel=1e-12)


class Table:
    """The synapses of an edge type onto some of its targets."""

    def __init__(self, table: Any, targets: slice) -> None:
        self.source, self.target, self.is_of = table.source, table.target, table.is_of
        edges = table.edges
        inside = (edges.target >= targets.start) & (edges.target < targets.stop)
        self.rows = np.flatnonzero(np.repeat(inside, edges.n_syn))
        self.n_syns = len(self.rows)
        ends, arg = (edges.source[inside], edges.target[inside]), edges.pair_arg
        self.edges = EdgeList.from_sorted(
            *ends, edges.shape, edges.n_syn[inside], None if arg is None else arg[inside]
        )
        self.by_target = TargetOrder(self.edges, self.n_syns)


def evaluated(rule: Any, table: Any) -> list[np.ndarray]:
    """Return the values of all synapses of a table, those of the first edge type of ``network``."""
    found: dict[int, np.ndarray] = {}
    names = rule.names
    keys = table.source.stream_label, table.target.stream_label, 0
    with randomness.property_streams(*keys, names=names):
        for each in rule.evaluations(table):
            columns = [k for index in each.indices for k in range(len(names))[index]]
            assert each.blocks is not None
            for k in columns:
                found[k] = np.full(table.n_syns, np.nan)
            for rows, block in each.blocks:
                for k, values in zip(columns, block, strict=True):
                    assert np.isnan(found[k][rows]).all(), "twice"
                    found[k][rows] = values
    return [found[k] for k in sorted(found)]


#: Rules that draw, and the helpers.
DRAWING: dict[str, Make] = {
    **{name: make for name, make in RULES.items() if name not in NO_DRAW},
    "syn_const_delay": lambda c, rng: syn_const_delay(RuleOf(), rng=rng),
    "syn_dist_delay_feng": lambda c, rng: syn_dist_delay_feng(RuleOf(), None, rng=rng),
    "syn_dist_delay_feng, stored": lambda c, rng: syn_dist_delay_feng(
        RuleOf(), None, connector=c, rng=rng
    ),
    "syn_uniform_delay_section": lambda c, rng: syn_uniform_delay_section(RuleOf(), None, rng=rng),
    "syn_section_PN": lambda c, rng: syn_section_PN(RuleOf(), None, rng=rng),
    "syn_const_delay_feng_section_PN": lambda c, rng: syn_const_delay_feng_section_PN(
        RuleOf(), None, rng=rng
    ),
    "syn_dist_delay_feng_section_PN": lambda c, rng: syn_dist_delay_feng_section_PN(
        RuleOf(), None, connector=c, rng=rng
    ),
}


@pytest.mark.parametrize("n_syn", [1, 3])
@pytest.mark.parametrize("block", [5, 1 << 14])
@pytest.mark.parametrize("name", DRAWING)
def test_a_slab_of_targets_alone(
    name: str, block: int, n_syn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its values are those among all slabs, whatever edges the others have."""
    monkeypatch.setattr(randomness, "SLAB", 3)
    monkeypatch.setattr(synapse_block, "PAIRS", block)
    made = []

    def make(connector: Any, rng: Any) -> Any:
        made.append(DRAWING[name](connector, rng))
        return made[0]

    net = network(NetworkBuilder, make, 5, n_syn=n_syn, n=14)
    table, rule = net.edges_table()[0], made[0]
    assert "by_target" not in vars(table), "the order is not kept"
    whole = evaluated(rule, table)
    stored = [table.get_property_value(each) for each in rule.names]
    assert [each.tolist() for each in whole] == [each.tolist() for each in stored]
    n_found = 0
    for _, targets in randomness.slabs(14):
        part = Table(table, targets)
        n_found += part.n_syns
        for values, alone in zip(whole, evaluated(rule, part), strict=True):
            assert values[part.rows].tolist() == alone.tolist()
    assert n_found == table.n_syns > 80 * n_syn
    two = evaluated(rule, Table(table, slice(3, 9)))
    assert [each[Table(table, slice(3, 9)).rows].tolist() for each in whole] == [
        each.tolist() for each in two
    ]


def test_slabs_in_order_of_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Number by number: a stream per slab, synapses in the order of target and source."""
    monkeypatch.setattr(randomness, "SLAB", 3)
    net = NetworkBuilder("net")
    net.add_nodes(N=8)
    edges = net.add_edges(connection_rule=2)
    edges.add_properties("delay", rule=DelayRule(jitter=NORM, minimum=1e-9, rng=1), dtypes=float)
    net.build()
    found = np.array(columns(net)["delay"]).reshape(8, 8, 2)
    for slab, (start, stop) in enumerate([(0, 3), (3, 6), (6, 8)]):
        stream = bmtool_connectors.randomness.Seed(1).of_property(
            ("net: *", "net: *", 0, "delay"), slab
        )
        values = 0.2 * stream.standard_normal((stop - start, 8, 2))
        expected = np.maximum(values, 1e-9).swapaxes(0, 1)
        assert found[:, start:stop] == pytest.approx(expected, rel=1e-12)


def test_functions_with_a_seed() -> None:
    """Called for each synapse, they give what arrays give; drawn numbers are the same."""
    pairs: list[tuple[Make, Make]] = [
        (
            lambda c, rng: WeightRule(LOGNORMAL, modulation=own_law, rng=rng),
            lambda c, rng: WeightRule(LOGNORMAL, modulation=own_array_law, rng=rng),
        ),
        (
            lambda c, rng: DelayRule(None, of_nodes, NORM, rng=rng),
            lambda c, rng: DelayRule(None, of_node_arrays, NORM, rng=rng),
        ),
        (
            lambda c, rng: DelayRule(30.0, None, NORM, dist=lambda a, b: own_pair(a, b), rng=rng),
            lambda c, rng: DelayRule(30.0, None, NORM, dist=own_distance, rng=rng),
        ),
        (
            lambda c, rng: DelayRule(30.0, None, NORM, connector=Stored(c), rng=rng),
            lambda c, rng: DelayRule(30.0, None, NORM, connector=c, rng=rng),
        ),
        (
            lambda c, rng: WeightRule(LOGNORMAL, modulation=Subclass(stdev=40.0), rng=rng),
            lambda c, rng: WeightRule(LOGNORMAL, modulation=GaussianDropoff(stdev=40.0), rng=rng),
        ),
    ]
    for called, arrays in pairs:
        found, expected = (columns(network(NetworkBuilder, make, 5)) for make in (called, arrays))
        for name, values in expected.items():
            assert found[name] == pytest.approx(values, rel=1e-12)


def own_pair(source: Any, target: Any) -> float:
    """Return the distance along z of two nodes."""
    return float(abs(source["positions"][2] - target["positions"][2]))


class Stored:
    """What has stored the same as a connector, and is another one."""

    def __init__(self, connector: Any) -> None:
        self.get_conn_prop = connector.get_conn_prop


class Subclass(GaussianDropoff):
    """A profile that may do anything, so that it is called for each distance."""


def test_joined_with_a_shared_generator() -> None:
    """What has a seed is drawn in slabs, whatever the rest takes in turn from a generator."""

    def joined(rng: Any) -> Make:
        return lambda c, _: properties(
            WeightRule(LOGNORMAL, rng=rng),
            DelayRule(jitter=LOGNORMAL, rng=1),
            PlacementRule([3, 4], stats.uniform(), rng=rng),
            add_nsyns=False,
        )["rule"]

    found = columns(network(NetworkBuilder, joined(np.random.default_rng(2)), None))
    private = columns(network(NetworkBuilder, joined(2), None))
    assert found["delay"] == private["delay"]
    rng = np.random.default_rng(2)
    for k, weight in enumerate(found["syn_weight"]):
        assert weight == pytest.approx(LOGNORMAL.rvs(random_state=rng), rel=1e-12)
        assert found["afferent_section_id"][k] == 3 + (rng.uniform() >= 0.5)
        assert found["afferent_section_pos"][k] == rng.uniform()


def test_a_rule_under_other_names() -> None:
    """Each property has a stream of its own, whatever it is called."""
    net = NetworkBuilder("net")
    net.add_nodes(N=5)
    edges = net.add_edges(connection_rule=1)
    rule = WeightRule(LOGNORMAL, rng=1)
    joined = properties(rule, DelayRule(jitter=LOGNORMAL, rng=1), add_nsyns=False)["rule"]
    edges.add_properties("first", rule=rule, dtypes=float)
    edges.add_properties("second", rule=rule, dtypes=float)
    edges.add_properties(["third", "fourth"], rule=joined, dtypes=[float, float])
    net.build()
    values = [value for column in columns(net).values() for value in column]
    assert len(set(values)) == len(values) == 100


def test_stock_with_a_private_seed() -> None:
    """All calls with a seed share one stream, so that no two values are equal."""
    net = network(StockBuilder, RULES["joined, two drawn"], 4)
    values = [value for column in columns(net).values() for value in column]
    assert len(set(values)) == len(values) > 150


# ---------------------------------------------------------------------- nsyns, and files
def test_properties() -> None:
    weight, delay = WeightRule(2.0), DelayRule(fixed=1.0)
    place = PlacementRule(1)
    assert properties(weight)["names"] == weight.properties()["names"] == ["syn_weight", "nsyns"]
    assert weight.properties(add_nsyns=False) == {
        "names": "syn_weight",
        "rule": weight,
        "dtypes": float,
    }
    assert place.properties()["names"] == ["afferent_section_id", "afferent_section_pos"]
    found = properties(weight, delay, place)
    assert found["names"] == ["syn_weight", "delay", "afferent_section_id", "afferent_section_pos"]
    assert found["dtypes"] == [float, float, np.uint32, float]
    assert found["rule"](None, None) == (2.0, 1.0, 1, 0.5)
    for each in (found, properties(weight, delay)):
        assert properties(each["rule"])["names"] == each["names"], "joined again"


@pytest.mark.parametrize("options", [{}, {"portable": True}, {"compact": True}], ids=str)
def test_one_synapse_per_row(options: dict[str, Any], tmp_path: Path) -> None:
    """In files as well, where pairs have several synapses; others keep their numbers."""
    rule = properties(WeightRule(2.0), DelayRule(fixed=1.5))["rule"]
    net = network(NetworkBuilder, lambda c, rng: rule, None, n_syn=3)
    net.add_edges(
        {"pop_name": "A"}, {"pop_name": "A"}, connection_rule=4, syn_weight=1.0, delay=2.0
    )
    net.save(tmp_path, **options)
    assert net.nedges == net.edges_table()[0].n_syns + 4 * 49
    with h5py.File(tmp_path / "net_net_edges.h5") as h5:
        population = h5["edges/net_to_net"]
        group_id, index = population["edge_group_id"][()], population["edge_group_index"][()]
        types = population["edge_type_id"][()]
        for k in np.unique(group_id):
            own = types[group_id == k][np.argsort(index[group_id == k])]
            counts = population[f"{k}/nsyns"][()]
            assert np.array_equal(counts, np.where(own == 100, 1, 4))


def test_one_synapse_per_row_beside_a_helper(tmp_path: Path) -> None:
    """As the guide has it."""
    net = NetworkBuilder("net")
    net.add_nodes(N=3)
    edges = net.add_edges(connection_rule=2)
    edges.add_properties("delay", rule=syn_const_delay, dtypes=float)
    edges.add_properties("nsyns", rule=1, dtypes=np.uint32)
    net.save(tmp_path)
    with h5py.File(tmp_path / "net_net_edges.h5") as h5:
        assert h5["edges/net_to_net/0/nsyns"][()].tolist() == [1] * 18
    net.save(tmp_path / "compact", compact=True)
    with h5py.File(tmp_path / "compact" / "net_net_edges.h5") as h5:
        assert h5["edges/net_to_net/0/nsyns"].dtype == np.uint8
    edges = net.add_edges(connection_rule=2)
    edges.add_properties(["delay", "nsyns"], rule=lambda *_: (1.0, 300), dtypes=[float, np.uint32])
    net.save(tmp_path / "more", compact=True)
    with h5py.File(tmp_path / "more" / "net_net_edges.h5") as h5:
        assert sorted(h5["edges/net_to_net/0/nsyns"][()].tolist()) == [1] * 18 + [300] * 18


def test_stock_stores_counts_of_single_synapses_only(tmp_path: Path) -> None:
    """As the documentation says."""
    rule = properties(WeightRule(2.0), DelayRule(fixed=1.5))["rule"]
    network(StockBuilder, lambda c, rng: rule, None, n_syn=1).save(str(tmp_path / "one"))
    with h5py.File(tmp_path / "one" / "net_net_edges.h5") as h5:
        assert set(h5["edges/net_to_net/0/nsyns"][()]) == {1}
    several = network(StockBuilder, lambda c, rng: rule, None, n_syn=2)
    with pytest.raises(ValueError, match="could not broadcast"):
        several.save(str(tmp_path / "two"))


def test_recipe(tmp_path: Path) -> None:
    """Rules with their parameters, and the same text every time."""
    texts = []
    for k in range(2):
        weight = WeightRule(truncated(stats.norm(2, scale=0.5), 0), -1, modulation=PROFILE, rng=3)
        jitter = mixture([lognormal(1.0, 0.5), 0.25])
        delay = DelayRule(300.0, 0.5, jitter=jitter, dt=0.1, rng=4)
        rule = properties(weight, delay, PlacementRule([1, 2], rng=5))["rule"]
        net = network(NetworkBuilder, lambda c, rng, rule=rule: rule, None)
        net.save(tmp_path / str(k))
        texts.append((tmp_path / str(k) / "net_connections.json").read_text())
    assert texts[0] == texts[1]
    assert "0x" not in texts[0]
    (told,) = json.loads(texts[0])["edge_types"][0]["properties"]
    parts = told["rule"]["parameters"]["parts"]
    assert [each["class"].rpartition(".")[2] for each in parts] == [
        *("WeightRule", "DelayRule", "PlacementRule"),
    ]
    weight_told, delay_told, place_told = (each["parameters"] for each in parts)
    inner = weight_told["distribution"]["parameters"]["distribution"]
    assert (inner["distribution"], inner["args"]) == ("norm", [2])
    assert inner["kwds"] == {"scale": 0.5}
    assert weight_told["distribution"]["parameters"]["high"] == "inf"
    assert (weight_told["sign"], weight_told["rng"]) == (-1, 3)
    assert weight_told["modulation"]["parameters"]["stdev"] == 40.0
    assert (delay_told["velocity"], delay_told["dt"], delay_told["minimum"]) == (300.0, 0.1, 0.1)
    assert delay_told["jitter"]["parameters"]["probabilities"] == [0.5, 0.5]
    assert place_told["section_id"] == [1, 2]


@pytest.mark.parametrize("name", [each for each in RULES if "own" not in each])
def test_copies(name: str) -> None:
    """A rule can be sent to another process, with its generator."""
    rule = RULES[name](None, np.random.default_rng(6))
    copy = pickle.loads(pickle.dumps(rule))
    source, target = ({"weight": 0.5, "positions": [x, 0.0, 0.0]} for x in (0.0, 30.0))
    a, b = (Node(k, each) for k, each in enumerate((source, target)))
    for _ in range(3):
        assert copy(a, b) == rule(a, b)


class Node(dict):  # type: ignore[type-arg]
    """A node as BMTK passes it to rules."""

    def __init__(self, node_id: int, attributes: dict[str, Any]) -> None:
        super().__init__(attributes)
        self.node_id = node_id


def test_repr() -> None:
    """What was given, as it was given."""
    assert repr(WeightRule(lognormal(2.0, 0.5), -1, rng=3)) == (
        "WeightRule(distribution=lognorm(s=0.24622067706923975, scale=1.9402850002906638), "
        "sign=-1, rng=3)"
    )
    assert repr(DelayRule(300.0, dist=cylindrical_dist_z)) == (
        "DelayRule(velocity=300.0, dist=cylindrical_dist_z)"
    )


# ---------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: WeightRule(stats.norm(2.0, 0.5)),
            r"norm\(2.0, 0.5\), which is negative with probability 3.2e-05: .*truncated\(",
        ),
        (
            lambda: WeightRule(stats.norm(-2.0), -1),
            "distribution of WeightRule must be .*, got norm",
        ),
        (lambda: WeightRule(-1.0, -1), "must be a finite number >= 0, .*, got -1.0: .*sign"),
        (lambda: WeightRule(np.ones(5)), r"must be .*, got .*add_properties\(values=...\)"),
        (lambda: WeightRule(float("nan")), "distribution of WeightRule must be .*, got nan"),
        (lambda: WeightRule("big"), "distribution of WeightRule must be .*, got 'big'"),
        (
            lambda: WeightRule(stats.norm),
            "distribution of WeightRule must be a frozen distribution",
        ),
        (lambda: WeightRule(1, 2), "sign of WeightRule must be 1, -1 or None.*, got 2"),
        (lambda: WeightRule(1, [1]), r"sign of WeightRule must be .*, got \[1\]"),
        (lambda: WeightRule(1, scale=0), "scale of WeightRule must be a factor > 0.*, got 0"),
        (lambda: WeightRule(1, modulation=2), "modulation of WeightRule must be a funct.*, got 2"),
        (lambda: WeightRule(1, dist=3), "dist of WeightRule must be a function.*, got 3"),
        (lambda: WeightRule(1, connector=3), "connector of WeightRule must be .*, got 3"),
        (lambda: WeightRule(1, rng="x"), "rng of WeightRule must be .*, got 'x'"),
        (lambda: DelayRule(), "velocity, fixed and jitter of DelayRule are None; pass at least"),
        (lambda: DelayRule(0), "velocity of DelayRule must be a velocity > 0.*, got 0"),
        (lambda: DelayRule(fixed="x"), "fixed of DelayRule must be a number.*, got 'x'"),
        (
            lambda: DelayRule(fixed=NORM),
            r"fixed of DelayRule must be .*, got norm\(0.0, 0.2\).*is jitter",
        ),
        (lambda: DelayRule(fixed=PROFILE), "fixed of DelayRule must be .*, got GaussianDropoff"),
        (lambda: DelayRule(jitter=0.1), "jitter of DelayRule must be a distribution.*, got 0.1"),
        (lambda: DelayRule(1, minimum=0), "minimum of DelayRule must be a delay > 0.*, got 0"),
        (lambda: DelayRule(1, dt=-1), "dt of DelayRule must be a time step > 0.*, got -1"),
        (lambda: PlacementRule(-1), "section_id of PlacementRule must be a whole.*, got -1"),
        (
            lambda: PlacementRule([1, 2.5]),
            r"section_id of PlacementRule must be .*, got \[1, 2.5\]",
        ),
        (lambda: PlacementRule(1, 2), "section_pos of PlacementRule must be a number in.*, got 2"),
        (lambda: PlacementRule([1, 2], [0.5] * 3), r"2 of them \(one for each section\)"),
        (lambda: PlacementRule(1, NORM), r"norm\(0.0, 0.2\), which lies outside \[0, 1\]"),
        (lambda: PlacementRule([1, 2], p=[1]), r"p of PlacementRule must be 2.*, got \[1\]"),
        (lambda: properties(), r"rules of properties\(\) must be .*, got none"),
        (lambda: properties(spherical_dist), "must be WeightRule, DelayRule or Placement"),
        (
            lambda: properties(WeightRule(1), WeightRule(2)),
            "must be one per property, got 'syn_weight' twice",
        ),
        (
            lambda: properties(WeightRule(1), add_nsyns=2),
            r"add_nsyns of properties\(\) must be .*, got 2",
        ),
    ],
)
def test_wrong_parameters(call: Any, match: str) -> None:
    with pytest.raises(ParameterError, match=match):
        call()


@pytest.mark.parametrize("builder", [NetworkBuilder, StockBuilder])
@pytest.mark.parametrize(
    ("make", "match"),
    [
        (
            lambda: WeightRule(vectorized(lambda a, b: a.node_id - 2.0)),
            "distribution of WeightRule must be a magnitude >= 0, or sign=None, got -2.0 for the "
            "synapse from node 0 to node 10",
        ),
        (
            lambda: WeightRule(lambda a, b: -1),
            "distribution of WeightRule must be .*, got -1 for the synapse",
        ),
        (
            lambda: WeightRule(lambda a, b: None),
            "distribution of WeightRule must be .*, got None for",
        ),
        (
            lambda: WeightRule(lambda a, b: [1, 2]),
            r"distribution of WeightRule must be .*, got \[1, 2\] for the",
        ),
        (
            lambda: WeightRule(1, modulation=lambda d: -d),
            "modulation of WeightRule must be .*, got -",
        ),
        (
            lambda: WeightRule(1, None, modulation=vectorized(lambda d: d * np.nan)),
            "modulation of WeightRule must be a finite number, got nan for the synapse from node "
            "0 to node 10",
        ),
        (
            lambda: DelayRule(fixed=lambda a, b: "x"),
            "fixed of DelayRule must be .*, got 'x' for the synapse",
        ),
        (
            lambda: DelayRule(1.0, dist=lambda a, b: np.inf),
            "dist of DelayRule must be .*, got inf for",
        ),
    ],
)
def test_wrong_values(builder: Any, make: Any, match: str) -> None:
    """When the network is built, from either builder in the same words."""
    with pytest.raises(ParameterError, match=match):
        network(builder, lambda c, rng: make(), None)


def test_no_positions() -> None:
    for builder in (NetworkBuilder, StockBuilder):
        net = builder("net")
        net.add_nodes(N=3)
        connector = FixedInDegreeConnector(1, rng=1, **QUIET)
        connector.setup_nodes(net.nodes(), net.nodes())
        edges = net.add_edges(**connector.edge_params())
        edges.add_properties(**DelayRule(300.0).properties())
        with pytest.raises(NodeError, match="has no position"):
            net.build()
