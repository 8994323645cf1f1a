"""Probability as a function of distance: the profiles.

Every profile is a callable of one distance (a float in [0, 1], 0 outside the
range), works on arrays through ``probability`` and ``in_range``, and knows an
upper bound on any interval of distances, which the samplers use to skip pairs
that cannot connect.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from bmtool_connectors import randomness
from bmtool_connectors.checks import floats, number
from bmtool_connectors.errors import ParameterError, warn
from bmtool_connectors.randomness import RngLike

__all__ = [
    "NORM_COEF",
    "DistantDependentProbability",
    "GaussianDropoff",
    "ProbabilityFunction",
    "UniformInRange",
    "gaussian",
]

FloatArray = npt.NDArray[np.float64]

#: What counts as finite: its cube still is.
_HUGE = 1e100

#: Peak of the standard normal density, 1 / sqrt(2 pi).
NORM_COEF: float = 1.0 / math.sqrt(2.0 * math.pi)


def gaussian(
    x: npt.ArrayLike, mean: float = 0.0, stdev: float = 1.0, pmax: float = NORM_COEF
) -> Any:
    """Return ``pmax * exp(-((x - mean) / stdev)**2 / 2)``.

    Parameters
    ----------
    x : float or array_like of float
        Where to evaluate.
    mean, stdev : float
        Position of the peak and standard deviation, in the unit of `x`.
    pmax : float
        Value at the peak; the default makes it the normal density for ``stdev=1``.

    Returns
    -------
    float or ndarray of float, shape of `x`

    Examples
    --------
    >>> float(gaussian(2.0, mean=2.0, pmax=0.5))
    0.5
    """
    with np.errstate(over="ignore"):  # infinitely far away is 0
        z = (np.asarray(x, dtype=float) - mean) / stdev
        return pmax * np.exp(-z * z / 2)


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
        low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        reachable = (high >= self.min_dist) & (low <= self.max_dist)
        clipped = (np.maximum(low, self.min_dist), np.minimum(high, self.max_dist))
        return np.where(reachable, np.minimum(self._bound_in_range(*clipped), 1.0), 0.0)

    def _bound_in_range(self, low: FloatArray, high: FloatArray) -> npt.ArrayLike:
        return 1.0


class UniformInRange(DistantDependentProbability):
    """Constant probability `p` at distances in ``[min_dist, max_dist]``, else 0.

    Parameters
    ----------
    p : float, default 0.0
        Probability within the range, in [0, 1].
    min_dist, max_dist : float, um
        The range, both ends included.

    Raises
    ------
    ParameterError
        If `p` is not in [0, 1] or the range is empty.

    Examples
    --------
    >>> p = UniformInRange(0.3, max_dist=100)
    >>> p(99.0), p(101.0)
    (0.3, 0.0)
    """

    def __init__(self, p: float = 0.0, min_dist: float = 0.0, max_dist: float = math.inf) -> None:
        super().__init__(min_dist=min_dist, max_dist=max_dist)
        self.p = number(p, "p of UniformInRange", "one probability in [0, 1]", 0.0, 1.0)

    def _parameters(self) -> dict[str, Any]:
        return {"p": self.p, **super()._parameters()}

    def probability(self, dist: npt.ArrayLike) -> float:
        """Return `p`, whatever the distance."""
        return self.p

    def _bound_in_range(self, low: FloatArray, high: FloatArray) -> float:
        return self.p


class GaussianDropoff(DistantDependentProbability):
    """Gaussian of the distance: ``pmax * exp(-((dist - mean) / stdev)**2 / 2)``, at most 1.

    Parameters
    ----------
    mean, stdev : float, um
        Position of the peak and standard deviation (``stdev > 0``).
    min_dist, max_dist : float, um
        The range, both ends included; 0 outside.
    pmax : float, default 1
        Probability at the peak. Above 1 the profile is cut at 1 (and warns).
    ptotal : float, optional
        Overall probability to all cells within `ptotal_dist_range`, at homogeneous density;
        `pmax` is then computed from it.
    ptotal_dist_range : tuple of float or range, optional
        ``(r1, r2)``, um; of a ``range`` object start and stop are taken. Default: the range
        of the profile.
    dist_type : {'spherical', 'cylindrical'}
        Whether cells fill a sphere or a disc around the cell; matters for `ptotal` only.

    Raises
    ------
    ParameterError
        If ``stdev <= 0``, ``pmax < 0``, `ptotal` is not in [0, 1], or the range that `ptotal`
        refers to is infinite or empty.

    Notes
    -----
    `ptotal` is the integral of the Gaussian weighted with the density of distances,
    ``3 r**2 / (r2**3 - r1**3)`` in a sphere and ``2 r / (r2**2 - r1**2)`` in a disc, over
    ``[r1, r2]``. `min_dist` and `max_dist` do not enter it, and when the resulting `pmax`
    is above 1 the cut at 1 makes the overall probability smaller than `ptotal`.

    Examples
    --------
    >>> p = GaussianDropoff(stdev=100.0, pmax=0.2, max_dist=300.0)
    >>> p(0.0), round(p(100.0), 4), p(301.0)
    (0.2, 0.1213, 0.0)
    """

    def __init__(
        self,
        mean: float = 0.0,
        stdev: float = 1.0,
        min_dist: float = 0.0,
        max_dist: float = math.inf,
        pmax: float = 1,
        ptotal: float | None = None,
        ptotal_dist_range: tuple[float, float] | range | None = None,
        dist_type: str = "spherical",
    ) -> None:
        super().__init__(min_dist=min_dist, max_dist=max_dist)
        tiny = np.finfo(float).tiny
        own = type(self).__name__
        self.mean = number(mean, f"mean of {own}", "a finite distance (um)", -_HUGE, _HUGE)
        self.stdev = number(stdev, f"stdev of {own}", "a finite length > 0 (um)", tiny, _HUGE)
        if ptotal is None:
            pmax = number(pmax, f"pmax of {own}", "a finite number >= 0", 0.0, _HUGE)
        else:
            ptotal = number(ptotal, f"ptotal of {own}", "a probability in [0, 1]", 0.0, 1.0)
        if not isinstance(dist_type, str) or dist_type not in ("spherical", "cylindrical"):
            warn(
                f"dist_type of GaussianDropoff is {dist_type!r}; 'spherical' is used. "
                "Allowed are 'spherical' and 'cylindrical'."
            )
            dist_type = "spherical"
        self.ptotal = ptotal
        self.ptotal_dist_range = (
            (self.min_dist, self.max_dist) if ptotal_dist_range is None else ptotal_dist_range
        )
        self.dist_type = dist_type
        self.pmax = pmax if ptotal is None else self.calc_pmax_from_ptotal()
        self.set_probability_func()

    def _parameters(self) -> dict[str, Any]:
        own = {"mean": self.mean, "stdev": self.stdev, **super()._parameters()}
        return {**own, "pmax": self.pmax}

    def _ptotal_limits(self) -> tuple[float, float]:
        """Return the checked ends of ``ptotal_dist_range``."""
        given = self.ptotal_dist_range
        ends = floats((given.start, given.stop) if isinstance(given, range) else given)
        r1, r2 = ends[:2].tolist() if ends.ndim == 1 and len(ends) >= 2 else (math.nan, math.nan)
        if not (0 <= r1 <= _HUGE and 0 <= r2 <= _HUGE and r1 != r2):
            raise ParameterError(
                f"ptotal_dist_range of GaussianDropoff is {given!r}; ptotal needs two finite, "
                "different distances >= 0 (um): pass for example ptotal_dist_range=(0, 300)."
            )
        return min(r1, r2), max(r1, r2)

    def _weighted_integral(self, r1: float, r2: float) -> float:
        """Return the Gaussian with peak 1, weighted with the density of distances."""
        mean, stdev = self.mean, self.stdev
        x1, x2 = (r1 - mean) / stdev, (r2 - mean) / stdev
        if x2 - x1 < 1:  # the closed form would take differences of nearly equal numbers
            nodes, weights = np.polynomial.legendre.leggauss(20)
            r = (r1 + r2) / 2 + (r2 - r1) / 2 * nodes
            g = gaussian(r, mean=mean, stdev=stdev, pmax=1.0)
            return float((r2 - r1) / 2 * (weights * g * self._density(r, r1, r2)).sum())
        # Moments of exp(-x^2 / 2) on [x1, x2]; r = mean + stdev x.
        e1, e2 = math.exp(-x1 * x1 / 2), math.exp(-x2 * x2 / 2)
        m0 = math.sqrt(math.pi / 2) * float(erf(x2 / math.sqrt(2)) - erf(x1 / math.sqrt(2)))
        m1 = e1 - e2
        if self.dist_type == "cylindrical":
            return 2 * stdev * (mean * m0 + stdev * m1) / (r2**2 - r1**2)
        m2 = m0 + x1 * e1 - x2 * e2
        total = mean**2 * m0 + 2 * mean * stdev * m1 + stdev**2 * m2
        return 3 * stdev * total / (r2**3 - r1**3)

    def _density(self, r: FloatArray, r1: float, r2: float) -> FloatArray:
        """Return the density of distances r of cells that lie between r1 and r2, 1/um."""
        if self.dist_type == "cylindrical":
            return 2 * r / (r2**2 - r1**2)
        return 3 * r**2 / (r2**3 - r1**3)

    def calc_pmax_from_ptotal(self) -> float:
        """Return the `pmax` for which the overall probability equals `ptotal`.

        Returns
        -------
        float
            ``ptotal`` over the weighted integral of the Gaussian with peak 1.

        Raises
        ------
        ParameterError
            If `ptotal` is None, or the range it refers to is infinite or empty.
        """
        if self.ptotal is None:
            raise ParameterError(
                "ptotal of GaussianDropoff is None; pass a probability in [0, 1] to compute pmax."
            )
        integral = self._weighted_integral(*self._ptotal_limits())
        if not integral > 0:
            raise ParameterError(
                f"ptotal_dist_range of GaussianDropoff is {self.ptotal_dist_range!r}, where the "
                f"Gaussian (mean {self.mean}, stdev {self.stdev}) is zero; choose a range within "
                "reach."
            )
        return self.ptotal / integral

    def compute_ptotal_integral(self, num_points: int = 1000) -> float:
        """Return the overall probability within `ptotal_dist_range`, numerically.

        Parameters
        ----------
        num_points : int, default 1000
            Points of the trapezoid rule (at least 2).

        Returns
        -------
        float
            Integral of the profile (cut at 1; `min_dist` and `max_dist` do not enter) weighted
            with the density of distances.

        Raises
        ------
        ParameterError
            If the range is infinite or empty, or `num_points` is less than 2.
        """
        n = int(number(num_points, "num_points", "a whole number of at least 2", 2, 1e9))
        r1, r2 = self._ptotal_limits()
        r = np.linspace(r1, r2, n)
        weighted = self.probability(r) * self._density(r, r1, r2)
        return float(((weighted[1:] + weighted[:-1]) / 2 * np.diff(r)).sum())

    def set_probability_func(self) -> None:
        """Take over `mean`, `stdev` and `pmax` into ``probability`` (call it after a change)."""
        self._shape = (self.mean, self.stdev, self.pmax)
        peak = float(self._bound_in_range(np.float64(self.min_dist), np.float64(self.max_dist)))
        self._cut = peak > 1
        if self._cut:
            half_width = self.stdev * math.sqrt(2 * math.log(self.pmax))
            crossings = [
                f"{r:.4g}"
                for r in (self.mean - half_width, self.mean + half_width)
                if self.min_dist <= r <= self.max_dist
            ]
            also = " and ptotal is not reached" if self.ptotal is not None else ""
            where = f", crossing 1 at {' and '.join(crossings)} um" if crossings else ""
            warn(
                f"pmax of GaussianDropoff is {self.pmax:.4g}, so its probability would be up to "
                f"{peak:.4g}{where}; probabilities are cut at 1{also}."
            )

    def probability(self, dist: npt.ArrayLike) -> Any:
        """Return the Gaussian at `dist` (um), cut at 1, without regard to the range."""
        p = self._formula(dist)
        return np.fmin(p, 1.0) if self._cut else p

    def _formula(self, dist: npt.ArrayLike) -> Any:
        mean, stdev, pmax = self._shape
        return gaussian(dist, mean=mean, stdev=stdev, pmax=pmax)

    def _bound_in_range(self, low: npt.ArrayLike, high: npt.ArrayLike) -> Any:
        return self._formula(np.clip(self._shape[0], low, high))
