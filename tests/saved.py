"""What saved files hold, for comparison to the last bit: ``from saved import content``."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

#: Column and group of each index.
INDICES = {
    "target_to_source": "target_node_id",
    "source_to_target": "source_node_id",
    "edge_type_to_index": "edge_type_id",
}


def content(folder: Path) -> dict[str, Any]:
    """Return all that the files of a folder hold, to the last bit and type.

    Rows of edges are sorted by all their columns, because BMTK's sort is not stable; how the
    datasets are cut into chunks, and the second name of an index, are left out.
    """
    found: dict[str, Any] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix == ".h5":
            with h5py.File(file) as h5:
                found[file.name] = _attributes(h5)
                h5.visititems(functools.partial(_visit, found, file.name))
                for name, population in h5.get("edges", {}).items():
                    rows, ids = edge_rows(population), {}
                    found[f"{file.name}/edges/{name}/rows"] = sorted(map(str, rows))
                    for index in population.get("indices", {}):
                        ids[index] = check_index(population, index)
                    found[f"{file.name}/edges/{name}/indices"] = ids
        elif file.name.endswith("_types.csv"):  # the order of columns is random in BMTK
            table = pd.read_csv(file, sep=" ", dtype=str, keep_default_na=False)
            found[file.name] = table[sorted(table)].to_dict("list")
    return found


def _attributes(item: Any) -> dict[str, Any]:
    return {
        name: (str(np.asarray(v).dtype), np.asarray(v).tolist()) for name, v in item.attrs.items()
    }


def _visit(found: dict[str, Any], file: str, name: str, item: Any) -> None:
    if name.endswith("node_id_to_ranges"):
        return
    found[f"{file}/{name}"] = _attributes(item)
    if isinstance(item, h5py.Dataset):
        kind = (str(item.dtype), item.shape, item.compression)
        values = item[()].tolist()
        if name.startswith("edges/"):
            values = None  # the columns together tell in what order rows are
        if "/indices/" in name:  # as many runs as the order of rows makes
            kind = (str(item.dtype), item.ndim, item.compression)
        found[f"{file}/{name}"] = (_attributes(item), kind, values)


def edge_rows(population: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a population of edges in their order: ids, type, group, properties."""
    columns = [
        population[name][()].tolist()
        for name in ("target_node_id", "source_node_id", "edge_type_id", "edge_group_id")
    ]
    groups = {
        int(name): {key: values[()].tolist() for key, values in group.items()}
        for name, group in population.items()
        if name.isdigit()
    }
    places = population["edge_group_index"][()].tolist()
    rows = []
    for *ids, group, place in zip(*columns, places, strict=True):
        own = {name: values[place] for name, values in sorted(groups[group].items())}
        rows.append((*ids, group, own))
    # Each row of a group belongs to one row of edges.
    used = sorted(zip(columns[3], places, strict=True))
    lengths = {g: len(next(iter(group.values()))) for g, group in groups.items()}
    assert used == [(g, k) for g in sorted(lengths) for k in range(lengths[g])]
    return rows


def check_index(population: Any, index: str) -> list[int]:
    """Assert that an index finds the rows of every id, in order, as runs; return the ids."""
    column = population[INDICES[index]][()].astype(np.int64)
    group = population["indices"][index]
    ranges = group["range_to_edge_id"][()].astype(np.int64)
    of_id = group["node_id_to_range"][()].astype(np.int64)
    assert of_id.shape == (column.max() + 1, 2)
    assert group["range_to_edge_id"].dtype == group["node_id_to_range"].dtype == np.uint64
    used = []
    for node_id, (first, last) in enumerate(of_id):
        own = ranges[first:last]
        used += list(range(first, last))
        rows = [row for begin, end in own for row in range(begin, end)]
        assert sorted(rows) == np.flatnonzero(column == node_id).tolist()
        # Runs are as long as can be.
        ends = sorted(map(tuple, own.tolist()))
        assert all(a[1] < b[0] for a, b in itertools.pairwise(ends))
        if not len(own):
            assert (first, last) == (0, 0)
    assert used == list(range(len(ranges)))
    return np.flatnonzero(of_id[:, 1]).tolist()
