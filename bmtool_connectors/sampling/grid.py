"""Nodes in a grid of cells, and pairs of cells by their offset.

All pairs of nodes whose cells differ by one offset form one range of numbers;
their distances lie between bounds that hold for the whole range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bmtool_connectors.arrays import (
    Flags,
    FloatArray,
    Index,
    IntArray,
    index_dtype,
    is_first,
    ranges,
)
from bmtool_connectors.distances import Metric
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.frame import Frame, combinations, offsets_within

#: An upper bound of the probability of any connection at distances in [least, greatest].
Bound = Callable[[FloatArray, FloatArray], FloatArray]

#: What the choice of the cell edge weighs, ns: a candidate, a pair of cells, an offset. They
#: decide which edge is taken, and so belong to the definition of the random stream.
COSTS = np.array([55.0, 90.0, 40_000.0])
#: Edges that are tried, as fractions of the reach.
FRACTIONS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
MAX_OFFSETS = 200_000
#: Pairs of cells that are looked up together: fewer calls, but still in the cache.
GROUP = 1 << 17
#: Cells up to which a table of all cells is made; beyond, occupied ones are searched.
MAX_TABLE = 1 << 24


@dataclass(frozen=True)
class Cells:
    """The nodes of one pool, sorted by cell.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Index into the pool of each node in cell order.
    key, first, count : ndarray of int, shape (n_cells,)
        Of each occupied cell: its number, its first node in cell order, how many.
    points : ndarray of float, shape (n_axes, n)
        Coordinates in cell order, um.
    """

    order: Index
    key: Index
    first: Index
    count: Index
    points: FloatArray


class Grid:
    """A grid of boxes, near to cubes (or squares), over two pools.

    Parameters
    ----------
    source, target : NodeArrays
        The pools, with positions.
    metric : Metric
        Of the distance.
    edge : float, um
        Upper limit; each axis is cut into a whole number of cells that are not longer.
    reach : float, um
        Greatest distance that matters.
    half : bool
        Whether source and target are one and pairs have no order.
    """

    def __init__(
        self,
        source: NodeArrays,
        target: NodeArrays,
        metric: Metric,
        edge: float,
        reach: float,
        half: bool,
    ) -> None:
        self.metric, self.half = metric, half
        self.frame = Frame.around(source, target, metric).without_gaps(source, target, reach)
        self.dims, self.edges = self.frame.cut(edge)
        self.greatest = self.frame.greatest_offset(self.dims, self.edges, reach)
        # Room on both sides: adding an offset never leads into another row of cells. Along a
        # periodic axis the images of the cells at the other end stand there.
        self._padded = self.dims + 2 * self.greatest
        self.source = self._cells(source)
        self.target = self.source if target is source else self._cells(target)
        self._keys, self._cell_of_key = self._images(self.target.key)
        n_cells = math.prod(int(n) for n in self._padded)
        self._table = None
        if n_cells <= MAX_TABLE:
            self._table = np.full(n_cells, -1, dtype=np.int32)
            self._table[self._keys] = self._cell_of_key

    def _cells(self, nodes: NodeArrays) -> Cells:
        assert nodes.positions is not None
        points = np.stack(self.metric.coordinates(nodes.positions))
        cell = np.floor(self.frame.in_box(points) / self.edges[:, None]).astype(np.int64)
        cell = np.minimum(cell, self.dims[:, None] - 1) + self.greatest[:, None]
        key = np.zeros(len(nodes), dtype=np.int64)
        for axis, n in enumerate(self._padded.tolist()):
            key = key * n + cell[axis]
        order = np.argsort(key, kind="stable")
        key = key[order]
        new = np.flatnonzero(is_first(key))
        count = np.diff(np.concatenate([new, [len(key)]]))
        points = np.ascontiguousarray(points[:, order])
        return Cells(order.astype(index_dtype(len(order))), key[new], new, count, points)

    def _images(self, key: Index) -> tuple[Index, Index]:
        """Return the numbers of occupied cells and of all their images, with the cell of each."""
        cells: Index = np.arange(len(key))
        stride: int = 1
        axes = zip(self.frame.is_periodic, self.dims.tolist(), self.greatest.tolist(), strict=True)
        for is_periodic, n, room in reversed(list(axes)):
            if is_periodic and room:
                along = key // stride % (n + 2 * room)
                before, after = along >= n, along < 2 * room
                key = np.concatenate([key[before] - n * stride, key, key[after] + n * stride])
                cells = np.concatenate([cells[before], cells, cells[after]])
            stride *= n + 2 * room
        order = np.argsort(key, kind="stable")
        return key[order], cells[order]

    def offsets(self) -> tuple[IntArray, Flags]:
        """Return the offsets of target cells from source cells, one of each pair if unordered.

        Returns
        -------
        offsets : ndarray of int, shape (m, n_axes)
        alone : ndarray of bool, shape (m,)
            Which lead back to where they started when taken twice.
        """
        # Half the way around is one offset, not two.
        around = self.frame.is_periodic & (2 * self.greatest == self.dims)
        return offsets_within(self.greatest, around, self.half)

    def cell_pairs(self, offsets: Index) -> tuple[Index, Index]:
        """Return the pairs of occupied cells (numbers into source and target) at some offsets.

        Parameters
        ----------
        offsets : ndarray of int, shape (m, n_axes)
        """
        steps: Index = np.zeros(len(offsets), dtype=np.int64)
        for axis, n in enumerate(self._padded.tolist()):
            steps = steps * n + offsets[:, axis]
        keys = (self.source.key + steps[:, None]).ravel()
        if self._table is not None:
            found: Index = self._table[keys]
        else:
            found = np.searchsorted(self._keys, keys)
            found = np.minimum(found, len(self._keys) - 1)
            found = np.where(self._keys[found] == keys, self._cell_of_key[found], -1)
        here = np.flatnonzero(found >= 0)
        return here % len(self.source.key), found[here]

    def groups(self, bound: Bound) -> Iterator[tuple[int, float, Index, bool]]:
        """Yield offsets with one bound, a few at a time.

        Those with a bound of 0 are left out.

        Yields
        ------
        number, q, offsets
            Of the first offset; the bound; ndarray of int, shape (m, n_axes).
        twice : bool
            Whether pairs without order come twice in them.
        """
        offsets, alone = self.offsets()
        least, most = self.frame.distance_bounds(offsets, self.edges)
        q = bound(least, most)
        order = np.lexsort((most, least))
        order = order[q[order] > 0]
        # Equal distances stay together, whatever the last bit of an exponential says.
        new = (np.diff(least[order]) != 0) | (np.diff(most[order]) != 0)
        new &= np.diff(q[order]) != 0
        if self.half:  # pairs within a cell, or half around, need care: such offsets stand alone
            new |= alone[order[1:]] | alone[order[:-1]]
        together = max(1, GROUP // len(self.source.key))
        for run in np.split(order, np.flatnonzero(new) + 1):
            for start in range(0, len(run), together):
                some = run[start : start + together]
                twice = self.half and bool(alone[some[0]])
                yield int(some[0]), float(q[some].max()), offsets[some], twice


class PairRange:
    """All pairs of nodes at some offsets of cells, numbered 0 .. total - 1."""

    def __init__(self, grid: Grid, offsets: Index, twice: bool) -> None:
        self.grid = grid
        self._source, target = grid.cell_pairs(offsets)
        self._width = grid.target.count[target]
        self._first_source = grid.source.first[self._source]
        self._first_target = grid.target.first[target]
        sizes = grid.source.count[self._source] * self._width
        self._ends = np.cumsum(sizes)
        self._starts = self._ends - sizes
        self.total = int(self._ends[-1]) if len(sizes) else 0
        # Within a cell of one population each unordered pair comes twice, and each node with
        # itself: one order is left out.
        self.within = twice

    def of_number(self, number: Index) -> tuple[Index, Index]:
        """Return source and target indices, in cell order, of ascending pair numbers."""
        # Look up the fewer in the more; only the cells between the first and the last count.
        least, most = np.searchsorted(self._ends, number[[0, -1]], side="right")
        ends = self._ends[least:most]
        if len(ends) > len(number):
            cells = np.searchsorted(ends, number, side="right")
        else:
            counts = np.diff(np.searchsorted(number, ends), prepend=0, append=len(number))
            cells = np.repeat(np.arange(len(counts)), counts)
        cells += least
        rest = number - self._starts[cells]
        width = self._width[cells]
        a = rest // width
        b = rest - a * width
        a += self._first_source[cells]
        b += self._first_target[cells]
        return a, b

    def all(self, most: int) -> Iterator[tuple[Index, Index]]:
        """Yield the indices of all pairs, `most` at a time or as many as one pair of cells has."""
        start = 0
        while start < len(self._ends):
            stop = int(np.searchsorted(self._ends, self._starts[start] + most, side="right"))
            stop = max(stop, start + 1)
            height = self.grid.source.count[self._source[start:stop]]
            # Each source node of a cell with the run of all target nodes of the other.
            rows = ranges(self._first_source[start:stop], height)
            width = np.repeat(self._width[start:stop], height)
            first = np.repeat(self._first_target[start:stop], height)
            yield np.repeat(rows, width), ranges(first, width)
            start = stop

    def squared(self, a: Index, b: Index) -> FloatArray:
        """Return squared distances of nodes by their indices in cell order, um^2."""
        source, target = self.grid.source.points, self.grid.target.points
        return self.grid.metric.squared((p[a] for p in source), (q[b] for q in target))


def reach_of(bound: Bound, extent: float) -> float:
    """Return a distance beyond which the bound is 0, at most the extent of the network."""
    tried = np.concatenate([[0.0], extent * 2.0 ** -np.arange(0, 40, 0.25)[::-1]])
    for _ in range(3):
        beyond = bound(tried, np.full(len(tried), np.inf)) <= 0
        if not beyond.any():
            return extent
        k = int(np.argmax(beyond))
        tried = np.linspace(tried[max(k - 1, 0)], tried[k], 64)
    return float(tried[-1])


@dataclass(frozen=True)
class CellChoice:
    """How long a cell should be, and what that means.

    Attributes
    ----------
    edge, reach : float, um
        Of a cell; the greatest distance that matters.
    visits : float
        Pairs that are visited, on average.
    """

    edge: float
    reach: float
    visits: float


def choose_edge(
    source: NodeArrays, target: NodeArrays, metric: Metric, bound: Bound, half: bool
) -> CellChoice:
    """Return the cell edge with the least expected cost.

    The expectation takes both pools as spread evenly over their common box: the answer depends
    on numbers, box and law only.
    """
    frame = Frame.around(source, target, metric)
    diagonal = frame.diagonal
    if diagonal == 0:
        return CellChoice(1.0, 0.0, len(source) * len(target))
    reach = reach_of(bound, diagonal)
    frame = frame.without_gaps(source, target, reach)
    diagonal = frame.diagonal

    def work(edge: float) -> FloatArray:
        """Return how many candidates, pairs of cells and offsets an edge makes, on average."""
        dims, edges = frame.cut(edge)
        greatest = frame.greatest_offset(dims, edges, reach)
        if math.prod((2 * greatest + 1).tolist()) > MAX_OFFSETS:
            return np.full(3, np.inf)
        # One offset stands for all that differ from it in signs.
        offsets = combinations([np.arange(n + 1) for n in greatest.tolist()])
        q = np.minimum(bound(*frame.distance_bounds(offsets, edges)), 1.0)
        offsets, q = offsets[q > 0], q[q > 0]
        half_around = frame.is_periodic & (2 * offsets == dims)
        times = 2.0 ** np.count_nonzero((offsets != 0) & ~half_around, axis=1)
        if half:
            times[offsets.any(axis=1)] /= 2
        # Share of the cells that have a partner at the offset, and of the pairs of nodes.
        share = times * np.where(frame.is_periodic, 1.0, (dims - offsets) / dims).prod(axis=1)
        n_cells = math.prod(dims.tolist())
        occupied = n_cells * -math.expm1(-len(source) / n_cells)
        candidates = len(source) * len(target) / n_cells * float((share * q).sum())
        return np.array([candidates, occupied * float(share.sum()), times.sum()])

    best, choice = math.inf, CellChoice(reach, reach, 0.0)
    for fraction in FRACTIONS:
        edge = max(reach / fraction, diagonal / 2**20)
        counts = work(edge)
        costs = counts * COSTS
        if costs.sum() < best:
            best, choice = float(costs.sum()), CellChoice(edge, reach, float(counts[0]))
        elif costs[1:].sum() > best:
            break  # smaller cells have fewer candidates, but more of all else
    return choice


def skip(rng: np.random.Generator, q: float, total: int, chunk: int) -> Iterator[Index]:
    """Yield ascending numbers below `total`, each visited with probability `q` by itself.

    Parameters
    ----------
    rng : Generator
    q : float
        In (0, 1].
    total : int
    chunk : int
        Numbers per yield, at most.

    Notes
    -----
    Gaps between visited numbers are geometric: floor(E / -log(1 - q)) + 1 with E exponential.
    """
    with np.errstate(divide="ignore"):
        rate = -np.log1p(-q)  # infinite for q = 1: every number
    last = -1
    while last < total - 1:
        left = (total - 1 - last) * q
        n = min(chunk, int(left + 6 * math.sqrt(left) + 16))
        gaps = rng.standard_exponential(n)
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
        if len(visited):
            yield visited
