"""Checks of the values that edges, and edge types, have."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import Flags, IntArray, rows_by_number
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.datasets import parts
from bmtool_connectors.sonata.digests import ColumnDigests
from bmtool_connectors.sonata.open_tables import OpenGroup, OpenTable
from bmtool_connectors.verification.check_nodes import Nodes
from bmtool_connectors.verification.checked_edges import CheckedEdges, SavedValues

SECTION_IDS = (layout.AFFERENT_SECTION_ID, layout.EFFERENT_SECTION_ID, layout.SEC_ID)
SECTION_POSITIONS = (layout.AFFERENT_SECTION_POS, layout.EFFERENT_SECTION_POS, layout.SEC_X)
#: Properties that BMTK's simulators read as numbers.
NUMBERS = (*SECTION_IDS, *SECTION_POSITIONS, layout.DELAY, layout.NSYNS, layout.SYN_WEIGHT)

Array = npt.NDArray[Any]


@dataclass
class PropertyCheck:
    """Check of the values of every row and, for what they leave open, of the table of types.

    Parameters
    ----------
    rows : CheckedEdges
    table : OpenTable
        Of the same population.
    ends : sequence of (Nodes or None)
        Of sources and targets; None: not known.
    dt : float or None
        Time step, ms; None: delays need only be above 0.
    told : mapping
        Of edge types in a recipe, the columns that it tells of.
    """

    rows: CheckedEdges
    table: OpenTable
    ends: Sequence[Nodes | None]
    dt: float | None
    told: Mapping[int, Collection[str]]

    def __post_init__(self) -> None:
        self.gaps = self.rows.gap_types()
        self.values = {
            kind: SavedValues(ColumnDigests(), set(), set())
            for kind in self.told
            if kind in self.rows.of_type
        }
        #: Names of the columns that all rows of a type have.
        self.common: dict[int, set[str]] = {}
        #: The first bad row, its value, and how many there are, by code, name and reason.
        self._bad: dict[tuple[str, str, str], tuple[int, Any, int]] = {}

    def saved_values(self) -> dict[int, SavedValues]:
        """Check all, and return the values of the edge types that a recipe tells of."""
        self._columns()
        self._types()
        return self.values

    # ------------------------------------------------------------------ rows
    def _columns(self) -> None:
        """Check every column of every group."""
        for group in self.table.groups.values():
            for name, column in group.columns.items():
                if column.dtype.kind not in "iufb" and name in NUMBERS:
                    text = f"{name} is {column.dtype}, not a column of numbers"
                    self.rows.tell("dtype", text)
        for part in parts(len(self.rows)):
            for _, group, within, index in self.table.by_group(*self.table.group_and_index(part)):
                at = np.arange(part.start, part.stop)[within]
                if group.size is not None:
                    inside = (index >= 0) & (index < group.size)
                    if not inside.all():
                        at, index = at[inside], index[inside]
                self._group(group, at, index)
        for (code, name, reason), (row, value, count) in self._bad.items():
            self.rows.tell(code, f"{name} is {value}, {reason}", row, count=count)

    def _group(self, group: OpenGroup, at: IntArray, index: IntArray) -> None:
        """Check rows of one group."""
        columns = {}
        for name in group.columns:
            values = group.values(name, index)
            columns[name] = values
            if values.dtype.kind in "iuf":
                self._column(name, values, at)
        for kind, chosen in rows_by_number(self.rows.types[at]).items():
            names = set(columns)
            self.common[kind] = self.common.get(kind, names) & names
            if kind not in self.values:
                continue
            saved = self.values[kind]
            saved.names.update(names)
            saved.lacking.update(set(self.told[kind]) - names)
            mine = at[chosen]
            ids = self.rows.source[mine], self.rows.target[mine]
            told = {name: columns[name][chosen] for name in self.told[kind] if name in columns}
            saved.digests.add(ids, told)

    def _column(self, name: str, values: Array, at: IntArray) -> None:
        for code, bad, reason, excuses in _faults(name, values, self.dt):
            wrong = self._without(excuses, bad, at)
            if not len(wrong):
                continue
            first = wrong[at[wrong].argmin()]
            here = int(at[first]), values[first], 0
            before = self._bad.get((code, name, reason), here)
            row, value, _ = before if before[0] < here[0] else here
            self._bad[code, name, reason] = row, value, before[2] + len(wrong)

    def _without(self, excuses: Collection[str], bad: Flags, at: IntArray) -> IntArray:
        """Return which of some rows have bad values that a simulator reads."""
        if not bad.any():
            return np.empty(0, dtype=np.int64)
        wrong = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
        for excuse in excuses:
            wrong = wrong[~self._is_excused(excuse, at[wrong])]
        return wrong

    def _is_excused(self, excuse: str, rows: IntArray) -> Flags:
        if excuse == "gap":
            return np.isin(self.rows.types[rows], self.gaps)
        of_source = excuse == "virtual"
        ids, nodes = (
            (self.rows.source, self.ends[0]) if of_source else (self.rows.target, self.ends[1])
        )
        if nodes is None:  # they may be
            return np.full(len(rows), of_source)
        return nodes.kinds[excuse].holds(ids[rows].astype(np.int64))

    # ------------------------------------------------------------------ types
    def _types(self) -> None:
        """Check the numbers of the table of types, where rows have none of their own."""
        for kind in self.rows.of_type:
            for name, text in self.rows.table.get(kind, {}).items():
                if name not in self.common.get(kind, ()):
                    self._type(kind, name, text)

    def _type(self, kind: int, name: str, text: str) -> None:
        try:
            number = float(text)
        except ValueError:
            if name in NUMBERS and not (name == layout.DELAY and kind in self.gaps):
                message = f"{name} of the edge type is {text!r}, which is not a number"
                self.rows.tell("dtype", message, edge_type=kind)
            return
        if math.isnan(number):  # how pandas writes that a type has no value
            return
        for code, bad, reason, excuses in _faults(name, np.array([number]), self.dt):
            if not bad.any():
                continue
            at = np.arange(len(self.rows))[self.rows.of_type[kind]]
            if len(self._without(excuses, np.ones(len(at), dtype=bool), at)):
                message = f"{name} of the edge type is {text}, {reason}"
                self.rows.tell(code, message, edge_type=kind)


def _faults(
    name: str, values: Array, dt: float | None
) -> Iterator[tuple[str, Flags, str, tuple[str, ...]]]:
    """Yield what values of a name may violate: code, bad values, reason, and excuses.

    Excuses are that a row is a gap junction ('gap'), or that its source is virtual or its target
    has no sections ('virtual', 'point'): BMTK's simulators do not read the value then, or take it.
    """
    finite = np.isfinite(values)
    excuses: tuple[str, ...] = ()
    if name in SECTION_IDS:
        excuses = ("point",)
    elif name in SECTION_POSITIONS:
        excuses = ("gap", "point")
    elif name == layout.DELAY:
        excuses = ("gap",)
    code = "not-finite" if name in NUMBERS else "no-value"
    yield code, ~finite, "which is not a number that can be used", excuses
    if name == layout.DELAY:
        yield "delay", finite & (values < 0), "below 0 ms", excuses
        # Spikes of inputs are known beforehand, and may come at once.
        excuses = (*excuses, "virtual")
        yield "delay", finite & (values == 0), "not above 0 ms", excuses
        if dt is not None:
            # As float32, a delay of one step may be a little less.
            short = finite & (values > 0) & (values < dt * (1 - 1e-6))
            yield "delay-dt", short, f"below the time step of {dt:g} ms", excuses
    elif name in SECTION_IDS:
        yield "section-id", finite & (values < 0), "below 0", excuses
    elif name in SECTION_POSITIONS:
        yield "section-pos", finite & ((values < 0) | (values > 1)), "outside of [0, 1]", excuses
    elif name == layout.NSYNS:
        few = finite & ((values < 1) | (values != np.floor(values)))
        yield "n-syn", few, "no whole number of at least 1", excuses
