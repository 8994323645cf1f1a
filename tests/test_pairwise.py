"""The choice of few cases: every pair of values, and not many more cases than that takes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from pairwise import pairwise


def product(*sizes: int) -> list[dict[str, Any]]:
    """Return all combinations of parameters with so many values."""
    names = "abcdef"[: len(sizes)]
    return [dict(zip(names, each, strict=True)) for each in itertools.product(*map(range, sizes))]


def pairs(cases: list[dict[str, Any]]) -> set[Any]:
    """Return the pairs of values that occur."""
    return {pair for case in cases for pair in itertools.combinations(case.items(), 2)}


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 3, 3), (20, 2, 3), (2, 5, 3, 3), (2,) * 6])
def test_every_pair_occurs(sizes: tuple[int, ...]) -> None:
    cases = product(*sizes)
    chosen = [cases[k] for k in pairwise(cases)]
    assert pairs(chosen) == pairs(cases)
    greatest = sorted(sizes)[-2:]
    assert len(chosen) <= 2 * greatest[0] * greatest[1]
    assert len(chosen) < len(cases)


@pytest.mark.parametrize("sizes", [(), (5,), (4, 3)])
def test_all_are_needed(sizes: tuple[int, ...]) -> None:
    cases = product(*sizes)
    assert pairwise(cases) == list(range(len(cases)))


def test_cases_that_are_no_product() -> None:
    """What does not occur need not be covered, and one of two equal cases is enough."""
    cases = [{"a": 0, "b": 0, "c": 0}, {"a": 0, "b": 0, "c": 0}, {"a": 1, "b": 1, "c": 1}]
    assert pairwise(cases) == [0, 2]


@pytest.mark.pairwise
@pytest.mark.parametrize("c", range(2))
@pytest.mark.parametrize("b", range(2))
@pytest.mark.parametrize("a", range(2))
def test_the_mark(a: int, b: int, c: int, request: pytest.FixtureRequest) -> None:
    """Without this mark there would be eight; half of them are needed."""
    own = [each for each in request.session.items if each.name.startswith("test_the_mark[")]
    assert len(own) <= 5
