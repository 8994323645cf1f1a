"""Datasets of SONATA files: what they are is asked before anything of them is read.

A file may declare more rows than any memory holds, or have a group, a link to nowhere or text where
numbers belong. What is no column of a table is a ``ValueError`` here, which readers tell with the
name of the file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import IntArray
from bmtool_connectors.sonata.layout import LIBRARY

Array = npt.NDArray[Any]
#: What readers hand on; only this folder knows what is behind it.
H5Group = h5py.Group
H5Dataset = h5py.Dataset

#: Rows that are read at a time: 4 MB of ids.
CHUNK = 1 << 19

#: Bytes that a dataset may declare without holding them: what is not written is 0.
MOST_UNWRITTEN = 1 << 26
#: Bytes that one stored byte may stand for; gzip gets to 1032.
MOST_PACKED = 1 << 11
#: How deep groups of columns may lie in each other.
MOST_NESTED = 16


def checked(dataset: h5py.Dataset) -> h5py.Dataset:
    """Return a dataset that is a column; ValueError if it has no rows, or does not hold them."""
    name = dataset.name
    if dataset.shape is None or not dataset.ndim:
        raise ValueError(f"{name} is a single value, not a column")
    declared = math.prod(dataset.shape) * dataset.dtype.itemsize
    if declared > MOST_UNWRITTEN and declared > MOST_PACKED * (stored := _stored(dataset)):
        raise ValueError(
            f"{name} declares {dataset.shape[0]:,} rows, and holds {stored:,} bytes of them"
        )
    return dataset


def _stored(dataset: h5py.Dataset) -> int:
    """Return the bytes of a dataset in its file, or of the files that it is put together from."""
    if not dataset.is_virtual:
        return int(dataset.id.get_storage_size())
    own = Path(dataset.file.filename)
    names = {each.file_name for each in dataset.virtual_sources()}
    files = [own if name == "." else own.parent / name for name in names]
    return sum(os.path.getsize(file) for file in files if file.is_file())


def open_file(file: Path) -> AbstractContextManager[h5py.File]:
    """Open an HDF5 file for reading."""
    return h5py.File(file, "r")  # type: ignore[no-any-return]


def is_group(member: object) -> bool:
    """Say whether a member of a group is one, too."""
    return isinstance(member, h5py.Group)


def is_dataset(member: object) -> bool:
    """Say whether a member of a group is a dataset."""
    return isinstance(member, h5py.Dataset)


def parts(n: int) -> Iterator[slice]:
    """Cut rows into parts."""
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))


def is_integer(dataset: h5py.Dataset) -> bool:
    """Say whether a dataset is a column of whole numbers."""
    return bool(dataset.ndim == 1 and dataset.dtype.kind in "iu")


def integers(dataset: h5py.Dataset, part: slice = slice(None)) -> IntArray:
    """Return whole numbers as int64; those above its range come out negative."""
    values: npt.NDArray[Any] = dataset[part]
    # The same bits: a copy of 1e7 ids costs as much as reading them.
    return values.view(np.int64) if values.dtype == np.uint64 else values.astype(np.int64)


def datasets(group: h5py.Group, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the columns of a group and of groups within it, but for their enumerations."""
    if depth > MOST_NESTED:
        raise ValueError(f"{group.name} is a group within {depth} others, or within itself")
    for name, member in group.items():
        if isinstance(member, h5py.Dataset):
            yield prefix + name, checked(member)
        elif isinstance(member, h5py.Group) and name != LIBRARY:
            yield from datasets(member, f"{prefix}{name}/", depth + 1)


def values_of(dataset: h5py.Dataset, part: Any = ()) -> Array:
    """Return values as integers, floats, or text; truth values are 0 and 1.

    Numbers that stand for text in ``@library`` beside them become that text.
    """
    values = plain_values(_raw(dataset, part))
    library = dataset.parent.get(f"{LIBRARY}/{dataset.name.rsplit('/', 1)[-1]}")
    if dataset.ndim > 1 or not isinstance(library, h5py.Dataset):
        return values
    if values.dtype.kind not in "iu" or values.min(initial=0) < 0:
        raise ValueError(f"{dataset.name} holds no indices into {library.name}")
    return plain_values(_raw(checked(library)))[values]


def _raw(dataset: h5py.Dataset, part: Any = ()) -> Array:
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    return np.asarray(dataset.asstr()[part], dtype=object) if is_text else dataset[part]


def plain_values(values: Array) -> Array:
    """Return integers and floats as they are, truth values as 0 and 1, all else as text."""
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    return values if values.dtype.kind in "iuf" else values.astype(str).astype(object)
