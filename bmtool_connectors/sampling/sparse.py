"""The sparse sampler: cost proportional to the edges, not to the pairs.

Pairs are visited with a probability that bounds the one of any connection
between them, by skipping; a visited pair is then kept with its real probability
over the bound (thinning), and the same uniform number decides which of its
connections exist. This is exact: nothing is cut off but by the law itself.

Where the law depends on how another connector connects the pair, all pairs are
drawn as if it did not, and the few pairs that it connects once more with the
law of theirs.

The stream is its own, and part of its definition are ``STREAM_VERSION``, the
constants in ``grid`` and ``CHUNK``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness, vectorization
from bmtool_connectors.arrays import Index, Values, index_dtype, is_first
from bmtool_connectors.distances import Metric
from bmtool_connectors.edges import sort_pairs
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.progress import progress
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.candidates import Candidates, Distances, ListedPairs
from bmtool_connectors.sampling.collect import (
    Drawn,
    PairDraw,
    SynapseCounts,
    collect,
    count_synapses,
    joined,
    taken,
)
from bmtool_connectors.sampling.grid import Grid, PairRange, choose_edge, skip
from bmtool_connectors.sampling.laws import BlockValues, Clipping, Joint, Law, PairLaws
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import background, background_joint, listed

STREAM_VERSION = 1
#: Pairs visited at a time: what is done with them stays in the cache.
CHUNK = 1 << 16
#: Number of the stream of pairs that another connector connects; offsets have those from 0.
LISTED = (1 << 32) - 1


def why_not(laws: PairLaws) -> str | None:
    """Return why these laws cannot be drawn sparsely, or None when they can."""
    varying = [law for law in background(laws).both() if not law.is_constant]
    for law in varying:
        if law.metric is None:
            return f"the argument of {law.name} is not a distance of this package"
        if not vectorization.has_bound(law.p):
            return f"{law.name} has no upper bound on an interval of distances"
    if varying and not _common_metric(varying).axes:
        names = " and ".join(law.arg_name for law in varying)
        return f"{names} are distances without a common axis"
    return None


def _common_metric(laws: Sequence[Law]) -> Metric:
    """Return the metric whose distance is never above those of the laws."""
    metrics = [law.metric for law in laws if law.metric is not None]
    return functools.reduce(Metric.common, metrics)


def _bound_of(law: Law, metric: Metric) -> Any:
    """Return the bound of a law as a function of least and greatest distance by `metric`."""
    same = law.is_constant or law.metric == metric

    def bound(least: Any, greatest: Any) -> Any:
        # A distance along more axes is at least that along fewer, without a greatest value.
        upper = greatest if same else np.full(np.shape(greatest), np.inf)
        return vectorization.bound_of(law.p, least, upper, law.name)

    return bound


class DistanceRanges:
    """The ranges of pairs that a distance law can connect, each with its bound."""

    def __init__(self, space: PairSpace, laws: PairLaws, reach: float | None = None) -> None:
        self.space = space
        self.metric = _common_metric([law for law in laws.both() if not law.is_constant])
        bounds = [_bound_of(law, self.metric) for law in laws.both()]
        twice = 2.0 if laws.backward is not None and laws.same_p else 1.0
        half = space.kind != "all"

        def bound(least: Any, greatest: Any) -> Any:
            if reach is not None:  # every pair within reach
                return (np.asarray(least) <= reach).astype(float)
            return np.minimum(twice * sum(each(least, greatest) for each in bounds), 1.0)

        choice = choose_edge(space.source, space.target, self.metric, bound, half)
        self.limit, self.visits = choice.reach, choice.visits
        self.grid = Grid(space.source, space.target, self.metric, choice.edge, self.limit, half)
        self.bound = bound

    def __iter__(self) -> Iterator[tuple[int, float, PairRange]]:
        for number, q, offsets, twice in self.grid.groups(self.bound):
            pairs = PairRange(self.grid, offsets, twice)
            if pairs.total:
                yield number, q, pairs

    def numbered(self, pairs: PairRange, number: Index) -> CellPairs:
        """Return the pairs of the space among these numbers of a range, within reach."""
        return self.candidates(pairs, *pairs.of_number(number))

    def candidates(self, pairs: PairRange, a: Index, b: Index) -> CellPairs:
        """Return the pairs of the space among these in cell order, within reach."""
        squared = pairs.squared(a, b)
        keep = squared <= self.limit * self.limit * (1 + 1e-9)
        if pairs.within:  # one order of each pair, and each node with itself if it may
            keep &= (a <= b) if self.space.kind == "upper and diagonal" else (a < b)
        if not self.grid.half and self.space.left_out is not None:
            keep &= self.space.left_out[self.grid.source.order[a]] != self.grid.target.order[b]
        kept = np.flatnonzero(keep)
        dist = np.sqrt(squared[kept])
        return CellPairs(self.space, self.grid, (a, b), kept, {self.metric: dist})


class CellPairs(Candidates):
    """Pairs known by indices in cell order; few of them are ever asked for their nodes.

    `kept` are the numbers of those that are pairs of the space.
    """

    def __init__(
        self,
        space: PairSpace,
        grid: Grid,
        ends: tuple[Index, Index],
        kept: Index,
        distances: Distances,
    ) -> None:
        super().__init__(space, len(kept), distances)
        self._grid, self._ends, self.kept = grid, ends, kept

    def pairs(self, chosen: Index | None = None) -> tuple[Index, Index]:
        """Return source and target indices of the chosen candidates (all when None)."""
        which = self.kept if chosen is None else self.kept[chosen]
        a, b = (end[which] for end in self._ends)
        i, j = self._grid.source.order[a], self._grid.target.order[b]
        return (np.minimum(i, j), np.maximum(i, j)) if self._grid.half else (i, j)


def pairs_within(
    space: PairSpace, laws: PairLaws, reach: float | None = None
) -> Iterator[BlockValues]:
    """Evaluate the laws on all pairs they can connect (or on all within `reach`), in no order."""
    if not space.n_pairs:
        return
    ranges = DistanceRanges(space, laws, reach)
    for _, _, pairs in ranges:
        for a, b in pairs.all(CHUNK):
            yield laws.evaluate_on(ranges.candidates(pairs, a, b))


@dataclass
class _Visited:
    """Connected pairs: which, and how (-1 not, 0 forward, 1 both, 2 backward)."""

    pairs: ListedPairs
    how: npt.NDArray[np.int8]
    arg0: Values
    arg1: Values

    def values(self) -> BlockValues:
        """Return the pairs as laws evaluate them; what the probabilities were is forgotten."""
        return BlockValues(self.pairs, self.arg0, 1.0, self.arg1, 1.0)

    def directions(self) -> tuple[Index, Index]:
        """Return which pairs are connected forward, and backward."""
        return np.flatnonzero((self.how == 0) | (self.how == 1)), np.flatnonzero(self.how > 0)


def _decide(
    values: BlockValues,
    joint: Joint | None,
    q_bound: float,
    rng: np.random.Generator,
    clipping: Clipping,
    name: str,
) -> tuple[Index, npt.NDArray[np.int8]]:
    """Return which visited pairs to keep, with their real probability over the bound, and how."""
    candidates, p0, p1 = values.candidates, values.p0, values.p1
    u = rng.random(candidates.n)
    u *= q_bound
    # The probability of any connection, p0 + p1 - pr, is never above this sum.
    chosen = np.flatnonzero(u < p0 + p1)
    u, p0, p1 = u[chosen], taken(p0, chosen), taken(p1, chosen)
    pr: Values = 0.0
    if joint is not None:
        p1, pr = joint.to_draw(values, chosen, p0, p1, clipping)
    q = p0 + p1 - pr
    if np.any(q > q_bound * (1 + 1e-9)):
        k = int(np.argmax(q))
        raise ParameterError(
            f"bound of {name} gives at most {q_bound:.6g}, but the probability of "
            f"{candidates.describe(int(chosen[k]))} is {float(np.ravel(q)[k]):.6g}; correct the "
            "bound given to @vectorized: it must never be below the value."
        )
    how = (u >= p0 - pr).astype(np.int8)
    how += u >= p0
    if joint is None:
        return chosen, how
    kept = u < q
    return chosen[kept], how[kept]


def _visit(
    plan: Plan,
    streams: Callable[[int], np.random.Generator],
    clipping: Clipping,
    show_progress: bool,
) -> Iterator[_Visited]:
    """Visit the pairs range by range, each range with a generator of its own."""
    space, laws, joint = plan.space, background(plan.laws), background_joint(plan.joint)
    ranges: Iterable[tuple[int, float, int, Callable[[Index], Candidates]]]
    if laws.constant:
        block, (p0, p1) = PairBlock.whole(space), laws.constants()
        q = p0 if joint is None else min(1.0, p0 + p1)
        visits = block.n * q
        ranges = [(0, q, block.n, lambda number: ListedPairs(space, *block.of_rank(number)))]
    else:
        cells = DistanceRanges(space, laws)
        visits = cells.visits
        ranges = (
            (offset, q, pairs.total, functools.partial(cells.numbered, pairs))
            for offset, q, pairs in cells
        )
    with progress(visits, show_progress) as advance:
        for stream, q, total, candidates in ranges:
            rng = streams(stream)
            for number in skip(rng, q, total, CHUNK) if q > 0 else ():
                values = laws.evaluate_on(candidates(number))
                kept, how = _decide(values, joint, q, rng, clipping, laws.forward.name)
                found = ListedPairs(space, *values.candidates.pairs(kept))
                yield _Visited(found, how, taken(values.arg0, kept), taken(values.arg1, kept))
                advance(len(number))


def _all_visited(
    space: PairSpace, law: Law, rng: np.random.Generator, n_syn: SynapseCounts, show_progress: bool
) -> Drawn:
    """Connect all pairs that are visited, where one probability is all there is to know of them.

    The arrays are made in full length and filled: joining parts would take twice the memory.
    """
    block = PairBlock.whole(space)
    mean = block.n * law.p
    length = min(block.n, int(mean + 8 * math.sqrt(mean) + 16))  # enough, but for once in 1e14
    i = np.empty(length, dtype=index_dtype(len(space.source)))
    j = np.empty(length, dtype=index_dtype(len(space.target)))
    done = 0
    with progress(mean, show_progress) as advance:
        for number in skip(rng, law.p, block.n, CHUNK) if law.p > 0 else ():
            stop = done + len(number)
            if stop > len(i):
                i, j = np.resize(i, 2 * stop), np.resize(j, 2 * stop)
            i[done:stop], j[done:stop] = block.of_rank(number)
            done = stop
            advance(len(number))
    return Drawn([i[:done]], [j[:done]], [n_syn.value], [law.arg])


def draw(plan: Plan, rng: SharedGenerator, *, show_progress: bool = False) -> PairDraw:
    """Draw the edges of a plan, visiting only pairs that are likely enough.

    Parameters
    ----------
    plan : Plan
        With laws for which ``why_not`` is None. Functions that count synapses are called for
        connected pairs, in pair order.
    rng : Generator or RandomState
        128 bits are taken from it, as the root of all streams of the draw.
    show_progress : bool

    Notes
    -----
    Time and memory O(edges), of the connector that the laws depend on as well.
    """
    space, laws, joint, n_syn = plan.space, plan.laws, plan.joint, plan.n_syn
    # By number, so that no range depends on how much the ones before it drew.
    streams = randomness.streams(rng, STREAM_VERSION)
    result = PairDraw(visited_only=True)
    if not space.n_pairs:
        return result
    called = any(callable(each.value) for each in n_syn)
    equal = joint is None and laws.constant and not callable(laws.forward.arg)
    if equal and not called and n_syn[0].value:
        result.forward = _all_visited(space, laws.forward, streams(0), n_syn[0], show_progress)
        return result
    special, found = None, listed(laws, space)
    if found is not None:  # their law is not the background's: all are decided on, one by one
        values, rng = laws.evaluate_on(found), streams(LISTED)
        kept, decided = _decide(values, joint, 1.0, rng, result.clipping, laws.forward.name)
        special = _Visited(found, np.full(found.n, -1, dtype=np.int8), values.arg0, values.arg1)
        special.how[kept] = decided
    parts = _visit(plan, streams, result.clipping, show_progress)
    result.in_order = laws.constant
    if special is not None or called:
        result.in_order = True
        parts = iter(_in_order(space, list(parts), special))
    for part in parts:
        values, chosen = part.values(), part.directions()
        counts = count_synapses(values, chosen, n_syn)
        collect(result, values, chosen, counts)
    return result


def _in_order(space: PairSpace, parts: list[_Visited], special: _Visited | None) -> list[_Visited]:
    """Return all connected pairs in order; where a pair has a law of its own, that counts."""
    parts = [*parts, special] if special is not None else parts
    if not parts:
        return []
    shape = (len(space.source), len(space.target))
    lengths = [part.pairs.n for part in parts]
    i, j = (np.concatenate([getattr(part.pairs, name) for part in parts]) for name in "ij")
    columns = [np.concatenate([part.how for part in parts])]
    columns += [
        joined([getattr(part, name) for part in parts], lengths) for name in ("arg0", "arg1")
    ]
    own = np.repeat([part is special for part in parts], lengths)
    parts.clear()
    i, j, columns = sort_pairs(i, j, shape, (*columns, own))
    *columns, own = columns
    # Listed pairs come last, so the sort, which is stable, leaves a drawn one right before.
    twice = np.roll(own & ~is_first(i, j), -1)
    keep = np.flatnonzero(~twice & (columns[0] >= 0))
    how, arg0, arg1 = (taken(column, keep) for column in columns)
    return [_Visited(ListedPairs(space, i[keep], j[keep]), how, arg0, arg1)]
