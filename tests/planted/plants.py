"""The lists of changes, how one is planted, and the tools that changes are made of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from bmtool_connectors import Verification, verify
from planted.folders import make_folders

#: Read before write: what stands in a column of an index.
INDICES = {
    "target_to_source": "target_node_id",
    "source_to_target": "source_node_id",
}
#: Edge types in the files of edges: a report that names one of them names a part of the file.
EDGE_TYPES = {
    "cortex_cortex_edges.h5": range(100, 104),
    "thal_cortex_edges.h5": range(104, 106),
    "points_points_edges.h5": range(100, 104),
    "given_given_edges.h5": range(100, 104),
    "left_left_edges.h5": [100],
    "left_right_edges.h5": [100],
    "right_left_edges.h5": [101],
    "mini_mini_edges.h5": [100],
}
Values = np.ndarray[Any, Any]


class Folder:
    """A copy of a good folder that is being changed.

    Parameters
    ----------
    path : Path
        The copy.
    origin : Path
        Folder with ``good``, ``other`` (another seed) and ``old`` (other parameters).
    """

    def __init__(self, path: Path, origin: Path) -> None:
        self.path = path
        self.origin = origin
        self.rng = np.random.default_rng(7)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def take(self, kind: str, *names: str) -> None:
        """Replace files by those of another save, ``other`` or ``old``."""
        for name in names:
            new = (self.origin / kind / name).read_bytes()
            assert new != (self / name).read_bytes(), f"{name} is the same file in {kind}"
            (self / name).write_bytes(new)

    def exchange(self, a: str, b: str) -> None:
        """Exchange two files."""
        one, two = (self / a).read_bytes(), (self / b).read_bytes()
        (self / a).write_bytes(two)
        (self / b).write_bytes(one)

    @contextmanager
    def h5(self, name: str) -> Iterator[Any]:
        """Open a file for changes."""
        with h5py.File(self / name, "r+") as file:
            yield file

    def change(
        self, name: str, dataset: str, function: Callable[[Values], Any], same: bool = False
    ) -> None:
        """Replace a dataset by a function of its values; `same` when only the form changes."""
        with self.h5(name) as file:
            old = file[dataset][()]
            new = np.asarray(function(old.copy()))
            equal = old.shape == new.shape and (old == new).all()
            assert bool(equal) == same, f"{dataset}: changed {not equal}, wanted {not same}"
            replace(file, dataset, new)

    def remove(self, name: str, item: str) -> None:
        """Delete a dataset, group or attribute (``item@attribute``) of a file."""
        with self.h5(name) as file:
            path, _, attribute = item.partition("@")
            if attribute:
                del file[path].attrs[attribute]
            else:
                del file[path]

    def table(self, name: str, function: Callable[[pd.DataFrame], Any], **options: Any) -> None:
        """Replace a table of types by a function of it; all values are text."""
        old = pd.read_csv(self / name, sep=" ", dtype=str, keep_default_na=False)
        new = function(old.copy())
        new = old if new is None else new
        new.to_csv(self / name, **({"sep": " ", "index": False} | options))

    def cell(self, name: str, row: int, column: str, value: str) -> None:
        """Write one value of a table of types."""

        def write(table: pd.DataFrame) -> pd.DataFrame:
            assert table.loc[row, column] != value
            table.loc[row, column] = value
            return table

        self.table(name, write)

    def json(self, name: str, function: Callable[[Any], Any], **options: Any) -> None:
        """Replace a JSON file by a function of its content, or change it in place."""
        content = json.loads((self / name).read_text())
        new = function(content)
        (self / name).write_text(json.dumps(content if new is None else new, **options))

    def rows(
        self,
        name: str,
        function: Callable[[pd.DataFrame], pd.DataFrame],
        indices: bool = True,
    ) -> None:
        """Replace the rows of the one population of edges in a file.

        The table has the columns of ids and types, ``group`` and ``index``. Indices are made
        anew, if wanted; rows of groups stay, so those of removed edges are without a use.
        """
        with self.h5(name) as file:
            (population,) = file["edges"].values()
            names = [n for n, item in population.items() if isinstance(item, h5py.Dataset)]
            table = pd.DataFrame({n: population[n][()] for n in names})
            new = function(table).reset_index(drop=True)
            for n in names:
                replace(population, n, new[n].to_numpy().astype(population[n].dtype))
            if indices:
                make_indices(population)

    def drop_rows(self, name: str, chosen: Callable[[pd.DataFrame], Any]) -> None:
        """Remove edges together with their rows in groups, and make indices anew."""
        with self.h5(name) as file:
            (population,) = file["edges"].values()
            groups = [n for n in population if n.isdigit()]
            group, index = population["edge_group_id"][()], population["edge_group_index"][()]
            names = [n for n, item in population.items() if isinstance(item, h5py.Dataset)]
            out = np.asarray(chosen(pd.DataFrame({n: population[n][()] for n in names})))
            assert out.any()
            for g in groups:
                gone = index[out & (group == int(g))]
                for column in list(population[g]):
                    values = np.delete(population[g][column][()], gone.astype(int), axis=0)
                    replace(population[g], column, values)
                kept = ~out & (group == int(g))
                index[kept] -= np.searchsorted(np.sort(gone), index[kept]).astype(index.dtype)
            for n in names:
                values = index if n == "edge_group_index" else population[n][()]
                replace(population, n, values[~out])
            make_indices(population)


def replace(parent: Any, name: str, values: Values) -> None:
    """Write a dataset anew, with the attributes and the second name that it had."""
    attributes = dict(parent[name].attrs)
    folder = parent[name].parent
    names = [n for n in folder if folder[n] == parent[name]]
    for n in names:
        del folder[n]
    made = folder.create_dataset(names[0], data=values)
    made.attrs.update(attributes)
    for n in names[1:]:
        folder[n] = made


def make_indices(population: Any) -> None:
    """Write the indices that a population of edges has, from its rows."""
    for index, column in INDICES.items():
        if f"indices/{index}" not in population:
            continue
        ids = population[column][()].astype(int)
        starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if len(ids) else np.zeros(0, int)
        ends = np.r_[starts[1:], len(ids)] if len(ids) else starts
        of_id = ids[starts]
        order = np.argsort(of_id, kind="stable")
        n = ids.max() + 1 if len(ids) else 0
        first = np.searchsorted(of_id[order], np.arange(n), side="left")
        last = np.searchsorted(of_id[order], np.arange(n), side="right")
        ranges = np.stack([first, last], 1) * (first < last)[:, None]
        runs = np.stack([starts, ends], 1)[order]
        group = population["indices"][index]
        replace(group, "node_id_to_range", ranges.astype(np.uint64))
        replace(group, "range_to_edge_id", runs.astype(np.uint64))


@dataclass(frozen=True)
class Change:
    """A change of a saved folder.

    Attributes
    ----------
    name : str
        What happened, as a user would tell it.
    folder : str
        Which network it happens to.
    about : tuple of str
        A report about it names one of these: a file, population or property, or
        an edge type of the file.
    make : callable
        What changes a `Folder`.
    of : str
        What `verify` gets: the folder, or a file in it.
    """

    name: str
    folder: str
    about: tuple[str, ...]
    make: Callable[[Folder], Any]
    of: str = "."


FAULTS: dict[str, Change] = {}
HARMLESS: dict[str, Change] = {}


def fault(name: str, folder: str, about: str, make: Callable[[Folder], Any], of: str = ".") -> None:
    """Put a fault on the list; `about` has the words of a good report, any of them."""
    assert name not in FAULTS, name
    FAULTS[name] = Change(name, folder, tuple(about.split()), make, of)


def harmless(name: str, folder: str, make: Callable[[Folder], Any], of: str = ".") -> None:
    """Put a harmless change on the list."""
    assert name not in HARMLESS, name
    HARMLESS[name] = Change(name, folder, (), make, of)


def plant(change: Change, folders: Path, path: Path) -> Path:
    """Copy the good folder of a change, change it, and return what `verify` shall check.

    Good folders that are not in `folders` yet are made.
    """
    if not (folders / change.folder).exists():
        make_folders(folders, change.folder)
    shutil.copytree(folders / change.folder / "good", path)
    change.make(Folder(path, folders / change.folder))
    return path / change.of


def table_to_edges(file: str) -> str:
    """Return the file of edges that a table of edge types belongs to; else the name as it is."""
    return file.replace("_edge_types.csv", "_edges.h5")


def said(change: Change, path: Path, alarm_rate: float = 1e-9) -> tuple[str, bool, Verification]:
    """Return how grave the findings are, whether one names the thing, and the report.

    Returns
    -------
    str
        ``'error'``, ``'warning'``, or ``'nothing'``, which is a miss of a fault.
    bool
        Whether an error or a warning has one of the words of ``change.about``.
    Verification
    """
    report = verify(path, alarm_rate=alarm_rate)
    alarms = [found for found in report.findings if found.severity != "note"]
    assert bool(report) == (not alarms) == (report.exit_code == 0), "truth and findings disagree"
    assert len(report.to_frame()) == len(report.findings)
    assert str(report)
    severities = {found.severity for found in alarms}
    gravest = next((s for s in ("error", "warning") if s in severities), "nothing")
    texts = [f"{found} {found.file} {found.population} type{found.edge_type}" for found in alarms]
    words = [
        *change.about,
        *(f"type{k}" for w in change.about for k in EDGE_TYPES.get(table_to_edges(w), ())),
    ]
    return gravest, any(word in text for text in texts for word in words), report
