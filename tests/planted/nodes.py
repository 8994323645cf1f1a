"""Faults of the files of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from planted.plants import Folder, Values, fault, replace

FILE, CELLS = "cortex_nodes.h5", "nodes/cortex"
SHEET, ON_SHEET = "sheet_nodes.h5", "nodes/sheet"


def permuted(values: Values) -> Values:
    """Return the rows in another order, none where it was."""
    return np.roll(values[np.random.default_rng(3).permutation(len(values))], 1, axis=0)


def set_row(row: int, value: Any) -> Callable[[Values], Values]:
    def change(values: Values) -> Values:
        values[row] = value
        return values

    return change


def change(
    name: str,
    dataset: str,
    function: Callable[[Values], Any],
    about: str = "",
    folder: str = "column",
    file: str = FILE,
    cells: str = CELLS,
) -> None:
    """Plant a change of one dataset of nodes."""
    fault(
        name,
        folder,
        about or f"{dataset.split('/')[-1]} {file} nodes",
        lambda f: f.change(file, f"{cells}/{dataset}", function),
    )


def on_sheet(name: str, dataset: str, function: Callable[[Values], Any]) -> None:
    change(name, dataset, function, "", "portable", SHEET, ON_SHEET)


# --------------------------------------------------------------------------------------- ids
change("node ids permuted", "node_id", permuted)
change("node ids reversed", "node_id", lambda v: v[::-1])
change("node ids from 1", "node_id", lambda v: v + 1)
change("node id twice", "node_id", set_row(7, 6))
change("node ids with a gap", "node_id", lambda v: v + (v > 20))
change("two node ids exchanged", "node_id", lambda v: np.where(v < 2, 1 - v, v))
change("node id negative", "node_id", lambda v: np.where(v == 5, -5, v.astype(np.int64)))
change("node ids are floats beside whole numbers", "node_id", lambda v: v + 0.5)
change("node ids are text", "node_id", lambda v: [b"a%d" % i for i in v])
on_sheet("node ids permuted, portable", "node_id", permuted)

# ------------------------------------------------------------------------------------- types
change("node types permuted", "node_type_id", permuted)
change("all nodes of one type", "node_type_id", lambda v: np.full_like(v, 100))
change("node types exchanged", "node_type_id", lambda v: 201 - v)
change("node of an unknown type", "node_type_id", set_row(3, 999))
change("one node of another type", "node_type_id", set_row(3, 101))
on_sheet("one node of another type, portable", "node_type_id", set_row(3, 101))
change(
    "node types exchanged, point neurons",
    "node_type_id",
    lambda v: 201 - v,
    "node_type_id points_nodes.h5 points_points_edges.h5",
    "points",
    "points_nodes.h5",
    "nodes/points",
)

# --------------------------------------------------------------------------------- positions
XYZ = "0/positions"
change("positions permuted", XYZ, permuted)
change("two positions exchanged", XYZ, lambda v: v[[1, 0, *range(2, len(v))]])
change("positions in mm", XYZ, lambda v: v / 1000)
change("axes exchanged", XYZ, lambda v: v[:, [2, 1, 0]])
change("positions mirrored", XYZ, lambda v: v * [-1, 1, 1])
change("positions shifted", XYZ, lambda v: v + np.array([0.0, 0.0, 50.0]))
change("positions zero", XYZ, np.zeros_like)
change("positions rounded to um", XYZ, np.round)
change("positions rounded to float32", XYZ, lambda v: v.astype(np.float32))
change("position not a number", XYZ, set_row(4, np.nan))
change("position infinite", XYZ, set_row(4, (0.0, np.inf, 0.0)))
change("one position moved", XYZ, set_row(9, (1.0, 2.0, 3.0)))
change("positions without z", XYZ, lambda v: v[:, :2])
change("positions are text", XYZ, lambda v: [[b"1.0"] * 3] * len(v))
change("positions cut", XYZ, lambda v: v[:-5])
on_sheet("x permuted", "0/x", permuted)
on_sheet("z negated", "0/z", np.negative)
on_sheet("y not a number", "0/y", set_row(0, np.nan))
on_sheet("x cut", "0/x", lambda v: v[:-1])


def exchange_columns(folder: Folder) -> None:
    with folder.h5(SHEET) as file:
        group = file[f"{ON_SHEET}/0"]
        x, z = group["x"][()], group["z"][()]
        group["x"][...], group["z"][...] = z, x


fault("x and z exchanged", "portable", f"{SHEET} x z", exchange_columns)
fault("column x gone", "portable", f"{SHEET} x", lambda f: f.remove(SHEET, f"{ON_SHEET}/0/x"))
fault("positions gone", "column", f"{FILE} positions", lambda f: f.remove(FILE, f"{CELLS}/{XYZ}"))

# -------------------------------------------------------------------------------- attributes
change("attribute of nodes permuted", "0/tuning", permuted)
change("attribute of nodes in radians", "0/tuning", np.deg2rad)
change("attribute of nodes zero", "0/tuning", np.zeros_like)
change("attribute of nodes not a number", "0/tuning", set_row(2, np.nan))
fault(
    "attribute of nodes gone",
    "column",
    f"{FILE} tuning",
    lambda f: f.remove(FILE, f"{CELLS}/0/tuning"),
)

# ------------------------------------------------------------------------------ rows and groups
change("group index of nodes permuted", "node_group_index", permuted)
change("group index of nodes outside", "node_group_index", lambda v: v + 3)
change("group index of nodes all 0", "node_group_index", np.zeros_like)
change("group of nodes not there", "node_group_id", lambda v: v + 1)
change("table of nodes with columns of two lengths", "node_type_id", lambda v: v[:-2])
for dataset in ("node_id", "node_type_id"):
    fault(
        f"{dataset} gone",
        "column",
        f"{FILE} {dataset}",
        lambda f, dataset=dataset: f.remove(FILE, f"{CELLS}/{dataset}"),
    )
fault("group of nodes gone", "column", FILE, lambda f: f.remove(FILE, f"{CELLS}/0"))


def all_rows(folder: Folder, function: Callable[[Values], Values], file: str = FILE) -> None:
    """Change all columns of the nodes alike."""
    with folder.h5(file) as h5:
        (cells,) = h5["nodes"].values()
        for name in ("node_id", "node_type_id", "node_group_id", "node_group_index"):
            replace(cells, name, function(cells[name][()]))
        for name in list(cells.get("0", ())):
            replace(cells["0"], name, function(cells["0"][name][()]))


fault("last node lost", "column", f"{FILE} node", lambda f: all_rows(f, lambda v: v[:-1]))
fault("nodes doubled", "column", FILE, lambda f: all_rows(f, lambda v: np.concatenate([v, v])))
fault("all nodes lost", "column", f"{FILE} nodes", lambda f: all_rows(f, lambda v: v[:0]))
fault(
    "one virtual cell lost",
    "column",
    "thal_nodes.h5 thal_cortex_edges.h5",
    lambda f: all_rows(f, lambda v: v[:-1], "thal_nodes.h5"),
)


def one_more(folder: Folder) -> None:
    with folder.h5(FILE) as file:
        cells = file[CELLS]
        for name in ("node_id", "node_group_index"):
            replace(cells, name, np.append(cells[name][()], np.uint64(55)))
        for name in ("node_type_id", "node_group_id"):
            replace(cells, name, np.append(cells[name][()], cells[name][-1]))
        for name in list(cells["0"]):
            replace(
                cells["0"], name, np.append(cells["0"][name][()], cells["0"][name][-1:], axis=0)
            )


fault("one node more", "column", FILE, one_more)


# ------------------------------------------------------------------------------------ the names
def rename(file: str, old: str, new: str) -> Callable[[Folder], None]:
    def move(folder: Folder) -> None:
        with folder.h5(file) as h5:
            h5.move(old, new)

    return move


fault("nodes renamed", "column", f"{FILE} cortex", rename(FILE, CELLS, "nodes/v1"))
fault("virtual nodes renamed", "column", "thal", rename("thal_nodes.h5", "nodes/thal", "nodes/lgn"))
fault(
    "nodes of two networks renamed to one",
    "pair",
    "right left",
    rename("right_nodes.h5", "nodes/right", "nodes/left"),
)
fault(
    "attribute of nodes renamed",
    "column",
    f"{FILE} tuning",
    rename(FILE, f"{CELLS}/0/tuning", f"{CELLS}/0/angle"),
)
fault("nodes in a group of another name", "column", FILE, rename(FILE, "nodes", "node"))


def added(name: str, column: str, value: object, file: str = FILE, folder: str = "column") -> None:
    """Plant a column that stands above what the table of types says."""

    def make(f: Folder) -> None:
        with f.h5(file) as h5:
            (cells,) = h5["nodes"].values()
            group = cells.require_group("0")
            group[column] = [value] * len(cells["node_id"])

    fault(name, folder, f"{file} {column}", make)


added("cells turned by a column more", "rotation_angle_zaxis", 1.5)
added("models of cells put over those of the types", "dynamics_params", b"other.json")
added("models of point neurons put over", "dynamics_params", b"x.json", "points_nodes.h5", "points")
