"""Expected and observed numbers of connections, and how far they may differ by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from bmtool_connectors.reports.connections import Connections
from bmtool_connectors.reports.measures import Measure
from bmtool_connectors.reports.tables import SAMPLED, Report, aligned, number_text
from bmtool_connectors.sampling.expected import Moments

__all__ = ["Summary"]

#: Statistics of degrees, and what NumPy calls them.
_STATISTICS = {"mean": "mean", "sd": "std", "min": "min", "max": "max"}


@dataclass(frozen=True)
class SummaryEntry:
    """What is known of the connections between two populations.

    Attributes
    ----------
    source, target : str
    connector : str or None
        Its class; None of edges that no connector made.
    edge_types : tuple of int
    measures : tuple of Measure
    about : dict
        Sampler, seed, seconds of the draw, clipped pairs, connections dropped for want of a
        synapse.
    """

    source: str
    target: str
    connector: str | None
    edge_types: tuple[int, ...]
    measures: tuple[Measure, ...]
    about: dict[str, Any]

    def measure(self, quantity: str, direction: str = "") -> Measure:
        """Return the measure of that name; a KeyError if there is none.

        Parameters
        ----------
        quantity : str
            As in the column ``quantity`` of ``to_frame()``.
        direction : {'forward', 'backward', ''}
            As in its column ``direction``.
        """
        for each in self.measures:
            if (each.quantity, each.direction) == (quantity, direction):
                return each
        raise KeyError((quantity, direction))


@dataclass(frozen=True)
class Summary(Report):
    """Expected and observed numbers of connections; ``print`` it, or take it further.

    Attributes
    ----------
    entries : tuple of SummaryEntry
        One per connector, in the order in which edges were added.

    Notes
    -----
    ``z`` is the difference in standard deviations: about 1 in 100 is beyond 2.6 when all is
    well. The numbers of one connector depend on each other.
    """

    entries: tuple[SummaryEntry, ...]

    def records(self) -> list[dict[str, Any]]:
        """Return one row per measure, each by column."""
        return [
            {
                "source": each.source,
                "target": each.target,
                "connector": each.connector,
                "edge_types": " ".join(map(str, each.edge_types)),
                **measure.columns(),
            }
            for each in self.entries
            for measure in each.measures
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known, as plain values."""
        entries = [
            {**asdict(each), "measures": [measure.columns() for measure in each.measures]}
            for each in self.entries
        ]
        return {"entries": entries}

    def __str__(self) -> str:
        return (
            "\n\n".join("\n".join(_summary_lines(each)) for each in self.entries)
            or "no connections"
        )


def entry(connections: Connections) -> SummaryEntry:
    """Return the summary of the connections between two populations."""
    about = dict(connections.about)
    for name in ("clipped", "dropped"):
        if name in connections.drawn:
            about[name] = connections.drawn[name]
    return SummaryEntry(
        connections.source,
        connections.target,
        connections.connector,
        connections.edge_types,
        (*_edges(connections), *_reciprocal(connections)),
        about,
    )


def _edges(connections: Connections) -> Iterator[Measure]:
    """Yield what is counted in each direction."""
    expected, pairs = connections.expected, max(connections.pairs, 1)
    for direction, edges in connections.directions.items():
        number = Moments() if expected is None else expected.number(direction)
        yield _measure("edges", direction, number, len(edges))
        yield _measure("probability", direction, number, len(edges), pairs)
        prefix = "" if direction == "forward" else "backward "
        for name, degrees in zip(("out", "in"), connections.degrees(direction), strict=True):
            known = {} if expected is None else expected.degrees
            moments = (*known.get(prefix + name, (None, None)), None, None)
            for (statistic, numpy_name), value in zip(_STATISTICS.items(), moments, strict=True):
                yield Measure(
                    f"{name}-degree {statistic}",
                    direction,
                    value,
                    observed=float(getattr(degrees, numpy_name)()),
                    estimated=bool(number.error) and statistic in ("mean", "sd"),
                )
        yield Measure("synapses", direction, observed=float(edges.n_syn.sum(dtype="int64")))


def _reciprocal(connections: Connections) -> Iterator[Measure]:
    """Yield what is counted of both directions together."""
    observed, expected = connections.reciprocal, connections.expected
    if observed is None:
        return
    number = Moments()
    if connections.draws_both and expected is not None:
        number = expected.number("reciprocal")
    pairs = max(connections.unordered_pairs, 1)
    yield _measure("reciprocal pairs", "", number, observed)
    yield _measure("reciprocal probability", "", number, observed, pairs)
    if expected is None or not expected.independent:
        return
    independent, per_rho = expected.independent, expected.reciprocal_per_rho
    estimated = max(expected.forward_error, expected.reciprocal_error) > 0
    yield Measure("reciprocal pairs if independent", "", independent, estimated=estimated)
    if per_rho and number.mean is not None and number.sd is not None:
        more = number._replace(mean=number.mean - independent)
        yield _measure("rho", "", more, observed - independent, per_rho)


def _measure(
    quantity: str, direction: str, expected: Moments, observed: float, of: float = 1
) -> Measure:
    """Return a number with what is expected of it, divided by `of`: a probability, by pairs."""
    mean, sd, error = (None if each is None else each / of for each in expected)
    return Measure(quantity, direction, mean, sd, error, observed / of, bool(error), unit=1 / of)


def _summary_lines(each: SummaryEntry) -> Iterator[str]:
    """Yield the lines of an entry."""
    types = f", edge type {' and '.join(map(str, each.edge_types))}" if each.edge_types else ""
    yield f"{each.source} to {each.target}: {each.connector or 'edges'}{types}"
    rows = [["", "wanted", "sd", "realised", "z"], *_measure_rows(each.measures)]
    yield from aligned(rows)
    if any(measure.estimated for measure in each.measures):
        yield f"  {SAMPLED}"
    about = [
        f"{name} {_about_text(value)}" for name, value in each.about.items() if value is not None
    ]
    if about:
        yield "  " + ", ".join(about)


def _measure_rows(measures: Iterable[Measure]) -> Iterator[list[str]]:
    """Yield the cells of a text table: degrees of one direction share a row."""
    two = any(each.direction == "backward" for each in measures)
    degrees: dict[str, Measure] = {}
    for each in measures:
        name = f"{each.direction} {each.quantity}" if two and each.direction else each.quantity
        statistic = each.quantity.partition("-degree ")[2]
        if statistic:
            degrees[statistic] = each
            if statistic == "max":
                name = name.removesuffix(" max")
                yield [name, *_degree_cells(degrees), ""]
            continue
        z = "" if each.z is None else f"{each.z:+.2f}"
        cells = map(number_text, (each.spread, each.observed))
        yield [name, number_text(each.expected, each.estimated), *cells, z]


def _degree_cells(found: dict[str, Measure]) -> list[str]:
    mean, sd, least, most = (number_text(found[name].observed) for name in _STATISTICS)
    expected = [number_text(found[name].expected, found[name].estimated) for name in ("mean", "sd")]
    return [*expected, f"{mean} sd {sd} ({least} to {most})"]


def _about_text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
