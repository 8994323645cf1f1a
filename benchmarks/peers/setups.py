"""The laws, and the packages: how each is set up, and what its time contains.

Each package is used through its public interface, in the quickest of the ways that are documented
for the law. It is imported inside its function: not every environment has every package.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PMAX, STDEV, REACH = 0.1, 100.0, 300.0
THICK, DENSITY = 250.0, 3000 / (600 * 600 * 250)
CONSTANT, GAUSS, RATE, DEGREE = "constant", "Gaussian", "Gaussian, NRR = 2", "p = 0.02"
OURS = "bmtool_connectors"

Draw = Callable[[], Any]
Setup = tuple[Callable[[], Draw], Callable[[Any], int]]  # fresh cells -> a draw; its edges


@dataclass(frozen=True)
class Peer:
    """A package: how it is set up for (law, cells, p), and what its time contains."""

    setup: Callable[[str, int, float], Setup]
    distribution: str
    contains: str
    laws: tuple[str, ...] = (CONSTANT, GAUSS, DEGREE)


def probability(law: str, n: int) -> float:
    """Return the probability of the laws without distance."""
    return 0.02 if law == DEGREE else min(0.1, 100 / n)


def positions(n: int) -> tuple[npt.NDArray[np.float64], float]:
    """Return n places (um) in the slab, and its side: those of ``benchmarks/sparse.py``."""
    side = (n / DENSITY / THICK) ** 0.5
    return np.random.default_rng(0).uniform([0, 0, 0], [side, side, THICK], (n, 3)), side


def setup_ours(sampler: str) -> Callable[[str, int, float], Setup]:
    """Return the set-up of this package with a sampler."""

    def setup(law: str, n: int, p: float) -> Setup:
        from bmtk.builder import NetworkBuilder

        import bmtool_connectors as bc

        net = NetworkBuilder("net")
        net.add_nodes(N=n, pop_name="A", positions=list(positions(n)[0]))
        pool = net.nodes(pop_name="A")
        _ = bc.NodeArrays.from_pool(pool).positions
        gauss = bc.GaussianDropoff(stdev=STDEV, pmax=PMAX, max_dist=REACH)
        quiet: dict[str, Any] = {
            "sampler": sampler,
            "rng": 1,
            "verbose": False,
            "save_report": False,
        }

        def draw() -> Any:
            connector: bc.BaseConnector
            if law == GAUSS:
                connector = bc.UnidirectionConnector(p=gauss, p_arg=bc.spherical_dist, **quiet)
            elif law == RATE:
                rate = bc.NormalizedReciprocalRate(2.0)
                connector = bc.ReciprocalConnector(
                    p0=gauss, p0_arg=bc.spherical_dist, pr=rate, pr_arg="0", **quiet
                )
            else:
                connector = bc.UnidirectionConnector(p=p, **quiet)
            connector.setup_nodes(pool, pool)
            connector.initial_all_to_all()
            return connector.connectivity.forward

        return lambda: draw, len

    return setup


def setup_nest(law: str, n: int, p: float, indegree: bool = False) -> Setup:
    """Set up NEST."""
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    rule: dict[str, Any] = {"rule": "pairwise_bernoulli", "p": p}
    if indegree:
        rule = {"rule": "fixed_indegree", "indegree": round(n * p)}
    elif law == GAUSS:
        distance = nest.spatial.distance
        rule["p"] = PMAX * nest.spatial_distributions.gaussian(distance, std=STDEV)
        rule["mask"] = {"spherical": {"radius": REACH}}

    def prepare() -> Draw:
        nest.ResetKernel()
        nest.local_num_threads = 1
        if law == GAUSS:
            layer = nest.spatial.free(positions(n)[0].tolist())
            cells = nest.Create("iaf_psc_alpha", positions=layer)
        else:
            cells = nest.Create("iaf_psc_alpha", n)
        return lambda: nest.Connect(cells, cells, rule)

    return prepare, lambda _: int(nest.num_connections)


def setup_brian2(law: str, n: int, p: float) -> Setup:
    """Set up Brian2."""
    import brian2

    brian2.prefs.codegen.target = "cython"
    square = "((x_pre - x_post)**2 + (y_pre - y_post)**2 + (z_pre - z_post)**2)"
    # Candidates at the ceiling, then a condition: 4 to 9 times faster than the law given as `p`.
    near = f"{square} < {REACH}**2 and rand() < exp(-{square} / (2 * {STDEV}**2))"

    def prepare() -> Draw:
        brian2.start_scope()
        cells = brian2.NeuronGroup(n, "x : 1\ny : 1\nz : 1", name="cells")
        cells.x, cells.y, cells.z = positions(n)[0].T
        # Fixed names, for they are part of the code that is compiled.
        synapses = brian2.Synapses(cells, cells, name="synapses")

        def draw() -> Any:
            if law == GAUSS:
                synapses.connect(condition=near, p=PMAX)
            else:
                synapses.connect(p=p)
            return synapses

        return draw

    return prepare, len


def setup_braintools(law: str, n: int, p: float) -> Setup:
    """Set up braintools."""
    import brainunit
    from braintools import conn
    from braintools.init import GaussianProfile

    um = brainunit.um
    places = positions(n)[0] * um

    def draw() -> Any:
        if law != GAUSS:
            return conn.FixedProb(p, allow_self_connections=True, seed=1)(n, n)
        profile = PMAX * GaussianProfile(STDEV * um, REACH * um)
        rule = conn.DistanceDependent(profile, allow_self_connections=True, seed=1)
        return rule(n, n, pre_positions=places, post_positions=places)

    return lambda: draw, lambda result: len(result.pre_indices)


def setup_brainpy(law: str, n: int, p: float) -> Setup:
    """Set up brainpy."""
    from brainpy.connect import FixedProb

    def draw() -> Any:
        ids = FixedProb(p, seed=1)(n, n).require("pre_ids", "post_ids")
        return [array.block_until_ready() for array in ids]

    return lambda: draw, lambda ids: len(ids[0])


def setup_csa(law: str, n: int, p: float) -> Setup:
    """Set up csa."""
    import random

    import csa

    places = positions(n)[0].tolist()

    def metric(i: int, j: int) -> float:
        """Return the distance: ``csa.euclidMetric3d`` takes four times as long."""
        return math.dist(places[i], places[j])

    def draw() -> Any:
        random.seed(1)
        if law == GAUSS:
            mask = csa.random * (csa.gaussian(STDEV, REACH) * metric * PMAX)
        else:
            mask = csa.random(p=p)
        pairs = csa.cross((0, n - 1), (0, n - 1)) * mask
        # Less memory than a list of tuples.
        return np.fromiter(pairs, dtype="i4,i4")

    return lambda: draw, len


def setup_pynn(law: str, n: int, p: float) -> Setup:
    """Set up PyNN."""
    import pyNN.mock as sim

    near = f"(d < {REACH}) * {PMAX} * exp(-d**2 / (2 * {STDEV}**2))"

    def prepare() -> Draw:
        sim.setup()
        cells = sim.Population(n, sim.IF_cond_exp())
        cells.positions = positions(n)[0].T
        if law == GAUSS:
            rule = sim.DistanceDependentProbabilityConnector(near)
        else:
            rule = sim.FixedProbabilityConnector(p)
        return lambda: sim.Projection(cells, cells, rule, sim.StaticSynapse())

    return prepare, len


def setup_bmtool(law: str, n: int, p: float) -> Setup:
    """Set up the predecessor."""
    from bmtk.builder import NetworkBuilder
    from bmtool import connectors

    net = NetworkBuilder("net")
    net.add_nodes(N=n, pop_name="A", positions=list(positions(n)[0]))
    pool = net.nodes(pop_name="A")
    cells = list(pool)
    kwargs = {"rng": np.random.default_rng(1), "verbose": False, "save_report": False}
    if law == GAUSS:
        kwargs["p"] = connectors.GaussianDropoff(stdev=STDEV, pmax=PMAX, max_dist=REACH)
        kwargs["p_arg"] = connectors.spherical_dist
    else:
        kwargs["p"] = p

    def draw() -> Any:
        connector = connectors.UnidirectionConnector(**kwargs)
        connector.setup_nodes(pool, pool)
        rule = connector.edge_params()["connection_rule"]
        return [np.flatnonzero([rule(s, t) or 0 for t in cells]) for s in cells]

    return lambda: draw, lambda rows: sum(map(len, rows))


PEERS = {
    OURS: Peer(
        setup_ours("sparse"),
        "bmtool-connectors",
        "constructor to the complete edges: index arrays, sorted by source, then target",
        (CONSTANT, GAUSS, RATE, DEGREE),
    ),
    f"{OURS}, auto": Peer(
        setup_ours("auto"),
        "bmtool-connectors",
        "the same with the default sampler: pairwise for small populations",
        (CONSTANT, GAUSS),
    ),
    "NEST": Peer(
        setup_nest,
        "nest-simulator",
        "`Connect`, pairwise_bernoulli (with mask): draw and synapses in the kernel, one thread",
    ),
    "NEST, in-degree": Peer(
        lambda law, n, p: setup_nest(law, n, p, indegree=True),
        "nest-simulator",
        "another law, cheaper: in-degree fixed, multapses allowed; the rest as NEST",
        (CONSTANT, DEGREE),
    ),
    "Brian2": Peer(
        setup_brian2,
        "brian2",
        "`Synapses.connect`, Cython: draw, int32 arrays by source, synapses counted per cell; "
        "compiled before",
    ),
    "braintools": Peer(
        setup_braintools,
        "braintools",
        "`FixedProb` or `DistanceDependent`: draw, int64 arrays by source, no weights",
    ),
    "brainpy": Peer(
        setup_brainpy,
        "brainpy",
        "another law: `FixedProb` fixes the out-degree; int32 arrays by source. Without numba, "
        "which it would compile with at every draw. No law of distance for cells at any place",
        (CONSTANT, DEGREE),
    ),
    "csa": Peer(
        setup_csa,
        "csa",
        "iteration over the connection set into an array of int32 pairs",
    ),
    "PyNN": Peer(
        setup_pynn,
        "PyNN",
        "`Projection` on the mock back end: draw, and one Python object per synapse",
    ),
    "bmtool": Peer(
        setup_bmtool,
        "bmtool",
        "constructor, draw, and one call of the rule per pair, as BMTK does",
    ),
}


def expected(law: str, n: int) -> float:
    """Return the edges the law expects, autapses included: a sum over pairs, or its mean."""
    if law in (CONSTANT, DEGREE):
        return n * n * probability(law, n)
    places, side = positions(n)
    if n <= 10_000:
        total = 0.0
        for place in places:
            square = ((places - place) ** 2).sum(axis=1)
            total += np.exp(-square[square <= REACH**2] / (2 * STDEV**2)).sum()
        return PMAX * total
    # Many cells: the mean over places, exact to 0.2 %. A difference of two uniform numbers in
    # [0, L] has the density 2 / L * (1 - d / L).
    square, weight = np.zeros(1), np.ones(1)
    for length in (side, side, THICK):
        d, step = np.linspace(0, min(length, REACH), 120, endpoint=False, retstep=True)
        d += step / 2
        square = np.add.outer(square, d**2)
        weight = np.multiply.outer(weight, 2 / length * (1 - d / length) * step)
    mean = (weight * np.exp(-square / (2 * STDEV**2)))[square <= REACH**2].sum()
    return PMAX * (n + n * (n - 1) * float(mean))
