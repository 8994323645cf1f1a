"""Rows of a population in an open file: its columns are checked here, and read part by part."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import IntArray
from bmtool_connectors.sonata import datasets
from bmtool_connectors.sonata.datasets import integers
from bmtool_connectors.sonata.faults import Faults
from bmtool_connectors.sonata.layout import END_IDS, GROUP_IDS, GROUP_INDICES, NODE_POPULATION


class OpenGroup:
    """A group of properties.

    Attributes
    ----------
    columns : dict of str to H5Dataset
    size : int or None
        Rows; None of a group without columns, which has as many as are asked for.
    """

    def __init__(self, h5: h5py.Group) -> None:
        self.columns = dict(datasets.datasets(h5))
        self.size = min((int(each.shape[0]) for each in self.columns.values()), default=None)

    def values(self, name: str, index: IntArray) -> npt.NDArray[Any]:
        """Return the values of a column in some rows of the group, all of which are there."""
        column = self.columns[name]
        if not len(index):
            found: npt.NDArray[Any] = column[:0]
            return found
        low, high = int(index.min()), int(index.max())
        found = column[low : high + 1]
        is_run = high - low == len(index) - 1 and bool((np.diff(index) == 1).all())
        return found if is_run else found[index - low]


@dataclass(frozen=True)
class OpenTable:
    """Nodes, edges or gap junctions of an open file.

    Attributes
    ----------
    population : str or None
    columns : dict of str to H5Dataset
        Those of integers that every row has.
    groups : dict of int to OpenGroup
        Where the properties of rows are, by the number of the group.
    links : tuple of str
        The columns that say in which group, and in which row of it, a row has its properties.
        Empty: row by row in group 0.
    agree : bool
        Whether the rows can be followed into their groups.
    """

    population: str | None
    columns: dict[str, h5py.Dataset]
    groups: dict[int, OpenGroup] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    agree: bool = True

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def column(self, name: str, part: slice = slice(None)) -> IntArray:
        """Return some rows of a column."""
        return integers(self.columns[name], part)

    def group_and_index(self, part: slice) -> tuple[IntArray, IntArray]:
        """Return in which group, and in which row of it, some rows have their properties."""
        if not self.links:
            n = part.stop - part.start
            return np.zeros(n, dtype=np.int64), np.arange(part.start, part.stop)
        group, index = (self.column(name, part) for name in self.links)
        return group, index

    def by_group(
        self, group: IntArray, index: IntArray
    ) -> Iterator[tuple[int, OpenGroup, Any, IntArray]]:
        """Yield each group, which of some rows belong to it, and their index in it."""
        for number, each in self.groups.items():
            here = group == number
            if here.all():
                yield number, each, slice(None), index
            elif here.any():
                yield number, each, np.flatnonzero(here), index[here]


def populations_in(h5: h5py.Group, item: str, faults: Faults, file: Path) -> Iterator[Any]:
    """Yield name and group of the populations of nodes or edges in an open file."""
    for name, member in h5[item].items() if datasets.is_group(h5.get(item)) else ():
        if datasets.is_group(member):
            yield name, member
        else:
            text = f"{item}/{name} is no group, but {type(member).__name__}"
            faults.fault("missing-dataset", text, file, population=name)


def open_table(
    h5: h5py.Group,
    item: str,
    needed: Sequence[str],
    optional: Sequence[str],
    file: Path,
    faults: Faults,
    population: str | None = None,
) -> OpenTable | None:
    """Return the rows of a population; None if its columns make no table.

    Parameters
    ----------
    h5 : H5Group
        The population.
    item : {'nodes', 'edges', 'gap junctions'}
    needed, optional : sequence of str
        Columns of integers.
    file : Path
        For messages.
    faults : Faults
        Gets columns that are missing, hold no integers, or differ in length.
    population : str, optional
        For messages; by default the name of the group.
    """
    population = population or h5.name.rsplit("/", 1)[-1] or None
    fault = functools.partial(faults.fault, file=file, population=population)
    remark = functools.partial(faults.remark, file=file, population=population)
    # By the names of the links: one to nowhere is no column that was left out.
    names = [*needed, *(name for name in optional if name in set(h5))]
    if _missing(h5, names, fault):
        return None
    columns = {name: h5[name] for name in names}
    members = {
        int(name): OpenGroup(member)
        for name, member in h5.items()
        if item in GROUP_IDS and name.isdecimal() and datasets.is_group(member)
    }
    agree = True
    for number, group in members.items():
        named = {f"{number}/{name}": each for name, each in group.columns.items()}
        agree &= _lengths_agree(named, remark)
    links: tuple[str, ...] = ()
    # With neither of them and one group, its rows are in order.
    if item in GROUP_IDS:
        links = GROUP_IDS[item], GROUP_INDICES[item]
        if not (any(name in h5 for name in links) or members.keys() - {0}):
            links = ()
        elif _missing(h5, links, fault):
            links, agree = (), False
    columns |= {name: h5[name] for name in links}
    if not _are_integers(columns, fault):
        return None
    return OpenTable(population, columns, members, links, agree)


def _missing(h5: h5py.Group, names: Iterable[str], fault: Callable[..., None]) -> bool:
    """Report datasets that are not there, and say whether there are any."""
    absent = [name for name in names if not datasets.is_dataset(h5.get(name))]
    for name in absent:
        text = f"{name} is missing" if h5.get(name) is None else f"{name} is no dataset"
        fault("missing-dataset", text)
    return bool(absent)


def _are_integers(columns: Mapping[str, h5py.Dataset], fault: Callable[..., None]) -> bool:
    """Report columns that hold no integers, or differ in length; say whether there are none."""
    wrong = False
    for name, each in columns.items():
        code = "dtype"
        text = f"{name} is {each.dtype}, not a column of whole numbers"
        if datasets.is_integer(each):
            try:
                datasets.checked(each)
                continue
            except ValueError as error:
                code, text = "length", str(error)
        elif each.shape is None or not each.ndim:
            text = f"{name} is a single value, not a column"
        elif _holds_whole(each):
            code = "id-floats"
        wrong = True
        fault(code, text)
    return not wrong and _lengths_agree(columns, fault)


def _holds_whole(dataset: h5py.Dataset) -> bool:
    """Say whether a column holds whole numbers, as floats."""
    if dataset.dtype.kind != "f" or dataset.ndim != 1:
        return False
    datasets.checked(dataset)
    return all(bool((dataset[part] % 1 == 0).all()) for part in datasets.parts(len(dataset)))


def _lengths_agree(columns: Mapping[str, h5py.Dataset], report: Callable[..., None]) -> bool:
    """Report datasets that differ in length, and say whether there are none."""
    lengths = {name: int(each.shape[0]) for name, each in columns.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        report("length", f"datasets differ in length ({text})")
    return len(set(lengths.values())) < 2


def endpoints(h5: h5py.Group, file: Path, faults: Faults) -> tuple[str | None, str | None]:
    """Return the names of the node populations that edges join, where the file says so."""
    names: list[str | None] = []
    for end in END_IDS:
        name = None
        value = h5[end].attrs.get(NODE_POPULATION) if datasets.is_dataset(h5.get(end)) else None
        given = np.asarray(value).reshape(-1)  # some tools write an array of one text
        if len(given) == 1 and isinstance(given[0], str | bytes):
            name = given[0].decode() if isinstance(given[0], bytes) else str(given[0])
        elif not (value is None or isinstance(value, h5py.Empty)):
            population = h5.name.rsplit("/", 1)[-1]
            text = f"{NODE_POPULATION} of {end} is no name"
            faults.fault("dtype", text, file, population=population)
        names.append(name)
    return names[0], names[1]
