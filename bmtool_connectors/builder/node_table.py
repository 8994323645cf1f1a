"""The nodes of a network as arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.builder.pools import NodeGroup
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.node_writer import NodeTable


def node_table(made: Sequence[NodeGroup], portable: bool) -> NodeTable:
    """Return the nodes of a network as a file of nodes holds them.

    Parameters
    ----------
    made : sequence of NodeGroup
        Nodes by what made them.
    portable : bool
        Whether there is one group, with a column for each coordinate.

    Raises
    ------
    ParameterError
        If a property cannot be stored.
    """
    sets: dict[Hashable, list[NodeGroup]] = {(): []} if portable else {}
    numbers = {key: number for number, key in enumerate(sets)}
    n_rows: Counter[int] = Counter()
    group_of, index = [np.empty(0, dtype=np.uint32)], [np.empty(0, dtype=np.uint64)]
    for each in made:
        # BMTK tells nodes with given ids apart, but writes the ids elsewhere.
        key = () if portable else tuple(sorted(each.columns))
        sets.setdefault(key, []).append(each)
        number, n = numbers.setdefault(key, len(numbers)), len(each.nodes)
        group_of.append(np.full(n, number, dtype=np.uint32))
        index.append(np.arange(n_rows[number], n_rows[number] + n, dtype=np.uint64))
        n_rows[number] += n
    nodes = [node for each in made for node in each.nodes]
    columns: dict[str, npt.NDArray[Any]] = {
        layout.NODE_ID: np.array([node.node_id for node in nodes], dtype=np.uint64),
        layout.NODE_TYPE_ID: np.array([node.node_type_id for node in nodes], dtype=np.uint64),
        layout.NODE_GROUP_ID: np.concatenate(group_of),
        layout.NODE_GROUP_INDEX: np.concatenate(index),
    }
    return NodeTable(columns, [_properties(chosen, portable) for chosen in sets.values()])


def _properties(groups: Sequence[NodeGroup], portable: bool) -> dict[str, npt.NDArray[Any]]:
    """Return the properties of nodes that stand in one group of the file."""
    found: dict[str, npt.NDArray[Any]] = {}
    nodes = [node for group in groups for node in group.nodes]
    for name in dict.fromkeys(name for group in groups for name in group.columns):
        if name == layout.NODE_ID:
            continue
        values = [node.get(name) for node in nodes]
        for node, value in zip(nodes, values, strict=True):
            if value is None and name not in node:
                raise ParameterError(
                    f"portable=True needs {name!r} for node {node.node_id}, which has none, "
                    f"because other nodes of the network have it: pass {name}= to its add_nodes() "
                    "as well."
                )
        if portable and name == layout.POSITIONS:
            columns = np.array(values, dtype=float)
            found |= {axis: columns[:, k] for k, axis in enumerate(layout.AXES[0])}
        else:
            found[name] = _property(name, values, portable)
    return found


def _property(name: str, values: list[Any], portable: bool) -> npt.NDArray[Any]:
    """Return a property of nodes in the type that its values have; text as objects."""
    is_text = bool(values) and all(isinstance(value, str) for value in values)
    try:
        array = np.array(values, dtype=object if is_text else None)
        if array.dtype.kind in "OU" and not is_text:  # BMTK writes what else there is as text
            array = np.array([str(value) for value in values], dtype=object)
    except ValueError as error:
        raise ParameterError(
            f"{name} of add_nodes() must have one shape for all nodes with the same properties, "
            "got values of different shapes."
        ) from error
    if portable and array.ndim > 1:
        raise ParameterError(
            f"portable=True cannot store {name!r}, which has {array.shape[1:]} values per node; "
            "only positions may have several: pass them as properties of one value each."
        )
    return array
