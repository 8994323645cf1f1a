"""Findings of `verify`: their codes, the list of them, and the report."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from bmtool_connectors.arrays import Flags
from bmtool_connectors.reports.measures import Measure
from bmtool_connectors.reports.tables import MOST_SHOWN, WIDTH, Report
from bmtool_connectors.sonata.faults import BROKEN, reason_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ChanceTest", "Finding", "Verification"]

#: Every code: its severity, and what it says.
CODES = MappingProxyType(
    {
        "no-network": ("error", "no such folder, or no SONATA file in it"),
        "unreadable": ("error", "a file, or a part of it, cannot be read"),
        "missing-file": ("error", "a file that a configuration or a recipe names is not there"),
        "file-twice": ("error", "a configuration names a file twice"),
        "missing-dataset": ("error", "a dataset that SONATA asks for is not there"),
        "length": ("error", "datasets of one table differ in length"),
        "dtype": ("error", "a dataset has another type than SONATA asks for"),
        "type-table": ("error", "a row of a table of types is damaged, or a type stands twice"),
        "node-id-twice": ("error", "two nodes have one id"),
        "node-type": ("error", "a node has a type that its table does not have"),
        "node-id": ("error", "an edge names a node that is not there"),
        "edge-type": ("error", "an edge has a type that its table does not have"),
        "group": ("error", "a row belongs to a group that is not there"),
        "group-index": ("error", "a row points outside of its group"),
        "delay": ("error", "a delay is not above 0; that of an input is below 0"),
        "section-pos": ("error", "a position on a section is outside of [0, 1]"),
        "index-range": ("error", "a range of an index is reversed, points outside, or is shared"),
        "index-node": ("error", "an index gives a row to another node than its own"),
        "index-row": ("error", "an index leaves a row out, or holds it twice"),
        "gap-self": ("error", "a gap junction joins a cell with itself"),
        "gap-twice": ("error", "a pair of cells has several gap junctions"),
        "gap-file": ("error", "the file of gap junctions is not that of the edges"),
        "recipe": ("error", "a recipe is not one, or a part of it is not"),
        "recipe-changed": ("error", "a recipe was changed after it was written"),
        "recipe-type": ("error", "recipe and edges do not have the same edge types"),
        "recipe-pairs": ("error", "pairs are missing, or there are too many of them"),
        "recipe-synapses": ("error", "the number of synapses is not that of the recipe"),
        "recipe-edges": ("error", "the edges are not those of the recipe"),
        "recipe-direction": ("error", "source and target of the recipe's edges are exchanged"),
        "recipe-reciprocal": ("error", "the number of reciprocal pairs is not that of the recipe"),
        "recipe-values": ("error", "properties of edges are not those of the recipe"),
        "recipe-table": ("error", "a table of types is not that of the recipe"),
        "recipe-nodes": ("error", "nodes are not those of the recipe, or of its edges"),
        "recipe-population": ("error", "a population was saved by another name, or is there twice"),
        "query": ("warning", "an edge has a node that the query of its type does not select"),
        "position": ("warning", "a coordinate of a node is no number, or is not finite"),
        "not-finite": ("warning", "a property that simulators read is NaN or infinite"),
        "delay-dt": ("warning", "a delay is below dt"),
        "id-floats": ("warning", "ids, types or groups are stored as floats"),
        "section-id": ("warning", "a section id is negative"),
        "n-syn": ("warning", "a number of synapses is no whole number of at least 1"),
        "group-index-twice": ("warning", "two rows point to one row of a group"),
        "index-missing": ("warning", "an index that was saved is not there"),
        "population": ("warning", "a file of nodes holds another population than its name says"),
        "group-rows": ("warning", "a group has rows that no edge uses"),
        "pair-twice": ("warning", "a pair stands in several rows, each with a number of synapses"),
        "no-section": ("warning", "BMTK cannot place these synapses on a biophysical cell"),
        "no-types": ("warning", "there is no table of types"),
        "chance-edges": ("warning", "the number of edges is improbable under the recipe's law"),
        "chance-reciprocal": ("warning", "the number of reciprocal pairs is improbable"),
        "no-value": ("note", "a property that no simulator of BMTK reads is NaN or infinite"),
        "no-nodes": ("note", "the nodes of these edges are not in the folder"),
        "structure-only": ("note", "no recipe tells how these edges were made"),
        "versions": ("note", "the recipe was written by another version of the package"),
        "not-tested": ("note", "what the recipe says was not enough for a test of chance"),
    }
)

#: What tells more of a row: attributes of a finding.
Where = Callable[[int], dict[str, Any]]

#: Codes after which something was not looked at.
UNREADABLE = ("no-network", "unreadable")

#: Severities, the gravest first.
SEVERITIES = ("error", "warning", "note")

#: Columns of findings as a table, and those of numbers that may be missing.
FINDING_COLUMNS = (
    *("severity", "code", "file", "population", "edge_type", "row", "ids", "count", "message"),
)
WITH_GAPS = {"edge_type": "Int64", "row": "Int64"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing, about a saved network.

    Attributes
    ----------
    code : str
        What it is; codes stay the same from version to version. The guide lists them.
    message : str
        One sentence.
    file : str
        Name of the file.
    population : str or None
        Nodes or edges in it.
    edge_type : int or None
        Id of the edge type.
    row : int or None
        The first bad row, from 0: of the table of nodes or edges, or of the CSV table.
    ids : tuple of int
        Of that row: (node,) or (source, target).
    count : int
        How many rows are bad in this way.
    """

    code: str
    message: str
    file: str
    population: str | None = None
    edge_type: int | None = None
    row: int | None = None
    ids: tuple[int, ...] = ()
    count: int = 1

    @property
    def severity(self) -> str:
        """'error' is wrong, 'warning' is hardly right, and 'note' is neither."""
        return CODES[self.code][0]

    def __str__(self) -> str:
        where = [self.file]
        if self.edge_type is not None:
            where.append(f"type {self.edge_type}")
        if self.row is not None:
            ids = " -> ".join(map(str, self.ids))
            where.append(f"row {self.row}" + f" ({ids})" * bool(ids))
        return f"{self.severity} {self.code}: {', '.join(where)}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class ChanceTest(Measure):
    """A number of edges, against what the recipe's law gives on average.

    Attributes
    ----------
    file : str
        Where the edges are.
    edge_type : int
    quantity : {'edges', 'reciprocal'}
    pairs : int
        Pairs that could have been connected.
    wanted, sd : float
        Mean and standard deviation over random numbers, and of the mean if it is an estimate.
    realised : int
    z : float
        How many standard deviations the number is from its mean; infinite where that is sure.
    p_value : float
        Two-sided, and rather too large than too small.
    """

    file: str
    edge_type: int
    pairs: int
    p_value: float


@dataclass(frozen=True)
class Verification(Report):
    """What `verify` found: true when nothing is wrong, and printable.

    Attributes
    ----------
    paths : tuple of str
        What was checked.
    findings : tuple of Finding
        The gravest first.
    rows : dict of str to int
        Rows of each population of nodes and edges that was read.
    tests : tuple of ChanceTest
        Numbers of edges that were compared with the laws of a recipe.
    alarm_rate : float
        How often a good network has a finding of chance.
    not_covered : tuple of str
        What was not looked at; the last line of the report.
    """

    paths: tuple[str, ...]
    findings: tuple[Finding, ...]
    rows: Mapping[str, int]
    tests: tuple[ChanceTest, ...]
    alarm_rate: float
    not_covered: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return all(each.severity == "note" for each in self.findings)

    @property
    def exit_code(self) -> int:
        """0 when nothing is wrong, 1 with errors or warnings, 2 if something cannot be read."""
        if any(each.code in UNREADABLE for each in self.findings):
            return 2
        return 0 if self else 1

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table, one row each.

        Returns
        -------
        DataFrame
            Columns severity, code, file, population, edge_type, row, ids, count, message;
            numbers that do not apply are missing.
        """
        return super().to_frame().reindex(columns=FINDING_COLUMNS).astype(WITH_GAPS)

    def records(self) -> list[dict[str, Any]]:
        """Return one row per finding, each by column."""
        return [{name: getattr(each, name) for name in FINDING_COLUMNS} for each in self.findings]

    def __str__(self) -> str:
        numbers = [
            (severity, sum(each.severity == severity for each in self.findings))
            for severity in SEVERITIES
        ]
        found = ", ".join(f"{n} {each}{'s' * (n != 1)}" for each, n in numbers if n)
        lines = [f"{'nothing wrong' if self else 'not to be trusted'}{found and f': {found}'}"]
        lines += [f"  {path}" for path in self.paths]
        lines += [f"{name}: {n:,} rows" for name, n in self.rows.items()]
        if self.tests:
            worst = max(self.tests, key=lambda each: abs(each.z or 0.0))
            lines.append(
                f"{len(self.tests)} number{'s' * (len(self.tests) > 1)} tested against the recipe: "
                f"largest deviation "
                f"{abs(worst.z or 0.0):.1f} standard deviations (type {worst.edge_type}, "
                f"{worst.quantity}); a good network fails once in {1 / self.alarm_rate:,.0f}"
            )
        lines += [str(each) for each in self.findings[:MOST_SHOWN]]
        if len(self.findings) > MOST_SHOWN:
            lines.append(
                f"... and {len(self.findings) - MOST_SHOWN} more in the attribute 'findings'"
            )
        lines.append(f"not covered: {'; '.join(self.not_covered)}")
        return "\n".join(
            "\n".join(textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False))
            if not line.startswith("  ")
            else line
            for line in lines
        )


@dataclass
class Findings:
    """Where checks put what they find."""

    found: list[Finding] = field(default_factory=list)

    def add(self, code: str, message: str, file: Path | str, **where: Any) -> None:
        """Add a finding.

        Parameters
        ----------
        code : str
            One of CODES.
        message : str
            One sentence.
        file : Path or str
        **where
            Further attributes of the finding.
        """
        count = where.get("count", 1)
        if count > 1:
            message += f" ({count - 1:,} more like it)"
        name = file.name if isinstance(file, Path) else file
        self.found.append(Finding(code, message, name, **where))

    def add_rows(
        self, code: str, bad: Flags, message: Callable[[int], str], file: Path, where: Where
    ) -> None:
        """Add a finding if some rows are bad; `message` and `where` tell of the first of them."""
        count = int(np.count_nonzero(bad))
        if count:
            row = int(bad.argmax())
            self.add(code, message(row), file, count=count, **where(row))

    # Readers of files put here what they find, and go on.
    fault = remark = add

    @contextlib.contextmanager
    def reading(self, file: Path, **where: Any) -> Iterator[None]:
        """Make a finding of a failure to read, and go on after the block."""
        try:
            yield
        except BROKEN as error:
            self.add("unreadable", f"it cannot be read ({reason_of(error)})", file, **where)

    def has(self, *codes: str) -> bool:
        """Say whether there is a finding with one of these codes."""
        return any(each.code in codes for each in self.found)

    def sorted(self) -> tuple[Finding, ...]:
        """Return the findings, the gravest first."""
        return tuple(sorted(self.found, key=lambda each: SEVERITIES.index(each.severity)))
