"""Writing tables of node and edge types: text, a line for each type."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bmtool_connectors.sonata.layout import NULL, SEPARATOR

__all__ = ["type_texts", "write_types"]


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
