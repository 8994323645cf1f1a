"""Pairs in tiles, each of which is drawn with a stream of its own.

A tile is a range of targets where all pairs share one law, and a run of source cells where the
law is one of distance. Which pairs are in a tile, and in which order they are visited, belongs to
the definition of the random stream; in which order the tiles are drawn does not matter.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmtool_connectors import vectorization
from bmtool_connectors.arrays import (
    Flags,
    FloatArray,
    Index,
    bunches,
    is_first,
    places_in_ranges,
    ranges,
)
from bmtool_connectors.distances import Metric
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.candidates import Candidates, Distances, ListedPairs
from bmtool_connectors.sampling.frame import CellChoice, ChooseEdge, choose_edge
from bmtool_connectors.sampling.grid import Grid
from bmtool_connectors.sampling.laws import Law, PairLaws

#: Pairs visited at a time: what is done with them stays in the cache.
CHUNK = 1 << 16
#: Pairs that are visited in a tile, and pairs of cells that are looked at: about that many.
TILE, TILE_CELLS = 1 << 21, 1 << 17
#: Bound of the probability from which on all pairs are visited: skipping would take longer.
NEARLY_ALL = 0.7


def skip(rng: np.random.Generator, q: float, total: int) -> Iterator[Index]:
    """Yield ascending numbers below `total`, each visited with probability `q` by itself.

    Parameters
    ----------
    rng : Generator
    q : float
        In (0, 1].
    total : int

    Notes
    -----
    Gaps between visited numbers are geometric: floor(E / -log(1 - q)) + 1 with E exponential.
    """
    with np.errstate(divide="ignore"):
        rate = -np.log1p(-q)  # infinite for q = 1: every number
    last = -1
    while last < total - 1:
        left = (total - 1 - last) * q
        gaps = rng.standard_exponential(min(CHUNK, int(left + 6 * math.sqrt(left) + 16)))
        gaps /= rate
        # No gap needs to be longer than the range, and sums of long ones could overflow.
        np.minimum(gaps, total, out=gaps)
        visited = gaps.astype(np.int64)
        visited += 1
        visited[0] += last
        np.cumsum(visited, out=visited)
        last = int(visited[-1])
        if last >= total:
            visited = visited[: np.searchsorted(visited, total)]
        yield visited


class EqualTiles:
    """All pairs of a space, each visited with one probability; a tile is a range of targets.

    Parameters
    ----------
    space : PairSpace
    q : float
        The probability.

    Attributes
    ----------
    visits : float
        Pairs that are visited, on average.
    """

    def __init__(self, space: PairSpace, q: float) -> None:
        self.space, self.q, self.visits = space, q, q * space.n_pairs
        n, m = len(space.source), len(space.target)
        targets = np.arange(m)
        # Of each target, the source that is no pair with it (n: none), and its pairs.
        self._hole = np.full(m, n)
        sizes = np.full(m, n) if space.kind == "all" else targets
        if space.kind == "upper and diagonal":
            sizes = targets + 1
        elif space.left_out is not None:
            rows = np.flatnonzero(space.left_out >= 0)
            self._hole[space.left_out[rows]] = rows
            sizes = sizes - (self._hole < n)
        self._ends = np.cumsum(sizes)
        self._starts = self._ends - sizes
        self._is_full = space.kind == "all" and space.left_out is None
        tile = self._starts * (q / TILE) // 1
        self._bounds = np.append(np.flatnonzero(is_first(tile)), m)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def numbers(self, tile: int, rng: np.random.Generator) -> Iterator[tuple[Index, Index]]:
        """Yield indices of source and target of visited pairs, by target, then source."""
        first, stop = self._bounds[tile : tile + 2].tolist()
        start = int(self._starts[first])
        total = int(self._ends[stop - 1]) - start
        for number in skip(rng, self.q, total) if self.q > 0 else ():
            if self._is_full:
                target = number // len(self.space.source)
                number -= target * len(self.space.source)
                yield number, target + first
            elif len(number):
                number += start
                target = places_in_ranges(self._ends, number)
                number -= self._starts[target]
                number += number >= self._hole[target]
                yield number, target

    def visited(self, tile: int, rng: np.random.Generator) -> Iterator[tuple[Candidates, float]]:
        """Yield visited pairs, and the probability with which they are."""
        for i, j in self.numbers(tile, rng):
            yield ListedPairs(self.space, i, j), self.q


def common_metric(laws: PairLaws) -> Metric:
    """Return the metric whose distance is never above those of the laws, of which some have one."""
    varying = (law.metric for law in laws.both() if not law.is_constant)
    return functools.reduce(Metric.common, (each for each in varying if each is not None))


@dataclass(frozen=True)
class Bound:
    """The greatest probability of any connection that laws give at distances by a metric.

    Attributes
    ----------
    laws : PairLaws
    metric : Metric
    reach : float, um, optional
        All pairs within that distance count as connected, whatever the laws say.
    """

    laws: PairLaws
    metric: Metric
    reach: float | None = None

    def __call__(self, least: FloatArray, greatest: FloatArray) -> FloatArray:
        """Return the bound for distances between `least` and `greatest`, um."""
        if self.reach is not None:
            return (least <= self.reach).astype(float)
        laws = self.laws
        total: Any = sum(self._of_one(law, least, greatest) for law in laws.both())
        if laws.backward is not None and laws.same_p:
            total *= 2
        return np.asarray(np.minimum(total, 1.0))

    def _of_one(self, law: Law, least: FloatArray, greatest: FloatArray) -> Any:
        if not law.is_constant and law.metric != self.metric:
            # A distance along more axes is at least that along fewer, without a greatest value.
            greatest = np.full(np.shape(greatest), np.inf)
        return vectorization.bound_of(law.p, least, greatest, law.name)

    def cells(self, space: PairSpace, choose: ChooseEdge) -> CellChoice:
        """Return the edge of the cells for the pairs of a space."""
        ends, half = (space.source, space.target), space.kind != "all"
        return choose(*ends, self.metric, self, half, self._known_reach)

    @property
    def _known_reach(self) -> float | None:
        """The greatest distance with a bound above 0, if the laws tell it."""
        if self.reach is not None:
            return self.reach
        limits = [law.reach() for law in self.laws.both()]
        known = [each[1] for each in limits if each is not None]
        return max(known) if len(known) == len(limits) else None


class CellTiles:
    """The pairs that laws of distance can connect; a tile is a run of source cells.

    Each pair is visited with a probability that bounds that of any connection: one for all pairs
    of cells at an offset.

    Parameters
    ----------
    space : PairSpace
    laws : PairLaws
        Some of them functions of a distance, with bounds.
    reach : float, um, optional
        Pairs within that distance count, whatever the laws say, and all of them are visited.
    choose : callable
        Chooses the edge of cells.

    Attributes
    ----------
    edge, limit : float, um
        Of cells; the greatest distance that matters.
    visits : float
        Pairs that are visited, on average, if the nodes were spread evenly.
    """

    def __init__(
        self,
        space: PairSpace,
        laws: PairLaws,
        reach: float | None = None,
        choose: ChooseEdge | None = None,
    ) -> None:
        self.space = space
        self.metric = common_metric(laws)
        half = space.kind != "all"
        bound = Bound(laws, self.metric, reach)
        choice = bound.cells(space, choose or choose_edge)
        self.edge, self.limit, self.visits = choice.edge, choice.reach, choice.visits
        self.grid = grid = Grid(
            space.source, space.target, self.metric, choice.edge, self.limit, half
        )
        q = bound(grid.least, grid.most)
        grid.keep(q > 0)
        self.q = q[q > 0]
        self._all = self.q >= NEARLY_ALL
        self._rate = np.where(self._all, 0.0, -np.log1p(-np.minimum(self.q, NEARLY_ALL)))
        # As many cells as have so many pairs, or visits, in a tile: of each, what comes before.
        nodes = grid.source.first / len(space.source)
        work = np.arange(len(grid.source.key)) * (len(self.q) / TILE_CELLS)
        tile = np.maximum(work // 1, nodes * (self.visits / TILE) // 1)
        self._bounds = np.append(np.flatnonzero(is_first(tile)), len(tile))

    def __len__(self) -> int:
        return len(self._bounds) - 1 if len(self.q) else 0

    def visited(
        self, tile: int, rng: np.random.Generator
    ) -> Iterator[tuple[CellPairs, FloatArray | float]]:
        """Yield visited pairs, and the probability with which they are."""
        for start, stop in self.grid.runs(*self._bounds[tile : tile + 2].tolist()):
            cells = CellPairList(self.grid, start, stop)
            for pairs, a, b, once in skip_through(rng, cells, self._rate[cells.offset]):
                found = self.within_reach(cells, pairs, a, b, once)
                yield found, self.q.take(cells.offset.take(pairs.take(found.kept)))
            if self._all.any():
                for pairs, a, b in cells.every(np.flatnonzero(self._all[cells.offset])):
                    yield self.within_reach(cells, pairs, a, b), 1.0

    def every(self) -> Iterator[CellPairs]:
        """Yield all pairs within reach."""
        for start, stop in self.grid.runs(0, len(self.grid.source.key)):
            cells = CellPairList(self.grid, start, stop)
            for pairs, a, b in cells.every(np.arange(len(cells.size))):
                yield self.within_reach(cells, pairs, a, b)

    def within_reach(
        self, cells: CellPairList, pairs: Index, a: Index, b: Index, some: Flags | None = None
    ) -> CellPairs:
        """Return which pairs of nodes, in pairs of cells, are pairs of the space within reach."""
        grid = self.grid
        # A gather by `take` costs half of one by brackets.
        first, second = grid.source.points, grid.target.points
        squared = grid.metric.squared((p.take(a) for p in first), (p.take(b) for p in second))
        keep = squared <= self.limit * self.limit * (1 + 1e-9)
        if some is not None:
            keep &= some
        if grid.half:  # where pairs come twice, one order of each pair of nodes is left out
            ordered = (a <= b) if self.space.kind == "upper and diagonal" else (a < b)
            keep &= ordered | ~cells.alone.take(pairs)
        elif self.space.left_out is not None:
            keep &= self.space.left_out[grid.source.order[a]] != grid.target.order[b]
        kept = np.flatnonzero(keep)
        dist = squared.take(kept)
        known = {self.metric: np.sqrt(dist, out=dist)}
        return CellPairs(self.space, grid, (a, b), kept, squared, known)


class CellPairList:
    """The pairs of cells from a run of source cells on, and the pairs of nodes in them."""

    def __init__(self, grid: Grid, start: int, stop: int) -> None:
        source, target, self.offset = grid.cell_pairs(start, stop)
        self.height, self.width = grid.source.count[source], grid.target.count[target]
        self.size = self.height * self.width
        # In cell order, the first node of each.
        self.first_source, self.first_target = grid.source.first[source], grid.target.first[target]
        self.alone = grid.alone[self.offset]

    def every(self, chosen: Index) -> Iterator[tuple[Index, Index, Index]]:
        """Yield all pairs of nodes of some pairs of cells, a few at a time, in cell order."""
        for start, stop in bunches(self.size[chosen], CHUNK):
            some = chosen[start:stop]
            size = self.size[some]
            pairs, number = np.repeat(some, size), ranges(np.zeros_like(size), size)
            width = self.width.take(pairs)
            a = number // width
            b = number - a * width
            yield pairs, a + self.first_source.take(pairs), b + self.first_target.take(pairs)


def skip_through(
    rng: np.random.Generator, cells: CellPairList, rate: FloatArray
) -> Iterator[tuple[Index, Index, Index, Flags]]:
    """Yield pairs of cells and pairs of nodes in them, in cell order, each visited by itself.

    The flags tell which pairs of nodes stand there for the first time.

    Parameters
    ----------
    rng : Generator
    cells : CellPairList
    rate : ndarray of float, shape (n,)
        ``-log(1 - q)`` of each pair of cells, of whose pairs each is visited with probability q.

    Notes
    -----
    Each pair of nodes is an interval of a line, as long as its rate. Events of a Poisson process
    with rate 1 leave an interval empty with probability 1 - q, and intervals are independent. So
    pairs with different probabilities are gone through at once.
    """
    row = rate * cells.width  # the pairs of one source node
    length = row * cells.height
    ends = np.cumsum(length)
    starts = ends - length
    total = float(ends[-1]) if len(ends) else 0.0
    last_row, last_column = cells.height - 1, cells.width - 1
    place, last = 0.0, (-1, -1)
    while place < total:
        left = total - place
        events = rng.standard_exponential(min(CHUNK, int(left + 6 * math.sqrt(left) + 16)))
        events[0] += place
        np.cumsum(events, out=events)
        place = float(events[-1])
        if place >= total:
            events = events[: np.searchsorted(events, total)]
            if not len(events):
                return
        pairs = places_in_ranges(ends, events)
        # In which row an event is, and how far along it; rounding may lead to one row too many.
        events -= starts.take(pairs)
        events /= row.take(pairs)
        a = events.astype(np.int64)
        np.minimum(a, last_row.take(pairs), out=a)
        events -= a
        events *= cells.width.take(pairs)
        b = events.astype(np.int64)
        np.minimum(b, last_column.take(pairs), out=b)
        a += cells.first_source.take(pairs)
        b += cells.first_target.take(pairs)
        once = is_first(a, b)
        once[0] = (a[0], b[0]) != last
        last = int(a[-1]), int(b[-1])
        yield pairs, a, b, once


class CellPairs(Candidates):
    """Pairs known by indices in cell order; few of them are ever asked for their nodes.

    `kept` are the numbers of those that are pairs of the space, `squared` the squared distances of
    all, um^2.
    """

    def __init__(
        self,
        space: PairSpace,
        grid: Grid,
        ends: tuple[Index, Index],
        kept: Index,
        squared: FloatArray,
        distances: Distances,
    ) -> None:
        super().__init__(space, len(kept), distances)
        self._grid, self._ends, self.kept, self.squared = grid, ends, kept, squared

    def pairs(self, chosen: Index | None = None) -> tuple[Index, Index]:
        """Return source and target indices of the chosen candidates (all when None)."""
        which = self.kept if chosen is None else self.kept.take(chosen)
        a, b = (end.take(which) for end in self._ends)
        i, j = self._grid.source.order.take(a), self._grid.target.order.take(b)
        return (np.minimum(i, j), np.maximum(i, j)) if self._grid.half else (i, j)
