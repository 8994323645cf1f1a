"""Files of edges and gap junctions in SONATA's format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.index_writer import IndexWriter
from bmtool_connectors.builder.options import INDICES, SaveOptions
from bmtool_connectors.builder.portable import common_value
from bmtool_connectors.builder.recipe import PairDigests
from bmtool_connectors.builder.rows import Part, Piece, edge_rows, rows_per_id
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.digests import ColumnDigests
from bmtool_connectors.sonata.h5_file import h5_file

__all__ = ["SavedEdges", "write_edges", "write_gap_junctions"]

Values = Callable[[Piece], npt.NDArray[Any]]

#: Columns of the two halves of a gap junction.
GAP_IDS = ("src_gap_ids", "trg_gap_ids")


# ---------------------------------------------------------------------- groups of columns
@dataclass(frozen=True)
class _Column:
    """A property of the rows of a group.

    Attributes
    ----------
    dtype : dtype
    values : dict
        For the number of each table, what gives the values of its rows.
    """

    dtype: np.dtype[Any]
    values: dict[int, Values]

    def of(self, piece: Piece) -> npt.NDArray[Any]:
        """Return the values of rows of a table."""
        return self.values[piece.number](piece)


@dataclass(frozen=True)
class _Group:
    """Rows with the same properties.

    Attributes
    ----------
    member : ndarray of bool, shape (n_tables,)
        Which tables' rows these are.
    n_rows : int
    columns : dict of _Column
    """

    member: npt.NDArray[np.bool_]
    n_rows: int
    columns: dict[str, _Column]


def edge_groups(tables: Sequence[EdgeTable], options: SaveOptions) -> list[_Group]:
    """Return the groups of columns: BMTK's, one for each set of properties, or a single one.

    Raises
    ------
    ParameterError
        If there is to be one group, and an edge type has no value for one of its columns.
    """
    keys: list[Any] = [() if options.portable else table.hash_key for table in tables]
    groups = []
    for key in dict.fromkeys(keys):
        numbers = [n for n, each in enumerate(keys) if each == key]
        chosen = [tables[n] for n in numbers]
        described = [{m["name"]: m["dtype"] for m in t.get_property_metatadata()} for t in chosen]
        columns = {}
        for name in dict.fromkeys(name for each in described for name in each):
            dtypes = [np.dtype(each[name]) for each in described if name in each]
            dtype = np.result_type(*dtypes)
            if name == "nsyns" and options.compact:
                most = max((_most_synapses(t) for t in chosen if t.n_pairs), default=1)
                dtype = np.min_scalar_type(most)
            values = {n: _values(tables[n], name, dtype) for n in numbers}
            columns[name] = _Column(dtype, values)
        groups.append(
            _Group(
                np.array([each == key for each in keys]), sum(t.n_edges for t in chosen), columns
            )
        )
    return groups


def _most_synapses(table: EdgeTable) -> int:
    """Return the greatest ``nsyns`` of the rows of a table."""
    if not table.has_properties:
        return int(table.edges.n_syn.max())
    names = [each["name"] for each in table.get_property_metatadata()]
    return int(table.get_property_value("nsyns").max()) if "nsyns" in names else 1


def _values(table: EdgeTable, name: str, dtype: np.dtype[Any]) -> Values:
    """Return what gives the values of a property for rows of a table."""
    has = [each["name"] for each in table.get_property_metatadata()]
    if name == "nsyns" and not table.has_properties:
        return lambda piece: table.edges.n_syn[piece.pairs]
    if name in has:
        column = table.get_property_value(name)
        return lambda piece: column.take(piece.rows)
    # One of another edge type's properties.
    constant = common_value(table.connection_map, name, dtype)
    return lambda piece: np.full(len(piece.rows), constant)


# ---------------------------------------------------------------------- edges
@dataclass(frozen=True)
class SavedEdges:
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
    file: Path, tables: Sequence[EdgeTable], names: tuple[str, str, str], options: SaveOptions
) -> dict[EdgeTable, SavedEdges]:
    """Write a file of edges.

    Parameters
    ----------
    file : Path
        Made anew; beside it, a file per index comes and goes.
    tables : sequence of EdgeTable
        With the same two networks.
    names : tuple of str
        Of the source network, the target network and the population of edges.
    options : SaveOptions

    Returns
    -------
    dict of SavedEdges
        What was written of each table.
    """
    groups = edge_groups(tables, options)
    with ExitStack() as stack, h5_file(file) as (h5, check):
        population = h5.create_group(f"/edges/{names[2]}")
        writer = _EdgeWriter(population, tables, groups, options)
        for end, network in zip(("source", "target"), names[:2], strict=True):
            population[f"{end}_node_id"].attrs["node_population"] = network
        indices = {}
        for column in options.index_by:
            rows, kept = rows_of_values(tables, column), file.with_name(f"{column}.tmp")
            indices[column] = IndexWriter(rows, kept)
            stack.callback(indices[column].close)
        digests = PairDigests(tables) if options.sort_by == "target_node_id" else None
        for part in edge_rows(tables, options.sort_by, writer.group_of.tolist()):
            values = writer.append(part)
            if digests is not None:
                digests.add(part)
            for column, index in indices.items():
                index.add(values[column])
            check()
        for column, index in indices.items():
            index.write(population.create_group(f"indices/{INDICES[column][0]}"), options, check)
    pairs = {} if digests is None else digests.found()
    index_names = [INDICES[column][0] for column in options.index_by]
    return {
        table: SavedEdges(names[2], index_names, values_of(table, n, groups), pairs.get(table))
        for n, table in enumerate(tables)
    }


def values_of(table: EdgeTable, number: int, groups: Sequence[_Group]) -> ColumnDigests:
    """Return the digests of the properties of a table's rows, as they are in the file."""
    found = ColumnDigests()
    (group,) = (each for each in groups if each.member[number])
    # How many synapses a pair has is in the digest of the pairs.
    names = [each for each in group.columns if each != "nsyns" or table.has_properties]
    one = np.ones(1, dtype=bool)
    for part in edge_rows([table], None, [0]) if names else ():
        columns = {name: part.values_of(one, group.columns[name].values[number]) for name in names}
        found.add((part.source, part.target), columns)
    return found


def rows_of_values(tables: Sequence[EdgeTable], column: str) -> npt.NDArray[np.int64]:
    """Return how many rows have each value of a column."""
    if column == "edge_type_id":
        types = [table.edge_type_id for table in tables if table.n_edges]
        rows = [table.n_edges for table in tables if table.n_edges]
        return np.bincount(types, rows).astype(np.int64)
    return _trimmed(rows_per_id(tables, column.removesuffix("_node_id")))


def _trimmed(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the counts up to the last node that has rows, where BMTK's index ends."""
    return rows[: int(np.flatnonzero(rows)[-1]) + 1]


class _EdgeWriter:
    """The datasets of a population of edges, filled row after row."""

    def __init__(
        self,
        population: Any,
        tables: Sequence[EdgeTable],
        groups: list[_Group],
        options: SaveOptions,
    ) -> None:
        self._population, self._groups, self._options = population, groups, options
        self._types = np.array([table.edge_type_id for table in tables], dtype=np.int64)
        self.group_of = np.zeros(len(tables), dtype=np.int64)
        for number, group in enumerate(groups):
            self.group_of[group.member] = number
        n = sum(group.n_rows for group in groups)
        self._n_done, self._n_of_group = 0, [0] * len(groups)
        greatest = max((group.n_rows for group in groups), default=0)
        used = [table for table in tables if table.n_pairs]
        # BMTK's types, and the greatest value for those who want the smallest ones.
        standard: dict[str, tuple[Any, int]] = {
            "source_node_id": (np.uint64, max(int(t.source.ids.max()) for t in used)),
            "target_node_id": (np.uint64, max(int(t.target.ids.max()) for t in used)),
            "edge_group_id": (np.uint16, len(groups)),
            "edge_group_index": (np.uint32 if greatest < 1 << 32 else np.uint64, greatest),
            "edge_type_id": (np.uint32, int(self._types.max())),
        }
        self._datasets = {
            name: self._dataset(
                population, name, n, np.min_scalar_type(most) if options.compact else dtype
            )
            for name, (dtype, most) in standard.items()
        }
        self._properties = []
        for number, group in enumerate(groups):
            h5 = population.create_group(str(number))
            self._properties.append(
                {
                    name: self._dataset(h5, name, group.n_rows, column.dtype)
                    for name, column in group.columns.items()
                }
            )

    def _dataset(self, h5: Any, name: str, n: int, dtype: Any) -> Any:
        try:
            return h5.create_dataset(name, (n,), dtype, **self._options.storage((n,)))
        except TypeError as error:
            raise ParameterError(
                f"dtypes of add_properties() has {dtype} for {name!r}, which HDF5 does not store "
                "in a column of rows; allowed are numbers and bool."
            ) from error

    def append(self, part: Part) -> dict[str, npt.NDArray[np.int64]]:
        """Write the next rows, and return their values of the columns that may be indexed."""
        start = self._n_done
        self._n_done += len(part)
        columns = {
            "source_node_id": part.source,
            "target_node_id": part.target,
            "edge_type_id": self._types[part.number],
        }
        of_group = self.group_of[part.number]
        place = np.empty(len(part), dtype=np.int64)
        for number, group in enumerate(self._groups):
            rows = slice(None) if len(self._groups) == 1 else np.flatnonzero(of_group == number)
            n = len(place[rows])
            if not n:
                continue
            first = self._n_of_group[number]
            self._n_of_group[number] += n
            place[rows] = np.arange(first, first + n)
            for name, column in group.columns.items():
                values = part.values_of(group.member, column.of)
                _write(self._properties[number][name], first, values)
        written = {**columns, "edge_group_id": of_group, "edge_group_index": place}
        for name, values in written.items():
            _write(self._datasets[name], start, values)
        return columns


def _write(dataset: Any, start: int, values: npt.NDArray[Any]) -> None:
    # NumPy converts types several times as fast as HDF5 does.
    dataset[start : start + len(values)] = values.astype(dataset.dtype, copy=False)


# ---------------------------------------------------------------------- gap junctions
def write_gap_junctions(
    file: Path, tables: Sequence[EdgeTable], first_id: int, options: SaveOptions
) -> ColumnDigests:
    """Write a file of gap junctions, one row each, and return the digests of its ids of halves.

    Parameters
    ----------
    file : Path
    tables : sequence of EdgeTable
        Of gap junctions.
    first_id : int
        Of their halves.
    options : SaveOptions
    """
    ends = np.concatenate([table.node_ids(np.uint64, synapses=True) for table in tables])
    numbers = first_id + np.arange(2 * len(ends))
    columns = {
        "source_ids": ends[:, 0],
        "target_ids": ends[:, 1],
        "src_gap_ids": numbers[0::2],
        "trg_gap_ids": numbers[1::2],
    }
    with h5_file(file) as (h5, _):
        for name, values in columns.items():
            h5.create_dataset(name, data=values, **options.storage(values.shape))
    found = ColumnDigests()
    found.add((ends[:, 0], ends[:, 1]), {name: columns[name] for name in GAP_IDS})
    return found
