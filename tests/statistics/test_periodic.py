"""A periodic box: every pair once, at the distance of the nearest image, with both samplers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import QUIET, random_positions
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import bmtool_connectors
from bmtool_connectors import (
    DelayRule,
    ExponentialDropoff,
    GaussianDropoff,
    MexicanHat,
    NetworkBuilder,
    NodeArrays,
    NodeError,
    ParameterError,
    PeriodicDistance,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    WeightRule,
    plot,
    properties,
    spherical_dist,
)
from bmtool_connectors.sampling import grid, pairwise, sparse, tiles
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import SynapseCounts
from bmtool_connectors.sampling.laws import Law, PairLaws
from bmtool_connectors.sampling.plan import Plan

#: Number of edges, and a checksum of them, of ``test_stream``.
STREAM = [(1014, 485074), (2278, 435616), (767, 54638)]
#: Probability that a right package fails any of the statistical tests of this file.
FALSE_ALARM = 1e-6
ONE = (SynapseCounts(1, "n_syn"), SynapseCounts(1, "n_syn"))


class Node(dict[str, Any]):
    def __init__(self, node_id: int, position: Any) -> None:
        super().__init__(positions=np.asarray(position))
        self.node_id = node_id


def pool(positions: np.ndarray) -> NodeArrays:
    return NodeArrays([Node(k, position) for k, position in enumerate(positions)])


def nearest(a: np.ndarray, b: np.ndarray, box: tuple[Any, ...], axes: str) -> np.ndarray:
    """Return distances of all pairs by trying all images, shape (a, b)."""
    total = np.zeros((len(a), len(b)))
    for axis, length in zip(axes, box, strict=True):
        difference = a[:, None, "xyz".index(axis)] - b[None, :, "xyz".index(axis)]
        images = [difference + k * length for k in range(-6, 7)] if length else [difference]
        total += np.min(np.square(images), axis=0)
    return np.sqrt(total)


# ---------------------------------------------------------------------- one pair
def test_of_two_nodes() -> None:
    dist = PeriodicDistance((100.0, 50.0, None))
    a, b = Node(0, [5.0, 1.0, 0.0]), Node(1, [95.0, 49.0, 30.0])
    assert dist(a, b) == dist(b, a) == pytest.approx(math.sqrt(10**2 + 2**2 + 30**2), rel=1e-15)
    assert type(dist(a, b)) is float
    assert dist(a, a) == 0.0
    assert dist(a, Node(2, [305.0, -99.0, 0.0])) == pytest.approx(0.0, abs=1e-12)
    assert PeriodicDistance(100.0, axes="x")(a, b) == 10.0
    assert PeriodicDistance(None, axes="zx")(a, b) == pytest.approx(math.hypot(90, 30))
    assert PeriodicDistance((40.0, None), axes="zx")(a, b) == pytest.approx(math.hypot(10, 90))
    assert PeriodicDistance(100.0)({"x": 0.0, "y": 0.0}, {"x": 60.0, "y": 0.0}) == 40.0
    assert PeriodicDistance(None)(a, b) == pytest.approx(spherical_dist(a, b), rel=1e-15)
    assert repr(dist) == "PeriodicDistance((100.0, 50.0, None), axes='xyz')"
    assert eval(repr(dist), {"PeriodicDistance": PeriodicDistance}) == dist
    assert hash(PeriodicDistance((1.0, None), "xy")) == hash(PeriodicDistance((None, 1.0), "yx"))
    assert PeriodicDistance((1.0, None), "xy") == PeriodicDistance((None, 1.0), "yx") != dist
    assert PeriodicDistance(None) != spherical_dist


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0.0,), ["box of PeriodicDistance must be", ", got 0.0", "a length > 0"]),
        ((math.nan,), ["box of PeriodicDistance must be", ", got nan"]),
        ((1e-300,), ["box of PeriodicDistance must be", ", got 1e-300"]),
        ((10**400,), ["box of PeriodicDistance must be", ", got 1000"]),
        (("100",), ["box of PeriodicDistance must be", ", got '100'"]),
        (
            ((100.0, 100.0),),
            ["box of PeriodicDistance must be", ", got (100.0, 100.0)", "for each of 'xyz'"],
        ),
        (((1.0, -2.0), "xy"), ["box of PeriodicDistance must be", ", got -2.0"]),
        ((100.0, "xw"), ["axes of PeriodicDistance must be", ", got 'xw'", "letters x, y and z"]),
        ((100.0, "xx"), ["axes of PeriodicDistance must be", ", got 'xx'", "each once"]),
        ((100.0, ""), ["axes of PeriodicDistance must be", ", got ''"]),
        ((100.0, (0, 1)), ["axes of PeriodicDistance must be", ", got (0, 1)"]),
    ],
)
def test_refused(arguments: tuple[Any, ...], words: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        PeriodicDistance(*arguments)
    assert all(word in str(caught.value) for word in words), caught.value


# ---------------------------------------------------------------------- all pairs
LENGTH = st.one_of(st.none(), st.sampled_from([30.0, 70.0, 100.0]))


@settings(max_examples=120, derandomize=True, database=None, deadline=None)
@given(
    axes=st.sampled_from(["xyz", "xy", "zx", "y", "z"]),
    lengths=st.tuples(LENGTH, LENGTH, LENGTH),
    reach=st.floats(1.0, 120.0),
    cells=st.floats(0.3, 9.0),
    kind=st.sampled_from(["all", "no autapses", "upper", "upper and diagonal", "two"]),
    seed=st.integers(0, 99),
)
def test_every_pair_once(
    axes: str, lengths: Any, reach: float, cells: float, kind: str, seed: int
) -> None:
    """The sparse sampler's pairs, for any box and any cells, are those of all images."""
    box = lengths[: len(axes)]
    rng = np.random.default_rng(seed)
    a, b = (pool(rng.uniform(-40, 110, (n, 3))) for n in (23, 17))
    space = {
        "all": PairSpace(a, a),
        "no autapses": PairSpace(a, a, autapses=False),
        "upper": PairSpace(a, a, "upper"),
        "upper and diagonal": PairSpace(a, a, "upper and diagonal"),
        "two": PairSpace(a, b),
    }[kind]
    laws = PairLaws(Law(UniformInRange(0.5, 0.0, reach), PeriodicDistance(box, axes), "p of Test"))
    original = tiles.choose_edge
    tiles.choose_edge = lambda *args: replace(original(*args), edge=reach / cells)
    try:
        blocks = [laws.evaluate_on(pairs) for pairs in tiles.CellTiles(space, laws).every()]
    finally:
        tiles.choose_edge = original
    assert space.source.positions is not None
    assert space.target.positions is not None
    wanted = nearest(space.source.positions, space.target.positions, box, axes)
    near = wanted <= reach
    if space.kind == "upper":
        near = np.triu(near, 1)
    elif space.kind == "upper and diagonal":
        near = np.triu(near)
    elif kind == "no autapses":
        near &= ~np.eye(len(near), dtype=bool)
    found = np.zeros(near.shape, dtype=int)
    for values in blocks:
        i, j = values.candidates.pairs()
        assert values.arg0 == pytest.approx(wanted[i, j], rel=1e-12, abs=1e-12)
        assert (values.p0[values.arg0 <= reach] == 0.5).all()
        np.add.at(found, (i, j), 1)
    assert (found[near] == 1).all()
    assert found.max(initial=0) <= 1


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(
    greatest=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    around=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_offsets(greatest: list[int], around: Any) -> None:
    """One of each two that are opposite, modulo the number of cells where that is twice as many."""
    most = np.array(greatest)
    wraps = np.array(around[: len(greatest)]) & (most > 0)

    def same(offset: np.ndarray) -> tuple[int, ...]:
        return tuple(np.where(wraps & (offset == -most), most, offset).tolist())

    every, alone = grid.offsets_within(most, wraps, False)
    assert len({same(offset) for offset in every}) == len(every)
    assert len(every) == np.prod(2 * most + 1 - wraps)
    assert alone.tolist() == [same(-offset) == same(offset) for offset in every]
    half, alone = grid.offsets_within(most, wraps, True)
    both = {same(offset) for offset in half} | {same(-offset) for offset in half}
    assert both == {same(offset) for offset in every}
    assert len(half) == (len(every) + alone.sum()) / 2


def test_large_periodic_grid_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "MAX_TABLE", 1)
    test_every_pair_once.hypothesis.inner_test(  # type: ignore[attr-defined]
        "xyz", (70.0, 100.0, None), 60.0, 3.0, "upper", 5
    )


# ---------------------------------------------------------------------- both samplers
BOX = (90.0, 70.0, None)
DIST = PeriodicDistance(BOX)
A = pool(random_positions(24, 1))
B = pool(random_positions(19, 2))
GAUSS = GaussianDropoff(stdev=30.0, pmax=0.5, max_dist=60.0)


def test_one_pair_at_a_time_and_blocks_agree() -> None:
    """The pairwise sampler draws what a Python function of two nodes gives."""

    def same(a: Any, b: Any) -> float:
        return DIST(a, b)

    drawn = [
        pairwise.draw(
            Plan(PairSpace(A, B), PairLaws(Law(GAUSS, arg, "p of Test")), ONE),
            np.random.default_rng(3),
        ).forward.arrays()
        for arg in (DIST, same)
    ]
    assert len(drawn[0][0]) > 50
    for mine, other in zip(*drawn, strict=True):
        assert np.asarray(mine) == pytest.approx(np.asarray(other), rel=1e-12)


@pytest.mark.parametrize("kind", ["all", "upper"])
@pytest.mark.parametrize("sampler", [pairwise, sparse])
def test_frequencies(sampler: Any, kind: Any) -> None:
    """Each pair by an exact binomial tail, Bonferroni over pairs and the four runs."""
    space, n = PairSpace(A, A if kind == "upper" else B, kind), 150
    laws = PairLaws(Law(GAUSS, DIST, "p of Test"))
    counts = np.zeros((len(space.source), len(space.target)), dtype=int)
    for seed in range(n):
        i, j, *_ = sampler.draw(
            Plan(space, laws, ONE), np.random.default_rng(seed)
        ).forward.arrays()
        counts[i, j] += 1
    assert space.source.positions is not None
    assert space.target.positions is not None
    p = GAUSS.raw(nearest(space.source.positions, space.target.positions, BOX, "xyz"))
    p = np.triu(p, 1) if kind == "upper" else p
    assert (counts[p == 0] == 0).all()
    k, q = counts[p > 0], p[p > 0]
    tail = np.minimum(stats.binom.cdf(k, n, q), stats.binom.sf(k - 1, n, q))
    assert 2 * len(k) * tail.min() > FALSE_ALARM / 4


def test_stream() -> None:
    """The random stream of the sparse sampler is part of what a seed means, here too."""
    points = pool(random_positions(300, 8, 100.0))
    found = []
    for dist in (PeriodicDistance(100.0), PeriodicDistance((100.0, None), "xz"), spherical_dist):
        laws = PairLaws(Law(UniformInRange(0.2, max_dist=30.0), dist, "p of Test"))
        space = PairSpace(points, points, "upper")
        drawn = sparse.draw(Plan(space, laws, ONE), np.random.default_rng(1))
        i, j, *_ = drawn.forward.arrays()
        pairs = np.sort(i.astype(np.int64) * 300 + j)
        found.append((len(pairs), int((pairs * np.arange(1, len(pairs) + 1)).sum() % 999_983)))
    assert found == STREAM


def test_two_distances_of_a_pair() -> None:
    """Forward in a periodic sheet, backward in an open one: each direction has its own."""
    sheet, line = PeriodicDistance((90.0, 70.0), "xy"), PeriodicDistance(None, "x")
    near = UniformInRange(1.0, 0.0, 25.0)
    connector = ReciprocalConnector(
        near, near, p0_arg=sheet, p1_arg=line, pr=None, sampler="sparse", rng=1, **QUIET
    )
    net = NetworkBuilder("net")
    net.add_nodes(N=24, pop_name="A", positions=random_positions(24, 1))
    net.add_nodes(N=19, pop_name="B", positions=random_positions(19, 2))
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    assert A.positions is not None
    assert B.positions is not None
    forward = nearest(A.positions, B.positions, (90.0, 70.0), "xy") <= 25.0
    backward = np.abs(A.positions[:, None, 0] - B.positions[None, :, 0]) <= 25.0
    found = connector.connectivity
    assert np.array_equal(found.forward.to_dense() > 0, forward)
    assert found.backward is not None
    assert np.array_equal(found.backward.to_dense().T > 0, backward)


def test_no_common_axis() -> None:
    laws = {"p0_arg": PeriodicDistance(None, "x"), "p1_arg": PeriodicDistance(None, "yz")}
    connector = ReciprocalConnector(GAUSS, GAUSS, pr=None, sampler="sparse", rng=1, **laws, **QUIET)
    net = NetworkBuilder("net")
    net.add_nodes(N=9, pop_name="A", positions=random_positions(9))
    net.add_nodes(N=9, pop_name="B", positions=random_positions(9, 1))
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    with pytest.raises(
        ParameterError, match=r"p0_arg of .* and p1_arg of .* without a common axis"
    ):
        connector.connectivity  # noqa: B018
    other = ReciprocalConnector(GAUSS, GAUSS, pr=None, rng=1, **laws, **QUIET)
    other.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    expected = other.expected()
    assert expected.sampler == "pairwise"
    assert abs(len(other.connectivity.forward) - expected.forward) < 5 * expected.forward**0.5


@pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
def test_without_positions(sampler: str) -> None:
    net = NetworkBuilder("net")
    net.add_nodes(N=3)
    connector = UnidirectionConnector(GAUSS, PeriodicDistance(9.0), sampler=sampler, **QUIET)
    with pytest.raises(NodeError, match="p_arg of UnidirectionConnector is a distance"):
        connector.setup_nodes(net.nodes(), net.nodes())


def test_preview_looks_around_the_box() -> None:
    """The nearest nodes may be on the other side of a border."""
    net = NetworkBuilder("net")
    net.add_nodes(N=2, pop_name="A", positions=[[1.0, 0.0, 50.0], [2.0, 0.0, 50.0]])
    net.add_nodes(N=2, pop_name="B", positions=[[199.0, 0.0, 50.0], [98.0, 0.0, 50.0]])
    hints = []
    for box in (100.0, 300.0, (100.0, None, None)):
        near = UniformInRange(1e-9, max_dist=5.0)
        connector = UnidirectionConnector(near, PeriodicDistance(box), rng=1, **QUIET)
        connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
        hints.append(any("nearest nodes" in each for each in connector.preview().hints))
    assert hints == [False, True, False]


def test_picture_of_distances_around_the_box() -> None:
    """No pair is farther than half the way around, and bins hold the pairs of such distances."""
    net = NetworkBuilder("net")
    net.add_nodes(N=40, positions=random_positions(40, 2))
    dist = PeriodicDistance(100.0, "xy")
    connector = UnidirectionConnector(0.2 + GAUSS, dist, rng=1, **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    ax = plot.probability_by_distance(connector, bins=5)
    most = nearest(random_positions(40, 2), random_positions(40, 2), (100.0, 100.0), "xy").max()
    assert ax.get_xlim()[1] <= 1.1 * most
    (law,) = (line for line in ax.lines if line.get_label() == "law")
    x, y = law.get_data()
    assert np.asarray(y) == pytest.approx(0.2 + GAUSS.raw(np.asarray(x)))


def test_rules_of_synapses() -> None:
    """Weights and delays of the distance in the box: for all synapses at once as for each."""
    dist = PeriodicDistance((100.0, 80.0), "xz")
    positions = random_positions(30, 3)
    net = NetworkBuilder("net")
    net.add_nodes(N=30, positions=positions)
    hat = 2 * MexicanHat(30.0) - ExponentialDropoff(50.0, pmax=0.1)
    rules = (WeightRule(hat, sign=None, dist=dist), DelayRule(velocity=25.0, dist=dist))
    edges = net.add_edges(connection_rule=1)
    edges.add_properties(**properties(*rules))
    net.build()
    (table,) = net.edges_table()
    i, j = table.edge_type_node_ids.T
    wanted = nearest(positions, positions, (100.0, 80.0), "xz")[i, j]
    weights, delays = (table.get_property_value(name) for name in ("syn_weight", "delay"))
    assert weights == pytest.approx(hat.raw(wanted), rel=1e-9, abs=1e-12)
    assert weights.min() < 0 < 1 < weights.max()
    assert delays == pytest.approx(np.maximum(wanted / 25.0, 0.1), rel=1e-12)
    nodes = list(net.nodes())
    for k in range(0, len(i), 7):
        ends = nodes[i[k]], nodes[j[k]]
        assert (weights[k], delays[k]) == tuple(rule(*ends) for rule in rules)


def test_in_a_network() -> None:
    """No cell is at the border: everywhere as many targets as in the middle of an open box."""
    bmtool_connectors.rng = 4
    side, reach = 100.0, 40.0
    net = NetworkBuilder("torus")
    net.add_nodes(N=600, positions=random_positions(600, 9, side))
    connector = UnidirectionConnector(
        UniformInRange(1.0, max_dist=reach),
        PeriodicDistance(side),
        allow_autapses=False,
        sampler="sparse",
        **QUIET,
    )
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params())
    net.build()
    degree = connector.connectivity.forward.out_degree()
    expected = 599 * 4 / 3 * math.pi * reach**3 / side**3
    assert degree.sum() == len(list(net.edges()))
    corner = (np.abs(random_positions(600, 9, side) - side / 2) > 0.3 * side).all(axis=1)
    assert abs(degree[corner].mean() - expected) < 0.1 * expected
    assert abs(degree[~corner].mean() - expected) < 0.1 * expected
    stored = connector.connectivity.forward.pair_arg
    assert stored is not None
    assert stored.max() <= reach


@pytest.mark.parametrize("periods", [1.0, -3.0, 1e6, -1e9, 1e12])
def test_far_outside_of_the_box(periods: float) -> None:
    """A node many periods away connects like its image in the box, with both samplers."""
    length, n = 90.3, 200
    dist = PeriodicDistance(length)
    far = np.random.default_rng(4).uniform(0, length, (n, 3))
    far[:3, 0] += periods * length
    far[2:4, 1] -= 2 * periods * length
    images = np.array([[math.fmod(x, length) for x in row] for row in far])
    nodes, inside = pool(far), pool(images)
    law = PairLaws(Law(UniformInRange(1.0, max_dist=17.0), dist, "p of Test"))
    wanted = nearest(images, images, (length,) * 3, "xyz")
    for k in range(5):
        for other in range(5, n):
            found = dist(nodes.nodes[k], nodes.nodes[other])
            assert found == pytest.approx(wanted[k, other], abs=1e-12)
    for one in (nodes, inside):
        space = PairSpace(one, one)
        for draw in (pairwise.draw, sparse.draw):
            drawn = draw(Plan(space, law, ONE), np.random.default_rng(1))
            i, j, *_ = drawn.forward.arrays()
            edges = np.zeros((n, n), dtype=bool)
            edges[i, j] = True
            assert np.array_equal(edges, wanted <= 17.0)
