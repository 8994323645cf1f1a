"""The same edges, whatever the way there: every connector class and sampler, on stock BMTK.

A *kind* is a small script: connectors, the pools they are set up on, and the
``add_edges`` calls (steps). It is built plainly once, and every test takes
another road to the same network: in another order, twice, after a failure, with
copies, in a second network. Edge types carry explicit ids, so that they can be
told apart in any order.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import pickle
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from bmtk.builder import NetworkBuilder
from conftest import BOTH_BUILDERS, QUIET, make_network, stored

import bmtool_connectors
from bmtool_connectors import (
    ConnectivityWarning,
    CorrelatedGapJunction,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    NodeError,
    NormalizedReciprocalRate,
    OneToOneSequentialConnector,
    ParameterError,
    ReciprocalConnector,
    SparseNetwork,
    UnidirectionConnector,
    UniformInRange,
    cylindrical_dist_z,
    decision,
    decisions,
    spherical_dist,
    syn_const_delay,
    syn_section_PN,
    syn_uniform_delay_section,
)
from bmtool_connectors.discovery import arguments, found
from bmtool_connectors.sampling import blocks

pytestmark = [BOTH_BUILDERS, pytest.mark.pairwise]

SEED = 20_250_117
GAP = {"is_gap_junction": True, "syn_weight": 1.0}

Edge = tuple[int, int, int]  #: (source id, target id, synapses)
#: For each edge type id, the edges of each of its tables.
Tables = dict[int, list[frozenset[Edge]]]
Function = Callable[[Any, Any], Any]


# ---------------------------------------------------------------------- functions of a user
def apart(a: Any, b: Any) -> float:
    """Return a distance, in city blocks."""
    return float(np.abs(np.subtract(a["positions"], b["positions"])).sum())


def near(dist: float) -> float:
    """Return a probability."""
    return 0.45 if dist < 90 else 0.15


def nearer(dist: float) -> float:
    """Return a smaller one."""
    return 0.3 if dist < 90 else 0.1


def joint(arg: Any, p0: float, p1: float) -> float:
    """Return a feasible joint probability."""
    return 0.5 * (p0 * p1 + min(p0, p1))


def count(a: Any, b: Any) -> int:
    """Return a number of synapses."""
    return 1 + (a.node_id + 2 * b.node_id) % 3


@dataclass
class Fuse:
    """Functions that raise once, at call number `at` of all of them together."""

    at: int | None = None

    def __call__(self, function: Function) -> Function:
        def guarded(a: Any, b: Any) -> Any:
            if self.at is not None:
                self.at -= 1
                if self.at == -1:
                    self.at = None
                    raise RuntimeError("of the user")
            return function(a, b)

        return guarded


def unchanged(function: Function) -> Function:
    """Return the function itself, which can be pickled."""
    return function


# ---------------------------------------------------------------------- networks and kinds
@dataclass
class Networks:
    """A network with populations A and B, and one with inputs."""

    seed: int = 0
    name: str = "net"
    n_a: int = 14
    n_b: int = 11
    net: NetworkBuilder = field(init=False)
    inputs: NetworkBuilder = field(init=False)

    def __post_init__(self) -> None:
        self.net = make_network(self.n_a, self.n_b, name=self.name, seed=self.seed)
        self.inputs = make_network(40, name="inputs", seed=7)

    def pool(self, name: str) -> Any:
        """Return a new pool: A, B, all of the network, or inputs."""
        if name == "inputs":
            return self.inputs.nodes()
        return self.net.nodes(**({} if name == "all" else {"pop_name": name}))


@dataclass(frozen=True)
class Kind:
    """A script with one connector class, and what it depends on.

    Attributes
    ----------
    make : callable
        ``make(rng, wrap, output)`` returns the connectors, references first.
    uses : tuple of (connector number, source, target)
    steps : tuple of (connector number, what, whether it is a gap junction)
        The ``add_edges`` calls; `what` are arguments of ``edge_params``.
    """

    make: Callable[[Any, Callable[[Function], Function], dict[str, Any]], list[Any]]
    uses: tuple[tuple[int, str, str], ...]
    steps: tuple[tuple[int, dict[str, Any], bool], ...]

    def connectors(
        self,
        rng: Any = None,
        wrap: Callable[[Function], Function] = unchanged,
        output: dict[str, Any] | None = None,
    ) -> list[Any]:
        """Make the connectors; `rng` is a seed of a new shared generator by default."""
        rng = np.random.default_rng(SEED) if rng is None else rng
        return self.make(rng, wrap, QUIET if output is None else output)

    def setup(self, made: list[Any], nets: Networks) -> None:
        """Set up all uses."""
        for number, source, target in self.uses:
            made[number].setup_nodes(source=nets.pool(source), target=nets.pool(target))

    def params(self, made: list[Any], step: int) -> dict[str, Any]:
        """Return the arguments of a step."""
        number, what, is_gap = self.steps[step]
        return {**made[number].edge_params(**what), **(GAP if is_gap else {})}

    def add(self, made: list[Any], nets: Networks, order: Any = None, first: int = 100) -> None:
        """Add the edge types, by default in order, with ids from `first`."""
        for step in range(len(self.steps)) if order is None else order:
            nets.net.add_edges(edge_type_id=first + step, **self.params(made, step))


FORWARD, BACKWARD = {"direction": "forward"}, {"direction": "backward"}


def _unidirection(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    return [UnidirectionConnector(p=near, p_arg=wrap(apart), n_syn=count, rng=rng, **output)]


def _reciprocal_within(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    law = {"p0": near, "p0_arg": wrap(apart), "pr": joint, "n_syn0": count}
    return [ReciprocalConnector(**law, rng=rng, **output)]


def _reciprocal_between(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    law = {"p0": near, "p0_arg": apart, "p1": nearer, "p1_arg": wrap(apart), "pr": 0.1}
    return [ReciprocalConnector(**law, n_syn0=2, n_syn1=wrap(count), rng=rng, **output)]


def _gap_junction(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    return [GapJunction(p=near, p_arg=wrap(apart), rng=rng, **output)]


def _correlated(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    law = {"p0": near, "p0_arg": wrap(apart), "pr": joint, "n_syn0": count}
    chemical = ReciprocalConnector(**law, rng=rng, **output)
    return [chemical, CorrelatedGapJunction(nearer, 0.6, 1.0, None, chemical, rng=rng, **output)]


def _conditional(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    gap = GapJunction(p=near, p_arg=apart, rng=rng, **output)
    laws = {
        **{"p0_elec": 0.6, "p1_elec": 0.6, "pr_elec": 0.4},
        **{"p0_nonelec": near, "p1_nonelec": near, "pr_nonelec": joint},
        **{"p0_nonelec_arg": wrap(apart), "p1_nonelec_arg": apart, "n_syn0": 2, "n_syn1": 2},
    }
    return [gap, GapJunctionConditionalReciprocalConnector(gap, **laws, rng=rng, **output)]


def _one_to_one(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    return [OneToOneSequentialConnector(n_syn=2, verbose=output["verbose"])]


PROFILE = GaussianDropoff(stdev=60.0, pmax=0.55, max_dist=120.0)


def _sparse_unidirection(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    law = {"p": PROFILE, "p_arg": spherical_dist, "n_syn": wrap(count), "sampler": "sparse"}
    return [UnidirectionConnector(**law, rng=rng, **output)]


def _sparse_reciprocal(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    law = {"p0": PROFILE, "p0_arg": spherical_dist, "n_syn0": wrap(count), "sampler": "sparse"}
    law |= {"p1": UniformInRange(0.4, max_dist=90.0), "p1_arg": cylindrical_dist_z}
    return [ReciprocalConnector(**law, pr=NormalizedReciprocalRate(1.5), rng=rng, **output)]


def _correlated_to_sparse(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
    law = {"p0": PROFILE, "p0_arg": spherical_dist, "n_syn0": wrap(count), "sampler": "sparse"}
    chemical = ReciprocalConnector(**law, pr=NormalizedReciprocalRate(1.5), rng=rng, **output)
    return [chemical, CorrelatedGapJunction(PROFILE, 0.6, 1.0, None, chemical, rng=rng, **output)]


SCRIPTS = {
    "unidirection": Kind(_unidirection, ((0, "A", "B"),), ((0, {}, False),)),
    "reciprocal within": Kind(_reciprocal_within, ((0, "A", "A"),), ((0, {}, False),)),
    "reciprocal between": Kind(
        _reciprocal_between, ((0, "A", "B"),), ((0, FORWARD, False), (0, BACKWARD, False))
    ),
    "gap junction": Kind(_gap_junction, ((0, "A", "A"),), ((0, {}, True),)),
    "correlated": Kind(
        _correlated, ((0, "A", "A"), (1, "A", "A")), ((0, {}, False), (1, {}, True))
    ),
    "conditional within": Kind(
        _conditional, ((0, "A", "A"), (1, "A", "A")), ((0, {}, True), (1, {}, False))
    ),
    "conditional between": Kind(
        _conditional,
        ((0, "all", "all"), (1, "A", "B")),
        ((0, {}, True), (1, FORWARD, False), (1, BACKWARD, False)),
    ),
    "one to one": Kind(
        _one_to_one,
        ((0, "inputs", "A"), (0, "inputs", "B")),
        ((0, {"target_pop_idx": 0}, False), (0, {"target_pop_idx": 1}, False)),
    ),
    "sparse unidirection": Kind(_sparse_unidirection, ((0, "A", "B"),), ((0, {}, False),)),
    "sparse reciprocal": Kind(
        _sparse_reciprocal, ((0, "A", "B"),), ((0, FORWARD, False), (0, BACKWARD, False))
    ),
    "correlated to sparse": Kind(
        _correlated_to_sparse, ((0, "A", "A"), (1, "A", "A")), ((0, {}, False), (1, {}, True))
    ),
}
TWO_WAY = ("reciprocal between", "conditional between", "sparse reciprocal")
DEPENDENT = ("correlated", "conditional within", "conditional between", "correlated to sparse")
#: Connectors with more to their use than two pools and one call of ``add_edges``.
SCRIPTED = {
    *("UnidirectionConnector", "ReciprocalConnector", "GapJunction", "CorrelatedGapJunction"),
    *("GapJunctionConditionalReciprocalConnector", "OneToOneSequentialConnector"),
}


def _of_class(make: Any) -> Kind:
    """Return the script of a class of the package: its first example, from A to B."""

    def made(rng: Any, wrap: Any, output: dict[str, Any]) -> list[Any]:
        given = arguments(make.examples[0], Path())
        given |= {name: wrap(given[name]) for name in _functions(make)}
        taken = inspect.signature(make).parameters
        given |= {name: each for name, each in {"rng": rng, **output}.items() if name in taken}
        return [make(**given)]

    return Kind(made, ((0, "A", "B"),), ((0, {}, False),))


def _functions(make: Any) -> list[str]:
    """Return the parameters that are functions of two nodes in the first example of a class."""
    example = make.examples[0]
    given = {} if callable(example) else example
    return [name for name in ("p_arg", "n_syn") if inspect.isfunction(given.get(name))]


CLASSES = {name: make for name, make in found("patterns").items() if name not in SCRIPTED}
KINDS = {**SCRIPTS, **{name: _of_class(make) for name, make in CLASSES.items()}}
CERTAIN = ("one to one", *(name for name, make in CLASSES.items() if not make.is_random))
RANDOM = tuple(name for name in KINDS if name not in CERTAIN)
#: Kinds with a function that can fail.
FAILING = (
    *(name for name in SCRIPTS if name != "one to one"),
    *(name for name, make in CLASSES.items() if _functions(make)),
)


@pytest.fixture(autouse=True)
def _folder_with_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder where examples put their files; reports go there as well."""
    monkeypatch.chdir(tmp_path)


def tables(net: NetworkBuilder) -> Tables:
    """Return what stock BMTK stored."""
    found: Tables = {}
    for table in net.adaptor.edges_table():
        ids = table.edge_type_node_ids
        columns = (ids[:, 0], ids[:, 1], table.get_property_value("nsyns"))
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        assert len({row[:2] for row in rows}) == len(rows), "a pair twice in one table"
        found.setdefault(int(table.edge_type_id), []).append(frozenset(rows))
    return found


def times(plain: Tables, n: int) -> Tables:
    """Return tables as they are after n builds."""
    return {type_id: sets * stored(n) for type_id, sets in plain.items()}


def build(name: str, made: list[Any] | None = None, /, **networks: Any) -> Tables:
    """Set up, add and build in the plain way."""
    kind, nets = KINDS[name], Networks(**networks)
    made = kind.connectors() if made is None else made
    kind.setup(made, nets)
    kind.add(made, nets)
    nets.net.build()
    return tables(nets.net)


_plain: dict[str, Tables] = {}


@pytest.fixture(params=list(KINDS))
def name(request: pytest.FixtureRequest) -> str:
    """Return each kind's name."""
    return str(request.param)


def plain(name: str) -> Tables:
    """Return the plain build of a kind, made once."""
    if name not in _plain:
        _plain[name] = build(name)
    return _plain[name]


@contextlib.contextmanager
def state_watched(rng: np.random.Generator) -> Iterator[None]:
    """Assert that a block leaves the generator as it was."""
    before = rng.bit_generator.state
    yield
    assert rng.bit_generator.state == before


# ---------------------------------------------------------------------- building
def test_plain_build(name: str) -> None:
    """Edges are there, neither all nor none; BMTK stores what the connectors say they drew."""
    kind, nets = KINDS[name], Networks()
    found = plain(name)
    assert set(found) == {100 + step for step in range(len(kind.steps))}
    made = kind.connectors()
    kind.setup(made, nets)
    for connector in made:
        connector.initial_all_to_all()
    for step, (number, what, _) in enumerate(kind.steps):
        (edges,) = found[100 + step]
        backward = what.get("direction") == "backward"
        connector = made[number]
        use = connector.use
        if "target_pop_idx" in what:
            start = (0, 14)[what["target_pop_idx"]]
            offset = (0, 14)[what["target_pop_idx"]]
            n = (14, 11)[what["target_pop_idx"]]
            assert edges == {(start + k, offset + k, 2) for k in range(n)}
            continue
        drawn = connector.connectivity.edges("backward" if backward else "forward")
        table = drawn.to_frame(
            *((use.target, use.source) if backward else (use.source, use.target))
        )
        columns = ("source_node_id", "target_node_id", "n_syn")
        assert edges == set(zip(*(table[c].tolist() for c in columns), strict=True))
        assert 10 < len(edges) < 0.8 * len(use.source) * len(use.target)


def test_looked_at(name: str) -> None:
    """Before the build nothing is drawn; after it, all agrees with the edges."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    kind.add(made, nets)
    ours = isinstance(nets.net.adaptor, SparseNetwork)
    if ours:
        assert nets.net.preview().edges > 10
    for connector in made:
        first = [nodes.ids[0] for nodes in (connector.use.source, connector.use.target)]
        assert connector.explain(*first).outcome == "not drawn yet"
        assert connector.use.connectivity is None
    nets.net.build()
    assert tables(nets.net) == plain(name)
    for connector in made:
        _check_explained(connector)
        assert connector.summary().entries[0].measure("edges", "forward").realised == len(
            connector.connectivity.forward
        )
    if ours:
        entries = nets.net.summary().entries
        stored = {table.edge_type_id: table.n_pairs for table in nets.net.edges_table()}
        for each in entries:
            counts = [m.realised for m in each.measures if m.quantity == "edges"]
            assert counts == [stored[number] for number in each.edge_types]
        assert sum(len(each.edge_types) for each in entries) == len(stored)


def _check_explained(connector: Any) -> None:
    """Refuse an explanation of a pair that is not what was drawn."""
    use, drawn = connector.use, connector.connectivity
    forward = connector.pair_edges(use).to_dense()
    other = drawn.backward.to_dense().T if drawn.backward is not None else np.zeros_like(forward)
    backward = forward.T if use.recurrent else other
    for i in range(0, len(use.source), 3):
        for j in range(0, len(use.target), 2):
            found = connector.explain(use.source.ids[i], use.target.ids[j])
            synapses = forward[i, j], backward[i, j]
            names = ("none", "forward", "backward", "both")
            assert found.outcome == names[(synapses[0] > 0) + 2 * (synapses[1] > 0)]
            assert found.n_syn == synapses[0]
            if found.n_syn_backward is not None:
                assert found.n_syn_backward == synapses[1]
            if found.p0 == 0:
                assert not synapses[0]


def test_another_seed_is_another_network() -> None:
    """So that equality below means something."""
    for name in RANDOM:
        other = build(name, KINDS[name].connectors(np.random.default_rng(SEED + 1)))
        assert all(other[type_id] != sets for type_id, sets in plain(name).items()), name


def test_built_twice(name: str) -> None:
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    kind.add(made, nets)
    for n in (1, 2, 3):
        nets.net.build()
        assert tables(nets.net) == times(plain(name), n)


@pytest.mark.parametrize("drawn_before", [True, False])
def test_forced_build(name: str, drawn_before: bool) -> None:
    """BMTK makes every node a second time; edges stay between the first ones."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    kind.add(made, nets)
    if drawn_before:
        nets.net.build()
        nets.net.build(force=True)
    elif stored(2) == 1:
        nets.net.build(force=True)
    else:
        with pytest.warns(ConnectivityWarning, match=r"nodes in setup_nodes\(\) and has \d+ now"):
            nets.net.build(force=True)
    assert len(nets.net.nodes()) == stored(2) * 25
    assert tables(nets.net) == times(plain(name), 1 + drawn_before)


def test_steps_in_any_order(name: str) -> None:
    """Backward first, gap junctions before chemical synapses, partitions swapped."""
    kind = KINDS[name]
    for order in itertools.permutations(range(len(kind.steps))):
        nets = Networks()
        made = kind.connectors()
        kind.setup(made, nets)
        kind.add(made, nets, order)
        nets.net.build()
        assert [int(t.edge_type_id) - 100 for t in nets.net.adaptor.edges_table()] == list(order)
        assert tables(nets.net) == plain(name), order


@pytest.mark.parametrize("name", TWO_WAY)
def test_implicit_directions(name: str) -> None:
    """``edge_params()`` twice, or ``setup_nodes`` with the pools swapped between."""
    kind = KINDS[name]
    for swap in (False, True):
        nets = Networks()
        made = kind.connectors()
        kind.setup(made, nets)
        for step, (number, _, is_gap) in enumerate(kind.steps):
            if swap and kind.steps[step][1] == BACKWARD:
                made[number].setup_nodes(source=nets.pool("B"), target=nets.pool("A"))
            params = made[number].edge_params()
            nets.net.add_edges(edge_type_id=100 + step, **params, **(GAP if is_gap else {}))
        nets.net.build()
        assert tables(nets.net) == plain(name)


@pytest.mark.parametrize("name", DEPENDENT)
@pytest.mark.parametrize("late", ["added", "set up"])
def test_dependent_connector_first(name: str, late: str) -> None:
    """Set up, added and built before the one it depends on is added (or even set up)."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    uses = kind.uses if late == "added" else kind.uses[::-1]
    for number, source, target in uses:
        made[number].setup_nodes(source=nets.pool(source), target=nets.pool(target))
    dependent = [step for step, (number, _, _) in enumerate(kind.steps) if number == 1]
    kind.add(made, nets, dependent)
    nets.net.build()
    kind.add(made, nets, [0])
    nets.net.build()
    wanted = {100 + step: plain(name)[100 + step] * stored(2) for step in dependent}
    assert tables(nets.net) == {100: plain(name)[100], **wanted}


@pytest.mark.parametrize("name", DEPENDENT)
def test_reference_used_again_before_the_build(name: str) -> None:
    """The dependent connector goes on with the use it was set up with."""
    kind, nets = KINDS[name], Networks()
    other = Networks(seed=4, name="other")
    made = kind.connectors()
    kind.setup(made, nets)
    kind.add(made, nets)
    made[0].setup_nodes(source=other.pool("A"), target=other.pool("A"))
    other.net.add_edges(**kind.params(made, 0))
    nets.net.build()
    assert tables(nets.net) == plain(name)
    other.net.build()
    assert len(tables(other.net)[100][0]) > 10


@pytest.mark.parametrize("drawn", [False, True], ids=["drawn late", "drawn at once"])
def test_reference_used_twice_on_one_population(drawn: bool) -> None:
    """Each use of the dependent connector follows the use its reference had at that time."""
    nets = Networks()
    rng = np.random.default_rng(SEED)
    chemical = UnidirectionConnector(p=0.3, rng=rng, **QUIET)
    gap = CorrelatedGapJunction(0.0, 1.0, 1.0, connector=chemical, rng=rng, **QUIET)
    for number in range(2):
        for connector, more in ((chemical, {}), (gap, GAP)):
            connector.setup_nodes(source=nets.pool("A"), target=nets.pool("A"))
            if drawn:
                connector.initial_all_to_all()
            params = connector.edge_params()
            nets.net.add_edges(edge_type_id=10 * number + (connector is gap), **params, **more)
    nets.net.build()
    found = {t: {edge[:2] for edge in sets[0]} for t, sets in tables(nets.net).items()}
    for number in (0, 10):
        connected = {(min(pair), max(pair)) for pair in found[number] if pair[0] != pair[1]}
        assert found[number + 1] == connected
    assert found[0] != found[10]


@pytest.mark.parametrize("other", ["reciprocal between", "gap junction", "conditional between"])
def test_interleaved_connectors(name: str, other: str) -> None:
    """Steps of two connectors in turn, each with a generator of its own."""
    nets = Networks()
    kinds = KINDS[name], KINDS[other]
    both = [kind.connectors() for kind in kinds]
    for kind, made in zip(kinds, both, strict=True):
        kind.setup(made, nets)
    for step in range(3):
        for kind, made, first in zip(kinds, both, (100, 200), strict=True):
            if step < len(kind.steps):
                kind.add(made, nets, [step], first)
    nets.net.build()
    wanted = {type_id + 100: sets for type_id, sets in plain(other).items()}
    assert tables(nets.net) == {**plain(name), **wanted}


@pytest.mark.parametrize("name", TWO_WAY)
@pytest.mark.parametrize("drawn_before", [False, True])
def test_forward_edges_alone(name: str, drawn_before: bool) -> None:
    """The build says that the backward ones are missing, whoever drew them."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    forward = [step for step, (_, what, _) in enumerate(kind.steps) if what != BACKWARD]
    kind.add(made, nets, forward)
    if drawn_before:
        for connector in made:
            connector.initial_all_to_all()
    with pytest.warns(ConnectivityWarning, match="never handed to add_edges") as caught:
        nets.net.build()
    assert len(caught) == 1
    nets.net.build()
    assert tables(nets.net) == times({100 + s: plain(name)[100 + s] for s in forward}, 2)


def test_edge_params_called_many_times(name: str) -> None:
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    for _ in range(3):
        for step in range(len(kind.steps)):
            first, again = (kind.params(made, step) for _ in range(2))
            assert set(first) - set(GAP) == {"source", "target", "iterator", "connection_rule"}
            assert first["connection_rule"] is again["connection_rule"]
            assert (first["source"], first["target"]) == (again["source"], again["target"])
    kind.add(made, nets)
    kind.add(made, nets, first=200)
    nets.net.build()
    again = {type_id + 100: sets for type_id, sets in plain(name).items()}
    assert tables(nets.net) == {**plain(name), **again}


@pytest.mark.parametrize("wrapped", ["partial", "function"])
def test_plain_callable(name: str, wrapped: str) -> None:
    """A rule in a user's wrapper: BMTK asks about every pair, row or column."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    for step in range(len(kind.steps)):
        params = kind.params(made, step)
        rule = params.pop("connection_rule")
        called = partial(rule) if wrapped == "partial" else (lambda *args, rule=rule: rule(*args))
        nets.net.add_edges(edge_type_id=100 + step, connection_rule=called, **params)
    for n in (1, 2):
        nets.net.build()
        assert tables(nets.net) == times(plain(name), n)


def test_other_pools_in_add_edges(name: str) -> None:
    """Edges of nodes that ``add_edges`` was not given are left out, by id."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    some = nets.net.nodes(node_id=[*range(2, 12), *range(15, 23)])
    for step in range(len(kind.steps)):
        params = kind.params(made, step)
        if params["source"].network_name == nets.net.name:
            params["source"] = some
        params["target"] = some
        nets.net.add_edges(edge_type_id=100 + step, **params)
    nets.net.build()
    ids = {node.node_id for node in some}
    sources = set(range(40)) if name == "one to one" else ids
    wanted = {
        type_id: [frozenset(e for e in sets[0] if e[0] in sources and e[1] in ids)]
        for type_id, sets in plain(name).items()
    }
    assert tables(nets.net) == wanted
    assert all(0 < len(sets[0]) < len(plain(name)[t][0]) for t, sets in wanted.items())


def test_rules_asked_about_lists(name: str) -> None:
    """Lists of one length one after the other, in any order of nodes, and one list changed."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    rules = [kind.params(made, step)["connection_rule"] for step in range(len(kind.steps))]
    order = np.random.default_rng(1)
    for step, rule in enumerate(rules):
        counts = {edge[:2]: edge[2] for edge in plain(name)[100 + step][0]}
        source, target = (list(pool) for pool in nodes_of(rule, nets))
        for node in source[:4]:
            others = [target[k] for k in order.permutation(len(target))]
            for _ in range(2):
                wanted = [counts.get((node.node_id, other.node_id), 0) for other in others]
                assert list(rule(node, others)) == wanted
                others.reverse()
        for node in target[:4]:
            others = [source[k] for k in order.permutation(len(source))[:5]]
            wanted = [counts.get((other.node_id, node.node_id), 0) for other in others]
            assert list(rule(others, node)) == wanted


def nodes_of(rule: Any, nets: Networks) -> tuple[Any, Any]:
    """Return the nodes of the networks that a rule is about, by their ids."""
    found = []
    for pool in rule.pools:
        network = nets.inputs if pool.label.startswith("inputs") else nets.net
        found.append(network.nodes(node_id=pool.ids.tolist()))
    return found[0], found[1]


# ---------------------------------------------------------------------- failures
@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("at", [0, 15, 30])
def test_retry_after_a_failure(name: str, at: int) -> None:
    """The generator is put back, so a retry draws what would have been drawn."""
    kind, nets = KINDS[name], Networks()
    rng, other = np.random.default_rng(SEED), np.random.default_rng(SEED)
    fuse = Fuse(at)
    made = kind.connectors(rng, fuse)
    kind.setup(made, nets)
    kind.add(made, nets)
    before = rng.bit_generator.state
    with pytest.raises(RuntimeError, match="of the user"):
        nets.net.build()
    assert fuse.at is None
    finished = tables(nets.net)
    if not finished:
        assert rng.bit_generator.state == before
    nets.net.build()
    found = tables(nets.net)
    # BMTK keeps the tables it had finished before the failure.
    wanted = {t: sets * stored(1 + len(finished.get(t, ()))) for t, sets in plain(name).items()}
    assert found == wanted
    build(name, kind.connectors(other))
    assert rng.bit_generator.state == other.bit_generator.state


@pytest.mark.parametrize("which", ["net", "inputs"])
def test_nodes_added_after_setup(name: str, which: str) -> None:
    """BMTK leaves such nodes out without a word; we do not."""
    kind, nets = KINDS[name], Networks()
    if which == "inputs" and name != "one to one":
        nets.inputs = nets.net
    made = kind.connectors()
    kind.setup(made, nets)
    kind.add(made, nets)
    getattr(nets, which).add_nodes(N=3, pop_name="A")
    with pytest.raises(NodeError, match=r"call every add_nodes\(\) before"):
        nets.net.build()
    assert tables(nets.net) == {}


@pytest.mark.traps
def test_nodes_added_after_the_draw(name: str) -> None:
    """Once drawn, edges stay as they are."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    kind.add(made, nets)
    nets.net.build()
    nets.net.add_nodes(N=3, pop_name="A")
    nets.net.build()
    assert tables(nets.net) == times(plain(name), 2)


# ---------------------------------------------------------------------- copies
def asked(name: str, made: list[Any], nets: Networks) -> Tables:
    """Ask every rule about every pair, by hand: works without pools too."""
    kind = KINDS[name]
    found: Tables = {}
    rules = [kind.params(made, step)["connection_rule"] for step in range(len(kind.steps))]
    for step, ((number, what, _), rule) in enumerate(zip(kind.steps, rules, strict=True)):
        uses = [use for use in kind.uses if use[0] == number]
        _, source, target = uses[what.get("target_pop_idx", -1)]
        if what == BACKWARD:
            source, target = target, source
        edges = {
            (a.node_id, b.node_id, int(rule(a, b)))
            for a in nets.pool(source)
            for b in nets.pool(target)
        }
        found[100 + step] = [frozenset(edge for edge in edges if edge[2])]
    return found


COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("after", [False, True], ids=["before the draw", "after the draw"])
def test_copies_draw_the_same_edges(name: str, way: str, after: bool) -> None:
    kind, nets = KINDS[name], Networks()
    rng = np.random.default_rng(SEED)
    made = kind.connectors(rng)
    kind.setup(made, nets)
    kind.add(made, nets)  # so that there are rules, which belong to the original
    if after:
        nets.net.build()
    state = rng.bit_generator.state
    copies = COPIES[way](made)
    assert asked(name, copies, nets) == plain(name)
    # A copy of a copy, now that there are edges in any case.
    assert asked(name, COPIES[way](copies), nets) == plain(name)
    if way == "deepcopy" and not after:
        # It drew from the generator of the original.
        moved = rng.bit_generator.state != state
        assert moved == any(connector.is_random for connector in made)
        rng.bit_generator.state = state
    # The copies have moved nothing else of the original.
    assert rng.bit_generator.state == state
    assert asked(name, made, nets) == plain(name)


def test_a_deep_copy_draws_other_edges() -> None:
    """It shares the generator, so that two draws do not take the same numbers."""
    nets, rng = Networks(), np.random.default_rng(SEED)
    made = UnidirectionConnector(p=0.5, rng=rng, verbose=False, save_report=False)
    made.setup_nodes(nets.pool("A"), nets.pool("A"))
    twin, other = copy.deepcopy(made), copy.copy(made)
    assert twin.use.source_pool is made.use.source_pool
    edges = [each.use.drawn().forward.to_dense() for each in (twin, made)]
    assert not np.array_equal(*edges)
    assert other.connectivity is made.connectivity, "one use"


def test_a_deep_copy_goes_on_counting_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a seed for the module, uses of the copy and of the original have their own streams."""
    monkeypatch.setattr(bmtool_connectors, "rng", 1)
    nets = Networks()
    made = UnidirectionConnector(p=0.5, verbose=False, save_report=False)
    drawn = []
    for each in (made, copy.deepcopy(made)):
        each.setup_nodes(nets.pool("A"), nets.pool("A"))
        drawn.append(each.connectivity.forward.to_dense())
    assert not np.array_equal(*drawn)


@pytest.mark.parametrize("name", TWO_WAY)
@pytest.mark.parametrize("way", COPIES)
def test_copies_go_on_by_themselves(name: str, way: str) -> None:
    """What a copy has handed out is its own affair."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    assert made[-1].edge_params()["iterator"] == "one_to_all"
    twin = COPIES[way](made)[-1]
    for connector in (twin, made[-1]):
        assert connector.stage == 1
        assert connector.edge_params()["iterator"] == "all_to_one"
    twin.add_conn_prop(0, 0, 123.0)
    assert made[-1].use.overlay == {}
    assert len(twin.use.overlay) == 1


@pytest.mark.parametrize("name", DEPENDENT)
@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("after", [False, True], ids=["before the draw", "after the draw"])
def test_copy_of_a_dependent_connector_alone(name: str, way: str, after: bool) -> None:
    """It takes its reference along, with the use it was set up with."""
    kind, nets = KINDS[name], Networks()
    other = Networks(seed=4, name="other")
    made = kind.connectors()
    kind.setup(made, nets)
    if after:
        made[1].initial_all_to_all()
    made[0].setup_nodes(source=other.pool("A"), target=other.pool("A"))
    dependent = COPIES[way](made[1])
    dependent.initial_all_to_all()  # before others move the generator
    found = asked(name, [made[0], dependent], nets)
    del found[100]  # that of the reference, which has been set up on other nodes since
    assert found == {t: sets for t, sets in plain(name).items() if t != 100}


@pytest.mark.parametrize("way", COPIES)
def test_copy_after_setup_of_the_backward_probability(way: str) -> None:
    """A documented method, idempotent and without a draw, does not get in the way of copies."""
    kind, nets = KINDS["reciprocal between"], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    for _ in range(2):
        made[0].setup_conditional_backward_probability()
    assert asked("reciprocal between", COPIES[way](made), nets) == plain("reciprocal between")


@pytest.mark.parametrize("after", [False, True], ids=["before the draw", "after the draw"])
def test_deepcopy_in_a_build(name: str, after: bool) -> None:
    """A deep copy keeps its pools, so its edges can be added."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    if after:
        for connector in made:
            connector.initial_all_to_all()
    kind.add(copy.deepcopy(made), nets)
    nets.net.build()
    assert tables(nets.net) == plain(name)


def test_rules(name: str) -> None:
    """Equal by identity, hashable, true; a copy is the rule itself; it says what it is."""
    kind, nets = KINDS[name], Networks()
    rng = np.random.default_rng(SEED)
    made = kind.connectors(rng)
    kind.setup(made, nets)
    rules = [kind.params(made, step)["connection_rule"] for step in range(len(kind.steps))]
    assert len(set(rules)) == len(rules)
    for rule, (number, what, _) in zip(rules, kind.steps, strict=True):
        assert copy.copy(rule) is rule
        assert copy.deepcopy(rule) is rule
        assert copy.deepcopy({"rule": rule})["rule"] is rule
        assert rule == rule
        assert [other for other in rules if other == rule] == [rule]
        assert rule
        assert callable(rule)
        text = repr(rule)
        assert type(made[number]).__name__ in text
        assert what.get("direction", "forward") in text
        assert f"from {'net' if name != 'one to one' else 'inputs'}: " in text
    assert rng.bit_generator.state == np.random.default_rng(SEED).bit_generator.state


def test_pickled_rule(name: str) -> None:
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    rules = [kind.params(made, step)["connection_rule"] for step in range(len(kind.steps))]
    for rule in rules:
        twin = pickle.loads(pickle.dumps(rule))
        assert twin is not rule
        for a, b in itertools.product(nets.net.nodes(), repeat=2):
            assert twin(a, b) == rule(a, b)


# ---------------------------------------------------------------------- output and blocks
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("save_report", [False, True])
def test_output(
    name: str, verbose: bool, save_report: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = KINDS[name]
    output = {"verbose": verbose, "save_report": save_report}
    assert build(name, kind.connectors(output=output)) == plain(name)
    assert bool(capsys.readouterr().out) is verbose
    assert Path("conn.csv").exists() is (save_report and name != "one to one")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_block_size(name: str, size: int) -> None:
    with mock.patch.object(blocks, "BLOCK_SIZE", size):
        assert build(name) == plain(name)


# ---------------------------------------------------------------------- reuse
@pytest.mark.parametrize("setup_first", [False, True])
@pytest.mark.parametrize("name", [name for name in KINDS if name != "one to one"])
def test_second_network(name: str, setup_first: bool) -> None:
    """It gets what fresh connectors get, with the generator as the first network left it."""
    kind = KINDS[name]
    rng, other = np.random.default_rng(SEED), np.random.default_rng(SEED)
    made = kind.connectors(rng)
    first, second = Networks(), Networks(seed=4, name="second", n_a=17, n_b=12)
    for nets in (first, second):
        kind.setup(made, nets)
        kind.add(made, nets)
        if not setup_first:
            nets.net.build()
    if setup_first:
        first.net.build()
        second.net.build()
    assert tables(first.net) == plain(name)
    assert build(name, kind.connectors(other)) == plain(name)
    fresh = build(name, kind.connectors(other), seed=4, name="second", n_a=17, n_b=12)
    assert tables(second.net) == fresh
    if name in RANDOM:
        assert fresh != plain(name)
        assert rng.bit_generator.state == other.bit_generator.state
    # The rules of the first use are as they were.
    first.net.build()
    assert tables(first.net) == times(plain(name), 2)


@pytest.mark.parametrize(
    "name", ["unidirection", "reciprocal within", "gap junction", "correlated"]
)
def test_second_population(name: str) -> None:
    """The same within one network: A, then B, set up and added before anything is built."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    kind.add(made, nets)
    for number, _, target in kind.uses:
        source = "B" if target == "A" else "A"
        made[number].setup_nodes(source=nets.pool(source), target=nets.pool(source))
    kind.add(made, nets, first=200)
    nets.net.build()
    found = tables(nets.net)
    assert {t: found[t] for t in plain(name)} == plain(name)

    rng = np.random.default_rng(SEED)
    build(name, kind.connectors(rng))
    fresh, again = kind.connectors(rng), Networks()
    for number, _, target in kind.uses:
        source = "B" if target == "A" else "A"
        fresh[number].setup_nodes(source=again.pool(source), target=again.pool(source))
    kind.add(fresh, again, first=200)
    again.net.build()
    assert {t: found[t] for t in found if t >= 200} == tables(again.net)
    assert len(found[200][0]) > 5


def test_further_partitions_of_one_to_one() -> None:
    """Reuse goes on where the last partition ended; earlier ones keep their sources."""
    kind, nets, other = KINDS["one to one"], Networks(), Networks(name="other", n_a=5, n_b=6)
    other.inputs = nets.inputs
    made = kind.connectors()
    kind.setup(made, nets)
    kind.add(made, nets)
    nets.net.build()
    for number, pool in enumerate("AB"):
        made[0].setup_nodes(target=other.pool(pool))
        other.net.add_edges(edge_type_id=number, **made[0].edge_params())
    other.net.build()
    nets.net.build()
    assert tables(nets.net) == times(plain("one to one"), 2)
    assert tables(other.net) == {
        0: [frozenset((25 + k, k, 2) for k in range(5))],
        1: [frozenset((30 + k, 5 + k, 2) for k in range(6))],
    }


# ---------------------------------------------------------------------- looking early
def ask_for_nothing(connector: Any) -> None:
    """Ask for the value of a pair that cannot be connected."""
    with pytest.raises(KeyError, match="no connection from node -1"):
        connector.get_conn_prop(-1, -1)


LOOKS: dict[str, Callable[[Any], Any]] = {
    "connectivity": lambda c: c.connectivity,
    "conn_prop": lambda c: c.conn_prop,
    "conn_mat": lambda c: c.conn_mat,
    "connection_number": lambda c: c.connection_number(),
    "connection_number_info": lambda c: c.connection_number_info(),
    "get_conn_prop": lambda c: ask_for_nothing(c),
}


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("how", LOOKS)
@pytest.mark.parametrize("rng", ["shared", "private"])
def test_looking_early(name: str, how: str, rng: str) -> None:
    """Warns once where it moves a shared stream, and draws what the build would have drawn."""
    kind, nets = KINDS[name], Networks()
    made = kind.connectors(None if rng == "shared" else 5)
    kind.setup(made, nets)
    kind.add(made, nets)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for connector in made:
            for _ in range(2):
                LOOKS[how](connector)
    messages = [str(each.message) for each in caught if "looked at before" in str(each.message)]
    # A connector that was drawn for another one has nothing left to move.
    assert len(messages) == (len(made) if rng == "shared" else 0)
    assert len(caught) == len(messages)
    nets.net.build()
    wanted = plain(name) if rng == "shared" else build(name, kind.connectors(5))
    assert tables(nets.net) == wanted


@pytest.mark.parametrize("name", ["one to one", "FileBasedConnector"])
def test_looking_early_where_nothing_is_random(name: str) -> None:
    kind, nets = KINDS[name], Networks()
    made = kind.connectors()
    kind.setup(made, nets)
    for look in LOOKS.values():
        look(made[0])
    kind.add(made, nets)
    nets.net.build()
    assert tables(nets.net) == plain(name)


def test_looking_after_the_build(name: str) -> None:
    """No warning (all are errors here), and nothing is drawn again."""
    kind, nets = KINDS[name], Networks()
    rng = np.random.default_rng(SEED)
    made = kind.connectors(rng)
    kind.setup(made, nets)
    kind.add(made, nets)
    nets.net.build()
    with state_watched(rng):
        for connector, look in itertools.product(made, LOOKS.values()):
            look(connector)


#: Attributes that can be read at any time.
QUIET_ATTRIBUTES = (
    *("vars", "verbose", "source", "target", "recurrent", "stage", "callable_set", "cache"),
    *("name", "use"),
)


@pytest.mark.parametrize("name", RANDOM)
def test_what_does_not_draw(name: str) -> None:
    kind, nets = KINDS[name], Networks()
    rng = np.random.default_rng(SEED)
    with state_watched(rng):
        made = kind.connectors(rng)
        kind.setup(made, nets)
        for connector in made:
            repr(connector)
            repr(connector.edge_params())
            for attribute in QUIET_ATTRIBUTES:
                getattr(connector, attribute)
            connector.get_nodes_info()
            connector.setup_variables()
            connector.free_memory()
            assert getattr(connector, "rho", None) is None
            pickle.dumps(connector), copy.deepcopy(connector)
            next(connector.iterate_pairs())
            if connector.recurrent:
                CorrelatedGapJunction(0.5, 0.5, 0.5, None, connector, rng=rng, **QUIET)
        for connector in made:
            if isinstance(connector, ReciprocalConnector):
                connector.setup_conditional_backward_probability()
                connector.calc_pair(0, 1)


# ---------------------------------------------------------------------- private seeds
@pytest.mark.parametrize("seed", [5, np.int64(5), np.random.SeedSequence(5)], ids=repr)
@pytest.mark.parametrize("name", RANDOM)
def test_private_seed(name: str, seed: Any) -> None:
    """Order, company and looks do not matter; connectors made anew draw the same."""
    kind = KINDS[name]
    alone = build(name, kind.connectors(seed))
    assert alone == build(name, kind.connectors(seed)) != plain(name)
    for order in itertools.permutations(range(len(kind.steps))):
        nets = Networks()
        others = {}
        for number, other in enumerate(RANDOM, 2):
            # Before, with other seeds and with the same one; some of the same class.
            made = KINDS[other].connectors(seed if other != name else 6)
            KINDS[other].setup(made, nets)
            KINDS[other].add(made, nets, first=100 * number)
            others[other] = made
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            others["gap junction"][0].connection_number()
        made = kind.connectors(seed)
        kind.setup(made, nets)
        kind.add(made, nets, order)
        nets.net.build()
        found = tables(nets.net)
        assert {t: found[t] for t in alone} == alone, order
        assert len(found) > len(alone)


@pytest.mark.parametrize("name", RANDOM)
def test_private_seed_of_a_second_use(name: str) -> None:
    """A use is keyed by its populations, not by what the connector did before."""
    kind = KINDS[name]
    made = kind.connectors(5)
    build(name, made, seed=4, name="first")
    second = build(name, made)
    assert second == build(name, kind.connectors(5))
    assert second == build(name, made)  # the very same populations once more


def pattern(connector: Any, nets: Networks | None = None, pools: str = "AB") -> frozenset[Any]:
    """Return the pairs that a connector draws, from the first pool to the second."""
    nets = Networks() if nets is None else nets
    connector.setup_nodes(source=nets.pool(pools[0]), target=nets.pool(pools[1]))
    edges = connector.connectivity.forward
    return frozenset(zip(edges.source.tolist(), edges.target.tolist(), strict=True))


class Another(UnidirectionConnector):
    """A class of a user, with the law of its parent."""


def test_key_of_a_private_stream() -> None:
    """Seed, class, populations and name; nothing else."""

    def one_way(seed: int = 5, name: str | None = None, p: Any = 0.4, **more: Any) -> Any:
        return UnidirectionConnector(p=p, rng=seed, name=name, **more, **QUIET)

    first = pattern(one_way())
    assert 20 < len(first) < 120
    assert first == pattern(one_way())
    assert first == pattern(one_way(n_syn=3))
    assert first == pattern(one_way(p=lambda arg: 0.4))
    assert first == pattern(one_way(), Networks(seed=8))  # other positions, same labels
    others = [
        pattern(one_way(seed=6)),
        pattern(one_way(name="x")),
        pattern(one_way(name="y")),
        pattern(one_way(), Networks(name="other")),
        pattern(one_way(), pools="BA"),
        pattern(Another(p=0.4, rng=5, **QUIET)),
    ]
    assert len({first, *others}) == 1 + len(others)
    assert pattern(one_way(name="x")) == others[1]
    equal = Networks(n_a=12, n_b=12)
    assert pattern(one_way(), equal, "AA") != pattern(one_way(), equal, "AB")
    assert pattern(one_way(), equal, "AB") != pattern(one_way(), equal, "BB")
    # A larger probability keeps the pairs of a smaller one: the pattern is one stream.
    assert first < pattern(one_way(p=0.6))


def test_spelling_of_a_filter_does_not_matter_to_others() -> None:
    """What another connector was set up on before leaves a private stream alone."""
    found = []
    for before in ({"pop_name": "A"}, {"pop_name": ["A"]}, None):
        nets = Networks()
        if before is not None:
            other = UnidirectionConnector(p=0.1, rng=9, **QUIET)
            other.setup_nodes(nets.net.nodes(**before), nets.net.nodes(**before))
        connector = UnidirectionConnector(p=0.4, rng=5, **QUIET)
        pool = nets.net.nodes(pop_name=["A"])
        connector.setup_nodes(pool, pool)
        edges = connector.connectivity.forward
        found.append((edges.source.tolist(), edges.target.tolist()))
    assert found[0] == found[1] == found[2]


def test_filter_functions_have_a_stable_key() -> None:
    """A filter with a function: its address must not get into the key."""

    def another() -> Callable[[float], bool]:
        def is_low(weight: float) -> bool:
            return weight < 0.7

        return is_low

    found = []
    kept = []
    for _ in range(3):
        kept.append(another())  # alive, so that addresses differ
        net = Networks().net
        connector = UnidirectionConnector(p=0.4, rng=5, **QUIET)
        connector.setup_nodes(net.nodes(weight=kept[-1]), net.nodes(pop_name="B"))
        edges = connector.connectivity.forward
        found.append((edges.source.tolist(), edges.target.tolist()))
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) > 10


def test_removing_or_retuning_another_connector() -> None:
    def network(others: list[Any]) -> frozenset[Edge]:
        nets = Networks()
        for other in others:
            other.setup_nodes(source=nets.pool("A"), target=nets.pool("B"))
            nets.net.add_edges(**other.edge_params())
        kind = KINDS["correlated"]
        made = kind.connectors(5)
        kind.setup(made, nets)
        kind.add(made, nets, first=500)
        nets.net.build()
        found = tables(nets.net)
        return found[500][0] | {(s, t, 99) for s, t, _ in found[501][0]}

    alone = network([])
    for other in (
        UnidirectionConnector(p=0.3, rng=5, **QUIET),
        UnidirectionConnector(p=0.9, rng=5, **QUIET),
        UnidirectionConnector(p=0.9, rng=np.random.default_rng(5), **QUIET),
    ):
        assert network([other]) == alone


def test_sparse_draws_stand_alone() -> None:
    """Any order, looking ahead or early, and fewer connectors: the same edges of each."""
    law = GaussianDropoff(stdev=60.0, pmax=0.4, max_dist=150.0)

    def made() -> list[Any]:
        return [
            UnidirectionConnector(p=0.2, rng=5, sampler="sparse", **QUIET),
            UnidirectionConnector(p=0.2, rng=5, sampler="sparse", name="other", **QUIET),
            ReciprocalConnector(
                p0=law, p0_arg=spherical_dist, pr=0.05, rng=5, sampler="sparse", **QUIET
            ),
            GapJunction(p=law, p_arg=spherical_dist, rng=5, sampler="sparse", **QUIET),
        ]

    def edges(order: list[int], early: bool = False) -> dict[int, bytes]:
        nets, connectors = Networks(n_a=40), made()
        pool = nets.pool("A")
        for k in order:
            connectors[k].setup_nodes(source=pool, target=pool)
            if early:
                connectors[k].expected()
                _ = connectors[k].connectivity
            nets.net.add_edges(**connectors[k].edge_params())
        nets.net.build()
        found = {}
        for k in order:
            drawn = connectors[k].connectivity.forward
            found[k] = drawn.source.tobytes() + drawn.target.tobytes()
        return found

    wanted = edges([0, 1, 2, 3])
    assert len(set(wanted.values())) == 4
    assert all(len(each) > 100 for each in wanted.values())
    assert edges([3, 1, 0, 2]) == edges([2, 3, 1, 0], early=True) == wanted
    for k in range(4):
        assert edges([k]) == {k: wanted[k]}


def test_threads() -> None:
    """Connectors with private seeds, drawn side by side."""
    kinds = [name for name in RANDOM for _ in range(3)]
    wanted = [build(name, KINDS[name].connectors(k)) for k, name in enumerate(kinds)]
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda k: build(kinds[k], KINDS[kinds[k]].connectors(k)), range(len(kinds)))
        )
    assert found == wanted


# ---------------------------------------------------------------------- a seed for everything
def body(seed: Any) -> tuple[list[Tables], list[float]]:
    """Run a script body: all random kinds twice in one network, and delays."""
    bmtool_connectors.rng = seed
    nets = Networks()
    for number, name in enumerate(RANDOM * 2, 1):
        kind = KINDS[name]
        made = kind.make(None, unchanged, QUIET)
        kind.setup(made, nets)
        kind.add(made, nets, first=100 * number)
    nets.net.build()
    delays = [syn_const_delay() for _ in range(1000)]
    return [tables(nets.net)], delays


def test_one_seed_for_a_whole_script() -> None:
    first, delays = body(1234)
    second, again = body(1234)
    assert first == second
    assert delays == again
    assert len(set(delays)) > 990
    other, others = body(1235)
    assert all(other[0][t] != sets for t, sets in first[0].items())
    assert delays != others
    # Connectors that are equal otherwise are numbered.
    n = 100 * len(RANDOM)
    repeated = [t for t in first[0] if t + n in first[0]]
    assert len(repeated) * 2 == len(first[0])
    assert all(first[0][t] != first[0][t + n] for t in repeated)


def test_numbering_leaves_the_earlier_ones_alone() -> None:
    found = []
    for n in (1, 3):
        bmtool_connectors.rng = 1234
        found.append([pattern(UnidirectionConnector(p=0.4, **QUIET)) for _ in range(n)])
    assert found[0][0] == found[1][0]
    assert len(set(found[1])) == 3


def test_seed_of_a_script_and_seed_of_a_connector() -> None:
    """A connector's own seed is not numbered, and is its own."""
    bmtool_connectors.rng = 1234
    own = [pattern(UnidirectionConnector(p=0.4, rng=1234, **QUIET)) for _ in range(2)]
    assert own[0] == own[1]
    assert pattern(UnidirectionConnector(p=0.4, **QUIET)) != pattern(
        UnidirectionConnector(p=0.4, **QUIET)
    )


def test_helpers_and_connectors_do_not_share_a_private_stream() -> None:
    found = []
    for n in (0, 7):
        bmtool_connectors.rng = 1234
        for _ in range(n):
            syn_const_delay()
        first = pattern(UnidirectionConnector(p=0.4, **QUIET))
        found.append((first, [decision(0.5) for _ in range(n, 20)]))
    assert found[0][0] == found[1][0]
    bmtool_connectors.rng = 1234
    assert [syn_const_delay() for _ in range(2)] != [syn_const_delay() for _ in range(2)]


# ---------------------------------------------------------------------- the module's generator
def helper_values() -> list[Any]:
    """Return what some helpers answer now."""
    return [
        syn_const_delay(),
        syn_section_PN(None, None, p=0.5),
        syn_uniform_delay_section(None, None),
        decision(0.5, size=4).tolist(),
        decisions([0.5] * 4).tolist(),
    ]


MODULE_RNG: dict[str, Callable[[], Any]] = {
    "Generator": lambda: np.random.default_rng(3),
    "RandomState": lambda: np.random.RandomState(3),
    "int": lambda: 3,
    "numpy int": lambda: np.int32(3),
    "SeedSequence": lambda: np.random.SeedSequence(3),
}


@pytest.mark.parametrize("kind", MODULE_RNG)
def test_module_rng_of_every_kind(kind: str) -> None:
    """Assigned, it is what one reads, and everything is a function of it."""
    found = []
    for _ in range(2):
        bmtool_connectors.rng = value = MODULE_RNG[kind]()
        assert bmtool_connectors.rng is value
        found.append((helper_values(), build("correlated", _correlated(None, unchanged, QUIET))))
    assert found[0] == found[1]
    assert found[0][1] != plain("correlated")


@pytest.mark.parametrize("kind", ["Generator", "RandomState"])
def test_shared_module_rng_is_the_very_object(kind: str) -> None:
    rng, same = MODULE_RNG[kind](), MODULE_RNG[kind]()
    bmtool_connectors.rng = rng
    first = pattern_quietly(UnidirectionConnector(p=0.4, **QUIET))
    uniform = same.random(14 * 11)
    assert first == {divmod(k, 11) for k in np.flatnonzero(uniform < 0.4).tolist()}
    assert decision(0.5) is bool(same.random() < 0.5)
    assert rng.random() == same.random()


def pattern_quietly(connector: Any) -> set[tuple[int, int]]:
    """Return the pairs from A to B of a connector with a shared generator."""
    nets = Networks()
    connector.setup_nodes(source=nets.pool("A"), target=nets.pool("B"))
    connector.initial_all_to_all()
    edges = connector.connectivity.forward
    return set(zip(edges.source.tolist(), edges.target.tolist(), strict=True))


def test_connectors_keep_the_generator_of_their_construction() -> None:
    """Also a private one: assigning another later does not move them."""
    bmtool_connectors.rng = 1
    wanted = pattern(UnidirectionConnector(p=0.4, **QUIET))
    bmtool_connectors.rng = 1
    connector = UnidirectionConnector(p=0.4, **QUIET)
    bmtool_connectors.rng = 2
    assert pattern(connector) == wanted
    assert pattern(UnidirectionConnector(p=0.4, **QUIET)) != wanted

    bmtool_connectors.rng = np.random.default_rng(1)
    connector = UnidirectionConnector(p=0.4, **QUIET)
    bmtool_connectors.rng = np.random.default_rng(2)
    uniform = np.random.default_rng(1).random(14 * 11)
    wanted_pairs = {divmod(k, 11) for k in np.flatnonzero(uniform < 0.4).tolist()}
    assert pattern_quietly(connector) == wanted_pairs


def test_helpers_read_the_generator_when_they_are_called() -> None:
    values = []
    for seed in (1, 2, 1):
        bmtool_connectors.rng = np.random.default_rng(seed)
        values.append(helper_values())
    assert values[0] == values[2] != values[1]


def test_assigning_the_same_int_starts_anew() -> None:
    bmtool_connectors.rng = 8
    first = helper_values(), pattern(UnidirectionConnector(p=0.4, **QUIET))
    further = helper_values(), pattern(UnidirectionConnector(p=0.4, **QUIET))
    assert first[0] != further[0]
    assert first[1] != further[1]
    bmtool_connectors.rng = 8
    assert (helper_values(), pattern(UnidirectionConnector(p=0.4, **QUIET))) == first
    # Reading changes nothing.
    assert bmtool_connectors.rng == 8
    assert (helper_values(), pattern(UnidirectionConnector(p=0.4, **QUIET))) == further


@pytest.mark.parametrize(
    "value",
    ["1234", 1.5, -1, True, [1], np.random, object()],
    ids=lambda value: repr(value).split(" at 0x")[0],
)
def test_invalid_module_rng(value: Any) -> None:
    """An error at the assignment, and what was there stays."""
    before = bmtool_connectors.rng
    with pytest.raises(ParameterError, match=r"bmtool_connectors\.rng must be a numpy .*, got "):
        bmtool_connectors.rng = value
    assert bmtool_connectors.rng is before


def test_no_module_rng_is_a_fresh_generator() -> None:
    states = []
    for _ in range(2):
        bmtool_connectors.rng = None
        assert isinstance(bmtool_connectors.rng, np.random.Generator)
        states.append(bmtool_connectors.rng.bit_generator.state)
    del bmtool_connectors.rng
    states.append(bmtool_connectors.rng.bit_generator.state)
    assert states[0] != states[1] != states[2]


def test_every_name_of_the_module() -> None:
    """``connectors`` shares the defaults; ``from ... import rng`` freezes a value."""
    from bmtool_connectors import connectors

    connectors.rng = 5
    assert bmtool_connectors.rng == 5
    from bmtool_connectors import rng

    connectors.rng = 6
    assert rng == 5
    assert bmtool_connectors.rng == 6


def test_explicit_rng_of_helpers() -> None:
    """A generator is consumed; the module's is left alone."""
    bmtool_connectors.rng = np.random.default_rng(1)
    with state_watched(bmtool_connectors.rng):
        own, same = np.random.default_rng(2), np.random.default_rng(2)
        assert syn_const_delay(rng=own) == pytest.approx(0.9 + 0.2 * same.normal())
        assert decision(0.5, rng=own) is bool(same.random() < 0.5)
        assert syn_uniform_delay_section(None, None, rng=own) == same.uniform(0.2, 2.0)
        # A seed stands for the same answer of a decision, and for a stream of delays.
        assert decision(0.5, size=20, rng=3).tolist() == decision(0.5, size=20, rng=3).tolist()
        assert len({syn_const_delay(rng=771_001) for _ in range(50)}) > 45
