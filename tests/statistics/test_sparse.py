"""The sparse sampler draws the same law as the pairwise one.

Counts of many draws are compared with exact probabilities. Thresholds are Bonferroni bounds
for the stated joint false-alarm rate; the seeds are fixed, so a pass stays a pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bmtool_connectors import (
    EdgeList,
    GaussianDropoff,
    NodeArrays,
    NormalizedReciprocalRate,
    ReciprocalConnector,
    UniformInRange,
    cylindrical_dist_z,
    randomness,
    spherical_dist,
    vectorized,
)
from bmtool_connectors.sampling import blocks, frame, pairwise, sparse, tiles
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import PairDraw, SynapseCounts
from bmtool_connectors.sampling.laws import Clipping, Joint, Law, PairLaws
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.possible import possible_pairs
from bmtool_connectors.sampling.reference_laws import ReferenceJoint, ReferenceLaw, ReferencePairs

FALSE_ALARM = 1e-6  # of each test in this file
DRAWS = 150
ONE = (SynapseCounts(1, "n_syn"), SynapseCounts(1, "n_syn"))

GAUSS = GaussianDropoff(stdev=60.0, pmax=0.3, max_dist=150.0)
SHELL = UniformInRange(0.25, min_dist=40.0, max_dist=110.0)


@vectorized(bound=lambda low, high: 0.4 * np.exp(-low / 50.0))
def own_law(dist: Any) -> Any:
    """Return a user's exponential law, which knows its bound."""
    return 0.4 * np.exp(-dist / 50.0)


class Node(dict[str, Any]):
    """A node object, as BMTK makes them."""

    def __init__(self, node_id: int, position: np.ndarray) -> None:
        super().__init__(positions=position)
        self.node_id = node_id


def nodes(n: int, box: tuple[float, float, float], seed: int) -> NodeArrays:
    """Return n nodes spread over a box."""
    positions = np.random.default_rng(seed).uniform(0, box, (n, 3))
    return NodeArrays([Node(k, position) for k, position in enumerate(positions)])


NRR_2 = Joint(pr=NormalizedReciprocalRate(2.0), arg="0")
NRR_4 = Joint(pr=NormalizedReciprocalRate(4.0), arg="0")
BOX = (220.0, 180.0, 90.0)
A, B = nodes(26, BOX, 1), nodes(21, BOX, 2)


@dataclass(frozen=True)
class Case:
    """A space with its laws."""

    space: PairSpace
    laws: PairLaws
    joint: Joint | None


def case(
    space: PairSpace, p0: Any, arg0: Any, p1: Any = None, arg1: Any = None, joint: Any = None
) -> Case:
    """Return a case; without p1 it has one direction, or is one population."""
    forward = Law(p0, arg0, "p0 of Test")
    if joint is None:
        return Case(space, PairLaws(forward), None)
    if space.kind != "all":
        backward = Law(p0, arg0, "p1 of Test", backward=True)
        return Case(space, PairLaws(forward, backward, True, True), joint)
    return Case(space, PairLaws(forward, Law(p1, arg1, "p1 of Test", backward=True)), joint)


WITHIN, BETWEEN = PairSpace(A, A, "upper"), PairSpace(A, B)
CASES = {
    "one way, constant": case(BETWEEN, 0.2, None),
    "one way, Gaussian": case(BETWEEN, GAUSS, spherical_dist),
    "one way, some nearly certain": case(
        BETWEEN, GaussianDropoff(stdev=60.0, pmax=0.95, max_dist=150.0), spherical_dist
    ),
    "one way within, no autapses": case(PairSpace(A, A, autapses=False), GAUSS, spherical_dist),
    "one way within, autapses": case(PairSpace(A, A), 0.3, None),
    "one way, shell, in the plane": case(BETWEEN, SHELL, cylindrical_dist_z),
    "one way, own bound": case(BETWEEN, own_law, spherical_dist),
    "within, constant": case(WITHIN, 0.2, None, joint=Joint(rho=0.4)),
    "within, constant, certain": case(WITHIN, 1.0, None, joint=Joint(rho=0.0)),
    "within, Gaussian": case(WITHIN, GAUSS, spherical_dist, joint=Joint(rho=0.3)),
    "within, autapses": case(
        PairSpace(A, A, "upper and diagonal"), GAUSS, spherical_dist, joint=Joint(rho=0.3)
    ),
    "within, rate": case(WITHIN, GAUSS, spherical_dist, joint=NRR_2),
    "between, constant": case(BETWEEN, 0.3, None, 0.15, None, Joint(pr=0.1)),
    "between, negative": case(BETWEEN, 0.3, None, 0.4, None, Joint(rho=-0.5)),
    "between, two distances": case(
        BETWEEN, GAUSS, spherical_dist, SHELL, cylindrical_dist_z, Joint(rho=0.3)
    ),
    "between, constant and distance": case(
        BETWEEN, 0.1, None, GAUSS, spherical_dist, Joint(rho=-0.2)
    ),
    "between, function": case(
        BETWEEN,
        0.3,
        None,
        0.2,
        None,
        Joint(pr=lambda d, p0, p1: 0.2 * (d < 80), arg=spherical_dist),
    ),
}


def reference(n: int, seed: int) -> ReferencePairs:
    """Return a reference network within n nodes, some of its pairs connected both ways."""
    connected = np.random.default_rng(seed).random((n, n)) < 0.2
    np.fill_diagonal(connected, 0)
    i, j = np.nonzero(connected)
    edges = EdgeList.from_arrays(i, j, (n, n), 1, np.round(i + j / 100, 2))
    return ReferencePairs(edges, np.arange(n), np.arange(n))


def by_state(
    states: ReferencePairs, p: list[Any], arg: Any, backward: bool = False
) -> ReferenceLaw:
    """Return a law with a probability for each state."""
    laws = tuple(Law(each, arg, "p of Test", backward) for each in p)
    return ReferenceLaw(None, arg, "p of Test", backward, states, laws)


def state_cases() -> dict[str, Case]:
    """Return cases whose law depends on the edges of another connector."""
    own = reference(len(A), 4)
    # A reference over more nodes: those of A in another order, a few others, those of B.
    n = len(A) + len(B) + 5
    places = np.random.default_rng(5).permutation(n)
    more = replace(reference(n, 6), source=places[: len(A)], target=places[-len(B) :])
    near = [0.1, GAUSS, 1.0]
    p0 = by_state(own, [GAUSS, 0.4], spherical_dist)
    joint = ReferenceJoint(reference=own, joints=(NRR_4, Joint(pr=0.3)))
    between = PairLaws(
        by_state(more, [GAUSS, 0.5], spherical_dist),
        by_state(more, [SHELL, 0.2], cylindrical_dist_z, backward=True),
    )
    return {
        "by state, undirected": Case(
            WITHIN, PairLaws(by_state(own, [0.15, 0.5, 0.9], spherical_dist)), None
        ),
        "by state, distance": Case(WITHIN, PairLaws(by_state(own, near, spherical_dist)), None),
        "by state, no autapses": Case(
            PairSpace(A, A, autapses=False),
            PairLaws(by_state(own, near, spherical_dist)),
            None,
        ),
        "by state, within": Case(
            WITHIN, PairLaws(p0, replace(p0, backward=True), True, True), joint
        ),
        "by state, between": Case(
            BETWEEN, between, ReferenceJoint(reference=more, joints=(NRR_2, Joint(pr=0.1)))
        ),
        "by state, nothing elsewhere": Case(
            WITHIN, PairLaws(by_state(own, [0.0, 0.6], None)), None
        ),
    }


CASES |= state_cases()


def matrices(drawn: PairDraw, space: PairSpace) -> tuple[np.ndarray, np.ndarray]:
    """Return which pairs are connected forward and backward, shape (n_source, n_target)."""
    shape = (len(space.source), len(space.target))
    tables = np.zeros((2, *shape), dtype=bool)
    for table, part in zip(tables, (drawn.forward, drawn.backward), strict=True):
        i, j, _, _ = part.arrays()
        table[i, j] = True
        assert len(i) == table.sum(), "each pair once"
        if drawn.order is not None:
            key = (i, j, shape[1]) if drawn.order == "source" else (j, i, shape[0])
            assert (np.diff(key[0].astype(np.int64) * key[2] + key[1]) > 0).all(), "in order"
    return tables[0], tables[1]


def probabilities(one: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return p0, p1 and pr of each pair by the slow way, 0 for pairs outside the space."""
    space, shape = one.space, (len(one.space.source), len(one.space.target))
    p = np.zeros((3, *shape))
    for i in range(shape[0]):
        for j in range(shape[1]):
            if space.kind == "upper" and j <= i:
                continue
            if space.kind == "upper and diagonal" and j < i:
                continue
            if space.left_out is not None and space.left_out[i] == j:
                continue
            p[:, i, j] = of_pair(one, i, j)
    return p[0], p[1], p[2]


def state(states: ReferencePairs | None, i: int, j: int) -> int:
    """Return in how many directions the reference connects a pair."""
    assert states is not None
    a, b = states.source[i], states.target[j]
    return int(states.edges.contains(a, b)) + int(states.edges.contains(b, a))


def of_pair(one: Case, i: int, j: int) -> tuple[float, float, float]:
    """Return p0, p1 and pr of a pair."""
    source, target = one.space.source.nodes[i], one.space.target.nodes[j]

    def value(law: Law) -> float:
        if isinstance(law, ReferenceLaw):
            law = law.laws[min(state(law.reference, i, j), len(law.laws) - 1)]
        dist = law.arg(source, target) if callable(law.arg) else law.arg
        return float(law.p(dist)) if callable(law.p) else float(law.p)

    laws, joint = one.laws, one.joint
    p0 = value(laws.forward)
    if laws.backward is None or joint is None:
        return p0, 0.0, 0.0
    p1 = p0 if laws.same_p else value(laws.backward)
    if isinstance(joint, ReferenceJoint):
        joint = joint.joints[min(state(joint.reference, i, j), 1)]
    if joint.rho is not None:
        pr = p0 * p1 + joint.rho * (p0 * (1 - p0) * p1 * (1 - p1)) ** 0.5
    elif callable(joint.pr):
        arg = joint.arg if callable(joint.arg) else laws.forward.arg
        pr = float(joint.pr(arg(source, target), p0, p1))
    else:
        pr = joint.pr
    if one.space.is_self(np.array([i]), np.array([j]))[0]:
        return p0, 0.0, 0.0  # one connection, whichever way it is looked at
    return p0, p1, min(max(pr, 0.0, p0 + p1 - 1), p0, p1)


def draws(one: Case, n: int = DRAWS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how often each pair was connected forward, backward and both ways."""
    counts = np.zeros((3, len(one.space.source), len(one.space.target)), dtype=int)
    for seed in range(n):
        drawn = sparse.draw(Plan(one.space, one.laws, ONE, one.joint), np.random.default_rng(seed))
        forward, backward = matrices(drawn, one.space)
        both = forward & backward
        assert drawn.reciprocal == both.sum()
        counts += np.stack([forward, backward, both])
    return counts[0], counts[1], counts[2]


def misfit(counts: np.ndarray, p: np.ndarray, n: int = DRAWS) -> float:
    """Return the least tail probability over pairs, times their number (exact binomial)."""
    assert (counts[p == 0] == 0).all()
    assert (counts[p == 1] == n).all()
    inside = (p > 0) & (p < 1)
    k, q = counts[inside], p[inside]
    if not len(k):
        return 1.0
    tail = np.minimum(stats.binom.cdf(k, n, q), stats.binom.sf(k - 1, n, q))
    total = (k.sum() - n * q.sum()) / np.sqrt(n * (q * (1 - q)).sum())
    return float(min(2 * len(k) * tail.min(), stats.norm.sf(abs(total)) * 2))


@pytest.mark.parametrize("name", CASES)
def test_each_pair(name: str) -> None:
    """Frequency of each pair, and of all together, in both directions and both ways."""
    one = CASES[name]
    for counts, p in zip(draws(one), probabilities(one), strict=True):
        assert misfit(counts, p) > FALSE_ALARM / (3 * len(CASES))


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("name", ["within, Gaussian", "between, two distances"])
def test_any_cell_edge(name: str, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of the cells has no influence on the law."""
    choose = frame.choose_edge

    def scaled(*args: Any) -> frame.CellChoice:
        choice = choose(*args)
        return replace(choice, edge=choice.edge * factor)

    monkeypatch.setattr(tiles, "choose_edge", scaled)
    one = CASES[name]
    for counts, p in zip(draws(one, 100), probabilities(one), strict=True):
        assert misfit(counts, p, 100) > FALSE_ALARM / 18


def _accept_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    original = sparse._decide

    def biased(values: Any, joint: Any, q: float, rng: Any, *rest: Any) -> Any:
        return original(values, joint, q * 0.9, rng, *rest)  # the bound taken for less

    monkeypatch.setattr(sparse, "_decide", biased)


def _drop_the_diagonal_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    original = tiles.Grid.keep
    monkeypatch.setattr(
        tiles.Grid, "keep", lambda self, chosen: original(self, chosen & ~self.alone)
    )


def _lose_the_far_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    original = tiles.CellTiles.__init__

    def biased(self: Any, *args: Any) -> None:
        original(self, *args)
        self.limit *= 0.65  # pairs beyond are no candidates

    monkeypatch.setattr(tiles.CellTiles, "__init__", biased)


def _visit_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    original = tiles.skip_through
    monkeypatch.setattr(
        tiles, "skip_through", lambda rng, cells, rate: original(rng, cells, rate * 0.85)
    )


def _keep_repeated_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    original = tiles.skip_through

    def biased(*args: Any) -> Any:
        return ((*each, once | True) for *each, once in original(*args))

    monkeypatch.setattr(tiles, "skip_through", biased)


@pytest.mark.parametrize(
    "bias", [_accept_at_the_bound, _drop_the_diagonal_cell, _lose_the_far_edge, _visit_too_few]
)
def test_planted_bias_is_found(
    bias: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bias(monkeypatch)
    one = CASES["within, Gaussian"]
    try:
        found = [misfit(c, p) for c, p in zip(draws(one), probabilities(one), strict=True)]
    except Exception as error:
        assert "bound of" in str(error)  # noqa: PT017  # a bound below the value is refused
    else:
        assert min(found) < FALSE_ALARM


def _draw_tiles_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    original = tiles.CellTiles.visited

    def biased(self: Any, tile: int, rng: Any) -> Any:
        yield from original(self, tile, rng)
        yield from original(self, tile, rng)

    monkeypatch.setattr(tiles.CellTiles, "visited", biased)


@pytest.mark.parametrize("bias", [_keep_repeated_visits, _draw_tiles_twice])
def test_pair_visited_twice_is_found(
    bias: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bias(monkeypatch)
    with pytest.raises(AssertionError, match="each pair once"):
        draws(CASES["within, Gaussian"], 20)


@pytest.mark.parametrize("per_cell", [1, 2, 3, 4, 5])
def test_few_nodes_per_cell(per_cell: int, monkeypatch: pytest.MonkeyPatch) -> None:
    edge = (np.prod(BOX) * per_cell / len(A)) ** (1 / 3)
    choose = frame.choose_edge
    monkeypatch.setattr(tiles, "choose_edge", lambda *args: replace(choose(*args), edge=edge))
    one = CASES["within, Gaussian"]
    for counts, p in zip(draws(one, 100), probabilities(one), strict=True):
        assert misfit(counts, p, 100) > FALSE_ALARM / 15


def drawn_by(one: Case, workers: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the edges that some workers draw, each some of the tiles, in random order."""
    tables = np.zeros((2, len(one.space.source), len(one.space.target)), dtype=int)
    streams = randomness.streams(np.random.default_rng(3), sparse.STREAM_VERSION)
    order = np.random.default_rng(workers)
    for worker in range(workers):
        plan = Plan(one.space, one.laws, ONE, one.joint)  # nothing is shared
        own = sparse.tiles_of(plan)
        for tile in order.permutation(np.arange(worker, len(own), workers)).tolist():
            for part in sparse.draw_tile(plan, own, tile, streams(tile), Clipping()):
                for table, chosen in zip(tables, part.directions(), strict=True):
                    np.add.at(table, part.pairs.pairs(chosen), 1)
    if one.space.kind == "upper and diagonal":  # a self connection has one direction
        np.fill_diagonal(tables[1], 0)
    return tables[0], tables[1], len(own)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize(
    "name",
    [
        *("one way, constant", "within, constant", "between, constant", "within, Gaussian"),
        *("within, autapses", "between, two distances", "one way, some nearly certain"),
    ],
)
def test_tiles_in_any_order(name: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever draws which tile, and when, all together draw the network."""
    monkeypatch.setattr(tiles, "TILE", 10)
    monkeypatch.setattr(tiles, "TILE_CELLS", 20)
    one = CASES[name]
    plan = Plan(one.space, one.laws, ONE, one.joint)
    wanted = matrices(sparse.draw(plan, np.random.default_rng(3)), one.space)
    *found, n_tiles = drawn_by(one, workers)
    assert n_tiles > 3
    assert wanted[0].any()
    assert np.array_equal(found, wanted)


def test_tiles_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pairwise sampler draws each tile of rows with a stream of its own, if it is private."""
    monkeypatch.setattr(blocks, "TILE_PAIRS", 4 * len(B))
    one = CASES["one way, Gaussian"]
    plan = Plan(one.space, one.laws, ONE, private=True)
    found = [
        matrices(pairwise.draw(plan, np.random.default_rng(3), block_size=size), one.space)[0]
        for size in (7, 3 * len(B), 1 << 16)
    ]
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
    streams = randomness.streams(np.random.default_rng(3), pairwise.STREAM_VERSION)
    p = probabilities(one)[0]
    for tile, row in enumerate(range(0, len(A), 4)):
        rng = streams(tile)
        for i in range(row, min(row + 4, len(A))):
            wanted = [p[i, j] > 0 and rng.random() < p[i, j] for j in range(len(B))]
            assert found[0][i].tolist() == wanted
    shared = pairwise.draw(replace(plan, private=False), np.random.default_rng(3))
    assert (matrices(shared, one.space)[0] != found[0]).any()


LATTICE = 50.0 * np.stack(np.meshgrid(*map(np.arange, (5, 4, 3))), axis=-1).reshape(-1, 3)
#: Ties at the cut-off: two steps, and two diagonals of a face.
CUT_OFFS = (100.0, 50 * 8**0.5)


def lattice_case(cut_off: float) -> Case:
    """Return a lattice whose nodes connect for certain within the cut-off."""
    pool = NodeArrays([Node(k, position) for k, position in enumerate(LATTICE)])
    return case(PairSpace(pool, pool, "upper"), UniformInRange(1.0, 0, cut_off), spherical_dist)


@pytest.mark.parametrize("edge", [7.0, 25.0, 100 / 3, 50.0, 100 / 7, 100.0])
@pytest.mark.parametrize("cut_off", CUT_OFFS)
def test_ties_at_the_cut_off(cut_off: float, edge: float, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = frame.choose_edge
    monkeypatch.setattr(tiles, "choose_edge", lambda *args: replace(choose(*args), edge=edge))
    one = lattice_case(cut_off)
    counts, p = draws(one, 1)[0], probabilities(one)[0]
    dist = np.linalg.norm(LATTICE[:, None] - LATTICE[None], axis=-1)
    assert ((dist == cut_off) & (p == 1)).sum() > 20
    assert np.array_equal(counts, p)


def test_ties_lost_at_the_cut_off_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = tiles.CellTiles.__init__

    def biased(self: Any, *args: Any) -> None:
        original(self, *args)
        self.limit = CUT_OFFS[0] * (1 - 1e-6)

    monkeypatch.setattr(tiles.CellTiles, "__init__", biased)
    with pytest.raises(AssertionError):
        test_ties_at_the_cut_off(CUT_OFFS[0], 50.0, monkeypatch)


def gauss(dist: np.ndarray) -> np.ndarray:
    """Return GAUSS by its formula."""
    return np.where(dist <= 150, 0.3 * np.exp(-0.5 * (dist / 60) ** 2), 0.0)


@pytest.mark.parametrize("p", [0.05, GAUSS])
def test_degrees(p: Any) -> None:
    """Out-degrees are sums of independent variables: chi-square, then KS over 20 seeds."""
    pool, n = nodes(500, (600.0, 500.0, 200.0), 8), 500
    one = case(PairSpace(pool, pool), p, spherical_dist if callable(p) else None)
    assert pool.positions is not None
    dist = np.linalg.norm(pool.positions[:, None] - pool.positions[None], axis=-1)
    q = gauss(dist) if callable(p) else np.full((n, n), p)
    for axis in (1, 0):  # out-degree, in-degree
        mean, variance = q.sum(axis), (q * (1 - q)).sum(axis)
        kurtosis = (q * (1 - q) * (1 - 6 * q * (1 - q))).sum(axis) / variance**2
        found = []
        for seed in range(20):
            drawn = sparse.draw(Plan(one.space, one.laws, ONE), np.random.default_rng(seed))
            degree = matrices(drawn, one.space)[0].sum(axis)
            chi_square = ((degree - mean) ** 2 / variance).sum()
            found.append(stats.norm.cdf((chi_square - n) / np.sqrt((2 + kurtosis).sum())))
        assert 1e-8 < min(found) <= max(found) < 1 - 1e-8
        assert stats.kstest(found, "uniform").pvalue > 1e-4


def test_edges_and_reciprocal_pairs_by_distance() -> None:
    """Counts per distance bin over 20 seeds against exact sums, normal bounds."""
    pool = nodes(600, (600.0, 500.0, 200.0), 9)
    one = case(PairSpace(pool, pool, "upper"), GAUSS, spherical_dist, joint=NRR_2)
    assert pool.positions is not None
    dist = np.linalg.norm(pool.positions[:, None] - pool.positions[None], axis=-1)
    p = np.triu(gauss(dist), 1)
    pr = 2 * p * p
    bins = np.minimum(dist // 25, 6).astype(int)

    def binned(values: np.ndarray) -> np.ndarray:
        return np.bincount(bins.ravel(), values.ravel())

    edges, both = np.zeros((2, 7))
    for seed in range(20):
        drawn = sparse.draw(Plan(one.space, one.laws, ONE, one.joint), np.random.default_rng(seed))
        forward, backward = matrices(drawn, one.space)
        edges += binned(forward.astype(float)) + binned(backward.astype(float))
        both += binned((forward & backward).astype(float))
    for counts, mean, variance in (
        (edges, 2 * p, 2 * p * (1 - p) + 2 * (pr - p * p)),
        (both, pr, pr * (1 - pr)),
    ):
        z = (counts - 20 * binned(mean)) / np.sqrt(np.maximum(20 * binned(variance), 1e-9))
        assert np.abs(z).max() < stats.norm.isf(FALSE_ALARM / 28)


EXTENTS = {
    "all at one point": np.zeros((40, 3)),
    "on a line": np.linspace(0, 900, 40)[:, None] * np.array([[0.0, 1.0, 0.0]]),
    "one node": np.zeros((1, 3)),
    "one far away": np.vstack([np.random.default_rng(3).uniform(0, 80, (39, 3)), [[1e6, 0, 1e6]]]),
    "far from the origin": np.random.default_rng(3).uniform(0, 80, (40, 3)) + 1e6,
    "thin and wide": np.random.default_rng(3).uniform(0, [1e6, 1e6, 10.0], (40, 3)),
    "clusters": np.repeat([[0.0, 0, 0], [140, 0, 0], [1e5, 1e5, 0]], [15, 15, 10], axis=0),
}


@pytest.mark.parametrize("name", EXTENTS)
def test_any_extent(name: str) -> None:
    positions = EXTENTS[name]
    pool = NodeArrays([Node(k, position) for k, position in enumerate(positions)])
    one = case(PairSpace(pool, pool, "upper"), GAUSS, spherical_dist, joint=Joint(rho=0.3))
    for counts, p in zip(draws(one, 60), probabilities(one), strict=True):
        assert misfit(counts, p, 60) > FALSE_ALARM / (3 * len(EXTENTS))


def test_possible_pairs_are_the_pairwise_ones() -> None:
    for one in CASES.values():
        drawn = sparse.draw(Plan(one.space, one.laws, ONE, one.joint), np.random.default_rng(1))
        p0, p1, _ = probabilities(one)
        forward, backward, both = possible_pairs(drawn, one.space, one.laws)
        selves = one.space.self_pairs
        n_self = 0 if selves is None or one.laws.backward is None else (selves >= 0).sum()
        if one.laws.forward.name and one.space.kind == "upper and diagonal":
            p1 = np.maximum(p1, np.diag(np.diag(p0)))
            n_self = 0
        assert forward == (p0 > 0).sum()
        if one.laws.backward is not None:
            assert backward == (p1 > 0).sum()
            assert both == ((p0 > 0) & (p1 > 0)).sum() - n_self


def test_bound_below_the_value_is_refused() -> None:
    @vectorized(bound=lambda low, high: 0.1 + 0 * low)
    def law(dist: Any) -> Any:
        return 0.3 + 0 * dist

    one = case(BETWEEN, law, spherical_dist)
    with pytest.raises(ValueError, match=r"bound of p0 of Test gives at most 0\.1") as caught:
        draws(one, 5)
    assert "never be below the value" in str(caught.value)


@pytest.mark.parametrize(
    ("p_self", "p", "pr"),
    [(0.1, 0.4, 0.02), (0.95, 0.5, 0.05)],
    ids=["negative pr", "bound exceeded"],
)
def test_self_connections_when_rho_is_estimated(p_self: float, p: float, pr: float) -> None:
    """A rho that all pairs of two nodes can have says nothing about a node and itself."""
    best = max(p_self, p)

    @vectorized(bound=lambda low, high: np.where(np.asarray(low) > 150.0, 0.0, best))
    def law(dist: Any) -> Any:
        return np.where(dist < 1.0, p_self, np.where(dist <= 150.0, p, 0.0))

    pool = nodes(5000, (6000.0, 6000.0, 40.0), 8)
    connector = ReciprocalConnector(
        law, p0_arg=spherical_dist, pr=pr, autapses=True, sampler="sparse", verbose=False
    )
    drawn = connector.draw(pool, pool, np.random.default_rng(7))
    assert drawn.clipped == 0, "a node and itself was taken for an infeasible pair"
    n_self = int((drawn.forward.source == drawn.forward.target).sum())
    count = stats.binom(len(pool), p_self)
    assert 2 * min(count.cdf(n_self), count.sf(n_self - 1)) > FALSE_ALARM


def spread_out(n_far: int, axes: int) -> NodeArrays:
    """Return a cube of 2000 nodes, some of them moved far away, each farther than the last."""
    positions = np.random.default_rng(3).uniform(0, 300, (2000, 3))
    positions[:n_far, :axes] += 1e9 * np.arange(1, n_far + 1)[:, None] * (-1) ** axes
    return NodeArrays([Node(k, position) for k, position in enumerate(positions)])


NEAR = spread_out(0, 1)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("n_far", [1, 30])
@pytest.mark.parametrize("kind", ["all", "upper"])
def test_cells_far_away(kind: Any, n_far: int, axes: int) -> None:
    """What is between them and the others costs nothing, and no pair is lost."""
    law = UniformInRange(1.0, max_dist=25.0)
    space, near = (PairSpace(pool, pool, kind) for pool in (spread_out(n_far, axes), NEAR))
    laws = PairLaws(Law(law, spherical_dist, "p of Test"))
    visited, usual = (
        sum(
            len(candidates.kept)
            for tiles_of in [tiles.CellTiles(one, laws)]
            for tile in range(len(tiles_of))
            for candidates, _ in tiles_of.visited(tile, np.random.default_rng(1))
        )
        for one in (space, near)
    )
    assert visited < 2 * usual
    drawn = sparse.draw(Plan(space, laws, ONE), np.random.default_rng(1))
    positions = space.source.positions
    dist = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    wanted = dist <= 25.0 if kind == "all" else np.triu(dist <= 25.0, 1)
    assert np.array_equal(matrices(drawn, space)[0], wanted)
