"""Checks of edges against the recipe that was saved with them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bmtool_connectors.arrays import IntArray
from bmtool_connectors.verification.chance import FEWEST, two_sided
from bmtool_connectors.verification.check_saved import check_entry, check_indices_told
from bmtool_connectors.verification.checked_edges import (
    CheckedEdges,
    n_reciprocal,
    pairs_of,
    swapped,
)
from bmtool_connectors.verification.findings import ChanceTest, Findings
from bmtool_connectors.verification.recipe_entries import Entry, Recipe

#: Pairs up to which a recipe's law is never told from a sample.
ALWAYS_EXACT = 512
#: What is wrong with a pair in several rows that each say how many synapses they are.
TWICE = "an earlier row has the same pair, and both have a number of synapses (nsyns)"


def check_recipes(
    recipes: Sequence[Recipe],
    edges: Sequence[CheckedEdges],
    alarm_rate: float,
    partial: Collection[Path],
    found: Findings,
) -> list[ChanceTest]:
    """Check edges against recipes.

    Parameters
    ----------
    recipes : sequence of Recipe
    edges : sequence of CheckedEdges
    alarm_rate : float
        How often all tests together may find a good network improbable.
    partial : collection of Path
        Recipes of which there may be edges that were not read.
    found : Findings

    Returns
    -------
    list of ChanceTest
    """
    entries = [entry for recipe in recipes for entry in recipe.entries]
    populations = {(rows.ends, rows.population) for rows in edges}
    observed: list[ObservedEdges] = []
    for rows in edges:
        for number in rows.of_type:
            own = [each for each in entries if (each.ends, each.edge_type) == (rows.ends, number)]
            is_synapse = any(each.row_per_synapse for each in own)
            pairs = pairs_of(rows, number, is_synapse)
            if pairs.repeated and number not in rows.per_synapse | set(rows.gap_types()):
                rows.tell("pair-twice", TWICE, pairs.repeated.first, count=pairs.repeated.count)
            for entry in own:
                check_entry(entry, rows, pairs)
                observed.append(ObservedEdges(entry, rows.file, rows.population, pairs.keys))
        check_indices_told(entries, rows)
        _check_told(rows, {each.edge_type for each in entries if each.ends == rows.ends})
    here = Counter(id(each.entry) for each in observed)
    for entry in entries:
        if here[id(entry)] > 1:
            text = f"edge type {entry.edge_type} is in {here[id(entry)]} populations, saved in one"
            found.add("recipe-population", text, entry.recipe, edge_type=entry.edge_type)
        if id(entry) in here:
            if entry.population and (entry.ends, entry.population) not in populations:
                text = f"the recipe has its edges in a population {entry.population!r}"
                found.add("recipe-population", text, entry.recipe, edge_type=entry.edge_type)
            continue
        if entry.pairs == 0:
            observed.append(ObservedEdges(entry, entry.recipe, None, np.empty(0, dtype=np.int64)))
        elif entry.recipe not in partial:
            known = any(rows.ends == entry.ends for rows in edges)
            n = "an unknown number of" if entry.pairs is None else f"{entry.pairs:,}"
            text = (
                f"edge type {entry.edge_type} from {entry.ends[0]} to {entry.ends[1]} has "
                f"{n} pairs in it, and "
                + ("no row of the edges" if known else "there is no file of these edges")
            )
            code = "recipe-type" if known else "missing-file"
            found.add(code, text, entry.recipe, edge_type=entry.edge_type)
    return Chance(observed, found).tests(alarm_rate)


def _check_told(rows: CheckedEdges, known: Collection[int]) -> None:
    """Report edge types that no recipe tells of."""
    if not known:
        text = "no recipe tells how these edges were made: only their structure is checked"
        rows.tell("structure-only", text)
        return
    for number, chosen in rows.of_type.items():
        # One that is in no table of types either has been reported.
        if number not in known and (number in rows.table or not rows.table):
            first = 0 if isinstance(chosen, slice) else int(chosen[0])
            rows.tell("recipe-type", f"no recipe tells of edge type {number}", first)


@dataclass(frozen=True)
class ObservedEdges:
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

    def __init__(self, observed: Sequence[ObservedEdges], found: Findings) -> None:
        self._observed, self._found = observed, found
        self._untested: dict[Path, dict[str, set[int]]] = {}
        self._tests: list[tuple[ChanceTest, ObservedEdges]] = []

    def tests(self, alarm_rate: float) -> list[ChanceTest]:
        """Make all tests, and report those that fail."""
        for each in self._observed:
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
                drawn = entry.drawn["connected"]["reciprocal"]
                if n != drawn:
                    text = f"there are {n:,} reciprocal pairs, and {drawn:,} in {entry.recipe.name}"
                    self._tell("recipe-reciprocal", text, each)
                self._test(each, "reciprocal", "reciprocal", n)
        uncertain = sum(bool(test.sd) for test, _ in self._tests)
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
        reasons = self._untested.setdefault(entry.recipe, {})
        reasons.setdefault(reason, set()).add(entry.edge_type)

    @staticmethod
    def _why_not(entry: Entry) -> str:
        """Return why an entry cannot be tested; '' if it can."""
        if entry.expected is None or entry.connected() is None or entry.pairs is None:
            return "the recipe does not say what the law gives"
        if entry.drawn["dropped"]:
            return "pairs were drawn that got no synapse"
        if entry.expected.number(entry.direction).sd is None:
            return "the recipe does not say how much the law scatters"
        if entry.connected() != entry.pairs:
            return "a part of what was drawn was added"
        return ""

    def _test(self, each: ObservedEdges, quantity: str, name: str, observed: int) -> None:
        """Test a number of edges, or of reciprocal pairs."""
        entry = each.entry
        assert entry.expected is not None  # see _why_not
        mean, sd, error = (moment or 0.0 for moment in entry.expected.number(name))
        pairs: int = entry.drawn["pairs"]
        if not pairs:
            return  # there is nothing to be connected
        coarse = error > 0 and (mean / error) ** 2 < FEWEST
        if coarse or (not mean and pairs > ALWAYS_EXACT):
            if observed or mean:
                self._leave_out(entry, "the recipe tells what the law gives from too few pairs")
            return
        # A pair of one population has two directions, and both may change together.
        both = entry.within_one and quantity == "edges"
        max_step = max(1.0 + both, entry.expected.max_step)
        test = ChanceTest(
            quantity,
            expected=mean,
            sd=math.hypot(sd, error),
            observed=observed,
            estimated=error > 0,
            file=each.file.name,
            edge_type=entry.edge_type,
            pairs=pairs * (1 + both),
            p_value=two_sided(observed, mean, sd, error, max_step),
        )
        self._tests.append((test, each))

    def _reciprocal(self, each: ObservedEdges) -> int | None:
        """Return how many pairs are connected both ways; None where that is not asked for."""
        entry = each.entry
        if "reciprocal" not in entry.drawn["connected"]:
            return None
        if entry.within_one:
            alone = int((swapped(each.keys) == each.keys).sum())
            return (n_reciprocal(each.keys, each.keys) - alone) // 2
        if entry.direction != "forward":
            return None
        for other in self._observed:
            if entry.is_reverse(other.entry) and not self._why_not(other.entry):
                return n_reciprocal(each.keys, other.keys)
        return None

    def _report(self, test: ChanceTest, each: ObservedEdges) -> None:
        noun = "edges" if test.quantity == "edges" else "reciprocal pairs"
        observed, expected = test.observed or 0, test.expected or 0.0
        text = (
            f"there are {observed:,} {noun} (probability {observed / test.pairs:.4g}), and the "
            f"recipe's law gives {'about ' * test.estimated}{expected:,.1f} "
            f"({expected / test.pairs:.4g})"
        )
        if test.sd and test.z is not None:
            text += f": {abs(test.z):.1f} standard deviations, p = {test.p_value:.1g}"
        self._tell(f"chance-{test.quantity}", text, each)

    def _tell(self, code: str, text: str, each: ObservedEdges) -> None:
        where = {"population": each.population, "edge_type": each.entry.edge_type}
        self._found.add(code, text, each.file, **where)
