"""What a draw will give and cost, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.distances import metric_of
from bmtool_connectors.edges import index_dtype
from bmtool_connectors.sampling import sparse
from bmtool_connectors.sampling.blocks import Block, PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.estimate import estimate_rho
from bmtool_connectors.sampling.grid import skip
from bmtool_connectors.sampling.laws import BlockValues, PairLaws
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.states import background, background_joint, listed
from bmtool_connectors.sampling.sums import BACKWARD, EDGES, FORWARD, RECIPROCAL, CountSums

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
    forward_sd, backward_sd, reciprocal_sd : float
        Standard deviations of those numbers over draws. A correlation that is estimated counts
        as given.
    infeasible : float
        Share of the pairs with p0 > 0 and p1 > 0 whose joint probability is not feasible.
    forward_error, backward_error, reciprocal_error : float
        Standard errors of what is expected, when it comes from a sample of the pairs; 0 when it
        is exact.
    standard_error : float
        The same of the edges in both directions.
    forward_jump : float
        By how much one independent event can change the forward edges: by 1, but by more where
        sources take part as a whole that expect different numbers.
    independent : float
        Reciprocal pairs that the probabilities alone would give, if the directions of each pair
        were independent; distances alone make them more frequent than chance [1]_. 0 where only
        one direction is drawn, and the probability of the other is not known to be the same.
    per_rho : float
        How many reciprocal pairs more each unit of the correlation rho gives.
    degrees : dict of str to tuple of (float, float or None)
        Mean and standard deviation, over nodes and draws, of ``'out'`` and ``'in'`` degrees of
        the forward edges, and ``'backward out'`` and ``'backward in'`` where there are two
        populations and directions. Of gap junctions both are the junctions of a cell. The
        deviation is None where the sample of pairs is too small to tell it.
    n_bytes : int
        Memory that the edges take; while they are drawn it is about three times that.
    seconds : float
        Time of the draw, roughly.

    References
    ----------
    .. [1] F. Z. Hoffmann, J. Triesch, "Nonrandom network connectivity comes in pairs", Network
       Neuroscience 1(1), 31-41 (2017). https://doi.org/10.1162/NETN_a_00004
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
    forward_sd: float = 0.0
    backward_sd: float = 0.0
    reciprocal_sd: float = 0.0
    forward_error: float = 0.0
    backward_error: float = 0.0
    reciprocal_error: float = 0.0
    forward_jump: float = 1.0
    independent: float = 0.0
    per_rho: float = 0.0
    degrees: dict[str, tuple[float, float | None]] = field(default_factory=dict)

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
            degrees={
                "out": (float(edges.out_degree().mean()), float(edges.out_degree().std())),
                "in": (float(edges.in_degree().mean()), float(edges.in_degree().std())),
            },
        )


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


def expect(plan: Plan, chosen: str, most: int | None = None, share: float = 1.0) -> Expected:
    """Return what the plan gives, drawn with the chosen sampler.

    Parameters
    ----------
    plan : Plan
    chosen : {'pairwise', 'sparse'}
    most : int, default MOST_PAIRS
        Pairs that are looked at; if there are more, some of them stand for all.
    share : float, default 1.0
        Share of the sources that take part, chosen at random, of one direction.
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
        plan = plan.with_rho(estimate.rho)
        looked_at = space.n_pairs if chosen == "pairwise" else valid.pairs
        seconds += ESTIMATE * looked_at * (not laws.constant)
    # A count of 0 is no edge.
    counted = tuple(callable(each.value) or each.value > 0 for each in plan.n_syn)
    sums, joint = (
        CountSums(counted, len(space.source), len(space.target), _is_symmetric(plan, share)),
        background_joint(plan.joint),
    )
    for values in sample.evaluate():
        sums.add(values, joint)
    sums.stand_for(sample.pairs)
    if laws.constant:
        sums.equal_pairs(space)
    found = listed(plan.laws, space)
    if found is not None:  # these have a law of their own
        sums.add(laws.evaluate_on(found), joint, -1)
        sums.add(plan.laws.evaluate_on(found), plan.joint)
    mean, error, sd = share * sums.mean, share * sums.error, sums.deviation(share)
    calls = CALL * plan.needs_python_calls
    if chosen == "pairwise":
        seconds += share * space.n_pairs * (PAIRWISE + calls)
    else:
        visits = mean[EDGES] if laws.constant else share * sample.visits
        seconds += visits * (VISIT + calls) + mean[EDGES] * EDGE
    first = EDGES if space.source is space.target else FORWARD
    second = slice(0, 0) if first == EDGES else slice(BACKWARD, EDGES)
    return Expected(
        sampler=chosen,
        pairs=space.n_pairs,
        forward=float(mean[first]),
        backward=float(mean[second].sum()),
        reciprocal=float(mean[RECIPROCAL]),
        infeasible=0.0 if plan.none_wanted else sums.clipped / max(sums.both, 1.0),
        standard_error=float(error[EDGES]),
        n_bytes=round(mean[EDGES] * _bytes_per_edge(plan)),
        seconds=float(seconds),
        forward_sd=float(sd[first]),
        backward_sd=float(sd[second].sum()),
        reciprocal_sd=float(sd[RECIPROCAL]),
        forward_error=float(error[first]),
        backward_error=float(error[second].sum()),
        reciprocal_error=float(error[RECIPROCAL]),
        forward_jump=sums.jump(share),
        independent=sums.independent,
        per_rho=sums.per_rho,
        degrees=sums.degrees(_kind(plan), share),
    )


def _is_symmetric(plan: Plan, share: float) -> bool:
    """Whether both orders of a pair are drawn, apart, with probabilities known to be the same."""
    space, law = plan.space, plan.laws.forward
    same = law.is_constant or metric_of(law.arg) is not None
    ordered = space.kind == "all" and space.source is space.target
    return plan.joint is None and ordered and same and share == 1


def _kind(plan: Plan) -> str:
    """Return in which directions the edges of a plan are; see :meth:`CountSums.degrees`."""
    if plan.joint is None:
        return "undirected" if plan.space.kind == "upper" else "one way"
    return "together" if plan.space.source is plan.space.target else "both ways"


def _bytes_per_edge(plan: Plan) -> int:
    """Return how much an edge takes: two positions, a count and an argument if they differ."""
    space = plan.space
    size = sum(index_dtype(len(nodes)).itemsize for nodes in (space.source, space.target))
    size += 2 * any(callable(each.value) for each in plan.n_syn)
    return size + 8 * any(callable(law.arg) or not law.is_constant for law in plan.laws.both())
