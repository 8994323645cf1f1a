"""Node pools as arrays: indexed once per network and filter, and compared."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from bmtk.builder import NetworkBuilder
from bmtk.builder.network_adaptors.dm_network import DenseNetwork
from conftest import QUIET, make_network, random_positions

import bmtool_connectors
from bmtool_connectors import NodeArrays, NodeError, UnidirectionConnector, is_same_pop
from bmtool_connectors.filters import pool_label
from bmtool_connectors.nodes import ignores_added_nodes
from bmtool_connectors.sonata.layout import node_position


class Node(dict):  # type: ignore[type-arg]
    """A node: attributes by item, and an id."""

    def __init__(self, node_id: int, **attributes: Any) -> None:
        super().__init__(attributes)
        self.node_id = node_id


class FakePool:
    """What the predecessor's own tests take for a pool: a name and BMTK's mangled filter."""

    def __init__(self, network_name: str, ids: list[int], **properties: Any) -> None:
        self.network_name = network_name
        self._NodePool__properties = properties
        self.nodes = [Node(node_id) for node_id in ids]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the filter of every pool that the package walks; BMTK walks them on its own, too."""
    from bmtk.builder.node_pool import NodePool

    found: list[str] = []
    walk = NodePool.__iter__

    def counted(pool: Any) -> Any:
        if sys._getframe(1).f_globals["__name__"].startswith("bmtool_connectors"):
            found.append(pool.filter_str)
        return walk(pool)

    monkeypatch.setattr(NodePool, "__iter__", counted)
    return found


def arrays(*nodes: Node, **more: Any) -> NodeArrays:
    return NodeArrays(nodes, **more)


# ---------------------------------------------------------------------- positions of a node
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"positions": [1, 2, 3]}, [1.0, 2.0, 3.0]),
        ({"positions": np.array([1, 2, 3], dtype=np.uint8)}, [1.0, 2.0, 3.0]),
        ({"positions": (1.5, 2.5)}, [1.5, 2.5]),
        ({"x": 1, "y": 2, "z": 3}, [1.0, 2.0, 3.0]),
        ({"x": 1, "y": 2}, [1.0, 2.0]),
        ({"pos_x": 1, "pos_y": 2, "pos_z": 3}, [1.0, 2.0, 3.0]),
        ({"positions": [1, 2, 3], "x": 7, "y": 8, "z": 9}, [1.0, 2.0, 3.0]),
        ({"x": 1, "y": 2, "z": 3, "pos_x": 7, "pos_y": 8, "pos_z": 9}, [1.0, 2.0, 3.0]),
    ],
    ids=str,
)
def test_node_position(attributes: dict[str, Any], expected: list[float]) -> None:
    found = node_position(Node(0, **attributes))
    assert found.dtype == float
    assert found.tolist() == expected


@pytest.mark.parametrize("attributes", [{}, {"x": 1}, {"position": [1, 2, 3]}, {"z": 3.0}])
def test_node_without_position(attributes: dict[str, Any]) -> None:
    with pytest.raises(NodeError, match=r"node 7 has no position.*add_nodes\(\)"):
        node_position(Node(7, **attributes))


# ---------------------------------------------------------------------- arrays
def test_ids_are_in_pool_order_and_read_only() -> None:
    nodes = arrays(Node(5), Node(2), Node(9))
    assert nodes.ids.dtype == np.int64
    assert nodes.ids.tolist() == [5, 2, 9]
    assert len(nodes) == 3
    with pytest.raises(ValueError, match="read-only"):
        nodes.ids[0] = 1
    assert nodes.index_of_id == {5: 0, 2: 1, 9: 2}
    assert [nodes.index(k) for k in (5, 2, 9, 3)] == [0, 1, 2, None]


def test_no_node_at_all() -> None:
    nodes = arrays(label="net: pop_name=='Z'")
    assert len(nodes) == 0
    assert nodes.ids.dtype == np.int64
    assert nodes.index(0) is None
    assert repr(nodes) == "NodeArrays(\"net: pop_name=='Z'\", n=0)"


def test_positions() -> None:
    points = random_positions(4)
    for form in (
        [Node(k, positions=list(p)) for k, p in enumerate(points)],
        [Node(k, positions=p) for k, p in enumerate(points)],
        [Node(k, x=p[0], y=p[1], z=p[2]) for k, p in enumerate(points)],
        [Node(k, pos_x=p[0], pos_y=p[1], pos_z=p[2]) for k, p in enumerate(points)],
    ):
        positions = arrays(*form).positions
        assert positions is not None
        assert positions.dtype == float
        assert np.array_equal(positions, points)
        with pytest.raises(ValueError, match="read-only"):
            positions[0, 0] = 1.0


def test_two_coordinates_are_a_plane() -> None:
    nodes = arrays(Node(0, positions=[1.0, 2.0]), Node(1, positions=[3.0, 4.0]))
    assert nodes.positions is not None
    assert nodes.positions.tolist() == [[1.0, 2.0, 0.0], [3.0, 4.0, 0.0]]


def test_positions_are_read_once() -> None:
    node = Node(0, positions=[1.0, 2.0, 3.0])
    nodes = arrays(node)
    first = nodes.positions
    node["positions"] = [9.0, 9.0, 9.0]
    assert nodes.positions is first


def test_no_positions() -> None:
    nodes = arrays(Node(0, pop_name="A"), Node(1, pop_name="A"))
    assert nodes.positions is None
    assert nodes.without_nodes().positions is None


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({}, "node 8 has no position"),
        ({"positions": [1.0, np.nan, 2.0]}, "node 8 of pool has position .*nan.*finite"),
        ({"positions": [1.0, np.inf, 2.0]}, "node 8 of pool has position .*inf.*finite"),
        ({"positions": [1.0, 2.0]}, "positions of pool are not 3 coordinates"),
        ({"positions": [1.0, 2.0, 3.0, 4.0]}, "positions of pool are not 3 coordinates"),
    ],
)
def test_some_positions_are_wrong(second: dict[str, Any], words: str) -> None:
    nodes = arrays(Node(7, positions=[0.0, 0.0, 0.0]), Node(8, **second), label="pool")
    with pytest.raises(NodeError, match=words):
        _ = nodes.positions


def test_four_coordinates_are_wrong() -> None:
    nodes = arrays(*[Node(k, positions=[1.0, 2.0, 3.0, 4.0]) for k in range(2)], label="pool")
    with pytest.raises(NodeError, match="positions of pool are not 3 coordinates"):
        _ = nodes.positions


def test_attributes() -> None:
    nodes = arrays(Node(3, w=0.5, name="a", v=[1, 2]), Node(4, w=1.5, name="b", v=[3, 4]))
    assert nodes["w"].tolist() == [0.5, 1.5]
    assert nodes["name"].tolist() == ["a", "b"]
    assert nodes["v"].shape == (2, 2)
    assert nodes["node_id"] is nodes.ids
    assert nodes["w"] is nodes["w"]
    with pytest.raises(ValueError, match="read-only"):
        nodes["w"][0] = 3.0
    with pytest.raises(NodeError, match=r"nodes without attribute 'tau'; give it to add_nodes"):
        nodes["tau"]


def test_block_of_nodes() -> None:
    """What a function on arrays sees in place of a node."""
    points = random_positions(5)
    nodes = arrays(*[Node(10 + k, positions=p, w=k / 2) for k, p in enumerate(points)])
    block = nodes.take([4, 0, 0])
    assert block["w"].tolist() == [2.0, 0.0, 0.0]
    assert np.array_equal(block["positions"], points[[4, 0, 0]])
    assert block.node_id.tolist() == [14, 10, 10]
    assert block["node_id"].tolist() == [14, 10, 10]


def test_block_knows_positions_by_coordinates() -> None:
    """``positions`` is there even when nodes carry x, y and z."""
    nodes = arrays(*[Node(k, x=k, y=2 * k, z=3 * k) for k in range(3)])
    assert nodes.take([2])["positions"].tolist() == [[2.0, 4.0, 6.0]]
    assert nodes.take([2])["x"].tolist() == [2]


def test_without_nodes() -> None:
    points = random_positions(3)
    nodes = arrays(*[Node(k, positions=p) for k, p in enumerate(points)], label="pool")
    some = nodes.without_nodes()
    assert some.nodes == []
    assert len(nodes.nodes) == 3
    assert some.label == "pool"
    assert np.array_equal(some.ids, nodes.ids)
    assert np.array_equal(some.positions, points)  # type: ignore[arg-type]


def test_copies_share_the_arrays() -> None:
    nodes = arrays(Node(1), Node(2))
    assert copy.deepcopy(nodes) is nodes


def test_pickled() -> None:
    net = make_network(4)
    nodes = NodeArrays.from_pool(net.nodes(pop_name="A"))
    again = pickle.loads(pickle.dumps(nodes.without_nodes()))
    assert again.ids.tolist() == nodes.ids.tolist()
    assert np.array_equal(again.positions, nodes.positions)
    assert again.label == nodes.label


def test_places_in_another_pool() -> None:
    net = make_network(6, 3)
    every, some = (NodeArrays.from_pool(net.nodes(**f)) for f in ({}, {"node_id": [4, 1, 7]}))
    assert some.ids.tolist() == [1, 4, 7]
    assert some.places_in(every).tolist() == [1, 4, 7]  # type: ignore[union-attr]
    places = every.places_in(some)
    assert places is not None
    assert places.tolist() == [-1, 0, -1, -1, 1, -1, -1, 2, -1]
    assert every.places_in(every).tolist() == list(range(9))  # type: ignore[union-attr]
    a, b = (NodeArrays.from_pool(net.nodes(pop_name=name)) for name in "AB")
    assert a.places_in(b) is None


def test_equal_ids_in_two_networks_are_two_nodes() -> None:
    one, two = (NodeArrays.from_pool(make_network(4).nodes()) for _ in range(2))
    assert one.ids.tolist() == two.ids.tolist()
    assert one.places_in(two) is None
    assert arrays(Node(1)).places_in(arrays(Node(1))) is None
    network = object()
    places = arrays(Node(2), network=network).places_in(arrays(Node(1), Node(2), network=network))
    assert places is not None
    assert places.tolist() == [1]


def test_nodes_out_of_order() -> None:
    """Positions in the other pool, whatever the order of both."""
    network = object()
    one = arrays(*map(Node, [5, 3, 8, 1]), network=network)
    two = arrays(*map(Node, [8, 1, 2, 5]), network=network)
    assert one.places_in(two).tolist() == [3, -1, 0, 1]  # type: ignore[union-attr]


# ---------------------------------------------------------------------- one scan per filter
def test_one_scan_per_network_and_filter(scans: list[str]) -> None:
    net = make_network(5, 4)
    first = NodeArrays.from_pool(net.nodes(pop_name="A"))
    assert scans == ["pop_name=='A'"]
    assert NodeArrays.from_pool(net.nodes(pop_name="A")) is first
    assert scans == ["pop_name=='A'"]
    NodeArrays.from_pool(net.nodes(pop_name="B"))
    NodeArrays.from_pool(net.nodes())
    NodeArrays.from_pool(net.nodes(pop_name="B"))
    assert scans == ["pop_name=='A'", "pop_name=='B'", "*"]
    assert is_same_pop(net.nodes(pop_name="A"), net.nodes(pop_name="A"))
    assert not is_same_pop(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    assert len(scans) == 3


def test_few_scans_per_connector(scans: list[str]) -> None:
    """Many connectors between the same pools cost no further scan of the network."""
    net = make_network(5, 4)
    for _ in range(10):
        connector = UnidirectionConnector(p=0.5, rng=1, **QUIET)
        connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
        net.add_edges(**connector.edge_params())
    net.build()
    assert scans == ["pop_name=='A'", "pop_name=='B'"]


def test_order_of_attributes_does_not_count() -> None:
    net = NetworkBuilder("net")
    net.add_nodes(N=5, pop_name="A", kind=1)
    one, two = net.nodes(pop_name="A", kind=1), net.nodes(kind=1, pop_name="A")
    assert is_same_pop(one, two)
    assert is_same_pop(one, two, quick=True)


def test_a_name_and_a_list_with_it() -> None:
    net = make_network(5, 4)
    pools = [net.nodes(pop_name=chosen) for chosen in ("A", ["A"], ["A", "A"])]
    for one in pools:
        for two in pools:
            assert is_same_pop(one, two)
            assert is_same_pop(one, two, quick=True)
    labels = [NodeArrays.from_pool(pool).label for pool in pools]
    assert labels == [pool_label(pool) for pool in pools]
    assert not is_same_pop(net.nodes(pop_name=["A", "B"]), pools[0])
    assert not is_same_pop(net.nodes(pop_name=["A", "B"]), pools[0], quick=True)
    both = [net.nodes(pop_name=["A", "B"]), net.nodes(pop_name=["B", "A"])]
    assert is_same_pop(*both)
    assert is_same_pop(*both, quick=True)


def test_equal_texts_of_different_filters() -> None:
    """1 and '1' have one label, and select different nodes."""
    net = NetworkBuilder("net")
    net.add_nodes(N=3, kind=1)
    net.add_nodes(N=2, kind="1")
    number, text = net.nodes(kind=1), net.nodes(kind="1")
    assert pool_label(number) == pool_label(text)
    assert NodeArrays.from_pool(number).ids.tolist() == [0, 1, 2]
    assert NodeArrays.from_pool(text).ids.tolist() == [3, 4]
    assert not is_same_pop(number, text)
    assert not is_same_pop(number, text, quick=True)


def test_functions_by_identity() -> None:
    net = make_network(5, 4)
    first = net.nodes(pop_name=lambda name: name == "A")
    second = net.nodes(pop_name=lambda name: name == "B")
    assert NodeArrays.from_pool(first).ids.tolist() == [0, 1, 2, 3, 4]
    assert NodeArrays.from_pool(second).ids.tolist() == [5, 6, 7, 8]
    assert not is_same_pop(first, second)
    assert is_same_pop(first, net.nodes(pop_name="A"))


def test_filters_that_cannot_be_keys(scans: list[str]) -> None:
    """An array, as ids often come: scanned each time, and right."""
    net = make_network(5, 4)

    def chosen() -> Any:
        return net.nodes(pop_name=np.array(["A"]))

    assert NodeArrays.from_pool(chosen()).ids.tolist() == [0, 1, 2, 3, 4]
    assert is_same_pop(chosen(), chosen())
    assert len(scans) >= 2


def test_a_filter_that_changes_its_mind() -> None:
    """A pool asked for anew has the nodes that its function chooses now."""
    net, wanted = make_network(5, 4), "A"

    def chosen(name: str) -> bool:
        return name == wanted

    first = NodeArrays.from_pool(net.nodes(pop_name=chosen))
    assert NodeArrays.from_pool(net.nodes(pop_name=chosen)) is first
    wanted = "B"
    assert NodeArrays.from_pool(net.nodes(pop_name=chosen)).ids.tolist() == [5, 6, 7, 8]
    assert first.ids.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("builder", [NetworkBuilder, bmtool_connectors.NetworkBuilder])
def test_a_filter_that_changes_its_mind_before_the_build(builder: type[NetworkBuilder]) -> None:
    """The nodes of ``setup_nodes`` or an error, never silently some of them."""
    net = builder("net")
    net.add_nodes(N=20, z=np.arange(20.0))
    connectors = []
    for end in (5, 10, 15):
        pool = net.nodes(z=lambda z: z < end)  # noqa: B023  # the mistake
        connector = UnidirectionConnector(p=1.0, rng=1, **QUIET)
        connector.setup_nodes(pool, pool)
        net.add_edges(**connector.edge_params())
        connectors.append(connector)
    if builder is NetworkBuilder:  # asks its pools anew when it builds
        words = r"source of UnidirectionConnector \(net: z.* 15 nodes .* 5 others .* function"
        with pytest.raises(NodeError, match=words):
            net.build()
    else:
        net.build()
        assert net.nedges == 5**2 + 10**2 + 15**2


# ---------------------------------------------------------------------- stale pools
def rebuild(net: NetworkBuilder) -> None:
    net.clear()
    net.nodes()


def force(net: NetworkBuilder) -> None:
    net.build(force=True)


def clear_list(net: NetworkBuilder) -> None:
    """Empty BMTK's list and make the nodes again: equal length, other nodes."""
    net.adaptor._nodes.clear()
    net.clear()
    net.nodes()


@pytest.mark.parametrize("change", [rebuild, force, clear_list])
def test_nodes_that_were_made_again(change: Callable[[NetworkBuilder], None]) -> None:
    net = make_network(5)
    before = NodeArrays.from_pool(net.nodes(pop_name="A"))
    change(net)
    pool = net.nodes(pop_name="A")
    after = NodeArrays.from_pool(pool)
    assert after is not before
    assert after.nodes == list(pool)
    assert all(a is b for a, b in zip(after.nodes, pool, strict=True))
    assert len(before) == 5


def test_nodes_added_after_a_clear() -> None:
    net = make_network(3)
    assert len(NodeArrays.from_pool(net.nodes())) == 3
    net.clear()
    net.add_nodes(N=2, pop_name="B")
    pool = net.nodes(pop_name="B")
    assert NodeArrays.from_pool(pool).ids.tolist() == [node.node_id for node in pool]
    assert len(NodeArrays.from_pool(net.nodes())) == len(net.nodes())


def test_nodes_that_bmtk_ignores() -> None:
    """BMTK leaves out what is added after its nodes were made, and counts 0 nodes then."""
    net = make_network(3)
    pool = net.nodes()
    assert not ignores_added_nodes(pool)
    net.add_nodes(N=2, pop_name="B")
    assert len(net.nodes(pop_name="B")) == 0
    assert ignores_added_nodes(pool)
    assert not ignores_added_nodes(FakePool("net", [1, 2]))
    assert not ignores_added_nodes(make_network(2).nodes())


def test_networks_are_not_kept_alive() -> None:
    net = make_network(5)
    NodeArrays.from_pool(net.nodes(pop_name="A"))
    is_same_pop(net.nodes(), net.nodes(pop_name="A"))
    gone = weakref.ref(net.adaptor if hasattr(net, "adaptor") else net)
    del net
    gc.collect()
    assert gone() is None


def test_pool_of_an_unknown_kind() -> None:
    """Any iterable of nodes with a network name; scanned each time."""

    class Plain:
        network_name = "mine"

        def __init__(self, ids: list[int]) -> None:
            self.ids = ids

        def __iter__(self) -> Iterator[Node]:
            return (Node(node_id) for node_id in self.ids)

    pool = Plain([4, 5])
    assert NodeArrays.from_pool(pool).ids.tolist() == [4, 5]
    assert NodeArrays.from_pool(pool).label == "mine: *"
    pool.ids.append(6)
    assert NodeArrays.from_pool(pool).ids.tolist() == [4, 5, 6]


def test_a_pool_is_walked_and_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """``len(pool)`` is a second walk."""
    from bmtk.builder.node_pool import NodePool

    net = make_network(5)
    pool = net.nodes()

    def no_length(pool: Any) -> int:
        raise AssertionError("asked for its length")

    monkeypatch.setattr(NodePool, "__len__", no_length)
    assert len(NodeArrays.from_pool(pool)) == 5


# ---------------------------------------------------------------------- the same population?
def test_same_pop_of_bmtk() -> None:
    net, other = make_network(5, 4), make_network(5, 4)
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    for quick in (False, True):
        assert is_same_pop(a, a, quick=quick)
        assert is_same_pop(a, net.nodes(pop_name="A"), quick=quick)
        assert not is_same_pop(a, b, quick=quick)
        assert not is_same_pop(a, net.nodes(), quick=quick)
        assert not is_same_pop(a, other.nodes(pop_name="A"), quick=quick), "two networks"
        assert type(is_same_pop(a, a, quick=quick)) is bool
    everything = net.nodes(pop_name=["A", "B"])
    assert is_same_pop(everything, net.nodes())
    assert not is_same_pop(everything, net.nodes(), quick=True)
    assert is_same_pop(a, net.nodes(node_id=[0, 1, 2, 3, 4]))
    assert is_same_pop(a, net.nodes(node_id=[4, 3, 2, 1, 0])), "BMTK keeps its own order"
    assert not is_same_pop(a, net.nodes(node_id=[0, 1, 2, 3]))


def test_quick_reads_no_node(scans: list[str]) -> None:
    net = make_network(5, 4)
    pools = [net.nodes(pop_name=name) for name in ("A", "A", "B")]
    assert is_same_pop(pools[0], pools[1], quick=True)
    assert not is_same_pop(pools[0], pools[2], quick=True)
    assert scans == []


def test_quick_with_an_array_as_filter() -> None:
    net = make_network(5, 4)
    ids = np.array(["A"])
    one, two = net.nodes(pop_name=ids), net.nodes(pop_name=ids)
    assert is_same_pop(one, one, quick=True)
    assert is_same_pop(one, two, quick=True)
    several = [net.nodes(pop_name=np.array(["A", "B"])) for _ in range(2)]
    assert isinstance(is_same_pop(*several, quick=True), bool)


FAKES: list[tuple[FakePool, FakePool, bool, bool]] = [
    (FakePool("n", [1, 2], pop="A"), FakePool("n", [1, 2], pop="A"), True, True),
    (FakePool("n", [1, 2], pop="A"), FakePool("n", [1, 3], pop="A"), False, True),
    (FakePool("n", [1, 2], pop="A"), FakePool("n", [2, 1], pop="A"), False, True),
    (FakePool("n", [1, 2], pop="A"), FakePool("n", [1, 2, 3], pop="A"), False, True),
    (FakePool("n", [1, 2], pop="A"), FakePool("n", [1, 2], pop="B"), True, False),
    (FakePool("n", [1, 2], pop="A"), FakePool("n", [1, 2], pop="A", kind=1), True, False),
    (FakePool("n", [1, 2], pop="A"), FakePool("m", [1, 2], pop="A"), False, False),
    (FakePool("n", [1, 2]), FakePool("n", [1, 2]), True, True),
]


@pytest.mark.parametrize(("one", "two", "same", "quick"), FAKES)
def test_same_pop_of_stand_ins(one: FakePool, two: FakePool, same: bool, quick: bool) -> None:
    """The pools of the predecessor's own tests: ids in order; quick, name and filter only."""
    assert is_same_pop(one, two) is same
    assert is_same_pop(two, one) is same
    assert is_same_pop(one, two, quick=True) is quick
    assert is_same_pop(two, one, quick=True) is quick
    assert is_same_pop(one, one)


def test_fake_and_real_pools_differ() -> None:
    net = make_network(2)
    assert not is_same_pop(net.nodes(), FakePool("net", [0, 1]))
    assert not is_same_pop(FakePool("net", [0, 1]), net.nodes(), quick=True)


def test_nodes_iter_is_still_a_list() -> None:
    """What the index of known pools leans on in this BMTK; without it, it scans each time."""
    net = make_network(2)
    net.nodes()
    assert isinstance(net.adaptor, DenseNetwork)
    assert net.adaptor.nodes_iter() is net.adaptor.nodes_iter()
    assert isinstance(net.adaptor.nodes_iter(), list)
    assert isinstance(vars(net.nodes(pop_name="A"))["_NodePool__properties"], Mapping)
