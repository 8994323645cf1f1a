"""A saved network, and all that may be wrong with it: ``from faults import FAULTS``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from conftest import QUIET, random_positions

from bmtool_connectors import (
    FixedInDegreeConnector,
    GapJunction,
    NetworkBuilder,
    ReciprocalConnector,
    UnidirectionConnector,
    verify,
)
from bmtool_connectors.sonata.digests import ColumnDigests, digest_of_json

EDGES, INPUTS, NODES = "net_net_edges.h5", "bg_net_edges.h5", "net_nodes.h5"
GAPS, TYPES, RECIPE = "net_gap_juncs.h5", "net_net_edge_types.csv", "net_connections.json"
NODE_TYPES = "net_node_types.csv"
POPULATION = "edges/net_to_net"
INDEX_BY = ["target_node_id", "source_node_id", "edge_type_id"]


def networks(seed: int = 1, make: Any = NetworkBuilder) -> list[Any]:
    """Return a network with two groups of edges, gap junctions and inputs; not built."""
    net, inputs = make("net"), make("bg")
    points = list(random_positions(30))
    net.add_nodes(N=30, pop_name="A", model_type="biophysical", positions=points)
    net.add_nodes(N=20, pop_name="B", model_type="point_neuron", label=["b"] * 20)
    inputs.add_nodes(N=10, pop_name="in", model_type="virtual")
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    cells = ReciprocalConnector(p0=0.3, pr=0.15, n_syn0=2, rng=seed, **QUIET)
    cells.setup_nodes(a, a)
    edges = net.add_edges(**cells.edge_params(), syn_weight=0.1)
    edges.add_properties("delay", rule=lambda s, t: 1.0 + s.node_id / 100, dtypes=float)
    edges.add_properties(
        ["afferent_section_id", "afferent_section_pos"],
        rule=lambda s, t: (s.node_id % 3, t.node_id / 100),
        dtypes=[int, float],
    )
    out = UnidirectionConnector(p=0.2, n_syn=2, rng=seed, **QUIET)
    out.setup_nodes(a, b)
    net.add_edges(**out.edge_params(), delay=2.0)
    back = FixedInDegreeConnector(4, rng=seed, **QUIET)
    back.setup_nodes(b, a)
    net.add_edges(**back.edge_params(), delay=2.0)
    gaps = GapJunction(p=0.2, rng=seed, **QUIET)
    gaps.setup_nodes(a, a)
    net.add_edges(**gaps.edge_params(), is_gap_junction=True, syn_weight=0.01)
    drive = FixedInDegreeConnector(2, rng=seed, **QUIET)
    drive.setup_nodes(inputs.nodes(), a)
    net.add_edges(**drive.edge_params(), delay=2.0)
    return [inputs, net]


def saved(folder: Path, nets: list[Any], **options: Any) -> Path:
    """Build and save networks into a folder."""
    for net in nets:
        net.build()
        net.save(str(folder), **options)
    return folder


# ---------------------------------------------------------------------- planted faults
@contextmanager
def edges_of(folder: Path, file: str = EDGES, path: str = POPULATION) -> Iterator[Any]:
    """Open a population of edges for changes."""
    with h5py.File(folder / file, "r+") as h5:
        yield h5[path]


def set_value(folder: Path, name: str, row: int, value: Any, **where: str) -> None:
    """Change one value of a dataset."""
    with edges_of(folder, **where) as h5:
        h5[name][row] = value


def replace(h5: Any, name: str, values: Any) -> None:
    """Replace a dataset, keeping its attributes."""
    attributes = dict(h5[name].attrs)
    del h5[name]
    h5[name] = values
    h5[name].attrs.update(attributes)


def rows_of(h5: Any, edge_type: int) -> Any:
    """Return the rows of an edge type."""
    return np.flatnonzero(h5["edge_type_id"][()] == edge_type)


def id_of(h5: Any, row: int) -> tuple[int, int]:
    return int(h5["source_node_id"][row]), int(h5["target_node_id"][row])


def edit_recipe(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the recipe, and the digest that it has of itself."""
    recipe = json.loads((folder / RECIPE).read_text())
    change(recipe)
    recipe.pop("blake2b", None)
    recipe["blake2b"] = digest_of_json(recipe)
    (folder / RECIPE).write_text(json.dumps(recipe))


def edit_types(folder: Path, old: str, new: str, file: str = TYPES) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


#: Every fault: the codes of its findings, and what plants it. It returns what else is known of
#: the finding with the first code.
FAULTS: dict[str, tuple[set[str], str, Callable[[Path], dict[str, Any]]]] = {}

Fault = Callable[[Path], dict[str, Any]]


def fault(code: str, *others: str) -> Callable[[Fault], Fault]:
    """Add a fault to the list."""

    def add(plant: Fault) -> Fault:
        FAULTS[plant.__name__] = ({code, *others}, code, plant)
        return plant

    return add


@fault("recipe-pairs", "recipe-synapses", "index-missing")
def edge_removed(folder: Path) -> dict[str, Any]:
    """As a tool might do it that writes no index."""
    with edges_of(folder) as h5:
        row = int(rows_of(h5, 101)[5])
        group, place = str(h5["edge_group_id"][row]), int(h5["edge_group_index"][row])
        later = (h5["edge_group_id"][()] == int(group)) & (h5["edge_group_index"][()] > place)
        replace(h5, "edge_group_index", h5["edge_group_index"][()] - later)
        for name in list(h5):
            if isinstance(h5[name], h5py.Dataset):
                replace(h5, name, np.delete(h5[name][()], row))
        replace(h5[group], "nsyns", np.delete(h5[group]["nsyns"][()], place))
        del h5["indices"]
    return {"edge_type": 101}


@fault("recipe-pairs", "recipe-synapses", "index-missing")
def edge_added(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        row = int(rows_of(h5, 101)[5])
        there = {id_of(h5, k) for k in rows_of(h5, 101)}
        group = str(h5["edge_group_id"][row])
        source = next(k for k in range(30) if (k, 40) not in there)
        new = {"source_node_id": source, "target_node_id": 40, "edge_type_id": 101}
        new |= {"edge_group_id": int(group), "edge_group_index": len(h5[group]["nsyns"])}
        for name, value in new.items():
            replace(h5, name, np.append(h5[name][()], value).astype(h5[name].dtype))
        replace(h5[group], "nsyns", np.append(h5[group]["nsyns"][()], 2))
        del h5["indices"]
    return {"edge_type": 101}


@fault("index-node", "recipe-edges", "query")
def direction_swapped(folder: Path) -> dict[str, Any]:
    """Of a single row."""
    with edges_of(folder) as h5:
        row = int(rows_of(h5, 102)[7])
        source, target = id_of(h5, row)
        h5["source_node_id"][row], h5["target_node_id"][row] = target, source
    return {"edge_type": 102, "row": row, "ids": (target, source)}


@fault("recipe-direction", "query", "index-missing")
def all_directions_swapped(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        rows = rows_of(h5, 102)
        source, target = h5["source_node_id"][()], h5["target_node_id"][()]
        source[rows], target[rows] = target[rows], source[rows]
        h5["source_node_id"][:], h5["target_node_id"][:] = source, target
        del h5["indices"]
    return {"edge_type": 102}


@fault("index-node", "index-row")
def index_range_shifted(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        ranges = h5["indices/target_to_source/range_to_edge_id"]
        begin, end = ranges[3]
        ranges[3] = begin + 1, end + 1
        return {"row": int(end), "ids": id_of(h5, int(end)), "count": 1}


@fault("index-range")
def index_range_of_node_shifted(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        ranges = h5["indices/source_to_target/node_id_to_range"]
        ranges[3] += 1
    return {"ids": (4,)}


@fault("index-range")
def index_range_outside(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        ranges = h5["indices/edge_type_to_index/range_to_edge_id"]
        ranges[1, 1] = len(h5["edge_type_id"]) + 1
    return {}


@fault("index-range")
def index_range_reversed(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        ranges = h5["indices/target_to_source/node_id_to_range"]
        ranges[2] = ranges[2][::-1]
    return {"ids": (2,)}


@fault("index-node")
def index_of_wrong_node(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        ranges = h5["indices/target_to_source/node_id_to_range"]
        ranges[2], ranges[5] = ranges[5], ranges[2]
        target = h5["target_node_id"][()]
        row = int(np.flatnonzero(target == 2)[0])
        count = int(np.isin(target, (2, 5)).sum())
        return {"row": row, "ids": id_of(h5, row), "count": count}


@fault("index-row")
def index_holds_rows_twice(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        ranges = h5["indices/edge_type_to_index/range_to_edge_id"]
        ranges[-1, 0] = 0
    return {}


@fault("missing-dataset")
def index_incomplete(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        del h5["indices/target_to_source/range_to_edge_id"]
    return {}


@fault("dtype")
def index_of_another_shape(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        replace(h5, "indices/target_to_source/range_to_edge_id", np.arange(4))
    return {}


@fault("index-node")
def index_under_the_older_name(folder: Path) -> dict[str, Any]:
    """Some files of BMTK have ``indicies``, and those of others ``node_id_to_ranges`` only."""
    with edges_of(folder) as h5:
        h5.move("indices", "indicies")
        index = h5["indicies/target_to_source"]
        del index["node_id_to_range"]
        ranges = index["node_id_to_ranges"]
        ranges[2], ranges[5] = ranges[5], ranges[2]
        return {"row": int(np.flatnonzero(h5["target_node_id"][()] == 2)[0])}


@fault("node-id", "index-node", "recipe-synapses")
def id_out_of_range(folder: Path) -> dict[str, Any]:
    set_value(folder, "source_node_id", 8, 2**40, file=EDGES)
    with edges_of(folder) as h5:
        return {"row": 8, "ids": id_of(h5, 8), "count": 1}


@fault("node-id", "index-node", "recipe-synapses")
def id_beyond_int64(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        h5["target_node_id"][8] = 2**64 - 1
    return {"row": 8}


@fault("node-id", "recipe-nodes")
def nodes_missing(folder: Path) -> dict[str, Any]:
    """The node file lacks its last nodes."""
    with h5py.File(folder / NODES, "r+") as h5:
        nodes = h5["nodes/net"]
        for name in list(nodes):
            if isinstance(nodes[name], h5py.Dataset):
                replace(nodes, name, nodes[name][:-3])
        replace(nodes["1"], "label", nodes["1/label"][:-3])
    with edges_of(folder) as h5:
        row = int(np.flatnonzero(h5["source_node_id"][()] >= 47)[0])
        return {"row": row, "ids": id_of(h5, row)}


@fault("group", "recipe-values")
def wrong_group(folder: Path) -> dict[str, Any]:
    set_value(folder, "edge_group_id", 9, 7)
    return {"row": 9, "count": 1}


@fault("group-index-twice", "recipe-values")
def group_index_twice(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        rows = rows_of(h5, 100)
        h5["edge_group_index"][rows[4]] = h5["edge_group_index"][rows[2]]
        return {"row": int(rows[4]), "ids": id_of(h5, rows[4]), "edge_type": 100, "count": 1}


@fault("group-index", "recipe-values")
def group_index_outside(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        rows = rows_of(h5, 100)
        h5["edge_group_index"][rows[4]] = 10_000
        return {"row": int(rows[4]), "edge_type": 100, "count": 1}


@fault("group-rows")
def group_row_unused(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        for name, column in h5["0"].items():
            replace(h5["0"], name, np.append(column[()], column[0]))
    return {}


@fault("edge-type", "index-node", "recipe-pairs", "recipe-synapses")
def unknown_edge_type(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        row = int(rows_of(h5, 101)[3])
        h5["edge_type_id"][row] = 999
        return {"row": row, "ids": id_of(h5, row), "edge_type": 999, "count": 1}


@fault("edge-type", "gap-file")
def type_table_cut_short(folder: Path) -> dict[str, Any]:
    """At the end of a line, which only the edges tell."""
    lines = (folder / TYPES).read_text().splitlines(keepends=True)
    (folder / TYPES).write_text("".join(lines[:-2]))
    with edges_of(folder) as h5:
        row = int(np.flatnonzero(h5["edge_type_id"][()] >= 102)[0])
        return {"row": row, "ids": id_of(h5, row)}


def in_group(folder: Path, name: str, value: Any) -> dict[str, Any]:
    """Change a value of a property of the third row of an edge type."""
    with edges_of(folder) as h5:
        row = int(rows_of(h5, 100)[2])
        h5["0"][name][h5["edge_group_index"][row]] = value
        return {"row": row, "ids": id_of(h5, row), "edge_type": 100, "count": 1}


@fault("not-finite", "recipe-values")
def delay_nan(folder: Path) -> dict[str, Any]:
    return in_group(folder, "delay", np.nan)


@fault("not-finite", "recipe-values")
def delay_infinite(folder: Path) -> dict[str, Any]:
    return in_group(folder, "delay", np.inf)


@fault("delay", "recipe-values")
def delay_short(folder: Path) -> dict[str, Any]:
    return in_group(folder, "delay", 0.0)


@fault("delay", "recipe-table")
def delay_of_type_short(folder: Path) -> dict[str, Any]:
    edit_types(folder, "2.0", "0.0")
    return {"edge_type": 101}


@fault("section-id", "recipe-values")
def section_negative(folder: Path) -> dict[str, Any]:
    return in_group(folder, "afferent_section_id", -1)


@fault("section-pos", "recipe-values")
def section_position_outside(folder: Path) -> dict[str, Any]:
    return in_group(folder, "afferent_section_pos", 1.01)


@fault("dtype", "recipe-values")
def delay_of_text(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        replace(h5["0"], "delay", np.full(len(h5["0/delay"]), b"fast"))
    return {}


@fault("no-section", "recipe-values")
def sections_left_out(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        del h5["0/afferent_section_id"], h5["0/afferent_section_pos"]
        row = int(rows_of(h5, 100)[0])
        return {"row": row, "ids": id_of(h5, row), "edge_type": 100}


@fault("gap-twice", "gap-file", "recipe-edges", "index-missing")
def gap_junction_twice(folder: Path) -> dict[str, Any]:
    """In the other direction."""
    with edges_of(folder) as h5:
        first, last = rows_of(h5, 103)[[0, -1]]
        source, target = id_of(h5, first)
        h5["source_node_id"][last], h5["target_node_id"][last] = target, source
        del h5["indices"]
        return {"row": int(last), "ids": (target, source), "edge_type": 103, "count": 1}


@fault("gap-self", "gap-file", "recipe-edges", "index-missing")
def gap_junction_with_itself(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        row = int(rows_of(h5, 103)[3])
        h5["source_node_id"][row] = h5["target_node_id"][row]
        del h5["indices"]
        return {"row": row, "ids": id_of(h5, row), "edge_type": 103, "count": 1}


@fault("gap-file")
def gap_file_of_another_network(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / GAPS, "r+") as h5:
        h5["source_ids"][4] = h5["target_ids"][4]
        return {"row": 4, "ids": (int(h5["source_ids"][4]), int(h5["target_ids"][4]))}


@fault("gap-file")
def gap_file_short(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / GAPS, "r+") as h5:
        for name in list(h5):
            replace(h5, name, h5[name][:-1])
    return {}


@fault("gap-file")
def gap_half_twice(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / GAPS, "r+") as h5:
        h5["src_gap_ids"][0] = h5["trg_gap_ids"][0]
    return {}


@fault(
    "recipe-pairs",
    "recipe-synapses",
    "recipe-edges",
    "recipe-reciprocal",
    "gap-file",
    "index-missing",
)
def another_seed(folder: Path) -> dict[str, Any]:
    """The network of another seed under the old recipe."""
    other = saved(folder.parent / "other", networks(2))
    shutil.copy(other / EDGES, folder / EDGES)
    return {"edge_type": 100}


@fault("recipe-edges", "index-missing")
def another_seed_with_equal_numbers(folder: Path) -> dict[str, Any]:
    other = saved(folder.parent / "other", networks(2))
    shutil.copy(other / INPUTS, folder / INPUTS)
    return {"edge_type": 104, "file": INPUTS}


def enlarged(folder: Path, p0: float, pr: float) -> dict[str, Any]:
    """Make a network of 300 cells, and give it the wanted numbers of p0 = 0.2, pr = 0.1."""
    wanted = []
    for p, r in ((0.2, 0.1), (p0, pr)):
        shutil.rmtree(folder)
        net = NetworkBuilder("net")
        net.add_nodes(N=300)
        connector = ReciprocalConnector(p0=p, pr=r, rng=1, **QUIET)
        connector.setup_nodes(net.nodes(), net.nodes())
        net.add_edges(**connector.edge_params())
        saved(folder, [net])
        assert verify(folder).findings == ()
        recipe = json.loads((folder / RECIPE).read_text())
        wanted.append(recipe["edge_types"][0]["connector"]["wanted"])

    def change(recipe: dict[str, Any]) -> None:
        recipe["edge_types"][0]["connector"]["wanted"] = wanted[0]

    edit_recipe(folder, change)
    assert 6 <= 0.1 * wanted[0]["reciprocal"] / wanted[0]["reciprocal_sd"] < 8
    return {"edge_type": 100}


@fault("chance-reciprocal")
def reciprocity_off(folder: Path) -> dict[str, Any]:
    return enlarged(folder, 0.2, 0.11)


@fault("chance-edges")
def probability_off(folder: Path) -> dict[str, Any]:
    return enlarged(folder, 0.21, 0.1)


@fault("chance-edges")
def no_edge_where_many_are_wanted(folder: Path) -> dict[str, Any]:
    """Edges of a type that has none are in no file."""
    shutil.rmtree(folder)
    net = NetworkBuilder("net")
    net.add_nodes(N=30)
    connector = UnidirectionConnector(p=0.0, rng=1, **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params())
    saved(folder, [net])
    assert verify(folder).findings == ()

    def change(recipe: dict[str, Any]) -> None:
        wanted = recipe["edge_types"][0]["connector"]["wanted"]
        wanted |= {"forward": 90.0, "forward_sd": 9.0}

    edit_recipe(folder, change)
    return {"edge_type": 100, "file": RECIPE}


@fault("recipe-synapses")
def n_syn_changed(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        row = rows_of(h5, 101)[2]
        h5[str(h5["edge_group_id"][row])]["nsyns"][h5["edge_group_index"][row]] = 3
    return {"edge_type": 101}


@fault("n-syn", "recipe-synapses")
def n_syn_zero(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        row = rows_of(h5, 101)[2]
        h5[str(h5["edge_group_id"][row])]["nsyns"][h5["edge_group_index"][row]] = 0
        return {"edge_type": 101, "row": int(row), "ids": id_of(h5, row)}


@fault("pair-twice", "recipe-pairs", "index-missing")
def pair_twice(folder: Path) -> dict[str, Any]:
    """As a second build() of BMTK stores edges."""
    with edges_of(folder) as h5:
        first, second = (int(row) for row in rows_of(h5, 101)[[4, 5]])
        for name in ("source_node_id", "target_node_id"):
            h5[name][second] = h5[name][first]
        del h5["indices"]
        return {"row": second, "ids": id_of(h5, second), "edge_type": 101, "count": 1}


@fault("missing-dataset")
def dataset_missing(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        del h5["edge_type_id"]
    return {"file": EDGES}


@fault("missing-dataset")
def group_index_missing(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        del h5["edge_group_index"]
    return {"file": EDGES}


@fault("length")
def lengths_differ(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        replace(h5, "target_node_id", h5["target_node_id"][:-1])
    return {"file": EDGES}


@fault("length")
def lengths_in_group_differ(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        replace(h5["0"], "delay", h5["0/delay"][:-1])
    return {"file": EDGES}


@fault("id-floats")
def ids_of_floats(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        replace(h5, "source_node_id", h5["source_node_id"][()].astype(float))
    return {"file": EDGES}


@fault("unreadable")
def file_cut_short(folder: Path) -> dict[str, Any]:
    data = (folder / EDGES).read_bytes()
    (folder / EDGES).write_bytes(data[: len(data) // 2])
    return {"file": EDGES}


@fault("unreadable")
def file_empty(folder: Path) -> dict[str, Any]:
    (folder / EDGES).write_bytes(b"")
    return {"file": EDGES}


@fault("unreadable", "structure-only")
def recipe_broken(folder: Path) -> dict[str, Any]:
    text = (folder / RECIPE).read_text()
    (folder / RECIPE).write_text(text[: len(text) // 2])
    return {"file": RECIPE}


@fault("recipe", "structure-only")
def recipe_of_another_kind(folder: Path) -> dict[str, Any]:
    (folder / RECIPE).write_text("[1, 2]")
    return {"file": RECIPE}


@fault("recipe", "structure-only")
def recipe_of_a_later_format(folder: Path) -> dict[str, Any]:
    edit_recipe(folder, lambda recipe: recipe.update(format=9))
    return {"file": RECIPE}


@fault("recipe", "not-tested")
def recipe_incomplete(folder: Path) -> dict[str, Any]:
    edit_recipe(folder, lambda recipe: recipe["edge_types"][1].pop("pairs"))
    return {"file": RECIPE, "row": 1}


@fault("recipe-type", "recipe-table")
def recipe_lacks_a_type(folder: Path) -> dict[str, Any]:
    edit_recipe(folder, lambda recipe: recipe["edge_types"].pop(1))
    with edges_of(folder) as h5:
        number = json.loads((folder / RECIPE).read_text())
        told = {each["edge_type_id"] for each in number["edge_types"]}
        types = h5["edge_type_id"][()]
        row = int(np.flatnonzero(~np.isin(types, list(told)))[0])
        return {"file": EDGES, "edge_type": int(types[row]), "row": row}


@fault("recipe-type")
def recipe_has_another_type(folder: Path) -> dict[str, Any]:
    def change(recipe: dict[str, Any]) -> None:
        recipe["edge_types"].append({**recipe["edge_types"][1], "edge_type_id": 200})

    edit_recipe(folder, change)
    return {"file": RECIPE, "edge_type": 200}


@fault("recipe-reciprocal")
def recipe_counts_changed(folder: Path) -> dict[str, Any]:
    def change(recipe: dict[str, Any]) -> None:
        entry = next(e for e in recipe["edge_types"] if e["edge_type_id"] == 100)
        entry["connector"]["drawn"]["connected"]["reciprocal"] += 1
        entry["connector"]["drawn"]["connected"]["all"] -= 1

    edit_recipe(folder, change)
    return {"edge_type": 100}


@fault("not-tested")
def recipe_without_wanted(folder: Path) -> dict[str, Any]:
    def change(recipe: dict[str, Any]) -> None:
        for entry in recipe["edge_types"]:
            entry["connector"]["wanted"] = None

    edit_recipe(folder, change)
    return {"file": RECIPE}


@fault("versions")
def recipe_of_another_version(folder: Path) -> dict[str, Any]:
    edit_recipe(folder, lambda recipe: recipe["versions"].update(bmtool_connectors="0.0.1"))
    return {"file": RECIPE}


@fault("missing-file")
def edges_missing(folder: Path) -> dict[str, Any]:
    (folder / EDGES).unlink()
    (folder / TYPES).unlink()
    return {"file": RECIPE}


@fault("no-types", "missing-file")
def type_table_missing(folder: Path) -> dict[str, Any]:
    (folder / TYPES).unlink()
    (folder / GAPS).unlink()
    return {"file": EDGES}


@fault("type-table", "gap-file", "recipe-table")
def type_table_cut_in_a_line(folder: Path) -> dict[str, Any]:
    text = (folder / TYPES).read_text().rstrip()
    (folder / TYPES).write_text(text.rsplit(" ", 1)[0])
    return {"file": TYPES, "row": 3}


@fault("type-table", "edge-type")
def type_table_with_a_type_twice(folder: Path) -> dict[str, Any]:
    edit_types(folder, "\n101 ", "\n100 ")
    return {"file": TYPES}


@fault("no-nodes", "missing-file")
def nodes_elsewhere(folder: Path) -> dict[str, Any]:
    (folder / "bg_nodes.h5").unlink()
    return {"file": INPUTS}


@fault("structure-only")
def recipe_missing(folder: Path) -> dict[str, Any]:
    (folder / RECIPE).unlink()
    return {}


def in_nodes(folder: Path, name: str, row: int, value: Any) -> dict[str, Any]:
    set_value(folder, name, row, value, file=NODES, path="nodes/net")
    return {"file": NODES, "row": row}


@fault("node-id-twice", "node-id", "recipe-nodes")
def node_id_twice(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        assert 7 in h5["source_node_id"][()]
    return in_nodes(folder, "node_id", 7, 3) | {"ids": (3,)}


@fault("node-type", "query", "recipe-nodes")
def node_type_unknown(folder: Path) -> dict[str, Any]:
    return in_nodes(folder, "node_type_id", 40, 999) | {"ids": (40,)}


@fault("group", "recipe-nodes")
def node_group_unknown(folder: Path) -> dict[str, Any]:
    return in_nodes(folder, "node_group_id", 40, 9) | {"ids": (40,)}


@fault("group-index", "recipe-nodes")
def node_group_index_outside(folder: Path) -> dict[str, Any]:
    return in_nodes(folder, "node_group_index", 40, 99) | {"ids": (40,)}


@fault("position", "recipe-nodes")
def position_nan(folder: Path) -> dict[str, Any]:
    set_value(folder, "0/positions", 6, [1.0, np.nan, 2.0], file=NODES, path="nodes/net")
    return {"file": NODES, "row": 6, "ids": (6,), "count": 1}


@fault("missing-dataset")
def node_types_missing(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / NODES, "r+") as h5:
        del h5["nodes/net/node_type_id"]
    return {"file": NODES}


@fault("no-network")
def folder_empty(folder: Path) -> dict[str, Any]:
    for file in folder.iterdir():
        file.unlink()
    return {}


@fault("no-network")
def folder_missing(folder: Path) -> dict[str, Any]:
    shutil.rmtree(folder)
    return {}


# ---------------------------------------------------------------------- what was saved, changed
def change_values(
    folder: Path,
    path: str,
    change: Callable[[Any], Any],
    file: str = EDGES,
    path_of: str = POPULATION,
) -> None:
    """Replace all values of a dataset by a function of them."""
    with edges_of(folder, file, path_of) as h5:
        h5[path][...] = change(h5[path][()])


def shuffled(values: Any) -> Any:
    """Return the values in another order."""
    return values[np.random.default_rng(3).permutation(len(values))]


@fault("gap-file", "missing-file")
def gap_file_missing(folder: Path) -> dict[str, Any]:
    (folder / GAPS).unlink()
    return {"file": EDGES}


@fault("gap-file", "structure-only")
def gap_file_missing_without_a_recipe(folder: Path) -> dict[str, Any]:
    (folder / GAPS).unlink()
    (folder / RECIPE).unlink()
    return {"file": EDGES}


@fault("gap-file")
def gap_halves_exchanged(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / GAPS, "r+") as h5:
        first, second = h5["src_gap_ids"][()], h5["trg_gap_ids"][()]
        h5["src_gap_ids"][...], h5["trg_gap_ids"][...] = second, first
    return {}


@fault("recipe-table", "query")
def types_exchanged(folder: Path) -> dict[str, Any]:
    """Two rows of the table have each other's id."""
    text = (folder / TYPES).read_text()
    text = text.replace("\n101 ", "\nX ").replace("\n102 ", "\n101 ").replace("\nX ", "\n102 ")
    (folder / TYPES).write_text(text)
    return {"edge_type": 101}


@fault("query", "structure-only")
def types_exchanged_without_a_recipe(folder: Path) -> dict[str, Any]:
    (folder / RECIPE).unlink()
    types_exchanged(folder)
    return {"file": EDGES}


@fault("recipe-table", "query")
def query_changed(folder: Path) -> dict[str, Any]:
    edit_types(folder, "101 pop_name=='B'", "101 pop_name=='C'")
    return {"edge_type": 101}


@fault("recipe-table")
def weight_of_type_changed(folder: Path) -> dict[str, Any]:
    edit_types(folder, " 0.1 ", " 0.2 ")
    return {"edge_type": 100}


@fault("dtype", "recipe-table")
def weight_of_type_is_text(folder: Path) -> dict[str, Any]:
    edit_types(folder, " 0.1 ", " strong ")
    return {"edge_type": 100}


@fault("recipe-table")
def type_has_another_property(folder: Path) -> dict[str, Any]:
    lines = (folder / TYPES).read_text().splitlines()
    more = ["dynamics_params", *["AMPA.json"] * (len(lines) - 1)]
    lines = [f"{line} {value}" for line, value in zip(lines, more, strict=True)]
    (folder / TYPES).write_text("\n".join(lines))
    return {"edge_type": 100}


@fault("recipe-table")
def type_of_nodes_changed(folder: Path) -> dict[str, Any]:
    edit_types(folder, "point_neuron", "point_process", file=NODE_TYPES)
    return {"file": NODE_TYPES}


@fault("recipe-table", "node-type", "query")
def type_of_nodes_removed(folder: Path) -> dict[str, Any]:
    lines = (folder / NODE_TYPES).read_text().splitlines()
    (folder / NODE_TYPES).write_text("\n".join(lines[:-1]))
    return {"file": NODE_TYPES}


@fault("recipe-nodes", "query")
def node_types_permuted(folder: Path) -> dict[str, Any]:
    change_values(folder, "node_type_id", shuffled, file=NODES, path_of="nodes/net")
    return {"file": NODES}


@fault("query", "structure-only")
def node_types_permuted_without_a_recipe(folder: Path) -> dict[str, Any]:
    (folder / RECIPE).unlink()
    change_values(folder, "node_type_id", shuffled, file=NODES, path_of="nodes/net")
    return {}


@fault("recipe-nodes")
def positions_permuted(folder: Path) -> dict[str, Any]:
    change_values(folder, "0/positions", shuffled, file=NODES, path_of="nodes/net")
    return {"file": NODES}


@fault("recipe-nodes", "query")
def node_ids_permuted(folder: Path) -> dict[str, Any]:
    change_values(folder, "node_id", shuffled, file=NODES, path_of="nodes/net")
    return {"file": NODES}


@fault("recipe-nodes")
def labels_of_nodes_changed(folder: Path) -> dict[str, Any]:
    set_value(folder, "1/label", 3, b"c", file=NODES, path="nodes/net")
    return {"file": NODES}


@fault("recipe-nodes")
def column_of_nodes_missing(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / NODES, "r+") as h5:
        h5["nodes/net/1/other"] = h5["nodes/net/1/label"][()]
        del h5["nodes/net/1/label"]
    return {"file": NODES, "population": "net"}


@fault("position", "recipe-nodes")
def positions_of_text(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / NODES, "r+") as h5:
        replace(h5["nodes/net/0"], "positions", np.full(30, b"here"))
    return {"file": NODES}


@fault("population", "no-nodes", "recipe-nodes")
def nodes_renamed(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / NODES, "r+") as h5:
        h5.move("nodes/net", "nodes/ten")
    return {"file": NODES, "population": "ten"}


@fault("recipe-population")
def edges_renamed(folder: Path) -> dict[str, Any]:
    with h5py.File(folder / EDGES, "r+") as h5:
        h5.move("edges/net_to_net", "edges/net_to_ten")
    return {"edge_type": 100}


@fault("delay-dt")
def delay_below_the_time_step(folder: Path) -> dict[str, Any]:
    """A simulation of these files has steps of 1.05 ms."""
    config = {
        "run": {"dt": 1.05},
        "networks": {
            "edges": [{"edges_file": EDGES, "edge_types_file": TYPES}],
            "nodes": [
                {"nodes_file": f"{name}_nodes.h5", "node_types_file": f"{name}_node_types.csv"}
                for name in ("net", "bg")
            ],
            "gap_juncs": [{"gap_juncs_file": GAPS}],
        },
    }
    (folder / "simulation_config.json").write_text(json.dumps(config))
    return {"file": EDGES, "edge_type": 100}


@fault("dtype")
def index_of_text(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        replace(h5, "target_node_id", np.full(len(h5["target_node_id"]), b"7"))
    return {"file": EDGES}


@fault("missing-file", "no-nodes", "structure-only")
def ends_renamed(folder: Path) -> dict[str, Any]:
    with edges_of(folder, INPUTS, "edges/bg_to_net") as h5:
        h5["source_node_id"].attrs["node_population"] = "gb"
    return {"file": RECIPE, "edge_type": 104}


@fault("index-missing")
def indices_removed(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        del h5["indices"]
    return {"file": EDGES}


def in_column(name: str, change: Callable[[Any], Any]) -> Fault:
    """Return what changes a column of an edge type."""

    def plant(folder: Path) -> dict[str, Any]:
        change_values(folder, f"0/{name}", change)
        return {"file": EDGES, "edge_type": 100}

    return plant


for _name, _change in {
    "scaled": lambda x: x * 1.5,
    "a_little_off": lambda x: x * (1 + 1e-15),
    "shuffled": shuffled,
    "reversed": lambda x: x[::-1],
    "all_equal": lambda x: np.full_like(x, x[0]),
}.items():
    FAULTS[f"delays_{_name}"] = ({"recipe-values"}, "recipe-values", in_column("delay", _change))


@fault("recipe-values")
def values_of_one_pair_exchanged(folder: Path) -> dict[str, Any]:
    """Of one column and the two synapses of a pair: each column has the values that it had."""
    with edges_of(folder) as h5:
        places = h5["edge_group_index"][()]
        rows = rows_of(h5, 100)
        first = next(row for row in rows if places[row] == 0)
        (second,) = (row for row in rows if id_of(h5, row) == id_of(h5, first) and row != first)
        a, b = int(places[first]), int(places[second])
        h5["0/delay"][a] += 1.0
        h5["0/afferent_section_pos"][a] += 0.1
    resave_digests(folder)
    assert verify(folder)
    with edges_of(folder) as h5:
        h5["0/delay"][a], h5["0/delay"][b] = h5["0/delay"][b], h5["0/delay"][a]
    return {"edge_type": 100}


def resave_digests(folder: Path) -> None:
    """Give the recipe the digests of the values in the file, of type 100."""
    with edges_of(folder) as h5:
        rows = rows_of(h5, 100)
        places = h5["edge_group_index"][()][rows]
        names = ("afferent_section_id", "afferent_section_pos", "delay")
        digests = ColumnDigests()
        ids = h5["source_node_id"][()][rows], h5["target_node_id"][()][rows]
        digests.add(ids, {name: h5[f"0/{name}"][()][places] for name in names})

    def change(recipe: dict[str, Any]) -> None:
        values = recipe["edge_types"][0]["values"]
        values |= {"columns": digests.columns, "together": digests.whole}

    edit_recipe(folder, change)


@fault("recipe-values")
def column_missing(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        del h5["0/delay"]
    return {"edge_type": 100}


@fault("recipe-values")
def column_added(folder: Path) -> dict[str, Any]:
    """It overrides what the type says."""
    with edges_of(folder) as h5:
        h5["0/syn_weight"] = np.full(len(h5["0/delay"]), 0.5)
    return {"edge_type": 100}


@fault("no-value", "recipe-values")
def unread_column_with_nan(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        h5["0/distance"] = np.full(len(h5["0/delay"]), np.nan)
    return {"edge_type": 100}


@fault("delay", "recipe-table")
def delay_of_input_negative(folder: Path) -> dict[str, Any]:
    edit_types(folder, "2.0", "-0.5", file="bg_net_edge_types.csv")
    return {"edge_type": 104}


@fault("recipe-changed")
def recipe_changed(folder: Path) -> dict[str, Any]:
    recipe = json.loads((folder / RECIPE).read_text())
    recipe["edge_types"][0]["connector"]["parameters"]["p0"] = 0.35
    (folder / RECIPE).write_text(json.dumps(recipe))
    return {"file": RECIPE}


@fault("recipe-changed", "recipe-table", "structure-only")
def recipe_without_edge_types(folder: Path) -> dict[str, Any]:
    recipe = json.loads((folder / RECIPE).read_text())
    recipe["edge_types"] = []
    (folder / RECIPE).write_text(json.dumps(recipe))
    return {"file": RECIPE}


@fault("recipe", "structure-only")
def recipe_emptied(folder: Path) -> dict[str, Any]:
    (folder / RECIPE).write_text("{}")
    return {"file": RECIPE}


@fault("recipe", "structure-only")
def recipe_is_null(folder: Path) -> dict[str, Any]:
    (folder / RECIPE).write_text("null")
    return {"file": RECIPE}


@fault("recipe", "structure-only", "versions")
def recipe_of_the_first_format_without_edge_types(folder: Path) -> dict[str, Any]:
    (folder / RECIPE).write_text(json.dumps({"format": 1, "network": "net", "edge_types": []}))
    return {"file": RECIPE}


@fault("recipe", "recipe-edges", "not-tested", "index-missing")
def recipe_with_a_bad_number(folder: Path) -> dict[str, Any]:
    """One bad value does not keep the digest from being checked."""
    another_seed_with_equal_numbers(folder)

    def change(recipe: dict[str, Any]) -> None:
        entry = next(e for e in recipe["edge_types"] if e["edge_type_id"] == 104)
        entry["connector"]["wanted"]["forward"] = -3.0

    edit_recipe(folder, change)
    return {"file": RECIPE, "edge_type": 104}


@fault("recipe-population", "gap-file")
def edges_in_two_files(folder: Path) -> dict[str, Any]:
    shutil.copy(folder / EDGES, folder / "copy_edges.h5")
    shutil.copy(folder / TYPES, folder / "copy_edge_types.csv")
    return {"edge_type": 100}


@fault("recipe-table")
def type_added(folder: Path) -> dict[str, Any]:
    lines = (folder / TYPES).read_text().splitlines()
    (folder / TYPES).write_text("\n".join([*lines, "9" + lines[1]]))
    return {"file": TYPES, "edge_type": 9100}


@fault("recipe-table")
def type_of_nodes_added(folder: Path) -> dict[str, Any]:
    lines = (folder / NODE_TYPES).read_text().splitlines()
    number = lines[0].split().index("node_type_id")
    row = lines[1].split()
    row[number] = "999"
    (folder / NODE_TYPES).write_text("\n".join([*lines, " ".join(row)]))
    return {"file": NODE_TYPES}


def without_edges(folder: Path) -> None:
    """Replace the network by one whose edge type has no edges, so that there is no file of them."""
    shutil.rmtree(folder)
    net = NetworkBuilder("net")
    net.add_nodes(N=5)
    net.add_edges(connection_rule=0, delay=2.0, syn_weight=1.0)
    saved(folder, [net])
    assert verify(folder).findings == ()


@fault("recipe-table")
def type_without_edges_changed(folder: Path) -> dict[str, Any]:
    without_edges(folder)
    edit_types(folder, "2.0", "3.0")
    return {"edge_type": 100}


@fault("recipe-table")
def type_without_edges_removed(folder: Path) -> dict[str, Any]:
    without_edges(folder)
    header = (folder / TYPES).read_text().splitlines()[0]
    (folder / TYPES).write_text(header)
    return {"edge_type": 100}
