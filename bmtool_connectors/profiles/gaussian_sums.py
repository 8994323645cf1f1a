"""Profiles of distance made of Gaussians: centre and surround, Mexican hat, two peaks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import HUGE, length, number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.formula import DistRange, TotalProfile
from bmtool_connectors.profiles.gaussian import gaussian, gaussian_kinks, gaussian_shell_mean
from bmtool_connectors.profiles.shells import density_power, shell_volume, smooth_shell_mean

__all__ = ["Bimodal", "DifferenceOfGaussians", "MexicanHat"]


def _amplitude(value: Any, owner: str) -> float:
    return number(value, owner, "a finite number >= 0", 0.0, HUGE)


class DifferenceOfGaussians(TotalProfile):
    """Narrow Gaussian of the distance less a wide one, cut at 0 and 1 as a probability.

    ``amplitude_center * exp(-dist**2 / (2 sigma_center**2))
    - amplitude_surround * exp(-dist**2 / (2 sigma_surround**2))``

    Parameters
    ----------
    sigma_center, sigma_surround : float, um
        Standard deviations, ``0 < sigma_center < sigma_surround``.
    amplitude_center, amplitude_surround : float
        Heights, at least 0. ``raw`` is their difference at distance 0.
    min_dist, max_dist, ptotal, ptotal_dist_range, dist_type
        As of `GaussianDropoff`; with `ptotal` both amplitudes are multiplied by one factor.

    Raises
    ------
    ParameterError
        If a standard deviation or an amplitude is not allowed, or with `ptotal` the profile is
        nowhere positive within `ptotal_dist_range`.

    Notes
    -----
    As a probability it is 0 where the surround outweighs the centre, and the overall probability
    is that of the positive part; ``raw`` is the signed value, for kernels.

    Examples
    --------
    >>> p = DifferenceOfGaussians(30.0, 60.0, 0.9, 0.4)
    >>> round(p(0.0), 4), p(100.0), round(float(p.raw(100.0)), 4)
    (0.5, 0.0, -0.0963)
    """

    _shape_names = ("sigma_center", "sigma_surround", "amplitude_center", "amplitude_surround")
    _amplitudes = ("amplitude_center", "amplitude_surround")
    examples = (
        {"sigma_center": 30.0, "sigma_surround": 50.0, "amplitude_surround": 0.3},
        {"sigma_center": 30.0, "sigma_surround": 60.0, "amplitude_surround": 0.0},
    )

    def __init__(
        self,
        sigma_center: float,
        sigma_surround: float,
        amplitude_center: float = 1.0,
        amplitude_surround: float = 0.5,
        min_dist: float = 0.0,
        max_dist: float = math.inf,
        ptotal: float | None = None,
        ptotal_dist_range: DistRange = None,
        dist_type: str = "spherical",
    ) -> None:
        super().__init__(min_dist, max_dist)
        own = type(self).__name__
        self.sigma_center = length(sigma_center, f"sigma_center of {own}")
        self.sigma_surround = length(sigma_surround, f"sigma_surround of {own}")
        if not self.sigma_center < self.sigma_surround:
            raise ParameterError(
                f"sigma_center of {own} must be smaller than sigma_surround (um), got "
                f"{sigma_center!r} and {sigma_surround!r}."
            )
        self.amplitude_center = _amplitude(amplitude_center, f"amplitude_center of {own}")
        self.amplitude_surround = _amplitude(amplitude_surround, f"amplitude_surround of {own}")
        self._set_total(ptotal, ptotal_dist_range, dist_type)

    def _shape(self, dist: FloatArray) -> Any:
        center = gaussian(dist, 0.0, self.sigma_center, self.amplitude_center)
        return center - gaussian(dist, 0.0, self.sigma_surround, self.amplitude_surround)

    def _where_equal(self, center: float, surround: float) -> float:
        """Return the distance at which center and surround, of these heights, are equal."""
        if surround == 0:
            return math.inf
        if center <= surround:
            return 0.0
        narrow, wide = self.sigma_center, self.sigma_surround
        spread = (wide - narrow) * (wide + narrow) / wide**2
        return narrow * math.sqrt(2 * (math.log(center) - math.log(surround)) / spread)

    def _turns(self) -> tuple[float, ...]:
        # The slopes are the Gaussians times dist / sigma**2.
        center = self.amplitude_center * (self.sigma_surround / self.sigma_center) ** 2
        return (self._where_equal(center, self.amplitude_surround),)

    def _shape_mean(self, r1: float, r2: float) -> float:
        end = min(r2, self._where_equal(self.amplitude_center, self.amplitude_surround))
        if r1 >= end:
            return 0.0
        power = density_power(self.dist_type)
        share = shell_volume(r1, end, power) / shell_volume(r1, r2, power)
        center = gaussian_shell_mean(r1, end, power, 0.0, self.sigma_center)
        surround = gaussian_shell_mean(r1, end, power, 0.0, self.sigma_surround)
        return share * (self.amplitude_center * center - self.amplitude_surround * surround)

    def _kinks(self) -> Iterable[float]:
        yield from super()._kinks()
        yield self._where_equal(self.amplitude_center, self.amplitude_surround)
        yield from gaussian_kinks(0.0, self.sigma_center)
        yield from gaussian_kinks(0.0, self.sigma_surround)


class MexicanHat(TotalProfile):
    """Second derivative of a Gaussian, cut at 0 and 1 as a probability.

    ``amplitude * (1 - (dist / sigma)**2) * exp(-dist**2 / (2 sigma**2))``

    Parameters
    ----------
    sigma : float, um
        Where the value crosses 0.
    amplitude : float, default 1.0
        Value at distance 0, at least 0.
    min_dist, max_dist, ptotal, ptotal_dist_range, dist_type
        As of `GaussianDropoff`; with `ptotal` the amplitude is computed from it.

    Raises
    ------
    ParameterError
        If ``sigma <= 0``, ``amplitude < 0``, or with `ptotal` the profile is nowhere positive
        within `ptotal_dist_range`.

    Notes
    -----
    As a probability it is 0 from `sigma` on, and the overall probability is that of the positive
    part; ``raw`` is the signed value, for kernels.

    Examples
    --------
    >>> p = MexicanHat(50.0, 0.6)
    >>> p(0.0), p(60.0), round(float(p.raw(60.0)), 4)
    (0.6, 0.0, -0.1285)
    """

    _shape_names = ("sigma", "amplitude")
    _amplitudes = ("amplitude",)
    examples = ({"sigma": 80.0, "amplitude": 0.6},)

    def __init__(
        self,
        sigma: float,
        amplitude: float = 1.0,
        min_dist: float = 0.0,
        max_dist: float = math.inf,
        ptotal: float | None = None,
        ptotal_dist_range: DistRange = None,
        dist_type: str = "spherical",
    ) -> None:
        super().__init__(min_dist, max_dist)
        own = type(self).__name__
        self.sigma = length(sigma, f"sigma of {own}")
        self.amplitude = _amplitude(amplitude, f"amplitude of {own}")
        self._set_total(ptotal, ptotal_dist_range, dist_type)

    def _shape(self, dist: FloatArray) -> Any:
        with np.errstate(over="ignore"):  # where the exponential is 0 the square may be infinite
            square = np.minimum(np.square(dist / self.sigma), 1e4)
        return self.amplitude * (1 - square) * np.exp(-square / 2)

    def _turns(self) -> tuple[float, ...]:
        return (math.sqrt(3) * self.sigma,)

    def _shape_mean(self, r1: float, r2: float) -> float:
        power, a, b = density_power(self.dist_type), r1 / self.sigma, min(r2 / self.sigma, 1.0)
        if a >= b:
            return 0.0
        if b - a < 0.5:  # the closed form would take differences of nearly equal numbers
            share = shell_volume(r1, b * self.sigma, power) / shell_volume(r1, r2, power)
            return share * smooth_shell_mean(self._shape, r1, b * self.sigma, power)

        def integral(x: float) -> float:
            """Return the integral of x**power times the shape, from 0 to x."""
            e = math.exp(-x * x / 2)
            if power == 1:
                return (x * x + 1) * e - 1
            return x * (x * x + 2) * e - math.sqrt(2 * math.pi) * math.erf(x / math.sqrt(2))

        volume = shell_volume(r1 / self.sigma, r2 / self.sigma, power)
        return self.amplitude * (integral(b) - integral(a)) / volume

    def _kinks(self) -> Iterable[float]:
        return *super()._kinks(), self.sigma, *gaussian_kinks(0.0, self.sigma)


class Bimodal(TotalProfile):
    """Sum of two Gaussians of the distance, at most 1.

    ``amplitude1 * exp(-((dist - center1) / sigma1)**2 / 2)
    + amplitude2 * exp(-((dist - center2) / sigma2)**2 / 2)``

    Parameters
    ----------
    sigma1, sigma2 : float, um
        Standard deviations, above 0.
    center1, center2 : float, default 0.0, um
        Positions of the peaks.
    amplitude1, amplitude2 : float, default 1.0
        Heights, at least 0.
    min_dist, max_dist, ptotal, ptotal_dist_range, dist_type
        As of `GaussianDropoff`; with `ptotal` both amplitudes are multiplied by one factor.

    Raises
    ------
    ParameterError
        If a parameter is not allowed, and as of `GaussianDropoff`.

    Notes
    -----
    The bound on an interval is the sum of the bounds of both; it is the greatest value itself
    where the interval does not reach between the centres.

    Examples
    --------
    >>> p = Bimodal(20.0, 40.0, center2=150.0, amplitude1=0.5, amplitude2=0.3)
    >>> round(p(0.0), 4), round(p(150.0), 4)
    (0.5003, 0.3)
    """

    _shape_names = ("sigma1", "sigma2", "center1", "center2", "amplitude1", "amplitude2")
    _amplitudes = ("amplitude1", "amplitude2")
    examples = (
        {"sigma1": 20.0, "sigma2": 15.0, "center2": 80.0, "amplitude2": 0.5, "max_dist": 120.0},
    )

    def __init__(
        self,
        sigma1: float,
        sigma2: float,
        center1: float = 0.0,
        center2: float = 0.0,
        amplitude1: float = 1.0,
        amplitude2: float = 1.0,
        min_dist: float = 0.0,
        max_dist: float = math.inf,
        ptotal: float | None = None,
        ptotal_dist_range: DistRange = None,
        dist_type: str = "spherical",
    ) -> None:
        super().__init__(min_dist, max_dist)
        own = type(self).__name__
        self.sigma1 = length(sigma1, f"sigma1 of {own}")
        self.sigma2 = length(sigma2, f"sigma2 of {own}")
        self.center1 = number(center1, f"center1 of {own}", "a finite distance (um)", -HUGE, HUGE)
        self.center2 = number(center2, f"center2 of {own}", "a finite distance (um)", -HUGE, HUGE)
        self.amplitude1 = _amplitude(amplitude1, f"amplitude1 of {own}")
        self.amplitude2 = _amplitude(amplitude2, f"amplitude2 of {own}")
        self._set_total(ptotal, ptotal_dist_range, dist_type)

    def _modes(self) -> tuple[tuple[float, float, float], ...]:
        """Return centre, standard deviation and height of each Gaussian."""
        return (
            (self.center1, self.sigma1, self.amplitude1),
            (self.center2, self.sigma2, self.amplitude2),
        )

    def _shape(self, dist: FloatArray) -> Any:
        return sum(gaussian(dist, *mode) for mode in self._modes())

    def _greatest(self, low: FloatArray, high: FloatArray) -> Any:
        return sum(gaussian(np.clip(mode[0], low, high), *mode) for mode in self._modes())

    def _least(self, low: FloatArray, high: FloatArray) -> Any:
        return sum(
            np.minimum(gaussian(low, *mode), gaussian(high, *mode)) for mode in self._modes()
        )

    def _shape_mean(self, r1: float, r2: float) -> float:
        power = density_power(self.dist_type)
        return sum(
            height * gaussian_shell_mean(r1, r2, power, center, sigma)
            for center, sigma, height in self._modes()
        )

    def _kinks(self) -> Iterable[float]:
        yield from super()._kinks()
        for center, sigma, _ in self._modes():
            yield from gaussian_kinks(center, sigma)
