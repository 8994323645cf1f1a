"""Node pools that look at node types, and at single nodes only where they must.

BMTK's pool asks every node of the network whether it passes the filter, each
time somebody iterates over it or asks for its length.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bmtool_connectors.builder._bmtk import NodePool
from bmtool_connectors.filters import filters_of
from bmtool_connectors.nodes import NodeArrays


@dataclass(frozen=True, eq=False)
class NodeGroup:
    """Nodes that were made together.

    Attributes
    ----------
    nodes : list of Node
    own : set of str or None
        Names of the properties of which each node has a value of its own; all others are those
        of the node type. None when that is not known.
    columns : tuple of str
        The same names in the order in which they were given.
    """

    nodes: list[Any]
    own: frozenset[str] | None
    columns: tuple[str, ...] = ()

    def passing(self, asked: Mapping[str, Any]) -> Sequence[Any]:
        """Return the nodes that a filter selects: the list itself if it selects all."""
        if not self.nodes:
            return self.nodes
        own = [name for name in asked if self.own is None or name in self.own]
        first = self.nodes[0]  # stands for all, in what its type says
        if not all(_passes(first.get(name), asked[name]) for name in asked if name not in own):
            return ()
        if not own:
            return self.nodes
        return [
            node for node in self.nodes if all(_passes(node.get(name), asked[name]) for name in own)
        ]


def _passes(value: Any, asked: Any) -> bool:
    """Whether the value of a node is what a filter asks for, by BMTK's rules."""
    if value is None:
        return False
    if callable(asked):
        return bool(asked(value))
    if isinstance(asked, list):
        return value in asked
    return not value != asked  # noqa: SIM202  # what BMTK asks: NaN is never equal


class IndexedPool(NodePool):  # type: ignore[misc]
    """A BMTK node pool that keeps what it found until nodes are added.

    Parameters
    ----------
    network : SparseNetwork
    **properties
        The filter: a value, a list of values, or a function of a value for each property.
    """

    #: The network makes each node once.
    keeps_nodes = True
    #: Its nodes as arrays, where the filter holds a function, which is asked once.
    arrays: NodeArrays | None = None

    #: What was found in each group of nodes.
    _parts: Sequence[Sequence[Any]] = ()

    def _found(self) -> list[Sequence[Any]]:
        groups: Sequence[NodeGroup] = self.network.node_groups
        # Groups are only ever added. A list anew, because two threads may look at once.
        known, asked = self._parts, filters_of(self) or {}
        new = (group.passing(asked) for group in groups[len(known) :])
        self._parts = found = [*known, *new]
        return found

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self._found())

    def __len__(self) -> int:
        return sum(map(len, self._found()))
