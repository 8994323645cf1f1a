"""Numbers of connections that no node has of its own: fixed in total, or Poisson per pair."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bmtool_connectors.arrays import Index
from bmtool_connectors.checks import number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.patterns.fixed_number import FixedNumberConnector, Pairs
from bmtool_connectors.patterns.parameters import parameter, whole_number
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling import degree
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.degree import Degrees

__all__ = ["FixedTotalNumberConnector", "PairwisePoissonConnector"]


class FixedTotalNumberConnector(FixedNumberConnector):
    """Connect ``n`` pairs, chosen uniformly among all pairs of source and target.

    Parameters
    ----------
    n : int
        Number of connections.
    n_syn, allow_autapses, allow_multapses, source_fraction
        See :class:`FixedInDegreeConnector`.
    verbose, save_report, report_name, rng, name
        See :class:`BaseConnector`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed; when the edges are first needed, if there are not as many
        pairs.

    Notes
    -----
    Self pairs are taken out before the draw, so the number is exact (counting every time that a
    pair is drawn, with multapses). Every set of n pairs is equally likely. Time and memory O(n).

    Examples
    --------
    >>> FixedTotalNumberConnector(5000, source_fraction=0.5)
    FixedTotalNumberConnector(n=5000, source_fraction=0.5)
    """

    examples = (
        {"n": 40, "n_syn": 2},
        {"n": 110, "source_fraction": 0.9},
        {"n": 300, "allow_multapses": True},
    )

    n: int = parameter(check=whole_number, law=True)

    def _pairs(self, space: PairSpace, chosen: Index | None, rng: SharedGenerator) -> Pairs:
        most = space.n_pairs
        if self.n > most and not (self.allow_multapses and most):
            remedy = (
                "lower it" if self.allow_multapses else "lower it, or pass allow_multapses=True"
            )
            raise ParameterError(
                f"n of {type(self).__name__} is {self.n}, but {space.source.label} and "
                f"{space.target.label} have {most} pairs to choose among "
                f"(allow_autapses={self.allow_autapses}, "
                f"source_fraction={self.source_fraction:g}); {remedy}."
            )
        return *degree.total_pairs(self.n, space, rng, multapses=self.allow_multapses), 1

    def _expected_degrees(self, space: PairSpace, share: float, rng: SharedGenerator) -> Degrees:
        available = max(share * space.n_pairs, 1.0)
        total: tuple[float, float] = (float(self.n), 0.0)
        if self.allow_multapses:
            mean, variance = degree.different(self.n, available)
            total = float(mean), float(variance)
        p = min(total[0] / available, 1.0)
        row, n = space.row_pairs(), len(space.target)
        together = (total[1] / available - p * (1 - p)) / max(available - 1, 1.0)
        spread = np.maximum(row * (p * (1 - p) + (row - 1) * together), 0.0)
        return Degrees(p * row, spread, n, row, False, share, total, together)


def _mean(value: Any, owner: str) -> float:
    return number(value, owner, "a number in [0, 1e9]", 0, 1e9)


class PairwisePoissonConnector(FixedNumberConnector):
    """Give each pair a Poisson number of synapses, with mean ``mean``; 0 means no edge.

    Parameters
    ----------
    mean : float
        Mean number of synapses of a pair, in [0, 1e9].
    allow_autapses, source_fraction
        See :class:`FixedInDegreeConnector`.
    verbose, save_report, report_name, rng, name
        See :class:`BaseConnector`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.

    Notes
    -----
    A pair is connected with probability 1 - exp(-mean). Time and memory O(edges).

    Examples
    --------
    >>> PairwisePoissonConnector(0.1)
    PairwisePoissonConnector(mean=0.1)
    """

    examples = (
        {"mean": 0.2},
        {"mean": 3.0, "source_fraction": 0.5},
    )

    mean: float = parameter(check=_mean, law=True)
    n_syn: int = parameter(default=1, kw_only=True, init=False)
    allow_multapses: bool = parameter(default=True, kw_only=True, init=False)

    def _pairs(self, space: PairSpace, chosen: Index | None, rng: SharedGenerator) -> Pairs:
        return degree.poisson_pairs(self.mean, space, rng)

    def _expected_degrees(self, space: PairSpace, share: float, rng: SharedGenerator) -> Degrees:
        row, n = space.row_pairs(), len(space.target)
        mean = -math.expm1(-self.mean) * row
        return Degrees(mean, mean * math.exp(-self.mean), n, row, False, share)
