"""Fixed degrees and totals: how many connected pairs to expect, and how they spread."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.degree import given_degrees
from bmtool_connectors.sampling.sums import max_step, of_some


def degree_moments(
    value: Any, nodes: NodeArrays, name: str, available: Any = None
) -> tuple[Any, Any]:
    """Return mean and variance of the connected partners of each node, shape (n,).

    Parameters
    ----------
    value, nodes, name
        See :func:`degree.degrees`.
    available : ndarray of float, shape (n,), optional
        Partners that a node chooses among, with replacement; without, all chosen are different.
    """
    n = len(nodes)
    if not hasattr(value, "rvs"):
        number = given_degrees(value, nodes, name)
        return (number, np.zeros(n)) if available is None else different(number, available)
    if available is None:
        return np.full(n, float(value.mean())), np.full(n, float(value.var()))
    mean, variance = np.zeros((2, n))
    for each in np.unique(available):
        some = available == each
        mean[some], variance[some] = _different_of(value, float(each))
    return mean, variance


def different(draws: Any, available: Any) -> tuple[Any, Any]:
    """Return mean and variance of the different partners in a number of draws among `available`.

    Notes
    -----
    With d draws among a partners, one is never drawn with probability q = (1 - 1/a)^d, and two are
    never drawn with probability (1 - 2/a)^d = q^2 (1 - 1/(a - 1)^2)^d. So the mean is a (1 - q),
    and the variance a q (1 - q) + a (a - 1) q^2 ((1 - 1/(a - 1)^2)^d - 1).
    """
    a = np.maximum(available, 1.0)
    least = 1e-12  # for logarithms
    never = np.exp(draws * np.log1p(-np.minimum(1 / a, 1 - least)))
    apart = np.expm1(draws * np.log1p(-np.minimum(1 / np.maximum(a - 1, least) ** 2, 1 - least)))
    variance = a * never * (1 - never) + a * (a - 1) * never**2 * apart
    return a * (1 - never), np.maximum(variance, 0.0)  # below 0 by rounding, of one draw


def _different_of(value: Any, available: float) -> tuple[float, float]:
    """Return the same where the number of draws has a distribution."""

    def average(of: Callable[[Any], Any]) -> float:
        return float(value.expect(of))

    mean = average(lambda k: different(k, available)[0])
    spread = average(lambda k: (different(k, available)[0] - mean) ** 2)
    return mean, spread + average(lambda k: different(k, available)[1])


@dataclass(frozen=True)
class Degrees:
    """What to expect when the nodes of one pool choose among those of the other.

    Attributes
    ----------
    mean, variance : ndarray of float, shape (n_rows,)
        Partners of each node that chooses, independently of the others.
    n_others : int
        Nodes of the other pool.
    available : ndarray of float, shape (n_rows,)
        Those that each node chooses among.
    by_target : bool
        The targets choose.
    share : float
        Share of the sources that take part, chosen at random.
    given : tuple of float, optional
        Mean and variance of all connected pairs, where the nodes are not independent.
    together : float
        Covariance of the connections of two pairs, where the nodes are not independent.
    """

    mean: Any
    variance: Any
    n_others: int
    available: Any
    by_target: bool
    share: float = 1.0
    given: tuple[float, float] | None = None
    together: float = 0.0

    def total(self) -> tuple[float, float]:
        """Return mean and variance of the number of connected pairs."""
        if self.given is not None:
            return self.given
        total, variance = float(np.sum(self.mean)), float(np.sum(self.variance))
        if self.by_target or self.share == 1:
            return total, variance
        spread = float(np.var(self.mean, ddof=1)) if len(self.mean) > 1 else 0.0
        return self.share * total, self.share * variance + of_some(
            len(self.mean), self.share, spread
        )

    def max_step(self) -> float:
        """Return by how much one independent event can change that number."""
        return 1.0 if self.by_target or self.given else max_step(self.mean, self.share)

    def both(self) -> dict[str, tuple[float, float | None]]:
        """Return mean and standard deviation of out- and in-degrees, over nodes and draws."""
        own = float(np.mean(self.mean)), float(np.mean(self.variance) + np.var(self.mean))
        # A node is as likely to be chosen as any other that takes part.
        chosen = self.mean / max(self.n_others * (self.share if self.by_target else 1.0), 1.0)
        n = len(chosen)
        spread = float(np.sum(chosen * (1 - self.mean / np.maximum(self.available, 1.0))))
        other = float(np.sum(chosen)), max(spread + n * (n - 1) * self.together, 0.0)
        if self.by_target:
            return {"out": _some(*other, self.share), "in": (own[0], math.sqrt(own[1]))}
        between = float(np.var(chosen, ddof=1)) if n > 1 else 0.0
        inside = self.share * other[1] + of_some(n, self.share, between)
        return {
            "out": _some(*own, self.share),
            "in": (self.share * other[0], math.sqrt(max(inside, 0.0))),
        }


def _some(mean: float, variance: float, share: float) -> tuple[float, float]:
    """Return mean and standard deviation of what is 0 unless the node takes part."""
    return share * mean, math.sqrt(max(share * (variance + mean**2) - (share * mean) ** 2, 0.0))
