"""Checks of single values that come from users; every refusal is a ParameterError."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.errors import ParameterError, must_be

#: What counts as finite: its cube still is.
HUGE = 1e100
#: How far outside its bounds a value may lie by rounding alone.
ROUNDING = 1e-9


def floats(values: Any) -> npt.NDArray[np.float64]:
    """Return values as floats, NaN where they are no real numbers (text is none)."""
    try:
        array = np.asarray(values)
    except ValueError:  # sequences of different lengths
        return np.array(math.nan)
    if array.dtype.kind in "fiub":
        return array.astype(float)
    if array.dtype.kind != "O":
        return np.full(array.shape, math.nan)
    numbers = [_float_or_nan(value) for value in array.ravel()]
    return np.array(numbers, dtype=float).reshape(array.shape)


def _float_or_nan(value: Any) -> float:
    # NumPy before 2.4 would take an array of one number, here one among others, with a warning.
    if isinstance(value, str | bytes) or (isinstance(value, np.ndarray) and value.ndim):
        return math.nan
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def number(
    value: Any, owner: str, allowed: str, low: float, high: float, slack: float = 0.0
) -> float:
    """Return one real number within [low, high], give or take `slack`, as a float in it.

    Parameters
    ----------
    value : object
        What the user gave; an array of one number counts as one.
    owner, allowed : str
        Parameter and class, and what it must be, for the message; after a colon, what to do.
    """
    array = floats(value)
    single = float(array.reshape(())) if array.size == 1 else math.nan
    if not low - slack <= single <= high + slack:
        raise ParameterError(must_be(owner, allowed, repr(value)))
    return min(max(single, low), high)


def length(value: Any, owner: str) -> float:
    """Return a length above 0, um, as a float."""
    tiny = float(np.finfo(float).tiny)
    return number(value, owner, "a finite length > 0 (um)", tiny, HUGE)


def flag(value: Any, owner: str) -> bool:
    """Return a switch as a bool; 0 and 1 are switches too."""
    if isinstance(value, bool | np.bool_ | int | np.integer) and value in (0, 1):
        return bool(value)
    raise ParameterError(f"{owner} must be True or False, got {value!r}.")


def float_or_array(values: Any) -> Any:
    """Return a Python float for a 0-d result, the array otherwise."""
    return float(values) if np.ndim(values) == 0 else values
