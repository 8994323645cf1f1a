"""The box around two pools, cut into cells, and the offsets from cell to cell.

Cells divide the period of a periodic axis, and offsets along it go around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bmtool_connectors.distances import Metric
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.blocks import Index

FloatArray = npt.NDArray[np.float64]

#: By how much of a distance its bounds are wider than the cells say.
SLACK = 1e-9


@dataclass(frozen=True)
class Frame:
    """The box around two pools, and how it is cut into cells.

    Attributes
    ----------
    periods : ndarray of float, shape (n_axes,), um
        Infinite for an open axis.
    low, extent : ndarray of float, shape (n_axes,), um
        Lower corner and lengths; of a periodic axis the period.
    """

    periods: FloatArray
    low: FloatArray
    extent: FloatArray

    @classmethod
    def around(cls, source: NodeArrays, target: NodeArrays, metric: Metric) -> Frame:
        """Return the box around both pools."""
        axes, periods = list(metric.axes), np.array(metric.periods)
        low = np.minimum(source.box[0], target.box[0])[axes]
        high = np.maximum(source.box[1], target.box[1])[axes]
        return cls(periods, low, np.where(np.isfinite(periods), periods, high - low))

    @property
    def is_periodic(self) -> npt.NDArray[np.bool_]:
        """Which axes are periodic, shape (n_axes,)."""
        return np.isfinite(self.periods)

    @property
    def diagonal(self) -> float:
        """The greatest distance, um."""
        # Along a periodic axis nothing is farther than half the way around.
        most = np.where(self.is_periodic, self.extent / 2, self.extent)
        return float(np.sqrt((most**2).sum()))

    def cut(self, edge: float) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Return into how many cells each axis is cut, and how long they are, um."""
        dims = np.maximum(np.ceil(self.extent / edge), 1).astype(np.int64)
        return dims, np.where(self.extent > 0, self.extent, edge) / dims

    def greatest_offset(
        self, dims: Index, edges: FloatArray, reach: float
    ) -> npt.NDArray[np.int64]:
        """Return up to which offset, along each axis, cells are within reach."""
        limit = np.ceil(np.minimum(reach / edges, 2.0**40)).astype(np.int64)
        most = np.where(self.is_periodic, dims // 2, dims - 1)
        greatest: npt.NDArray[np.int64] = np.minimum(most, limit)
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


def offsets_within(
    greatest: Index, around: npt.NDArray[np.bool_], half: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
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
