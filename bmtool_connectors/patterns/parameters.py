"""Parameters of connectors: how a class declares them, and the checks that several share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bmtool_connectors import vectorization
from bmtool_connectors.checks import ROUNDING, flag, floats, number
from bmtool_connectors.distances import metric_of
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.patterns.projection import Projection

Check: TypeAlias = Callable[[Any, str], Any]
#: A number in [0, 1], or a function of the value of an argument.
Probability: TypeAlias = "float | Callable[..., Any]"
#: Of a probability: a function of two nodes, a number, or None.
Argument: TypeAlias = "float | Callable[..., Any] | None"
#: The least and the greatest value of an argument, or None.
Range: TypeAlias = "tuple[float, float] | None"
#: Of synapses of a connected pair: a whole number, or a function of two nodes.
Count: TypeAlias = "int | Callable[..., Any]"
#: A number, an array with one per node, a function of a node, or a distribution of scipy.stats.
Degree: TypeAlias = Any

#: Synapses of a pair that BMTK's table can hold.
MOST_SYNAPSES = int(np.iinfo(np.uint32).max)

#: The default of a parameter that must be given.
REQUIRED: Any = inspect.Parameter.empty


@dataclass(kw_only=True)
class Parameter:
    """What a class says of one parameter of its constructor; see :func:`parameter`.

    An instance has the checked value as an attribute of the same name; until then, or where the
    constructor does not take the parameter, it has the default.
    """

    default: Any = REQUIRED
    check: Check | None = None
    kw_only: bool = False
    init: bool = True
    alias: str | None = None
    in_vars: bool = False
    shown: bool = True
    kept: bool = True
    assignable: bool = False
    usual: Any = REQUIRED

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.annotation = vars(owner)["__annotations__"][name]
        #: What the constructor calls it.
        self.argument = self.alias or name
        self.check = self.check or CHECKS.get(self.annotation)

    def __get__(self, instance: Any, owner: type) -> Any:
        if self.default is REQUIRED:
            raise AttributeError(f"{owner.__name__} has no {self.name} before it is constructed")
        return self.default

    def checked(self, value: Any, owner: str) -> Any:
        """Return the value as the class takes it; `owner` is the class's name, for messages."""
        return value if self.check is None else self.check(value, f"{self.argument} of {owner}")


def parameter(**declared: Any) -> Any:
    """Declare a parameter in the body of a connector class, ``p: Probability = parameter(...)``.

    Parameters
    ----------
    default : object, optional
        Without one it must be given.
    check : callable, optional
        Of the value and ``'p of ClassName'``: returns the value to keep, or raises a
        ParameterError. By default that of the annotation, if it is in ``CHECKS``.
    kw_only : bool, default False
        Whether it must be given by name.
    init : bool, default True
        False: no parameter of this class's constructor, which always has the default.
    alias : str, optional
        Its name in the constructor, where that is not the name of the attribute.
    in_vars : bool, default False
        Whether it is an item of ``vars``.
    shown : bool, default True
        Whether ``repr`` and recipes tell it, as it was given.
    kept : bool, default True
        False: it would keep much memory; ``replace`` wants it again.
    assignable : bool, default False
        Whether it may be assigned to a connector that has been made.
    usual : object, optional
        For a default that is read from the module: the one that it has at first, and ``repr``
        leaves out.
    """
    return Parameter(**declared)


# ---------------------------------------------------------------------- checks
def probability(value: Any, owner: str) -> Any:
    """Return a probability parameter: a function as it is, a number as a float in [0, 1].

    Parameters
    ----------
    value : float or callable
    owner : str
        Parameter and class, for messages; so in all checks.
    """
    if callable(value):
        return value
    allowed = "a probability in [0, 1] or a function of its argument"
    return number(value, owner, allowed, 0, 1, ROUNDING)


def joint(value: Any, owner: str) -> Any:
    """Return a joint probability: a function or None as it is, a number as a float in [0, 1]."""
    if value is None or callable(value):
        return value
    allowed = "a probability in [0, 1], a function (pr_arg, p0, p1), or None"
    return number(value, owner, allowed, 0, 1, ROUNDING)


def require_argument(p: Any, arg: Any, owner: str, arg_name: str | None = None) -> None:
    """Refuse a law of distance that is given no distance.

    Parameters
    ----------
    p, arg : object
        The law and its argument.
    owner : str
        ``'p0 of ClassName'``.
    arg_name : str, optional
        Name of the argument; by default that of the law with ``_arg``.
    """
    if vectorization.takes_distance(p) and arg is None:
        name = owner.partition(" ")[0]
        shown = arg_name or f"{name}_arg"
        joint_example = "'0' for the argument of the forward probability"
        example = joint_example if name.startswith("pr") else "spherical_dist"
        raise ParameterError(
            f"{owner} is {p!r}, which depends on distance, and {shown} is None; pass for "
            f"example {shown}={example}."
        )


def argument(value: Any, owner: str) -> Any:
    """Return an argument of a probability: a function of two nodes, a number, or None."""
    if value is not None and not callable(value):
        array = floats(value)
        if array.ndim or np.isnan(array):
            raise ParameterError(
                f"{owner} must be a function of two nodes, a number, or None, got {value!r}."
            )
    return value


def joint_argument(value: Any, owner: str) -> Any:
    """Return the argument of a joint probability; '0' or '1' for that of a direction."""
    if isinstance(value, str):
        return "1" if "1" in value else "0"
    return argument(value, owner)


def correlation(value: Any, owner: str) -> float | None:
    """Return a correlation in [-1, 1], or None."""
    if value is None:
        return None
    return number(value, owner, "a correlation in [-1, 1] or None", -1, 1, ROUNDING)


def argument_range(value: Any, owner: str) -> tuple[float, float] | None:
    """Return the least and the greatest value of an argument, or None."""
    if value is None:
        return None
    try:
        low, high = (float(limit) for limit in value)
    except (TypeError, ValueError):
        low = high = np.nan
    if low <= high:
        return low, high
    raise ParameterError(
        f"{owner} must be two numbers (low, high) with low <= high, or None, got {value!r}."
    )


def synapses(value: Any, owner: str) -> Any:
    """Return a synapse count parameter: a function as it is, a number as an int >= 0."""
    if callable(value):
        return value
    return whole_number(value, owner, " or a function of two nodes")


def whole_number(value: Any, owner: str, otherwise: str = "") -> int:
    """Return a number that BMTK's table can hold as an int >= 0; `otherwise` is allowed too."""
    allowed = f"a whole number >= 0 (at most {MOST_SYNAPSES}){otherwise}"
    count = number(value, owner, allowed, 0, MOST_SYNAPSES)
    if count % 1:
        raise ParameterError(f"{owner} must be {allowed}, got {value!r}.")
    return int(count)


def fraction(value: Any, owner: str) -> float:
    """Return a fraction of a population, in [0, 1]."""
    checked = number(value, owner, "a fraction in [0, 1]", 0, 1, ROUNDING)
    # The object itself where that will do: ``repr`` tells defaults by identity.
    return value if type(value) is float and value == checked else checked


def degree(value: Any, owner: str) -> Any:
    """Return a degree parameter: a number or array as whole numbers >= 0, others as they are."""
    allowed = (
        f"a whole number >= 0 (at most {MOST_SYNAPSES}), one per node, a function of a node, or a "
        "frozen discrete distribution of scipy.stats"
    )
    if hasattr(value, "rvs"):
        from scipy.stats import rv_discrete  # heavy, and loaded already by whoever has one

        frozen = getattr(value, "dist", None)
        complete = isinstance(value, rv_discrete) and not value.numargs
        if complete or isinstance(frozen, rv_discrete):
            return value
        raise ParameterError(f"{owner} must be {allowed}, got {value!r}.")
    if callable(value):
        return value
    numbers = floats(value)
    wrong = ~((numbers >= 0) & (numbers <= MOST_SYNAPSES) & (np.floor(numbers) == numbers))
    if numbers.ndim > 1 or not numbers.size or wrong.any():
        raise ParameterError(f"{owner} must be {allowed}, got {value!r}.")
    return numbers.astype(np.int64)


#: The check of a parameter that names none, by its annotation.
CHECKS: dict[str, Check] = {
    **{"bool": flag, "Probability": probability, "Argument": argument},
    **{"Range": argument_range, "Count": synapses, "Degree": degree},
}


def require_positions(projection: Projection, **args: Any) -> None:
    """Refuse pools without positions when a parameter is a distance of this package."""
    needing = [name for name, value in args.items() if metric_of(value) is not None]
    if not needing:
        return
    for nodes in projection.ends:
        if nodes.positions is None:
            raise NodeError(
                f"{needing[0]} of {projection.owner} is a distance, but {nodes.label} has nodes "
                "without positions; give add_nodes() positions=..., or x=, y=, z= (um)."
            )
