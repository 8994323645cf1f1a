"""Where the coordinates of a node stand: in memory, and in the columns of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.errors import NodeError

__all__ = ["AXES", "COORDINATES", "POSITIONS", "node_position"]

#: The property with all coordinates of a node, um.
POSITIONS = "positions"
#: Properties with one coordinate each, if a node has no positions, in order of preference.
AXES = (("x", "y", "z"), ("pos_x", "pos_y", "pos_z"))
#: All of them.
COORDINATES = (POSITIONS, *(name for axes in AXES for name in axes))


def node_position(node: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """Return the coordinates of one node, um.

    Raises
    ------
    NodeError
        If the node carries neither ``positions`` nor x, y, z nor pos_x, pos_y, pos_z.
    """
    try:
        if POSITIONS in node:
            return np.asarray(node[POSITIONS], dtype=float)
        for axes in AXES:
            if axes[0] in node and axes[1] in node:
                return np.array([node[axis] for axis in axes if axis in node], dtype=float)
    except (TypeError, ValueError):  # not a node, or not coordinates
        pass
    raise NodeError(
        f"node {getattr(node, 'node_id', node)!r} has no position; a distance needs nodes with "
        "'positions' (um), or x, y, z, or pos_x, pos_y, pos_z: give one to add_nodes()."
    )
