"""Checks of node files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bmtool_connectors.sonata.digests import ColumnDigests, by_axis
from bmtool_connectors.sonata.layout import COORDINATES
from bmtool_connectors.verification.columns import (
    Ids,
    IntArray,
    Tally,
    integers,
    is_table,
    missing,
    parts,
)
from bmtool_connectors.verification.files import Files, TypeTable
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.groups import Groups
from bmtool_connectors.verification.queries import NodeValues

__all__ = ["Nodes", "check_nodes"]

#: What cells may be: with sections, without them (three names), and inputs.
MODELS = {"biophysical": 1, "point_neuron": 2, "point_process": 2, "virtual": 3}


@dataclass(frozen=True)
class Nodes:
    """A population of nodes.

    Attributes
    ----------
    name : str
    file : Path
    ids : Ids
    biophysical, point, virtual : Ids
        Of cells with sections, of those without, and of inputs; neither where it is not known.
    values : NodeValues
        Properties, which are read when they are asked for.
    digests : dict of str to str
        Of the columns; see ``ColumnDigests``.
    types : TypeTable or None
    has_ids : bool
        Whether the file has their ids; else they are the numbers of the rows.
    """

    name: str
    file: Path
    ids: Ids
    biophysical: Ids
    point: Ids
    virtual: Ids
    values: NodeValues
    digests: dict[str, str]
    types: TypeTable | None
    has_ids: bool


def check_nodes(
    files: Files, found: Findings, rows: dict[str, int]
) -> tuple[dict[str, Nodes], set[str]]:
    """Check all node files.

    Parameters
    ----------
    files : Files
    found : Findings
    rows : dict
        Gets the number of nodes of each population.

    Returns
    -------
    nodes : dict of str to Nodes
        Populations that could be read.
    unread : set of str
        Populations that are there, but could not.
    """
    nodes: dict[str, Nodes] = {}
    unread: set[str] = set()
    for file in files.of("nodes"):
        with found.reading(file), h5py.File(file, "r") as h5:
            for name, population in h5["nodes"].items():
                if not isinstance(population, h5py.Group):
                    continue
                unread.add(name)
                with found.reading(file, population=name):
                    one = _check(population, name, file, files.types.get(("nodes", file)), found)
                    if one is not None:
                        unread.discard(name)
                        nodes[name] = one
                        rows[f"nodes {name}"] = len(one.ids)
    return nodes, unread


def _check(
    h5: h5py.Group, name: str, file: Path, table: TypeTable | None, found: Findings
) -> Nodes | None:
    if missing(h5, ["node_type_id"], file, found):
        return None
    groups = Groups(h5, "node", file, found)
    columns = {"node_type_id": h5["node_type_id"], **groups.named()}
    # Files of libsonata leave the ids out: they are then the row numbers.
    if isinstance(h5.get("node_id"), h5py.Dataset):
        columns["node_id"] = h5["node_id"]
    if not is_table(columns, file, name, found):
        return None
    types = integers(h5["node_type_id"])
    ids = integers(columns["node_id"]) if "node_id" in columns else np.arange(len(types))

    def where(row: int) -> dict[str, Any]:
        return {"population": name, "row": row, "ids": (int(ids[row]),)}

    _check_ids(ids, file, found, where)
    if table is None:
        if (types != -1).any():
            text = "there is no table of its types, which BMTK needs"
            found.add("no-types", text, file, population=name)
    else:
        unknown = Tally()
        unknown.add(~Ids(np.array(list(table.properties), dtype=np.int64)).holds(types))
        if unknown:
            text = f"node type {types[unknown.first]} is not in {table.file.name}"
            found.add("node-type", text, file, count=unknown.count, **where(unknown.first))
    if groups.agree:
        for part in parts(len(types)):
            groups.check(*groups.read(part), part.start)
        groups.tell(found, where)
        _check_positions(groups, len(types), found, where)
    known = {} if table is None else table.properties
    values = NodeValues(file, name, ids, types, known)
    models = values.matching("model_type", MODELS) if groups.agree else None
    biophysical, point, virtual = (
        Ids(ids[:0] if models is None else ids[models == k]) for k in range(1, 4)
    )
    digests = _digests(groups, ids, types) if groups.agree else {}
    found_ids = "node_id" in columns
    kinds = biophysical, point, virtual
    return Nodes(name, file, Ids(ids), *kinds, values, digests, table, found_ids)


def _digests(groups: Groups, ids: IntArray, types: IntArray) -> dict[str, str]:
    """Return the digests of the columns, as the builder makes them."""
    digests = ColumnDigests()
    digests.add([ids], {"node_type_id": types})
    for part in parts(len(ids)):
        for group, within, places in groups.rows(*groups.read(part)):
            if group.size is None:
                continue
            inside = (places >= 0) & (places < group.size)
            columns = {name: group.values(name, places[inside]) for name in group.columns}
            digests.add([ids[part][within][inside]], by_axis(columns))
    return digests.columns


def _check_ids(ids: IntArray, file: Path, found: Findings, where: Any) -> None:
    order = np.argsort(ids, kind="stable")
    again = np.zeros(len(ids), dtype=bool)
    again[order[1:]] = np.diff(ids[order]) == 0
    twice = Tally()
    twice.add(again)
    if twice:
        text = f"node id {ids[twice.first]} stands in an earlier row, too"
        found.add("node-id-twice", text, file, count=twice.count, **where(twice.first))


def _check_positions(groups: Groups, n: int, found: Findings, where: Any) -> None:
    for number, group in groups.groups.items():
        for name in COORDINATES:
            column = group.columns.get(name)
            if column is None:
                continue
            if column.dtype.kind not in "iuf":
                text = f"{name} is {column.dtype}, not a column of numbers"
                found.add("position", text, groups.file, population=groups.population)
                continue
            bad = Tally()
            for part in parts(len(column)):
                finite = np.isfinite(column[part])
                bad.add(~finite.reshape(len(finite), -1).all(axis=1), part.start)
            if bad:
                row = groups.row_of(number, bad.first, n)
                place = {"population": groups.population} if row is None else where(row)
                text = f"{name} is {column[bad.first]}, which is not finite"
                found.add("position", text, groups.file, count=bad.count, **place)
