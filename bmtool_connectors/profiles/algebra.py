"""Profiles of distance, and arithmetic with them: sums and products of profiles are profiles."""

from __future__ import annotations

import functools
import math
import operator
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import HUGE, number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.probability_function import RangedProbability

__all__ = ["DistantDependentProbability", "ProfileProduct", "ProfileSum"]


class DistantDependentProbability(RangedProbability):
    """Probability as a function of distance, 0 outside ``[min_dist, max_dist]``.

    Parameters
    ----------
    min_dist, max_dist : float, um
        Range of distances, both ends included.

    Raises
    ------
    ParameterError
        Unless ``0 <= min_dist < max_dist``.
    """

    #: NumPy's numbers leave arithmetic to the profile.
    __array_ufunc__ = None

    def __add__(self, other: Any) -> ProfileSum:
        return ProfileSum(self, other) if _is_part(other) else NotImplemented

    def __radd__(self, other: Any) -> ProfileSum:
        return ProfileSum(other, self) if _is_part(other) else NotImplemented

    def __sub__(self, other: Any) -> ProfileSum:
        return ProfileSum(self, -other) if _is_part(other) else NotImplemented

    def __rsub__(self, other: Any) -> ProfileSum:
        return ProfileSum(other, -self) if _is_part(other) else NotImplemented

    def __mul__(self, other: Any) -> ProfileProduct:
        return ProfileProduct(self, other) if _is_part(other) else NotImplemented

    def __rmul__(self, other: Any) -> ProfileProduct:
        return ProfileProduct(other, self) if _is_part(other) else NotImplemented

    def __truediv__(self, other: Any) -> ProfileProduct:
        if not isinstance(other, int | float | np.number) or not _is_part(other):
            return NotImplemented
        if other == 0:
            raise ParameterError(
                f"divisor of {type(self).__name__} must be a number other than 0, got {other!r}."
            )
        return ProfileProduct(1 / other, self)

    def __neg__(self) -> ProfileProduct:
        return ProfileProduct(-1.0, self)


# ---------------------------------------------------------------------- sums and products
def _is_part(value: Any) -> bool:
    """Whether a value can be added to, or multiplied with, a profile."""
    if isinstance(value, DistantDependentProbability):
        return True
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


class _Combined(DistantDependentProbability):
    """Profiles and at most one number, put together by one operation."""

    #: What the numbers among the parts start from, how the operation is written, and what it is.
    _neutral: ClassVar[float]
    _sign: ClassVar[str]
    _combine: ClassVar[staticmethod[[Any, Any], Any]]

    def __init__(self, *parts: DistantDependentProbability | float) -> None:
        own = type(self).__name__
        constant, profiles = self._neutral, []
        for part in parts:
            for each in part.parts if isinstance(part, type(self)) else (part,):
                if isinstance(each, DistantDependentProbability):
                    profiles.append(each)
                    continue
                if not _is_part(each):
                    each = math.nan  # text, say: refused as what it is
                checked = number(each, f"a part of {own}", "a profile or a finite number", *_FINITE)
                constant = self._combine(constant, checked)
        if not profiles:
            raise ParameterError(f"{own} has no profile among its parts; pass at least one.")
        numbers = (constant,) if constant != self._neutral else ()
        #: Profiles, after a number where there is one.
        self.parts: tuple[DistantDependentProbability | float, ...] = (*numbers, *profiles)
        self.min_dist, self.max_dist = self._range(profiles)

    @abstractmethod
    def _range(self, profiles: list[DistantDependentProbability]) -> tuple[float, float]:
        """Return the least and the greatest distance at which the value is not 0."""

    def __repr__(self) -> str:
        shown = (f"({p!r})" if isinstance(p, ProfileSum) else repr(p) for p in self.parts)
        return f" {self._sign} ".join(shown)

    def _formula(self, dist: FloatArray) -> Any:
        values = (part if isinstance(part, float) else part.raw(dist) for part in self.parts)
        return functools.reduce(self._combine, values)

    def probability(self, dist: npt.ArrayLike) -> Any:
        """Return the value at `dist` (um), cut at 0 and 1."""
        return np.clip(self._formula(np.asarray(dist, dtype=float)), 0.0, 1.0)

    def _kinks(self) -> Iterable[float]:
        for part in self.parts:
            if not isinstance(part, float):
                yield from part._kinks()

    def _part_bounds(self, low: FloatArray, high: FloatArray) -> list[tuple[Any, Any]]:
        return [
            (part, part) if isinstance(part, float) else part.raw_bounds(low, high)
            for part in self.parts
        ]

    def _greatest(self, low: FloatArray, high: FloatArray) -> Any:
        return self._interval(low, high)[1]

    def _least(self, low: FloatArray, high: FloatArray) -> Any:
        return self._interval(low, high)[0]

    @abstractmethod
    def _interval(self, low: FloatArray, high: FloatArray) -> tuple[Any, Any]:
        """Return bounds of the value by interval arithmetic."""


_FINITE = (-HUGE, HUGE)


class ProfileSum(_Combined):
    """Sum of profiles, and a number: what ``+`` and ``-`` make of them.

    Parameters
    ----------
    *parts : DistantDependentProbability or float
        At least one profile. A number counts at all distances.

    Raises
    ------
    ParameterError
        If a part is neither a profile nor a finite number, or none is a profile.

    Notes
    -----
    Raw values are added, as ``raw`` gives them, each 0 outside the range of its profile; the sum
    is cut at 0 and 1 as a probability. The bound on an interval is the sum of the bounds.

    Examples
    --------
    >>> p = 0.1 + UniformInRange(0.2, max_dist=50.0)
    >>> round(p(10.0), 12), p(60.0)
    (0.3, 0.1)
    """

    _neutral, _sign, _combine = 0.0, "+", staticmethod(operator.add)

    def _range(self, profiles: list[DistantDependentProbability]) -> tuple[float, float]:
        if isinstance(self.parts[0], float):
            return 0.0, math.inf
        return min(p.min_dist for p in profiles), max(p.max_dist for p in profiles)

    def _interval(self, low: FloatArray, high: FloatArray) -> tuple[Any, Any]:
        least, greatest = zip(*self._part_bounds(low, high), strict=True)
        return sum(least), sum(greatest)


class ProfileProduct(_Combined):
    """Product of profiles, and a number: what ``*`` and ``/`` make of them.

    Parameters
    ----------
    *parts : DistantDependentProbability or float
        At least one profile.

    Raises
    ------
    ParameterError
        If a part is neither a profile nor a finite number, or none is a profile.

    Notes
    -----
    Raw values are multiplied, as ``raw`` gives them, each 0 outside the range of its profile; the
    product is cut at 0 and 1 as a probability. The bound on an interval is that of interval
    arithmetic, which knows that values may be negative.

    Examples
    --------
    >>> p = 2 * UniformInRange(0.2, max_dist=50.0)
    >>> p(10.0), p(60.0)
    (0.4, 0.0)
    >>> p
    2.0 * UniformInRange(p=0.2, min_dist=0.0, max_dist=50.0)
    """

    _neutral, _sign, _combine = 1.0, "*", staticmethod(operator.mul)

    def _range(self, profiles: list[DistantDependentProbability]) -> tuple[float, float]:
        low, high = max(p.min_dist for p in profiles), min(p.max_dist for p in profiles)
        return (low, high) if low <= high else (0.0, 0.0)  # nowhere: the value is 0 there too

    def _interval(self, low: FloatArray, high: FloatArray) -> tuple[Any, Any]:
        least, greatest = 1.0, 1.0
        for ends in self._part_bounds(low, high):
            corners = [a * b for a in (least, greatest) for b in ends]
            least = functools.reduce(np.minimum, corners)
            greatest = functools.reduce(np.maximum, corners)
        return least, greatest
