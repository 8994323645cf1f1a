"""What a comparison found, as text and as a table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from bmtool_connectors.comparison.values import Difference
from bmtool_connectors.reports.pool_names import pool_key, short_names
from bmtool_connectors.reports.tables import MOST_SHOWN, WIDTH, Report
from bmtool_connectors.sonata.populations import Population

__all__ = ["Comparison"]

#: Item, population and id of an edge type, to what its sources and targets are called.
Names: TypeAlias = dict[tuple[str, str, int | None], tuple[str, str]]


@dataclass(frozen=True)
class Totals:
    """How much of one population was compared.

    Attributes
    ----------
    item : {'nodes', 'edges', 'gap junctions'}
        What it holds.
    population : str
        Its name (in A, where it has two).
    rows, synapses : tuple of (int or None)
        In A and in B; None where the population is missing.
    """

    item: str
    population: str
    rows: tuple[int | None, int | None]
    synapses: tuple[int | None, int | None]


@dataclass(frozen=True)
class Comparison(Report):
    """What `compare` found: true when the networks are equal, and printable.

    Attributes
    ----------
    a, b : str
        What was compared.
    differences : tuple of Difference
        One per population, type, kind and property; empty when equal.
    totals : tuple of Totals
        What was looked at.
    rtol, atol : float
        The tolerance for float values.
    """

    a: str
    b: str
    differences: tuple[Difference, ...]
    totals: tuple[Totals, ...]
    rtol: float = 0.0
    atol: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether there is no difference."""
        return not self.differences

    def __bool__(self) -> bool:
        return self.equal

    def records(self) -> list[dict[str, Any]]:
        """Return one row per difference, each by column."""
        return [asdict(each) for each in self.differences]

    def __str__(self) -> str:
        return "\n".join(_comparison_lines(self))


def edge_type_names(populations: Sequence[Population]) -> Names:
    """Return what the sources and targets of each edge type are called for short, by its queries.

    Parameters
    ----------
    populations : sequence of Population
        Where two have an edge type of one id, the first says what its nodes are called.
    """
    labels: Names = {}
    for each in populations:
        ends = each.endpoints or (each.stem, each.stem)
        for number, known in (each.types or {}).items() if each.item == "edges" else ():
            source, target = (
                f"{end}: {known.get(query, '*')}"
                for end, query in zip(ends, ("source_query", "target_query"), strict=True)
            )
            labels.setdefault((each.item, each.name, number), (source, target))
    names = short_names(label for pair in labels.values() for label in pair)
    plain = {key: name.replace("\n", ", ") for key, name in names.items()}
    return {key: (plain[pool_key(a)], plain[pool_key(b)]) for key, (a, b) in labels.items()}


_NOUNS = {
    "nodes": ("node", "row"),
    "edges": ("pair", "synapse"),
    "gap junctions": ("pair", "gap junction"),
}
_SENTENCES = {
    "population missing": "only in A ({rows})",
    "population added": "only in B ({rows})",
    "name": "called {old} in A and {new} in B",
    "endpoints": "join {old} in A and {new} in B",
    "type table missing": "type table only in A",
    "type table added": "type table only in B",
    "type missing": "only in the type table of A",
    "type added": "only in the type table of B",
    "type property": "{property} of the type is {old} in A and {new} in B",
    "missing": "{pairs}{synapses} only in A",
    "added": "{pairs}{synapses} only in B",
    "synapses": "another number of {unit}s in {pairs}, by up to {largest}",
    "rows": "as many {unit}s in another number of rows in {pairs}",
    "column missing": "property {property} only in A ({rows})",
    "column added": "property {property} only in B ({rows})",
    "values": "{property} differs in {rows}{by}",
    "combination": "the same property values, combined in other rows, in {pairs}",
}


#: Kinds of differences between the rows themselves.
_OF_ROWS = ("missing", "added", "synapses", "rows", "values", "combination")


def _first_cause(comparison: Comparison) -> str | None:
    """Say what may be the cause of the rest, where there is more than one difference of rows."""
    of_rows = [each for each in comparison.differences if each.kind in _OF_ROWS]
    nodes = [each for each in of_rows if each.item == "nodes"]
    types = sorted({each.type_id for each in of_rows if each.type_id is not None})
    if nodes and len(of_rows) > len(nodes):
        return f"first difference: nodes {nodes[0].population}; edges may follow from them"
    if nodes or len(types) < 2:
        return None
    # Edge types have numbers in the order in which edges were added.
    first = next(each for each in of_rows if each.type_id == types[0])
    return f"first difference: {_type_text(first)}; later types may share its generator"


def _type_text(each: Difference) -> str:
    ends = "" if each.source is None else f", {each.source} to {each.target}"
    return f"type {each.type_id}{ends}"


def _comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Yield the lines of the text."""
    number = len(comparison.differences)
    verdict = _counted(number, "difference") if number else "equal"
    if comparison.rtol or comparison.atol:
        verdict += f" (rtol {comparison.rtol:g}, atol {comparison.atol:g})"
    yield verdict
    yield f"  A: {comparison.a}"
    yield f"  B: {comparison.b}"
    first = _first_cause(comparison)
    if first is not None:
        yield from _wrap(first, "")
    left = MOST_SHOWN
    for totals in comparison.totals:
        yield from _wrap(f"{totals.item} {totals.population}: {_totals_text(totals)}", "")
        for each in comparison.differences:
            if (each.item, each.population) == (totals.item, totals.population):
                left -= 1
                if left >= 0:
                    yield from _wrap(_sentence(each), "  ")
                    for line in _examples(each):
                        yield from _wrap(line, "      ")
    if left < 0:
        yield f"... and {-left} more, all in the attribute 'differences'"


def _wrap(text: str, indent: str) -> Iterable[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_on_hyphens=False,
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _totals_text(totals: Totals) -> str:
    texts = []
    for rows, synapses in zip(totals.rows, totals.synapses, strict=True):
        if rows is None or synapses is None:
            texts.append("none")
        elif totals.item == "edges":
            texts.append(f"{_counted(rows, 'row')}, {_counted(synapses, 'synapse')}")
        else:
            texts.append(_counted(rows, totals.item.removesuffix("s")))
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} in A; {texts[1]} in B"


def _sentence(each: Difference) -> str:
    noun, unit = _NOUNS[each.item]
    old, new = each.examples[0][1:] if each.examples else (None, None)
    more = each.synapses is not None and each.item != "nodes"
    sentence = _SENTENCES[each.kind].format(
        property=each.property,
        unit=unit,
        pairs=_counted(each.count, noun),
        rows=_counted(each.count, "row"),
        synapses=f" ({_counted(each.synapses or 0, unit)})" if more else "",
        largest="" if each.largest is None else f"{each.largest:g}",
        by="" if each.largest is None else f", by up to {each.largest:g}",
        old=_value_text(old),
        new=_value_text(new),
    )
    return sentence if each.type_id is None else f"{_type_text(each)}: {sentence}"


def _value_text(value: object) -> str:
    if isinstance(value, tuple):
        return " -> ".join(str(each) for each in value)
    return "absent" if value is None else textwrap.shorten(repr(value), 50, placeholder=" ...")


def _examples(each: Difference) -> Iterator[str]:
    pairs = [" -> ".join(str(number) for number in ids) for ids, _, _ in each.examples]
    more = ["..."] if each.count > len(pairs) else []
    if each.kind in ("missing", "added", "combination"):
        yield ", ".join(pairs + more)
        return
    for pair, (_, old, new) in zip(pairs, each.examples, strict=True):
        if pair:
            texts = [f"{value:.6g}" if isinstance(value, float) else None for value in (old, new)]
            if None in texts or texts[0] == texts[1]:
                texts = [_value_text(old), _value_text(new)]
            yield f"{pair}: {texts[0]} in A, {texts[1]} in B"
