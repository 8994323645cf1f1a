"""Parts of pools, by the value of an attribute of the nodes, and the edges between two of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from bmtool_connectors.arrays import Index, index_dtype
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.filters import filters_of
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.block_entries import Pair, is_two_way
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.reciprocal import ReciprocalConnector
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.expected import Expected

Places = dict[Hashable, Index]  #: Positions in a pool of the nodes of each class.


def named_attributes(by: Any, owner: str) -> tuple[str, str]:
    """Return the attributes of source and of target nodes that `by` names."""
    names = (by, by) if isinstance(by, str) else by
    if isinstance(names, tuple | list) and len(names) == 2:
        first, second = names
        if isinstance(first, str) and isinstance(second, str) and first and second:
            return first, second
    raise ParameterError(
        f"by of {owner} must be the name of a node attribute, or a tuple of two (of source and of "
        f"target nodes), got {by!r}."
    )


def places_by_value(nodes: NodeArrays, name: str, owner: str) -> Places:
    """Return the positions of the nodes that have each value of an attribute, ascending.

    Parameters
    ----------
    nodes : NodeArrays
    name : str
        The attribute.
    owner : str
        For messages.

    Raises
    ------
    NodeError
        If a node has no value, or one that cannot name a class.
    """
    places: dict[Hashable, list[int]] = {}
    for place, node in enumerate(nodes.nodes):
        try:
            value = node[name]
            usable = value is not None and value == value  # NaN is not
            places.setdefault(value, []).append(place)
        except KeyError:
            value, usable = None, False
        except (TypeError, ValueError):  # a list, an array
            usable = False
        if not usable:
            raise NodeError(
                f"by of {owner} is {name!r}, which is {value!r} for node {nodes.ids[place]} of "
                f"{nodes.label}; give every node a number or a text in add_nodes()."
            )
    return {value: np.array(found) for value, found in places.items()}


def check_classes(
    pairs: Collection[Pair],
    places: tuple[Places, Places],
    attributes: tuple[str, str],
    needed: Any,
    owner: str,
) -> None:
    """Refuse nodes without an entry, and entries without nodes.

    Parameters
    ----------
    pairs : collection of (source class, target class)
        That have an entry.
    places : tuple of dict
        Where the nodes of each class are, in both pools.
    attributes : tuple of str
        That name the classes of source and of target nodes.
    needed : str or tuple of str, or None
        The attributes as the user gave them, if every pair of classes needs an entry.
    owner : str
        For messages.

    Raises
    ------
    NodeError
    """
    for pair in () if needed is None else product(*places):
        if pair not in pairs:
            raise NodeError(
                f"p of {owner} has no entry for {pair!r} (source, target), which nodes have as "
                f"{needed!r}; give one (None for no connections), or pass missing=None."
            )
    # A table for a whole network may serve some of its nodes, on one side.
    known = [set(each) for each in places]
    known = [known[0] | known[1]] * 2 if attributes[0] == attributes[1] else known
    for pair in pairs:
        for value, values, attribute in zip(pair, known, attributes, strict=True):
            if value not in values:
                raise NodeError(
                    f"p of {owner} has an entry for {pair!r}, but no node has {attribute} "
                    f"{value!r}; correct the name, or take the entry out."
                )


class PoolPart:
    """The nodes of a pool that have one value of an attribute: ``net.nodes(..., name=value)``.

    Parameters
    ----------
    pool : NodePool
    name : str
        The attribute.
    value : object
        Its value.
    nodes : list
        The nodes.

    Notes
    -----
    Labels, and so random streams, are those of BMTK's pool with that filter.
    """

    def __init__(self, pool: Any, name: str, value: Hashable, nodes: list[Any]) -> None:
        self.network = getattr(pool, "network", None)
        self.network_name = pool.network_name
        self._nodes = nodes
        known = filters_of(pool)
        self.filters = None if known is None else {**known, name: value}
        own = f"{name}=='{value}'"
        text = getattr(pool, "filter_str", "*")
        #: As BMTK writes it.
        self.filter_str = own if text == "*" else f"{text}&{own}"
        if self.filters is not None:
            self.filter_str = "&".join(f"{key}=='{each}'" for key, each in self.filters.items())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


def pool_parts(pool: Any, nodes: NodeArrays, places: Places, name: str) -> dict[Hashable, PoolPart]:
    """Return the part of a pool that has each value."""
    return {
        value: PoolPart(pool, name, value, [nodes.nodes[k] for k in index.tolist()])
        for value, index in places.items()
    }


@dataclass(frozen=True)
class Part:
    """The pairs of two classes, and the connector that draws them.

    Attributes
    ----------
    pair : tuple
        Source class and target class.
    connector : BaseConnector
    source, target : ndarray of int
        Positions of the nodes in the whole pools.
    counts : Connectivity or None
        What was counted in the draw, without the edges.
    """

    pair: Pair
    connector: BaseConnector
    source: Index
    target: Index
    counts: Connectivity | None = None

    @property
    def projection(self) -> Projection:
        """What the connector makes of the two classes."""
        return self.connector.use

    def __deepcopy__(self, memo: dict[int, Any]) -> Part:
        return replace(self, connector=deepcopy(self.connector, memo))

    def with_counts(self, counts: Connectivity) -> Part:
        """Return the part with what was counted in the draw."""
        return replace(self, counts=counts)

    def without_nodes(self) -> Part:
        """Return the block without node objects."""
        copied = deepcopy(self)
        projection = copied.connector.use
        projection.source_pool = projection.target_pool = None
        projection.free_memory()
        return copied

    def places(self, i: int, j: int) -> tuple[int, int] | None:
        """Return the positions in the parts of a source and a target; None if not in them."""
        found = [np.flatnonzero(end == k) for end, k in ((self.source, i), (self.target, j))]
        return (int(found[0][0]), int(found[1][0])) if all(map(len, found)) else None

    def directed(self, drawn: Connectivity) -> Iterator[tuple[EdgeList, Index, Index]]:
        """Yield edges with positions of their sources and targets, of each direction."""
        yield drawn.forward, self.source, self.target
        if drawn.backward is not None:
            yield drawn.backward, self.target, self.source

    def possible(self, drawn: Connectivity, nodes: NodeArrays) -> int:
        """Count the ordered pairs that could connect; `nodes` are all sources."""
        # Sums, because a user's own draw may have counted nothing.
        if not is_two_way(self.connector):
            return sum(drawn.possible[:1])
        if drawn.backward is not None:
            return sum(drawn.possible[:2])
        return 2 * sum(drawn.possible[:1]) - self._possible_autapses(nodes)

    def _possible_autapses(self, nodes: NodeArrays) -> int:
        made = self.connector
        if not isinstance(made, ReciprocalConnector) or not made.allow_autapses:
            return 0
        plan = made._plan(made._space(nodes, nodes), None)
        p0 = plan.laws.evaluate_on(ListedPairs(plan.space, self.source, self.source)).p0
        return int(np.count_nonzero(np.broadcast_to(p0, self.source.shape)))


def summed(
    projection: Projection, found: Sequence[Expected], pairs: int, *, both: bool
) -> Expected:
    """Return the sums of what is expected of each block.

    Parameters
    ----------
    projection : Projection
        Of the whole pools.
    found : sequence of Expected
        What is expected of each of its parts.
    pairs : int
        Pairs that are looked at.
    both : bool
        Whether reciprocal pairs only come from blocks that draw both directions together.
    """
    sizes = projection.shape
    edges = sum(each.edges for each in found)
    # Directions that are drawn together are correlated, blocks are not.
    variance = sum(
        each.forward_sd**2
        + (each.backward and each.backward_sd**2 + 2 * (each.reciprocal - each.independent))
        for each in found
    )
    reciprocal = found if both else ()
    clipped = [(each.infeasible, each.pairs) for each in found if each.reciprocal]
    error = float(np.sqrt(sum(each.standard_error**2 for each in found)))
    n_bytes = sum(each.n_bytes for each in found) + edges * sum(_width(n) for n in sizes)
    for part, one in zip(projection.parts, found, strict=True):  # positions in the whole are longer
        n_bytes -= one.edges * (_width(len(part.source)) + _width(len(part.target)))
    return Expected(
        sampler=" and ".join(sorted({each.sampler for each in found})) or "none",
        pairs=pairs,
        forward=edges,
        backward=0.0,
        reciprocal=sum(each.reciprocal for each in reciprocal),
        infeasible=sum(x * n for x, n in clipped) / max(sum(n for _, n in clipped), 1),
        standard_error=error,
        n_bytes=round(n_bytes),
        seconds=sum(each.seconds for each in found),
        kept_bytes=max((each.kept_bytes for each in found), default=0),
        forward_sd=float(np.sqrt(max(variance, 0.0))),
        reciprocal_sd=float(np.sqrt(sum(each.reciprocal_sd**2 for each in reciprocal))),
        forward_error=error,
        reciprocal_error=float(np.sqrt(sum(each.reciprocal_error**2 for each in reciprocal))),
        max_step=max((each.max_step for each in found), default=1.0),
        degrees={"out": (edges / sizes[0], None), "in": (edges / sizes[1], None)},
    )


def _width(n: int) -> int:
    """Return the bytes that a position among n nodes takes."""
    return index_dtype(n).itemsize
