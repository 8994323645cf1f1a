"""Checks of gap junctions: each pair of cells once, and the file that numbers their halves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmtool_connectors.arrays import IntArray, is_repeated
from bmtool_connectors.sonata.datasets import open_file
from bmtool_connectors.sonata.digests import ColumnDigests
from bmtool_connectors.sonata.layout import GAP_COLUMNS, GAP_JUNCTIONS
from bmtool_connectors.sonata.open_tables import open_table
from bmtool_connectors.sonata.type_tables import stem_of
from bmtool_connectors.verification.checked_edges import CheckedEdges, pair_key
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.recipe_entries import Recipe


def gap_rows(rows: CheckedEdges) -> IntArray:
    """Return which rows are gap junctions."""
    return np.flatnonzero(np.isin(rows.types, rows.gap_types()))


def check_gap_rows(rows: CheckedEdges) -> None:
    """Check that gap junctions join two cells, and each two cells once."""
    here = gap_rows(rows)
    source, target = rows.source[here], rows.target[here]
    again = is_repeated(pair_key(np.minimum(source, target), np.maximum(source, target)))
    if rows.n_syn is not None:
        again |= rows.n_syn[here] > 1

    def text(row: int) -> str:
        return f"the gap junction joins cell {rows.source[row]} with itself"

    rows.tell_first("gap-self", source == target, text, here)
    twice = "the two cells have several gap junctions, and BMTK places one"
    rows.tell_first("gap-twice", again, lambda row: twice, here)


def check_gap_files(
    files: Sequence[Path], edges: Sequence[CheckedEdges], recipes: Sequence[Recipe], found: Findings
) -> None:
    """Check files of gap junctions, each against the edges and the recipe of its network."""
    told = {each.network: each.gaps for each in recipes}
    for file in files:
        network = stem_of(file)
        with found.reading(file), open_file(file) as h5:
            table = open_table(h5, GAP_JUNCTIONS, GAP_COLUMNS, (), file, found, network)
            if table is None:
                continue
            halves = [table.column(name) for name in GAP_COLUMNS[2:]]
            if len(np.unique(np.concatenate(halves))) < 2 * len(halves[0]):
                found.add("gap-file", "two halves of gap junctions have one id", file)
            ends = [table.column(name) for name in GAP_COLUMNS[:2]]
            own = [rows for rows in edges if rows.ends == (network, network)]
            as_told = not own or _compare(file, pair_key(*ends), own, found)
            saved = told.get(network)
            if as_told and saved is not None:
                now = ColumnDigests()
                now.add(ends, dict(zip(GAP_COLUMNS[2:], halves, strict=True)))
                if now.columns != saved.columns:
                    found.add("gap-file", "ids of halves are not those that were saved", file)
    there = {stem_of(file) for file in files}
    for rows in edges:
        n = len(gap_rows(rows))
        if n and rows.ends[0] not in there and rows.ends[0] == rows.ends[1]:
            text = f"no file numbers the halves of its {n:,} gap junctions, and BioNet asks for one"
            rows.tell("gap-file", text)


def _compare(file: Path, keys: IntArray, edges: Sequence[CheckedEdges], found: Findings) -> bool:
    """Compare gap junctions with the edges, and say whether they are the same."""
    expected = []
    for rows in edges:
        here = gap_rows(rows)
        one = pair_key(rows.source[here], rows.target[here])
        expected.append(one if rows.n_syn is None else np.repeat(one, rows.n_syn[here]))
    in_edges = np.sort(np.concatenate(expected))
    if len(keys) != len(in_edges):
        text = f"it has {len(keys):,} gap junctions, and the edges have {len(in_edges):,}"
        found.add("gap-file", text, file)
        return False
    as_often = np.array_equal(np.sort(keys), in_edges)
    other = ~np.isin(keys, in_edges)
    if not other.any() and not as_often:
        text = "its gap junctions join the same cells as the edges, but not as often"
        found.add("gap-file", text, file)

    def where(row: int) -> dict[str, Any]:
        return {"row": row, "ids": (int(keys[row] & 0xFFFFFFFF), int(keys[row] >> 32))}

    found.add_rows("gap-file", other, lambda row: "no edge is this gap junction", file, where)
    return as_often
