"""Reports: one table as text, DataFrame, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmtool_connectors.sampling.expected import Moments

if TYPE_CHECKING:
    import pandas as pd


#: Letters in a line of text that is wrapped, and how many things are shown of a long list.
WIDTH, MOST_SHOWN = 80, 60
#: What the mark of estimated numbers means.
SAMPLED = "~ estimated from a sample of the pairs, whose error is part of sd"


@dataclass(frozen=True)
class Report(ABC):
    """Rows that print well and can be taken further: text, DataFrame, JSON, CSV."""

    @abstractmethod
    def records(self) -> list[dict[str, Any]]:
        """Return the rows, each by column."""

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known, as plain values."""
        return asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame.from_records(self.records())

    def to_json(self, file: str | os.PathLike[str] | None = None) -> str:
        """Return all as JSON, and write it to `file` if one is given."""
        text = json.dumps(plain(self.as_dict()), indent=1, allow_nan=False)
        return _written(text + "\n", file)

    def to_csv(self, file: str | os.PathLike[str] | None = None) -> str:
        """Return the rows as CSV, and write them to `file` if one is given."""
        rows, stream = self.records(), io.StringIO()
        writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return _written(stream.getvalue(), file)


def _written(text: str, file: str | os.PathLike[str] | None) -> str:
    if file is not None:
        Path(file).write_text(text, encoding="utf-8")
    return text


def plain(value: Any) -> Any:
    """Return what JSON can hold: it has no infinity and no tuples."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def number_text(value: float | None, estimated: bool = False) -> str:
    """Return a number with four digits, and thousands apart; nothing for None."""
    if value is None:
        return ""
    if estimated:
        return f"~{number_text(value)}"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.4g}"


def number_cells(expected: Moments) -> list[str]:
    """Return mean and standard deviation, with the error of the mean in it, as text."""
    mean, sd, error = expected
    spread = None if sd is None else math.hypot(sd, error or 0.0)
    return [number_text(mean, bool(error)), number_text(spread)]


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return lines with aligned columns: the first one to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [each.rjust(width) for each, width in zip(others, widths[1:], strict=True)]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines
