"""Weights, delays and places arrive in BMTK's simulators as they were written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from test_simulators import CELLS, MODULES, configure, mechanisms

from bmtool_connectors import (
    DelayRule,
    NetworkBuilder,
    PlacementRule,
    UnidirectionConnector,
    WeightRule,
    lognormal,
    properties,
    spherical_dist,
    truncated,
)

#: A cell with a soma and two dendrites, for BioNet.
TEMPLATE = """
begintemplate Ball
public soma, dend, all, soma_ref, dend_ref, x, y, z
create soma[1], dend[2]
objref all, somatic, basal, axonal, apical, this
public somatic, basal, axonal, apical
proc init() { local k
    soma[0] { L = 20 diam = 20 insert pas }
    for k = 0, 1 {
        connect dend[k](0), soma[0](1)
        dend[k] { L = 100 diam = 2 nseg = 5 insert pas }
    }
    all = new SectionList()
    somatic = new SectionList()
    basal = new SectionList()
    axonal = new SectionList()
    apical = new SectionList()
    soma[0] { all.append() somatic.append() }
    for k = 0, 1 dend[k] { all.append() basal.append() }
}
endtemplate Ball
"""
BIOPHYSICAL = {"model_type": "biophysical", "model_template": "hoc:Ball"}
SYNAPSE = {
    "biophysical": {"tau1": 0.5, "tau2": 3.0, "erev": 0.0},
    "point_process": {"sign": -1},
    "point_neuron": {},
}

RUN = """
import json
import pandas as pd
pd.set_option("future.infer_string", False)  # BMTK selects no node by text with pandas 3 else
from bmtk.simulator import {module} as simulator
config = simulator.Config.from_json("config.json")
config.build_env()
graph = simulator.{network}.from_config(config)
simulation = simulator.{run}.from_config(config, graph)
rows = []
if {module!r} == "pointnet":
    import nest
    found = nest.GetConnections().get(["source", "target", "weight", "delay", "synapse_model"])
    kept = zip(found["weight"], found["delay"], found["synapse_model"])
    rows = [(w, d) for w, d, model in kept if "static" in model]
else:
    for cell in graph.get_local_cells().values():
        for each in cell.connections():
            netcon = each._connector if {sections!r} else each._nc
            row = [netcon.weight[0], netcon.delay]
            if {sections!r}:
                segment = each._syn.get_segment()
                row += [str(segment.sec).split(".")[-1], segment.x]
            rows.append(row)
json.dump(rows, open("rows.json", "w"))
"""


def build(kind: str, where: str, folder: Path) -> Any:
    """Save 12 cells, connected with two synapses per pair, and return the table of edges."""
    params = folder / "components" / "params"
    params.mkdir(parents=True)
    for name, values in (("cell", {}), ("syn", SYNAPSE[kind])):
        (params / f"{name}.json").write_text(json.dumps(values))
    templates = folder / "components" / "templates"
    templates.mkdir()
    (templates / "Ball.hoc").write_text(TEMPLATE)
    simulator = "nest" if kind == "point_neuron" else "neuron"
    cells = BIOPHYSICAL if kind == "biophysical" else CELLS[simulator]
    if kind == "point_process":
        (params / "cell.json").write_text(json.dumps({"tau": 10.0, "refrac": 2.0}))
    net, inputs = NetworkBuilder("net"), NetworkBuilder("inputs")
    positions = np.random.default_rng(1).uniform(0, 300, (12, 3))
    net.add_nodes(N=12, positions=positions, dynamics_params="cell.json", **cells)
    inputs.add_nodes(N=10, model_type="virtual")
    connector = UnidirectionConnector(
        p=0.5, p_arg=spherical_dist, n_syn=2, rng=1, verbose=False, save_report=False
    )
    connector.setup_nodes(net.nodes(), net.nodes())
    options: dict[str, Any] = {"target_sections": None}
    if kind == "biophysical":
        options = {
            "target_sections": ["basal"], "distance_range": [0.0, 300.0],
            "model_template": "exp2syn",
        }  # fmt: skip
    elif kind == "point_neuron":
        options = {"model_template": "static_synapse"}
    edges = net.add_edges(dynamics_params="syn.json", **options, **connector.edge_params())
    sign = -1 if kind == "point_neuron" else 1
    rules: list[Any] = [
        WeightRule(lognormal(2.0, 0.5), sign, scale=1e-3, rng=1),
        DelayRule(
            300.0, 0.5, truncated(stats.norm(0.0, 0.2), -0.3, 0.3), dt=0.1, connector=connector,
            rng=1,
        ),
    ]  # fmt: skip
    if where == "placed":
        rules.append(PlacementRule([1, 2], stats.uniform(), p=[0.8, 0.2], rng=1))
    edges.add_properties(**properties(*rules, add_nsyns=where != "bare"))
    net.save(folder / "network")
    inputs.add_edges(
        inputs.nodes(), net.nodes(), connection_rule=lambda s, t: int(s.node_id == t.node_id),
        dynamics_params="syn.json", syn_weight=0.0, delay=1.0, **options,
    )  # fmt: skip
    inputs.save(folder / "network")
    (table,) = net.edges_table()
    return table


def run(kind: str, where: str, tmp_path: Path) -> tuple[Any, subprocess.CompletedProcess[str]]:
    """Build the network and run it; return the table of edges, and what the run said."""
    simulator = "nest" if kind == "point_neuron" else "neuron"
    pytest.importorskip(simulator)
    table = build(kind, where, tmp_path)
    configure(simulator, tmp_path)
    if simulator == "neuron":
        mechanisms(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["components"]["templates_dir"] = "components/templates"
    config["components"]["biophysical_neuron_models_dir"] = "components/params"
    (tmp_path / "config.json").write_text(json.dumps(config))
    module, network, simulation = MODULES[simulator]
    code = RUN.format(
        module=module, network=network, run=simulation, sections=kind == "biophysical"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    return table, done


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        pytest.param("point_neuron", "anywhere", marks=pytest.mark.nest),
        pytest.param("point_process", "anywhere", marks=pytest.mark.neuron),
        pytest.param("point_process", "bare", marks=pytest.mark.neuron),
        pytest.param("biophysical", "anywhere", marks=pytest.mark.neuron),
        pytest.param("biophysical", "placed", marks=pytest.mark.neuron),
    ],
)
def test_values_arrive(kind: str, where: str, tmp_path: Path) -> None:
    """A connection per synapse, with its weight, delay and place.

    BioNet multiplies weights onto point processes with their sign where there is ``nsyns``.
    """
    table, done = run(kind, where, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [row for row in json.loads((tmp_path / "rows.json").read_text()) if row[0] != 0.0]
    names = ["syn_weight", "delay"]
    written = [table.get_property_value(name) for name in names]
    if kind == "point_process" and where == "anywhere":
        written[0] = -written[0]
    assert len(rows) == table.n_syns > 100
    found = sorted((row[0], round(row[1], 9)) for row in rows)
    assert found == sorted(zip(written[0].tolist(), written[1].round(9).tolist(), strict=True))
    if kind != "biophysical":
        return
    places = {row[2] for row in rows}
    assert places == {"dend[0]", "dend[1]"}
    if where == "placed":
        where_by_weight = {row[0]: int(row[2][5]) + 1 for row in rows}
        expected = zip(
            written[0].tolist(),
            table.get_property_value("afferent_section_id").tolist(),
            strict=True,
        )
        assert where_by_weight == dict(expected)


@pytest.mark.neuron
def test_without_places_and_counts(tmp_path: Path) -> None:
    """What ``add_nsyns`` is for: BioNet cannot load such edges onto biophysical cells."""
    _, done = run("biophysical", "bare", tmp_path)
    assert done.returncode != 0
    assert "_secs_by_id" in done.stderr
