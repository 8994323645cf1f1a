"""Probability as a function of distance: what all profiles are, and arithmetic with them.

Every profile is a callable of one distance (a float in [0, 1], 0 outside the
range), works on arrays through ``probability`` and ``in_range``, and knows an
upper bound on any interval of distances, which the samplers use to skip pairs
that cannot connect. Sums and products of profiles are profiles, with the same.
"""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness
from bmtool_connectors.checks import HUGE, number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.randomness import RngLike
from bmtool_connectors.shells import (
    checked_dist_type,
    density_power,
    range_ends,
    shell_mean,
)

__all__ = [
    "DistantDependentProbability",
    "ProbabilityFunction",
    "ProfileProduct",
    "ProfileSum",
]

FloatArray = npt.NDArray[np.float64]


class ProbabilityFunction(ABC):
    """A connection probability as a function; subclass it for laws of your own.

    A subclass is called once per pair with floats. Only the exact classes of
    this package are evaluated on arrays; declare a function ``@vectorized`` to
    have the same.
    """

    @abstractmethod
    def probability(self, *arg: Any, **kwargs: Any) -> Any:
        """Return probabilities for arrays, without regard to the range."""

    @abstractmethod
    def __call__(self, *arg: Any, **kwargs: Any) -> Any:
        """Return the probability, within [0, 1], for one pair."""

    @abstractmethod
    def decisions(self, *arg: Any, **kwargs: Any) -> Any:
        """Return random decisions, an ndarray of bool."""


class DistantDependentProbability(ProbabilityFunction):
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

    def __init__(self, min_dist: float = 0.0, max_dist: float = math.inf) -> None:
        name = type(self).__name__
        low = number(min_dist, f"min_dist of {name}", "a distance >= 0 um", 0.0, math.inf)
        high = number(max_dist, f"max_dist of {name}", "a distance > min_dist", 0.0, math.inf)
        if not low < high:
            raise ParameterError(
                f"min_dist and max_dist of {name} are {min_dist!r} and {max_dist!r}; "
                "min_dist must be the smaller one (um)."
            )
        self.min_dist, self.max_dist = low, high

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._parameters().items())
        return f"{type(self).__name__}({shown})"

    def _parameters(self) -> dict[str, Any]:
        return {"min_dist": self.min_dist, "max_dist": self.max_dist}

    def in_range(self, dist: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return where `dist` (um) lies within the range, both ends included."""
        d = np.asarray(dist)
        return (d >= self.min_dist) & (d <= self.max_dist)

    def __call__(self, dist: float, *ignored: Any, **ignored_too: Any) -> float:
        """Return the probability at one distance (um); further arguments are ignored."""
        if self.min_dist <= dist <= self.max_dist:
            return float(self.probability(dist))
        return 0.0

    def values(self, dist: FloatArray) -> FloatArray:
        """Return the probability at each distance, range included: ``__call__`` on an array.

        Parameters
        ----------
        dist : ndarray of float, shape (m,), um

        Returns
        -------
        ndarray of float, shape (m,)
        """
        p = np.array(np.broadcast_to(self.probability(dist), dist.shape))
        outside = dist > self.max_dist
        outside |= dist < self.min_dist
        if outside.any():
            p[outside] = 0.0
        return p

    def raw(self, dist: npt.ArrayLike) -> FloatArray:
        """Return the value at each distance as a kernel has it: range included, not clipped.

        Parameters
        ----------
        dist : array_like of float, um

        Returns
        -------
        ndarray of float, shape of `dist`
            May be negative or above 1, where the profile can be; 0 outside the range.
        """
        d = np.asarray(dist, dtype=float)
        return np.where(self.in_range(d), self._formula(d), 0.0)

    def _formula(self, dist: FloatArray) -> Any:
        """Return the value at `dist`, neither clipped nor cut to the range."""
        return self.probability(dist)

    def decisions(self, dist: npt.ArrayLike, rng: RngLike = None) -> npt.NDArray[np.bool_]:
        """Decide at random for each distance; only those within the range cost a draw.

        Parameters
        ----------
        dist : array_like of float, um
        rng : Generator, RandomState, int, SeedSequence or None

        Returns
        -------
        ndarray of bool, shape of `dist`
        """
        d = np.asarray(dist, dtype=float)
        decided = np.zeros(d.shape, dtype=bool)
        within = self.in_range(d)
        inside = d[within]
        p = np.broadcast_to(self.probability(inside), inside.shape)
        decided[within] = randomness.decisions(p, rng=rng)
        return decided

    def bound(self, low: npt.ArrayLike, high: npt.ArrayLike) -> FloatArray:
        """Return an upper bound of the probability on the distances ``[low, high]``.

        Parameters
        ----------
        low, high : array_like of float, um
            Ends of the intervals, ``low <= high``.

        Returns
        -------
        ndarray of float
            0 where the interval lies outside the range of the profile.
        """
        reachable, clipped = self._within_range(low, high)
        greatest = np.minimum(np.maximum(self._greatest(*clipped), 0.0), 1.0)
        return np.where(reachable, greatest, 0.0)

    def raw_bounds(self, low: npt.ArrayLike, high: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return bounds of the raw value on the distances ``[low, high]``.

        Parameters
        ----------
        low, high : array_like of float, um
            Ends of the intervals, ``low <= high``.

        Returns
        -------
        least, greatest : ndarray of float
            Between which ``raw`` lies; both 0 where the interval lies outside the range.
        """
        reachable, clipped = self._within_range(low, high)
        # Where a part of the interval is out of range, 0 is a value too.
        beyond = (np.asarray(low) < self.min_dist) | (np.asarray(high) > self.max_dist)
        least, greatest = self._least(*clipped), self._greatest(*clipped)
        least = np.where(beyond, np.minimum(least, 0.0), least)
        greatest = np.where(beyond, np.maximum(greatest, 0.0), greatest)
        return np.where(reachable, least, 0.0), np.where(reachable, greatest, 0.0)

    def _within_range(
        self, low: npt.ArrayLike, high: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.bool_], tuple[FloatArray, FloatArray]]:
        """Return which intervals meet the range, and their part in it."""
        low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        reachable = (high >= self.min_dist) & (low <= self.max_dist)
        return reachable, (np.maximum(low, self.min_dist), np.minimum(high, self.max_dist))

    def _greatest(self, low: FloatArray, high: FloatArray) -> Any:
        """Return the greatest raw value on intervals within the range, or more."""
        return 1.0

    def _least(self, low: FloatArray, high: FloatArray) -> Any:
        """Return the least raw value on intervals within the range, or less."""
        return 0.0

    def overall(
        self, dist_range: tuple[float, float] | range, dist_type: str = "spherical"
    ) -> float:
        """Return the overall probability to all cells within a range, at homogeneous density.

        Parameters
        ----------
        dist_range : tuple of float or range
            ``(r1, r2)``, um; of a ``range`` object start and stop are taken.
        dist_type : {'spherical', 'cylindrical'}
            Whether cells fill a sphere or a disc around the cell.

        Returns
        -------
        float
            Integral of the probability, range and cuts at 0 and 1 included, weighted with the
            density of distances: ``3 r**2 / (r2**3 - r1**3)`` in a sphere,
            ``2 r / (r2**2 - r1**2)`` in a disc. Adaptive quadrature.

        Raises
        ------
        ParameterError
            If the range is infinite or empty.

        Examples
        --------
        >>> round(UniformInRange(0.4, max_dist=50.0).overall((0, 100)), 12)
        0.05
        """
        own = type(self).__name__
        r1, r2 = range_ends(dist_range, f"dist_range of {own}.overall")
        power = density_power(checked_dist_type(dist_type, own))
        return shell_mean(self, r1, r2, power, self._kinks())

    def _kinks(self) -> Iterable[float]:
        """Return distances between which the profile is smooth, for quadrature."""
        return self.min_dist, self.max_dist

    # ------------------------------------------------------------------ arithmetic
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
                f"{type(self).__name__} is divided by {other!r}; allowed is a number other than 0."
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

    #: What the numbers among the parts start from, and how the operation is written.
    _neutral: ClassVar[float]
    _sign: ClassVar[str]

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

    @staticmethod
    @abstractmethod
    def _combine(a: Any, b: Any) -> Any:
        """Return two values put together."""

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

    _neutral, _sign = 0.0, "+"

    @staticmethod
    def _combine(a: Any, b: Any) -> Any:
        return a + b

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

    _neutral, _sign = 1.0, "*"

    @staticmethod
    def _combine(a: Any, b: Any) -> Any:
        return a * b

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
