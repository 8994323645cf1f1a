"""``compare``: equal is what holds the same rows, and every kind of difference is named."""

from __future__ import annotations

import collections
import csv
import json
import math
import re
import shutil

import h5py
import numpy as np
import pytest
from bmtk.builder import NetworkBuilder
from hypothesis import given, settings
from hypothesis import strategies as st

from bmtool_connectors.comparison.compare import compare
from bmtool_connectors.comparison.differences import Comparison, Totals
from bmtool_connectors.comparison.row_differences import diff_tables
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.populations import ColumnGroup, Table

N = 12
EDGES = "net_net_edges.h5"
POPULATION = "edges/net_to_net"


def n_syn(source, target):
    return (3 * source.node_id + 5 * target.node_id) % 4


def n_gap(source, target):
    return (1 + (target == 3)) * (source < target and target % 3 == 0)


def make_nodes(name="net"):
    net = NetworkBuilder(name)
    positions = [(float(i), 2.0 * i, 0.5) for i in range(N)]
    net.add_nodes(N=N, positions=positions, pop_name="A", model_type="biophysical")
    net.add_nodes(N=4, x=[0.1, 0.2, 0.3, 0.4], label=list("stuv"), pop_name="B")
    return net


def make_networks(props=False, gaps=False, rule=n_syn):
    """A network with two edge types and one from an external source; not saved."""
    net = make_nodes()
    inputs = NetworkBuilder("bg")
    inputs.add_nodes(N=5, pop_name="in", model_type="virtual")
    kinds = [
        net.add_edges(source={"pop_name": "A"}, target={"pop_name": "A"}, connection_rule=rule,
                      syn_weight=0.25, model_template="exp2syn"),
        net.add_edges(source={"pop_name": "A"}, target={"pop_name": "B"}, connection_rule=2,
                      syn_weight=1.5, note=None),
    ]  # fmt: skip
    net.add_edges(source=inputs.nodes(), target=net.nodes(pop_name="B"), connection_rule=3)
    if props:
        values = iter(np.random.default_rng(1).random(10_000))
        kinds[0].add_properties("delay", rule=lambda s, t: next(values), dtypes=float)
        kinds[0].add_properties("section", rule=lambda s, t: s.node_id % 3, dtypes=int)
        kinds[1].add_properties("weight", rule=lambda s, t: next(values), dtypes=float)
    if gaps:
        net.add_gap_junctions(
            source={"pop_name": "A"},
            target={"pop_name": "A"},
            resistance=10.0,
            target_sections=None,
            connection_rule=lambda s, t: n_gap(s.node_id, t.node_id),
        )
    inputs.build()
    net.build()
    return net, inputs


def save(folder, networks):
    for net in networks:
        net.save(str(folder))
    return folder


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """One saved folder per kind of network; never changed."""
    root = tmp_path_factory.mktemp("originals")
    return {
        kind: save(root / kind, make_networks(props=kind == "props", gaps=kind == "gaps"))
        for kind in ("plain", "props", "gaps")
    }


@pytest.fixture
def pair(originals, tmp_path):
    """Gives folders A and B with the same network, B a copy to be changed."""

    def copies(kind):
        return originals[kind], shutil.copytree(originals[kind], tmp_path / "b")

    return copies


def rewrite(group, name, values):
    attributes = dict(group[name].attrs)
    del group[name]
    group[name] = values
    group[name].attrs.update(attributes)


def shuffle(file, path, kind, seed=5):
    """Reorder the rows of a population, and by another order the values of each group."""
    draw = np.random.default_rng(seed)
    with h5py.File(file, "r+") as h5:
        group = h5[path]
        columns = [name for name in group if isinstance(group[name], h5py.Dataset)]
        order = draw.permutation(len(group[columns[0]]))
        for name in columns:
            rewrite(group, name, group[name][()][order])
        group_id, index = group[f"{kind}_group_id"][()], group[f"{kind}_group_index"][()]
        for number in [name for name in group if name.isdigit()]:
            here = group_id == int(number)
            new_place = draw.permutation(int(here.sum()))
            index[here] = new_place[index[here]]
            for name, dataset in list(group[number].items()):
                values = np.empty_like(dataset[()])
                values[new_place] = dataset[()]
                rewrite(group[number], name, values)
        rewrite(group, f"{kind}_group_index", index)


def drop_row(file, row):
    with h5py.File(file, "r+") as h5:
        group = h5[POPULATION]
        for name in [name for name in group if isinstance(group[name], h5py.Dataset)]:
            rewrite(group, name, np.delete(group[name][()], row))


def row_of(group, type_id, n=0):
    """Row number, source, target, group number, place in the group of the n-th row of a type."""
    row = int(np.flatnonzero(group["edge_type_id"][()] == type_id)[n])
    names = "source_node_id", "target_node_id", "edge_group_id", "edge_group_index"
    return row, *(int(group[name][row]) for name in names)


def only(comparison):
    assert not comparison
    assert len(comparison.differences) == 1, str(comparison)
    return comparison.differences[0]


def kinds_of(comparison):
    return {(each.item, each.kind, each.type_id) for each in comparison.differences}


def edit_types(file, change):
    with file.open(newline="") as stream:
        header, *rows = csv.reader(stream, delimiter=" ")
    header, rows = change(header, rows)
    with file.open("w", newline="") as stream:
        csv.writer(stream, delimiter=" ").writerows([header, *rows])


# ---- equal


@pytest.mark.parametrize("kind", ["plain", "props", "gaps"])
def test_a_second_build_is_equal(originals, tmp_path, kind):
    other = save(tmp_path / "b", make_networks(props=kind == "props", gaps=kind == "gaps"))
    comparison = compare(originals[kind], other)
    assert comparison
    assert comparison.equal
    assert comparison.differences == ()


def test_totals_count_rows_and_synapses(originals):
    by_name = {(t.item, t.population): t for t in compare(*[originals["gaps"]] * 2).totals}
    within = [(3 * s + 5 * t) % 4 for s in range(N) for t in range(N)]
    gaps = [n_gap(s, t) for s in range(N) for t in range(N)]
    rows = sum(n > 0 for n in within) + N * 4 + sum(n > 0 for n in gaps)
    synapses = sum(within) + 2 * N * 4 + sum(gaps)
    assert by_name["edges", "net_to_net"].rows == (rows, rows)
    assert by_name["edges", "net_to_net"].synapses == (synapses, synapses)
    assert by_name["edges", "bg_to_net"].synapses == (5 * 4 * 3,) * 2
    assert by_name["gap junctions", "net"].rows == (sum(gaps), sum(gaps))
    assert by_name["nodes", "net"].rows == (16, 16)
    assert by_name["nodes", "bg"].rows == (5, 5)
    assert len(by_name) == 5


@pytest.mark.parametrize("kind", ["plain", "props"])
def test_the_order_of_rows_does_not_count(pair, kind):
    a, b = pair(kind)
    shuffle(b / EDGES, POPULATION, "edge")
    shuffle(b / "net_nodes.h5", "nodes/net", "node")
    with h5py.File(a / EDGES) as old, h5py.File(b / EDGES) as new:
        assert not np.array_equal(
            old[f"{POPULATION}/source_node_id"], new[f"{POPULATION}/source_node_id"]
        )
    assert compare(a, b), str(compare(a, b))


def test_the_order_of_type_columns_and_the_way_to_leave_out_do_not_count(pair):
    a, b = pair("plain")

    def change(header, rows):
        rows = [["" if cell == "NULL" else cell for cell in (*row[::-1], "NULL")] for row in rows]
        return [*header[::-1], "empty"], rows[::-1]

    edit_types(b / "net_net_edge_types.csv", change)
    edit_types(b / "net_node_types.csv", change)
    assert compare(a, b), str(compare(a, b))


def test_the_layout_of_edge_groups_does_not_count(pair):
    a, b = pair("plain")
    with h5py.File(b / EDGES, "r+") as h5:
        group = h5[POPULATION]
        second = np.arange(len(group["edge_group_id"])) % 2 == 1
        index, nsyns = group["edge_group_index"][()], group["0/nsyns"][()][:]
        rewrite(group, "edge_group_id", np.where(second, 7, 0))
        rewrite(group["0"], "nsyns", nsyns[index[~second]])
        group["7/nsyns"] = nsyns[index[second]]
        index[second], index[~second] = np.arange(second.sum()), np.arange((~second).sum())
        rewrite(group, "edge_group_index", index)
        assert nsyns.max() > 1
    assert compare(a, b), str(compare(a, b))


def test_gap_junction_ids_and_rows_may_differ(pair):
    a, b = pair("gaps")
    with h5py.File(b / "net_gap_juncs.h5", "r+") as h5:
        for name in ("source_ids", "target_ids"):
            rewrite(h5, name, h5[name][()][::-1])
        rewrite(h5, "src_gap_ids", h5["src_gap_ids"][()] + 1000)
    assert compare(a, b)


def test_nan_equals_nan_and_nothing_else(pair):
    a, b = pair("props")
    a = shutil.copytree(a, b.parent / "a")
    for folder in (a, b):
        with h5py.File(folder / EDGES, "r+") as h5:
            _, source, target, number, place = row_of(h5[POPULATION], 100)
            h5[f"{POPULATION}/{number}/delay"][place] = np.nan
    assert compare(a, b)
    with h5py.File(b / EDGES, "r+") as h5:
        h5[f"{POPULATION}/{number}/delay"][place] = 1.0
    found = only(compare(a, b, rtol=1.0))
    assert (found.property, found.count, found.largest) == ("delay", 1, None)
    assert found.examples[0][0] == (source, target)
    assert {repr(value) for value in found.examples[0][1:]} >= {"nan"}


# ---- edges


def test_missing_and_added_pairs(pair):
    a, b = pair("plain")
    with h5py.File(b / EDGES) as h5:
        row, source, target, _, _ = row_of(h5[POPULATION], 101, 3)
    drop_row(b / EDGES, row)
    for first, second, kind in ((a, b, "missing"), (b, a, "added")):
        found = only(compare(first, second))
        assert (found.item, found.population) == ("edges", "net_to_net")
        assert (found.kind, found.type_id, found.count, found.synapses) == (kind, 101, 1, 2)
        values = (2, None) if kind == "missing" else (None, 2)
        assert found.examples == (((source, target), *values),)


def test_another_edge_type_is_a_missing_and_an_added_pair(pair):
    a, b = pair("plain")
    with h5py.File(b / EDGES, "r+") as h5:
        h5[f"{POPULATION}/edge_type_id"][row_of(h5[POPULATION], 100)[0]] = 101
    assert kinds_of(compare(a, b)) == {("edges", "missing", 100), ("edges", "added", 101)}


def test_changed_synapse_count(pair):
    a, b = pair("plain")
    with h5py.File(b / EDGES, "r+") as h5:
        group = h5[POPULATION]
        _, source, target, number, place = row_of(group, 101, 5)
        group[f"{number}/nsyns"][place] = 9
    found = only(compare(a, b))
    assert (found.kind, found.type_id, found.count, found.largest) == ("synapses", 101, 1, 7.0)
    assert found.examples == (((source, target), 2, 9),)
    comparison = compare(a, b)
    totals = next(each for each in comparison.totals if each.population == "net_to_net")
    assert totals.synapses[1] == totals.synapses[0] + 7
    assert comparison.to_frame()["largest"].tolist() == [7.0]
    assert json.loads(comparison.to_json())["differences"][0]["count"] == 1
    assert [row["kind"] for row in csv.DictReader(comparison.to_csv().splitlines())] == ["synapses"]


def test_changed_values_with_the_largest_difference_and_only_of_that_property(pair):
    a, b = pair("props")
    changed = set()
    with h5py.File(b / EDGES, "r+") as h5:
        for n, step in ((2, 0.25), (40, -3.5)):
            _, source, target, number, place = row_of(h5[POPULATION], 100, n)
            h5[f"{POPULATION}/{number}/delay"][place] += step
            changed.add((source, target))
    shuffle(b / EDGES, POPULATION, "edge")
    found = only(compare(a, b))
    assert (found.kind, found.type_id, found.property) == ("values", 100, "delay")
    assert found.count >= 2
    assert found.largest > 0.25
    assert {ids for ids, _, _ in found.examples} == changed


def test_values_of_a_pair_with_one_row_are_paired_exactly(pair):
    a, b = pair("props")
    with h5py.File(b / EDGES, "r+") as h5:
        group = h5[POPULATION]
        keys = list(
            zip(
                group["source_node_id"], group["target_node_id"], group["edge_type_id"], strict=True
            )
        )
        row = next(i for i, key in enumerate(keys) if keys.count(key) == 1 and key[2] == 100)
        number, place = int(group["edge_group_id"][row]), int(group["edge_group_index"][row])
        old = float(group[f"{number}/delay"][place])
        group[f"{number}/delay"][place] = old - 3.5
    found = only(compare(a, b))
    assert (found.count, found.largest) == (1, pytest.approx(3.5))
    ids = tuple(int(number) for number in keys[row][:2])
    assert found.examples == ((ids, old, old - 3.5),)


def test_the_same_values_combined_in_other_rows(pair):
    a, b = pair("props")
    a = shutil.copytree(a, b.parent / "a")
    for folder, delays in ((a, (1.0, 2.0)), (b, (2.0, 1.0))):
        with h5py.File(folder / EDGES, "r+") as h5:
            group = h5[POPULATION]
            ids = [group[name][()] for name in ("source_node_id", "target_node_id", "edge_type_id")]
            keys = list(zip(*ids, strict=True))
            i, j = next(
                rows
                for key in keys
                if key[2] == 100
                and len(rows := [i for i, other in enumerate(keys) if other == key]) == 2
            )
            for row, delay, section in ((i, delays[0], 0), (j, delays[1], 1)):
                number, place = group["edge_group_id"][row], group["edge_group_index"][row]
                group[f"{number}/delay"][place] = delay
                group[f"{number}/section"][place] = section
    found = only(compare(a, b))
    assert (found.kind, found.type_id, found.count) == ("combination", 100, 1)
    assert found.examples[0][0] == tuple(int(number) for number in keys[i][:2])


def test_one_row_of_three_synapses_is_not_three_rows(originals):
    comparison = compare(originals["plain"], originals["props"])
    kinds = {
        (each.kind, each.type_id, each.property)
        for each in comparison.differences
        if each.population == "net_to_net"
    }
    assert kinds == {
        ("rows", 100, None),
        ("rows", 101, None),
        ("column missing", 100, "nsyns"),
        ("column missing", 101, "nsyns"),
        ("column added", 100, "delay"),
        ("column added", 100, "section"),
        ("column added", 101, "weight"),
    }
    totals = next(each for each in comparison.totals if each.population == "net_to_net")
    assert totals.synapses[0] == totals.synapses[1]
    assert totals.rows[0] < totals.rows[1]


def test_a_column_on_one_side_does_not_hide_the_others(pair):
    a, b = pair("props")
    with h5py.File(b / EDGES, "r+") as h5:
        _, _, _, number, place = row_of(h5[POPULATION], 100)
        del h5[f"{POPULATION}/{number}/section"]
        h5[f"{POPULATION}/{number}/delay"][place] += 1
    found = compare(a, b).differences
    assert {(each.kind, each.property) for each in found} == {
        ("column missing", "section"),
        ("values", "delay"),
    }


def test_a_column_that_some_rows_of_a_type_lack(pair):
    a, b = pair("props")
    with h5py.File(b / EDGES, "r+") as h5:
        group = h5[POPULATION]
        _, source, target, number, _ = row_of(group, 101)
        here = (group["source_node_id"][()] == source) & (group["target_node_id"][()] == target)
        rows = np.flatnonzero(here & (group["edge_type_id"][()] == 101))
        values = group[f"{number}/weight"][()][group["edge_group_index"][()][rows]]
        # The least of the pair, so that the other one stays in its place.
        row, value = rows[values.argmin()], values.min()
        group.create_group("9")
        group["edge_group_id"][row], group["edge_group_index"][row] = 9, 0
    found = only(compare(a, b))
    assert (found.kind, found.property, found.count) == ("values", "weight", 1)
    assert found.largest is None
    assert found.examples == (((source, target), value, None),)


def test_no_value_is_not_the_value_0():
    ids = np.array([1, 2])
    whole = ColumnGroup(None, None, {"p": lambda: np.array([0.0, 1.0])})
    half = ColumnGroup(np.array([1]), None, {"p": lambda: np.array([1.0])})
    old, new = (Table((ids, ids), np.zeros(2, dtype=int), (each,)) for each in (whole, half))
    found = diff_tables("edges", "x", old, new)
    assert [(each.kind, each.property, each.examples) for each in found] == [
        ("values", "p", (((1, 1), 0.0, None),))
    ]


def test_tolerance_is_for_floats(pair):
    a, b = pair("props")
    with h5py.File(b / EDGES, "r+") as h5:
        for name in ("0", "1"):
            for column, dataset in h5[f"{POPULATION}/{name}"].items():
                if column in ("delay", "weight"):
                    dataset[...] = dataset[()] * (1 + 1e-9)
    assert not compare(a, b)
    assert compare(a, b, rtol=1e-8)
    assert compare(a, b, atol=1e-8)
    assert not compare(a, b, rtol=1e-10)
    with h5py.File(b / EDGES, "r+") as h5:
        _, _, _, number, place = row_of(h5[POPULATION], 100)
        h5[f"{POPULATION}/{number}/section"][place] += 1
    assert only(compare(a, b, rtol=0.9)).property == "section"


def test_sums_in_another_order_are_equal_by_default(pair):
    """And with rtol=0 they are not."""
    a, b = pair("props")
    with h5py.File(b / EDGES, "r+") as h5:
        _, _, _, number, place = row_of(h5[POPULATION], 100)
        old = h5[f"{POPULATION}/{number}/delay"][place] * (1 + 4e-16)
        h5[f"{POPULATION}/{number}/delay"][place] = old
    types = b / "net_net_edge_types.csv"
    types.write_text(types.read_text().replace("0.25", repr(0.25 * (1 + 4e-16))))
    assert compare(a, b), str(compare(a, b))
    assert len(compare(a, b, rtol=0).differences) == 2
    with h5py.File(b / EDGES, "r+") as h5:
        h5[f"{POPULATION}/{number}/delay"][place] = old * (1 + 4e-12)
    assert only(compare(a, b)).property == "delay"


def test_population_names_and_ends(pair):
    a, b = pair("plain")
    with h5py.File(b / EDGES, "r+") as h5:
        h5.move(POPULATION, "edges/recurrent")
    found = only(compare(a, b))
    assert (found.kind, found.examples) == ("name", (((), "net_to_net", "recurrent"),))
    with h5py.File(b / EDGES, "r+") as h5:
        h5.move("edges/recurrent", POPULATION)
        h5[f"{POPULATION}/source_node_id"].attrs["node_population"] = "other"
    assert only(compare(a, b)).kind == "endpoints"


def test_populations_are_known_by_what_they_join(pair):
    a, b = pair("plain")
    with h5py.File(b / EDGES, "r+") as h5:
        h5.move(POPULATION, "edges/recurrent")
    (b / EDGES).rename(b / "own_edges.h5")
    (b / "net_net_edge_types.csv").rename(b / "own_edge_types.csv")
    assert only(compare(a, b)).kind == "name"


def test_missing_files_are_reported(pair):
    a, b = pair("gaps")
    for name in ("bg_net_edges.h5", "net_nodes.h5", "net_gap_juncs.h5", "net_net_edge_types.csv"):
        (b / name).unlink()
    (b / "bg_net_edge_types.csv").unlink()
    # Of the nodes the type table is left, so that the population is there without its nodes.
    assert kinds_of(compare(a, b)) == {
        ("edges", "population missing", None),
        ("edges", "type table missing", None),
        ("gap junctions", "population missing", None),
        ("nodes", "missing", None),
    }
    assert kinds_of(compare(b, a)) == {
        ("edges", "population added", None),
        ("edges", "type table added", None),
        ("gap junctions", "population added", None),
        ("nodes", "added", None),
    }
    assert "bg_to_net: 20 rows, 60 synapses in A; none in B" in str(compare(a, b))


# ---- nodes, types, gap junctions


def test_nodes(pair):
    a, b = pair("plain")
    with h5py.File(b / "net_nodes.h5", "r+") as h5:
        group = h5["nodes/net"]
        place = int(group["node_group_index"][2])
        group["node_id"][1] = 99
        group["node_type_id"][15] = 100
        group[f"{group['node_group_id'][2]}/positions"][place, 1] += 0.5
        column = group[str(group["node_group_id"][15])]
        column["label"][int(group["node_group_index"][15])] = "z"
    found = {(each.kind, each.property): each for each in compare(a, b).differences}
    assert set(found) == {
        ("missing", None),
        ("added", None),
        ("values", "node_type_id"),
        ("values", "positions[1]"),
        ("values", "label"),
    }
    assert {each.item for each in found.values()} == {"nodes"}
    assert found["missing", None].examples[0][0] == (1,)
    assert found["added", None].examples[0][0] == (99,)
    assert found["values", "node_type_id"].examples == (((15,), 101, 100),)
    assert found["values", "positions[1]"].examples == (((2,), 4.0, 4.5),)
    assert found["values", "positions[1]"].largest == 0.5
    assert found["values", "label"].examples == (((15,), "v", "z"),)
    assert found["values", "label"].largest is None


def test_a_node_property_of_one_side(pair):
    a, b = pair("plain")
    with h5py.File(b / "net_nodes.h5", "r+") as h5:
        del h5[f"nodes/net/{h5['nodes/net/node_group_id'][15]}/x"]
    found = only(compare(a, b))
    assert (found.item, found.kind, found.property) == ("nodes", "column missing", "x")
    assert (found.type_id, found.count) == (None, 4)


def test_types(pair):
    a, b = pair("plain")

    def change(header, rows):
        rows[0][header.index("syn_weight")] = "0.75"
        rows[1][header.index("model_template")] = "new"
        return header, rows

    edit_types(b / "net_net_edge_types.csv", change)
    edit_types(b / "net_node_types.csv", lambda header, rows: (header, rows[:1]))
    found = {(each.item, each.type_id, each.property): each for each in compare(a, b).differences}
    weight = found.pop(("edges", 100, "syn_weight"))
    assert (weight.kind, weight.largest) == ("type property", 0.5)
    assert weight.examples == (((), "0.25", "0.75"),)
    template = found.pop(("edges", 101, "model_template"))
    assert (template.largest, template.examples) == (None, (((), None, "new"),))
    assert found.pop(("nodes", 101, None)).kind == "type missing"
    assert not found
    assert kinds_of(compare(b, a)) >= {("nodes", "type added", 101)}


@pytest.mark.parametrize(
    ("old", "new", "options", "equal"),
    [
        ("0.25", "0.250", {}, True),
        ("1", "1.0", {}, True),
        ("nan", "NaN", {}, True),
        ("0.25", "0.26", {"atol": 0.1}, True),
        ("0.25", "0.26", {"rtol": 0.1}, True),
        ("0.25", "0.26", {"rtol": 0.001}, False),
        ("100", "101", {"rtol": 0.5}, False),
        ("1.0", "inf", {"rtol": 0.5}, False),
        ("nan", "1.0", {"rtol": 0.5}, False),
        ("a", "b", {"atol": 9.0}, False),
        ("z=='<function f at 0x7f3b>'", "z=='<function f at 0x55D0>'", {}, True),
        ("z=='<function f at 0x7f3b>'", "z=='<function g at 0x7f3b>'", {}, False),
    ],
)
def test_type_properties_are_compared_as_numbers_where_they_are(pair, old, new, options, equal):
    a, b = pair("plain")
    a = shutil.copytree(a, b.parent / "a")
    for folder, value in ((a, old), (b, new)):

        def change(header, rows, value=value):
            rows[0][header.index("syn_weight")] = value
            return header, rows

        edit_types(folder / "net_net_edge_types.csv", change)
    assert bool(compare(a, b, **options)) is equal


def test_gap_junctions(pair):
    a, b = pair("gaps")
    with h5py.File(b / "net_gap_juncs.h5", "r+") as h5:
        pairs = list(zip(h5["source_ids"][()].tolist(), h5["target_ids"][()].tolist(), strict=True))
        old, again = (pair for pair in ((0, 6), (1, 6)) if pairs.count(pair) == 1)
        place = pairs.index(old)
        h5["source_ids"][place], h5["target_ids"][place] = again
    found = {each.kind: each for each in compare(a, b).differences}
    assert set(found) == {"missing", "synapses"}
    assert found["missing"].item == "gap junctions"
    assert found["missing"].type_id is None
    assert found["missing"].examples == ((old, 1, None),)
    assert found["synapses"].examples == ((again, 1, 2),)
    assert "another number of gap junctions in 1 pair" in str(compare(a, b))


# ---- networks in memory


@pytest.mark.parametrize("kind", ["plain", "props", "gaps"])
def test_networks_compare_with_folders_and_each_other(originals, kind):
    networks = list(make_networks(props=kind == "props", gaps=kind == "gaps"))
    again = list(make_networks(props=kind == "props", gaps=kind == "gaps"))
    for a, b in ((networks, originals[kind]), (originals[kind], networks), (networks, again)):
        comparison = compare(a, b)
        assert comparison, str(comparison)
    whole = {(t.item, t.population, t.rows, t.synapses) for t in comparison.totals}
    folders = compare(originals[kind], originals[kind]).totals
    assert whole == {(t.item, t.population, t.rows, t.synapses) for t in folders}
    # Looking must not change the network: it still saves, and to the same.
    assert compare(networks, again)


def test_a_network_without_its_inputs_lacks_their_nodes(originals):
    net, _ = make_networks()
    found = only(compare(net, originals["plain"]))
    assert (found.item, found.population, found.kind) == ("nodes", "bg", "population added")


def test_a_network_with_another_rule_differs(originals):
    def rule(source, target):
        return 3 if (source.node_id, target.node_id) == (0, 1) else n_syn(source, target)

    found = only(compare(originals["plain"], list(make_networks(rule=rule))))
    assert (found.kind, found.examples) == ("synapses", (((0, 1), 1, 3),))


def test_no_edges_is_a_type_table_without_a_file(tmp_path):
    net = make_nodes()
    net.add_edges(connection_rule=0)
    net.build()
    net.save(str(tmp_path / "a"))
    assert not (tmp_path / "a" / EDGES).exists()
    other = make_nodes()
    other.add_edges(connection_rule=0)
    other.build()
    assert compare(tmp_path / "a", other), str(compare(tmp_path / "a", other))
    full = make_nodes()
    full.add_edges(connection_rule=1)
    full.build()
    found = only(compare(tmp_path / "a", full))
    assert (found.kind, found.count) == ("added", 16 * 16)


def test_edge_types_with_and_without_properties_side_by_side(originals, tmp_path):
    def mixed(seed):
        net = make_nodes()
        kinds = [net.add_edges(connection_rule=n_syn), net.add_edges(connection_rule=3)]
        kinds[0].add_properties("delay", rule=lambda s, t: seed + s.node_id, dtypes=float)
        net.build()
        return net

    folder = save(tmp_path / "a", [mixed(1)])
    comparison = compare(folder, mixed(1))
    assert comparison, str(comparison)
    synapses = sum((3 * s + 5 * t) % 4 for s in range(16) for t in range(16)) + 3 * 16 * 16
    assert comparison.totals[-1].synapses == (synapses, synapses)
    found = only(compare(folder, mixed(2)))
    assert (found.type_id, found.property, found.largest) == (100, "delay", 1.0)


def test_large_node_ids_stay_whole():
    def network(target):
        net = NetworkBuilder("net")
        ids = [2**60 + i for i in range(3)]
        net.add_nodes(N=3, node_id=ids)
        for with_property in (False, True):
            kind = net.add_edges(connection_rule=lambda s, t: int(t.node_id == 2**60 + target))
            if with_property:
                kind.add_properties("delay", rule=1.0, dtypes=float)
        net.build()
        return net

    assert compare(network(1), network(1))
    assert not compare(network(1), network(2))


def test_no_gap_junctions_is_no_file(tmp_path):
    def network():
        net = make_nodes()
        net.add_edges(connection_rule=1)
        net.add_gap_junctions(target_sections=None, connection_rule=0)
        net.build()
        return net

    folder = save(tmp_path / "a", [network()])
    assert not (folder / "net_gap_juncs.h5").exists()
    assert compare(folder, network()), str(compare(folder, network()))


def test_networks_that_cannot_be_read(tmp_path):
    net = make_nodes()
    net.add_edges(connection_rule=1)
    with pytest.raises(ParameterError, match=r"'net' is not built; call its build\(\) first"):
        compare(net, net)
    net.build()
    net.save(str(tmp_path))
    with pytest.raises(ParameterError, match="give the folder it was saved to"):
        compare(net, tmp_path)
    with pytest.raises(ParameterError, match="type int"):
        compare(3, tmp_path)
    with pytest.raises(ParameterError, match="nodes 'net' are in network 'net' and in network"):
        compare([make_networks()[0], make_networks()[0]], tmp_path)


# ---- other builders' files


def libsonata_folder(folder, order, layers):
    folder.mkdir()
    with h5py.File(folder / "nodes.h5", "w") as h5:
        group = h5.create_group("nodes/cells")
        group["node_type_id"] = np.full(4, -1)
        group["0/x"] = np.arange(4.0)
        group["0/dynamics_params/tau"] = np.arange(4.0) * 2
        group["0/@library/layer"] = np.array(layers, dtype=object)
        group["0/layer"] = np.array([layers.index(name) for name in ("L1", "L2", "L1", "L5")])
    with h5py.File(folder / "edges.h5", "w") as h5:
        group = h5.create_group("edges/cells__cells__chemical")
        for end, ids in (("source", [0, 1, 1]), ("target", [2, 3, 3])):
            group[f"{end}_node_id"] = np.array(ids)[order]
            group[f"{end}_node_id"].attrs["node_population"] = "cells"
        group["edge_type_id"] = np.full(3, -1)
        group["0/conductance"] = np.array([0.5, 1.5, 2.5])[order]
    return folder


def test_files_without_ids_groups_and_type_tables(tmp_path):
    a = libsonata_folder(tmp_path / "a", [0, 1, 2], ["L1", "L2", "L5"])
    b = libsonata_folder(tmp_path / "b", [2, 0, 1], ["L5", "L2", "L1"])
    assert compare(a, b), str(compare(a, b))
    with h5py.File(b / "nodes.h5", "r+") as h5:
        h5["nodes/cells/0/layer"][0] = 0
        h5["nodes/cells/0/dynamics_params/tau"][3] = 7.0
    found = {each.property: each.examples for each in compare(a, b).differences}
    assert found == {
        "layer": (((0,), "L1", "L5"),),
        "dynamics_params/tau": (((3,), 6.0, 7.0),),
    }


def test_type_tables_of_another_name_belong_to_the_only_file(tmp_path):
    for name in ("a", "b"):
        folder = libsonata_folder(tmp_path / name, [0, 1, 2], ["L1", "L2", "L5"])
        table = "kinds" if name == "a" else "edge_types"
        (folder / f"{table}.csv").write_text("edge_type_id weight \n-1 2.5 \n")
    assert compare(tmp_path / "a", tmp_path / "b"), str(compare(tmp_path / "a", tmp_path / "b"))
    (folder / "edge_types.csv").write_text("edge_type_id weight\n-1 3.5\n")
    assert only(compare(tmp_path / "a", tmp_path / "b")).property == "weight"


def test_other_files_are_passed_over(pair):
    a, b = pair("plain")
    (b / "conn.csv").write_text("source,target\n1,2\n")
    (b / ".half.h5").write_text("not finished")
    (b / "folder.h5").mkdir()
    with h5py.File(b / "spikes.h5", "w") as h5:
        h5["spikes/net/timestamps"] = [1.0]
    assert compare(a, b)


# ---- errors


def truncate(folder):
    data = (folder / EDGES).read_bytes()
    (folder / EDGES).write_bytes(data[: len(data) // 2])


def overwrite_chunks(folder):
    # The structure stays whole and the values do not, which shows when they are read.
    with h5py.File(folder / EDGES) as h5:
        info = h5[f"{POPULATION}/0/nsyns"].id.get_chunk_info(0)
    data = bytearray((folder / EDGES).read_bytes())
    data[info.byte_offset : info.byte_offset + info.size] = b"x" * info.size
    (folder / EDGES).write_bytes(bytes(data))


def shorten(folder):
    with h5py.File(folder / EDGES, "r+") as h5:
        rewrite(h5[POPULATION], "target_node_id", [1, 2])


def lose_ids(folder):
    with h5py.File(folder / EDGES, "r+") as h5:
        del h5[f"{POPULATION}/target_node_id"]


def write_text_for_ids(folder):
    with h5py.File(folder / EDGES, "r+") as h5:
        n = len(h5[f"{POPULATION}/source_node_id"])
        rewrite(h5[POPULATION], "source_node_id", ["one"] * n)


def put_an_array_for_a_population(folder):
    with h5py.File(folder / EDGES, "r+") as h5:
        h5["edges/array"] = [1, 2]


def point_outside(folder):
    with h5py.File(folder / EDGES, "r+") as h5:
        h5[f"{POPULATION}/edge_group_index"][3] = 10_000


def break_types(folder):
    (folder / "net_net_edge_types.csv").write_text("edge_type_id weight\nhundred 1\n")


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (lambda folder: (folder / EDGES).write_text("no HDF5"), EDGES),
        (truncate, EDGES),
        (overwrite_chunks, EDGES),
        (shorten, "target_node_id has 2"),
        (shorten, EDGES),
        (lose_ids, EDGES),
        (write_text_for_ids, EDGES),
        (put_an_array_for_a_population, EDGES),
        (point_outside, EDGES),
        (point_outside, "refer to 10001"),
        (break_types, "net_net_edge_types.csv"),
        (break_types, "'hundred'"),
        (lambda folder: shutil.copy(folder / EDGES, folder / "copy.h5"), "copy.h5"),
    ],
)
def test_broken_files_are_named(pair, damage, names):
    a, b = pair("plain")
    damage(b)
    for first, second in ((a, b), (b, a)):
        with pytest.raises(ParameterError, match=re.escape(names)) as raised:
            compare(first, second)
        assert "\n" not in str(raised.value)


def test_folders_that_hold_no_network(originals, tmp_path):
    a = originals["plain"]
    with pytest.raises(ParameterError, match="no SONATA file"):
        compare(a, tmp_path)
    with pytest.raises(ParameterError, match="is not a folder"):
        compare(tmp_path / "nowhere", a)
    with pytest.raises(ParameterError, match="is not a folder"):
        compare(a / EDGES, a)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["rtol", "atol"])
def test_tolerances_are_checked(originals, name, value):
    with pytest.raises(ParameterError, match=name):
        compare(originals["plain"], originals["plain"], **{name: value})


# ---- the report


def test_the_report_is_readable(pair, monkeypatch):
    a, b = pair("props")
    monkeypatch.chdir(b.parent)
    with h5py.File(b / EDGES, "r+") as h5:
        _, source, target, number, place = row_of(h5[POPULATION], 100)
        h5[f"{POPULATION}/{number}/delay"][place] = 1e6
    shutil.copytree(a, "a")
    equal = str(compare("a", "a"))
    assert equal.splitlines()[:3] == ["equal (rtol 1e-12, atol 0)", "  A: a", "  B: a"]
    assert str(compare("a", "a", rtol=0)).startswith("equal\n")
    assert "nodes net: 16 nodes" in equal.splitlines()
    text = str(compare("a", "b"))
    assert text.startswith("1 difference (rtol 1e-12, atol 0)\n  A: a\n  B: b\n")
    assert re.search(r"\n  type 100, A to A: delay differs in \d rows?, by up to ", text)
    assert re.search(rf"\n      {source} -> {target}: \S+ in A, \S+ in B", text)
    assert max(len(line) for line in text.splitlines()) <= 80
    worse = str(compare("a", b.parent / "b"))
    assert worse.splitlines()[3:] == text.splitlines()[3:]


def test_what_may_be_the_cause_comes_first(pair):
    a, b = pair("props")
    with h5py.File(b / EDGES, "r+") as h5:
        for type_id in (100, 101):
            row, *_ = row_of(h5[POPULATION], type_id)
            h5[f"{POPULATION}/source_node_id"][row] = 3
            h5[f"{POPULATION}/target_node_id"][row] = 3
    found = compare(a, b)
    assert {(each.source, each.target) for each in found.differences} == {("A", "A"), ("A", "B")}
    lines = str(found).splitlines()
    assert lines[3] == "first difference: type 100, A to A; later types may share its generator"
    # With other positions, edges are others everywhere.
    with h5py.File(b / "net_nodes.h5", "r+") as h5:
        h5["nodes/net/0/positions"][2, 0] = 77.0
    lines = str(compare(a, b)).splitlines()
    assert lines[3] == "first difference: nodes net; edges may follow from them"


def test_the_only_type_that_differs_is_not_said_to_be_the_first(pair):
    a, b = pair("props")
    with h5py.File(b / EDGES, "r+") as h5:
        h5[f"{POPULATION}/source_node_id"][row_of(h5[POPULATION], 101)[0]] = 3
    assert "first difference" not in str(compare(a, b))


def test_names_of_edge_types(tmp_path):
    """Of several conditions all values; of no filter the network."""
    for name in ("a", "b"):
        folder = libsonata_folder(tmp_path / name, [0, 1, 2], ["L1", "L2", "L5"])
        table = "edge_type_id source_query target_query w\n-1 \"pop=='A'&layer=='[4, 5]'\" * "
        (folder / "edge_types.csv").write_text(table + ("1\n" if name == "a" else "2\n"))
    found = only(compare(tmp_path / "a", tmp_path / "b"))
    assert (found.source, found.target) == ("A, 4, 5", "cells")
    assert "type -1, A, 4, 5 to cells: w of the type" in str(compare(tmp_path / "a", folder))


def test_a_long_report_is_cut_and_says_so():
    found = diff_tables("edges", "x", table([(t, 0, 1) for t in range(99)]), table([]))
    assert len(found) == 99
    totals = Totals("edges", "x", (99, 0), (99, 0))
    text = str(Comparison("a", "b", tuple(found), (totals,)))
    assert text.splitlines()[-1] == "... and 39 more, all in the attribute 'differences'"
    assert text.count("only in A") == 60


# ---- against an oracle


def table(rows, names=()):
    """Rows of (type, source, target, value, ...)."""
    columns = list(zip(*rows, strict=True)) or [()] * (3 + len(names))
    ints = [np.array(column, dtype=np.int64) for column in columns[:3]]
    values = {
        name: (lambda column=column: np.array(column))
        for name, column in zip(names, columns[3:], strict=True)
    }
    return Table((ints[1], ints[2]), ints[0], (ColumnGroup(None, None, values),))


small = st.integers(0, 2)
rows_of_values = st.lists(st.tuples(small, small, small, small, small.map(float)), max_size=12)


@settings(max_examples=300, deadline=None)
@given(rows_of_values, rows_of_values, st.randoms(use_true_random=False), st.booleans())
def test_equal_is_what_a_multiset_of_rows_says(rows_a, rows_b, random, same):
    if same:
        rows_b = random.sample(rows_a, len(rows_a))
    found = diff_tables("edges", "x", table(rows_a, "pq"), table(rows_b, "pq"))
    assert (not found) == (collections.Counter(rows_a) == collections.Counter(rows_b))
    pairs_a, pairs_b = (collections.Counter(row[:3] for row in rows) for rows in (rows_a, rows_b))
    counts = collections.Counter()
    for each in found:
        counts[each.kind] += each.count
    assert counts["missing"] == len(pairs_a.keys() - pairs_b.keys())
    assert counts["added"] == len(pairs_b.keys() - pairs_a.keys())
    common = pairs_a.keys() & pairs_b.keys()
    assert counts["synapses"] == sum(pairs_a[key] != pairs_b[key] for key in common)
    assert counts["rows"] == 0
    differing = 0
    for key in common:
        values = [[row[3:] for row in rows if row[:3] == key] for rows in (rows_a, rows_b)]
        if len(values[0]) == len(values[1]):
            columns = [[sorted(column) for column in zip(*rows, strict=True)] for rows in values]
            differing += sum(
                x != y for old, new in zip(*columns, strict=True)
                for x, y in zip(old, new, strict=True)
            )  # fmt: skip
    assert counts["values"] == differing


@settings(max_examples=100, deadline=None)
@given(rows_of_values, st.randoms(use_true_random=False))
def test_noise_within_the_tolerance_is_no_difference(rows, random):
    # Values are whole, so that noise of 1e-9 makes or breaks ties in the last column only.
    noisy = [(*row[:4], row[4] + random.uniform(-1e-9, 1e-9)) for row in rows]
    random.shuffle(noisy)
    tables = table(rows, "pq"), table(noisy, "pq")
    assert not diff_tables("edges", "x", *tables, atol=2e-9)
    assert bool(diff_tables("edges", "x", *tables)) == (
        collections.Counter(rows) != collections.Counter(noisy)
    )


def test_noise_that_reorders_by_the_first_property_is_no_difference():
    old = [(0, 1, 1, 1.0, 5.0), (0, 1, 1, 1.0 + 1e-12, 3.0)]
    new = [(0, 1, 1, 1.0, 3.0), (0, 1, 1, 1.0 + 1e-12, 5.0)]
    assert not diff_tables("edges", "x", table(old, "pq"), table(new, "pq"), atol=1e-9)
    assert diff_tables("edges", "x", table(old, "pq"), table(new, "pq"))


def test_ids_too_large_for_one_key():
    ids = [2**62, 2**40, 5, -(2**61), 2**62 - 1]
    rows = [(t, i, j) for t in (0, 2**33) for i in ids for j in ids]
    other = rows[::-1]
    assert not diff_tables("edges", "x", table(rows), table(other))
    changed = [*other[:-1], (0, 2**62, 2**62 + 1)]
    found = {each.kind: each for each in diff_tables("edges", "x", table(rows), table(changed))}
    assert found["missing"].examples == ((rows[0][1:], 1, None),)
    assert found["added"].examples == ((changed[-1][1:], None, 1),)
    assert set(found) == {"missing", "added"}


def test_keys_that_would_wrap_around_onto_each_other():
    # 2**31 sources times 2**33 targets: an int64 key of (2**31, 5) would be that of (0, 5).
    old = [(0, 0, 0), (0, 0, 2**33 - 1), (0, 0, 5)]
    new = [(0, 0, 0), (0, 0, 2**33 - 1), (0, 2**31, 5)]
    found = diff_tables("edges", "x", table(old), table(new))
    assert [(each.kind, each.examples[0][0]) for each in found] == [
        ("missing", (0, 5)),
        ("added", (2**31, 5)),
    ]


def test_a_column_of_one_type_on_one_side_is_not_compared_value_by_value():
    def two_types(second):
        ids = np.array([1, 1, 1, 1])
        first = {"p": lambda: np.array([1.0, 2.0]), "q": lambda: np.array([1.0, 2.0])}
        groups = (
            ColumnGroup(np.array([0, 1]), None, first),
            ColumnGroup(np.array([2, 3]), None, second),
        )
        return Table((ids, ids), np.array([100, 100, 101, 101]), groups)

    # In order of p, the rows of type 101 would be told apart by a property that B has not.
    old = two_types({"p": lambda: np.array([np.nan, 3.0]), "q": lambda: np.array([5.0, 6.0])})
    new = two_types({"q": lambda: np.array([6.0, 5.0])})
    found = diff_tables("edges", "x", old, new)
    assert [(each.kind, each.type_id, each.property, each.count) for each in found] == [
        ("column missing", 101, "p", 2)
    ]


def test_infinite_values_are_near_nothing_else():
    old, new = table([(0, 1, 1, math.inf)], "p"), table([(0, 1, 1, 1.0)], "p")
    assert diff_tables("edges", "x", old, new, rtol=1.0)[0].largest == math.inf
    assert not diff_tables("edges", "x", old, old, rtol=1.0)


def test_rows_with_nsyns_count_their_synapses():
    one = table([(0, 1, 2, 3)], ["nsyns"])
    three = table([(0, 1, 2, 1)] * 3, ["nsyns"])
    found = diff_tables("edges", "x", one, three)
    assert [(each.kind, each.examples) for each in found] == [("rows", (((1, 2), 1, 3),))]
    two = table([(0, 1, 2, 1), (0, 1, 2, 2)], ["nsyns"])
    other = table([(0, 1, 2, 2), (0, 1, 2, 1)], ["nsyns"])
    assert not diff_tables("edges", "x", two, other)
