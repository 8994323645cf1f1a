"""Files of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.chunks import DatasetWriter
from bmtool_connectors.sonata.digests import ColumnDigests, by_axis
from bmtool_connectors.sonata.h5_file import h5_file
from bmtool_connectors.sonata.options import SaveOptions


@dataclass(frozen=True)
class NodeTable:
    """The nodes of a network as arrays, as a file of nodes holds them.

    Attributes
    ----------
    columns : dict of ndarray, shape (n,)
        Ids, types, and where the properties of each node are: its group and its row in that.
    groups : list of dict of ndarray
        The properties of each group, by name; text as an array of objects.
    """

    columns: dict[str, npt.NDArray[Any]]
    groups: list[dict[str, npt.NDArray[Any]]]

    def digests(self) -> dict[str, str]:
        """Return the digests of types and properties, which are the same in portable files."""
        found = ColumnDigests()
        ids, group_of = self.columns[layout.NODE_ID], self.columns[layout.NODE_GROUP_ID]
        found.add([ids], {layout.NODE_TYPE_ID: self.columns[layout.NODE_TYPE_ID]})
        for number, columns in enumerate(self.groups):
            found.add([ids[group_of == number]], by_axis(columns))
        return found.columns


def write_nodes(file: Path, network: str, nodes: NodeTable, options: SaveOptions) -> None:
    """Write the nodes of a network into a file, as a population of its name.

    Parameters
    ----------
    file : Path
        Gets one more population if it is there.
    network : str
        Name.
    nodes : NodeTable
    options : SaveOptions

    Raises
    ------
    ParameterError
        If the population is in the file already.
    """
    with h5_file(file) as (h5, check):
        if f"{layout.NODES}/{network}" in h5:
            raise ParameterError(
                f"mode is 'a' and the file of nodes has a population {network!r} already; save "
                "with mode='w' or into another file."
            )
        population = h5.create_group(f"/{layout.NODES}/{network}")
        for name, array in nodes.columns.items():
            dtype = array.dtype
            if options.compact:
                dtype = np.min_scalar_type(int(array.max()) if len(array) else 0)
            _write_column(population, name, array.astype(dtype, copy=False), options)
            check()
        for number, columns in enumerate(nodes.groups):
            group = population.create_group(str(number))
            for name, array in columns.items():
                _write_column(group, name, array, options)
                check()


def _write_column(h5: Any, name: str, array: npt.NDArray[Any], options: SaveOptions) -> None:
    dtype = h5py.string_dtype() if array.dtype.kind == "O" else array.dtype
    DatasetWriter(h5, name, array.shape, dtype, options).append(array)
