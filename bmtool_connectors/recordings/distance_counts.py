"""How many pairs of two pools lie in bins of distance, without a look at each pair."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray, IntArray
from bmtool_connectors.distances import Metric
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.frame import Frame
from bmtool_connectors.sampling.grid import Grid

__all__ = ["count_distances"]

#: Nodes of a cell, on average: pairs of two cells fit the cache.
OCCUPANCY = 256
#: Distances that are computed at a time.
TOGETHER = 1 << 17


def count_distances(
    source: NodeArrays, target: NodeArrays, metric: Metric, edges: FloatArray
) -> IntArray:
    """Count the pairs of two pools in bins ``[left, right)``, the last one with its right edge.

    Parameters
    ----------
    source, target : NodeArrays
        One object within one population: unordered pairs of different nodes are counted then.
    metric : Metric
    edges : ndarray of float, shape (n + 1,), um

    Returns
    -------
    ndarray of int, shape (n,)

    Notes
    -----
    The nodes are put into cells. Pairs of cells beyond the last edge are left out, and those within
    one bin counted as a whole; of the others, distances are computed and compared.
    """
    half = source is target
    cell = _cell_edge(Frame.around(source, target, metric), max(len(source), len(target)))
    grid = Grid(source, target, metric, cell, float(edges[-1]), half)
    offsets, alone = grid.offsets()
    least, most = grid.frame.distance_bounds(offsets, grid.edges)
    near = (least <= edges[-1]) & (most >= edges[0])
    # Half open: the last edge belongs to its bin.
    ends = np.append(edges[:-1], np.nextafter(edges[-1], np.inf))
    limits = np.array([_least_square(end) for end in ends])
    bins = np.searchsorted(ends, [least, most], side="right") - 1
    counts, doubled = np.zeros((2, len(edges) - 1), dtype=np.int64)
    for k in np.flatnonzero(near).tolist():
        # An offset that is its own opposite has each pair of cells, or of nodes, twice.
        found = doubled if half and alone[k] else counts
        cells = grid.cell_pairs(offsets[k : k + 1])
        if bins[0, k] == bins[1, k]:
            sizes = grid.source.count[cells[0]] * grid.target.count[cells[1]]
            found[bins[0, k]] += int(sizes.sum())
        else:
            for squared in _squares(grid, *cells):
                below = [np.count_nonzero(squared < limit) for limit in limits]
                found += np.diff(below)
    if half:  # each node with itself
        doubled -= len(source) * np.diff(limits > 0)
    return counts + doubled // (2 if half else 1)


def _cell_edge(frame: Frame, n: int) -> float:
    """Return the edge of cells that hold some nodes each, um."""
    edge = float(frame.extent.max()) or 1.0
    while math.prod(frame.cut(edge)[0].tolist()) * OCCUPANCY < n and frame.diagonal > 0:
        edge /= 1.2
    return edge


def _squares(
    grid: Grid, sources: npt.NDArray[Any], targets: npt.NDArray[Any]
) -> Iterator[FloatArray]:
    """Yield squared distances between the nodes of pairs of cells, um^2."""
    ends = [
        each[cells].tolist()
        for pool, cells in ((grid.source, sources), (grid.target, targets))
        for each in (pool.first, pool.count)
    ]
    for i, height, j, width in zip(*ends, strict=True):
        columns = grid.target.points[:, None, j : j + width]
        step = max(1, TOGETHER // width)
        for row in range(i, i + height, step):
            rows = grid.source.points[:, row : min(row + step, i + height), None]
            yield grid.metric.squared(rows, columns)


def _least_square(distance: float) -> float:
    """Return the least number whose square root is at least a distance."""
    square = distance * distance
    while square > 0 and math.sqrt(np.nextafter(square, 0.0)) >= distance:
        square = float(np.nextafter(square, 0.0))
    while math.sqrt(square) < distance:
        square = float(np.nextafter(square, math.inf))
    return square
