"""Datasets of SONATA files, asked what they are before anything of them is read.

A file may declare more rows than any memory holds, or have a group, a link to nowhere or text where
numbers belong. What is no column of a table is a ``ValueError`` here, which readers tell with the
name of the file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

__all__ = ["IntArray", "checked", "dataset_of", "datasets", "integers", "is_integer"]

IntArray = npt.NDArray[np.int64]

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


def dataset_of(group: h5py.Group, name: str) -> h5py.Dataset:
    """Return a column of a group; ValueError if there is none of that name."""
    found = group.get(name)
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{name} is missing" if found is None else f"{name} is no dataset")
    return checked(found)


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
        elif isinstance(member, h5py.Group) and name != "@library":
            yield from datasets(member, f"{prefix}{name}/", depth + 1)
