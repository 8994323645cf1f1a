"""The joint probability of a pair from a rate of reciprocal pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness
from bmtool_connectors.arrays import Flags, Values
from bmtool_connectors.bernoulli import bounds
from bmtool_connectors.checks import floats, number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.profiles.probability_function import ProbabilityFunction
from bmtool_connectors.randomness import RngLike

__all__ = ["NormalizedReciprocalRate"]


class NormalizedReciprocalRate(ProbabilityFunction):
    """Joint probability from a normalized reciprocal rate: pr = p0 p1 NRR(dist).

    Parameters
    ----------
    NRR : float or callable, default 1.0
        Ratio of reciprocal pairs to those expected from independence, a number >= 0 or a
        function of distance (um). A profile counts with its ``raw`` value, also above 1.

    Raises
    ------
    ParameterError
        If `NRR` is a negative number, NaN, or neither number nor function.

    Notes
    -----
    The value is the raw product and may exceed what is feasible; a connector clips it and
    counts the pairs.

    References
    ----------
    Song et al. 2005, PLoS Biol 3:e68, doi 10.1371/journal.pbio.0030068 (a rate of about 4).

    Examples
    --------
    >>> NormalizedReciprocalRate(4.0)(0.0, 0.1, 0.1)
    0.04000000000000001
    """

    def __init__(self, NRR: float | Callable[..., Any] = 1.0) -> None:  # noqa: N803
        allowed = "a finite number >= 0 or a function of distance"
        name = "NRR of NormalizedReciprocalRate"
        self.rate = None if callable(NRR) else number(NRR, name, allowed, 0.0, 1e300)
        self.NRR: Any = NRR if callable(NRR) else self._constant

    def _constant(self, *ignored: Any) -> float:
        assert self.rate is not None
        return self.rate

    def __repr__(self) -> str:
        return f"NormalizedReciprocalRate({self.NRR if self.rate is None else self.rate!r})"

    def _rate_at(self, dist: Any) -> Any:
        profile = DistantDependentProbability
        if isinstance(self.NRR, profile) and type(self.NRR).__call__ is profile.__call__:
            return self.NRR.raw(dist)  # a rate is no probability, and may be above 1
        return self.NRR(dist)

    def probability(self, dist: Any, p0: Values, p1: Values) -> Values:
        """Return p0 p1 NRR(dist) for numbers or arrays."""
        rate = self._rate_at(dist)
        try:
            return p0 * p1 * rate
        except (TypeError, ValueError):
            raise ParameterError(
                f"NRR of NormalizedReciprocalRate must give numbers >= 0, got {rate!r} at distance "
                f"{dist!r}: correct the function."
            ) from None

    def __call__(self, dist: Any, p0: float, p1: float, *ignored: Any, **ignored_too: Any) -> Any:
        """Return p0 p1 NRR(dist) for one pair."""
        return self.probability(dist, p0, p1)

    def decisions(
        self,
        dist: npt.ArrayLike,
        p0: npt.ArrayLike,
        p1: npt.ArrayLike,
        cond: tuple[int, npt.ArrayLike] | None = None,
        rng: RngLike = None,
    ) -> Flags:
        """Decide at random which pairs are reciprocal.

        Parameters
        ----------
        dist, p0, p1 : float or array_like of float
            Distances (um) and probabilities; broadcast against each other.
        cond : tuple (direction, outcomes), optional
            Draw "reciprocal, given that outcome": direction 0 is forward, 1 backward, outcomes
            (bool or array of bool) tell whether that connection exists.
        rng : Generator, RandomState, int, SeedSequence or None

        Returns
        -------
        ndarray of bool
        """
        d, a, b = (floats(value) for value in (dist, p0, p1))
        product = floats(self.probability(d, a, b))
        try:
            shape = np.broadcast_shapes(product.shape, d.shape, a.shape, b.shape)
        except ValueError:
            raise ParameterError(
                "NRR of NormalizedReciprocalRate must give shapes that fit, got shape "
                f"{product.shape} for dist, p0, p1 of shapes {d.shape}, {a.shape}, {b.shape}."
            ) from None
        joint = np.clip(product, *bounds(a, b))
        if cond is not None:
            direction, outcomes = cond
            given = np.asarray(b if direction else a)
            with np.errstate(divide="ignore", invalid="ignore"):
                joint = np.where(np.asarray(outcomes) & (given > 0), joint / given, 0.0)
            shape = np.broadcast_shapes(joint.shape, shape)
        return randomness.decisions(np.broadcast_to(joint, shape), rng=rng)
