"""The nodes of pools in cells, and the pairs of cells at each offset.

Cells are anchored at coordinate 0 (along a periodic axis they divide the period), so where the
cells of a pool are depends on its nodes and the edge of the cells only.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from bmtool_connectors.arrays import (
    Flags,
    FloatArray,
    Index,
    IntArray,
    distinct,
    index_dtype,
    is_first,
)
from bmtool_connectors.distances import Metric
from bmtool_connectors.nodes import NodeArrays

#: By how much of a distance its bounds are wider than the cells say.
SLACK = 1e-9
#: Cells up to which there is a table of all places; beyond, occupied ones are searched.
MAX_TABLE = 1 << 24
#: Pairs of cells that are looked at together: what is done with them fits the cache.
RUN = 1 << 16
#: Pools sorted into cells of how many edges are kept.
KEPT = 2


@dataclass(frozen=True)
class Cells:
    """The nodes of one pool, sorted by cell.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Index into the pool of each node in cell order.
    first, count : ndarray of int, shape (n_cells,)
        Of each occupied cell: its first node in cell order, how many.
    points : ndarray of float, shape (n_axes, n)
        Coordinates in cell order, um.
    numbers : tuple of ndarray of int, shape (n_layers,)
        Along each axis, the numbers of the cells (coordinate over edge) that are occupied,
        ascending: the layers.
    layer : tuple of ndarray of int, shape (n_cells,)
        Along each axis, the layer of each cell.
    key : ndarray of int, shape (n_cells,)
        The layers of each cell in one number, ascending.
    """

    order: Index
    first: Index
    count: Index
    points: FloatArray
    numbers: tuple[Index, ...]
    layer: tuple[Index, ...]
    key: Index

    @property
    def strides(self) -> list[int]:
        """By how much the key grows from layer to layer of each axis."""
        sizes = [len(each) for each in self.numbers]
        return [int(np.prod(sizes[k + 1 :], dtype=np.int64)) for k in range(len(sizes))]

    @property
    def n_places(self) -> int:
        """Cells, occupied or not, that lie in an occupied layer of each axis."""
        return int(np.prod([float(len(each)) for each in self.numbers]))


def cell_edges(metric: Metric, edge: float) -> FloatArray:
    """Return the edges of cells along each axis, um: a period holds a whole number of cells."""
    periods = np.array(metric.periods)
    whole = np.ceil(np.minimum(periods / edge, 2.0**52))
    return np.where(np.isfinite(periods), periods / np.maximum(whole, 1), edge)


def _layers(numbers: Index) -> tuple[Index, Index]:
    """Return the different numbers, ascending, and which of them each is."""
    low, high = int(numbers.min()), int(numbers.max())
    if high - low > 4 * len(numbers) + 1024:  # far apart
        layers = distinct(np.sort(numbers))
        return layers, np.searchsorted(layers, numbers)
    numbers = numbers - low
    taken = np.bincount(numbers) > 0
    return np.flatnonzero(taken) + low, (np.cumsum(taken) - 1)[numbers]


def _sorted_into_cells(nodes: NodeArrays, metric: Metric, edge: float) -> Cells:
    assert nodes.positions is not None  # checked in setup_nodes
    coordinates = metric.coordinates(nodes.positions)
    numbers, layer = [], []
    for axis, length, period in zip(
        coordinates, cell_edges(metric, edge).tolist(), metric.periods, strict=True
    ):
        if np.isfinite(period):
            cell = np.floor(np.mod(axis, period) / length)
            cell = np.minimum(cell, round(period / length) - 1)  # by rounding
        else:
            cell = np.floor(axis / length)
        found = _layers(cell.astype(np.int64))
        numbers.append(found[0])
        layer.append(found[1])
    key = np.zeros(len(nodes), dtype=np.int64)
    for each, own in zip(layer, numbers, strict=True):
        key *= len(own)
        key += each
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(is_first(key))
    one = order[first]
    return Cells(
        order.astype(index_dtype(len(order))),
        first,
        np.diff(first, append=len(key)),
        np.stack([axis[order] for axis in coordinates]),
        tuple(numbers),
        tuple(each[one] for each in layer),
        key[first],
    )


_cells: WeakKeyDictionary[NodeArrays, dict[tuple[Metric, float], Cells]] = WeakKeyDictionary()


def cells_of(nodes: NodeArrays, metric: Metric, edge: float) -> Cells:
    """Return a pool sorted into cells; the last ones are kept, as pools are drawn several times."""
    kept = _cells.setdefault(nodes, {})
    key = metric, edge
    if key not in kept:
        found = _sorted_into_cells(nodes, metric, edge)
        while len(kept) >= KEPT:
            kept.pop(next(iter(kept)), None)
        kept[key] = found
        return found
    return kept[key]


class Grid:
    """Two pools in cells of one size, and the offsets from source cells to target cells.

    Parameters
    ----------
    source, target : NodeArrays
        The pools, with positions.
    metric : Metric
        Of the distance.
    edge : float, um
        Of the cells; along a periodic axis they may be a little shorter.
    reach : float, um
        Greatest distance that matters.
    half : bool
        Whether source and target are one and pairs have no order.

    Attributes
    ----------
    source, target : Cells
    offsets : ndarray of int, shape (m, n_axes)
        Of target cells from source cells; one of each two that are opposite, for pairs without
        order.
    alone : ndarray of bool, shape (m,)
        Which are their own opposite: pairs without order come twice in them.
    least, most : ndarray of float, shape (m,), um
        Between which the distances of points in cells at an offset are.
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
        self.source = cells_of(source, metric, edge)
        self.target = self.source if target is source else cells_of(target, metric, edge)
        edges = cell_edges(metric, edge)
        periods = np.array(metric.periods)
        self._around = np.isfinite(periods)
        self._cells_around = np.where(self._around, np.round(periods / edges), 0).astype(np.int64)
        greatest = self._greatest(edges, reach)
        halfway = self._around & (2 * greatest == self._cells_around)
        self.offsets, self.alone = offsets_within(greatest, halfway, half)
        far = max(float(np.abs(nodes.box).max()) for nodes in (source, target))
        self.least, self.most = distance_bounds(self.offsets, edges, periods, far)
        self.keep(self.least <= reach)

    def _greatest(self, edges: FloatArray, reach: float) -> IntArray:
        """Return up to which offset, along each axis, there are cells within reach."""
        limits = np.ceil(np.minimum(reach / edges, 2.0**40)).astype(np.int64)
        axes = zip(self.source.numbers, self.target.numbers, strict=True)
        extent = [max(b[-1] - a[0], a[-1] - b[0], 0) for a, b in axes]
        return np.minimum(limits, np.where(self._around, self._cells_around // 2, extent))

    def keep(self, chosen: Flags) -> None:
        """Leave out all other offsets; to be called before ``cell_pairs``."""
        self.offsets, self.alone = self.offsets[chosen], self.alone[chosen]
        self.least, self.most = self.least[chosen], self.most[chosen]

    @functools.cached_property
    def _steps(self) -> list[Index]:
        """Where layers of source cells and offsets lead to, for each axis: parts of a key.

        What leads to no layer of the target is as much as there are places, so that the sum is no
        key.
        """
        none = self.target.n_places
        dtype = np.int32 if none < 1 << 29 else np.int64
        parts = []
        axes = zip(
            *(self.source.numbers, self.target.numbers, self.target.strides),
            *(self.offsets.T, self._cells_around.tolist()),
            strict=True,
        )
        for own, others, stride, steps, around in axes:
            low = steps.min(initial=0)
            to = own[:, None] + np.arange(low, steps.max(initial=0) + 1)
            to = to % around if around else to
            place = np.minimum(np.searchsorted(others, to), len(others) - 1)
            part = np.where(others[place] == to, place * stride, none).astype(dtype)
            parts.append(part[:, steps - low])
        return parts

    @functools.cached_property
    def _table(self) -> Index | None:
        """The number of the target cell at each place, or -1; None for too many places."""
        if self.target.n_places > MAX_TABLE:
            return None
        table = np.full(self.target.n_places + 1, -1, dtype=np.int32)
        table[self.target.key] = np.arange(len(self.target.key), dtype=np.int32)
        return table

    def targets_of(self, start: int, stop: int) -> Index:
        """Return the target cells of a run of source cells, at all offsets.

        Parameters
        ----------
        start, stop : int
            Of the run, in the order of ``source``.

        Returns
        -------
        ndarray of int, shape (stop - start, m)
            Numbers of the cells; -1 where none is occupied.
        """
        keys = self._steps[0][self.source.layer[0][start:stop]]
        for steps, layer in zip(self._steps[1:], self.source.layer[1:], strict=True):
            keys += steps[layer[start:stop]]
        if self._table is not None:
            return self._table[np.minimum(keys, len(self._table) - 1, out=keys)]
        own = self.target.key
        place = np.minimum(np.searchsorted(own, keys), len(own) - 1)
        return np.where(own[place] == keys, place, -1)

    def cell_pairs(self, start: int, stop: int) -> tuple[Index, Index, Index]:
        """Return the pairs of occupied cells from a run of source cells on, at all offsets.

        Parameters
        ----------
        start, stop : int
            Of the run, in the order of ``source``.

        Returns
        -------
        source, target, offset : ndarray of int, shape (n,)
            Numbers of the cells, and of the offset between them.
        """
        target = self.targets_of(start, stop).ravel()
        here = np.flatnonzero(target >= 0)
        source = here // max(len(self.offsets), 1)
        offset = here - source * len(self.offsets)
        source += start
        return source, target[here], offset

    def runs(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Cut source cells into runs that have so few pairs of cells that these fit the cache."""
        step = max(1, RUN // max(len(self.offsets), 1))
        for first in range(start, stop, step):
            yield first, min(first + step, stop)


def axis_bounds(steps: Index, edge: float, period: float) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest square of a distance along an axis, um^2.

    Parameters
    ----------
    steps : ndarray of int
        From cell to cell, at least 0.
    edge, period : float, um
    """
    least, most = np.maximum(steps - 1, 0) * edge, np.minimum((steps + 1) * edge, period / 2)
    return least * least, most * most


def distance_bounds(
    offsets: Index, edges: FloatArray, periods: FloatArray, far: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest distance of points in cells at these offsets, um.

    Parameters
    ----------
    offsets : ndarray of int, shape (m, n_axes)
    edges, periods : ndarray of float, shape (n_axes,), um
    far : float, um
        The greatest coordinate, which is rounded.
    """
    least, most = np.zeros((2, len(offsets)))
    for steps, edge, period in zip(
        np.abs(offsets).T, edges.tolist(), periods.tolist(), strict=True
    ):
        least += (np.maximum(steps - 1, 0) * edge) ** 2
        most += np.minimum((steps + 1) * edge, period / 2) ** 2
    least, most = np.sqrt(least), np.sqrt(most)
    # Rounding may put a node on the border into either cell: no law may end in between.
    room = 16 * np.finfo(float).eps * far
    return np.maximum(least * (1 - SLACK) - room, 0.0), most * (1 + SLACK) + room


def offsets_within(greatest: Index, halfway: Flags, half: bool) -> tuple[IntArray, Flags]:
    """Return all offsets up to `greatest` in each axis, and which are their own opposite.

    Parameters
    ----------
    greatest : ndarray of int, shape (n_axes,)
    halfway : ndarray of bool, shape (n_axes,)
        Along which axes the greatest offset leads half the way around: it and its opposite are
        one.
    half : bool
        Leave out one of each two that are opposite.
    """
    lengths = 2 * greatest + 1 - halfway
    offsets = combinations(
        [np.arange(n - length + 1, n + 1) for n, length in zip(greatest, lengths, strict=True)]
    )
    # In lexicographic order; by how many places the opposite comes later, or earlier.
    opposite = np.where(halfway & (offsets == greatest), greatest, -offsets)
    later = np.zeros(len(offsets), dtype=np.int64)
    for axis, length in enumerate(lengths.tolist()):
        later = later * length + opposite[:, axis] - offsets[:, axis]
    kept = later <= 0 if half else np.ones(len(offsets), dtype=bool)
    return offsets[kept], later[kept] == 0


def combinations(ranges: list[Index]) -> Index:
    """Return all combinations, in lexicographic order, shape (m, n_axes)."""
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(ranges))
