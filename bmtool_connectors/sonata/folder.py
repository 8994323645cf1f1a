"""What a folder of SONATA files holds, whoever wrote it.

:func:`read_folder` answers with :class:`Population` items, which know what they are at once and
load their rows when asked, so that one population is in memory at a time. How a file lays out its
properties (groups, their indices, ``@library`` enumerations, columns of several dimensions) ends
here: the ``Table`` that a population loads gives one value per row and column.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata import datasets, layout
from bmtool_connectors.sonata.faults import FirstFault
from bmtool_connectors.sonata.open_tables import OpenTable, endpoints, open_table, populations_in
from bmtool_connectors.sonata.populations import ColumnGroup, Population, Table
from bmtool_connectors.sonata.type_tables import TypeTable, match_types, read_types, stem_of

#: Values of a property in each row; there are as many columns.
MOST_VALUES = 1 << 12
#: Columns of integers that rows have, and may have.
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # Files of libsonata leave the ids out: they are then the row numbers.
    layout.NODES: ((layout.NODE_TYPE_ID,), (layout.NODE_ID,)),
    layout.EDGES: (layout.END_IDS, (layout.EDGE_TYPE_ID,)),
    layout.GAP_JUNCTIONS: ((layout.GAP_SOURCE_IDS, layout.GAP_TARGET_IDS), ()),
}


def visible_files(folder: Path) -> list[Path]:
    """Return the files of a folder, without hidden ones: BMTK's temporary files are such."""
    return [file for file in sorted(folder.iterdir()) if file.is_file() and file.name[0] != "."]


def recipe_files(folder: Path) -> list[Path]:
    """Return the recipes in a folder."""
    return sorted(folder.glob(f"[!.]*{layout.RECIPE_FILE}"))


def items_in(h5: h5py.Group) -> set[str]:
    """Return what an open file holds: nodes, edges, gap junctions, or nothing of the kind."""
    items = {item for item in layout.TYPE_IDS if datasets.is_group(h5.get(item))}
    if layout.GAP_SOURCE_IDS in h5 or layout.GAP_TARGET_IDS in h5:
        items.add(layout.GAP_JUNCTIONS)
    return items


def read_folder(folder: Path) -> list[Population]:
    """List what the SONATA files of a folder hold.

    Files are recognised by what is in them, not by their names; others are
    passed over. Sub-folders are not searched.

    Parameters
    ----------
    folder : Path
        Folder with ``*.h5`` and ``*.csv`` files.

    Returns
    -------
    list of Population

    Raises
    ------
    ParameterError
        If there is no such folder, no SONATA file in it, a population in two
        files, or a file that cannot be read.
    """
    if not folder.is_dir():
        raise ParameterError(
            f"{str(folder)!r} is not a folder; give the folder that holds the SONATA "
            "files (*_nodes.h5, *_edges.h5), or a built network."
        )
    faults = FirstFault()
    with faults.reading(folder):
        files = visible_files(folder)
    found = [each for file in files if file.suffix in layout.H5_SUFFIXES for each in _listed(file)]
    tables = []
    for file in files:
        if file.suffix == ".csv":
            with faults.reading(file):
                tables.append(read_types(file, faults))
    populations = _with_types(found, [table for table in tables if table is not None])
    if not populations:
        raise ParameterError(
            f"there is no SONATA file in {str(folder)!r}; give the folder that holds *_nodes.h5 "
            "or *_edges.h5 itself, not one above it."
        )
    return populations


def _listed(file: Path) -> Iterator[Population]:
    """Yield the populations of a file."""
    faults, stem = FirstFault(), stem_of(file)
    with faults.reading(file), h5py.File(file, "r") as h5:
        items = items_in(h5)
        for item in layout.TYPE_IDS:
            for name, group in populations_in(h5, item, faults, file):
                ends = endpoints(group, file, faults) if item == layout.EDGES else (None, None)
                known = None if ends[0] is None or ends[1] is None else (ends[0], ends[1])
                load = functools.partial(open_population, file, item, name)
                yield Population(item, name, file.name, load, stem, known)
        if layout.GAP_JUNCTIONS in items:
            load = functools.partial(open_population, file, layout.GAP_JUNCTIONS)
            yield Population(layout.GAP_JUNCTIONS, stem, file.name, load, stem)


@contextlib.contextmanager
def open_population(file: Path, item: str, name: str = "") -> Iterator[Table]:
    """Open a file, and give the rows of a population of nodes or edges, or its gap junctions.

    Raises
    ------
    ParameterError
        If they cannot be read; for a property, when it is asked for.
    """
    with contextlib.ExitStack() as stack:
        with FirstFault().reading(file):
            h5 = stack.enter_context(h5py.File(file, "r"))
            table = _table(h5[f"{item}/{name}" if name else "/"], item, file)
        yield table


def _table(h5: h5py.Group, item: str, file: Path) -> Table:
    """Return the rows of a population in an open file."""
    rows = open_table(h5, item, *COLUMNS[item], file, FirstFault())
    assert rows is not None  # it stops at the first fault
    n, needed = len(rows), COLUMNS[item][0]
    types = np.full(n, -1 if item == layout.EDGES else 0, dtype=np.int64)
    groups = _column_groups(rows, file)
    if item == layout.NODES:
        node_types = rows.column(layout.NODE_TYPE_ID)
        groups = (ColumnGroup(None, None, {layout.NODE_TYPE_ID: lambda: node_types}), *groups)
        ids = (rows.column(layout.NODE_ID) if layout.NODE_ID in rows.columns else np.arange(n),)
        return Table(ids, types, groups, file.name)
    if layout.EDGE_TYPE_ID in rows.columns:
        types = rows.column(layout.EDGE_TYPE_ID)
    return Table(tuple(map(rows.column, needed)), types, groups, file.name)


def _column_groups(rows: OpenTable, file: Path) -> tuple[ColumnGroup, ...]:
    found = []
    # BMTK writes a group also for an edge type without edges.
    for _, group, chosen, index in rows.by_group(*rows.group_and_index(slice(0, len(rows)))):
        if not len(index):
            continue
        in_order = bool(np.array_equal(index, np.arange(len(index))))
        columns = {
            name: functools.partial(_read, file, column, part)
            for full_name, dataset in group.columns.items()
            for name, column, part in _columns(full_name, dataset)
        }
        chosen = None if isinstance(chosen, slice) else chosen
        found.append(ColumnGroup(chosen, None if in_order else index, columns))
    return tuple(found)


def _columns(name: str, dataset: h5py.Dataset) -> Iterator[tuple[str, h5py.Dataset, Any]]:
    """Yield a dataset column by column, and how each of them is called."""
    inner = dataset.shape[1:]
    if not inner:
        yield name, dataset, ()
        return
    if math.prod(inner) > MOST_VALUES:
        raise ValueError(f"{dataset.name} has {math.prod(inner):,} values in each row")
    for k, index in enumerate(np.ndindex(*inner)):
        yield f"{name}[{k}]", dataset, (slice(None), *index)


def _read(file: Path, dataset: h5py.Dataset, part: Any) -> npt.NDArray[Any]:
    with FirstFault().reading(file):
        return datasets.values_of(dataset, part)
    raise AssertionError  # a fault stops


def _with_types(found: list[Population], tables: list[TypeTable]) -> list[Population]:
    stems = {item: {each.stem for each in found if each.item == item} for item in layout.TYPE_IDS}
    matched = match_types(stems, tables)
    result = []
    for each in found:
        own = matched.get((each.item, each.stem))
        result.append(replace(each, types=None if own is None else own.properties))
    # BMTK writes the type table also when not one edge was made, and then no HDF5 file.
    used = {id(table) for table in matched.values()}
    return [*result, *(_without_rows(table) for table in tables if id(table) not in used)]


def _without_rows(table: TypeTable) -> Population:
    nothing, stem = np.empty(0, dtype=np.int64), table.stem
    rows = Table((nothing,) * (2 if table.item == layout.EDGES else 1), nothing)
    lone = Population(table.item, stem, table.file.name, lambda: contextlib.nullcontext(rows), stem)
    return replace(lone, types=table.properties, has_rows=False)
