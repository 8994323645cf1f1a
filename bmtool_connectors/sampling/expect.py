"""What a draw will give and cost, before anything is drawn."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from bmtool_connectors import randomness
from bmtool_connectors.arrays import index_dtype
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.distances import metric_of
from bmtool_connectors.sampling.blocks import Block, PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.cost import Work
from bmtool_connectors.sampling.estimate import estimate_rho
from bmtool_connectors.sampling.laws import BlockValues
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.sample import Sample
from bmtool_connectors.sampling.states import (
    StateJoint,
    background,
    background_joint,
    listed,
)
from bmtool_connectors.sampling.sums import BACKWARD, EDGES, FORWARD, RECIPROCAL, CountSums

#: Pairs up to which all are looked at; if there are more within reach, as many stand for all.
MOST_PAIRS = 1 << 18


@dataclass(frozen=True)
class Unmet:
    """A mean joint probability that is not feasible.

    Attributes
    ----------
    wanted, reached : float
        What was asked for, and what results once pairs are moved to the nearest feasible value.
    pairs : float
        Pairs whose mean it is.
    """

    wanted: float
    reached: float
    pairs: float


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
    unmet : Unmet or None
        The mean joint probability, where one was asked for that is not feasible.
    worst : str or None
        The pair whose joint probability has to be moved farthest, in words.
    n_bytes : int
        Memory that the edges take; while they are drawn it is about three times that.
    kept_bytes : int
        Memory that the estimate of rho takes besides, until the edges are drawn (`cache_data`).
    seconds : float
        Time of the draw, of the estimate of rho, and of the counts of possible pairs for the
        report, roughly.

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
    unmet: Unmet | None = None
    worst: str | None = None
    kept_bytes: int = 0

    @property
    def edges(self) -> float:
        """Edges in both directions."""
        return self.forward + self.backward

    @property
    def estimated(self) -> bool:
        """Whether the numbers come from a sample of the pairs."""
        return max(self.standard_error, self.reciprocal_error) > 0

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


def expect(
    plan: Plan,
    chosen: str,
    looks: int | None = None,
    share: float = 1.0,
    key: tuple[str | None, ...] = (),
    *,
    keep: bool = False,
    counts: bool = False,
) -> Expected:
    """Return what the plan gives, drawn with the chosen sampler.

    Parameters
    ----------
    plan : Plan
    chosen : {'pairwise', 'sparse'}
    looks : int, default MOST_PAIRS
        Pairs that stand for all, if there are more than MOST_PAIRS; but then no more than that are
        looked at in any case if a Python function is called for each.
    share : float, default 1.0
        Share of the sources that take part, chosen at random, of one direction.
    key : tuple of str or None
        Labels by which edge types are told apart: each has a sample of its own.
    keep : bool
        What the estimate of rho evaluates is kept for a pairwise draw.
    counts : bool
        Possible pairs are counted after a sparse draw.
    """
    looks = MOST_PAIRS if looks is None else looks
    most = (looks if plan.needs_python_calls else MOST_PAIRS), looks
    space, laws = plan.space, background(plan.laws)
    stream = functools.partial(randomness.looking, *key)
    # Of the pairs that the estimate of rho looks at, each has to count as much as any other.
    sample = Sample(space, laws, *most, stream, even=plan.rho_wanted is not None)
    search = _Search()
    if plan.rho_wanted is not None:
        reach = plan.rho_wanted.reach
        valid = sample if reach is None else Sample(space, laws, *most, stream, reach, even=True)
        plan = search.found(plan, valid)
        search.pairs = space.n_pairs if chosen == "pairwise" else valid.pairs
    sums = _sums(plan, sample, share)
    if search.sample is sample:
        search.pairs = sums.within
    mean, error, sd = share * sums.mean, share * sums.error, sums.deviation(share)
    visits = 0.0
    if chosen == "sparse":
        visits = float(mean[EDGES]) if laws.constant else share * sample.visits
    work = Work(
        plan,
        chosen,
        keep=keep,
        share=share,
        within=sums.within,
        visits=visits,
        edges=float(mean[EDGES]),
        passes=search.passes,
        searched=search.pairs,
        reachable=sample.pairs if counts else None,
    )
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
        seconds=work.seconds,
        kept_bytes=work.kept_bytes,
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
        unmet=None if plan.none_wanted else search.unmet or _unmet(plan, sums),
        worst=None if plan.none_wanted else sums.worst,
    )


def _unmet(plan: Plan, sums: CountSums) -> Unmet | None:
    """Return what becomes of one joint probability for all pairs, where it is not feasible."""
    joint = plan.joint
    if not sums.clipped or joint is None or joint.rho is not None or isinstance(joint, StateJoint):
        return None
    if callable(joint.pr) or not all(sums.counted):
        return None
    return Unmet(float(joint.pr), float(sums.mean[RECIPROCAL] / sums.both), float(sums.both))


@dataclass
class _Search:
    """The estimate of rho from a sample of the pairs, and what it takes on all of them.

    Attributes
    ----------
    sample : Sample or None
        Of the pairs that may be valid; None where rho is not estimated.
    passes : int
        How often all pairs are looked at.
    pairs : float
        How many are looked at then.
    unmet : Unmet or None
    """

    sample: Sample | None = None
    passes: int = 0
    pairs: float = 0.0
    unmet: Unmet | None = None

    def _evaluate(self) -> Iterator[BlockValues]:
        assert self.sample is not None
        self.passes += 1
        return self.sample.evaluate()

    def found(self, plan: Plan, sample: Sample) -> Plan:
        """Return the plan with the rho that is found in a sample."""
        assert plan.rho_wanted is not None
        self.sample, wanted = sample, plan.rho_wanted
        laws = background(plan.laws)
        estimate, _ = estimate_rho(
            plan.space, laws, wanted, self._evaluate, keep=False, in_order=False
        )
        if estimate.reachable is not None:
            self.unmet = Unmet(wanted.pr, estimate.reachable, estimate.n * sample.weight)
        return plan.with_rho(estimate.rho)


def _sums(plan: Plan, sample: Sample, share: float) -> CountSums:
    """Return the sums over all pairs, or over a sample that stands for them."""
    space, laws, joint = plan.space, background(plan.laws), background_joint(plan.joint)
    # A count of 0 is no edge.
    counted = tuple(callable(each.value) or each.value > 0 for each in plan.n_syn)
    symmetric = _is_symmetric(plan, share)
    sums = CountSums(counted, len(space.source), len(space.target), symmetric)
    if laws.constant and (joint is None or joint.rho is not None or not callable(joint.pr)):
        for pairs, n in _alike(space):
            sums.add(laws.evaluate_on(pairs), joint, n)
        sums.equal_pairs(space)
    else:
        for values, total in sample.parts():
            sums.add(values, joint, total)
    found = listed(plan.laws, space)
    if found is not None:  # these have a law of their own
        sums.add(laws.evaluate_on(found), joint, sign=-1)
        sums.add(plan.laws.evaluate_on(found), plan.joint)
    sums.settle()
    return sums


def _alike(space: PairSpace) -> Iterator[tuple[ListedPairs, int]]:
    """Yield a pair of two nodes and one of a node with itself, and how many each stands for."""
    columns = space.self_pairs
    rows = np.flatnonzero(columns >= 0) if columns is not None else np.empty(0, dtype=np.int64)
    n_other = space.n_pairs - len(rows)
    if len(rows):
        assert columns is not None
        yield ListedPairs(space, rows[:1], columns[rows[:1]]), len(rows)
    if n_other:
        i, j = Block.whole(space).of_rank(np.arange(min(2, space.n_pairs)))
        other = np.flatnonzero(~space.is_self(i, j))[:1]
        yield ListedPairs(space, i[other], j[other]), n_other


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
