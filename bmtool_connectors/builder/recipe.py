"""How the edges of a network were made, and what tells whether they are the same ones."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.rows import BLOCK, Part, Piece, edge_rows
from bmtool_connectors.edges import order_by
from bmtool_connectors.patterns.described import (
    FORMAT,
    connector_described,
    described,
    drawn,
    wanted,
)
from bmtool_connectors.rules import ConnectionRule

__all__ = ["PairDigests", "digests_of", "write_recipe"]


def write_recipe(
    file: Path,
    network: str,
    tables: Sequence[EdgeTable],
    digests: Mapping[EdgeTable, str],
    files: Sequence[str],
) -> None:
    """Write the recipe of a network's edges.

    Parameters
    ----------
    file : Path
    network : str
        Name.
    tables : sequence of EdgeTable
        One per edge type.
    digests : dict
        Of the pairs of tables, where they are known already.
    files : sequence of str
        Names of the network's files of edges, edge types and gap junctions in the same folder.

    Notes
    -----
    The same network gives the same file, whenever, wherever and however often it is saved.
    """
    known: dict[Any, Any] = {}
    digests = {**digests, **digests_of([each for each in tables if each not in digests])}
    recipe = {
        "format": FORMAT,
        "network": network,
        "versions": {
            "bmtool_connectors": sys.modules["bmtool_connectors"].__version__,
            **{name: version(name) for name in ("bmtk", "numpy", "h5py")},
        },
        "files": list(files),
        "edge_types": [_edge_type(table, known, digests[table]) for table in tables],
    }
    text = json.dumps(recipe, indent=1, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")


def _edge_type(table: EdgeTable, known: dict[Any, Any], digest: str) -> dict[str, Any]:
    """Return the recipe of an edge type; what is wanted of a use is kept for both directions."""
    properties = table.edge_type_properties
    found: dict[str, Any] = {
        "edge_type_id": int(table.edge_type_id),
        "source_network": table.source_network,
        "target_network": table.target_network,
        "source_query": properties.get("source_query"),
        "target_query": properties.get("target_query"),
        "pairs": table.n_pairs,
        "synapses": table.n_syns,
        "blake2b": digest,
    }
    rule = table.connection_map.connector
    if isinstance(rule, ConnectionRule):
        if rule.use not in known:
            known[rule.use] = wanted(rule.connector, rule.use)
        found["connector"] = {
            **connector_described(rule.connector),
            "direction": rule.direction,
            "drawn": drawn(rule.connector, rule.use),
            "wanted": known[rule.use],
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
