"""Numbers of connections that are given: what all share, a total, and Poisson numbers per pair."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, TypeAlias

import numpy as np

from bmtool_connectors.arrays import Index, index_dtype
from bmtool_connectors.checks import number
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.generators import unchanged
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.parameters import Count, fraction, parameter, whole_number
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling import degree, degree_moments, totals
from bmtool_connectors.sampling.assemble import summed_edges
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.collect import SynapseCounts
from bmtool_connectors.sampling.degree_moments import Degrees
from bmtool_connectors.sampling.expect import Expected

__all__ = ["FixedTotalNumberConnector", "PairwisePoissonConnector"]

#: Indices of sources and targets in row-major order, and how often each pair is drawn.
Pairs: TypeAlias = tuple[Index, Index, Any]

#: About what a core of 2024 takes.
SECONDS_PER_EDGE = 60e-9


class FixedNumberConnector(BaseConnector):
    """What connectors with given numbers of connections share: one pair may be drawn repeatedly.

    ``_pairs`` says which pairs are drawn; parameters are those that the classes document.
    """

    n_syn: Count = parameter(default=1, kw_only=True, in_vars=True)
    allow_autapses: bool = parameter(default=False, kw_only=True)
    allow_multapses: bool = parameter(default=False, kw_only=True)
    source_fraction: float = parameter(default=1.0, check=fraction, kw_only=True)
    _without = ("sampler",)

    def _check(self) -> None:
        self._n_syn = SynapseCounts(self.n_syn, f"n_syn of {type(self).__name__}")

    @abstractmethod
    def _pairs(self, space: PairSpace, chosen: Index | None, rng: SharedGenerator) -> Pairs:
        """Return positions of source and target in row-major order, and how often each is drawn.

        Sources are those of `space`, which are the `chosen` ones of the pool (None: all).
        """

    @abstractmethod
    def _expected_degrees(self, space: PairSpace, share: float) -> Degrees:
        """Return the degrees to expect, if a share of the sources takes part."""

    def expected_of(self, projection: Projection, most: int | None = None) -> Expected:
        """Return what the draw of a use gives on average."""
        space = self._space(*projection.ends)
        n = len(projection.source)
        with unchanged(*projection.shared_generators()):
            share = degree.count_sources(n, self.source_fraction) / n
            found = self._expected_degrees(space, share)
        size = sum(index_dtype(len(nodes)).itemsize for nodes in projection.ends)
        counted = callable(self._n_syn.value) or self._n_syn.value > 0  # a count of 0 is no edge
        pairs, variance = (each * counted for each in found.total())
        return Expected(
            sampler="none",
            pairs=space.n_pairs,
            forward=pairs,
            backward=0.0,
            reciprocal=0.0,
            infeasible=0.0,
            standard_error=0.0,
            n_bytes=round(pairs * size),
            seconds=pairs * SECONDS_PER_EDGE,
            forward_sd=math.sqrt(variance),
            max_step=found.max_step(),
            degrees=found.both() if counted else {"out": (0.0, 0.0), "in": (0.0, 0.0)},
        )

    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Draw the edges from `source` to `target`."""
        chosen = degree.choose_sources(len(source), self.source_fraction, rng)
        part = source if chosen is None else source.subset(chosen)
        space = self._space(part, target)
        i, j, times = self._pairs(space, chosen, rng)
        n_syn = times * self._n_syn.of_all(ListedPairs(space, i, j))
        i = i if chosen is None else chosen[i]
        shape = (len(source), len(target))
        if isinstance(n_syn, int) and n_syn > 0 and not self.allow_multapses:
            edges, dropped = EdgeList.from_sorted(i, j, shape, n_syn), 0
        else:
            edges, dropped = summed_edges(i, j, shape, n_syn)
        pairs = self._space(source, target).n_pairs
        return Connectivity.from_edges(edges, pairs, (space.n_pairs,), dropped=dropped)


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

    n: int = parameter(check=whole_number, in_vars=True)

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
        return *totals.total_pairs(self.n, space, rng, multapses=self.allow_multapses), 1

    def _expected_degrees(self, space: PairSpace, share: float) -> Degrees:
        available = max(share * space.n_pairs, 1.0)
        total: tuple[float, float] = (float(self.n), 0.0)
        if self.allow_multapses:
            mean, variance = degree_moments.different(self.n, available)
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

    mean: float = parameter(check=_mean, in_vars=True)
    n_syn: int = parameter(default=1, kw_only=True, init=False)
    allow_multapses: bool = parameter(default=True, kw_only=True, init=False)

    def _pairs(self, space: PairSpace, chosen: Index | None, rng: SharedGenerator) -> Pairs:
        return totals.poisson_pairs(self.mean, space, rng)

    def _expected_degrees(self, space: PairSpace, share: float) -> Degrees:
        row, n = space.row_pairs(), len(space.target)
        mean = -math.expm1(-self.mean) * row
        return Degrees(mean, mean * math.exp(-self.mean), n, row, False, share)
