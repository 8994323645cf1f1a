"""Nodes in a grid of cells, and pairs of cells by their offset.

All pairs of nodes whose cells differ by one offset form one range of numbers;
their distances lie between bounds that hold for the whole range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bmtool_connectors.edges import index_dtype
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.blocks import Index

FloatArray = npt.NDArray[np.float64]
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
#: By how much of a distance its bounds are wider than the cells say.
SLACK = 1e-9
#: Cells up to which a table of all cells is made; beyond, occupied ones are searched.
MAX_TABLE = 1 << 24


@dataclass(frozen=True)
class Cells:
    """The nodes of one pool, sorted by cell.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Position in the pool of each node in cell order.
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
    axes : tuple of int
        Axes of the distance.
    edge : float, um
        Wanted; each axis is cut into a whole number of cells not longer than that.
    reach : float, um
        Greatest distance that matters.
    half : bool
        Whether source and target are one and pairs have no order.
    """

    def __init__(
        self,
        source: NodeArrays,
        target: NodeArrays,
        axes: tuple[int, ...],
        edge: float,
        reach: float,
        half: bool,
    ) -> None:
        self.axes, self.half = axes, half
        self.low, extent = _box(source, target, axes)
        self.dims, self.edges = cut(extent, edge)
        self.greatest = _greatest_offset(self.dims, self.edges, reach)
        # Room on both sides: adding an offset never wraps into another row of cells.
        self._padded = self.dims + 2 * self.greatest
        self.source = self._cells(source)
        self.target = self.source if target is source else self._cells(target)
        n_cells = math.prod(int(n) for n in self._padded)
        self._table = None
        if n_cells <= MAX_TABLE:
            self._table = np.full(n_cells, -1, dtype=np.int32)
            self._table[self.target.key] = np.arange(len(self.target.key))

    def _cells(self, nodes: NodeArrays) -> Cells:
        assert nodes.positions is not None
        points = np.ascontiguousarray(nodes.positions[:, list(self.axes)].T)
        cell = np.floor((points - self.low[:, None]) / self.edges[:, None]).astype(np.int64)
        cell = np.minimum(cell, self.dims[:, None] - 1) + self.greatest[:, None]
        key = np.zeros(len(nodes), dtype=np.int64)
        for axis, n in enumerate(self._padded.tolist()):
            key = key * n + cell[axis]
        order = np.argsort(key, kind="stable")
        key = key[order]
        new = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        count = np.diff(np.concatenate([new, [len(key)]]))
        points = np.ascontiguousarray(points[:, order])
        return Cells(order.astype(index_dtype(len(order))), key[new], new, count, points)

    def offsets(self) -> npt.NDArray[np.int64]:
        """Return the offsets of target cells from source cells, one of each pair if unordered."""
        return offsets_within(self.greatest, self.half)

    def cell_pairs(self, offsets: Index) -> tuple[Index, Index]:
        """Return the pairs of occupied cells (numbers into source and target) at some offsets.

        Parameters
        ----------
        offsets : ndarray of int, shape (m, n_axes)
        """
        steps: Index = np.zeros(len(offsets), dtype=np.int64)
        for axis, n in enumerate(self._padded.tolist()):
            steps = steps * n + offsets[:, axis]
        wanted = (self.source.key + steps[:, None]).ravel()
        if self._table is not None:
            found: Index = self._table[wanted]
        else:
            found = np.searchsorted(self.target.key, wanted)
            found = np.minimum(found, len(self.target.key) - 1)
            found = np.where(self.target.key[found] == wanted, found, -1)
        here = np.flatnonzero(found >= 0)
        return here % len(self.source.key), found[here]

    def groups(self, bound: Bound) -> Iterator[tuple[int, float, Index]]:
        """Yield offsets with one bound, a few at a time: number of the first, bound, offsets.

        Those with a bound of 0 are left out.
        """
        offsets = self.offsets()
        least, most = distance_bounds(offsets, self.edges)
        q = bound(least, most)
        order = np.lexsort((most, least))
        order = order[q[order] > 0]
        # Equal distances stay together, whatever the last bit of an exponential says.
        new = (np.diff(least[order]) != 0) | (np.diff(most[order]) != 0)
        new &= np.diff(q[order]) != 0
        if self.half:  # pairs within a cell need care: that offset stands alone
            alone = np.count_nonzero(offsets[order], axis=1) == 0
            new |= alone[1:] | alone[:-1]
        together = max(1, GROUP // len(self.source.key))
        for run in np.split(order, np.flatnonzero(new) + 1):
            for start in range(0, len(run), together):
                some = run[start : start + together]
                yield int(some[0]), float(q[some].max()), offsets[some]


class PairRange:
    """All pairs of nodes at some offsets of cells, numbered 0 .. total - 1."""

    def __init__(self, grid: Grid, offsets: Index) -> None:
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
        self.within = grid.half and not np.any(offsets)

    def of_number(self, number: Index) -> tuple[Index, Index]:
        """Return source and target places, in cell order, of ascending pair numbers."""
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
        """Yield the places of all pairs, `most` at a time or as many as one pair of cells has."""
        start = 0
        while start < len(self._ends):
            stop = int(np.searchsorted(self._ends, self._starts[start] + most, side="right"))
            stop = max(stop, start + 1)
            height = self.grid.source.count[self._source[start:stop]]
            # Each source node of a cell with the run of all target nodes of the other.
            rows = _runs(self._first_source[start:stop], height)
            width = np.repeat(self._width[start:stop], height)
            first = np.repeat(self._first_target[start:stop], height)
            yield np.repeat(rows, width), _runs(first, width)
            start = stop

    def squared(self, a: Index, b: Index) -> FloatArray:
        """Return squared distances of places in cell order, um^2."""
        total = np.zeros(len(a))
        for p, q in zip(self.grid.source.points, self.grid.target.points, strict=True):
            step = p[a]
            step -= q[b]
            step *= step
            total += step
        return total


def _runs(first: Index, length: Index) -> Index:
    """Return first, first + 1, ... of each run, one run after the other."""
    ends = np.cumsum(length)
    total = int(ends[-1]) if len(ends) else 0
    run: Index = np.arange(total) + np.repeat(first - ends + length, length)
    return run


def _box(
    source: NodeArrays, target: NodeArrays, axes: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Return the lower corner and the extent of the box around both pools."""
    low = np.minimum(source.box[0], target.box[0])
    high = np.maximum(source.box[1], target.box[1])
    return low[list(axes)], (high - low)[list(axes)]


def cut(extent: FloatArray, edge: float) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return into how many cells each axis is cut, and how long they are, um."""
    dims = np.maximum(np.ceil(extent / edge), 1).astype(np.int64)
    return dims, np.where(extent > 0, extent, edge) / dims


def _greatest_offset(dims: Index, edges: FloatArray, reach: float) -> npt.NDArray[np.int64]:
    limit = np.ceil(np.minimum(reach / edges, 2.0**40)).astype(np.int64)
    greatest: npt.NDArray[np.int64] = np.minimum(dims - 1, limit)
    return greatest


def offsets_within(greatest: Index, half: bool) -> npt.NDArray[np.int64]:
    """Return all offsets up to `greatest` in each axis, shape (m, n_axes); half: zero or up."""
    offsets = _grid_of([np.arange(-n, n + 1) for n in greatest.tolist()])
    # In lexicographic order the opposite of an offset stands mirrored; the middle one is zero.
    return offsets[len(offsets) // 2 :] if half else offsets


def _grid_of(ranges: list[Index]) -> Index:
    """Return all combinations, in lexicographic order, shape (m, n_axes)."""
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(ranges))


def distance_bounds(offsets: Index, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest distance of points in cells at these offsets, um."""
    least, most = np.zeros((2, len(offsets)))
    for steps, edge in zip(np.abs(offsets).T, edges.tolist(), strict=True):
        least += (np.maximum(steps - 1, 0) * edge) ** 2
        most += ((steps + 1) * edge) ** 2
    least, most = np.sqrt(least), np.sqrt(most)
    # Rounding may put a node on the border into either cell: no law may end in between.
    return least * (1 - SLACK), most * (1 + SLACK)


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
    source: NodeArrays, target: NodeArrays, axes: tuple[int, ...], bound: Bound, half: bool
) -> CellChoice:
    """Return the cell edge with the least expected cost.

    The expectation takes both pools as spread evenly over their common box: the answer depends
    on numbers, box and law only.
    """
    _, extent = _box(source, target, axes)
    diagonal = float(np.sqrt((extent**2).sum()))
    if diagonal == 0:
        return CellChoice(1.0, 0.0, len(source) * len(target))
    reach = reach_of(bound, diagonal)
    best, choice = math.inf, CellChoice(reach, reach, 0.0)
    for fraction in FRACTIONS:
        edge = max(reach / fraction, diagonal / 2**20)
        work = _work(len(source), len(target), half, extent, edge, reach, bound)
        costs = work * COSTS
        if costs.sum() < best:
            best, choice = float(costs.sum()), CellChoice(edge, reach, float(work[0]))
        elif costs[1:].sum() > best:
            break  # smaller cells have fewer candidates, but more of all else
    return choice


def _work(
    n_source: int,
    n_target: int,
    half: bool,
    extent: FloatArray,
    edge: float,
    reach: float,
    bound: Bound,
) -> FloatArray:
    """Return how many candidates, pairs of cells and offsets a cell edge makes, on average."""
    dims, edges = cut(extent, edge)
    greatest = _greatest_offset(dims, edges, reach)
    if math.prod((2 * greatest + 1).tolist()) > MAX_OFFSETS:
        return np.full(3, np.inf)
    # One offset stands for all that differ from it in signs.
    offsets = _grid_of([np.arange(n + 1) for n in greatest.tolist()])
    q = np.minimum(bound(*distance_bounds(offsets, edges)), 1.0)
    offsets, q = offsets[q > 0], q[q > 0]
    times = 2.0 ** np.count_nonzero(offsets, axis=1)
    if half:
        times[offsets.any(axis=1)] /= 2
    # Share of the cells that have a partner at the offset, and of the pairs of nodes.
    share = times * ((dims - offsets) / dims).prod(axis=1)
    n_cells = math.prod(dims.tolist())
    occupied = n_cells * -math.expm1(-n_source / n_cells)
    candidates = n_source * n_target / n_cells * float((share * q).sum())
    return np.array([candidates, occupied * float(share.sum()), times.sum()])


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
