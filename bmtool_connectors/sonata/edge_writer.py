"""Files of edges and gap junctions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import Index, IntArray
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.chunks import DatasetWriter
from bmtool_connectors.sonata.digests import ColumnDigests
from bmtool_connectors.sonata.h5_file import h5_file
from bmtool_connectors.sonata.index_writer import IndexWriter
from bmtool_connectors.sonata.options import SaveOptions
from bmtool_connectors.sonata.pair_digests import PairDigests
from bmtool_connectors.sonata.rows import EdgeArrays, EdgeRows, edge_rows, n_rows_by

#: Of columns, by their names.
Dtypes = dict[str, np.dtype[Any]]


@dataclass(frozen=True)
class WrittenEdges:
    """What was written of an edge type.

    Attributes
    ----------
    population : str
    indices : list of str
        Names of the population's indices.
    values : ColumnDigests
        Of the properties of its rows.
    pairs : str or None
        The digest of its pairs, if the order of the rows is that of the digest.
    """

    population: str
    indices: list[str]
    values: ColumnDigests
    pairs: str | None


def write_edges(
    file: Path, tables: Sequence[EdgeArrays], names: tuple[str, str, str], options: SaveOptions
) -> list[WrittenEdges]:
    """Write a file of edges.

    Parameters
    ----------
    file : Path
        Made anew; beside it, a file per index comes and goes.
    tables : sequence of EdgeArrays
        With the same two networks; some of them have edges.
    names : tuple of str
        Of the source network, the target network and the population of edges.
    options : SaveOptions

    Returns
    -------
    list of WrittenEdges
        What was written of each table.
    """
    with ExitStack() as stack, h5_file(file) as (h5, check):
        population = h5.create_group(f"/{layout.EDGES}/{names[2]}")
        writer = _EdgeWriter(population, tables, options)
        for column, network in zip(layout.END_IDS, names[:2], strict=True):
            population[column].attrs[layout.NODE_POPULATION] = network
        indices = {}
        for column in options.index_by:
            kept = file.with_name(f"{column}.tmp")
            indices[column] = IndexWriter(n_rows_by(tables, column), kept)
            stack.callback(indices[column].close)
        digests = PairDigests(tables) if options.sort_by == layout.TARGET_NODE_ID else None
        for rows in edge_rows(tables, options.sort_by, writer.group_of.tolist()):
            values = writer.append(rows)
            if digests is not None:
                digests.add(rows)
            for column, index in indices.items():
                index.add(values[column])
            check()
        for column, index in indices.items():
            group = population.create_group(f"{layout.INDICES}/{layout.INDEX_OF[column]}")
            index.write(group, options, check)
    pairs = [None] * len(tables) if digests is None else digests.found()
    index_names = [layout.INDEX_OF[column] for column in options.index_by]
    return [
        WrittenEdges(names[2], index_names, _values_written(table, writer.dtypes[k]), digest)
        for table, k, digest in zip(tables, writer.group_of, pairs, strict=True)
    ]


def _values_written(table: EdgeArrays, dtypes: Dtypes) -> ColumnDigests:
    """Return the digests of the properties of a table's rows, as they are in the file."""
    found = ColumnDigests()
    # How many synapses a pair has is in the digest of the pairs.
    dtypes = {name: each for name, each in dtypes.items() if name != layout.NSYNS or table.columns}
    for rows in edge_rows([table], None, [0]) if dtypes else ():
        columns = {
            name: np.concatenate([table.values(name, dtype, each) for each in rows.pieces])
            for name, dtype in dtypes.items()
        }
        found.add((rows.source, rows.target), columns)
    return found


def _edge_groups(tables: Sequence[EdgeArrays], options: SaveOptions) -> tuple[list[Dtypes], Index]:
    """Return the columns of each group of rows, and the group of each table.

    BMTK has a group for each set of properties; files for all readers have a single one.
    """
    sets = [frozenset((name, str(each)) for name, each in table.dtypes.items()) for table in tables]
    numbers = {key: 0 if options.portable else k for k, key in enumerate(dict.fromkeys(sets))}
    group_of = np.array([numbers[key] for key in sets], np.min_scalar_type(len(sets)))
    groups = []
    for number in range(group_of.max() + 1):
        chosen = [each for each, k in zip(tables, group_of, strict=True) if k == number]
        dtypes: Dtypes = {}
        for table in chosen:
            for name, dtype in table.dtypes.items():
                dtypes[name] = np.result_type(dtypes.get(name, dtype), dtype)
        if layout.NSYNS in dtypes and options.compact:
            used = [table for table in chosen if table.n_rows]
            counts = [t.columns.get(layout.NSYNS, 1) if t.columns else t.n_syn for t in used]
            most = max((int(np.max(each)) for each in counts), default=1)
            dtypes[layout.NSYNS] = np.min_scalar_type(most)
        groups.append(dtypes)
    return groups, group_of


class _EdgeWriter:
    """The datasets of a population of edges, filled row after row.

    Attributes
    ----------
    dtypes : list of dict of str to dtype
        Of the properties in each group of rows.
    group_of : ndarray of int, shape (n_tables,)
        The group of each table.
    """

    def __init__(self, population: Any, tables: Sequence[EdgeArrays], options: SaveOptions) -> None:
        self._tables, self._options = tables, options
        self.dtypes, self.group_of = _edge_groups(tables, options)
        self._types = np.array([table.edge_type_id for table in tables], dtype=np.int64)
        n_rows = [table.n_rows for table in tables]
        sizes = np.bincount(self.group_of, n_rows).astype(np.int64).tolist()
        self._n_of_group = [0] * len(sizes)
        used = [table for table in tables if table.n_rows]
        # BMTK's types, and the greatest value for those who want the smallest ones.
        standard: dict[str, tuple[Any, int]] = {
            layout.SOURCE_NODE_ID: (np.uint64, max(int(t.source.ids.max()) for t in used)),
            layout.TARGET_NODE_ID: (np.uint64, max(int(t.target.ids.max()) for t in used)),
            layout.EDGE_GROUP_ID: (np.uint16, len(sizes)),
            layout.EDGE_GROUP_INDEX: (np.uint32 if max(sizes) < 1 << 32 else np.uint64, max(sizes)),
            layout.EDGE_TYPE_ID: (np.uint32, int(self._types.max())),
        }
        self._datasets = {
            name: self._dataset(
                population, name, sum(sizes), np.min_scalar_type(most) if options.compact else dtype
            )
            for name, (dtype, most) in standard.items()
        }
        self._properties = []
        for number, (n, dtypes) in enumerate(zip(sizes, self.dtypes, strict=True)):
            h5 = population.create_group(str(number))
            self._properties.append(
                {name: self._dataset(h5, name, n, dtype) for name, dtype in dtypes.items()}
            )

    def _dataset(self, h5: Any, name: str, n: int, dtype: Any) -> DatasetWriter:
        try:
            return DatasetWriter(h5, name, (n,), dtype, self._options)
        except TypeError as error:
            raise ParameterError(
                f"dtypes of add_properties() must be numbers or bool, got {dtype} for {name!r}, "
                "which HDF5 does not store in a column of rows."
            ) from error

    def append(self, rows: EdgeRows) -> dict[str, IntArray]:
        """Write the next rows, and return their values of the columns that may be indexed."""
        n = len(rows.source)
        columns = {
            layout.SOURCE_NODE_ID: rows.source,
            layout.TARGET_NODE_ID: rows.target,
            layout.EDGE_TYPE_ID: self._types.take(rows.table),
        }
        of_group = self.group_of.take(rows.table)
        index = np.empty(n, dtype=np.int64)
        for number, datasets in enumerate(self._properties):
            own = slice(None) if len(self._properties) == 1 else np.flatnonzero(of_group == number)
            n_own = len(index[own])
            if not n_own:
                continue
            first = self._n_of_group[number]
            self._n_of_group[number] += n_own
            index[own] = np.arange(first, first + n_own)
            member = self.group_of == number
            pieces = [each for each in rows.pieces if member[each.table]]
            for name, dtype in self.dtypes[number].items():
                values = (self._tables[each.table].values(name, dtype, each) for each in pieces)
                datasets[name].append(rows.ordered(values, member))
        groups = {layout.EDGE_GROUP_ID: of_group, layout.EDGE_GROUP_INDEX: index}
        for name, each in {**columns, **groups}.items():
            self._datasets[name].append(each)
        return columns


# ---------------------------------------------------------------------- gap junctions
def write_gap_junctions(
    file: Path, ends: npt.NDArray[Any], first_id: int, options: SaveOptions
) -> ColumnDigests:
    """Write a file of gap junctions, one row each, and return the digests of its ids of halves.

    Parameters
    ----------
    file : Path
    ends : ndarray of uint64, shape (n, 2)
        Node ids of the two cells.
    first_id : int
        Of the halves.
    options : SaveOptions
    """
    halves = first_id + np.arange(2 * len(ends))
    values = ends[:, 0], ends[:, 1], halves[0::2], halves[1::2]
    columns = dict(zip(layout.GAP_COLUMNS, values, strict=True))
    with h5_file(file) as (h5, _):
        for name, each in columns.items():
            DatasetWriter(h5, name, each.shape, each.dtype, options).append(each)
    found = ColumnDigests()
    found.add(values[:2], {name: columns[name] for name in layout.GAP_COLUMNS[2:]})
    return found
