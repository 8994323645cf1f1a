"""Checks of one edge type, and of nodes, against what a recipe says of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from bmtool_connectors.verification.check_nodes import Nodes
from bmtool_connectors.verification.checked_edges import CheckedEdges
from bmtool_connectors.verification.connected_pairs import Pairs
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.network_files import Files
from bmtool_connectors.verification.recipe_entries import Entry, Recipe

__all__ = [
    *("check_entry", "check_files", "check_indices_told", "check_nodes_told", "check_tables"),
    "columns_told",
]

Told = dict[tuple[str | None, str | None], dict[int, Collection[str]]]


def columns_told(recipes: Sequence[Recipe]) -> Told:
    """Return the columns that recipes tell of, by the networks of an edge type and its id."""
    told: Told = {}
    for recipe in recipes:
        for entry in recipe.entries:
            if entry.values is not None:
                told.setdefault(entry.ends, {})[entry.edge_type] = tuple(entry.values.columns)
    return told


# ---------------------------------------------------------------------- edges
def check_entry(entry: Entry, rows: CheckedEdges, pairs: Pairs, found: Findings) -> None:
    """Compare the edges of a type with what a recipe says of them."""
    _check_pairs(entry, rows, pairs, found)
    _check_values(entry, rows, found)
    where = {"population": rows.population, "edge_type": entry.edge_type}
    if entry.properties is not None and entry.edge_type in rows.table:
        for text in _differences(entry.properties, rows.table[entry.edge_type]):
            found.add("recipe-table", f"of the edge type {text}", rows.file, **where)


def check_indices_told(entries: Sequence[Entry], rows: CheckedEdges, found: Findings) -> None:
    """Report indices that were saved and are not there."""
    told = {name for each in entries if each.ends == rows.ends for name in each.indices}
    if lost := sorted(told - rows.indices):
        text = f"{', '.join(lost)} of its indices were saved, and are not there"
        found.add("index-missing", text, rows.file, population=rows.population)


def _check_pairs(entry: Entry, rows: CheckedEdges, pairs: Pairs, found: Findings) -> None:
    where = {"population": rows.population, "edge_type": entry.edge_type}
    as_told = True
    for code, noun, told, is_now in (
        ("recipe-pairs", "pairs", entry.pairs, len(pairs)),
        ("recipe-synapses", "synapses", entry.synapses, pairs.synapses),
    ):
        if told is not None and told != is_now:
            as_told = False
            text = f"there are {is_now:,} {noun}, and {told:,} in {entry.recipe.name}"
            found.add(code, text, rows.file, **where)
    if not as_told or entry.digest is None or pairs.digest() == entry.digest:
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


def _check_values(entry: Entry, rows: CheckedEdges, found: Findings) -> None:
    """Compare the properties of rows; where pairs differ, all of them do."""
    where = {"population": rows.population, "edge_type": entry.edge_type}
    told, here = entry.values, rows.values.get(entry.edge_type)
    if told is None or here is None:
        return
    # The numbers of synapses of pairs are in the digest of pairs.
    added = here.names - told.columns.keys() - ({"nsyns"} if not entry.row_per_synapse else set())
    for names, text in (
        (sorted(here.lacking), "is in the recipe, and rows lack it"),
        (sorted(added), "is a column, and the recipe has none of that name"),
    ):
        for name in names:
            found.add("recipe-values", f"{name} {text}", rows.file, **where)
    if any(
        each.code in ("recipe-pairs", "recipe-synapses", "recipe-edges", "recipe-direction")
        and (each.population, each.edge_type) == (rows.population, entry.edge_type)
        for each in found.found
    ):
        return  # of other rows, digests say nothing
    different = [
        name
        for name, digest in here.digests.columns.items()
        if name not in here.lacking and digest != told.columns.get(name, digest)
    ]
    for name in different:
        text = f"values of {name} are not those of {entry.recipe.name}"
        found.add("recipe-values", text, rows.file, **where)
    if not different and not here.lacking and here.digests.whole != told.together:
        text = "values of several properties do not stand together as in the recipe"
        found.add("recipe-values", text, rows.file, **where)


# ---------------------------------------------------------------------- types
def check_tables(recipes: Sequence[Recipe], files: Files, found: Findings) -> None:
    """Compare which types tables have, and what they say of types without edges."""
    known = {entry.edge_type for recipe in recipes for entry in recipe.entries}
    for recipe in recipes:
        tables = {
            file.name: table.properties
            for file, table in files.tables.items()
            if table.item == "edges" and file.name in recipe.files
        }
        types = {kind: row for table in tables.values() for kind, row in table.items()}
        for name, table in tables.items():
            if more := sorted(table.keys() - known):
                text = f"edge type {more[0]} is there, and not in {recipe.file.name}"
                found.add("recipe-table", text, name, edge_type=more[0], count=len(more))
        for entry in recipe.entries if tables else ():
            if entry.properties is None or entry.pairs != 0:
                continue
            row = types.get(entry.edge_type)
            where = {"edge_type": entry.edge_type}
            if row is None:
                text = f"edge type {entry.edge_type} is in no table, and it is in the recipe"
                found.add("recipe-table", text, recipe.file, **where)
                continue
            for text in _differences(entry.properties, row):
                found.add("recipe-table", f"of the edge type {text}", recipe.file, **where)


def _differences(told: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Return how the properties of a type, as text, differ."""
    found = []
    for name in {**told, **here}:
        before, now = _comparable(told.get(name)), _comparable(here.get(name))
        if before != now:
            texts = [each.get(name, "NULL") for each in (here, told)]
            found.append(f"{name} is {texts[0]!r}, and {texts[1]!r} in the recipe")
    return found


def _comparable(text: str | None) -> Any:
    """Return what is equal for the same value in tables of different tools."""
    if text is None or text in ("", "NULL"):
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return None if math.isnan(number) else number


# ---------------------------------------------------------------------- nodes
def check_nodes_told(
    recipes: Sequence[Recipe],
    nodes: Mapping[str, Nodes],
    unread: set[str],
    files: Files,
    found: Findings,
) -> None:
    """Compare nodes with recipes, and with those that the recipes' edges were saved with."""
    told = {each.network: each for each in recipes if each.nodes is not None}
    for recipe in recipes:
        if recipe.network in nodes:
            _check_population(recipe, nodes[str(recipe.network)], found)
        elif recipe.nodes is not None and recipe.network not in unread:
            names = {file.name for file in files.of("nodes")}
            if names & set(recipe.nodes.files):  # else it is missing, or was not asked for
                text = f"there are no nodes of {recipe.network!r} in their file"
                found.add("recipe-nodes", text, recipe.file, population=recipe.network)
        known = told.get(recipe.network)
        if known is None or known.nodes is None:
            continue
        now = known.nodes.digest
        others = [each.edge_type for each in recipe.entries if each.nodes not in (None, now)]
        if others:
            text = (
                f"the nodes of {recipe.network!r} were saved again, and are not those that edges "
                f"(type {', '.join(map(str, others))}) were saved with"
            )
            found.add("recipe-nodes", text, recipe.file, edge_type=others[0])


def _check_population(recipe: Recipe, here: Nodes, found: Findings) -> None:
    """Compare the nodes of a network with what its recipe says of them."""
    if recipe.nodes is None:
        return
    name, told = here.name, recipe.nodes.columns
    different = []
    for column in {**told, **here.digests}:
        before, now = told.get(column), here.digests.get(column)
        if before is None or now is None:
            is_now, was = ("no", "one") if now is None else ("a", "none")
            text = f"there is {is_now} column {column}, and {was} in {recipe.file.name}"
            found.add("recipe-nodes", text, here.file, population=name)
        elif before != now:
            different.append(column)
    if different:
        text = f"values of {', '.join(different)} are not those of {recipe.file.name}"
        if len(different) == len(told):
            text = f"node ids, or all of {', '.join(told)}, are not those of {recipe.file.name}"
        found.add("recipe-nodes", text, here.file, population=name)
    if not here.has_ids:
        text = f"node_id is missing, which {recipe.file.name} was saved with, and BMTK needs"
        found.add("missing-dataset", text, here.file, population=name)
    table = here.types
    if table is None:
        return
    if names := sorted(table.properties.keys() - recipe.nodes.types.keys()):
        text = f"node type {names[0]} is there, and not in {recipe.file.name}"
        found.add("recipe-table", text, table.file, population=name, count=len(names))
    for number, properties in recipe.nodes.types.items():
        if number not in table.properties:
            text = f"node type {number} is not there, and it is in {recipe.file.name}"
            found.add("recipe-table", text, table.file, population=name)
            continue
        for text in _differences(properties, table.properties[number]):
            text = f"of node type {number} {text}"
            found.add("recipe-table", text, table.file, population=name)


# ---------------------------------------------------------------------- files
def check_files(recipes: Sequence[Recipe], files: Files, found: Findings) -> set[Path]:
    """Report files that a recipe names and that are neither beside it nor among those given.

    Returns
    -------
    set of Path
        Recipes with files of edges beside them that a configuration does not name.
    """
    unnamed = set()
    given = {file.name for file in files.h5} | {table.file.name for table in files.types.values()}
    for recipe in recipes:
        of_nodes = recipe.nodes.files if recipe.nodes else ()
        for name in dict.fromkeys((*recipe.files, *of_nodes)):
            file = recipe.file.parent / name
            items = files.h5.get(file)
            if name not in given and not file.is_file():
                found.add("missing-file", f"it names {name!r}, which is not there", recipe.file)
            elif items is not None and not items:
                what = "nodes" if name in of_nodes else "edges or gap junctions"
                text = f"there are no {what} in it, and {recipe.file.name} says that there are"
                found.add("missing-dataset", text, file)
            elif name not in given and name in recipe.files and name.endswith(".h5"):
                unnamed.add(recipe.file)
    return unnamed
