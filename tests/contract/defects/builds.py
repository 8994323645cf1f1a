"""Small helpers that the tests of the defect table share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from bmtk.builder import NetworkBuilder
from conftest import assert_canonical, make_network, pools
from scipy import stats

from bmtool_connectors import Connectivity, ConnectivityWarning, EdgeList

#: Probability that a right package fails one call of ``assert_binomial``; seeds are fixed.
FALSE_ALARM = 1e-9

#: (source id, target id, synapses)
Edge = tuple[int, int, int]


def connect(net: NetworkBuilder, connector: Any, source: Any, target: Any, **edge: Any) -> Any:
    """Set up a connector and add its edges; return BMTK's ConnectionMap."""
    connector.setup_nodes(source=source, target=target)
    return net.add_edges(**connector.edge_params(), **edge)


def drawn(connector: Any, source: Any, target: Any) -> Connectivity:
    """Set up a connector, draw its edges and return them, checked for their form."""
    connector.setup_nodes(source=source, target=target)
    connector.initial_all_to_all()
    found = connector.connectivity
    assert_canonical(found.forward)
    if found.backward is not None:
        assert_canonical(found.backward)
    return found


def within(connector: Any, n: int, **network: Any) -> Connectivity:
    """Draw a connector within a population of n nodes."""
    return drawn(connector, *pools(make_network(n, **network)))


def between(connector: Any, n_a: int, n_b: int, **network: Any) -> Connectivity:
    """Draw a connector between populations of n_a and n_b nodes."""
    return drawn(connector, *pools(make_network(n_a, n_b, **network)))


def pairs_of(edges: EdgeList) -> set[tuple[int, int]]:
    """Return the pairs of positions that are connected."""
    return set(zip(edges.source.tolist(), edges.target.tolist(), strict=True))


def tables(net: NetworkBuilder) -> list[set[Edge]]:
    """Return the edges of each table that stock BMTK stored, in order."""
    found = []
    for table in net.adaptor.edges_table():
        frame = table.to_dataframe()
        rows = list(
            zip(
                frame["source_node_id"].tolist(),
                frame["target_node_id"].tolist(),
                frame["nsyns"].tolist(),
                strict=True,
            )
        )
        assert len(rows) == len({row[:2] for row in rows}), "a pair twice in one table"
        found.append(set(rows))
    return found


def bare_percent(count: int, n: int) -> str:
    """Return one of several percentages in brackets: ``%.8g``."""
    return f"{100 * count / n:.8g}"


def percent(count: int, n: int) -> str:
    """Return a single percentage as the report writes it: ``%.8g``, always with a point."""
    text = bare_percent(count, n)
    return text if "." in text or "e" in text else f"{text}.0"


def assert_binomial(count: int, n: int, p: float) -> None:
    """Assert that `count` of `n` independent trials is compatible with probability `p`."""
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], n, p)
    assert low <= count <= high, f"{count} of {n}, expected {n * p:.1f} ({low:.0f} to {high:.0f})"


@contextmanager
def warned(*parts: str) -> Iterator[None]:
    """Expect exactly these ConnectivityWarnings, in order, each given by a part of its text."""
    with pytest.warns(ConnectivityWarning) as caught:
        yield
    texts = [str(w.message) for w in caught if issubclass(w.category, ConnectivityWarning)]
    assert len(texts) == len(parts), texts
    for part, text in zip(parts, texts, strict=True):
        assert part in text, texts


class Recorder:
    """A function of two nodes that remembers, by node ids, whom it was asked about."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function
        self.calls: list[tuple[int, int]] = []

    def __call__(self, first: Any, second: Any) -> Any:
        self.calls.append((first.node_id, second.node_id))
        return self.function(first, second)


class Fails:
    """A function of two nodes that raises at its call number `at`, once."""

    def __init__(self, function: Callable[[Any, Any], Any], at: int) -> None:
        self.function, self.left = function, at

    def __call__(self, first: Any, second: Any) -> Any:
        self.left -= 1
        if self.left == -1:
            raise RuntimeError("of the user")
        return self.function(first, second)


def unordered(n: int) -> list[tuple[int, int]]:
    """Return the pairs i < j."""
    return list(itertools.combinations(range(n), 2))
