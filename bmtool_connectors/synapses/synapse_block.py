"""The synapses that a property rule is asked about: a single one, or those of many pairs.

A rule is one formula for both: what it needs is asked from the object that it is given. Where `n`
is None there is one synapse, and a value is a number; else values are arrays of shape (n,).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from bmtool_connectors import vectorization
from bmtool_connectors.arrays import order_by, ranges
from bmtool_connectors.distances import metric_of
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.profiles.algebra import DistantDependentProbability

__all__ = [
    *("OneSynapse", "PairDistance", "SynapseBlock", "SynapseTable", "Synapses", "TargetOrder"),
    *("blocks", "blocks_onto"),
]

Column = npt.NDArray[Any]

#: Pairs whose synapses are looked at together; what a mixture draws from a private seed depends
#: on it, as it takes the numbers of a block in several goes.
PAIRS = 1 << 14


class SynapseTable(Protocol):
    """The synapses of an edge type."""

    n_syns: int
    edges: Any
    source: NodeArrays
    target: NodeArrays

    @property
    def by_target(self) -> TargetOrder:
        """The pairs in the order of their targets."""

    def is_of(self, connector: Any) -> bool:
        """Whether the ``pair_arg`` of the edges is what this connector has stored for them."""


class TargetOrder:
    """The pairs of an edge type in the order of target and source, and where their synapses are.

    Parameters
    ----------
    edges : EdgeList
    n_syns : int
        Synapses of all pairs.
    """

    def __init__(self, edges: EdgeList, n_syns: int) -> None:
        self._target, self._n_target, self._n_syn = edges.target, edges.shape[1], edges.n_syn
        self._pairs = order_by(edges.target, edges.shape[1])
        self._first: Column | None = None
        if n_syns > len(edges):
            self._first = np.cumsum(edges.n_syn, dtype=np.int64) - edges.n_syn

    def pairs_onto(self, targets: slice) -> Column:
        """Return the numbers of the pairs with some targets, in order."""
        return self._pairs[self._place(targets.start) : self._place(targets.stop)]

    def _place(self, target: int) -> int:
        """Return how many pairs have an earlier target."""
        if target >= self._n_target:
            return len(self._pairs)
        every = range(len(self._pairs))
        return bisect_left(every, target, key=lambda k: self._target[self._pairs[k]])

    def rows(self, pairs: Column) -> Column:
        """Return the numbers of the synapses of some pairs."""
        return pairs if self._first is None else ranges(self._first[pairs], self._n_syn[pairs])


#: Where the synapses of a block stand in the table.
Rows: TypeAlias = slice | Column


def blocks(table: SynapseTable) -> Iterator[tuple[Rows, SynapseBlock]]:
    """Yield all synapses, those of some pairs at a time, in order of source and target."""
    start = 0
    for first in range(0, len(table.edges), PAIRS):
        block = SynapseBlock(table, slice(first, first + PAIRS))
        yield slice(start, start + block.n), block
        start += block.n


def blocks_onto(table: SynapseTable, targets: slice) -> Iterator[tuple[Rows, SynapseBlock]]:
    """Yield the synapses onto some targets in the same way, in order of target and source."""
    pairs = table.by_target.pairs_onto(targets)
    for first in range(0, len(pairs), PAIRS):
        part = pairs[first : first + PAIRS]
        yield table.by_target.rows(part), SynapseBlock(table, part)


class PairDistance:
    """The distance of two nodes, um: what a connector stored for the pair, else a function.

    Parameters
    ----------
    function : callable
        Of source and target node.
    connector : BaseConnector or None
    owner : str
        Whose distance it is, for messages.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.
    """

    def __init__(self, function: Any, connector: Any, owner: str) -> None:
        if not callable(function):
            raise ParameterError(
                f"dist of {owner} must be a function of source and target node that returns a "
                f"distance (um), such as spherical_dist, got {function!r}."
            )
        if connector is not None and not hasattr(connector, "get_conn_prop"):
            raise ParameterError(
                f"connector of {owner} must be a connector of this package, or None, got "
                f"{connector!r}."
            )
        self.function, self._connector, self._owner = function, connector, owner
        self.name = f"dist of {owner}"

    def stored(self, source: Any, target: Any) -> Any:
        """Return what the connector has stored for two nodes, or None."""
        if self._connector is None:
            return None
        try:
            ids = source.node_id, target.node_id
        except AttributeError:
            raise NodeError(
                f"source and target of {self._owner} must be nodes, got {source!r} and {target!r}."
            ) from None
        try:
            return self._connector.get_conn_prop(*ids)
        except KeyError as error:
            said = ", ".join(map(str, error.args))
            raise KeyError(
                f"connector of {self._owner} stored nothing for the pair ({said}); pass the "
                "connector that made these edges."
            ) from None

    def known(self, table: SynapseTable) -> bool:
        """Whether the distances of all pairs are there as arrays; else the rule is called."""
        if self._connector is not None and not table.is_of(self._connector):
            return False
        if self._has_stored(table):
            return bool(table.edges.pair_arg.dtype != object)
        if metric_of(self.function) is None:
            return vectorization.is_vectorized(self.function)
        return table.source.positions is not None and table.target.positions is not None

    def _has_stored(self, table: SynapseTable) -> bool:
        return self._connector is not None and table.edges.pair_arg is not None

    def of_pairs(self, table: SynapseTable, part: Rows) -> Column | None:
        """Return the distances of some pairs, shape (m,), um; None where the function tells."""
        if self._has_stored(table):
            stored: Column = table.edges.pair_arg[part]
            return stored
        metric = metric_of(self.function)
        source, target = table.source.positions, table.target.positions
        if metric is None or source is None or target is None:
            return None
        i, j = table.edges.source[part], table.edges.target[part]
        steps = metric.steps(source.take(i, 0), target.take(j, 0))
        # The product of the functions, to the last bit: a sum of squares is rounded otherwise.
        squared = np.matmul(steps[:, None, :], steps[:, :, None])[:, 0, 0]
        distances: Column = np.sqrt(squared)
        return distances


class OneSynapse:
    """A synapse between two nodes, as BMTK asks for it."""

    n = None

    def __init__(self, source: Any, target: Any) -> None:
        self._source, self._target = source, target

    def distance(self, distance: PairDistance) -> Any:
        """Return the distance, um."""
        stored = distance.stored(self._source, self._target)
        return self.of_nodes(distance.function, distance.name) if stored is None else stored

    def of_nodes(self, function: Callable[..., Any], name: str) -> Any:
        """Return what a function of two nodes gives."""
        if not vectorization.is_vectorized(function):
            return function(self._source, self._target)
        pools = NodeArrays([self._source]), NodeArrays([self._target])
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
        ids = (getattr(node, "node_id", node) for node in (self._source, self._target))
        return "the synapse from node {} to node {}".format(*ids)


class SynapseBlock:
    """All synapses of some pairs of an edge type."""

    def __init__(self, table: SynapseTable, part: Rows) -> None:
        self._table, self._part = table, part
        counts = table.edges.n_syn[part]
        self._counts = None if len(table.edges) == table.n_syns else counts
        self.n = len(counts) if self._counts is None else int(counts.sum(dtype=np.int64))

    def _per_synapse(self, values: Column) -> Column:
        return values if self._counts is None else np.repeat(values, self._counts)

    def _ends(self) -> tuple[Column, Column]:
        """Return the indices of both nodes of each synapse."""
        edges, part = self._table.edges, self._part
        return self._per_synapse(edges.source[part]), self._per_synapse(edges.target[part])

    def distance(self, distance: PairDistance) -> Column:
        """Return the distances, um; function by function where they are not there as arrays."""
        if not distance.known(self._table):
            nodes = self._table.source.nodes, self._table.target.nodes
            pairs = zip(*(each.tolist() for each in self._ends()), strict=True)
            single = (OneSynapse(nodes[0][i], nodes[1][j]) for i, j in pairs)
            return vectorization.as_array([each.distance(distance) for each in single])
        found = distance.of_pairs(self._table, self._part)
        if found is None:
            return self.of_nodes(distance.function, distance.name)
        return self._per_synapse(found)

    def of_nodes(self, function: Callable[..., Any], name: str) -> Column:
        """Return what a function of two nodes gives."""
        table = self._table
        i, j = self._ends()
        return vectorization.of_pairs(function, table.source, table.target, i, j, name)  # type: ignore[no-any-return]

    def of_distance(self, function: Callable[..., Any], dist: Any, name: str) -> Column:
        """Return what a profile, or another function of the distance, gives."""
        if isinstance(function, DistantDependentProbability):
            if vectorization.is_profile(function):
                return function.raw(dist)
            return vectorization.as_array([function.raw(each) for each in dist])
        return vectorization.of_values(function, (dist,), self.n, name)  # type: ignore[no-any-return]

    def describe(self, k: int) -> str:
        """Name a synapse in a message."""
        table = self._table
        i, j = (each[k] for each in self._ends())
        return f"the synapse from node {table.source.ids[i]} to node {table.target.ids[j]}"


Synapses: TypeAlias = OneSynapse | SynapseBlock
