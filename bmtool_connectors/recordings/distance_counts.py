"""How many pairs of two pools, and of a connector, lie in bins of distance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray, Index, IntArray
from bmtool_connectors.distances import Metric, metric_of, spherical_dist
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.reciprocal import ReciprocalConnector
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.frame import Frame
from bmtool_connectors.sampling.grid import SLACK, Grid

__all__ = ["count_distances", "count_pairs"]

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
    frame = Frame.around(source, target, metric)
    cell = frame.edge_with(OCCUPANCY, max(len(source), len(target)))
    grid = Grid(source, target, metric, cell, float(edges[-1]), half)
    grid.keep(grid.most >= edges[0])
    # Half open: the last edge belongs to its bin.
    ends = np.append(edges[:-1], np.nextafter(edges[-1], np.inf))
    limits = np.array([_least_square(end) for end in ends])
    most = np.minimum(grid.most, frame.diagonal * (1 + SLACK))  # cells reach out of the box
    first, last = np.searchsorted(ends, [grid.least, most], side="right") - 1
    # Pairs of cells at an offset that is its own opposite hold each pair of nodes twice.
    counts, doubled = found = np.zeros((2, len(edges) - 1), dtype=np.int64)
    for start, stop in grid.runs(0, len(grid.source.key)):
        sources, targets, offset = grid.cell_pairs(start, stop)
        sizes = grid.source.count[sources] * grid.target.count[targets]
        twice = (grid.alone & half)[offset].astype(np.int64)
        whole = (first == last)[offset]
        np.add.at(found, (twice[whole], first[offset[whole]]), sizes[whole])
        for own in (0, 1):
            cut = np.flatnonzero(~whole & (twice == own))
            for squared in _squares(grid, sources[cut], targets[cut]):
                below = [np.count_nonzero(squared < limit) for limit in limits]
                found[own] += np.diff(below)
    if half:  # each node with itself
        doubled -= len(source) * np.diff(limits > 0)
    return counts + doubled // (2 if half else 1)


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


def count_pairs(
    connector: Any, edges: FloatArray, p_arg: Any
) -> tuple[Index, Index, Index | None, Index]:
    """Count the pairs of a connector by distance.

    Parameters
    ----------
    connector : ReciprocalConnector
    edges : ndarray of float, shape (n + 1,), um
    p_arg : function of two nodes or None

    Returns
    -------
    tested, forward, backward, both : ndarray of int, shape (n,)
        `backward` None of one population, `forward` then all connections.
    """
    if not isinstance(connector, ReciprocalConnector):
        raise ParameterError(
            "connector of PairCounts.of_connector must be a ReciprocalConnector that has been set "
            f"up, got {connector!r}."
        )
    own = connector.vars["p0_arg"]
    p_arg = (own if metric_of(own) else spherical_dist) if p_arg is None else p_arg
    metric = metric_of(p_arg)
    if metric is None:
        raise ParameterError(
            "p_arg of PairCounts.of_connector must be a distance of this package, such as "
            f"spherical_dist, got {p_arg!r}."
        )
    use, drawn = connector.use, connector.connectivity
    space = PairSpace(use.source, use.target, "upper" if use.recurrent else "all", autapses=False)

    def binned(i: Index, j: Index) -> Index:
        return np.histogram(ListedPairs(space, i, j).distance(metric), edges)[0]

    def of_pairs(i: Index, j: Index) -> Index:
        other = np.ones(len(i), dtype=bool)
        if space.left_out is not None:  # nodes of both pools connect to themselves, perhaps
            other = space.left_out[i] != j
        elif use.recurrent:
            other = i != j
        return binned(i[other], j[other])

    tested = count_distances(use.source, use.target, metric, edges)
    if space.left_out is not None:
        shared = np.flatnonzero(space.left_out >= 0)
        tested -= binned(shared, space.left_out[shared])
    forward, backward = drawn.forward, drawn.backward
    twice = forward.reciprocal(backward)
    if use.recurrent:
        twice &= forward.source < forward.target
    return (
        tested,
        of_pairs(forward.source, forward.target),
        None if backward is None else of_pairs(backward.target, backward.source),
        of_pairs(forward.source[twice], forward.target[twice]),
    )
