"""Connection rules: look-ups by node id, with BMTK's registry and as plain callables."""

from __future__ import annotations

import contextlib
import copy
import functools
import pickle
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import bmtk.builder.iterator as bmtk_iterator
import numpy as np
import pytest
from bmtk.builder import NetworkBuilder
from bmtk.builder import connector as bmtk_connector
from conftest import BOTH_BUILDERS, QUIET, built_edges, make_network, node_lists, pools

from bmtool_connectors import (
    ConnectivityWarning,
    FileBasedConnector,
    GapJunction,
    NodeArrays,
    OneToOneSequentialConnector,
    ReciprocalConnector,
    UnidirectionConnector,
    connection_rule,
)
from bmtool_connectors.builder import registry
from bmtool_connectors.connection_rule import ConnectionRule, iterate_edges

pytestmark = BOTH_BUILDERS

Connector: TypeAlias = Any

MAKE: dict[str, Callable[[], Connector]] = {
    "unidirection": lambda: UnidirectionConnector(p=0.4, n_syn=count, rng=seeded(), **QUIET),
    "reciprocal": lambda: ReciprocalConnector(
        p0=0.4, p1=0.3, pr=0.2, n_syn0=count, n_syn1=2, rng=seeded(), **QUIET
    ),
    "one to one": lambda: OneToOneSequentialConnector(n_syn=2, verbose=False),
    "one to one, source": lambda: OneToOneSequentialConnector(partition_source=True, verbose=False),
}


def seeded() -> np.random.Generator:
    return np.random.default_rng(4)


def count(a: Any, b: Any) -> int:
    return 1 + (a.node_id + b.node_id) % 3


def set_up(name: str) -> tuple[NetworkBuilder, Connector]:
    """Return a network of 9 nodes A and 9 nodes B, and a connector set up between them."""
    net = make_network(9, 9)
    connector = MAKE[name]()
    connector.setup_nodes(*pools(net))
    return net, connector


@pytest.fixture
def unregistered(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Ask anew whether the registry is there, now and after the test."""
    registry.register.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    registry.register.cache_clear()


def all_params(connector: Connector) -> list[dict[str, Any]]:
    """Return the arguments for ``add_edges`` of every direction."""
    return [connector.edge_params() for _ in connector.iterators]


def dense(connector: Connector, direction: str = "forward") -> np.ndarray[Any, Any]:
    connector.initial_all_to_all()
    return connector.connectivity.edges(direction).to_dense()


def matrix(net: NetworkBuilder, backward: bool = False) -> np.ndarray[Any, Any]:
    """Return what BMTK built between A (ids 0 to 8) and B (ids 9 to 17), or back."""
    found = np.zeros((9, 9), dtype=int)
    for _, source, target, n in built_edges(net):
        if (source >= 9) == backward:
            found[(source - 9, target) if backward else (source, target - 9)] = n
    return found


# ---------------------------------------------------------------------- an object like any other
def test_identity() -> None:
    _, connector = set_up("reciprocal")
    forward = connector.edge_params()["connection_rule"]
    backward = connector.edge_params()["connection_rule"]
    assert isinstance(forward, ConnectionRule)
    assert isinstance(forward, list)
    assert bool(forward) is True
    assert len(forward) == 0, "an empty list, and true"
    assert forward == forward
    assert forward != backward
    assert not forward == backward  # noqa: SIM201
    assert forward != []
    assert {forward: 1, backward: 2}[forward] == 1
    assert forward in {forward}
    assert len({forward, backward}) == 2
    assert connector.edge_params(direction="forward")["connection_rule"] is forward
    assert connector.edge_params(direction="backward")["connection_rule"] is backward
    _, other = set_up("reciprocal")
    assert other.edge_params()["connection_rule"] != forward


def test_copies_to_itself() -> None:
    _, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    assert copy.copy(rule) is rule
    assert copy.deepcopy(rule) is rule
    assert copy.deepcopy({"connection_rule": [rule]})["connection_rule"][0] is rule


def test_says_what_it_is() -> None:
    _, connector = set_up("reciprocal")
    texts = [repr(connector.edge_params()["connection_rule"]) for _ in range(2)]
    assert texts[0].startswith("<forward edges of ReciprocalConnector(p0=0.4, p1=0.3, pr=0.2")
    assert texts[0].endswith("from net: pop_name=='A' to net: pop_name=='B'>")
    assert texts[1].startswith("<backward edges of ReciprocalConnector(")
    assert texts[1].endswith("from net: pop_name=='B' to net: pop_name=='A'>")


def test_repr_draws_nothing() -> None:
    rng = seeded()
    connector = UnidirectionConnector(p=0.4, rng=rng, **QUIET)
    connector.setup_nodes(*pools(make_network(4, 3)))
    rule = connector.edge_params()["connection_rule"]
    for _ in (repr(rule), hash(rule), bool(rule), rule == 3, copy.copy(rule), str(rule), [*rule]):
        pass
    assert rng.random() == seeded().random()


def test_pickled() -> None:
    net, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    expected = dense(connector)
    again = pickle.loads(pickle.dumps(rule))
    assert isinstance(again, ConnectionRule)
    a, b = node_lists(*pools(net))
    assert [again(node, b).tolist() for node in a] == expected.tolist()


# ---------------------------------------------------------------------- as a callable
@pytest.mark.parametrize("name", MAKE)
def test_pairs_rows_and_columns(name: str) -> None:
    """In any order, any number of times, also of nodes by themselves."""
    net, connector = set_up(name)
    rule = all_params(connector)[0]["connection_rule"]
    expected = dense(connector)
    a, b = node_lists(*pools(net))
    assert expected.sum() > 8
    for _ in range(2):
        for i in (5, 0, 8, 5):
            row = rule(a[i], b)
            assert row.tolist() == expected[i].tolist()
            assert row.dtype.kind == "i"
            assert rule(a, b[i]).tolist() == expected[:, i].tolist()
            for j in (8, 0, 3):
                found = rule(a[i], b[j])
                assert found == expected[i, j]
                assert type(found) is int
    assert rule(a[2], b[::-1]).tolist() == expected[2][::-1].tolist()
    assert rule(a[2], (b[4], b[4], b[1])).tolist() == expected[2][[4, 4, 1]].tolist()
    assert rule(a[2], []).tolist() == []
    assert rule(a[2], b, "more", x=1).tolist() == expected[2].tolist()


def test_backward_rule_takes_sources_of_the_second_pool() -> None:
    net, connector = set_up("reciprocal")
    rule = connector.edge_params(direction="backward")["connection_rule"]
    expected = dense(connector, "backward")
    a, b = node_lists(*pools(net))
    for i in range(9):
        assert rule(b, a[i]).tolist() == expected[:, i].tolist()
        assert rule(b[i], a).tolist() == expected[i].tolist()
        assert rule(b[i], a[3]) == expected[i, 3]
        assert connector.make_backward_connection(b, a[i]).tolist() == expected[:, i].tolist()
        assert connector.make_forward_connection(a[i], b).tolist() == dense(connector)[i].tolist()
    assert connector.make_connection(a[2], b).tolist() == dense(connector)[2].tolist()
    assert connector.make_connection(a[2], b[3]) == dense(connector)[2, 3]


def test_nodes_outside_the_pools_have_no_edge() -> None:
    net, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    expected = dense(connector)
    a, b = node_lists(*pools(net))
    assert rule(b[0], b).tolist() == [0] * 9
    assert rule(a[0], a).tolist() == [0] * 9
    assert rule(b[0], a[0]) == 0
    assert rule(a, a[0]).tolist() == [0] * 9
    assert rule(a[1], [*a, *b]).tolist() == [0] * 9 + expected[1].tolist()
    assert rule([*b, *a], b[2]).tolist() == [0] * 9 + expected[:, 2].tolist()


def test_two_lists_are_refused() -> None:
    net, connector = set_up("unidirection")
    a, b = node_lists(*pools(net))
    with pytest.raises(
        TypeError,
        match=r"rule of UnidirectionConnector must be called with two nodes, .*, got list and list",
    ):
        connector.edge_params()["connection_rule"](a, b)


def test_a_list_that_changes() -> None:
    """BMTK asks with one list again and again, so its positions are remembered; safely."""
    net, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    expected = dense(connector)
    a, b = node_lists(*pools(net))
    asked = list(b)
    assert rule(a[3], asked).tolist() == expected[3].tolist()
    asked.reverse()
    assert rule(a[3], asked).tolist() == expected[3][::-1].tolist()
    asked[0] = b[0]
    asked.append(b[5])
    columns = [0, *range(7, -1, -1), 5]
    assert rule(a[4], asked).tolist() == expected[4][columns].tolist()
    del asked[2:]
    assert rule(a[4], asked).tolist() == expected[4][columns[:2]].tolist()


def test_one_list_as_targets_and_as_sources() -> None:
    """A node's position is one in the pool that is asked about."""
    net, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    expected = dense(connector)
    everything = list(net.nodes())
    for i in (2, 3):
        row, column = rule(everything[i], everything), rule(everything, everything[9 + i])
        assert row.tolist() == [0] * 9 + expected[i].tolist()
        assert column.tolist() == expected[:, i].tolist() + [0] * 9


# ---------------------------------------------------------------------- with BMTK's registry
@pytest.mark.parametrize("name", registry.ITERATOR_NAMES)
def test_registered_under_every_documented_name(name: str) -> None:
    assert registry.register()
    assert registry.register() is True
    net, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    made = bmtk_iterator.create(name, bmtk_connector.create(rule))
    found = sorted(made(*pools(net), rule))
    edges = dense(connector)
    assert found == [
        (int(i), int(j) + 9, int(edges[i, j])) for i, j in zip(*edges.nonzero(), strict=True)
    ]


def test_other_rules_have_bmtks_iterators() -> None:
    """Numbers, lists and functions of other edge types are none of ours."""
    net, connector = set_up("unidirection")
    net.add_edges(**connector.edge_params())
    net.add_edges(source={"pop_name": "A"}, target={"pop_name": "B"}, connection_rule=5)
    net.add_edges(
        source={"pop_name": "B"},
        target={"pop_name": "A"},
        iterator="one_to_all",
        connection_rule=lambda source, targets: [7] * len(targets),
    )
    net.build()
    by_type: dict[int, set[int]] = {}
    for type_id, _, _, n in built_edges(net):
        by_type.setdefault(type_id, set()).add(n)
    assert by_type == {100: {1, 2, 3}, 101: {5}, 102: {7}}


@pytest.mark.parametrize("name", MAKE)
def test_only_edges_that_exist_are_visited(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, connector = set_up(name)
    for params in all_params(connector):
        net.add_edges(**params)

    def never(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("asked about a pair")

    monkeypatch.setattr(ConnectionRule, "__call__", never)
    net.build()
    assert matrix(net).tolist() == dense(connector).tolist()
    if name == "reciprocal":
        assert matrix(net, backward=True).tolist() == dense(connector, "backward").tolist()


def test_iterated_edges() -> None:
    """Python ints, canonical order."""
    net, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    found = list(iterate_edges(*pools(net), rule))
    assert {type(value) for edge in found for value in edge} == {int}
    edges = connector.connectivity.forward
    expected = zip(edges.source, edges.target + 9, edges.n_syn, strict=True)
    assert found == [tuple(map(int, edge)) for edge in expected]


def test_many_edges_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    net, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    whole = list(iterate_edges(*pools(net), rule))
    for size in (1, 7, len(whole), len(whole) + 1):
        monkeypatch.setattr(connection_rule, "_CHUNK", size)
        assert list(iterate_edges(*pools(net), rule)) == whole


# ---------------------------------------------------------------------- without it
def no_register(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(bmtk_iterator, "register")


def no_create(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(bmtk_iterator, "create")


def forgets(patch: pytest.MonkeyPatch) -> None:
    """A registry that takes an entry and does not find it again."""
    patch.setattr(bmtk_iterator, "register", lambda name, kind, function: None)
    kinds = {
        key: f
        for key, f in bmtk_iterator.ITERATOR_CACHE.cache.items()
        if key[1] is not ConnectionRule
    }
    patch.setattr(bmtk_iterator.ITERATOR_CACHE, "cache", kinds)


def wraps_rules(patch: pytest.MonkeyPatch) -> None:
    """A BMTK that wraps lists as well, so that the type of the rule is lost."""
    patch.setattr(
        bmtk_connector, "create", lambda rule, **params: functools.partial(rule, **params)
    )


@pytest.mark.parametrize("change", [no_register, no_create, forgets, wraps_rules])
@pytest.mark.parametrize("name", MAKE)
def test_without_the_registry(
    name: str, change: Callable[[pytest.MonkeyPatch], None], unregistered: pytest.MonkeyPatch
) -> None:
    """The plain callable gives the same edges, in every direction."""
    change(unregistered)
    assert registry.register() is False
    net, connector = set_up(name)
    params = connector.edge_params()
    assert callable(params["connection_rule"])
    assert not isinstance(params["connection_rule"], list)
    # What is tested is our fallback; the edges are then built by an unchanged BMTK.
    unregistered.undo()
    net.add_edges(**params)
    if name == "reciprocal":
        registry.register.cache_clear()
        no_register(unregistered)
        net.add_edges(**connector.edge_params())
        unregistered.undo()
    net.build()
    assert matrix(net).tolist() == dense(connector).tolist()
    _, other = set_up(name)
    assert matrix(net).tolist() == dense(other).tolist()
    if name == "reciprocal":
        assert matrix(net, backward=True).tolist() == dense(other, "backward").tolist()


@pytest.mark.parametrize("name", MAKE)
def test_rules_in_a_partial(name: str) -> None:
    """As BMTK documents it for rules with parameters."""
    net, connector = set_up(name)
    for params in all_params(connector):
        params["connection_rule"] = functools.partial(params["connection_rule"], anything=1)
        net.add_edges(**params)
    net.build()
    assert matrix(net).tolist() == dense(connector).tolist()
    if name == "reciprocal":
        assert matrix(net, backward=True).tolist() == dense(connector, "backward").tolist()


def test_every_iterator_serves_the_plain_callable() -> None:
    for iterator in registry.ITERATOR_NAMES:
        net, connector = set_up("unidirection")
        params = connector.edge_params()
        rule = params["connection_rule"]
        params.update(iterator=iterator, connection_rule=functools.partial(rule))
        net.add_edges(**params)
        net.build()
        assert matrix(net).tolist() == dense(connector).tolist()


# ---------------------------------------------------------------------- other pools
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("source_ids", "target_ids"),
    [
        ([1, 4, 8], None),
        (None, [9, 10, 17]),
        ([0, 2, 5], [11, 12, 13]),
        ([0], [9]),
        ([9, 10], [12]),
        (list(range(18)), list(range(18))),
        ([3, 4, 12], [2, 10, 11]),
    ],
)
def test_pools_of_add_edges_restrict_by_id(
    source_ids: list[int] | None, target_ids: list[int] | None, plain: bool
) -> None:
    """Smaller, larger, overlapping or disjoint ones; the last are hardly what was meant."""
    net, connector = set_up("unidirection")
    params = connector.edge_params()
    if plain:
        params["connection_rule"] = functools.partial(params["connection_rule"])
    if source_ids is not None:
        params["source"] = net.nodes(node_id=source_ids)
    if target_ids is not None:
        params["target"] = net.nodes(node_id=target_ids)
    net.add_edges(**params)
    if source_ids == [9, 10] and not plain:
        words = r"other pools .* from net: node_id=='\[9, 10\]' to .* none of its \d+ edges .*"
        words += r"UnidirectionConnector\(.*\), from net: pop_name=='A' to net: pop_name=='B'"
        with pytest.warns(ConnectivityWarning, match=words):
            net.build()
    else:
        net.build()
    edges = dense(connector)
    expected = [
        (i, j + 9, int(edges[i, j]))
        for i in range(9)
        for j in range(9)
        if edges[i, j] and i in (source_ids or range(9)) and j + 9 in (target_ids or range(9, 18))
    ]
    assert [row[1:] for row in built_edges(net)] == expected


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("n", [9, 18], ids=["equal ids", "more ids"])
def test_pools_of_another_network(end: str, n: int) -> None:
    """Node ids of two networks overlap, and mean other nodes."""
    net, connector = set_up("unidirection")
    params = {**connector.edge_params(), end: make_network(n, name="inputs").nodes()}
    net.add_edges(**params)
    with pytest.warns(ConnectivityWarning, match=r"inputs: .* in two networks are not") as caught:
        net.build()
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_pools_of_the_network_made_again() -> None:
    """A network of the same name is taken for the one that a script has made anew."""
    _, connector = set_up("unidirection")
    again, _ = set_up("unidirection")
    source, target = pools(again)
    again.add_edges(**{**connector.edge_params(), "source": source, "target": target})
    again.build()
    assert len(built_edges(again)) == len(connector.connectivity.forward)


@pytest.mark.parametrize(("source", "warns"), [([3], False), ([3, 4, 9], False), ([9, 10], True)])
def test_pools_of_a_rule_without_edges(source: list[int], warns: bool) -> None:
    """Where there were none to lose, a warning is for pools without a common node."""
    net = make_network(9, 9)
    connector = UnidirectionConnector(p=0.0, rng=1, **QUIET)
    connector.setup_nodes(*pools(net))
    net.add_edges(**{**connector.edge_params(), "source": net.nodes(node_id=source)})
    with pytest.warns(ConnectivityWarning) if warns else contextlib.nullcontext():
        net.build()


def test_pools_in_another_order() -> None:
    """The order of a pool counts for the draw; that of the pool of add_edges for the rows."""
    net, connector = set_up("unidirection")
    rule = connector.edge_params()["connection_rule"]
    source, target = pools(net)
    whole = list(iterate_edges(source, target, rule))

    class Backwards:
        network_name = "net"

        def __iter__(self) -> Iterator[Any]:
            return reversed(list(iter(source)))

    rows = list(iterate_edges(Backwards(), target, rule))
    assert rows == sorted(whole, key=lambda row: (-row[0], row[1]))
    assert rows != whole
    assert NodeArrays.from_pool(Backwards()).ids.tolist() == list(range(8, -1, -1))


# ---------------------------------------------------------------------- bound to one use
def test_rule_is_bound_to_its_use() -> None:
    """What was handed out stays what it was when the connector is used again."""
    net = make_network(9, 9)
    a, b = pools(net)
    connector = MAKE["unidirection"]()
    connector.setup_nodes(source=a, target=b)
    first = connector.edge_params()["connection_rule"]
    expected = [first(node, list(b)).tolist() for node in a]
    connector.setup_nodes(source=b, target=a)
    second = connector.edge_params()["connection_rule"]
    assert second is not first
    nodes = node_lists(a, b)
    assert [first(node, nodes[1]).tolist() for node in nodes[0]] == expected
    other = [second(node, nodes[0]).tolist() for node in nodes[1]]
    assert [second(node, nodes[0]).tolist() for node in nodes[1]] == other
    assert "from net: pop_name=='B'" in repr(second)


@pytest.mark.parametrize("order", ["forward first", "backward first", "row in the middle"])
def test_whatever_asks_first(order: str) -> None:
    """The edges are drawn once, on first use, whoever asks."""
    _, reference = set_up("reciprocal")
    expected = dense(reference).tolist(), dense(reference, "backward").tolist()
    net, connector = set_up("reciprocal")
    a, b = node_lists(*pools(net))
    forward, backward = (
        connector.edge_params(direction=each)["connection_rule"] for each in ("forward", "backward")
    )
    if order == "backward first":
        list(iterate_edges(*pools(net)[::-1], backward))
    if order == "row in the middle":
        assert forward(a[6], b).tolist() == expected[0][6]
    assert [forward(node, b).tolist() for node in a] == expected[0]
    assert [backward(node, a).tolist() for node in b] == expected[1]


def test_every_connector_hands_out_the_four_arguments(tmp_path: Any) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("source_node_id,target_node_id\n0,1\n")
    net = make_network(4, 4)
    a, b = pools(net)
    iterators = {
        UnidirectionConnector(**QUIET): "one_to_one",
        GapJunction(**QUIET): "one_to_one",
        FileBasedConnector(file, verbose=False): "one_to_one",
        ReciprocalConnector(pr=None, **QUIET): "one_to_all",
        OneToOneSequentialConnector(verbose=False): "all_to_one",
        OneToOneSequentialConnector(partition_source=True, verbose=False): "one_to_all",
    }
    for connector, iterator in iterators.items():
        target = a if isinstance(connector, GapJunction) else b
        connector.setup_nodes(source=a, target=target)
        params = connector.edge_params()
        assert list(params) == ["source", "target", "iterator", "connection_rule"]
        assert params["source"] is a
        assert params["target"] is target
        assert params["iterator"] == iterator
    two = ReciprocalConnector(pr=None, **QUIET)
    two.setup_nodes(source=a, target=b)
    two.edge_params()
    params = two.edge_params()
    assert (params["source"], params["target"], params["iterator"]) == (b, a, "all_to_one")
