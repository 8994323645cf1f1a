"""Checks of the rows of edge files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import present_numbers
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.datasets import H5Group, parts
from bmtool_connectors.sonata.open_tables import OpenTable, endpoints, open_table
from bmtool_connectors.sonata.type_tables import TypeTable, is_gap_junction
from bmtool_connectors.verification.check_groups import GroupCheck
from bmtool_connectors.verification.check_nodes import Nodes
from bmtool_connectors.verification.check_properties import PropertyCheck
from bmtool_connectors.verification.checked_edges import CheckedEdges
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.tallies import Ids, Tally

#: Ids that rows are checked for; SONATA's go on, but no network has as many nodes.
MOST = 1 << 31

#: Columns of ids that every row has.
IDS = (*layout.END_IDS, layout.EDGE_TYPE_ID)
#: Columns that say where synapses are, or how many.
PLACED = {layout.NSYNS, layout.AFFERENT_SECTION_ID, layout.SEC_ID}


def check_rows(
    h5: H5Group,
    file: Path,
    edge_types: TypeTable | None,
    nodes: Mapping[str, Nodes | None],
    dt: float | None,
    told: Mapping[tuple[str | None, str | None], Mapping[int, Collection[str]]],
    found: Findings,
) -> CheckedEdges | None:
    """Check the rows of a population and return them; None if they make no table.

    Parameters
    ----------
    h5 : H5Group
        The population.
    file : Path
    edge_types : TypeTable or None
    nodes : mapping of str to (Nodes or None)
        None: they are there, but could not be read.
    dt : float or None
        Time step, ms.
    told : mapping
        Of the edge types between two networks, the columns that recipes tell of.
    found : Findings
    """
    name = h5.name.rsplit("/", 1)[-1]
    table = open_table(h5, layout.EDGES, IDS, (), file, found)
    if table is None or not table.agree:
        return None
    ends = endpoints(h5, file, found)
    for end in dict.fromkeys(ends):
        if end not in nodes:
            text = f"there is no file of the nodes {end!r}, so their ids are not checked"
            if end is None:
                text = "it does not say which nodes it joins (node_population)"
            found.add("no-nodes", text, file, population=name)
    known = [None if end is None else nodes.get(end) for end in ends]
    rows = _Scan(table, file, ends, known, edge_types, found).rows()
    rows.values |= PropertyCheck(rows, table, known, dt, told.get(ends, {})).saved_values()
    for end, one in zip(("source", "target"), known, strict=True):
        if one is not None and one.selected is not None:
            with found.reading(one.file, population=one.name):
                _check_query(rows, end, one, one.selected)
    return rows


def _check_query(
    rows: CheckedEdges, end: str, nodes: Nodes, selected: Callable[[str], Ids | None]
) -> None:
    """Report edges of nodes that the query of their type does not select."""
    ids, column = getattr(rows, end), f"{end}_query"
    for kind, chosen in rows.of_type.items():
        query = rows.table.get(kind, {}).get(column, "*")
        pool = None if query == "*" else selected(query)
        if pool is not None:
            own = ids[chosen].astype(np.int64)
            bad = ~pool.holds(own) & nodes.ids.holds(own)

            def text(row: int, query: str = query) -> str:
                return f"{end} node {ids[row]} is none of those that {query} selects"

            rows.tell_first("query", bad, text, chosen)


@dataclass
class _Scan:
    """One pass over the rows."""

    table: OpenTable
    file: Path
    ends: tuple[str | None, str | None]
    nodes: Sequence[Nodes | None]
    edge_types: TypeTable | None
    found: Findings

    def __post_init__(self) -> None:
        self.groups = GroupCheck(self.table, self.file, self.found)
        target, nobody = self.nodes[1], np.empty(0, dtype=np.int64)
        self.biophysical = Ids(nobody) if target is None else target.kinds["biophysical"]
        self.properties = {} if self.edge_types is None else self.edge_types.properties
        self.bad = {each: Tally() for each in (*IDS, "section")}

    def rows(self) -> CheckedEdges:
        """Read all rows, check them, and report."""
        n = len(self.table)
        source, target, types = (np.empty(n, dtype=np.int32) for _ in range(3))
        counts = self._counts()
        n_syn = np.ones(n, dtype=np.uint32) if counts else None
        unplaced, placed = self._unplaced()
        per_synapse: set[int] = set()
        for part in parts(n):
            columns = [self.table.column(each, part) for each in IDS]
            for end, values, nodes in zip(layout.END_IDS, columns, self.nodes, strict=False):
                bad = (values < 0) | (values >= MOST) if nodes is None else ~nodes.ids.holds(values)
                self.bad[end].add(bad, part.start)
            unknown = set(present_numbers(columns[2]).tolist()) - self.properties.keys()
            if self.edge_types is not None and unknown:
                self.bad[layout.EDGE_TYPE_ID].add(np.isin(columns[2], list(unknown)), part.start)
            group, index = self.table.group_and_index(part)
            self.groups.add(group, index, part.start)
            is_synapse = np.ones(len(group), dtype=bool)
            for number, values in counts.items():
                here = group == number
                # With other properties there is a row per synapse, and nsyns is mostly 1.
                is_synapse[here] = len(self.table.groups[number].columns) > 1
                valid = here & (index >= 0) & (index < len(values))
                if n_syn is not None:
                    n_syn[part][valid] = values[index[valid]]
            per_synapse |= set(present_numbers(columns[2][is_synapse]).tolist())
            if unplaced:
                bad = np.isin(group, unplaced) & ~np.isin(columns[2], placed)
                bad[bad] = self.biophysical.holds(columns[1][bad])
                self.bad["section"].add(bad, part.start)
            for whole, values in zip((source, target, types), columns, strict=True):
                fits = (values >= -1) & (values < MOST)
                whole[part] = values if fits.all() else np.where(fits, values, -1)
        rows = CheckedEdges(
            self.file, str(self.table.population), self.ends, source, target, types, n_syn,
            per_synapse, self.properties, self.found,
        )  # fmt: skip
        self._tell(rows)
        return rows

    def _counts(self) -> dict[int, npt.NDArray[Any]]:
        """Return the synapse counts of the groups that have some."""
        counts = {}
        for number, group in self.table.groups.items():
            column = group.columns.get(layout.NSYNS)
            if column is not None and column.ndim == 1 and column.dtype.kind in "iuf":
                # Small floats do not hold the limit.
                values = np.nan_to_num(column[()].astype(float), nan=0, posinf=0, neginf=0)
                counts[number] = np.clip(values, 0, np.iinfo(np.uint32).max).astype(np.uint32)
        return counts

    def _unplaced(self) -> tuple[list[int], list[int]]:
        """Return groups whose rows say neither where synapses are nor how many, and types that do.

        BMTK then takes them for placed already, and finds no section on a biophysical cell.
        """
        if not len(self.biophysical):
            return [], []
        groups = [n for n, each in self.table.groups.items() if not PLACED & each.columns.keys()]
        types = self.properties.items()
        return groups, [n for n, each in types if PLACED & each.keys() or is_gap_junction(each)]

    # ------------------------------------------------------------------ report
    def _tell(self, rows: CheckedEdges) -> None:
        bad = self.bad
        self.groups.tell(rows.where)
        for k, (end, nodes, name) in enumerate(
            zip(layout.END_IDS, self.nodes, self.ends, strict=True)
        ):
            if bad[end]:
                row = bad[end].first
                one = self._value(end, row)
                among = f"among the {len(nodes.ids):,} nodes of {name!r}" if nodes else "an id"
                text = f"{('source', 'target')[k]} node {one} is not {among}"
                ids = list(rows.where(row)["ids"])
                ids[k] = one
                rows.tell("node-id", text, row, count=bad[end].count, ids=tuple(ids))
        unknown = bad[layout.EDGE_TYPE_ID]
        if unknown and self.edge_types is not None:
            number = self._value(layout.EDGE_TYPE_ID, unknown.first)
            text = f"edge type {number} is not in {self.edge_types.file.name}"
            rows.tell("edge-type", text, unknown.first, count=unknown.count)
        if self.edge_types is None and (rows.types != -1).any():
            rows.tell("no-types", "there is no table of its types, which BMTK needs")
        if bad["section"]:
            text = (
                "the target is biophysical, and there is neither afferent_section_id nor nsyns: "
                "BMTK finds no section for the synapse"
            )
            rows.tell("no-section", text, bad["section"].first, count=bad["section"].count)

    def _value(self, name: str, row: int) -> int:
        return int(self.table.columns[name][row])
