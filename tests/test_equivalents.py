"""The table of equivalents is complete, and every call in it does what its row says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pandas as pd
import pytest
from bmtk.builder import NetworkBuilder
from conftest import QUIET, pools
from scipy import stats
from scipy.sparse import csr_matrix
from scipy.spatial import distance

import bmtool_connectors
from bmtool_connectors import (
    FixedInDegreeConnector,
    GaussianDropoff,
    UnidirectionConnector,
    spherical_dist,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "equivalents.md"
FALSE_ALARM = 1e-6  # of each row

#: What the packages have, as of the versions that the page names.
THEIRS = {
    "NEST": """one_to_one all_to_all fixed_indegree fixed_outdegree fixed_total_number
        pairwise_bernoulli symmetric_pairwise_bernoulli pairwise_poisson
        tripartite_bernoulli_with_pool""",
    "PyNN": """AllToAllConnector OneToOneConnector FixedProbabilityConnector
        DistanceDependentProbabilityConnector IndexBasedProbabilityConnector
        DisplacementDependentProbabilityConnector FixedNumberPreConnector FixedNumberPostConnector
        FixedTotalNumberConnector FromListConnector FromFileConnector ArrayConnector CloneConnector
        SmallWorldConnector CSAConnector""",
    "BrainPy": """One2One All2All MatConn IJConn CSRConn SparseMatConn FixedProb FixedPreNum
        FixedPostNum FixedTotalNum ProbDist GaussianProb GridFour GridEight GridN SmallWorld
        ScaleFreeBA ScaleFreeBADual PowerLaw""",
    "braintools": """Random AllToAll OneToOne DistanceDependent Gaussian Exponential ClusteredRandom
        ExcitatoryInhibitory Ring Grid2d RadialPatches SmallWorld ScaleFree Regular ModularRandom
        ModularGeneral HierarchicalRandom CorePeripheryRandom""",
    "Profiles of braintools": """GaussianProfile ExponentialProfile PowerLawProfile LinearProfile
        StepProfile SigmoidProfile LogisticProfile DoGProfile MexicanHatProfile BimodalProfile
        ComposedProfile ClipProfile ApplyProfile PipeProfile""",
    "braintools.init": """Constant ZeroInit Uniform Normal LogNormal Gamma Exponential Weibull
        TruncatedNormal Beta Mixture Conditional Scaled Clipped arithmetic DistanceModulated""",
}
NOT_YET = "not in this package yet"


def rows() -> dict[tuple[str, str], str]:
    """Return what stands in the second column, by section and first column."""
    found = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        for name, here in re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]*\|$", text, re.MULTILINE):
            if name not in ("rule", "connector", "class", "profile"):
                found[title, name.strip()] = here.strip()
    return found


ROWS = rows()

# ---------------------------------------------------------------------- what the calls name
N = 30
POSITIONS = np.random.default_rng(4).uniform(0, 100, (N, 3))
DIST = np.linalg.norm(POSITIONS[:, None] - POSITIONS, axis=-1)
MATRIX = np.random.default_rng(5).integers(0, 3, (N, N))
GAUSS = GaussianDropoff(stdev=40.0, pmax=0.8)
EI = ["e"] * 24 + ["i"] * 6
MODULE = np.repeat([0, 1, 2], N // 3).tolist()
PART = ["core"] * 8 + ["periphery"] * 22


def exponential(d: float) -> float:
    """Return a law of distance."""
    return float(0.9 * np.exp(-d / 30.0))


def itself(x: Any) -> Any:
    """Return x."""
    return x


def of_nodes(a: Any, b: Any) -> float:
    """Return a law of node ids."""
    return float((a.node_id + b.node_id) % 3 == 0) * 0.5


def displacement(a: Any, b: Any) -> Any:
    """Return the way from a to b, um."""
    return np.subtract(b["positions"], a["positions"])


def of_displacement(way: Any) -> float:
    """Return a law that knows up from down."""
    return 0.6 if way[2] > 0 else 0.1


def by_class(a: Any, b: Any) -> float:
    """Return weights of two classes of sources."""
    return 2.0 if a.node_id < N / 2 else 0.5


def names() -> dict[str, Any]:
    """Return the names that the calls use."""
    other = UnidirectionConnector(0.2, rng=8, **QUIET)
    source, _ = pools(network())
    other.setup_nodes(source=source, target=source)
    i, j = np.nonzero(MATRIX)
    table = pd.DataFrame({"source": i, "target": j, "n_syn": MATRIX[i, j], "delay": 1.0 + i / 10})
    public = bmtool_connectors.__all__
    made: dict[str, Any] = {name: getattr(bmtool_connectors, name) for name in public}
    functions = (exponential, itself, of_nodes, displacement, of_displacement, by_class)
    made |= {function.__name__: function for function in functions}
    made |= {"p": 0.3, "f": 0.5, "k": 4, "n": 50, "mean": 0.4, "radius": 50.0, "sigma": 40.0}
    made |= {"factor": 2.0, "decay": 30.0}
    made |= {"i": i, "j": j, "matrix": MATRIX, "csr": csr_matrix(MATRIX), "gauss": GAUSS}
    made |= {"a_connector": FixedInDegreeConnector(3), "another": UnidirectionConnector(0.4)}
    made |= {"stats": stats, "low": 0.5, "high": 2.5, "std": 0.3, "shape": 2.0, "scale": 1.5}
    made |= {"a": 2.0, "b": 5.0}
    made |= {"nx": networkx, "rows": 5, "columns": 6, "m": 3, "cdist": distance.cdist}
    made |= {"positions": POSITIONS, "rng": np.random.default_rng(6)}
    return made | {"table": table, "other": other, "n_target": N, "round": round}


def network() -> Any:
    """Return a network of N cells at the positions."""
    net = NetworkBuilder("net")
    classes: dict[str, Any] = {"ei": EI, "module": MODULE, "level": MODULE, "part": PART}
    net.add_nodes(N=N, pop_name="A", positions=list(POSITIONS), **classes)
    return net


# ---------------------------------------------------------------------- what they do
Check = Callable[[np.ndarray, Any], None]


def law(p: Any, autapses: bool, fraction: float = 1.0) -> Check:
    """Return a check of independent pairs: totals, where connection is likely and where not."""

    def check(found: np.ndarray, connector: Any) -> None:
        expected = np.broadcast_to(p, (N, N)) * np.ones((N, N))
        if not autapses:
            assert not np.diag(found).any()
            expected = expected * ~np.eye(N, dtype=bool)
        if fraction < 1:
            taking_part = found.any(axis=1)
            assert taking_part.sum() == fraction * N
            expected, found = expected[taking_part], found[taking_part]
        assert found.max() == 1
        assert not found[expected == 0].any()
        high = expected >= np.median(expected[expected > 0])
        for part in (high, ~high):
            mean, variance = expected[part].sum(), (expected * (1 - expected))[part].sum()
            if variance:
                z = (found[part].sum() - mean) / variance**0.5
                assert 2 * stats.norm.sf(abs(z)) > FALSE_ALARM / 2

    return check


def blocks(classes: list[Any], p: Any, autapses: bool = False) -> Check:
    """Return a check of the number of connections of each pair of classes (rows sources)."""

    def check(found: np.ndarray, connector: Any) -> None:
        names = sorted(set(classes))
        possible = np.ones((N, N), dtype=bool) if autapses else ~np.eye(N, dtype=bool)
        assert not found[~possible].any()
        for row, a in zip(p, names, strict=True):
            for probability, b in zip(row, names, strict=True):
                block = np.ix_(np.array(classes) == a, np.array(classes) == b)
                k, n = found[block].sum(), possible[block].sum()
                law = stats.binom(n, probability)
                assert min(law.cdf(k), law.sf(k - 1)) > FALSE_ALARM / 2 / len(names) ** 2

    return check


def modular(found: np.ndarray, connector: Any) -> None:
    """Check modules that have a connector each, and none where there is None."""
    first, second, third = (slice(10 * k, 10 * k + 10) for k in range(3))
    assert (found[first, first].sum(axis=0) == 3).all()
    assert not found[third, third].any()
    for part, p in ((found[second, second], 0.4), (found[first, second], 0.05)):
        law = stats.binom(part.size, p)
        assert min(law.cdf(part.sum()), law.sf(part.sum() - 1)) > FALSE_ALARM / 4


def degree(k: int, axis: int, at_most: int | None = 1, zero_rows: int = 0) -> Check:
    """Return a check of exact sums along an axis."""

    def check(found: np.ndarray, connector: Any) -> None:
        sums = found.sum(axis=axis)
        assert sorted(set(sums.tolist()) - {0}) == [k]
        assert (sums == 0).sum() == zero_rows
        if at_most is not None:
            assert found.max() == at_most

    return check


def total(n: int) -> Check:
    """Return a check of the number of synapses."""

    def check(found: np.ndarray, connector: Any) -> None:
        assert found.sum() == n

    return check


def exactly(wanted: np.ndarray) -> Check:
    """Return a check of certain edges."""

    def check(found: np.ndarray, connector: Any) -> None:
        assert (found == wanted).all()

    return check


def symmetric(found: np.ndarray, connector: Any) -> None:
    """Check that pairs are connected both ways or not at all."""
    assert (found == found.T).all()
    upper = found[np.triu_indices(N, 1)]
    k = int(upper.sum())
    assert min(stats.binom.cdf(k, len(upper), 0.3), stats.binom.sf(k - 1, len(upper), 0.3)) > 1e-6


def poisson(found: np.ndarray, connector: Any) -> None:
    """Check the number of synapses, and that some pairs have several."""
    mean = 0.4 * N * N
    assert min(stats.poisson.cdf(found.sum(), mean), stats.poisson.sf(found.sum() - 1, mean)) > 1e-6
    assert found.max() > 1


def weights(found: np.ndarray, connector: Any) -> None:
    """Check that the values of a matrix are weights of edges with one synapse."""
    assert (found == (MATRIX > 0)).all()
    assert connector.columns["syn_weight"].tolist() == MATRIX[MATRIX > 0].tolist()


def listed(found: np.ndarray, connector: Any) -> None:
    """Check that numbers and properties of a table are kept."""
    assert (found == MATRIX).all()
    assert connector.edge_properties()["names"] == ["delay"]


def from_file(found: np.ndarray, connector: Any) -> None:
    """Check the two pairs of the file."""
    assert found.sum() == 2
    assert found[0, 1] == found[2, 3] == 1


def cloned(found: np.ndarray, connector: Any) -> None:
    """Check that a connector with the same seed has the same edges."""
    other = UnidirectionConnector(0.2, rng=8, **QUIET)
    source, _ = pools(network())
    other.setup_nodes(source=source, target=source)
    assert (found == other.connectivity.forward.to_dense()).all()


def profile(formula: Callable[[np.ndarray], np.ndarray]) -> Check:
    """Return a check of a profile drawn as it is, by its formula there, cut at 0 and 1."""
    return law(np.clip(formula(DIST), 0.0, 1.0), True)


def bell(sigma: float, center: float = 0.0) -> Callable[[np.ndarray], np.ndarray]:
    """Return a Gaussian with peak 1."""
    return lambda d: np.exp(-(((d - center) / sigma) ** 2) / 2)


def graph(degree_sum: int | None = None, least: int = 0) -> Check:
    """Return a check of an undirected graph: number of edges in both directions, least degree."""

    def check(found: np.ndarray, connector: Any) -> None:
        assert (found == found.T).all()
        assert not np.diag(found).any()
        assert degree_sum is None or found.sum() == degree_sum
        assert found.sum(axis=0).min() >= least
        assert 0 < found.sum() < N * N / 2

    return check


def patches(found: np.ndarray, connector: Any) -> None:
    """Check that the targets of each source are around one of the cells."""
    is_near = DIST <= 50.0
    for row in found.astype(bool):
        assert is_near[:, row].all(axis=1).any()
    assert 0 < found.sum() < 0.3 * N * N


PLACE = np.stack(np.divmod(np.arange(N), 6))  # row and column of each cell, 5 x 6
STEPS = np.abs(PLACE[:, :, None] - PLACE[:, None, :])
AWAY = np.abs(np.arange(N)[:, None] - np.arange(N))
ALL, EYE, CONNECTED = np.ones((N, N)), np.eye(N), (MATRIX > 0).astype(int)
EXPONENTIAL = 0.9 * np.exp(-DIST / 30.0)
GAUSSIAN = np.exp(-0.5 * (DIST / 40.0) ** 2)
STEP = np.abs(POSITIONS[:, None] - POSITIONS)
AROUND = np.sqrt((np.minimum(STEP, 100.0 - STEP) ** 2).sum(axis=-1))
IDS = np.arange(N)
UP = np.where((POSITIONS[None, :, 2] - POSITIONS[:, None, 2]) > 0, 0.6, 0.1)
CHECKS: dict[tuple[str, str], Check] = {
    ("NEST", "one_to_one"): exactly(EYE),
    ("NEST", "all_to_all"): exactly(ALL),
    ("NEST", "fixed_indegree"): degree(4, 0, None),
    ("NEST", "fixed_outdegree"): degree(4, 1, None),
    ("NEST", "fixed_total_number"): total(50),
    ("NEST", "pairwise_bernoulli"): law(0.3, True),
    ("NEST", "symmetric_pairwise_bernoulli"): symmetric,
    ("NEST", "pairwise_poisson"): poisson,
    ("NEST", "pairwise_bernoulli, p of distance"): law(0.8 * GAUSSIAN, True),
    ("PyNN", "AllToAllConnector"): exactly(ALL),
    ("PyNN", "OneToOneConnector"): exactly(EYE),
    ("PyNN", "FixedProbabilityConnector"): law(0.3, True),
    ("PyNN", "DistanceDependentProbabilityConnector"): law(EXPONENTIAL, True),
    ("PyNN", "IndexBasedProbabilityConnector"): law(((IDS[:, None] + IDS) % 3 == 0) * 0.5, True),
    ("PyNN", "DisplacementDependentProbabilityConnector"): law(UP, True),
    ("PyNN", "FixedNumberPreConnector"): degree(4, 0),
    ("PyNN", "FixedNumberPostConnector"): degree(4, 1),
    ("PyNN", "FixedTotalNumberConnector"): total(50),
    ("PyNN", "FromListConnector"): listed,
    ("PyNN", "FromFileConnector"): from_file,
    ("PyNN", "ArrayConnector"): exactly(MATRIX),
    ("PyNN", "CloneConnector"): cloned,
    ("BrainPy", "One2One"): exactly(EYE),
    ("BrainPy", "All2All"): exactly(ALL),
    ("BrainPy", "MatConn"): exactly(MATRIX),
    ("BrainPy", "IJConn"): exactly(CONNECTED),
    ("BrainPy", "CSRConn"): exactly(MATRIX),
    ("BrainPy", "SparseMatConn"): weights,
    ("BrainPy", "FixedProb, as conn_mat"): law(0.3, True, fraction=0.5),
    ("BrainPy", "FixedProb, as other structures"): degree(9, 1, zero_rows=15),
    ("BrainPy", "FixedPreNum"): degree(4, 0),
    ("BrainPy", "FixedPostNum"): degree(4, 1),
    ("BrainPy", "FixedTotalNum"): total(50),
    ("BrainPy", "ProbDist"): law(0.3 * (DIST <= 50.0), True),
    ("BrainPy", "GaussianProb"): law(GAUSSIAN, True),
    ("BrainPy", "GaussianProb, periodic_boundary"): law(bell(40.0)(AROUND), True),
    ("PyNN", "SmallWorldConnector"): graph(4 * N),
    ("BrainPy", "GridFour"): exactly(STEPS.sum(axis=0) == 1),
    ("BrainPy", "GridEight"): exactly(STEPS.max(axis=0) == 1),
    ("BrainPy", "GridN"): exactly((STEPS.max(axis=0) <= 2) & (AWAY > 0)),
    ("BrainPy", "SmallWorld"): graph(4 * N),
    ("BrainPy", "ScaleFreeBA"): graph(2 * 3 * (N - 3), least=1),
    ("BrainPy", "ScaleFreeBADual"): graph(least=1),
    ("BrainPy", "PowerLaw"): graph(least=1),
    ("braintools", "Ring"): exactly(np.isin(np.minimum(AWAY, N - AWAY), [1, 2])),
    ("braintools", "Grid2d"): exactly(STEPS.sum(axis=0) == 1),
    ("braintools", "RadialPatches"): patches,
    ("braintools", "SmallWorld"): graph(4 * N),
    ("braintools", "ScaleFree"): graph(2 * 3 * (N - 3), least=1),
    ("braintools", "Random"): law(0.3, False),
    ("braintools", "AllToAll"): exactly(ALL - EYE),
    ("braintools", "OneToOne"): exactly(EYE),
    ("braintools", "OneToOne, circular"): exactly(EYE),
    ("braintools", "DistanceDependent"): law(EXPONENTIAL, False),
    ("braintools", "Gaussian"): law(GAUSSIAN, False),
    ("braintools", "Exponential"): law(np.exp(-DIST / 30.0), False),
    ("braintools", "ClusteredRandom"): law(np.where(DIST <= 50.0, 0.6, 0.3), False),
    ("braintools", "ExcitatoryInhibitory"): blocks(EI, [[0.1, 0.1], [0.2, 0.2]], True),
    ("braintools", "Regular"): degree(4, 1),
    ("braintools", "ModularRandom"): blocks(MODULE, 0.01 + 0.29 * np.eye(3)),
    ("braintools", "ModularGeneral"): modular,
    ("braintools", "HierarchicalRandom"): blocks(
        MODULE, [[0.2, 0.3, 0.0], [0.1, 0.2, 0.3], [0.0, 0.1, 0.2]]
    ),
    ("braintools", "CorePeripheryRandom"): blocks(PART, [[0.5, 0.2], [0.2, 0.05]]),
}
PROFILES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "GaussianProfile": bell(40.0),
    "ExponentialProfile": lambda d: np.exp(-d / 30.0),
    "PowerLawProfile": lambda d: (np.maximum(d, 30.0) / 30.0) ** -2.0,
    "LinearProfile": lambda d: 1 - d / 50.0,
    "StepProfile": lambda d: np.where(d <= 50.0, 0.7, 0.2),
    "SigmoidProfile": lambda d: 1 / (1 + np.exp(0.1 * (d - 50.0))),
    "LogisticProfile": lambda d: 1 / (1 + np.exp(0.1 * (d - 50.0))),
    "DoGProfile": lambda d: bell(40.0)(d) - 0.5 * bell(80.0)(d),
    "MexicanHatProfile": lambda d: (1 - (d / 40.0) ** 2) * bell(40.0)(d),
    "BimodalProfile": lambda d: 0.6 * bell(40.0)(d) + 0.4 * bell(30.0, 50.0)(d),
    "ComposedProfile": lambda d: 0.5 * np.maximum(1 - d / 50.0, 0) + 0.1 * np.exp(-d / 30.0),
    "ClipProfile": lambda d: 2 * np.exp(-d / 30.0),
    "ApplyProfile": lambda d: 0.9 * np.exp(-d / 30.0),
    "PipeProfile": lambda d: 0.9 * np.exp(-d / 30.0),
}
CHECKS |= {("Profiles of braintools", name): profile(value) for name, value in PROFILES.items()}


def test_complete() -> None:
    """Every class of theirs has a row, every row a call with a check or says why not."""
    for package, classes in THEIRS.items():
        found = {name.partition(",")[0] for title, name in ROWS if title == package}
        assert found == set(classes.split()), package
    with_call = {key for key, here in ROWS.items() if here != NOT_YET}
    assert with_call == set(CHECKS) | {("braintools.init", name) for name in VALUES}


@pytest.mark.parametrize("key", CHECKS, ids=", ".join)
def test_row(key: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pairs.csv").write_text("source_node_id,target_node_id\n0,1\n2,3\n")
    call = ROWS[key].strip("`")
    names_of_call = names()
    bmtool_connectors.rng = 20
    made = eval(call, names_of_call)
    in_connector = key[0] != "Profiles of braintools"
    connector = made if in_connector else UnidirectionConnector(made, spherical_dist)
    connector.verbose = connector.save_report = False
    source, _ = pools(network())
    connector.setup_nodes(source=source, target=source)
    CHECKS[key](connector.connectivity.forward.to_dense(), connector)


# ---------------------------------------------------------------------- weights and delays
Values = np.ndarray


def has_law(cdf: Any, factor: Callable[[Values], Any] = lambda dist: 1.0) -> Callable[..., None]:
    """Return a check that values over a factor have a law."""

    def check(values: Values, source: Values, dist: Values) -> None:
        assert stats.kstest(values / factor(dist), cdf).pvalue > FALSE_ALARM
        assert len(np.unique(values)) == len(values)

    return check


def is_equal(expected: Callable[[Values, Values], Any]) -> Callable[..., None]:
    """Return a check of certain values, as a function of source and distance."""

    def check(values: Values, source: Values, dist: Values) -> None:
        assert np.allclose(values, expected(source, dist), rtol=1e-12, atol=0)

    return check


def moved(values: Values, source: Values, dist: Values) -> None:
    """Check that values beyond the limits are at the limits."""
    inside = (values > 0.5) & (values < 2.5)
    assert set(values[~inside]) <= {0.5, 2.5}
    p = stats.norm(0.4, 0.3).cdf(0.5)
    assert stats.binomtest(int((values == 0.5).sum()), len(values), p).pvalue > FALSE_ALARM


def sums(values: Values, source: Values, dist: Values) -> None:
    """Check the random part of a delay."""
    rest = values - dist / 300.0 - 0.5
    assert stats.kstest(rest, stats.gamma(2.0, scale=1.5).cdf).pvalue > FALSE_ALARM


def later(values: Values, source: Values, dist: Values) -> None:
    """Check the random part of a delay without a fixed one, which is at least 0.1 ms."""
    rest = (values - dist / 300.0)[values > 0.1]
    assert len(rest) > 0.99 * len(values)
    assert stats.kstest(rest, LINEAR.cdf).pvalue > FALSE_ALARM


#: Of mean 0.4 and standard deviation 0.3, by its definition.
SIGMA2 = np.log1p((0.3 / 0.4) ** 2)
LINEAR = stats.lognorm(SIGMA2**0.5, scale=0.4 * np.exp(-SIGMA2 / 2))
VALUES: dict[str, Callable[..., None]] = {
    "Constant": is_equal(lambda source, dist: 1.5),
    "ZeroInit": is_equal(lambda source, dist: 0.0),
    "Uniform": has_law(lambda x: np.clip((x - 0.5) / 2.0, 0, 1)),
    "Normal": has_law(stats.norm(0.4, 0.3).cdf),
    "LogNormal": has_law(LINEAR.cdf),
    "Gamma": has_law(stats.gamma(2.0, 0.0, 1.5).cdf),
    "Exponential": has_law(lambda x: 1 - np.exp(-x / 1.5)),
    "Weibull": has_law(lambda x: 1 - np.exp(-((x / 1.5) ** 2))),
    "TruncatedNormal": has_law(stats.truncnorm(1 / 3, 7.0, 0.4, 0.3).cdf),
    "Beta": has_law(lambda x: stats.beta(2.0, 5.0).cdf((x - 0.5) / 2.0)),
    "Mixture": has_law(
        lambda x: (
            0.9 * stats.lognorm(np.log(1.09) ** 0.5, scale=1.09**-0.5).cdf(x)
            + 0.1 * stats.gamma(4.0).cdf(x)
        )
    ),
    "Conditional": is_equal(lambda source, dist: np.where(source < N / 2, 2.0, 0.5)),
    "Scaled": has_law(lambda x: LINEAR.cdf(x / 3.0)),
    "Clipped": moved,
    "arithmetic, sum": sums,
    "arithmetic, product": has_law(LINEAR.cdf, lambda dist: 0.9 * np.exp(-dist / 30.0)),
    "DistanceModulated": has_law(LINEAR.cdf, lambda d: 0.8 * np.exp(-0.5 * (d / 40.0) ** 2)),
    "DistanceModulated, delays": later,
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    """In a network with 4,500 synapses, five of each pair."""
    bmtool_connectors.rng = 21
    rule = eval(ROWS["braintools.init", name].strip("`"), names())
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=N, pop_name="A", positions=list(POSITIONS))
    edges = net.add_edges(connection_rule=5)
    edges.add_properties(**rule.properties())
    net.build()
    (table,) = net.edges_table()
    i, j = table.edge_type_node_ids.T
    VALUES[name](table.get_property_value(rule.names[0]), i, DIST[i, j])
