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

from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.blocks import Index

FloatArray = npt.NDArray[np.float64]
#: An upper bound of the probability of any connection at distances in [least, greatest].
Bound = Callable[[FloatArray, FloatArray], FloatArray]

#: What the choice of the cell edge weighs, ns: a candidate, a pair of cells, an offset. They
#: decide which edge is taken, and so belong to the definition of the random stream.
COSTS = (120.0, 25.0, 60_000.0)
#: Edges that are tried, as fractions of the reach.
FRACTIONS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
MAX_OFFSETS = 200_000
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
    """A grid of cubic (or square) cells over two pools.

    Parameters
    ----------
    source, target : NodeArrays
        The pools, with positions.
    axes : tuple of int
        Axes of the distance.
    edge : float, um
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
        self.edge, self.axes, self.half = edge, axes, half
        self.low, extent = _box(source, target, axes)
        self.dims = np.maximum(np.floor(extent / edge).astype(np.int64) + 1, 1)
        self.greatest = _greatest_offset(self.dims, edge, reach)
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
        cell = np.floor((points - self.low[:, None]) / self.edge).astype(np.int64)
        cell = np.minimum(cell, self.dims[:, None] - 1) + self.greatest[:, None]
        key = np.zeros(len(nodes), dtype=np.int64)
        for axis, n in enumerate(self._padded.tolist()):
            key = key * n + cell[axis]
        order = np.argsort(key, kind="stable")
        key = key[order]
        new = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        count = np.diff(np.concatenate([new, [len(key)]]))
        return Cells(order, key[new], new, count, np.ascontiguousarray(points[:, order]))

    def offsets(self) -> npt.NDArray[np.int64]:
        """Return the offsets of target cells from source cells, one of each pair if unordered."""
        return offsets_within(self.greatest, self.half)

    def step(self, offset: Index) -> int:
        """Return what an offset adds to the number of a cell."""
        step = 0
        for axis, n in enumerate(self._padded.tolist()):
            step = step * n + int(offset[axis])
        return step

    def cell_pairs(self, offset: Index) -> tuple[Index, Index]:
        """Return the pairs of occupied cells (numbers into source and target) at an offset."""
        wanted = self.source.key + self.step(offset)
        if self._table is not None:
            found = self._table[wanted]
        else:
            found = np.searchsorted(self.target.key, wanted)
            found = np.minimum(found, len(self.target.key) - 1)
            found = np.where(self.target.key[found] == wanted, found, -1)
        here = np.flatnonzero(found >= 0)
        return here, found[here]


class PairRange:
    """All pairs of nodes at one offset of cells, numbered 0 .. total - 1."""

    def __init__(self, grid: Grid, offset: Index) -> None:
        self.grid = grid
        self._source, self._target = grid.cell_pairs(offset)
        self._width = grid.target.count[self._target]
        sizes = grid.source.count[self._source] * self._width
        self._ends = np.cumsum(sizes)
        self._starts = self._ends - sizes
        self.total = int(self._ends[-1]) if len(sizes) else 0
        # Within a cell of one population each unordered pair comes twice, and each node with
        # itself: one order is left out.
        self.within = grid.half and not np.any(offset)

    def pairs(self, number: Index) -> tuple[Index, Index]:
        """Return source and target places, in cell order, of ascending pair numbers."""
        cells = np.repeat(
            np.arange(len(self._ends)),
            np.diff(np.searchsorted(number, np.concatenate([[0], self._ends]))),
        )
        rest = number - self._starts[cells]
        width = self._width[cells]
        a = rest // width
        b = rest - a * width
        a += self.grid.source.first[self._source[cells]]
        b += self.grid.target.first[self._target[cells]]
        return a, b

    def squared(self, a: Index, b: Index) -> FloatArray:
        """Return squared distances of places in cell order, um^2."""
        total = np.zeros(len(a))
        for p, q in zip(self.grid.source.points, self.grid.target.points, strict=True):
            step = p[a] - q[b]
            step *= step
            total += step
        return total


def _box(
    source: NodeArrays, target: NodeArrays, axes: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Return the lower corner and the extent of the box around both pools."""
    assert source.positions is not None
    assert target.positions is not None
    chosen = list(axes)
    low = np.minimum(source.positions.min(axis=0), target.positions.min(axis=0))[chosen]
    high = np.maximum(source.positions.max(axis=0), target.positions.max(axis=0))[chosen]
    return low, high - low


def _greatest_offset(dims: Index, edge: float, reach: float) -> npt.NDArray[np.int64]:
    limit = math.ceil(min(reach / edge, 2.0**40))
    greatest: npt.NDArray[np.int64] = np.minimum(dims - 1, limit).astype(np.int64)
    return greatest


def offsets_within(greatest: Index, half: bool) -> npt.NDArray[np.int64]:
    """Return all offsets up to `greatest` in each axis, shape (m, n_axes); half: zero or up."""
    ranges = [np.arange(-n, n + 1) for n in greatest.tolist()]
    offsets = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(ranges))
    # In lexicographic order the opposite of an offset stands mirrored; the middle one is zero.
    return offsets[len(offsets) // 2 :] if half else offsets


def distance_bounds(offsets: Index, edge: float) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest distance of points in cells at these offsets, um."""
    steps = np.abs(offsets)
    least = np.sqrt((np.maximum(steps - 1, 0).astype(float) ** 2).sum(axis=1)) * edge
    return least, np.sqrt(((steps + 1).astype(float) ** 2).sum(axis=1)) * edge


def reach_of(bound: Bound, extent: float) -> float:
    """Return a distance beyond which the bound is 0, at most the extent of the network."""
    tried = extent * 2.0 ** -np.arange(0, 40, 0.25)[::-1]
    beyond = bound(tried, np.full(len(tried), np.inf)) <= 0
    return float(tried[np.argmax(beyond)]) if beyond.any() else extent


def choose_edge(
    source: NodeArrays, target: NodeArrays, axes: tuple[int, ...], bound: Bound, half: bool
) -> tuple[float, float]:
    """Return the cell edge with the least expected cost, and the reach, um.

    The expectation takes both pools as spread evenly over their common box: the answer depends
    on numbers, box and law only.
    """
    _, extent = _box(source, target, axes)
    diagonal = float(np.sqrt((extent**2).sum()))
    if diagonal == 0:
        return 1.0, 0.0
    reach = reach_of(bound, diagonal)
    best = (math.inf, reach)
    for fraction in FRACTIONS:
        edge = max(reach / fraction, diagonal / 2**20)
        cost = _cost(len(source), len(target), half, extent, edge, reach, bound)
        best = min(best, (cost, edge))
    return best[1], reach


def _cost(
    n_source: int,
    n_target: int,
    half: bool,
    extent: FloatArray,
    edge: float,
    reach: float,
    bound: Bound,
) -> float:
    """Return the expected cost of a cell edge, ns."""
    dims = np.maximum(np.floor(extent / edge).astype(np.int64) + 1, 1)
    greatest = _greatest_offset(dims, edge, reach)
    if math.prod((2 * greatest + 1).tolist()) > MAX_OFFSETS:
        return math.inf
    offsets = offsets_within(greatest, half)
    q = np.minimum(bound(*distance_bounds(offsets, edge)), 1.0)
    offsets, q = offsets[q > 0], q[q > 0]
    # Share of the cells that have a partner at the offset, and of the pairs of nodes.
    share = ((dims - np.abs(offsets)) / dims).prod(axis=1)
    n_cells = math.prod(dims.tolist())
    occupied = n_cells * -math.expm1(-n_source / n_cells)
    candidates = n_source * n_target / n_cells * float((share * q).sum())
    weights = np.array([candidates, occupied * float(share.sum()), len(offsets)])
    return float(weights @ np.array(COSTS))


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
        # No gap needs to be longer than the range, and sums of long ones could overflow.
        gaps = np.minimum(rng.standard_exponential(n) / rate, total).astype(np.int64) + 1
        visited = np.cumsum(gaps) + last
        last = int(visited[-1])
        yield visited if last < total else visited[: np.searchsorted(visited, total)]
