"""Connectors with given numbers: exact degrees, what they refuse, and the oddities of others.

The tests under *Oddities* would fail for what other packages do; each names it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import QUIET, assert_canonical, make_network, pools
from scipy import stats

from bmtool_connectors import (
    AllToAllConnector,
    FixedInDegreeConnector,
    FixedOutDegreeConnector,
    FixedTotalNumberConnector,
    MatrixConnector,
    NodeArrays,
    NodeError,
    OneToOneConnector,
    PairwisePoissonConnector,
    ParameterError,
    UnidirectionConnector,
    randomness,
    vectorized,
)
from bmtool_connectors.sampling import degree, degree_moments, totals
from bmtool_connectors.sampling.blocks import PairSpace

SEEDED = {"rng": 1, **QUIET}


class Node(dict[str, Any]):
    """A node object, as BMTK makes them."""

    def __init__(self, node_id: int) -> None:
        super().__init__()
        self.node_id = node_id


def drawn(connector: Any, n_a: int = 30, n_b: int = 0) -> Any:
    """Return the edges within A, or with `n_b` from A to B; they are canonical."""
    source, target = pools(make_network(n_a, n_b))
    connector.setup_nodes(source=source, target=target)
    edges = connector.connectivity.forward
    assert_canonical(edges)
    return edges


def n_syn_in(edges: Any) -> np.ndarray:
    """Return the synapses onto each target."""
    return edges.to_dense().sum(axis=0)


# ---------------------------------------------------------------------- degrees
@pytest.mark.parametrize("k", [0, 1, 7, 15, 16, 28, 29])
@pytest.mark.parametrize("multapses", [False, True])
def test_exact_degrees_within(k: int, multapses: bool) -> None:
    options = {"allow_multapses": multapses, **SEEDED}
    into = drawn(FixedInDegreeConnector(k, **options))
    assert (n_syn_in(into) == k).all()
    out = drawn(FixedOutDegreeConnector(k, **options))
    assert (out.to_dense().sum(axis=1) == k).all()
    for edges in (into, out):
        assert not (edges.source == edges.target).any()
        assert multapses or len(edges) == 30 * k


@pytest.mark.parametrize("k", [0, 1, 10, 20])
def test_exact_degrees_between(k: int) -> None:
    assert (drawn(FixedInDegreeConnector(k, **SEEDED), 20, 35).in_degree() == k).all()
    assert (drawn(FixedOutDegreeConnector(k, **SEEDED), 35, 20).out_degree() == k).all()


@pytest.mark.parametrize("chunk", [1, 8, 100, 1 << 17])
def test_degrees_of_many_sizes(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of like size are drawn together; all keep their own degree."""
    monkeypatch.setattr(degree, "CHUNK", chunk)
    wanted = np.random.default_rng(3).permutation(30)
    assert (drawn(FixedInDegreeConnector(wanted, **SEEDED)).in_degree() == wanted).all()
    assert (drawn(FixedOutDegreeConnector(wanted, **SEEDED)).out_degree() == wanted).all()


def test_kinds_of_degrees() -> None:
    calls = []

    def of_node(node: Any) -> int:
        calls.append(node.node_id)
        return int(node.node_id) % 4

    @vectorized
    def of_nodes(nodes: Any) -> Any:
        return nodes.node_id % 4

    wanted = np.arange(30) % 4
    for value in (of_node, of_nodes, wanted, wanted.tolist(), wanted.astype(float)):
        edges = drawn(FixedInDegreeConnector(value, **SEEDED))
        assert (edges.in_degree() == wanted).all()
        assert (edges.source == drawn(FixedInDegreeConnector(wanted, **SEEDED)).source).all()
    assert calls == list(range(30))
    for law in (stats.randint(3, 6), stats.rv_discrete(values=([3, 5], [0.5, 0.5]))):
        found = drawn(FixedOutDegreeConnector(law, **SEEDED)).out_degree()
        assert set(found) <= {3, 4, 5}
        assert len(set(found)) > 1
        assert (drawn(FixedOutDegreeConnector(law, **SEEDED)).out_degree() == found).all()


def test_legacy_generator() -> None:
    """A RandomState serves all of them, distributions included."""
    for make in (
        lambda rng: FixedInDegreeConnector(stats.binom(9, 0.5), rng=rng, **QUIET),
        lambda rng: FixedOutDegreeConnector(3, source_fraction=0.5, rng=rng, **QUIET),
        lambda rng: FixedTotalNumberConnector(9, allow_multapses=True, rng=rng, **QUIET),
        lambda rng: PairwisePoissonConnector(0.4, rng=rng, **QUIET),
    ):
        found = []
        for _ in range(2):
            connector = make(np.random.RandomState(5))
            source, target = pools(make_network(9))
            connector.setup_nodes(source=source, target=target)
            connector.initial_all_to_all()
            found.append(connector.connectivity.forward.to_dense())
        assert np.array_equal(*found)


def test_fraction_of_sources() -> None:
    """The sources first, one permutation; then the stream of a connector of those alone."""
    source, target = pools(make_network(12, 9))
    for fraction, n in ((1.0, 12), (0.5, 6)):
        rng, same = np.random.default_rng(4), np.random.default_rng(4)
        connector = UnidirectionConnector(0.4, source_fraction=fraction, rng=rng, **QUIET)
        connector.setup_nodes(source=source, target=target)
        assert abs(connector.expected().edges - 0.4 * 9 * n) < 1e-9
        connector.initial_all_to_all()
        chosen = np.arange(12) if n == 12 else np.sort(same.permutation(12)[:n])
        wanted = np.zeros((12, 9))
        wanted[chosen] = same.random((n, 9)) < 0.4
        assert (connector.connectivity.forward.to_dense() == wanted).all()
        assert rng.random() == same.random()
        assert connector.connectivity.pairs == 12 * 9
        assert list(connector.connectivity.possible) == [n * 9]


def test_numbers_of_synapses() -> None:
    asked = []

    def n_syn(a: Any, b: Any) -> int:
        asked.append((a.node_id, b.node_id))
        return int(a.node_id != 0)

    edges = drawn(FixedInDegreeConnector(40, allow_multapses=True, n_syn=n_syn, **SEEDED), 5, 6)
    assert len(asked) == 40 * 6  # once for each time that a pair is drawn
    assert asked == sorted(asked)
    plain = drawn(FixedInDegreeConnector(40, allow_multapses=True, **SEEDED), 5, 6).to_dense()
    plain[0] = 0  # 0 is no edge
    assert (edges.to_dense() == plain).all()
    twice = drawn(FixedInDegreeConnector(40, allow_multapses=True, n_syn=2, **SEEDED), 5, 6)
    assert (n_syn_in(twice) == 80).all()
    none = FixedTotalNumberConnector(4, n_syn=0, **SEEDED)
    assert len(drawn(none)) == 0
    assert none.connectivity.dropped == 4


@pytest.mark.parametrize("n", [0, 1, 400, 435, 436, 870])
def test_total_number(n: int) -> None:
    edges = drawn(FixedTotalNumberConnector(n, **SEEDED))
    assert len(edges) == n
    assert not (edges.source == edges.target).any()
    many = drawn(FixedTotalNumberConnector(3 * n, allow_multapses=True, **SEEDED))
    assert many.n_syn.sum() == 3 * n


def test_counts_and_report(tmp_path: Any) -> None:
    report = tmp_path / "conn.csv"
    options = {"rng": 1, "verbose": False, "report_name": report}
    connector = FixedOutDegreeConnector(3, source_fraction=0.5, **options)
    edges = drawn(connector)
    assert connector.connectivity.pairs == 30 * 29
    assert list(connector.connectivity.possible) == [15 * 29]
    assert len(edges) == 45
    assert report.read_text().splitlines()[1].endswith(f"{100 * 45 / 435:.8g},{100 * 45 / 870:.8g}")


# ---------------------------------------------------------------------- slabs
N_ROWS, N_COLUMNS = 29, 17  # slabs of 4 rows, and one of a single row
SLABS = range(8)
LEFT_OUT = np.where(np.arange(N_ROWS) % 3, np.arange(N_ROWS) % N_COLUMNS, -1)


@pytest.fixture
def slabs_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(randomness, "SLAB", 4)


def streams(seed: int = 1) -> randomness.Streams:
    return degree.streams(np.random.default_rng(seed))


def without(slab: int) -> randomness.Streams:
    """Return streams among which that of a slab must not be asked for."""

    def stream(*numbers: int) -> np.random.Generator:
        assert numbers != (slab,)
        return streams()(*numbers)

    return stream


def space(n_source: int = N_ROWS) -> PairSpace:
    """Return all pairs of two pools that share some nodes, without autapses."""
    nodes = [Node(k) for k in range(n_source + N_COLUMNS)]
    source = NodeArrays(nodes[:n_source], network="net")
    return PairSpace(
        source, NodeArrays(nodes[n_source - 9 :][:N_COLUMNS], network="net"), autapses=False
    )


@pytest.mark.usefixtures("slabs_of_four")
@pytest.mark.parametrize("multapses", [False, True])
@pytest.mark.parametrize("left_out", [None, LEFT_OUT], ids=["all", "some left out"])
def test_partners_of_a_slab_alone(multapses: bool, left_out: Any) -> None:
    """As among all slabs, and whatever the other rows choose."""
    wanted = np.random.default_rng(0).integers(0, N_COLUMNS, N_ROWS)
    row, column = degree.partners(wanted, N_COLUMNS, streams(), left_out, multapses=multapses)
    assert (np.bincount(row, minlength=N_ROWS) == wanted).all()
    assert (np.diff(row) >= 0).all()
    for slab, part in randomness.slabs(N_ROWS):
        held = None if left_out is None else left_out[part]
        alone = degree.columns_of_slab(
            wanted[part], N_COLUMNS, streams()(slab), held, multapses=multapses
        )
        inside = (row >= part.start) & (row < part.stop)
        assert column[inside].tolist() == alone.tolist()
        other = wanted.copy()
        other[: part.start], other[part.stop :] = 1, 2
        row_2, column_2 = degree.partners(
            other, N_COLUMNS, streams(), left_out, multapses=multapses
        )
        inside = (row_2 >= part.start) & (row_2 < part.stop)
        assert column_2[inside].tolist() == alone.tolist()
    assert len({tuple(column[row // 4 == slab]) for slab in SLABS}) == len(SLABS)


@pytest.mark.usefixtures("slabs_of_four")
def test_degrees_of_a_slab_alone() -> None:
    law = stats.poisson(7)
    nodes = space().source
    every = degree.degrees(law, nodes, streams(), "in_degree of X")
    alone = [
        degree.drawn_degrees(law, part.stop - part.start, streams(), slab)
        for slab, part in randomness.slabs(N_ROWS)
    ]
    assert every.tolist() == np.concatenate(alone).tolist()
    assert len({tuple(each) for each in alone}) == len(alone)


@pytest.mark.usefixtures("slabs_of_four")
@pytest.mark.parametrize("multapses", [False, True])
@pytest.mark.parametrize("n", [0, 1, 12, 90, 240, 350, 470])
def test_total_of_a_slab_alone(n: int, multapses: bool) -> None:
    """Without drawing any pair of the others; all slabs together have the total."""
    pairs = space()
    i, j = totals.total_pairs(n, pairs, np.random.default_rng(1), multapses=multapses)
    assert len(i) == n
    keys = i * N_COLUMNS + j
    assert (np.diff(keys) >= (not multapses)).all()
    assert not pairs.is_self(i, j).any()
    for slab in SLABS:
        for other in set(SLABS) - {slab}:
            parts = totals.pairs_of_slabs(
                n, pairs, without(other), range(slab, slab + 1), multapses=multapses
            )
            alone = [k * N_COLUMNS + m for a, b in parts for k, m in zip(a, b, strict=True)]
            assert keys[i // 4 == slab].tolist() == alone
    some = list(totals.pairs_of_slabs(n, pairs, streams(), range(2, 5), multapses=multapses))
    assert sum(len(a) for a, _ in some) == ((i >= 8) & (i < 20)).sum()


@pytest.mark.usefixtures("slabs_of_four")
@pytest.mark.parametrize("mean", [0.2, 1.7])
def test_poisson_of_a_slab_alone(mean: float) -> None:
    pairs = space()
    i, j, count = totals.poisson_pairs(mean, pairs, np.random.default_rng(1))
    count = np.broadcast_to(count, len(i))
    for slab in SLABS:
        alone = totals.poisson_of_slab(mean, pairs, slab, streams()(slab))
        inside = i // 4 == slab
        assert i[inside].tolist() == alone[0].tolist()
        assert j[inside].tolist() == alone[1].tolist()
        assert (count[inside] == alone[2]).all()


# ---------------------------------------------------------------------- what is refused
IN, OUT = "FixedInDegreeConnector", "FixedOutDegreeConnector"
IMPOSSIBLE = [
    (FixedInDegreeConnector(30, **SEEDED), f"in_degree of {IN} is 30 for node 0 ", "among 29"),
    (FixedInDegreeConnector(31, allow_autapses=True, **SEEDED), "is 31 for node 0", "among 30"),
    (FixedOutDegreeConnector([0] * 29 + [30], **SEEDED), f"{OUT} is 30 for node 29 ", "among 29"),
    (FixedInDegreeConnector(15, source_fraction=0.5, **SEEDED), "is 15 for node", "among 14"),
    (FixedInDegreeConnector(stats.randint(40, 41), **SEEDED), "is 40 for node 0", "among 29"),
    (
        FixedInDegreeConnector(1, allow_multapses=True, source_fraction=0, **SEEDED),
        "is 1 for node 0",
        "among 0 nodes",
    ),
    (
        FixedTotalNumberConnector(871, **SEEDED),
        "n of FixedTotalNumberConnector is 871",
        "870 pairs",
    ),
]


@pytest.mark.parametrize(("connector", "got", "available"), IMPOSSIBLE, ids=lambda x: str(x)[:40])
def test_impossible_numbers(connector: Any, got: str, available: str) -> None:
    """An error with the numbers, before BMTK has stored an edge."""
    net = make_network(30)
    source, target = pools(net)
    connector.setup_nodes(source=source, target=target)
    net.add_edges(**connector.edge_params())
    with pytest.raises(ParameterError, match=got) as caught:
        net.build()
    assert available in str(caught.value)
    assert "lower it" in str(caught.value)
    assert net.nedges == 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.5, "2.5"),
        (-1, "-1"),
        ("3", "'3'"),
        ([1, 0.5], r"\[1, 0.5\]"),
        ([[1]], r"\[\[1\]\]"),
        ([], r"\[\]"),
        (stats.norm(5, 1), "<scipy"),
        (stats.poisson, "<scipy"),
    ],
)
def test_degrees_that_are_none(value: Any, shown: str) -> None:
    with pytest.raises(
        ParameterError, match=rf"^in_degree of {IN} must be a whole.*, got {shown}.*"
    ):
        FixedInDegreeConnector(value)


def test_functions_that_give_no_degrees() -> None:
    for value, shown in ((0.5, "0.5"), (None, "None"), (-2, "-2")):
        with pytest.raises(
            ParameterError, match=rf"^in_degree of {IN} must be .*, got {shown}(.0)? for node 0 of"
        ):
            drawn(FixedInDegreeConnector(lambda node, v=value: v, **SEEDED))
    short = vectorized(lambda nodes: nodes.node_id[1:])
    with pytest.raises(ParameterError, match=r"shape \(29,\) for 30 nodes"):
        drawn(FixedInDegreeConnector(short, **SEEDED))
    with pytest.raises(NodeError, match=r"has 3 values, and the target .* has 30 nodes"):
        drawn(FixedInDegreeConnector([1, 2, 3], **SEEDED))
    with pytest.raises(NodeError, match=r"has 3 values, and the source"):
        drawn(FixedOutDegreeConnector([1, 2, 3], **SEEDED))


# ---------------------------------------------------------------------- oddities
class TestOddities:
    """What other packages do, and these connectors must not."""

    def test_equal_sizes_are_not_one_population(self) -> None:
        """braintools Random, AllToAll; BrainPy All2All: pre i and post i taken for one cell."""
        diagonal = np.eye(8, dtype=bool)
        assert drawn(AllToAllConnector(**QUIET), 8, 8).to_dense()[diagonal].all()
        one_way = UnidirectionConnector(1.0, allow_autapses=False, **SEEDED)
        assert drawn(one_way, 8, 8).to_dense()[diagonal].all()
        assert drawn(FixedInDegreeConnector(8, **SEEDED), 8, 8).to_dense().all()
        assert not drawn(AllToAllConnector(**QUIET), 8).to_dense()[diagonal].any()

    def test_degrees_have_no_deficit(self) -> None:
        """BrainPy FixedPreNum, FixedPostNum: autapses removed after the draw, degree k or k - 1."""
        for seed in range(20):
            connector = FixedInDegreeConnector(20, rng=seed, **QUIET)
            assert set(drawn(connector).in_degree()) == {20}

    def test_pools_may_differ_without_autapses(self) -> None:
        """BrainPy FixedPreNum(include_self=False) needs populations of one size."""
        assert set(drawn(FixedInDegreeConnector(4, **SEEDED), 9, 7).in_degree()) == {4}

    def test_a_probability_is_no_degree(self) -> None:
        """BrainPy FixedProb: out-degree exactly round(p T) in one output, binomial in another."""
        degrees = drawn(UnidirectionConnector(0.3, **SEEDED), 300, 100).out_degree()
        variance = 300 * degrees.var() / 21.0
        assert 1e-6 < stats.chi2.sf(variance, 299) < 1 - 1e-6

    def test_small_probabilities_are_not_rounded_to_none(self) -> None:
        """BrainPy FixedProb: 0.1 of 3 targets is 0 edges."""
        edges = drawn(UnidirectionConnector(0.1, **SEEDED), 400, 3)
        assert stats.binom.cdf(len(edges), 1200, 0.1) > 1e-6
        assert len(drawn(FixedTotalNumberConnector(1, **SEEDED), 1, 3)) == 1

    @pytest.mark.parametrize(("fraction", "n"), [(0.29, 29), (0.57, 57), (0.001, 1), (0.0, 0)])
    def test_fraction_is_a_number_of_sources(self, fraction: float, n: int) -> None:
        """BrainPy pre_ratio: floor(0.29 * 100) = 28 in one output, Bernoulli in another."""
        fixed = FixedOutDegreeConnector(2, source_fraction=fraction, **SEEDED)
        assert (drawn(fixed, 100).out_degree() > 0).sum() == n
        chance = UnidirectionConnector(1.0, source_fraction=fraction, **SEEDED)
        assert (drawn(chance, 100).out_degree() > 0).sum() == n

    def test_whole_floats_are_whole(self) -> None:
        """BrainPy FixedPreNum: 3.0 is an AssertionError."""
        assert set(drawn(FixedInDegreeConnector(3.0, **SEEDED)).in_degree()) == {3}

    def test_total_of_a_large_population(self) -> None:
        """BrainPy FixedTotalNum permutes all pairs; here memory is that of the edges."""
        edges = drawn(FixedTotalNumberConnector(50, **SEEDED), 20_000, 20_001)
        assert len(edges) == 50

    def test_one_draw_for_all_views(self) -> None:
        """BrainPy: pre and post ids asked one after the other come from two draws."""
        connector = FixedInDegreeConnector(4, **SEEDED)
        edges = drawn(connector)
        assert connector.connectivity.forward is edges
        assert (connector.conn_mat[0] == edges.to_dense()).all()

    def test_unequal_sizes_are_not_cut_silently(self) -> None:
        """braintools OneToOne connects the first min(S, T) without a word."""
        with pytest.raises(NodeError, match=r"connects 9 nodes .* to 4 .*mode='truncate'"):
            drawn(OneToOneConnector(**QUIET), 9, 4)
        assert len(drawn(OneToOneConnector("truncate", **QUIET), 9, 4)) == 4
        for sizes in ((9, 4), (4, 9)):
            edges = drawn(OneToOneConnector("circular", **QUIET), *sizes)
            k = np.arange(9)
            expected = {(a % sizes[0], b % sizes[1]) for a, b in zip(k, k, strict=True)}
            assert set(zip(edges.source, edges.target, strict=True)) == expected

    def test_out_degree_alone_is_not_regular(self) -> None:
        """braintools Regular: the sampling error of NumPy for k > N - 1; here the numbers."""
        with pytest.raises(ParameterError, match=r"is 9 for node 0 .*among 8"):
            drawn(FixedOutDegreeConnector(9, **SEEDED), 9)

    def test_values_of_a_matrix_are_kept(self) -> None:
        """BrainPy MatConn, SparseMatConn: only where the entries are, not what they are."""
        matrix = np.array([[0.0, -0.5], [2.5, 0.0]])
        connector = MatrixConnector(matrix, orientation="source_rows", values="syn_weight", **QUIET)
        edges = drawn(connector, 2, 2)
        assert connector.columns["syn_weight"].tolist() == [-0.5, 2.5]
        assert (edges.to_dense() == (matrix != 0)).all()

    def test_no_pairs_are_no_error(self) -> None:
        """BrainPy IJConn: empty arrays are a ValueError."""
        assert len(drawn(MatrixConnector(([], []), orientation="source_rows", **QUIET))) == 0

    def test_rows_of_a_square_matrix_must_be_named(self) -> None:
        """SNS-Toolbox: matrices are [post, pre], which nothing checks when they are square."""
        with pytest.raises(
            ParameterError, match=r"orientation of MatrixConnector must be .*, got None"
        ):
            MatrixConnector(np.ones((3, 3)))

    def test_parallel_entries_add_up(self) -> None:
        """braintools: dense export overwrites parallel edges."""
        entries = ([0, 0, 1], [1, 1, 2], [1, 2, 3])
        edges = drawn(MatrixConnector(entries, orientation="source_rows", **QUIET))
        assert edges.to_dense()[0, 1] == 3
        assert edges.to_dense()[1, 2] == 3


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000, 12345])
def test_one_draw_has_one_partner(n: int) -> None:
    """The variance is 0, and not a little below."""
    mean, variance = degree_moments.different(np.array([0, 1]), float(n))
    assert mean == pytest.approx([0.0, 1.0])
    assert variance == pytest.approx([0.0, 0.0], abs=1e-12)
    assert (variance >= 0).all()


@pytest.mark.parametrize("sizes", [(1, 1), (6, 5), (30, 0)])
@pytest.mark.parametrize(
    "make",
    [
        lambda **options: FixedInDegreeConnector(1, **options),
        lambda **options: FixedOutDegreeConnector(1, **options),
        lambda **options: FixedTotalNumberConnector(1, **options),
    ],
    ids=["in", "out", "total"],
)
def test_one_of_each_is_expected(make: Any, sizes: tuple[int, int]) -> None:
    connector = make(allow_multapses=True, **SEEDED)
    edges = drawn(connector, *sizes)
    found = connector.expected()
    assert (found.forward, found.forward_sd) == pytest.approx((len(edges), 0.0), abs=1e-6)
    assert str(connector.preview())
    assert str(connector.summary())
