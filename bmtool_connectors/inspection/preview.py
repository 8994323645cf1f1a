"""What connectors will give, before anything is drawn, and hints where that is nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.distances import Metric
from bmtool_connectors.inspection.tables import SAMPLED, Report, aligned, number_text
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.expect import Expected
from bmtool_connectors.sampling.laws import Law

__all__ = ["Preview", "PreviewEntry", "hints"]

#: How much smaller than the reach of a law pools are whose positions may be in mm, and the reach
#: of a law than pools when it may be.
TINY = 1e-2


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


@dataclass(frozen=True)
class Preview(Report):
    """What connectors will give and cost; ``print`` it, or take it further.

    Attributes
    ----------
    entries : tuple of PreviewEntry
        One per connector, in the order in which edges were added.
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
        return {"entries": [asdict(each) for each in self.entries]}

    def __str__(self) -> str:
        lines = [line for each in self.entries for line in _lines(each)]
        if len(self.entries) > 1:
            estimated = any(each.estimated for each in self.expected)
            total = f"{number_text(round(self.edges), estimated)} edges"
            said = [f"together: {total}, {_cost(self.n_bytes, self.seconds)}"]
            unknown = len(self.entries) - len(self.expected)
            said += [f"{unknown} of {len(self.entries)} not known"] * bool(unknown)
            said += [f"hints above: {len(self.hints)}"] * bool(self.hints)
            lines += ["; ".join(said)]
        return "\n".join(lines) or "no connections"


def _record(each: PreviewEntry) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: getattr(each, name)
        for name in ("source", "target", "connector", "n_source", "n_target")
    }
    values = None if each.expected is None else asdict(each.expected)
    row["estimated"] = None if each.expected is None else each.expected.estimated
    for name in Expected.__dataclass_fields__:
        if name != "degrees":
            row[name] = None if values is None else values[name]
    degrees = {} if values is None else values["degrees"]
    for name in ("out", "in", "backward out", "backward in"):
        mean, sd = degrees.get(name, (None, None))
        column = f"{name.replace(' ', '_')}_degree"
        row |= {f"{column}_mean": mean, f"{column}_sd": sd}
    return {**row, "hints": " ".join(each.hints)}


def _lines(each: PreviewEntry) -> Iterator[str]:
    sizes = f"{each.n_source:,} x {each.n_target:,} nodes"
    yield f"{each.source} to {each.target}: {each.connector}, {sizes}"
    found = each.expected
    if found is not None and found.edges == 0:
        yield "  no edges"
    elif found is not None:
        yield from aligned(list(_rows(found, each.undirected)))
        if found.estimated:
            yield f"  {SAMPLED}"
        sampler = f", sampler {found.sampler}" * (found.sampler != "none")
        yield f"  {_cost(found.n_bytes, found.seconds)}{sampler}"
    for hint in each.hints:
        yield f"  hint: {hint}"


def _rows(found: Expected, undirected: bool) -> Iterator[list[str]]:
    yield ["", "expected", "sd"]
    two = "backward out" in found.degrees
    for direction in ("forward", "backward") if two else ("forward",):
        mean, sd, error = (getattr(found, f"{direction}{of}") for of in ("", "_sd", "_error"))
        spread = math.hypot(sd, error)
        name = f"{direction} edges" if two else "edges"
        yield [name, number_text(mean, error > 0), number_text(spread)]
        prefix = "" if direction == "forward" else "backward "
        for name in ("out",) if undirected else ("out", "in"):
            if prefix + name in found.degrees:
                text = "degree" if undirected else f"{name}-degree"
                text = f"{direction} {text}" if two else text
                yield [text, *(number_text(x, error > 0) for x in found.degrees[prefix + name])]
    if found.per_rho or found.reciprocal:
        spread = math.hypot(found.reciprocal_sd, found.reciprocal_error)
        mean = number_text(found.reciprocal, found.reciprocal_error > 0)
        yield ["reciprocal pairs", mean, number_text(spread)]
    if found.independent:
        independent = number_text(found.independent, found.estimated)
        yield ["reciprocal pairs if independent", independent, ""]
    if found.infeasible:
        about = "~" * found.estimated
        yield ["infeasible share of the pairs", f"{about}{found.infeasible:.2%}", ""]


def _cost(n_bytes: int, seconds: float) -> str:
    amount, unit = float(n_bytes), "bytes"
    for larger in ("kB", "MB", "GB"):
        if amount >= 1000:
            amount, unit = amount / 1000, larger
    if seconds < 0.01:  # nobody waits for that
        return f"{amount:.3g} {unit}"
    time = f"{seconds:.2g} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    return f"{amount:.3g} {unit}, drawn in about {time}"


# ---------------------------------------------------------------------- hints
def hints(
    found: Expected, laws: Iterable[Law], source: NodeArrays, target: NodeArrays
) -> tuple[str, ...]:
    """Return what looks unintended of what a connector will give.

    Parameters
    ----------
    found : Expected
    laws : iterable of Law
        Of the pairs; empty where pairs have none.
    source, target : NodeArrays
        One object within one population.
    """
    said: list[str] = []
    for law in laws:
        reach = law.reach()
        if reach is None:
            continue
        metric, most = reach
        first, second = source.positions, target.positions
        if first is None or second is None:
            continue
        backward = law.backward and source is not target
        if (found.backward if backward else found.forward) == 0:
            said += _too_far(first, second, metric, law, source is target)
        else:
            said += _too_near([first, second], metric, most, law)
    if found.edges == 0 and not said:
        said.append(
            f"no pair of {source.label} and {target.label} can connect: every probability (or "
            "number of synapses) is 0."
            if found.pairs
            else f"there is no pair of {source.label} and {target.label} to connect: a node and "
            "itself are none here."
        )
    return tuple(dict.fromkeys(said))


def _too_far(
    source: npt.NDArray[Any], target: npt.NDArray[Any], metric: Metric, law: Law, recurrent: bool
) -> Iterator[str]:
    """Say how far the nearest nodes are apart, when that is beyond the reach of a law."""
    from scipy.spatial import KDTree

    own = 2 if recurrent else 1  # the nearest one of a node is itself
    if len(source) < own or law.p.bound(0.0, math.inf) == 0:  # 0 at all distances
        return
    box = [period if period < math.inf else 0.0 for period in metric.periods]
    tree = KDTree(metric.folded(source), boxsize=box if any(box) else None)
    dist = tree.query(metric.folded(target), k=[own])[0]
    nearest, most = float(np.min(dist)), float(law.p.max_dist)
    if nearest > most:
        mm = ": are positions and max_dist both in um, and not one of them in mm?"
        looks_so = most < TINY * _extent([source, target], metric)
        yield (
            f"the nearest nodes are {nearest:.4g} apart and {law.name} is 0 beyond max_dist="
            f"{most:.4g}{mm if looks_so else '.'}"
        )


def _extent(positions: list[npt.NDArray[Any]], metric: Metric) -> float:
    """Return the diagonal of the box around all nodes."""
    both = np.concatenate(positions)[:, list(metric.axes)]
    return float(np.linalg.norm(both.max(axis=0) - both.min(axis=0)))


def _too_near(
    positions: list[npt.NDArray[Any]], metric: Metric, most: float, law: Law
) -> Iterator[str]:
    """Say how near all nodes are, when that is much less than the reach of a law."""
    extent = _extent(positions, metric)
    if 0 < extent < TINY * most:
        yield (
            f"all nodes are within {extent:.4g} of each other, and {law.name} reaches to max_dist="
            f"{most:.4g}, so distance hardly matters: are the positions in mm? They are taken as "
            "um."
        )
