"""Connectors of the package keep the laws; planted ones break each of them."""

from __future__ import annotations

import atexit
import copy
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from conftest import QUIET
from scipy import stats

from bmtool_connectors import (
    BaseConnector,
    BlockConnector,
    Connectivity,
    ConnectivityWarning,
    EdgeList,
    FixedInDegreeConnector,
    GapJunction,
    GaussianDropoff,
    MatrixConnector,
    ReciprocalConnector,
    UnidirectionConnector,
)
from bmtool_connectors.discovery import arguments, found
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.testing import LAWS, BrokenLawError, _trials, check_connector

GAUSS = GaussianDropoff(stdev=60.0, pmax=0.5)


def examples() -> dict[str, BaseConnector]:
    """Return a connector for each example that a class of the package carries."""
    folder = Path(tempfile.mkdtemp(prefix="examples-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {
        f"{name} {number}": make(**arguments(example, folder))
        for name, make in found("patterns").items()
        for number, example in enumerate(make.examples)
    }


CONNECTORS = {
    **examples(),
    "in-degree from a distribution": FixedInDegreeConnector(
        stats.binom(8, 0.5), allow_autapses=True
    ),
}


@pytest.mark.parametrize("name", CONNECTORS)
def test_own_connectors(name: str) -> None:
    check_connector(CONNECTORS[name])


def test_left_as_it_was() -> None:
    rng = np.random.default_rng(1)
    connector = UnidirectionConnector(p=0.2, rng=rng)
    state = rng.bit_generator.state
    check_connector(connector)
    assert rng.bit_generator.state == state
    assert connector.stage == 0
    assert connector.source is None


# ---------------------------------------------------------------------- planted breaches
def some(source: Any, target: Any, rng: Any) -> EdgeList:
    """Return random edges, none of them within the diagonal."""
    chosen = rng.random((len(source), len(target))) < 0.4
    np.fill_diagonal(chosen, False)
    return EdgeList.from_arrays(*np.nonzero(chosen), chosen.shape)


class Own(BaseConnector):
    """A connector that keeps the laws; the others break one each."""

    allow_autapses = False

    def __init__(self) -> None:
        super().__init__(**QUIET)

    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        return some(source, target, rng)


def raw(i: Any, j: Any, shape: tuple[int, int], n_syn: int = 1) -> EdgeList:
    """Return edges as they are, nothing checked."""
    i, j = np.array(i), np.array(j)
    return EdgeList(i, j, np.full(len(i), n_syn), None, shape)


class Unsorted(Own):
    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        return raw([1, 0], [0, 1], (len(source), len(target)))


class Twice(Own):
    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        return raw([0, 0], [1, 1], (len(source), len(target)))


class Outside(Own):
    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        return raw([0], [len(target)], (len(source), len(target)))


class NoSynapse(Own):
    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        return raw([0], [1], (len(source), len(target)), 0)


class OwnGenerator(Own):
    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        return some(source, target, np.random.default_rng())


class OwnNumber(Own):
    """Every connector that draws has another number, and keeps it."""

    n = 0

    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        if "n" not in vars(self):
            self.n = OwnNumber.n
            OwnNumber.n += not self.verbose
        return some(source, target, np.random.default_rng(self.n))


class Counter(Own):
    n = 0

    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        self.n += 1
        return some(source, target, np.random.default_rng(self.n))


class SaysCertain(Own):
    is_random: ClassVar[bool] = False


class DrawsAgain(Own):
    @property
    def conn_prop(self) -> Any:
        self.use.connectivity = None
        return super().conn_prop


class Verbose(Own):
    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        if self.verbose:
            rng.random()
        return some(source, target, rng)


class Forgetful(Own):
    def __deepcopy__(self, memo: Any) -> Any:
        made = type(self)()
        made._use = self._use
        if self._use is not None and self._use.connectivity is not None:
            empty = raw([], [], self._use.connectivity.forward.shape)
            made._use = copy.copy(self._use)
            made._use.connector, made._use.recurrent = made, False
            made._use.connectivity = Connectivity.from_edges(empty)
        return made


class Autapses(Own):
    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        return raw([0], [0], (len(source), len(target)))


class SelfReciprocal(ReciprocalConnector):
    """Draws the diagonal, which ``autapses=False`` leaves out."""

    def _space(self, source: Any, target: Any) -> Any:
        return PairSpace(source, target, "upper and diagonal" if source is target else "all")


class SelfJunction(GapJunction):
    def _space(self, source: Any, target: Any) -> Any:
        return PairSpace(source, target, "upper and diagonal")


class Miscounted(Own):
    def draw(self, source: Any, target: Any, rng: Any) -> Any:
        edges = some(source, target, rng)
        return Connectivity(edges, pairs=10, possible=(5,), connected=(len(edges),))


class ReportsTwice(Own):
    def _save_report(self, use: Any) -> None:
        super()._save_report(use)
        super()._save_report(use)


class MovesTheGenerator(Own):
    def _draw_references(self, projection: Any) -> None:
        projection.new_generator().random()


class WrongForRows:
    """Right for a pair of nodes, which is all that BMTK asks about here."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def is_registered(self) -> bool:
        return False

    def __call__(self, a: Any, b: Any) -> Any:
        return self.rule(a, b) if hasattr(a, "node_id") and hasattr(b, "node_id") else [1]


class OtherRule(Own):
    def _check_pools(self, projection: Any) -> None:
        rule = projection.rule
        projection.rule = lambda direction: WrongForRows(rule(direction))


class OtherParams(Own):
    def edge_params(self, **kwargs: Any) -> Any:
        return {**super().edge_params(**kwargs), "connection_rule": 1}


#: What each of them is told.
BREACHES = {
    Unsorted: "not sorted by source and target",
    Twice: "each pair once",
    Outside: "positions from 11|positions from 14",
    NoSynapse: "have 0 synapses",
    OwnGenerator: "the same seed gives other edges",
    OwnNumber: "the same seed gives other edges",
    Counter: "another use with the same pools and seed",
    SaysCertain: "is_random is False",
    DrawsAgain: "edges were drawn",
    Verbose: "verbose=True changes the edges",
    Forgetful: "a copy has other edges",
    Autapses: "1 nodes connect to themselves",
    Miscounted: "connected pairs of",
    ReportsTwice: "the report has 2 rows",
    MovesTheGenerator: "leaves a shared generator moved",
    OtherRule: "looked up by node",
    OtherParams: "BMTK stores other edges",
}


def test_a_connector_that_keeps_the_laws() -> None:
    check_connector(Own())


@pytest.mark.parametrize("kind", BREACHES, ids=lambda kind: kind.__name__)
def test_breaches_are_named(kind: type[Own]) -> None:
    with pytest.raises(BrokenLawError, match=BREACHES[kind]) as caught:
        check_connector(kind())
    text = str(caught.value)
    assert text.startswith(f"{kind.__name__} ")
    assert text.endswith(".")


#: Laws by name, and a breach of that law alone: others that it would break as well say less.
ALONE = {
    "_canonical": NoSynapse,
    "_same_seed": OwnNumber,
    "_second_use": Counter,
    "_chance": SaysCertain,
    "_drawn_once": DrawsAgain,
    "_verbosity": Verbose,
    "_copies": Forgetful,
    "_autapses": Autapses,
    "_counts": Miscounted,
    "_report": ReportsTwice,
    "_restored": MovesTheGenerator,
    "_look_ups": OtherRule,
    "_built": OtherParams,
}


def broken_laws(connector: BaseConnector) -> set[str]:
    """Return the names of the laws that a connector breaks, each tried by itself."""
    found = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        for law in LAWS:
            for trial in _trials(connector, (14, 11)):
                try:
                    law(trial)
                except BrokenLawError:
                    found.add(law.__name__)
    return found


def test_every_law_has_a_breach() -> None:
    assert list(ALONE) == [law.__name__ for law in LAWS]


@pytest.mark.parametrize("law", ALONE)
def test_exactly_that_law_is_broken(law: str) -> None:
    assert broken_laws(ALONE[law]()) == {law}


def test_none_is_broken() -> None:
    assert not broken_laws(Own())


@pytest.mark.parametrize(
    "connector",
    [
        SelfReciprocal(p0=1.0, pr=None),
        SelfJunction(p=1.0),
        BlockConnector({("A", "A"): SelfReciprocal(p0=1.0, pr=None)}),
    ],
    ids=lambda connector: type(connector).__name__,
)
def test_planted_autapses(connector: BaseConnector) -> None:
    """In connectors that have the option under another name, or not at all."""
    (law,) = (each for each in LAWS if each.__name__ == "_autapses")
    trial = _trials(connector, (14, 11))[0]
    with pytest.raises(BrokenLawError, match="14 nodes connect to themselves"):
        law(trial)


def test_autapses_that_are_allowed() -> None:
    connector = ReciprocalConnector(p0=1.0, pr=None, autapses=True)
    assert connector.autapses
    check_connector(connector)


def test_no_connector() -> None:
    with pytest.raises(BrokenLawError, match=r"is no connector; make a subclass"):
        check_connector(object())  # type: ignore[arg-type]


def test_no_pools_that_fit() -> None:
    matrix = MatrixConnector(np.ones((3, 2)), orientation="source_rows")
    with pytest.raises(BrokenLawError, match=r"refuses populations of 14 and 11 nodes"):
        check_connector(matrix)
    check_connector(matrix, sizes=(3, 2))
