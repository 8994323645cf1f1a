"""Checks of the rows of edge files."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.comparison.values import runs
from bmtool_connectors.verification.columns import (
    IntArray,
    Mask,
    Tally,
    integers,
    is_table,
    missing,
    parts,
)
from bmtool_connectors.verification.files import TypeTable
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.groups import Groups
from bmtool_connectors.verification.nodes import Nodes
from bmtool_connectors.verification.properties import SavedValues, check_properties

__all__ = ["Rows", "check_rows", "is_gap_junction"]

#: Ids that rows are checked for; SONATA's go on, but no network has as many nodes.
MOST = 1 << 31

SECTIONS = ("afferent_section_id", "sec_id")


@dataclass
class Rows:
    """The rows of a population of edges.

    Attributes
    ----------
    file : Path
    population : str
    ends : tuple of (str or None)
        Names of the populations of source and target.
    source, target, types : ndarray of int32, shape (n,)
        -1 for ids that cannot be.
    n_syn : ndarray of int64, shape (n,), or None
        Synapses of each row; None: one each.
    per_synapse : set of int
        Edge types that have a row for each synapse, not for each pair.
    table : dict
        Properties of each edge type.
    values : dict of int to SavedValues
        Of the edge types that a recipe tells of.
    indices : set of str
        Names of the indices that are there.
    """

    file: Path
    population: str
    ends: tuple[str | None, str | None]
    source: npt.NDArray[np.int32]
    target: npt.NDArray[np.int32]
    types: npt.NDArray[np.int32]
    n_syn: npt.NDArray[Any] | None
    per_synapse: set[int]
    table: Mapping[int, Mapping[str, str]]
    values: dict[int, SavedValues] = field(default_factory=dict)
    indices: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.source)

    def where(self, row: int) -> dict[str, Any]:
        """Return what a finding says of a row."""
        ids = int(self.source[row]), int(self.target[row])
        kind = int(self.types[row])
        return {"population": self.population, "row": row, "ids": ids, "edge_type": kind}

    @functools.cached_property
    def of_type(self) -> dict[int, Any]:
        """Rows of each edge type, in order; a slice where there is one type."""
        if not len(self):
            return {}
        low, high = int(self.types.min()), int(self.types.max())
        if low == high:
            return {low: slice(None)}
        if high - low < 1 << 16:
            order = np.argsort((self.types - low).astype(np.uint16), kind="stable")
        else:
            order = np.argsort(self.types, kind="stable")
        return {number: order[part] for number, part in runs(self.types[order])}

    def gap_types(self) -> list[int]:
        """Return the edge types that are gap junctions."""
        return [number for number, each in self.table.items() if is_gap_junction(each)]


def is_gap_junction(properties: Mapping[str, str]) -> bool:
    """Say whether an edge type of a table, as text, is one of gap junctions."""
    return properties.get("is_gap_junction", "").lower() in ("true", "1", "1.0")


def ends_of(h5: h5py.Group) -> tuple[str | None, str | None]:
    """Return the names of the populations that edges join, where the file says so."""
    names: list[str | None] = []
    for end in ("source_node_id", "target_node_id"):
        name = h5[end].attrs.get("node_population") if end in h5 else None
        names.append(name.decode() if isinstance(name, bytes) else name and str(name))
    return names[0], names[1]


def check_rows(
    h5: h5py.Group,
    file: Path,
    table: TypeTable | None,
    nodes: Mapping[str, Nodes],
    unread: set[str],
    dt: float | None,
    told: Mapping[tuple[str | None, str | None], Mapping[int, Collection[str]]],
    found: Findings,
) -> Rows | None:
    """Check the rows of a population and return them; None if they make no table.

    Parameters
    ----------
    h5 : h5py.Group
        The population.
    file : Path
    table : TypeTable or None
    nodes : mapping of str to Nodes
    unread : set of str
        Populations of nodes that are there, but could not be read.
    dt : float or None
        Time step, ms.
    told : mapping
        Of the edge types between two networks, the columns that recipes tell of.
    found : Findings
    """
    name = h5.name.rsplit("/", 1)[-1]
    needed = ("source_node_id", "target_node_id", "edge_type_id")
    if missing(h5, needed, file, found):
        return None
    groups = Groups(h5, "edge", file, found)
    columns = {each: h5[each] for each in needed} | groups.named()
    if not is_table(columns, file, name, found) or not groups.agree:
        return None
    ends = ends_of(h5)
    for end in dict.fromkeys(ends):
        if end not in nodes and end not in unread:
            text = f"there is no file of the nodes {end!r}, so their ids are not checked"
            if end is None:
                text = "it does not say which nodes it joins (node_population)"
            found.add("no-nodes", text, file, population=name)
    rows = _Scan(h5, file, name, ends, table, nodes, groups, found).rows()
    known = [None if end is None else nodes.get(end) for end in ends]
    rows.values |= check_properties(
        rows, groups, (known[0], known[1]), dt, told.get(ends, {}), found
    )
    for end, one, ids in zip(("source", "target"), known, (rows.source, rows.target), strict=True):
        if one is not None:
            with found.reading(one.file, population=one.name):
                _check_query(rows, end, one, ids, found)
    return rows


def _check_query(
    rows: Rows, end: str, nodes: Nodes, ids: npt.NDArray[np.int32], found: Findings
) -> None:
    """Report edges of nodes that the query of their type does not select."""
    for kind, chosen in rows.of_type.items():
        query = rows.table.get(kind, {}).get(f"{end}_query", "*")
        pool = None if query == "*" else nodes.values.selected(query)
        if pool is None:
            continue
        own = ids[chosen].astype(np.int64)
        bad = Tally()
        bad.add(~pool.holds(own) & nodes.ids.holds(own))
        if bad:
            row = int(np.arange(len(rows))[chosen][bad.first])
            text = f"{end} node {ids[row]} is none of those that {query} selects"
            found.add("query", text, rows.file, count=bad.count, **rows.where(row))


def _values(types: IntArray) -> set[int]:
    """Return which numbers there are, mostly few that are near each other."""
    if not len(types):
        return set()
    low, high = int(types.min()), int(types.max())
    if high - low > 1 << 20:
        return set(np.unique(types).tolist())
    return set((np.flatnonzero(np.bincount(types - low)) + low).tolist())


class _Scan:
    """One pass over the rows."""

    def __init__(
        self,
        h5: h5py.Group,
        file: Path,
        name: str,
        ends: tuple[str | None, str | None],
        table: TypeTable | None,
        nodes: Mapping[str, Nodes],
        groups: Groups,
        found: Findings,
    ) -> None:
        self.h5, self.file, self.name, self.ends = h5, file, name, ends
        self.groups, self.found, self.table = groups, found, table
        self.nodes = [None if end is None else nodes.get(end) for end in ends]
        self.properties = {} if table is None else table.properties
        self.bad = {each: Tally() for each in ("source", "target", "type", "section")}

    def rows(self) -> Rows:
        """Read all rows, check them, and report."""
        n = len(self.h5["source_node_id"])
        source, target, types = (np.empty(n, dtype=np.int32) for _ in range(3))
        counts = self._counts()
        n_syn = np.ones(n, dtype=np.uint32) if counts else None
        unplaced, per_synapse = self._unplaced_groups(), set[int]()
        for part in parts(n):
            columns = [
                integers(self.h5[each], part)
                for each in ("source_node_id", "target_node_id", "edge_type_id")
            ]
            for end, values, nodes in zip(("source", "target"), columns, self.nodes, strict=False):
                bad = (values < 0) | (values >= MOST) if nodes is None else ~nodes.ids.holds(values)
                self.bad[end].add(bad, part.start)
            unknown = _values(columns[2]) - self.properties.keys()
            if self.table is not None and unknown:
                self.bad["type"].add(np.isin(columns[2], list(unknown)), part.start)
            number, place = self.groups.read(part)
            self.groups.check(number, place, part.start)
            is_synapse = np.ones(len(number), dtype=bool)
            for key, values in counts.items():
                here = number == key
                # With other properties there is a row per synapse, and nsyns is mostly 1.
                is_synapse[here] = len(self.groups.groups[key].columns) > 1
                valid = here & (place >= 0) & (place < len(values))
                if n_syn is not None:
                    n_syn[part][valid] = values[place[valid]]
            per_synapse |= _values(columns[2][is_synapse])
            if unplaced:
                bad = self._unplaced(columns, number, unplaced)
                self.bad["section"].add(bad, part.start)
            for whole, values in zip((source, target, types), columns, strict=True):
                fits = (values >= -1) & (values < MOST)
                whole[part] = values if fits.all() else np.where(fits, values, -1)
        rows = Rows(
            self.file, self.name, self.ends, source, target, types, n_syn,
            per_synapse, self.properties,
        )  # fmt: skip
        self._tell(rows)
        return rows

    def _counts(self) -> dict[int, npt.NDArray[Any]]:
        """Return the synapse counts of the groups that have some."""
        counts = {}
        for number, group in self.groups.groups.items():
            column = group.columns.get("nsyns")
            if column is not None and column.ndim == 1 and column.dtype.kind in "iuf":
                # Small floats do not hold the limit.
                values = np.nan_to_num(column[()].astype(float), nan=0, posinf=0, neginf=0)
                counts[number] = np.clip(values, 0, np.iinfo(np.uint32).max).astype(np.uint32)
        return counts

    # ------------------------------------------------------------------ sections
    def _unplaced_groups(self) -> list[int]:
        """Return groups whose rows say neither where synapses are nor how many.

        BMTK then takes them for placed already, and finds no section on a biophysical cell.
        """
        target = self.nodes[1]
        if target is None or not len(target.biophysical):
            return []
        told = {"nsyns", *SECTIONS}
        return [n for n, group in self.groups.groups.items() if not told & group.columns.keys()]

    def _unplaced(self, columns: list[IntArray], number: IntArray, groups: list[int]) -> Mask:
        told = {"nsyns", *SECTIONS}
        placed = [
            kind
            for kind, each in self.properties.items()
            if told & each.keys() or is_gap_junction(each)
        ]
        bad = np.isin(number, groups) & ~np.isin(columns[2], placed)
        target = self.nodes[1]
        assert target is not None
        bad[bad] = target.biophysical.holds(columns[1][bad])
        return bad

    # ------------------------------------------------------------------ report
    def _tell(self, rows: Rows) -> None:
        found, bad = self.found, self.bad
        self.groups.tell(found, rows.where)
        for end, nodes, name in zip(("source", "target"), self.nodes, self.ends, strict=True):
            if bad[end]:
                row = bad[end].first
                one = int(self.h5[f"{end}_node_id"][row])
                among = f"among the {len(nodes.ids):,} nodes of {name!r}" if nodes else "an id"
                text = f"{end} node {one} is not {among}"
                where = rows.where(row)
                ids = (one, where["ids"][1]) if end == "source" else (where["ids"][0], one)
                found.add("node-id", text, self.file, count=bad[end].count, **{**where, "ids": ids})
        if bad["type"] and self.table is not None:
            row = bad["type"].first
            text = f"edge type {int(self.h5['edge_type_id'][row])} is not in {self.table.file.name}"
            found.add("edge-type", text, self.file, count=bad["type"].count, **rows.where(row))
        if self.table is None and (rows.types != -1).any():
            text = "there is no table of its types, which BMTK needs"
            found.add("no-types", text, self.file, population=self.name)
        if bad["section"]:
            text = (
                "the target is biophysical, and there is neither afferent_section_id nor nsyns: "
                "BMTK finds no section for the synapse"
            )
            where = rows.where(bad["section"].first)
            found.add("no-section", text, self.file, count=bad["section"].count, **where)
