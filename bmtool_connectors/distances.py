"""Distances between nodes: scalar on two nodes, vectorised on coordinates.

``spherical_dist`` is the straight-line distance, ``cylindrical_dist_z`` leaves
out the z axis (cortical depth), ``PeriodicDistance`` chooses axes and a box.
All are ordinary functions of two nodes; the samplers recognise these very
objects and use what they are made of, their metric, instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import HUGE, number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.layout import node_position

__all__ = ["PeriodicDistance", "cylindrical_dist_z", "euclid_dist", "spherical_dist"]


def euclid_dist(p1: npt.ArrayLike, p2: npt.ArrayLike) -> np.float64:
    """Return the Euclidean distance of two points: ``sqrt(sum((p1 - p2)**2))``.

    Parameters
    ----------
    p1, p2 : array_like, shape (k,), um
        Coordinates.

    Returns
    -------
    float, um

    Examples
    --------
    >>> float(euclid_dist([0, 0, 0], [1, 2, 2]))
    3.0
    """
    # Unsigned coordinates would wrap in the difference.
    difference = np.asarray(p1, dtype=float) - np.asarray(p2, dtype=float)
    distance: np.float64 = np.sqrt(difference @ difference)
    return distance


def spherical_dist(node1: Mapping[str, Any], node2: Mapping[str, Any]) -> float:
    """Return the straight-line distance of two nodes, um.

    Parameters
    ----------
    node1, node2 : Node
        With ``positions``, or x, y, z, or pos_x, pos_y, pos_z, um.

    Raises
    ------
    NodeError
        If a node has no position.
    """
    return float(euclid_dist(node_position(node1), node_position(node2)))


def cylindrical_dist_z(node1: Mapping[str, Any], node2: Mapping[str, Any]) -> float:
    """Return the distance of two nodes in the x-y plane (the z axis is ignored), um.

    Parameters
    ----------
    node1, node2 : Node
        With ``positions``, or x, y, z, or pos_x, pos_y, pos_z, um.

    Raises
    ------
    NodeError
        If a node has no position.
    """
    return float(euclid_dist(node_position(node1)[:2], node_position(node2)[:2]))


@dataclass(frozen=True)
class Metric:
    """What a distance of this package is made of: axes, and the period of each.

    Attributes
    ----------
    axes : tuple of int
        The axes that count, ascending.
    periods : tuple of float, um
        Length after which an axis begins anew; infinite for an open one.
    """

    axes: tuple[int, ...]
    periods: tuple[float, ...]

    def coordinates(self, points: FloatArray) -> list[FloatArray]:
        """Return coordinates along the axes, less whole periods where they are outside of one.

        Parameters
        ----------
        points : ndarray of float, shape (..., 3), um

        Returns
        -------
        list of ndarray of float, shape (...), um
            One array per axis; of an open one a view.

        Notes
        -----
        The remainder is exact. Differences of positions many periods apart are rounded, so the
        distance of such points would depend on what else is computed from them.
        """
        columns = (points[..., axis] for axis in self.axes)
        return [
            np.fmod(column, period) if period < math.inf else column
            for column, period in zip(columns, self.periods, strict=True)
        ]

    def squared(self, first: Iterable[FloatArray], second: Iterable[FloatArray]) -> FloatArray:
        """Return squared distances from ``coordinates``, broadcast, um^2.

        Parameters
        ----------
        first, second : iterable of ndarray of float, um
            Coordinates of both ends, one array per axis.
        """
        # Axis by axis: the temporaries of (n, 3) would leave the cache.
        total = step = None
        for a, b, period in zip(first, second, self.periods, strict=True):
            step = np.subtract(a, b, out=step)
            _to_nearest_image(step, period)
            step *= step
            if total is None:
                total, step = step, None
            else:
                total += step
        assert total is not None
        return total

    def steps(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Return the steps along the axes from one point, or row, to the nearest image of another.

        Parameters
        ----------
        first, second : ndarray of float, shapes (..., 3), um

        Returns
        -------
        ndarray of float, shape (..., n_axes), um
        """
        ends = zip(self.coordinates(second), self.coordinates(first), strict=True)
        steps = np.stack([b - a for b, a in ends], axis=-1)
        for k, period in enumerate(self.periods):
            _to_nearest_image(steps[..., k], period)
        return steps

    def folded(self, points: FloatArray) -> FloatArray:
        """Return points, shape (n, 3), along the axes and within one period of each from 0."""
        chosen, periods = points[:, list(self.axes)], np.array(self.periods)
        closed = np.isfinite(periods)
        folded = np.where(closed, np.mod(chosen, np.where(closed, periods, 1.0)), chosen)
        return np.where(closed & (folded >= periods), 0.0, folded)  # by rounding

    def common(self, other: Metric) -> Metric:
        """Return the axes of both on which one distance bounds both from below.

        A distance along fewer axes, or with periods, is never the greater one; two different
        periods cannot be compared.
        """
        own, theirs = (dict(zip(m.axes, m.periods, strict=True)) for m in (self, other))
        periods = {
            axis: min(period, theirs[axis])
            for axis, period in own.items()
            if axis in theirs and (period == theirs[axis] or math.inf in (period, theirs[axis]))
        }
        return Metric(tuple(periods), tuple(periods.values()))


def _to_nearest_image(step: FloatArray, period: float) -> None:
    """Move differences along an axis, in place, by whole periods to the least ones."""
    if period < math.inf:
        step -= period * np.round(step / period)


class PeriodicDistance:
    """Distance of two nodes along chosen axes, in a box whose opposite faces touch.

    Parameters
    ----------
    box : float or sequence of float or None, um
        Length of the box along each of `axes`, or one for all; None or infinite for an axis that
        is open. Positions may lie outside of the box, which is repeated in all directions.
    axes : str, default 'xyz'
        The axes that count: some of x, y and z.

    Raises
    ------
    ParameterError
        If a length is not above 0, or there is not one for each axis, or an axis is unknown or
        comes twice.

    Notes
    -----
    Along each axis the difference to the nearest image counts:
    ``sqrt(sum(min(|d|, box - |d|)**2))`` for differences within the box. Serves as `p_arg` for
    both samplers, like ``spherical_dist``.

    Examples
    --------
    >>> dist = PeriodicDistance(100.0, axes="xy")
    >>> dist({"positions": [5.0, 0.0, 0.0]}, {"positions": [95.0, 0.0, 80.0]})
    10.0
    >>> sheet = PeriodicDistance((100.0, 100.0, None))  # open along z
    """

    def __init__(self, box: Any, axes: str = "xyz") -> None:
        own = type(self).__name__
        wrong = not isinstance(axes, str) or not axes or set(axes) - set("xyz")
        if wrong or len(set(axes)) < len(axes):
            raise ParameterError(
                f"axes of {own} must be some of the letters x, y and z, each once, got {axes!r}."
            )
        several = isinstance(box, Iterable) and not isinstance(box, str)
        lengths = list(box) if several else [box] * len(axes)
        allowed = f"a length > 0 (um) for each of {axes!r}, None for an open axis"
        if len(lengths) != len(axes):
            raise ParameterError(f"box of {own} must be {allowed}, got {box!r}.")
        given = [math.inf if length is None else length for length in lengths]
        periods = [number(each, f"box of {own}", allowed, 1 / HUGE, math.inf) for each in given]
        self.axes, self.box = axes, tuple(periods)
        order = sorted(zip(("xyz".index(axis) for axis in axes), periods, strict=True))
        self._metric = Metric(*(tuple(column) for column in zip(*order, strict=True)))

    def __repr__(self) -> str:
        shown = tuple(None if length == math.inf else length for length in self.box)
        return f"{type(self).__name__}({shown}, axes={self.axes!r})"

    def __eq__(self, other: object) -> bool:
        """Whether it is the same distance."""
        if type(other) is not type(self):
            return NotImplemented
        return self._metric == other._metric

    def __hash__(self) -> int:
        return hash(self._metric)

    def __call__(self, node1: Mapping[str, Any], node2: Mapping[str, Any]) -> float:
        """Return the distance of two nodes, um.

        Parameters
        ----------
        node1, node2 : Node
            With ``positions``, or x, y, z, or pos_x, pos_y, pos_z, um.

        Raises
        ------
        NodeError
            If a node has no position.
        """
        points = (np.pad(node_position(node), (0, 3))[:3] for node in (node1, node2))
        steps = self._metric.steps(*points)
        return math.sqrt(steps @ steps)


#: The straight-line distance.
SPHERICAL = Metric((0, 1, 2), (math.inf,) * 3)
#: What the distance functions of the package are made of.
_METRICS: dict[Callable[..., float], Metric] = {
    spherical_dist: SPHERICAL,
    cylindrical_dist_z: Metric((0, 1), (math.inf,) * 2),
}


def metric_of(function: object) -> Metric | None:
    """Return what a distance of this package is made of, or None for any other function."""
    if type(function) is PeriodicDistance:  # a subclass may have changed anything
        return function._metric
    try:
        return _METRICS.get(function)  # type: ignore[call-overload, no-any-return]
    except TypeError:  # not hashable
        return None


def squared_distances(source: FloatArray, target: FloatArray, metric: Metric) -> FloatArray:
    """Return squared distances of all pairs of two sets of points.

    Parameters
    ----------
    source, target : ndarray of float, shapes (a, 3) and (b, 3), um
    metric : Metric

    Returns
    -------
    ndarray of float, shape (a, b), um^2
    """
    rows = (row[:, None] for row in metric.coordinates(source))
    return metric.squared(rows, (column[None] for column in metric.coordinates(target)))
