"""Parameters on blocks of pairs: which function is called how, and which pairs a block holds."""

from __future__ import annotations

import functools
import itertools
import math
import pickle
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmtool_connectors import (
    GaussianDropoff,
    NodeArrays,
    NormalizedReciprocalRate,
    ParameterError,
    UniformInRange,
    cylindrical_dist_z,
    spherical_dist,
    vectorization,
    vectorized,
)
from bmtool_connectors.checks import floats
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace

Pairs: TypeAlias = "list[tuple[int, int]]"

GAUSS = GaussianDropoff(stdev=50.0, pmax=0.5, max_dist=100.0)


class Node(dict):  # type: ignore[type-arg]
    def __init__(self, node_id: int, **attributes: Any) -> None:
        super().__init__(attributes)
        self.node_id = node_id


def pool(ids: list[int] | range, network: object = None) -> NodeArrays:
    """Return a pool whose nodes carry twice their id."""
    return NodeArrays([Node(k, w=2.0 * k) for k in ids], network=network or object())


def describe(k: int) -> str:
    return f"pair {k}"


def plain(arg: Any, *more: Any) -> float:
    return 0.5


class OwnGaussian(GaussianDropoff):
    """A subclass may have changed anything."""


def marked(*args: Any) -> Any:
    return np.full(np.shape(args[0]), 0.25)


MARKED = vectorized(marked)


# ---------------------------------------------------------------------- the mark
def test_mark() -> None:
    @vectorized
    def law(x: Any) -> Any:
        return x / 10

    @vectorized(bound=lambda low, high: high / 10)
    def bounded(x: Any) -> Any:
        return x / 10

    assert vectorization.is_vectorized(law)
    assert vectorization.is_vectorized(bounded)
    assert law(5.0) == bounded(5.0) == 0.5
    assert law.__name__ == "law"
    assert not vectorization.has_bound(law)
    assert vectorization.has_bound(bounded)
    assert not vectorization.is_vectorized(plain)
    assert not vectorization.is_vectorized(0.5)


@pytest.mark.parametrize(
    "function",
    [np.frompyfunc(abs, 1, 1), abs, functools.partial(marked), np.vectorize(plain)],
    ids=["ufunc", "built-in", "partial", "np.vectorize"],
)
def test_mark_of_what_takes_attributes_or_not(function: Any) -> None:
    found = vectorized(function)
    assert vectorization.is_vectorized(found)
    assert not vectorization.needs_python_calls(found)
    values = np.array([-4.0, 9.0])
    assert np.array_equal(found(values), function(values))
    assert not hasattr(abs, "vectorized_bound"), "a built-in is everybody's"


def test_mark_of_a_method_and_of_an_object() -> None:
    class Law:
        def __call__(self, x: Any) -> Any:
            return x

        def method(self, x: Any) -> Any:
            return 2 * x

    law = Law()
    assert vectorized(law) is law
    assert vectorization.is_vectorized(law)
    assert not vectorization.is_vectorized(Law())
    method = vectorized(Law().method)
    assert vectorization.is_vectorized(method)
    assert method(3) == 6


@pytest.mark.parametrize("junk", [None, 3, "p", [1]])
def test_mark_of_no_function(junk: Any) -> None:
    if junk is not None:  # None is the decorator with arguments
        with pytest.raises(
            ParameterError, match=r"function of vectorized must be a function, got "
        ):
            vectorized(junk)
        with pytest.raises(ParameterError, match=r"bound of vectorized must be a function, got "):
            vectorized(bound=junk)(marked)
    with pytest.raises(ParameterError, match="function of vectorized must be"):
        vectorized(bound=abs)(junk)


# ---------------------------------------------------------------------- np.vectorize
VECTORIZE: tuple[dict[str, Any], ...] = (
    {},
    *({"otypes": [each]} for each in (float, np.float32, np.float16, int, bool, object)),
    {"otypes": "d"},
    {"otypes": [float, float]},
    {"excluded": {1}},
    {"signature": "(),(),()->()"},
    {"cache": True},
)


@pytest.mark.parametrize("options", VECTORIZE, ids=repr)
@pytest.mark.parametrize(
    "value", [0.3, 1 / 3, True, 2, np.float32(0.1), None, "x"], ids=lambda value: repr(value)
)
def test_numpy_vectorize_is_as_called_one_by_one(options: dict[str, Any], value: Any) -> None:
    """The values, and whether there are any, are those of one call per pair."""

    def law(arg: float, p0: float, p1: float) -> Any:
        found = value if arg < 3 or not isinstance(value, float) else p0 * p1
        return (found, found) if len(options.get("otypes", "")) == 2 else found

    made = np.vectorize(law, **options)
    args = np.array([1.0, 4.0, 2.0]), 0.5, np.array([0.1, 0.2, 0.3])

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            found = call()
        except (TypeError, ValueError) as error:
            return type(error)
        return [str(each) for each in floats(found).tolist()]  # NaN is NaN

    def one_by_one() -> Any:
        columns = args[0].tolist(), args[2].tolist()
        return vectorization.as_array([made(x, 0.5, p) for x, p in zip(*columns, strict=True)])

    assert outcome(lambda: vectorization.of_values(made, args, 3, "pr")) == outcome(one_by_one)


def test_a_law_in_numpy_vectorize_is_called_once_per_pair() -> None:
    calls: list[float] = []

    def law(dist: float) -> float:
        calls.append(dist)
        return 0.5

    vectorization.of_values(np.vectorize(law), (np.arange(7.0),), 7, "p")
    assert calls == list(range(7))
    assert {type(each) for each in calls} == {float}


# ---------------------------------------------------------------------- who needs Python calls
@pytest.mark.parametrize(
    ("value", "needed"),
    [
        (0.3, False),
        (None, False),
        ("0", False),
        (plain, True),
        (np.vectorize(plain), True),
        (functools.partial(plain), True),
        (np.cbrt, True),
        (MARKED, False),
        (spherical_dist, False),
        (cylindrical_dist_z, False),
        (lambda a, b: spherical_dist(a, b), True),
        (functools.partial(spherical_dist), True),
        (GAUSS, False),
        (UniformInRange(0.1), False),
        (OwnGaussian(), True),
        (NormalizedReciprocalRate(2.0), False),
        (NormalizedReciprocalRate(GAUSS), False),
        (NormalizedReciprocalRate(MARKED), False),
        (NormalizedReciprocalRate(plain), True),
        (NormalizedReciprocalRate(OwnGaussian()), True),
    ],
    ids=lambda value: repr(value).split(" at 0x")[0],
)
def test_needs_python_calls(value: Any, needed: bool) -> None:
    assert vectorization.needs_python_calls(value) is needed


@pytest.mark.parametrize(
    ("law", "takes"),
    [
        *((GAUSS, True), (UniformInRange(0.1), True), (OwnGaussian(), True), (plain, False)),
        *((0.3, False), (None, False), (NormalizedReciprocalRate(2.0), False)),
        *((NormalizedReciprocalRate(GAUSS), True), (NormalizedReciprocalRate(plain), False)),
    ],
    ids=lambda value: repr(value).split(" at 0x")[0],
)
def test_takes_distance(law: Any, takes: bool) -> None:
    assert vectorization.takes_distance(law) is takes


def test_profiles_by_exact_type() -> None:
    assert vectorization.is_profile(GAUSS)
    assert not vectorization.is_profile(OwnGaussian())
    assert not vectorization.is_profile(GaussianDropoff)


# ---------------------------------------------------------------------- functions of two nodes
def test_of_pairs_calls_in_order() -> None:
    source, target = pool([3, 4, 5]), pool([7, 8])
    calls: Pairs = []

    def function(a: Any, b: Any) -> float:
        calls.append((a.node_id, b.node_id))
        return a["w"] + b["w"]

    i, j = np.array([2, 0, 0]), np.array([1, 0, 1])
    found = vectorization.of_pairs(function, source, target, i, j, "p_arg")
    assert calls == [(5, 8), (3, 7), (3, 8)]
    assert found.dtype == float
    assert found.tolist() == [26.0, 20.0, 22.0]


def test_of_pairs_of_a_vectorized_function() -> None:
    source, target = pool([3, 4, 5]), pool([7, 8])
    calls = []

    @vectorized
    def function(a: Any, b: Any) -> Any:
        calls.append((a.node_id.tolist(), b.node_id.tolist()))
        return a["w"] * b["w"]

    i, j = np.array([2, 0, 0]), np.array([1, 0, 1])
    found = vectorization.of_pairs(function, source, target, i, j, "p_arg")
    assert calls == [([5, 3, 3], [8, 7, 8])]
    assert found.tolist() == [160.0, 84.0, 96.0]
    same = vectorized(lambda a, b: 7)
    assert vectorization.of_pairs(same, source, target, i, j, "n_syn").tolist() == [7, 7, 7]
    wrong = vectorized(lambda a, b: np.zeros(2))
    with pytest.raises(ParameterError, match=r"p_arg .* shape \(2,\) for 3 pairs.* shape \(3,\)"):
        vectorization.of_pairs(wrong, source, target, i, j, "p_arg")


@pytest.mark.parametrize("value", [0.5, None, "0", 3])
def test_of_pairs_of_a_constant(value: Any) -> None:
    nodes = pool([1])
    assert (
        vectorization.of_pairs(value, nodes, nodes, np.array([0]), np.array([0]), "p_arg") is value
    )


def test_of_pairs_of_no_pair() -> None:
    def never(a: Any, b: Any) -> float:
        raise AssertionError("called")

    nodes, none = pool([1]), np.zeros(0, dtype=int)
    assert vectorization.of_pairs(never, nodes, nodes, none, none, "p_arg").shape == (0,)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], float),
        ([1.5, 2], float),
        ([True, False], float),
        ([np.float64(1), np.int8(2)], float),
        ([], float),
        ([None, 1.0], object),
        (["a", 1.0], object),
        (["1", "2"], object),
        ([[1, 2], [3]], object),
        ([[1, 2], [3, 4]], object),
        ([np.zeros(2), np.zeros(2)], object),
        ([np.zeros((1, 1)), 1.0], object),
        ([1j, 2.0], object),
        ([2**70, 1], object),
    ],
)
def test_as_array(values: list[Any], dtype: Any) -> None:
    found = vectorization.as_array(values)
    assert found.shape == (len(values),)
    assert found.dtype == dtype
    if dtype is object:
        assert all(a is b for a, b in zip(found, values, strict=True))


# ---------------------------------------------------------------------- laws
ARGS = np.array([0.0, 50.0, 99.0, 101.0])


def test_of_values_of_package_laws() -> None:
    expected = [GAUSS(d) for d in ARGS.tolist()]
    assert vectorization.of_values(GAUSS, (ARGS,), 4, "p").tolist() == expected
    assert vectorization.of_values(GAUSS, (50.0,), 4, "p") == GAUSS(50.0)
    assert (
        vectorization.of_values(
            OwnGaussian(stdev=50.0, pmax=0.5, max_dist=100.0), (ARGS,), 4, "p"
        ).tolist()
        == expected
    )
    assert vectorization.of_values(0.3, (ARGS,), 4, "p") == 0.3


def test_of_values_of_a_rate() -> None:
    p0, p1 = np.array([0.1, 0.2, 0.3, 0.4]), 0.5
    for rate in (2.0, GAUSS, lambda d: 1 + d, vectorized(lambda d: 1 + d)):
        law = NormalizedReciprocalRate(rate)
        found = vectorization.of_values(law, (ARGS, p0, p1), 4, "pr")
        expected = [law(d, a, p1) for d, a in zip(ARGS.tolist(), p0.tolist(), strict=True)]
        assert found.tolist() == pytest.approx(expected, rel=1e-15)


def test_of_values_calls_with_plain_numbers_in_order() -> None:
    calls = []

    def law(*args: Any) -> float:
        calls.append(args)
        return 0.5

    found = vectorization.of_values(law, (ARGS, 0.25, np.full(4, 0.75)), 4, "pr")
    assert found.tolist() == [0.5] * 4
    assert calls == [(d, 0.25, 0.75) for d in ARGS.tolist()]
    assert {type(value) for args in calls for value in args} == {float}
    calls.clear()
    vectorization.of_values(law, (None,), 3, "p")
    assert calls == [(None,)] * 3, "once per pair, also when all pairs share the argument"


def test_of_values_of_a_vectorized_law() -> None:
    calls = []

    @vectorized
    def law(arg: Any) -> Any:
        calls.append(arg)
        return arg / 200

    assert vectorization.of_values(law, (ARGS,), 4, "p").tolist() == (ARGS / 200).tolist()
    assert calls[0] is ARGS
    assert vectorization.of_values(law, (50.0,), 4, "p").tolist() == [0.25] * 4
    wrong = vectorized(lambda arg: np.zeros((2, 2)))
    with pytest.raises(ParameterError, match=r"p was declared @vectorized .* \(2, 2\) for 4"):
        vectorization.of_values(wrong, (ARGS,), 4, "p")


# ---------------------------------------------------------------------- bounds
def test_bounds() -> None:
    low, high = np.array([0.0, 40.0, 150.0]), np.array([10.0, 60.0, 160.0])
    assert vectorization.bound_of(0.3, low, high, "p").tolist() == [0.3] * 3
    assert vectorization.bound_of(GAUSS, low, high, "p").tolist() == GAUSS.bound(low, high).tolist()
    wide = vectorized(bound=lambda low, high: 1 + low)(lambda dist: 0.5)
    assert vectorization.bound_of(wide, low, high, "p").tolist() == [1.0] * 3, "a probability"
    flat = vectorized(bound=lambda low, high: 0.2)(lambda dist: 0.1)
    assert vectorization.bound_of(flat, low, high, "p").tolist() == [0.2] * 3
    assert vectorization.bound_of(flat, 1.0, 2.0, "p").shape == ()
    assert vectorization.has_bound(GAUSS)
    assert not vectorization.has_bound(OwnGaussian())
    assert not vectorization.has_bound(plain)


@pytest.mark.parametrize("value", [-0.1, math.nan])
def test_bounds_that_are_none(value: float) -> None:
    law = vectorized(bound=lambda low, high: np.full(low.shape, value))(lambda dist: 0.1)
    with pytest.raises(
        ParameterError, match=r"bound of p of X must give .*, got negative or missing values"
    ):
        vectorization.bound_of(law, np.zeros(3), np.ones(3), "p of X")


# ---------------------------------------------------------------------- checks
def test_checked_probability() -> None:
    values = np.array([-1e-12, 0.5, 1 + 1e-12])
    found = vectorization.checked_probability(values, describe, "p")
    assert found.tolist() == [0.0, 0.5, 1.0]
    assert vectorization.checked_probability(1 + 1e-12, describe, "p") == 1.0
    assert type(vectorization.checked_probability(np.float64(0.5), describe, "p")) is float
    assert vectorization.checked_probability(np.array([]), describe, "p").shape == (0,)


@pytest.mark.parametrize(
    ("values", "k", "shown"),
    [
        ([0.5, 1.1, 2.0], 1, "1.1"),
        ([0.5, -0.1], 1, "-0.1"),
        ([0.5, math.nan], 1, "nan"),
        ([0.5, None], 1, "None"),
        (["x", 0.5], 0, "'x'"),
        ([0.5, 0.5, math.inf], 2, "inf"),
    ],
)
def test_the_first_wrong_probability_is_named(values: list[Any], k: int, shown: str) -> None:
    array = vectorization.as_array(values)
    with pytest.raises(ParameterError) as caught:
        vectorization.checked_probability(array, describe, "p of X")
    assert str(caught.value).startswith(
        f"p of X must be a probability in [0, 1], got {shown} for pair {k}: "
    )


def test_checked_numbers() -> None:
    assert vectorization.checked_numbers(np.array([5.0, -3.0]), describe, "pr").tolist() == [
        5.0,
        -3.0,
    ]
    assert vectorization.checked_numbers(2, describe, "pr") == 2.0
    with pytest.raises(ParameterError, match=r"pr must be .*, got None for pair 0"):
        vectorization.checked_numbers(None, describe, "pr")


def test_checked_counts() -> None:
    found = vectorization.checked_counts(np.array([0.0, 300.0, 2.0**32 - 1]), 3, describe, "n_syn")
    assert found.dtype == np.int64
    assert found.tolist() == [0, 300, 2**32 - 1]
    assert vectorization.checked_counts(3, 2, describe, "n_syn").tolist() == [3, 3]
    assert vectorization.checked_counts(np.array([True, False]), 2, describe, "n_syn").tolist() == [
        1,
        0,
    ]
    assert vectorization.checked_counts(np.zeros(0), 0, describe, "n_syn").shape == (0,)


@pytest.mark.parametrize("wrong", [0.5, -1.0, math.nan, None, "x", 2.0**32, [1, 2]])
def test_the_first_wrong_count_is_named(wrong: Any) -> None:
    array = vectorization.as_array([1, wrong, wrong])
    with pytest.raises(ParameterError) as caught:
        vectorization.checked_counts(array, 3, describe, "n_syn of X")
    assert str(caught.value).startswith(
        f"n_syn of X must be a whole number of synapses >= 0, got {wrong!r} for pair 1: "
    )


# ---------------------------------------------------------------------- spaces and blocks
def space_of(kind: str, n: int, m: int, offset: int, autapses: bool) -> PairSpace:
    """Return a pair space; two pools of one network share nodes when `offset` is small."""
    network = object()
    source = pool(range(n), network)
    if kind == "all":
        return PairSpace(source, pool(range(offset, offset + m), network), autapses=autapses)
    return PairSpace(source, source, kind, autapses=autapses)  # type: ignore[arg-type]


def expected_pairs(space: PairSpace) -> Pairs:
    """Return the pairs of a space by their definition."""
    n, m = len(space.source), len(space.target)
    if space.kind == "upper":
        return list(itertools.combinations(range(n), 2))
    if space.kind == "upper and diagonal":
        return list(itertools.combinations_with_replacement(range(n), 2))
    ids = space.source.ids.tolist(), space.target.ids.tolist()
    return [
        (i, j)
        for i, j in itertools.product(range(n), range(m))
        if space.autapses or ids[0][i] != ids[1][j]
    ]


SPACES = st.builds(
    space_of,
    st.sampled_from(["all", "upper", "upper and diagonal"]),
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(-4, 12),
    st.booleans(),
)


def as_pairs(i: npt.NDArray[Any], j: npt.NDArray[Any]) -> Pairs:
    return list(zip(i.tolist(), j.tolist(), strict=True))


@settings(max_examples=250, derandomize=True, database=None, deadline=None)
@given(SPACES, st.integers(1, 10))
def test_blocks_hold_every_pair_once_and_in_order(space: PairSpace, size: int) -> None:
    expected = expected_pairs(space)
    assert space.n_pairs == len(expected)
    by_rank: Pairs = []
    by_place: Pairs = []
    for block in space.blocks(size):
        assert block.size == (block.i1 - block.i0) * (block.j1 - block.j0)
        assert block.width == block.j1 - block.j0
        assert block.size <= max(size, block.width)
        assert block.width <= max(size, 1)
        by_rank += as_pairs(*block.of_rank(np.arange(block.n)))
        places = block.flat()
        assert len(places) == block.n
        assert block.is_full == (block.n == block.size)
        by_place += as_pairs(*block.of_flat(places))
    assert by_rank == expected
    assert by_place == expected


@pytest.mark.parametrize("size", range(1, 11))
@pytest.mark.parametrize("autapses", [True, False])
@pytest.mark.parametrize("kind", ["all", "upper", "upper and diagonal"])
def test_all_kinds_by_itertools(kind: str, autapses: bool, size: int) -> None:
    for n, m, offset in ((5, 5, 0), (5, 4, 2), (3, 6, -2), (1, 1, 0), (2, 1, 9), (4, 4, -3)):
        space = space_of(kind, n, m, offset, autapses)
        found: Pairs = []
        for block in space.blocks(size):
            found += as_pairs(*block.of_rank(np.arange(block.n)))
        assert found == expected_pairs(space)


@settings(max_examples=150, derandomize=True, database=None, deadline=None)
@given(SPACES, st.integers(1, 10), st.randoms(use_true_random=False))
def test_some_pairs_of_a_block(space: PairSpace, size: int, random: Any) -> None:
    """Ranks and places of a selection, ascending."""
    for block in space.blocks(size):
        pairs = as_pairs(*block.of_rank(np.arange(block.n)))
        some = sorted(random.sample(range(block.n), random.randint(0, block.n)))
        found = as_pairs(*block.of_rank(np.array(some, dtype=int)))
        assert found == [pairs[k] for k in some]
        wanted = np.array([random.random() < 0.5 for _ in range(block.size)], dtype=bool)
        asked = {pair for pair, yes in zip(rectangle(block), wanted.tolist(), strict=True) if yes}
        places = block.flat(wanted.copy())
        assert as_pairs(*block.of_flat(places)) == [pair for pair in pairs if pair in asked]


def rectangle(block: PairBlock) -> Pairs:
    return list(itertools.product(range(block.i0, block.i1), range(block.j0, block.j1)))


@settings(max_examples=100, derandomize=True, database=None, deadline=None)
@given(SPACES)
def test_self_pairs(space: PairSpace) -> None:
    """Pairs of a node with itself, whatever the pools."""
    i, j = np.array(expected_pairs(space) or np.zeros((0, 2)), dtype=int).T
    expected = space.source.ids[i] == space.target.ids[j]
    if space.kind == "upper":
        assert not expected.any()
    assert space.is_self(i, j).tolist() == expected.tolist()
    if not space.autapses and space.kind == "all":
        assert not expected.any()


def test_left_out_by_hand() -> None:
    """Nodes 0 to 3 to nodes 2 to 5: the pairs (2, 2) and (3, 3) are at (2, 0) and (3, 1)."""
    space = space_of("all", 4, 4, 2, autapses=False)
    assert space.left_out is not None
    assert space.left_out.tolist() == [-1, -1, 0, 1]
    assert space.n_pairs == 14
    assert space_of("all", 4, 4, 2, autapses=True).left_out is None
    assert space_of("all", 4, 4, 9, autapses=False).left_out is None
    assert space_of("upper", 4, 4, 0, autapses=False).left_out is None
    assert space_of("all", 4, 4, 2, autapses=True).n_pairs == 16


def test_other_networks_have_no_self_pairs() -> None:
    space = PairSpace(pool(range(4)), pool(range(4)), autapses=False)
    assert space.n_pairs == 16
    assert not space.is_self(np.arange(4), np.arange(4)).any()


def test_pickled_space() -> None:
    space = space_of("all", 4, 4, 2, autapses=False)
    assert pickle.loads(pickle.dumps(space)).n_pairs == 14


def test_first_columns() -> None:
    rows = np.arange(4)
    kinds = ["all", "upper", "upper and diagonal"]
    found = [space_of(kind, 4, 4, 0, True).first_column(rows).tolist() for kind in kinds]
    assert found == [[0, 0, 0, 0], [1, 2, 3, 4], [0, 1, 2, 3]]


def test_blocks_of_a_large_space_are_few() -> None:
    """By default tens of thousands of pairs each, and whole rows."""
    space = space_of("upper", 1500, 0, 0, True)
    blocks = list(space.blocks())
    assert sum(block.n for block in blocks) == 1500 * 1499 // 2
    assert len(blocks) < 40
    assert max(block.size for block in blocks) <= 1 << 16
