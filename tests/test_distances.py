"""Distances: of two points, of two nodes, and of all pairs of two sets of points."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import make_network, random_positions
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bmtool_connectors import (
    NodeError,
    PeriodicDistance,
    cylindrical_dist_z,
    euclid_dist,
    spherical_dist,
)
from bmtool_connectors.distances import Metric, metric_of, squared_distances

COORDINATES = st.floats(-1e6, 1e6)


def node(*point: float, **attributes: Any) -> dict[str, Any]:
    return {"positions": np.array(point), **attributes} if point else attributes


@pytest.mark.parametrize(
    ("p1", "p2", "expected"),
    [
        ([0, 0, 0], [1, 2, 2], 3.0),
        ((0.0, 3.0), (4.0, 0.0), 5.0),
        ([7], [4], 3.0),
        ([1e200, 0], [1e200, 3], 3.0),
        (np.array([1, 2, 3]), [1, 2, 3], 0.0),
    ],
)
def test_euclid_dist(p1: Any, p2: Any, expected: float) -> None:
    assert euclid_dist(p1, p2) == expected
    assert euclid_dist(p2, p1) == expected
    assert isinstance(euclid_dist(p1, p2), float)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, np.float16, np.float32, int])
def test_small_types_do_not_wrap(dtype: Any) -> None:
    low, high = np.array([0, 0, 0], dtype=dtype), np.array([20, 40, 40], dtype=dtype)
    assert euclid_dist(low, high) == 60.0
    assert euclid_dist(high, low) == 60.0
    assert spherical_dist(node(*low), node(*high)) == 60.0
    first, second = {"positions": low}, {"positions": high}
    assert spherical_dist(first, second) == 60.0
    assert cylindrical_dist_z(first, second) == pytest.approx(math.hypot(20, 40), rel=1e-15)


def test_distances_of_nodes() -> None:
    a, b = node(0.0, 0.0, 0.0), node(3.0, 4.0, 12.0)
    assert spherical_dist(a, b) == spherical_dist(b, a) == 13.0
    assert cylindrical_dist_z(a, b) == cylindrical_dist_z(b, a) == 5.0
    assert type(spherical_dist(a, b)) is type(cylindrical_dist_z(a, b)) is float
    assert spherical_dist(b, b) == cylindrical_dist_z(b, b) == 0.0


@pytest.mark.parametrize(
    "form",
    [
        lambda x, y, z: {"positions": [x, y, z]},
        lambda x, y, z: {"x": x, "y": y, "z": z},
        lambda x, y, z: {"pos_x": x, "pos_y": y, "pos_z": z},
    ],
    ids=["positions", "x", "pos_x"],
)
def test_forms_of_positions(form: Callable[..., dict[str, Any]]) -> None:
    a, b = form(0, 0, 0), form(3, 4, 12)
    assert spherical_dist(a, b) == 13.0
    assert cylindrical_dist_z(a, b) == 5.0
    assert spherical_dist(a, node(3.0, 4.0, 12.0)) == 13.0


def test_two_coordinates() -> None:
    a, b = {"x": 0.0, "y": 0.0}, {"x": 3.0, "y": 4.0}
    assert spherical_dist(a, b) == cylindrical_dist_z(a, b) == 5.0


@pytest.mark.parametrize("distance", [spherical_dist, cylindrical_dist_z])
def test_no_position(distance: Callable[..., float]) -> None:
    with pytest.raises(NodeError, match="has no position"):
        distance(node(1.0, 2.0, 3.0), {"pop_name": "A"})


@pytest.mark.parametrize("positions", ["positions", "xyz"])
def test_nodes_of_bmtk(positions: str) -> None:
    points = random_positions(6)
    nodes = list(make_network(6, positions=positions).nodes())
    for i, a in enumerate(nodes):
        for j, b in enumerate(nodes):
            step = points[i] - points[j]
            assert spherical_dist(a, b) == pytest.approx(math.hypot(*step), rel=1e-14)
            assert cylindrical_dist_z(a, b) == pytest.approx(math.hypot(*step[:2]), rel=1e-14)


def open_along(*axes: int) -> Metric:
    return Metric(axes, (math.inf,) * len(axes))


def test_metrics() -> None:
    """Recognised are these very functions, and nothing that looks like them."""
    assert metric_of(spherical_dist) == metric_of(PeriodicDistance(None)) == open_along(0, 1, 2)
    assert metric_of(cylindrical_dist_z) == metric_of(PeriodicDistance(None, "yx"))
    assert metric_of(cylindrical_dist_z) == open_along(0, 1)
    assert metric_of(PeriodicDistance((50.0, 60.0), "zx")) == Metric((0, 2), (60.0, 50.0))

    class Own(PeriodicDistance):
        """A subclass may have changed anything."""

    assert metric_of(Own(100.0)) is None
    assert repr(Own(100.0, "x")) == "Own((100.0,), axes='x')"

    def look_alike(node1: Any, node2: Any) -> float:
        return spherical_dist(node1, node2)

    look_alike.__name__ = "spherical_dist"
    for other in (look_alike, euclid_dist, lambda a, b: 0.0, None, 3.0, [], {}, "spherical_dist"):
        assert metric_of(other) is None


def test_steps() -> None:
    """Of rows of points, as of one: to the nearest image, along the axes."""
    metric = Metric((0, 2), (10.0, math.inf))
    first, second = np.array([[1.0, 5.0, 0.0], [0.0, 0.0, 0.0]]), np.array([[9.0, 0.0, 40.0]] * 2)
    assert metric.steps(first, second).tolist() == [[-2.0, 40.0], [-1.0, 40.0]]
    assert metric.steps(first[0], second[0]).tolist() == [-2.0, 40.0]
    assert first[0].tolist() == [1.0, 5.0, 0.0]


def test_common_metric() -> None:
    """Along the axes of both, with a period where one has one, and none where both differ."""
    box = Metric((0, 1, 2), (50.0, 60.0, math.inf))
    assert box.common(box) == box
    assert box.common(open_along(0, 2)) == Metric((0, 2), (50.0, math.inf))
    assert open_along(0, 2).common(box) == Metric((0, 2), (50.0, math.inf))
    assert box.common(Metric((0, 1), (40.0, 60.0))) == Metric((1,), (60.0,))
    assert box.common(Metric((0,), (40.0,))) == Metric((), ())


POINTS = npst.arrays(float, st.tuples(st.integers(0, 6), st.just(3)), elements=COORDINATES)


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(POINTS, POINTS, st.sampled_from([(0, 1, 2), (0, 1), (2,), (1, 0)]))
def test_all_pairs(a: Any, b: Any, axes: tuple[int, ...]) -> None:
    before = a.copy(), b.copy()
    found = squared_distances(a, b, open_along(*axes))
    assert found.shape == (len(a), len(b))
    assert found.dtype == float
    expected = np.zeros((len(a), len(b)))
    for axis in axes:
        expected += (a[:, axis][:, None] - b[:, axis][None, :]) ** 2
    assert np.allclose(found, expected, rtol=1e-14, atol=0)
    assert (found >= 0).all()
    assert np.array_equal(squared_distances(b, a, open_along(*axes)).T, found)
    assert np.array_equal(before[0], a)
    assert np.array_equal(before[1], b)


def test_all_pairs_agree_with_one_pair() -> None:
    a, b = random_positions(7, 1), random_positions(5, 2)
    for distance, axes in ((spherical_dist, (0, 1, 2)), (cylindrical_dist_z, (0, 1))):
        squared = squared_distances(a, b, open_along(*axes))
        for i in range(7):
            for j in range(5):
                one = distance({"positions": a[i]}, {"positions": b[j]})
                assert math.sqrt(squared[i, j]) == pytest.approx(one, rel=1e-14)
