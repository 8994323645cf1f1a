"""The Gaussian profile, and the Gaussian itself."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import HUGE, length, number
from bmtool_connectors.profiles.formula import DistRange, PeakProfile
from bmtool_connectors.profiles.shells import density_power, smooth_shell_mean

__all__ = ["NORM_COEF", "GaussianDropoff", "gaussian"]


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


def gaussian_shell_mean(r1: float, r2: float, power: int, mean: float, stdev: float) -> float:
    """Return the mean of a Gaussian with peak 1 over cells that lie between r1 and r2.

    Parameters
    ----------
    r1, r2 : float, um
    power : {1, 2}
        Of the distance, in the density of distances.
    mean, stdev : float, um
    """
    x1, x2 = (r1 - mean) / stdev, (r2 - mean) / stdev
    if x2 - x1 < 1:  # the closed form would take differences of nearly equal numbers
        return smooth_shell_mean(lambda r: gaussian(r, mean, stdev, 1.0), r1, r2, power)
    # Moments of exp(-x^2 / 2) on [x1, x2]; r = mean + stdev x.
    e1, e2 = math.exp(-x1 * x1 / 2), math.exp(-x2 * x2 / 2)
    m0 = math.sqrt(math.pi / 2) * float(erf(x2 / math.sqrt(2)) - erf(x1 / math.sqrt(2)))
    m1 = e1 - e2
    if power == 1:
        return 2 * stdev * (mean * m0 + stdev * m1) / (r2**2 - r1**2)
    m2 = m0 + x1 * e1 - x2 * e2
    total = mean**2 * m0 + 2 * mean * stdev * m1 + stdev**2 * m2
    return 3 * stdev * total / (r2**3 - r1**3)


def gaussian_kinks(mean: float, stdev: float) -> list[float]:
    """Return distances between which quadrature sees a Gaussian, however narrow it is."""
    return [mean + k * stdev for k in (-8, -3, -1, 0, 1, 3, 8)]


class GaussianDropoff(PeakProfile):
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

    _shape_names = ("mean", "stdev")
    examples = (
        {"stdev": 60.0, "pmax": 0.8},
        {"mean": 20.0, "stdev": 40.0, "pmax": 0.6, "min_dist": 5.0, "max_dist": 120.0},
    )

    def __init__(
        self,
        mean: float = 0.0,
        stdev: float = 1.0,
        min_dist: float = 0.0,
        max_dist: float = math.inf,
        pmax: float = 1,
        ptotal: float | None = None,
        ptotal_dist_range: DistRange = None,
        dist_type: str = "spherical",
    ) -> None:
        super().__init__(min_dist=min_dist, max_dist=max_dist)
        own = type(self).__name__
        self.mean = number(mean, f"mean of {own}", "a finite distance (um)", -HUGE, HUGE)
        self.stdev = length(stdev, f"stdev of {own}")
        self._set_peak(pmax, ptotal, ptotal_dist_range, dist_type)
        self.set_probability_func()

    def _shape(self, dist: FloatArray) -> Any:
        return gaussian(dist, mean=self.mean, stdev=self.stdev, pmax=1.0)

    def _shape_mean(self, r1: float, r2: float) -> float:
        power = density_power(self.dist_type)
        return gaussian_shell_mean(r1, r2, power, mean=self.mean, stdev=self.stdev)

    def set_probability_func(self) -> None:
        """Take over `mean`, `stdev` and `pmax` into ``probability`` (call it after a change)."""
        self._taken = (self.mean, self.stdev, self.pmax)
        self._cut = self._warn_of_cut()

    def _crossings(self) -> str:
        half_width = self.stdev * math.sqrt(2 * math.log(self.pmax))
        crossings = [
            f"{r:.4g}"
            for r in (self.mean - half_width, self.mean + half_width)
            if self.min_dist <= r <= self.max_dist
        ]
        return f", crossing 1 at {' and '.join(crossings)} um" if crossings else ""

    def probability(self, dist: npt.ArrayLike) -> Any:
        """Return the Gaussian at `dist` (um), cut at 1, without regard to the range."""
        p = self._formula(dist)
        return np.fmin(p, 1.0) if self._cut else p

    def _formula(self, dist: npt.ArrayLike) -> Any:
        mean, stdev, pmax = self._taken
        return gaussian(dist, mean=mean, stdev=stdev, pmax=pmax)

    def _greatest(self, low: FloatArray, high: FloatArray) -> Any:
        return self._formula(np.clip(self._taken[0], low, high))

    def _turns(self) -> tuple[float, ...]:
        return (self._taken[0],)

    def _kinks(self) -> Iterable[float]:
        return *super()._kinks(), *gaussian_kinks(self.mean, self.stdev)
