"""Saved files run in BMTK's simulators: every edge becomes a connection, and cells spike."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bmtool_connectors import NetworkBuilder, ReciprocalConnector, syn_const_delay

#: Cells of each simulator, and what its synapses need.
CELLS: dict[str, dict[str, Any]] = {
    "nest": {"model_type": "point_neuron", "model_template": "nest:iaf_psc_alpha"},
    "neuron": {"model_type": "point_process", "model_template": "nrn:IntFire1"},
}
SYNAPSES = {"nest": {"model_template": "static_synapse"}, "neuron": {"target_sections": None}}
MODULES = {"nest": ("pointnet", "PointNetwork", "PointSimulator"),
           "neuron": ("bionet", "BioNetwork", "BioSimulator")}  # fmt: skip
WEIGHTS = {"nest": (2.0, 2000.0), "neuron": (0.01, 2.0)}


def save(simulator: str, folder: Path, **options: Any) -> tuple[int, int]:
    """Save 30 cells and their 10 inputs; return numbers of synapses of both."""
    weight, strong = WEIGHTS[simulator]
    params = folder / "components" / "params"
    params.mkdir(parents=True)
    (params / "cell.json").write_text(
        json.dumps({"tau": 10.0, "refrac": 2.0} if simulator == "neuron" else {})
    )
    (params / "syn.json").write_text(json.dumps({"sign": 1} if simulator == "neuron" else {}))
    net, inputs = NetworkBuilder("net"), NetworkBuilder("inputs")
    for name in ("A", "B"):
        net.add_nodes(
            N=15, pop_name=name, positions=[(float(k), 1.0, 2.0) for k in range(15)],
            dynamics_params="cell.json", **CELLS[simulator],
        )  # fmt: skip
    inputs.add_nodes(N=10, model_type="virtual")
    common = {"dynamics_params": "syn.json", **SYNAPSES[simulator]}
    connector = ReciprocalConnector(
        p0=0.3, p1=0.4, pr=0.2, n_syn0=2, rng=1, verbose=False, save_report=False
    )
    connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    edges = net.add_edges(syn_weight=weight, **common, **connector.edge_params())
    edges.add_properties("delay", rule=syn_const_delay, rule_params={"rng": 2}, dtypes=float)
    net.add_edges(syn_weight=weight, delay=1.5, **common, **connector.edge_params())
    inputs.add_edges(
        inputs.nodes(), net.nodes(), connection_rule=lambda s, t: s.node_id % 3,
        syn_weight=strong, delay=1.0, **common,
    )  # fmt: skip
    for each in (net, inputs):
        each.save(folder / "network", **options)
    return net.nedges, inputs.nedges


RUN = """
import json, sys
import pandas as pd
pd.set_option("future.infer_string", False)  # BMTK selects no node by text with pandas 3 else
from bmtk.simulator import {module} as simulator
config = simulator.Config.from_json("config.json")
config.build_env()
graph = simulator.{network}.from_config(config)
simulation = simulator.{run}.from_config(config, graph)
simulation.run()
if {module!r} == "pointnet":
    import nest
    weights = list(nest.GetConnections().get("weight"))
else:
    cells = graph.get_local_cells().values()
    weights = [each.syn_weight for cell in cells for each in cell.connections()]
json.dump(weights, open("weights.json", "w"))
"""


def configure(simulator: str, folder: Path) -> None:
    network = "network"
    config = {
        "run": {"tstop": 60.0, "dt": 0.1, "nsteps_block": 100, "dL": 20.0, "spike_threshold": -15},
        "conditions": {"celsius": 34.0, "v_init": -65.0},
        "target_simulator": simulator.upper(),
        "inputs": {
            "spikes": {"input_type": "spikes", "module": "csv", "input_file": "spikes.csv",
                       "node_set": "inputs"}
        },
        "output": {"output_dir": "output", "log_file": "log.txt", "spikes_file": "spikes.h5",
                   "spikes_file_csv": "spikes.csv", "overwrite_output_dir": True},
        "components": {
            "point_neuron_models_dir": "components/params",
            "synaptic_models_dir": "components/params",
            "mechanisms_dir": "components/mechanisms",
        },
        "networks": {
            "nodes": [
                {"nodes_file": f"{network}/{name}_nodes.h5",
                 "node_types_file": f"{network}/{name}_node_types.csv"}
                for name in ("net", "inputs")
            ],
            "edges": [
                {"edges_file": f"{network}/{name}_net_edges.h5",
                 "edge_types_file": f"{network}/{name}_net_edge_types.csv"}
                for name in ("net", "inputs")
            ],
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    times = [(5.0 + 5 * k, node) for k in range(8) for node in range(10)]
    rows = [f"{time} inputs {node}" for time, node in times]
    (folder / "spikes.csv").write_text("\n".join(["timestamps population node_ids", *rows]))


def mechanisms(folder: Path) -> None:
    """Compile what BMTK needs in NEURON to play spikes back."""
    import bmtk

    own = Path(bmtk.__file__).parent / "utils/scripts/bionet/mechanisms/modfiles/vecevent.mod"
    target = folder / "components" / "mechanisms"
    target.mkdir(parents=True)
    shutil.copy(own, target)
    program = Path(sys.executable).with_name("nrnivmodl")
    subprocess.run([str(program), "."], cwd=target, check=True, capture_output=True)


@pytest.mark.parametrize("options", [{}, {"portable": True}, {"compact": True}], ids=str)
@pytest.mark.parametrize(
    "simulator",
    [
        pytest.param("nest", marks=pytest.mark.nest),
        pytest.param("neuron", marks=pytest.mark.neuron),
    ],
)
def test_run(simulator: str, options: dict[str, Any], tmp_path: Path) -> None:
    """As many connections as synapses, and spikes of cells that only others reach."""
    pytest.importorskip(simulator)
    n_synapses = save(simulator, tmp_path, **options)
    configure(simulator, tmp_path)
    if simulator == "neuron":
        mechanisms(tmp_path)
    module, network, run = MODULES[simulator]
    code = RUN.format(module=module, network=network, run=run)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # Without properties, a row is a pair, and BMTK multiplies the weight by its synapses.
    weights = np.array(json.loads((tmp_path / "weights.json").read_text()))
    for unit, n in zip(WEIGHTS[simulator], n_synapses, strict=True):
        own = weights[np.isin(np.round(weights / unit, 9), [1, 2])]
        assert own.sum() / unit == pytest.approx(n)
    spikes = (tmp_path / "output" / "spikes.csv").read_text().splitlines()
    assert len(spikes) > 30
