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
from bmtool_connectors.synapses import frozen
from bmtool_connectors.synapses.frozen import ALLOWED, Constant, Distribution, FloatArray, shown

__all__ = ["clipped", "lognormal", "mixture", "truncated"]

#: A truncated distribution is drawn from by rejection if it keeps more than this.
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

    allowed = "a number > 0: the mean and standard deviation are those of the values themselves"
    tiny = 1e-100
    mean = number(mean, "mean of lognormal()", allowed, tiny, 1 / tiny)
    std = number(std, "std of lognormal()", allowed, tiny, 1 / tiny)
    s2 = math.log1p((std / mean) ** 2)
    return stats.lognorm(s=math.sqrt(s2), scale=mean * math.exp(-s2 / 2))


class Limited(Distribution):
    """A distribution of which no value lies beyond limits, one of which is finite."""

    def __init__(self, distribution: Any, low: Any, high: Any) -> None:
        owner = f"{type(self).__name__.lower()}()"
        self.distribution = distribution
        self._unlimited = frozen.required_distribution(distribution, f"distribution of {owner}")
        self.sequential = self._unlimited.sequential
        are_numbers = np.ndim(low) == np.ndim(high) == 0
        ends = floats([low, high]) if are_numbers else np.array([math.nan] * 2)
        if not ends[0] < ends[1] or not np.isfinite(ends).any():
            raise ParameterError(
                f"low and high of {owner} must be two numbers with low < high, one of which may be "
                f"left out, got {low!r} and {high!r}."
            )
        self.low, self.high = ends.tolist()


class Truncated(Limited):
    """A distribution given that its values lie within limits."""

    def __init__(self, distribution: Any, low: Any, high: Any) -> None:
        super().__init__(distribution, low, high)
        unlimited = self._unlimited
        #: The probabilities between which values lie, by the cdf or the survival function.
        self._probability: Callable[..., Any] = unlimited.cdf
        self._first, self._last = unlimited.below(self.low), float(unlimited.cdf(self.high))
        self._inverse: Callable[..., Any] | None = None
        if not (unlimited.sequential and self._mass > _MASS_OF_REJECTION):
            self._invert()
        self.sequential = unlimited.sequential or self._inverse is not None
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

        law = getattr(self._unlimited, "frozen", None)
        if law is None or not isinstance(law.dist, rv_continuous):
            return
        self._probability, self._inverse = law.cdf, law.ppf
        if self._first > 0.5:
            self._probability, self._inverse = law.sf, law.isf
        self._first, self._last = (float(self._probability(x)) for x in (self.low, self.high))

    def draw(self, rng: SharedGenerator, n: int | None = None) -> Any:
        if self._inverse is None:
            return self._one_inside(rng) if n is None else self._inside(rng, n)
        p = rng.uniform(0.0, 1.0, n)
        p *= self._last - self._first
        p += self._first
        values = self._inverse(
            frozen.moved_within(p, *_INNER)
        )  # 0 and 1 may lie infinitely far away
        return np.clip(values, self.low, self.high)  # the last digits are rounded

    def _inside(self, rng: SharedGenerator, n: int) -> FloatArray:
        """Return the values inside, in the order in which they come; none is drawn in vain."""
        values = np.empty(n)
        found = 0
        while found < n:
            drawn = self._unlimited.draw(rng, n - found)
            drawn = drawn[(drawn >= self.low) & (drawn <= self.high)]
            values[found : found + len(drawn)] = drawn
            found += len(drawn)
        return values

    def _one_inside(self, rng: SharedGenerator) -> float:
        """Return the first value inside: arrays of one take several times as long."""
        value: float = self._unlimited.draw(rng)
        while not self.low <= value <= self.high:
            value = self._unlimited.draw(rng)
        return value

    def cdf(self, x: npt.ArrayLike) -> Any:
        x = np.asarray(x, dtype=float)
        inside = self._probability(np.minimum(x, self.high)) - self._first
        inside /= self._last - self._first
        return np.where(x < self.low, 0.0, np.clip(inside, 0.0, 1.0))


class Clipped(Limited):
    """A distribution whose values are moved to the limits."""

    def draw(self, rng: SharedGenerator, n: int | None = None) -> Any:
        return frozen.moved_within(self._unlimited.draw(rng, n), self.low, self.high)

    def cdf(self, x: npt.ArrayLike) -> Any:
        x = np.asarray(x, dtype=float)
        return np.where(x < self.low, 0.0, np.where(x >= self.high, 1.0, self._unlimited.cdf(x)))


def truncated(distribution: Any, low: float = -math.inf, high: float = math.inf) -> Distribution:
    """Return a distribution given that its values lie within [low, high].

    Parameters
    ----------
    distribution : scipy.stats distribution or Distribution
    low, high : float
        Limits, in the values' unit; one may be left out. (Those of ``scipy.stats.truncnorm``
        count standard deviations.)

    Returns
    -------
    Distribution
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


def clipped(distribution: Any, low: float = -math.inf, high: float = math.inf) -> Distribution:
    """Return a distribution whose values beyond [low, high] are moved to the nearest limit.

    Parameters
    ----------
    distribution : scipy.stats distribution or Distribution
    low, high : float
        Limits, in the values' unit; one may be left out.

    Returns
    -------
    Distribution
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


class Mixture(Distribution):
    """One of several distributions, chosen anew for each value."""

    sequential = False

    def __init__(self, distributions: Any, probabilities: Any) -> None:
        owner = "distributions of mixture()"
        if not isinstance(distributions, list | tuple) or not distributions:
            raise ParameterError(
                f"{owner} must be a list of distributions or numbers, got {shown(distributions)}."
            )
        self.distributions = tuple(distributions)
        self.probabilities = frozen.checked_probabilities(
            probabilities, len(distributions), "probabilities of mixture()"
        )
        allowed = f"{ALLOWED}, or a number"
        self._parts = [
            frozen.as_distribution(each, owner)
            or Constant(number(each, owner, allowed, -1e300, 1e300))
            for each in distributions
        ]
        self._bounds = np.cumsum(self.probabilities)[:-1]

    def draw(self, rng: SharedGenerator, n: int | None = None) -> Any:
        chosen = self._bounds.searchsorted(rng.uniform(0.0, 1.0, n), side="right")
        if n is None:
            return self._parts[int(chosen)].draw(rng)
        values = np.empty(n)
        for k, part in enumerate(self._parts):
            index = np.flatnonzero(chosen == k)
            values[index] = part.draw(rng, len(index))
        return values

    def cdf(self, x: npt.ArrayLike) -> Any:
        parts = zip(self.probabilities, self._parts, strict=True)
        return sum(p * part.cdf(x) for p, part in parts)


def mixture(
    distributions: Sequence[Any], probabilities: Sequence[float] | None = None
) -> Distribution:
    """Return the distribution of a value that is drawn from one of several.

    Parameters
    ----------
    distributions : sequence of scipy.stats distribution, Distribution or float
        A number is a value of its own: 0.0 stands for silent synapses.
    probabilities : sequence of float, optional
        Of each; they add up to 1. Equal ones when omitted.

    Returns
    -------
    Distribution
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
