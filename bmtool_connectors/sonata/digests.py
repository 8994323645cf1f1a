"""Digests of columns of values, whatever the order of their rows.

A recipe tells by them whether the values in a file are those that were saved. Files are sorted in
several ways, so the digest of a column is a sum: of a number of 64 bits for each row, which mixes
the ids of the row, the name of the column and the value. It tells of accidents; who wants to
deceive can do so.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.sonata.layout import AXES, POSITIONS

Array = npt.NDArray[Any]
Bits = npt.NDArray[np.uint64]

#: Rows that are mixed at a time; they stay in the processor's cache.
BLOCK_ROWS = 1 << 13
#: Sums are of 64 bits.
MASK = (1 << 64) - 1
#: Odd multipliers and shifts of the finaliser of MurmurHash3, by which each bit changes all.
MIXING = ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53))


class ColumnDigests:
    """Digests of the columns of a table, added part by part in any order.

    Attributes
    ----------
    n_rows : int
        Rows that were added.

    Notes
    -----
    Numbers count as float64: 1, 1.0 and True are one value, and a column may be stored in another
    type that holds its values. Text counts as UTF-8. About 5 ns per row and column of numbers.
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self._sums: dict[str, int] = {}
        self._whole = 0

    def add(self, ids: Sequence[Array], columns: Mapping[str, Array]) -> None:
        """Add rows.

        Parameters
        ----------
        ids : sequence of ndarray of int, shape (n,)
            What tells rows apart: node ids, or source and target ids; those of one pair may
            stand in several rows.
        columns : mapping of str to ndarray, shape (n,) or (n, k)
            Numbers or text.
        """
        n = len(ids[0])
        self.n_rows += n
        bits_of = {name: _bits_of(each) for name, each in columns.items()}
        for name in columns:
            self._sums.setdefault(name, 0)
        for start in range(0, n if columns else 0, BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            key = _mixed(ids[0][part].astype(np.uint64))
            for each in ids[1:]:
                key = _mixed(key ^ each[part].astype(np.uint64))
            whole = np.zeros(len(key), dtype=np.uint64)
            for name, bits in bits_of.items():
                mixed = key ^ _seed(name)
                for values in bits(part):
                    mixed = _mixed(mixed ^ values)
                self._sums[name] = self._sums[name] + int(mixed.sum()) & MASK
                whole += mixed
            if len(columns) > 1:
                self._whole = self._whole + int(_mixed(whole).sum()) & MASK

    @property
    def columns(self) -> dict[str, str]:
        """The digest of each column, 16 hexadecimal digits."""
        return {name: f"{value:016x}" for name, value in sorted(self._sums.items())}

    @property
    def whole(self) -> str:
        """The digest of whole rows, if there are several columns: which values stand together."""
        return f"{self._whole:016x}"


def _mixed(values: Bits) -> Bits:
    """Return well mixed numbers; each of these is that of one value."""
    for shift, factor in MIXING:
        values = values ^ (values >> np.uint64(shift))
        values *= np.uint64(factor)
    mixed: Bits = values ^ (values >> np.uint64(33))
    return mixed


@functools.cache
def _seed(name: str) -> Any:
    return np.uint64(_hash(name))


def _hash(value: Any) -> int:
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _bits_of(values: Array) -> Callable[[slice], Iterable[Bits]]:
    """Return what gives 64 bits for each value of some rows: an array, or several one by one."""
    rows = values.reshape(len(values), math.prod(values.shape[1:])).T
    if values.dtype.kind in "fiub":
        # There are two zeros; one plus 0.0 is the other one.
        return lambda part: (np.add(each[part], 0.0, dtype=float).view(np.uint64) for each in rows)
    known = {each: _hash(each) for each in dict.fromkeys(values.ravel().tolist())}
    hashed = [np.array([known[each] for each in row.tolist()], dtype=np.uint64) for row in rows]
    return lambda part: (each[part] for each in hashed)


def digest_of_json(value: Any) -> str:
    """Return the blake2b of what JSON can hold, 32 bytes, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def by_axis(columns: Mapping[str, Array]) -> dict[str, Array]:
    """Return columns of nodes with coordinates one by one, as other files store them."""
    found: dict[str, Array] = {}
    for name, values in columns.items():
        if name == POSITIONS and values.shape[1:] == (len(AXES[0]),):
            found |= {axis: values[:, k] for k, axis in enumerate(AXES[0])}
        else:
            found[name] = values
    return found
