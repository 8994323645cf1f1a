"""Distributions for weights and delays, beside those of scipy.stats."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import floats, number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.synapses.distribution import (
    ALLOWED,
    Constant,
    FloatArray,
    Law,
    as_law,
    checked_probabilities,
    required_law,
    shown,
)

__all__ = ["clipped", "lognormal", "mixture", "truncated"]

#: A truncated law is drawn from by rejection if it keeps more than this.
_MASS_OF_REJECTION = 0.25
#: Below this, rejection takes too long.
_LEAST_MASS = 1e-3
#: The least and the greatest probability that are inverted.
_INNER = (1e-300, 1.0 - 2.0**-53)


def lognormal(mean: float, std: float) -> Any:
    """Return the lognormal distribution with this mean and standard deviation.

    Parameters
    ----------
    mean, std : float
        Of the values themselves, not of their logarithms; both > 0, in the values' unit.

    Returns
    -------
    frozen distribution of scipy.stats
        ``stats.lognorm(s, scale=exp(mu))`` with ``s**2 = log(1 + std**2 / mean**2)`` and
        ``mu = log(mean) - s**2 / 2``.

    Raises
    ------
    ParameterError
        Unless both are > 0.

    Examples
    --------
    >>> weights = lognormal(2.0, 0.5)
    >>> round(float(weights.mean()), 6), round(float(weights.std()), 6)
    (2.0, 0.5)
    """
    from scipy import stats

    allowed = "a number > 0; the mean and standard deviation are those of the values themselves"
    tiny = 1e-100
    mean = number(mean, "mean of lognormal()", allowed, tiny, 1 / tiny)
    std = number(std, "std of lognormal()", allowed, tiny, 1 / tiny)
    s2 = math.log1p((std / mean) ** 2)
    return stats.lognorm(s=math.sqrt(s2), scale=mean * math.exp(-s2 / 2))


# ---------------------------------------------------------------------- limits
def _limits(low: Any, high: Any, owner: str) -> tuple[float, float]:
    """Return two limits, one of them finite, as floats."""
    ends = floats([low, high]) if np.ndim(low) == np.ndim(high) == 0 else np.array([math.nan] * 2)
    if not ends[0] < ends[1] or not np.isfinite(ends).any():
        raise ParameterError(
            f"low and high of {owner} are {low!r} and {high!r}; allowed are two numbers with "
            "low < high, one of which may be left out."
        )
    return float(ends[0]), float(ends[1])


class Truncated(Law):
    """A law on an interval."""

    parameter_names = ("distribution", "low", "high")

    def __init__(self, distribution: Any, low: Any, high: Any) -> None:
        law = required_law(distribution, "distribution of truncated()")
        self.distribution = distribution
        self.low, self.high = _limits(low, high, "truncated()")
        self._law = law
        #: The probabilities between which the law lies, by the cdf or the survival function.
        self._probability: Callable[..., Any] = law.cdf
        self._first, self._last = law.below(self.low), float(law.cdf(self.high))
        self._inverse: Callable[..., Any] | None = None
        if not (law.sequential and self._mass > _MASS_OF_REJECTION):
            self._invert()
        self.sequential = law.sequential or self._inverse is not None
        if not self._mass > (_LEAST_MASS if self._inverse is None else 0.0):
            raise ParameterError(
                f"low and high of truncated() are {low!r} and {high!r}, where "
                f"{shown(distribution)} has probability {self._mass:.3g}; choose limits around "
                "values that it gives."
            )

    @property
    def _mass(self) -> float:
        return abs(self._last - self._first)

    def _invert(self) -> None:
        """Draw by the inverse of the cdf where there is one, or of the survival function.

        In the upper half the cdf is rounded, and the survival function is not.
        """
        from scipy.stats import rv_continuous

        frozen = getattr(self._law, "frozen", None)
        if frozen is None or not isinstance(frozen.dist, rv_continuous):
            return
        self._probability, self._inverse = frozen.cdf, frozen.ppf
        if self._first > 0.5:
            self._probability, self._inverse = frozen.sf, frozen.isf
        self._first, self._last = (float(self._probability(x)) for x in (self.low, self.high))

    def draw(self, rng: SharedGenerator, n: int) -> FloatArray:
        if self._inverse is None:
            return self._accepted(rng, n)
        p = rng.uniform(0.0, 1.0, n)
        p *= self._last - self._first
        p += self._first
        np.clip(p, *_INNER, out=p)  # 0 and 1 may lie infinitely far away
        values: FloatArray = self._inverse(p)
        return np.clip(values, self.low, self.high)  # the last digits are rounded

    def _accepted(self, rng: SharedGenerator, n: int) -> FloatArray:
        """Return the values inside, in the order in which they come; none is drawn in vain."""
        values = np.empty(n)
        found = 0
        while found < n:
            drawn = self._law.draw(rng, n - found)
            drawn = drawn[(drawn >= self.low) & (drawn <= self.high)]
            values[found : found + len(drawn)] = drawn
            found += len(drawn)
        return values

    def one(self, rng: SharedGenerator) -> float:
        if self._inverse is not None:
            return super().one(rng)
        while True:
            value = self._law.one(rng)
            if self.low <= value <= self.high:
                return value

    def cdf(self, x: npt.ArrayLike) -> Any:
        x = np.asarray(x, dtype=float)
        inside = (self._probability(np.minimum(x, self.high)) - self._first) / (
            self._last - self._first
        )
        return np.where(x < self.low, 0.0, np.clip(inside, 0.0, 1.0))


class Clipped(Law):
    """A law whose values are moved to the limits."""

    parameter_names = ("distribution", "low", "high")

    def __init__(self, distribution: Any, low: Any, high: Any) -> None:
        self._law = required_law(distribution, "distribution of clipped()")
        self.distribution = distribution
        self.low, self.high = _limits(low, high, "clipped()")
        self.sequential = self._law.sequential

    def draw(self, rng: SharedGenerator, n: int) -> FloatArray:
        values = self._law.draw(rng, n)
        return np.clip(values, self.low, self.high, out=values)

    def one(self, rng: SharedGenerator) -> float:
        return min(max(self._law.one(rng), self.low), self.high)

    def cdf(self, x: npt.ArrayLike) -> Any:
        x = np.asarray(x, dtype=float)
        return np.where(x < self.low, 0.0, np.where(x >= self.high, 1.0, self._law.cdf(x)))


def truncated(distribution: Any, low: float = -math.inf, high: float = math.inf) -> Law:
    """Return a distribution given that its values lie within [low, high].

    Parameters
    ----------
    distribution : scipy.stats distribution or Law
    low, high : float
        Limits, in the values' unit; one may be left out. (Those of ``scipy.stats.truncnorm``
        count standard deviations.)

    Returns
    -------
    Law
        With ``rvs`` and ``cdf``. The probability outside is shared by all values inside; mean
        and standard deviation are no longer those of `distribution`. See :func:`clipped`.

    Raises
    ------
    ParameterError
        If there is (next to) nothing within the limits.

    Notes
    -----
    Drawn from by rejection where more than a quarter of the values lies inside and NumPy draws
    from `distribution` number by number (norm, lognorm, uniform, expon, gamma, beta, weibull_min
    of scipy.stats), else by the inverse of the cumulative distribution, which for gamma and beta
    takes up to a microsecond per value.

    Examples
    --------
    >>> from scipy import stats
    >>> weights = truncated(stats.norm(1.0, 0.5), low=0.0)
    >>> bool(weights.rvs(1000, random_state=1).min() >= 0.0)
    True
    """
    return Truncated(distribution, low, high)


def clipped(distribution: Any, low: float = -math.inf, high: float = math.inf) -> Law:
    """Return a distribution whose values beyond [low, high] are moved to the nearest limit.

    Parameters
    ----------
    distribution : scipy.stats distribution or Law
    low, high : float
        Limits, in the values' unit; one may be left out.

    Returns
    -------
    Law
        With ``rvs`` and ``cdf``. The limits themselves have the probability of what lay beyond;
        see :func:`truncated`.

    Raises
    ------
    ParameterError
        Unless ``low < high``.

    Examples
    --------
    >>> from scipy import stats
    >>> float(clipped(stats.norm(0.0, 1.0), low=0.0).cdf(0.0))
    0.5
    """
    return Clipped(distribution, low, high)


# ---------------------------------------------------------------------- mixtures
class Mixture(Law):
    """One of several laws, chosen anew for each value."""

    parameter_names = ("distributions", "probabilities")
    sequential = False

    def __init__(self, distributions: Any, probabilities: Any) -> None:
        if not isinstance(distributions, list | tuple) or not distributions:
            raise ParameterError(
                f"distributions of mixture() is {shown(distributions)}; allowed is a list of "
                "distributions or numbers."
            )
        self.distributions = tuple(distributions)
        self.probabilities = checked_probabilities(
            probabilities, len(distributions), "probabilities of mixture()"
        )
        self._parts = [_part(each) for each in distributions]
        self._bounds = np.cumsum(self.probabilities)[:-1]

    def draw(self, rng: SharedGenerator, n: int) -> FloatArray:
        chosen = np.searchsorted(self._bounds, rng.uniform(0.0, 1.0, n), side="right")
        values = np.empty(n)
        for k, part in enumerate(self._parts):
            places = np.flatnonzero(chosen == k)
            values[places] = part.draw(rng, len(places))
        return values

    def one(self, rng: SharedGenerator) -> float:
        chosen = np.searchsorted(self._bounds, rng.uniform(), side="right")
        return self._parts[int(chosen)].one(rng)

    def cdf(self, x: npt.ArrayLike) -> Any:
        parts = zip(self.probabilities, self._parts, strict=True)
        return sum(p * part.cdf(x) for p, part in parts)


def _part(value: Any) -> Law:
    owner = "distributions of mixture()"
    law = as_law(value, owner)
    if law is not None:
        return law
    return Constant(number(value, owner, f"{ALLOWED}, or a number", -1e300, 1e300))


def mixture(distributions: Sequence[Any], probabilities: Sequence[float] | None = None) -> Law:
    """Return the distribution of a value that is drawn from one of several.

    Parameters
    ----------
    distributions : sequence of scipy.stats distribution, Law or float
        A number is a value of its own: 0.0 stands for silent synapses.
    probabilities : sequence of float, optional
        Of each; they add up to 1. Equal ones when omitted.

    Returns
    -------
    Law
        With ``rvs`` and ``cdf``.

    Raises
    ------
    ParameterError
        If a distribution or the probabilities are not allowed.

    Examples
    --------
    >>> weights = mixture([lognormal(1.0, 0.3), lognormal(5.0, 1.0)], [0.9, 0.1])
    >>> len(weights.rvs(100, random_state=1))
    100
    """
    return Mixture(distributions, probabilities)
