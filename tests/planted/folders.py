"""Good saved networks, to be damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bmtk.builder
import numpy as np
from scipy import stats

from bmtool_connectors import (
    AllToAllConnector,
    BlockConnector,
    DelayRule,
    FileBasedConnector,
    FixedInDegreeConnector,
    FixedOutDegreeConnector,
    GapJunction,
    GaussianDropoff,
    MatrixConnector,
    NetworkBuilder,
    NormalizedReciprocalRate,
    OneToOneConnector,
    PlacementRule,
    ReciprocalConnector,
    UnidirectionConnector,
    WeightRule,
    lognormal,
    properties,
    spherical_dist,
    syn_dist_delay_feng_section_PN,
)

QUIET: dict[str, Any] = {"verbose": False, "save_report": False}
PROFILE = GaussianDropoff(stdev=80.0, pmax=0.5, max_dist=200.0)
CONFIG = "circuit_config.json"
SIMULATION = "simulation_config.json"


def cells(net: Any, pop_name: str, n: int, rng: np.random.Generator, **attributes: Any) -> Any:
    """Add cells with random positions and a tuning; return their pool."""
    add_cells(net, pop_name, n, rng, **attributes)
    return net.nodes(pop_name=pop_name)


def add_cells(net: Any, pop_name: str, n: int, rng: np.random.Generator, **attributes: Any) -> None:
    """Add cells with random positions and a tuning; BMTK wants all of them before pools."""
    net.add_nodes(
        N=n,
        pop_name=pop_name,
        positions=rng.uniform(0.0, 200.0, (n, 3)),
        tuning=rng.uniform(0.0, 360.0, n),
        **attributes,
    )


def synapses(seed: int, connector: Any = None) -> dict[str, Any]:
    """Return rules for weight, delay and place."""
    return properties(
        WeightRule(lognormal(2.0, 0.5), rng=seed),
        DelayRule(velocity=300.0, fixed=0.5, connector=connector),
        PlacementRule([1, 2], stats.uniform(), rng=seed),
    )


def column(folder: Path, seed: int, old: bool) -> None:
    """Save two populations with all kinds of properties, gap junctions and a virtual input."""
    rng = np.random.default_rng(seed)
    net, thal = NetworkBuilder("cortex", verbose=False), NetworkBuilder("thal", verbose=False)
    thal.add_nodes(N=20, pop_name="tON", model_type="virtual")
    model = {"model_type": "biophysical", "model_processing": "aibs_perisomatic"}
    pn = cells(
        net, "PN", 36 if old else 40, rng, dynamics_params="pn.json", morphology="pn.swc", **model
    )
    fsi = cells(net, "FSI", 15, rng, dynamics_params="fsi.json", morphology="fsi.swc", **model)
    exc = {"syn_weight": 1.0, "dynamics_params": "exc.json", "model_template": "exp2syn"}
    inh = {"syn_weight": 2.0, "dynamics_params": "inh.json", "model_template": "exp2syn"}
    rate = NormalizedReciprocalRate(2.0)
    within = ReciprocalConnector(
        p0=PROFILE, p0_arg=spherical_dist, pr=rate, n_syn0=2, n_syn1=2, rng=seed, **QUIET
    )
    within.connect(net, pn, pn, forward=exc | {"properties": synapses(seed, within)})
    between = ReciprocalConnector(
        p0=PROFILE, p1=0.3, p0_arg=spherical_dist, pr=rate, rng=seed, **QUIET
    )
    between.connect(
        net,
        pn,
        fsi,
        forward=exc | {"properties": synapses(seed + 1)},
        backward=inh | {"properties": synapses(seed + 2)},
    )
    GapJunction(0.3, rng=seed, **QUIET).connect(
        net,
        fsi,
        fsi,
        forward={
            "is_gap_junction": True,
            "syn_weight": 4e-5 if old else 5e-5,
            "target_sections": None,
            "afferent_section_id": 0,
            "afferent_section_pos": 0.5,
        },
    )
    drive = {"dynamics_params": "drive.json", "model_template": "exp2syn", "delay": 0.5}
    FixedInDegreeConnector(4, n_syn=many, rng=seed, **QUIET).connect(
        net, thal.nodes(), pn, forward=drive | {"syn_weight": 0.1 if old else 0.2}
    )
    FixedOutDegreeConnector(3, rng=seed, **QUIET).connect(
        net, thal.nodes(), fsi, forward=drive | {"syn_weight": 0.3}
    )
    net.save(folder)
    thal.save_nodes(output_dir=folder)


def many(source: Any, target: Any) -> int:
    """Return a number of synapses that differs from pair to pair."""
    return 1 + (source.node_id + target.node_id) % 3


def configured(folder: Path, seed: int, old: bool) -> None:
    """Save the column with configurations that name its files."""
    column(folder, seed, old)
    nodes = [
        {"nodes_file": f"$DIR/{net}_nodes.h5", "node_types_file": f"$DIR/{net}_node_types.csv"}
        for net in ("cortex", "thal")
    ]
    edges = [
        {"edges_file": f"$DIR/{n}_edges.h5", "edge_types_file": f"$DIR/{n}_edge_types.csv"}
        for n in ("cortex_cortex", "thal_cortex")
    ]
    circuit = {
        "manifest": {"$DIR": "."},
        "networks": {
            "nodes": nodes,
            "edges": edges,
            "gap_juncs": [{"gap_juncs_file": "$DIR/cortex_gap_juncs.h5"}],
        },
    }
    (folder / CONFIG).write_text(json.dumps(circuit, indent=1))
    simulation = {"network": f"./{CONFIG}", "run": {"tstop": 100.0, "dt": 0.1}}
    (folder / SIMULATION).write_text(json.dumps(simulation, indent=1))


def mini(folder: Path, seed: int, old: bool) -> None:
    """Save ten cells with three inputs each."""
    net = NetworkBuilder("mini", verbose=False)
    net.add_nodes(N=10, model_type="virtual")
    connector = FixedInDegreeConnector(2 if old else 3, rng=seed, **QUIET)
    connector.connect(net, net.nodes(), net.nodes())
    net.save(folder)


def points(folder: Path, seed: int, old: bool) -> None:
    """Save point neurons whose edges have properties of their types only."""
    net = NetworkBuilder("points", verbose=False)
    for pop, n in (("E", 40), ("I", 10)):
        net.add_nodes(
            N=n,
            pop_name=pop,
            ei=pop.lower(),
            model_type="point_process",
            model_template="nest:iaf_psc_alpha",
            dynamics_params=f"{pop}.json",
        )
    p = {"E": 0.1, "I": 0.3}
    weight = {"E": 2.0, "I": -8.0}
    for a in "EI":
        for b in "EI":
            connector = UnidirectionConnector(p[a], n_syn=1 + (a == "E"), rng=seed, **QUIET)
            kind = {
                "syn_weight": weight[a] * (2 if old else 1),
                "delay": 1.5 if a == "E" else 0.8,
                "dynamics_params": f"{a}2{b}.json",
                "model_template": "static_synapse",
            }
            connector.connect(net, net.nodes(pop_name=a), net.nodes(pop_name=b), forward=kind)
    net.save(folder)


def portable(folder: Path, seed: int, old: bool) -> None:
    """Save for libsonata: one group, positions as columns."""
    rng = np.random.default_rng(seed)
    net = NetworkBuilder("sheet", verbose=False)
    cells(net, "PN", 40, rng, model_type="biophysical")
    cells(net, "FSI", 9 if old else 12, rng, model_type="biophysical")
    law = BlockConnector(
        {("PN", "PN"): (PROFILE, 0.1), ("PN", "FSI"): 0.4, ("FSI", "PN"): 0.3, ("FSI", "FSI"): 0},
        p_arg=spherical_dist,
        rng=seed,
        **QUIET,
    )
    law.connect(net, net.nodes(), net.nodes(), forward={"properties": synapses(seed)})
    net.save(folder, portable=True)


def compact(folder: Path, seed: int, old: bool) -> None:
    """Save small types of integers, not compressed."""
    rng = np.random.default_rng(seed)
    net = NetworkBuilder("small", verbose=False)
    pool = cells(net, "PN", 100 if old else 120, rng, model_type="biophysical")
    law = UnidirectionConnector(PROFILE, spherical_dist, n_syn=2, rng=seed, **QUIET)
    (edges,) = law.connect(net, pool, pool, forward={"syn_weight": 1.0})
    edges.add_properties(
        ["delay", "afferent_section_id", "afferent_section_pos"],
        rule=syn_dist_delay_feng_section_PN,
        rule_params={"connector": law, "rng": seed},
        dtypes=[float, int, float],
    )
    net.save(folder, compact=True, compression="none")


def pair(folder: Path, seed: int, old: bool) -> None:
    """Save two networks that connect to each other, from one folder."""
    rng = np.random.default_rng(seed)
    left, right = NetworkBuilder("left", verbose=False), NetworkBuilder("right", verbose=False)
    pools = {}
    for net, pop, n in ((left, "L", 25), (right, "R", 20 if old else 25)):
        pools[net.name] = cells(net, pop, n, rng, model_type="biophysical")
    for net, a, b, w in (
        (left, "left", "left", 1.0),
        (left, "right", "left", 2.0),
        (right, "left", "right", 3.0),
    ):
        connector = UnidirectionConnector(0.2, n_syn=2, rng=seed, **QUIET)
        connector.connect(net, pools[a], pools[b], forward={"syn_weight": w, "delay": w})
    left.save(folder)
    right.save(folder)


def listed(folder: Path, seed: int, old: bool) -> None:
    """Save edges of a matrix, a file, one to one, and all to all."""
    rng = np.random.default_rng(seed)
    net = NetworkBuilder("given", verbose=False)
    a = cells(net, "A", 20, rng, model_type="point_process")
    b = cells(net, "B", 20, rng, model_type="point_process")
    weights = rng.normal(1.0, 0.1, (20, 20)) * (rng.random((20, 20)) < 0.3)
    matrix = MatrixConnector(weights, orientation="source_rows", values="syn_weight", **QUIET)
    (edges,) = matrix.connect(net, a, b)
    edges.add_properties(**matrix.edge_properties())
    pairs = np.unique(rng.integers(0, 20, (60, 2)), axis=0)
    lines = [f"{i},{j},{0.5 + (i + 2 * j) % 7 / 10}" for i, j in pairs[5 if old else 0 :]]
    text = folder.parent / f"{folder.name}.pairs.csv"
    text.write_text("\n".join(["source_node_id,target_node_id,delay", *lines]))
    of_file = FileBasedConnector(text, **QUIET)
    (edges,) = of_file.connect(net, b, a, forward={"syn_weight": 0.5})
    edges.add_properties(**of_file.edge_properties())
    OneToOneConnector(**QUIET).connect(net, a, b, forward={"syn_weight": 0.7, "delay": 1.0})
    AllToAllConnector(n_syn=2, **QUIET).connect(net, b, b, forward={"syn_weight": 0.9})
    net.save(folder)


def stock(folder: Path, seed: int, old: bool) -> None:
    """Save with BMTK's own builder, which writes no recipe."""
    rng = np.random.default_rng(seed)
    net = bmtk.builder.NetworkBuilder("plain")
    add_cells(net, "PN", 30, rng, model_type="biophysical")
    add_cells(net, "FSI", 10, rng, model_type="biophysical")
    pn, fsi = net.nodes(pop_name="PN"), net.nodes(pop_name="FSI")
    law = UnidirectionConnector(PROFILE, spherical_dist, n_syn=2, rng=seed, **QUIET)
    law.setup_nodes(pn, fsi)
    edges = net.add_edges(syn_weight=1.0, **law.edge_params())
    edges.add_properties(**properties(DelayRule(fixed=1.0, velocity=300.0), PlacementRule(1)))
    law = FixedInDegreeConnector(3, rng=seed, **QUIET)
    law.setup_nodes(fsi, pn)
    net.add_edges(syn_weight=2.0, **law.edge_params())
    net.build()
    net.save(str(folder))


#: What saves a network in a folder, from a seed; with other parameters when `old`.
FOLDERS: dict[str, Callable[[Path, int, bool], None]] = {
    function.__name__: function
    for function in (
        column, configured, mini, points, portable, compact, pair, listed, stock
    )
}  # fmt: skip


def make_folders(parent: Path, name: str) -> None:
    """Save a network three times: as it is, from another seed, and as it was before."""
    for kind, seed, old in (("good", 1, False), ("other", 2, False), ("old", 1, True)):
        folder = parent / name / kind
        folder.mkdir(parents=True)
        FOLDERS[name](folder, seed, old)
