"""The bivariate Bernoulli law of a pair: forward and backward connection.

A pair is connected forward with probability p0, backward with p1, and both
ways with pr = P(both). Its correlation is
rho = (pr - p0 p1) / sqrt(p0 (1 - p0) p1 (1 - p1)), and pr is feasible when
max(0, p0 + p1 - 1) <= pr <= min(p0, p1). Everything here works on numbers and
on arrays, and nothing here draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray, Values
from bmtool_connectors.checks import float_or_array, floats
from bmtool_connectors.errors import ParameterError

__all__ = ["pr_2_rho", "rho_2_pr"]


#: What is drawn of pairs whose pr is not feasible: the nearest feasible pr, or what bmtool draws.
INFEASIBLE = ("clip", "bmtool")


def checked_infeasible(value: Any, owner: str) -> str:
    """Return what is to be drawn of infeasible pairs (None: the default); refuse other words."""
    if value is None:
        return str(default.infeasible)
    if not isinstance(value, str) or value not in INFEASIBLE:
        raise ParameterError(
            f"{owner} must be {' or '.join(map(repr, INFEASIBLE))} (None is the default), got "
            f"{value!r}."
        )
    return value


#: The assignable default of ``infeasible``.
default = SimpleNamespace(infeasible=INFEASIBLE[0])


def bounds(p0: Values, p1: Values) -> tuple[Values, Values]:
    """Return the least and the greatest feasible pr (Frechet bounds)."""
    return np.maximum(0.0, p0 + p1 - 1.0), np.minimum(p0, p1)


def deviation(p0: Values, p1: Values) -> Values:
    """Return the product of the standard deviations, sqrt(p0 (1 - p0) p1 (1 - p1))."""
    if p0 is p1:  # one population, or equal laws: no root needed
        return p0 * (1.0 - p0)
    return np.sqrt(p0 * (1.0 - p0) * (p1 * (1.0 - p1)))


def rho_bounds(p0: Values, p1: Values) -> tuple[Values, Values]:
    """Return the least and the greatest feasible rho; infinite where either law is certain."""
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = deviation(p0, p1)
        low, high = bounds(p0, p1)
        return (
            np.where(spread > 0, (low - p0 * p1) / spread, -np.inf),
            np.where(spread > 0, (high - p0 * p1) / spread, np.inf),
        )


def after_forward(p0: Values, pr: Values) -> Values:
    """Return P(backward | forward) = pr / p0; 0 where p0 is 0 and there is no forward."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p0 > 0, np.divide(pr, p0), 0.0)


def without_forward(p0: Values, p1: Values, pr: Values) -> Values:
    """Return P(backward | no forward) = (p1 - pr) / (1 - p0); 0 where p0 is 1."""
    if np.all(p0 < 1):
        return (p1 - pr) / (1.0 - p0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p0 < 1, np.divide(p1 - pr, 1.0 - p0), 0.0)


def unclipped(p0: Values, p1: Values, pr: Values, one_rho: bool) -> tuple[Values, Values]:
    """Return p1 and pr that result when pr is drawn as bmtool draws it, feasible or not.

    Of P(backward | forward) = pr / p0 and P(backward | no forward) = (p1 - pr) / (1 - p0), a
    decision takes what is above 1 as 1, and what is below 0 as 0. Where neither is, p1 and pr stay.
    Without one rho for all pairs, pr is clipped first, but down to p0 + p1 - 1 also where that is
    negative.
    """
    if not one_rho:
        pr = np.where(p0 > 0, np.clip(pr, p0 + p1 - 1.0, np.minimum(p0, p1)), 0.0)
    after, without = after_forward(p0, pr), without_forward(p0, p1, pr)
    drawn_after, drawn_without = np.clip(after, 0.0, 1.0), np.clip(without, 0.0, 1.0)
    joint = p0 * drawn_after
    moved = ((after != drawn_after) | (without != drawn_without)) & (p1 > 0)
    backward = joint + (1.0 - p0) * drawn_without
    return np.where(moved, backward, p1)[()], np.where(moved, joint, pr)[()]


def _check_probabilities(function: str, **named: npt.ArrayLike) -> None:
    for name, values in named.items():
        p = floats(values)
        if not ((p > 0) & (p < 1)).all():
            raise ParameterError(
                f"{name} of {function} must be probabilities strictly between 0 and 1, where a "
                f"correlation exists, got {values!r}."
            )


def pr_2_rho(p0: npt.ArrayLike, p1: npt.ArrayLike, pr: npt.ArrayLike) -> Any:
    """Return rho = (pr - p0 p1) / sqrt(p0 (1 - p0) p1 (1 - p1)).

    Parameters
    ----------
    p0, p1 : float or array_like of float
        Forward and backward probability, strictly between 0 and 1.
    pr : float or array_like of float
        Probability of both, feasible for `p0` and `p1`.

    Returns
    -------
    float or ndarray of float
        Correlation coefficient.

    Raises
    ------
    ParameterError
        If p0 or p1 is not in (0, 1), or pr is not feasible.

    Examples
    --------
    >>> round(pr_2_rho(0.5, 0.5, 0.5), 12)
    1.0
    """
    _check_probabilities("pr_2_rho", p0=p0, p1=p1)
    a, b, joint = (floats(value) for value in (p0, p1, pr))
    low, high = map(float_or_array, bounds(a, b))
    if not ((joint >= low - 1e-15) & (joint <= high + 1e-15)).all():
        raise ParameterError(
            "pr of pr_2_rho must be feasible, max(0, p0 + p1 - 1) to min(p0, p1), here "
            f"{low!r} to {high!r}, got {pr!r} with p0={p0!r} and p1={p1!r}."
        )
    return float_or_array((joint - a * b) / deviation(a, b))


def rho_2_pr(p0: npt.ArrayLike, p1: npt.ArrayLike, rho: npt.ArrayLike) -> Any:
    """Return pr = p0 p1 + rho sqrt(p0 (1 - p0) p1 (1 - p1)), clipped to what is feasible.

    Parameters
    ----------
    p0, p1 : float or array_like of float
        Forward and backward probability, strictly between 0 and 1.
    rho : float or array_like of float
        Correlation coefficient.

    Returns
    -------
    float or ndarray of float
        Probability of both directions.

    Raises
    ------
    ParameterError
        If p0 or p1 is not in (0, 1), or rho is NaN.

    Notes
    -----
    When the value was clipped, one line that says so is printed.

    Examples
    --------
    >>> rho_2_pr(0.25, 0.25, 0.0)
    0.0625
    """
    _check_probabilities("rho_2_pr", p0=p0, p1=p1)
    a, b, r = (floats(value) for value in (p0, p1, rho))
    if np.isnan(r).any():
        raise ParameterError(f"rho of rho_2_pr must be a number in [-1, 1], got {rho!r}.")
    asked = a * b + r * deviation(a, b)
    pr = np.clip(asked, *bounds(a, b))
    clipped = np.flatnonzero(np.abs(pr - asked) > 1e-15)
    if clipped.size:
        one = clipped[0]
        got = (pr - a * b) / deviation(a, b)
        r, got, asked, shown = (x.ravel()[one] for x in np.broadcast_arrays(r, got, asked, pr))
        more = f" (and {clipped.size - 1} more)" if clipped.size > 1 else ""
        print(
            f"rho changed from {r:.3f} to {got:.3f}; pr changed from {asked:.3f} to {shown:.3f}"
            f"{more}",
            flush=True,
        )
    return float_or_array(pr)


@dataclass
class RhoSums:
    """Sums over valid pairs from which one correlation for all of them follows.

    Pairs are added in order, like a loop does, so that the sums do not depend on how the pairs
    are cut into blocks; `in_order=False` does not care, and takes a fraction of the time. Pairs
    with weights stand for others, too.
    """

    in_order: bool = True
    n: float = 0  #: pairs, a whole number without weights
    independent: float = 0.0  #: sum of p0 p1
    spread: float = 0.0  #: sum of sqrt(p0 (1 - p0) p1 (1 - p1))
    low: float = -math.inf  #: greatest lower bound on rho: below it some pair clips
    high: float = math.inf  #: least upper bound on rho
    lowest: float = 0.0  #: least lower bound on rho: below it all pairs clip
    highest: float = 0.0  #: greatest upper bound on rho

    def add(self, p0: FloatArray, p1: FloatArray, weight: Values = None) -> None:
        """Add pairs; each stands for as many as its weight says."""
        if not len(p0):
            return
        self.n += len(p0) if weight is None else weighed(np.ones(len(p0)), weight)
        if weight is not None:
            self.independent += weighed(p0 * p1, weight)
            self.spread += weighed(deviation(p0, p1), weight)
        elif self.in_order:
            self.independent = carried(self.independent, p0 * p1)
            self.spread = carried(self.spread, deviation(p0, p1))
        else:
            self.independent += float((p0 * p1).sum())
            self.spread += float(deviation(p0, p1).sum())
        if p0 is p1 and p0.max() < 1:  # -m / (1 - m) <= rho <= 1, with m = min(p, 1 - p)
            m = np.minimum(p0, 1 - p0)
            extremes = np.array([m.min(), m.max()])
            self._bound(-extremes / (1 - extremes), np.ones(2))
        else:
            self._bound(*rho_bounds(p0, p1))

    def _bound(self, low: FloatArray, high: FloatArray) -> None:
        """Take over the bounds on rho of some pairs; infinite ones are of certain laws."""
        self.low, self.high = max(self.low, low.max()), min(self.high, high.min())
        bounded = np.isfinite(low)
        if bounded.any():
            self.lowest = min(self.lowest, float(low[bounded].min()))
            self.highest = max(self.highest, float(high[bounded].max()))

    def add_equal(self, n: int, p0: float, p1: float) -> None:
        """Add `n` pairs that share one law."""
        self.n += n
        self.independent += n * p0 * p1
        self.spread += n * float(deviation(p0, p1))
        self._bound(*(np.reshape(bound, 1) for bound in rho_bounds(p0, p1)))

    def closed_form(self, pr: float, more: float = 0.0) -> float:
        """Return the rho that gives n pr reciprocal pairs, `more` of them known, if none clips."""
        return (pr * self.n - more - self.independent) / self.spread if self.spread > 0 else 0.0

    def unclipped(self, rho: float) -> float:
        """Return the expected number of reciprocal pairs if no pair is clipped."""
        return self.independent + rho * self.spread

    def clips(self, rho: float) -> bool:
        """Whether some pair is clipped with this rho, by more than rounding."""
        return not self.low - 1e-12 <= rho <= self.high + 1e-12


def carried(start: float, values: FloatArray) -> float:
    """Add `values`, an array of our own, to `start` in order, like a loop would.

    ``sum`` adds pairwise, and its result would depend on how the pairs are cut into blocks.
    """
    if not len(values):
        return start
    values[0] += start
    return float(np.cumsum(values)[-1])


def weighed(values: FloatArray, weight: Values) -> float:
    """Return the sum of values of pairs that stand for others, with one weight or one each."""
    return float((values * weight).sum())


def joint_from_rho(rho: float, p0: Values, p1: Values) -> Values:
    """Return the feasible pr nearest to p0 p1 + rho sqrt(p0 (1 - p0) p1 (1 - p1))."""
    return np.clip(p0 * p1 + rho * deviation(p0, p1), *bounds(p0, p1))


def solve_rho(expected: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Return rho in [low, high] with ``expected(rho) == target``, or the end nearest to it.

    Parameters
    ----------
    expected : callable
        Expected number of reciprocal pairs with clipping, non-decreasing in rho.
    target : float
        Number of reciprocal pairs that is asked for.
    low, high : float
        Beyond them all pairs are clipped.
    """
    from scipy.optimize import brentq

    if expected(low) >= target:
        return low
    if expected(high) <= target:
        return high
    return float(brentq(lambda rho: expected(rho) - target, low, high, xtol=1e-13, rtol=1e-13))
