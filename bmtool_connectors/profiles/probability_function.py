"""What a probability function is, and what any profile of distance knows.

Every profile is a callable of one distance (a float in [0, 1], 0 outside the
range), works on arrays through ``probability`` and ``in_range``, and knows an
upper bound on any interval of distances, which the samplers use to skip pairs
that cannot connect.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness
from bmtool_connectors.arrays import Flags, FloatArray
from bmtool_connectors.checks import number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.shells import (
    checked_dist_type,
    density_power,
    range_ends,
    shell_mean,
)
from bmtool_connectors.randomness import RngLike

__all__ = ["ProbabilityFunction"]


class ProbabilityFunction(ABC):
    """A connection probability as a function; subclass it for laws of your own.

    A subclass is called once per pair with floats. Evaluated on arrays are only
    the classes of this package, and classes of distance profiles that carry
    ``examples`` of their own as they do; declare a function ``@vectorized`` to
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


class RangedProbability(ProbabilityFunction):
    """Probability within a range of distances: what a profile knows, but for arithmetic."""

    #: Arguments with which a class is tried, as the tests of all profiles do; they are not
    #: inherited. A class that carries them says that it takes arrays and is within its bounds.
    examples: ClassVar[Sequence[Mapping[str, Any]]]

    #: Whether the class that says what a profile gives has the formula and its bounds as well.
    _has_formula: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "_formula" in own or "probability" in own or "__call__" in own:
            cls._has_formula = "_formula" in own

    def __init__(self, min_dist: float = 0.0, max_dist: float = math.inf) -> None:
        name = type(self).__name__
        low = number(min_dist, f"min_dist of {name}", "a distance >= 0 um", 0.0, math.inf)
        high = number(max_dist, f"max_dist of {name}", "a distance > min_dist", 0.0, math.inf)
        if not low < high:
            raise ParameterError(
                f"min_dist of {name} must be smaller than max_dist (um), got {min_dist!r} and "
                f"{max_dist!r}."
            )
        self.min_dist, self.max_dist = low, high

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._parameters().items())
        return f"{type(self).__name__}({shown})"

    def _parameters(self) -> dict[str, Any]:
        return {"min_dist": self.min_dist, "max_dist": self.max_dist}

    def in_range(self, dist: npt.ArrayLike) -> Flags:
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
        return np.where(self.in_range(d), self._law._formula(self, d), 0.0)

    @property
    def _law(self) -> type[RangedProbability]:
        """The class that has the formula and its bounds."""
        return type(self) if self._has_formula else RangedProbability

    def _formula(self, dist: FloatArray) -> Any:
        """Return the value at `dist`, neither clipped nor cut to the range."""
        # A law of the user's own is what calling it with one distance at a time gives.
        return np.array([float(self(each)) for each in dist.ravel().tolist()]).reshape(dist.shape)

    def decisions(self, dist: npt.ArrayLike, rng: RngLike = None) -> Flags:
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
        greatest = np.minimum(np.maximum(self._law._greatest(self, *clipped), 0.0), 1.0)
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
        law = self._law
        least, greatest = law._least(self, *clipped), law._greatest(self, *clipped)
        least = np.where(beyond, np.minimum(least, 0.0), least)
        greatest = np.where(beyond, np.maximum(greatest, 0.0), greatest)
        return np.where(reachable, least, 0.0), np.where(reachable, greatest, 0.0)

    def _within_range(
        self, low: npt.ArrayLike, high: npt.ArrayLike
    ) -> tuple[Flags, tuple[FloatArray, FloatArray]]:
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
