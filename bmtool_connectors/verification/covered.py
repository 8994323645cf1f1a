"""What a check could not look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bmtool_connectors.verification.checked_edges import CheckedEdges
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.recipe_entries import Recipe

__all__ = ["not_covered"]

#: What is not looked at of any network.
NEVER = "files that the tables of types name (dynamics_params, morphologies, models)"


def not_covered(
    rows: Mapping[str, int],
    recipes: Sequence[Recipe],
    edges: Sequence[CheckedEdges],
    found: Findings,
) -> tuple[str, ...]:
    """Return what was not looked at, the gravest first.

    Parameters
    ----------
    rows : mapping of str to int
        Populations of nodes and edges that were read.
    recipes : sequence of Recipe
    edges : sequence of CheckedEdges
    found : Findings
    """
    if not rows:
        return ("all of it: no nodes or edges were read",)
    left_out = []
    if found.has("unreadable", "missing-dataset", "length", "dtype", "id-floats"):
        left_out.append("what could not be read as a table")
    told = {entry.ends for recipe in recipes for entry in recipe.entries}
    alone = [each.population for each in edges if each.ends not in told]
    if alone:
        left_out.append(f"whether edges are those that were saved (no recipe: {_names(alone)})")
    valued = {
        entry.ends
        for recipe in recipes
        for entry in recipe.entries
        if entry.values is not None or not entry.pairs
    }
    bare = [each.population for each in edges if each.ends in told - valued]
    if bare:
        left_out.append(f"values of properties (not in the recipe: {_names(bare)})")
    known = {each.network for each in recipes if each.nodes is not None}
    nodes = [name.removeprefix("nodes ") for name in rows if name.startswith("nodes ")]
    unknown = [name for name in nodes if name not in known]
    if unknown:
        left_out.append(f"whether nodes are those that were saved (no recipe: {_names(unknown)})")
    absent = {str(end) for each in edges for end in each.ends if end not in nodes}
    if absent:
        left_out.append(f"nodes that are not there ({_names(sorted(absent))})")
    if told:
        left_out.append("laws against distance, and whether rules give the values of properties")
    return (*left_out, NEVER)


def _names(names: Sequence[str], most: int = 3) -> str:
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - most} more" * (len(names) > most)
    return ", ".join(names[:most]) + more
