"""What connectors will give, before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bmtool_connectors.reports.tables import SAMPLED, Report, aligned, number_cells, number_text
from bmtool_connectors.sampling.expected import Expected

__all__ = ["Preview"]

#: Entries from which on those with hints come first in the text.
MANY = 8


@dataclass(frozen=True)
class PreviewEntry:
    """What one connector will give.

    Attributes
    ----------
    source, target : str
        Network and filter of the pools.
    connector : str
        Class of the connector, or what else makes the edges.
    n_source, n_target : int
        Nodes.
    expected : Expected or None
        Numbers, degrees, memory, time and sampler; None where they are not known.
    hints : tuple of str
        What looks unintended, and what to do.
    undirected : bool
        Whether an edge is a gap junction, stored once; out- and in-degree are one number then.
    """

    source: str
    target: str
    connector: str
    n_source: int
    n_target: int
    expected: Expected | None
    hints: tuple[str, ...] = ()
    undirected: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known, as plain values."""
        expected = None if self.expected is None else self.expected.as_dict()
        return {**vars(self), "expected": expected}


@dataclass(frozen=True)
class Preview(Report):
    """What connectors will give and cost; ``print`` it, or take it further.

    Attributes
    ----------
    entries : tuple of PreviewEntry
        One per connector, in the order in which edges were added. In the text of many, those with
        hints come first: what is not known, then what has no edges.
    """

    entries: tuple[PreviewEntry, ...]

    @property
    def expected(self) -> list[Expected]:
        """What is known of the entries, in order."""
        return [each.expected for each in self.entries if each.expected is not None]

    @property
    def edges(self) -> float:
        """Edges expected of all entries together."""
        return sum(each.edges for each in self.expected)

    @property
    def n_bytes(self) -> int:
        """Memory of those edges; while they are drawn it is about three times that."""
        return sum(each.n_bytes for each in self.expected)

    @property
    def seconds(self) -> float:
        """Time of the draws, roughly."""
        return sum(each.seconds for each in self.expected)

    @property
    def hints(self) -> list[str]:
        """What looks unintended, of all entries."""
        return [hint for each in self.entries for hint in each.hints]

    def records(self) -> list[dict[str, Any]]:
        """Return one row per entry, each by column."""
        return [_record(each) for each in self.entries]

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known, as plain values."""
        return {"entries": [each.as_dict() for each in self.entries]}

    def __str__(self) -> str:
        lines: list[str] = []
        entries = self.entries
        if len(entries) >= MANY:
            entries = tuple(sorted(entries, key=_attention))
            n = sum(bool(each.hints) for each in entries)
            lines += [f"{n} of {len(entries)} have hints, and come first:"] * bool(n)
        lines += [line for each in entries for line in _entry_lines(each)]
        if len(entries) > 1:
            estimated = any(each.estimated for each in self.expected)
            total = f"{number_text(round(self.edges), estimated)} edges"
            said = [f"together: {total}, {_cost(self.n_bytes, self.seconds)}"]
            unknown = len(self.entries) - len(self.expected)
            said += [f"{unknown} of {len(self.entries)} not known"] * bool(unknown)
            said += [f"hints above: {len(self.hints)}"] * bool(self.hints)
            lines += ["; ".join(said)]
        return "\n".join(lines) or "no connections"


def _attention(each: PreviewEntry) -> int:
    """Return how soon somebody should look at an entry: 0 is first."""
    if not each.hints:
        return 3
    if each.expected is None:
        return 0
    return 1 if each.expected.edges == 0 else 2


def _record(each: PreviewEntry) -> dict[str, Any]:
    names = ("source", "target", "connector", "n_source", "n_target")
    row: dict[str, Any] = {name: getattr(each, name) for name in names}
    found = Expected() if each.expected is None else each.expected
    values = {"estimated": found.estimated, **found.as_dict()}
    degrees, unmet = values.pop("degrees"), values.pop("unmet") or {}
    row |= values if each.expected is not None else dict.fromkeys(values)
    row |= {f"pr_{name}": unmet.get(name) for name in ("wanted", "reached", "pairs")}
    for name in ("out", "in", "backward out", "backward in"):
        mean, sd = degrees.get(name, (None, None))
        column = f"{name.replace(' ', '_')}_degree"
        row |= {f"{column}_mean": mean, f"{column}_sd": sd}
    return {**row, "hints": " ".join(each.hints)}


def _entry_lines(each: PreviewEntry) -> Iterator[str]:
    sizes = f"{each.n_source:,} x {each.n_target:,} nodes"
    yield f"{each.source} to {each.target}: {each.connector}, {sizes}"
    found = each.expected
    if found is not None and found.edges == 0:
        yield "  no edges"
    elif found is not None:
        yield from aligned(list(_expected_rows(found, each.undirected)))
        if found.estimated:
            yield f"  {SAMPLED}"
        sampler = f", sampler {found.sampler}" * (found.sampler != "none")
        yield f"  {_cost(found.n_bytes, found.seconds, found.kept_bytes)}{sampler}"
    for hint in each.hints:
        yield f"  hint: {hint}"


def _expected_rows(found: Expected, undirected: bool) -> Iterator[list[str]]:
    yield ["", "expected", "sd"]
    two = "backward out" in found.degrees
    for direction in ("forward", "backward") if two else ("forward",):
        own = f"{direction} " * two
        yield [f"{own}edges", *number_cells(found.number(direction))]
        estimated = getattr(found, f"{direction}_error") > 0
        prefix = "" if direction == "forward" else "backward "
        for name in ("out",) if undirected else ("out", "in"):
            if prefix + name in found.degrees:
                text = "degree" if undirected else f"{name}-degree"
                cells = (number_text(each, estimated) for each in found.degrees[prefix + name])
                yield [own + text, *cells]
    if found.reciprocal_per_rho or found.reciprocal:
        yield ["reciprocal pairs", *number_cells(found.number("reciprocal"))]
    if found.independent:
        independent = number_text(found.independent, found.estimated)
        yield ["reciprocal pairs if independent", independent, ""]
    if found.infeasible:
        about = "~" * found.estimated
        yield ["infeasible share of the pairs", f"{about}{found.infeasible:.2%}", ""]


def _cost(n_bytes: int, seconds: float, kept_bytes: int = 0) -> str:
    amount = _amount(n_bytes)
    if kept_bytes > 3 * n_bytes:  # as much as any draw takes besides
        amount += f" (and {_amount(kept_bytes)} until they are drawn, for the estimate of rho)"
    if seconds < 0.01:  # nobody waits for that
        return amount
    time = f"{seconds:.2g} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    return f"{amount}, drawn in about {time}"


def _amount(n_bytes: int) -> str:
    """Return an amount of memory as text."""
    amount, unit = float(n_bytes), "bytes"
    for larger in ("kB", "MB", "GB"):
        if amount >= 1000:
            amount, unit = amount / 1000, larger
    return f"{amount:.3g} {unit}"
