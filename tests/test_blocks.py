"""Blocks are drawn as connectors of their own would draw them, and joined to edges of one type."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bmtk.builder import NetworkBuilder
from conftest import BOTH_BUILDERS, QUIET, assert_canonical, built_edges
from scipy import stats

import bmtool_connectors
from bmtool_connectors import (
    BlockConnector,
    CorrelatedGapJunction,
    EdgeList,
    FixedInDegreeConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    NormalizedReciprocalRate,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    cylindrical_dist_z,
    hierarchical_blocks,
    modular_blocks,
    spherical_dist,
)
from bmtool_connectors.sampling import assemble

GAUSS = GaussianDropoff(stdev=50.0, pmax=0.7, max_dist=150.0)
NEAR = UniformInRange(0.4, max_dist=60.0)
CLASSES = ("a", "b", "c")
Blocks = dict[tuple[str, str], Callable[..., Any]]

pytestmark = pytest.mark.filterwarnings(
    # Edges are looked at here without building a network.
    "ignore:.* draws its edges now:bmtool_connectors.ConnectivityWarning"
)


def network(mixed: bool = True, n: int = 75) -> Any:
    """Return a network of three classes, in any order or one after another, and of two sides."""
    rng = np.random.default_rng(3)
    names = rng.permutation(np.repeat(CLASSES, [n // 2, n // 3, n - n // 2 - n // 3]))
    net = NetworkBuilder("net")
    net.add_nodes(
        N=n,
        pop_name=(names if mixed else np.sort(names)).tolist(),
        layer=rng.integers(1, 3, n).tolist(),
        side=["left", "right", "left"] * (n // 3),
        positions=list(rng.uniform(0, 100, (n, 3))),
    )
    return net


def of_nodes(a: Any, b: Any) -> int:
    """Return a number of synapses that knows where an edge begins."""
    return int(a.node_id + 2 * b.node_id) % 4


def one_way(p: Any, **options: Any) -> Callable[..., Any]:
    """Return what makes the connector that a probability stands for."""
    arg = spherical_dist if callable(p) else None
    law = {"p_arg": arg, "allow_autapses": False, **options}
    return lambda **more: UnidirectionConnector(p, **{**law, **QUIET, **more})


#: (Table, for each block drawn the connector that it is drawn as.)
TABLES: dict[str, tuple[Any, Blocks]] = {
    "numbers": (
        modular_blocks(CLASSES, 0.5, 0.1),
        {pair: one_way(0.5 if len(set(pair)) == 1 else 0.1) for pair in product(CLASSES, CLASSES)},
    ),
    "functions": (
        {("a", "b"): GAUSS, ("b", "b"): NEAR, ("c", "a"): 0.3, ("a", "a"): None},
        {("a", "b"): one_way(GAUSS), ("b", "b"): one_way(NEAR), ("c", "a"): one_way(0.3)},
    ),
    "reciprocal": (
        {
            **{("b", "a"): (GAUSS, 0.1), ("a", "b"): (0.3, 0.1), ("c", "c"): (0.4, 0.3)},
            **{("a", "a"): (NEAR, NormalizedReciprocalRate(1.5)), ("b", "c"): 0.1},
        },
        {
            ("b", "a"): lambda **o: ReciprocalConnector(
                GAUSS, 0.3, p0_arg=spherical_dist, pr=0.1, **_two(o)
            ),
            ("c", "c"): lambda **o: ReciprocalConnector(0.4, 0.4, pr=0.3, **_two(o)),
            ("a", "a"): lambda **o: ReciprocalConnector(
                **{"p0": NEAR, "p1": NEAR, "p0_arg": spherical_dist, "p1_arg": spherical_dist},
                **{"pr": NormalizedReciprocalRate(1.5), "pr_arg": "0", **_two(o)},
            ),
            ("b", "c"): one_way(0.1),
        },
    ),
}


def _two(options: dict[str, Any]) -> dict[str, Any]:
    n_syn = options.pop("n_syn", 1)
    return {**QUIET, **options, "n_syn0": n_syn, "n_syn1": n_syn}


def whole(pool: Any) -> dict[int, int]:
    """Return positions in the pool by node id."""
    return {node.node_id: k for k, node in enumerate(pool)}


def separate(
    net: Any,
    blocks: dict[tuple[str, str], Callable[..., Any]],
    pool: dict[str, Any],
    **options: Any,
) -> np.ndarray:
    """Return the synapses that separate connectors draw, a row per source."""
    places = whole(net.nodes(**pool))
    found = np.zeros((len(places), len(places)), dtype=int)
    for (a, b), make in blocks.items():
        connector = make(**options)
        source, target = (net.nodes(**pool, pop_name=name) for name in (a, b))
        connector.setup_nodes(source=source, target=target)
        drawn, use = connector.connectivity, connector.use
        for edges, (s, t) in (
            (drawn.forward, (use.source, use.target)),
            (drawn.backward, (use.target, use.source)),
        ):
            if edges is not None:
                rows = [places[k] for k in s.ids[edges.source].tolist()]
                columns = [places[k] for k in t.ids[edges.target].tolist()]
                found[rows, columns] = edges.n_syn
    return found


def drawn(net: Any, connector: Any, pool: dict[str, Any] | None = None) -> Any:
    """Return the forward edges of a connector set up on a pool and itself."""
    nodes = net.nodes(**(pool or {}))
    connector.setup_nodes(source=nodes, target=nodes)
    return connector.connectivity.forward


# ---------------------------------------------------------------------- the same draws
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
@pytest.mark.parametrize("seed", ["private", "shared", "old", "module"])
@pytest.mark.parametrize("mixed", [True, False])
def test_same_as_separate_connectors(table: str, sampler: str, seed: str, mixed: bool) -> None:
    p, blocks = TABLES[table]
    net = network(mixed)
    found = []
    for together in (True, False):
        rng: Any = 5
        if seed == "shared":
            rng = np.random.default_rng(5)
        elif seed == "old":
            rng = np.random.RandomState(5)
        elif seed == "module":
            bmtool_connectors.rng, rng = 5, None
        options = {"rng": rng, "sampler": sampler, "n_syn": of_nodes}
        if together:
            edges = drawn(net, BlockConnector(p, missing=None, **options, **QUIET))
            assert_canonical(edges)
            found.append(edges.to_dense())
        else:
            found.append(separate(net, blocks, {}, **options))
        if seed in ("shared", "old"):  # both have taken as many numbers from it
            found.append(rng.random(3))
    half = len(found) // 2
    assert all((a == b).all() for a, b in zip(found[:half], found[half:], strict=True))
    assert found[0].any()


def test_pools_with_a_filter() -> None:
    """Streams go by the labels of the filtered pools, also if the filter is on the attribute."""
    net = network()
    p, blocks = TABLES["numbers"]
    for pool in ({"side": "left"}, {"side": ["left", "right"], "layer": 1}):
        edges = drawn(net, BlockConnector(p, rng=5, **QUIET), pool)
        assert (edges.to_dense() == separate(net, blocks, pool, rng=5)).all()
    within = {"pop_name": ["a", "b"]}
    connector = BlockConnector(modular_blocks(["a", "b"], 0.5, 0.1), rng=5, **QUIET)
    edges = drawn(net, connector, within)
    alone = separate(net, {pair: blocks[pair] for pair in product("ab", "ab")}, {}, rng=5)
    ids = [node.node_id for node in net.nodes(**within)]
    assert (edges.to_dense() == alone[np.ix_(ids, ids)]).all()
    assert alone.any()


def test_name_and_seed_tell_connectors_apart() -> None:
    net = network()
    options = [{"rng": 1}, {"rng": 2}, {"rng": 1, "name": "x"}, {"rng": 1}]
    dense = [
        drawn(net, BlockConnector(modular_blocks(CLASSES), **o, **QUIET)).to_dense()
        for o in options
    ]
    assert (dense[0] == dense[3]).all()
    assert not any((dense[0] == other).all() for other in dense[1:3])
    alone = separate(net, {("a", "a"): one_way(0.3)}, {}, rng=1, name="x")
    assert (dense[2][alone > 0] == 1).all()


def test_order_of_a_shared_generator() -> None:
    """Blocks take turns in the order of p: keys, or row by row; the rest come last."""
    net = network()
    reordered = {("c", "b"): 0.5, ("a", "c"): 0.5, ("b", "a"): 0.5}
    for p, order, options in (
        (reordered, list(reordered), {"missing": None}),
        (
            [[0.5] * 3] * 3,
            [(a, b) for b, a in product(CLASSES, CLASSES)],
            {"values": CLASSES, "orientation": "target_rows"},
        ),
    ):
        edges = drawn(net, BlockConnector(p, rng=np.random.default_rng(8), **options, **QUIET))
        blocks = {pair: one_way(0.5) for pair in order}
        assert (edges.to_dense() == separate(net, blocks, {}, rng=np.random.default_rng(8))).all()


def test_draw_by_hand() -> None:
    """The hook takes one generator for all blocks, whatever the seed."""
    net = network()
    p, blocks = TABLES["reciprocal"]
    connector = BlockConnector(p, missing=None, rng=1, **QUIET)
    drawn(net, connector)
    use = connector.use
    edges = connector.draw(use.source, use.source, np.random.default_rng(4)).forward
    assert (edges.to_dense() == separate(net, blocks, {}, rng=np.random.default_rng(4))).all()
    both = BlockConnector(
        {("a", "a"): (GAUSS, None)}, missing=None, allow_autapses=True, rng=1, **QUIET
    )
    found = both.draw(use.source, use.source, np.random.default_rng(4))
    positions = np.array([n["positions"] for n in net.nodes() if n["pop_name"] == "a"])
    near = np.linalg.norm(positions[:, None] - positions, axis=-1) <= GAUSS.max_dist
    assert found.possible == (near.sum(),)


@pytest.mark.parametrize("long_row", [0, 5, 1000])
def test_joined_edges_are_those_of_the_blocks(
    long_row: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against sorting all pairs, with columns that are numbers, arrays, or missing in a part."""
    monkeypatch.setattr(assemble, "LONG_ROW", long_row)
    rng = np.random.default_rng(0)
    for trial in range(30):
        n_source, n_target = rng.integers(1, 40, 2)
        of_source = rng.integers(0, 3, n_source)
        of_target = rng.integers(0, 3, n_target)
        if trial % 2:
            of_source, of_target = np.sort(of_source), np.sort(of_target)
        parts = []
        everything: list[list[Any]] = [[], [], [], []]
        for a, b in product(np.unique(of_source), np.unique(of_target)):
            s, t = np.flatnonzero(of_source == a), np.flatnonzero(of_target == b)
            i, j = np.nonzero(rng.random((len(s), len(t))) < rng.choice([0, 0.3, 1]))
            n_syn = rng.integers(1, 9, len(i)) if trial % 3 else 2
            arg = None if trial % 5 == 0 and a == b else rng.random(len(i))
            parts.append((EdgeList.from_arrays(i, j, (len(s), len(t)), n_syn, arg), s, t))
            columns = (s[i], t[j], np.broadcast_to(n_syn, len(i)))
            for column, values in zip(everything, columns, strict=False):
                column += values.tolist()
            everything[3] += [np.nan] * len(i) if arg is None else arg.tolist()
        order = rng.permutation(len(parts))
        found = assemble.joined_edges([parts[k] for k in order], (n_source, n_target))
        assert_canonical(found)
        i, j, n, arg = (np.array(column) for column in everything)
        wanted = EdgeList.from_arrays(i.astype(int), j.astype(int), found.shape, n.astype(int), arg)
        for name in ("source", "target", "n_syn"):
            assert (getattr(found, name) == getattr(wanted, name)).all()
        kept = len(wanted) and not np.isnan(arg.astype(float)).any()
        assert (found.pair_arg is not None) == bool(kept)
        if kept:
            assert (found.pair_arg == wanted.pair_arg).all()


def test_rows_sorted_some_at_a_time() -> None:
    rng = np.random.default_rng(1)
    dense = rng.random((60, 3000)) < 0.9  # more than 2^17 pairs
    starts = np.concatenate([[0], np.cumsum(dense.sum(axis=1))])
    targets = np.concatenate([rng.permutation(np.flatnonzero(row)) for row in dense])
    column = targets * 2.0
    assemble._sort_rows(targets, starts, 3000, [column])
    assert (targets == np.nonzero(dense)[1]).all()
    assert (column == 2.0 * targets).all()


# ---------------------------------------------------------------------- what p may be
FORMS: dict[str, dict[str, Any]] = {
    "nested": {"p": {"a": {"a": 0.1, "b": 0.2}, "b": {"a": 0.3, "b": 0.4}}},
    "array": {
        **{"p": np.array([[0.1, 0.3], [0.2, 0.4]]), "values": np.array(["a", "b"])},
        "orientation": "target_rows",
    },
    "list": {**{"p": [[0.1, 0.2], (0.3, 0.4)], "values": ("a", "b"), "orientation": "source_rows"}},
    "frame": {
        "p": pd.DataFrame([[0.1, 0.3], [0.2, 0.4]], ["a", "b"], ["a", "b"]),
        "orientation": "target_rows",
    },
    "named frame": {
        "p": pd.DataFrame(
            [[0.1, 0.3], [0.2, 0.4]],
            pd.Index(["a", "b"], name="target"),
            pd.Index(["a", "b"], name="source"),
        )
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_p(form: str) -> None:
    plain = {("a", "a"): 0.1, ("a", "b"): 0.2, ("b", "a"): 0.3, ("b", "b"): 0.4}
    assert BlockConnector(**FORMS[form], **QUIET).vars["p"] == plain
    connector = BlockConnector(**FORMS[form], **QUIET)
    assert eval(repr(connector)).vars["p"] == plain
    assert repr(pickle.loads(pickle.dumps(connector))) == repr(connector)


def test_classes_are_numbers() -> None:
    """As nodes have them or equal, and named as p names them."""
    net = network()
    found = [
        drawn(net, BlockConnector(p, "layer", rng=5, **QUIET)).to_dense()
        for p in (
            {(1, 1): 0.2, (1, 2): 0.3, (2, 1): 0.4, (2, 2): 0.5},
            {(1.0, 1.0): 0.2, (1.0, 2.0): 0.3, (2.0, 1.0): 0.4, (2.0, 2.0): 0.5},
        )
    ]
    assert not (found[0] == found[1]).all()  # pools named 1 and 1.0
    values = np.array([1, 2])
    table = pd.DataFrame([[0.2, 0.3], [0.4, 0.5]], index=values, columns=values)
    named = BlockConnector(table, "layer", orientation="source_rows", rng=5, **QUIET)
    assert (drawn(net, named).to_dense() == found[0]).all()


def test_attribute_of_each_end() -> None:
    net = network()
    table = {("left", "a"): 0.9, ("right", "b"): 0.9}
    edges = drawn(net, BlockConnector(table, ("side", "pop_name"), missing=None, rng=1, **QUIET))
    nodes = list(net.nodes())
    pairs = {
        (nodes[i]["side"], nodes[j]["pop_name"])
        for i, j in zip(edges.source.tolist(), edges.target.tolist(), strict=True)
    }
    assert pairs == set(table)
    blocks = {pair: one_way(0.9) for pair in table}
    total = 0
    for (side, name), make in blocks.items():
        connector = make(rng=1)
        connector.setup_nodes(source=net.nodes(side=side), target=net.nodes(pop_name=name))
        total += len(connector.connectivity.forward)
    assert len(edges) == total


def test_missing_entries_and_part_of_a_table() -> None:
    net = network()
    p = {("a", "a"): 1.0, ("b", "b"): None}
    for missing, others in ((None, 0), (1.0, 1)):
        dense = drawn(net, BlockConnector(p, missing=missing, rng=1, **QUIET)).to_dense()
        names = np.array([node["pop_name"] for node in net.nodes()])
        wanted = np.full(dense.shape, others)
        wanted[np.ix_(names == "a", names == "a")] = 1
        wanted[np.ix_(names == "b", names == "b")] = 0
        assert (dense == wanted * ~np.eye(len(names), dtype=bool)).all()
    # A table of the whole network, for the nodes of one class as sources.
    connector = BlockConnector(modular_blocks(CLASSES, 1.0, 0.0), rng=1, **QUIET)
    connector.setup_nodes(source=net.nodes(pop_name="a"), target=net.nodes())
    n = int((names == "a").sum())
    assert len(connector.connectivity.forward) == n * (n - 1)


def test_autapses() -> None:
    net = network(n=12)
    for p in (1.0, (1.0, 1.0)):
        for allowed in (True, False):
            table = modular_blocks(CLASSES, p, None)
            connector = BlockConnector(table, allow_autapses=allowed, rng=1, **QUIET)
            edges = drawn(net, connector)
            assert (edges.source == edges.target).sum() == 12 * allowed
            n_conn, n_poss, n_pair, _ = connector.connection_number()
            assert n_conn.tolist() == n_poss.tolist() == [len(edges)]
            assert n_pair == 144 - 12 * (not allowed)


# ---------------------------------------------------------------------- connectors as entries
def test_connectors_as_entries() -> None:
    """The same one may stand for several blocks, and is left as it was."""
    net = network()
    degree = FixedInDegreeConnector(4, **QUIET)
    both = ReciprocalConnector(0.3, 0.5, pr=0.2, **QUIET)
    own = UnidirectionConnector(0.4, rng=9, **QUIET)
    table = {
        **{("a", "a"): degree, ("b", "b"): degree, ("c", "c"): own},
        **{("a", "b"): both, ("b", "a"): both},
    }
    edges = drawn(net, BlockConnector(table, missing=None, rng=5, **QUIET))
    blocks = {
        ("a", "a"): lambda **o: FixedInDegreeConnector(4, **o, **QUIET),
        ("b", "b"): lambda **o: FixedInDegreeConnector(4, **o, **QUIET),
        ("c", "c"): lambda **o: UnidirectionConnector(0.4, rng=9, **QUIET),
        ("a", "b"): lambda **o: ReciprocalConnector(0.3, 0.5, pr=0.2, **o, **QUIET),
    }
    assert (edges.to_dense() == separate(net, blocks, {}, rng=5)).all()
    assert degree.source is both.source is own.source is None
    degree.setup_nodes(source=net.nodes(), target=net.nodes())
    assert (degree.connectivity.forward.in_degree() == 4).all()


def test_blocks_of_blocks() -> None:
    """Layers, and cell classes within each."""
    net = network()
    inner = BlockConnector({("a", "b"): 0.5, ("c", "a"): 0.6}, missing=None, **QUIET)
    edges = drawn(
        net, BlockConnector({(1, 1): inner, (2, 2): 0.2}, "layer", missing=None, rng=5, **QUIET)
    )
    places = whole(net.nodes())
    wanted = np.zeros((75, 75), dtype=int)
    for p, s, t in (
        (0.5, {"layer": 1, "pop_name": "a"}, {"layer": 1, "pop_name": "b"}),
        (0.6, {"layer": 1, "pop_name": "c"}, {"layer": 1, "pop_name": "a"}),
        (0.2, {"layer": 2}, {"layer": 2}),
    ):
        one = one_way(p)(rng=5)
        one.setup_nodes(source=net.nodes(**s), target=net.nodes(**t))
        found = one.connectivity.forward
        rows = [places[k] for k in one.use.source.ids[found.source].tolist()]
        wanted[rows, [places[k] for k in one.use.target.ids[found.target].tolist()]] = 1
    assert (edges.to_dense() == wanted).all()


def test_block_that_depends_on_gap_junctions() -> None:
    """They are drawn first, and a failing draw of the blocks leaves both streams right."""
    net = network()
    everybody = net.nodes()

    def made(fail: bool) -> tuple[Any, Any]:
        rng, left = np.random.default_rng(2), [int(fail)]

        def failing(dist: float) -> float:
            if left[0]:
                left[0] -= 1
                raise ZeroDivisionError
            return 0.5

        gap = GapJunction(0.5, rng=rng, **QUIET)
        gap.setup_nodes(source=everybody, target=everybody)
        laws = (0.9, 0.9, 0.85, 0.05, 0.05, 0.01)
        of_gap = GapJunctionConditionalReciprocalConnector(gap, *laws, **QUIET)
        table = {("a", "a"): of_gap, ("a", "b"): 0.5, ("b", "b"): failing}
        connector = BlockConnector(table, missing=None, rng=rng, **QUIET)
        connector.setup_nodes(source=everybody, target=everybody)
        return gap, connector

    gap, connector = made(False)
    edges = connector.connectivity.forward
    coupled = gap.connectivity.forward.to_dense()
    coupled = (coupled + coupled.T)[np.ix_(*[[n["pop_name"] == "a" for n in everybody]] * 2)]
    within = edges.to_dense()[np.ix_(*[[n["pop_name"] == "a" for n in everybody]] * 2)]
    assert within[coupled == 1].mean() > 0.7 > 0.3 > within[coupled == 0].mean()

    _, other = made(True)
    with pytest.raises(ZeroDivisionError):
        other.initial_all_to_all()
    again = other.connectivity.forward
    assert (again.to_dense() == edges.to_dense()).all()


def test_gap_junctions_that_depend_on_blocks() -> None:
    net = network()
    everybody = net.nodes()
    chemical = BlockConnector(modular_blocks(CLASSES, (0.5, 0.4), 0.05), rng=1, **QUIET)
    gap = CorrelatedGapJunction(0.0, 1.0, 1.0, connector=chemical, rng=1, **QUIET)
    for connector in (chemical, gap):
        connector.setup_nodes(source=everybody, target=everybody)
    coupled = gap.connectivity.forward.to_dense()
    dense = chemical.connectivity.forward.to_dense()
    assert (coupled + coupled.T == (dense + dense.T > 0)).all()


def test_own_generator_of_an_entry_is_put_back() -> None:
    net, own = network(), np.random.default_rng(7)
    before = own.bit_generator.state

    def failing(dist: float) -> float:
        raise ZeroDivisionError

    entry = UnidirectionConnector(0.5, rng=own, **QUIET)
    connector = BlockConnector(
        {("a", "a"): entry, ("b", "b"): failing}, missing=None, rng=1, **QUIET
    )
    with pytest.raises(ZeroDivisionError):
        drawn(net, connector)
    assert own.bit_generator.state == before


# ---------------------------------------------------------------------- what is seen of it
def test_stored_arguments() -> None:
    """All edges have a value of p_arg, or none."""
    net = network()
    positions = np.array([node["positions"] for node in net.nodes()])
    table = {("a", "a"): GAUSS, ("a", "b"): 0.3}
    for p_arg, dist in ((None, None), (spherical_dist, 3), (cylindrical_dist_z, 2)):
        connector = BlockConnector(table, p_arg=p_arg, missing=None, rng=1, **QUIET)
        edges = drawn(net, connector)
        if dist is None:
            assert edges.pair_arg is None
            continue
        steps = (positions[edges.source] - positions[edges.target])[:, :dist]
        assert np.allclose(edges.pair_arg, np.linalg.norm(steps, axis=1), rtol=1e-12)
    only = drawn(net, BlockConnector({("a", "a"): GAUSS}, missing=None, rng=1, **QUIET))
    assert only.pair_arg is not None


def test_report_has_the_rows_of_separate_connectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = network()
    p, blocks = TABLES["reciprocal"]
    files = [tmp_path / "one.csv", tmp_path / "each.csv"]
    saved = {"save_report": True, "report_name": str(files[0])}
    connector = BlockConnector(p, missing=None, rng=5, verbose=True, **saved)
    edges = drawn(net, connector)
    separate(net, blocks, {}, rng=5, save_report=True, report_name=str(files[1]))
    texts = [file.read_text() for file in files]
    assert texts[0] == texts[1]
    assert len(texts[0].splitlines()) == 5
    out = capsys.readouterr().out
    assert out.count("Block ") == 4
    assert f"Number of connected pairs: {len(edges)}" in out
    connector.save_connection_report()
    assert len(files[0].read_text().splitlines()) == 9


def test_recipe(tmp_path: Path) -> None:
    """Saved networks say what the blocks were, whatever the form in which they were given."""
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=20, pop_name=["a", "b"] * 10)
    table = [[0.5, UnidirectionConnector(0.2)], [None, (1.0, 1.0)]]
    connector = BlockConnector(table, values=["a", "b"], orientation="target_rows", rng=1, **QUIET)
    connector.setup_nodes(source=net.nodes(), target=net.nodes())
    net.add_edges(**connector.edge_params())
    net.build()
    net.save(output_dir=str(tmp_path))
    assert bmtool_connectors.verify(tmp_path)
    recipe = json.loads((tmp_path / "net_connections.json").read_text())
    (found,) = (each["connector"] for each in recipe["edge_types"])
    p = found["parameters"]["p"]
    assert p["('a', 'a')"] == 0.5
    assert p["('b', 'a')"]["parameters"]["p"] == 0.2
    assert p["('b', 'b')"] == [1.0, 1.0]
    assert p["('a', 'b')"] is None
    assert found["wanted"]["forward"] == 0.5 * 90 + 0.2 * 100 + 90
    assert found["drawn"]["connected"] == {"forward": len(connector.connectivity.forward)}


def test_sources_of_a_block_that_take_part_as_a_whole() -> None:
    """One of them changes many edges at once, and so it does among all blocks."""
    net = network(n=60)
    a, b = net.nodes(pop_name="a"), net.nodes(pop_name="b")
    half = UnidirectionConnector(GAUSS, spherical_dist, source_fraction=0.5, rng=1, **QUIET)
    half.setup_nodes(source=a, target=b)
    connector = BlockConnector({("a", "b"): half, ("b", "a"): 0.1}, missing=None, **QUIET)
    connector.setup_nodes(source=net.nodes(), target=net.nodes())
    assert connector.expected().max_step == half.expected().max_step > 1


def test_counts_and_expectation() -> None:
    """Edges, not unordered pairs, also of blocks that are drawn both ways."""
    net = network(n=60)
    names = [node["pop_name"] for node in net.nodes()]
    n = {name: names.count(name) for name in CLASSES}
    table = {
        ("a", "a"): (0.4, 0.2),
        ("b", "c"): (0.3, 0.1),
        ("c", "b"): (0.2, 0.1),
        ("a", "b"): 0.5,
    }
    for sampler in ("pairwise", "sparse"):
        connector = BlockConnector(table, missing=None, rng=5, sampler=sampler, **QUIET)
        connector.setup_nodes(source=net.nodes(), target=net.nodes())
        expected = connector.expected()
        possible = n["a"] * (n["a"] - 1) + 2 * n["b"] * n["c"] + n["a"] * n["b"]
        mean = 0.4 * n["a"] * (n["a"] - 1) + 0.5 * (n["b"] * n["c"] + n["a"] * n["b"])
        assert expected.forward == pytest.approx(mean, rel=1e-12)
        wanted = 0.2 * n["a"] * (n["a"] - 1) / 2 + 0.1 * n["b"] * n["c"]
        assert expected.reciprocal == pytest.approx(wanted, rel=1e-9)
        assert expected.sampler == sampler
        variance = (0.4 * 0.6 + 0.2 - 0.16) * n["a"] * (n["a"] - 1) + 0.25 * n["a"] * n["b"]
        variance += (0.3 * 0.7 + 0.2 * 0.8 + 2 * (0.1 - 0.06)) * n["b"] * n["c"]
        assert expected.forward_sd**2 == pytest.approx(variance, rel=1e-9)
        variance = 0.2 * 0.8 * n["a"] * (n["a"] - 1) / 2 + 0.1 * 0.9 * n["b"] * n["c"]
        assert expected.reciprocal_sd**2 == pytest.approx(variance, rel=1e-9)
        assert expected.degrees["out"] == (pytest.approx(mean / 60), None)
        edges = connector.connectivity.forward
        # Within 6 standard deviations: 1e-8.
        assert abs(len(edges) - mean) < 6 * expected.forward_sd
        # Blocks of one direction have reciprocal pairs by chance, which is not told.
        mixed = BlockConnector(table | {("b", "b"): 0.5}, missing=None, rng=5, **QUIET)
        drawn(net, mixed)
        assert mixed.expected().reciprocal == 0
        n_conn, n_poss, n_pair, _ = connector.connection_number()
        assert (n_conn[0], n_poss[0], n_pair) == (len(edges), possible, 60 * 59)
        both = edges.n_syn.nbytes if edges.n_syn.strides != (0,) else 0
        arrays = edges.source.nbytes + edges.target.nbytes + both
        assert expected.n_bytes == pytest.approx(arrays, rel=0.2)
        assert connector.expected().forward == expected.forward


def test_explained_pairs() -> None:
    """By the law of their block, in either direction."""
    net = network()
    table = {("a", "b"): (GAUSS, None), ("b", "a"): (0.2, None), ("c", "c"): 0.3}
    connector = BlockConnector(table, missing=None, rng=5, **QUIET)
    connector.setup_nodes(source=net.nodes(), target=net.nodes())
    a, b, c = (next(iter(net.nodes(pop_name=name))) for name in CLASSES)
    dist = spherical_dist(a, b)
    ids = a.node_id, b.node_id
    forth, back = connector.explain(*ids), connector.explain(*ids[::-1])
    assert (forth.p0, forth.p1, forth.distance) == pytest.approx((GAUSS(dist), 0.2, dist))
    assert (back.p0, back.p1, back.distance_backward) == pytest.approx((0.2, GAUSS(dist), dist))
    assert forth.law == back.law == "p['a', 'b']"
    assert back.pr == forth.pr == pytest.approx(0.2 * GAUSS(dist))
    other = list(net.nodes(pop_name="c"))[1]
    assert connector.explain(c.node_id, other.node_id).p0 == 0.3
    assert connector.explain(c.node_id, a.node_id).p0 == 0.0


def test_copies_and_freed_memory() -> None:
    net = network()
    p, _ = TABLES["reciprocal"]
    connector = BlockConnector(p, missing=None, rng=5, **QUIET)
    connector.setup_nodes(source=net.nodes(), target=net.nodes())
    twins = [deepcopy(connector), pickle.loads(pickle.dumps(connector))]
    edges = connector.connectivity.forward
    twins += [deepcopy(connector), pickle.loads(pickle.dumps(connector))]
    for twin in twins:
        assert (twin.connectivity.forward.to_dense() == edges.to_dense()).all()
        assert twin.expected().forward == pytest.approx(connector.expected().forward)
    size = len(pickle.dumps(connector))
    connector.free_memory()
    assert not connector.use.parts[0].connector.use.source.nodes
    assert connector.connectivity.forward is edges
    assert len(pickle.dumps(connector)) <= size
    assert connector.expected().forward == pytest.approx(twins[0].expected().forward)
    drawn(net, connector)  # another use


# ---------------------------------------------------------------------- published networks
#: Potjans and Diesmann 2014, doi 10.1093/cercor/bhs358: rows are targets, columns sources.
POPULATIONS = ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
NUMBERS = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
PROBABILITIES = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)


def outside(counts: np.ndarray, n_pairs: np.ndarray, p: np.ndarray, alarm: float) -> int:
    """Return how many numbers of connected pairs are not within exact binomial bounds."""
    low, high = stats.binom.cdf(counts, n_pairs, p), stats.binom.sf(counts - 1, n_pairs, p)
    return int((np.minimum(low, high) < alarm / 2 / counts.size).sum())


@BOTH_BUILDERS
def test_potjans_and_diesmann() -> None:
    """The table of the paper, at 1/70 of the cells; false alarm of one build: 1e-6."""
    sizes = NUMBERS // 70
    net = NetworkBuilder("column")
    for name, n in zip(POPULATIONS, sizes.tolist(), strict=True):
        net.add_nodes(N=n, pop_name=name)
    connector = BlockConnector(
        PROBABILITIES,
        values=POPULATIONS,
        orientation="target_rows",
        allow_autapses=True,
        rng=20,
        **QUIET,
    )
    connector.setup_nodes(source=net.nodes(), target=net.nodes())
    net.add_edges(**connector.edge_params())
    net.build()
    pairs = np.array(built_edges(net))[:, 1:3]
    assert len(pairs) == len(connector.connectivity.forward) == len({*map(tuple, pairs.tolist())})
    population = np.repeat(np.arange(8), sizes)
    counts = np.zeros((8, 8), dtype=int)  # targets, sources
    np.add.at(counts, (population[pairs[:, 1]], population[pairs[:, 0]]), 1)
    n_pairs = np.outer(sizes, sizes)
    assert outside(counts, n_pairs, PROBABILITIES, 1e-6) == 0
    assert outside(counts.T, n_pairs, PROBABILITIES, 1e-6) > 20  # it would be seen


@pytest.mark.slow
def test_probabilities_of_hierarchical_profiles() -> None:
    """Distance within levels, numbers between; 40 networks, false alarm 1e-6 of all."""
    net = network(n=150)
    table = hierarchical_blocks(CLASSES, 0.3, 0.1, GAUSS, 0.05)
    positions = np.array([node["positions"] for node in net.nodes()])
    names = np.array([node["pop_name"] for node in net.nodes()])
    dist = np.linalg.norm(positions[:, None] - positions, axis=-1)
    p = np.zeros_like(dist)
    for (a, b), entry in table.items():
        block = np.ix_(names == a, names == b)
        near = dist[block]
        p[block] = GAUSS.values(near) if entry is GAUSS else entry or 0.0
    np.fill_diagonal(p, 0.0)
    for sampler in ("pairwise", "sparse"):
        counts = sum(
            drawn(net, BlockConnector(table, rng=seed, sampler=sampler, **QUIET)).to_dense()
            for seed in range(20)
        )
        assert outside(counts, np.full(p.shape, 20), p, 4e-7) == 0
        for a, b in table:  # and the sums of blocks within 6 standard deviations: 4e-8 of all
            block = np.ix_(names == a, names == b)
            mean, variance = 20 * p[block].sum(), 20 * (p[block] * (1 - p[block])).sum()
            assert abs(counts[block].sum() - mean) <= 6 * np.sqrt(variance)


@pytest.mark.parametrize("value", [{}, "x", np.zeros((2, 2)), 3])
def test_argument_of_a_single_edge(value: Any) -> None:
    """Whatever a function of two nodes returns is kept."""
    net = NetworkBuilder("net")
    net.add_nodes(N=1, pop_name="A")
    net.add_nodes(N=1, pop_name="B")
    p = {("A", "B"): 1.0}
    connector = BlockConnector(p, missing=None, p_arg=lambda a, b: value, rng=1, **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    kept = connector.connectivity.forward.pair_arg
    assert kept is not None
    assert len(kept) == 1
    assert kept[0] is value or kept[0] == value
