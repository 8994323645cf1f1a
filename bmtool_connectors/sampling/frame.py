"""The box around two pools, cut into cells, and the offsets from cell to cell.

Cells divide the period of a periodic axis, and offsets along it go around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmtool_connectors.arrays import Flags, FloatArray, Index, IntArray
from bmtool_connectors.distances import Metric
from bmtool_connectors.nodes import NodeArrays

#: By how much of a distance its bounds are wider than the cells say.
SLACK = 1e-9
#: How many times longer than needed a box has to be for its gaps to be closed. It decides where
#: cells are, and so belongs to the definition of the random stream.
LONG = 64.0


@dataclass(frozen=True)
class Frame:
    """The box around two pools, and how it is cut into cells.

    Attributes
    ----------
    metric : Metric
    begins, starts : tuple of ndarray of float, um
        Of each axis, the coordinates at which its parts begin, ascending, and where in the box
        that is: one part, from the lower corner on, unless gaps have been closed.
    extent : ndarray of float, shape (n_axes,), um
        Lengths; of a periodic axis the period.
    """

    metric: Metric
    begins: tuple[FloatArray, ...]
    starts: tuple[FloatArray, ...]
    extent: FloatArray

    @classmethod
    def around(cls, source: NodeArrays, target: NodeArrays, metric: Metric) -> Frame:
        """Return the box around both pools."""
        axes, periods = list(metric.axes), np.array(metric.periods)
        least = np.minimum(source.box[0], target.box[0])
        extent = (np.maximum(source.box[1], target.box[1]) - least)[axes]
        begins = tuple(metric.coordinates(least[None]))
        starts = tuple(np.zeros((len(axes), 1)))
        return cls(metric, begins, starts, np.where(np.isfinite(periods), periods, extent))

    def without_gaps(self, source: NodeArrays, target: NodeArrays, reach: float) -> Frame:
        """Return a box with gaps along open axes closed up to `reach`, if it is much shorter.

        Nodes on both sides of a gap have no pair within reach, so it does not matter how wide it
        is. Few nodes far away would else make the cells as large as all that is between them.
        """
        if not 0 < LONG * reach < self.diagonal:
            return self
        pools = (source.positions, target.positions)
        parts = [self.metric.coordinates(points) for points in pools if points is not None]
        begins, starts, extent = list(self.begins), list(self.starts), self.extent.copy()
        for k in np.flatnonzero(~self.is_periodic):
            taken = np.unique(np.concatenate([part[k] for part in parts]))
            gaps = np.diff(taken)
            wide = np.flatnonzero(gaps > reach)
            begins[k] = taken[np.concatenate([[0], wide + 1])]
            ends = taken[np.append(wide, len(taken) - 1)]
            stops = np.cumsum(ends - begins[k] + reach)
            starts[k] = np.concatenate([[0.0], stops[:-1]])
            extent[k] = stops[-1] - reach
        closed = Frame(self.metric, tuple(begins), tuple(starts), extent)
        return closed if LONG * closed.diagonal < self.diagonal else self

    def in_box(self, points: FloatArray) -> FloatArray:
        """Return where in the box ``Metric.coordinates`` are, shape (n_axes, n), um."""
        where = np.empty_like(points)
        for k, (begins, starts) in enumerate(zip(self.begins, self.starts, strict=True)):
            if len(begins) == 1:
                where[k] = points[k] - begins[0]
            else:
                part = np.searchsorted(begins, points[k], side="right") - 1
                where[k] = points[k] - begins[part] + starts[part]
            if self.is_periodic[k]:
                where[k] %= self.periods[k]
        return where

    @property
    def periods(self) -> FloatArray:
        """Lengths after which the axes begin anew, infinite for open ones, shape (n_axes,), um."""
        return np.array(self.metric.periods)

    @property
    def is_periodic(self) -> Flags:
        """Which axes are periodic, shape (n_axes,)."""
        return np.isfinite(self.periods)

    @property
    def diagonal(self) -> float:
        """The greatest distance, um."""
        # Along a periodic axis nothing is farther than half the way around.
        most = np.where(self.is_periodic, self.extent / 2, self.extent)
        return float(np.sqrt((most**2).sum()))

    def cut(self, edge: float) -> tuple[IntArray, FloatArray]:
        """Return into how many cells each axis is cut, and how long they are, um."""
        dims = np.maximum(np.ceil(self.extent / edge), 1).astype(np.int64)
        return dims, np.where(self.extent > 0, self.extent, edge) / dims

    def greatest_offset(self, dims: Index, edges: FloatArray, reach: float) -> IntArray:
        """Return up to which offset, along each axis, cells are within reach."""
        limit = np.ceil(np.minimum(reach / edges, 2.0**40)).astype(np.int64)
        most = np.where(self.is_periodic, dims // 2, dims - 1)
        greatest: IntArray = np.minimum(most, limit)
        return greatest

    def distance_bounds(self, offsets: Index, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the least and the greatest distance of points in cells at these offsets, um."""
        least, most = np.zeros((2, len(offsets)))
        axes = zip(np.abs(offsets).T, edges.tolist(), self.periods.tolist(), strict=True)
        for steps, edge, period in axes:
            least += (np.maximum(steps - 1, 0) * edge) ** 2
            most += np.minimum((steps + 1) * edge, period / 2) ** 2
        least, most = np.sqrt(least), np.sqrt(most)
        # Rounding may put a node on the border into either cell: no law may end in between.
        return least * (1 - SLACK), most * (1 + SLACK)


def offsets_within(greatest: Index, around: Flags, half: bool) -> tuple[IntArray, Flags]:
    """Return all offsets up to `greatest` in each axis, and which are their own opposite.

    Parameters
    ----------
    greatest : ndarray of int, shape (n_axes,)
    around : ndarray of bool, shape (n_axes,)
        Along which axes the greatest offset and its opposite are one.
    half : bool
        Leave out one of each two that are opposite.
    """
    lengths = 2 * greatest + 1 - around
    offsets = combinations(
        [np.arange(n - length + 1, n + 1) for n, length in zip(greatest, lengths, strict=True)]
    )
    # In lexicographic order; by how many places the opposite comes later, or earlier.
    opposite = np.where(around & (offsets == greatest), greatest, -offsets)
    later = np.zeros(len(offsets), dtype=np.int64)
    for axis, length in enumerate(lengths.tolist()):
        later = later * length + opposite[:, axis] - offsets[:, axis]
    kept = later <= 0 if half else np.ones(len(offsets), dtype=bool)
    return offsets[kept], later[kept] == 0


def combinations(ranges: list[Index]) -> Index:
    """Return all combinations, in lexicographic order, shape (m, n_axes)."""
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(ranges))
