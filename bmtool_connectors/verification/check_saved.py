"""Checks of one edge type, and of nodes, against what a recipe says of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bmtool_connectors.sonata.recipe import is_file_name
from bmtool_connectors.verification.check_nodes import Nodes
from bmtool_connectors.verification.checked_edges import CheckedEdges, Pairs, SavedValues
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.network_files import Files
from bmtool_connectors.verification.recipe_entries import Entry, NodesTold, Recipe, Values

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
def check_entry(entry: Entry, rows: CheckedEdges, pairs: Pairs) -> None:
    """Compare the edges of a type with what a recipe says of them."""

    def tell(code: str, text: str) -> None:
        rows.tell(code, text, edge_type=entry.edge_type)

    as_told = True
    for code, noun, told, is_now in (
        ("recipe-pairs", "pairs", entry.pairs, len(pairs)),
        ("recipe-synapses", "synapses", entry.synapses, pairs.synapses),
    ):
        if told is not None and told != is_now:
            as_told = False
            tell(code, f"there are {is_now:,} {noun}, and {told:,} in {entry.recipe.name}")
    if as_told and entry.digest is not None and pairs.digest() != entry.digest:
        as_told = False
        if pairs.exchanged().digest() == entry.digest:
            text = f"source and target are exchanged, compared with {entry.recipe.name}"
            tell("recipe-direction", text)
        else:
            text = (
                f"there are as many pairs and synapses as in {entry.recipe.name}, but not the same "
                "ones (another seed, other nodes, or a change afterwards)"
            )
            tell("recipe-edges", text)
    if entry.values is not None and entry.edge_type in rows.values:
        for text in _value_differences(
            entry, entry.values, rows.values[entry.edge_type], has_same_pairs=as_told
        ):
            tell("recipe-values", text)
    if entry.properties is not None and entry.edge_type in rows.table:
        for text in _differences(entry.properties, rows.table[entry.edge_type]):
            tell("recipe-table", f"of the edge type {text}")


def check_indices_told(entries: Sequence[Entry], rows: CheckedEdges) -> None:
    """Report indices that were saved and are not there."""
    told = {name for each in entries if each.ends == rows.ends for name in each.indices}
    if told - rows.indices:
        lost = ", ".join(sorted(told - rows.indices))
        rows.tell("index-missing", f"{lost} of its indices were saved, and are not there")


def _value_differences(
    entry: Entry, told: Values, here: SavedValues, *, has_same_pairs: bool
) -> Iterator[str]:
    """Yield how the properties of rows differ from those that an entry tells of."""
    # The numbers of synapses of pairs are in the digest of pairs.
    added = here.names - told.columns.keys() - ({"nsyns"} if not entry.row_per_synapse else set())
    for name in sorted(here.lacking):
        yield f"{name} is in the recipe, and rows lack it"
    for name in sorted(added):
        yield f"{name} is a column, and the recipe has none of that name"
    if not has_same_pairs:
        return  # of other rows, digests say nothing
    different = [
        name
        for name, digest in here.digests.columns.items()
        if name not in here.lacking and digest != told.columns.get(name, digest)
    ]
    for name in different:
        yield f"values of {name} are not those of {entry.recipe.name}"
    if not different and not here.lacking and here.digests.whole != told.together:
        yield "values of several properties do not stand together as in the recipe"


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
            if entry.edge_type in types:
                different = _differences(entry.properties, types[entry.edge_type])
                texts = [f"of the edge type {text}" for text in different]
            else:
                texts = [f"edge type {entry.edge_type} is in no table, and it is in the recipe"]
            for text in texts:
                found.add("recipe-table", text, recipe.file, edge_type=entry.edge_type)


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
    nodes: Mapping[str, Nodes | None],
    files: Files,
    found: Findings,
) -> None:
    """Compare nodes with recipes, and with those that the recipes' edges were saved with."""
    told = {each.network: each for each in recipes if each.nodes is not None}
    for recipe in recipes:
        here = nodes.get(str(recipe.network))
        if recipe.nodes is not None and here is not None:
            _check_population(recipe.nodes, recipe.file.name, here, found)
        elif recipe.nodes is not None and recipe.network not in nodes:
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


def _check_population(saved: NodesTold, recipe: str, here: Nodes, found: Findings) -> None:
    """Compare the nodes of a network with what its recipe says of them."""
    name, told = here.name, saved.columns
    different = []
    for column in {**told, **here.digests}:
        before, now = told.get(column), here.digests.get(column)
        if before is None or now is None:
            is_now, was = ("no", "one") if now is None else ("a", "none")
            text = f"there is {is_now} column {column}, and {was} in {recipe}"
            found.add("recipe-nodes", text, here.file, population=name)
        elif before != now:
            different.append(column)
    if different:
        text = f"values of {', '.join(different)} are not those of {recipe}"
        if len(different) == len(told):
            text = f"node ids, or all of {', '.join(told)}, are not those of {recipe}"
        found.add("recipe-nodes", text, here.file, population=name)
    if not here.has_ids:
        text = f"node_id is missing, which {recipe} was saved with, and BMTK needs"
        found.add("missing-dataset", text, here.file, population=name)
    table = here.types
    if table is None:
        return
    if names := sorted(table.properties.keys() - saved.types.keys()):
        text = f"node type {names[0]} is there, and not in {recipe}"
        found.add("recipe-table", text, table.file, population=name, count=len(names))
    for number, properties in saved.types.items():
        texts = [f"node type {number} is not there, and it is in {recipe}"]
        if number in table.properties:
            different = _differences(properties, table.properties[number])
            texts = [f"of node type {number} {text}" for text in different]
        for text in texts:
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
            if name not in given and not (is_file_name(name) and file.is_file()):
                found.add("missing-file", f"it names {name!r}, which is not there", recipe.file)
            elif items is not None and not items:
                what = "nodes" if name in of_nodes else "edges or gap junctions"
                text = f"there are no {what} in it, and {recipe.file.name} says that there are"
                found.add("missing-dataset", text, file)
            elif name not in given and name in recipe.files and name.endswith(".h5"):
                unnamed.add(recipe.file)
    return unnamed
