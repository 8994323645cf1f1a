"""Shared generators: found in rules, and put back after an error, once for each number drawn."""

from __future__ import annotations

import copy
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import QUIET

import bmtool_connectors
from bmtool_connectors import UnidirectionConnector, WeightRule, lognormal, syn_const_delay
from bmtool_connectors.generators import generators_in, restored_on_error, unchanged

GLOBAL = np.random.default_rng(1)
MODULE = types.ModuleType("settings")
MODULE.rng = np.random.default_rng(2)  # type: ignore[attr-defined]


def drawn(rng: np.random.Generator | np.random.RandomState) -> Any:
    """Return the number that a generator gives next, without moving it."""
    with unchanged(rng):
        return rng.random()


# ---------------------------------------------------------------------- blocks within blocks
@pytest.mark.parametrize("block", [restored_on_error, unchanged])
def test_what_is_drawn_within_stays_drawn(block: Callable[..., Any]) -> None:
    """Numbers that somebody else keeps are not drawn again after an error outside."""
    rng, other = np.random.default_rng(3), np.random.default_rng(4)
    first = np.random.default_rng(3).random(4).tolist()
    before = drawn(other)

    def failing() -> None:
        with block(rng, other):
            rng.random()
            other.random()
            with restored_on_error(rng):
                assert rng.random() == first[1]
            rng.random()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert rng.random() == first[2]
    assert other.random() == before


@pytest.mark.parametrize("block", [restored_on_error, unchanged])
def test_what_is_kept_stays_drawn_when_it_is_interrupted_then(block: Callable[..., Any]) -> None:
    """Ctrl-C after the last step of a draw within: its edges are there, and so are its numbers."""
    rng = np.random.default_rng(3)
    first = np.random.default_rng(3).random(3).tolist()

    def interrupted() -> None:
        with block(rng):
            rng.random()
            with restored_on_error(rng, kept=lambda: True):
                rng.random()
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert rng.random() == first[2]


def test_error_within_and_outside() -> None:
    rng = np.random.default_rng(3)
    first = drawn(rng)

    def failing() -> None:
        with restored_on_error(rng):
            rng.random()
            with restored_on_error(rng):
                rng.random()
                raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert rng.random() == first


def test_reference_drawn_by_a_function_that_fails() -> None:
    """A function of the user asks another connector for its edges, and raises: those stay."""
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=10)
    rng = np.random.default_rng(3)
    other, last = (UnidirectionConnector(0.5, rng=rng, **QUIET) for _ in range(2))
    errors = [RuntimeError("the first time")]

    def p(argument: float) -> float:
        other.use.drawn()
        if errors:
            raise errors.pop()
        return 0.5

    asking = UnidirectionConnector(p, 1.0, rng=rng, **QUIET)
    for each in (other, asking, last):
        each.setup_nodes(net.nodes(), net.nodes())
    with pytest.raises(RuntimeError):
        asking.use.drawn()
    again = np.random.default_rng(3)
    for each in (other, asking, last):
        twin = UnidirectionConnector(0.5, rng=again, **QUIET)
        twin.setup_nodes(net.nodes(), net.nodes())
        wanted = twin.use.drawn().forward.to_dense()
        assert np.array_equal(each.use.drawn().forward.to_dense(), wanted)


# ---------------------------------------------------------------------- generators in rules
def by_global(*ends: Any) -> float:
    return float(GLOBAL.normal())


def by_module(*ends: Any) -> float:
    return float(MODULE.rng.normal())


def by_helper(*ends: Any) -> float:
    return by_global()


class Rule:
    """A rule that is an object."""

    def __init__(self, rng: Any) -> None:
        self.rng = rng

    def __call__(self, *ends: Any, rng: Any = None) -> float:
        return float((rng or self.rng).normal())


class ByGlobal:
    """A rule that is an object and has nothing."""

    def __call__(self, *ends: Any) -> float:
        return by_global()


def rules(rng: Any) -> dict[str, Any]:
    """Return rules that draw from a generator."""
    return {
        "closure": lambda *ends: rng.normal(),
        "default": lambda *ends, own=rng: own.normal(),
        "object": Rule(rng),
        "method": Rule(rng).__call__,
        "partial": functools.partial(Rule(None), rng=rng),
        "partial of a partial": functools.partial(functools.partial(Rule(None), rng=rng)),
        "helper": functools.partial(syn_const_delay, fluc_stdev=1.0, rng=rng),
        "weights": WeightRule(lognormal(1.0, 0.5), rng=rng),
        "connector": functools.partial(lambda *ends, made: made.rng.normal(), made=Rule(rng)),
    }


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
@pytest.mark.parametrize("kind", rules(None))
def test_generators_in(kind: str, make: Callable[[int], Any]) -> None:
    rng = make(1)
    found = generators_in(rules(rng)[kind])
    # A distribution of SciPy holds that of NumPy.
    assert found == [rng] if kind != "weights" else rng in found


@pytest.mark.parametrize(
    ("rule", "rng"),
    [(by_global, GLOBAL), (by_helper, GLOBAL), (ByGlobal(), GLOBAL), (by_module, MODULE.rng)],
)
def test_global_generators(rule: Any, rng: Any) -> None:
    assert generators_in(rule) == [rng]


def test_nothing_in_it() -> None:
    assert generators_in(1, None, [1], {}, "a", np.random, np.zeros(3), lambda: not_there) == []  # type: ignore[name-defined]  # noqa: F821

    def recursive() -> Any:
        return recursive if later else None

    assert generators_in(recursive) == []
    later = GLOBAL
    assert generators_in(recursive) == [later]


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState, int])
def test_copies_of_a_rule(make: Callable[[int], Any]) -> None:
    """A deep copy of a rule goes on in the stream of the original."""
    rule, twin = (WeightRule(lognormal(1.0, 0.5), rng=make(99)) for _ in range(2))
    copied = copy.deepcopy(rule)
    found = [each(None, None) for each in (rule, copied, rule)]
    assert len(set(found)) == 3
    if make is not int:  # all rules with one int share a stream
        assert found == [twin(None, None) for _ in range(3)]


# ---------------------------------------------------------------------- properties
@pytest.mark.parametrize("kind", [*rules(None), "global", "module's", "connector's"])
def test_properties_after_an_error(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry of a build whose property rule failed gives the properties of one that did not."""

    def build(errors: list[Exception]) -> tuple[list[Any], Any]:
        rng = np.random.default_rng(5)
        monkeypatch.setattr(bmtool_connectors, "rng", np.random.default_rng(6))
        monkeypatch.setitem(globals(), "GLOBAL", rng)
        net = bmtool_connectors.NetworkBuilder("net", verbose=False)
        net.add_nodes(N=8)
        made = UnidirectionConnector(0.5, rng=np.random.default_rng(7), **QUIET)
        made.setup_nodes(net.nodes(), net.nodes())
        edges = net.add_edges(**made.edge_params())
        others = {
            "global": by_global,
            "module's": lambda *ends: bmtool_connectors.rng.normal(),
            # From the connector whose edges they are, on a path that nobody sees.
            "connector's": lambda *ends: [made][0].rng.normal(),
        }
        calls = []

        def fails(source: Any, target: Any) -> float:
            calls.append(source)
            if len(calls) == 5 and errors:
                raise errors.pop()
            return 0.0

        edges.add_properties("first", rule={**rules(rng), **others}[kind], dtypes=float)
        edges.add_properties("second", rule=fails, dtypes=float)
        if errors:
            with pytest.raises(RuntimeError):
                net.build()
        net.build()
        return [edge["first"] for edge in net.edges()], drawn(rng)

    wanted = build([])
    assert len(set(wanted[0])) > 10
    assert build([RuntimeError("the fifth call")]) == wanted


def test_connection_rule_after_an_error() -> None:
    """The same for a rule of the user that draws the edges."""

    def build(errors: list[Exception]) -> list[tuple[int, int]]:
        rng = np.random.default_rng(5)
        net = bmtool_connectors.NetworkBuilder("net", verbose=False)
        net.add_nodes(N=8)

        def rule(source: Any, target: Any) -> int:
            if source.node_id == 3 and errors:
                raise errors.pop()
            return int(rng.random() < 0.5)

        net.add_edges(connection_rule=rule)
        if errors:
            with pytest.raises(RuntimeError):
                net.build()
        return [(edge.source_node_id, edge.target_node_id) for edge in net.edges()]

    assert build([RuntimeError("the fourth source")]) == build([])
