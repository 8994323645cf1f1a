"""Tables of node types and edge types: CSV files with all values as text."""

from __future__ import annotations

import csv
import re
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmtool_connectors.sonata.faults import Faults
from bmtool_connectors.sonata.layout import IS_GAP_JUNCTION, NULL, SEPARATOR, TYPE_IDS


@dataclass(frozen=True)
class TypeTable:
    """Types of nodes or edges.

    Attributes
    ----------
    file : Path
    item : {'nodes', 'edges'}
    properties : dict of int to dict of str
        Of each type, as text, its id among them; those that it does not have are left out.
    """

    file: Path
    item: str
    properties: dict[int, dict[str, str]]

    @property
    def stem(self) -> str:
        """What its file is called before ``_node_types.csv`` and the like."""
        return stem_of(self.file)


def read_types(file: Path, faults: Faults) -> TypeTable | None:
    """Return the types in a CSV file; None if its header is not that of such a table."""
    # Any CSV file may lie in the folder, in any encoding; the header tells which are SONATA's.
    with file.open(newline="", encoding="utf-8", errors="replace") as stream:
        # Two separators are an empty cell: so BMTK writes None.
        lines = csv.reader(stream, delimiter=SEPARATOR)
        header = next(lines, [])
        item = next((item for item, key in TYPE_IDS.items() if key in header), None)
        if item is None:
            if file.stem.endswith(("node_types", "edge_types")):
                text = "it has no column of type ids, which blanks separate from others, or is cut"
                faults.remark("type-table", f"{text} short", file)
            return None
        properties: dict[int, dict[str, str]] = {}
        for row, line in enumerate(filter(any, lines)):
            values = dict(zip(header, line, strict=False))
            type_id, wrong = _whole_number(values.get(TYPE_IDS[item])), ""
            if type_id is None:
                shown = textwrap.shorten(repr(values.get(TYPE_IDS[item])), 50, placeholder=" ...")
                wrong = f"{TYPE_IDS[item]} is {shown}; integers are allowed"
            elif len(line) != len(header):
                wrong = f"it has {len(line)} values for {len(header)} columns, and may be cut short"
            elif type_id in properties:
                wrong = f"{TYPE_IDS[item]} {type_id} stands there twice"
            if wrong:
                report = faults.fault if type_id is None else faults.remark
                report("type-table", wrong, file, row=row)
            if type_id is not None:
                properties.setdefault(type_id, given_texts(values))
    return TypeTable(file, item, properties)


def given_texts(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the properties that a type has, as text."""
    texts = {name: str(value) for name, value in row.items() if value is not None}
    # A property that a type does not have is left out, NULL or empty, as the writer likes.
    return {name: text for name, text in texts.items() if text not in ("", NULL)}


def _whole_number(text: Any) -> int | None:
    """Return the id that a table has as text, of 8 bytes; None if it is none."""
    try:
        number = float(text)  # tables that went through pandas may hold 100.0
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() and abs(number) < 1 << 63 else None


def is_gap_junction(properties: Mapping[str, str]) -> bool:
    """Say whether an edge type of a table, as text, is one of gap junctions."""
    return properties.get(IS_GAP_JUNCTION, "").lower() in ("true", "1", "1.0")


def stem_of(file: Path) -> str:
    """Return what the files that belong together are called before ``_edges.h5`` and the like."""
    return re.sub(r"_?(nodes|edges|node_types|edge_types|gap_juncs)$", "", file.stem)


def match_types(
    stems: Mapping[str, Collection[str]], tables: Iterable[TypeTable]
) -> dict[tuple[str, str], TypeTable]:
    """Return which table of types belongs to which files.

    Parameters
    ----------
    stems : mapping of str to collection of str
        Of the files that hold 'nodes', and of those that hold 'edges'.
    tables : iterable of TypeTable

    Returns
    -------
    dict of (str, str) to TypeTable
        By what files hold, and their stem.
    """
    named = {(table.item, table.stem): table for table in tables}
    matched: dict[tuple[str, str], TypeTable] = {}
    for item in TYPE_IDS:
        known = {stem for kind, stem in named if kind == item}
        pairs = {stem: stem for stem in stems.get(item, ()) if stem in known}
        lone_files, lone_tables = set(stems.get(item, ())) - known, known - pairs.keys()
        # One of each, named differently: they can only belong together.
        if len(lone_files) == len(lone_tables) == 1:
            pairs[lone_files.pop()] = lone_tables.pop()
        matched |= {(item, stem): named[item, other] for stem, other in pairs.items()}
    return matched


# ---------------------------------------------------------------------- writing
def type_texts(properties: Mapping[str, Any], none: str) -> dict[str, str]:
    """Return the properties of a type as a table has them; `none` stands for None."""
    return {name: none if value is None else str(value) for name, value in properties.items()}


def write_types(file: Path, first: Sequence[str], types: Sequence[Mapping[str, str]]) -> None:
    """Write a table of node or edge types.

    Parameters
    ----------
    file : Path
    first : sequence of str
        Columns that come first; the others follow as they are met.
    types : sequence of mapping
        Properties of each type, as `type_texts` gives them.
    """
    names = list(dict.fromkeys([*first, *(name for each in types for name in each)]))
    with file.open("w", newline="", encoding="utf-8") as text:
        table = csv.writer(text, delimiter=SEPARATOR)
        table.writerow(names)
        table.writerows([each.get(name, NULL) for name in names] for each in types)
