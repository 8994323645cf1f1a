"""Same generator, same network: the package against the reference, pair by pair.

Equality, not similarity: edges, synapse counts, stored arguments (to 1e-12),
counts, rho, and the state of the generator afterwards (the same number of
draws). Whoever changes the order of draws fails here.
"""

from __future__ import annotations

import functools
import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import pytest
import reference
from bmtk.builder import NetworkBuilder
from conftest import QUIET, assert_canonical, built_edges, make_network, node_lists, pools
from hypothesis import event, given, settings
from hypothesis import strategies as st

from bmtool_connectors import (
    ConnectivityWarning,
    CorrelatedGapJunction,
    EdgeList,
    GapJunction,
    GaussianDropoff,
    NormalizedReciprocalRate,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    cylindrical_dist_z,
    spherical_dist,
    vectorized,
)
from bmtool_connectors.sampling import blocks

Parameters = dict[str, Any]
Make = Callable[[Any], Parameters]  #: parameters of a connector that draws from this generator

SEED = 20_240_611
BLOCK_SIZES = (1, 7, 1 << 16)


# ---------------------------------------------------------------------- user functions
def blocks_apart(a: Any, b: Any) -> float:
    """Return a user's distance, in city blocks."""
    return float(np.abs(np.subtract(a["positions"], b["positions"])).sum())


def id_step(a: Any, b: Any) -> int:
    """Return an argument that is not symmetric in its nodes."""
    return b.node_id - a.node_id


def weight_ratio(a: Any, b: Any) -> float:
    return a["weight"] / (a["weight"] + b["weight"])


@vectorized
def weight_gap(a: Any, b: Any) -> Any:
    return np.abs(a["weight"] - b["weight"])


@vectorized
def height_step(a: Any, b: Any) -> Any:
    return b["positions"][..., 2] - a["positions"][..., 2]


def by_step(step: int) -> float:
    return (step % 5) / 5


def near(dist: float) -> float:
    return 0.6 if dist < 70 else 0.0


@vectorized
def falling(arg: Any) -> Any:
    return np.clip(0.9 - np.abs(arg) / 120, 0.0, 1.0)


@functools.partial(vectorized, bound=lambda d0, d1: np.full(np.shape(d0), 0.4))
def bounded(dist: Any) -> Any:
    return 0.4 * (np.asarray(dist) < 80.0)


class Halved(GaussianDropoff):
    """A user's class, to be called once per pair and not taken for its base class."""

    def __call__(self, dist: float, *ignored: Any, **also: Any) -> float:
        return super().__call__(dist) / 2


def rate(dist: float) -> float:
    """Return a normalized reciprocal rate that a user wrote for numbers only."""
    return 1.0 + 0.8 * math.exp(-dist / 50) if dist < 90 else 1.0


def joint(arg: Any, p0: float, p1: float) -> float:
    return p0 * p1 + 0.3 * (min(p0, p1) - p0 * p1) * (1.0 if arg is None else 1 / (1 + abs(arg)))


def count_of_ids(a: Any, b: Any) -> int:
    return 1 + (3 * a.node_id + 5 * b.node_id) % 4


def sometimes_none(a: Any, b: Any) -> int:
    return (3 * a.node_id + 5 * b.node_id) % 3


@vectorized
def count_of_nodes(a: Any, b: Any) -> Any:
    return (a.node_id * 2 + b.node_id) % 4


def plain(value: Any) -> Any:
    """Return the reference's version of a parameter: the package's own classes written out."""
    if isinstance(value, np.ndarray):
        return value.item()
    if value is spherical_dist:
        return reference.spherical
    if value is cylindrical_dist_z:
        return reference.cylindrical
    if type(value) is GaussianDropoff:
        ends = (value.min_dist, value.max_dist)
        return reference.gaussian(value.mean, value.stdev, value.pmax, *ends)
    if type(value) is UniformInRange:
        return reference.uniform(float(value.p), value.min_dist, value.max_dist)
    if type(value) is NormalizedReciprocalRate:
        return reference.reciprocal_rate(plain(value.NRR))
    return value


# ---------------------------------------------------------------------- comparison
@contextmanager
def block_size(size: int) -> Iterator[None]:
    with mock.patch.object(blocks, "BLOCK_SIZE", size):
        yield


def state_of(rng: Any) -> Any:
    """Return the state of a generator in a form that compares with ``==``."""
    state = rng.get_state(legacy=False) if isinstance(rng, np.random.RandomState) else None
    return repr(rng.bit_generator.state if state is None else {**state, "state": _key(state)})


def _key(state: Any) -> Any:
    return state["state"]["key"].tolist(), state["state"]["pos"]


def edges_of(found: EdgeList | None) -> list[reference.Edge]:
    """Return an edge list as the reference writes it."""
    if found is None:
        return []
    args = [None] * len(found) if found.pair_arg is None else found.pair_arg.tolist()
    return list(
        zip(found.source.tolist(), found.target.tolist(), found.n_syn.tolist(), args, strict=True)
    )


def assert_same_edges(found: list[reference.Edge], expected: list[reference.Edge]) -> None:
    assert [e[:3] for e in found] == [e[:3] for e in expected]
    for mine, other in zip(found, expected, strict=True):
        if isinstance(other[3], int | float | np.number):
            assert mine[3] == pytest.approx(float(other[3]), rel=1e-12, abs=1e-12)
        else:
            assert mine[3] == other[3]


def pair_counts(drawn: reference.Draw, recurrent: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (possible, connected) as ``Connectivity`` counts them, from the reference's edges."""
    forward = {e[:2] for e in drawn.forward}
    if recurrent:
        unordered = {(min(pair), max(pair)) for pair in forward}
        both = {(i, j) for i, j in forward if i < j and (j, i) in forward}
        return (drawn.possible[0],) * 2, (len(unordered), len(both))
    backward = {(e[1], e[0]) for e in drawn.backward}
    counts = (len(forward), len(backward), len(forward & backward))
    return tuple(drawn.possible), counts


def drawn_by_package(
    connector_class: type,
    make: Make,
    net: NetworkBuilder,
    rng: Any,
) -> tuple[Any, list[str]]:
    """Return a connector of the package after its draw, and its warnings."""
    source, target = pools(net)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        connector = connector_class(**make(rng), rng=rng, **QUIET)
        before = state_of(rng)
        connector.setup_nodes(source=source, target=target)
        connector.edge_params()
        assert state_of(rng) == before, "drew before the first use"
        connector.initial_all_to_all()
    assert all(w.category is ConnectivityWarning for w in caught), [str(w.message) for w in caught]
    return connector, [str(w.message) for w in caught]


def drawn_by_reference(
    connector_class: type, make: Make, net: NetworkBuilder, rng: Any
) -> reference.Draw:
    """Return what the loop over pairs draws."""
    parameters = {name: plain(value) for name, value in make(rng).items()}
    parameters.pop("cache_data", None)
    one_way = connector_class is UnidirectionConnector
    loop = reference.unidirection if one_way else reference.reciprocal
    return loop(*node_lists(*pools(net)), rng, **parameters)


def assert_equal_draw(
    connector_class: type, make: Make, net: NetworkBuilder, rngs: tuple[Any, Any] | None = None
) -> tuple[reference.Draw, list[str]]:
    """Assert that package and reference agree; return the reference's draw, and the warnings."""
    rngs = (np.random.default_rng(SEED), np.random.default_rng(SEED)) if rngs is None else rngs
    connector, messages = drawn_by_package(connector_class, make, net, rngs[0])
    expected = drawn_by_reference(connector_class, make, net, rngs[1])
    assert_agree(connector, messages, expected, rngs)
    return expected, messages


def assert_equal_draws(
    connector_class: type, make: Make, net: NetworkBuilder
) -> Iterator[tuple[reference.Draw, list[str]]]:
    """Do so for each size of blocks; the reference, which knows of no blocks, draws once."""
    rng = np.random.default_rng(SEED)
    expected = drawn_by_reference(connector_class, make, net, rng)
    for size in BLOCK_SIZES:
        own = np.random.default_rng(SEED)
        with block_size(size):
            connector, messages = drawn_by_package(connector_class, make, net, own)
        assert_agree(connector, messages, expected, (own, rng))
        yield expected, messages


def assert_agree(
    connector: Any, messages: list[str], expected: reference.Draw, rngs: tuple[Any, Any]
) -> None:
    """Assert that edges, counts, warnings and states of the generators are the same."""
    connector_class = type(connector)
    found = connector.connectivity
    assert_canonical(found.forward)
    if found.backward is not None:
        assert_canonical(found.backward)
    assert_same_edges(edges_of(found.forward), expected.forward)
    assert_same_edges(edges_of(found.backward), expected.backward)
    assert state_of(rngs[0]) == state_of(rngs[1]), "another number of draws"

    possible, connected = pair_counts(expected, connector.recurrent)
    if connector_class is UnidirectionConnector:
        # One direction, also within one population: ordered pairs.
        possible, connected = (expected.possible[0],), (len(expected.forward),)
    assert (found.possible, found.connected) == (possible, connected)
    assert found.dropped == expected.dropped
    if connector_class is ReciprocalConnector:
        determined = expected.estimate is None or expected.estimate.determined
        if expected.rho is None:
            assert connector.rho is None
        elif determined:
            assert connector.rho == pytest.approx(expected.rho, abs=1e-9)
        if determined:
            missed = expected.estimate is not None and expected.estimate.missed
            assert found.clipped == expected.clipped
            # A pr that cannot be reached is why pairs are clipped.
            clipped = expected.clipped > 0 and not missed
            assert any("not feasible for" in m for m in messages) == clipped
            assert any("no correlation reaches" in m for m in messages) == missed


# ---------------------------------------------------------------------- one direction
UNIDIRECTION: dict[str, Make] = {
    "constant": lambda rng: {"p": 0.3},
    "never": lambda rng: {"p": 0.0},
    "always": lambda rng: {"p": 1.0},
    "always, as an integer": lambda rng: {"p": 1},
    "numpy number": lambda rng: {"p": np.float64(0.3)},
    "array of one": lambda rng: {"p": np.array([0.3])},
    "number with an argument": lambda rng: {"p": 0.3, "p_arg": spherical_dist},
    "function without an argument": lambda rng: {"p": lambda arg: 0.25 if arg is None else 1.0},
    "function of a number": lambda rng: {"p": lambda arg: arg / 10, "p_arg": 4.0},
    "distance law of a number": lambda rng: {"p": GaussianDropoff(stdev=50.0), "p_arg": 60.0},
    "constant and argument a number": lambda rng: {"p": 0.4, "p_arg": 7.5},
    "gaussian": lambda rng: {"p": GaussianDropoff(stdev=60.0), "p_arg": spherical_dist},
    "gaussian, cylindrical": lambda rng: {
        "p": GaussianDropoff(mean=30.0, stdev=25.0, pmax=0.7),
        "p_arg": cylindrical_dist_z,
    },
    "gaussian with a reach": lambda rng: {
        "p": GaussianDropoff(stdev=40.0, min_dist=10.0, max_dist=55.0),
        "p_arg": spherical_dist,
    },
    "gaussian that underflows": lambda rng: {
        "p": GaussianDropoff(stdev=1.5), "p_arg": spherical_dist,
    },
    "gaussian from ptotal": lambda rng: {
        "p": GaussianDropoff(stdev=80.0, ptotal=0.3, ptotal_dist_range=(0, 60.0)),
        "p_arg": spherical_dist,
    },
    "gaussian cut at 1": lambda rng: {
        "p": GaussianDropoff(stdev=40.0, pmax=2.5), "p_arg": spherical_dist,
    },
    "nobody in reach": lambda rng: {
        "p": UniformInRange(0.5, max_dist=1e-3), "p_arg": cylindrical_dist_z,
    },
    "uniform in a ring": lambda rng: {
        "p": UniformInRange(0.5, min_dist=30.0, max_dist=70.0), "p_arg": spherical_dist,
    },
    "user law of a package distance": lambda rng: {"p": near, "p_arg": spherical_dist},
    "package law of a user distance": lambda rng: {
        "p": GaussianDropoff(stdev=60.0, max_dist=120.0), "p_arg": blocks_apart,
    },
    "user law and argument": lambda rng: {"p": by_step, "p_arg": id_step},
    "law that is 0-dimensional arrays": lambda rng: {
        "p": np.vectorize(near), "p_arg": spherical_dist,
    },
    "user's subclass": lambda rng: {"p": Halved(stdev=60.0), "p_arg": spherical_dist},
    "vectorized law": lambda rng: {"p": falling, "p_arg": spherical_dist},
    "vectorized law with a bound": lambda rng: {"p": bounded, "p_arg": cylindrical_dist_z},
    "vectorized argument": lambda rng: {"p": lambda gap: 0.8 * (gap < 0.4), "p_arg": weight_gap},
    "vectorized argument of positions": lambda rng: {"p": falling, "p_arg": height_step},
    "no autapses": lambda rng: {"p": 0.6, "allow_autapses": False},
    "no autapses, distance law": lambda rng: {
        "p": GaussianDropoff(stdev=50.0, max_dist=60.0),
        "p_arg": spherical_dist,
        "allow_autapses": False,
    },
    "no autapses, user law": lambda rng: {
        "p": by_step, "p_arg": id_step, "allow_autapses": False, "n_syn": count_of_ids,
    },
    "three synapses": lambda rng: {"p": 0.4, "n_syn": 3},
    "a thousand synapses": lambda rng: {"p": 0.4, "n_syn": 1000},
    "70000 synapses": lambda rng: {"p": 0.4, "n_syn": lambda a, b: 70_000},
    "no synapses": lambda rng: {"p": 0.4, "n_syn": 0},
    "whole float synapses": lambda rng: {"p": 0.4, "n_syn": 2.0},
    "synapses of the nodes": lambda rng: {"p": 0.4, "n_syn": count_of_ids},
    "synapses of the nodes, often 0": lambda rng: {
        "p": GaussianDropoff(stdev=60.0), "p_arg": spherical_dist, "n_syn": sometimes_none,
    },
    "vectorized synapses": lambda rng: {"p": 0.6, "n_syn": count_of_nodes},
    "random synapses": lambda rng: {"p": 0.4, "n_syn": lambda a, b: 1 + int(3 * rng.random())},
    "random synapses, often 0": lambda rng: {
        "p": GaussianDropoff(stdev=70.0, max_dist=90.0),
        "p_arg": spherical_dist,
        "n_syn": lambda a, b: int(rng.random() < 0.5),
    },
    "synapses that are sometimes random": lambda rng: {
        "p": 0.5,
        "n_syn": lambda a, b: 2 if (a.node_id + b.node_id) % 5 else 1 + int(rng.random() < 0.5),
    },
}  # fmt: skip


@pytest.mark.parametrize("n_b", [11, 0], ids=["two", "one"])
@pytest.mark.parametrize("name", UNIDIRECTION)
@pytest.mark.filterwarnings("ignore:pmax of GaussianDropoff")
def test_unidirection(name: str, n_b: int) -> None:
    net = make_network(13, n_b)
    for _ in assert_equal_draws(UnidirectionConnector, UNIDIRECTION[name], net):
        pass


# ---------------------------------------------------------------------- both directions
def distances(p0_arg: Any = spherical_dist, p1_arg: Any = None, **more: Any) -> Parameters:
    """Return parameters of two distance laws."""
    return {
        "p0": GaussianDropoff(stdev=45.0, pmax=0.8, max_dist=95.0),
        "p1": UniformInRange(0.35, max_dist=80.0),
        "p0_arg": p0_arg,
        "p1_arg": p0_arg if p1_arg is None else p1_arg,
        **more,
    }


def alike(**more: Any) -> Parameters:
    """Return parameters with one distance law for both directions."""
    return {
        "p0": GaussianDropoff(stdev=50.0, pmax=0.7, max_dist=120.0),
        "p0_arg": spherical_dist,
        "symmetric_p1": True,
        "symmetric_p1_arg": True,
        **more,
    }


#: Feasible for every pair: no warning is allowed.
FEASIBLE: dict[str, Make] = {
    "pr": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": 0.12, "estimate_rho": False},
    "pr at the upper bound": lambda rng: {
        "p0": 0.3, "p1": 0.3, "pr": 0.3, "estimate_rho": False,
    },
    "pr at the lower bound": lambda rng: {
        "p0": 0.75, "p1": 0.75, "pr": 0.5, "estimate_rho": False,
    },
    "pr 0": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": 0.0},
    "pr 0, rho not estimated": lambda rng: {
        "p0": 0.3, "p1": 0.2, "pr": 0.0, "estimate_rho": False,
    },
    "independent": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": None},
    "independent, distances": lambda rng: distances(pr=None),
    "pr estimated, constants": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": 0.1},
    "forward never": lambda rng: {"p0": 0.0, "p1": 0.5, "pr": 0.0, "estimate_rho": False},
    "forward never, pr estimated": lambda rng: {"p0": 0.0, "p1": 0.5, "pr": None},
    "backward never": lambda rng: {"p0": 0.5, "p1": 0.0, "pr": None},
    "forward always": lambda rng: {"p0": 1.0, "p1": 0.5, "pr": 0.5, "estimate_rho": False},
    "backward always": lambda rng: {"p0": 0.5, "p1": 1.0, "pr": 0.5, "estimate_rho": False},
    "all to all": lambda rng: {"p0": 1.0, "p1": 1.0, "pr": 1.0},
    "rho": lambda rng: {"p0": 0.3, "p1": 0.3, "rho": 0.5},
    "rho below 0": lambda rng: {"p0": 0.4, "p1": 0.5, "rho": -0.4},
    "rho 0": lambda rng: {"p0": 0.4, "p1": 0.5, "rho": 0.0},
    "rho 0 of distances": lambda rng: distances(rho=0),
    "rho and pr": lambda rng: {"p0": 0.3, "p1": 0.3, "rho": 0.5, "pr": 0.2},
    "rho of equal distance laws": lambda rng: alike(rho=0.6),
    "pr estimated, equal distance laws": lambda rng: alike(pr=0.15),
    "pr estimated, distances": lambda rng: distances(pr=0.10),
    "pr estimated, spherical and cylindrical": lambda rng: distances(
        cylindrical_dist_z, spherical_dist, pr=0.17
    ),
    "pr estimated, one uniform ring": lambda rng: {
        "p0": UniformInRange(0.4, min_dist=20.0, max_dist=60.0),
        "p1": UniformInRange(0.4, min_dist=20.0, max_dist=60.0),
        "p0_arg": spherical_dist,
        "p1_arg": spherical_dist,
        "pr": 0.25,
    },
    "forward range": lambda rng: alike(pr=0.25, dist_range_forward=(0, 60.0)),
    "backward range": lambda rng: alike(pr=0.25, dist_range_backward=(20.0, 60.0)),
    "both ranges": lambda rng: alike(
        pr=0.2, dist_range_forward=(0, 70.0), dist_range_backward=(20.0, 90.0)
    ),
    "range beyond the reach": lambda rng: {
        **alike(pr=0.1),
        "p0": UniformInRange(0.4, max_dist=60.0),
        "dist_range_forward": (30.0, 90.0),
    },
    "ranges of different distances": lambda rng: {
        **distances(cylindrical_dist_z, spherical_dist, pr=0.12),
        "p0": UniformInRange(0.4),
        "p1": UniformInRange(0.4),
        "dist_range_forward": (0, 50.0),
        "dist_range_backward": (30.0, 80.0),
    },
    "range of a user argument": lambda rng: {
        "p0": 0.4, "p1": 0.4, "p0_arg": id_step, "p1_arg": id_step, "pr": 0.3,
        "dist_range_forward": (2, 9),
    },
    "user laws": lambda rng: {
        "p0": by_step, "p1": by_step, "p0_arg": id_step, "p1_arg": id_step, "pr": joint,
    },
    "user laws, pr estimated": lambda rng: {
        "p0": lambda x: 0.2 + x / 4, "p1": lambda x: 0.2 + x / 4,
        "p0_arg": weight_ratio, "p1_arg": weight_ratio, "pr": 0.13,
    },
    "user law and constant": lambda rng: {
        "p0": near, "p0_arg": blocks_apart, "p1": 0.3, "pr": None,
    },
    "constant and user law": lambda rng: {
        "p0": 0.3, "p1": near, "p1_arg": blocks_apart, "p0_arg": blocks_apart, "pr": None,
    },
    "arguments are numbers": lambda rng: {
        "p0": lambda x: x / 10, "p0_arg": 3.0, "p1": lambda x: x / 20, "p1_arg": 5.0, "pr": 0.1,
    },
    "vectorized laws": lambda rng: {
        "p0": falling, "p1": bounded, "p0_arg": height_step, "p1_arg": cylindrical_dist_z,
        "pr": None,
    },
    "symmetric, constants": lambda rng: {"p0": 0.3, "p1": 0.9, "symmetric_p1": True, "pr": 0.1},
    "symmetric, one argument": lambda rng: {
        "p0": near, "p0_arg": spherical_dist, "p1_arg": spherical_dist, "symmetric_p1": True,
        "pr": 0.45,
    },
    "symmetric argument": lambda rng: {
        **distances(pr=0.1), "p1_arg": None, "symmetric_p1_arg": True,
    },
    "symmetric argument that is not": lambda rng: {
        "p0": by_step, "p1": lambda step: (step % 3) / 4, "p0_arg": id_step,
        "p1_arg": blocks_apart, "symmetric_p1_arg": True, "pr": joint, "pr_arg": "1",
    },
    "pr a function of nothing": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": joint},
    "pr a function of a number": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": joint, "pr_arg": 2.0},
    "pr a function of p0_arg": lambda rng: distances(pr=joint, pr_arg="0"),
    "pr a function of p1_arg": lambda rng: distances(
        cylindrical_dist_z, spherical_dist, pr=joint, pr_arg="1"
    ),
    "pr a function of p10": lambda rng: distances(
        cylindrical_dist_z, spherical_dist, pr=joint, pr_arg="p10"
    ),
    "pr a function of ''": lambda rng: distances(
        cylindrical_dist_z, spherical_dist, pr=joint, pr_arg=""
    ),
    "pr a function of a distance": lambda rng: distances(
        cylindrical_dist_z, pr=joint, pr_arg=spherical_dist
    ),
    "pr a function of two nodes": lambda rng: distances(pr=joint, pr_arg=id_step),
    "pr vectorized": lambda rng: {
        "p0": 0.4, "p1": 0.3,
        "pr": vectorized(lambda gap, p0, p1: p0 * p1 * (1 + 0.5 * gap)), "pr_arg": weight_gap,
    },
    "pr a gaussian": lambda rng: {
        "p0": 0.5, "p1": 0.5, "pr": GaussianDropoff(stdev=60.0, pmax=0.45),
        "pr_arg": spherical_dist,
    },
    "pr a gaussian of p1_arg": lambda rng: {
        "p0": 0.5, "p1": 0.5, "p0_arg": cylindrical_dist_z, "p1_arg": spherical_dist,
        "pr": GaussianDropoff(stdev=60.0, pmax=0.45), "pr_arg": "1",
    },
    "pr a rate": lambda rng: {
        "p0": 0.2, "p1": 0.3, "pr": NormalizedReciprocalRate(2.5),
    },
    "pr a rate, distances": lambda rng: distances(
        pr=NormalizedReciprocalRate(1.2), pr_arg="0"
    ),
    "pr a rate from a user function": lambda rng: {
        **distances(pr=NormalizedReciprocalRate(rate), pr_arg="0", symmetric_p1_arg=True),
        "p0": UniformInRange(0.4, max_dist=95.0),
    },
    "pr a rate from a profile": lambda rng: {
        "p0": 0.4, "p1": 0.4, "pr": NormalizedReciprocalRate(UniformInRange(0.5, max_dist=60.0)),
        "pr_arg": spherical_dist,
    },
    "pr a rate from a vectorized function": lambda rng: {
        "p0": 0.4, "p1": 0.4, "pr": NormalizedReciprocalRate(vectorized(lambda d: 1 + d / 200)),
        "pr_arg": spherical_dist,
    },
    "synapses": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": 0.1, "n_syn0": 3, "n_syn1": 5},
    "no forward synapses": lambda rng: {
        "p0": 0.3, "p1": 0.2, "pr": 0.1, "n_syn0": 0, "n_syn1": 2,
    },
    "no backward synapses": lambda rng: {
        "p0": 0.3, "p1": 0.2, "pr": 0.1, "n_syn0": 2, "n_syn1": 0,
    },
    "many synapses": lambda rng: {
        "p0": 0.3, "p1": 0.2, "pr": 0.1, "n_syn0": 300, "n_syn1": lambda a, b: np.int64(40_000),
    },
    "synapses of the nodes": lambda rng: distances(
        pr=None, n_syn0=count_of_ids, n_syn1=sometimes_none
    ),
    "synapses of the nodes, forward": lambda rng: distances(
        pr=None, n_syn0=sometimes_none, n_syn1=2
    ),
    "vectorized synapses": lambda rng: distances(
        pr=None, n_syn0=count_of_nodes, n_syn1=count_of_nodes
    ),
    "random synapses": lambda rng: distances(
        pr=0.1,
        n_syn0=lambda a, b: 1 + int(4 * rng.random()),
        n_syn1=lambda a, b: int(2 * rng.random()),
    ),
    "random backward synapses": lambda rng: {
        "p0": 0.4, "p1": 0.3, "pr": 0.2, "n_syn0": 2,
        "n_syn1": lambda a, b: int(3 * rng.random()),
    },
    "random forward synapses": lambda rng: {
        "p0": 0.4, "p1": 0.3, "pr": 0.2, "n_syn1": count_of_ids,
        "n_syn0": lambda a, b: int(3 * rng.random()),
    },
    "synapses that are sometimes random": lambda rng: distances(
        pr=joint,
        n_syn0=lambda a, b: 2 if (a.node_id + b.node_id) % 5 else 1 + int(2 * rng.random()),
        n_syn1=count_of_ids,
    ),
    "random and vectorized synapses": lambda rng: distances(
        pr=joint, n_syn0=lambda a, b: 1 + int(2 * rng.random()), n_syn1=count_of_nodes
    ),
    "autapses": lambda rng: {"p0": 0.4, "p1": 0.3, "pr": 0.2, "autapses": True},
    "autapses, rho not estimated": lambda rng: {
        "p0": 0.4, "p1": 0.3, "pr": 0.2, "autapses": True, "estimate_rho": False,
        "n_syn0": count_of_ids, "n_syn1": count_of_ids,
    },
    "autapses, distances": lambda rng: alike(pr=0.15, autapses=True, n_syn0=sometimes_none),
    "autapses, random synapses": lambda rng: alike(
        rho=0.3,
        autapses=True,
        n_syn0=lambda a, b: 1 + int(2 * rng.random()),
        n_syn1=lambda a, b: 1 + int(2 * rng.random()),
    ),
    "autapses beyond a range": lambda rng: {
        "p0": UniformInRange(0.6, min_dist=1.0, max_dist=90.0), "p0_arg": spherical_dist,
        "symmetric_p1": True, "symmetric_p1_arg": True, "pr": 0.4, "autapses": True,
    },
}  # fmt: skip

#: With pairs whose pr has to be moved.
INFEASIBLE: dict[str, Make] = {
    "pr too high": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": 0.5, "estimate_rho": False},
    "pr too low": lambda rng: {"p0": 0.8, "p1": 0.7, "pr": 0.1, "estimate_rho": False},
    "pr below 0": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": lambda arg, p0, p1: -1.0},
    "pr above 1": lambda rng: {"p0": 0.3, "p1": 0.2, "pr": lambda arg, p0, p1: 3.0},
    "pr estimated, too high": lambda rng: {"p0": 0.5, "p1": 0.1, "pr": 0.2},
    "pr estimated, too low": lambda rng: {"p0": 0.8, "p1": 0.5, "pr": 0.0},
    "rho too high": lambda rng: {"p0": 0.5, "p1": 0.1, "rho": 0.9},
    "rho too low": lambda rng: {"p0": 0.5, "p1": 0.1, "rho": -0.9},
    "rho 1 of different laws": lambda rng: distances(rho=1),
    "rho -1 of one law": lambda rng: alike(rho=-1.0),
    "pr estimated, very different laws": lambda rng: {
        "p0": GaussianDropoff(stdev=20.0),
        "p1": GaussianDropoff(stdev=60.0, pmax=0.3),
        "p0_arg": spherical_dist,
        "p1_arg": spherical_dist,
        "pr": 0.05,
    },
    "pr estimated, different distances": lambda rng: distances(
        cylindrical_dist_z, spherical_dist, pr=0.32
    ),
    "pr estimated within a range": lambda rng: distances(pr=0.33, dist_range_forward=(0, 50.0)),
    "pr out of reach": lambda rng: distances(pr=0.9),
    "pr a rate": lambda rng: distances(pr=NormalizedReciprocalRate(6.0), pr_arg="0"),
    "pr a rate from a user function": lambda rng: alike(
        pr=NormalizedReciprocalRate(lambda dist: 4 * rate(dist)), pr_arg="1"
    ),
    "pr a gaussian": lambda rng: distances(
        pr=GaussianDropoff(stdev=60.0, pmax=0.6), pr_arg=cylindrical_dist_z
    ),
    "pr out of reach within a range": lambda rng: distances(
        pr=0.9, dist_range_backward=(40.0, 90.0)
    ),
    "pr 0 within a range": lambda rng: distances(pr=0.0, dist_range_forward=(0, 40.0)),
    "autapses": lambda rng: alike(
        pr=lambda arg, p0, p1: 0.6, autapses=True, n_syn0=lambda a, b: int(2 * rng.random())
    ),
}  # fmt: skip


@pytest.mark.parametrize("n_b", [11, 0], ids=["two", "one"])
@pytest.mark.parametrize("name", FEASIBLE)
def test_reciprocal(name: str, n_b: int) -> None:
    net = make_network(13, n_b)
    for drawn, messages in assert_equal_draws(ReciprocalConnector, FEASIBLE[name], net):
        if n_b:  # one population makes some of these infeasible, p1 being p0
            assert drawn.clipped == 0, "not a feasible case"
            assert not messages


@pytest.mark.parametrize("n_b", [11, 0], ids=["two", "one"])
@pytest.mark.parametrize("name", INFEASIBLE)
def test_reciprocal_infeasible(name: str, n_b: int) -> None:
    net = make_network(13, n_b)
    for drawn, messages in assert_equal_draws(ReciprocalConnector, INFEASIBLE[name], net):
        if n_b:
            missed = drawn.estimate is not None and drawn.estimate.missed
            assert drawn.clipped > 0 or missed, "not an infeasible case"
            # Each said once.
            clipped = drawn.clipped > 0 and not missed
            assert sum("not feasible for" in m for m in messages) == clipped
            assert sum("no correlation reaches" in m for m in messages) == missed


@pytest.mark.parametrize("n_b", [11, 0], ids=["two", "one"])
@pytest.mark.parametrize("name", FEASIBLE)
def test_without_cache(name: str, n_b: int) -> None:
    net = make_network(13, n_b)

    def make(rng: Any) -> Parameters:
        return {**FEASIBLE[name](rng), "cache_data": False}

    assert_equal_draw(ReciprocalConnector, make, net)


@pytest.mark.parametrize("name", ["pr", "pr estimated, distances", "random synapses", "autapses"])
@pytest.mark.parametrize("n_b", [11, 0], ids=["two", "one"])
def test_random_state(name: str, n_b: int) -> None:
    rngs = (np.random.RandomState(5), np.random.RandomState(5))
    assert_equal_draw(ReciprocalConnector, FEASIBLE[name], make_network(13, n_b), rngs)


@pytest.mark.parametrize("bits", [np.random.PCG64DXSM, np.random.MT19937, np.random.Philox])
def test_other_bit_generators(bits: Any) -> None:
    net = make_network(13, 11)
    for name in ("random synapses, often 0", "gaussian with a reach"):
        rngs = (np.random.Generator(bits(3)), np.random.Generator(bits(3)))
        assert_equal_draw(UnidirectionConnector, UNIDIRECTION[name], net, rngs)


def test_generator_in_the_middle_of_its_stream() -> None:
    """A buffered 32-bit half must survive, and the draw starts where the generator is."""
    rngs = (np.random.default_rng(1), np.random.default_rng(1))
    for rng in rngs:
        rng.integers(0, 10, dtype=np.int32)
        rng.random(7)

    def make(rng: Any) -> Parameters:
        return {"p": 0.4, "n_syn": lambda a, b: int(rng.integers(0, 4, dtype=np.int32))}

    assert_equal_draw(UnidirectionConnector, make, make_network(9, 8), rngs)


def test_two_connectors_share_a_generator() -> None:
    net = make_network(13, 11)
    rngs = (np.random.default_rng(8), np.random.default_rng(8))
    for name in ("random synapses", "pr", "pr estimated, distances"):
        assert_equal_draw(ReciprocalConnector, FEASIBLE[name], net, rngs)
    for name in ("gaussian", "random synapses"):
        assert_equal_draw(UnidirectionConnector, UNIDIRECTION[name], net, rngs)


@pytest.mark.parametrize("n_a", [1, 2, 3])
@pytest.mark.parametrize("n_b", [0, 1, 2])
@pytest.mark.parametrize("autapses", [False, True])
def test_tiny_pools(n_a: int, n_b: int, autapses: bool) -> None:
    net = make_network(n_a, n_b)
    for p in (0.0, 0.5, 1.0):
        assert_equal_draw(
            UnidirectionConnector, lambda rng, p=p: {"p": p, "allow_autapses": autapses}, net
        )
        assert_equal_draw(
            ReciprocalConnector,
            lambda rng, p=p: {"p0": p, "p1": p, "pr": p * p, "autapses": autapses},
            net,
        )


@pytest.mark.parametrize("name", ["pr estimated, distances", "pr estimated, equal distance laws"])
def test_positions_as_columns(name: str) -> None:
    """Coordinates as x, y, z give the edges of the same coordinates as 'positions'."""
    for n_b in (11, 0):
        assert_equal_draw(
            ReciprocalConnector, FEASIBLE[name], make_network(13, n_b, positions="xyz")
        )


@pytest.mark.parametrize("name", ["pr", "rho", "pr estimated, constants", "synapses"])
def test_without_positions(name: str) -> None:
    for n_b in (11, 0):
        net = make_network(13, n_b, positions=None)
        assert_equal_draw(ReciprocalConnector, FEASIBLE[name], net)


@pytest.mark.parametrize("autapses", [False, True])
def test_overlapping_pools(autapses: bool) -> None:
    """A node and itself is an autapse whatever the pools, and has one connection."""
    net = make_network(12)
    first = net.nodes(node_id=list(range(8)))
    second = net.nodes(node_id=list(range(5, 12)))
    for make in (
        lambda rng: {"p0": 0.5, "p1": 0.6, "pr": 0.4, "estimate_rho": False},
        lambda rng: distances(pr=0.12, n_syn0=count_of_ids, n_syn1=count_of_ids),
    ):
        rngs = [np.random.default_rng(4) for _ in range(2)]
        connector = ReciprocalConnector(**make(rngs[0]), rng=rngs[0], autapses=autapses, **QUIET)
        connector.setup_nodes(first, second)
        with pytest.warns(ConnectivityWarning, match="share nodes"):
            connector.initial_all_to_all()
        parameters = {name: plain(value) for name, value in make(rngs[1]).items()}
        expected = reference.reciprocal(
            list(first), list(second), rngs[1], autapses=autapses, **parameters
        )
        found = connector.connectivity
        assert_canonical(found.forward)
        assert_canonical(found.backward)
        assert_same_edges(edges_of(found.forward), expected.forward)
        assert_same_edges(edges_of(found.backward), expected.backward)
        assert state_of(rngs[0]) == state_of(rngs[1])
        selves = [(e[0], e[1]) for e in expected.forward if e[0] == e[1] + 5]
        assert bool(selves) == autapses


LARGE: dict[str, Make] = {
    "clipped": lambda rng: distances(cylindrical_dist_z, spherical_dist, pr=0.2),
    "a rate": lambda rng: distances(pr=NormalizedReciprocalRate(9.0), pr_arg="0"),
    "random n_syn": lambda rng: alike(
        pr=NormalizedReciprocalRate(rate), pr_arg="0", n_syn0=lambda a, b: int(3 * rng.random())
    ),
    "constants": lambda rng: {"p0": 0.004, "p1": 0.02, "pr": 0.003},
}


@pytest.mark.parametrize(
    ("name", "n_b"), [("clipped", 320), ("a rate", 0), ("random n_syn", 0), ("constants", 320)]
)
def test_several_blocks_of_the_real_size(name: str, n_b: int) -> None:
    """Few pairs are within reach, and some blocks have none."""
    n_a = 420 if n_b else 520
    net = make_network(n_a, n_b, size=1200.0)
    space = n_a * n_b if n_b else n_a * (n_a - 1) // 2
    assert space > 2 * blocks.BLOCK_SIZE
    drawn, _ = assert_equal_draw(ReciprocalConnector, LARGE[name], net)
    assert len(drawn.forward) > 30


@pytest.mark.parametrize("swapped", [False, True])
def test_pools_beyond_two_bytes(swapped: bool) -> None:
    """More than 32,768 nodes need wider positions."""
    net = NetworkBuilder("net")
    first, second = ("B", "A") if swapped else ("A", "B")
    for pop_name, n in ((first, 33_000), (second, 2)):
        net.add_nodes(N=n, pop_name=pop_name)
    assert_equal_draw(ReciprocalConnector, lambda rng: {"p0": 0.3, "p1": 0.2, "pr": 0.1}, net)


# ---------------------------------------------------------------------- gap junctions
GAPS: dict[str, Parameters] = {
    "constant": {"p": 0.3},
    "always": {"p": 1.0},
    "gaussian with a reach": {
        "p": GaussianDropoff(stdev=40.0, max_dist=60.0), "p_arg": spherical_dist,
    },
    "user law and argument": {"p": by_step, "p_arg": id_step},
}  # fmt: skip


@pytest.mark.parametrize("name", GAPS)
@pytest.mark.parametrize("n", [1, 2, 13])
def test_gap_junction(name: str, n: int) -> None:
    net = make_network(n)
    pool = net.nodes(pop_name="A")
    nodes = list(pool)
    for size in BLOCK_SIZES:
        rngs = np.random.default_rng(6), np.random.default_rng(6)
        connector = GapJunction(**GAPS[name], rng=rngs[0], **QUIET)
        connector.setup_nodes(pool, pool)
        with block_size(size):
            connector.initial_all_to_all()
        p, arg = (plain(GAPS[name].get(key)) for key in ("p", "p_arg"))

        def law(i: int, j: int, p: Any = p, arg: Any = arg) -> Any:
            return reference.value_of(p, reference.value_of(arg, nodes[i], nodes[j]))

        expected = reference.gap_junction(nodes, rngs[1], law)
        found = connector.connectivity.forward
        assert_canonical(found)
        assert [e[:3] for e in edges_of(found)] == [e[:3] for e in expected.forward]
        assert state_of(rngs[0]) == state_of(rngs[1])
        assert connector.connectivity.possible == (expected.possible[0],)


def test_correlated_gap_junction() -> None:
    """One probability for each number of chemical directions of a pair."""
    net = make_network(14)
    pool = net.nodes(pop_name="A")
    nodes = list(pool)
    rngs = np.random.default_rng(6), np.random.default_rng(6)
    chemical = ReciprocalConnector(p0=0.4, pr=0.2, estimate_rho=False, rng=rngs[0], **QUIET)
    gaps = CorrelatedGapJunction(
        p_non=0.1, p_uni=0.5, p_rec=0.9, connector=chemical, rng=rngs[0], **QUIET
    )
    for connector in (chemical, gaps):
        connector.setup_nodes(pool, pool)
        connector.initial_all_to_all()
    drawn = reference.reciprocal(nodes, nodes, rngs[1], p0=0.4, pr=0.2, estimate_rho=False)
    connected = {e[:2] for e in drawn.forward}
    p = (0.1, 0.5, 0.9)
    expected = reference.gap_junction(
        nodes, rngs[1], lambda i, j: p[((i, j) in connected) + ((j, i) in connected)]
    )
    found = gaps.connectivity.forward
    assert_canonical(found)
    assert [e[:3] for e in edges_of(found)] == [e[:3] for e in expected.forward]
    assert state_of(rngs[0]) == state_of(rngs[1])


# ---------------------------------------------------------------------- what is asked, and when
class Recorder:
    """A function of two nodes that remembers whom it was asked about."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function, self.calls = function, []  # type: ignore[var-annotated]

    def __call__(self, a: Any, b: Any) -> Any:
        self.calls.append((a.node_id, b.node_id))
        return self.function(a, b)


@pytest.mark.parametrize("n_b", [11, 0], ids=["two", "one"])
def test_n_syn_is_asked_in_pair_order(n_b: int) -> None:
    """For connected pairs only, forward before backward, also with one function for both."""
    calls = []

    def make(rng: Any) -> Parameters:
        counts = Recorder(sometimes_none)
        calls.append(counts.calls)
        return distances(pr=0.1, n_syn0=counts, n_syn1=counts)

    for size in BLOCK_SIZES:
        with block_size(size):
            assert_equal_draw(ReciprocalConnector, make, make_network(13, n_b))
        assert calls[-2] == calls[-1]
        assert len(calls[-1]) > 20


def two_generators(rng: Any) -> Parameters:
    """Return counts from the shared generator forward, from another one backward."""
    other = np.random.default_rng(99)
    return {
        "p0": 0.4, "p1": 0.3, "pr": 0.2, "n_syn0": lambda a, b: 1 + int(3 * rng.random()),
        "n_syn1": lambda a, b: 1 + int(5 * other.random()),
    }  # fmt: skip


def counted_and_random(rng: Any) -> Parameters:
    """Return counts from the shared generator and from a state of the function's own."""
    calls = itertools.count()
    return {"p0": 0.4, "pr": 0.1, "estimate_rho": False,
            "n_syn0": lambda a, b: 1 + next(calls) % 11 + int(2 * rng.random())}  # fmt: skip


@pytest.mark.parametrize("size", BLOCK_SIZES)
@pytest.mark.parametrize("make", [two_generators, counted_and_random])
def test_n_syn_is_asked_once(make: Make, size: int) -> None:
    """A function that draws from the shared generator may have another state as well."""
    for n_b in (11, 0):
        if make is two_generators and not n_b:
            continue
        with block_size(size):
            assert_equal_draw(
                ReciprocalConnector,
                lambda rng, n_b=n_b: {**make(rng), **({"p1": 0.3} if n_b else {})},
                make_network(13, n_b),
            )


@pytest.mark.parametrize(("cache_data", "times"), [(True, 1), (False, 2)])
def test_user_arguments_are_evaluated_once_or_twice(cache_data: bool, times: int) -> None:
    net = make_network(6, 5)
    forward, backward = Recorder(blocks_apart), Recorder(blocks_apart)
    connector = ReciprocalConnector(
        p0=near, p1=near, p0_arg=forward, p1_arg=backward, pr=0.5, cache_data=cache_data,
        rng=np.random.default_rng(1), **QUIET,
    )  # fmt: skip
    connector.setup_nodes(*pools(net))
    connector.initial_all_to_all()
    pairs = [(i, 6 + j) for i, j in itertools.product(range(6), range(5))]
    assert forward.calls == pairs * times
    assert backward.calls == [(b, a) for a, b in pairs] * times


def test_pr_is_asked_only_where_backward_is_possible() -> None:
    asked = []

    def pr(arg: Any, p0: float, p1: float) -> float:
        asked.append(arg)
        assert p1 > 0
        return p0 * p1

    def make(rng: Any) -> Parameters:
        return {
            "p0": 0.4, "p1": UniformInRange(0.4, max_dist=60.0), "p1_arg": spherical_dist,
            "pr": pr, "pr_arg": blocks_apart,
        }  # fmt: skip

    drawn, _ = assert_equal_draw(ReciprocalConnector, make, make_network(13, 11))
    assert 0 < drawn.possible[1] < drawn.possible[0] == 13 * 11
    assert len(asked) == 2 * drawn.possible[1]  # the package's calls and the reference's


@pytest.mark.parametrize("at", [0, 9, 30])
def test_failing_function_puts_the_generator_back(at: int) -> None:
    """A retry draws what would have been drawn without the failure."""
    net = make_network(13, 11)
    rng = np.random.default_rng(SEED)
    left = [at]

    def n_syn(a: Any, b: Any) -> int:
        left[0] -= 1
        if left[0] == -1:
            raise RuntimeError("user's")
        return 1 + int(2 * rng.random())

    connector = UnidirectionConnector(p=0.4, n_syn=n_syn, rng=rng, **QUIET)
    connector.setup_nodes(*pools(net))
    before = state_of(rng)
    with block_size(20), pytest.raises(RuntimeError, match="user's"):
        connector.initial_all_to_all()
    assert state_of(rng) == before
    connector.initial_all_to_all()

    other = np.random.default_rng(SEED)
    expected = reference.unidirection(
        *node_lists(*pools(net)), other, p=0.4, n_syn=lambda a, b: 1 + int(2 * other.random())
    )
    assert_same_edges(edges_of(connector.connectivity.forward), expected.forward)
    assert state_of(rng) == state_of(other)


def test_bad_value_leaves_the_generator_alone() -> None:
    rng = np.random.default_rng(1)
    connector = UnidirectionConnector(
        p=lambda step: 1.5 if step == 30 else 0.5, p_arg=id_step, rng=rng, **QUIET
    )
    net = make_network(20, 20)
    connector.setup_nodes(*pools(net))
    before = state_of(rng)
    with block_size(7), pytest.raises(ParameterError, match=r"nodes 0 and 30"):
        connector.initial_all_to_all()
    assert state_of(rng) == before


def test_output_changes_nothing(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = []
    for loud in (False, True):
        net = make_network(13, 11)
        connector = ReciprocalConnector(
            **distances(pr=0.1), rng=np.random.default_rng(2), verbose=loud, save_report=loud,
            report_name=tmp_path / "report.csv",
        )  # fmt: skip
        connector.setup_nodes(*pools(net))
        connector.initial_all_to_all()
        drawn.append((edges_of(connector.connectivity.forward),
                      edges_of(connector.connectivity.backward)))  # fmt: skip
    assert drawn[0] == drawn[1]
    assert "Estimated value of rho" in capsys.readouterr().out
    assert len((tmp_path / "report.csv").read_text().splitlines()) == 2


def test_looking_early_warns_once() -> None:
    rng = np.random.default_rng(2)
    connector = UnidirectionConnector(p=0.4, rng=rng, **QUIET)
    connector.setup_nodes(*pools(make_network(5, 4)))
    with pytest.warns(ConnectivityWarning, match="looked at before") as caught:
        _ = connector.connectivity, connector.connectivity
    assert len(caught) == 1
    assert_canonical(connector.connectivity.forward)
    expected = np.random.default_rng(2)
    expected.random(20)
    assert state_of(rng) == state_of(expected)


def test_private_seed_is_not_default_rng_of_it() -> None:
    net = make_network(13, 11)
    connector = UnidirectionConnector(p=0.5, rng=1, **QUIET)
    connector.setup_nodes(*pools(net))
    connector.initial_all_to_all()
    other = reference.unidirection(*node_lists(*pools(net)), np.random.default_rng(1), p=0.5)
    assert edges_of(connector.connectivity.forward) != other.forward


# ---------------------------------------------------------------------- through the rules
def dense(edges: list[reference.Edge], shape: tuple[int, int]) -> np.ndarray:
    table = np.zeros(shape, dtype=int)
    for i, j, n, _ in edges:
        table[i, j] = n
    return table


@pytest.mark.parametrize("n_b", [11, 0], ids=["two", "one"])
@pytest.mark.parametrize("first", ["forward", "backward"])
def test_rules_asked_by_hand(n_b: int, first: str) -> None:
    """Rows, columns and pairs, in any order, any number of times, give the edges of the loop."""
    net = make_network(13, n_b)
    source, target = pools(net)
    rng = np.random.default_rng(SEED)
    parameters = distances(pr=0.1, n_syn0=count_of_ids, n_syn1=count_of_ids)
    if not n_b:
        parameters = alike(pr=0.15, n_syn0=count_of_ids)
    connector = ReciprocalConnector(**parameters, rng=rng, **QUIET)
    connector.setup_nodes(source, target)
    nodes = node_lists(source, target)
    expected = reference.reciprocal(
        *nodes,
        np.random.default_rng(SEED),
        **{name: plain(value) for name, value in parameters.items()},
    )
    forward = dense(expected.forward, (13, n_b or 13))
    # Entry (i, j) is the connection from j to i.
    backward = dense(expected.backward, (n_b, 13)).T if n_b else forward.T

    order = np.random.default_rng(0)
    questions = [("row", i) for i in range(13)] * 2 + [("column", i) for i in range(13)] * 2
    questions += [("pair", i) for i in range(13)] * 2
    order.shuffle(questions)
    questions.insert(0, ("row" if first == "forward" else "column", 4))
    for kind, i in questions:
        some = order.permutation(len(nodes[1]))[: order.integers(0, len(nodes[1]) + 1)]
        others = [nodes[1][j] for j in some]
        if kind == "row":
            answer = connector.make_forward_connection(nodes[0][i], others)
            assert list(answer) == forward[i, some].tolist()
        elif kind == "column":
            answer = connector.make_backward_connection(others, nodes[0][i])
            assert list(answer) == backward[i, some].tolist()
        else:
            for j, node in zip(some, others, strict=True):
                assert connector.make_connection(nodes[0][i], node) == forward[i, j]


def plain_callable(rule: Any) -> Any:
    """Return a function around a rule: what BMTK calls when it knows nothing of our type."""
    return lambda *args: rule(*args)


@pytest.mark.parametrize("wrapped", [functools.partial, plain_callable, None])
@pytest.mark.parametrize("swapped", [False, True], ids=["forward first", "backward first"])
@pytest.mark.parametrize("n_b", [11, 0], ids=["two", "one"])
def test_built_by_bmtk(wrapped: Any, swapped: bool, n_b: int) -> None:
    net = make_network(13, n_b)
    rng, other = np.random.default_rng(SEED), np.random.default_rng(SEED)
    one = UnidirectionConnector(p=near, p_arg=spherical_dist, n_syn=count_of_ids, rng=rng, **QUIET)
    both = ReciprocalConnector(**alike(pr=0.15, n_syn0=count_of_ids), rng=rng, **QUIET)
    expected = []
    nodes = node_lists(*pools(net))
    ids = [[node.node_id for node in each] for each in nodes]
    for connector in (one, both):
        connector.setup_nodes(*pools(net))
        taken = [connector.edge_params()]
        if connector is both and n_b:
            taken.append(connector.edge_params())
        for type_id, params in enumerate(reversed(taken) if swapped else taken):
            if wrapped is not None:
                params["connection_rule"] = wrapped(params["connection_rule"])
            net.add_edges(edge_type_id=type_id + (connector is both) * 10, **params)
    net.build()

    drawn = [
        reference.unidirection(*nodes, other, p=near, p_arg=reference.spherical,
                               n_syn=count_of_ids),
    ]  # fmt: skip
    parameters = {name: plain(v) for name, v in alike(pr=0.15, n_syn0=count_of_ids).items()}
    drawn.append(reference.reciprocal(*nodes, other, **parameters))
    expected += [(0, ids[0][i], ids[1][j], n) for i, j, n, _ in drawn[0].forward]
    forward, backward = (10, 11) if not swapped or not n_b else (11, 10)
    expected += [(forward, ids[0][i], ids[1][j], n) for i, j, n, _ in drawn[1].forward]
    expected += [(backward, ids[1][j], ids[0][i], n) for j, i, n, _ in drawn[1].backward]
    assert built_edges(net) == sorted(expected)
    assert state_of(rng) == state_of(other)


# ---------------------------------------------------------------------- any parameters
# Not so near the ends that rounding of products decides on rho.
probability = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(1e-4, 1 - 1e-4))


@st.composite
def laws(draw: Any) -> tuple[Any, Any]:
    """Return a probability and its argument."""
    reach = draw(st.sampled_from([math.inf, 40.0, 75.0]))
    low = draw(st.sampled_from([0.0, 0.0, 15.0]))
    p = draw(
        st.one_of(
            probability,
            st.builds(
                GaussianDropoff,
                mean=st.sampled_from([0.0, 30.0]),
                stdev=st.floats(15.0, 80.0),
                pmax=probability,
                min_dist=st.just(low),
                max_dist=st.just(reach),
            ),
            st.builds(UniformInRange, probability, min_dist=st.just(low), max_dist=st.just(reach)),
            st.sampled_from([near, falling, bounded, lambda x: abs(x) % 10 / 10]),
        )
    )
    args = [spherical_dist, cylindrical_dist_z, blocks_apart, height_step, id_step, 33.0]
    return p, draw(st.sampled_from(args))


@st.composite
def synapses(draw: Any) -> Callable[[Any], Any]:
    """Return a function from a generator to an n_syn."""
    fixed = draw(
        st.one_of(
            st.integers(0, 3),
            st.sampled_from([count_of_ids, sometimes_none, count_of_nodes]),
            st.none(),
        )
    )
    if fixed is not None:
        return lambda rng: fixed
    modulus = draw(st.integers(1, 4))

    def random_count(rng: Any) -> Any:
        def count(a: Any, b: Any) -> int:
            return 1 if (a.node_id + b.node_id) % modulus else int(3 * rng.random())

        return count

    return random_count


@st.composite
def correlations(draw: Any) -> Parameters:
    """Return what says how the directions of a pair hang together."""
    kind = draw(st.sampled_from(["none", "pr", "estimated", "rho", "function", "rate", "profile"]))
    event(kind)
    arg = draw(st.sampled_from([None, 0.5, "0", "1", spherical_dist, id_step]))
    if kind == "none":
        return {"pr": None}
    if kind == "pr":
        return {"pr": draw(probability), "estimate_rho": False}
    if kind == "estimated":
        ranges = {}
        for name in ("dist_range_forward", "dist_range_backward"):
            low = draw(st.sampled_from([0.0, -6.0, 30.0]))
            high = draw(st.sampled_from([20.0, 60.0]))
            if low < high and draw(st.booleans()):
                ranges[name] = (low, high)
        return {"pr": draw(probability), **ranges}
    if kind == "rho":
        return {"rho": draw(st.floats(-1.0, 1.0, allow_subnormal=False)), "pr": None}
    if kind == "function":
        return {"pr": joint, "pr_arg": arg}
    if kind == "rate":
        return {"pr": NormalizedReciprocalRate(draw(st.floats(0.0, 5.0))), "pr_arg": arg}
    where = draw(st.sampled_from([spherical_dist, cylindrical_dist_z, 20.0]))
    return {"pr": GaussianDropoff(stdev=40.0, pmax=draw(probability)), "pr_arg": where}


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    n_a=st.integers(1, 12),
    n_b=st.integers(0, 12),
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([*BLOCK_SIZES, 3, 20]),
    forward=laws(),
    backward=laws(),
    both=correlations(),
    symmetric=st.booleans(),
    autapses=st.booleans(),
    cache_data=st.booleans(),
    counts=st.tuples(synapses(), synapses()),
)
def test_any_reciprocal(
    n_a: int, n_b: int, seed: int, size: int, forward: Any, backward: Any, both: Parameters,
    symmetric: bool, autapses: bool, cache_data: bool, counts: Any,
) -> None:  # fmt: skip
    net = make_network(n_a, n_b, seed=seed)

    def make(rng: Any) -> Parameters:
        return {
            "p0": forward[0], "p0_arg": forward[1], "p1": backward[0], "p1_arg": backward[1],
            "symmetric_p1": symmetric, "symmetric_p1_arg": symmetric, **both,
            "n_syn0": counts[0](rng), "n_syn1": counts[1](rng),
            "autapses": autapses, "cache_data": cache_data,
        }  # fmt: skip

    rngs = (np.random.default_rng(seed), np.random.default_rng(seed))
    with block_size(size):
        assert_equal_draw(ReciprocalConnector, make, net, rngs)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    n_a=st.integers(1, 12),
    n_b=st.integers(0, 12),
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([*BLOCK_SIZES, 3, 20]),
    law=laws(),
    autapses=st.booleans(),
    counts=synapses(),
)
def test_any_unidirection(
    n_a: int, n_b: int, seed: int, size: int, law: Any, autapses: bool, counts: Any
) -> None:
    net = make_network(n_a, n_b, seed=seed)

    def make(rng: Any) -> Parameters:
        return {"p": law[0], "p_arg": law[1], "n_syn": counts(rng), "allow_autapses": autapses}

    rngs = (np.random.default_rng(seed), np.random.default_rng(seed))
    with block_size(size):
        assert_equal_draw(UnidirectionConnector, make, net, rngs)


# ---------------------------------------------------------------------- the tests themselves
@pytest.mark.parametrize("bug", ["seed", "order", "p", "count", "arg", "extra draw"])
def test_comparison_can_fail(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison sees an oracle that differs in one detail."""
    original = reference.reciprocal

    def spoilt(source: Any, target: Any, rng: Any, **parameters: Any) -> reference.Draw:
        if bug == "order":  # column-major
            drawn = original(target, source, rng, **parameters)
            drawn.forward, drawn.backward = drawn.backward, drawn.forward
            return drawn
        if bug == "p":
            parameters["p1"] = 0.999 * parameters["p1"]
        if bug == "seed":
            rng.random()
        drawn = original(source, target, rng, **parameters)
        if bug == "extra draw":
            rng.random()
        i, j, n, arg = drawn.backward[-1]
        if bug == "count":
            drawn.backward[-1] = (i, j, n + 1, arg)
        if bug == "arg":
            drawn.backward[-1] = (i, j, n, arg * (1 + 1e-9))
        return drawn

    def make(rng: Any) -> Parameters:
        p0, p1 = (0.4, 0.3) if bug == "p" else (falling, bounded)
        args = {"p0_arg": spherical_dist, "p1_arg": spherical_dist}
        return {"p0": p0, "p1": p1, **args, "pr": None}

    net = make_network(60, 60)
    assert_equal_draw(ReciprocalConnector, make, net)
    monkeypatch.setattr(reference, "reciprocal", spoilt)
    with pytest.raises(AssertionError):
        assert_equal_draw(ReciprocalConnector, make, net)


@pytest.mark.parametrize("bug", ["order", "twice", "out of range", "writable", "wide", "count"])
def test_canonical_check_can_fail(bug: str) -> None:
    source, target = np.array([0, 0, 2], dtype=np.int16), np.array([1, 3, 0], dtype=np.int16)
    n_syn: Any = 1
    if bug == "order":
        target[:2] = 3, 1
    elif bug == "twice":
        target[1] = 1
    elif bug == "out of range":
        source[2] = 3
    elif bug == "count":
        n_syn = np.array([1, 0, 2])
    edges = EdgeList.from_sorted(source, target, (3, 4), n_syn)
    if bug == "writable":
        edges.source.base.flags.writeable = True
        object.__setattr__(edges, "source", edges.source.copy())
    elif bug == "wide":
        object.__setattr__(edges, "source", edges.source.astype(np.int64))
        edges.source.flags.writeable = False
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        assert_canonical(edges)
    assert_canonical(EdgeList.from_arrays([0, 0, 2], [3, 1, 0], (3, 4)))
