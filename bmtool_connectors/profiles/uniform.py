"""The profile that is constant within its range."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import number
from bmtool_connectors.profiles.algebra import DistantDependentProbability

__all__ = ["UniformInRange"]


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

    examples = (
        {"p": 0.3, "min_dist": 10.0, "max_dist": 120.0},
        {"p": 0.2},
    )

    def __init__(self, p: float = 0.0, min_dist: float = 0.0, max_dist: float = math.inf) -> None:
        super().__init__(min_dist=min_dist, max_dist=max_dist)
        self.p = number(p, "p of UniformInRange", "one probability in [0, 1]", 0.0, 1.0)

    def _parameters(self) -> dict[str, Any]:
        return {"p": self.p, **super()._parameters()}

    def probability(self, dist: npt.ArrayLike) -> float:
        """Return `p`, whatever the distance."""
        return self.p

    def _formula(self, dist: FloatArray) -> float:
        return self.p

    def _greatest(self, low: FloatArray, high: FloatArray) -> float:
        return self.p

    _least = _greatest
