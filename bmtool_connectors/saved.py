"""Saved networks: the connections of a folder of SONATA files, with what was wanted of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import IntArray, is_first, present_numbers
from bmtool_connectors.edges import EdgeList, sort_pairs
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.reports.connections import Connections
from bmtool_connectors.reports.pool_names import conditions, pool_key
from bmtool_connectors.reports.summary import Summary
from bmtool_connectors.reports.summary import entry as summary_entry
from bmtool_connectors.sonata.faults import FirstFault
from bmtool_connectors.sonata.folder import read_folder, recipe_files
from bmtool_connectors.sonata.layout import EDGES, END_QUERIES, NODES
from bmtool_connectors.sonata.node_values import positions_of, selected_nodes
from bmtool_connectors.sonata.populations import Population
from bmtool_connectors.sonata.type_tables import is_gap_junction
from bmtool_connectors.verification.recipe_entries import Entry, read_recipes

__all__ = ["summarize"]

_GAPS = ("GapJunction", "CorrelatedGapJunction")


def summarize(folder: str | os.PathLike[str]) -> Summary:
    """Return what was wanted and what is there in a saved network, from its files alone.

    Parameters
    ----------
    folder : str or path
        Folder with SONATA files, of any builder.

    Returns
    -------
    Summary
        ``print`` it, or take ``to_frame()``, ``to_json()``, ``to_csv()``.

    Raises
    ------
    ParameterError
        If it holds no SONATA files, or one that cannot be read.

    Notes
    -----
    Everything is counted anew. What was wanted is in the recipe ``<network>_connections.json``
    that our ``NetworkBuilder`` writes; without one, only what is there is known. Nodes of a pool
    are found by its filter; where that is a function, or the nodes are in another folder, degrees
    are those of nodes with edges. O(rows) time, about 60 bytes per row.

    Examples
    --------
    >>> net = NetworkBuilder("cells")
    >>> net.add_nodes(N=20)
    >>> connector = UnidirectionConnector(0.2, rng=1, verbose=False, save_report=False)
    >>> _ = connector.connect(net, net.nodes(), net.nodes())
    >>> net.build()
    >>> net.save("network")
    >>> edges = summarize("network").entries[0].measure("edges", "forward")
    >>> round(edges.wanted, 6), round(edges.sd, 6), abs(edges.z) < 4
    (80.0, 8.0, True)
    """
    return Summary(tuple(summary_entry(each) for each in read_connections(folder)))


@dataclass(frozen=True)
class SavedPool:
    """Nodes of an edge type: ascending ids, and positions where they are known."""

    ids: IntArray
    positions: npt.NDArray[np.float64] | None = None
    is_known: bool = True

    def indices(self, ids: IntArray) -> Any:
        """Return the index of each node id."""
        if len(self.ids) and self.ids[-1] - self.ids[0] == len(self.ids) - 1:  # without gaps
            return ids - self.ids[0]
        return np.searchsorted(self.ids, ids)


#: Returns the nodes of a network that a filter selects; None where that is not known.
PoolOf: TypeAlias = Callable[[str, str], SavedPool | None]


@dataclass(frozen=True)
class SavedEdgeType:
    """An edge type of a folder, with its entry in a recipe if there is one."""

    number: int
    labels: tuple[str, str]
    pools: Sequence[SavedPool]
    edges: EdgeList
    properties: Mapping[str, str]
    entry: Entry | None

    @property
    def recurrent(self) -> bool:
        """Whether source and target are the same nodes."""
        return self.pools[0] is self.pools[1]


def read_connections(folder: str | os.PathLike[str]) -> list[Connections]:
    """Return the connections of a folder, both directions of one connector together.

    Raises
    ------
    ParameterError
        If it holds no SONATA files, or one that cannot be read.
    """
    if not isinstance(folder, str | os.PathLike):
        raise ParameterError(
            "folder of summarize() must be the path of a folder with SONATA files, got "
            f"{folder!r}: of a network in memory take its summary()."
        )
    path = Path(folder)
    populations = read_folder(path)
    recipes = read_recipes(recipe_files(path), FirstFault("the recipe of a network"))
    entries = {(*each.ends, each.edge_type): each for one in recipes for each in one.entries}
    with_rows = [each for each in populations if each.has_rows]
    nodes = {each.name: each for each in with_rows if each.item == NODES}
    pool_of = functools.cache(functools.partial(_selected, nodes))
    edges = [each for each in with_rows if each.item == EDGES]
    types = [each for one in edges for each in _edge_types(one, pool_of, entries)]
    return list(_together(types))


# ---------------------------------------------------------------------- nodes
def _selected(populations: Mapping[str, Population], network: str, query: str) -> SavedPool | None:
    """Return the nodes of a network that a filter selects; None where that is not known."""
    population, asked = populations.get(network), conditions(query)
    if population is None or asked is None:
        return None
    with population.load() as table:
        chosen = selected_nodes(table, population.types or {}, asked)
        if chosen is None:
            return None
        unique, first = np.unique(table.ids[0][chosen], return_index=True)
        return SavedPool(unique, positions_of(table, np.flatnonzero(chosen)[first]))


# ---------------------------------------------------------------------- edges
def _edge_types(
    population: Population, pool_of: PoolOf, entries: Mapping[tuple[str, str, int], Entry]
) -> Iterator[SavedEdgeType]:
    """Yield the edge types of a population, in the order of their ids."""
    ends = population.endpoints or (population.stem, population.stem)
    known = population.types or {}
    with population.load() as table:
        counts = table.synapses()
        numbers = present_numbers(table.types).tolist()
        for number in numbers:
            rows = slice(None) if len(numbers) == 1 else np.flatnonzero(table.types == number)
            ids = [each[rows] for each in table.ids]
            properties = known.get(number, {})
            queries = [properties.get(name, "*") for name in END_QUERIES]
            pools = _pools(pool_of, ends, queries, ids)
            yield SavedEdgeType(
                number,
                (f"{ends[0]}: {queries[0]}", f"{ends[1]}: {queries[1]}"),
                pools,
                _edge_list(pools, ids, None if counts is None else counts[rows]),
                properties,
                entries.get((*ends, number)),
            )


def _pools(
    pool_of: PoolOf, ends: tuple[str, str], queries: list[str], ids: list[IntArray]
) -> tuple[SavedPool, SavedPool]:
    """Return the pools of an edge type; where they are not known, the nodes with edges."""
    same = len({pool_key(f"{end}: {query}") for end, query in zip(ends, queries, strict=True)}) == 1
    found: list[SavedPool] = []
    for end, query, own in zip(ends, queries, ids, strict=True):
        pool = pool_of(end, query)
        if pool is None or not np.isin(present_numbers(own), pool.ids, kind="sort").all():
            used = [present_numbers(each) for each in (ids if same else [own])]
            pool = SavedPool(np.unique(np.concatenate(used)), None, False)
        found.append(pool)
    first, second = found
    known = ends[0] == ends[1] and first.is_known and second.is_known
    same |= known and np.array_equal(first.ids, second.ids)
    return first, first if same else second


def _edge_list(
    pools: Sequence[SavedPool], ids: list[IntArray], counts: IntArray | None
) -> EdgeList:
    """Return the connected pairs of some rows, each once, with its synapses."""
    shape = len(pools[0].ids), len(pools[1].ids)
    i, j = (
        pool.indices(each).astype(np.int32 if n < 1 << 31 else np.int64)
        for pool, each, n in zip(pools, ids, shape, strict=True)
    )
    i, j, columns = sort_pairs(i, j, shape, () if counts is None else (counts,))
    first = is_first(i, j)
    n_syn: Any = 1 if counts is None else columns[0]
    if not first.all():
        starts = np.flatnonzero(first)
        rows = np.diff(np.append(starts, len(i)))
        n_syn = rows if counts is None else np.add.reduceat(columns[0], starts)
        i, j = i[starts], j[starts]
    return EdgeList.from_sorted(i, j, shape, n_syn)


# ---------------------------------------------------------------------- together
def _together(types: list[SavedEdgeType]) -> Iterator[Connections]:
    """Yield the edges of each connector, those of its two directions together."""
    waiting = list(types)
    while waiting:
        first = waiting.pop(0)
        other = next((each for each in waiting if _are_one(first, each)), None)
        if other is not None:
            waiting.remove(other)
            if first.entry is not None and first.entry.direction == "backward":
                first, other = other, first
            first, other = _in_common_pools(first, other)
        yield _connections(first, other)


def _in_common_pools(a: SavedEdgeType, b: SavedEdgeType) -> tuple[SavedEdgeType, SavedEdgeType]:
    """Return two directions with pools of the same nodes, where those are only known by edges."""
    pools = [
        one
        if one.is_known and other.is_known
        else SavedPool(np.union1d(one.ids, other.ids), None, False)
        for one, other in zip(a.pools, b.pools[::-1], strict=True)
    ]
    return _between(a, pools), _between(b, pools[::-1])


def _between(each: SavedEdgeType, pools: Sequence[SavedPool]) -> SavedEdgeType:
    """Return an edge type between larger pools."""
    ends = each.edges.source, each.edges.target
    ids = [own.ids[index] for own, index in zip(each.pools, ends, strict=True)]
    return replace(each, pools=pools, edges=_edge_list(pools, ids, each.edges.n_syn))


def _are_one(a: SavedEdgeType, b: SavedEdgeType) -> bool:
    """Whether two edge types are the two directions of one connector."""
    one, other = a.entry, b.entry
    if one is None or other is None or a.labels != b.labels[::-1]:
        return False
    return bool(one.connector) and one.is_reverse(other)


def _is_part(entry: Entry) -> bool:
    """Whether only some of the edges that a connector drew were added to the network."""
    n = entry.connected()
    return n is not None and not entry.drawn["dropped"] and entry.pairs not in (None, n)


def _connections(first: SavedEdgeType, other: SavedEdgeType | None) -> Connections:
    entry = None if first.entry is None or not first.entry.connector else first.entry
    recipe = {} if entry is None else entry.connector
    expected = None if entry is None else entry.expected
    drawn = {} if entry is None or not entry.drawn["connected"] else entry.drawn
    name = recipe.get("class", "").rpartition(".")[2] or None
    is_gap = is_gap_junction(first.properties) or name in _GAPS
    about: dict[str, Any] = {}
    if recipe:
        sampler = None if expected is None else expected.sampler
        about = {"sampler": sampler, "seed": recipe.get("seed"), "name": recipe.get("name")}
    if not all(pool.is_known for pool in first.pools):
        about["nodes"] = "those with edges only"
    if entry is not None and _is_part(entry):
        expected, drawn = None, {}
    synapses = [each for key, each in recipe.get("parameters", {}).items() if "n_syn" in key]
    if drawn.get("dropped") and any(isinstance(each, Mapping) for each in synapses):
        expected = None  # the laws do not know how often a function gives 0
    found = Connections(
        *first.labels,
        first.edges,
        None if other is None else other.edges,
        recurrent=first.recurrent,
        undirected=is_gap and first.recurrent,
        connector=name,
        edge_types=tuple(each.number for each in (first, other) if each is not None),
        expected=expected,
        drawn=drawn,
        about=about,
        positions=(first.pools[0].positions, first.pools[1].positions),
    )
    alone = other is None and entry is not None and entry.direction == "backward"
    return found.expected_backward() if alone else found
