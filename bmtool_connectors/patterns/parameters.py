"""Checks of constructor parameters that several connectors share."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmtool_connectors import vectorization
from bmtool_connectors.checks import ROUNDING, floats, number
from bmtool_connectors.distances import metric_of
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays

MOST = int(np.iinfo(np.uint32).max)  #: Synapses of a pair that BMTK's table can hold.


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
        allowed = "a probability in [0, 1] or a function of its argument"
        return number(value, owner, allowed, 0, 1, ROUNDING)
    if vectorization.takes_distance(value) and arg is None:
        raise ParameterError(
            f"{owner} is {value!r}, which depends on distance, and {arg_name} is None; pass for "
            f"example {arg_name}=spherical_dist."
        )
    return value


def joint(value: Any, owner: str, arg: Any, arg_name: str) -> Any:
    """Return a joint probability: a function or None as it is, a number as a float in [0, 1]."""
    if not isinstance(arg, str):
        argument(arg, f"{arg_name} of {owner.rpartition(' ')[2]}")
    if value is not None and not callable(value):
        allowed = "a probability in [0, 1], a function (pr_arg, p0, p1), or None"
        return number(value, owner, allowed, 0, 1, ROUNDING)
    if vectorization.takes_distance(value) and arg is None:
        raise ParameterError(
            f"{owner} is {value!r}, which depends on distance, and {arg_name} is None; pass for "
            f"example {arg_name}='0' for the argument of the forward probability."
        )
    return value


def argument(value: Any, owner: str) -> Any:
    """Return an argument of a probability: a function of two nodes, a number, or None."""
    if value is not None and not callable(value):
        array = floats(value)
        if array.ndim or np.isnan(array):
            raise ParameterError(
                f"{owner} is {value!r}; allowed is a function of two nodes, a number, or None."
            )
    return value


def synapses(value: Any, owner: str) -> Any:
    """Return a synapse count parameter: a function as it is, a number as an int >= 0."""
    if callable(value):
        return value
    return whole_number(value, owner, " or a function of two nodes")


def whole_number(value: Any, owner: str, otherwise: str = "") -> int:
    """Return a number that BMTK's table can hold as an int >= 0; `otherwise` is allowed too."""
    allowed = f"a whole number >= 0 (at most {MOST}){otherwise}"
    count = number(value, owner, allowed, 0, MOST)
    if count % 1:
        raise ParameterError(f"{owner} is {value!r}; allowed is {allowed}.")
    return int(count)


def fraction(value: Any, owner: str) -> float:
    """Return a fraction of a population, in [0, 1]."""
    checked = number(value, owner, "a fraction in [0, 1]", 0, 1, ROUNDING)
    # The object itself where that will do: ``repr`` tells defaults by identity.
    return value if type(value) is float and value == checked else checked


def degree(value: Any, owner: str) -> Any:
    """Return a degree parameter: a number or array as whole numbers >= 0, others as they are."""
    allowed = (
        f"a whole number >= 0 (at most {MOST}), one per node, a function of a node, or a "
        "frozen discrete distribution of scipy.stats"
    )
    if hasattr(value, "rvs"):
        from scipy.stats import rv_discrete  # heavy, and loaded already by whoever has one

        frozen = getattr(value, "dist", None)
        complete = isinstance(value, rv_discrete) and not value.numargs
        if complete or isinstance(frozen, rv_discrete):
            return value
        raise ParameterError(f"{owner} is {value!r}; allowed is {allowed}.")
    if callable(value):
        return value
    numbers = floats(value)
    wrong = ~((numbers >= 0) & (numbers <= MOST) & (np.floor(numbers) == numbers))
    if numbers.ndim > 1 or not numbers.size or wrong.any():
        raise ParameterError(f"{owner} is {value!r}; allowed is {allowed}.")
    return numbers.astype(np.int64)


def require_positions(owner: str, args: dict[str, Any], *pools: NodeArrays) -> None:
    """Refuse pools without positions when a parameter is a distance of this package."""
    needing = [name for name, value in args.items() if metric_of(value) is not None]
    if not needing:
        return
    for nodes in pools:
        if nodes.positions is None:
            raise NodeError(
                f"{needing[0]} of {owner} is a distance, but {nodes.label} has nodes without "
                "positions; give add_nodes() positions=..., or x=, y=, z= (um)."
            )
