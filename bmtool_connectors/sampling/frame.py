"""The box around two pools, and how long the cells in it should be."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bmtool_connectors.arrays import Flags, FloatArray, Index, IntArray
from bmtool_connectors.distances import Metric
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.grid import axis_bounds, cell_edges

#: An upper bound of the probability of any connection at distances in [least, greatest].
Bound = Callable[[FloatArray, FloatArray], FloatArray]

#: What the choice of the cell edge weighs, ns: a candidate, a pair within reach (nothing), a pair
#: of cells, an offset. It decides the edge, and so belongs to the definition of the stream.
COSTS = np.array([60.0, 0.0, 35.0, 200.0])
#: Edges that are tried are powers of 2**(1 / STEPS) um, from the reach on down over OCTAVES.
STEPS, OCTAVES = 4, 4
#: By how much an edge may cost more than the best one, so that shorter ones are tried.
WORSE = 1.2
MAX_OFFSETS = 200_000
#: Nodes of a cell, on average, where few pairs are looked at.
SAMPLED = 20.0
#: How many times longer than needed a box has to be for its gaps to be closed. It decides which
#: edge is taken, and so belongs to the definition of the random stream.
LONG = 64.0


@dataclass(frozen=True)
class Frame:
    """The box around two pools.

    Attributes
    ----------
    metric : Metric
    extent : ndarray of float, shape (n_axes,), um
        Lengths; of a periodic axis the period.
    """

    metric: Metric
    extent: FloatArray

    @classmethod
    def around(cls, source: NodeArrays, target: NodeArrays, metric: Metric) -> Frame:
        """Return the box around both pools."""
        least = np.minimum(source.box[0], target.box[0])
        extent = (np.maximum(source.box[1], target.box[1]) - least)[list(metric.axes)]
        periods = np.array(metric.periods)
        return cls(metric, np.where(np.isfinite(periods), periods, extent))

    def without_gaps(self, source: NodeArrays, target: NodeArrays, reach: float) -> Frame:
        """Return a box with gaps along open axes closed up to `reach`, if it is much shorter.

        Nodes on both sides of a gap have no pair within reach, so it does not matter how wide it
        is. Few nodes far away would else pass for a population that is spread over all between.
        """
        if not 0 < LONG * reach < self.diagonal:
            return self
        pools = (source.positions, target.positions)
        parts = [self.metric.coordinates(points) for points in pools if points is not None]
        extent = self.extent.copy()
        for k in np.flatnonzero(~self.is_periodic):
            gaps = np.diff(np.sort(np.concatenate([part[k] for part in parts])))
            extent[k] = np.minimum(gaps, reach).sum()
        closed = Frame(self.metric, extent)
        return closed if LONG * closed.diagonal < self.diagonal else self

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
        edges = cell_edges(self.metric, edge)
        return np.maximum(np.ceil(self.extent / edges), 1).astype(np.int64), edges

    def edge_with(self, occupancy: float, n: float) -> float:
        """Return the edge of cells that hold so many of n nodes each, on average, um."""
        edge = float(self.extent.max()) or 1.0
        while math.prod(self.cut(edge)[0].tolist()) * occupancy < n and self.diagonal > 0:
            edge /= 1.2
        return edge

    def greatest_offset(self, dims: Index, edges: FloatArray, reach: float) -> IntArray:
        """Return up to which offset, along each axis, cells are within reach."""
        limit = np.ceil(np.minimum(reach / edges, 2.0**40)).astype(np.int64)
        most = np.where(self.is_periodic, dims // 2, dims - 1)
        greatest: IntArray = np.minimum(most, limit)
        return greatest


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
    visits, within, cell_pairs : float
        Pairs of nodes that are visited, and that are so near that they may be; pairs of cells that
        are looked at; on average.
    """

    edge: float
    reach: float
    visits: float
    within: float
    cell_pairs: float


def choose_edge(
    source: NodeArrays,
    target: NodeArrays,
    metric: Metric,
    bound: Bound,
    half: bool,
    reach: float | None = None,
) -> CellChoice:
    """Return the cell edge with the least expected cost, of those in a fixed series.

    The expectation takes both pools as spread evenly over their common box, and numbers and
    lengths are rounded: the answer depends on numbers, box and law only. Laws that are alike share
    an edge, and pools their cells.

    Parameters
    ----------
    reach : float, um, optional
        A distance beyond which the bound is 0, if that is known.
    """
    frame, reach = _frame_and_reach(source, target, metric, bound, reach)
    numbers = len(source), len(target)
    if frame.diagonal == 0:
        all_pairs = float(math.prod(numbers)) / (2 if half else 1)
        return CellChoice(1.0, 0.0, all_pairs, all_pairs, 1.0)
    # No edge is so short that the numbers of cells are rounded.
    far = max(float(np.abs(nodes.box).max()) for nodes in (source, target))
    given = (
        *(bound, metric, tuple(map(_rounded, frame.extent.tolist()))),
        *(tuple(map(_rounded, numbers)), half, reach, _rounded(far / 2**48)),
    )
    try:
        choice = _kept_edge(*given)
    except TypeError:  # a law that cannot be compared
        choice = _best_edge(*given)
    share = math.prod(numbers) / math.prod(map(_rounded, numbers))
    return replace(choice, visits=share * choice.visits, within=share * choice.within)


def _frame_and_reach(
    source: NodeArrays, target: NodeArrays, metric: Metric, bound: Bound, reach: float | None
) -> tuple[Frame, float]:
    """Return the box around both pools, its gaps closed, and the greatest distance that matters."""
    frame = Frame.around(source, target, metric)
    if frame.diagonal == 0:
        return frame, 0.0
    reach = reach_of(bound, frame.diagonal if reach is None else min(reach, frame.diagonal))
    return frame.without_gaps(source, target, reach), reach


def _rounded(value: float) -> float:
    """Return a number with two digits: draws that are much alike need one choice of edge."""
    return float(f"{value:.1e}")


def _best_edge(
    bound: Bound,
    metric: Metric,
    extent: tuple[float, ...],
    numbers: tuple[float, ...],
    half: bool,
    reach: float,
    least: float,
) -> CellChoice:
    """Return the edge with the least cost, at least as long as `least`, in a box."""
    frame = Frame(metric, np.where(np.isfinite(metric.periods), metric.periods, extent))
    is_periodic, periods = frame.is_periodic.tolist(), frame.periods.tolist()

    def work(edge: float) -> FloatArray:
        """Return how many candidates, pairs within reach, and pairs of cells there are, on average.

        And how many offsets.
        """
        dims, edges = frame.cut(edge)
        greatest = frame.greatest_offset(dims, edges, reach).tolist()
        if math.prod(2 * n + 1 for n in greatest) > MAX_OFFSETS:
            return np.full(4, np.inf)
        # One offset stands for all that differ from it in signs. Axis by axis: its distances; how
        # many it stands for; which share of the cells has a partner at it.
        least = most = np.zeros(())
        times = share = np.ones(())
        axes = zip(greatest, dims.tolist(), edges.tolist(), periods, is_periodic, strict=True)
        for most_steps, n, each, period, around in axes:
            steps = np.arange(most_steps + 1)
            low, high = axis_bounds(steps, each, period)
            signs = np.where((steps == 0) | (around & (2 * steps == n)), 1.0, 2.0)
            least, most = np.add.outer(least, low), np.add.outer(most, high)
            times = np.multiply.outer(times, signs)
            share = np.multiply.outer(share, np.ones(len(steps)) if around else (n - steps) / n)
        q = np.minimum(bound(np.sqrt(least).ravel(), np.sqrt(most).ravel()), 1.0)
        times = times.ravel() * (q > 0)
        if half:
            times[1:] /= 2
        share = share.ravel() * times
        n_cells = math.prod(dims.tolist())
        occupied = n_cells * -math.expm1(-numbers[0] / n_cells)
        numbers_of_pairs = math.prod(numbers) / n_cells * np.array([share @ q, share.sum()])
        return np.array([*numbers_of_pairs, occupied * share.sum(), times.sum()])

    best, choice = math.inf, CellChoice(reach, reach, 0.0, 0.0, 0.0)
    least = max(least, frame.diagonal / 2**20)
    first = math.ceil(STEPS * math.log2(max(reach, least)))
    for step in range(first, first - STEPS * OCTAVES, -1):
        edge = 2.0 ** (step / STEPS)
        if edge < least and step < first:
            break
        counts = work(edge)
        costs = counts * COSTS
        if costs.sum() < best:
            best, choice = float(costs.sum()), CellChoice(edge, reach, *counts[:3].tolist())
        elif costs.sum() > WORSE * best:
            break  # smaller cells have fewer candidates, but more of all else
    return choice


_kept_edge = functools.lru_cache(maxsize=256)(_best_edge)


#: Chooses the edge of cells: :func:`choose_edge`, or another.
ChooseEdge = Callable[[NodeArrays, NodeArrays, Metric, Bound, bool, "float | None"], CellChoice]


def sample_edge(
    source: NodeArrays,
    target: NodeArrays,
    metric: Metric,
    bound: Bound,
    half: bool,
    reach: float | None = None,
) -> CellChoice:
    """Return a cell edge for looking at few of the pairs within reach.

    Cells are so long that pairs of cells are few beside pairs of nodes, but not longer than the
    reach.
    """
    frame, reach = _frame_and_reach(source, target, metric, bound, reach)
    n = math.sqrt(len(source) * len(target))
    return CellChoice(min(frame.edge_with(SAMPLED, n), reach or 1.0), reach, 0.0, 0.0, 0.0)
