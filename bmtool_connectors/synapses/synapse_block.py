"""The synapses that a property rule is asked about: a single one, or those of many pairs.

A rule is one formula for both: what it needs is asked from the object that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bmtool_connectors import vectorization
from bmtool_connectors.distances import metric_of
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.synapses import common
from bmtool_connectors.synapses.distribution import Law

__all__ = ["Block", "OneSynapse", "PairDistance", "Rows", "blocks", "pair_distance"]

Column = npt.NDArray[Any]
Values = Any  #: a float, or an ndarray with a value per synapse

#: Pairs whose synapses are looked at together; what a mixture draws from a private seed depends
#: on it.
_CHUNK = 1 << 14


class Rows(Protocol):
    """The synapses of an edge type."""

    n_syns: int
    edges: Any
    source: NodeArrays
    target: NodeArrays

    def per_synapse(self, values: Column) -> Column:
        """Return values of pairs as values of synapses."""

    def is_of(self, connector: Any) -> bool:
        """Whether the ``pair_arg`` of the edges is what this connector has stored for them."""


def blocks(rows: Rows) -> Iterator[Block]:
    """Yield all synapses, those of some pairs at a time."""
    for start in range(0, len(rows.edges), _CHUNK):
        yield Block(rows, slice(start, start + _CHUNK))


class PairDistance:
    """The distance of two nodes, um: what a connector stored for the pair, else a function.

    Parameters
    ----------
    function : callable
        Of source and target node.
    connector : BaseConnector or None
    """

    def __init__(self, function: Callable[[Any, Any], Any], connector: Any) -> None:
        self.function, self._connector = function, connector

    def stored(self, source: Any, target: Any) -> Any:
        """Return what the connector has stored for two nodes, or None."""
        if self._connector is None:
            return None
        return common.stored("a rule", self._connector, source, target)

    def known(self, rows: Rows) -> bool:
        """Whether the distances of all pairs are there as arrays; else the rule is called."""
        if self._connector is not None and not rows.is_of(self._connector):
            return False
        if self._has_stored(rows):
            return bool(rows.edges.pair_arg.dtype != object)
        if metric_of(self.function) is None:
            return vectorization.is_vectorized(self.function)
        return rows.source.positions is not None and rows.target.positions is not None

    def _has_stored(self, rows: Rows) -> bool:
        return self._connector is not None and rows.edges.pair_arg is not None

    def of_pairs(self, rows: Rows, part: slice) -> Column | None:
        """Return the distances of some pairs, shape (m,), um; None where the function tells."""
        if self._has_stored(rows):
            stored: Column = rows.edges.pair_arg[part]
            return stored
        metric = metric_of(self.function)
        source, target = rows.source.positions, rows.target.positions
        if metric is None or source is None or target is None:
            return None
        ends = (source.take(rows.edges.source[part], 0), target.take(rows.edges.target[part], 0))
        steps = metric.steps(*ends)
        # The product of the functions, to the last bit: a sum of squares is rounded differently.
        squared = np.matmul(steps[:, None, :], steps[:, :, None])[:, 0, 0]
        distances: Column = np.sqrt(squared)
        return distances


def pair_distance(function: Any, connector: Any, owner: str) -> PairDistance:
    """Return how distances are told, or raise for a parameter that is not allowed."""
    if not callable(function):
        raise ParameterError(
            f"dist of {owner} is {function!r}; allowed is a function of source and target "
            "node that returns a distance (um), such as spherical_dist."
        )
    if connector is not None and not hasattr(connector, "get_conn_prop"):
        common.refuse(owner, "connector", connector, "a connector of this package, or None")
    return PairDistance(function, connector)


class OneSynapse:
    """A synapse between two nodes, as BMTK asks for it."""

    def __init__(self, source: Any, target: Any) -> None:
        self.source, self.target = source, target

    def filled(self, value: float) -> float:
        """Return the value."""
        return value

    def draw(self, law: Law, rng: SharedGenerator) -> float:
        """Return a value of a law."""
        return law.one(rng)

    def choose(self, bounds: Column, rng: SharedGenerator) -> Any:
        """Return a number that says between which bounds a uniform random number lies."""
        return np.searchsorted(bounds, rng.uniform(), side="right")

    def distance(self, distance: PairDistance) -> Any:
        """Return the distance, um."""
        stored = distance.stored(self.source, self.target)
        return self.of_nodes(distance.function, "dist of a rule") if stored is None else stored

    def of_nodes(self, function: Callable[..., Any], name: str) -> Any:
        """Return what a function of two nodes gives."""
        if not vectorization.is_vectorized(function):
            return function(self.source, self.target)
        pools = NodeArrays([self.source]), NodeArrays([self.target])
        only = np.zeros(1, dtype=int)
        return vectorization.of_pairs(function, *pools, only, only, name)[0]

    def of_distance(self, function: Callable[..., Any], dist: Any, name: str) -> Any:
        """Return what a function of the distance gives."""
        if isinstance(function, DistantDependentProbability):
            return function.raw(dist)
        if not vectorization.is_vectorized(function):
            return function(dist)
        return vectorization.of_values(function, (np.array([dist]),), 1, name)[0]

    def describe(self, k: int) -> str:
        """Name the synapse in a message."""
        ids = (getattr(node, "node_id", node) for node in (self.source, self.target))
        return "the synapse from node {} to node {}".format(*ids)


class Block:
    """All synapses of some pairs of an edge type."""

    def __init__(self, rows: Rows, part: slice) -> None:
        self._rows, self.part = rows, part
        edges = rows.edges
        self._n_pairs = len(edges.source[part])
        counts = edges.n_syn[part]
        self._counts = None if len(edges) == rows.n_syns else counts
        self.n = self._n_pairs if self._counts is None else int(counts.sum(dtype=np.int64))

    def _per_synapse(self, values: Column) -> Column:
        return values if self._counts is None else np.repeat(values, self._counts)

    def filled(self, value: float) -> Column:
        """Return the value for each synapse."""
        return np.full(self.n, value)

    def draw(self, law: Law, rng: SharedGenerator) -> Column:
        """Return values of a law, one per synapse."""
        return law.draw(rng, self.n)

    def choose(self, bounds: Column, rng: SharedGenerator) -> Column:
        """Return numbers that say between which bounds uniform random numbers lie."""
        found: Column = np.searchsorted(bounds, rng.uniform(0.0, 1.0, self.n), side="right")
        return found

    def distance(self, distance: PairDistance) -> Column:
        """Return the distances, um."""
        found = distance.of_pairs(self._rows, self.part)
        return (
            self.of_nodes(distance.function, "dist of a rule")
            if found is None
            else self._per_synapse(found)
        )

    def of_nodes(self, function: Callable[..., Any], name: str) -> Column:
        """Return what a vectorised function of two nodes gives."""
        rows = self._rows
        i, j = (
            self._per_synapse(each[self.part]) for each in (rows.edges.source, rows.edges.target)
        )
        return vectorization.of_pairs(function, rows.source, rows.target, i, j, name)  # type: ignore[no-any-return]

    def of_distance(self, function: Callable[..., Any], dist: Any, name: str) -> Column:
        """Return what a profile, or a vectorised function of the distance, gives."""
        if isinstance(function, DistantDependentProbability):
            return function.raw(dist)
        return vectorization.of_values(function, (dist,), self.n, name)  # type: ignore[no-any-return]

    def describe(self, k: int) -> str:
        """Name a synapse in a message."""
        rows, pairs = self._rows, np.arange(self.part.start, self.part.start + self._n_pairs)
        pair = self._per_synapse(pairs)[k]
        source = rows.source.ids[rows.edges.source[pair]]
        target = rows.target.ids[rows.edges.target[pair]]
        return f"the synapse from node {source} to node {target}"
