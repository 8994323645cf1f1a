"""The same build script with the predecessor and with the package: the same network.

Runs ``bmtool.connectors`` itself on stock BMTK, so bmtool must be installed
(``pip install --no-deps bmtool``); select with ``-m peer``.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from cases import CASES, Case, Module, Result, run

import bmtool_connectors

pytestmark = pytest.mark.peer

BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(scope="module")
def predecessor() -> Module:
    """Return ``bmtool.connectors``; a failure and no skip when it is not there."""
    try:
        return importlib.import_module("bmtool.connectors")
    except ImportError as error:
        pytest.fail(
            f"bmtool.connectors cannot be imported ({error}); install the predecessor with "
            "'pip install --no-deps bmtool', or leave these tests out with -m 'not peer'."
        )


def assert_close(found: Any, expected: Any) -> None:
    """Assert equality, of floats to 1e-12."""
    if isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    elif isinstance(expected, tuple):
        assert len(found) == len(expected)
        for mine, other in zip(found, expected, strict=True):
            assert_close(mine, other)
    else:
        assert found == expected


def assert_equal_results(found: Result, expected: Result) -> None:
    assert set(found.rows) == set(expected.rows)
    assert found.rows == expected.rows
    assert found.state == expected.state, "another number of draws"
    # Stock BMTK asks for properties in the order of its own table, so the order is the same.
    assert len(found.properties) == len(expected.properties)
    for mine, other in zip(found.properties, expected.properties, strict=True):
        assert_close(mine, other)
    assert len(found.conn_prop) == len(expected.conn_prop)
    for table, other_table in zip(found.conn_prop, expected.conn_prop, strict=True):
        assert table.keys() == other_table.keys()
        for pair, value in other_table.items():
            value = value.item() if hasattr(value, "item") else value
            assert_close(table[pair], value)


@pytest.mark.parametrize("name", BY_NAME)
def test_same_network(name: str, predecessor: Module) -> None:
    case = BY_NAME[name]
    expected = run(case, predecessor, warns=False)
    assert len(expected.rows) > 20, "a case that hardly tests anything"
    assert_equal_results(run(case, bmtool_connectors, warns=True), expected)


def test_comparison_can_fail(predecessor: Module) -> None:
    case = BY_NAME["cortex"]
    other = Case(case.name, case.script, case.seed + 1)
    expected = run(other, predecessor, warns=False)
    with pytest.raises(AssertionError):
        assert_equal_results(run(case, bmtool_connectors, warns=True), expected)


def test_every_kind_of_value_is_compared(predecessor: Module) -> None:
    """The list of cases holds properties, floats, ints, None and several networks."""
    result = run(BY_NAME["cortex"], predecessor, warns=False)
    assert len(result.properties) > 100
    names = {name for row in result.properties for name, _ in row[3:]}
    assert names == {"delay", "afferent_section_id", "afferent_section_pos"}
    assert {type(v) for t in result.conn_prop for v in t.values()} == {float}
    assert len({row[1] for row in result.rows}) == 8
    plain = run(BY_NAME["unidirection, constant"], predecessor, warns=False)
    assert {type(v) for t in plain.conn_prop for v in t.values()} == {type(None)}
