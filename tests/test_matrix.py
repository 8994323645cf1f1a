"""Matrices, tables and files as connectors, and the values of each edge that BMTK stores."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from bmtk.builder import NetworkBuilder
from conftest import BOTH_BUILDERS, QUIET, assert_canonical, make_network, pools
from scipy import sparse

from bmtool_connectors import (
    ConnectivityWarning,
    FileBasedConnector,
    MatrixConnector,
    NodeError,
    ParameterError,
)
from bmtool_connectors import NetworkBuilder as OurBuilder

DENSE = np.array([[0, 2, 0, 1], [1, 0, 0, 0], [3, 1, 0, 2]])
ROWS, COLUMNS = np.nonzero(DENSE)
VALUES = DENSE[ROWS, COLUMNS]
SOURCE_ROWS = {"orientation": "source_rows", **QUIET}


def between(connector: Any, n_a: int = 3, n_b: int = 4) -> NetworkBuilder:
    """Set a connector up from A to B and return the network."""
    net = make_network(n_a, n_b)
    source, target = pools(net)
    connector.setup_nodes(source=source, target=target)
    return net


def dense(connector: Any) -> np.ndarray:
    """Return the synapses of each pair from A to B."""
    between(connector)
    edges = connector.connectivity.forward
    assert_canonical(edges)
    return np.asarray(edges.to_dense())


FORMS = {
    "list": DENSE.tolist(),
    "array": DENSE,
    "floats": DENSE.astype(float),
    "csr": sparse.csr_matrix(DENSE),
    "csc": sparse.csc_array(DENSE),
    "explicit zeros": sparse.csr_matrix((np.r_[VALUES, 0], (np.r_[ROWS, 0], np.r_[COLUMNS, 0]))),
    "triple": (ROWS, COLUMNS, VALUES),
    "triple of lists": (ROWS.tolist(), COLUMNS.tolist(), VALUES.tolist()),
    "shuffled": (ROWS[::-1], COLUMNS[::-1], VALUES[::-1]),
    "names": (ROWS, COLUMNS, {"n_syn": VALUES}),
    "parts": (np.r_[ROWS, 0], np.r_[COLUMNS, 1], np.r_[VALUES[:1] - 1, VALUES[1:], 1]),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str) -> None:
    matrix = FORMS[form]
    assert (dense(MatrixConnector(matrix, **SOURCE_ROWS)) == DENSE).all()
    turned = matrix
    if isinstance(matrix, tuple):
        turned = (matrix[1], matrix[0], *matrix[2:])
    else:
        turned = matrix.T if hasattr(matrix, "T") else np.transpose(matrix)
    connector = MatrixConnector(turned, orientation="target_rows", **QUIET)
    assert (dense(connector) == DENSE).all()


def test_table() -> None:
    table = pd.DataFrame({"target": COLUMNS, "source": ROWS, "n_syn": VALUES})
    assert (dense(MatrixConnector(table, **QUIET)) == DENSE).all()
    assert (dense(MatrixConnector(table[["source", "target"]], **QUIET)) == (DENSE > 0)).all()


def test_booleans_and_nothing() -> None:
    assert (dense(MatrixConnector(DENSE > 0, **SOURCE_ROWS)) == (DENSE > 0)).all()
    assert not dense(MatrixConnector(np.zeros((3, 4)), **SOURCE_ROWS)).any()


def test_n_syn() -> None:
    pairs = (ROWS, COLUMNS)
    assert (dense(MatrixConnector(pairs, n_syn=3, **SOURCE_ROWS)) == 3 * (DENSE > 0)).all()

    def of_nodes(a: Any, b: Any) -> int:
        return int(a.node_id)  # 0 is no edge

    found = dense(MatrixConnector(pairs, n_syn=of_nodes, **SOURCE_ROWS))
    assert (found == (DENSE > 0) * np.arange(3)[:, None]).all()


# ---------------------------------------------------------------------- values of each edge
TABLE = {
    "n_syn": [2, 1, 1, 3, 1, 2],
    "syn_weight": [0.1, -0.2, 0.3, 0.4, 0.5, 0.0],
    "delay": [0.8, 1.0, 1.2, 1.4, 1.6, 1.8],
    "afferent_section_id": [0, 1, 2, 3, 4, 5],
    "afferent_section_pos": [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
    "layer": [5, 5, 4, 4, 2, 2],
}
ENDS = {"source_node_id": ROWS.tolist(), "target_node_id": COLUMNS.tolist()}


def made(kind: str, folder: Path) -> Any:
    """Return a connector with the values of TABLE."""
    if kind == "file":
        pd.DataFrame({**ENDS, **TABLE}).to_csv(folder / "pairs.csv", index=False)
        return FileBasedConnector(folder / "pairs.csv", verbose=False)
    if kind == "table":
        return MatrixConnector(pd.DataFrame({"source": ROWS, "target": COLUMNS, **TABLE}), **QUIET)
    return MatrixConnector((ROWS, COLUMNS, TABLE), **SOURCE_ROWS)


KINDS = ["file", "table", "triple"]


@BOTH_BUILDERS
@pytest.mark.parametrize("kind", KINDS)
def test_stored_by_bmtk(kind: str, tmp_path: Path) -> None:
    """A row per synapse, each with the values of its pair; sections are whole numbers."""
    connector = made(kind, tmp_path)
    net = between(connector)
    edges = net.add_edges(**connector.edge_params())
    edges.add_properties(**connector.edge_properties())
    net.build()
    wanted = []
    for k, n in enumerate(TABLE["n_syn"]):
        values = [TABLE[name][k] for name in TABLE if name != "n_syn"]
        wanted += [(int(ROWS[k]), 3 + int(COLUMNS[k]), *values)] * n
    names = ["source_node_id", "target_node_id", *list(TABLE)[1:]]
    found = [tuple(edge.synaptic_properties[name] for name in names) for edge in net.edges()]
    assert sorted(found) == sorted(wanted)
    types = dict(
        zip(*(connector.edge_properties()[key] for key in ("names", "dtypes")), strict=True)
    )
    assert types["afferent_section_id"].kind == "i"
    assert types["delay"].kind == "f"


@pytest.mark.parametrize("pools_differ", [False, True])
def test_many_values_at_once(pools_differ: bool) -> None:
    """Our builder takes the columns as they are, unless pools differ from those of the use."""
    rng = np.random.default_rng(6)
    weights = rng.random((40, 30)) * (rng.random((40, 30)) < 0.4)
    connector = MatrixConnector(weights, values="syn_weight", n_syn=2, **SOURCE_ROWS)
    net = OurBuilder("net")
    net.add_nodes(N=40, pop_name="A")
    net.add_nodes(N=30, pop_name="B")
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    connector.setup_nodes(source=a, target=b)
    params = connector.edge_params()
    if pools_differ:
        params["target"] = net.nodes(node_id=list(range(69, 49, -1)))
    properties = connector.edge_properties()
    calls = []
    rule = properties["rule"]
    one_by_one = type(rule).__call__
    with mock.patch.object(
        type(rule), "__call__", lambda *args: calls.append(args) or one_by_one(*args)
    ):
        net.add_edges(**params).add_properties(**properties)
        net.build()
    assert bool(calls) == pools_differ
    rows = [
        (e.source_node_id, e.target_node_id, e.synaptic_properties["syn_weight"])
        for e in net.edges()
    ]
    first = 10 if pools_differ else 0
    part = np.argwhere(weights[:, first:])
    wanted = [(i, 40 + first + j, weights[i, first + j]) for i, j in part.tolist()] * 2
    assert sorted(rows) == sorted(wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_scale(kind: str, tmp_path: Path) -> None:
    connector = made(kind, tmp_path)
    net = between(connector)
    source, target = (list(net.nodes(pop_name=name)) for name in "AB")
    found = connector.edge_properties(scale={"syn_weight": 1e-3, "delay": 2})
    row = dict(zip(found["names"], found["rule"](source[2], target[0]), strict=True))
    assert row["syn_weight"] == 0.4 * 1e-3
    assert row["delay"] == 2.8
    assert row["layer"] == 4
    for twin in (copy.deepcopy(found["rule"]), pickle.loads(pickle.dumps(found["rule"]))):
        assert twin(source[2], target[0]) == found["rule"](source[2], target[0])
    with pytest.raises(KeyError, match="no connection is listed from node 1 to 4"):
        found["rule"](source[1], target[1])
    # The connector is as it was.
    assert connector.columns["delay"].tolist() == TABLE["delay"]
    for scale in ({"nothing": 2}, {"delay": "x"}, 3, {"delay": np.inf}):
        with pytest.raises(ParameterError, match=r"^scale of \w+\.edge_properties\(\) must be "):
            connector.edge_properties(scale=scale)


WRONG = {
    "syn_weight": [np.nan, "x"],
    "delay": [-0.1, np.inf],
    "afferent_section_id": [1.5, -1],
    "afferent_section_pos": [1.1, -0.1],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, all in WRONG.items() for v in all])
def test_values_that_bmtk_cannot_use(name: str, value: Any, tmp_path: Path) -> None:
    values = np.array([1, value, 0], dtype=object if isinstance(value, str) else float)
    matrix = ([0, 1, 2], [0, 1, 2], {name: values})
    with pytest.raises(
        ParameterError, match=rf"^{name} of MatrixConnector must be .*, got .* for entry 1\."
    ):
        MatrixConnector(matrix, **SOURCE_ROWS)
    table = pd.DataFrame({"source_node_id": [0, 1, 2], "target_node_id": [0, 1, 2], name: values})
    table.to_csv(tmp_path / "pairs.csv", index=False, na_rep="nan")
    with pytest.raises(
        ParameterError, match=rf"^{name} of FileBasedConnector must be .*, got .* for row 2 of"
    ):
        FileBasedConnector(tmp_path / "pairs.csv")


def test_no_values() -> None:
    connector = MatrixConnector(DENSE, **SOURCE_ROWS)
    between(connector)
    with pytest.raises(ParameterError, match="has no columns but pairs and n_syn; add a column"):
        connector.edge_properties()


def test_a_pair_listed_again_with_properties(tmp_path: Path) -> None:
    """A pair has one value of each property, so that none of two is taken without a word."""
    file = tmp_path / "pairs.csv"
    again = {"source_node_id": [2, 0, 0], "target_node_id": [4_000_000_000, 1, 1]}
    values: dict[str, Any] = {"syn_weight": [0.1, 0.2, 0.3]}
    says = (
        r"^filename of FileBasedConnector is .*, which lists source 0 and target 1 more than once "
        "with values of syn_weight; give each pair once, and say its number of synapses with n_syn"
    )
    pd.DataFrame({**again, **values, "n_syn": [1, 2, 3]}).to_csv(file, index=False)
    with pytest.raises(ParameterError, match=says):
        FileBasedConnector(file, verbose=False)
    # bmtool reads the ends only: such a file connects the pair once, as there.
    again["target_node_id"][0] = 0
    pd.DataFrame({**again, **values}).to_csv(file, index=False)
    connector = FileBasedConnector(file, verbose=False)
    net = between(connector)
    with pytest.warns(ConnectivityWarning, match="lists 1 pairs again"):
        assert connector.connectivity.forward.n_syn.tolist() == [1, 1]
    with pytest.raises(ParameterError, match=says):
        connector.edge_properties()
    net.build()
    # Without properties, synapses are added up.
    pd.DataFrame({**again, "n_syn": [1, 2, 3]}).to_csv(file, index=False)
    connector = FileBasedConnector(file, verbose=False)
    between(connector)
    assert connector.connectivity.forward.n_syn.tolist() == [5, 1]


# ---------------------------------------------------------------------- what is refused
REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (DENSE, {}, r"orientation of MatrixConnector must be 'source_rows'.*, got None"),
    (DENSE, {"orientation": "rows"}, "orientation of MatrixConnector must be .*, got 'rows'"),
    (pd.DataFrame({"source": [0], "target": [1]}), SOURCE_ROWS, "columns of a DataFrame say it"),
    (pd.DataFrame({"a": [0]}), QUIET, r"source and target, got a DataFrame with columns a"),
    (DENSE[0], SOURCE_ROWS, "must be a two-dimensional array"),
    ("words", SOURCE_ROWS, "matrix of MatrixConnector must be .*, got 'words'"),
    ((ROWS,), SOURCE_ROWS, "must be a two-dimensional array"),
    ((ROWS, COLUMNS[1:]), SOURCE_ROWS, r", got shapes \(6,\), \(5,\)"),
    ((ROWS, COLUMNS, 2), SOURCE_ROWS, r", got shapes \(6,\), \(6,\), \(\)"),
    ((ROWS - 1, COLUMNS), SOURCE_ROWS, "must be a position .*, got -1 for entry 0"),
    (DENSE * 0.5, SOURCE_ROWS, "n_syn of MatrixConnector must be .*, got 0.5 for entry 1"),
    (-DENSE, SOURCE_ROWS, "n_syn of MatrixConnector must be .*, got -2"),
    (DENSE * np.nan, SOURCE_ROWS, "n_syn of MatrixConnector must be .*, got nan for entry 0"),
    (([0, 0], [1, 1]), SOURCE_ROWS, "lists source 0 and target 1 more than once"),
    (
        ([0, 0], [1, 1], {"n_syn": [1, 1], "delay": [1.0, 2.0]}),
        SOURCE_ROWS,
        "lists source 0 and target 1 more than once",
    ),
    (DENSE, {"values": "", **SOURCE_ROWS}, "values of MatrixConnector must be .*, got ''"),
]


@pytest.mark.parametrize(
    ("matrix", "options", "match"), REFUSED, ids=[row[2][:30] for row in REFUSED]
)
def test_refused(matrix: Any, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ParameterError, match=match) as caught:
        MatrixConnector(matrix, **options)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("matrix", [DENSE.T, DENSE[:2], (ROWS, COLUMNS + 1)])
def test_pools_of_another_size(matrix: Any) -> None:
    with pytest.raises(NodeError, match=r"connects \d x \d nodes .* have 3 x 4; check"):
        between(MatrixConnector(matrix, **SOURCE_ROWS))
