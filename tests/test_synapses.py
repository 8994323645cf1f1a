"""Properties of synapses: delays and sections by formula, their streams, and stock BMTK."""

from __future__ import annotations

import inspect
import math
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from bmtk.builder import NetworkBuilder
from conftest import BOTH_BUILDERS, QUIET, make_network, pools
from scipy import stats

import bmtool_connectors
from bmtool_connectors import (
    DELAY_LOWBOUND,
    DELAY_UPBOUND,
    FLUC_STDEV,
    SYN_MIN_DELAY,
    SYN_VELOCITY,
    ConnectivityWarning,
    CorrelatedGapJunction,
    FileBasedConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    NodeError,
    OneToOneSequentialConnector,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    decision,
    decisions,
    spherical_dist,
    syn_const_delay,
    syn_const_delay_feng_section_PN,
    syn_dist_delay_feng,
    syn_dist_delay_feng_section_PN,
    syn_section_PN,
    syn_uniform_delay_section,
)
from bmtool_connectors.synapses import helper_rules, rules

pytestmark = BOTH_BUILDERS

Helper: TypeAlias = Callable[..., Any]

HELPERS: dict[str, Helper] = {
    helper.__name__: helper
    for helper in (
        syn_const_delay,
        syn_dist_delay_feng,
        syn_section_PN,
        syn_const_delay_feng_section_PN,
        syn_dist_delay_feng_section_PN,
        syn_uniform_delay_section,
    )
}

#: Probability that a right package fails one of the statistical tests; seeds are fixed.
FALSE_ALARM = 1e-6

#: No noise, no bounds: the delay is the distance.
BARE = {"min_delay": 0.0, "velocity": 1.0, "fluc_stdev": 0.0, "delay_bound": (-1e9, 1e9)}


class Node(dict):  # type: ignore[type-arg]
    """A node as BMTK passes it to rules: attributes by item, and an id."""

    def __init__(self, node_id: int = 0, **attributes: Any) -> None:
        super().__init__(attributes)
        self.node_id = node_id


A, B = Node(0, positions=[0.0, 0.0, 0.0]), Node(1, positions=[30.0, 40.0, 120.0])
DIST = 130.0


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with no seed used and nothing warned about."""
    monkeypatch.setattr(rules, "_seeds", {})
    monkeypatch.setattr(helper_rules, "_warned", set())


def default_rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def delay(
    rng: Any,
    dist: float,
    min_delay: float = 0.8,
    velocity: float = 1000.0,
    fluc_stdev: float = 0.2,
    bound: tuple[float, float] = (0.2, 2.0),
) -> float:
    """Return the documented formula, from the next number of a generator."""
    value = dist / velocity + min_delay + fluc_stdev * rng.normal()
    return min(max(value, bound[0]), bound[1])


def place(
    rng: Any,
    p: float = 0.9,
    sec_id: tuple[int, int] = (1, 2),
    sec_x: tuple[float, float] = (0.4, 0.6),
) -> tuple[int, float]:
    which = 0 if rng.random() < p else 1
    return sec_id[which], sec_x[which]


# ---------------------------------------------------------------------- formulas
def test_constants() -> None:
    constants = (SYN_MIN_DELAY, SYN_VELOCITY, FLUC_STDEV, DELAY_LOWBOUND, DELAY_UPBOUND)
    assert constants == (0.8, 1000.0, 0.2, 0.2, 2.0)


def test_signatures() -> None:
    """Names, order and defaults are the contract."""
    delays = {
        **{"min_delay": 0.8, "velocity": 1000.0, "fluc_stdev": 0.2, "delay_bound": (0.2, 2.0)},
        **{"connector": None, "rng": None},
    }
    places = {"p": 0.9, "sec_id": (1, 2), "sec_x": (0.4, 0.6), "rng": None}
    empty = inspect.Parameter.empty
    expected: dict[Helper, dict[str, Any]] = {
        syn_const_delay: {"source": None, "target": None, "dist": 100, **delays},
        syn_dist_delay_feng: {"source": empty, "target": empty, **delays},
        syn_section_PN: {"source": empty, "target": empty, **places},
        syn_const_delay_feng_section_PN: {"source": empty, "target": empty, **places},
        syn_dist_delay_feng_section_PN: {"source": empty, "target": empty, **places},
        syn_uniform_delay_section: {
            **{"source": empty, "target": empty, "low": 0.2, "high": 2.0, "rng": None},
        },
    }
    for helper, names in expected.items():
        parameters = list(inspect.signature(helper).parameters.values())
        assert parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
        assert {p.name: p.default for p in parameters[:-1]} == names
        assert [p.name for p in parameters[:-1]] == list(names)


@pytest.mark.parametrize("make", [default_rng, np.random.RandomState])
def test_values_by_formula(make: Callable[[int], Any]) -> None:
    """Numbers are taken one by one: the delay's, then the section's."""
    mine, other = make(7), make(7)
    for _ in range(40):
        assert syn_const_delay(rng=mine) == delay(other, 100.0)
        assert syn_dist_delay_feng(A, B, rng=mine) == delay(other, DIST)
        assert syn_section_PN(A, B, rng=mine) == place(other)
        expected = (delay(other, 100.0), *place(other))
        assert syn_const_delay_feng_section_PN(A, B, rng=mine) == expected
        expected = (delay(other, DIST), *place(other))
        assert syn_dist_delay_feng_section_PN(A, B, rng=mine) == expected
        assert syn_uniform_delay_section(A, B, rng=mine) == other.uniform(0.2, 2.0)
    assert mine.random() == other.random(), "another number of draws"


def test_arguments_by_formula() -> None:
    mine, other = default_rng(), default_rng()
    given = {"min_delay": 0.5, "velocity": 400.0, "fluc_stdev": 0.05}
    for _ in range(20):
        bound = (0.55, 0.95)
        found = syn_const_delay(A, B, dist=50.0, delay_bound=bound, rng=mine, **given)
        assert found == delay(other, 50.0, bound=bound, **given)
        found = syn_dist_delay_feng(A, B, delay_bound=bound, rng=mine, **given)
        assert found == delay(other, DIST, bound=bound, **given)
        where = {"p": 0.3, "sec_id": (5, 6), "sec_x": (0.1, 0.9)}
        found = syn_const_delay_feng_section_PN(A, B, dist=50.0, rng=mine, **where, **given)
        assert found == (delay(other, 50.0, **given), *place(other, **where))
        found = syn_dist_delay_feng_section_PN(A, B, rng=mine, **where, **given)
        assert found == (delay(other, DIST, **given), *place(other, **where))
        found = syn_uniform_delay_section(A, B, low=1.0, high=1.5, rng=mine)
        assert found == other.uniform(1.0, 1.5)


@pytest.mark.parametrize("numpy_arguments", [False, True])
def test_types(numpy_arguments: bool) -> None:
    """Python floats and ints, whatever comes in: BMTK writes what it gets."""
    number = np.float32 if numpy_arguments else float
    whole = np.uint16 if numpy_arguments else int
    delays = {
        **{"min_delay": number(1), "velocity": number(500), "fluc_stdev": number(0.5)},
        "delay_bound": np.array([0.5, 1.5]) if numpy_arguments else [0.5, 1.5],
    }
    where = {
        "p": number(0.5),
        "sec_id": np.array([1, 2], dtype=np.uint16) if numpy_arguments else [1, 2],
        "sec_x": [number(0.25), number(0.75)],
    }
    rng = default_rng()
    for _ in range(10):
        found: list[Any] = [
            syn_const_delay(dist=whole(100), rng=rng, **delays),
            syn_dist_delay_feng(A, B, rng=rng, **delays),
            syn_uniform_delay_section(A, B, low=number(1), high=number(2), rng=rng),
        ]
        assert [type(value) for value in found] == [float] * 3
        section = syn_section_PN(A, B, rng=rng, **where)
        assert [type(value) for value in section] == [int, float]
        for helper in (syn_const_delay_feng_section_PN, syn_dist_delay_feng_section_PN):
            value = helper(A, B, rng=rng, **where, **delays)
            assert type(value) is tuple
            assert [type(each) for each in value] == [float, int, float]


@pytest.mark.parametrize(
    ("dist", "bound", "expected"),
    [
        (100, (0.2, 2.0), 0.9),
        (5000, (0.2, 2.0), 2.0),
        (0, (0.9, 2.0), 0.9),
        (0, (0.8, 0.8), 0.8),
        (300, (1.0, 1.0), 1.0),
        (100, (-math.inf, math.inf), 0.9),
    ],
)
def test_clipped_to_the_bounds(dist: float, bound: tuple[float, float], expected: float) -> None:
    found = syn_const_delay(dist=dist, fluc_stdev=0.0, delay_bound=bound)
    assert found == pytest.approx(expected, rel=1e-15)
    assert bound[0] <= found <= bound[1]


def test_bounds_hold_for_any_noise() -> None:
    rng = default_rng()
    found = [syn_const_delay(fluc_stdev=5.0, rng=rng) for _ in range(300)]
    assert min(found) == 0.2
    assert max(found) == 2.0


def test_no_noise_and_certain_sections() -> None:
    assert syn_dist_delay_feng(A, B, fluc_stdev=0) == 0.8 + DIST / 1000
    assert {syn_section_PN(A, B, p=1.0) for _ in range(50)} == {(1, 0.4)}
    assert {syn_section_PN(A, B, p=0.0) for _ in range(50)} == {(2, 0.6)}
    assert syn_uniform_delay_section(A, B, low=1.0, high=1.0) == 1.0


@pytest.mark.parametrize(
    "attributes",
    [
        {"positions": np.array([30.0, 40.0, 120.0])},
        {"positions": (30, 40, 120)},
        {"positions": np.array([30, 40, 120], dtype=np.float32)},
        {"positions": np.array([30, 40, 120], dtype=np.uint8)},
        {"x": 30.0, "y": 40.0, "z": 120.0},
        {"pos_x": 30, "pos_y": 40, "pos_z": 120},
    ],
    ids=str,
)
def test_positions_in_all_forms(attributes: dict[str, Any]) -> None:
    node = Node(1, **attributes)
    for source, target in ((A, node), (node, A)):
        assert syn_dist_delay_feng(source, target, **BARE) == DIST
        assert syn_dist_delay_feng_section_PN(source, target, p=1, **BARE) == (DIST, 1, 0.4)


def test_nodes_without_position() -> None:
    with pytest.raises(NodeError, match="node 3 has no position"):
        syn_dist_delay_feng(A, Node(3, pop_name="A"))
    assert syn_const_delay(Node(3), Node(4), **BARE) == 100.0


# ---------------------------------------------------------------------- wrong arguments
@pytest.mark.parametrize("name", [name for name in HELPERS if "delay" in name])
def test_the_called_helper_is_named(name: str) -> None:
    """Also when it passes its arguments on to another one."""
    wrong = {"low": math.nan} if name == "syn_uniform_delay_section" else {"velocity": 0.0}
    with pytest.raises(ParameterError, match=rf"\b{name}\b"):
        HELPERS[name](A, B, **wrong)


@pytest.mark.parametrize("name", HELPERS)
def test_unknown_keyword_is_named_once(name: str) -> None:
    """And has no effect on value or stream."""
    mine, other = default_rng(), default_rng()
    with pytest.warns(ConnectivityWarning) as caught:
        found = HELPERS[name](A, B, rng=mine, min_dely=3.0)
    texts = [str(w.message) for w in caught]
    assert len(texts) == 1
    assert "'min_dely'" in texts[0]
    assert f"{name} got" in texts[0]
    assert found == HELPERS[name](A, B, rng=other)
    HELPERS[name](A, B, rng=mine, min_dely=4.0)  # once: warnings are errors here
    with pytest.warns(ConnectivityWarning, match="'secid'"):
        HELPERS[name](A, B, rng=mine, secid=4.0)


def test_distance_for_the_distance_rule() -> None:
    """``dist`` belongs to the constant delay; the other computes it."""
    with pytest.warns(ConnectivityWarning, match="'dist'"):
        assert syn_dist_delay_feng(A, B, dist=5.0, **BARE) == DIST


@pytest.mark.parametrize("name", HELPERS)
def test_connector_is_no_unknown_keyword(name: str) -> None:
    """Scripts pass it to all rules."""
    assert HELPERS[name](A, B, connector=None, rng=1) is not None


# ---------------------------------------------------------------------- what a connector stored
def key(a: Any, b: Any) -> float:
    """Return a number that tells apart ordered pairs of ids."""
    return 100.0 * a.node_id + b.node_id


def drawn(connector: Any, source: Any, target: Any) -> Any:
    connector.setup_nodes(source=source, target=target)
    connector.initial_all_to_all()
    return connector


def test_stored_value() -> None:
    net = make_network(3, 4)
    connector = drawn(UnidirectionConnector(p=1.0, p_arg=key, **QUIET), *pools(net))
    for a in net.nodes(pop_name="A"):
        for b in net.nodes(pop_name="B"):
            assert syn_dist_delay_feng(a, b, connector=connector, **BARE) == key(a, b)
            found = syn_dist_delay_feng_section_PN(a, b, connector=connector, p=1, **BARE)
            assert found == (key(a, b), 1, 0.4)
            assert syn_const_delay(a, b, connector=connector, dist=9.0, **BARE) == 9.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: UnidirectionConnector(p=1.0, **QUIET),
        lambda: ReciprocalConnector(p0=1.0, p1=1.0, pr=1.0, **QUIET),
        lambda: OneToOneSequentialConnector(verbose=False),
    ],
    ids=["unidirection", "reciprocal", "one to one"],
)
def test_nothing_stored_takes_positions(make: Callable[[], Any]) -> None:
    net = make_network(3, 3)
    connector = drawn(make(), *pools(net))
    for a, b in zip(*pools(net), strict=True):
        found = syn_dist_delay_feng(a, b, connector=connector, **BARE)
        assert found == pytest.approx(spherical_dist(a, b), rel=1e-15)


def test_nothing_stored_and_no_positions() -> None:
    net = make_network(3, positions=None)
    connector = drawn(UnidirectionConnector(p=1.0, **QUIET), *pools(net))
    first, second, _ = net.nodes()
    with pytest.raises(NodeError, match="no position"):
        syn_dist_delay_feng(first, second, connector=connector)
    assert syn_const_delay(first, second, connector=connector, **BARE) == 100.0


def test_a_pair_that_is_not_connected() -> None:
    net = make_network(3)
    connector = drawn(UnidirectionConnector(p=0.0, **QUIET), *pools(net))
    first, second, _ = net.nodes()
    with pytest.raises(KeyError, match=r"connection from node 0 to node 1\); pass the connector"):
        syn_dist_delay_feng(first, second, connector=connector)


def test_a_stored_value_that_is_no_distance() -> None:
    net = make_network(3)
    connector = drawn(UnidirectionConnector(p=1.0, p_arg=lambda a, b: "far", **QUIET), *pools(net))
    first, second, _ = net.nodes()
    with pytest.raises(ParameterError, match=r"dist of syn_dist_delay_feng must be .*, got 'far'"):
        syn_dist_delay_feng(first, second, connector=connector)


def test_any_object_that_stores_values() -> None:
    """What counts is ``get_conn_prop(source id, target id)``."""

    class Table:
        def get_conn_prop(self, sid: int, tid: int) -> float:
            return {(0, 1): 42.0}[sid, tid]

    assert syn_dist_delay_feng(A, B, connector=Table(), **BARE) == 42.0


# ---------------------------------------------------------------------- streams
def sequence(rng: Any, n: int = 6) -> list[float]:
    return [syn_const_delay(rng=rng, delay_bound=(-9, 9)) for _ in range(n)]


@pytest.mark.parametrize(
    "seed", [5, np.int64(5), np.random.SeedSequence(5), np.random.SeedSequence(5, spawn_key=(3,))]
)
def test_a_seed_is_one_stream_in_call_order(seed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the same number for every synapse; and the same stream for all helpers."""
    whole = sequence(seed, 12)
    assert len(set(whole)) == 12
    monkeypatch.setattr(rules, "_seeds", {})
    parts = sequence(seed, 5)
    sections = [syn_section_PN(A, B, p=0.5, rng=seed) for _ in range(30)]
    assert parts == whole[:5]
    assert sequence(seed, 7) != whole[5:], "the sections took nothing from the stream"
    assert len(set(sections)) == 2


def test_equal_seeds_are_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sequence(5, 9)
    monkeypatch.setattr(rules, "_seeds", {})
    parts = [*sequence(5, 3), *sequence(np.random.SeedSequence(5), 3), *sequence(np.uint8(5), 3)]
    assert parts == whole


def test_different_seeds_are_different_streams() -> None:
    spawned = np.random.SeedSequence(5).spawn(2)
    seeds = [5, 6, np.random.SeedSequence(5, spawn_key=(9,)), *spawned]
    assert len({value for seed in seeds for value in sequence(seed)}) == 6 * len(seeds)


def test_a_seed_is_not_the_generator_of_that_seed() -> None:
    rng = np.random.default_rng(5)
    assert sequence(5) != [delay(rng, 100.0, bound=(-9, 9)) for _ in range(6)]


def test_a_seed_leaves_the_module_alone() -> None:
    bmtool_connectors.rng = rng = default_rng()
    before = rng.bit_generator.state
    sequence(5)
    assert rng.bit_generator.state == before


def test_module_generator_is_late_bound() -> None:
    """Also inside a partial that was made before."""
    rule = partial(syn_const_delay, delay_bound=(-9, 9))
    for rng in (default_rng(1), np.random.RandomState(2), default_rng(3)):
        bmtool_connectors.rng = rng
        other = np.random.RandomState(2) if isinstance(rng, np.random.RandomState) else None
        if other is None:
            other = np.random.default_rng()
            other.bit_generator.state = rng.bit_generator.state
        found = [rule() for _ in range(4)]
        assert found == [delay(other, 100.0, bound=(-9, 9)) for _ in range(4)]


def mixture() -> list[Any]:
    """Call all helpers, and the decisions, that have the module's stream."""
    return [
        *sequence(None, 3),
        syn_section_PN(A, B, p=0.5),
        decision(0.5),
        syn_uniform_delay_section(A, B),
        syn_dist_delay_feng_section_PN(A, B, p=0.5, delay_bound=(-9, 9)),
        decisions([0.5] * 20).tolist(),
        *sequence(None, 2),
    ]


def test_module_seed_is_one_private_stream() -> None:
    bmtool_connectors.rng = 1234
    first = mixture()
    assert len({value for value in first if isinstance(value, float)}) == 6
    assert mixture() != first, "each call goes on"
    bmtool_connectors.rng = 1234
    assert mixture() == first, "assigning the same int again starts anew"
    bmtool_connectors.rng = np.random.SeedSequence(1234)
    assert mixture() == first
    bmtool_connectors.rng = 1235
    assert mixture() != first


def test_module_seed_and_own_seed_are_streams_of_their_own() -> None:
    """Calls with ``rng=5`` do not move the module's stream, and the other way round."""
    bmtool_connectors.rng = 5
    alone = sequence(None, 4)
    bmtool_connectors.rng = 5
    own, between = [], []
    for _ in range(4):
        own += sequence(5, 1)
        between += sequence(None, 1)
    assert between == alone
    bmtool_connectors.rng = 6
    assert sequence(None, 4) != alone
    assert len(set(own)) == 4


def test_old_name_of_the_module() -> None:
    bmtool_connectors.connectors.rng = default_rng(1)
    other = default_rng(1)
    assert sequence(None) == [delay(other, 100.0, bound=(-9, 9)) for _ in range(6)]


# ---------------------------------------------------------------------- statistics
def test_law_of_delays() -> None:
    """Kolmogorov-Smirnov with 20,000 synapses; false alarm 1e-6."""
    rng = default_rng(11)
    found = [syn_const_delay(rng=rng, delay_bound=(-9, 9)) for _ in range(20_000)]
    assert stats.kstest(found, stats.norm(0.9, 0.2).cdf).pvalue > FALSE_ALARM
    assert stats.kstest(found, stats.norm(0.9, 0.23).cdf).pvalue < FALSE_ALARM


def test_law_of_clipped_delays() -> None:
    """The mass beyond a bound sits on it: an exact binomial test; false alarm 1e-6 each."""
    rng = default_rng(12)
    found = np.array([syn_const_delay(rng=rng, delay_bound=(0.7, 1.2)) for _ in range(20_000)])
    law = stats.norm(0.9, 0.2)
    for count, p in (((found == 0.7).sum(), law.cdf(0.7)), ((found == 1.2).sum(), law.sf(1.2))):
        assert stats.binomtest(int(count), len(found), p).pvalue > FALSE_ALARM
    inside = found[(found > 0.7) & (found < 1.2)]
    cut = stats.truncnorm((0.7 - 0.9) / 0.2, (1.2 - 0.9) / 0.2, 0.9, 0.2)
    assert stats.kstest(inside, cut.cdf).pvalue > FALSE_ALARM


def test_law_of_uniform_delays() -> None:
    rng = default_rng(13)
    found = [syn_uniform_delay_section(A, B, rng=rng) for _ in range(20_000)]
    assert stats.kstest(found, stats.uniform(0.2, 1.8).cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("p", [0.9, 0.2])
def test_law_of_sections(p: float) -> None:
    """Section and position go together, and do not depend on the delay."""
    rng = default_rng(14)
    found = [syn_dist_delay_feng_section_PN(A, B, p=p, rng=rng) for _ in range(10_000)]
    assert {row[1:] for row in found} == {(1, 0.4), (2, 0.6)}
    first = np.array([row[1] == 1 for row in found])
    assert stats.binomtest(int(first.sum()), len(found), p).pvalue > FALSE_ALARM
    delays = np.array([row[0] for row in found])
    assert stats.ks_2samp(delays[first], delays[~first]).pvalue > FALSE_ALARM


def test_law_of_a_private_seed() -> None:
    found = [syn_const_delay(rng=15, delay_bound=(-9, 9)) for _ in range(20_000)]
    assert stats.kstest(found, stats.norm(0.9, 0.2).cdf).pvalue > FALSE_ALARM


# ---------------------------------------------------------------------- stock BMTK
def rows(net: NetworkBuilder) -> list[tuple[int, int, dict[str, Any]]]:
    """Return source id, target id and properties of each row."""
    found = []
    for edge in net.edges():
        own = dict(edge.synaptic_properties)
        ids = int(own.pop("source_node_id")), int(own.pop("target_node_id"))
        found.append((*ids, own))
    return found


class Counted:
    """A rule that counts its calls."""

    def __init__(self, rule: Helper) -> None:
        self.rule, self.calls = rule, 0

    def __call__(self, source: Any, target: Any, **more: Any) -> Any:
        self.calls += 1
        return self.rule(source, target, **more)


def test_one_call_per_synapse() -> None:
    """n_syn=3 for 9 pairs: 27 calls, 27 rows, and 27 delays."""
    bmtool_connectors.rng = default_rng(3)
    net = make_network(3)
    connector = UnidirectionConnector(p=1.0, p_arg=spherical_dist, n_syn=3, **QUIET)
    connector.setup_nodes(*pools(net))
    edges = net.add_edges(**connector.edge_params())
    rule = Counted(partial(syn_dist_delay_feng, connector=connector))
    edges.add_properties("delay", rule=rule, rule_params={"min_delay": 0.9}, dtypes=float)
    net.build()
    assert rule.calls == 27
    found = rows(net)
    assert len(found) == 27
    assert len({properties["delay"] for _, _, properties in found}) > 20


def test_replay_of_a_build() -> None:
    """Edges take their numbers first, then each row of BMTK its delay and its section."""
    names = ["delay", "afferent_section_id", "afferent_section_pos"]
    bmtool_connectors.rng = default_rng(3)
    net = make_network(8, 6)
    connector = UnidirectionConnector(p=0.5, p_arg=spherical_dist, n_syn=2, **QUIET)
    connector.setup_nodes(*pools(net))
    edges = net.add_edges(**connector.edge_params())
    edges.add_properties(
        names,
        rule=partial(syn_dist_delay_feng_section_PN, connector=connector),
        rule_params={"p": 0.4, "sec_id": (1, 2), "sec_x": (0.3, 0.7), "min_delay": 1.0},
        dtypes=[float, np.uint16, float],
    )
    net.build()
    other = default_rng(3)
    a, b = (list(pool) for pool in pools(net))
    connected = other.random((8, 6)) < 0.5
    expected = []
    for i, j in zip(*np.nonzero(connected), strict=True):
        for _ in range(2):
            value = delay(other, spherical_dist(a[i], b[j]), min_delay=1.0)
            where = place(other, p=0.4, sec_x=(0.3, 0.7))
            expected.append((a[i].node_id, b[j].node_id, value, *where))
    found = [(s, t, *(properties[name] for name in names)) for s, t, properties in rows(net)]
    assert len(found) > 20
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert np.allclose([row[2:] for row in found], [row[2:] for row in expected], rtol=1e-12)


@pytest.mark.parametrize("name", HELPERS)
def test_every_helper_with_a_connector(name: str) -> None:
    """As scripts pass it: ``partial(rule, connector=connector)``, and ``rule_params``."""
    net = make_network(5, 4)
    connector = UnidirectionConnector(p=0.6, p_arg=spherical_dist, rng=1, **QUIET)
    connector.setup_nodes(*pools(net))
    edges = net.add_edges(**connector.edge_params())
    names = {2: ["afferent_section_id", "afferent_section_pos"], 3: ["delay", "id", "pos"]}
    sample = HELPERS[name](A, B)
    listed: Any = names[len(sample)] if isinstance(sample, tuple) else "delay"
    dtypes = [float] * len(listed) if isinstance(listed, list) else float
    edges.add_properties(listed, rule=partial(HELPERS[name], connector=connector), dtypes=dtypes)
    net.build()
    assert len(rows(net)) == len(connector.connectivity.forward) > 5


def test_script_run_twice_with_a_module_seed() -> None:
    """In one process: the same network twice, delays included, and they differ among each other."""

    def script(seed: int) -> list[Any]:
        bmtool_connectors.rng = seed
        net = make_network(9, 7)
        a, b = pools(net)
        for target in (b, a):
            connector = UnidirectionConnector(p=0.4, p_arg=spherical_dist, **QUIET)
            connector.setup_nodes(source=a, target=target)
            edges = net.add_edges(**connector.edge_params())
            edges.add_properties(
                "delay", rule=partial(syn_dist_delay_feng, connector=connector), dtypes=float
            )
        net.build()
        return rows(net)

    first = script(1234)
    assert script(1234) == first
    assert script(1235) != first
    assert len({properties["delay"] for _, _, properties in first}) > 0.9 * len(first) > 20


# ---------------------------------------------------------------------- the right direction
def two_networks() -> tuple[NetworkBuilder, NetworkBuilder]:
    """Return two networks whose node ids are the same."""
    nets = tuple(make_network(4, name=name, seed=k) for k, name in enumerate(("one", "two")))
    ids = [[node.node_id for node in net.nodes()] for net in nets]
    assert ids[0] == ids[1]
    return nets[0], nets[1]


def forth(a: Any, b: Any) -> float:
    return 1000.0 + 10 * a.node_id + b.node_id


def back(a: Any, b: Any) -> float:
    return 2000.0 + 10 * a.node_id + b.node_id


@pytest.mark.parametrize("first", ["forward", "backward"])
@pytest.mark.parametrize("built_in", ["one", "two", "both"])
def test_delays_of_two_networks_with_equal_ids(first: str, built_in: str) -> None:
    """Forward and backward, added and built in any order, in either network or in each its own."""
    one, two = two_networks()
    connector = ReciprocalConnector(
        p0=1.0, p1=1.0, pr=1.0, estimate_rho=False, p0_arg=forth, p1_arg=back, **QUIET
    )
    connector.setup_nodes(source=one.nodes(), target=two.nodes())
    second = "backward" if first == "forward" else "forward"
    owner = {
        "one": {"forward": one, "backward": one},
        "two": {"forward": two, "backward": two},
        "both": {"forward": two, "backward": one},
    }[built_in]
    for direction in (first, second):
        edges = owner[direction].add_edges(
            **connector.edge_params(direction=direction), way=direction
        )
        rule = partial(syn_dist_delay_feng, connector=connector)
        edges.add_properties("delay", rule=rule, rule_params=BARE, dtypes=float)
    for direction in (first, second):
        if not owner[direction].edges_built:
            owner[direction].build()
    found: dict[str, dict[tuple[int, int], float]] = {"forward": {}, "backward": {}}
    for net in {id(net): net for net in owner.values()}.values():
        for edge in net.edges():
            ids = edge.source_node_id, edge.target_node_id
            found[edge["way"]][ids] = edge["delay"]
    ids = [(i, j) for i in range(4) for j in range(4)]
    assert found["forward"] == {(i, j): 1000.0 + 10 * i + j for i, j in ids}
    assert found["backward"] == {(i, j): 2000.0 + 10 * i + j for i, j in ids}


def test_delays_of_several_uses() -> None:
    """One connector, used for two pairs of populations before anything is built."""
    one, two = two_networks()
    connector = UnidirectionConnector(p=1.0, p_arg=lambda a, b: a["weight"] + b["weight"], **QUIET)
    for source, target in ((one, two), (two, one)):
        connector.setup_nodes(source=source.nodes(), target=target.nodes())
        edges = one.add_edges(**connector.edge_params(), way=source.name)
        rule = partial(syn_dist_delay_feng, connector=connector)
        edges.add_properties("delay", rule=rule, rule_params=BARE, dtypes=float)
    one.build()
    weight = {net.name: [node["weight"] for node in net.nodes()] for net in (one, two)}
    found = {(e["way"], e.source_node_id, e.target_node_id): e["delay"] for e in one.edges()}
    assert found == {
        (name, i, j): weight[name][i] + weight[other][j]
        for name, other in (("one", "two"), ("two", "one"))
        for i in range(4)
        for j in range(4)
    }


# ---------------------------------------------------------------------- conn_prop
def as_dict(table: Any) -> dict[int, dict[int, Any]]:
    """Return a stored table as plain dicts, key by key."""
    return {source: {target: table[source][target] for target in table[source]} for source in table}


def test_conn_prop_is_a_mapping() -> None:
    net = make_network(6, 5)
    connector = drawn(
        UnidirectionConnector(p=0.5, p_arg=key, rng=default_rng(4), **QUIET), *pools(net)
    )
    table = connector.conn_prop
    edges = connector.connectivity.forward
    expected: dict[int, dict[int, float]] = {}
    for i, j in zip(edges.source.tolist(), edges.target.tolist(), strict=True):
        expected.setdefault(i, {})[6 + j] = 100.0 * i + 6 + j
    assert table == expected
    assert expected == table
    assert as_dict(table) == expected
    assert table != {**expected, 99: {1: 2.0}}
    assert len(table) == len(expected) < 7
    assert list(table) == sorted(expected)
    assert {type(s) for s in table} == {type(t) for s in table for t in table[s]} == {int}
    assert {type(value) for row in table.values() for value in row.values()} == {float}
    first = next(iter(expected))
    assert first in table
    assert np.int64(first) in table
    assert 99 not in table
    assert table.get(99) is None
    with pytest.raises(KeyError, match="99"):
        table[99]
    with pytest.raises(KeyError, match=f"from node {first} to node 99"):
        table[first][99]
    for row in (table, table[first]):
        with pytest.raises(TypeError):
            row[3] = 1.0


def test_sources_without_edges_are_left_out() -> None:
    net = make_network(6, 5)
    connector = drawn(
        UnidirectionConnector(p=lambda pair: float(pair < 100), p_arg=key, **QUIET), *pools(net)
    )
    assert connector.conn_prop == {0: {6 + j: 6.0 + j for j in range(5)}}


def test_conn_prop_of_every_connector(tmp_path: Any) -> None:
    """A mapping; of two-directional ones a list of two; gap junctions in both directions."""
    net = make_network(4, 3)
    a, b = pools(net)
    file = tmp_path / "pairs.csv"
    file.write_text("source_node_id,target_node_id\n0,1\n3,2\n")
    all_pairs = {i: {j: 100.0 * i + j for j in range(4) if j != i} for i in range(4)}
    gap = drawn(GapJunction(p=1.0, p_arg=key, **QUIET), a, a)
    upper = {i: {j: 100.0 * min(i, j) + max(i, j) for j in range(4) if j != i} for i in range(4)}
    assert gap.conn_prop == upper
    recurrent = drawn(ReciprocalConnector(p0=1.0, pr=1.0, p0_arg=key, **QUIET), a, a)
    assert isinstance(recurrent.conn_prop, list)
    assert recurrent.conn_prop == [upper, {}]
    correlated = drawn(CorrelatedGapJunction(connector=recurrent, p_arg=key, **QUIET), a, a)
    assert correlated.conn_prop == upper
    two = drawn(
        ReciprocalConnector(p0=1.0, p1=1.0, pr=1.0, p0_arg=forth, p1_arg=back, **QUIET), a, b
    )
    ids_a, ids_b = range(4), range(4, 7)
    assert two.conn_prop == [
        {i: {j: 1000.0 + 10 * i + j for j in ids_b} for i in ids_a},
        {j: {i: 2000.0 + 10 * j + i for i in ids_a} for j in ids_b},
    ]
    conditional = drawn(
        GapJunctionConditionalReciprocalConnector(
            gap, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, p0_elec_arg=key, **QUIET
        ),
        a,
        a,
    )
    assert [as_dict(table).keys() for table in conditional.conn_prop] == [all_pairs.keys(), set()]
    listed = drawn(FileBasedConnector(file, verbose=False), a, b)
    assert listed.conn_prop == {0: {5: None}, 3: {6: None}}
    one = drawn(OneToOneSequentialConnector(verbose=False), a, b)
    assert one.conn_prop == {0: {4: None}, 1: {5: None}, 2: {6: None}}


def test_ambiguous_without_a_direction() -> None:
    """Before BMTK was given edges: forward, then backward, and an error when they differ."""
    one, two = two_networks()
    connector = ReciprocalConnector(
        p0=1.0, p1=1.0, pr=1.0, estimate_rho=False, p0_arg=forth, p1_arg=back, **QUIET
    )
    drawn(connector, one.nodes(), two.nodes())
    with pytest.raises(NodeError, match=r"1012\.0.*2012\.0.*conn_prop\[0\]"):
        connector.get_conn_prop(1, 2)
    same = ReciprocalConnector(p0=1.0, p1=1.0, pr=1.0, estimate_rho=False, **QUIET)
    drawn(same, one.nodes(), two.nodes())
    assert same.get_conn_prop(1, 2) is None


def test_overlay() -> None:
    """``add_conn_prop`` is seen by ``get_conn_prop`` and the delays, and changes no edge."""
    net = make_network(3)
    connector = drawn(UnidirectionConnector(p=1.0, p_arg=key, **QUIET), *pools(net))
    before: npt.NDArray[Any] = np.array(connector.connectivity.forward.pair_arg)
    connector.add_conn_prop(0, 1, 77.0)
    first, second, _ = net.nodes()
    assert connector.get_conn_prop(0, 1) == 77.0
    assert syn_dist_delay_feng(first, second, connector=connector, **BARE) == 77.0
    assert np.array_equal(connector.connectivity.forward.pair_arg, before)
    assert connector.get_conn_prop(1, 0) == 100.0


def test_memory_of_conn_prop() -> None:
    """A million stored values: edges, look-up tables and mapping in 16 bytes each at most."""
    n = 1000
    net = make_network(n, n)
    source, target = pools(net)
    connector = UnidirectionConnector(p=1.0, p_arg=spherical_dist, rng=1, **QUIET)
    connector.setup_nodes(source=source, target=target)
    tracemalloc.start()
    try:
        connector.initial_all_to_all()
        table = connector.conn_prop
        total = sum(connector.get_conn_prop(i, n + (7 * i) % n) for i in range(n))
        assert len(table[3]) == n
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total > 0
    edges = connector.connectivity.forward
    assert len(edges) == n * n
    assert used <= 16 * n * n, f"{used / n / n:.1f} bytes per edge"
    assert edges.pair_arg is not None
    arrays = (edges.source, edges.target, edges.pair_arg)
    assert sum(array.nbytes for array in arrays) <= 16 * n * n
