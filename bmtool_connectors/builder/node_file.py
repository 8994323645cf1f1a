"""Files of nodes, and the tables of node and edge types."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.builder.options import SaveOptions
from bmtool_connectors.builder.pools import NodeGroup
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.digests import ColumnDigests, by_axis
from bmtool_connectors.sonata.h5_file import h5_file
from bmtool_connectors.sonata.layout import AXES, POSITIONS

__all__ = ["NodeTable", "type_texts", "write_nodes", "write_types"]

#: What a table of types has where a type lacks a property.
MISSING = "NULL"


# ---------------------------------------------------------------------- nodes
class NodeTable:
    """The nodes of a network as arrays, as a file of nodes holds them.

    Parameters
    ----------
    made : sequence of NodeGroup
        Nodes by what made them.
    portable : bool
        Whether there is one group, with a column for each coordinate.

    Attributes
    ----------
    columns : dict of ndarray, shape (n,)
        Ids, types, and where the properties of each node are.
    groups : list of dict of ndarray
        The properties of each group, by name.

    Raises
    ------
    ParameterError
        If a property cannot be stored.
    """

    def __init__(self, made: Sequence[NodeGroup], portable: bool) -> None:
        sets = _sets(made, portable)
        nodes = [node for group in made for node in group.nodes]
        group_of, place = _places(made, [groups for _, groups in sets])
        self.columns: dict[str, npt.NDArray[Any]] = {
            "node_id": np.array([node.node_id for node in nodes], dtype=np.uint64),
            "node_type_id": np.array([node.node_type_id for node in nodes], dtype=np.uint64),
            "node_group_id": group_of.astype(np.uint32),
            "node_group_index": place.astype(np.uint64),
        }
        self.groups: list[dict[str, npt.NDArray[Any]]] = []
        for names, groups in sets:
            columns: dict[str, npt.NDArray[Any]] = {}
            for name in names:
                values = [_value(node, name) for group in groups for node in group.nodes]
                columns |= _property(name, values, portable)
            self.groups.append(columns)

    def digests(self) -> dict[str, str]:
        """Return the digests of types and properties, which are the same in portable files."""
        found = ColumnDigests()
        ids, group_of = self.columns["node_id"], self.columns["node_group_id"]
        found.add([ids], {"node_type_id": self.columns["node_type_id"]})
        for number, columns in enumerate(self.groups):
            found.add([ids[group_of == number]], by_axis(columns))
        return found.columns


def write_nodes(file: Path, network: str, nodes: NodeTable, options: SaveOptions) -> None:
    """Write the nodes of a network into a file, as a population of its name.

    Parameters
    ----------
    file : Path
        Gets one more population if it is there.
    network : str
        Name.
    nodes : NodeTable
    options : SaveOptions

    Raises
    ------
    ParameterError
        If the population is in the file already.
    """
    with h5_file(file) as (h5, check):
        if f"nodes/{network}" in h5:
            raise ParameterError(
                f"mode is 'a' and the file of nodes has a population {network!r} already; save "
                "with mode='w' or into another file."
            )
        population = h5.create_group(f"/nodes/{network}")
        for name, array in nodes.columns.items():
            dtype = array.dtype
            if options.compact:
                dtype = np.min_scalar_type(int(array.max()) if len(array) else 0)
            _write(population, name, array.astype(dtype, copy=False), options)
            check()
        for number, columns in enumerate(nodes.groups):
            group = population.create_group(str(number))
            for name, array in columns.items():
                _write(group, name, array, options)
                check()


def _sets(made: Sequence[NodeGroup], portable: bool) -> list[tuple[Sequence[str], list[NodeGroup]]]:
    """Return the groups of the file: names of their columns, and the nodes in them."""
    if portable:
        names = dict.fromkeys(name for group in made for name in group.columns)
        return [(_own(names), list(made))]
    sets: dict[tuple[str, ...], tuple[Sequence[str], list[NodeGroup]]] = {}
    for group in made:
        # BMTK tells nodes with given ids apart, but writes the ids elsewhere.
        key = tuple(sorted(group.columns))
        sets.setdefault(key, (_own(group.columns), []))[1].append(group)
    return list(sets.values())


def _own(names: Iterable[str]) -> list[str]:
    """Return the columns of a group: all properties but the id."""
    return [name for name in names if name != "node_id"]


def _places(
    made: Sequence[NodeGroup], sets: Sequence[Sequence[NodeGroup]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the group of each node, and its place in it."""
    number_of = {id(group): number for number, groups in enumerate(sets) for group in groups}
    numbers = [number_of[id(group)] for group in made]
    group_of = np.repeat(np.array(numbers, dtype=np.int64), [len(group.nodes) for group in made])
    place = np.empty(len(group_of), dtype=np.int64)
    for number in range(len(sets)):
        is_in = group_of == number
        place[is_in] = np.arange(is_in.sum())
    return group_of, place


def _value(node: Any, name: str) -> Any:
    value = node.get(name)
    if value is None and name not in node:
        raise ParameterError(
            f"portable=True needs {name!r} for node {node.node_id}, which has none, because other "
            f"nodes of the network have it: pass {name}= to its add_nodes() as well."
        )
    return value


def _property(name: str, values: list[Any], portable: bool) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of a property of nodes, in the type that its values have."""
    if portable and name == POSITIONS:
        columns = np.array(values, dtype=float)
        return {axis: columns[:, k] for k, axis in enumerate(AXES[0])}
    is_text = bool(values) and all(isinstance(value, str) for value in values)
    try:
        array = np.array(values, dtype=h5py.string_dtype() if is_text else None)
        if array.dtype.kind in "OU" and not is_text:  # BMTK writes what else there is as text
            array = np.array([str(value) for value in values], dtype=h5py.string_dtype())
    except ValueError as error:
        raise ParameterError(
            f"{name} of add_nodes() has values of different shapes; allowed is one shape for all "
            "nodes with the same properties."
        ) from error
    if portable and array.ndim > 1:
        raise ParameterError(
            f"portable=True cannot store {name!r}, which has {array.shape[1:]} values per node; "
            "only positions may have several: pass them as properties of one value each."
        )
    return {name: array}


def _write(h5: Any, name: str, array: npt.NDArray[Any], options: SaveOptions) -> None:
    h5.create_dataset(name, data=array, **options.storage(array.shape))


# ---------------------------------------------------------------------- types
def write_types(
    file: Path, first: Sequence[str], types: Iterable[Mapping[str, Any]], none: str
) -> None:
    """Write a table of node or edge types.

    Parameters
    ----------
    file : Path
    first : sequence of str
        Columns that come first; the others follow as they are met.
    types : iterable of mapping
        Properties of each type.
    none : str
        What stands for None.
    """
    texts = [type_texts(each, none) for each in types]
    names = list(dict.fromkeys([*first, *(name for each in texts for name in each)]))
    with file.open("w", newline="", encoding="utf-8") as text:
        table = csv.writer(text, delimiter=" ")
        table.writerow(names)
        table.writerows([each.get(name, MISSING) for name in names] for each in texts)


def type_texts(properties: Mapping[str, Any], none: str) -> dict[str, str]:
    """Return the properties of a type as a table has them; `none` stands for None."""
    return {name: none if value is None else str(value) for name, value in properties.items()}
