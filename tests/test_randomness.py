"""Generators, private seeds and their streams; ``decision`` and ``decisions``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from bmtk.builder import NetworkBuilder
from conftest import QUIET, make_network, pools
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import bmtool_connectors
from bmtool_connectors import (
    GapJunction,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    decision,
    decisions,
    generators,
    randomness,
)
from bmtool_connectors.randomness import Seed

#: Probability that a right package fails one of the statistical tests; seeds are fixed.
FALSE_ALARM = 1e-6

Shared = np.random.Generator | np.random.RandomState

SHARED: dict[str, Callable[[], Shared]] = {
    "PCG64": lambda: np.random.default_rng(5),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(5)),
    "Philox": lambda: np.random.Generator(np.random.Philox(5)),
    "SFC64": lambda: np.random.Generator(np.random.SFC64(5)),
    "RandomState": lambda: np.random.RandomState(5),
}


# ---------------------------------------------------------------------- what rng may be
def same_state(a: Any, b: Any) -> bool:
    """Whether two snapshots of one generator are equal."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_state(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))


@pytest.mark.parametrize("name", SHARED)
def test_a_generator_is_itself(name: str) -> None:
    rng = SHARED[name]()
    assert randomness.as_source(rng, "rng") is rng
    assert randomness.generator_for_helper(rng, "rng") is rng


@pytest.mark.parametrize("seed", [0, 7, np.int64(7), np.uint8(7), 2**100])
def test_an_int_is_a_seed(seed: Any) -> None:
    source = randomness.as_source(seed, "rng")
    assert isinstance(source, Seed)
    assert source.sequence.entropy == int(seed)
    assert repr(source) == f"Seed({int(seed)})"


def test_a_seed_sequence_is_kept() -> None:
    sequence = np.random.SeedSequence([1, 2, 3], spawn_key=(4,))
    source = randomness.as_source(sequence, "rng")
    assert isinstance(source, Seed)
    assert source.sequence is sequence


@pytest.mark.parametrize(
    "rng",
    ["1", 1.0, -1, np.int64(-1), True, np.True_, None, [1], np.array([1, 2]), np.random, object],
    ids=lambda value: repr(value).split(" at 0x")[0],
)
def test_everything_else_is_refused(rng: Any) -> None:
    with pytest.raises(ParameterError, match=r"rng of X must be a numpy Generator"):
        randomness.as_source(rng, "rng of X")


def test_default_is_unseeded() -> None:
    """Two processes do not draw the same numbers by accident, and the default is a Generator."""
    code = "import bmtool_connectors as b; print(b.rng.random(), isinstance(b.rng, {}))"
    code = code.format("__import__('numpy').random.Generator")
    printed = {
        subprocess.check_output([sys.executable, "-c", code], text=True).strip() for _ in range(2)
    }
    assert len(printed) == 2
    assert all(line.endswith("True") for line in printed)


def test_assigning_none_is_a_new_default() -> None:
    bmtool_connectors.rng = None
    first = bmtool_connectors.rng
    del bmtool_connectors.rng
    assert isinstance(first, np.random.Generator)
    assert isinstance(bmtool_connectors.rng, np.random.Generator)
    assert bmtool_connectors.rng is not first


# ---------------------------------------------------------------------- roots
PINNED = {
    "use 0": [2012162817, 1333813952, 3441923612, 348384057],
    "own seed": [1803967691, 1212400729],
    "sequence": [3312787982, 2426535134],
    "helpers": [0.7137868247717851, 0.5945483974175882],
}


def state(sequence: np.random.SeedSequence, n: int = 4) -> list[int]:
    return [int(word) for word in sequence.generate_state(n)]


def test_definition_of_the_streams() -> None:
    """Pinned: with another value, the same seed is another network, on some machine or always."""
    key = ("net: *", "net: *", "UnidirectionConnector", None)
    assert state(Seed(1234).root(*key, 0)) == PINNED["use 0"]
    assert state(Seed(1234).root(*key), 2) == PINNED["own seed"]
    sequence = np.random.SeedSequence(7, spawn_key=(2,))
    assert state(Seed(sequence).root("a"), 2) == PINNED["sequence"]
    assert Seed(1234).helpers.random(2).tolist() == PINNED["helpers"]


def test_roots_do_not_depend_on_the_hash_seed() -> None:
    """Python salts the hashes of strings."""
    code = (
        "from bmtool_connectors.randomness import Seed\nprint(*Seed(1).root('a').generate_state(4))"
    )
    for salt in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": salt}
        printed = subprocess.check_output([sys.executable, "-c", code], text=True, env=env)
        assert [int(word) for word in printed.split()] == state(Seed(1).root("a"))


def test_every_part_of_the_key_counts() -> None:
    keys: list[tuple[Any, ...]] = [
        *(("a", "b", "C", None), ("b", "a", "C", None), ("a", "b", "D", None)),
        *(("a", "b", "C", "None"), ("a", "b", "C", "x"), ("a", "b", "C", None, 0)),
        *(("a", "b", "C", None, 1), ("a", "b", "C"), ("a', 'b", "C", None), ("ab", "", "C", None)),
        *((), ("",), ("1",), (1,)),
    ]
    roots = {tuple(state(Seed(3).root(*key))) for key in keys}
    assert len(roots) == len(keys)
    assert tuple(state(Seed(4).root(*keys[0]))) not in roots
    assert state(Seed(3).root(*keys[0])) == state(Seed(3).root(*keys[0]))


def test_spawned_seeds_are_seeds_of_their_own() -> None:
    parent = np.random.SeedSequence(3)
    children = [*parent.spawn(2), parent]
    assert len({tuple(state(Seed(child).root("a"))) for child in children}) == 3
    assert len({Seed(child).helpers.random() for child in children}) == 3


def test_uses_are_numbered_by_key() -> None:
    seed = Seed(1)
    assert [seed.count_use("a", "b") for _ in range(3)] == [0, 1, 2]
    assert seed.count_use("b", "a") == 0
    assert seed.count_use("a", "b") == 3
    assert Seed(1).count_use("a", "b") == 0


def test_helpers_have_one_stream_apart_from_all_uses() -> None:
    seed = Seed(1)
    assert seed.helpers is seed.helpers
    first = Seed(1).helpers.random()
    assert seed.helpers.random() == first
    uses = {np.random.default_rng(Seed(1).root(*key)).random() for key in ((), ("a",), ("",))}
    assert first not in uses


# ---------------------------------------------------------------------- states
@pytest.mark.parametrize("name", SHARED)
def test_state_is_put_back(name: str) -> None:
    rng = SHARED[name]()
    rng.normal(size=3)  # RandomState keeps the second of two normal numbers
    before = generators.get_state(rng)
    first = (rng.normal(), rng.random(), rng.integers(9) if hasattr(rng, "integers") else 0)
    after = generators.get_state(rng)
    assert not same_state(before, after)
    generators.set_state(rng, before)
    assert same_state(before, generators.get_state(rng))
    again = (rng.normal(), rng.random(), rng.integers(9) if hasattr(rng, "integers") else 0)
    assert again == first
    assert same_state(after, generators.get_state(rng))


@pytest.mark.parametrize("name", SHARED)
def test_a_snapshot_does_not_move(name: str) -> None:
    rng = SHARED[name]()
    before = generators.get_state(rng)
    rng.random(1000)
    assert not same_state(before, generators.get_state(rng))
    assert same_state(before, generators.get_state(SHARED[name]()))


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, None])
def test_restored_on_error(name: str, error: type[BaseException] | None) -> None:
    rng = SHARED[name]()
    first = SHARED[name]().random(4).tolist()
    try:
        with generators.restored_on_error(rng):
            assert rng.random() == first[0]
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt):
        assert error is not None
    assert rng.random() == first[0 if error else 1]


def test_not_restored_where_the_draw_is_kept() -> None:
    rng, other = np.random.default_rng(1), np.random.default_rng(1)
    with pytest.raises(TypeError), generators.restored_on_error(rng, kept=lambda: True):
        float([rng.random()])  # type: ignore[arg-type]
    assert other.random(2)[1] == rng.random()


# ---------------------------------------------------------------------- decisions
@pytest.mark.parametrize("name", SHARED)
def test_decision_is_a_comparison(name: str) -> None:
    mine, other = SHARED[name](), SHARED[name]()
    for p in (0.3, 0.7):
        found = decision(p, rng=mine)
        assert type(found) is bool
        assert found == (other.random() < p)
    for size in (5, (2, 3), (0,), 0):
        found = decision(0.5, size=size, rng=mine)
        assert isinstance(found, np.ndarray)
        assert found.dtype == bool
        assert found.tolist() == (other.random(size) < 0.5).tolist()
    p = np.array([[0.1, 0.9], [0.5, 0.5]])
    found = decisions(p, rng=mine)
    assert found.dtype == bool
    assert found.tolist() == (other.random((2, 2)) < p).tolist()
    assert same_state(generators.get_state(mine), generators.get_state(other))


@pytest.mark.parametrize("prob", [[0.2, 0.8], (0.2, 0.8), np.array([0.2, 0.8]), range(2), 0.5, []])
def test_shapes_of_decisions(prob: Any) -> None:
    found = decisions(prob, rng=np.random.default_rng(1))
    assert isinstance(found, np.ndarray)
    assert found.shape == np.shape(prob)
    assert found.dtype == bool


def test_certain_decisions() -> None:
    rng = np.random.default_rng(1)
    assert decisions(np.zeros(500), rng=rng).sum() == 0
    assert decisions(np.ones(500), rng=rng).sum() == 500
    assert decision(1.0, size=500).all()  # type: ignore[union-attr]
    assert not decision(0.0, size=500).any()  # type: ignore[union-attr]


def test_rate_of_decisions() -> None:
    """Exact binomial test of 100,000 draws; false alarm 1e-6."""
    n = int(np.sum(decision(0.3, size=100_000, rng=np.random.default_rng(1))))
    assert stats.binomtest(n, 100_000, 0.3).pvalue > FALSE_ALARM
    n = int(decisions(np.full(100_000, 0.3), rng=2).sum())
    assert stats.binomtest(n, 100_000, 0.3).pvalue > FALSE_ALARM


def test_nan_is_refused_before_a_draw() -> None:
    rng = np.random.default_rng(1)
    before = generators.get_state(rng)
    for call in (lambda: decision(np.nan, rng=rng), lambda: decisions([0.1, np.nan], rng=rng)):
        with pytest.raises(ParameterError, match=r"prob of decisions? must be .*, got .*nan"):
            call()
    assert same_state(before, generators.get_state(rng))


# ---------------------------------------------------------------------- who owns which stream
#: Each line of the table in the docstring of ``randomness`` is a test below.
def edges_of(connector: Any, net: NetworkBuilder | None = None) -> list[tuple[int, int]]:
    """Set up a connector on all of a network, draw it, and return its pairs."""
    net = make_network(9, 8) if net is None else net
    connector.setup_nodes(*pools(net))
    connector.initial_all_to_all()
    forward = connector.connectivity.forward
    return list(zip(forward.source.tolist(), forward.target.tolist(), strict=True))


def uni(**parameters: Any) -> UnidirectionConnector:
    return UnidirectionConnector(**{"p": 0.5, **QUIET, **parameters})


def dense(u: npt.NDArray[np.float64], p: float = 0.5) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in zip(*np.nonzero(u < p), strict=True)]


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("module_wide", [False, True])
def test_shared_generator_in_the_order_of_first_uses(name: str, module_wide: bool) -> None:
    rng, other = SHARED[name](), SHARED[name]()
    if module_wide:
        bmtool_connectors.rng = rng
    given = {} if module_wide else {"rng": rng}
    first, second = uni(**given), uni(**given)
    net = make_network(9, 8)
    for connector in (first, second):
        connector.setup_nodes(*pools(net))
    bmtool_connectors.rng = np.random.default_rng(99)  # taken at construction
    for connector in (second, first):
        assert edges_of(connector, net) == dense(other.random((9, 8)))


def test_own_seed_is_one_stream_per_use_and_key() -> None:
    """Source, target, class and name; nothing that happens elsewhere."""
    net = make_network(9, 8)
    expected = edges_of(uni(rng=1), net)
    np.random.default_rng(1).random(5)
    assert edges_of(uni(rng=1), net) == expected
    assert edges_of(uni(rng=1), make_network(9, 8)) == expected
    connector = uni(rng=1)
    assert [edges_of(connector, net) for _ in range(2)] == [expected] * 2
    others = [
        uni(rng=2),
        uni(rng=1, name="x"),
        uni(rng=1, name="y"),
        ReciprocalConnector(p0=0.5, p1=0.5, pr=None, rng=1, **QUIET),
    ]
    found = [edges_of(other, net) for other in others]
    renamed = make_network(9, 8, name="other")
    found.append(edges_of(uni(rng=1), renamed))
    assert all(each != expected for each in found)
    assert len({tuple(each) for each in found}) == len(found)


def test_own_seed_of_a_sequence() -> None:
    sequence = np.random.SeedSequence(1)
    assert edges_of(uni(rng=sequence)) == edges_of(uni(rng=1))
    child = sequence.spawn(1)[0]
    assert edges_of(uni(rng=child)) != edges_of(uni(rng=1))


def test_retuning_keeps_the_numbers() -> None:
    """A larger probability only adds edges."""
    some, more = (set(edges_of(uni(p=p, rng=1))) for p in (0.3, 0.6))
    assert some < more


def test_module_seed_numbers_uses_with_equal_keys() -> None:
    net = make_network(9, 8)
    bmtool_connectors.rng = 1234
    first, second, named = uni(), uni(), uni(name="n")
    gap = GapJunction(p=0.5, **QUIET)
    drawn = [edges_of(connector, net) for connector in (first, second, named)]
    assert len({tuple(each) for each in drawn}) == 3
    bmtool_connectors.rng = 1234
    # Another connector between, another order of building: only the order of equal keys counts.
    gap.setup_nodes(*[pools(net)[0]] * 2)
    connectors = [uni(name="n"), uni(), uni()]
    for connector in connectors:
        connector.setup_nodes(*pools(net))
    found = []
    for connector in reversed(connectors):
        connector.initial_all_to_all()
        forward = connector.connectivity.forward
        found.append(list(zip(forward.source.tolist(), forward.target.tolist(), strict=True)))
    assert found == [drawn[1], drawn[0], drawn[2]]


def test_decisions_of_a_seed_begin_anew() -> None:
    assert decisions([0.5] * 30, rng=7).tolist() == decisions([0.5] * 30, rng=7).tolist()
    assert decision(0.5, size=30, rng=7).tolist() == decisions([0.5] * 30, rng=7).tolist()  # type: ignore[union-attr]
    sequence = np.random.SeedSequence(7)
    assert decisions([0.5] * 30, rng=sequence).tolist() == decisions([0.5] * 30, rng=7).tolist()
    assert decisions([0.5] * 30, rng=8).tolist() != decisions([0.5] * 30, rng=7).tolist()


def test_decisions_share_the_modules_stream() -> None:
    bmtool_connectors.rng = 7
    first, second = decisions([0.5] * 30), decision(0.5, size=30)
    assert first.tolist() != second.tolist()  # type: ignore[union-attr]
    bmtool_connectors.rng = 7
    assert decision(0.5, size=30).tolist() == first.tolist()  # type: ignore[union-attr]
    bmtool_connectors.rng = np.random.default_rng(3)
    assert decisions([0.5] * 9).tolist() == (np.random.default_rng(3).random(9) < 0.5).tolist()


@settings(max_examples=50, derandomize=True, database=None, deadline=None)
@given(st.integers(0, 2**70), st.integers(0, 2**70))
def test_seeds_do_not_collide(a: int, b: int) -> None:
    same = state(Seed(a).root("x")) == state(Seed(b).root("x"))
    assert same == (a == b)


# ---------------------------------------------------------------------- property rules
def helper_numbers(rng: Any = None) -> list[float]:
    """Return what helpers draw from a source."""
    source = randomness.default.source if rng is None else randomness.as_source(rng, "rng")
    return [float(randomness.helper_stream(source).random()) for _ in range(3)]


@pytest.mark.parametrize("rng", [None, 8, np.random.SeedSequence(8)], ids=["module", "int", "seq"])
def test_property_rules_have_streams_of_their_own(rng: Any) -> None:
    """By key, anew each time; outside of a rule nothing has moved."""
    bmtool_connectors.rng = 8
    untouched = randomness.as_source(8, "rng").helpers.random(3).tolist()
    found = {}
    for key in (("A", "B", 0, "delay"), ("A", "B", 1, "delay"), ("A", "B", 0, "weight")):
        with randomness.property_streams(*key):
            found[key] = helper_numbers(rng)
            with randomness.property_streams("within"):
                inner = helper_numbers(rng)
            following = helper_numbers(rng)
        with randomness.property_streams(*key):
            assert helper_numbers(rng) + helper_numbers(rng) == found[key] + following
    numbers = [untouched, inner, *found.values()]
    assert len({number for each in numbers for number in each}) == 15
    if rng is None:
        assert helper_numbers() == untouched


def test_property_rules_and_other_sources() -> None:
    """A generator is followed; ``decision`` with a seed of its own begins anew, as elsewhere."""
    bmtool_connectors.rng = 8
    expected = np.random.default_rng(3).random(3).tolist()
    alone = decision(0.5, size=20, rng=5)
    with randomness.property_streams("A"):
        assert helper_numbers(np.random.default_rng(3)) == expected
        assert (decision(0.5, size=20, rng=5) == alone).all()
        assert (decision(0.5, size=20, rng=5) == alone).all()
        first = decision(0.5, size=60)
    with randomness.property_streams("A"):
        assert (decision(0.5, size=60) == first).all()


def test_an_error_in_a_property_rule_ends_its_streams() -> None:
    bmtool_connectors.rng = 8
    before = randomness.helper_stream(randomness.default.source)
    with pytest.raises(KeyError), randomness.property_streams("A"):
        raise KeyError
    assert randomness.helper_stream(randomness.default.source) is before
