"""Which nodes of a file the query of an edge type selects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.reports.pools import conditions
from bmtool_connectors.verification.columns import Ids, IntArray, Mask

__all__ = ["NodeValues"]

#: What the text of a function, or of another object, holds, and that of a value hardly does.
OBJECT = ("<", "(")


class NodeValues:
    """The properties of a population of nodes, its own and those of its types.

    Parameters
    ----------
    file : Path
    name : str
        Of the population.
    ids, node_types : ndarray of int64, shape (n,)
    properties : mapping of int to mapping
        Of each type, as text.
    """

    def __init__(
        self,
        file: Path,
        name: str,
        ids: IntArray,
        node_types: IntArray,
        properties: Mapping[int, Mapping[str, str]],
    ) -> None:
        self._file, self._name = file, name
        self._ids, self._types, self._properties = ids, node_types, properties
        self._pools: dict[str, Ids | None] = {}

    def selected(self, query: str) -> Ids | None:
        """Return the nodes that a query selects; None where that cannot be told.

        Raises
        ------
        OSError or another error of HDF5
            If the file cannot be read.
        """
        if query not in self._pools:
            self._pools[query] = self._selected(query)
        return self._pools[query]

    def _selected(self, query: str) -> Ids | None:
        asked = conditions(query)
        if asked is None or any(sign in query for sign in OBJECT):
            return None
        texts = [part.partition("=='")[2].removesuffix("'") for part in query.split("&")]
        chosen = np.ones(len(self._ids), dtype=bool)
        for (name, allowed), text in zip(asked, texts, strict=False):
            # A list, or text that looks like one.
            found = self.matching(name, dict.fromkeys((*allowed, text), 1))
            if found is None:
                return None
            chosen &= found > 0
        return Ids(self._ids[chosen])

    def matching(self, name: str, numbers: Mapping[str, int]) -> npt.NDArray[np.int64] | None:
        """Return a number for each node by its value of a property, 0 for other values.

        Parameters
        ----------
        name : str
            Of the property.
        numbers : mapping of str to int
            The number of each value, as text; 1, 1.0 and True are one value.

        Returns
        -------
        ndarray of int64, shape (n,), or None
            None if no node has the property.
        """
        number_of = {_key(value): number for value, number in numbers.items()}
        if name == "node_id":
            return _numbers(self._ids, number_of)
        if name == "node_type_id":
            return _numbers(self._types, number_of)
        kinds, inverse = np.unique(self._types, return_inverse=True)
        texts = [self._properties.get(int(kind), {}).get(name) for kind in kinds]
        found = np.array(
            [0 if text is None else number_of.get(_key(text), 0) for text in texts], dtype=np.int64
        )[inverse]
        is_known = any(text is not None for text in texts)
        for rows, values in self._own(name):
            found[rows] = _numbers(values, number_of)
            is_known = True
        return found if is_known else None

    def _own(self, name: str) -> list[tuple[Mask, npt.NDArray[Any]]]:
        """Return which nodes have a column, and its values."""
        found = []
        with h5py.File(self._file, "r") as h5:
            nodes = h5[f"nodes/{self._name}"]
            for member, group in nodes.items():
                column = group.get(name) if isinstance(group, h5py.Group) else None
                if not member.isdigit() or not isinstance(column, h5py.Dataset) or column.ndim > 1:
                    continue
                rows, places = np.ones(len(self._ids), dtype=bool), np.arange(len(self._ids))
                if "node_group_id" in nodes:
                    rows = nodes["node_group_id"][()] == int(member)
                    places = nodes["node_group_index"][()].astype(np.int64)
                rows &= places < len(column)
                values = column.asstr()[()] if h5py.check_string_dtype(column.dtype) else column[()]
                library = group.get(f"@library/{name}")
                if isinstance(library, h5py.Dataset):  # numbers that stand for text
                    values = library.asstr()[()][values]
                found.append((rows, values[places[rows]]))
        return found


def _key(value: Any) -> Any:
    """Return what is equal for text and numbers that say the same."""
    text = str(value)
    if text in ("True", "False"):
        return float(text == "True")
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _numbers(values: npt.NDArray[Any], number_of: Mapping[Any, int]) -> npt.NDArray[np.int64]:
    if values.dtype.kind in "iufb":
        found = np.zeros(len(values), dtype=np.int64)
        for key, number in number_of.items():
            if isinstance(key, float):
                same = values.dtype.type(key) if values.dtype.kind == "f" else key
                found[values == same] = number
        return found
    known = {value: number_of.get(_key(value), 0) for value in set(values.tolist())}
    return np.array([known[value] for value in values.tolist()], dtype=np.int64)
