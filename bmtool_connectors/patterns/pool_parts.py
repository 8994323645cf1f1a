"""The nodes of a pool by the value of an attribute."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.errors import NodeError
from bmtool_connectors.nodes import NodeArrays, filters_of

Index = npt.NDArray[np.int64]


def places_by_value(nodes: NodeArrays, name: str, owner: str) -> dict[Hashable, Index]:
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


def pool_parts(
    pool: Any, nodes: NodeArrays, places: dict[Hashable, Index], name: str
) -> dict[Hashable, PoolPart]:
    """Return the part of a pool that has each value."""
    return {
        value: PoolPart(pool, name, value, [nodes.nodes[k] for k in index.tolist()])
        for value, index in places.items()
    }
