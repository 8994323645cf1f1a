"""``verify``: good networks pass, and each kind of fault is found and named."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import bmtk.builder
import h5py
import numpy as np
import pytest
from bmtk.builder.network_adaptors import DenseNetwork
from conftest import QUIET, random_positions
from faults import (
    FAULTS,
    GAPS,
    INDEX_BY,
    RECIPE,
    TYPES,
    delay_nan,
    edges_of,
    networks,
    recipe_of_another_version,
    saved,
    set_value,
)

from bmtool_connectors import (
    DelayRule,
    NetworkBuilder,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    WeightRule,
    cli,
    properties,
    verify,
)
from bmtool_connectors.sonata import datasets
from bmtool_connectors.verification.findings import CODES, ChanceTest


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good network."""
    return saved(tmp_path_factory.mktemp("good"), networks(), index_by=INDEX_BY)


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


def test_good_with_a_row_for_each_synapse(tmp_path: Path) -> None:
    """Rows with other properties may say ``nsyns``, and each is one synapse of a pair."""
    net = NetworkBuilder("net")
    net.add_nodes(N=20, pop_name="A", model_type="biophysical")
    connector = UnidirectionConnector(p=0.3, n_syn=3, rng=1, **QUIET)
    (edges,) = connector.connect(net, {"pop_name": "A"}, {"pop_name": "A"})
    edges.add_properties(**properties(WeightRule(1.0), DelayRule(fixed=2.0)))
    assert verify(saved(tmp_path, [net])).findings == ()


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
@pytest.mark.parametrize("name", FAULTS)
def test_fault(name: str, folder: Path) -> None:
    """Each fault is found and named, with what follows from it and nothing else."""
    codes, code, plant = FAULTS[name]
    expected = plant(folder)
    configurations = sorted(folder.glob("*_config.json"))
    report = verify([folder, *configurations])
    assert {each.code for each in report.findings} == codes, str(report)
    finding = next(each for each in report.findings if each.code == code)
    assert {key: getattr(finding, key) for key in expected} == expected
    only_notes = all(CODES[each][0] == "note" for each in codes)
    assert bool(report) == only_notes
    unreadable = codes & {"unreadable", "no-network"}
    assert report.exit_code == (2 if unreadable else 0 if only_notes else 1)
    text = str(report).replace(str(folder), "FOLDER")
    assert f" {code}: " in text
    assert max(map(len, text.splitlines())) <= 80


def test_every_code_has_a_fault() -> None:
    of_configurations = {"file-twice"}
    of_folders = set.union(*(codes for codes, _, _ in FAULTS.values()))
    assert of_folders | of_configurations == set(CODES)


def test_the_guide_lists_the_codes() -> None:
    text = (Path(__file__).parents[1] / "docs" / "guide.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.+) \| \S.+ \|$", text, re.MULTILINE)
    assert listed == [(code, *severity) for code, severity in CODES.items()]


@pytest.mark.parametrize("seed", range(16))
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


JUNK = (None, True, -1, 1e300, np.inf, np.nan, 10**400, "text", [], [1, "x"], {}, {"a": {}})


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in JSON."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


def test_junk_in_recipe(folder: Path) -> None:
    """Whatever stands in a recipe is a finding or harmless, never an error."""
    original = json.loads((folder / RECIPE).read_text())
    ways = places(original)[1:]
    rng = np.random.default_rng(1)
    for number in rng.choice(len(ways), 20, replace=False):
        recipe = json.loads(json.dumps(original))
        *way, last = ways[number]
        inner = recipe
        for key in way:
            inner = inner[key]
        inner[last] = JUNK[rng.integers(len(JUNK))]
        (folder / RECIPE).write_text(json.dumps(recipe))  # with NaN and Infinity
        assert str(verify(folder))


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
    for dt, codes in ((0.1, []), (1.2, ["delay-dt"])):
        shutil.rmtree(tmp_path / "sim", ignore_errors=True)
        path = configuration(tmp_path / "sim", folder, run={"dt": dt, "tstop": 10.0})
        report = verify(path)
        assert [each.code for each in report.findings] == codes
        assert len(report.rows) == 4
        assert len(report.tests) == 6
        # The folder as well: nothing is looked at twice.
        both = verify([folder, path])
        assert both.rows == report.rows
        assert set(both.tests) == set(report.tests)
        assert len(both.tests) == len(report.tests)
        assert both.findings == report.findings
    finding = report.findings[0]
    assert finding.message.startswith("delay is 1.07, below the time step of 1.2 ms")
    assert finding.count == count_below(folder, 1.2)
    assert verify(path, dt=0.0)
    assert not verify(folder, dt=1.2)
    (folder / "bg_nodes.h5").unlink()
    codes = [each.code for each in verify(path, dt=0.0).findings]
    assert codes == ["missing-file", "missing-file", "no-nodes"]  # configuration and recipe
    (tmp_path / "sim" / "circuit_config.json").unlink()
    assert [each.code for each in verify(path).findings] == ["missing-file"]
    path.write_text(json.dumps({"network": path.name}))  # itself
    assert not verify(path)
    path.write_text("{")
    assert [each.code for each in verify(path).findings] == ["unreadable"]
    assert verify(path).exit_code == 2


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda c: c["edges"].append(c["edges"][0]), "file-twice", "another one names, too"),
        (lambda c: c["edges"][0].update(edges_file=c["nodes"][0]["nodes_file"]),
         "missing-dataset", "there are no edges in it"),
        (lambda c: c["nodes"].pop(), "missing-file", "no file of the configuration holds"),
    ],
    ids=["twice", "another kind", "nodes left out"],
)  # fmt: skip
def test_faults_of_configurations(
    change: Any, code: str, words: str, original: Path, tmp_path: Path
) -> None:
    """What a configuration names is taken at its word: BMTK reads that, and nothing else."""
    folder = Path(shutil.copytree(original, tmp_path / "network"))
    path = configuration(tmp_path / "sim", folder)
    assert verify(path)
    circuit = tmp_path / "sim" / "circuit_config.json"
    config = json.loads(circuit.read_text())
    change(config["networks"])
    circuit.write_text(json.dumps(config))
    report = verify(path)
    assert not report
    assert any(words in each.message for each in report.findings if each.code == code)


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
    assert finding.message == "delay is -1.0, below 0 ms"


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


def test_command(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = "not to be trusted: 1 error\n"
    for more, code, start in (
        ([], 0, "nothing wrong\n"),
        (["--dt", "1.2"], 1, "not to be trusted: 1 warning\n"),
        (["--alarm-rate", "1"], 1, "not to be trusted: 1 warning\n"),
        ([str(tmp_path / "none")], 2, wrong),
    ):
        assert cli.main(["verify", str(original), *more]) == code
        out, err = capsys.readouterr()
        assert out.startswith(start)
        assert err == ""
    assert cli.main(["verify", str(original), "--alarm-rate", "2"]) == 2
    assert "alarm_rate" in capsys.readouterr().err


def test_as_a_table(folder: Path) -> None:
    """Missing numbers are missing, and not NaN that turns the others into floats."""
    delay_nan(folder)
    recipe_of_another_version(folder)
    table = verify(folder).to_frame()
    assert table["code"].tolist() == ["recipe-values", "not-finite", "versions"]
    assert table["severity"].tolist() == ["error", "warning", "note"]
    assert table["edge_type"].tolist()[0] == 100
    assert table["row"].isna().tolist() == [True, False, True]
    assert verify(folder.parent / "none").to_frame().shape == (1, 9)


def test_other_forms(folder: Path) -> None:
    """As every report: JSON with all that is known, and findings as CSV."""
    delay_nan(folder)
    report = verify(folder)
    known = json.loads(report.to_json())
    assert [each["code"] for each in known["findings"]] == [each.code for each in report.findings]
    assert known["tests"][0]["expected"] == report.tests[0].wanted
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert [row["message"] for row in rows] == [each.message for each in report.findings]


def test_deviation_of_what_is_sure() -> None:
    """A number that cannot be anything else is never 0 deviations off."""
    for realised, z in ((3, 0.0), (4, math.inf), (2, -math.inf)):
        numbers = {"expected": 3.0 - 1e-12, "sd": 0.0, "observed": realised}
        test = ChanceTest("edges", **numbers, file="", edge_type=100, pairs=9, p_value=0.0)
        assert test.z == z


def test_a_long_report(folder: Path) -> None:
    """Sixty findings are shown, and the rest is counted."""
    header, *lines = (folder / TYPES).read_text().splitlines()
    (folder / TYPES).write_text("\n".join([header, *lines, *[f"{k} x" for k in range(70)]]))
    report = verify(folder)
    assert len(report.findings) == 71  # and that they are not in the recipe
    assert "\n... and 11 more in the attribute 'findings'\nnot covered: " in str(report)


def test_parts(original: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However many rows are read at a time, the findings are the same."""
    folders = [original]
    for name in ("group_index_twice", "index_of_wrong_node", "delay_nan", "index_range_shifted"):
        folder = Path(shutil.copytree(original, tmp_path / name))
        FAULTS[name][2](folder)
        folders.append(folder)
    expected = [verify(folder) for folder in folders]
    monkeypatch.setattr(datasets, "CHUNK", 50)
    assert [verify(folder) for folder in folders] == expected
