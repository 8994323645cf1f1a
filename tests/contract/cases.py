"""Build scripts that run with the predecessor and with the package, in one list.

Each case is a script as a user would write it, with the connectors module as
its argument: ``bmtool_connectors``, or ``bmtool.connectors``. Everything here
is within what the contract promises to be equal: one generator shared through
``module.rng``, stock BMTK, and parameters that are feasible for all pairs, or
``infeasible='bmtool'``.
"""

from __future__ import annotations

import hashlib
import math
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from bmtk.builder import NetworkBuilder
from conftest import built_edges, make_network

from bmtool_connectors import ConnectivityWarning

Module = Any  #: bmtool_connectors or bmtool.connectors
Parameters = dict[str, Any]

#: (network, edge type id, source id, target id, synapses)
Row = tuple[int, int, int, int, int]

QUIET = {"verbose": False, "save_report": False}


@dataclass
class Built:
    """What a script leaves behind.

    Attributes
    ----------
    networks : list of NetworkBuilder
        Built.
    connectors : list
        Those whose ``conn_prop`` is to be compared.
    """

    networks: list[NetworkBuilder]
    connectors: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """A script.

    Attributes
    ----------
    name : str
    script : callable
        From the module to what was built.
    seed : int
        Of ``module.rng``.
    warns : tuple of str
        What the package, and not the predecessor, warns about, in order.
    """

    name: str
    script: Callable[[Module], Built]
    seed: int
    warns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What a script gave, in a form that can be compared.

    Attributes
    ----------
    rows : list of Row
        Sorted.
    properties : list of tuple
        Per-edge values by network, in BMTK's order.
    conn_prop : list of dict
        ``{(source id, target id): value}`` per connector and direction.
    state : dict
        State of the generator after the last build.
    """

    rows: list[Row]
    properties: list[tuple[Any, ...]]
    conn_prop: list[dict[tuple[int, int], Any]]
    state: dict[str, Any]


def run(case: Case, module: Module, warns: bool) -> Result:
    """Run a case with a module and its ``rng`` set to the seed of the case.

    Parameters
    ----------
    case : Case
    module : module
        Its ``rng`` is put back afterwards.
    warns : bool
        Whether the warnings of the case are due; no other ones are allowed.
    """
    before = module.rng
    module.rng = rng = np.random.default_rng(case.seed)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            built = case.script(module)
    finally:
        module.rng = before
    messages = [str(w.message) for w in caught if issubclass(w.category, ConnectivityWarning)]
    expected = case.warns if warns else ()
    assert len(messages) == len(expected), messages
    assert all(part in text for part, text in zip(expected, messages, strict=True)), messages

    rows, properties = [], []
    for number, net in enumerate(built.networks):
        rows += [(number, *row) for row in built_edges(net)]
        for edge in net.edges():
            own = dict(edge.synaptic_properties)
            ids = [int(own.pop(name)) for name in ("source_node_id", "target_node_id")]
            own.pop("nsyns", None)
            if own:
                properties.append((number, *ids, *sorted(own.items())))
    tables = []
    for connector in built.connectors:
        found = connector.conn_prop
        for table in found if isinstance(found, list) else [found]:
            tables.append({(s, t): value for s, row in table.items() for t, value in row.items()})
    return Result(sorted(rows), properties, tables, rng.bit_generator.state)


def digest(rows: list[Row]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the rows as int64."""
    return hashlib.sha256(np.array(sorted(rows), dtype="<i8").tobytes()).hexdigest()[:16]


# ---------------------------------------------------------------------- scripts of one connector
def connect(net: NetworkBuilder, connector: Any, source: Any, target: Any, **edge: Any) -> Any:
    """Set up, and add the (forward) edges."""
    connector.setup_nodes(source=source, target=target)
    return net.add_edges(**connector.edge_params(), **edge)


def unidirection(make: Callable[[Module], Parameters], n_b: int = 31) -> Any:
    """Return a script with one UnidirectionConnector from A to B, or within A."""

    def script(module: Module) -> Built:
        net = make_network(37, n_b, seed=3)
        connector = module.UnidirectionConnector(**make(module), **QUIET)
        target = net.nodes(pop_name="B" if n_b else "A")
        connect(net, connector, net.nodes(pop_name="A"), target)
        net.build()
        return Built([net], [connector])

    return script


def reciprocal(make: Callable[[Module], Parameters], n_b: int = 31) -> Any:
    """Return a script with one ReciprocalConnector between A and B, or within A."""

    def script(module: Module) -> Built:
        net = make_network(37, n_b, seed=3)
        connector = module.ReciprocalConnector(**make(module), **QUIET)
        a, b = net.nodes(pop_name=["A"]), net.nodes(pop_name=["B" if n_b else "A"])
        connect(net, connector, a, b)
        if n_b:
            connect(net, connector, b, a)
        net.build()
        return Built([net], [connector])

    return script


def blocks_apart(a: Any, b: Any) -> float:
    return float(np.abs(a["positions"] - b["positions"]).sum())


def id_step(a: Any, b: Any) -> int:
    return int(b.node_id - a.node_id)


def count_of_ids(a: Any, b: Any) -> int:
    return 1 + (3 * a.node_id + 5 * b.node_id) % 4


def within_60(dist: float) -> float:
    return 0.35 if dist < 60 else 0.0


def rate(dist: float) -> float:
    """Return a normalized reciprocal rate; works on numbers only."""
    return 1.0 + 0.9 * math.exp(-dist / 40) if dist < 80 else 1.0


def joint(arg: Any, p0: float, p1: float) -> float:
    return p0 * p1 + 0.4 * (min(p0, p1) - p0 * p1) / (1 + 0.02 * abs(arg or 0.0))


ring = np.vectorize(lambda dist: 0.4 if 20 < dist < 75 else 0.0)


def random_count(module: Module) -> Callable[[Any, Any], int]:
    """Return an n_syn that draws from the generator of all connectors."""
    return lambda a, b: 1 + int(3 * module.rng.random())


def deciding_count(module: Module) -> Callable[[Any, Any], int]:
    """Return an n_syn that draws through the module's own helpers."""
    return lambda a, b: 1 + int(module.decision(0.4)) + int(module.decisions([0.5, 0.1]).sum())


def alike(module: Module, **more: Any) -> Parameters:
    return {
        "p0": module.GaussianDropoff(stdev=60.0, pmax=0.5, max_dist=110.0),
        "p0_arg": module.spherical_dist,
        "symmetric_p1": True,
        "symmetric_p1_arg": True,
        **more,
    }


def mixed(module: Module, **more: Any) -> Parameters:
    """Return two different laws of two different distances."""
    return {
        "p0": module.GaussianDropoff(stdev=60.0, pmax=0.35, max_dist=90.0, dist_type="cylindrical"),
        "p0_arg": module.cylindrical_dist_z,
        "p1": module.GaussianDropoff(stdev=70.0, pmax=0.3, max_dist=100.0),
        "p1_arg": module.spherical_dist,
        **more,
    }


UNIDIRECTION: dict[str, Callable[[Module], Parameters]] = {
    "constant": lambda m: {"p": 0.15, "n_syn": 1},
    "all to all": lambda m: {},
    "gaussian": lambda m: {"p": m.GaussianDropoff(stdev=40.0), "p_arg": m.spherical_dist},
    "gaussian with a reach, from ptotal": lambda m: {
        "p": m.GaussianDropoff(
            stdev=126.77, min_dist=0, max_dist=80, ptotal=0.1538, ptotal_dist_range=(0, 50.0),
            dist_type="spherical",
        ),
        "p_arg": m.spherical_dist,
        "n_syn": 2,
    },
    "cylindrical gaussian off centre, from ptotal": lambda m: {
        "p": m.GaussianDropoff(
            mean=20.0, stdev=25.0, max_dist=95.0, ptotal=0.2, ptotal_dist_range=(0, 70),
            dist_type="cylindrical",
        ),
        "p_arg": m.cylindrical_dist_z,
    },
    "gaussian with an unused range": lambda m: {
        "p": m.GaussianDropoff(stdev=40.0, pmax=0.6, ptotal_dist_range=range(0, 100)),
        "p_arg": m.spherical_dist,
    },
    "uniform in a ring": lambda m: {
        "p": m.UniformInRange(p=0.3, min_dist=30.0, max_dist=70.0), "p_arg": m.spherical_dist,
    },
    "user law and argument": lambda m: {"p": lambda step: (step % 7) / 7, "p_arg": id_step},
    "np.vectorize": lambda m: {"p": ring, "p_arg": m.cylindrical_dist_z},
    "argument a number": lambda m: {"p": lambda x: x / 10, "p_arg": 2.0, "n_syn": count_of_ids},
    "random synapses": lambda m: {
        "p": m.GaussianDropoff(stdev=40.0, max_dist=90.0),
        "p_arg": m.spherical_dist,
        "n_syn": random_count(m),
    },
    "synapses from the helpers": lambda m: {"p": 0.2, "n_syn": deciding_count(m)},
}  # fmt: skip

RECIPROCAL: dict[str, Callable[[Module], Parameters]] = {
    "pr": lambda m: {"p0": 0.15, "p1": 0.2, "pr": 0.06, "estimate_rho": False},
    "pr estimated": lambda m: {"p0": 0.22, "p1": 0.36, "pr": 0.17},
    "pr 0": lambda m: {"p0": 0.3, "p1": 0.25, "pr": 0.0},
    "rho": lambda m: {"p0": 0.3, "p1": 0.3, "rho": 0.4},
    "rho from pr": lambda m: {"p0": 0.3, "p1": 0.2, "rho": m.pr_2_rho(0.3, 0.2, 0.15)},
    "pr from rho": lambda m: {
        "p0": 0.3, "p1": 0.2, "pr": m.rho_2_pr(0.3, 0.2, 0.5), "estimate_rho": False,
    },
    "distances, pr estimated": lambda m: alike(m, pr=0.11),
    "distances, forward range": lambda m: alike(m, pr=0.16, dist_range_forward=(0, 60.0)),
    "mixed distances, rho 0": lambda m: mixed(m, rho=0),
    "mixed distances, rho": lambda m: mixed(m, p1=m.UniformInRange(0.3), rho=0.1),
    "uniform, backward range": lambda m: {
        "p0": m.UniformInRange(p=0.3, max_dist=100.0), "p0_arg": m.cylindrical_dist_z,
        "p1": m.UniformInRange(p=0.3, max_dist=100.0), "p1_arg": m.spherical_dist,
        "pr": 0.12, "dist_range_backward": (10.0, 70.0),
    },
    "both ranges": lambda m: alike(
        m, pr=0.14, dist_range_forward=(0, 90.0), dist_range_backward=(20.0, 80.0)
    ),
    "without cache": lambda m: alike(m, pr=0.11, cache_data=False),
    "pr a function": lambda m: {
        "p0": 0.3, "p1": 0.2, "pr": joint, "pr_arg": blocks_apart,
    },
    "pr a function of p0_arg": lambda m: mixed(m, pr=joint, pr_arg="0"),
    "pr a gaussian": lambda m: {
        "p0": 0.4, "p1": 0.4, "pr": m.GaussianDropoff(stdev=60.0, pmax=0.35),
        "pr_arg": m.spherical_dist,
    },
    "NRR": lambda m: mixed(m, pr=m.NormalizedReciprocalRate(NRR=2.0), pr_arg="0"),
    "NRR a Python function": lambda m: {
        **mixed(m, pr=m.NormalizedReciprocalRate(NRR=rate), pr_arg="0", symmetric_p1_arg=True),
    },
    "user laws": lambda m: {
        "p0": within_60, "p0_arg": blocks_apart, "p1": within_60, "p1_arg": blocks_apart,
        "pr": 0.2, "quick_pop_check": True,
    },
    "arguments are numbers": lambda m: {
        "p0": lambda x: x / 10, "p0_arg": 3.0, "p1": lambda x: x / 20, "p1_arg": 5.0, "pr": 0.1,
    },
    "synapses": lambda m: alike(m, pr=0.11, n_syn0=count_of_ids, n_syn1=2),
    "random synapses": lambda m: alike(m, pr=0.11, n_syn0=random_count(m), n_syn1=random_count(m)),
    "synapses from the helpers": lambda m: mixed(
        m, pr=m.NormalizedReciprocalRate(1.5), pr_arg="", n_syn0=2, n_syn1=deciding_count(m)
    ),
    "autapses": lambda m: alike(m, rho=0.2, autapses=True, n_syn0=random_count(m)),
}  # fmt: skip

#: Only between two populations.
BETWEEN: dict[str, Callable[[Module], Parameters]] = {
    "pr a function of p1_arg": lambda m: mixed(m, pr=joint, pr_arg="p1"),
    "user argument that is not symmetric": lambda m: {
        "p0": lambda x: (x % 5) / 6, "p0_arg": id_step, "p1": lambda x: (x % 3) / 4,
        "p1_arg": id_step, "pr": joint, "pr_arg": "1", "n_syn1": count_of_ids,
    },
    "forward never": lambda m: {"p0": 0.0, "p1": 0.5, "pr": 0.0, "estimate_rho": False},
}  # fmt: skip


def as_bmtool(module: Module, **parameters: Any) -> Parameters:
    """Return parameters with the option that the predecessor has no name for."""
    return {**parameters, **({"infeasible": "bmtool"} if hasattr(module, "infeasible") else {})}


def far_apart(module: Module, **more: Any) -> Parameters:
    """Return laws of which one reaches 0 where the other does not: far up or down."""
    return {
        "p0": module.GaussianDropoff(mean=10.0, stdev=40.0, pmax=0.6, dist_type="cylindrical"),
        "p0_arg": module.cylindrical_dist_z,
        "p1": module.GaussianDropoff(stdev=35.0, pmax=0.8),
        "p1_arg": module.spherical_dist,
        **more,
    }


#: With pairs whose joint probability is not feasible.
INFEASIBLE: dict[str, Callable[[Module], Parameters]] = {
    "pr too high": lambda m: as_bmtool(m, p0=0.5, p1=0.1, pr=0.2),
    "pr too high, of the pair": lambda m: as_bmtool(m, p0=0.5, p1=0.1, pr=0.2, estimate_rho=False),
    "pr 0": lambda m: as_bmtool(m, p0=0.8, p1=0.5, pr=0.0),
    "rho": lambda m: as_bmtool(m, p0=0.5, p1=0.1, rho=0.9),
    "rho below 0": lambda m: as_bmtool(m, **far_apart(m), rho=-0.9, n_syn1=2),
    "pr estimated": lambda m: as_bmtool(m, **far_apart(m, pr=0.2)),
    "pr estimated, forward range": lambda m: as_bmtool(
        m, **far_apart(m, pr=0.3), dist_range_forward=(0, 30.0), cache_data=False
    ),
    "pr estimated, random synapses": lambda m: as_bmtool(
        m, **far_apart(m, pr=0.2), n_syn0=random_count(m), n_syn1=random_count(m)
    ),
    "pr negative": lambda m: as_bmtool(
        m, p0=0.3, p1=0.2, pr=lambda dist, *p: (dist - 90.0) / 50.0, pr_arg=m.spherical_dist
    ),
    "pr below its bound": lambda m: as_bmtool(m, p0=0.8, p1=0.7, pr=0.1, estimate_rho=False),
    "NRR too high": lambda m: as_bmtool(
        m, **far_apart(m), pr=m.NormalizedReciprocalRate(NRR=6.0), pr_arg="0"
    ),
}  # fmt: skip


# ---------------------------------------------------------------------- whole scripts
def delay(source: Any, target: Any, connector: Any, module: Module) -> float:
    """Return a delay from the stored distance, with noise from the shared generator."""
    dist = connector.get_conn_prop(source.node_id, target.node_id)
    return float(0.8 + dist / 1000 + 0.2 * module.rng.standard_normal())


def place(source: Any, target: Any, module: Module) -> tuple[int, float]:
    return 1 + int(module.rng.random() < 0.9), float(module.rng.random())


def cortex(module: Module) -> Built:
    """A network with several edge types, inputs from outside and properties per synapse."""
    rng = module.rng
    net = NetworkBuilder("cortex")
    for pop_name, n in zip(("PN", "FSI", "LTS"), module.num_prop([8, 1, 1], 60), strict=True):
        net.add_nodes(N=int(n), pop_name=pop_name, positions=list(rng.uniform(0, 150, (n, 3))))
    shell = NetworkBuilder("shell")
    shell.add_nodes(
        N=25, pop_name="PN", positions=list(rng.uniform(-50, 200, (25, 3))), model_type="virtual"
    )
    inputs = NetworkBuilder("thalamus")
    inputs.add_nodes(N=10, pop_name="in", model_type="virtual")

    def pool(name: str) -> Any:
        return net.nodes(pop_name=[name])

    made = []
    recipes = [
        (
            "PN", "PN", module.ReciprocalConnector,
            {
                "p0": module.GaussianDropoff(stdev=78.0, max_dist=150.0, pmax=0.3),
                "p0_arg": module.spherical_dist,
                "pr": module.NormalizedReciprocalRate(NRR=rate), "pr_arg": "0",
            },
        ),
        (
            "PN", "FSI", module.ReciprocalConnector,
            {
                "p0": module.GaussianDropoff(
                    stdev=90.0, max_dist=200.0, ptotal=0.3, ptotal_dist_range=(0, 50)
                ),
                "p0_arg": module.spherical_dist,
                "p1": module.UniformInRange(p=0.4, max_dist=200.0),
                "p1_arg": module.cylindrical_dist_z,
                "pr": module.GaussianDropoff(stdev=90.0, pmax=0.15),
                "pr_arg": module.spherical_dist, "n_syn0": random_count(module), "n_syn1": 2,
            },
        ),
        (
            "FSI", "FSI", module.ReciprocalConnector,
            {"p0": 0.4, "p0_arg": module.spherical_dist, "pr": 0.2, "estimate_rho": False},
        ),
        (
            "LTS", "PN", module.UnidirectionConnector,
            {
                "p": module.UniformInRange(p=0.35, min_dist=20.0, max_dist=130.0),
                "p_arg": module.cylindrical_dist_z, "n_syn": deciding_count(module),
            },
        ),
    ]  # fmt: skip
    for source, target, connector_class, parameters in recipes:
        connector = connector_class(**parameters, **QUIET)
        made.append(connector)
        maps = [connect(net, connector, pool(source), pool(target), syn_weight=1.0)]
        if connector_class is module.ReciprocalConnector and source != target:
            maps.append(connect(net, connector, pool(target), pool(source), syn_weight=2.0))
        for edges in maps:
            rule = partial(delay, connector=connector, module=module)
            edges.add_properties("delay", rule=rule, dtypes=float)
            edges.add_properties(
                ["afferent_section_id", "afferent_section_pos"],
                rule=place, rule_params={"module": module}, dtypes=[int, float],
            )  # fmt: skip

    # Shell edges repeat the law of a connector that exists.
    for connector, target in ((made[0], "PN"), (made[1], "FSI")):
        outer = module.UnidirectionConnector(
            p=connector.vars["p0"], p_arg=connector.vars["p0_arg"],
            n_syn=connector.vars["n_syn0"], verbose=connector.verbose, save_report=False,
        )  # fmt: skip
        connect(net, outer, shell.nodes(pop_name="PN"), pool(target))
        made.append(outer)
    thalamic = module.UnidirectionConnector(p=0.2, n_syn=3, **QUIET)
    connect(net, thalamic, inputs.nodes(), net.nodes(pop_name=["PN", "FSI"]))
    net.build()
    return Built([net], made)


def interleaved(module: Module) -> Built:
    """Forward, forward, backward, backward: built in the order of add_edges."""
    net = make_network(30, 22, seed=5)
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    made = [
        module.ReciprocalConnector(**alike(module, pr=0.11), **QUIET),
        module.ReciprocalConnector(p0=0.3, p1=0.2, pr=0.1, n_syn0=random_count(module), **QUIET),
    ]
    for pools in ((a, b), (b, a)):
        for connector in made:
            connect(net, connector, *pools)
    net.build()
    return Built([net], made)


def two_networks(module: Module) -> Built:
    """Forward edges belong to one network, backward ones to another, with overlapping ids."""
    first, second = make_network(30, name="one", seed=1), make_network(25, name="two", seed=2)
    a, b = first.nodes(), second.nodes()
    connector = module.ReciprocalConnector(**mixed(module, rho=0), **QUIET)
    other = module.UnidirectionConnector(p=within_60, p_arg=module.spherical_dist, **QUIET)
    connect(second, connector, a, b)
    connect(first, connector, b, a)
    connect(second, other, b, b)
    second.build()
    first.build()
    return Built([first, second], [connector, other])


def one_after_the_other(module: Module) -> Built:
    """Networks are built one by one, with numbers drawn by the script between."""
    built = []
    made = []
    for name in ("one", "two", "three"):
        net = NetworkBuilder(name)
        n = 20 + int(10 * module.rng.random())
        net.add_nodes(N=n, pop_name="A", positions=list(module.rng.uniform(0, 100, (n, 3))))
        recurrent = module.ReciprocalConnector(**alike(module, pr=0.11), **QUIET)
        connect(net, recurrent, net.nodes(), net.nodes())
        net.build()
        sparse = module.UnidirectionConnector(p=0.05, **QUIET)
        assert module.decision(0.5, size=3).shape == (3,)
        late = NetworkBuilder(name + " late")
        late.add_nodes(N=9, pop_name="B")
        connect(late, sparse, net.nodes(), late.nodes())
        late.build()
        built += [net, late]
        made += [recurrent, sparse]
    return Built(built, made)


def own_generators(module: Module) -> Built:
    """Connectors with generators of their own do not touch the shared one."""
    net = make_network(30, 22, seed=5)
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    own = np.random.default_rng(77)
    made = [
        module.UnidirectionConnector(p=0.2, rng=own, **QUIET),
        module.UnidirectionConnector(p=0.2, **QUIET),
        module.ReciprocalConnector(p0=0.2, pr=0.1, estimate_rho=False, rng=own, **QUIET),
    ]
    for connector, target in zip(made, (b, b, a), strict=True):
        connect(net, connector, a, target)
    net.build()
    return Built([net], made)


def generator_taken_at_construction(module: Module) -> Built:
    """Assigning the module's generator later does not move a connector that exists."""
    net = make_network(30, 22, seed=5)
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    first = module.UnidirectionConnector(p=0.2, **QUIET)
    shared, module.rng = module.rng, np.random.default_rng(5)
    second = module.UnidirectionConnector(p=0.3, **QUIET)
    connect(net, first, a, b)
    connect(net, second, b, a)
    net.build()
    module.rng = shared
    return Built([net], [first, second])


def two_sources_of_counts(module: Module) -> Built:
    """Counts come from the shared generator forward, and from another one backward."""
    other = np.random.default_rng(99)
    parameters = {
        "p0": 0.3, "p1": 0.2, "pr": 0.1, "n_syn0": random_count(module),
        "n_syn1": lambda a, b: 1 + int(5 * other.random()),
    }  # fmt: skip
    return reciprocal(lambda m: parameters)(module)


def reused_within_one_population(module: Module) -> Built:
    """One recurrent connector for two networks, one after the other."""
    connector = module.ReciprocalConnector(**alike(module, pr=0.11), **QUIET)
    nets = [make_network(n, name=f"net {n}", seed=n) for n in (24, 19)]
    for net in nets:
        connect(net, connector, net.nodes(), net.nodes())
        net.build()
    return Built(nets)


def connector_from_a_function(module: Module) -> Built:
    """A build loop that hands out a used connector for the way back, with new pools."""
    net = make_network(30, 22, seed=5)
    kept: dict[str, Any] = {}

    def get_connector(param: Parameters) -> Any:
        return kept[param["of"]]

    edges = [
        ("forth", "A", "B", module.ReciprocalConnector, {**mixed(module, rho=0), **QUIET}),
        ("back", "B", "A", get_connector, {"param": {"of": "forth"}}),
        ("within", "A", "A", module.ReciprocalConnector, {**alike(module, pr=0.11), **QUIET}),
    ]
    for name, source, target, connector_class, parameters in edges:
        connector = kept[name] = connector_class(**parameters)
        connector.setup_nodes(
            source=net.nodes(pop_name=[source]), target=net.nodes(pop_name=[target])
        )
        params = {"dynamics_params": f"{name}.json", **connector.edge_params()}
        net.add_edges(model_template="exp2syn", **params)
    net.build()
    return Built([net], [kept["forth"], kept["within"]])


def default_pr(module: Module) -> Built:
    """`pr` omitted: no reciprocal pairs."""
    return reciprocal(lambda m: {"p0": 0.15, "p1": 0.2})(module)


def infeasible_and_on(module: Module) -> Built:
    """All connectors of a script, of which some have infeasible pairs, follow one generator."""
    module.infeasible = "bmtool"
    try:
        net = make_network(37, 31, seed=3)
        a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
        made = [
            module.ReciprocalConnector(**far_apart(module, pr=0.2), **QUIET),
            module.ReciprocalConnector(**_within(far_apart, module), **QUIET),  # pr omitted
            module.UnidirectionConnector(p=0.2, **QUIET),
            module.ReciprocalConnector(p0=0.3, pr=0.1, **QUIET),
        ]
        for connector, source, target in zip(made, (a, a, b, b), (b, a, a, b), strict=True):
            connect(net, connector, source, target)
        connect(net, made[0], b, a)
        net.build()
    finally:
        del module.infeasible
    return Built([net], made)


def differing_p1(module: Module) -> Built:
    """Within one population p1 and n_syn1 do not count."""
    parameters = {"p0": 0.2, "p1": 0.9, "pr": 0.1, "estimate_rho": False, "n_syn0": 2}
    return reciprocal(lambda m: {**parameters, "n_syn1": 5}, 0)(module)


def _cases() -> list[Case]:
    scripts: dict[str, tuple[Callable[[Module], Built], tuple[str, ...]]] = {}
    for name, make in UNIDIRECTION.items():
        scripts[f"unidirection, {name}"] = unidirection(make), ()
    for name in ("constant", "gaussian", "random synapses"):
        scripts[f"unidirection within, {name}"] = unidirection(UNIDIRECTION[name], 0), ()
    for name, make in {**RECIPROCAL, **BETWEEN}.items():
        scripts[f"reciprocal, {name}"] = reciprocal(make), ()
    for name, make in RECIPROCAL.items():
        scripts[f"reciprocal within, {name}"] = reciprocal(partial(_within, make), 0), ()
    for script in (
        cortex, interleaved, two_networks, one_after_the_other, own_generators,
        generator_taken_at_construction, two_sources_of_counts, reused_within_one_population,
        connector_from_a_function,
    ):  # fmt: skip
        scripts[script.__name__.replace("_", " ")] = script, ()
    found = "not feasible for"
    for name, make in INFEASIBLE.items():
        scripts[f"infeasible, {name}"] = reciprocal(make), (found,)
        if name in ("pr 0", "rho below 0", "pr negative", "pr below its bound", "NRR too high"):
            scripts[f"infeasible within, {name}"] = reciprocal(partial(_within, make), 0), (found,)
    scripts["infeasible and on"] = infeasible_and_on, ("was not passed", found, found)
    scripts["pr omitted"] = default_pr, ("was not passed",)
    overwritten = "are one population"
    scripts["differing p1"] = differing_p1, (f"{overwritten}: p0", f"{overwritten}: n_syn0")
    return [
        # Seeded by name, so that a new case does not move the others.
        Case(name, script, zlib.crc32(name.encode()), warns)
        for name, (script, warns) in scripts.items()
    ]


def _within(make: Callable[[Module], Parameters], module: Module) -> Parameters:
    """Return parameters for one population: those of the backward direction left out."""
    backward = ("p1", "p1_arg", "n_syn1", "symmetric_p1", "symmetric_p1_arg")
    return {name: value for name, value in make(module).items() if name not in backward}


CASES = _cases()
