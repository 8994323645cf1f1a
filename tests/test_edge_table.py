"""The sparse edge table: what BMTK asks of it, by hand."""

from __future__ import annotations

import functools
import tracemalloc
from typing import Any

import numpy as np
import pytest
from bmtk.builder.network_adaptors.edge_props_table import EdgeTypesTableMemory
from conftest import QUIET, make_network, pools

from bmtool_connectors import (
    EdgeList,
    NetworkBuilder,
    NodeArrays,
    ParameterError,
    UnidirectionConnector,
    spherical_dist,
    syn_const_delay,
    syn_dist_delay_feng,
)
from bmtool_connectors.builder.edge_table import EdgeTable


def tables(*columns: tuple[str, Any], n_syn: Any = (1, 3, 2)) -> tuple[EdgeTable, Any]:
    """Return a table of three pairs, and BMTK's with the same content."""
    net = make_network(2, 3)
    source, target = pools(net)
    edge_type = net.add_edges(source=source, target=target, syn_weight=0.5)
    nodes = [NodeArrays.from_pool(pool) for pool in (source, target)]
    edges = EdgeList.from_arrays([0, 1, 1], [2, 0, 1], (2, 3), n_syn=list(n_syn))
    table = EdgeTable(edge_type, edges, *nodes)
    stock = EdgeTypesTableMemory(edge_type, "net")
    for i, j, n in ((0, 4, n_syn[0]), (1, 2, n_syn[1]), (1, 3, n_syn[2])):
        stock.set_nsyns(i, j, n)
    for name, dtype in columns:
        values = np.arange(sum(n_syn)).astype(dtype)
        table.add_column(name, dtype)[:] = values
        stock.create_property(name, dtype)
        for k, value in enumerate(values):
            stock.set_property_value(name, k, value)
    return table, stock


@pytest.mark.parametrize(
    "columns",
    [(), (("delay", float),), (("b", np.float32), ("a", bool), ("c", np.int16))],
    ids=["pairs", "one property", "three"],
)
@pytest.mark.parametrize("n_syn", [(1, 3, 2), (2, 2, 2), (1, 1, 1)])
def test_as_that_of_bmtk(columns: Any, n_syn: Any) -> None:
    table, stock = tables(*columns, n_syn=n_syn)
    ids, wanted = table.edge_type_node_ids, stock.edge_type_node_ids
    assert ids.tolist() == wanted.tolist()
    assert ids.dtype == wanted.dtype
    assert (table.n_edges, table.n_syns) == (stock.n_edges, stock.n_syns)
    assert table.get_property_metatadata() == stock.get_property_metatadata()
    for each in stock.get_property_metatadata():
        values = table.get_property_value(each["name"])
        assert values.tolist() == stock.get_property_value(each["name"]).tolist()
        assert values.dtype == each["dtype"]
    frame = table.to_dataframe()
    assert frame.equals(stock.to_dataframe())
    assert frame.dtypes.tolist() == stock.to_dataframe().dtypes.tolist()
    assert table.edge_type_properties is stock.edge_type_properties
    for name in ("source_network", "target_network", "edge_type_id", "edge_group_id"):
        assert getattr(table, name) == getattr(stock, name), name


def test_by_hand() -> None:
    table, _ = tables()
    assert table.edge_type_node_ids.tolist() == [[0, 4], [1, 2], [1, 3]]
    assert table.get_property_value("nsyns").tolist() == [1, 3, 2]
    table.add_column("delay", float)[:] = 0.5
    assert table.edge_type_node_ids.tolist() == [[0, 4], *[[1, 2]] * 3, *[[1, 3]] * 2]
    assert repr(table) == "<EdgeTable 100: 3 pairs, 6 synapses>"


def test_groups() -> None:
    """Tables with the same columns, in any order, go into one group of the file."""
    keys = [
        tables(*columns)[0].hash_key
        for columns in (
            (),
            (("a", float), ("b", int)),
            (("b", int), ("a", float)),
            (("a", float), ("b", float)),
            (("a", float),),
        )
    ]
    assert keys[1] == keys[2]
    assert len(set(keys)) == 4


def test_freed() -> None:
    """BMTK's savers free a table; ours answers afterwards as before."""
    table, _ = tables(("delay", float))
    before = table.to_dataframe()
    table.free_data()
    assert table.to_dataframe().equals(before)


def test_column_twice() -> None:
    table, _ = tables(("delay", float))
    with pytest.raises(ParameterError, match=r"edge type 100 must have .*, got 'delay' twice"):
        table.add_column("delay", float)


def test_nothing_is_copied() -> None:
    """The table of a connector's edges holds the connector's own arrays."""
    net = NetworkBuilder("net")
    net.add_nodes(N=30, pop_name="A")
    pool = net.nodes(pop_name="A")
    connector = UnidirectionConnector(p=0.5, rng=1, **QUIET)
    connector.setup_nodes(pool, pool)
    net.add_edges(**connector.edge_params())
    net.build()
    (table,) = net.edges_table()
    edges = connector.connectivity.forward
    assert table.edges is edges
    assert table.per_synapse(edges.source) is edges.source


@pytest.mark.parametrize("helper", [syn_const_delay, syn_dist_delay_feng])
@pytest.mark.parametrize("n_syn", [1, 3])
def test_memory(helper: Any, n_syn: int) -> None:
    """At most 60 bytes per row at the peak of a build, one property included."""
    net = NetworkBuilder("net")
    net.add_nodes(N=700, pop_name="A", positions=np.random.default_rng(0).random((700, 3)))
    pool = net.nodes(pop_name="A")
    connector = UnidirectionConnector(p=0.5, p_arg=spherical_dist, n_syn=n_syn, rng=1, **QUIET)
    connector.setup_nodes(pool, pool)
    edges = net.add_edges(**connector.edge_params())
    edges.add_properties("delay", rule=functools.partial(helper, connector=connector), dtypes=float)
    edges.add_properties("weight", rule=1.0, dtypes=float)
    connector.connectivity  # noqa: B018  # what the connector holds is there before
    tracemalloc.start()
    net.build()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert net.nedges > 200_000
    assert peak < 60 * net.nedges
    assert held < 17 * net.nedges + 100_000
