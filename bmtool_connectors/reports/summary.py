"""What was wanted and what came out, with how far the two may differ by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bmtool_connectors.reports.connections import Connections
from bmtool_connectors.reports.scores import z_score
from bmtool_connectors.reports.tables import SAMPLED, Report, aligned, number_text

__all__ = ["Measure", "Summary", "SummaryEntry", "entry"]


@dataclass(frozen=True)
class Measure:
    """One number of the connections between two populations.

    Attributes
    ----------
    quantity : str
        What it is.
    direction : {'forward', 'backward', ''}
        Of the edges it counts; '' where both directions count.
    wanted : float or None
        What the laws give on average; None where that is not known.
    sd : float or None
        How far the realised number spreads over draws.
    error : float or None
        Standard error of `wanted`, when it comes from a sample of the pairs.
    realised : float or None
        What came out.
    estimated : bool
        Whether `wanted` and `sd` come from a sample of the pairs.
    unit : float
        What one connection adds to the number: 1, but less for a probability.
    """

    quantity: str
    direction: str = ""
    wanted: float | None = None
    sd: float | None = None
    error: float | None = None
    realised: float | None = None
    estimated: bool = False
    unit: float = 1.0

    @property
    def z(self) -> float | None:
        """(realised - wanted) / sqrt(sd^2 + error^2); None where one of them is not known.

        Infinite where a number is sure and another one came out.
        """
        if None in (self.wanted, self.sd, self.realised):
            return None
        assert self.wanted is not None  # told to the type checker
        assert self.sd is not None
        assert self.realised is not None
        spread = math.hypot(self.sd, self.error or 0.0)
        return z_score(self.realised, self.wanted, spread, self.unit)

    def columns(self) -> dict[str, Any]:
        """Return what is known, by the name of its column in a table."""
        names = ("quantity", "direction", "wanted", "sd", "error", "realised", "estimated", "z")
        return {name: getattr(self, name) for name in names}


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
    """Wanted and realised numbers of connections; ``print`` it, or take it further.

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
        entries = []
        for each in self.entries:
            measures = [measure.columns() for measure in each.measures]
            entries.append({**asdict(each), "measures": measures})
        return {"entries": entries}

    def __str__(self) -> str:
        return "\n\n".join("\n".join(_lines(each)) for each in self.entries) or "no connections"


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
    wanted, pairs = connections.wanted, max(connections.pairs, 1)
    for direction, edges in connections.directions.items():
        expected = [wanted.get(f"{direction}{of}") for of in ("", "_sd", "_error")]
        estimated = bool(expected[2])
        yield _measure("edges", direction, expected, len(edges))
        yield _measure("probability", direction, expected, len(edges), pairs)
        prefix = "" if direction == "forward" else "backward "
        for name, degrees in zip(("out", "in"), connections.degrees(direction), strict=True):
            mean, sd = wanted.get("degrees", {}).get(prefix + name, (None, None))
            quantity = f"{name}-degree"
            moments = (("mean", mean, degrees.mean()), ("sd", sd, degrees.std()))
            for moment, value, out in moments:
                own = f"{quantity} {moment}"
                yield Measure(own, direction, value, realised=float(out), estimated=estimated)
            yield Measure(f"{quantity} min", direction, realised=float(degrees.min()))
            yield Measure(f"{quantity} max", direction, realised=float(degrees.max()))
        yield Measure("synapses", direction, realised=float(edges.n_syn.sum(dtype="int64")))


def _reciprocal(connections: Connections) -> Iterator[Measure]:
    """Yield what is counted of both directions together."""
    found, wanted = connections.reciprocal, connections.wanted
    if found is None:
        return
    expected: list[float | None] = [None, None, None]
    if connections.draws_both:
        expected = [wanted.get(f"reciprocal{of}") for of in ("", "_sd", "_error")]
    pairs = max(connections.unordered_pairs, 1)
    yield _measure("reciprocal pairs", "", expected, found)
    yield _measure("reciprocal probability", "", expected, found, pairs)
    independent, per_rho = wanted.get("independent"), wanted.get("per_rho")
    if not independent:
        return
    estimated = any(wanted.get(f"{name}_error") for name in ("forward", "reciprocal"))
    yield Measure("reciprocal pairs if independent", "", independent, estimated=estimated)
    if per_rho and None not in expected:
        first, sd, error = (each or 0.0 for each in expected)
        yield _measure("rho", "", [first - independent, sd, error], found - independent, per_rho)


def _measure(
    quantity: str, direction: str, expected: Sequence[float | None], realised: float, of: float = 1
) -> Measure:
    """Return a number of which mean, standard deviation and standard error are expected.

    All are divided by `of`: by the pairs, for a probability.
    """
    wanted, sd, error = (None if each is None else each / of for each in expected)
    return Measure(quantity, direction, wanted, sd, error, realised / of, bool(error), unit=1 / of)


def _lines(each: SummaryEntry) -> Iterator[str]:
    """Yield the lines of an entry."""
    types = f", edge type {' and '.join(map(str, each.edge_types))}" if each.edge_types else ""
    yield f"{each.source} to {each.target}: {each.connector or 'edges'}{types}"
    rows = [["", "wanted", "sd", "realised", "z"], *_rows(each.measures)]
    yield from aligned(rows)
    if any(measure.estimated for measure in each.measures):
        yield f"  {SAMPLED}"
    about = [f"{name} {_value(value)}" for name, value in each.about.items() if value is not None]
    if about:
        yield "  " + ", ".join(about)


def _rows(measures: Iterable[Measure]) -> Iterator[list[str]]:
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
        sd = None if each.sd is None else math.hypot(each.sd, each.error or 0.0)
        z = "" if each.z is None else f"{each.z:+.2f}"
        wanted = number_text(each.wanted, each.estimated)
        yield [name, wanted, *map(number_text, (sd, each.realised)), z]


def _degree_cells(found: dict[str, Measure]) -> list[str]:
    mean, sd, least, most = (found[name] for name in ("mean", "sd", "min", "max"))
    texts = [number_text(each) for each in (mean.realised, sd.realised)]
    limits = f"{number_text(least.realised)} to {number_text(most.realised)}"
    realised = f"{texts[0]} sd {texts[1]} ({limits})"
    wanted = [number_text(each.wanted, each.estimated) for each in (mean, sd)]
    return [*wanted, realised]


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
