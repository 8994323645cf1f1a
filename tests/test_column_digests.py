"""Digests of columns: equal for the same rows in any order, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bmtool_connectors.sonata import digests
from bmtool_connectors.sonata.digests import ColumnDigests, by_axis, digest_of_json

N = 5000
RNG = np.random.default_rng(1)
SOURCE, TARGET = RNG.integers(0, 40, (2, N))  # pairs stand in several rows
VALUES = {"a": RNG.normal(size=N), "b": RNG.integers(0, 5, N), "c": RNG.random((N, 2))}


def of(columns: dict[str, Any], order: Any = slice(None)) -> ColumnDigests:
    found = ColumnDigests()
    found.add((SOURCE[order], TARGET[order]), {k: v[order] for k, v in columns.items()})
    return found


def test_order_and_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = of(VALUES)
    assert whole.n_rows == N
    order = RNG.permutation(N)
    again = of(VALUES, order)
    assert (again.columns, again.whole) == (whole.columns, whole.whole)
    monkeypatch.setattr(digests, "BLOCK_ROWS", 77)
    parts = ColumnDigests()
    for part in np.array_split(order, 9):
        parts.add((SOURCE[part], TARGET[part]), {k: v[part] for k, v in VALUES.items()})
    assert (parts.columns, parts.whole, parts.n_rows) == (whole.columns, whole.whole, N)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "scaled": lambda x: 2.0 * x,
    "negated": lambda x: -x,
    "zero": lambda x: 0.0 * x,
    "shuffled": lambda x: x[np.random.default_rng(2).permutation(len(x))],
    "two exchanged": lambda x: np.concatenate([x[1::-1], x[2:]]),
    "one sign": lambda x: np.concatenate([-x[:1], x[1:]]),
    "two signs": lambda x: np.concatenate([-x[:2], x[2:]]),
    "last bit": lambda x: np.concatenate([np.nextafter(x[:1], 9), x[1:]]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes(name: str) -> None:
    """A change shows in the column where it is, and in whole rows."""
    before, after = of(VALUES), of({**VALUES, "a": CHANGES[name](VALUES["a"])})
    assert {k for k in VALUES if before.columns[k] != after.columns[k]} == {"a"}
    assert before.whole != after.whole


def test_values_of_a_pair_exchanged_in_one_column() -> None:
    """Each column has the same values for each pair: only whole rows tell."""
    same = np.flatnonzero((SOURCE[0] == SOURCE) & (TARGET[0] == TARGET))[:2]
    assert len(same) == 2
    changed = VALUES["a"].copy()
    changed[same] = changed[same[::-1]]
    before, after = of(VALUES), of({**VALUES, "a": changed})
    assert before.columns == after.columns
    assert before.whole != after.whole


def test_signs_of_many_pairs() -> None:
    """No two of 2,000 exchanges of signs have one digest, nor that of no exchange."""
    values = np.sign(VALUES["a"])
    up, down = np.flatnonzero(values > 0), np.flatnonzero(values < 0)

    def digest() -> str:
        found = ColumnDigests()
        found.add([np.arange(N)], {"a": values})
        return found.columns["a"]

    seen = {digest()}
    for i, j in zip(up[:2000], down[:2000], strict=True):
        values[[i, j]] *= -1
        seen.add(digest())
        values[[i, j]] *= -1
    assert len(seen) == 2001


def test_types_of_numbers() -> None:
    """Numbers are what they say, in whatever type that holds them."""
    b = VALUES["b"]
    expected = of({"b": b}).columns
    for dtype in (np.uint8, np.int64, np.float32, np.float64):
        assert of({"b": b.astype(dtype)}).columns == expected
    assert of({"b": b > 2}).columns == of({"b": (b > 2).astype(int)}).columns
    assert of({"b": -0.0 * b}).columns == of({"b": 0 * b}).columns


def test_text() -> None:
    """Text is UTF-8, as str or bytes; exchanged, it is other text."""
    text = np.array([f"é{k % 7}" for k in range(N)], dtype=object)
    expected = of({"t": text}).columns
    encoded = np.array([each.encode() for each in text], dtype=object)
    assert of({"t": encoded}).columns == expected
    assert of({"t": text.astype(str)}).columns == expected
    assert of({"t": text[::-1]}).columns != expected
    assert of({"t": np.array([""] * N)}).columns != of({"t": np.zeros(N)}).columns


def test_names_and_ends() -> None:
    """Columns of other names, and rows whose source and target are exchanged, differ."""
    a = VALUES["a"]
    assert of({"a": a}).columns["a"] != of({"x": a}).columns["x"]
    found = ColumnDigests()
    found.add((TARGET, SOURCE), {"a": a})
    assert found.columns != of({"a": a}).columns


def test_nothing() -> None:
    found = ColumnDigests()
    found.add((SOURCE[:0], TARGET[:0]), {"a": VALUES["a"][:0]})
    assert found.columns == {"a": "0" * 16}
    assert found.n_rows == 0


def test_coordinates_one_by_one() -> None:
    points = RNG.random((4, 3))
    found = by_axis({"positions": points, "label": np.arange(4)})
    assert list(found) == ["x", "y", "z", "label"]
    np.testing.assert_array_equal(found["y"], points[:, 1])
    assert list(by_axis({"positions": points[:, :2]})) == ["positions"]


def test_json() -> None:
    assert digest_of_json({"a": 1, "b": [1.5]}) == digest_of_json({"b": [1.5], "a": 1})
    assert digest_of_json({"a": 1}) != digest_of_json({"a": 2})
