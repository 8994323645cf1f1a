"""How the edges of a network were made, and what tells whether files hold what was saved."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.leftovers import listed, names_beside
from bmtool_connectors.builder.node_file import type_texts
from bmtool_connectors.builder.rows import BLOCK, Part, Piece, edge_rows
from bmtool_connectors.connection_rule import ConnectionRule
from bmtool_connectors.edges import order_by
from bmtool_connectors.patterns.described import (
    FORMAT,
    connector_described,
    described,
    drawn,
    wanted,
)
from bmtool_connectors.sampling import degree, sparse
from bmtool_connectors.sonata.digests import ColumnDigests, digest_of_json

if TYPE_CHECKING:
    from bmtool_connectors.builder.sonata import SavedEdges

__all__ = ["PairDigests", "SavedParts", "digests_of", "make_recipe", "recipe_at"]


@dataclass
class SavedParts:
    """What a save has written of a network.

    Attributes
    ----------
    files : list of Path
        Of edges, edge types and gap junctions.
    ends : set of (str, str), or None
        Source and target networks whose edges these are; None: all that the network has. Empty
        where no edges were saved.
    edges : dict of SavedEdges
        What was written of each table; of tables without edges, nothing is.
    gaps : ColumnDigests or None
        Of the file of gap junctions.
    node_files : list of Path
        Of nodes and node types.
    nodes : dict of str to str
        Digests of the nodes' columns, which belong to the edges whether they were saved or not.
    node_types : dict of int to dict of str
        Properties of each type as text.
    """

    files: list[Path] = field(default_factory=list)
    ends: set[tuple[str, str]] | None = field(default_factory=set)
    edges: dict[EdgeTable, SavedEdges] = field(default_factory=dict)
    gaps: ColumnDigests | None = None
    node_files: list[Path] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    node_types: dict[int, dict[str, str]] = field(default_factory=dict)

    @property
    def has_edges(self) -> bool:
        """Whether edges were saved, be it that there are none."""
        return self.ends is None or bool(self.ends)

    def includes(self, ends: tuple[str, str]) -> bool:
        """Say whether edges between two networks were saved."""
        return self.ends is None or ends in self.ends


def make_recipe(
    place: Path, network: str, tables: Sequence[EdgeTable], saved: SavedParts
) -> dict[str, Any]:
    """Return the recipe of a network.

    Parameters
    ----------
    place : Path
        Where it will be; what the recipe there says of parts that were not saved now stays.
    network : str
        Name.
    tables : sequence of EdgeTable
        One per edge type.
    saved : SavedParts

    Notes
    -----
    The same network gives the same file, whenever, wherever and however often it is saved.
    """
    before = recipe_at(place, network)
    recipe: dict[str, Any] = {
        "format": FORMAT,
        "network": network,
        "versions": {
            "bmtool_connectors": sys.modules["bmtool_connectors"].__version__,
            **{name: version(name) for name in ("bmtk", "numpy", "h5py")},
        },
        "streams": {"sparse": sparse.STREAM_VERSION, "degree": degree.STREAM_VERSION},
        "nodes": before.get("nodes"),
        "files": _files(place, network, saved),
        "gap_junctions": None if saved.gaps is None else _values(saved.gaps),
    }
    if saved.node_files:
        recipe["nodes"] = {
            "files": sorted(names_beside(place, saved.node_files)),
            "columns": saved.nodes,
            "types": saved.node_types,
        }
    if not saved.has_edges:
        recipe["gap_junctions"] = before.get("gap_junctions")
    kept = [each for each in before.get("edge_types", []) if not saved.includes(_ends(each))]
    own = [each for each in tables if saved.includes((each.source_network, each.target_network))]
    recipe["edge_types"] = [*_edge_types(own, saved), *kept]
    recipe["blake2b"] = digest_of_json(recipe)
    return recipe


def _files(place: Path, network: str, saved: SavedParts) -> list[str] | None:
    """Return the names of the files with edges; None if it is not known what is there."""
    before = listed(place, network)
    if not saved.has_edges:
        return None if before is None else sorted(before)
    names = names_beside(place, saved.files)
    if saved.ends is not None and before is not None:  # other calls write, or wrote, the others
        names |= before - {f"{network}_gap_juncs.h5"}
    return sorted(names)


def recipe_at(place: Path, network: str) -> dict[str, Any]:
    """Return the recipe of a network that is there already; empty if it cannot be trusted."""
    if not place.is_file():  # a pipe would be waited for
        return {}
    try:
        recipe = json.loads(place.read_text(encoding="utf-8"))
        told = recipe.pop("blake2b")
        is_same = recipe["format"] == FORMAT and recipe["network"] == network
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return recipe if is_same and told == digest_of_json(recipe) else {}


def _ends(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["source_network"], entry["target_network"]


def _values(digests: ColumnDigests) -> dict[str, Any]:
    return {"rows": digests.n_rows, "columns": digests.columns, "together": digests.whole}


def _edge_types(tables: Sequence[EdgeTable], saved: SavedParts) -> Iterator[dict[str, Any]]:
    """Yield the recipes of edge types; what is wanted of a use is kept for both directions."""
    known: dict[Any, Any] = {}
    pairs = {table: each.pairs for table, each in saved.edges.items() if each.pairs is not None}
    pairs |= digests_of([table for table in tables if table not in pairs])
    nodes = digest_of_json(saved.nodes)
    for table in tables:
        properties = table.edge_type_properties
        found: dict[str, Any] = {
            "edge_type_id": int(table.edge_type_id),
            "source_network": table.source_network,
            "target_network": table.target_network,
            "source_query": properties.get("source_query"),
            "target_query": properties.get("target_query"),
            "pairs": table.n_pairs,
            "synapses": table.n_syns,
            "blake2b": pairs[table],
            "row_per_synapse": table.has_properties,
            "nodes": nodes,
            "type": type_texts(properties, none="NULL"),
        }
        if table in saved.edges:
            written = saved.edges[table]
            found |= {"population": written.population, "indices": written.indices}
            found["values"] = _values(written.values)
        yield found | _rule(table, known)


def _rule(table: EdgeTable, known: dict[Any, Any]) -> dict[str, Any]:
    """Return what made the edges of a table and their properties."""
    rule = table.connection_map.connector
    found: dict[str, Any] = {}
    if isinstance(rule, ConnectionRule):
        if rule.projection not in known:
            known[rule.projection] = wanted(rule.connector, rule.projection)
        found["connector"] = {
            **connector_described(rule.connector),
            "use": rule.projection.number,
            "direction": rule.direction,
            "drawn": drawn(rule.connector, rule.projection),
            "wanted": known[rule.projection],
        }
    else:
        found["connection_rule"] = described(rule)
        found["iterator"] = table.connection_map.iterator
    found["properties"] = [_property(param) for param in table.connection_map.params]
    return found


def _property(param: Any) -> dict[str, Any]:
    rule, rule_params, _ = _bmtk.property_rule(param)
    return {
        "names": described(param.names),
        "rule": described(rule),
        "rule_params": described(rule_params),
    }


class PairDigests:
    """The digest of the pairs of each table: blake2b over target id, source id and synapses.

    Parameters
    ----------
    tables : sequence of EdgeTable

    Notes
    -----
    Pairs are sorted by target, then source; each is three little-endian integers of 8 bytes, and
    the digest is one of 32 bytes.
    """

    def __init__(self, tables: Sequence[EdgeTable]) -> None:
        self._tables = tables
        self._digests = [hashlib.blake2b(digest_size=32) for _ in tables]
        self._one_count = all(each.edges.n_syn.strides == (0,) for each in tables)
        # Mostly sources ascend already, among those of one target; pairs of other tables wait
        # until all of their target are there.
        none = np.empty((0, 3), dtype="<i8")
        self._block = np.empty((BLOCK, 3), dtype="<i8")
        self._waiting = {
            n: none for n, each in enumerate(tables) if not (np.diff(each.source.ids) > 0).all()
        }

    def add(self, part: Part) -> None:
        """Add rows; all parts of the tables, sorted by target, are added in order."""
        counts = None
        if not self._one_count:
            everyone = np.ones(len(self._tables), dtype=bool)
            counts = part.values_of(everyone, self._synapses)
        numbers = {piece.number for piece in part.pieces}
        if len(numbers) == 1:
            self._add_rows(numbers.pop(), part.source, part.target, counts)
            return
        order = order_by(part.number, len(self._tables))
        ends = np.cumsum(np.bincount(part.number, minlength=len(self._tables)))
        for number in sorted(numbers):
            rows = order[ends[number - 1] if number else 0 : ends[number]]
            synapses = None if counts is None else counts.take(rows)
            self._add_rows(number, part.source.take(rows), part.target.take(rows), synapses)

    def _synapses(self, piece: Piece) -> npt.NDArray[Any]:
        return self._tables[piece.number].edges.n_syn[piece.pairs]

    def _add_rows(
        self, number: int, source: npt.NDArray[Any], target: npt.NDArray[Any], counts: Any
    ) -> None:
        table = self._tables[number]
        if table.n_edges != table.n_pairs:  # the rows of a pair follow each other
            is_first = np.ones(len(source), dtype=bool)
            is_first[1:] = (np.diff(source) != 0) | (np.diff(target) != 0)
            source, target = source[is_first], target[is_first]
            counts = counts if counts is None else counts[is_first]
        if counts is None:
            counts = np.broadcast_to(table.edges.n_syn[:1], source.shape)
        for start in range(0, len(source), BLOCK):
            chosen = slice(start, start + BLOCK)
            columns = target[chosen], source[chosen], counts[chosen]
            pairs = self._block[: len(columns[0])]
            for k, column in enumerate(columns):
                pairs[:, k] = column
            if number in self._waiting:
                pairs = np.concatenate([self._waiting[number], pairs])
                pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
                n_whole = int(np.searchsorted(pairs[:, 0], pairs[-1, 0]))
                pairs, self._waiting[number] = pairs[:n_whole], pairs[n_whole:]
            self._digests[number].update(np.ascontiguousarray(pairs).data)

    def found(self) -> dict[EdgeTable, str]:
        """Return the digest of each table, once all rows have been added."""
        for number, pairs in self._waiting.items():
            self._digests[number].update(np.ascontiguousarray(pairs).data)
        return {
            table: digest.hexdigest()
            for table, digest in zip(self._tables, self._digests, strict=True)
        }


def digests_of(tables: Sequence[EdgeTable]) -> dict[EdgeTable, str]:
    """Return the digest of the pairs of each table; see `PairDigests`."""
    digests = PairDigests(tables)
    for part in edge_rows(tables, "target_node_id", [0] * len(tables)):
        digests.add(part)
    return digests.found()
