"""Checks of edges against the recipe that was saved with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmtool_connectors.patterns.described import FORMAT
from bmtool_connectors.verification.chance import FEWEST, two_sided
from bmtool_connectors.verification.columns import IntArray
from bmtool_connectors.verification.edges import Rows
from bmtool_connectors.verification.findings import ChanceTest, Findings
from bmtool_connectors.verification.pairs import Pairs, n_common, pairs_of, swapped

__all__ = ["Chance", "Entry", "Realised", "check_recipes", "n_connected"]

#: What the values of interest begin with, in what is wanted.
QUANTITIES = ("forward", "backward", "reciprocal")
#: The largest whole numbers that floats hold exactly.
MOST = 1 << 53
#: Pairs up to which a recipe's law is never told from a sample.
ALWAYS_EXACT = 512


def _number(value: Any) -> float:
    """Return a number of a recipe; ValueError or TypeError if it is none, or cannot be a count."""
    if not 0 <= value <= MOST:
        raise ValueError(f"{value!r} is no number that counts anything")
    return float(value)


@dataclass(frozen=True)
class Entry:
    """What a recipe says of one edge type.

    Attributes
    ----------
    recipe : Path
    edge_type : int
    ends : tuple of str
        Source and target network.
    queries : tuple
        Filters of the source and the target pool.
    pairs, synapses : int
    digest : str
    connector : dict
        Class and parameters; empty where edges are of another rule.
    direction : str
    drawn, wanted : dict
        Counts of the draw, and what the laws give; empty where that is not known.
    """

    recipe: Path
    edge_type: int
    ends: tuple[str, str]
    queries: tuple[Any, Any]
    pairs: int
    synapses: int
    digest: str
    connector: dict[str, Any]
    direction: str
    drawn: dict[str, Any]
    wanted: dict[str, Any]

    @classmethod
    def of(cls, recipe: Path, given: Mapping[str, Any]) -> Entry:
        """Take the values of JSON; KeyError, TypeError or ValueError if they are others."""
        connector = dict(given.get("connector") or {})
        direction = str(connector.pop("direction", "forward"))
        drawn, wanted = (dict(connector.pop(name, None) or {}) for name in ("drawn", "wanted"))
        return cls(
            recipe,
            int(_number(given["edge_type_id"])),
            (str(given["source_network"]), str(given["target_network"])),
            (given.get("source_query"), given.get("target_query")),
            int(_number(given["pairs"])),
            int(_number(given["synapses"])),
            str(given["blake2b"]),
            connector,
            direction,
            {
                "pairs": int(_number(drawn.get("pairs", 0))),
                "dropped": int(_number(drawn.get("dropped", 0))),
                "connected": {k: int(_number(n)) for k, n in drawn.get("connected", {}).items()},
            },
            {k: _number(x) for k, x in wanted.items() if k.startswith(QUANTITIES)},
        )

    def connected(self) -> int | None:
        """Return how many pairs the connector drew in this direction."""
        return n_connected(self.drawn["connected"], self.direction)

    @property
    def within_one(self) -> bool:
        """Whether both directions are in one edge type."""
        return "all" in self.drawn["connected"]

    def is_reverse(self, other: Entry) -> bool:
        """Say whether another entry is the other direction of the same draw."""
        return (
            {self.direction, other.direction} == {"forward", "backward"}
            and self.ends == other.ends[::-1]
            and self.queries == other.queries[::-1]
            and self.connector == other.connector
            and self.drawn == other.drawn
        )


def n_connected(counts: Mapping[str, int], direction: str) -> int | None:
    """Return how many pairs were drawn in a direction, by the counts of a recipe; None: unknown."""
    if "all" in counts and "reciprocal" in counts:  # pairs of one population, either way
        return int(counts["all"] + counts["reciprocal"])
    found = counts.get(direction)
    return None if found is None else int(found)


def _entries(file: Path, found: Findings) -> list[Entry]:
    """Read a recipe."""
    recipe = None
    with found.reading(file):
        recipe = json.loads(file.read_text(encoding="utf-8"))
    if recipe is None:
        return []
    if not isinstance(recipe, dict) or not isinstance(recipe.get("edge_types"), list):
        found.add("recipe", "it has no list of edge types", file)
        return []
    if recipe.get("format") != FORMAT:
        text = f"its format is {recipe.get('format')!r}, and this version reads {FORMAT}"
        found.add("recipe", text, file)
        return []
    versions = recipe.get("versions")
    written = versions.get("bmtool_connectors") if isinstance(versions, dict) else None
    own = sys.modules["bmtool_connectors"].__version__
    if written != own:
        text = f"it was written by bmtool_connectors {written}, and this is {own}"
        found.add("versions", text, file)
    entries = []
    for number, given in enumerate(recipe["edge_types"]):
        try:
            entries.append(Entry.of(file, given))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            text = f"what it says of an edge type is not complete ({error!r})"
            found.add("recipe", text, file, row=number)
    return entries


def check_recipes(
    files: Sequence[Path], edges: Sequence[Rows], alarm_rate: float, unread: bool, found: Findings
) -> list[ChanceTest]:
    """Check edges against recipes.

    Parameters
    ----------
    files : sequence of Path
        The recipes.
    edges : sequence of Rows
    alarm_rate : float
        How often all tests together may find a good network improbable.
    unread : bool
        Whether there are edges that could not be read.
    found : Findings

    Returns
    -------
    list of ChanceTest
    """
    entries = [entry for file in files for entry in _entries(file, found)]
    told: dict[tuple[str | None, str | None], set[int]] = {}
    for entry in entries:
        told.setdefault(entry.ends, set()).add(entry.edge_type)
    realised: list[Realised] = []
    for rows in edges:
        for number in rows.of_type:
            pairs = pairs_of(rows, number)
            _check_repeated(rows, number, pairs, found)
            for entry in entries:
                if entry.ends == rows.ends and entry.edge_type == number:
                    _check_entry(entry, rows, pairs, found)
                    realised.append(Realised(entry, rows.file, rows.population, pairs.keys))
        _check_told(rows, told, found)
    here = {id(each.entry) for each in realised}
    for entry in entries:
        if id(entry) in here:
            continue
        if not entry.pairs:
            realised.append(Realised(entry, entry.recipe, None, np.empty(0, dtype=np.int64)))
        elif not unread:
            known = any(rows.ends == entry.ends for rows in edges)
            text = (
                f"edge type {entry.edge_type} from {entry.ends[0]} to {entry.ends[1]} has "
                f"{entry.pairs:,} pairs in it, and "
                + ("no row of the edges" if known else "there is no file of these edges")
            )
            code = "recipe-type" if known else "missing-file"
            found.add(code, text, entry.recipe, edge_type=entry.edge_type)
    return Chance(realised, found).tests(alarm_rate)


def _check_repeated(rows: Rows, number: int, pairs: Pairs, found: Findings) -> None:
    """Report pairs in several rows that each say how many synapses they are."""
    if pairs.repeated and number not in rows.per_synapse | set(rows.gap_types()):
        text = "an earlier row has the same pair, and both have a number of synapses (nsyns)"
        where = rows.where(pairs.repeated.first)
        found.add("pair-twice", text, rows.file, count=pairs.repeated.count, **where)


def _check_told(
    rows: Rows, told: Mapping[tuple[str | None, str | None], set[int]], found: Findings
) -> None:
    """Report edge types that no recipe tells of."""
    known = told.get(rows.ends)
    if known is None:
        text = "no recipe tells how these edges were made: only their structure is checked"
        found.add("structure-only", text, rows.file, population=rows.population)
        return
    for number, chosen in rows.of_type.items():
        # One that is in no table of types either has been reported.
        if number not in known and (number in rows.table or not rows.table):
            first = 0 if isinstance(chosen, slice) else int(chosen[0])
            text = f"no recipe tells of edge type {number}"
            found.add("recipe-type", text, rows.file, **rows.where(first))


def _check_entry(entry: Entry, rows: Rows, pairs: Pairs, found: Findings) -> None:
    """Compare counts and digest of an edge type."""
    where = {"population": rows.population, "edge_type": entry.edge_type}
    as_told = True
    for code, noun, told, is_now in (
        ("recipe-pairs", "pairs", entry.pairs, len(pairs)),
        ("recipe-synapses", "synapses", entry.synapses, pairs.synapses),
    ):
        if told != is_now:
            as_told = False
            text = f"there are {is_now:,} {noun}, and {told:,} in {entry.recipe.name}"
            found.add(code, text, rows.file, **where)
    if not as_told or pairs.digest() == entry.digest:
        return
    if pairs.exchanged().digest() == entry.digest:
        text = f"source and target are exchanged, compared with {entry.recipe.name}"
        found.add("recipe-direction", text, rows.file, **where)
        return
    text = (
        f"there are as many pairs and synapses as in {entry.recipe.name}, but not the same ones "
        "(another seed, other nodes, or a change afterwards)"
    )
    found.add("recipe-edges", text, rows.file, **where)


@dataclass(frozen=True)
class Realised:
    """The edges of one entry.

    Attributes
    ----------
    entry : Entry
    file : Path
    population : str or None
    keys : ndarray of int64, shape (m,)
        The pairs, see `Pairs`.
    """

    entry: Entry
    file: Path
    population: str | None
    keys: IntArray


class Chance:
    """Numbers of edges against what the laws of recipes give."""

    def __init__(self, realised: Sequence[Realised], found: Findings) -> None:
        self._realised, self._found = realised, found
        self._untested: dict[Path, dict[str, list[int]]] = {}
        self._tests: list[tuple[ChanceTest, Realised]] = []

    def tests(self, alarm_rate: float) -> list[ChanceTest]:
        """Make all tests, and report those that fail."""
        for each in self._realised:
            entry = each.entry
            if not entry.connector:
                continue  # BMTK's rules have no law
            reason = self._why_not(entry)
            if reason:
                self._leave_out(entry, reason)
                continue
            self._test(each, "edges", entry.direction, len(each.keys))
            n = self._reciprocal(each)
            if n is not None:
                self._check_reciprocal(each, n)
                self._test(each, "reciprocal", "reciprocal", n)
        uncertain = sum(test.sd > 0 for test, _ in self._tests)
        for test, each in self._tests:
            if test.p_value < alarm_rate / max(uncertain, 1):
                self._report(test, each)
        for file, reasons in self._untested.items():
            for reason, types in reasons.items():
                several = f"type{'s' * (len(types) > 1)} {', '.join(map(str, sorted(types)))}"
                text = f"the numbers of edge {several} are not tested: {reason}"
                self._found.add("not-tested", text, file)
        return [test for test, _ in self._tests]

    def _leave_out(self, entry: Entry, reason: str) -> None:
        types = self._untested.setdefault(entry.recipe, {}).setdefault(reason, [])
        if entry.edge_type not in types:
            types.append(entry.edge_type)

    @staticmethod
    def _why_not(entry: Entry) -> str:
        """Return why an entry cannot be tested; '' if it can."""
        if not entry.wanted or entry.connected() is None:
            return "the recipe does not say what the law gives"
        if entry.drawn["dropped"]:
            return "pairs were drawn that got no synapse"
        if f"{entry.direction}_sd" not in entry.wanted:
            return "the recipe does not say how much the law scatters"
        if entry.connected() != entry.pairs:
            return "a part of what was drawn was added"
        return ""

    def _test(self, each: Realised, quantity: str, name: str, realised: int) -> None:
        """Test a number of edges, or of reciprocal pairs."""
        entry = each.entry
        wanted, sd, error = (entry.wanted.get(name + of, 0.0) for of in ("", "_sd", "_error"))
        pairs: int = entry.drawn["pairs"]
        if not pairs:
            return  # there is nothing to be connected
        coarse = error > 0 and (wanted / error) ** 2 < FEWEST
        if coarse or (not wanted and pairs > ALWAYS_EXACT):
            if realised or wanted:
                self._leave_out(entry, "the recipe tells what the law gives from too few pairs")
            return
        # A pair of one population has two directions, and both may change together.
        both = entry.within_one and quantity == "edges"
        jump = max(1.0 + both, entry.wanted.get("forward_jump", 1.0))
        p_value = two_sided(realised, wanted, sd, error, jump)
        spread = (sd**2 + error**2) ** 0.5
        test = ChanceTest(
            each.file.name, entry.edge_type, quantity, pairs * (1 + both), wanted, spread,
            realised, p_value,
        )  # fmt: skip
        self._tests.append((test, each))

    def _reciprocal(self, each: Realised) -> int | None:
        """Return how many pairs are connected both ways; None where that is not asked for."""
        entry = each.entry
        if "reciprocal" not in entry.drawn["connected"]:
            return None
        if entry.within_one:
            back = swapped(each.keys)
            alone = int((back == each.keys).sum())
            back.sort()
            return (n_common(each.keys, back) - alone) // 2
        if entry.direction != "forward":
            return None
        for other in self._realised:
            if entry.is_reverse(other.entry) and not self._why_not(other.entry):
                back = swapped(other.keys)
                back.sort()
                return n_common(each.keys, back)
        return None

    def _check_reciprocal(self, each: Realised, n: int) -> None:
        entry = each.entry
        drawn = entry.drawn["connected"]["reciprocal"]
        if n != drawn:
            text = f"there are {n:,} reciprocal pairs, and {drawn:,} in {entry.recipe.name}"
            where = {"population": each.population, "edge_type": entry.edge_type}
            self._found.add("recipe-reciprocal", text, each.file, **where)

    def _report(self, test: ChanceTest, each: Realised) -> None:
        noun = "edges" if test.quantity == "edges" else "reciprocal pairs"
        name = each.entry.direction if test.quantity == "edges" else "reciprocal"
        about = "about " * bool(each.entry.wanted.get(f"{name}_error"))
        text = (
            f"there are {test.realised:,} {noun} (probability {test.realised / test.pairs:.4g}), "
            f"and the recipe's law gives {about}{test.wanted:,.1f} ({test.wanted / test.pairs:.4g})"
        )
        if test.sd:
            text += f": {abs(test.z):.1f} standard deviations, p = {test.p_value:.1g}"
        where = {"population": each.population, "edge_type": test.edge_type}
        self._found.add(f"chance-{test.quantity}", text, each.file, **where)
