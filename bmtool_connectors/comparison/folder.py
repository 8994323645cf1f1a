"""List and read what a folder of SONATA files holds, whoever wrote it.

:func:`read_folder` answers with :class:`Population` items, which know what they
are at once and load their rows when asked, so that a comparison holds one
population in memory at a time.

How a file lays out its properties (edge groups, group indices, ``@library``
enumerations, columns of several dimensions) ends here: the ``Table`` that a
population loads gives one value per row and column.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import math
import re
import textwrap
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.comparison.tables import (
    Group,
    IntArray,
    Population,
    Table,
    plain,
    type_table,
)
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.datasets import (
    checked,
    dataset_of,
    datasets,
    integers,
    is_integer,
)

__all__ = ["TYPE_KEYS", "matching_types", "read_folder", "reading", "stem_of", "type_lines"]

#: Column of the ids in the tables of types.
TYPE_KEYS = {"nodes": "node_type_id", "edges": "edge_type_id"}
#: Values of a property in each row; there are as many columns.
MOST_VALUES = 1 << 12
#: How errors of HDF5, of CSV and of JSON come; MemoryError, for one, is none of the file.
BROKEN = (OSError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, csv.Error)


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
    with reading(folder):
        files = [file for file in sorted(folder.iterdir()) if _is_visible(file)]
    found = []
    for file in files:
        if file.suffix in (".h5", ".hdf5"):
            found += _list_file(file)
    populations = _attach_types(found, [file for file in files if file.suffix == ".csv"])
    if not populations:
        raise ParameterError(
            f"there is no SONATA file in {str(folder)!r}; give the folder that holds *_nodes.h5 "
            "or *_edges.h5 itself, not one above it."
        )
    return populations


def _is_visible(file: Path) -> bool:
    # BMTK's temporary files start with a dot.
    return file.is_file() and not file.name.startswith(".")


@contextlib.contextmanager
def reading(file: Path, kind: str = "a SONATA file") -> Iterator[None]:
    """Make a ParameterError, with the name of the file, of a failure to read it."""
    # A file may be broken in many ways, and h5py does not always tell which file it was.
    try:
        yield
    except ParameterError:
        raise
    except BROKEN as error:
        reason = " ".join(str(error).split()).strip("'\"") or type(error).__name__
        reason = textwrap.shorten(reason, 200, placeholder=" ...")
        raise ParameterError(
            f"cannot read {str(file)!r} as {kind} ({reason}); save it again."
        ) from (error)


def _list_file(file: Path) -> list[Population]:
    populations = []
    with reading(file), h5py.File(file, "r") as h5:
        for item, read in (("nodes", _node_table), ("edges", _edge_table)):
            for name, group in h5[item].items() if isinstance(h5.get(item), h5py.Group) else ():
                if not isinstance(group, h5py.Group):
                    raise ValueError(f"{item}/{name} is no group, but {type(group).__name__}")
                load = functools.partial(_opened, file, f"{item}/{name}", read)
                endpoints = _endpoints(group) if item == "edges" else None
                populations.append(
                    Population(item, name, file.name, load, stem_of(file), endpoints)
                )
        if "source_ids" in h5 and "target_ids" in h5:
            name = stem_of(file)
            load = functools.partial(_opened, file, "/", _gap_table)
            populations.append(Population("gap junctions", name, file.name, load, name))
    return populations


def _endpoints(group: h5py.Group) -> tuple[str, str] | None:
    names = []
    for end in ("source_node_id", "target_node_id"):
        value = dataset_of(group, end).attrs.get("node_population")
        if value is None or isinstance(value, h5py.Empty):
            return None
        value = np.asarray(value).reshape(-1)  # some tools write an array of one text
        if len(value) != 1 or not isinstance(value[0], str | bytes):
            raise ValueError(f"node_population of {end} is no name")
        names.append(value[0].decode() if isinstance(value[0], bytes) else str(value[0]))
    return names[0], names[1]


@contextlib.contextmanager
def _opened(file: Path, path: str, read: Callable[[h5py.Group, Path], Table]) -> Iterator[Table]:
    with contextlib.ExitStack() as stack:
        with reading(file):
            h5 = stack.enter_context(h5py.File(file, "r"))
            table = read(h5[path], file)
        yield table


def _integers(group: h5py.Group, name: str) -> IntArray:
    dataset = dataset_of(group, name)
    if not is_integer(dataset):
        raise ValueError(f"{name} is {dataset.dtype}, not a column of whole numbers")
    return integers(dataset)


def _integers_or(group: h5py.Group, name: str, default: IntArray) -> IntArray:
    # By the names of the links: one to nowhere is no column that was left out.
    return _integers(group, name) if name in set(group) else default


def _node_table(group: h5py.Group, file: Path) -> Table:
    types = _integers(group, "node_type_id")
    # Files of libsonata leave the ids out: they are then the row numbers.
    ids = _integers_or(group, "node_id", np.arange(len(types)))
    _same_length(file, node_id=ids, node_type_id=types)
    type_column = Group(None, None, {"node_type_id": lambda: types})
    groups = (type_column, *_property_groups(group, "node", len(ids), file))
    return Table((ids,), np.zeros(len(ids), dtype=np.int64), groups, file.name)


def _edge_table(group: h5py.Group, file: Path) -> Table:
    source, target = _integers(group, "source_node_id"), _integers(group, "target_node_id")
    types = _integers_or(group, "edge_type_id", np.full(len(source), -1, dtype=np.int64))
    _same_length(file, source_node_id=source, target_node_id=target, edge_type_id=types)
    groups = _property_groups(group, "edge", len(source), file)
    return Table((source, target), types, groups, file.name)


def _gap_table(h5: h5py.Group, file: Path) -> Table:
    source, target = _integers(h5, "source_ids"), _integers(h5, "target_ids")
    _same_length(file, source_ids=source, target_ids=target)
    return Table((source, target), np.zeros(len(source), dtype=np.int64), (), file.name)


def _same_length(file: Path, **arrays: npt.NDArray[Any]) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ParameterError(
            f"the datasets of {str(file)!r} differ in length ({text}); save it again."
        )


def _property_groups(group: h5py.Group, kind: str, n: int, file: Path) -> tuple[Group, ...]:
    members = {
        int(name): member
        for name, member in group.items()
        if name.isdecimal() and isinstance(member, h5py.Group)
    }
    names = f"{kind}_group_id", f"{kind}_group_index"
    group_id = _integers_or(group, names[0], np.zeros(n, dtype=np.int64))
    index = _integers_or(group, names[1], np.arange(n))
    _same_length(file, rows=np.empty(n), **{names[0]: group_id, names[1]: index})
    found = []
    for number, member in members.items():
        here = group_id == number
        rows = None if here.all() else np.flatnonzero(here)
        where = index if rows is None else index[rows]
        # BMTK writes a group also for an edge type without edges.
        if len(where) == 0:
            continue
        in_order = bool(np.array_equal(where, np.arange(len(where))))
        found.append(Group(rows, None if in_order else where, dict(_columns(member, file))))
    return tuple(found)


def _columns(group: h5py.Group, file: Path) -> Iterator[tuple[str, Callable[[], npt.NDArray[Any]]]]:
    for name, member in datasets(group):
        if member.ndim == 1:
            library = member.parent.get(f"@library/{member.name.rsplit('/', 1)[-1]}")
            library = library if isinstance(library, h5py.Dataset) else None
            yield name, functools.partial(_read, file, member, library)
            continue
        inner = member.shape[1:]
        if math.prod(inner) > MOST_VALUES:
            raise ValueError(f"{member.name} has {math.prod(inner):,} values in each row")
        for i, place in enumerate(np.ndindex(*inner)):
            part = slice(None), *place
            yield f"{name}[{i}]", functools.partial(_read, file, member, None, part)


def _read(
    file: Path, dataset: h5py.Dataset, library: h5py.Dataset | None = None, part: Any = ()
) -> npt.NDArray[Any]:
    with reading(file):
        is_text = h5py.check_string_dtype(dataset.dtype) is not None
        values = plain(_text(dataset, part) if is_text else dataset[part])
        if library is None:
            return values
        if values.dtype.kind not in "iu" or values.min(initial=0) < 0:
            raise ValueError(f"{dataset.name} holds no places in {library.name}")
        labels: npt.NDArray[Any] = plain(_text(checked(library)))[values]
        return labels


def _text(dataset: h5py.Dataset, part: Any = ()) -> npt.NDArray[Any]:
    return np.asarray(dataset.asstr()[part], dtype=object)


def _attach_types(found: list[Population], files: list[Path]) -> list[Population]:
    tables = {}
    for file in files:
        with reading(file):
            item, header, lines = type_lines(file)
            if item:
                rows = [dict(zip(header, line, strict=False)) for line in lines]
                types = type_table(rows, TYPE_KEYS[item], str(file))
                tables[item, stem_of(file)] = file.name, types
    own = {}
    for item in TYPE_KEYS:
        stems = {population.stem for population in found if population.item == item}
        matched = matching_types(stems, {stem for kind, stem in tables if kind == item})
        own.update({(item, stem): tables.pop((item, other)) for stem, other in matched.items()})
    result = []
    for population in found:
        _, known = own.get((population.item, population.stem), ("", None))
        result.append(replace(population, types=known))
    # BMTK writes the type table also when not one edge was made, and then no HDF5 file.
    for (item, stem), (origin, types) in tables.items():
        load = functools.partial(_no_rows, item)
        result.append(Population(item, stem, origin, load, stem, None, types, has_rows=False))
    return result


def stem_of(file: Path) -> str:
    """Return what the files that belong together are called before ``_edges.h5`` and the like."""
    return re.sub(r"_?(nodes|edges|node_types|edge_types|gap_juncs)$", "", file.stem)


def matching_types(stems: Collection[str], tables: Collection[str]) -> dict[str, str]:
    """Return which table of types belongs to which file, by their stems."""
    matched = {stem: stem for stem in stems if stem in tables}
    lone_files, lone_tables = [set(each) - matched.keys() for each in (stems, tables)]
    # One of each, named differently: they can only belong together.
    if len(lone_files) == len(lone_tables) == 1:
        matched[lone_files.pop()] = lone_tables.pop()
    return matched


def type_lines(file: Path) -> tuple[str, list[str], list[list[str]]]:
    """Return what a CSV file holds types of ('nodes', 'edges' or ''), its header and its rows."""
    # Any CSV file may lie in the folder, in any encoding; the header tells which are SONATA's.
    with file.open(newline="", encoding="utf-8", errors="replace") as stream:
        # Two spaces are an empty cell: so BMTK writes None.
        lines = csv.reader(stream, delimiter=" ")
        header = next(lines, [])
        for item, key in TYPE_KEYS.items():
            if key in header:
                return item, header, [line for line in lines if any(line)]
    return "", header, []


@contextlib.contextmanager
def _no_rows(item: str) -> Iterator[Table]:
    nothing = np.empty(0, dtype=np.int64)
    yield Table((nothing, nothing) if item == "edges" else (nothing,), nothing)
