"""Changes that mean the same network, of which no report may complain."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pandas as pd

from planted.edges import FILE as EDGES
from planted.edges import INPUTS, POP, S, T
from planted.folders import CONFIG, SIMULATION
from planted.plants import Folder, harmless, replace

NODES = "cortex_nodes.h5"
TYPES, NODE_TYPES = "cortex_cortex_edge_types.csv", "cortex_node_types.csv"
RECIPE = "cortex_connections.json"


def rewritten(**options: Any) -> Callable[[Folder], None]:
    """Return what writes all datasets of a folder anew, as ``h5repack`` does."""

    def write(source: Any, target: Any) -> None:
        target.attrs.update(source.attrs)
        for name, item in source.items():
            if isinstance(item, h5py.Dataset):
                made = target.create_dataset(name, data=item[()], **options)
                made.attrs.update(item.attrs)
            else:
                write(item, target.create_group(name))

    def make(folder: Folder) -> None:
        for path in folder.path.glob("*.h5"):
            copy = path.with_suffix(".tmp")
            with h5py.File(path) as old, h5py.File(copy, "w") as new:
                write(old, new)
            copy.replace(path)

    return make


def retyped(file: str, dtype: Any, *names: str) -> Callable[[Folder], None]:
    def make(folder: Folder) -> None:
        for name in names:
            folder.change(file, name, lambda v: v.astype(dtype), same=True)

    return make


def text(file: str, function: Callable[[str], str]) -> Callable[[Folder], None]:
    def make(folder: Folder) -> None:
        old = (folder / file).read_text()
        assert function(old) != old
        (folder / file).write_text(function(old), newline="")

    return make


harmless("nothing", "column", lambda f: None)
for name in ("mini", "points", "portable", "compact", "pair", "listed", "stock"):
    harmless(f"nothing, {name}", name, lambda f: None)
harmless("configuration", "configured", lambda f: None, CONFIG)
harmless("simulation", "configured", lambda f: None, SIMULATION)

# ------------------------------------------------------------------------------- form of the files
harmless("compressed anew", "column", rewritten(compression="gzip", compression_opts=9))
harmless("not compressed", "column", rewritten())
harmless("other chunks", "compact", rewritten(chunks=True, shuffle=True, compression="lzf"))
harmless("checksums", "portable", rewritten(fletcher32=True, chunks=True))
harmless("ids of 32 bits", "column", retyped(EDGES, np.uint32, f"{POP}/{S}", f"{POP}/{T}"))
harmless("ids signed", "column", retyped(INPUTS, np.int64, f"edges/thal_to_cortex/{S}"))
harmless("types of 64 bits", "column", retyped(EDGES, np.uint64, f"{POP}/edge_type_id"))
harmless("node ids signed", "column", retyped(NODES, np.int64, "nodes/cortex/node_id"))
harmless("sections of 16 bits", "column", retyped(EDGES, np.uint16, f"{POP}/0/afferent_section_id"))
harmless(
    "numbers of synapses of 64 bits",
    "points",
    retyped("points_points_edges.h5", np.int64, "edges/points_to_points/0/nsyns"),
)


def note(folder: Folder) -> None:
    for path in folder.path.glob("*.h5"):
        with h5py.File(path, "r+") as file:
            file.attrs["author"] = "someone"


harmless("author in the attributes", "column", note)

# --------------------------------------------------------------------------- rows in another order
harmless("rows turned, indices anew", "column", lambda f: f.rows(EDGES, lambda t: t[::-1]))
harmless(
    "rows by source, indices anew",
    "column",
    lambda f: f.rows(EDGES, lambda t: t.sort_values([S, T], kind="stable")),
)
harmless(
    "rows shuffled, indices anew",
    "points",
    lambda f: f.rows("points_points_edges.h5", lambda t: t.sample(frac=1, random_state=3)),
)
harmless(
    "inputs by source, indices anew",
    "column",
    lambda f: f.rows(INPUTS, lambda t: t.sort_values([S, T])),
)
harmless("indices anew", "pair", lambda f: f.rows("left_right_edges.h5", lambda t: t))


def regrouped(folder: Folder) -> None:
    """Turn the rows of a group round, and what points to them."""
    with folder.h5(EDGES) as file:
        population = file[POP]
        for name, column in list(population["0"].items()):
            replace(population["0"], name, column[()][::-1])
        index, group = population["edge_group_index"][()], population["edge_group_id"][()]
        n = population["0/delay"].shape[0]
        index[group == 0] = n - 1 - index[group == 0]
        replace(population, "edge_group_index", index)


harmless("rows of a group turned with their index", "column", regrouped)


def of_one_pair(folder: Folder) -> None:
    """Exchange all properties of the two synapses of each pair."""
    with folder.h5("small_small_edges.h5") as file:
        edges = file["edges/small_to_small"]
        assert (edges[S][::2] == edges[S][1::2]).all()
        assert (edges["edge_group_index"][()] == np.arange(len(edges[S]))).all()
        for name in list(edges["0"]):
            values = edges["0"][name][()].reshape(-1, 2)[:, ::-1]
            edges["0"][name][...] = values.ravel()


harmless("synapses of a pair in another order", "compact", of_one_pair)


def gaps_turned(folder: Folder) -> None:
    with folder.h5("cortex_gap_juncs.h5") as file:
        for name in list(file):
            replace(file, name, file[name][()][::-1])


harmless("gap junctions in another order", "column", gaps_turned)


# ----------------------------------------------------------------------------------- type tables
def by_pandas(file: str, **options: Any) -> Callable[[Folder], None]:
    def make(folder: Folder) -> None:
        types = pd.read_csv(folder / file, sep=" ")
        types.to_csv(folder / file, sep=" ", index=False, **({"na_rep": "NULL"} | options))

    return make


harmless(
    "columns of a table in another order",
    "column",
    lambda f: f.table(TYPES, lambda t: t[t.columns[::-1]]),
)
harmless("rows of a table in another order", "column", lambda f: f.table(TYPES, lambda t: t[::-1]))
harmless(
    "rows of node types in another order",
    "column",
    lambda f: f.table(NODE_TYPES, lambda t: t[::-1]),
)
harmless("table saved by pandas", "column", by_pandas(TYPES))
harmless("table saved by pandas, NaN for NULL", "column", by_pandas(TYPES, na_rep="NaN"))
harmless(
    "table of point synapses saved by pandas", "points", by_pandas("points_points_edge_types.csv")
)
harmless("table with all values in quotes", "points", by_pandas("points_node_types.csv", quoting=1))
harmless(
    "table with line ends of Windows", "column", text(TYPES, lambda s: s.replace("\n", "\r\n"))
)
harmless(
    "numbers of a table written otherwise",
    "column",
    text("thal_cortex_edge_types.csv", lambda s: s.replace(" 0.5 0.2", " 5e-1 0.20")),
)
harmless("table without its last line end", "points", text("points_node_types.csv", str.rstrip))

harmless(
    "columns of node types in another order",
    "points",
    lambda f: f.table("points_node_types.csv", lambda t: t[t.columns[::-1]]),
)
harmless(
    "NULL of a table as an empty value",
    "listed",
    by_pandas("given_given_edge_types.csv", na_rep=""),
)
harmless(
    "weight of a type written to more digits",
    "pair",
    text("left_right_edge_types.csv", lambda s: s.replace(" 3.0 ", " 3.000000 ")),
)

# ----------------------------------------------------------------------------- around the network
harmless("recipe without its indentation", "column", lambda f: f.json(RECIPE, lambda r: None))
harmless(
    "recipe with keys sorted",
    "column",
    lambda f: f.json(RECIPE, lambda r: None, sort_keys=True, indent=4),
)
harmless("notes beside the network", "column", lambda f: (f / "README.txt").write_text("mine"))
harmless(
    "components beside the network",
    "column",
    lambda f: (f / "exc.json").write_text(json.dumps({"tau1": 1.0})),
)
harmless(
    "table of something else", "pair", lambda f: (f / "rates.csv").write_text("time,rate\n0,1\n")
)


def spikes(folder: Folder) -> None:
    (folder / "output").mkdir()
    for path in (folder / "output" / "spikes.h5", folder / "spikes.h5"):
        with h5py.File(path, "w") as file:
            group = file.create_group("spikes/cortex")
            group["node_ids"] = np.arange(5, dtype=np.uint64)
            group["timestamps"] = np.linspace(0.0, 10.0, 5)


harmless("spikes of a simulation", "column", spikes)


def two_names(folder: Folder) -> None:
    """Move a file and leave a link, as data stores do."""
    store = folder.path.parent / f"{folder.path.name}.store.h5"
    (folder / EDGES).rename(store)
    (folder / EDGES).symlink_to(store)


harmless("link to the edges", "column", two_names)
