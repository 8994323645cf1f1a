"""Means over cells that fill a sphere, or a disc, at homogeneous density."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import HUGE, floats
from bmtool_connectors.errors import ParameterError, warn


def range_ends(given: Any, owner: str) -> tuple[float, float]:
    """Return the checked ends of a range of distances that cells fill, ascending, um."""
    ends = floats((given.start, given.stop) if isinstance(given, range) else given)
    r1, r2 = ends[:2].tolist() if ends.ndim == 1 and len(ends) >= 2 else (math.nan, math.nan)
    if not (0 <= r1 <= HUGE and 0 <= r2 <= HUGE and r1 != r2):
        raise ParameterError(
            f"{owner} must be two finite, different distances >= 0 (um), got {given!r}; pass for "
            "example ptotal_dist_range=(0, 300)."
        )
    return min(r1, r2), max(r1, r2)


def checked_dist_type(dist_type: Any, own: str) -> str:
    """Return a type of distance; one that does not exist is repaired, with a warning."""
    if isinstance(dist_type, str) and dist_type in ("spherical", "cylindrical"):
        return dist_type
    warn(
        f"dist_type of {own} is {dist_type!r}; 'spherical' is used. "
        "Allowed are 'spherical' and 'cylindrical'."
    )
    return "spherical"


def density_power(dist_type: str) -> int:
    """Return the power of the distance that the density of distances is proportional to."""
    return 1 if dist_type == "cylindrical" else 2


def density(r: FloatArray, r1: float, r2: float, power: int) -> FloatArray:
    """Return the density of distances `r` of cells that lie between r1 and r2, 1/um."""
    n = power + 1
    return n * r**power / (r2**n - r1**n)


def shell_volume(r1: float, r2: float, power: int) -> float:
    """Return the integral of r**power from r1 to r2."""
    n = power + 1
    return (r2 - r1) * sum(r1**k * r2 ** (power - k) for k in range(n)) / n


def shell_mean(
    function: Callable[[float], float],
    r1: float,
    r2: float,
    power: int,
    breakpoints: Iterable[float],
) -> float:
    """Return the mean of a function of distance over cells that lie between r1 and r2.

    Parameters
    ----------
    function : callable
    r1, r2 : float, um
    power : {1, 2}
        Of the distance, in the density of distances.
    breakpoints : iterable of float, um
        Between them the function is smooth.
    """
    from scipy.integrate import quad

    # In parts of the range: powers of large radii would overflow, or lose all digits.
    low = r1 / r2
    points = sorted({low, 1.0, *(k / r2 for k in breakpoints if r1 < k < r2)})
    total = sum(
        quad(lambda x: function(x * r2) * x**power, a, b, limit=200, epsabs=0, epsrel=1e-10)[0]
        for a, b in itertools.pairwise(points)
    )
    return float(total / shell_volume(low, 1.0, power))


def smooth_shell_mean(
    function: Callable[[FloatArray], FloatArray], r1: float, r2: float, power: int
) -> float:
    """Return the same of a function that is smooth, and hardly changes, between r1 and r2."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    r = (r1 + r2) / 2 + (r2 - r1) / 2 * nodes
    return float((r2 - r1) / 2 * (weights * function(r) * density(r, r1, r2, power)).sum())
