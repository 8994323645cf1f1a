"""Everything that ``docs/migration.md`` says, run; what it says of bmtool with ``-m peer``."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import bmtk.builder
import h5py
import numpy as np
import pytest
from conftest import QUIET, built_edges, make_network, pools

import bmtool_connectors
from bmtool_connectors import (
    ConnectivityWarning,
    NetworkBuilder,
    NodeError,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    WeightRule,
    cli,
    compare,
    lognormal,
    spherical_dist,
)
from bmtool_connectors.sampling import choice

Module = Any  #: bmtool_connectors or bmtool.connectors

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "migration.md").read_text(encoding="utf-8")

#: Statements of the page by their first words, and the tests that run them: of this module, or
#: of others, ``module::test``.
STATEMENTS = {
    "| `from bmtool import connectors`": "test_imports test_imports_there",
    "| `from bmtool.connectors import": "test_imports test_imports_there",
    "| `import connectors`": "test_imports test_imports_there",
    "| `from bmtk.builder import": "test_imports test_files_of_bmtk",
    "| `BioNetBuilder(name)`": "test_network::test_other_builders",
    "`connectors` has the names of bmtool's": """test_generator_of_the_module
        test_project::test_old_module test_configured::test_module""",
    "| `import bmtool.connectors`": "test_imports test_imports_there",
    "With a generator in the same state": "test_peer::test_same_network test_exit_codes",
    "## A network that was published": """test_published test_published_there
        test_infeasible::test_any_parameters_there test_infeasible::test_refused
        test_infeasible::test_one_warning_says_by_how_much test_infeasible::test_expected
        test_infeasible::test_the_law_that_is_drawn_is_saved""",
    "- `build()` a second time": "test_builds",
    "- `edges()` and `save()` work": "test_after_a_save",
    "- Nodes added after": "test_nodes_added_later",
    "- Values of the `syn_*` helpers": """test_network::test_helpers_follow_a_shared_generator
        test_network::test_streams_of_their_own test_row_order""",
    "- `save()` replaces files": """test_sonata::test_no_overwriting test_sonata::test_failures
        test_sonata::test_names_for_one_of_many_files test_sonata::test_imported_nodes
        test_row_order""",
    "- A property `nsyns`": "test_nsyns",
    "- What a rule must not give": """test_network::test_no_number_of_synapses
        test_network::test_values_that_do_not_fit""",
    "- **Clipping.**": "test_far_apart test_clipping_there",
    "- **`pr` not passed**": "test_omitted_pr test_omitted_pr_there",
    "- **`pr_arg='1'`**": "test_arguments test_arguments_there",
    "- **`ptotal_dist_range=range(a, b)`**": "test_range test_range_there",
    "- **Synapse counts**": "test_counts test_counts_there",
    "- **`CorrelatedGapJunction`**": "test_gap_junctions test_gap_junctions_there",
    "- **`GapJunctionConditionalReciprocalConnector`**": "test_conditional_there",
    "- **Overlapping pools**": "test_overlapping_and_autapses_there",
    "- **More than 200,000,000 pairs**": "test_limit test_infeasible::test_always_pairwise",
    "- **Distances exactly on a cut-off**": "test_single_precision test_single_precision_there",
    "- **`min_delay`**": "test_min_delay test_min_delay_there",
    "## Weights drawn when a simulator": "test_row_order",
    "- Errors come earlier": "test_errors test_errors_there",
    "- Text instead of numbers": "test_refused",
    "- Warnings are `ConnectivityWarning`": "test_warnings",
    "- `connector.vars` and": "test_vars test_vars_there",
    "- `verbose`, `save_report` and": """test_configured::test_every_parameter
        test_configured::test_vars test_configured::test_rng test_configured::test_flags
        test_configured::test_report test_configured::test_rng_after_the_draw
        test_configured::test_copies_of_vars_are_the_users""",
    "- A subclass that overrides": "test_configured::test_look_ups_cannot_be_overridden",
    "- The order in which forward": "test_order test_order_there",
    "- `conn_prop` is read-only": "test_conn_prop",
}


def statements() -> list[str]:
    """Return the rows, items, paragraphs of their own and titled sections of the page."""
    code = re.compile(r"^( *)```.*?^ *```$", re.MULTILINE | re.DOTALL)
    lines = code.sub("", PAGE).splitlines()
    bodies = [line for line in lines if re.match(r"\| `|- ", line)]
    return bodies + [f"## {title}" for title in re.findall(r"^## (.*)$", PAGE, re.MULTILINE)]


@cache
def defined(module: str) -> set[str]:
    """Return the names of the functions of a test module, and of its classes."""
    (path,) = TESTS.rglob(f"{module}.py")
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def test_every_statement_is_run() -> None:
    with_items = {"## Where our NetworkBuilder differs", "## Where the edges differ"}
    with_items.add("## What scripts may notice")
    for statement in set(statements()) - with_items:
        assert any(statement.startswith(begin) for begin in STATEMENTS), statement
    for begin, tests in STATEMENTS.items():
        assert f"\n{begin}" in PAGE, begin
        for name in tests.split():
            module, _, test = name.rpartition("::")
            assert test in defined(module or "test_migration"), name


@pytest.fixture(scope="module")
def predecessor() -> Module:
    """Return ``bmtool.connectors``; a failure and no skip when it is not there."""
    try:
        return importlib.import_module("bmtool.connectors")
    except ImportError as error:
        pytest.fail(f"bmtool.connectors cannot be imported ({error}); install bmtool==0.8.7.")


def quietly(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function; warnings of ours do not matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        return function(*args, **options)


# ---------------------------------------------------------------------- the way in
def cells(column: int) -> list[str]:
    """Return what stands in backticks in a column of the tables."""
    rows = re.findall(r"^\| (`.*) \| (`.*) \|$", PAGE, re.MULTILINE)
    return [re.findall(r"`([^`]+)`", row[column])[0] for row in rows]


def test_imports() -> None:
    for statement in cells(1):
        if "import" in statement:
            names: dict[str, Any] = {}
            exec(statement, names)
            assert len(names) > 1


@pytest.mark.peer
def test_imports_there(predecessor: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(predecessor.__file__).parent)
    for statement in cells(0):
        if "import" in statement:
            exec(statement, {})
    monkeypatch.delitem(sys.modules, "connectors")


def saved_network(make: Callable[[str], Any], folder: Path, weights: Any = None) -> Path:
    """Build and save a network with several edge types and properties per synapse."""
    bmtool_connectors.rng = rng = np.random.default_rng(1)
    net = make("net")
    for name in ("A", "B"):
        net.add_nodes(N=40, pop_name=name, positions=list(rng.uniform(0, 100, (40, 3))))
    for source, target in ("AB", "BB", "AA", "BA"):
        connector = UnidirectionConnector(p=0.4, **QUIET)
        connector.setup_nodes(net.nodes(pop_name=source), net.nodes(pop_name=target))
        edges = net.add_edges(syn_weight=1.0, weight_sigma=0.3, **connector.edge_params())
        if weights is not None:
            edges.add_properties(**weights.properties())
    net.build()
    net.save(output_dir=str(folder))
    return folder


def test_files_of_bmtk(tmp_path: Path) -> None:
    """Both builders save the same network."""
    wanted = saved_network(bmtk.builder.NetworkBuilder, tmp_path / "stock")
    found = saved_network(NetworkBuilder, tmp_path / "ours")
    assert compare(wanted, found).equal


def test_generator_of_the_module() -> None:
    """For connectors made after it was assigned, through whatever name the module has."""
    from bmtool_connectors import connectors

    drawn = []
    for owner in (connectors, bmtool_connectors):
        owner.rng = np.random.default_rng(1234)
        connector = connectors.UnidirectionConnector(p=0.3, **QUIET)
        connector.setup_nodes(*pools(make_network(20, 20)))
        connector.initial_all_to_all()
        drawn.append(connector.connectivity.forward.to_dense())
    assert np.array_equal(*drawn)


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = saved_network(bmtk.builder.NetworkBuilder, tmp_path / "before")
    after = saved_network(NetworkBuilder, tmp_path / "after")
    assert cli.main(["diff", str(before), str(after)]) == 0
    other = saved_network(NetworkBuilder, tmp_path / "other", WeightRule(lognormal(1.0, 0.3)))
    assert cli.main(["diff", str(before), str(other)]) == 1
    assert cli.main(["diff", str(before), str(tmp_path / "nowhere")]) == 2
    capsys.readouterr()


# ---------------------------------------------------------------------- a published network
def blocks() -> list[str]:
    """Return the blocks of Python code, those within an item too."""
    found = re.findall(r"^( *)```python\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


def block(word: str) -> str:
    """Return the block with a word in it."""
    (found,) = (code for code in blocks() if word in code)
    return found


def test_published() -> None:
    exec(block("infeasible"), {})
    assert bmtool_connectors.infeasible == "bmtool"
    assert ReciprocalConnector(p0=0.3, pr=0.1).infeasible == "bmtool"


def drawn(module: Module, make: Callable[[Module], Any], net: Any) -> Any:
    """Return a connector of a module after its draw, from a generator in a known state."""
    before, module.rng = module.rng, np.random.default_rng(5)
    try:
        connector = make(module)
        connector.setup_nodes(*pools(net))
        if hasattr(connector, "initial_all_to_all"):
            quietly(connector.initial_all_to_all)
        else:  # bmtool's one-way connectors draw while BMTK asks
            for one in connector.source:
                for other in connector.target:
                    connector.make_connection(one, other)
    finally:
        module.rng = before
    return connector


def connected(connector: Any) -> list[set[tuple[int, int]]]:
    """Return the connected pairs of node ids, by direction."""
    found = connector.conn_prop
    tables = found if isinstance(found, list) else [found]
    return [{(s, t) for s, row in table.items() for t in row} for table in tables]


def reciprocal(pairs: set[tuple[int, int]]) -> int:
    """Return the number of pairs of one population that are connected both ways."""
    return sum(pair[::-1] in pairs for pair in pairs) // 2


@pytest.mark.peer
def test_published_there(predecessor: Module) -> None:
    """After an infeasible pair all is another network, but for ``infeasible='bmtool'``."""

    def built(module: Module, infeasible: str | None) -> list[Any]:
        option = {} if infeasible is None else {"infeasible": infeasible}
        module.rng = np.random.default_rng(7)
        net = make_network(30, 20, seed=3)

        def counts(a: Any, b: Any) -> int:
            return 1 + int(3 * module.rng.random())

        first = {"p0": 0.5, "p1": 0.1, "pr": 0.2, "n_syn0": counts, "n_syn1": counts, **option}
        recipes = [
            ("A", "B", module.ReciprocalConnector, first),
            ("B", "A", module.UnidirectionConnector, {"p": 0.2}),
            ("A", "A", module.ReciprocalConnector, {"p0": 0.2, "pr": 0.05}),
        ]
        for source, target, connector_class, parameters in recipes:
            connector = connector_class(**parameters, **QUIET)
            connector.setup_nodes(*(net.nodes(pop_name=name) for name in (source, target)))
            net.add_edges(**connector.edge_params())
        quietly(net.build)
        return built_edges(net)

    wanted = built(predecessor, None)
    assert built(bmtool_connectors, "bmtool") == wanted
    found = built(bmtool_connectors, "clip")
    kinds = sorted({edge[0] for edge in wanted})
    assert len(kinds) == 3
    for kind in kinds:
        edges = [{edge for edge in each if edge[0] == kind} for each in (found, wanted)]
        assert edges[0] != edges[1]


# ---------------------------------------------------------------------- where the edges differ
def far(module: Module) -> Any:
    """Return a connector with a cylindrical p0 and a spherical p1."""
    p0 = module.GaussianDropoff(stdev=80.0, pmax=0.4, max_dist=300, dist_type="cylindrical")
    p1 = module.GaussianDropoff(stdev=100.0, pmax=0.4, max_dist=300)
    args = {"p0_arg": module.cylindrical_dist_z, "p1_arg": module.spherical_dist}
    return module.ReciprocalConnector(p0=p0, p1=p1, **args, pr=0.08, **QUIET)


def column() -> Any:
    """Return a network of cells at depths of 0 to 600 um."""
    rng, net = np.random.default_rng(1234), bmtk.builder.NetworkBuilder("net")
    for name, n in (("A", 150), ("B", 50)):
        net.add_nodes(
            N=n, pop_name=name, positions=list(rng.uniform(0, 1, (n, 3)) * [150, 150, 600])
        )
    return net


def test_far_apart() -> None:
    """The infeasible pairs are those far apart, and p0 and p1 hold."""
    connector = drawn(bmtool_connectors, far, column())
    use, rho = connector.use, connector.rho
    way = use.source.positions[:, None] - use.target.positions[None]
    dist = np.linalg.norm(way, axis=-1)
    p0 = np.vectorize(connector.vars["p0"])(np.linalg.norm(way[..., :2], axis=-1))
    p1 = np.vectorize(connector.vars["p1"])(dist)
    pr = p0 * p1 + rho * np.sqrt(p0 * (1 - p0) * p1 * (1 - p1))
    valid = (p0 > 0) & (p1 > 0)
    infeasible = valid & (pr > np.minimum(p0, p1) + 1e-9)
    assert infeasible.sum() == connector.connectivity.clipped > 500
    assert dist[infeasible].min() > np.median(dist[valid])
    n = len(connector.connectivity.backward)
    assert abs(n - p1.sum()) < 5 * (p1 * (1 - p1)).sum() ** 0.5


def reciprocal_of(module: Module, **parameters: Any) -> Any:
    """Return a connector of a module."""
    return module.ReciprocalConnector(**parameters, **QUIET)


@pytest.mark.peer
def test_clipping_there(predecessor: Module) -> None:
    """p1 is 0.1 and comes out as 0.2; without one rho only a negative pr changes it."""
    net = make_network(60, 50)
    wanted = {"p0": 0.5, "p1": 0.1}
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"pr": 0.2}, False), ({"rho": 0.9}, False),
        ({"pr": 0.2, "estimate_rho": False}, True),
        ({"pr": lambda arg, p0, p1: 0.9}, True), ({"pr": lambda arg, p0, p1: -0.3}, False),
    ]  # fmt: skip
    for more, same in cases:
        make = partial(reciprocal_of, **wanted, **more)
        there, here = (drawn(module, make, net) for module in (predecessor, bmtool_connectors))
        assert (connected(there) == connected(here)) == same
        n_there, n_here = (len(connected(each)[1]) for each in (there, here))
        assert abs(n_here - 300) < 5 * (3000 * 0.09) ** 0.5
        assert same or n_there > 450


def omitted(module: Module, **options: Any) -> tuple[int, int]:
    """Run the script of the page with a module; return numbers of edges and reciprocal pairs."""
    code = ast.parse(block("add_nodes"))
    names = {"connectors": module, "np": np}
    before = module.rng
    for node in code.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "connector":
            assert isinstance(node.value, ast.Call)
            given = {**QUIET, **options}
            node.value.keywords += [
                ast.keyword(name, ast.Constant(value)) for name, value in given.items()
            ]
    quietly(exec, compile(ast.fix_missing_locations(code), "migration.md", "exec"), names)
    module.rng = before
    (pairs, *_) = connected(names["connector"])
    return len(pairs), reciprocal(pairs)


def said_of_omitted() -> list[tuple[int, int]]:
    """Return the numbers that the page gives: bmtool's, ours, as bmtool's, independent."""
    (item,) = re.findall(r"^- \*\*`pr` not passed\*\*.*?```", PAGE, re.MULTILINE | re.DOTALL)
    numbers = [int(n) for n in re.findall(r"\b\d+\b", item.partition("In the script below")[2])]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_omitted_pr() -> None:
    _, *said = said_of_omitted()
    options: list[dict[str, Any]] = [{}, {"infeasible": "bmtool"}, {"pr": None}]
    assert [omitted(bmtool_connectors, **each) for each in options] == said
    with pytest.warns(ConnectivityWarning, match="means no reciprocal pairs"):
        ReciprocalConnector(p0=0.3, **QUIET)


@pytest.mark.peer
def test_omitted_pr_there(predecessor: Module) -> None:
    assert omitted(predecessor) == said_of_omitted()[0]
    assert omitted(predecessor, pr=0.0) == said_of_omitted()[0]


def seen_by_pr(module: Module) -> set[float]:
    """Return the arguments that a pr gets with ``pr_arg='1'`` within one population."""
    seen = set()

    def pr(dist: float, p0: float, p1: float) -> float:
        seen.add(float(dist))
        return p0 * p1

    laws = {"p0": 0.3, "p0_arg": module.spherical_dist, "pr": pr, "pr_arg": "1"}
    drawn(module, lambda m: m.ReciprocalConnector(**laws, **QUIET), make_network(8))
    return seen


def share_of_symmetric(module: Module) -> float:
    """Return the share of backward connections with p0 = 0.1 and ``symmetric_p1`` alone."""
    laws = {"p0": 0.1, "symmetric_p1": True, "pr": 0.0, "estimate_rho": False}
    made = drawn(module, lambda m: m.ReciprocalConnector(**laws, **QUIET), make_network(30, 30))
    return len(connected(made)[1]) / 900


def test_arguments() -> None:
    assert len(seen_by_pr(bmtool_connectors)) == 28
    assert share_of_symmetric(bmtool_connectors) < 0.2


@pytest.mark.peer
def test_arguments_there(predecessor: Module) -> None:
    assert seen_by_pr(predecessor) == {0.0}
    assert share_of_symmetric(predecessor) == 1.0


def peaks(module: Module) -> list[float]:
    """Return peaks of Gaussians, with a range and with a tuple."""
    options = {"stdev": 78.0, "ptotal": 0.1, "max_dist": 300}
    ranges = (range(0, 300), (0, 300))
    return [
        float(module.GaussianDropoff(**options, ptotal_dist_range=each).pmax) for each in ranges
    ]


def test_range() -> None:
    as_range, as_tuple = quietly(peaks, bmtool_connectors)
    assert as_range == as_tuple == pytest.approx(1.516, abs=1e-3)


@pytest.mark.peer
def test_range_there(predecessor: Module) -> None:
    as_range, as_tuple = peaks(predecessor)
    assert as_range == pytest.approx(0.100005)
    assert as_tuple == pytest.approx(1.516, abs=1e-3)


def counts_of(module: Module, n_syn: Any) -> set[int]:
    """Return the numbers of synapses that a connector with ``p=1`` gives."""
    make = partial(reciprocal_of, p0=1.0, p1=1.0, pr=1.0, estimate_rho=False, n_syn0=n_syn)
    made = drawn(module, make, make_network(3, 3))
    return set(np.unique(made.conn_mat[0]).tolist())


def test_counts() -> None:
    assert counts_of(bmtool_connectors, 300) == {300}
    for wrong in (2.9, -1):
        with pytest.raises(ParameterError):
            counts_of(bmtool_connectors, wrong)


@pytest.mark.peer
def test_counts_there(predecessor: Module) -> None:
    assert counts_of(predecessor, 2.9) == {2}
    for wrong in (300, -1):
        with pytest.raises(OverflowError):
            counts_of(predecessor, wrong)


# ---------------------------------------------------------------------- gap junctions and pools
def correlated(module: Module) -> tuple[int, int]:
    """Return the junctions of unconnected and connected pairs; the chemical edges come later."""
    net = make_network(20)
    chemical = module.ReciprocalConnector(p0=0.4, pr=0.2, estimate_rho=False, rng=_rng(1), **QUIET)
    gap = module.CorrelatedGapJunction(
        p_non=1.0, p_uni=0.0, p_rec=0.0, connector=chemical, rng=_rng(2), **QUIET
    )
    for connector in (gap, chemical):
        connector.setup_nodes(*pools(net))
        net.add_edges(**connector.edge_params())
    quietly(net.build)
    junctions = {(min(pair), max(pair)) for pair in connected(gap)[0]}
    synapses = {(min(pair), max(pair)) for pair in connected(chemical)[0]}
    return len(junctions - synapses), len(junctions & synapses)


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def two_pools(module: Module) -> int:
    """Return the number of junctions between two pools of 10 with p = 1."""
    made = drawn(module, lambda m: m.GapJunction(p=1.0, **QUIET), make_network(10, 10))
    return sum(len(row) for row in made.conn_prop.values())


def test_gap_junctions() -> None:
    unconnected, both = correlated(bmtool_connectors)
    assert unconnected > both == 0
    with pytest.raises(NodeError, match="must be the same population"):
        two_pools(bmtool_connectors)


@pytest.mark.peer
def test_gap_junctions_there(predecessor: Module) -> None:
    unconnected, both = correlated(predecessor)
    assert unconnected + both == 190
    assert two_pools(predecessor) == 2 * 45


@pytest.mark.peer
def test_conditional_there(predecessor: Module) -> None:
    """Between two populations it has never worked; here it does."""

    def script(module: Module) -> Any:
        net = make_network(12, 12)
        gap = module.GapJunction(p=0.3, rng=_rng(1), **QUIET)
        gap.setup_nodes(net.nodes(), net.nodes())
        net.add_edges(**gap.edge_params())
        laws = (0.5, 0.4, 0.2, 0.3, 0.2, 0.1)
        made = module.GapJunctionConditionalReciprocalConnector(gap, *laws, rng=_rng(2), **QUIET)
        for k in (1, -1):
            made.setup_nodes(*pools(net)[::k])
            net.add_edges(**made.edge_params())
        quietly(net.build)
        return {edge[0] for edge in built_edges(net)}

    assert len(script(bmtool_connectors)) == 3
    with pytest.raises(Exception):  # noqa: B017, PT011  # whatever it is
        script(predecessor)


@pytest.mark.peer
def test_overlapping_and_autapses_there(predecessor: Module) -> None:
    found = {}
    for module in (predecessor, bmtool_connectors):
        net = bmtk.builder.NetworkBuilder("net")
        net.add_nodes(N=6, side=["a", "a", "ab", "ab", "b", "b"])
        made = module.ReciprocalConnector(p0=1.0, p1=1.0, pr=1.0, estimate_rho=False, **QUIET)
        made.setup_nodes(net.nodes(side=["a", "ab"]), net.nodes(side=["ab", "b"]))
        quietly(made.initial_all_to_all)
        self_pairs = {pair for pairs in connected(made) for pair in pairs if len(set(pair)) == 1}
        law = module.GaussianDropoff(stdev=40.0, pmax=0.9)
        laws = {"p0": law, "p0_arg": module.spherical_dist, "pr": 0.1, "autapses": True}
        other = drawn(
            module, lambda m, laws=laws: m.ReciprocalConnector(**laws, **QUIET), make_network(20)
        )
        found[module] = len(self_pairs), round(float(other.rho), 6)
    assert found[predecessor][0] == 2
    assert found[bmtool_connectors][0] == 0
    assert found[predecessor][1] != found[bmtool_connectors][1]


def test_limit() -> None:
    assert choice.AUTO_LIMIT == 200_000_000


# ---------------------------------------------------------------------- the last bit, delays
def third(module: Module) -> float:
    """Return a distance between nodes with positions in single precision."""
    a, b = ({"positions": np.array([x, 0.0, 0.0], dtype=np.float32)} for x in (0.1, 0.7))
    return float(module.spherical_dist(a, b))


EXACT = float(np.float32(0.7)) - float(np.float32(0.1))


def test_single_precision() -> None:
    assert third(bmtool_connectors) == pytest.approx(EXACT, rel=1e-15)


@pytest.mark.peer
def test_single_precision_there(predecessor: Module) -> None:
    assert third(predecessor) == pytest.approx(EXACT, rel=1e-6)
    assert third(predecessor) != third(bmtool_connectors)


def delays(module: Module, **options: Any) -> np.ndarray:
    """Return delays of 200 um and about, ms."""
    rng = _rng(3)
    helper = module.syn_const_delay
    return np.array([helper(dist=200.0, rng=rng, **options) for _ in range(50)])


def test_min_delay() -> None:
    """What a copy gives that ignores the option is what is given without it."""
    longer = delays(bmtool_connectors, min_delay=1.0, delay_bound=(0, 9))
    assert np.allclose(longer - delays(bmtool_connectors, delay_bound=(0, 9)), 0.2)


@pytest.mark.peer
def test_min_delay_there(predecessor: Module) -> None:
    for options in ({}, {"min_delay": 1.0}):
        found = [delays(module, **options) for module in (predecessor, bmtool_connectors)]
        assert np.allclose(*found, rtol=1e-12)


# ---------------------------------------------------------------------- rows
def edge_rows(folder: Path) -> tuple[list[tuple[int, ...]], np.ndarray | None]:
    """Return (target, edge type, source) of all rows in order, and the stored weights."""
    with h5py.File(folder / "net_net_edges.h5") as h5:
        group = h5["edges/net_to_net"]
        names = ("target_node_id", "edge_type_id", "source_node_id")
        rows = list(zip(*(group[name][()].tolist() for name in names), strict=True))
        stored = group["0"].get("syn_weight")
        return rows, None if stored is None else stored[()]


def drawn_at_load(folder: Path) -> dict[tuple[int, ...], float]:
    """Return weights that a function draws row by row, by edge."""
    rows, _ = edge_rows(folder)
    return dict(zip(rows, np.random.default_rng(9).lognormal(0.0, 0.3, len(rows)), strict=True))


def test_row_order(tmp_path: Path) -> None:
    """Ours are sorted; weights of the rows differ between equal networks, stored ones do not."""
    stock = saved_network(bmtk.builder.NetworkBuilder, tmp_path / "stock")
    ours = saved_network(NetworkBuilder, tmp_path / "ours")
    assert compare(stock, ours).equal
    rows, there = edge_rows(ours)[0], edge_rows(stock)[0]
    assert rows == sorted(rows)
    assert there != rows
    assert [row[0] for row in there] == [row[0] for row in rows]
    assert drawn_at_load(stock) != drawn_at_load(ours)

    weights = WeightRule(lognormal(1.0, 0.3))
    folders = [
        saved_network(make, tmp_path / f"{make.__module__} weights", weights)
        for make in (bmtk.builder.NetworkBuilder, NetworkBuilder)
    ]
    assert compare(*folders).equal
    stored = [dict(zip(*edge_rows(folder), strict=True)) for folder in folders]
    assert stored[0] == stored[1]
    assert len(set(stored[0].values())) > 0.9 * len(rows)


# ---------------------------------------------------------------------- our builder
Make = Callable[[str], Any]
BUILDERS: tuple[Make, Make] = (bmtk.builder.NetworkBuilder, NetworkBuilder)


def small(make: Make) -> Any:
    """Return a network of three nodes, all connected."""
    net = make("net")
    net.add_nodes(N=3, pop_name="A")
    net.add_edges(connection_rule=1)
    return net


def test_builds() -> None:
    found = []
    for make in BUILDERS:
        net = small(make)
        numbers = []
        for force in (False, False, True):
            net.build(force=force)
            numbers.append((len(list(net.nodes())), net.nedges))
        found.append(numbers)
    assert found[1] == [(3, 9)] * 3
    (nodes, once), (_, twice), (forced, _) = found[0]
    assert (nodes, once, twice, forced) == (3, 9, 18, 6)


def test_after_a_save(tmp_path: Path) -> None:
    net = small(NetworkBuilder)
    net.build()
    for name in "ab":
        net.save(output_dir=str(tmp_path / name))
        assert len(net.edges()) == 9
    assert compare(tmp_path / "a", tmp_path / "b").equal


def test_nodes_added_later() -> None:
    found = []
    for make in BUILDERS:
        net = make("net")
        net.add_nodes(N=3)
        net.nodes()
        len(net.nodes())
        net.add_nodes(N=2)
        net.build()
        found.append(len(net.nodes()))
    assert found == [3, 5]
    net.add_edges(connection_rule=1)
    net.build()
    with pytest.raises(NodeError, match=r"called after build\(\)"):
        net.add_nodes(N=1)


def test_nsyns(tmp_path: Path) -> None:
    stored = []
    for make in BUILDERS:
        net = make("net")
        net.add_nodes(N=3)
        net.add_edges(connection_rule=1).add_properties("nsyns", rule=4, dtypes=int)
        net.build()
        net.save(output_dir=str(tmp_path / make.__module__))
        with h5py.File(tmp_path / make.__module__ / "net_net_edges.h5") as h5:
            stored.append(set(h5["edges/net_to_net/0/nsyns"][()].tolist()))
    assert stored == [{1}, {4}]


# ---------------------------------------------------------------------- what scripts may notice
def test_errors() -> None:
    assert issubclass(ParameterError, ValueError)
    assert issubclass(ParameterError, AssertionError)
    assert issubclass(NodeError, ValueError)
    with pytest.raises(ParameterError):
        UnidirectionConnector(p=1.5)
    with pytest.raises(NodeError):
        UnidirectionConnector(p=0.5).setup_nodes(None, None)


@pytest.mark.peer
def test_errors_there(predecessor: Module) -> None:
    net = make_network(4)
    made = predecessor.UnidirectionConnector(p=1.5, **QUIET)
    made.setup_nodes(*pools(net))
    net.add_edges(**made.edge_params())
    net.build()  # no word
    assert net.nedges == 16


def test_refused() -> None:
    for parameters in ({"p": "0.5"}, {"p": 0.5, "verbose": "yes"}, {"p": 0.5, "verbose": 2}):
        with pytest.raises(ParameterError):
            UnidirectionConnector(**parameters)  # type: ignore[arg-type]
    UnidirectionConnector(p=0.5, verbose=1, save_report=0)  # type: ignore[arg-type]
    for function in (bmtool_connectors.decision, bmtool_connectors.decisions):
        with pytest.raises(ParameterError):
            function(1.2)


@pytest.mark.parametrize("verbose", [True, False])
def test_warnings(verbose: bool, capsys: pytest.CaptureFixture[str]) -> None:
    connector = ReciprocalConnector(
        p0=0.5, p1=0.1, rho=0.9, verbose=verbose, save_report=False, rng=_rng(1)
    )
    connector.setup_nodes(*pools(make_network(10, 10)))
    with pytest.warns(ConnectivityWarning, match="not feasible"):
        connector.initial_all_to_all()
    assert bool(capsys.readouterr().out) == verbose


def variables(module: Module) -> list[Any]:
    """Return ``vars`` and ``verbose`` after construction, then p1 and p1_arg after setup_nodes."""
    laws = {"p0": 0.3, "p1": 0.3, "p0_arg": spherical_dist, "pr": 0.1}
    connector = module.ReciprocalConnector(**laws, **QUIET)
    found = [connector.vars["p0"], connector.vars["p1_arg"], connector.verbose]
    connector.setup_nodes(*pools(make_network(5)))
    return [*found, connector.vars["p1"], connector.vars["p1_arg"] is spherical_dist]


def test_vars() -> None:
    assert variables(bmtool_connectors) == [0.3, None, False, 0.3, True]


@pytest.mark.peer
def test_vars_there(predecessor: Module) -> None:
    assert variables(predecessor) == variables(bmtool_connectors)


def ordered(module: Module, first: str) -> list[Any]:
    """Return the edges of both directions, added in one order or the other."""
    net = make_network(12, 10)
    connector = module.ReciprocalConnector(p0=0.3, p1=0.2, pr=0.1, rng=_rng(4), **QUIET)
    connector.setup_nodes(*pools(net))
    forward = connector.edge_params()
    connector.setup_nodes(*pools(net)[::-1])
    backward = connector.edge_params()
    types = [(101, forward), (102, backward)]
    for number, params in types if first == "forward" else types[::-1]:
        net.add_edges(edge_type_id=number, **params)
    net.build()
    return built_edges(net)


def test_order() -> None:
    assert ordered(bmtool_connectors, "backward") == ordered(bmtool_connectors, "forward")


@pytest.mark.peer
def test_order_there(predecessor: Module) -> None:
    assert ordered(predecessor, "forward") == ordered(bmtool_connectors, "forward")
    with pytest.raises(AttributeError):
        ordered(predecessor, "backward")


def test_conn_prop() -> None:
    for options, kind in (({"p_arg": spherical_dist}, float), ({}, type(None))):
        made = drawn(
            bmtool_connectors,
            lambda m, options=options: m.UnidirectionConnector(p=0.5, **options, **QUIET),
            make_network(6),
        )
        (source, row), *_ = made.conn_prop.items()
        (target, value), *_ = row.items()
        assert type(value) is kind
        with pytest.raises(TypeError):
            made.conn_prop[source][target] = 1.0
