"""Checks of the values that edges, and edge types, have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.verification.columns import Mask, Tally, parts
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.groups import Groups

if TYPE_CHECKING:
    from bmtool_connectors.verification.edges import Rows

__all__ = ["check_properties"]

SECTION_IDS = ("afferent_section_id", "efferent_section_id", "sec_id")
SECTION_POSITIONS = ("afferent_section_pos", "efferent_section_pos", "sec_x")


def check_properties(rows: Rows, groups: Groups, dt: float | None, found: Findings) -> None:
    """Check every column of every group, and the numbers in the table of types.

    Parameters
    ----------
    rows : Rows
    groups : Groups
        Of the same population.
    dt : float or None
        Time step, ms; None: delays need only be above 0.
    found : Findings
    """
    for number, group in groups.groups.items():
        for name, column in group.columns.items():
            if column.dtype.kind in "iuf":
                _check_column(rows, groups, number, name, column, dt, found)
            elif name in (*SECTION_IDS, *SECTION_POSITIONS, "delay", "nsyns"):
                text = f"{name} is {column.dtype}, not a column of numbers"
                found.add("dtype", text, rows.file, population=rows.population)
    for kind in rows.of_type:
        for name, value in rows.table.get(kind, {}).items():
            _check_type(rows, kind, name, value, dt, found)


def _faults(
    name: str, values: npt.NDArray[Any], dt: float | None
) -> tuple[tuple[str, Mask, str], ...]:
    """Return code, bad values and reason of everything that values of a name may violate."""
    finite = np.isfinite(values)
    faults = [("not-finite", ~finite, "which is not a number that can be used")]
    if name == "delay":
        # As float32, a delay of one step may be a little less.
        short = finite & ((values <= 0) | (values < (dt or 0) * (1 - 1e-6)))
        limit = "not above 0 ms" if dt is None else f"below the time step of {dt:g} ms"
        faults.append(("delay", short, limit))
    elif name in SECTION_IDS:
        faults.append(("section-id", finite & (values < 0), "below 0"))
    elif name in SECTION_POSITIONS:
        outside = finite & ((values < 0) | (values > 1))
        faults.append(("section-pos", outside, "outside of [0, 1]"))
    elif name == "nsyns":
        few = finite & ((values < 1) | (values != np.floor(values)))
        faults.append(("n-syn", few, "no whole number of at least 1"))
    return tuple(faults)


def _check_column(
    rows: Rows,
    groups: Groups,
    number: int,
    name: str,
    column: h5py.Dataset,
    dt: float | None,
    found: Findings,
) -> None:
    tallies: dict[str, tuple[Tally, str]] = {}
    for part in parts(len(column)):
        for code, bad, reason in _faults(name, column[part], dt):
            tally, _ = tallies.setdefault(code, (Tally(), reason))
            tally.add(np.any(bad.reshape(len(bad), -1), axis=1), part.start)
    for code, (tally, reason) in tallies.items():
        if tally:
            row = groups.row_of(number, tally.first, len(rows))
            where = {"population": rows.population} if row is None else rows.where(row)
            text = f"{name} is {column[tally.first]}, {reason}"
            found.add(code, text, rows.file, count=tally.count, **where)


def _check_type(
    rows: Rows, kind: int, name: str, value: str, dt: float | None, found: Findings
) -> None:
    try:
        number = float(value)
    except ValueError:
        return
    # NaN is how pandas writes that a type has no value.
    if not math.isnan(number):
        for code, bad, reason in _faults(name, np.array([number]), dt):
            if bad.any():
                text = f"{name} of the edge type is {value}, {reason}"
                found.add(code, text, rows.file, population=rows.population, edge_type=kind)
