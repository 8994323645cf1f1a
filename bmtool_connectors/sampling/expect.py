"""What a draw will give and cost, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bmtool_connectors.edges import Connectivity, index_dtype
from bmtool_connectors.sampling import sparse
from bmtool_connectors.sampling.blocks import Block, PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.estimate import estimate_rho
from bmtool_connectors.sampling.grid import skip
from bmtool_connectors.sampling.laws import BlockValues, Clipping, Joint, PairLaws, Values
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.states import background, background_joint, listed

#: Pairs that are looked at; if there are more within reach, some of them stand for all.
MOST_PAIRS = 1 << 18

#: Seconds per pair looked at pairwise, pair visited and edge made sparsely, pair that the estimate
#: of rho looks at, and call of a Python function: about what a core of 2024 takes.
PAIRWISE, VISIT, EDGE, ESTIMATE, CALL = 8e-9, 50e-9, 80e-9, 20e-9, 1.1e-6


@dataclass(frozen=True)
class Expected:
    """What a connector will give, on average over random numbers, and what that will cost.

    Attributes
    ----------
    sampler : {'pairwise', 'sparse', 'none'}
        How the edges will be drawn; 'none' where pairs are not drawn one by one, or are given.
        Of blocks that differ in it, all of them: 'pairwise and sparse'.
    pairs : int
        Pairs of the two pools, as the connection report counts them.
    forward, backward : float
        Edges in each direction; within one population all are forward.
    reciprocal : float
        Pairs connected both ways, of a connector that draws both.
    infeasible : float
        Share of the pairs with p0 > 0 and p1 > 0 whose joint probability has to be clipped.
    standard_error : float
        Of the number of edges, when it comes from a sample of the pairs; 0 when it is exact.
    n_bytes : int
        Memory that the edges take; while they are drawn it is about three times that.
    seconds : float
        Time of the draw, roughly.
    """

    sampler: str
    pairs: int
    forward: float
    backward: float
    reciprocal: float
    infeasible: float
    standard_error: float
    n_bytes: int
    seconds: float

    @property
    def edges(self) -> float:
        """Edges in both directions."""
        return self.forward + self.backward

    @classmethod
    def certain(cls, drawn: Connectivity, seconds: float) -> Expected:
        """Return what is expected of edges in which no chance is."""
        edges = drawn.forward
        arrays = (edges.source, edges.target)
        return cls(
            sampler="none",
            pairs=drawn.pairs,
            forward=float(len(edges)),
            backward=0.0,
            reciprocal=0.0,
            infeasible=0.0,
            standard_error=0.0,
            n_bytes=sum(array.nbytes for array in arrays),
            seconds=seconds,
        )


class _Sums:
    """Sums over pairs, and over the sample of pairs that stands for them."""

    def __init__(self) -> None:
        # Forward, backward and reciprocal connections; pairs with p0 > 0 and p1 > 0, and those
        # of them that are clipped; squares of the expected edges of each pair.
        self.totals = np.zeros(6)
        self.looked_at = 0

    def add(self, values: BlockValues, joint: Joint | None, sign: int = 1) -> None:
        """Add pairs, or take them away."""
        candidates, n, clipping = values.candidates, values.candidates.n, Clipping()
        p0, p1 = (np.broadcast_to(p, (n,)) for p in (values.p0, values.p1))
        if candidates.space.self_pairs is not None:  # a self connection has one direction
            p1 = np.where(candidates.space.is_self(*candidates.pairs()), 0.0, p1)
        pr: Values = 0.0
        if joint is not None:
            pr = joint.feasible(values, np.arange(n), p0, p1, clipping)
        both = np.count_nonzero((p0 > 0) & (p1 > 0))
        sums = [np.broadcast_to(p, (n,)).sum() for p in (p0, p1, pr)]
        squares = ((p0 + p1) ** 2).sum()
        self.totals += sign * np.array([*sums, both, clipping.count, squares])
        self.looked_at += candidates.looked_at

    def stand_for(self, n: float) -> float:
        """Multiply the sums of a sample to `n` pairs; return the standard error of the edges."""
        if not self.looked_at:
            return 0.0
        mean = self.totals / self.looked_at
        variance = max(mean[-1] - (mean[0] + mean[1]) ** 2, 0.0)
        self.totals = mean * n
        return float(n * np.sqrt(max(1 - self.looked_at / n, 0.0) * variance / self.looked_at))


@dataclass(frozen=True)
class _Sample:
    """Pairs that stand for all pairs of a space.

    Attributes
    ----------
    pairs : int
        How many they stand for.
    visits : float
        How many of those a sparse draw visits, on average.
    evaluate : callable
        Returns the laws evaluated on them.
    """

    pairs: int
    visits: float
    evaluate: Callable[[], Iterable[BlockValues]]


def _generator() -> np.random.Generator:
    """Return the stream that chooses pairs to look at: the same ones every time."""
    return np.random.default_rng(0)


def _sampled(space: PairSpace, laws: PairLaws, most: int, reach: float | None = None) -> _Sample:
    """Choose among the pairs that the laws can connect, or that are within reach."""
    if laws.constant or sparse.why_not(laws) is not None:
        block = Block.whole(space)
        share = min(1.0, most / max(block.n, 1))

        def evaluate() -> Iterator[BlockValues]:
            for number in skip(_generator(), share, block.n, sparse.CHUNK):
                yield laws.evaluate_on(ListedPairs(space, *block.of_rank(number)))

        return _Sample(block.n, block.n, evaluate)
    ranges = sparse.DistanceRanges(space, laws, reach)
    totals = [(q, pairs.total) for _, q, pairs in ranges]
    n = sum(total for _, total in totals)
    share = min(1.0, most / max(n, 1))
    return _Sample(
        n,
        sum(q * total for q, total in totals),
        lambda: sparse.some_pairs_within(ranges, laws, share, _generator()),
    )


def expect(plan: Plan, chosen: str, most: int | None = None) -> Expected:
    """Return what the plan gives, drawn with the chosen sampler.

    Parameters
    ----------
    plan : Plan
    chosen : {'pairwise', 'sparse'}
    most : int, default MOST_PAIRS
        Pairs that are looked at; if there are more, some of them stand for all.
    """
    most = MOST_PAIRS if most is None else most
    space, laws = plan.space, background(plan.laws)
    sample = _sampled(space, laws, most)
    seconds = 0.0
    if plan.rho_wanted is not None:
        reach = plan.rho_wanted.reach
        valid = sample if reach is None else _sampled(space, laws, most, reach)
        estimate, _ = estimate_rho(
            space, laws, plan.rho_wanted, valid.evaluate, keep=False, in_order=False
        )
        plan = plan.with_rho(estimate.rho, estimate.feasible)
        looked_at = space.n_pairs if chosen == "pairwise" else valid.pairs
        seconds += ESTIMATE * looked_at * (not laws.constant)
    sums, joint = _Sums(), background_joint(plan.joint)
    for values in sample.evaluate():
        sums.add(values, joint)
    error = sums.stand_for(sample.pairs)
    found = listed(plan.laws, space)
    if found is not None:  # these have a law of their own
        sums.add(laws.evaluate_on(found), joint, -1)
        sums.add(plan.laws.evaluate_on(found), plan.joint)
    # A count of 0 is no edge.
    counted = [callable(each.value) or each.value > 0 for each in plan.n_syn]
    forward, backward, reciprocal, both, clipped, _ = sums.totals.tolist()
    forward, backward = forward * counted[0], backward * counted[1]
    edges, recurrent = forward + backward, space.source is space.target
    calls = CALL * plan.needs_python_calls
    if chosen == "pairwise":
        seconds += space.n_pairs * (PAIRWISE + calls)
    else:
        visits = edges if laws.constant else sample.visits
        seconds += visits * (VISIT + calls) + edges * EDGE
    return Expected(
        sampler=chosen,
        pairs=space.n_pairs,
        forward=edges if recurrent else forward,
        backward=0.0 if recurrent else backward,
        reciprocal=reciprocal * all(counted),
        infeasible=0.0 if plan.none_wanted else clipped / max(both, 1.0),
        standard_error=error,
        n_bytes=round(edges * _bytes_per_edge(plan)),
        seconds=seconds,
    )


def _bytes_per_edge(plan: Plan) -> int:
    """Return how much an edge takes: two positions, a count and an argument if they differ."""
    space = plan.space
    size = sum(index_dtype(len(nodes)).itemsize for nodes in (space.source, space.target))
    size += 2 * any(callable(each.value) for each in plan.n_syn)
    return size + 8 * any(callable(law.arg) or not law.is_constant for law in plan.laws.both())
