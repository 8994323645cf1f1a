"""Faults of the properties of synapses: weights, delays, places, numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from planted.nodes import permuted, set_row
from planted.plants import Folder, Values, fault, replace

WEIGHT, DELAY = "0/syn_weight", "0/delay"
SECTION, PLACE = "0/afferent_section_id", "0/afferent_section_pos"
EDGES = {
    "column": "cortex_cortex_edges.h5",
    "portable": "sheet_sheet_edges.h5",
    "compact": "small_small_edges.h5",
    "listed": "given_given_edges.h5",
    "points": "points_points_edges.h5",
    "stock": "plain_plain_edges.h5",
}


def population(folder: Folder, file: str) -> str:
    with folder.h5(file) as h5:
        (name,) = h5["edges"]
    return f"edges/{name}"


def values(
    name: str,
    dataset: str,
    function: Callable[[Values], Any],
    folder: str = "column",
    file: str = "",
) -> None:
    """Plant a change of one property of the edges."""
    file = file or EDGES[folder]
    fault(
        name,
        folder,
        f"{dataset.split('/')[-1]} {file}",
        lambda f: f.change(file, f"{population(f, file)}/{dataset}", function),
    )


def types(chosen: int, function: Callable[[Values], Any]) -> Callable[[Folder], None]:
    """Change the weights of one edge type."""

    def make(folder: Folder) -> None:
        file = EDGES["column"]
        with folder.h5(file) as h5:
            edges = h5["edges/cortex_to_cortex"]
            index = edges["edge_group_index"][()][edges["edge_type_id"][()] == chosen]
            weights = edges[WEIGHT][()]
            weights[index] = function(weights[index])
            edges[WEIGHT][...] = weights

    return make


# ----------------------------------------------------------------------------------- weights
values("weights in nS", WEIGHT, lambda v: v * 1000)
values("weights 5 % larger", WEIGHT, lambda v: v * 1.05)
values("weights negated", WEIGHT, np.negative)
values("weights zero", WEIGHT, np.zeros_like)
values("weights shuffled", WEIGHT, permuted)
values("weights sorted", WEIGHT, np.sort)
values("weights all equal", WEIGHT, lambda v: np.full_like(v, v.mean()))
values("weights shifted by a row", WEIGHT, lambda v: np.roll(v, 1))
values("weights rounded", WEIGHT, lambda v: v.round(2))
values("weights as float32", WEIGHT, lambda v: v.astype(np.float32))
values("weights cut to whole numbers", WEIGHT, lambda v: v.astype(np.int64))
values("weights as text", WEIGHT, lambda v: [b"%f" % x for x in v])
values("one weight not a number", WEIGHT, set_row(8, np.nan))
values("one weight infinite", WEIGHT, set_row(8, -np.inf))
values("one weight ten times as large", WEIGHT, lambda v: set_row(8, 10 * v[8])(v))
values("two weights exchanged", WEIGHT, lambda v: v[[1, 0, *range(2, len(v))]])
values("weights cut", WEIGHT, lambda v: v[:-1])
values("weights doubled in length", WEIGHT, lambda v: np.concatenate([v, v]))
values("weights in a square", WEIGHT, lambda v: np.stack([v, v], axis=1))
values("weights shuffled, portable", WEIGHT, permuted, "portable")
values("weights negated, portable", WEIGHT, np.negative, "portable")
values("weights of a matrix turned", WEIGHT, lambda v: v[::-1], "listed")
values("weights of a matrix all 1", WEIGHT, np.ones_like, "listed")
fault("weights of one type scaled", "column", "syn_weight", types(102, lambda v: v * 3))
fault("weights shuffled within a type", "column", "syn_weight", types(101, permuted))

# ------------------------------------------------------------------------------------ delays
values("delays in s", DELAY, lambda v: v / 1000)
values("delays shuffled", DELAY, permuted)
values("delays all 1 ms", DELAY, np.ones_like)
values("delays zero", DELAY, np.zeros_like)
values("delays negative", DELAY, np.negative)
values("one delay zero", DELAY, set_row(30, 0.0))
values("one delay not a number", DELAY, set_row(30, np.nan))
values("delays rounded to 0.1 ms", DELAY, lambda v: v.round(1))
values("delays 0.1 ms longer", DELAY, lambda v: v + 0.1)
values("delays shuffled, compact", DELAY, permuted, "compact")
values("delays shuffled, portable", DELAY, permuted, "portable")
values("delays of a file shuffled", "1/delay", permuted, "listed")
values("delays negative, without a recipe", DELAY, np.negative, "stock")
values("one delay infinite, without a recipe", DELAY, set_row(3, np.inf), "stock")

# ------------------------------------------------------------------------------------ places
values("sections shuffled", SECTION, permuted)
values("sections all soma", SECTION, np.zeros_like)
values("sections one too high", SECTION, lambda v: v + 1)
values("section negative", SECTION, lambda v: set_row(2, -1)(v.astype(np.int64)))
values("sections are no whole numbers", SECTION, lambda v: v + 0.5)
values("places shuffled", PLACE, permuted)
values("places from the other end", PLACE, lambda v: 1.0 - v)
values("places in percent", PLACE, lambda v: v * 100)
values("place below 0", PLACE, set_row(2, -0.1))
values("place not a number", PLACE, set_row(2, np.nan))
values("sections shuffled, compact", SECTION, permuted, "compact")
values("place beyond 1, without a recipe", PLACE, set_row(2, 1.5), "stock")


def exchange(file: str, a: str, b: str) -> Callable[[Folder], None]:
    def make(folder: Folder) -> None:
        with folder.h5(file) as h5:
            (edges,) = h5["edges"].values()
            one, two = edges[a][()], edges[b][()]
            replace(edges, a, two)
            replace(edges, b, one)

    return make


def lost(name: str, dataset: str, folder: str = "column", file: str = "") -> None:
    file = file or EDGES[folder]
    words = f"{file} {dataset.split('/')[-1]}"
    fault(name, folder, words, lambda f: f.remove(file, f"{population(f, file)}/{dataset}"))


def renamed(name: str, old: str, new: str) -> None:
    def make(folder: Folder) -> None:
        with folder.h5(EDGES["column"]) as h5:
            h5["edges/cortex_to_cortex"].move(old, new)

    fault(name, "column", f"{EDGES['column']} {old.split('/')[-1]}", make)


fault(
    "weights and delays exchanged",
    "column",
    "syn_weight delay",
    exchange(EDGES["column"], WEIGHT, DELAY),
)
fault(
    "weights and delays exchanged, portable",
    "portable",
    "syn_weight delay",
    exchange(EDGES["portable"], WEIGHT, DELAY),
)
lost("weights gone", WEIGHT)
lost("delays gone", DELAY)
lost("sections gone", SECTION)
lost("places gone", PLACE)
lost("weights gone, portable", WEIGHT, "portable")
lost("delays gone, compact", DELAY, "compact")
lost("weights of a matrix gone", WEIGHT, "listed")
lost("delays of a file gone", "1/delay", "listed")
renamed("weights renamed", WEIGHT, "0/weight")
renamed("delays renamed", DELAY, "0/delays")

# -------------------------------------------------------------------------- numbers of synapses
N = "0/nsyns"
INPUTS = "thal_cortex_edges.h5"
values("numbers of synapses 0", N, np.zeros_like, file=INPUTS)
values("numbers of synapses one higher", N, lambda v: v + 1, file=INPUTS)
values("numbers of synapses all 1", N, np.ones_like, file=INPUTS)
values("numbers of synapses shuffled", N, permuted, file=INPUTS)
values("numbers of synapses negative", N, lambda v: -v.astype(np.int64), file=INPUTS)
values("numbers of synapses no whole numbers", N, lambda v: v + 0.5, file=INPUTS)
values("one number of synapses higher", N, set_row(0, 77), file=INPUTS)
values("numbers of synapses doubled, point neurons", N, lambda v: v * 2, "points")
lost("numbers of synapses gone", N, file=INPUTS)
lost("numbers of synapses gone, point neurons", N, "points")


# -------------------------------------------------------------------------- columns put on top
def added(name: str, folder: str, file: str, column: str, value: Any) -> None:
    """Plant a column that stands above what the table of types says."""

    def make(f: Folder) -> None:
        path = population(f, file)
        with f.h5(file) as h5:
            group = h5[path][column.split("/")[0]]
            n = len(next(iter(group.values())))
            group[column.split("/")[1]] = np.full(n, value)

    fault(name, folder, f"{file} {column.split('/')[1]}", make)


added("weights put over those of the types", "column", INPUTS, "0/syn_weight", 0.7)
added("weights put over those of point synapses", "points", EDGES["points"], "0/syn_weight", 1.0)
added("delays put over those of the types", "pair", "left_left_edges.h5", "0/delay", 4.0)
added("sections put beside numbers of synapses", "column", INPUTS, "0/afferent_section_id", 3)
added("numbers of synapses put beside sections", "column", EDGES["column"], "0/nsyns", 2)
