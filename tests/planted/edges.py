"""Faults of ids, types, groups and indices of edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from planted.nodes import permuted, rename, set_row
from planted.plants import Folder, Values, fault, make_indices, replace

FILE, POP = "cortex_cortex_edges.h5", "edges/cortex_to_cortex"
INPUTS, FROM_THAL = "thal_cortex_edges.h5", "edges/thal_to_cortex"
S, T, TYPE = "source_node_id", "target_node_id", "edge_type_id"
GROUP, INDEX = "edge_group_id", "edge_group_index"
Table = pd.DataFrame


def column(
    name: str,
    dataset: str,
    function: Callable[[Values], Any],
    folder: str = "column",
    file: str = FILE,
    indices: bool = True,
) -> None:
    """Plant a change of one column of the rows, indices made anew unless `indices` is false."""

    def make(f: Folder) -> None:
        with f.h5(file) as h5:
            (population,) = h5["edges"].values()
            path = population.name
        f.change(file, f"{path}/{dataset}", function)
        if indices:
            with f.h5(file) as h5:
                make_indices(h5[path])

    fault(name, folder, f"{file} {dataset.split('/')[-1]}", make)


def rows(
    name: str,
    function: Callable[[Table], Table],
    folder: str = "column",
    file: str = FILE,
    indices: bool = True,
) -> None:
    """Plant a change of the table of rows."""

    def make(f: Folder) -> None:
        f.rows(file, function, indices)

    fault(name, folder, file, make)


def write(table: Table, chosen: Any, **values: Any) -> Table:
    for name, value in values.items():
        table.loc[chosen, name] = value
    return table


# --------------------------------------------------------------------------------------- ids
column("sources permuted", S, permuted)
column("targets permuted", T, permuted)
column("sources shifted by one", S, lambda v: (v + 1) % 40)
column("one source changed", S, lambda v: set_row(11, (v[11] + 1) % 40)(v))
column(
    "one source changed, index left", S, lambda v: set_row(12, (v[12] + 1) % 40)(v), indices=False
)
column("source that is not there", S, set_row(3, 555))
column("target that is not there, last row", T, set_row(-1, 55))
column(
    "source negative",
    S,
    lambda v: np.where(np.arange(len(v)) == 5, -1, v.astype(np.int64)),
    indices=False,
)
column("sources are no whole numbers", S, lambda v: v + 0.25, indices=False)
column("sources are text", S, lambda v: [b"%d" % i for i in v], indices=False)
column("sources of inputs permuted", S, permuted, file=INPUTS)
column("sources all 0", S, np.zeros_like, file=INPUTS)
column("ids of 8 bits wrapped at 64", S, lambda v: v % 64, "compact", "small_small_edges.h5")
column("sources permuted, portable", S, permuted, "portable", "sheet_sheet_edges.h5")
column("sources permuted, matrix", S, permuted, "listed", "given_given_edges.h5")
column("sources permuted, minimal", S, permuted, "mini", "mini_mini_edges.h5")
rows("sources and targets exchanged", lambda t: t.rename(columns={S: T, T: S}))
rows(
    "sources and targets exchanged, minimal",
    lambda t: t.rename(columns={S: T, T: S}),
    "mini",
    "mini_mini_edges.h5",
)
rows(
    "sources and targets exchanged, index left",
    lambda t: t.rename(columns={S: T, T: S}),
    "points",
    "points_points_edges.h5",
    False,
)
rows("an edge drawn to itself", lambda t: write(t, 20, **{S: t[T][20]}))

# ---------------------------------------------------------------------------------- rows
rows("rows by source, indices left", lambda t: t.sort_values(S, kind="stable"), indices=False)
rows("rows turned, indices left", lambda t: t[::-1], "pair", "left_right_edges.h5", False)
rows("rows of inputs doubled", lambda t: pd.concat([t, t]), file=INPUTS)
rows("last row lost, group left", lambda t: t[:-1])
rows("one row twice", lambda t: pd.concat([t, t[:1]]), "points", "points_points_edges.h5")


def lose(
    name: str, chosen: Callable[[Table], Any], folder: str = "column", file: str = FILE
) -> None:
    fault(name, folder, file, lambda f: f.drop_rows(file, chosen))


lose("one row lost", lambda t: t.index == 17)
lose("one synapse of two lost", lambda t: t.index == 17, "compact", "small_small_edges.h5")
lose("all edges to one cell lost", lambda t: t[T] == 7)
lose("every tenth row lost", lambda t: t.index % 10 == 0, "portable", "sheet_sheet_edges.h5")
lose("one edge type lost", lambda t: t[TYPE] == 102)
lose("gap junctions lost", lambda t: t[TYPE] == 103)
lose("one input lost", lambda t: t.index == 5, file=INPUTS)
lose("one edge lost, minimal", lambda t: t.index == 0, "mini", "mini_mini_edges.h5")
lose("all edges lost", lambda t: t.index >= 0, "pair", "right_left_edges.h5")
lose("one edge of a matrix lost", lambda t: t.index == 30, "listed", "given_given_edges.h5")

# ------------------------------------------------------------------------------------- types
column("type that is not there", TYPE, set_row(0, 99))
column(
    "all rows of one type", TYPE, lambda v: np.full_like(v, 100), "points", "points_points_edges.h5"
)
column("types shifted", TYPE, lambda v: v + 1, file=INPUTS)
column("types exchanged", TYPE, lambda v: 209 - v, file=INPUTS)
column("one row of another type", TYPE, lambda v: set_row(int(np.argmax(v == 101)), 100)(v))
column("one gap junction as a synapse", TYPE, lambda v: set_row(int(np.argmax(v == 103)), 101)(v))
column("types permuted", TYPE, permuted, "listed", "given_given_edges.h5")

# ------------------------------------------------------------------------------------ groups
column("group index permuted", INDEX, permuted, "portable", "sheet_sheet_edges.h5")
column("group index shifted", INDEX, lambda v: np.roll(v, 1), file=INPUTS)
column("group index outside", INDEX, set_row(0, 10**6))
column(
    "group index twice", INDEX, lambda v: set_row(1, v[0])(v), "portable", "sheet_sheet_edges.h5"
)
column("group index all 0", INDEX, np.zeros_like, "points", "points_points_edges.h5")
column("group that is not there", GROUP, set_row(2, 7))
column("all rows in group 0", GROUP, np.zeros_like, "listed", "given_given_edges.h5")
column("groups exchanged", GROUP, lambda v: 1 - v)


def move_values(folder: Folder) -> None:
    """Exchange the groups of two rows whose values differ."""
    with folder.h5("given_given_edges.h5") as file:
        population = file["edges/given_to_given"]
        group, index = population[GROUP][()], population[INDEX][()]
        a, b = (int(np.argmax(group == g)) for g in (0, 1))
        group[[a, b]], index[[a, b]] = group[[b, a]], index[[b, a]]
        population[GROUP][...], population[INDEX][...] = group, index


fault("groups of two rows exchanged", "listed", "given_given_edges.h5", move_values)

# ----------------------------------------------------------------------------------- indices
INTO, OUT = "indices/target_to_source", "indices/source_to_target"
RANGES, RUNS = "node_id_to_range", "range_to_edge_id"
column("index without rows of a node", f"{INTO}/{RANGES}", set_row(4, 0), indices=False)
column(
    "index shifted by a node", f"{INTO}/{RANGES}", lambda v: np.roll(v, 1, axis=0), indices=False
)
column("index of zeros", f"{OUT}/{RANGES}", np.zeros_like, indices=False)
column("index cut", f"{INTO}/{RANGES}", lambda v: v[:-9], indices=False)
column(
    "index with a reversed run",
    f"{INTO}/{RUNS}",
    lambda v: set_row(3, v[3][::-1])(v),
    indices=False,
)
column(
    "index beyond the rows",
    f"{INTO}/{RUNS}",
    lambda v: set_row(-1, (v[-1][0], 10**5))(v),
    indices=False,
)
column("index with runs cut", f"{OUT}/{RUNS}", lambda v: v[:-30], indices=False)
column(
    "index one short",
    f"{INTO}/{RUNS}",
    lambda v: set_row(6, v[6] - np.uint64([0, 1]))(v),
    indices=False,
)
column(
    "index with the rows of another node",
    f"{OUT}/{RUNS}",
    lambda v: v[[-1, *range(1, len(v) - 1), 0]],
    "mini",
    "mini_mini_edges.h5",
    False,
)
column(
    "index of a node given to two",
    f"{OUT}/{RANGES}",
    lambda v: set_row(2, v[3])(v),
    file=INPUTS,
    indices=False,
)
fault("indices gone", "column", f"{FILE} indices", lambda f: f.remove(FILE, f"{POP}/indices"))
fault(
    "index of targets gone",
    "column",
    f"{FILE} target_to_source",
    lambda f: f.remove(FILE, f"{POP}/{INTO}"),
)
fault(
    "half of an index gone",
    "column",
    f"{FILE} {RUNS}",
    lambda f: f.remove(FILE, f"{POP}/{INTO}/{RUNS}"),
)
fault(
    "indices gone, portable",
    "portable",
    "sheet_sheet_edges.h5",
    lambda f: f.remove("sheet_sheet_edges.h5", "edges/sheet_to_sheet/indices"),
)


def exchange_indices(folder: Folder) -> None:
    with folder.h5(FILE) as file:
        indices = file[f"{POP}/indices"]
        indices.move("target_to_source", "swap")
        indices.move("source_to_target", "target_to_source")
        indices.move("swap", "source_to_target")


fault("indices exchanged", "column", FILE, exchange_indices)


def half_renewed(folder: Folder) -> None:
    """Write only one of the two names under which readers look for an index."""
    with folder.h5(FILE) as file:
        group = file[f"{POP}/{INTO}"]
        old = group[RANGES][()]
        del group["node_id_to_ranges"]
        group["node_id_to_ranges"] = np.roll(old, 1, axis=0)


fault("second name of an index with other ranges", "column", FILE, half_renewed)

# ------------------------------------------------------------------------- datasets and names
for dataset in (S, T, TYPE, GROUP, INDEX):
    fault(
        f"{dataset} gone",
        "column",
        f"{FILE} {dataset}",
        lambda f, d=dataset: f.remove(FILE, f"{POP}/{d}"),
    )
fault("group of edges gone", "column", FILE, lambda f: f.remove(FILE, f"{POP}/0"))
fault("group of nsyns gone", "column", f"{FILE} nsyns", lambda f: f.remove(FILE, f"{POP}/1"))
column("sources cut", S, lambda v: v[:-3], indices=False)
fault("edges renamed", "column", f"{FILE} cortex_to_cortex", rename(FILE, POP, "edges/v1_to_v1"))
fault(
    "inputs renamed",
    "column",
    f"{INPUTS} thal_to_cortex",
    rename(INPUTS, FROM_THAL, "edges/lgn_to_v1"),
)
fault("edges in a group of another name", "column", FILE, rename(FILE, "edges", "edge"))


def network_of(
    end: str, name: str, folder: str = "column", file: str = INPUTS
) -> Callable[[Folder], None]:
    def make(f: Folder) -> None:
        with f.h5(file) as h5:
            (population,) = h5["edges"].values()
            assert population[end].attrs["node_population"] != name
            population[end].attrs["node_population"] = name

    return make


fault("inputs said to come from the cortex", "column", f"{INPUTS} cortex", network_of(S, "cortex"))
fault("inputs said to come from nowhere", "column", INPUTS, network_of(S, "lgn"))
fault("inputs said to go to the inputs", "column", INPUTS, network_of(T, "thal"))
fault(
    "direction exchanged in the attributes",
    "pair",
    "left_right_edges.h5",
    lambda f: (
        network_of(S, "right", file="left_right_edges.h5")(f),
        network_of(T, "left", file="left_right_edges.h5")(f),
    ),
)
fault(
    "network of the sources not said",
    "column",
    f"{INPUTS} node_population",
    lambda f: f.remove(INPUTS, f"{FROM_THAL}/{S}@node_population"),
)


def second_copy(folder: Folder) -> None:
    with folder.h5(INPUTS) as file:
        file.copy(FROM_THAL, file["edges"], "thal_to_cortex_2")


fault("edges twice in a file", "column", f"{INPUTS} thal_to_cortex_2", second_copy)


def redirected(folder: Folder) -> None:
    """Exchange the targets of two edges: same degrees, counts and types."""

    def change(table: Table) -> Table:
        a = int(np.argmax(table[TYPE] == 104))
        others = (table[TYPE] == 104) & (table[T] != table[T][a]) & (table[S] != table[S][a])
        b = int(np.argmax(others))
        table.loc[[a, b], S] = table.loc[[b, a], S].to_numpy()
        return table

    folder.rows(INPUTS, change)


fault("sources of two edges exchanged", "column", INPUTS, redirected)


def mixed_lengths(folder: Folder) -> None:
    with folder.h5("points_points_edges.h5") as file:
        population = file["edges/points_to_points"]
        for name in (S, T):
            replace(population, name, population[name][:-4])


fault("ids shorter than types", "points", "points_points_edges.h5", mixed_lengths)
