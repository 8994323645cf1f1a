"""``verify``: good networks pass, and each kind of fault is found and named."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bmtk.builder
import h5py
import numpy as np
import pytest
import scipy.stats
from bmtk.builder.network_adaptors import DenseNetwork
from conftest import QUIET, random_positions

import bmtool_connectors
from bmtool_connectors import (
    FixedInDegreeConnector,
    GapJunction,
    GaussianDropoff,
    NetworkBuilder,
    NormalizedReciprocalRate,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    cli,
    spherical_dist,
    verify,
)
from bmtool_connectors.patterns.described import connector_described, drawn, wanted
from bmtool_connectors.sampling import expect
from bmtool_connectors.verification import columns
from bmtool_connectors.verification.chance import two_sided
from bmtool_connectors.verification.columns import Tally
from bmtool_connectors.verification.edges import Rows
from bmtool_connectors.verification.findings import CODES, Findings
from bmtool_connectors.verification.pairs import Pairs, pair_key
from bmtool_connectors.verification.recipe import Chance, Entry

EDGES, INPUTS, NODES = "net_net_edges.h5", "bg_net_edges.h5", "net_nodes.h5"
GAPS, TYPES, RECIPE = "net_gap_juncs.h5", "net_net_edge_types.csv", "net_connections.json"
POPULATION = "edges/net_to_net"


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


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good network."""
    return saved(tmp_path_factory.mktemp("good"), networks(), index_by=INDEX_BY)


INDEX_BY = ["target_node_id", "source_node_id", "edge_type_id"]


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of the good network."""
    return Path(shutil.copytree(original, tmp_path / "network"))


# ---------------------------------------------------------------------- good networks
OPTIONS: list[dict[str, Any]] = [
    {},
    {"compression": "none"},
    {"compression": "none", "compact": True},
    {"sort_by": None},
    {"sort_by": "source_node_id", "index_by": INDEX_BY},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_good(options: dict[str, Any], tmp_path: Path) -> None:
    report = verify(saved(tmp_path, networks(), **options))
    assert report.findings == ()
    assert report
    assert report.exit_code == 0
    assert [test.quantity for test in report.tests].count("reciprocal") == 1
    assert len(report.tests) == 6
    assert dict(report.rows)["nodes net"] == 50


def test_good_portable(tmp_path: Path) -> None:
    """With a single group of edges and one of nodes."""
    net = NetworkBuilder("net")
    net.add_nodes(N=20, pop_name="A", positions=list(random_positions(20)))
    for p in (0.2, 0.1):
        connector = UnidirectionConnector(p=p, rng=1, **QUIET)
        connector.setup_nodes(net.nodes(), net.nodes())
        edges = net.add_edges(**connector.edge_params(), delay=2.0)
        if p == 0.2:
            edges.add_properties("delay", rule=1.5, dtypes=float)
    assert verify(saved(tmp_path, [net], portable=True)).findings == ()


@pytest.mark.parametrize("options", OPTIONS[:2], ids=str)
def test_good_of_bmtk(options: dict[str, Any], tmp_path: Path) -> None:
    """As saved by BMTK itself: the structure is all that can be checked."""

    def make(name: str) -> Any:
        return bmtk.builder.NetworkBuilder(name, adaptor_cls=DenseNetwork)

    report = verify(saved(tmp_path, networks(make=make), **options))
    assert report
    assert {each.code for each in report.findings} == {"structure-only"}
    assert len(report.findings) == 2


def test_two_populations(tmp_path: Path) -> None:
    """Both directions of a draw are found again, and pairs connected both ways."""
    net = NetworkBuilder("net")
    net.add_nodes(N=30, pop_name="A")
    net.add_nodes(N=20, pop_name="B")
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    connector = ReciprocalConnector(p0=0.3, p1=0.4, pr=0.2, rng=1, **QUIET)
    connector.connect(net, a, b, forward={}, backward={})
    report = verify(saved(tmp_path, [net]))
    assert not report.findings
    assert connector.connectivity.backward is not None
    expected = [len(connector.connectivity.forward), connector.connectivity.connected[2]]
    assert [each.realised for each in report.tests][:2] == expected
    assert [(each.quantity, each.edge_type) for each in report.tests] == [
        ("edges", 100),
        ("reciprocal", 100),
        ("edges", 101),
    ]


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
    """Change the recipe."""
    recipe = json.loads((folder / RECIPE).read_text())
    change(recipe)
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


@fault("recipe-pairs", "recipe-synapses")
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


@fault("recipe-pairs", "recipe-synapses")
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


@fault("index-node", "recipe-edges")
def direction_swapped(folder: Path) -> dict[str, Any]:
    """Of a single row."""
    with edges_of(folder) as h5:
        row = int(rows_of(h5, 102)[7])
        source, target = id_of(h5, row)
        h5["source_node_id"][row], h5["target_node_id"][row] = target, source
    return {"edge_type": 102, "row": row, "ids": (target, source)}


@fault("recipe-direction")
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


@fault("node-id")
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


@fault("group")
def wrong_group(folder: Path) -> dict[str, Any]:
    set_value(folder, "edge_group_id", 9, 7)
    return {"row": 9, "count": 1}


@fault("group-index-twice")
def group_index_twice(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        rows = rows_of(h5, 100)
        h5["edge_group_index"][rows[4]] = h5["edge_group_index"][rows[2]]
        return {"row": int(rows[4]), "ids": id_of(h5, rows[4]), "edge_type": 100, "count": 1}


@fault("group-index")
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


@fault("not-finite")
def delay_nan(folder: Path) -> dict[str, Any]:
    return in_group(folder, "delay", np.nan)


@fault("not-finite")
def delay_infinite(folder: Path) -> dict[str, Any]:
    return in_group(folder, "delay", np.inf)


@fault("delay")
def delay_short(folder: Path) -> dict[str, Any]:
    return in_group(folder, "delay", 0.0)


@fault("delay")
def delay_of_type_short(folder: Path) -> dict[str, Any]:
    edit_types(folder, "2.0", "0.0")
    return {"edge_type": 101}


@fault("section-id")
def section_negative(folder: Path) -> dict[str, Any]:
    return in_group(folder, "afferent_section_id", -1)


@fault("section-pos")
def section_position_outside(folder: Path) -> dict[str, Any]:
    return in_group(folder, "afferent_section_pos", 1.01)


@fault("dtype")
def delay_of_text(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        replace(h5["0"], "delay", np.full(len(h5["0/delay"]), b"fast"))
    return {}


@fault("no-section")
def sections_left_out(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        del h5["0/afferent_section_id"], h5["0/afferent_section_pos"]
        row = int(rows_of(h5, 100)[0])
        return {"row": row, "ids": id_of(h5, row), "edge_type": 100}


@fault("gap-twice", "gap-file", "recipe-edges")
def gap_junction_twice(folder: Path) -> dict[str, Any]:
    """In the other direction."""
    with edges_of(folder) as h5:
        first, last = rows_of(h5, 103)[[0, -1]]
        source, target = id_of(h5, first)
        h5["source_node_id"][last], h5["target_node_id"][last] = target, source
        del h5["indices"]
        return {"row": int(last), "ids": (target, source), "edge_type": 103, "count": 1}


@fault("gap-self", "gap-file", "recipe-edges")
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


@fault("recipe-pairs", "recipe-synapses", "recipe-edges", "recipe-reciprocal", "gap-file")
def another_seed(folder: Path) -> dict[str, Any]:
    """The network of another seed under the old recipe."""
    other = saved(folder.parent / "other", networks(2))
    shutil.copy(other / EDGES, folder / EDGES)
    return {"edge_type": 100}


@fault("recipe-edges")
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


@fault("pair-twice", "recipe-pairs")
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


@fault("dtype")
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
    edit_recipe(folder, lambda recipe: recipe.update(format=2))
    return {"file": RECIPE}


@fault("recipe", "recipe-type")
def recipe_incomplete(folder: Path) -> dict[str, Any]:
    edit_recipe(folder, lambda recipe: recipe["edge_types"][1].pop("pairs"))
    return {"file": RECIPE, "row": 1}


@fault("recipe-type")
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


@fault("no-types")
def type_table_missing(folder: Path) -> dict[str, Any]:
    (folder / TYPES).unlink()
    (folder / GAPS).unlink()
    return {"file": EDGES}


@fault("type-table", "gap-file")
def type_table_cut_in_a_line(folder: Path) -> dict[str, Any]:
    text = (folder / TYPES).read_text().rstrip()
    (folder / TYPES).write_text(text.rsplit(" ", 1)[0])
    return {"file": TYPES, "row": 3}


@fault("type-table", "edge-type")
def type_table_with_a_type_twice(folder: Path) -> dict[str, Any]:
    edit_types(folder, "\n101 ", "\n100 ")
    return {"file": TYPES}


@fault("no-nodes")
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


@fault("node-id-twice", "node-id")
def node_id_twice(folder: Path) -> dict[str, Any]:
    with edges_of(folder) as h5:
        assert 7 in h5["source_node_id"][()]
    return in_nodes(folder, "node_id", 7, 3) | {"ids": (3,)}


@fault("node-type")
def node_type_unknown(folder: Path) -> dict[str, Any]:
    return in_nodes(folder, "node_type_id", 40, 999) | {"ids": (40,)}


@fault("group")
def node_group_unknown(folder: Path) -> dict[str, Any]:
    return in_nodes(folder, "node_group_id", 40, 9) | {"ids": (40,)}


@fault("group-index")
def node_group_index_outside(folder: Path) -> dict[str, Any]:
    return in_nodes(folder, "node_group_index", 40, 99) | {"ids": (40,)}


@fault("position")
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


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault is found and named, with what follows from it and nothing else."""
    codes, code, plant = FAULTS[name]
    expected = plant(folder)
    report = verify(folder)
    assert {each.code for each in report.findings} == codes, str(report)
    finding = next(each for each in report.findings if each.code == code)
    assert {key: getattr(finding, key) for key in expected} == expected
    only_notes = all(CODES[each][0] == "note" for each in codes)
    assert bool(report) == only_notes
    unreadable = codes & {"unreadable", "no-network"}
    assert report.exit_code == (2 if unreadable else 0 if only_notes else 1)
    assert cli.main(["verify", str(folder)]) == report.exit_code
    out, err = capsys.readouterr()
    assert f" {code}: " in out
    assert "Traceback" not in err
    frame = report.to_frame()
    assert frame["code"].tolist() == [each.code for each in report.findings]
    assert max(map(len, out.splitlines())) <= 80 or str(folder) in out


def test_every_code_has_a_fault() -> None:
    assert set.union(*(codes for codes, _, _ in FAULTS.values())) == set(CODES)


def test_the_guide_lists_the_codes() -> None:
    text = (Path(__file__).parents[1] / "docs" / "guide.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    assert listed == [(code, *severity) for code, severity in CODES.items()]


@pytest.mark.parametrize("seed", range(30))
def test_damage(seed: int, folder: Path) -> None:
    """Files that are cut, or have other bytes, are findings or harmless, never an error."""
    rng = np.random.default_rng(seed)
    file = sorted(folder.iterdir())[seed % len(list(folder.iterdir()))]
    data = np.frombuffer(file.read_bytes(), dtype=np.uint8).copy()
    if seed % 3 == 0:
        data = data[: rng.integers(len(data))]
    else:
        data[rng.integers(len(data), size=seed)] = rng.integers(256, size=seed)
    file.write_bytes(data.tobytes())
    report = verify(folder)
    assert str(report)
    assert report.exit_code in (0, 1, 2)


# ---------------------------------------------------------------------- other ways to ask
def configuration(folder: Path, network: Path, **more: Any) -> Path:
    """Write a circuit and a simulation configuration beside a network; return the latter."""
    circuit = {
        "manifest": {"$BASE": "..", "$NETWORK_DIR": f"${{BASE}}/{network.name}"},
        "networks": {
            "nodes": [
                {
                    "nodes_file": f"$NETWORK_DIR/{name}_nodes.h5",
                    "node_types_file": f"$NETWORK_DIR/{name}_node_types.csv",
                }
                for name in ("net", "bg")
            ],
            "edges": [
                {
                    "edges_file": f"$NETWORK_DIR/{name}_net_edges.h5",
                    "edge_types_file": f"$NETWORK_DIR/{name}_net_edge_types.csv",
                }
                for name in ("net", "bg")
            ],
            "gap_juncs": [{"gap_juncs_file": f"$NETWORK_DIR/{GAPS}"}],
        },
    }
    folder.mkdir()
    (folder / "circuit_config.json").write_text(json.dumps(circuit))
    simulation = {"manifest": {"$HERE": "."}, "network": "${HERE}/circuit_config.json", **more}
    (folder / "simulation_config.json").write_text(json.dumps(simulation))
    return folder / "simulation_config.json"


def test_configuration(original: Path, tmp_path: Path) -> None:
    """A configuration names the files, and its time step is the least delay."""
    folder = Path(shutil.copytree(original, tmp_path / "network"))
    for dt, codes in ((0.1, []), (1.2, ["delay"])):
        shutil.rmtree(tmp_path / "sim", ignore_errors=True)
        path = configuration(tmp_path / "sim", folder, run={"dt": dt, "tstop": 10.0})
        report = verify(path)
        assert [each.code for each in report.findings] == codes
        assert len(report.rows) == 4
        assert len(report.tests) == 6
        # The folder as well: nothing is looked at twice.
        assert verify([folder, path]).rows == report.rows
    finding = report.findings[0]
    assert finding.message.startswith("delay is 1.01, below the time step of 1.2 ms")
    assert finding.count == count_below(folder, 1.2)
    assert verify(path, dt=0.0)
    assert not verify(folder, dt=1.2)
    (folder / "bg_nodes.h5").unlink()
    codes = [each.code for each in verify(path, dt=0.0).findings]
    assert codes == ["missing-file", "no-nodes"]
    (tmp_path / "sim" / "circuit_config.json").unlink()
    assert [each.code for each in verify(path).findings] == ["missing-file"]
    path.write_text("{")
    assert [each.code for each in verify(path).findings] == ["unreadable"]
    assert verify(path).exit_code == 2


def count_below(folder: Path, delay: float) -> int:
    with edges_of(folder) as h5:
        return int((h5["0/delay"][()] < delay).sum())


def test_files_of_other_tools(tmp_path: Path) -> None:
    """No tables of types, no ids of nodes, no columns of groups: as libsonata allows."""
    with h5py.File(tmp_path / "nodes.h5", "w") as h5:
        h5["nodes/cells/node_type_id"] = np.full(4, -1)
        h5["nodes/cells/0/x"] = np.arange(4.0)
    with h5py.File(tmp_path / "edges.h5", "w") as h5:
        population = h5.create_group("edges/chemical")
        for name, ids in (("source_node_id", [0, 1, 3]), ("target_node_id", [1, 1, 2])):
            population[name] = ids
            population[name].attrs["node_population"] = "cells"
        population["edge_type_id"] = np.full(3, -1)
        population["0/delay"] = np.array([0.5, 1.0, 1.5])
    (tmp_path / "spikes.csv").write_text("time id\n1 2\n")
    with h5py.File(tmp_path / "spikes.h5", "w") as h5:
        h5["spikes/cells/timestamps"] = [1.0]
    assert [each.code for each in verify(tmp_path).findings] == ["structure-only"]
    set_value(tmp_path, "0/delay", 1, -1.0, file="edges.h5", path="edges/chemical")
    finding = verify(tmp_path).findings[0]
    assert (finding.code, finding.row, finding.ids) == ("delay", 1, (1, 1))
    assert finding.message == "delay is -1.0, not above 0 ms"


def test_a_part_of_what_was_drawn(tmp_path: Path) -> None:
    """Edges of other pools than those of the draw are compared with the recipe alone."""
    net = NetworkBuilder("net")
    net.add_nodes(N=40, pop_name="A", half=[0] * 20 + [1] * 20)
    connector = UnidirectionConnector(p=0.5, rng=1, **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**{**connector.edge_params(), "source": net.nodes(half=1)})
    other = UnidirectionConnector(p=0.5, n_syn=lambda s, t: t.node_id % 2, rng=1, **QUIET)
    other.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**other.edge_params())
    report = verify(saved(tmp_path, [net]))
    assert report
    assert [each.code for each in report.findings] == ["not-tested"] * 2
    assert [each.message for each in report.findings] == [
        "the numbers of edge type 100 are not tested: a part of what was drawn was added",
        "the numbers of edge type 101 are not tested: pairs were drawn that got no synapse",
    ]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"dt": -0.1}, "dt"),
        ({"alarm_rate": 2}, "alarm_rate"),
        ({"alarm_rate": 0}, "alarm_rate"),
        ({"network_dir": []}, "network_dir"),
        ({"network_dir": 3}, "network_dir"),
    ],
)
def test_parameters(given: dict[str, Any], name: str) -> None:
    with pytest.raises(ParameterError, match=name):
        verify(**{"network_dir": ".", **given})


def test_command(original: Path, tmp_path: Path) -> None:
    root = Path(bmtool_connectors.__file__).parents[1]
    command = [sys.executable, "-m", "bmtool_connectors", "verify", str(original)]
    for more, code in (([], 0), (["--dt", "1.2"], 1), ([str(tmp_path / "none")], 2)):
        done = subprocess.run([*command, *more], cwd=root, capture_output=True, text=True)
        assert done.returncode == code
        assert done.stderr == ""
        assert done.stdout.startswith("nothing wrong" if code == 0 else "not to be trusted: 1 err")


def test_parts(original: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However many rows are read at a time, the findings are the same."""
    folders = [original]
    for name in ("group_index_twice", "index_of_wrong_node", "delay_nan", "index_range_shifted"):
        folder = Path(shutil.copytree(original, tmp_path / name))
        FAULTS[name][2](folder)
        folders.append(folder)
    expected = [verify(folder) for folder in folders]
    monkeypatch.setattr(columns, "CHUNK", 7)
    assert [verify(folder) for folder in folders] == expected


# ---------------------------------------------------------------------- chance
@pytest.mark.parametrize("n", [10, 1000, 100_000])
@pytest.mark.parametrize("p", [1e-4, 0.1, 0.5, 0.9])
def test_two_sided_is_not_too_small(n: int, p: float) -> None:
    """Against the exact tails of a binomial distribution; close to them where there are many."""
    mean, sd = n * p, (n * p * (1 - p)) ** 0.5
    counts = np.unique(np.clip(np.round(mean + sd * np.linspace(-5, 5, 41)), 0, n)).astype(int)
    law = scipy.stats.binom(n, p)
    for count in counts:
        exact = min(1.0, 2 * (law.cdf(count) if count < mean else law.sf(count - 1)))
        found = two_sided(int(count), mean, sd)
        assert found >= 0.98 * exact or exact > 0.3  # where alarms are not the question
        if sd > 50 and exact > 1e-5:
            assert found <= 2 * exact + 0.05


def alarms(make: Callable[[int, Any, Any], Any], rates: list[float], seeds: range) -> list[int]:
    """Return how many good networks fail, of a connector between populations of other positions.

    Each network is what a recipe says of it, without files. Means that come from a sample of
    pairs come from another sample for each network.
    """
    failed = [0] * len(rates)
    for seed in seeds:
        net = NetworkBuilder("net")
        points = list(random_positions(300, seed, 200.0))
        net.add_nodes(N=200, pop_name="A", positions=points[:200])
        net.add_nodes(N=100, pop_name="B", positions=points[200:])
        connector = make(seed, net.nodes(pop_name="A"), net.nodes(pop_name="B"))
        use = connector.use
        found = connector.connectivity
        realised = []
        for k, edges in enumerate((found.forward, found.backward)):
            if edges is None:
                continue
            ends = (use.source, use.target)[:: -1 if k else 1]
            queries = ("A", "B")[:: -1 if k else 1]
            given = {
                "edge_type_id": 100 + k,
                **dict.fromkeys(("source_network", "target_network"), "net"),
                **dict(zip(("source_query", "target_query"), queries, strict=True)),
                **{"pairs": len(edges), "synapses": len(edges), "blake2b": ""},
                "connector": {
                    **connector_described(connector),
                    "direction": ("forward", "backward")[k],
                    "drawn": drawn(connector, use),
                    "wanted": wanted(connector, use),
                },
            }
            ids = ends[0].ids[edges.source], ends[1].ids[edges.target]
            none = np.empty(0, dtype=np.int32)
            rows = Rows(Path("e"), "e", ("net", "net"), none, none, none, None, set(), {})
            pairs = Pairs(np.sort(pair_key(*ids)), None, Tally())
            realised.append((Entry.of(Path("r"), given), rows, pairs))
        for k, rate in enumerate(rates):
            report = Findings()
            assert Chance(realised, report).tests(rate)
            failed[k] += bool(report.found)
            assert {each.code for each in report.found} <= {"chance-edges", "chance-reciprocal"}
    return failed


def uniform(seed: int, a: Any, b: Any) -> Any:
    connector = ReciprocalConnector(p0=0.2, p1=0.3, pr=0.1, rng=seed, **QUIET)
    connector.setup_nodes(a, b)
    return connector


def with_distance(seed: int, a: Any, b: Any) -> Any:
    """Of 20,000 pairs, a sample tells the mean."""
    law = GaussianDropoff(stdev=60, pmax=0.3, max_dist=150)
    connector = UnidirectionConnector(p=law, p_arg=spherical_dist, rng=seed, **QUIET)
    connector.setup_nodes(a, b)
    return connector


def by_calls(seed: int, a: Any, b: Any) -> Any:
    """Of a Python function, a small sample."""
    law = lambda dist: 0.3 * np.exp(-dist / 30)  # noqa: E731
    connector = UnidirectionConnector(p=law, p_arg=spherical_dist, rng=seed, **QUIET)
    connector.setup_nodes(a, b)
    return connector


def reciprocal_with_distance(seed: int, a: Any, b: Any) -> Any:
    law = GaussianDropoff(stdev=25, pmax=0.5)
    pr = NormalizedReciprocalRate(2.0)
    connector = ReciprocalConnector(p0=law, p0_arg=spherical_dist, pr=pr, rng=seed, **QUIET)
    connector.setup_nodes(a, a)
    return connector


def with_random_degrees(seed: int, a: Any, b: Any) -> Any:
    connector = FixedInDegreeConnector(scipy.stats.poisson(20), rng=seed, **QUIET)
    connector.setup_nodes(a, b)
    return connector


def rare(seed: int, a: Any, b: Any) -> Any:
    connector = UnidirectionConnector(p=1e-4, rng=seed, **QUIET)
    connector.setup_nodes(a, b)
    return connector


LAWS = (uniform, with_distance, by_calls, reciprocal_with_distance, with_random_degrees, rare)


@pytest.fixture
def other_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let means come from another sample every time: the one there is may be a bad one."""
    numbers = itertools.count()
    monkeypatch.setattr(expect, "_generator", lambda: np.random.default_rng((1, next(numbers))))


@pytest.mark.usefixtures("other_samples")
@pytest.mark.parametrize("make", LAWS)
def test_alarms_of_few(make: Callable[[int, Any, Any], Any]) -> None:
    """At most the stated share of good networks fails; six tests fail once in 10,000 by chance."""
    (failed,) = alarms(make, [0.05], range(30))
    assert failed <= scipy.stats.binom(30, 0.05).isf(1e-4 / 6)


@pytest.mark.slow
@pytest.mark.usefixtures("other_samples")
@pytest.mark.parametrize("make", LAWS)
def test_alarms(make: Callable[[int, Any, Any], Any]) -> None:
    """Of 1,000 seeds, within the binomial interval; six tests fail once in 1,000 by chance.

    From below only where a single test of a large count is made: several tests that depend on
    each other, and small counts, give fewer alarms.
    """
    rates = [0.05, 1e-3]
    for rate, failed in zip(rates, alarms(make, rates, range(1000, 2000)), strict=True):
        law = scipy.stats.binom(1000, rate)
        assert failed <= law.isf(1e-3 / 24)
        if rate > 0.01 and make in (with_distance, with_random_degrees):
            assert failed >= law.ppf(1e-3 / 24)
