"""Checks of constructor parameters that several connectors share."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmtool_connectors import lifting
from bmtool_connectors.distances import axes_of
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.reciprocity import ROUNDING


def number(value: Any, owner: str, allowed: str, low: float, high: float) -> float:
    """Return a constant parameter as a float within [low, high] (give or take rounding)."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.asarray(np.nan)
    single = float(array.reshape(())) if array.size == 1 and not isinstance(value, str) else np.nan
    if not low - ROUNDING <= single <= high + ROUNDING:
        raise ParameterError(f"{owner} is {value!r}; allowed is {allowed}.")
    return min(max(single, low), high)


def probability(value: Any, owner: str, arg: Any, arg_name: str) -> Any:
    """Return a probability parameter: a function as it is, a number as a float in [0, 1].

    Parameters
    ----------
    value : float or callable
    owner : str
        Parameter and class, for messages.
    arg : object
        The parameter with its argument; a distance law cannot do without.
    arg_name : str
        Its name.
    """
    if not callable(value):
        return number(value, owner, "a probability in [0, 1] or a function of its argument", 0, 1)
    if lifting.takes_distance(value) and arg is None:
        raise ParameterError(
            f"{owner} is {value!r}, which depends on distance, and {arg_name} is None; pass for "
            f"example {arg_name}=spherical_dist."
        )
    return value


def joint(value: Any, owner: str, arg: Any, arg_name: str) -> None:
    """Refuse a joint probability that is no number in [0, 1], function or None."""
    if value is not None and not callable(value):
        number(value, owner, "a probability in [0, 1], a function (pr_arg, p0, p1), or None", 0, 1)
    elif lifting.takes_distance(value) and arg is None:
        raise ParameterError(
            f"{owner} is {value!r}, which depends on distance, and {arg_name} is None; pass for "
            f"example {arg_name}='0' for the argument of the forward probability."
        )


def synapses(value: Any, owner: str) -> Any:
    """Return a synapse count parameter: a function as it is, a number as an int >= 0."""
    if callable(value):
        return value
    allowed = "a whole number >= 0 or a function of two nodes"
    count = number(value, owner, allowed, 0, np.iinfo(np.uint32).max)
    if count % 1:
        raise ParameterError(f"{owner} is {value!r}; allowed is {allowed}.")
    return int(count)


def require_positions(owner: str, args: dict[str, Any], *pools: NodeArrays) -> None:
    """Refuse pools without positions when a parameter is a distance of this package."""
    needing = [name for name, value in args.items() if axes_of(value) is not None]
    if not needing:
        return
    for nodes in pools:
        if nodes.positions is None:
            raise NodeError(
                f"{needing[0]} of {owner} is a distance, but {nodes.label} has nodes without "
                "positions; give add_nodes() positions=..., or x=, y=, z= (um)."
            )
