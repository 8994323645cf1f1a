"""Faults of gap junctions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from planted.nodes import permuted, set_row
from planted.plants import Folder, Values, fault, replace

FILE, EDGES = "cortex_gap_juncs.h5", "cortex_cortex_edges.h5"
COLUMNS = ("source_ids", "target_ids", "src_gap_ids", "trg_gap_ids")
GAP = 103


def column(name: str, dataset: str, function: Callable[[Values], Any]) -> None:
    """Plant a change of one column of the file of gap junctions."""
    fault(name, "column", f"{FILE} gap", lambda f: f.change(FILE, dataset, function))


def rows(name: str, function: Callable[[Values], Values]) -> None:
    """Plant a change of all columns alike."""

    def make(folder: Folder) -> None:
        with folder.h5(FILE) as file:
            for dataset in COLUMNS:
                replace(file, dataset, function(file[dataset][()]))

    fault(name, "column", f"{FILE} gap", make)


column("cells of gap junctions permuted", "source_ids", permuted)
column("one cell of a gap junction changed", "target_ids", lambda v: set_row(4, 41 + v[4] % 14)(v))
column("gap junctions to cells that are not there", "target_ids", set_row(0, 99))
column("gap junctions of the other population", "source_ids", lambda v: v - 40)
column("ids of gap junctions permuted", "src_gap_ids", permuted)
column("id of a gap junction twice", "src_gap_ids", set_row(1, 0))
column("ids of gap junctions on both ends alike", "trg_gap_ids", lambda v: v - 1)
column("ids of gap junctions zero", "trg_gap_ids", np.zeros_like)
column("ids of gap junctions negative", "src_gap_ids", np.negative)
column("cells of gap junctions cut", "target_ids", lambda v: v[:-1])
column("cells of gap junctions are text", "source_ids", lambda v: [b"%d" % i for i in v])
rows("half of the gap junctions lost from their file", lambda v: v[::2])
rows("last gap junction lost from its file", lambda v: v[:-1])
rows("all gap junctions lost from their file", lambda v: v[:0])
rows("gap junctions doubled in their file", lambda v: np.concatenate([v, v]))
rows("one gap junction twice in its file", lambda v: np.append(v, v[:1]))
for dataset in COLUMNS:
    fault(f"{dataset} gone", "column", FILE, lambda f, d=dataset: f.remove(FILE, d))


def both_ways(folder: Folder) -> None:
    """Exchange the ends in the file: each junction then has the id of its other end."""
    with folder.h5(FILE) as file:
        source, target = file["source_ids"][()], file["target_ids"][()]
        file["source_ids"][...], file["target_ids"][...] = target, source


fault("ends of gap junctions exchanged, their ids left", "column", f"{FILE} gap", both_ways)


def in_edges(name: str, function: Callable[[pd.DataFrame, Any], pd.DataFrame]) -> None:
    """Plant a change of the rows of gap junctions among the edges."""

    def make(folder: Folder) -> None:
        folder.rows(EDGES, lambda t: function(t, t.index[t.edge_type_id == GAP]))

    fault(name, "column", f"{EDGES} gap 103", make)


def write(table: pd.DataFrame, chosen: Any, **values: Any) -> pd.DataFrame:
    for name, value in values.items():
        table.loc[chosen, name] = value
    return table


in_edges("gap junctions doubled among the edges", lambda t, g: pd.concat([t, t.loc[g]]))
in_edges("one gap junction twice among the edges", lambda t, g: pd.concat([t, t.loc[g[:1]]]))
in_edges(
    "gap junction of a cell with itself",
    lambda t, g: write(t, g[2], source_node_id=t.target_node_id[g[2]]),
)
in_edges(
    "ends of gap junctions exchanged among the edges",
    lambda t, g: write(
        t,
        g,
        source_node_id=t.target_node_id[g].to_numpy(),
        target_node_id=t.source_node_id[g].to_numpy(),
    ),
)
in_edges(
    "a gap junction stored both ways",
    lambda t, g: write(
        t,
        g[1],
        source_node_id=t.target_node_id[g[0]],
        target_node_id=t.source_node_id[g[0]],
    ),
)
fault(
    "one gap junction lost from the edges alone",
    "column",
    f"{EDGES} {FILE} gap 103",
    lambda f: f.drop_rows(EDGES, lambda t: t.index == t.index[t.edge_type_id == GAP][0]),
)
