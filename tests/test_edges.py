"""Edge lists: canonical, immutable, and every method against a dense array."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from conftest import assert_canonical, make_network
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bmtool_connectors import Connectivity, EdgeList, NodeArrays, ParameterError
from bmtool_connectors.arrays import index_dtype, order_by
from bmtool_connectors.connectivity import LazyCounts, chosen_counts

Dense: TypeAlias = npt.NDArray[np.int64]

FEW = settings(max_examples=60, derandomize=True, database=None, deadline=None)

#: Synapse counts of all pairs, 0 where there is no edge.
DENSE = npst.arrays(
    np.int64,
    st.tuples(st.integers(0, 6), st.integers(0, 6)),
    elements=st.sampled_from([0, 0, 0, 1, 2, 300]),
)


def edges_of(dense: Dense, seed: int | None = 0, args: bool = True) -> EdgeList:
    """Return the edges of a dense array, given in a shuffled order."""
    source, target = np.nonzero(dense)
    if seed is not None:
        order = np.random.default_rng(seed).permutation(len(source))
        source, target = source[order], target[order]
    pair_arg = arg_of(source, target) if args else None
    return EdgeList.from_arrays(source, target, dense.shape, dense[source, target], pair_arg)


def arg_of(source: Any, target: Any) -> npt.NDArray[np.float64]:
    return 100.0 * np.asarray(source) + np.asarray(target)


def pairs(edges: EdgeList) -> list[tuple[int, int]]:
    return list(zip(edges.source.tolist(), edges.target.tolist(), strict=True))


# ---------------------------------------------------------------------- making one
@FEW
@given(DENSE, st.integers(0, 5), st.booleans())
def test_canonical_whatever_the_order(dense: Dense, seed: int, args: bool) -> None:
    edges = edges_of(dense, seed, args)
    assert_canonical(edges)
    assert edges.shape == dense.shape
    assert len(edges) == np.count_nonzero(dense)
    assert np.array_equal(edges.to_dense(), dense)
    assert pairs(edges) == [(int(i), int(j)) for i, j in zip(*np.nonzero(dense), strict=True)]
    if args:
        assert edges.pair_arg is not None
        assert edges.pair_arg.tolist() == arg_of(edges.source, edges.target).tolist()
    else:
        assert edges.pair_arg is None


def test_example_by_hand() -> None:
    edges = EdgeList.from_arrays([2, 0, 0], [1, 3, 0], (3, 4), [5, 1, 2], [2.1, 0.3, 0.0])
    assert edges.source.tolist() == [0, 0, 2]
    assert edges.target.tolist() == [0, 3, 1]
    assert edges.n_syn.tolist() == [2, 1, 5]
    assert edges.pair_arg is not None
    assert edges.pair_arg.tolist() == [0.0, 0.3, 2.1]
    assert edges.indptr.tolist() == [0, 2, 2, 3]
    assert repr(edges) == "EdgeList(3 edges, shape=(3, 4))"


def test_one_number_for_all() -> None:
    edges = EdgeList.from_arrays([1, 0], [0, 1], (2, 2), n_syn=3, pair_arg=7)
    assert_canonical(edges)
    assert edges.n_syn.tolist() == [3, 3]
    assert edges.pair_arg is not None
    assert edges.pair_arg.tolist() == [7.0, 7.0]
    assert edges.n_syn.strides == (0,), "costs memory per edge"
    assert EdgeList.from_arrays([0], [0], (1, 1)).n_syn.tolist() == [1]


def test_no_edge() -> None:
    for shape in ((0, 0), (3, 0), (0, 3), (3, 4)):
        edges = EdgeList.from_arrays([], [], shape)
        assert_canonical(edges)
        assert len(edges) == 0
        assert edges.to_dense().shape == shape
        assert edges.indptr.tolist() == [0] * (shape[0] + 1)
        assert edges.in_degree().tolist() == [0] * shape[1]
        assert edges.transpose().shape == shape[::-1]
        assert edges.reciprocal(edges.transpose()).tolist() == []
        assert edges.to_csr().shape == shape
        assert edges.find([], []).tolist() == []
    assert EdgeList.from_arrays([], [], (3, 4)).find(0, 1) == -1


def test_the_givers_arrays_stay_theirs() -> None:
    source, target = np.array([0, 1]), np.array([1, 0])
    n_syn, arg = np.array([1, 2]), np.array([0.5, 1.5])
    edges = EdgeList.from_arrays(source, target, (2, 2), n_syn, arg)
    for array in (source, target, n_syn, arg):
        assert array.flags.writeable
        array[:] = 0
    assert pairs(edges) == [(0, 1), (1, 0)]
    assert edges.n_syn.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("n", "dtype"),
    [
        *((0, "int16"), (1, "int16"), (2**15, "int16"), (2**15 + 1, "int32")),
        *((2**31, "int32"), (2**31 + 1, "int64")),
    ],
)
def test_smallest_type_that_fits(n: int, dtype: str) -> None:
    assert index_dtype(n) == np.dtype(dtype)
    assert np.iinfo(index_dtype(n)).max >= n - 1


def test_types_of_columns() -> None:
    """Signed, so that differences of indices do not wrap."""
    small = EdgeList.from_arrays([0, 1], [0, 40_000], (2, 70_000), n_syn=[1, 300])
    assert (small.source.dtype, small.target.dtype, small.n_syn.dtype) == ("i2", "i4", "i2")
    many = EdgeList.from_arrays([0, 0], [0, 1], (1, 2), n_syn=[1, 40_000])
    assert many.n_syn.dtype == "i4"
    most = EdgeList.from_arrays([0, 0], [0, 1], (1, 2), n_syn=[1, 2**32 - 1])
    assert most.n_syn.tolist() == [1, 2**32 - 1]


def test_values_that_are_no_numbers() -> None:
    """``p_arg`` may be anything; objects are kept as they are."""
    values = np.empty(2, dtype=object)
    values[:] = ["near", (1, 2)]
    edges = EdgeList.from_arrays([1, 0], [0, 1], (2, 2), pair_arg=values)
    assert edges.pair_arg is not None
    assert edges.pair_arg.tolist() == [(1, 2), "near"]


WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"source": [0, 1], "target": [0]},
        r"target and source of EdgeList must be .*, got shapes \(1,\) and \(2",
    ),
    ({"source": [[0]], "target": [[0]]}, "must be one-dimensional arrays of one length"),
    ({"source": 0, "target": 0}, "one-dimensional arrays"),
    ({"n_syn": [1, 2, 3]}, r"n_syn and source of EdgeList must be .*, got shapes \(3,\)"),
    ({"pair_arg": [1.0]}, r"pair_arg and source of EdgeList must be .*, got shapes \(1,\)"),
    ({"pair_arg": [[1.0, 2.0]]}, "pair_arg and source of EdgeList must be "),
    (
        {"source": [0, 3]},
        r"source of EdgeList must be .* from 0 to 2 .*, got int64 values from 0 to 3",
    ),
    ({"source": [-1, 0]}, "source of EdgeList must be .*, got int64 values from -1 to 0"),
    (
        {"target": [4, 0]},
        r"target of EdgeList must be .* from 0 to 3 \(not node ids\), got .* 0 to 4",
    ),
    ({"target": [1.0, 0.0]}, "target of EdgeList must be .*, got float64 values"),
    ({"source": [True, False]}, "source of EdgeList must be .*, got bool values"),
    (
        {"n_syn": 0},
        "n_syn of EdgeList must be .* at least 1, got int64 values from 0: leave unconnected",
    ),
    ({"n_syn": [1, -2]}, "n_syn of EdgeList must be .*, got int64 values from -2"),
    ({"n_syn": 1.5}, "n_syn of EdgeList must be whole numbers.*, got float64 values from 1.5"),
    ({"source": [1, 1], "target": [2, 2]}, r"the pair \(1, 2\) more than once; .*with n_syn"),
]


@pytest.mark.parametrize(("changed", "words"), WRONG, ids=[str(row[0]) for row in WRONG])
def test_wrong_arrays(changed: dict[str, Any], words: str) -> None:
    given = {"source": [0, 1], "target": [0, 1], "shape": (3, 4), **changed}
    with pytest.raises(ParameterError, match=words) as caught:
        EdgeList.from_arrays(**given)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("junk", ["a", None, np.array(["x", "y"]), [None, 1], [1j, 2j]], ids=repr)
@pytest.mark.parametrize("name", ["source", "target", "n_syn"])
def test_junk_arrays(name: str, junk: Any) -> None:
    given = {"source": [0, 1], "target": [0, 1], "shape": (3, 4), name: junk}
    with pytest.raises(ParameterError, match=rf"\b{name}\b.* of EdgeList|of EdgeList.*\b{name}\b"):
        EdgeList.from_arrays(**given)


def test_frozen() -> None:
    edges = EdgeList.from_arrays([0, 1], [1, 0], (2, 2), pair_arg=[1.0, 2.0])
    for name in ("source", "n_syn", "pair_arg", "shape"):
        with pytest.raises(FrozenInstanceError):
            setattr(edges, name, None)
    for array in (edges.source, edges.target, edges.n_syn, edges.pair_arg):
        assert array is not None
        assert not array.flags.writeable


# ---------------------------------------------------------------------- against a dense array
@FEW
@given(DENSE)
def test_rows_and_columns(dense: Dense) -> None:
    edges = edges_of(dense)
    for i in range(dense.shape[0]):
        target, n_syn = edges.row(i)
        assert target.tolist() == np.flatnonzero(dense[i]).tolist()
        assert n_syn.tolist() == dense[i][dense[i] > 0].tolist()
    for j in range(dense.shape[1]):
        source, n_syn = edges.column(j)
        assert source.tolist() == np.flatnonzero(dense[:, j]).tolist()
        assert n_syn.tolist() == dense[:, j][dense[:, j] > 0].tolist()
    assert edges.indptr.tolist() == [0, *np.cumsum((dense > 0).sum(axis=1)).tolist()]


@FEW
@given(DENSE)
def test_degrees(dense: Dense) -> None:
    edges = edges_of(dense)
    assert edges.out_degree().tolist() == (dense > 0).sum(axis=1).tolist()
    assert edges.in_degree().tolist() == (dense > 0).sum(axis=0).tolist()
    assert edges.out_degree().shape == (dense.shape[0],)
    assert edges.in_degree().shape == (dense.shape[1],)


@FEW
@given(DENSE)
def test_find_and_contains(dense: Dense) -> None:
    edges = edges_of(dense)
    number = np.full(dense.shape, -1)
    number[np.nonzero(dense)] = np.arange(len(edges))
    i, j = np.indices(dense.shape)
    assert edges.find(i, j).tolist() == number.tolist()
    found = edges.contains(i, j)
    assert np.asarray(found).tolist() == (dense > 0).tolist()
    for one in np.ndindex(dense.shape):
        assert edges.find(*one) == number[one]
        assert edges.contains(*one) is bool(dense[one])
    if dense.size:
        assert edges.find(i[:, 0], 0).tolist() == number[:, 0].tolist(), "broadcast"


@FEW
@given(DENSE)
def test_transpose(dense: Dense) -> None:
    edges = edges_of(dense)
    other = edges.transpose()
    assert_canonical(other)
    assert np.array_equal(other.to_dense(), dense.T)
    assert other.pair_arg is not None
    assert other.pair_arg.tolist() == arg_of(other.target, other.source).tolist()
    again = other.transpose()
    assert pairs(again) == pairs(edges)
    assert again.n_syn.tolist() == edges.n_syn.tolist()


@FEW
@given(DENSE, st.integers(0, 3))
def test_reciprocal(dense: Dense, seed: int) -> None:
    """Within one population, and between two."""
    n = min(dense.shape)
    square = dense[:n, :n]
    edges = edges_of(square)
    assert edges.reciprocal().tolist() == ((square > 0) & (square.T > 0))[square > 0].tolist()
    back = dense.T.copy()
    back[np.random.default_rng(seed).random(back.shape) < 0.5] = 0
    found = edges_of(dense).reciprocal(edges_of(back))
    assert found.dtype == bool
    assert found.tolist() == ((dense > 0) & (back.T > 0))[dense > 0].tolist()


@FEW
@given(DENSE)
def test_both_directions(dense: Dense) -> None:
    n = min(dense.shape)
    upper = np.triu(dense[:n, :n], 1)
    edges = edges_of(upper)
    both = edges.both_directions()
    assert_canonical(both)
    assert np.array_equal(both.to_dense(), upper + upper.T)
    assert both.pair_arg is not None
    low, high = np.minimum(both.source, both.target), np.maximum(both.source, both.target)
    assert both.pair_arg.tolist() == arg_of(low, high).tolist()
    assert edges.both_directions() is both


@pytest.mark.parametrize("pair", [([0, 1], [1, 0]), ([1], [1])])
def test_both_directions_of_what_has_them(pair: tuple[list[int], list[int]]) -> None:
    with pytest.raises(ParameterError, match="more than once"):
        EdgeList.from_arrays(*pair, (2, 2)).both_directions()


@FEW
@given(DENSE)
def test_other_forms(dense: Dense) -> None:
    edges = edges_of(dense)
    sparse = edges.to_csr()
    assert np.array_equal(sparse.toarray(), dense)
    assert sparse.has_sorted_indices
    if len(edges):
        sparse.data[:] = 9
        assert np.array_equal(edges.to_dense(), dense), "the matrix shares memory"
    array = edges.to_dense()
    array[:] = 7
    assert np.array_equal(edges.to_dense(), dense)


def test_to_frame() -> None:
    net = make_network(3, 4)
    a, b = (NodeArrays.from_pool(net.nodes(pop_name=name)) for name in "AB")
    edges = EdgeList.from_arrays([2, 0], [3, 1], (3, 4), n_syn=[5, 2], pair_arg=[0.5, 1.5])
    table = edges.to_frame(a, b)
    assert table.columns.tolist() == ["source_node_id", "target_node_id", "n_syn", "pair_arg"]
    assert table.to_numpy().tolist() == [[0, 4, 2, 1.5], [2, 6, 5, 0.5]]
    plain = EdgeList.from_arrays([2], [3], (3, 4)).to_frame(a, b)
    assert plain.columns.tolist() == ["source_node_id", "target_node_id", "n_syn"]
    table.loc[0, "n_syn"] = 99
    assert edges.n_syn.tolist() == [2, 5]


# ---------------------------------------------------------------------- copies
def same(one: EdgeList, two: EdgeList) -> bool:
    columns = (one.n_syn, two.n_syn), (one.pair_arg, two.pair_arg)
    return (
        one.shape == two.shape
        and pairs(one) == pairs(two)
        and all(
            (a is None and b is None)
            or (a is not None and b is not None and a.tolist() == b.tolist())
            for a, b in columns
        )
    )


@FEW
@given(DENSE, st.booleans(), st.booleans())
def test_pickled(dense: Dense, args: bool, used: bool) -> None:
    edges = edges_of(dense, args=args)
    if used:
        edges.transpose()
        edges.find(0, 0)
    for copied in (
        pickle.loads(pickle.dumps(edges)),
        copy.copy(edges),
        copy.deepcopy(edges),
    ):
        assert_canonical(copied)
        assert same(copied, edges)
        assert np.array_equal(copied.to_dense(), dense)
        assert np.array_equal(copied.transpose().to_dense(), dense.T)


def test_pickle_is_small() -> None:
    """What was computed on the way is left out, and one number for all stays one."""
    n = 200
    i, j = (index.ravel() for index in np.indices((n, n)))
    edges = EdgeList.from_arrays(i, j, (n, n))
    before = len(pickle.dumps(edges))
    edges.transpose()
    edges.find(0, 0)
    edges.in_degree()
    assert len(pickle.dumps(edges)) == before
    assert before < 7 * n * n, "2 bytes each for source, target and n_syn"


# ---------------------------------------------------------------------- sorting
@FEW
@given(
    st.integers(1, 8).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), max_size=40))
    )
)
def test_order_by_is_stable(case: tuple[int, list[int]]) -> None:
    n, values = case
    key = np.array(values, dtype=np.int16)
    assert order_by(key, n).tolist() == np.argsort(key, kind="stable").tolist()


def test_order_by_of_many() -> None:
    key = np.random.default_rng(1).integers(0, 300, 100_000)
    assert np.array_equal(order_by(key, 300), np.argsort(key, kind="stable"))
    assert np.array_equal(order_by(key, 1000), np.argsort(key, kind="stable"))


# ---------------------------------------------------------------------- both directions of a draw
def test_connectivity() -> None:
    forward = EdgeList.from_arrays([0, 1], [1, 2], (2, 3))
    drawn = Connectivity.from_edges(forward)
    assert (drawn.pairs, drawn.possible, drawn.connected) == (6, (6,), (2,))
    assert (drawn.clipped, drawn.dropped, drawn.rho, dict(drawn.cache)) == (0, 0, None, {})
    assert drawn.edges("forward") is forward
    assert drawn.backward is None
    backward = EdgeList.from_arrays([2], [0], (3, 2))
    both = Connectivity(forward, backward, pairs=6)
    assert both.edges("backward") is backward
    with pytest.raises(FrozenInstanceError):
        both.forward = backward  # type: ignore[misc]


def test_cache_of_a_connectivity() -> None:
    forward = EdgeList.from_arrays([0, 1], [1, 2], (2, 3))
    kept = Connectivity(forward, pairs=6, rho=0.5, cache={"p0": np.ones(6)})
    assert list(kept.cache) == ["p0"]
    for without in (kept.without_cache(), pickle.loads(pickle.dumps(kept))):
        assert dict(without.cache) == {}
        assert (without.pairs, without.rho) == (6, 0.5)
        assert same(without.forward, forward)
    assert kept.without_cache().forward is forward


def test_counts_that_nobody_asked_for() -> None:
    """Counted once, when first read; equal to the tuple, and pickled as one."""
    calls = []

    def count() -> tuple[int, ...]:
        calls.append(1)
        return (5, 7, 3)

    counts = LazyCounts(count)
    some = chosen_counts(counts, 2, 0)
    assert calls == []
    assert list(some) == [3, 5]
    assert counts == (5, 7, 3)
    assert (counts[1], len(counts), list(counts), repr(counts)) == (7, 3, [5, 7, 3], "(5, 7, 3)")
    assert pickle.loads(pickle.dumps(counts)) == (5, 7, 3)
    assert calls == [1]
    assert chosen_counts((5, 7, 3), 0) == (5,)


def test_starts_of_long_rows() -> None:
    """Where rows have many edges each, their ends are looked up instead of counted."""
    chosen = np.zeros((4, 60), dtype=bool)
    chosen[1], chosen[3] = True, np.arange(60) % 2 == 0
    edges = EdgeList.from_arrays(*np.nonzero(chosen), chosen.shape)
    assert len(edges) > 16 * 4
    assert edges.indptr.tolist() == [0, 0, 60, 60, 90]
    assert edges.out_degree().tolist() == [0, 60, 0, 30]
