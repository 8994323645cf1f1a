"""Distances between nodes: scalar on two nodes, vectorised on coordinates.

``spherical_dist`` is the straight-line distance, ``cylindrical_dist_z`` leaves
out the z axis (cortical depth). Both are ordinary functions of two nodes; the
samplers recognise these very objects and use their axes instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.nodes import node_position

__all__ = ["cylindrical_dist_z", "euclid_dist", "spherical_dist"]


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


#: The axes that each distance function of the package looks at.
_AXES: dict[Callable[..., float], tuple[int, ...]] = {
    spherical_dist: (0, 1, 2),
    cylindrical_dist_z: (0, 1),
}


def axes_of(function: object) -> tuple[int, ...] | None:
    """Return the axes of a distance of this package, or None for any other function."""
    try:
        return _AXES.get(function)  # type: ignore[call-overload, no-any-return]
    except TypeError:  # not hashable
        return None


def squared_distances(
    source: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    axes: tuple[int, ...],
) -> npt.NDArray[np.float64]:
    """Return squared distances of all pairs of two sets of points.

    Parameters
    ----------
    source, target : ndarray of float, shapes (a, 3) and (b, 3), um
    axes : tuple of int
        The axes that count.

    Returns
    -------
    ndarray of float, shape (a, b), um^2
    """
    # Axis by axis: the temporaries of (a, b, 3) would leave the cache.
    squared = np.subtract(source[:, axes[0], None], target[None, :, axes[0]])
    squared *= squared
    step = np.empty_like(squared) if len(axes) > 1 else squared
    for axis in axes[1:]:
        np.subtract(source[:, axis, None], target[None, :, axis], out=step)
        step *= step
        squared += step
    return squared
