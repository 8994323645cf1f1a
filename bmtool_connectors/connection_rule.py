"""What ``edge_params`` hands to BMTK: a look-up in drawn edges, by node id.

BMTK chooses its iterator by *(iterator name, type of the rule)*, wraps plain
callables before that look-up, and passes lists through. A rule is therefore a
(callable, always true) subclass of ``list``: once its type is registered, BMTK
visits the edges that exist instead of all pairs. Everywhere else, also inside
a ``functools.partial``, it serves as the callable that BMTK documents.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.edges import EdgeList
from bmtool_connectors.nodes import NodeArrays

#: Edges converted to Python objects at a time.
_CHUNK = 1 << 16


class ConnectionRule(list):  # type: ignore[type-arg]
    """The edges of a projection in one direction, as a connection rule.

    Parameters
    ----------
    projection : Projection
    direction : {'forward', 'backward'}
    """

    @staticmethod
    def is_registered() -> bool:
        """Whether BMTK knows rules of this type; it is told now if it does not."""
        from bmtool_connectors.builder.registry import register

        return register()

    def __init__(self, projection: Any, direction: str) -> None:
        super().__init__()
        self.connector, self.projection = projection.connector, projection
        self.direction = direction
        self._last: tuple[Any, ...] | None = None

    def __hash__(self) -> int:  # type: ignore[override]  # lists have none
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __bool__(self) -> bool:
        return True

    def __copy__(self) -> ConnectionRule:
        return self

    def __deepcopy__(self, memo: object) -> ConnectionRule:
        return self

    def __reduce__(self) -> Any:
        return type(self), (self.projection, self.direction)

    def __repr__(self) -> str:
        source, target = self.pools
        ends = f"from {source.label} to {target.label}"
        return f"<{self.direction} edges of {self.connector!r} {ends}>"

    @property
    def pools(self) -> tuple[NodeArrays, NodeArrays]:
        """Source and target nodes of the edges."""
        ends: tuple[NodeArrays, NodeArrays] = self.projection.ends
        return ends if self.direction == "forward" else ends[::-1]

    @property
    def edges(self) -> EdgeList:
        """The edges, drawn now if they have not been; the connector is told whom it serves."""
        found: EdgeList = self.projection.drawn().edges(self.direction)
        self.connector.serve(self.projection, self.direction)
        return found

    # ------------------------------------------------------------------ as a plain callable
    def __call__(self, first: Any, second: Any, *ignored: Any, **ignored_too: Any) -> Any:
        """Return synapse counts for a pair, a source and targets, or sources and a target.

        Parameters
        ----------
        first : node or sequence of nodes
            Source(s).
        second : node or sequence of nodes
            Target(s).

        Returns
        -------
        int or ndarray of int
            0 where there is no edge; one value per node of the sequence.

        Raises
        ------
        TypeError
            If both are sequences.
        """
        edges = self.edges
        source, target = self.pools
        one_source, one_target = hasattr(first, "node_id"), hasattr(second, "node_id")
        if one_source and one_target:
            return self._count(edges, source.index(first.node_id), target.index(second.node_id))
        if one_source:
            i = source.index(first.node_id)
            found = edges.row(i) if i is not None else None
            return self._spread(found, second, target)
        if one_target:
            j = target.index(second.node_id)
            found = edges.column(j) if j is not None else None
            return self._spread(found, first, source)
        raise TypeError(
            f"connection rule of {type(self.connector).__name__} must be called with two nodes, a "
            f"node and targets, or sources and a node, got {type(first).__name__} and "
            f"{type(second).__name__}."
        )

    @staticmethod
    def _count(edges: EdgeList, i: int | None, j: int | None) -> int:
        if i is None or j is None:
            return 0
        edge = edges.find(i, j)
        return int(edges.n_syn[edge]) if edge >= 0 else 0

    def _spread(
        self, found: tuple[Any, Any] | None, nodes: Sequence[Any], pool: NodeArrays
    ) -> npt.NDArray[Any]:
        """Return the counts of a row or column in the order of `nodes`."""
        # One more cell, always 0, for nodes that are not in the pool (position -1).
        counts = np.zeros(len(pool) + 1, dtype=np.int64)
        if found is not None:
            counts[found[0]] = found[1]
        in_order: npt.NDArray[Any] = counts[self._positions(nodes, pool)]
        return in_order

    def _positions(self, nodes: Sequence[Any], pool: NodeArrays) -> npt.NDArray[Any]:
        """Return the position of each node in the pool, or -1."""
        if self._last is not None:  # BMTK asks with one list again and again
            given, copy, of_pool, positions = self._last
            same = nodes is given and pool is of_pool and len(nodes) == len(copy)
            if same and all(map(operator.is_, nodes, copy)):
                return positions  # type: ignore[no-any-return]
        index = pool.index_of_id
        positions = np.array([index.get(node.node_id, -1) for node in nodes], dtype=np.int64)
        if isinstance(nodes, list):
            self._last = (nodes, list(nodes), pool, positions)
        return positions


def iterate_edges(
    sources: Any, targets: Any, rule: ConnectionRule
) -> Iterator[tuple[int, int, int]]:
    """Yield (source id, target id, n_syn) of the edges that exist: an iterator for BMTK.

    Parameters
    ----------
    sources, targets : NodePool
        The pools of the edge type; edges to nodes that are not in them are left out.
    rule : ConnectionRule
    """
    source, target = NodeArrays.from_pool(sources), NodeArrays.from_pool(targets)
    edges = edges_between(rule, source, target)
    for start in range(0, len(edges), _CHUNK):
        part = slice(start, start + _CHUNK)
        yield from zip(
            source.ids[edges.source[part]].tolist(),
            target.ids[edges.target[part]].tolist(),
            edges.n_syn[part].tolist(),
            strict=True,
        )


def edges_between(rule: ConnectionRule, source: NodeArrays, target: NodeArrays) -> EdgeList:
    """Return the edges of a rule between these nodes, as positions among them.

    Those of the rule itself where its pools hold the same nodes; else the edges whose ends have
    the node ids of these.
    """
    edges = rule.edges
    ends = list(zip((source, target), rule.pools, strict=True))
    if any(len({asked.network_name, own.network_name} - {None}) > 1 for asked, own in ends):
        _warn_of_pools(rule, source, target, "equal node ids in two networks are not one node")
    if all(asked is own or np.array_equal(asked.ids, own.ids) for asked, own in ends):
        return edges
    places = [asked.find(own.ids) for asked, own in ends]
    i, j = places[0][edges.source], places[1][edges.target]
    chosen = np.flatnonzero((i >= 0) & (j >= 0))
    common = [int((each >= 0).sum()) for each in places]
    # It is no wonder where the rule has no edges, or these were chosen among its nodes, maybe one
    # by one.
    as_meant = all(common) and (not len(edges) or common == [len(source), len(target)])
    if not len(chosen) and not as_meant:
        _warn_of_pools(rule, source, target, f"none of its {len(edges)} edges is between them")
    arg = None if edges.pair_arg is None else edges.pair_arg[chosen]
    shape = (len(source), len(target))
    return EdgeList.from_arrays(i[chosen], j[chosen], shape, edges.n_syn[chosen], arg)


def _warn_of_pools(rule: ConnectionRule, source: NodeArrays, target: NodeArrays, what: str) -> None:
    """Warn that a rule was given to BMTK with pools for which it was hardly meant."""
    rule.connector.warn_once(
        f"{rule.direction} edges from {source.label} to {target.label}",
        f"connection_rule of {type(rule.connector).__name__} was given to add_edges() with other "
        f"pools than those of setup_nodes(), from {source.label} to {target.label}, and {what}. "
        "Pass source and target as edge_params() returns them, or call setup_nodes() with these "
        "pools.",
        rule.pools,
    )
