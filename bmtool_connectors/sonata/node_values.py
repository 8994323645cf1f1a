"""Properties of nodes, their own and those of their types: whom a query selects, and where."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import IntArray
from bmtool_connectors.checks import floats
from bmtool_connectors.sonata.layout import AXES, NODE_ID, NODE_TYPE_ID, POSITIONS
from bmtool_connectors.sonata.populations import Table

Types = Mapping[int, Mapping[str, str]]

#: Columns of coordinates, in order of preference.
_COORDINATES = (tuple(f"{POSITIONS}[{k}]" for k in range(3)), *AXES)


def selected_nodes(
    nodes: Table, types: Types, asked: Iterable[tuple[str, Collection[str]]]
) -> npt.NDArray[np.bool_] | None:
    """Return which nodes have the values that a query asks for.

    Parameters
    ----------
    nodes : Table
    types : mapping of int to mapping
        Properties of each node type, as text.
    asked : iterable of (str, collection of str)
        Properties, and the values that each may have.

    Returns
    -------
    ndarray of bool, shape (n,), or None
        None if no node has one of the properties.
    """
    chosen = np.ones(len(nodes), dtype=bool)
    for name, allowed in asked:
        found = numbers_by_value(nodes, types, name, dict.fromkeys(allowed, 1))
        if found is None:
            return None
        chosen &= found > 0
    return chosen


def numbers_by_value(
    nodes: Table, types: Types, name: str, number_of: Mapping[str, int]
) -> IntArray | None:
    """Return a number for each node by its value of a property, 0 for other values.

    Parameters
    ----------
    nodes : Table
    types : mapping of int to mapping
        Properties of each node type, as text.
    name : str
        Of the property.
    number_of : mapping of str to int
        The number of each value, as text; 1, 1.0 and True are one value.

    Returns
    -------
    ndarray of int64, shape (n,), or None
        None if no node has the property.
    """
    numbers = {_key(value): number for value, number in number_of.items()}
    if name == NODE_ID:
        return _numbers(nodes.ids[0], numbers)
    own = _numbers(nodes.column(name), numbers) if name in nodes.names else None
    has_own = nodes.present(name)
    if own is not None and has_own is None:
        return own
    kinds, inverse = np.unique(nodes.column(NODE_TYPE_ID), return_inverse=True)
    texts = [types.get(int(kind), {}).get(name) for kind in kinds]
    if own is None and not any(text is not None for text in texts):
        return None
    of_kind = [0 if text is None else numbers.get(_key(text), 0) for text in texts]
    found = np.array(of_kind, dtype=np.int64)[inverse]
    return found if own is None or has_own is None else np.where(has_own, own, found)


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


def _numbers(values: npt.NDArray[Any], number_of: Mapping[Any, int]) -> IntArray:
    if values.dtype.kind in "iuf":
        found = np.zeros(len(values), dtype=np.int64)
        for key, number in number_of.items():
            if isinstance(key, float):
                same = values.dtype.type(key) if values.dtype.kind == "f" else key
                found[values == same] = number
        return found
    known = {value: number_of.get(_key(value), 0) for value in set(values.tolist())}
    return np.array([known[value] for value in values.tolist()], dtype=np.int64)


def positions_of(nodes: Table, rows: IntArray) -> npt.NDArray[np.float64] | None:
    """Return the positions of the nodes in some rows, um; None where one has none."""
    positions = np.zeros((len(rows), 3))
    lacks = np.ones(len(rows), dtype=bool)
    for names in _COORDINATES:
        if not lacks.any() or not nodes.names.issuperset(names[:2]):
            continue
        known = [name for name in names if name in nodes.names]  # without z: all in one plane
        values = np.column_stack([floats(nodes.column(name)[rows]) for name in known])
        here = lacks & np.isfinite(values).all(axis=1)
        for has in map(nodes.present, names[:2]):
            here &= True if has is None else has[rows]
        positions[here, : len(known)] = values[here]
        lacks &= ~here
    return None if lacks.any() else positions
