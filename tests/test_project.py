"""The project as a whole: names, versions, the direction of imports, documents that are true."""

from __future__ import annotations

import ast
import doctest
import functools
import importlib
import pkgutil
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import bmtool_connectors
from bmtool_connectors import discovery

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "bmtool_connectors"

#: The public names of version 0.1.0, none of which goes; profiles are found by themselves.
PUBLIC = {
    "DELAY_LOWBOUND",
    "DELAY_UPBOUND",
    "FLUC_STDEV",
    "NORM_COEF",
    "SYN_MIN_DELAY",
    "SYN_VELOCITY",
    "AbstractConnector",
    "AllToAllConnector",
    "BaseConnector",
    "Bimodal",
    "BlockConnector",
    "ChanceTest",
    "Comparison",
    "Connectivity",
    "ConnectivityWarning",
    "CorrelatedGapJunction",
    "DelayRule",
    "Difference",
    "DifferenceOfGaussians",
    "DistantDependentProbability",
    "EdgeList",
    "Expected",
    "Explanation",
    "ExponentialDropoff",
    "FileBasedConnector",
    "Finding",
    "FixedInDegreeConnector",
    "FixedOutDegreeConnector",
    "FixedTotalNumberConnector",
    "GapJunction",
    "GapJunctionConditionalReciprocalConnector",
    "GaussianDropoff",
    "LinearDropoff",
    "MatrixConnector",
    "MexicanHat",
    "NetworkBuilder",
    "NodeArrays",
    "NodeError",
    "NormalizedReciprocalRate",
    "OneToOneConnector",
    "OneToOneSequentialConnector",
    "PairCounts",
    "PairwisePoissonConnector",
    "ParameterError",
    "PeriodicDistance",
    "PlacementRule",
    "PowerLawDropoff",
    "Preview",
    "ProbabilityFunction",
    "ProfileFit",
    "ProfileProduct",
    "ProfileSum",
    "ReciprocalConnector",
    "SigmoidDropoff",
    "SparseNetwork",
    "Summary",
    "Tabulated",
    "Timer",
    "UnidirectionConnector",
    "UniformInRange",
    "Verification",
    "WeightRule",
    "__version__",
    "clipped",
    "compare",
    "connectors",
    "core_periphery_blocks",
    "cylindrical_dist_z",
    "decision",
    "decisions",
    "euclid_dist",
    "excitatory_inhibitory_blocks",
    "gaussian",
    "hierarchical_blocks",
    "in_degree_from_p",
    "infeasible",
    "is_same_pop",
    "lognormal",
    "mixture",
    "modular_blocks",
    "num_prop",
    "p_from_in_degree",
    "pr_2_rho",
    "properties",
    "report_name",
    "rho_2_pr",
    "rng",
    "spherical_dist",
    "summarize",
    "syn_const_delay",
    "syn_const_delay_feng_section_PN",
    "syn_dist_delay_feng",
    "syn_dist_delay_feng_section_PN",
    "syn_section_PN",
    "syn_uniform_delay_section",
    "truncated",
    "vectorized",
    "verify",
}

#: Those that are built on BMTK, which is imported with them and not before.
ON_BMTK = {"NetworkBuilder", "SparseNetwork"}

#: Modules and folders of the package in the order of imports: each uses only those before it.
LAYERS = (
    *("errors", "locks", "discovery", "arrays", "checks", "progress", "proportions"),
    *("generators", "randomness", "filters", "sonata", "nodes", "distances"),
    *("bernoulli", "profiles", "vectorization", "edges", "connectivity", "conn_prop"),
    *("sampling", "connection_rule", "messages", "defaults"),
    *("patterns", "synapses", "connectors", "recordings", "builder"),
    *("reports", "comparison", "verification", "saved", "plot", "testing", "cli"),
)

#: Functions that look upward: what users ask of something low, and what is told above it.
UPWARD = {
    ("connection_rule", "is_registered"),
    *(("patterns.base", name) for name in ("preview", "summary", "explain", "_save_report")),
    *(("builder.network", name) for name in ("preview", "connections", "summary")),
}

#: Where a statement imports for type checkers only.
FOR_CHECKERS = "TYPE_CHECKING"
#: Modules that name, for type checkers, what those functions return.
ANSWERS = {(name, FOR_CHECKERS) for name in ("patterns.base", "builder.network")}

MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """Return the dotted name within the package; '' for the package itself."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__")


@functools.cache
def syntax(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(node: ast.AST) -> list[str]:
    """Return the full names of the modules, or names in them, that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def imports(node: ast.AST, in_function: str = "") -> Iterator[tuple[str, str]]:
    """Yield what is imported, and where, if not always: by a function, or for type checkers."""
    for child in ast.iter_child_nodes(node):
        yield from ((name, in_function) for name in imported(child))
        where = in_function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            where = child.name
        elif isinstance(child, ast.If) and ast.unparse(child.test) == FOR_CHECKERS:
            where = FOR_CHECKERS
        yield from imports(child, where)


def every_import() -> Iterator[tuple[str, str, str]]:
    """Yield module, what it imports, and where, of the whole package."""
    for path in MODULES:
        yield from ((module_name(path), *found) for found in imports(syntax(path)))


class TestNames:
    """What the package exports."""

    def test_public_names(self) -> None:
        found = {name for folder in discovery.FOLDERS for name in discovery.found(folder)}
        assert set(bmtool_connectors.__all__) == PUBLIC | found

    def test_exported(self) -> None:
        """What can be seen without an underscore is public, and the other way round."""
        modules = (types.ModuleType, type(annotations))
        values = vars(bmtool_connectors).items()
        seen = {name for name, value in values if not isinstance(value, modules)}
        # The assignable defaults are properties of the module's type.
        settings = vars(type(bmtool_connectors)).items()
        seen |= {name for name, value in settings if isinstance(value, property)}
        seen = {name for name in seen if not name.startswith("_")}
        assert seen | {"connectors", "__version__"} | ON_BMTK == set(bmtool_connectors.__all__)
        for name in bmtool_connectors.__all__:
            assert hasattr(bmtool_connectors, name), name
        assert set(dir(bmtool_connectors)) > PUBLIC

    def test_sorted(self) -> None:
        """Constants, then classes, then the rest, each in alphabetical order."""

        def key(name: str) -> tuple[int, str]:
            return (0 if name.isupper() else 1 if name[0].isupper() else 2), name

        names = list(bmtool_connectors.__all__)
        assert names == sorted(set(names), key=key)

    def test_real_classes(self) -> None:
        """Build scripts test ``connector_class is ReciprocalConnector``."""
        for name in bmtool_connectors.__all__:
            if name[0].isupper() and not name.isupper():
                assert isinstance(getattr(bmtool_connectors, name), type), name

    def test_old_module(self) -> None:
        """It has names of the package, the same objects, and no others."""
        old = importlib.import_module("bmtool_connectors.connectors")
        assert old is bmtool_connectors.connectors
        assert set(old.__all__) <= PUBLIC
        for name in old.__all__:
            assert getattr(old, name) is getattr(bmtool_connectors, name)
        public = {name for name in vars(old) if not name.startswith("_")} - {"annotations"}
        assert public | {"rng", "report_name", "infeasible"} == set(old.__all__)

    def test_documented(self) -> None:
        text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
        documented = set(re.findall(r"^\.\. (?:auto|py:)\w+:: (?:\w+\.)?(\w+)", text, re.MULTILINE))
        for folder in discovery.FOLDERS:
            assert f"{{{{ {folder} }}}}" in text  # docs/conf.py writes the entries
            documented |= set(discovery.found(folder))
        assert not set(bmtool_connectors.__all__) - documented


class TestVersion:
    """One version everywhere."""

    def test_changelog(self) -> None:
        text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        versions = re.findall(r"^## \[([^]]+)\] - \S", text, re.MULTILINE)
        assert versions[0] == bmtool_connectors.__version__
        newest = text.split("\n## ")[1]
        assert "### Differences from bmtool" in newest

    def test_installed(self) -> None:
        from importlib import metadata

        assert metadata.version("bmtool_connectors") == bmtool_connectors.__version__


class TestImports:
    """Data flows one way."""

    def test_one_way(self) -> None:
        for name, full_name, in_function in every_import():
            package, _, inner = full_name.partition(".")
            own, other = name.split(".")[0], inner.split(".")[0]
            if package != "bmtool_connectors" or own in ("", "__main__"):  # these see everything
                continue
            assert own in LAYERS, f"say in LAYERS where {own} belongs"
            assert other in LAYERS, f"{name} imports {full_name}: name the module it comes from"
            if (name, in_function) not in UPWARD | ANSWERS:
                assert LAYERS.index(other) <= LAYERS.index(own), f"{name} imports {full_name}"

    @pytest.mark.parametrize(("name", "function"), sorted(UPWARD))
    def test_upward(self, name: str, function: str) -> None:
        """A function that looks upward is one import and one return, as ``.plot`` of pandas."""
        path = PACKAGE.joinpath(*name.split(".")).with_suffix(".py")
        functions = [node for node in ast.walk(syntax(path)) if isinstance(node, ast.FunctionDef)]
        found = [node for node in functions if node.name == function and any(imports(node))]
        assert len(found) == 1
        _, *body = found[0].body  # without the docstring
        assert [type(each) for each in body] == [ast.ImportFrom, ast.Return]
        (above,) = {full.split(".")[1] for full, _ in imports(found[0])}
        assert LAYERS.index(above) > LAYERS.index(name.split(".")[0])

    def test_names_and_lengths(self) -> None:
        """No two modules, and no two classes, share a name; no module has over 400 lines."""
        modules = [path.stem for path in MODULES if path.stem != "__init__"]
        classes = [
            node.name
            for path in MODULES
            for node in ast.walk(syntax(path))
            if isinstance(node, ast.ClassDef)
        ]
        for names in (modules, classes):
            assert len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})
        for path in MODULES:
            n = path.read_text(encoding="utf-8").count("\n")
            assert n <= 400, f"{path} has {n} lines"

    def test_no_cycle(self) -> None:
        """Within a folder, too, modules can be read in some order."""
        names = {module_name(path).rstrip(".") for path in MODULES} - {""}
        uses: dict[str, set[str]] = {}
        for path in MODULES:
            name = module_name(path)
            found = {
                full
                for full, where in imports(syntax(path))
                if not where or (where == FOR_CHECKERS and (name, where) not in ANSWERS)
            }
            own = (full for full in found if full.startswith("bmtool_connectors."))
            inner = {full.partition(".")[2] for full in own}
            others = {full if full in names else full.rpartition(".")[0] for full in inner}
            uses[module_name(path).rstrip(".")] = others & names
        while uses:
            leaves = {name for name, others in uses.items() if not others}
            assert leaves, f"these import each other: {sorted(uses)}"
            uses = {name: others - leaves for name, others in uses.items() if name not in leaves}

    def test_other_packages(self) -> None:
        for name, full_name, in_function in every_import():
            package = full_name.split(".")[0]
            assert package != "bmtool", "it replaces bmtool"
            assert package != "random", "numbers come from NumPy's generators"
            if package == "bmtk":
                assert name.startswith("builder."), f"{name} imports {full_name}"
            if package == "h5py":
                assert name.startswith("sonata."), f"{name} imports {full_name}"
            if package in ("matplotlib", "tqdm"):
                assert in_function, f"{name} imports {full_name} at module level"

    def test_light_and_silent(self) -> None:
        code = (
            "import bmtool_connectors, sys\n"
            "heavy = {'bmtk', 'matplotlib', 'pandas', 'tqdm'} & set(sys.modules)\n"
            "sys.exit(f'imported: {heavy}' if heavy else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout == done.stderr == ""

    def test_import_time(self) -> None:
        """Less than a second of work beyond NumPy and SciPy, however busy the machine is."""
        code = (
            "import numpy, scipy.special, time\n"
            "start = time.process_time()\n"
            "import bmtool_connectors\n"
            "print(time.process_time() - start)"
        )
        times = [
            float(subprocess.check_output([sys.executable, "-c", code], text=True))
            for _ in range(3)
        ]
        assert min(times) < 1.0


#: Methods of NumPy's generators that draw.
DRAWING = {
    *("binomial", "choice", "exponential", "gamma", "geometric", "hypergeometric", "integers"),
    *("lognormal", "multinomial", "multivariate_hypergeometric", "multivariate_normal", "normal"),
    *("permutation", "permuted", "poisson", "rand", "randint", "randn", "random"),
    *("random_sample", "shuffle", "standard_normal", "uniform", "spawn", "bytes"),
}

#: Where numbers may be drawn.
DRAWS = ("randomness", "sampling", "synapses")


class TestRandomNumbers:
    """Who draws, and from what."""

    def test_no_global_state(self) -> None:
        allowed = {"default_rng", "Generator", "RandomState", "SeedSequence"}
        for path in (*MODULES, *ROOT.glob("examples/*.py")):
            for node in ast.walk(syntax(path)):
                if isinstance(node, ast.Attribute) and node.attr not in allowed:
                    owner = ast.unparse(node.value)
                    assert owner not in ("np.random", "numpy.random"), f"{path}:{node.lineno}"
                assert not any("numpy.random" in name for name in imported(node)), path

    def test_who_draws(self) -> None:
        for path in MODULES:
            if module_name(path).split(".")[0] in DRAWS:
                continue
            for node in ast.walk(syntax(path)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    assert node.func.attr not in DRAWING, f"{path}:{node.lineno}"


def test_who_prints() -> None:
    for path in MODULES:
        tree, name = syntax(path), module_name(path)
        allowed = set(ast.walk(tree)) if name in ("messages", "cli") else set()
        for node in ast.walk(tree):
            if (
                name == "bernoulli"
                and isinstance(node, ast.FunctionDef)
                and node.name == "rho_2_pr"
            ):
                allowed = set(ast.walk(node))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id == "print":
                assert node in allowed, f"{path}:{node.lineno}"


class TestDocuments:
    """What stands in documents runs."""

    FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    WITH_CODE = sorted(
        path
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]
        if "```python" in path.read_text(encoding="utf-8")
    )

    @pytest.mark.parametrize("path", WITH_CODE, ids=lambda path: path.name)
    def test_python_blocks(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The blocks of a document are one script; those with prompts show what it prints."""
        monkeypatch.chdir(tmp_path)
        text = path.read_text(encoding="utf-8")
        names: dict[str, object] = {"__name__": "document"}
        for match in self.FENCE.finditer(text):
            language, block = match.groups()
            if language != "python":
                continue
            line = text[: match.start(2)].count("\n")
            if block.startswith(">>>"):
                test = doctest.DocTestParser().get_doctest(block, names, path.name, str(path), line)
                results = doctest.DocTestRunner().run(test, clear_globs=False)
                names.update(test.globs)
                assert results.failed == 0, f"{path}:{line}"
            else:
                exec(compile("\n" * line + block, str(path), "exec"), names)

    def test_readme_commands(self) -> None:
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^<!-- command: (\w+) -->\n```sh\n(.*?)^```$", text, re.M | re.S)
        assert [name for name, _ in blocks] == ["run", "test"]
        assert text.count("```sh") == 2
        for _, block in blocks:
            assert len(block.splitlines()) == 1
            assert block.startswith("python3 -m venv .venv && .venv/bin/pip install ")

    @pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
    def test_links(self, name: str) -> None:
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            assert target.startswith("https://") or (ROOT / target).exists(), target


def test_doctests_of_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The examples in docstrings, of every module; public names need no import in them."""
    monkeypatch.chdir(tmp_path)
    public = {name: getattr(bmtool_connectors, name) for name in PUBLIC}
    names = [
        info.name
        for info in pkgutil.walk_packages(bmtool_connectors.__path__, "bmtool_connectors.")
        if not info.name.endswith("__main__")
    ]
    results = {
        name: doctest.testmod(importlib.import_module(name), extraglobs=public)
        for name in ["bmtool_connectors", *names]
    }
    assert not [name for name, result in results.items() if result.failed]
    assert sum(result.attempted for result in results.values()) > 10
