"""Ten small networks that are laid out like real models: ``from layouts import LAYOUTS``.

Each is made by a builder of BMTK's or of this package's, and returns its networks, not built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from conftest import QUIET, random_positions

from bmtool_connectors import (
    CorrelatedGapJunction,
    FixedInDegreeConnector,
    GapJunction,
    GaussianDropoff,
    OneToOneSequentialConnector,
    ReciprocalConnector,
    UnidirectionConnector,
    spherical_dist,
    syn_const_delay_feng_section_PN,
    syn_section_PN,
)

Make = Callable[[str], Any]
LAYOUTS: dict[str, Callable[[Make], list[Any]]] = {}

CELL = {"model_type": "biophysical", "model_template": "hoc:Cell", "morphology": "blank.swc"}
SYNAPSE = {"model_template": "Exp2Syn", "dynamics_params": "AMPA.json"}


def layout(make: Callable[[Make], list[Any]]) -> Callable[[Make], list[Any]]:
    """Add a layout to the list."""
    LAYOUTS[make.__name__] = make
    return make


def positions(n: int, seed: int = 0) -> list[Any]:
    return list(random_positions(n, seed, 300.0))


def connect(net: Any, connector: Any, source: Any, target: Any, **properties: Any) -> Any:
    """Add the edges of a connector, one direction."""
    connector.setup_nodes(source, target)
    return net.add_edges(**connector.edge_params(), **properties)


@layout
def cortical_column(make: Make) -> list[Any]:
    """Three types of cells within a shell of virtual ones, which connect to them as they do."""
    net, shell, inputs = make("cortex"), make("shell"), make("thalamus")
    for k, (name, n) in enumerate({"PN": 30, "PV": 10, "SOM": 8}.items()):
        net.add_nodes(N=n, pop_name=name, positions=positions(n, k), layer=23, **CELL)
        shell.add_nodes(
            N=n, pop_name=name, positions=positions(n, k + 9), model_type="virtual", layer=23
        )
    inputs.add_nodes(N=20, pop_name="tON", model_type="virtual")
    law = GaussianDropoff(stdev=90.0, pmax=0.5)
    for k, (source, target) in enumerate([("PN", "PV"), ("PV", "SOM"), ("PN", "SOM")]):
        pools = net.nodes(pop_name=source), net.nodes(pop_name=target)
        connector = ReciprocalConnector(
            p0=law, p1=0.2, p0_arg=spherical_dist, pr=None, rng=k, **QUIET
        )
        connector.setup_nodes(*pools)
        for sign in (1.0, -1.0):
            edges = net.add_edges(**connector.edge_params(), syn_weight=sign, **SYNAPSE)
            edges.add_properties(
                ["delay", "afferent_section_id", "afferent_section_pos"],
                rule=syn_const_delay_feng_section_PN,
                rule_params={"rng": k},
                dtypes=[float, int, float],
            )
        other = UnidirectionConnector(p=law, p_arg=spherical_dist, rng=k, **QUIET)
        connect(
            net, other, shell.nodes(pop_name=source), pools[1],
            syn_weight=0.2, delay=0.0, target_sections="basal", distance_range=[0.0, 150.0],
            **SYNAPSE,
        )  # fmt: skip
    one = OneToOneSequentialConnector(verbose=False)
    targets = net.nodes(pop_name="PV")
    connect(net, one, inputs.nodes(), targets, syn_weight=1.0, delay=0.0, **SYNAPSE)
    return [net, shell, inputs]


@layout
def hippocampal_ca1(make: Make) -> list[Any]:
    """Cells in layers, a node of its own type each, and inputs of two networks."""
    net, ca3, ec = make("hippocampus"), make("ca3"), make("ec")
    for name, n, z in (("pyr", 40, 100.0), ("olm", 6, 300.0), ("pvbc", 8, 110.0)):
        points = [(x, y, z) for x, y, _ in positions(n)]
        angles = np.linspace(0, 3.0, n)
        net.add_nodes(N=n, pop=name, positions=points, rotation_angle_yaxis=angles, **CELL)
    for each in (ca3, ec):
        each.add_nodes(N=30, pop="in", model_type="virtual", model_template="lgnmodel:VIRTUAL")
    for k, (source, target) in enumerate([("pyr", "olm"), ("olm", "pyr"), ("pvbc", "pyr")]):
        connector = UnidirectionConnector(p=0.2, n_syn=3, rng=k, **QUIET)
        pools = net.nodes(pop=source), net.nodes(pop=target)
        edges = connect(net, connector, *pools, syn_weight=0.01, **SYNAPSE)
        edges.add_properties(
            ["delay", "afferent_section_id", "afferent_section_pos"],
            rule=lambda s, t: (1.0 + s.node_id / 100, t.node_id % 4, s.node_id / 100),
            dtypes=[float, int, float],
        )
    for each in (ca3, ec):
        connector = FixedInDegreeConnector(5, rng=3, **QUIET)
        connector.setup_nodes(each.nodes(), net.nodes(pop="pyr"))
        net.add_edges(**connector.edge_params(), syn_weight=0.1, delay=0.0, **SYNAPSE)
    return [ca3, ec, net]


@layout
def spinal_cord(make: Make) -> list[Any]:
    """Point cells of BioNet, with synapses counted by functions, and edge types without edges."""
    net, drive = make("cord"), make("afferents")
    kinds = {"IND": 12, "EUS": 8, "PAG": 5, "Hypo": 5}
    for name, n in kinds.items():
        net.add_nodes(N=n, pop_name=name, model_type="point_process", model_template="nrn:IntFire1")
    drive.add_nodes(N=15, pop_name="Blad", model_type="virtual", potential="exc")
    net.add_edges(
        source={"pop_name": ["IND", "EUS"]}, target={"pop_name": "PAG"}, syn_weight=1.0,
        connection_rule=lambda s, t: (s.node_id + t.node_id) % 3, delay=2.0, **SYNAPSE,
    )  # fmt: skip
    net.add_edges(
        source={"pop_name": "PAG"}, target={"pop_name": "Hypo"}, syn_weight=1.0, delay=1.0,
        connection_rule=lambda s, t: 0, **SYNAPSE,
    )  # fmt: skip
    counted = UnidirectionConnector(p=0.4, n_syn=lambda s, t: 1 + s.node_id % 2, rng=1, **QUIET)
    connect(net, counted, drive.nodes(), net.nodes(pop_name="IND"), syn_weight=5.0, delay=0.0)
    never = UnidirectionConnector(p=0.0, rng=1, **QUIET)
    connect(net, never, net.nodes(pop_name="IND"), net.nodes(pop_name="EUS"), delay=1.0)
    return [drive, net]


@layout
def amygdala(make: Make) -> list[Any]:
    """PN, PV and SOM of several types, with gap junctions that follow chemical synapses."""
    net, thalamus = make("BLA"), make("thalamus")
    for k, (name, a_name, n) in enumerate(
        [("PN", "PN_A", 20), ("PN", "PN_C", 14), ("INT", "PV", 10), ("INT", "SOM", 6)]
    ):
        net.add_nodes(N=n, pop_name=name, a_name=a_name, positions=positions(n, k), **CELL)
    thalamus.add_nodes(N=20, pop_name="PN", model_type="virtual")
    pv = net.nodes(a_name="PV")
    chemical = ReciprocalConnector(p0=0.3, pr=0.15, rng=1, **QUIET)
    edges = connect(net, chemical, pv, pv, syn_weight=1.0, **SYNAPSE)
    edges.add_properties(
        ["afferent_section_id", "afferent_section_pos"],
        rule=syn_section_PN, rule_params={"rng": 1}, dtypes=[int, float],
    )  # fmt: skip
    edges.add_properties("delay", rule=0.9, dtypes=float)
    gaps = CorrelatedGapJunction(
        p_non=0.1, p_uni=0.5, p_rec=0.9, connector=chemical, rng=1, **QUIET
    )
    connect(
        net, gaps, pv, pv, is_gap_junction=True, syn_weight=1e-4, target_sections=None,
        afferent_section_id=0, afferent_section_pos=0.5,
    )  # fmt: skip
    both = ReciprocalConnector(p0=0.22, p1=0.36, pr=0.17, rng=2, **QUIET)
    both.setup_nodes(net.nodes(pop_name="PN"), pv)
    for _ in range(2):
        net.add_edges(**both.edge_params(), syn_weight=1.0, delay=1.5, **SYNAPSE)
    drive = OneToOneSequentialConnector(verbose=False)
    drive.setup_nodes(thalamus.nodes(), net.nodes(a_name="PV"))
    net.add_edges(**drive.edge_params(), syn_weight=1.0, delay=0.0, **SYNAPSE)
    return [net, thalamus]


@layout
def point_neurons(make: Make) -> list[Any]:
    """Cells of PointNet, two properties to choose them by, and delays of some edge types alone."""
    net, inputs = make("v1"), make("lgn")
    for layer in (2, 4):
        for ei, n in (("e", 20), ("i", 5)):
            net.add_nodes(
                N=n, layer=layer, ei=ei, model_type="point_neuron", weight=[0.5] * n,
                model_template="nest:iaf_psc_alpha", dynamics_params=f"{ei}{layer}.json",
            )  # fmt: skip
    inputs.add_nodes(N=30, model_type="virtual", x=np.linspace(0, 1, 30))
    for k, ei in enumerate("ei"):
        connector = FixedInDegreeConnector(4, rng=k, allow_multapses=True, **QUIET)
        pools = net.nodes(layer=4, ei=ei), net.nodes(layer=[2, 4])
        edges = connect(net, connector, *pools, syn_weight=1.0, model_template="static_synapse")
        if k:
            edges.add_properties("delay", rule=lambda s, t: 1.0 + s["layer"], dtypes=float)
            edges.add_properties("syn_weight", rule=lambda s, t: s["weight"], dtypes=float)
        else:
            edges.edge_type_properties["delay"] = 1.5
    net.add_edges(
        source=inputs.nodes(), target=net.nodes(ei="e", layer=4), syn_weight=3.0, delay=1.0,
        connection_rule=lambda s, t: None if s.node_id % 4 else 2, model_template="static_synapse",
    )  # fmt: skip
    return [net, inputs]


@layout
def two_areas(make: Make) -> list[Any]:
    """Edges of each network to the other, of either builder."""
    nets = [make("left"), make("right")]
    for net in nets:
        net.add_nodes(N=20, pop_name="E", model_type="biophysical", tuning=np.arange(20) / 20)
        net.add_nodes(N=5, pop_name="I", model_type="point_neuron")
    for k, (net, other) in enumerate([nets, nets[::-1]]):
        for target in (net, other):
            connector = UnidirectionConnector(p=0.3, rng=k, **QUIET)
            pools = net.nodes(pop_name="E"), target.nodes(pop_name="I")
            connect(net, connector, *pools, syn_weight=1.0, delay=2.0 + k)
    return nets


@layout
def electrical_only(make: Make) -> list[Any]:
    """Gap junctions and nothing else; one has properties of its own."""
    net = make("retina")
    net.add_nodes(N=25, pop_name="AII", positions=positions(25), **CELL)
    connector = GapJunction(p=0.2, rng=1, **QUIET)
    connect(
        net, connector, net.nodes(), net.nodes(), is_gap_junction=True, syn_weight=1e-4,
        delay=0.0, target_sections="somatic", distance_range="[0, 50]",
    )  # fmt: skip
    return [net]


@layout
def ids_of_its_own(make: Make) -> list[Any]:
    """Nodes with given ids, text with spaces and quotes, and values that are missing."""
    net = make("odd")
    net.add_nodes(
        N=6, node_id=[50, 40, 30, 20, 10, 0], name=['a "b" c', "", "d e", "é", "f'g", "h"],
        kind="one two", model_type="biophysical", note=None,
    )  # fmt: skip
    net.add_nodes(N=4, node_id=[1, 2, 3, 4], pairs=[(1.0, 2.0)] * 4, kind="3")
    net.add_nodes(N=2, node_id=[7, 8], flag=[True, False], score=[0.5, np.nan], kind="False")
    for source in ({"kind": "one two"}, {"node_id": [1, 2, 10]}, {"flag": True}, {"kind": "3"}):
        net.add_edges(
            source=source, target=net.nodes(), connection_rule=1, syn_weight=1.0, delay=1.0,
            label="two words", comment=None,
        )  # fmt: skip
    return [net]


@layout
def selected_by_functions(make: Make) -> list[Any]:
    """Pools whose filters are functions, which no file can hold."""
    net = make("deep")
    net.add_nodes(N=30, pop_name="A", depth=np.linspace(0, 100, 30), **CELL)
    for k, chosen in enumerate((lambda z: z < 50, lambda z: z >= 50)):
        connector = UnidirectionConnector(p=0.3, rng=k, **QUIET)
        pools = net.nodes(depth=chosen), net.nodes(pop_name="A")
        connect(net, connector, *pools, syn_weight=1.0, delay=1.0)
    return [net]


@layout
def no_edges(make: Make) -> list[Any]:
    """Inputs and cells that nobody has connected, and edges that nobody drew."""
    net, inputs = make("net"), make("inputs")
    net.add_nodes(N=5, pop_name="A", **CELL)
    inputs.add_nodes(N=5, model_type="virtual")
    connect(net, UnidirectionConnector(p=0.0, rng=1, **QUIET), net.nodes(), net.nodes(), delay=1.0)
    return [net, inputs]
