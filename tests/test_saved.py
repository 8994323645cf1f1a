"""Summaries of saved networks: from the files alone."""

from __future__ import annotations

import csv
import io
import json
import warnings
from pathlib import Path
from typing import Any

import bmtk.builder
import h5py
import numpy as np
import pytest
from conftest import QUIET, random_positions

from bmtool_connectors import (
    CorrelatedGapJunction,
    FixedInDegreeConnector,
    GaussianDropoff,
    NetworkBuilder,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    cli,
    saved,
    spherical_dist,
    summarize,
    syn_const_delay,
)

SEEDED: dict[str, Any] = {**QUIET, "rng": 4}
NEAR = GaussianDropoff(stdev=40.0, pmax=0.5, max_dist=90.0)


def nodes(net: Any) -> Any:
    """Add two populations to a network; return it."""
    for seed, (name, n) in enumerate((("A", 40), ("B", 25))):
        positions = random_positions(n, seed)
        net.add_nodes(N=n, pop_name=name, layer=seed + 2, positions=list(positions))
    return net


def made() -> Any:
    """Return a built network with edges of all kinds."""
    net = nodes(NetworkBuilder("net", verbose=False))
    a, b = (net.nodes(pop_name=name) for name in "AB")
    reciprocal = ReciprocalConnector(p0=NEAR, p0_arg=spherical_dist, p1=0.2, pr=None, **SEEDED)
    delays = {"names": "delay", "rule": syn_const_delay, "dtypes": float}
    reciprocal.connect(net, a, b, backward={"properties": delays})
    chemical = UnidirectionConnector(0.2, n_syn=2, **SEEDED)
    chemical.connect(net, a, a, forward={"properties": delays})
    gap = CorrelatedGapJunction(0.1, 0.3, 0.5, connector=chemical, **SEEDED)
    gap.connect(net, a, a, forward={"is_gap_junction": True})
    FixedInDegreeConnector(3, **SEEDED).connect(net, net.nodes(layer=[2, 3]), b)
    net.add_edges(net.nodes(), net.nodes(layer=3), connection_rule=1)
    net.build()
    return net


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """Return a network and the folder that it was saved to; nobody changes them."""
    net, folder = made(), tmp_path_factory.mktemp("net")
    net.save(folder)
    return net, folder


def test_same_numbers(both: tuple[Any, Path]) -> None:
    """Everything that was realised, and exact expectations; sampled ones within their error."""
    built, found = both[0].summary(), summarize(both[1])
    assert len(found.entries) == len(built.entries)
    for one, other in zip(built.entries, found.entries, strict=True):
        assert (one.source, one.target, one.edge_types) == (
            *(other.source, other.target, other.edge_types),
        )
        assert "nodes" not in other.about
        assert len(one.measures) == len(other.measures) > 0
        for a, b in zip(one.measures, other.measures, strict=True):
            assert (a.quantity, a.direction) == (b.quantity, b.direction)
            if a.wanted is None or a.sd is None:
                assert a.realised == b.realised
                continue
            assert b.error is not None
            assert b.wanted is not None
            assert abs(a.wanted - b.wanted) <= 5 * b.error + 1e-9 * abs(a.wanted)
            assert a.z == pytest.approx(b.z) or b.error > 0
            if a.quantity != "rho":  # of which the wanted numbers are a part
                assert a.realised == b.realised
    assert [each.connector for each in found.entries] == [
        *("ReciprocalConnector", "UnidirectionConnector", "CorrelatedGapJunction"),
        *("FixedInDegreeConnector", None),
    ]
    assert found.entries[0].about["seed"] == 4


def test_without_recipe(both: tuple[Any, Path], tmp_path: Path) -> None:
    """The same counts; nothing is known of what was wanted, nor which directions belong."""
    for file in both[1].iterdir():
        if not file.name.endswith("_connections.json"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    types = tmp_path / "net_net_edge_types.csv"
    types.write_text(types.read_text().replace("True", "1.0"))  # as pandas may write it
    found = summarize(tmp_path)
    assert [each.edge_types for each in found.entries] == [(k,) for k in range(100, 106)]
    counts = {each.edge_types[0]: each.measure("edges", "forward") for each in found.entries}
    drawn = both[0].summary().entries[0]
    assert counts[100].realised == drawn.measure("edges", "forward").realised
    assert counts[101].realised == drawn.measure("edges", "backward").realised
    assert all(each.wanted is None for each in counts.values())
    degrees = [each.measure("in-degree mean", "forward").realised for each in found.entries]
    own = [each.measure("in-degree mean", "forward").realised for each in both[0].summary().entries]
    assert degrees[:1] + degrees[2:] == own


def test_one_direction(tmp_path: Path) -> None:
    net = nodes(NetworkBuilder("net", verbose=False))
    connector = ReciprocalConnector(p0=0.3, p1=0.4, pr=None, **SEEDED)
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    net.add_edges(**connector.edge_params(direction="backward"))
    net.build()
    net.save(tmp_path)
    (found,), (own,) = summarize(tmp_path).entries, net.summary().entries
    assert (found.source, found.measures) == (own.source, own.measures)
    assert found.measure("edges", "forward").wanted == pytest.approx(0.4 * 40 * 25)


def test_a_part_of_what_was_drawn(tmp_path: Path) -> None:
    """What was wanted of all edges is not wanted of some, nor are there as many pairs."""
    net = nodes(NetworkBuilder("net", verbose=False))
    connector = ReciprocalConnector(p0=0.3, p1=0.4, pr=None, **SEEDED)
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    net.add_edges(**{**connector.edge_params(), "source": net.nodes(node_id=[1, 2, 3])})
    net.add_edges(**connector.edge_params())
    net.build()
    net.save(tmp_path)
    n = connector.connectivity.forward.out_degree()[1:4].sum()
    for found in (summarize(tmp_path), net.summary()):
        some, whole = found.entries
        assert some.connector == "ReciprocalConnector"
        edges = some.measure("edges", "forward")
        assert (edges.wanted, edges.realised) == (None, n)
        assert some.measure("probability", "forward").realised == n / 75
        assert whole.measure("edges", "forward").wanted == pytest.approx(0.4 * 40 * 25)


def test_stock_builder(tmp_path: Path) -> None:
    """A folder of BMTK's own builder, with nodes in another file and ids that do not start at 0."""
    net = nodes(bmtk.builder.NetworkBuilder("net"))
    inputs = bmtk.builder.NetworkBuilder("inputs")
    inputs.add_nodes(N=7, model_type="virtual")
    net.add_edges(inputs.nodes(), net.nodes(pop_name="B"), connection_rule=2)
    net.build()
    net.save(output_dir=str(tmp_path))
    (found,) = summarize(tmp_path).entries
    assert found.measure("edges", "forward").realised == 7 * 25
    assert found.measure("synapses", "forward").realised == 2 * 7 * 25
    assert found.measure("in-degree mean", "forward").realised == 7
    assert found.about["nodes"] == "those with edges only"
    inputs.build()
    inputs.save_nodes(output_dir=str(tmp_path))
    assert "nodes" not in summarize(tmp_path).entries[0].about


def test_unknown_filter(tmp_path: Path) -> None:
    """A filter that is a function cannot be read from the file."""
    net = nodes(NetworkBuilder("net", verbose=False))
    some = net.nodes(layer=lambda number: number == 3)
    UnidirectionConnector(0.5, **SEEDED).connect(net, some, some)
    net.build()
    net.save(tmp_path)
    (found,) = summarize(tmp_path).entries
    own = net.summary().entries[0]
    assert found.about["nodes"] == "those with edges only"
    for name, direction in (("edges", "forward"), ("reciprocal pairs", "")):
        assert found.measure(name, direction).realised == own.measure(name, direction).realised


def test_both_directions_between_unknown_nodes(tmp_path: Path) -> None:
    """Nodes that are only known by their edges are the same ones in both directions."""
    net = nodes(NetworkBuilder("net", verbose=False))
    a, b = (net.nodes(layer=lambda number, own=own: number == own) for own in (2, 3))
    connector = ReciprocalConnector(p0=0.05, p1=0.1, pr=0.04, **SEEDED)
    connector.connect(net, a, b)
    net.build()
    net.save(tmp_path)
    (found,), (own,) = summarize(tmp_path).entries, net.summary().entries
    both = connector.connectivity
    assert both.backward is not None
    assert len(np.unique(both.forward.source)) < len(np.unique(both.backward.target)) < 40
    for direction in ("forward", "backward"):
        number = own.measure("edges", direction).realised
        assert found.measure("edges", direction).realised == number
    number = own.measure("reciprocal pairs", "").realised
    assert found.measure("reciprocal pairs", "").realised == number > 10


def test_properties_of_some_nodes(tmp_path: Path) -> None:
    """A property of the nodes themselves here, and of their type there."""
    net = NetworkBuilder("net", verbose=False)
    net.add_nodes(N=6, pop_name="A", positions=list(random_positions(6, 1)))
    net.add_nodes(N=4, pop_name=["A", "B", "B", "C"])
    for source, target in (("A", "B"), ("B", "A"), (["B", "C"], "B")):
        pools = (net.nodes(pop_name=name) for name in (source, target))
        UnidirectionConnector(0.0, **SEEDED).connect(net, *pools)
    pair = UnidirectionConnector(1.0, **SEEDED)
    pair.connect(net, net.nodes(pop_name="A"), net.nodes(pop_name=["A"]))
    single = UnidirectionConnector(1.0, **SEEDED)
    single.connect(net, net.nodes(node_id=[0, 1]), net.nodes(pop_name=["B"]))
    net.add_edges(net.nodes(), net.nodes(pop_name="C"), connection_rule=1)
    net.build()
    net.save(tmp_path)
    within, between, other = saved.read_connections(tmp_path)
    assert within.forward.shape == (7, 7)
    assert within.recurrent
    assert within.reciprocal == 21
    # One of these has no position, and (0, 0, 0) is none.
    assert within.positions == (None, None)
    assert between.forward.shape == (2, 2)
    assert between.positions[0] == pytest.approx(random_positions(6, 1)[:2])
    assert between.positions[1] is None
    assert other.forward.shape == (10, 1)
    for one, other in zip(net.summary().entries[-3:], summarize(tmp_path).entries, strict=True):
        assert one.measures == other.measures
        assert "nodes" not in other.about


@pytest.mark.parametrize("make", [NetworkBuilder, bmtk.builder.NetworkBuilder])
def test_forms_of_positions(make: Any, tmp_path: Path) -> None:
    """What a connector takes for a position in memory is one in a file, too."""
    points = random_positions(12, 1)
    net = make("net")
    net.add_nodes(N=3, pop_name="A", positions=list(points[:3]))
    for names, rows in (("x y z", points[3:6]), ("pos_x pos_y pos_z", points[6:9])):
        net.add_nodes(N=3, pop_name="A", **dict(zip(names.split(), rows.T, strict=True)))
    net.add_nodes(N=3, pop_name="flat", pos_x=points[9:, 0], pos_y=points[9:, 1])
    nothing: tuple[dict[str, Any], ...] = (
        {"x": [1.0, np.nan], "y": [1.0, 2.0]},
        {"x": [1.0, 2.0], "pos_y": [1.0, 2.0]},
    )
    for k, values in enumerate(nothing):
        net.add_nodes(N=2, pop_name=f"B{k}", **values)
    connector = UnidirectionConnector(0.5, **SEEDED)
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="flat"))
    net.add_edges(**connector.edge_params())
    for each in [net.nodes(pop_name=f"B{k}") for k in range(2)]:
        net.add_edges(each, each, connection_rule=1)
    net.build()
    net.save(output_dir=str(tmp_path))
    cells, *others = saved.read_connections(tmp_path)
    pools = connector.use.source, connector.use.target
    for found, pool in zip(cells.positions, pools, strict=True):
        assert pool.known_positions is not None
        np.testing.assert_array_equal(found, pool.known_positions)
    assert [each.positions for each in others] == [(None, None)] * 2


def test_rows_in_any_order(both: tuple[Any, Path], tmp_path: Path) -> None:
    for file in both[1].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with h5py.File(tmp_path / "net_net_edges.h5", "r+") as h5:
        (group,) = h5["edges"].values()
        names = [name for name, each in group.items() if isinstance(each, h5py.Dataset)]
        order = np.random.default_rng(1).permutation(len(group["edge_type_id"]))
        for name in names:
            group[name][...] = group[name][()][order]
    assert str(summarize(tmp_path)) == str(summarize(both[1]))


def test_synapse_counts_of_a_function(tmp_path: Path) -> None:
    """How often it gives 0 is not known, so nothing is wanted."""
    net = nodes(NetworkBuilder("net", verbose=False))
    connector = UnidirectionConnector(0.5, n_syn=lambda a, b: b.node_id % 3, **SEEDED)
    connector.connect(net, net.nodes(), net.nodes())
    net.build()
    net.save(tmp_path)
    (found,) = summarize(tmp_path).entries
    assert found.about["dropped"] > 0
    assert all(each.wanted is None for each in found.measures)
    assert found.measures == net.summary().entries[0].measures


def test_no_edges(tmp_path: Path) -> None:
    net = nodes(NetworkBuilder("net", verbose=False))
    net.build()
    net.save_nodes(output_dir=tmp_path)
    assert summarize(tmp_path).entries == ()


class TestErrors:
    """One sentence each."""

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ParameterError, match="nowhere' is not a folder; give"):
            summarize(tmp_path / "nowhere")
        with pytest.raises(ParameterError, match="there is no SONATA file in"):
            summarize(tmp_path)

    @pytest.mark.parametrize("junk", [None, 3, ["a"]])
    def test_no_path(self, junk: Any) -> None:
        with pytest.raises(ParameterError, match=r"folder of summarize\(\) must be "):
            summarize(junk)

    @pytest.mark.parametrize("text", ["no JSON", "{}", '{"edge_types": [{}]}', "[1]"])
    def test_broken_recipe(self, both: tuple[Any, Path], tmp_path: Path, text: str) -> None:
        for file in both[1].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / "net_connections.json").write_text(text)
        with pytest.raises(ParameterError, match=r"connections\.json' as the recipe of"):
            summarize(tmp_path)


class TestCommand:
    """``python -m bmtool_connectors summary FOLDER``."""

    def test_formats(self, both: tuple[Any, Path], capsys: pytest.CaptureFixture[str]) -> None:
        found = summarize(both[1])
        assert cli.main(["summary", str(both[1])]) == 0
        assert capsys.readouterr().out == f"{found}\n"
        assert cli.main(["summary", str(both[1]), "--format", "csv"]) == 0
        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        assert len(rows) == len(found.to_frame())
        assert cli.main(["summary", str(both[1]), "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == json.loads(found.to_json())

    def test_error(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["summary", str(tmp_path)]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith("error: there is no SONATA file")


def test_nothing_is_warned_of(both: tuple[Any, Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(saved.read_connections(both[1])) == 5
