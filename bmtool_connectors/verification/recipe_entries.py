"""What recipes say, read without trust: what is amiss is a finding, and the rest is used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bmtool_connectors.sampling.expected import Expected
from bmtool_connectors.sonata.digests import digest_of_json
from bmtool_connectors.sonata.faults import Faults
from bmtool_connectors.sonata.layout import RECIPE_FILE
from bmtool_connectors.sonata.recipe import RecipeError, is_as_written, load_recipe

#: The largest whole numbers that floats hold exactly.
MOST = 1 << 53

READING = (AttributeError, LookupError, TypeError, ValueError)

T = TypeVar("T")


def _count(value: Any) -> int:
    """Return a whole number of a recipe; TypeError or ValueError if it is none."""
    if not 0 <= value <= MOST or value != int(value):
        raise ValueError(f"{value!r} is no number that counts anything")
    return int(value)


def _texts(value: Any) -> dict[str, str]:
    """Return an object of JSON that holds text only."""
    if not all(isinstance(each, str) for each in value.values()):
        raise TypeError(f"{value!r} is not text")
    return dict(value)


@dataclass(frozen=True)
class Values:
    """Digests of the columns of some rows.

    Attributes
    ----------
    rows : int
    columns : dict of str to str
    together : str
        Of whole rows.
    """

    rows: int
    columns: dict[str, str]
    together: str

    @classmethod
    def of(cls, given: Any) -> Values | None:
        """Take the values of JSON."""
        if given is None:
            return None
        return cls(_count(given["rows"]), _texts(given["columns"]), str(given["together"]))


@dataclass(frozen=True)
class NodesTold:
    """What a recipe says of nodes: files, digests of columns, and types."""

    files: tuple[str, ...]
    columns: dict[str, str]
    types: dict[int, dict[str, str]]

    @classmethod
    def of(cls, given: Any) -> NodesTold | None:
        """Take the values of JSON."""
        if given is None:
            return None
        types = {int(number): _texts(each) for number, each in given["types"].items()}
        return cls(tuple(map(str, given["files"])), _texts(given["columns"]), types)

    @property
    def digest(self) -> str:
        """What edges that belong to these nodes name."""
        return digest_of_json(self.columns)


@dataclass(frozen=True)
class Entry:
    """What a recipe says of one edge type; None is what it does not say.

    Attributes
    ----------
    recipe : Path
    edge_type : int
    ends : tuple of str
        Source and target network.
    queries : tuple
        Filters of the source and the target pool.
    pairs, synapses : int or None
    digest : str or None
    connector : dict
        Class and parameters; empty where edges are of another rule.
    direction : str
    drawn : dict
        Counts of the draw; empty where they are not known.
    expected : Expected or None
        What the laws give; None where that is not known.
    row_per_synapse : bool or None
    values : Values or None
        Of its properties.
    properties : dict of str to str, or None
        Of the edge type, as text.
    population : str or None
    indices : tuple of str
    nodes : str or None
        The digest of the network's nodes when the edges were saved.
    amiss : tuple of str
        What could not be read.
    """

    recipe: Path
    edge_type: int
    ends: tuple[str, str]
    queries: tuple[Any, Any]
    pairs: int | None
    synapses: int | None
    digest: str | None
    connector: dict[str, Any]
    direction: str
    drawn: dict[str, Any]
    expected: Expected | None
    row_per_synapse: bool | None = None
    values: Values | None = None
    properties: dict[str, str] | None = None
    population: str | None = None
    indices: tuple[str, ...] = ()
    nodes: str | None = None
    amiss: tuple[str, ...] = ()

    @classmethod
    def of(cls, recipe: Path, given: Mapping[str, Any]) -> Entry:
        """Take the values of JSON; an error if they do not tell which edge type it is."""
        amiss: list[str] = []

        def read(name: str, reading: Callable[[Any], T], otherwise: T, asked: bool = False) -> T:
            if name not in given and not asked:
                return otherwise
            try:
                return reading(given[name])
            except READING as error:
                amiss.append(f"{name}: {error!r}")
                return otherwise

        connector: dict[str, Any] = read("connector", _connector, {})
        direction = str(connector.pop("direction", "forward"))
        told = {name: connector.pop(name, None) for name in ("drawn", "wanted")}
        drawn: dict[str, Any] = _drawn(None)
        expected: Expected | None = None
        try:
            drawn = _drawn(told["drawn"])
            expected = Expected.from_recipe(dict(told["wanted"] or {}))
        except READING as error:
            amiss.append(f"connector: {error!r}")
        return cls(
            recipe,
            _count(given["edge_type_id"]),
            (str(given["source_network"]), str(given["target_network"])),
            (given.get("source_query"), given.get("target_query")),
            read("pairs", _count, None, asked=True),
            read("synapses", _count, None, asked=True),
            read("blake2b", str, None, asked=True),
            connector,
            direction,
            drawn,
            expected,
            read("row_per_synapse", bool, None),
            read("values", Values.of, None),
            read("type", _texts, None),
            read("population", str, None),
            read("indices", lambda value: tuple(map(str, value)), ()),
            read("nodes", str, None),
            tuple(amiss),
        )

    def connected(self) -> int | None:
        """Return how many pairs the connector drew in this direction; None: unknown."""
        counts = self.drawn["connected"]
        if self.within_one and "reciprocal" in counts:  # pairs of one population, either way
            return int(counts["all"] + counts["reciprocal"])
        found = counts.get(self.direction)
        return None if found is None else int(found)

    @property
    def within_one(self) -> bool:
        """Whether both directions are in one edge type."""
        return "all" in self.drawn["connected"]

    def is_reverse(self, other: Entry) -> bool:
        """Say whether another entry is the other direction of the same draw."""
        return (
            {self.direction, other.direction} == {"forward", "backward"}
            and self.ends == other.ends[::-1]
            and self.queries == other.queries[::-1]
            and self.connector == other.connector
            and self.drawn == other.drawn
        )


def _connector(given: Any) -> dict[str, Any]:
    connector = dict(given or {})
    if connector:
        connector["parameters"] = dict(connector.get("parameters") or {})
        connector["class"] = str(connector.get("class") or "")
    return connector


def _drawn(given: Any) -> dict[str, Any]:
    told = dict(given or {})
    return {
        **{name: _count(told.get(name, 0)) for name in ("pairs", "clipped", "dropped")},
        "connected": {name: _count(n) for name, n in told.get("connected", {}).items()},
    }


@dataclass
class Recipe:
    """What a recipe says of a network.

    Attributes
    ----------
    file : Path
    network : str or None
    format : int
    entries : list of Entry
        Of edge types.
    files : tuple of str
        Of edges, edge types and gap junctions.
    nodes : NodesTold or None
    gaps : Values or None
        Of the file of gap junctions.
    """

    file: Path
    network: str | None
    format: int
    entries: list[Entry] = field(default_factory=list)
    files: tuple[str, ...] = ()
    nodes: NodesTold | None = None
    gaps: Values | None = None


def read_recipes(files: Sequence[Path], faults: Faults) -> list[Recipe]:
    """Read recipes.

    Parameters
    ----------
    files : sequence of Path
    faults : Faults
        Gets what cannot be used, and remarks about the rest.

    Returns
    -------
    list of Recipe
    """
    recipes = (_recipe(file, faults) for file in files)
    return [each for each in recipes if each is not None]


def _recipe(file: Path, faults: Faults) -> Recipe | None:
    given = None
    with faults.reading(file):
        try:
            given = load_recipe(file.read_text(encoding="utf-8"))
        except RecipeError as error:
            faults.fault("recipe", str(error), file)
    if given is None:
        return None
    network = given.get("network")
    recipe = Recipe(file, network if isinstance(network, str) else None, int(given["format"]))
    if recipe.format > 1:
        if not is_as_written(given):
            text = "it is not as it was written: its own digest differs"
            faults.remark("recipe-changed", text, file)
        if recipe.network is not None and file.name != f"{recipe.network}{RECIPE_FILE}":
            text = f"it is the recipe of {recipe.network!r}, and has the name of another one"
            faults.remark("recipe", text, file)
        for name, reading in _PARTS.items():
            try:
                setattr(recipe, name, reading(given))
            except READING as error:
                faults.remark("recipe", f"what it says of {name} is not complete ({error!r})", file)
    if not given["edge_types"] and recipe.nodes is None:
        faults.remark("recipe", "it tells of no nodes and no edges", file)
    _check_versions(given, file, faults)
    for number, each in enumerate(given["edge_types"]):
        try:
            entry = Entry.of(file, each)
        except READING as error:
            text = f"what it says of an edge type is not complete ({error!r})"
            faults.fault("recipe", text, file, row=number)
            continue
        recipe.entries.append(entry)
        if entry.amiss:
            text = f"what it says of an edge type is not complete ({'; '.join(entry.amiss)})"
            no_connector = any(each.startswith("connector") for each in entry.amiss)
            report = faults.fault if no_connector else faults.remark
            report("recipe", text, file, row=number, edge_type=entry.edge_type)
    return recipe


#: Attributes of a recipe, and what reads them.
_PARTS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "nodes": lambda given: NodesTold.of(given["nodes"]),
    "files": lambda given: tuple(map(str, given["files"] or ())),  # null: not known
    "gaps": lambda given: Values.of(given["gap_junctions"]),
}


def _check_versions(given: Mapping[str, Any], file: Path, faults: Faults) -> None:
    versions = given.get("versions")
    written = versions.get("bmtool_connectors") if isinstance(versions, dict) else None
    own = sys.modules["bmtool_connectors"].__version__
    if written != own:
        text = f"it was written by bmtool_connectors {written}, and this is {own}"
        faults.remark("versions", text, file)
