"""List and read what a built BMTK network holds, by its public members only.

:func:`read_network` answers with the same ``Population`` items as
``sonata.folder.read_folder``, so a network compares with a folder. BMTK itself
is not imported: whatever has the members of :class:`BuiltNetwork` will do.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import IntArray
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.datasets import plain_values
from bmtool_connectors.sonata.populations import ColumnGroup, Population, Table
from bmtool_connectors.sonata.type_tables import given_texts

T = TypeVar("T")

_DOORS = ("name", "nodes_built", "edges_built", "nodes", "get_connections", "edges_table")


class BuiltNetwork(Protocol):
    """What is read of a ``bmtk.builder.NetworkBuilder`` after ``build()``."""

    @property
    def name(self) -> str: ...
    @property
    def nodes_built(self) -> bool: ...
    @property
    def edges_built(self) -> bool: ...
    def nodes(self) -> Iterable[Any]: ...
    def get_connections(self) -> Sequence[Any]: ...
    def edges_table(self) -> Sequence[Any]: ...


def read_network(net: BuiltNetwork) -> list[Population]:
    """List what a built network holds.

    Parameters
    ----------
    net : bmtk.builder.NetworkBuilder
        After ``build()``; with BMTK's own network before ``save()``, which frees the edges.

    Returns
    -------
    list of Population
        Its own nodes, every edge population it makes, its gap junctions.

    Raises
    ------
    ParameterError
        If it is no network, not built, or saved already.

    Notes
    -----
    Node types without a node are not seen. With several MPI ranks, the edges
    are those of this rank.
    """
    # Not isinstance: a NetworkBuilder answers through __getattr__, which Python 3.12 overlooks.
    if not all(hasattr(net, door) for door in _DOORS):
        raise ParameterError(
            "network of compare() must be the path of a folder, a built NetworkBuilder, or a list "
            f"of these, got a value of type {type(net).__name__}."
        )
    if not (net.edges_built if net.get_connections() else net.nodes_built):
        raise ParameterError(
            f"compare(): network {net.name!r} is not built; call its build() first."
        )
    populations = [_node_population(net)]
    connections = list(net.get_connections())
    ends = [(each.source_network_name, each.target_network_name) for each in connections]
    for between in dict.fromkeys(ends):
        kinds = [each for each, end in zip(connections, ends, strict=True) if end == between]
        populations.append(_edge_population(net, between, kinds))
    # As in the file, which BMTK writes only when there is a junction to store.
    gaps = [each for each in net.edges_table() if _is_gap_junction(each)]
    if gaps:
        load = functools.partial(_gap_rows, net, gaps)
        populations.append(Population(layout.GAP_JUNCTIONS, net.name, _origin(net), load, net.name))
    return populations


def _origin(net: BuiltNetwork) -> str:
    return f"network {net.name!r}"


def _is_gap_junction(table: Any) -> bool:
    is_one = table.edge_type_properties.get(layout.IS_GAP_JUNCTION, False)
    return bool(is_one and _unless_freed(lambda: table.n_edges) > 0)


def _node_population(net: BuiltNetwork) -> Population:
    kinds = {node.node_type_id: node.node_type_properties for node in net.nodes()}
    types = {int(number): given_texts(each) for number, each in kinds.items()}
    load = functools.partial(_node_rows, net)
    return Population(layout.NODES, net.name, _origin(net), load, net.name, types=types)


def _edge_population(
    net: BuiltNetwork, between: tuple[str, str], kinds: Iterable[Any]
) -> Population:
    source, target = between
    tables = [
        each for each in net.edges_table() if (each.source_network, each.target_network) == between
    ]
    properties = [each.edge_type_properties for each in kinds]
    types = {int(each[layout.EDGE_TYPE_ID]): given_texts(each) for each in properties}
    return Population(
        layout.EDGES,
        f"{source}_to_{target}",
        _origin(net),
        functools.partial(_edge_rows, net, tables),
        f"{source}_{target}",
        between,
        types,
    )


def _unless_freed(read: Callable[[], T]) -> T:
    """Return what is read of a table of edges."""
    try:
        return read()
    except AttributeError as error:
        # BMTK deletes the arrays of its tables when it has written them.
        raise ParameterError(
            "compare(): the network has been saved, which frees its edges; give the folder it was "
            "saved to instead."
        ) from error


@contextlib.contextmanager
def _node_rows(net: BuiltNetwork) -> Iterator[Table]:
    nodes = list(net.nodes())
    ids = np.array([node.node_id for node in nodes], dtype=np.int64)
    node_types = np.array([node.node_type_id for node in nodes], dtype=np.int64)
    members: dict[tuple[str, ...], list[int]] = {}
    for row, node in enumerate(nodes):
        members.setdefault(tuple(node.params), []).append(row)
    groups = [ColumnGroup(None, None, {layout.NODE_TYPE_ID: lambda: node_types})]
    for names, rows in members.items():
        columns: dict[str, npt.NDArray[Any]] = {}
        for name in names:
            if name != layout.NODE_ID:
                columns |= _split(name, [nodes[row].params[name] for row in rows])
        readers = {name: functools.partial(np.asarray, each) for name, each in columns.items()}
        groups.append(ColumnGroup(np.array(rows, dtype=np.int64), None, readers))
    yield Table((ids,), np.zeros(len(ids), dtype=np.int64), tuple(groups), _origin(net))


def _split(name: str, values: list[Any]) -> dict[str, npt.NDArray[Any]]:
    # As in the file: a property of tuples is an array of several columns.
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.array([str(value) for value in values], dtype=object)
    array = plain_values(array)
    if array.ndim == 1:
        return {name: array}
    return {f"{name}[{i}]": column for i, column in enumerate(array.reshape(len(array), -1).T)}


@contextlib.contextmanager
def _edge_rows(net: BuiltNetwork, tables: Sequence[Any]) -> Iterator[Table]:
    frames = [_unless_freed(table.to_dataframe) for table in tables]
    sizes = [len(frame) for frame in frames]
    numbers = np.array([int(table.edge_type_id) for table in tables], dtype=np.int64)
    groups, start = [], 0
    for frame, size in zip(frames, sizes, strict=True):
        rows = None if len(frames) == 1 else np.arange(start, start + size)
        names = [name for name in frame if name not in layout.END_IDS]
        if size:
            readers = {name: functools.partial(_column, frame, name) for name in names}
            groups.append(ColumnGroup(rows, None, readers))
        start += size
    ids = _ends(frames, 1)
    yield Table(ids, np.repeat(numbers, sizes), tuple(groups), _origin(net))


@contextlib.contextmanager
def _gap_rows(net: BuiltNetwork, tables: Sequence[Any]) -> Iterator[Table]:
    frames = [_unless_freed(table.to_dataframe) for table in tables]
    # One row each, as in the file: a frame has a row per junction once a property exists.
    counts = [
        frame[layout.NSYNS].to_numpy().astype(np.int64)
        if layout.NSYNS in frame
        else np.ones(len(frame), int)
        for frame in frames
    ]
    ids = _ends(frames, np.concatenate(counts))
    yield Table(ids, np.zeros(len(ids[0]), dtype=np.int64), (), _origin(net))


def _column(frame: Any, name: str) -> npt.NDArray[Any]:
    return plain_values(frame[name].to_numpy())


def _ends(frames: Sequence[Any], counts: IntArray | int) -> tuple[IntArray, IntArray]:
    # Signed before they are joined: NumPy makes floats of int64 and uint64 together.
    source, target = (
        np.concatenate([frame[name].to_numpy().astype(np.int64) for frame in frames])
        for name in layout.END_IDS
    )
    return np.repeat(source, counts), np.repeat(target, counts)
