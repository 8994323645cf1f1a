"""Errors: which parameter of which class, what it must be, what it got, what to do.

Three tables (constructors, pools, values of pairs) of calls that are refused and of
the words that their messages have to hold; a sweep of every parameter over every kind
of junk; and a Hypothesis test over combinations of junk.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from conftest import QUIET, built_edges, make_network, pools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

import bmtool_connectors
from bmtool_connectors import (
    AllToAllConnector,
    BlockConnector,
    ConnectivityWarning,
    CorrelatedGapJunction,
    DelayRule,
    EdgeList,
    FileBasedConnector,
    FixedInDegreeConnector,
    FixedOutDegreeConnector,
    FixedTotalNumberConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    MatrixConnector,
    NodeError,
    NormalizedReciprocalRate,
    OneToOneConnector,
    OneToOneSequentialConnector,
    PairwisePoissonConnector,
    ParameterError,
    PlacementRule,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    WeightRule,
    clipped,
    core_periphery_blocks,
    cylindrical_dist_z,
    decision,
    decisions,
    excitatory_inhibitory_blocks,
    hierarchical_blocks,
    lognormal,
    mixture,
    modular_blocks,
    num_prop,
    pr_2_rho,
    properties,
    rho_2_pr,
    spherical_dist,
    syn_const_delay,
    syn_const_delay_feng_section_PN,
    syn_dist_delay_feng,
    syn_dist_delay_feng_section_PN,
    syn_section_PN,
    syn_uniform_delay_section,
    truncated,
    vectorized,
)
from bmtool_connectors.checks import floats

Make: TypeAlias = Callable[..., Any]


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative file names, of CSV files and of reports, end up in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)
    Path("folder").mkdir()


#: CSV files for FileBasedConnector.
FILES = {
    "good.csv": "source_node_id,target_node_id\n0,1\n1,2\n",
    "no_target.csv": "source_node_id,to\n0,1\n",
    "no_row.csv": "source_node_id,target_node_id\n",
    "fraction.csv": "source_node_id,target_node_id\n0,1\n1.5,2\n",
    "negative.csv": "source_node_id,target_node_id\n0,1\n1,-2\n",
    "missing.csv": "source_node_id,target_node_id\n0,\n1,2\n",
    "words.csv": "source_node_id,target_node_id\n0,1\none,2\n",
    "half_synapse.csv": "source_node_id,target_node_id,n_syn\n0,1,2\n1,2,0.5\n",
    "empty.csv": "",
    "elsewhere.csv": "source_node_id,target_node_id\n90,91\n",
}

NAN = float("nan")


#: What a message says: what it must be and what it got, or what is wrong and what to do.
FORM = re.compile(r" must (be|have|give) .+, got .+|; .+| has no nodes yet: call ")


def refused(call: Callable[[], object], error: type[Exception], words: tuple[str, ...]) -> str:
    """Assert that a call raises `error` with a message as the contract wants it; return it."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error, f"{type(caught.value)}, not {error}"
    text = str(caught.value)
    missing = [word for word in words if word not in text]
    assert not missing, f"{missing} not in: {text}"
    assert "\n" not in text, text
    assert text.endswith("."), text
    assert text.count(". ") <= 1, f"more than a sentence and a hint: {text}"
    assert FORM.search(text), f"of another form: {text}"
    return text


def test_one_form() -> None:
    """What a parameter may be is said in one way: "X must be B, got A"."""
    for path in Path(bmtool_connectors.__file__).parent.rglob("*.py"):
        assert not re.search(r"allowed (here )?(is|are) ", path.read_text()), path


# ---------------------------------------------------------------------- constructors and functions
def uni(**parameters: Any) -> Make:
    return lambda: UnidirectionConnector(**QUIET, **parameters)


def rec(**parameters: Any) -> Make:
    return lambda: ReciprocalConnector(**{"pr": None, **QUIET, **parameters})


def gap(**parameters: Any) -> Make:
    return lambda: GapJunction(**QUIET, **parameters)


def cor(**parameters: Any) -> Make:
    made = {"connector": UnidirectionConnector(p=0.5, **QUIET), **parameters}
    return lambda **late: CorrelatedGapJunction(**{**QUIET, **made, **late})


def con(**parameters: Any) -> Make:
    made = {
        "gap_connector": GapJunction(p=0.5, **QUIET),
        **{"p0_elec": 0.5, "p1_elec": 0.5, "pr_elec": 0.25},
        **{"p0_nonelec": 0.2, "p1_nonelec": 0.2, "pr_nonelec": 0.05},
        **parameters,
    }
    return lambda **late: GapJunctionConditionalReciprocalConnector(**{**QUIET, **made, **late})


def one(**parameters: Any) -> Make:
    return lambda: OneToOneSequentialConnector(verbose=False, **parameters)


def file(filename: Any = "good.csv", **parameters: Any) -> Make:
    return lambda: FileBasedConnector(filename, verbose=False, **parameters)


def blo(p: Any = None, **parameters: Any) -> Make:
    made = {("A", "A"): 0.5} if p is None else p
    return lambda: BlockConnector(made, **QUIET, **parameters)


def call(function: Make, *args: Any, **kwargs: Any) -> Make:
    return lambda: function(*args, **kwargs)


GAUSS = GaussianDropoff(stdev=50.0, pmax=0.5)
U, R, G = "UnidirectionConnector", "ReciprocalConnector", "GapJunction"
C, K = "CorrelatedGapJunction", "GapJunctionConditionalReciprocalConnector"
O, F, D = "OneToOneSequentialConnector", "FileBasedConnector", "GaussianDropoff"  # noqa: E741
B = "BlockConnector"
TWO = {"values": ["A", "B"], "orientation": "target_rows"}
PROBABILITY = "must be a probability in [0, 1] or a function of its argument, got"
WHOLE = "must be a whole number >= 0 (at most 4294967295), got"
WHOLE_OR_FUNCTION = (
    "must be a whole number >= 0 (at most 4294967295) or a function of two nodes, got"
)
SEED = "must be a numpy Generator or RandomState, an int >= 0, a SeedSequence, or None, got"
JOINT = "must be a probability in [0, 1], a function (pr_arg, p0, p1), or None, got"
ARGUMENT = "must be a function of two nodes, a number, or None, got"
RANGE = "must be two numbers (low, high) with low <= high, or None, got"
REFERENCE = "must be a connector of this package, set up within one population, got"
CLASSES = "must be a sequence of at least 1 different classes of nodes, in order, got"
CSV = "must be a file with the columns source_node_id and target_node_id, got"
POOL = "must be a node pool as net.nodes(...) returns, got"
RATE = "must be a finite number >= 0 or a function of distance, got"
RATIO = "must be numbers >= 0, at least one above 0, got"
NAMES = "must be texts or numbers, as nodes have them, got"
ONE = "must be one probability in [0, 1], got"
DELAYS = "must be (low, high) with low <= high (ms), got"
VELOCITY = "must be a velocity > 0 (um/ms), got"
SPREAD = "must be a standard deviation >= 0 (ms), got"
SECTIONS = "must be a pair of numbers, one for each section, got"
LAWS = "must be 'clip' or 'bmtool' (None is the default), got"
PARTITION = "must be 0 to 0 (partitions in the order of setup_nodes) or -1, got"
FEASIBLE = "must be probabilities strictly between 0 and 1, where a correlation exists, got"

#: (call, words): refused with ParameterError before there are nodes.
PARAMETERS: list[tuple[Make, tuple[str, ...]]] = [
    (uni(p=1.5), (f"p of {U} {PROBABILITY} 1.5",)),
    (uni(p=-0.2), (f"p of {U} {PROBABILITY} -0.2",)),
    (uni(p=1 + 1e-6), (f"p of {U} {PROBABILITY} 1.000001",)),
    (uni(p=NAN), (f"p of {U} {PROBABILITY} nan",)),
    (uni(p=None), (f"p of {U} {PROBABILITY} None",)),
    (uni(p="0.1"), (f"p of {U} {PROBABILITY} '0.1'",)),
    (uni(p=[0.1, 0.2]), (f"p of {U} {PROBABILITY} [0.1, 0.2]",)),
    (uni(p=GAUSS), (f"p of {U} is {D}(", "distance", "p_arg is None", "p_arg=spherical_dist")),
    (uni(p_arg="distance"), (f"p_arg of {U} {ARGUMENT} 'distance'",)),
    (uni(p_arg=[1.0, 2.0]), (f"p_arg of {U} {ARGUMENT} [1.0, 2.0]",)),
    (uni(n_syn=2.5), (f"n_syn of {U} {WHOLE_OR_FUNCTION} 2.5",)),
    (uni(n_syn=-1), (f"n_syn of {U} {WHOLE_OR_FUNCTION} -1",)),
    (uni(n_syn=NAN), (f"n_syn of {U} {WHOLE_OR_FUNCTION} nan",)),
    (uni(n_syn=None), (f"n_syn of {U} {WHOLE_OR_FUNCTION} None",)),
    (uni(n_syn="3"), (f"n_syn of {U} {WHOLE_OR_FUNCTION} '3'",)),
    (uni(n_syn=5_000_000_000), (f"n_syn of {U} {WHOLE_OR_FUNCTION} 5000000000",)),
    (uni(rng="seed"), (f"rng of {U} {SEED} 'seed'", "default_rng(1234)")),
    (uni(rng=-1), (f"rng of {U} {SEED} -1",)),
    (uni(rng=1.5), (f"rng of {U} {SEED} 1.5",)),
    (uni(rng=True), (f"rng of {U} {SEED} True",)),
    (uni(report_name=3), (f"report_name of {U} must be a file name or None, got 3",)),
    (uni(name=5), (f"name of {U} must be a str or None, got 5",)),
    (rec(p0=1.5), (f"p0 of {R} {PROBABILITY} 1.5",)),
    (rec(p1=-1), (f"p1 of {R} {PROBABILITY} -1",)),
    (rec(p0=NAN), (f"p0 of {R} {PROBABILITY} nan",)),
    (rec(pr=1.5), (f"pr of {R} {JOINT} 1.5",)),
    (rec(pr=NAN), (f"pr of {R} {JOINT} nan",)),
    (rec(pr="both"), (f"pr of {R} {JOINT} 'both'",)),
    (rec(pr=NormalizedReciprocalRate(GAUSS)), (f"pr of {R}", "distance", "pr_arg='0'")),
    (rec(pr=GAUSS), (f"pr of {R} is {D}(", "distance", "pr_arg is None", "pr_arg='0'")),
    (rec(rho=1.5), (f"rho of {R} must be a correlation in [-1, 1] or None, got 1.5",)),
    (rec(rho=NAN), (f"rho of {R} must be a correlation in [-1, 1] or None, got nan",)),
    (rec(rho="high"), (f"rho of {R} must be a correlation in [-1, 1] or None, got 'high'",)),
    (
        rec(rho=[0.5, 0.1]),
        (f"rho of {R} must be a correlation in [-1, 1] or None, got [0.5, 0.1]",),
    ),
    (rec(p0=GAUSS), (f"p0 of {R} is {D}(", "p0_arg is None", "p0_arg=spherical_dist")),
    (rec(p1=GAUSS), (f"p1 of {R} is {D}(", "p1_arg is None", "p1_arg=spherical_dist")),
    (rec(n_syn0=0.5), (f"n_syn0 of {R} {WHOLE_OR_FUNCTION} 0.5",)),
    (rec(n_syn1=-3), (f"n_syn1 of {R} {WHOLE_OR_FUNCTION} -3",)),
    (
        rec(p0_arg=spherical_dist, p1_arg=cylindrical_dist_z, symmetric_p1=True),
        (f"symmetric_p1 of {R} is True", "p0_arg and p1_arg", "symmetric_p1_arg=True"),
    ),
    (
        rec(pr=0.1, p0_arg=spherical_dist, dist_range_forward=(60, 30)),
        (f"dist_range_forward of {R} {RANGE} (60, 30)",),
    ),
    (
        rec(pr=0.1, p1_arg=spherical_dist, dist_range_backward=5),
        (f"dist_range_backward of {R} {RANGE} 5",),
    ),
    (
        rec(pr=0.1, p0=0.3, dist_range_forward=(0, 30)),
        (f"dist_range_forward of {R} is (0, 30)", "p0_arg is None", "p0_arg=spherical_dist"),
    ),
    (gap(p=2), (f"p of {G} {PROBABILITY} 2",)),
    (gap(p=GAUSS), (f"p of {G} is {D}(", "p_arg is None", "p_arg=spherical_dist")),
    (cor(connector=None), (f"connector of {C} {REFERENCE} None", "pass the one")),
    (cor(connector="PN2PN"), (f"connector of {C} {REFERENCE} 'PN2PN'",)),
    (cor(p_non=-0.1), (f"p_non of {C} {PROBABILITY} -0.1",)),
    (cor(p_uni=1.5), (f"p_uni of {C} {PROBABILITY} 1.5",)),
    (cor(p_rec=NAN), (f"p_rec of {C} {PROBABILITY} nan",)),
    (cor(p_uni=GAUSS), (f"p_uni of {C} is {D}(", "p_arg is None", "p_arg=spherical_dist")),
    (con(gap_connector=None), (f"gap_connector of {K} {REFERENCE} None",)),
    (con(p0_elec=1.5), (f"p0_elec of {K} {PROBABILITY} 1.5",)),
    (con(p1_nonelec=NAN), (f"p1_nonelec of {K} {PROBABILITY} nan",)),
    (con(pr_elec=-1), (f"pr_elec of {K} {JOINT} -1",)),
    (con(pr_nonelec="x"), (f"pr_nonelec of {K} {JOINT} 'x'",)),
    (con(p0_elec=GAUSS), (f"p0_elec of {K} is {D}(", "p0_elec_arg=spherical_dist")),
    (con(pr_nonelec=GAUSS), (f"pr_nonelec of {K} is {D}(", "pr_nonelec_arg='0'")),
    (con(n_syn1=0.5), (f"n_syn1 of {K} {WHOLE_OR_FUNCTION} 0.5",)),
    (one(n_syn=2.9), (f"n_syn of {O} {WHOLE} 2.9",)),
    (one(n_syn=-1), (f"n_syn of {O} {WHOLE} -1",)),
    (one(n_syn=lambda a, b: 1), (f"n_syn of {O} must be a whole number, got a function",)),
    (file("nowhere.csv"), (f"filename of {F} {CSV} 'nowhere.csv'", "cannot be read")),
    (file("empty.csv"), (f"filename of {F} {CSV} 'empty.csv'", "cannot be read as CSV")),
    (file("folder"), (f"filename of {F} {CSV} 'folder'", "cannot be read")),
    (file("no_target.csv"), (f"filename of {F}", "lacks column target_node_id", "write a header")),
    (file("no_row.csv"), (f"filename of {F}", "lacks any row", "a row per connection")),
    (
        file("fraction.csv"),
        (f"source_node_id of {F} must be a whole number >= 0, got 1.5", "row 2"),
    ),
    (
        file("negative.csv"),
        (
            f"target_node_id of {F} must be a whole number >= 0, got -2",
            "row 2 of negative.csv",
            "correct",
        ),
    ),
    (
        file("missing.csv"),
        (
            f"target_node_id of {F} must be a whole number >= 0, got nan",
            "row 1 of missing.csv",
            "correct",
        ),
    ),
    (
        file("words.csv"),
        (
            f"source_node_id of {F} must be a whole number >= 0, got 'one'",
            "row 2 of words.csv",
            "correct",
        ),
    ),
    (file("half_synapse.csv"), (f"n_syn of {F} must be a whole number >= 0, got 0.5", "row 2")),
    (file(n_syn=-1), (f"n_syn of {F} {WHOLE_OR_FUNCTION} -1",)),
    (file(report_name=3), (f"report_name of {F} must be a file name or None, got 3",)),
    (blo(0.5), (f"p of {B} must be", ", got 0.5", "{(source, target): entry}", "a DataFrame")),
    (blo({}), (f"p of {B} must be", "{(source, target): entry}", ", got an empty dict")),
    (blo({"A": 0.5}), (f"p of {B} must be", ", got the key 'A'", "{(source, target): entry}")),
    (blo({("A", "B", "C"): 0.5}), (f"p of {B} must be", ", got the key ('A', 'B', 'C')")),
    (blo({("A", None): 0.5}), (f"classes in p of {B} {NAMES} None",)),
    (blo({("A", NAN): 0.5}), (f"classes in p of {B} {NAMES} nan",)),
    (blo({("A", "A"): 1.5}), (f"p['A', 'A'] of {B} is not allowed", f"p of {U} {PROBABILITY} 1.5")),
    (blo({("A", "A"): NAN}), (f"p['A', 'A'] of {B} is not allowed", f"p of {U} {PROBABILITY} nan")),
    (blo({("A", "A"): "high"}), (f"p['A', 'A'] of {B} is not allowed", ", got 'high'")),
    (
        blo({("A", "A"): (0.5, 0.6, 1)}),
        (f"p['A', 'A'] of {B} must be", ", got (0.5, 0.6, 1)", "(p, pr)"),
    ),
    (blo({("A", "A"): (0.5, 2)}), (f"p['A', 'A'] of {B} is not allowed", f"pr of {R} {JOINT} 2")),
    (
        blo({("A", "B"): (0.5, 0.4)}),
        (f"p['A', 'B'] and p['B', 'A'] of {B} must", "same pr for both, got (0.5, 0.4) and None"),
    ),
    (
        blo({("A", "B"): (0.5, 0.4), ("B", "A"): 0.5}),
        (f"p['A', 'B'] and p['B', 'A'] of {B} must", "same pr for both, got (0.5, 0.4) and 0.5"),
    ),
    (
        blo({("A", "B"): (0.5, 0.4), ("B", "A"): (0.5, 0.3)}),
        (f"p['A', 'B'] and p['B', 'A'] of {B} must", "both, got (0.5, 0.4) and (0.5, 0.3)"),
    ),
    (
        blo({("A", "B"): ReciprocalConnector(0.5, pr=None), ("B", "A"): 0.5}),
        (f"p['A', 'B'] of {B} is {R}(", "the other direction", "same connector for ('B', 'A')"),
    ),
    (
        blo({("A", "A"): GapJunction(0.5)}),
        (f"p['A', 'A'] of {B} must be", f", got {G}(", "no gap junctions"),
    ),
    (
        blo({("A", "A"): OneToOneSequentialConnector()}),
        (f"p['A', 'A'] of {B} must be", f", got {O}("),
    ),
    (blo(by=3), (f"by of {B} must be", ", got 3", "the name of a node attribute")),
    (blo(by=("a", "b", "c")), (f"by of {B} must be", ", got ('a', 'b', 'c')", "a tuple of two")),
    (blo(missing=1.5), (f"missing of {B} is not allowed", f"p of {U} {PROBABILITY} 1.5")),
    (
        blo(missing=(0.5, 0.4)),
        (f"missing of {B} is not allowed", f"p of {U} {PROBABILITY} (0.5, 0.4)"),
    ),
    (
        blo(missing=ReciprocalConnector(0.5, pr=None)),
        (f"missing of {B} must be an entry with one direction, got {R}",),
    ),
    (blo(n_syn=0.5), (f"n_syn of {B} {WHOLE_OR_FUNCTION} 0.5",)),
    (blo(p_arg="distance"), (f"p_arg of {B} {ARGUMENT} 'distance'",)),
    (blo(allow_autapses="no"), (f"allow_autapses of {B} must be True or False, got 'no'",)),
    (blo(values=["A"]), (f"values of {B} is ['A']", "keys of a dict", "leave it out")),
    (blo(orientation="source_rows"), (f"orientation of {B} is 'source_rows'", "keys of a dict")),
    (blo([[0.5]], values=["A"]), (f"orientation of {B} must be", ", got None", "'target_rows'")),
    (
        blo([[0.5]], values=["A"], orientation="rows"),
        (f"orientation of {B} must be", ", got 'rows'"),
    ),
    (blo([[0.5]]), (f"values of {B} {CLASSES} None",)),
    (blo([[0.5]], values="A"), (f"values of {B} {CLASSES} 'A'",)),
    (
        blo([[0.5, 1]] * 2, **{**TWO, "values": ["A", "A"]}),
        (f"values of {B} {CLASSES} ['A', 'A']",),
    ),
    (blo([[0.5, 1]], **TWO), (f"p of {B} has 1 rows of [2] entries", "2 x 2 values")),
    (blo([[0.5], [1, 0]], **TWO), (f"p of {B} has 2 rows of [1, 2] entries", "2 x 2 values")),
    (blo(pd.DataFrame([[0.5]], ["A"], ["A"])), (f"orientation of {B} must be", ", got None")),
    (
        blo(pd.DataFrame([[0.5]], ["A"], ["A"]), values=["A"]),
        (f"values of {B} is ['A']", "names its rows and columns"),
    ),
    (
        blo(pd.DataFrame([[0.5, 0.5]], ["A"], ["A", "A"]), orientation="source_rows"),
        (f"p of {B} has more than one entry for ('A', 'A')",),
    ),
    (blo(pd.DataFrame()), (f"p of {B} must be a dict", ", got a DataFrame of shape (0, 0)")),
    (
        blo(
            pd.DataFrame([[1]], pd.Index(["A"], name="target"), pd.Index(["A"], name="source")),
            orientation="source_rows",
        ),
        (f"orientation of {B} is 'source_rows'", "index of p is named 'target'", "leave it out"),
    ),
    (call(modular_blocks, "AB"), (f"modules of modular_blocks {CLASSES} 'AB'",)),
    (call(modular_blocks, ["A"], [0.1, 0.2]), ("intra_prob of modular_blocks has 2 entries",)),
    (
        call(hierarchical_blocks, ["A"]),
        ("levels of hierarchical_blocks must be a sequence of at least 2", ", got ['A']"),
    ),
    (call(core_periphery_blocks, core=1, periphery=1), ("core and periphery of", "(1, 1)")),
    (
        call(excitatory_inhibitory_blocks, exc=NAN),
        ("classes in exc and inh of", "must be texts or numbers", ", got nan"),
    ),
    (call(UniformInRange, p=1.2), (f"p of UniformInRange {ONE} 1.2",)),
    (call(UniformInRange, p=NAN), (f"p of UniformInRange {ONE} nan",)),
    (call(UniformInRange, p=None), (f"p of UniformInRange {ONE} None",)),
    (call(UniformInRange, p=[0.3, 0.4]), (f"p of UniformInRange {ONE} [0.3, 0.4]",)),
    (
        call(UniformInRange, 0.1, -5),
        ("min_dist of UniformInRange must be a distance >= 0 um, got -5",),
    ),
    (
        call(UniformInRange, 0.1, 9, 5),
        ("min_dist of UniformInRange must be smaller than max_dist (um), got 9 and 5",),
    ),
    (call(GaussianDropoff, stdev=0), (f"stdev of {D} must be a finite length > 0 (um), got 0",)),
    (call(GaussianDropoff, stdev=-5), (f"stdev of {D} must be a finite length > 0 (um), got -5",)),
    (
        call(GaussianDropoff, stdev=NAN),
        (f"stdev of {D} must be a finite length > 0 (um), got nan",),
    ),
    (call(GaussianDropoff, mean=NAN), (f"mean of {D} must be a finite distance (um), got nan",)),
    (
        call(GaussianDropoff, max_dist=NAN),
        (f"max_dist of {D} must be a distance > min_dist, got nan",),
    ),
    (call(GaussianDropoff, pmax=-1), (f"pmax of {D} must be a finite number >= 0, got -1",)),
    (
        call(GaussianDropoff, ptotal=1.5),
        (f"ptotal of {D} must be a probability in [0, 1], got 1.5",),
    ),
    (
        call(GaussianDropoff, stdev=50.0, ptotal=0.1),
        (
            f"ptotal_dist_range of {D} must be two finite, different",
            ", got (0.0, inf)",
            "ptotal_dist_range=(0, 300)",
        ),
    ),
    (
        call(GaussianDropoff, stdev=50.0, ptotal=0.1, ptotal_dist_range=(50, 50)),
        (
            f"ptotal_dist_range of {D} must be two finite, different",
            ", got (50, 50)",
            "ptotal_dist_range=(0, 300)",
        ),
    ),
    (
        call(GaussianDropoff, stdev=50.0, ptotal=0.1, ptotal_dist_range=range(0)),
        (f"ptotal_dist_range of {D} must be two finite, different", ", got range(0, 0)"),
    ),
    (
        call(GaussianDropoff, stdev=50.0, ptotal=0.1, ptotal_dist_range=100),
        (f"ptotal_dist_range of {D} must be two finite, different", ", got 100"),
    ),
    (
        call(GaussianDropoff, stdev=1.0, ptotal=0.1, ptotal_dist_range=(500, 600)),
        (f"ptotal_dist_range of {D} is (500, 600)", "zero", "choose a range within reach"),
    ),
    (call(GAUSS.compute_ptotal_integral), (f"ptotal_dist_range of {D} must be two finite",)),
    (call(GAUSS.calc_pmax_from_ptotal), (f"ptotal of {D} is None", "pass a probability")),
    (call(NormalizedReciprocalRate, -1), (f"NRR of NormalizedReciprocalRate {RATE} -1",)),
    (call(NormalizedReciprocalRate, NAN), (f"NRR of NormalizedReciprocalRate {RATE} nan",)),
    (call(NormalizedReciprocalRate, "4x"), (f"NRR of NormalizedReciprocalRate {RATE} '4x'",)),
    (call(num_prop, [], 5), (f"ratio of num_prop {RATIO} []",)),
    (call(num_prop, [0, 0], 5), (f"ratio of num_prop {RATIO} [0, 0]",)),
    (call(num_prop, [-1, 2], 5), (f"ratio of num_prop {RATIO} [-1, 2]",)),
    (call(num_prop, [1, NAN], 5), (f"ratio of num_prop {RATIO} [1, nan]",)),
    (call(num_prop, ["a", 1], 5), (f"ratio of num_prop {RATIO} ['a', 1]",)),
    (call(num_prop, [1, 2], NAN), ("N of num_prop must be a whole number >= 0, got nan",)),
    (call(decision, NAN), ("prob of decision must be probabilities in [0, 1], got nan",)),
    (call(decision, "often"), ("prob of decision", "often", "[0, 1]")),
    (
        call(decisions, [0.1, NAN]),
        ("prob of decisions must be probabilities in [0, 1], got [0.1, nan]",),
    ),
    (call(decision, 0.5, rng="x"), (f"rng of decision {SEED} 'x'", "default_rng")),
    (call(decisions, [0.5], rng=-3), (f"rng of decisions {SEED} -3",)),
    (call(pr_2_rho, 0, 0.5, 0), (f"p0 of pr_2_rho {FEASIBLE} 0",)),
    (call(pr_2_rho, 0.5, 1.0, 0.5), (f"p1 of pr_2_rho {FEASIBLE} 1.0",)),
    (call(pr_2_rho, 0.5, 0.4, 0.45), ("pr of pr_2_rho must be feasible", "0.0 to 0.4, got 0.45")),
    (call(pr_2_rho, 0.9, 0.9, 0.1), ("pr of pr_2_rho must be feasible", "0.8", "to 0.9, got 0.1")),
    (call(rho_2_pr, 1, 0.5, 0), (f"p0 of rho_2_pr {FEASIBLE} 1",)),
    (call(rho_2_pr, 0.5, NAN, 0), (f"p1 of rho_2_pr {FEASIBLE} nan",)),
    (call(rho_2_pr, 0.5, 0.5, NAN), ("rho of rho_2_pr must be a number in [-1, 1], got nan",)),
    (call(rho_2_pr, 0.5, "half", 0), (f"p1 of rho_2_pr {FEASIBLE} 'half'",)),
    (call(syn_const_delay, velocity=0), (f"velocity of syn_const_delay {VELOCITY} 0",)),
    (call(syn_const_delay, velocity="fast"), (f"velocity of syn_const_delay {VELOCITY} 'fast'",)),
    (call(syn_const_delay, fluc_stdev=-1), (f"fluc_stdev of syn_const_delay {SPREAD} -1",)),
    (call(syn_const_delay, fluc_stdev=NAN), (f"fluc_stdev of syn_const_delay {SPREAD} nan",)),
    (
        call(syn_const_delay, dist=NAN),
        ("dist of syn_const_delay must be a finite distance (um), got nan",),
    ),
    (
        call(syn_const_delay, dist=None),
        ("dist of syn_const_delay must be a finite distance (um), got None",),
    ),
    (
        call(syn_const_delay, min_delay=NAN),
        ("min_delay of syn_const_delay must be a finite number (ms), got nan",),
    ),
    (
        call(syn_const_delay, delay_bound=(2, 0.2)),
        (f"delay_bound of syn_const_delay {DELAYS} (2, 0.2)",),
    ),
    (
        call(syn_const_delay, delay_bound=None),
        (f"delay_bound of syn_const_delay {DELAYS} None",),
    ),
    (
        call(syn_const_delay, delay_bound=(0.2, NAN)),
        (f"delay_bound of syn_const_delay {DELAYS} (0.2, nan)",),
    ),
    (call(syn_const_delay, rng="x"), (f"rng of syn_const_delay {SEED} 'x'",)),
    (
        call(syn_uniform_delay_section, None, None, low=2.0, high=0.2),
        ("high of syn_uniform_delay_section must be", "number (ms) of at least 2.0, got 0.2"),
    ),
    (
        call(syn_uniform_delay_section, None, None, low=NAN),
        ("low of syn_uniform_delay_section must be a finite number (ms), got nan",),
    ),
    (
        call(syn_section_PN, None, None, p=1.2),
        ("p of syn_section_PN must be a probability in [0, 1], got 1.2",),
    ),
    (
        call(syn_section_PN, None, None, p=NAN),
        ("p of syn_section_PN must be a probability in [0, 1], got nan",),
    ),
    (
        call(syn_section_PN, None, None, p="x"),
        ("p of syn_section_PN must be a probability in [0, 1], got 'x'",),
    ),
    (call(syn_section_PN, None, None, sec_id=(1,)), (f"sec_id of syn_section_PN {SECTIONS} (1,)",)),
    (call(syn_section_PN, None, None, sec_x=0.5), (f"sec_x of syn_section_PN {SECTIONS} 0.5",)),
    (call(vectorized, 3), ("function of vectorized must be a function, got 3",)),
    (call(vectorized(bound=3), abs), ("bound of vectorized must be a function, got 3",)),
]

#: Assignments to the defaults of the module.
DEFAULTS: list[tuple[str, object, tuple[str, ...]]] = [
    ("rng", "x", (f"bmtool_connectors.rng {SEED} 'x'", "default_rng(1234)")),
    ("rng", -1, (f"bmtool_connectors.rng {SEED} -1",)),
    ("report_name", 3, ("report_name of bmtool_connectors must be a file name or None, got 3",)),
    (
        "infeasible",
        "Clip",
        (f"infeasible of bmtool_connectors {LAWS} 'Clip'",),
    ),
    (
        "infeasible",
        1,
        (f"infeasible of bmtool_connectors {LAWS} 1",),
    ),
]


def names_of(table: list[tuple[Any, ...]]) -> list[str]:
    """Return what each row is about, for the names of the tests."""
    return [f"{row[-1][0]} {k}" for k, row in enumerate(table)]


@pytest.mark.parametrize(("make", "words"), PARAMETERS, ids=names_of(PARAMETERS))
def test_parameters(make: Make, words: tuple[str, ...]) -> None:
    refused(make, ParameterError, words)


def test_no_function_is_offered_where_none_is_allowed() -> None:
    text = refused(one(n_syn=2.9), ParameterError, (f"n_syn of {O} {WHOLE} 2.9",))
    assert "function" not in text, text


@pytest.mark.parametrize(("name", "value", "words"), DEFAULTS, ids=names_of(DEFAULTS))
def test_assigned_defaults(name: str, value: object, words: tuple[str, ...]) -> None:
    before = getattr(bmtool_connectors, name)
    refused(lambda: setattr(bmtool_connectors, name, value), ParameterError, words)
    assert getattr(bmtool_connectors, name) is before, "a refused value was taken over"


def test_both_except_clauses_of_old_scripts() -> None:
    for caught in (ValueError, AssertionError, ParameterError):
        try:
            UnidirectionConnector(p=2, **QUIET)
        except caught:
            continue
        pytest.fail(f"not caught as {caught.__name__}")
    assert issubclass(NodeError, ValueError)
    assert not issubclass(NodeError, AssertionError)
    assert issubclass(ConnectivityWarning, UserWarning)


#: Parameters that do not exist; the message names the wrong one.
WRONG_NAMES: dict[str, tuple[Make, dict[str, Any]]] = {
    "UnidirectionConnector": (UnidirectionConnector, {"prob": 0.1}),
    "ReciprocalConnector": (ReciprocalConnector, {"p2": 0.1}),
    "GapJunction": (GapJunction, {"n_syn": 1}),
    "CorrelatedGapJunction": (CorrelatedGapJunction, {"p": 0.1}),
    "OneToOneSequentialConnector": (OneToOneSequentialConnector, {"p": 0.1}),
    "FileBasedConnector": (FileBasedConnector, {"filename": "good.csv", "p": 0.1}),
    "GaussianDropoff": (GaussianDropoff, {"sigma": 2.0}),
    "UniformInRange": (UniformInRange, {"pmax": 0.1}),
    "NormalizedReciprocalRate": (NormalizedReciprocalRate, {"rate": 1.0}),
    "num_prop": (num_prop, {"ratio": [1], "n": 3}),
    "decision": (decision, {"p": 0.1}),
    "setup_nodes": (UnidirectionConnector(**QUIET).setup_nodes, {"sources": None}),
    "edge_params": (UnidirectionConnector(**QUIET).edge_params, {"direction": "forward"}),
}


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_wrong_names(name: str) -> None:
    make, keywords = WRONG_NAMES[name]
    wrong = list(keywords)[-1]
    with pytest.raises(TypeError, match=rf"{wrong}\b"):
        make(**keywords)


def test_new_parameters_are_keyword_only() -> None:
    """A tenth positional argument would otherwise turn into one of them."""
    for make in (UnidirectionConnector, ReciprocalConnector, GapJunction, CorrelatedGapJunction):
        parameters = inspect.signature(make).parameters
        assert parameters["name"].kind is inspect.Parameter.KEYWORD_ONLY
    allow = inspect.signature(UnidirectionConnector).parameters["allow_autapses"]
    assert allow.kind is inspect.Parameter.KEYWORD_ONLY


# ---------------------------------------------------------------------- pools
Net: TypeAlias = Any


def a_of(net: Net) -> Any:
    return net.nodes(pop_name="A")


def b_of(net: Net) -> Any:
    return net.nodes(pop_name="B")


def set_up(connector: Any, source: Any, target: Any) -> Any:
    """Set up a connector on two pools and return it."""
    connector.setup_nodes(source=source, target=target)
    return connector


def taken_once(net: Net) -> Any:
    """Return a connector between A and B whose forward edges were taken."""
    connector = set_up(rec()(), a_of(net), b_of(net))
    connector.edge_params()
    return connector


def taken_twice(net: Net) -> Any:
    connector = taken_once(net)
    connector.edge_params()
    return connector


def correlated(net: Net, chemical: Any) -> None:
    """Set up gap junctions in A that depend on another connector."""
    set_up(cor(connector=chemical)(), a_of(net), a_of(net))


def one_to_one(net: Net, *pools_given: tuple[Any, Any]) -> None:
    connector = one()()
    for source, target in pools_given:
        connector.setup_nodes(source=source, target=target)


#: (call with a network of 6 nodes A and 4 nodes B, words): refused with NodeError.
NODES: list[tuple[Callable[[Net], object], tuple[str, ...]]] = [
    (lambda n: uni()().setup_nodes(), (f"source of {U}.setup_nodes() {POOL} None",)),
    (lambda n: uni()().setup_nodes(source=a_of(n)), (f"target of {U}.setup_nodes() {POOL} None",)),
    (lambda n: rec()().setup_nodes(target=a_of(n)), (f"source of {R}.setup_nodes() {POOL} None",)),
    (lambda n: gap()().setup_nodes(), (f"source of {G}.setup_nodes() {POOL} None",)),
    (lambda n: one()().setup_nodes(target=a_of(n)), (f"source of {O}.setup_nodes() {POOL} None",)),
    (lambda n: file()().setup_nodes(), (f"source of {F}.setup_nodes() {POOL} None",)),
    (lambda n: cor()().setup_nodes(), (f"source of {C}.setup_nodes() {POOL} None",)),
    (lambda n: con()().setup_nodes(), (f"source of {K}.setup_nodes() {POOL} None",)),
    (
        lambda n: set_up(uni()(), {"pop_name": "A"}, b_of(n)),
        (f"source of {U}.setup_nodes() {POOL} {{'pop_name': 'A'}}",),
    ),
    (lambda n: set_up(rec()(), a_of(n), list(b_of(n))), (f"target of {R}", "net.nodes(")),
    (
        lambda n: set_up(rec()(), n, b_of(n)),
        (f"source of {R}.setup_nodes() must be", "net.nodes(", ", got <"),
    ),
    (
        lambda n: set_up(uni()(), n.nodes(pop_name="Z"), b_of(n)),
        ("net: pop_name=='Z' nodes do not exist", f"source of {U} is empty", "check the filter"),
    ),
    (
        lambda n: set_up(rec()(), a_of(n), n.nodes(pop_name=["Z"])),
        ("nodes do not exist", f"target of {R} is empty", "add_nodes()"),
    ),
    (lambda n: set_up(one()(), n.nodes(pop_name="Z"), b_of(n)), (f"source of {O} is empty",)),
    (lambda n: uni()().edge_params(), (U, "no nodes yet", "setup_nodes(source=..., target=...)")),
    (lambda n: rec()().edge_params(direction="forward"), (R, "call setup_nodes(")),
    (lambda n: one()().edge_params(), (O, "call setup_nodes(")),
    (lambda n: gap()().connectivity, (G, "call setup_nodes(")),
    (lambda n: uni()().conn_prop, (U, "call setup_nodes(")),
    (lambda n: rec()().get_conn_prop(0, 1), (R, "call setup_nodes(")),
    (lambda n: rec()().make_forward_connection(*list(a_of(n))[:2]), (R, "call setup_nodes(")),
    (lambda n: cor()().recurrent, (C, "call setup_nodes(")),
    (lambda n: one()().get_nodes_info(), (O, "call setup_nodes(")),
    (
        lambda n: set_up(blo(by="layer")(), a_of(n), a_of(n)),
        (f"by of {B} is 'layer', which is None for node 0", "in add_nodes()"),
    ),
    (
        lambda n: set_up(blo(by="positions")(), a_of(n), a_of(n)),
        (f"by of {B} is 'positions', which is", "for node 0", "a number or a text"),
    ),
    (
        lambda n: set_up(blo()(), n.nodes(), n.nodes()),
        (f"p of {B} has no entry for ('A', 'B')", "'pop_name'", "missing=None"),
    ),
    (
        lambda n: set_up(blo({("A", "A"): 0.5, ("Z", "A"): 1})(), a_of(n), a_of(n)),
        (f"p of {B} has an entry for ('Z', 'A')", "no node has pop_name 'Z'", "correct the name"),
    ),
    (
        lambda n: set_up(blo(by=("pop_name", "weight"))(), a_of(n), b_of(n)),
        (f"p of {B} has no entry for ('A', 0.", "('pop_name', 'weight')"),
    ),
    (
        lambda n: set_up(blo({("A", "B"): (0.5, 0.4), ("B", "A"): (0.7, 0.4)})(), a_of(n), b_of(n)),
        (f"p['A', 'B'] of {B} makes both directions", "one pool", "use ReciprocalConnector"),
    ),
    (
        lambda n: set_up(blo({("A", "A"): (0.5, 0.4)}, by=("pop_name", "name"))(), *named(n)),
        (f"p['A', 'A'] of {B} makes both directions", "by two attributes", "one attribute"),
    ),
    (
        lambda n: set_up(blo({("A", "A"): GAUSS})(), *[make_bare(n)] * 2),
        ("p_arg of UnidirectionConnector is a distance", "pop_name=='A'", "without positions"),
    ),
    (
        lambda n: set_up(gap()(), a_of(n), b_of(n)),
        (f"source and target of {G}", "the same population", "'A'", "'B'", "pass one pool twice"),
    ),
    (lambda n: set_up(cor()(), a_of(n), b_of(n)), (f"source and target of {C}", "pass one pool")),
    (
        lambda n: taken_once(n).setup_nodes(source=a_of(n), target=a_of(n)),
        (f"setup_nodes of {R}", "backward edges from net: pop_name=='B'", "call edge_params()"),
    ),
    (
        lambda n: taken_twice(n).edge_params(),
        (f"edge_params of {R}", "both directions", "direction='forward' or 'backward'"),
    ),
    (
        lambda n: set_up(uni(p=GAUSS, p_arg=spherical_dist)(), *pools(make_network(3, 0, None))),
        (f"p_arg of {U} is a distance", "net: pop_name=='A'", "positions", "add_nodes()"),
    ),
    (
        lambda n: set_up(rec(p1=0.2, p1_arg=cylindrical_dist_z)(), a_of(n), make_bare(n)),
        (f"p1_arg of {R} is a distance", "bare: *", "positions", "add_nodes()"),
    ),
    (
        lambda n: one_to_one(n, (b_of(n), a_of(n))),
        (f"partition net: pop_name=='A' of {O} has 6 nodes", "only 4 of 4", "add nodes to it"),
    ),
    (
        lambda n: one_to_one(n, (a_of(n), b_of(n)), (None, b_of(n))),
        (f"partition net: pop_name=='B' of {O} has 4 nodes", "only 2 of 6", "add nodes to it"),
    ),
    (
        lambda n: one_to_one(n, (a_of(n), b_of(n)), (b_of(n), b_of(n))),
        (f"source of {O} was net: pop_name=='A'", "leave it out"),
    ),
    (
        lambda n: correlated(n, set_up(uni()(), b_of(n), b_of(n))),
        (f"connector of {C} connects net: pop_name=='B'", "net: pop_name=='A'", "same population"),
    ),
    (
        lambda n: correlated(n, set_up(uni()(), a_of(n), b_of(n))),
        (f"connector of {C} connects", "two populations", "within one population"),
    ),
    (
        lambda n: correlated(n, set_up(one()(), a_of(n), b_of(n))),
        (f"connector of {C} connects", "two populations", "within one population"),
    ),
    (
        lambda n: set_up(con(gap_connector=set_up(gap()(), b_of(n), b_of(n)))(), *pools(n)),
        (f"gap_connector of {K} connects net: pop_name=='B'", "same population"),
    ),
    (
        lambda n: set_up(file("elsewhere.csv")(), a_of(n), b_of(n)),
        (f"filename of {F} is 'elsewhere.csv'", "none of its 1 rows", "use_relative_ids=False"),
    ),
]


def named(net: Net) -> list[Any]:
    """Return a pool twice, in which another attribute has the same values."""
    net.add_nodes(N=2, pop_name="A", name="A", layer=1)
    return [net.nodes(layer=1)] * 2


def make_bare(net: Net) -> Any:
    """Return a pool of another network without positions."""
    return make_network(3, 0, None, name="bare").nodes()


@pytest.mark.parametrize(("act", "words"), NODES, ids=names_of(NODES))
def test_nodes(act: Callable[[Net], object], words: tuple[str, ...]) -> None:
    net = make_network(6, 4)
    refused(lambda: act(net), NodeError, words)


#: Wrong arguments of methods, after ``setup_nodes`` on A and B (6 and 4 nodes).
METHODS: list[tuple[Callable[[Net], object], tuple[str, ...]]] = [
    (
        lambda n: set_up(rec()(), a_of(n), b_of(n)).edge_params(direction="sideways"),
        (f"direction of {R}.edge_params() must be 'forward' or 'backward', got 'sideways'",),
    ),
    (
        lambda n: set_up(rec()(), a_of(n), a_of(n)).edge_params(direction="backward"),
        (f"direction of {R}.edge_params() must be 'forward', got 'backward'",),
    ),
    (
        lambda n: set_up(one()(), a_of(n), b_of(n)).edge_params(target_pop_idx=1),
        (f"target_pop_idx of {O} {PARTITION} 1",),
    ),
    (
        lambda n: set_up(one()(), a_of(n), b_of(n)).edge_params(target_pop_idx="B"),
        (f"target_pop_idx of {O} {PARTITION} 'B'",),
    ),
    (
        lambda n: set_up(rec(p0=0.2, p1=GAUSS, p0_arg=spherical_dist)(), a_of(n), b_of(n)),
        (f"p1 of {R} is {D}(", "p1_arg is None", "p1_arg=spherical_dist"),
    ),
    (
        lambda n: set_up(
            rec(pr=0.1, p0_arg=spherical_dist, dist_range_backward=(0, 9))(), a_of(n), b_of(n)
        ),
        (f"dist_range_backward of {R} is (0, 9)", "p1_arg is None", "p1_arg=spherical_dist"),
    ),
    (
        lambda n: set_up(file()(), a_of(n), b_of(n)).edge_properties(),
        (f"filename of {F} is 'good.csv'", "no columns", "add a column"),
    ),
]


@pytest.mark.parametrize(("act", "words"), METHODS, ids=names_of(METHODS))
def test_methods(act: Callable[[Net], object], words: tuple[str, ...]) -> None:
    net = make_network(6, 4)
    refused(lambda: act(net), ParameterError, words)


def test_counter_that_is_no_more() -> None:
    """``ReciprocalConnector.make_connection()`` used to count its calls."""
    net = make_network(3)
    connector = set_up(rec()(), *pools(net))
    with pytest.raises(TypeError, match=r"make_connection\(\) needs \(source, target\).*use make_"):
        connector.make_connection()


def test_connected_pair_that_is_none() -> None:
    connector = set_up(uni(p=0.0)(), *pools(make_network(3)))
    connector.initial_all_to_all()
    with pytest.raises(KeyError, match=f"{U} has no connection from node 1 to node 2"):
        connector.get_conn_prop(1, 2)


def test_too_large_for_a_dense_array() -> None:
    """The remedy is in the message, and is a method."""

    class Many:
        """Stands for 8,000 nodes."""

        network_name = "many"

        def __iter__(self) -> Iterator[Any]:
            return iter([type("Node", (), {"node_id": k})() for k in range(8000)])

    connector = set_up(uni(p=0.0)(), Many(), Many())
    words = (f"conn_mat of {U}", "8000 x 8000", "50000000", "connectivity.forward.to_csr()")
    refused(lambda: connector.conn_mat, ParameterError, words)
    assert hasattr(EdgeList, "to_csr")


# ---------------------------------------------------------------------- values of pairs
BAD = (2, 5)  #: node ids of the pair about which the user's function is wrong


class Wrong:
    """A function of two nodes, or of the key of a pair, that is wrong about one pair."""

    def __init__(self, right: Any, wrong: Any) -> None:
        self.right, self.wrong, self.corrected = right, wrong, False
        self.__name__ = "wrong"

    def answer(self, is_bad: bool) -> Any:
        return self.wrong if is_bad and not self.corrected else self.right

    def of_nodes(self, a: Any, b: Any) -> Any:
        return self.answer({a.node_id, b.node_id} == set(BAD))

    def of_key(self, pair: float, *more: Any) -> Any:
        return self.answer(pair == key_of(*BAD))


def key_of(i: int, j: int) -> float:
    """Return a number that stands for an unordered pair."""
    return 100.0 * min(i, j) + max(i, j)


def key(a: Any, b: Any) -> float:
    return key_of(a.node_id, b.node_id)


#: From the wrong function to a connector; the parameter; and who is connected.
FUNCTIONS: dict[str, tuple[Callable[[Wrong], Make], str, str]] = {
    "p": (lambda w: uni(p=w.of_key, p_arg=key), f"p of {U}", "one"),
    "p between": (lambda w: uni(p=w.of_key, p_arg=key), f"p of {U}", "two"),
    "p0": (lambda w: rec(p0=w.of_key, p0_arg=key), f"p0 of {R}", "two"),
    "p1": (lambda w: rec(p0=0.4, p1=w.of_key, p1_arg=key), f"p1 of {R}", "two"),
    "p0 within": (lambda w: rec(p0=w.of_key, p0_arg=key, pr=0.1), f"p0 of {R}", "one"),
    "p of gap": (lambda w: gap(p=w.of_key, p_arg=key), f"p of {G}", "one"),
    "p0_elec": (
        lambda w: con(p0_elec=w.of_key, p1_elec=w.of_key, p0_elec_arg=key),
        f"p0_elec of {K}",
        "ref",
    ),
    "p_non": (lambda w: cor(p_non=w.of_key, p_arg=key), f"p_non of {C}", "empty ref"),
}  # fmt: skip
COUNTS: dict[str, tuple[Callable[[Wrong], Make], str, str]] = {
    "n_syn": (lambda w: uni(n_syn=w.of_nodes), f"n_syn of {U}", "one"),
    "n_syn0": (lambda w: rec(n_syn0=w.of_nodes, pr=1.0), f"n_syn0 of {R}", "two"),
    "n_syn1": (lambda w: rec(n_syn1=w.of_nodes, pr=1.0), f"n_syn1 of {R}", "two"),
    "n_syn of a file": (lambda w: file("pairs.csv", n_syn=w.of_nodes), f"n_syn of {F}", "one"),
    "n_syn0 of conditional": (
        lambda w: con(p0_elec=1.0, p1_elec=1.0, pr_elec=1.0, n_syn0=w.of_nodes),
        f"n_syn0 of {K}",
        "ref",
    ),
}  # fmt: skip
JOINTS: dict[str, tuple[Callable[[Wrong], Make], str, str]] = {
    "pr": (lambda w: rec(p0=0.5, pr=w.of_key, pr_arg=key), f"pr of {R}", "one"),
    "pr between": (lambda w: rec(p0=0.5, p1=0.4, pr=w.of_key, pr_arg=key), f"pr of {R}", "two"),
    "pr_elec": (
        lambda w: con(pr_elec=w.of_key, pr_elec_arg=key), f"pr_elec of {K}", "ref",
    ),
}  # fmt: skip

WRONG_PROBABILITIES = {
    "nan": NAN, "None": None, "1.2": 1.2, "-0.1": -0.1, "'x'": "x", "inf": np.inf,
    "nan (NumPy)": np.float64(NAN),
}  # fmt: skip
WRONG_COUNTS = {
    "2.5": 2.5, "-1": -1, "nan": NAN, "None": None, "'x'": "x", "inf": np.inf, "[1, 2]": [1, 2],
}  # fmt: skip
WRONG_JOINTS = {"nan": NAN, "None": None, "'x'": "x"}  # other numbers are clipped and counted

VALUES = [
    *(
        (f, w, 0.5, WRONG_PROBABILITIES[w], "[0, 1]")
        for f in FUNCTIONS
        for w in WRONG_PROBABILITIES
    ),
    *((f, w, 1, WRONG_COUNTS[w], "whole number") for f in COUNTS for w in WRONG_COUNTS),
    *((f, w, 0.2, WRONG_JOINTS[w], "[0, 1]") for f in JOINTS for w in WRONG_JOINTS),
]


def prepared(make: Make, who: str, seed: int) -> tuple[Net, Any]:
    """Return a network with the edges of a connector added, and not built."""
    bmtool_connectors.rng = np.random.default_rng(seed)
    net = make_network(7, 7 if who == "two" else 0)
    source, target = pools(net)
    if who == "two":  # ids 2 and 5 are one in each pool
        source, target = net.nodes(node_id=[0, 1, 2]), net.nodes(node_id=[3, 4, 5, 6])
    if who.endswith("ref"):  # set up, and not added
        empty = who == "empty ref"
        reference = set_up(uni(p=0.0)() if empty else gap(p=1.0)(), source, target)
        connector = make(**{"connector" if empty else "gap_connector": reference})
    else:
        connector = make()
    net.add_edges(**set_up(connector, source, target).edge_params())
    if who == "two" and isinstance(connector, ReciprocalConnector):
        net.add_edges(**connector.edge_params())
    return net, connector


@pytest.mark.parametrize(
    ("function", "wrong", "right", "value", "allowed"),
    VALUES,
    ids=[f"{row[0]} is {row[1]}" for row in VALUES],
)
def test_values(function: str, wrong: str, right: Any, value: Any, allowed: str) -> None:
    """Before BMTK has stored an edge; and a corrected retry builds what it would have been."""
    Path("pairs.csv").write_text("source_node_id,target_node_id\n0,1\n2,5\n3,1\n")
    table = {**FUNCTIONS, **COUNTS, **JOINTS}
    make, name, who = table[function]
    user = Wrong(right, value)
    net, _ = prepared(make(user), who, 5)
    shown = wrong.removesuffix(" (NumPy)")
    text = refused(
        net.build,
        ParameterError,
        (f"{name} must be ", f", got {shown}", " for the pair of nodes", allowed),
    )
    assert all(str(node) in text.split("nodes")[1].split("(")[0] for node in BAD), text
    assert text.endswith(("result.", "function.")), f"what to do? {text}"
    if F not in name:
        assert "um apart" in text, text
    assert net.nedges == 0
    user.corrected = True
    net.build()
    other, _ = prepared(make(Wrong(right, right)), who, 5)
    other.build()
    assert built_edges(net) == built_edges(other)
    assert net.nedges > 1


@vectorized
def too_long(*args: Any) -> Any:
    return np.full(len(args[0]) + 1 if hasattr(args[0], "__len__") else 3, 0.1)


@vectorized
def of_nodes_too_long(a: Any, b: Any) -> Any:
    return np.ones(len(a.node_id) + 1)


@vectorized
def half_wrong(arg: Any, *more: Any) -> Any:
    return np.where(arg == key_of(*BAD), 1.5, 0.5)


@vectorized
def keys(a: Any, b: Any) -> Any:
    return 100.0 * np.minimum(a.node_id, b.node_id) + np.maximum(a.node_id, b.node_id)


#: (connector, words): what functions on arrays may do wrong.
ARRAYS: list[tuple[Make, tuple[str, ...]]] = [
    (uni(p=too_long, p_arg=keys), (f"p of {U}", "@vectorized", "shape (50,) for 49", "(49,)")),
    (uni(p_arg=of_nodes_too_long), (f"p_arg of {U}", "@vectorized", "shape (50,)")),
    (uni(n_syn=of_nodes_too_long), (f"n_syn of {U}", "@vectorized", "shape (50,)")),
    (gap(p=too_long, p_arg=keys), (f"p of {G}", "@vectorized", "shape (22,) for 21")),
    (rec(p0=too_long, p0_arg=keys), (f"p0 of {R}", "@vectorized", "shape (22,) for 21")),
    (rec(p0=0.5, pr=too_long, pr_arg=keys), (f"pr of {R}", "@vectorized", "shape (22,)")),
    (
        uni(p=half_wrong, p_arg=keys),
        (f"p of {U} must be a probability in [0, 1], got 1.5 for the pair of nodes 2 and 5",),
    ),
]


@pytest.mark.parametrize(("make", "words"), ARRAYS, ids=names_of(ARRAYS))
def test_vectorized_functions(make: Make, words: tuple[str, ...]) -> None:
    net, _ = prepared(make, "one", 3)
    refused(net.build, ParameterError, words)
    assert net.nedges == 0


#: (p_arg of a distance law, what it gives): a profile cannot be asked about it.
@pytest.mark.parametrize("value", [None, "far", [1.0, 2.0], {}], ids=repr)
@pytest.mark.parametrize("kind", [uni, gap])
def test_argument_that_is_no_distance(value: Any, kind: Callable[..., Make]) -> None:
    user = Wrong(30.0, value)
    name = kind()().__class__.__name__
    net, _ = prepared(kind(p=GAUSS, p_arg=user.of_nodes), "one", 3)
    refused(net.build, ParameterError, (f"of {name}", "p_arg", repr(value), "nodes 2 and 5"))
    assert net.nedges == 0
    user.corrected = True
    net.build()
    assert net.nedges > 0


def test_reference_that_was_never_set_up() -> None:
    net = make_network(5)
    connector = set_up(cor(connector=uni()())(), *pools(net))
    net.add_edges(**connector.edge_params())
    refused(net.build, NodeError, (U, "no nodes yet", "call setup_nodes("))
    assert net.nedges == 0
    set_up(connector.connector, *pools(net))
    net.build()
    assert net.nedges == 10


@pytest.mark.parametrize("value", [np.zeros((2, 2)), list(range(10_000))], ids=["2-d", "long"])
@pytest.mark.parametrize("name", ["p", "n_syn", "rng", "report_name", "name"])
def test_messages_stay_one_line(name: str, value: Any) -> None:
    """Whatever a parameter got: the repr of an array has line breaks, that of a list no end."""
    with pytest.raises(ParameterError, match=rf"^{name} of {U} must be ") as caught:
        UnidirectionConnector(**{**QUIET, name: value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_user_errors_pass_through() -> None:
    """An exception of a user's function is the user's: type, text and traceback."""

    def p(arg: Any) -> float:
        raise ZeroDivisionError("mine")

    net, _ = prepared(uni(p=p, p_arg=key), "one", 3)
    with pytest.raises(ZeroDivisionError, match=r"^mine$") as caught:
        net.build()
    assert caught.traceback[-1].name == "p"
    assert net.nedges == 0


@pytest.mark.parametrize("rounding", [1e-12, -1e-12])
def test_rounding_is_no_error(rounding: float) -> None:
    value = 1 + rounding if rounding > 0 else rounding
    for make in (uni(p=value), uni(p=lambda arg: value), rec(p0=value, pr=None)):
        net, connector = prepared(make, "one", 3)
        net.build()
        forward = connector.connectivity.forward
        expected = 0 if rounding < 0 else 42 if isinstance(connector, ReciprocalConnector) else 49
        assert len(forward) == expected


# ---------------------------------------------------------------------- junk
def returns(value: Any) -> Callable[..., Any]:
    """Return a function of anything that gives `value`."""

    def junk(*args: Any, **kwargs: Any) -> Any:
        return value

    return junk


NO_FUNCTIONS: list[Any] = [
    None, True, False, 0, 1, 2, -1, 300, 10**20, 10**400, 0.5, 1.0, -0.5, 1.2, NAN, np.inf, -np.inf,
    1e-320, "", "junk", "0", "1", b"bytes", 1j, [], [0.5], [0.1, 0.9], (), (0, 1), (1, 0),
    (0.2, "x"), range(0), range(3), np.array(0.3), np.array([0.5]), np.array([0.1, 0.2, 0.3]),
    np.zeros((2, 2)), np.array(["a", "b"]), np.float64(0.4), np.int64(2), {}, {"a": 1}, object(),
]  # fmt: skip
JUNK: list[Any] = [
    *NO_FUNCTIONS,
    *map(returns, [None, NAN, -np.inf, -1, 0.5, 1.2, "junk", 1j, [0.1, 0.9], np.zeros((2, 2)), {}]),
]

ALLOWED = (ParameterError, NodeError)


@dataclass(frozen=True)
class Subject:
    """A public constructor or function.

    Attributes
    ----------
    make : callable
    keywords : dict
        Arguments with which it works.
    use : callable
        What is done with the result.
    more : tuple of str
        Keywords that go through ``**kwargs``.
    """

    make: Callable[..., Any]
    keywords: dict[str, Any]
    use: Callable[[Any], None]
    more: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Parameters to be given junk."""
        parameters = inspect.signature(self.make).parameters.values()
        return [p.name for p in parameters if p.kind is not p.VAR_KEYWORD] + [*self.more]

    def run(self, junk: dict[str, Any]) -> None:
        """Make and use it with junk; anything but the errors of the package comes out."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConnectivityWarning)
            try:
                self.use(self.make(**{**self.keywords, **junk}))
            except ALLOWED as error:
                assert str(error).endswith(".")  # noqa: PT017


def build_within(connector: Any) -> None:
    """Build a connector within one population, with the edges it depends on."""
    net = make_network(4)
    population, _ = pools(net)
    for other in (getattr(connector, name, None) for name in ("connector", "gap_connector")):
        if other is not None and other._use is None:
            net.add_edges(**set_up(other, population, population).edge_params())
    build(net, connector, population, population)


def build_between(connector: Any) -> None:
    net = make_network(4, 3)
    build(net, connector, *pools(net))


def build(net: Net, connector: Any, source: Any, target: Any) -> None:
    """Build a connector on stock BMTK, in all its directions, and look at what it shows."""
    net.add_edges(**set_up(connector, source, target).edge_params())
    if connector.iterators.get("backward") and not connector.recurrent:
        net.add_edges(**connector.edge_params())
    net.build()
    assert connector.conn_prop is not None
    assert repr(connector).startswith(type(connector).__name__)


def use_matrix(connector: Any) -> None:
    build_between(connector)
    if connector.columns:
        assert connector.edge_properties()["names"]


def use_blocks(table: Any) -> None:
    assert BlockConnector(table, **QUIET).vars["p"] == table


def use_profile(profile: Any) -> None:
    assert 0 <= profile(1.0) <= 1
    assert profile.decisions(np.array([0.0, 1.0, 2.0]), rng=1).shape == (3,)
    assert profile.bound(0, 1) >= profile(1.0)
    assert repr(profile)


def use_rate(rate: Any) -> None:
    assert rate.decisions([1.0, 2.0], 0.1, 0.2, rng=1).dtype == bool
    assert repr(rate)


def use_rule(rule: Any) -> None:
    """Call a rule, and evaluate it at once."""
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=3, positions=list(np.eye(3)))
    first, second, _ = net.nodes()
    assert np.isfinite(rule(first, second)).all()
    net.add_edges(connection_rule=2).add_properties(**rule.properties())
    net.build()
    assert repr(rule).startswith(type(rule).__name__)


def use_law(law: Any) -> None:
    assert np.isfinite(law.rvs(3, random_state=1)).all()
    assert repr(law)


def nothing_more(result: Any) -> None:
    pass


def subjects() -> dict[str, Subject]:
    """Return every public constructor and function, with arguments that work."""
    joint = {"p0": 0.3, "p1": 0.3, "pr": 0.1, **QUIET}
    lawful = {
        **{"p0": GAUSS, "p0_arg": spherical_dist, "p1": GAUSS, "p1_arg": spherical_dist},
        **{"pr": NormalizedReciprocalRate(2.0), "pr_arg": "0", **QUIET},
    }
    conditional = {
        **{"p0_elec": 0.5, "p1_elec": 0.5, "pr_elec": 0.25, "p0_nonelec": 0.2, "p1_nonelec": 0.2},
        **{"pr_nonelec": 0.05, **QUIET},
    }
    nodes = list(make_network(2).nodes())
    synapse = {"source": nodes[0], "target": nodes[1]}
    delays = ("min_delay", "velocity", "fluc_stdev", "delay_bound")

    return {
        "unidirection": Subject(UnidirectionConnector, QUIET, build_within),
        "unidirection, distance": Subject(
            UnidirectionConnector, {"p": GAUSS, "p_arg": spherical_dist, **QUIET}, build_between
        ),
        "reciprocal": Subject(ReciprocalConnector, joint, build_within),
        "reciprocal, two populations": Subject(ReciprocalConnector, joint, build_between),
        "reciprocal, functions": Subject(ReciprocalConnector, lawful, build_between),
        "gap junction": Subject(GapJunction, QUIET, build_within),
        "correlated gap junction": Subject(
            lambda **k: CorrelatedGapJunction(**{"connector": uni(p=0.5)(), **k}),
            QUIET,
            build_within,
            tuple(inspect.signature(CorrelatedGapJunction).parameters),
        ),
        "conditional": Subject(
            lambda **k: GapJunctionConditionalReciprocalConnector(
                **{"gap_connector": gap(p=0.5)(), **k}
            ),
            conditional,
            build_within,
            tuple(inspect.signature(GapJunctionConditionalReciprocalConnector).parameters),
        ),
        "one to one": Subject(OneToOneSequentialConnector, {"verbose": False}, build_between),
        "file": Subject(
            FileBasedConnector, {"filename": "good.csv", "verbose": False}, build_within
        ),
        "all to all": Subject(AllToAllConnector, QUIET, build_within),
        "one to one, simple": Subject(
            OneToOneConnector, {**QUIET, "mode": "circular"}, build_between
        ),
        "matrix": Subject(
            MatrixConnector,
            {"matrix": [[0, 1, 2]] * 4, "orientation": "source_rows", **QUIET},
            use_matrix,
        ),
        "in-degree": Subject(FixedInDegreeConnector, {"in_degree": 2, **QUIET}, build_within),
        "in-degree, distribution": Subject(
            FixedInDegreeConnector, {"in_degree": stats.binom(2, 0.5), **QUIET}, build_between
        ),
        "out-degree": Subject(FixedOutDegreeConnector, {"out_degree": 2, **QUIET}, build_between),
        "out-degree, multapses": Subject(
            FixedOutDegreeConnector,
            {"out_degree": 2, "allow_multapses": True, **QUIET},
            build_within,
        ),
        "total": Subject(FixedTotalNumberConnector, {"n": 3, **QUIET}, build_within),
        "poisson": Subject(PairwisePoissonConnector, {"mean": 0.5, **QUIET}, build_within),
        "blocks": Subject(BlockConnector, {"p": {("A", "A"): (0.5, 0.4)}, **QUIET}, build_within),
        "blocks, table": Subject(
            BlockConnector,
            {
                **{"p": [[0.1, GAUSS], [FixedInDegreeConnector(2), None]], "values": ["A", "B"]},
                **{"orientation": "source_rows", **QUIET},
            },
            build_between,
        ),
        "excitatory_inhibitory_blocks": Subject(excitatory_inhibitory_blocks, {}, use_blocks),
        "modular_blocks": Subject(modular_blocks, {"modules": ["A", "B"]}, use_blocks),
        "hierarchical_blocks": Subject(hierarchical_blocks, {"levels": ["A", "B"]}, use_blocks),
        "core_periphery_blocks": Subject(core_periphery_blocks, {}, use_blocks),
        "UniformInRange": Subject(UniformInRange, {}, use_profile),
        "GaussianDropoff": Subject(GaussianDropoff, {}, use_profile),
        "GaussianDropoff, ptotal": Subject(
            GaussianDropoff, {"ptotal": 0.1, "ptotal_dist_range": (0, 2.0)}, use_profile
        ),
        "NormalizedReciprocalRate": Subject(NormalizedReciprocalRate, {}, use_rate),
        "WeightRule": Subject(WeightRule, {"distribution": 1.0}, use_rule),
        "WeightRule, distance": Subject(
            WeightRule, {"distribution": lognormal(1, 1), "modulation": GAUSS}, use_rule
        ),
        "DelayRule": Subject(
            DelayRule, {"velocity": 300.0, "fixed": 1.0, "jitter": stats.norm()}, use_rule
        ),
        "PlacementRule": Subject(PlacementRule, {"section_id": [1, 2]}, use_rule),
        "properties": Subject(
            lambda rule, add_nsyns=True: properties(rule, add_nsyns=add_nsyns),
            {"rule": DelayRule(fixed=1)},
            nothing_more,
        ),
        "lognormal": Subject(lognormal, {"mean": 1.0, "std": 1.0}, use_law),
        "truncated": Subject(truncated, {"distribution": stats.norm(), "low": 0.0}, use_law),
        "clipped": Subject(clipped, {"distribution": stats.norm(), "low": 0.0}, use_law),
        "mixture": Subject(mixture, {"distributions": [1.0, stats.norm()]}, use_law),
        "num_prop": Subject(num_prop, {"ratio": [1, 2], "N": 5}, nothing_more),
        "decision": Subject(decision, {"prob": 0.5}, nothing_more),
        "decisions": Subject(decisions, {"prob": [0.5]}, nothing_more),
        "pr_2_rho": Subject(pr_2_rho, {"p0": 0.5, "p1": 0.5, "pr": 0.25}, nothing_more),
        "rho_2_pr": Subject(rho_2_pr, {"p0": 0.5, "p1": 0.5, "rho": 0.25}, nothing_more),
        "syn_const_delay": Subject(syn_const_delay, synapse, nothing_more),
        "syn_dist_delay_feng": Subject(syn_dist_delay_feng, synapse, nothing_more),
        "syn_section_PN": Subject(syn_section_PN, synapse, nothing_more),
        "syn_uniform_delay_section": Subject(syn_uniform_delay_section, synapse, nothing_more),
        "syn_const_delay_feng_section_PN": Subject(
            syn_const_delay_feng_section_PN, synapse, nothing_more, (*delays, "dist")
        ),
        "syn_dist_delay_feng_section_PN": Subject(
            syn_dist_delay_feng_section_PN, synapse, nothing_more, (*delays, "connector")
        ),
    }


SUBJECTS = subjects()


def problem(subject: Subject, junk: dict[str, Any]) -> str | None:
    """Return what came out of a subject that should not have, or None."""
    try:
        subject.run(junk)
    except (Exception, Warning) as error:
        given = ", ".join(f"{name}={shown(value)}" for name, value in junk.items())
        return " ".join(f"{given}: {type(error).__name__}: {error}".split())
    return None


def shown(value: Any) -> str:
    """Return junk as it is written in a report."""
    if callable(value) and not isinstance(value, type):
        return f"lambda *a: {value()!r}"
    return repr(value)


@pytest.mark.parametrize(
    ("subject", "name"), [(key, name) for key, each in SUBJECTS.items() for name in each.names]
)
def test_one_parameter_is_junk(subject: str, name: str) -> None:
    found = [problem(SUBJECTS[subject], {name: value}) for value in JUNK]
    found = [each for each in found if each is not None]
    assert not found, "\n".join([f"{len(found)} of {len(JUNK)}, among them", *found[:6]])


NUMBERS = st.one_of(
    st.integers(-3, 400), st.floats(), st.floats(0, 1), st.booleans(), st.just(10**20)
)
TEXTS = st.one_of(
    st.text("ab01p .\n\0", max_size=3), st.sampled_from(["sparse", "pairwise", "spherical", "0"])
)
PLAIN = st.one_of(st.none(), NUMBERS, TEXTS, st.builds(object))
NESTED = st.one_of(
    st.lists(PLAIN, max_size=3),
    st.lists(PLAIN, max_size=3).map(tuple),
    st.builds(range, st.integers(-3, 3), st.integers(-3, 3)),
    st.lists(st.floats(-1, 2), max_size=4).map(np.array),
    st.lists(TEXTS, max_size=2).map(np.array),
    st.floats(0, 1).map(np.float64),
    st.integers(0, 3).map(np.int64),
)
JUNK_VALUES = st.one_of(PLAIN, NESTED, st.one_of(PLAIN, NESTED).map(returns))


def test_an_array_among_numbers_is_none() -> None:
    """In each version of NumPy, also those that would take an array of one number."""
    values = np.array([1.0, np.array([2.0]), None, "3"], dtype=object)
    assert floats(values) == pytest.approx([1.0, np.nan, np.nan, np.nan], nan_ok=True)


@pytest.mark.parametrize("name", SUBJECTS)
@settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_some_parameters_are_junk(name: str, data: st.DataObject) -> None:
    subject = SUBJECTS[name]
    some = data.draw(st.lists(st.sampled_from(subject.names), min_size=1, max_size=3, unique=True))
    junk = {each: data.draw(JUNK_VALUES, label=each) for each in some}
    assert problem(subject, junk) is None


def test_junk_can_fail() -> None:
    """The sweep sees other errors, and warnings that are not the package's own."""
    subject = Subject(lambda **k: warnings.warn("odd", UserWarning, stacklevel=1), {}, print)
    assert problem(subject, {}) == ": UserWarning: odd"
    assert problem(Subject(int, {}, nothing_more), {"x": 1}) is not None
    assert problem(Subject(UnidirectionConnector, QUIET, build_within), {"p": 0.5}) is None
    assert problem(Subject(UnidirectionConnector, QUIET, build_within), {"p": 2}) is None
