"""Saved files: order of rows, options, readers, the recipe, and saves that are interrupted."""

from __future__ import annotations

import functools
import hashlib
import inspect
import itertools
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bmtk.builder
import h5py
import numpy as np
import pytest
from bmtk.builder.network_adaptors import DenseNetwork
from conftest import QUIET, random_positions
from saved import INDICES, check_index, content, edge_rows

import bmtool_connectors
from bmtool_connectors import (
    GapJunction,
    GaussianDropoff,
    NetworkBuilder,
    ParameterError,
    ReciprocalConnector,
    SparseNetwork,
    UnidirectionConnector,
    compare,
    spherical_dist,
    syn_const_delay,
    verify,
)
from bmtool_connectors.sonata import pair_digests, rows, staging
from bmtool_connectors.sonata.index_writer import IndexWriter
from bmtool_connectors.sonata.options import SaveOptions

POPULATION = "edges/net_to_net"


def counts(source: Any, target: Any) -> int:
    """Return 0 to 3 synapses."""
    return int((3 * source.node_id + 5 * target.node_id) % 4)


def network(make: Any = NetworkBuilder, seed: int = 1, n: int = 12) -> Any:
    """Return two populations in mixed order of ids; pairs, synapses, two sets of properties."""
    net = make("net")
    ids = np.random.default_rng(3).permutation(3 * n)[: 2 * n]  # with gaps, in no order
    points = random_positions(2 * n)
    net.add_nodes(N=n, pop_name="A", node_id=ids[:n].tolist(), positions=list(points[:n]))
    net.add_nodes(N=n, pop_name="B", node_id=ids[n:].tolist(), positions=list(points[n:]))
    a, b = {"pop_name": "A"}, {"pop_name": "B"}
    values = np.random.default_rng(seed).random(3 * n * n).tolist()  # up to 3 for each pair
    net.add_edges(a, b, connection_rule=counts, weight=0.5, delay=2.0)
    for source, target, names in (
        (b, a, ["delay"]),
        (a, a, ["delay"]),
        (b, b, ["weight", "delay"]),
    ):
        edges = net.add_edges(source, target, connection_rule=counts, weight=0.25)
        for name in names:
            edges.add_properties(name, values=values, dtypes=float)
    net.add_edges(b, b, connection_rule=lambda s, t: s.node_id % 2, weight=1.0, delay=3.0)
    return net


def saved(net: Any, folder: Path, **options: Any) -> Path:
    """Save with the adaptor, which takes all options in any version of BMTK."""
    net.adaptor.save(output_dir=str(folder), **options)
    return folder


def datasets(file: Path) -> dict[str, Any]:
    """Return everything in a file as it stands there."""
    found: dict[str, Any] = {}
    with h5py.File(file) as h5:
        h5.visititems(
            lambda name, item: found.update(
                {name: (str(item.dtype), item[()].tolist())}
                if isinstance(item, h5py.Dataset)
                else {}
            )
        )
    return found


def check_digests(net: Any, folder: Path) -> None:
    """Check the digests in the recipe, by sorting all pairs of each table at once."""
    recipe = json.loads((folder / "net_connections.json").read_text(encoding="utf-8"))
    for found, table in zip(recipe["edge_types"], net.edges_table(), strict=True):
        digest = hashlib.blake2b(digest_size=32)
        ids = table.node_ids(np.int64)
        pairs = sorted(zip(ids[:, 1], ids[:, 0], table.edges.n_syn, strict=True))
        digest.update(np.array(pairs, dtype="<i8").tobytes())
        assert found["blake2b"] == digest.hexdigest()


# ---------------------------------------------------------------------- order of rows
def expected_rows(net: Any, sort_by: str | None) -> list[tuple[Any, ...]]:
    """Return the rows by sorting all of them: by column, then table, source, target."""
    found = []
    groups: dict[Any, int] = {}
    for table in net.edges_table():
        group = groups.setdefault(table.hash_key, len(groups))
        names = [each["name"] for each in table.get_property_metatadata()]
        columns = [table.get_property_value(name).tolist() for name in names]
        ids = table.edge_type_node_ids.tolist()
        for k, (source, target) in enumerate(ids):
            own = {name: column[k] for name, column in sorted(zip(names, columns, strict=True))}
            found.append((target, source, table.edge_type_id, group, own))
    column = {"target_node_id": 0, "source_node_id": 1, "edge_type_id": 2, "edge_group_id": 3}
    if sort_by is not None:
        found.sort(key=lambda row: row[column[sort_by]])  # stable
    return found


SORTS = ["target_node_id", "source_node_id", "edge_type_id", "edge_group_id", None]


@pytest.mark.parametrize("sort_by", SORTS)
@pytest.mark.parametrize("most", [1, 7, 1 << 20])
def test_rows_in_order(
    sort_by: str | None, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows in the same order, however few are sorted at a time."""
    monkeypatch.setattr(rows, "MOST_ROWS", most)
    for module in (rows, pair_digests):
        monkeypatch.setattr(module, "BLOCK_PAIRS", 5 if most < 10 else rows.BLOCK_PAIRS)
    net = network()
    index_by = ["target_node_id", "source_node_id", "edge_type_id"]
    saved(net, tmp_path, sort_by=sort_by, index_by=index_by)
    check_digests(net, tmp_path)
    with h5py.File(tmp_path / "net_net_edges.h5") as h5:
        assert edge_rows(h5[POPULATION]) == expected_rows(net, sort_by)
        for index, column in INDICES.items():
            group = h5[POPULATION]["indices"][index]
            assert group["node_id_to_range"] == group["node_id_to_ranges"]
            values = h5[POPULATION][column][()]
            wanted = []
            for value in range(int(values.max()) + 1):
                is_it = np.concatenate([[0], values == value, [0]]).astype(int)
                wanted.append(
                    list(zip(np.flatnonzero(np.diff(is_it) > 0).tolist(),
                             np.flatnonzero(np.diff(is_it) < 0).tolist(), strict=True))
                )  # fmt: skip
            ranges = group["range_to_edge_id"][()].tolist()
            ends = group["node_id_to_range"][()].tolist()
            assert [list(map(tuple, ranges[i:j])) for i, j in ends] == wanted
            assert len(ranges) == sum(map(len, wanted))


@pytest.mark.parametrize("sort_by", SORTS)
def test_a_node_with_more_rows_than_are_sorted(
    sort_by: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub, of several tables, with pairs of many synapses."""
    monkeypatch.setattr(rows, "MOST_ROWS", 100)
    for module in (rows, pair_digests):
        monkeypatch.setattr(module, "BLOCK_PAIRS", 33)
    net = NetworkBuilder("net")
    net.add_nodes(N=60, pop_name="A")
    net.add_nodes(N=1, pop_name="hub")
    cells, hub = {"pop_name": "A"}, {"pop_name": "hub"}
    for source, target, n in ((cells, hub, 7), (hub, cells, 20), (cells, hub, 1)):
        edges = net.add_edges(source, target, connection_rule=n)
        if n > 1:
            edges.add_properties("number", values=list(range(60 * n)), dtypes=int)
    saved(net, tmp_path, sort_by=sort_by)
    check_digests(net, tmp_path)
    with h5py.File(tmp_path / "net_net_edges.h5") as h5:
        assert edge_rows(h5[POPULATION]) == expected_rows(net, sort_by)
        for index in h5[POPULATION]["indices"]:
            assert len(check_index(h5[POPULATION], index)) == 61


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sort_by": "source_node_id", "index_by": "source"},
        {"sort_by": "edge_type_id", "index_by": ["edge_type_id", "target_id"]},
        {"sort_by": None, "index_by": None},
        {"sort_by": "target_node_id", "index_by": (), "compression": "lzf"},
        {"sort_on_disk": False, "compression": 9},
        {"compression": None},
        {"name": "own", "src_network": "net"},
    ],
    ids=str,
)
def test_options_of_bmtk(options: dict[str, Any], tmp_path: Path) -> None:
    """The same content as BMTK's with the same options."""
    if options and "mode" not in inspect.signature(DenseNetwork.save).parameters:
        pytest.skip("BMTK 1.1 has no options")
    found = [
        content(saved(network(make), tmp_path / make.__module__, **options))
        for make in (bmtk.builder.NetworkBuilder, NetworkBuilder)
    ]
    assert found[0] == found[1]
    assert len(found[0]) > 20


def test_nodes_in_groups(tmp_path: Path) -> None:
    """Nodes with different properties, of all kinds that BMTK stores."""

    def script(make: Any) -> Any:
        net = make("net")
        net.add_nodes(N=3, a=[1, 2, 3], text=["x", "yy", "é"], kind="one")
        net.add_nodes(N=2, b=[0.5, np.nan], flag=[True, False], kind=None)
        net.add_nodes(N=2, text=["p", "q"], a=[7, 8], model=3)
        net.add_nodes(N=2, pairs=[(1, 2), (3, 4)], node_id=[50, 40])
        net.add_nodes(N=1)
        return net

    found = [
        str(content(saved(script(make), tmp_path / make.__module__)))
        for make in (bmtk.builder.NetworkBuilder, NetworkBuilder)
    ]
    assert found[0] == found[1]
    assert "pairs" in found[0]


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # BMTK's, of pandas
def test_imported_nodes(tmp_path: Path) -> None:
    """In BMTK, saving nodes that were imported is a KeyError."""
    net = network()
    net.save_nodes(output_dir=tmp_path)
    again = NetworkBuilder("net")
    again.import_nodes(str(tmp_path / "net_nodes.h5"), str(tmp_path / "net_node_types.csv"))
    again.add_nodes(N=1, pop_name="C", positions=[(1.0, 2.0, 3.0)])
    again.save_nodes(output_dir=tmp_path / "again")
    before, after = (datasets(f / "net_nodes.h5") for f in (tmp_path, tmp_path / "again"))
    for name, (dtype, values) in before.items():
        assert after[name][0] == dtype
        assert after[name][1][: len(values)] == values, name
    assert after["nodes/net/0/positions"][1][-1] == [1.0, 2.0, 3.0]


def test_without_edges(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing to be saved is no error, as in BMTK."""
    net = NetworkBuilder("net")
    net.add_nodes(N=3)
    net.save(tmp_path)
    assert caplog.messages == ["Network net has no edges; no file of edges is written."]
    nodes = ["net_connections.json", "net_node_types.csv", "net_nodes.h5"]
    assert sorted(os.listdir(tmp_path)) == nodes
    net.add_edges(connection_rule=0)
    net.save_edges(output_dir=tmp_path, force_build=False)
    net.save_edges(output_dir=tmp_path, src_network="another")
    assert sorted(os.listdir(tmp_path)) == nodes
    net.save(tmp_path)
    assert "net_net_edge_types.csv" in os.listdir(tmp_path)
    assert "net_net_edges.h5" not in os.listdir(tmp_path)


# ---------------------------------------------------------------------- options of our own
@pytest.mark.parametrize(
    ("compression", "wanted"),
    [
        ("gzip", ("gzip", 1, True)),
        ("GZIP", ("gzip", 1, True)),
        (4, ("gzip", 4, True)),
        (0, ("gzip", 0, True)),
        ("lzf", ("lzf", None, True)),
        ("none", (None, None, False)),
        (None, (None, None, False)),
        ("auto", ("gzip", 1, True)),
    ],
)
def test_compression(compression: Any, wanted: Any, tmp_path: Path) -> None:
    net = network()
    junctions = net.add_edges(connection_rule=1, is_gap_junction=True)
    assert junctions is not None
    net.save(tmp_path, compression=compression)
    seen = 0
    for file in tmp_path.glob("*.h5"):
        with h5py.File(file) as h5:

            def look(name: str, item: Any) -> None:
                nonlocal seen
                if isinstance(item, h5py.Dataset):
                    assert (item.compression, item.compression_opts, item.shuffle) == wanted, name
                    seen += 1

            h5.visititems(look)
    assert seen > 20


def test_compact(tmp_path: Path) -> None:
    """Smaller types, the same network."""
    net = network()
    net.save(tmp_path / "wide")
    net.save(tmp_path / "narrow", compact=True)
    assert compare(tmp_path / "wide", tmp_path / "narrow", rtol=0)
    found = datasets(tmp_path / "narrow" / "net_net_edges.h5")
    types = {name.removeprefix(f"{POPULATION}/"): dtype for name, (dtype, _) in found.items()}
    for name in ("source_node_id", "target_node_id", "edge_group_id", "edge_type_id", "0/nsyns"):
        assert types[name] == "uint8", name
    assert types["edge_group_index"] == "uint16"
    assert types["1/delay"] == "float64"
    assert types["indices/target_to_source/node_id_to_range"] == "uint64"


WRONG = {
    "sort_by": "nsyns",
    "index_by": ["target_node_id", "group"],
    "compression": "zip",
    "mode": "x",
    "compact": "yes",
    "portable": 2,
    "force_overwrite": None,
    "sorted_by": None,
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options(name: str, tmp_path: Path) -> None:
    """Refused before anything is built or written."""
    net = network()
    for method in ("save", "save_nodes", "save_edges"):
        with pytest.raises(
            ParameterError, match=rf"^{name} of {method}\(\) (must be|is .*, but) "
        ) as caught:
            getattr(net, method)(output_dir=tmp_path, **{name: WRONG[name]})
        assert str(caught.value).count(". ") == 0
    for bad in (10, -1, True, 1.5):
        with pytest.raises(ParameterError, match=r"compression of save\(\)"):
            net.save(tmp_path, compression=bad)
    assert not net.edges_built
    assert not list(tmp_path.iterdir())


def test_names_for_one_of_many_files(tmp_path: Path) -> None:
    """BMTK takes one of the pairs of networks, any."""
    net, other = network(), NetworkBuilder("other")
    other.add_nodes(N=2)
    net.add_edges(source=other.nodes(), target=net.nodes(), connection_rule=1)
    with pytest.raises(ParameterError, match=r"2 pairs of networks .*net to net, other to net"):
        net.save_edges("e.h5", output_dir=tmp_path)
    net.save_edges("e.h5", output_dir=tmp_path, src_network="other")
    assert sorted(os.listdir(tmp_path)) == ["e.h5", "net_connections.json"]
    with h5py.File(tmp_path / "e.h5") as h5:
        assert list(h5["edges"]) == ["other_to_net"]


def test_no_overwriting(tmp_path: Path) -> None:
    """``force_overwrite=False`` names the file; nothing is built or written."""
    net = network()
    net.save_nodes(output_dir=tmp_path, force_overwrite=False)
    before = content(tmp_path)
    with pytest.raises(ParameterError, match=r"force_overwrite is False, but .*net_nodes\.h5"):
        net.save(tmp_path, force_overwrite=False)
    assert not net.edges_built
    (tmp_path / "net_net_edge_types.csv").write_text("mine")
    with pytest.raises(ParameterError, match=r"net_net_edge_types\.csv"):
        net.save_edges(output_dir=tmp_path, force_overwrite=False)
    assert (tmp_path / "net_net_edge_types.csv").read_text() == "mine"
    (tmp_path / "net_net_edge_types.csv").unlink()
    assert content(tmp_path) == before
    net.save_edges(output_dir=tmp_path)
    net.save_edges(output_dir=tmp_path)  # BMTK overwrites here, whatever its signature says


@pytest.mark.parametrize("force", [True, False])
def test_files_that_are_there_are_not_read(
    force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be of gigabytes; what is saved again completes the recipe, and nothing else."""
    network().save(tmp_path)
    read, read_text = [], Path.read_text

    def recorded(self: Path, *args: Any, **options: Any) -> str:
        read.extend([self.name] * (self.parent == tmp_path))
        return read_text(self, *args, **options)

    monkeypatch.setattr(Path, "read_text", recorded)
    if force:
        network().save(tmp_path)
    else:
        with pytest.raises(ParameterError, match="force_overwrite is False"):
            network().save(tmp_path, force_overwrite=False)
    assert set(read) == {"net_connections.json"}


def test_nodes_are_added_to_a_file(tmp_path: Path) -> None:
    """``mode='a'``: populations of several networks in one file."""
    for name in ("one", "two"):
        net = NetworkBuilder(name)
        net.add_nodes(N=2, x=[1.0, 2.0])
        net.save_nodes("nodes.h5", output_dir=tmp_path, mode="a")
    with h5py.File(tmp_path / "nodes.h5") as h5:
        assert sorted(h5["nodes"]) == ["one", "two"]
    before = (tmp_path / "nodes.h5").read_bytes()
    with pytest.raises(ParameterError, match="has a population 'two' already"):
        net.save_nodes("nodes.h5", output_dir=tmp_path, mode="a")
    assert (tmp_path / "nodes.h5").read_bytes() == before


def test_several_processes_have_bmtks_savers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: dict[str, Any] = {}
    monkeypatch.setattr("bmtool_connectors.builder._bmtk.n_ranks", lambda: 2)
    for name in ("save", "save_nodes", "save_edges"):
        note = functools.partial(lambda which, *a, **k: called.update({which: (a, k)}), name)
        # A partial will be bound like a function, from some Python on.
        monkeypatch.setattr(DenseNetwork, name, staticmethod(note))
    net = network()
    net.save(tmp_path)
    net.save_nodes("n.h5")
    net.save_edges("e.h5", sort_by="source_node_id")
    assert set(called) == {"save", "save_nodes", "save_edges"}
    assert called["save"][1]["compression"] == "gzip"
    assert called["save_edges"][1]["sort_by"] == "source_node_id"
    with pytest.raises(ParameterError, match="compact and portable are for one process"):
        net.save(tmp_path, portable=True)


# ---------------------------------------------------------------------- large ones
def large(n_cells: int, n_edges: float) -> Any:
    """Return a built network with one delay."""
    net = NetworkBuilder("net", verbose=False)
    net.add_nodes(N=n_cells)
    connector = UnidirectionConnector(p=n_edges / n_cells**2, rng=1, sampler="sparse", **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    edges = net.add_edges(**connector.edge_params())
    edges.add_properties("delay", rule=syn_const_delay, rule_params={"rng": 2}, dtypes=float)
    net.build()
    return net


def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is that of the rows that are sorted at a time: 500,000 rows, 16,384 at a time."""
    net = large(20_000, 5e5)
    monkeypatch.setattr(rows, "MOST_ROWS", 1 << 14)
    for module in (rows, pair_digests):
        monkeypatch.setattr(module, "BLOCK_PAIRS", 1 << 14)
    saved(network(), tmp_path / "first")  # whatever is imported or cached
    tracemalloc.start()
    net.save_edges(output_dir=tmp_path, compression="none")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert net.nedges > 490_000
    assert peak < 150 * (1 << 14) + 60 * 20_000 + 1e6


def test_index_of_long_columns(tmp_path: Path) -> None:
    """Rows beyond 32 bits are announced, and a few of them written."""
    writer = IndexWriter(np.array([2, 0, 3, 1 << 32]), tmp_path / "runs")
    for part in ([0, 2, 0], [2, 2, 3, 3], [3]):
        writer.add(np.array(part))
    with h5py.File(tmp_path / "index.h5", "w") as h5:
        writer.write(h5, SaveOptions(), lambda: None)
        assert h5["node_id_to_range"][()].tolist() == [[0, 2], [0, 0], [2, 4], [4, 5]]
        rows_of = [[0, 1], [2, 3], [1, 2], [3, 5], [5, 8]]
        assert h5["range_to_edge_id"][()].tolist() == rows_of
    writer.close()


def test_chunks(tmp_path: Path) -> None:
    """Datasets are compressed in chunks that HDF5 keeps in memory."""
    net = large(2_000, 1e5)
    net.save(tmp_path)
    with h5py.File(tmp_path / "net_net_edges.h5") as h5:
        assert h5[POPULATION]["source_node_id"].chunks == (1 << 16,)
        index = h5[POPULATION]["indices/source_to_target"]
        assert index["range_to_edge_id"].chunks == (1 << 15, 2)
        assert index["node_id_to_range"].chunks == (2_000, 2)


# ---------------------------------------------------------------------- readers
def test_portable(tmp_path: Path) -> None:
    """Positions in columns, one group of nodes, one of edges, no compression."""
    net = network()
    net.save(tmp_path, portable=True)
    nodes = datasets(tmp_path / "net_nodes.h5")
    wanted = np.array([node["positions"] for node in net.nodes()])
    for k, axis in enumerate("xyz"):
        assert nodes[f"nodes/net/0/{axis}"] == ("float64", wanted[:, k].tolist())
    assert {name for name in nodes if "/0/" in name} == {f"nodes/net/0/{axis}" for axis in "xyz"}
    assert not any("/1/" in name for name in nodes)
    with h5py.File(tmp_path / "net_net_edges.h5") as h5:
        population = h5[POPULATION]
        assert population["source_node_id"].compression is None
        found = edge_rows(population)
    wanted_rows = []
    filled = {100: {"weight": 0.5, "delay": 2.0}, 104: {"weight": 1.0, "delay": 3.0}}
    for target, source, number, _, own in expected_rows(net, "target_node_id"):
        own = {"nsyns": 1, "weight": 0.25, **filled.get(number, {}), **own}
        wanted_rows.append((target, source, number, 0, dict(sorted(own.items()))))
    assert found == wanted_rows


def test_portable_is_not_possible(tmp_path: Path) -> None:
    """An edge type, or a node, that has no value for a column."""
    net = network()
    net.add_edges({"pop_name": "A"}, {"pop_name": "A"}, connection_rule=1, weight=1.0, delay=None)
    message = r"portable=True needs 'delay' for the rows of edge type 105, which has None"
    for save in (net.save, net.save_edges):
        with pytest.raises(ParameterError, match=message):
            save(output_dir=tmp_path / "a" / "b", portable=True)
    assert not net.adaptor.edges_built
    assert not list(tmp_path.iterdir())
    for other, message in (
        ({"y": [1.0]}, "needs 'x' for node 2, which has none"),
        ({"x": [1.0], "pairs": [(1, 2)]}, "needs 'pairs' for node 0"),
    ):
        net = NetworkBuilder("net")
        net.add_nodes(N=2, x=[1.0, 2.0])
        net.add_nodes(N=1, **other)
        with pytest.raises(ParameterError, match=message):
            net.save_nodes(output_dir=tmp_path, portable=True)
    net = NetworkBuilder("net")
    net.add_nodes(N=1, pairs=[(1, 2)])
    with pytest.raises(ParameterError, match=r"cannot store 'pairs', which has \(2,\) values"):
        net.save_nodes(output_dir=tmp_path, portable=True)


def with_gap_junctions(**properties: Any) -> Any:
    """Return a network of synapses with delays, and gap junctions with these properties."""
    net = network()
    options = {**QUIET, "rng": 1}
    GapJunction(p=0.3, **options).connect(
        net, {"pop_name": "A"}, {"pop_name": "A"}, {"is_gap_junction": True, **properties}
    )
    return net


def delays(folder: Path) -> list[float]:
    """Return the delays of the gap junctions in a portable file."""
    with h5py.File(folder / "net_net_edges.h5") as h5:
        is_gap = h5[POPULATION]["edge_type_id"][()] == 105
        found: list[float] = h5[POPULATION]["0/delay"][()][is_gap].tolist()
    return found


def test_portable_gap_junctions(tmp_path: Path) -> None:
    """They have no delay: their rows have 0, unless another value is given; others need one."""
    net = with_gap_junctions(weight=1.0)
    net.save(tmp_path, portable=True)
    n = net.edges_table()[5].n_pairs
    assert n > 0
    assert delays(tmp_path) == [0.0] * n
    assert datasets(tmp_path / "net_gap_juncs.h5")["source_ids"][1] != []
    with_gap_junctions(weight=1.0, delay=0.5).save(tmp_path / "told", portable=True)
    assert delays(tmp_path / "told") == [0.5] * n
    with pytest.raises(ParameterError, match="needs 'weight' for the rows of edge type 105"):
        with_gap_junctions().save(tmp_path / "none", portable=True)
    assert not (tmp_path / "none").exists()


def test_portable_text_is_no_delay(tmp_path: Path) -> None:
    net = network()
    net.add_edges({"pop_name": "A"}, {"pop_name": "A"}, connection_rule=1, weight=1.0, delay="x")
    with pytest.raises(ParameterError, match="of edge type 105, which has 'x'"):
        net.save(tmp_path, portable=True)
    net.save_nodes(output_dir=tmp_path, portable=True)
    inputs = NetworkBuilder("inputs")
    inputs.add_nodes(N=2)
    net.add_edges(inputs.nodes(), {"pop_name": "A"}, connection_rule=1)
    net.save_edges(output_dir=tmp_path, src_network="inputs", portable=True)
    assert (tmp_path / "inputs_net_edges.h5").exists()


def portable_networks(folder: Path) -> None:
    """Save a network, with gap junctions, and its inputs."""
    net, inputs = with_gap_junctions(weight=1.0), NetworkBuilder("inputs")
    inputs.add_nodes(N=5, model_type="virtual")
    inputs.add_edges(inputs.nodes(), net.nodes(), counts)
    for each in (net, inputs):
        each.save(folder, portable=True)


@pytest.mark.libsonata
@pytest.mark.parametrize("source", ["net", "inputs"])
def test_libsonata(source: str, tmp_path: Path) -> None:
    """libsonata finds the afferent and efferent edges of every node, and their properties."""
    libsonata = pytest.importorskip("libsonata")
    portable_networks(tmp_path)
    nodes = libsonata.NodeStorage(str(tmp_path / "net_nodes.h5")).open_population("net")
    assert nodes.attribute_names >= {"x", "y", "z"}
    file = tmp_path / f"{source}_net_edges.h5"
    edges = libsonata.EdgeStorage(str(file)).open_population(f"{source}_to_net")
    assert (edges.source, edges.target) == (source, "net")
    with h5py.File(file) as h5:
        population = h5[f"edges/{source}_to_net"]
        ends = [population[f"{end}_node_id"][()] for end in ("source", "target")]
        syns = population["0/nsyns"][()]
    assert edges.size == len(syns)
    assert edges.get_attribute("nsyns", edges.select_all()).tolist() == syns.tolist()
    for found, ids in ((edges.efferent_edges, ends[0]), (edges.afferent_edges, ends[1])):
        for node in range(int(ids.max()) + 1):
            rows_of = sorted(found([node]).flatten().tolist())
            assert rows_of == np.flatnonzero(ids == node).tolist()


@pytest.mark.libsonata
def test_bluepysnap(tmp_path: Path) -> None:
    """bluepysnap opens the circuit, and finds nothing wrong with the indices."""
    bluepysnap = pytest.importorskip("bluepysnap")
    from bluepysnap import circuit_validation

    portable_networks(tmp_path)
    kinds = {"net": "point_process", "inputs": "virtual"}
    config = {
        "networks": {
            "nodes": [
                {"nodes_file": f"{tmp_path}/{name}_nodes.h5", "node_types_file": None,
                 "populations": {name: {"type": kind}}}
                for name, kind in kinds.items()
            ],
            "edges": [
                {"edges_file": f"{tmp_path}/{name}_net_edges.h5", "edge_types_file": None,
                 "populations": {f"{name}_to_net": {"type": "chemical"}}}
                for name in kinds
            ],
        },
        "components": {},
    }  # fmt: skip
    (tmp_path / "circuit.json").write_text(json.dumps(config))
    circuit = bluepysnap.Circuit(str(tmp_path / "circuit.json"))
    assert circuit.nodes["net"].get(properties=["x", "y", "z"]).shape == (24, 3)
    edges = circuit.edges["net_to_net"]
    with h5py.File(tmp_path / "net_net_edges.h5") as h5:
        target = h5[POPULATION]["target_node_id"][()]
        node = int(target[0])
        delays = h5[POPULATION]["0/delay"][()][target == node]
        assert circuit_validation._check_edges_indices(h5[POPULATION]) == []
    assert edges.afferent_edges(node, properties=["delay"])["delay"].tolist() == delays.tolist()


# ---------------------------------------------------------------------- the recipe
def own_law(distance: float) -> float:
    """Half of those within 60 um."""
    return 0.5 * (distance < 60.0)


def recipe_of(net: Any, folder: Path) -> Any:
    net.save_edges(output_dir=folder)
    return json.loads((folder / "net_connections.json").read_text())


def described_network(seed: Any = 5) -> Any:
    net = network()
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    law = GaussianDropoff(stdev=50.0, pmax=0.5)
    options = {**QUIET, "rng": seed}
    connectors = [
        ReciprocalConnector(
            p0=law, p1=0.4, p0_arg=spherical_dist, pr=None, n_syn0=2, name="both", **options
        ),
        UnidirectionConnector(p=own_law, p_arg=spherical_dist, n_syn=counts, **options),
    ]
    for connector in connectors:
        connector.setup_nodes(a, b)
        net.add_edges(**connector.edge_params())
    edges = net.add_edges(**connectors[0].edge_params())
    edges.add_properties("delay", rule=syn_const_delay, rule_params={"rng": 7}, dtypes=float)
    return net


def test_recipe(tmp_path: Path) -> None:
    net = described_network()
    recipe = recipe_of(net, tmp_path)
    check_digests(net, tmp_path)
    assert recipe["format"] == 2
    assert recipe["files"] == ["net_net_edge_types.csv", "net_net_edges.h5"]
    assert recipe["versions"]["bmtool_connectors"] == bmtool_connectors.__version__
    assert set(recipe["versions"]) == {"bmtool_connectors", "bmtk", "numpy", "h5py"}
    tables = net.edges_table()
    for found, table in zip(recipe["edge_types"], tables, strict=True):
        assert (found["pairs"], found["synapses"]) == (table.n_pairs, table.n_syns)
        assert found["edge_type_id"] == table.edge_type_id
        assert found["target_query"].startswith("pop_name==")
    assert recipe["edge_types"][0]["connection_rule"]["function"] == "test_sonata.counts"
    assert recipe["edge_types"][1]["properties"][0]["names"] == "delay"
    both, one, backward = (each["connector"] for each in recipe["edge_types"][5:])
    assert both["class"] == "bmtool_connectors.ReciprocalConnector"
    assert (both["seed"], both["name"], both["direction"]) == (5, "both", "forward")
    assert backward["direction"] == "backward"
    assert both["parameters"]["p1"] == 0.4
    law = both["parameters"]["p0"]
    assert law["class"].endswith("GaussianDropoff")
    assert law["parameters"]["stdev"] == 50.0
    assert one["parameters"]["p"]["function"] == "test_sonata.own_law"
    source = 'def own_law(distance: float) -> float:\n    """Half of those within 60 um."""\n'
    source += "    return 0.5 * (distance < 60.0)"
    assert one["parameters"]["p"]["sha256"] == hashlib.sha256(source.encode()).hexdigest()
    # Wanted and drawn: what expected() says, and what was counted.
    drawn = both["drawn"]["connected"]
    assert drawn["forward"] == tables[5].n_pairs
    assert drawn["backward"] == tables[7].n_pairs
    for name in ("forward", "backward", "reciprocal"):
        assert abs(drawn[name] - both["wanted"][name]) < 5 * both["wanted"][name] ** 0.5
    assert both["wanted"]["standard_error"] == 0.0


def test_digest_of_pairs_with_two_synapses_each(tmp_path: Path) -> None:
    net = NetworkBuilder("net")
    net.add_nodes(N=20, pop_name="A")
    connector = UnidirectionConnector(p=0.4, n_syn=2, rng=1, **QUIET)
    (edges,) = connector.connect(net, {"pop_name": "A"}, {"pop_name": "A"})
    edges.add_properties("delay", rule=syn_const_delay, rule_params={"rng": 7}, dtypes=float)
    saved(net, tmp_path)
    check_digests(net, tmp_path)


def test_recipe_is_a_function_of_the_network(tmp_path: Path) -> None:
    """Saved again, or built again: the same file; with another seed, other digests."""
    texts = []
    for k in range(2):
        net = described_network()
        for _ in range(2):
            recipe_of(net, tmp_path / str(k))
            texts.append((tmp_path / str(k) / "net_connections.json").read_text())
    assert len(set(texts)) == 1
    assert str(tmp_path) not in texts[0]
    other = recipe_of(described_network(6), tmp_path / "other")["edge_types"]
    first = json.loads(texts[0])["edge_types"]
    is_equal = [a["blake2b"] == b["blake2b"] for a, b in zip(first, other, strict=True)]
    assert is_equal == [True] * 5 + [False] * 3


def test_recipe_with_a_shared_generator(tmp_path: Path) -> None:
    """No seed to be told; and the generator is not moved by a save."""
    rng = np.random.default_rng(4)
    net = described_network(rng)
    net.build()
    before = rng.bit_generator.state
    recipe = recipe_of(net, tmp_path)
    assert recipe["edge_types"][5]["connector"]["seed"] is None
    assert rng.bit_generator.state == before


def test_recipe_of_a_law_that_cannot_be_asked_again(tmp_path: Path) -> None:
    calls: list[Any] = []

    def law(distance: float) -> float:
        calls.append(distance)
        if len(calls) > 144:
            raise RuntimeError("asked too often")
        return 0.5

    net = network()
    connector = UnidirectionConnector(p=law, p_arg=spherical_dist, rng=1, **QUIET)
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    net.add_edges(**connector.edge_params())
    found = recipe_of(net, tmp_path)["edge_types"][5]["connector"]
    assert found["wanted"] is None
    assert found["drawn"]["connected"]["forward"] > 0


def test_recipe_calls_few_functions(tmp_path: Path) -> None:
    """A function of the user is called for some of many pairs."""
    calls: list[Any] = []

    def law(distance: float) -> float:
        calls.append(distance)
        return 0.5

    net = NetworkBuilder("net")
    net.add_nodes(N=60, positions=list(random_positions(60)))
    connector = UnidirectionConnector(p=law, p_arg=spherical_dist, rng=1, **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params())
    net.build()
    drawn = len(calls)
    wanted = recipe_of(net, tmp_path)["edge_types"][0]["connector"]["wanted"]
    assert drawn >= 3600
    assert 0 < len(calls) - drawn < 2300
    assert wanted["forward"] == pytest.approx(1800)


# ---------------------------------------------------------------------- interrupted saves
def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def old(tmp_path: Path) -> dict[str, bytes]:
    """Save a network into the folder, and return its files."""
    net = network(seed=2)
    net.add_edges(connection_rule=lambda s, t: s.node_id < t.node_id, is_gap_junction=True)
    net.save(tmp_path / "files")
    return files_of(tmp_path / "files")


FAILING = [
    "bmtool_connectors.builder.network_save.write_nodes",
    "bmtool_connectors.builder.network_save.write_types",
    "bmtool_connectors.builder.network_save.write_edges",
    "bmtool_connectors.builder.network_save.make_recipe",
    "bmtool_connectors.sonata.index_writer.IndexWriter.write",
    "bmtool_connectors.sonata.staging.os.fsync",
    "bmtool_connectors.builder.network_save.write_gap_junctions",
]


@pytest.mark.parametrize("where", FAILING)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failures(
    where: str, error: BaseException, old: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails, and whenever: the old files, and nothing else."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    net = network(seed=3)
    net.add_edges(connection_rule=1, is_gap_junction=True)
    with monkeypatch.context() as patched:
        patched.setattr(where, fail)
        with pytest.raises(type(error)) as caught:
            net.save(tmp_path / "files")
    if isinstance(error, OSError):
        message = str(caught.value)
        assert str(tmp_path / "files") in message
        assert "No space left on device" in message
        assert "the files that were there are unchanged" in message
        assert caught.value.errno == 28  # type: ignore[attr-defined]
    assert files_of(tmp_path / "files") == old
    net.save(tmp_path / "files")
    assert set(files_of(tmp_path / "files")) == set(old)


CHILD = """
import resource, sys
import numpy as np
sys.path[:0] = {path!r}
from test_sonata import large
net = large(2_000, 2e5)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    net.save({folder!r}, compression={compression!r})
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of files")
@pytest.mark.parametrize(
    ("compression", "limit"),
    [
        *itertools.product(["none"], [10_000, 1_000_000, 5_000_000]),
        *itertools.product(["gzip", 4], [10_000, 500_000, 1_400_000]),
    ],
)
def test_no_room(compression: Any, limit: int, old: Any, tmp_path: Path) -> None:
    """A system that takes no more than some bytes, in the middle of HDF5's own writes."""
    folder = tmp_path / "files"
    code = CHILD.format(
        path=[str(Path(__file__).parent)],
        limit=limit,
        folder=str(folder),
        compression=compression,
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "(file too large); the files that were there are unchanged" in done.stdout.lower()
    assert (done.returncode, done.stderr) == (0, "")
    assert files_of(folder) == old


def test_no_folder(tmp_path: Path) -> None:
    """A path through a file, and a folder where a file should be."""
    (tmp_path / "file").write_text("mine")
    net = network()
    for name in ("file", "file/below"):
        with pytest.raises(OSError, match=r"net_nodes\.h5' could not be written \("):
            net.save(tmp_path / name)
    (tmp_path / "net_net_edges.h5").mkdir()
    with pytest.raises(OSError, match=r"net_net_edges\.h5' could not be written \(it is a folder"):
        net.save(tmp_path)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["file", "net_net_edges.h5"]


def test_what_cannot_be_stored(tmp_path: Path) -> None:
    """Values that HDF5 does not take, and a file that is none of HDF5's."""
    net = NetworkBuilder("net")
    net.add_nodes(N=2)
    edges = net.add_edges(connection_rule=1)
    edges.add_properties("text", rule=lambda s, t: "a", dtypes="U3")
    with pytest.raises(
        ParameterError, match=r"must be numbers or bool, got <U3 for 'text', which HDF5"
    ):
        net.save(tmp_path)
    (tmp_path / "nodes.h5").write_text("mine")
    with pytest.raises(OSError, match=r"nodes\.h5' could not be written \(.*signature"):
        net.save_nodes("nodes.h5", output_dir=tmp_path, mode="a")
    net = NetworkBuilder("net")
    net.add_nodes(N=2, pieces=[[1, 2], [3]])
    with pytest.raises(
        ParameterError,
        match=r"pieces of add_nodes\(\) must have one shape .*, got values of different",
    ):
        net.save_nodes(output_dir=tmp_path)
    assert os.listdir(tmp_path) == ["nodes.h5"]
    assert (tmp_path / "nodes.h5").read_text() == "mine"


def test_links_stay(tmp_path: Path) -> None:
    """What a link points to is replaced, not the link."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "files").mkdir()
    link = tmp_path / "files" / "net_nodes.h5"
    try:
        link.symlink_to(tmp_path / "disk" / "nodes.h5")
    except OSError:
        pytest.skip("no links here")
    network().save(tmp_path / "files")
    assert link.is_symlink()
    assert "nodes/net/node_id" in datasets(tmp_path / "disk" / "nodes.h5")
    assert os.listdir(tmp_path / "disk") == ["nodes.h5"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="locks")
def test_what_killed_processes_left(tmp_path: Path) -> None:
    """It goes with the next save; what a living one writes stays, as does what is not known."""
    code = "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX)"
    for name in ("killed", "living", "unknown"):
        (tmp_path / f".saving-{name}").mkdir()
        (tmp_path / f".saving-{name}" / "net_nodes.h5").write_text("half")
    for name in ("killed", "living"):
        (tmp_path / f".saving-{name}" / ".lock").touch()
    command = [
        sys.executable,
        "-c",
        f"{code}; print(flush=True); input()",
        tmp_path / ".saving-living" / ".lock",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        network().save(tmp_path)
        found = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
        assert found == [".saving-living", ".saving-unknown"]
        other.communicate(b"\n")
    assert "error" not in str(verify(tmp_path))
    network().save(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [".saving-unknown"]


KILLED = """
import json, os, random, signal, sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from test_sonata import large
from bmtool_connectors import compare
folder = Path({folder!r})
nets = [large(2_000, n) for n in (1e5, 1.1e5)]
for k, net in enumerate(nets):
    net.save(folder / str(k))
start = time.perf_counter()
nets[0].save(folder / "files")
seconds = time.perf_counter() - start
random.seed(1)
found, interrupted, left = [], 0, 0
for k in range(10):
    child = os.fork()
    if not child:
        nets[(k + 1) % 2].save(folder / "files")
        os._exit(0)
    time.sleep(random.uniform(0, 1.1 * seconds))
    os.kill(child, signal.SIGKILL)
    interrupted += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left += any(each.name.startswith(".saving") for each in (folder / "files").iterdir())
    found.append([compare(folder / "files", folder / str(k), rtol=0).equal for k in range(2)])
nets[0].save(folder / "files")
print(json.dumps([found, interrupted, left]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process")
def test_killed(tmp_path: Path) -> None:
    """Killed at 10 random moments: the old edges or the new ones, in files that open."""
    path = [str(Path(__file__).parent)]
    code = KILLED.format(path=path, folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found, interrupted, left = json.loads(done.stdout)
    assert all(sum(each) == 1 for each in found)
    assert interrupted > 2
    assert left > 0
    names = sorted(os.listdir(tmp_path / "files"))
    assert names == sorted(os.listdir(tmp_path / "0")), "what the killed ones left is removed"


def test_killed_before_the_lock(tmp_path: Path) -> None:
    """Hidden folders without a lock that somebody holds are removed by the next save."""
    for name in ("a", "b", "c"):
        (tmp_path / f".saving-{name}").mkdir()
    (tmp_path / ".saving-b" / ".lock.new").touch()
    (tmp_path / ".saving-c" / ".lock").touch()
    (tmp_path / ".saving-c" / "net_nodes.h5").touch()
    network().save(tmp_path)
    assert not list(tmp_path.glob(".saving*"))


def test_folder_removed_before_it_was_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process took it for one that was left: a new one is made."""
    taken = []
    locked = staging._locked

    def removed(file: Any) -> bool:
        if not taken:
            taken.append(file)
            shutil.rmtree(Path(file.name).parent)
        return locked(file)

    monkeypatch.setattr(staging, "_locked", removed)
    network().save(tmp_path)
    assert taken
    assert (tmp_path / "net_nodes.h5").is_file()
    assert not list(tmp_path.glob(".saving*"))


def test_our_front_end_with_another_adaptor(tmp_path: Path) -> None:
    """As it is used where BMTK has changed."""
    net = network(functools.partial(NetworkBuilder, adaptor_cls=DenseNetwork))
    net.save_nodes(output_dir=str(tmp_path / "front"))
    net.save_edges(output_dir=str(tmp_path / "front"), compression="gzip")
    network(bmtk.builder.NetworkBuilder).save(str(tmp_path / "bmtk"))
    assert content(tmp_path / "front") == content(tmp_path / "bmtk")


def test_adaptor_of_other_builders(tmp_path: Path) -> None:
    """BMTK's own front end with our adaptor, as BioNetBuilder uses it."""
    make: Callable[[str], Any] = functools.partial(
        bmtk.builder.NetworkBuilder, adaptor_cls=SparseNetwork
    )
    network(make).save(str(tmp_path / "front"))
    network().save(tmp_path / "ours")
    assert content(tmp_path / "front") == content(tmp_path / "ours")
