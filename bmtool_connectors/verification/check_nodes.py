"""Checks of node files."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmtool_connectors.arrays import IntArray, is_repeated
from bmtool_connectors.reports.pool_names import conditions
from bmtool_connectors.sonata.datasets import H5Group, open_file, parts
from bmtool_connectors.sonata.digests import ColumnDigests, by_axis
from bmtool_connectors.sonata.folder import COLUMNS, open_population
from bmtool_connectors.sonata.layout import COORDINATES, NODE_ID, NODE_TYPE_ID, NODES
from bmtool_connectors.sonata.node_values import numbers_by_value, selected_nodes
from bmtool_connectors.sonata.open_tables import OpenTable, open_table, populations_in
from bmtool_connectors.sonata.type_tables import TypeTable
from bmtool_connectors.verification.check_groups import GroupCheck, row_of
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.network_files import Files
from bmtool_connectors.verification.tallies import Ids, Tally

#: What cells may be: with sections, without them, and inputs; and the model types of each.
KINDS = {"biophysical": 1, "point": 2, "virtual": 3}
MODELS = {"biophysical": 1, "point_neuron": 2, "point_process": 2, "virtual": 3}

#: What the text of a function, or of another object, holds, and that of a value hardly does.
OBJECT = ("<", "(")


def _selected(
    file: Path, name: str, types: Mapping[int, Mapping[str, str]], query: str
) -> Ids | None:
    """Return the nodes of a population that a query selects; None where that cannot be told.

    Raises
    ------
    ParameterError
        If the file cannot be read.
    """
    asked = conditions(query)
    if asked is None or any(sign in query for sign in OBJECT):
        return None
    # A list, or text that looks like one.
    texts = [part.partition("=='")[2].removesuffix("'") for part in query.split("&")]
    either = [(name, (*values, text)) for (name, values), text in zip(asked, texts, strict=False)]
    with open_population(file, NODES, name) as nodes:
        chosen = selected_nodes(nodes, types, either)
        return None if chosen is None else Ids(nodes.ids[0][chosen])


@dataclass(frozen=True)
class Nodes:
    """A population of nodes.

    Attributes
    ----------
    name : str
    file : Path
    ids : Ids
    kinds : dict of str to Ids
        Of cells with sections ('biophysical'), of those without ('point'), and of inputs
        ('virtual'); a node of none of them where it is not known.
    selected : callable or None
        Returns the nodes that the query of an edge type selects, None where that cannot be told.
        None where properties cannot be read.
    digests : dict of str to str
        Of the columns; see ``ColumnDigests``.
    types : TypeTable or None
    has_ids : bool
        Whether the file has their ids; else they are the numbers of the rows.
    """

    name: str
    file: Path
    ids: Ids
    kinds: dict[str, Ids]
    selected: Callable[[str], Ids | None] | None
    digests: dict[str, str]
    types: TypeTable | None
    has_ids: bool


def check_nodes(files: Files, found: Findings) -> dict[str, Nodes | None]:
    """Check all node files.

    Parameters
    ----------
    files : Files
    found : Findings

    Returns
    -------
    dict of str to (Nodes or None)
        Populations; None: it is there, but could not be read.
    """
    nodes: dict[str, Nodes | None] = {}
    for file in files.of(NODES):
        with found.reading(file), open_file(file) as h5:
            for name, population in populations_in(h5, NODES, found, file):
                nodes.setdefault(name, None)
                with found.reading(file, population=name):
                    one = _check(population, name, file, files.types.get((NODES, file)), found)
                    nodes[name] = one or nodes[name]
    return nodes


def _check(
    h5: H5Group, name: str, file: Path, types: TypeTable | None, found: Findings
) -> Nodes | None:
    table = open_table(h5, NODES, *COLUMNS[NODES], file, found)
    if table is None:
        return None
    type_of = table.column(NODE_TYPE_ID)
    has_ids = NODE_ID in table.columns
    ids = table.column(NODE_ID) if has_ids else np.arange(len(table))

    def where(row: int) -> dict[str, Any]:
        return {"population": name, "row": row, "ids": (int(ids[row]),)}

    def twice(row: int) -> str:
        return f"node id {ids[row]} stands in an earlier row, too"

    found.add_rows("node-id-twice", is_repeated(ids), twice, file, where)
    properties = {} if types is None else types.properties
    if types is None:
        if (type_of != -1).any():
            text = "there is no table of its types, which BMTK needs"
            found.add("no-types", text, file, population=name)
    else:
        name_of_table, unknown = types.file.name, ~np.isin(type_of, list(properties))

        def not_there(row: int) -> str:
            return f"node type {type_of[row]} is not in {name_of_table}"

        found.add_rows("node-type", unknown, not_there, file, where)
    selected, models, digests = None, np.zeros(len(ids), dtype=np.int64), {}
    if table.agree:
        groups = GroupCheck(table, file, found)
        for part in parts(len(table)):
            groups.add(*table.group_and_index(part), part.start)
        is_sound = groups.tell(where)
        _check_positions(table, file, found, where)
        digests = _digests(table, ids, type_of)
        if is_sound:
            selected = functools.cache(functools.partial(_selected, file, name, properties))
            with open_population(file, NODES, name) as nodes:
                model = numbers_by_value(nodes, properties, "model_type", MODELS)
            models = models if model is None else model
    kinds = {kind: Ids(ids[models == number]) for kind, number in KINDS.items()}
    return Nodes(name, file, Ids(ids), kinds, selected, digests, types, has_ids)


def _digests(table: OpenTable, ids: IntArray, types: IntArray) -> dict[str, str]:
    """Return the digests of the columns, as the builder makes them."""
    digests = ColumnDigests()
    digests.add([ids], {NODE_TYPE_ID: types})
    for part in parts(len(ids)):
        for _, group, within, index in table.by_group(*table.group_and_index(part)):
            if group.size is None:
                continue
            inside = (index >= 0) & (index < group.size)
            columns = {name: group.values(name, index[inside]) for name in group.columns}
            digests.add([ids[part][within][inside]], by_axis(columns))
    return digests.columns


def _check_positions(table: OpenTable, file: Path, found: Findings, where: Any) -> None:
    for number, group in table.groups.items():
        for name in COORDINATES:
            column = group.columns.get(name)
            if column is None:
                continue
            if column.dtype.kind not in "iuf":
                text = f"{name} is {column.dtype}, not a column of numbers"
                found.add("position", text, file, population=table.population)
                continue
            bad = Tally()
            for part in parts(len(column)):
                finite = np.isfinite(column[part])
                bad.add(~finite.reshape(len(finite), -1).all(axis=1), part.start)
            if bad:
                row = row_of(table, number, bad.first)
                place = {"population": table.population} if row is None else where(row)
                text = f"{name} is {column[bad.first]}, which is not finite"
                found.add("position", text, file, count=bad.count, **place)
