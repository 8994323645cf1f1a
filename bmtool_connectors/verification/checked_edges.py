"""The rows of edge files, as the checks know them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import Flags, rows_by_number
from bmtool_connectors.sonata.digests import ColumnDigests
from bmtool_connectors.sonata.type_tables import is_gap_junction
from bmtool_connectors.verification.findings import Findings

__all__ = ["CheckedEdges", "SavedValues"]


@dataclass(frozen=True)
class SavedValues:
    """The properties that rows of an edge type have.

    Attributes
    ----------
    digests : ColumnDigests
        Of the columns that a recipe tells of.
    names : set of str
        All columns that some of the rows have.
    lacking : set of str
        Columns of the recipe that some of the rows do not have.
    """

    digests: ColumnDigests
    names: set[str]
    lacking: set[str]


@dataclass
class CheckedEdges:
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
    found : Findings
        Where checks of the rows put what they find.
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
    found: Findings
    values: dict[int, SavedValues] = field(default_factory=dict)
    indices: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.source)

    def where(self, row: int) -> dict[str, Any]:
        """Return what a finding says of a row."""
        ids = int(self.source[row]), int(self.target[row])
        kind = int(self.types[row])
        return {"population": self.population, "row": row, "ids": ids, "edge_type": kind}

    def tell(self, code: str, text: str, row: int | None = None, **more: Any) -> None:
        """Add a finding: of one row, if that is given; `more` are further attributes of it."""
        known = {"population": self.population} if row is None else self.where(row)
        self.found.add(code, text, self.file, **{**known, **more})

    def tell_first(
        self, code: str, bad: Flags, text: Callable[[int], str], among: Any = slice(None)
    ) -> None:
        """Add a finding if some of the rows `among` are bad; `text` tells of the first bad row."""
        if bad.any():
            row = int(np.arange(len(self))[among][bad.argmax()])
            self.tell(code, text(row), row, count=int(np.count_nonzero(bad)))

    @functools.cached_property
    def of_type(self) -> dict[int, Any]:
        """Rows of each edge type, in order; a slice where there is one type."""
        return rows_by_number(self.types)

    def gap_types(self) -> list[int]:
        """Return the edge types that are gap junctions."""
        return [number for number, each in self.table.items() if is_gap_junction(each)]
