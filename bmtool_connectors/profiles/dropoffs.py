"""Profiles of distance that fall: exponential, line, sigmoid and power.

All know the closed form of their greatest value on an interval. Where the mean
over a sphere or a disc has a closed form, `ptotal` uses it, else quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import expit, gammainc, gammaincc

from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import HUGE, length, number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.formula import DistRange, PeakProfile
from bmtool_connectors.profiles.shells import density_power, shell_volume, smooth_shell_mean

__all__ = [
    "ExponentialDropoff",
    "LinearDropoff",
    "PowerLawDropoff",
    "SigmoidDropoff",
]


_FINITE = (-HUGE, HUGE)


class ExponentialDropoff(PeakProfile):
    """Exponential of the distance: ``pmax * exp(-dist / scale)``, at most 1.

    Parameters
    ----------
    scale : float, um
        Length over which the probability falls to 1 / e.
    min_dist, max_dist, pmax, ptotal, ptotal_dist_range, dist_type
        As of `GaussianDropoff`.

    Raises
    ------
    ParameterError
        If ``scale <= 0``, and as of `GaussianDropoff`.

    Examples
    --------
    >>> p = ExponentialDropoff(50.0, pmax=0.4, max_dist=200.0)
    >>> p(0.0), round(p(50.0), 4), p(201.0)
    (0.4, 0.1472, 0.0)
    """

    _shape_names = ("scale",)
    examples = ({"scale": 40.0, "pmax": 0.6, "max_dist": 120.0},)

    def __init__(
        self,
        scale: float,
        min_dist: float = 0.0,
        max_dist: float = math.inf,
        pmax: float = 1.0,
        ptotal: float | None = None,
        ptotal_dist_range: DistRange = None,
        dist_type: str = "spherical",
    ) -> None:
        super().__init__(min_dist, max_dist)
        self.scale = length(scale, f"scale of {type(self).__name__}")
        self._set_peak(pmax, ptotal, ptotal_dist_range, dist_type)
        self._warn_of_cut()

    def _shape(self, dist: FloatArray) -> Any:
        with np.errstate(over="ignore"):  # infinitely far away is 0
            return np.exp(-dist / self.scale)

    def _shape_mean(self, r1: float, r2: float) -> float:
        power, scale = density_power(self.dist_type), self.scale
        x1, x2 = r1 / scale, r2 / scale
        if x2 - x1 < 1:  # the closed form would take differences of nearly equal numbers
            return smooth_shell_mean(self._shape, r1, r2, power)
        # Far out the upper incomplete gamma function keeps its digits, near by the lower one.
        if x1 > power:
            part = float(gammaincc(power + 1, x1) - gammaincc(power + 1, x2))
        else:
            part = float(gammainc(power + 1, x2) - gammainc(power + 1, x1))
        return part * math.factorial(power) * scale ** (power + 1) / shell_volume(r1, r2, power)

    def _kinks(self) -> Iterable[float]:
        return *super()._kinks(), *(self.min_dist + k * self.scale for k in (1, 4, 16))


class LinearDropoff(PeakProfile):
    """Straight line: ``pmax * (1 - dist / max_dist)``, at most 1, and 0 from `max_dist` on.

    Parameters
    ----------
    max_dist : float, um
        Finite.
    min_dist, pmax, ptotal, ptotal_dist_range, dist_type
        As of `GaussianDropoff`.

    Raises
    ------
    ParameterError
        If `max_dist` is infinite, and as of `GaussianDropoff`.

    Examples
    --------
    >>> p = LinearDropoff(200.0, pmax=0.4)
    >>> p(0.0), p(100.0), p(200.0)
    (0.4, 0.2, 0.0)
    """

    examples = ({"max_dist": 120.0, "min_dist": 10.0, "pmax": 0.6},)

    def __init__(
        self,
        max_dist: float,
        min_dist: float = 0.0,
        pmax: float = 1.0,
        ptotal: float | None = None,
        ptotal_dist_range: DistRange = None,
        dist_type: str = "spherical",
    ) -> None:
        length(max_dist, f"max_dist of {type(self).__name__}")
        super().__init__(min_dist, max_dist)
        self._set_peak(pmax, ptotal, ptotal_dist_range, dist_type)
        self._warn_of_cut()

    def _shape(self, dist: FloatArray) -> Any:
        return np.maximum(1 - dist / self.max_dist, 0.0)

    def _shape_mean(self, r1: float, r2: float) -> float:
        end = min(r2, self.max_dist)
        if r1 >= end:
            return 0.0
        power = density_power(self.dist_type)
        share = shell_volume(r1, end, power) / shell_volume(r1, r2, power)
        # A polynomial of third degree, for which the rule is exact.
        return share * smooth_shell_mean(self._shape, r1, end, power)


class SigmoidDropoff(PeakProfile):
    """Logistic function of the distance, ``pmax / (1 + exp(slope * (dist - midpoint)))``.

    Parameters
    ----------
    midpoint : float, um
        Where the probability is ``pmax / 2``.
    slope : float, 1/um
        Steepness there; negative for a probability that grows with distance.
    min_dist, max_dist, pmax, ptotal, ptotal_dist_range, dist_type
        As of `GaussianDropoff`.

    Raises
    ------
    ParameterError
        If `midpoint` or `slope` is not finite, and as of `GaussianDropoff`.

    Examples
    --------
    >>> p = SigmoidDropoff(100.0, 0.05, pmax=0.4)
    >>> round(p(0.0), 4), p(100.0), round(p(200.0), 4)
    (0.3973, 0.2, 0.0027)
    """

    _shape_names = ("midpoint", "slope")
    examples = (
        {"midpoint": 60.0, "slope": 0.1, "pmax": 0.6, "max_dist": 120.0},
        {"midpoint": 60.0, "slope": -0.1, "pmax": 0.6, "max_dist": 120.0},
    )

    def __init__(
        self,
        midpoint: float,
        slope: float = 0.05,
        min_dist: float = 0.0,
        max_dist: float = math.inf,
        pmax: float = 1.0,
        ptotal: float | None = None,
        ptotal_dist_range: DistRange = None,
        dist_type: str = "spherical",
    ) -> None:
        super().__init__(min_dist, max_dist)
        own = type(self).__name__
        self.midpoint = number(midpoint, f"midpoint of {own}", "a finite distance (um)", *_FINITE)
        self.slope = number(slope, f"slope of {own}", "a finite number (1/um)", *_FINITE)
        if self.slope == 0:
            raise ParameterError(f"slope of {own} must be a number other than 0, got {slope!r}.")
        self._set_peak(pmax, ptotal, ptotal_dist_range, dist_type)
        self._warn_of_cut()

    def _shape(self, dist: FloatArray) -> Any:
        with np.errstate(over="ignore"):
            return expit(-self.slope * (dist - self.midpoint))

    def _kinks(self) -> Iterable[float]:
        steps = (-30, -5, -1, 0, 1, 5, 30)
        return *super()._kinks(), *(self.midpoint + k / abs(self.slope) for k in steps)


class PowerLawDropoff(PeakProfile):
    """Power of the distance: ``pmax * (max(dist, min_scale) / min_scale)**-exponent``, at most 1.

    Parameters
    ----------
    exponent : float
        At least 0.
    min_scale : float, default 1.0, um
        Up to this distance the probability is `pmax`.
    min_dist, max_dist, pmax, ptotal, ptotal_dist_range, dist_type
        As of `GaussianDropoff`.

    Raises
    ------
    ParameterError
        If ``exponent < 0`` or ``min_scale <= 0``, and as of `GaussianDropoff`.

    Examples
    --------
    >>> p = PowerLawDropoff(2.0, min_scale=10.0, pmax=0.4)
    >>> p(5.0), p(20.0)
    (0.4, 0.1)
    """

    _shape_names = ("exponent", "min_scale")
    examples = (
        {"exponent": 1.5, "min_scale": 20.0, "pmax": 0.6, "max_dist": 120.0},
        {"exponent": 2.0, "min_scale": 20.0},
        {"exponent": 3.0, "min_scale": 20.0, "min_dist": 5.0},
    )

    def __init__(
        self,
        exponent: float,
        min_scale: float = 1.0,
        min_dist: float = 0.0,
        max_dist: float = math.inf,
        pmax: float = 1.0,
        ptotal: float | None = None,
        ptotal_dist_range: DistRange = None,
        dist_type: str = "spherical",
    ) -> None:
        super().__init__(min_dist, max_dist)
        own = type(self).__name__
        self.exponent = number(exponent, f"exponent of {own}", "a finite number >= 0", 0.0, 1e3)
        self.min_scale = length(min_scale, f"min_scale of {own}")
        self._set_peak(pmax, ptotal, ptotal_dist_range, dist_type)
        self._warn_of_cut()

    def _shape(self, dist: FloatArray) -> Any:
        with np.errstate(over="ignore"):  # infinitely far away is 0
            return np.power(np.maximum(dist, self.min_scale) / self.min_scale, -self.exponent)

    def _shape_mean(self, r1: float, r2: float) -> float:
        power, scale = density_power(self.dist_type), self.min_scale
        n = power + 1
        # In units of the scale: flat up to 1, then a power.
        a, b = max(r1 / scale, 1.0), max(r2 / scale, 1.0)
        flat = shell_volume(min(r1 / scale, 1.0), min(r2 / scale, 1.0), power)
        left = n - self.exponent
        # (b^left - a^left) / left, also where `left` is 0 or near to it.
        growth = math.log(b / a)
        tail = a**left * (math.expm1(left * growth) / left if left else growth)
        return float(flat + tail) / shell_volume(r1 / scale, r2 / scale, power)

    def _kinks(self) -> Iterable[float]:
        return *super()._kinks(), *(k * self.min_scale for k in (1, 2, 4, 16, 64, 256))
