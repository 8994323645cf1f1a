"""Which files make up a network: those of a folder, or those that a configuration names."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from bmtool_connectors.checks import HUGE
from bmtool_connectors.comparison.folder import TYPE_KEYS, matching_types, stem_of, type_lines
from bmtool_connectors.comparison.tables import whole_number
from bmtool_connectors.sonata.layout import RECIPE_FILE as RECIPE
from bmtool_connectors.verification.findings import Findings

__all__ = ["Files", "TypeTable", "locate"]

#: Letters of a path.
MOST_LETTERS = 1 << 14


@dataclass(frozen=True)
class TypeTable:
    """Types of nodes or edges.

    Attributes
    ----------
    file : Path
    properties : dict of int to dict of str
        Of each type, as text.
    """

    file: Path
    properties: dict[int, dict[str, str]]


@dataclass
class Files:
    """The files of a network.

    Attributes
    ----------
    h5 : dict of Path to set of str
        What each file holds: 'nodes', 'edges', 'gap junctions', or nothing of the kind.
    types : dict
        Table of types of (item, file), where there is one.
    recipes : list of Path
    dt : float or None
        Time step of a configuration, ms.
    configurations : set of Path
        Those that were read.
    tables : dict of Path to (str, TypeTable)
        All that were read, and 'nodes' or 'edges': also those of edge types without edges.
    """

    h5: dict[Path, set[str]] = field(default_factory=dict)
    types: dict[tuple[str, Path], TypeTable] = field(default_factory=dict)
    recipes: list[Path] = field(default_factory=list)
    dt: float | None = None
    configurations: set[Path] = field(default_factory=set)
    tables: dict[Path, tuple[str, TypeTable]] = field(default_factory=dict)

    def of(self, item: str) -> list[Path]:
        """Return the files that hold nodes, edges, or gap junctions."""
        return [file for file, items in self.h5.items() if item in items]


def locate(paths: Sequence[Path], found: Findings) -> Files:
    """List the files of folders and configurations, and read the tables of types.

    Parameters
    ----------
    paths : sequence of Path
        Folders; circuit or simulation configurations in JSON.
    found : Findings
        Gets what cannot be read, or is not there.
    """
    files = Files()
    for given in paths:
        path, before, holds = given.resolve(), len(found.found), False
        if path.is_dir():
            with found.reading(path):
                holds = _add_folder(files, path, found)
        elif path.is_file() and path.suffix == ".json":
            with found.reading(path):
                holds = _add_configuration(files, path, found)
        elif path.is_file():
            found.add("no-network", "it is neither a folder nor a configuration (.json)", path)
        else:
            found.add("no-network", "there is no such folder or file", str(given))
        if not holds and before == len(found.found):
            found.add("no-network", "there is no SONATA file in it", str(given))
    return files


# ---------------------------------------------------------------------- folders
def _add_folder(files: Files, folder: Path, found: Findings) -> bool:
    """Add the files of a folder, and say whether there are any of SONATA's."""
    members = sorted(each for each in folder.iterdir() if each.is_file())
    visible = [each for each in members if not each.name.startswith(".")]
    h5 = [file for file in visible if file.suffix in (".h5", ".hdf5")]
    for file in h5:
        _add_h5(files, file, found)
    _add_recipes(files, folder)
    tables: dict[str, dict[str, TypeTable]] = {item: {} for item in TYPE_KEYS}
    for file in visible:
        if file.suffix != ".csv":
            continue
        with found.reading(file):
            item, table = _read_types(file, found)
            if table is not None:
                tables[item][stem_of(file)] = table
                files.tables[file] = item, table
    for item, of_stem in tables.items():
        holding = [file for file in h5 if item in files.h5.get(file, ())]
        matched = matching_types({stem_of(file) for file in holding}, of_stem)
        for file in holding:
            if stem_of(file) in matched:
                files.types[item, file] = of_stem[matched[stem_of(file)]]
    return any(files.h5.get(file) for file in h5)


def _add_recipes(files: Files, folder: Path) -> None:
    recipes = sorted(folder.glob(f"[!.]*{RECIPE}"))
    files.recipes += [each for each in recipes if each not in files.recipes]


def _add_h5(files: Files, file: Path, found: Findings) -> None:
    """List a file with what it holds; other files than SONATA's are passed over."""
    if file in files.h5:
        return
    with found.reading(file), h5py.File(file, "r") as h5:
        items = {item for item in TYPE_KEYS if isinstance(h5.get(item), h5py.Group)}
        if "source_ids" in h5 or "target_ids" in h5:
            items.add("gap junctions")
        files.h5[file] = items


def _read_types(file: Path, found: Findings) -> tuple[str, TypeTable | None]:
    item, header, lines = type_lines(file)
    if not item:
        if file.stem.endswith(("node_types", "edge_types")):
            text = (
                "it has no column of type ids, which blanks separate from others, or is cut short"
            )
            found.add("type-table", text, file)
        return "", None
    key = TYPE_KEYS[item]
    properties: dict[int, dict[str, str]] = {}
    for row, line in enumerate(lines):
        values = dict(zip(header, line, strict=False))
        number = whole_number(values.get(key, ""))
        if len(line) != len(header):
            text = f"it has {len(line)} values for {len(header)} columns, and may be cut short"
            found.add("type-table", text, file, row=row)
        elif number is None:
            found.add("type-table", f"{key} is {values[key]!r}, no whole number", file, row=row)
        elif number in properties:
            found.add("type-table", f"{key} {number} stands there twice", file, row=row)
        if number is not None:
            given = {name: text for name, text in values.items() if text not in ("", "NULL")}
            properties.setdefault(number, given)
    return item, TypeTable(file, properties)


# ---------------------------------------------------------------------- configurations
def _add_configuration(files: Files, path: Path, found: Findings) -> bool:
    """Add the files that a configuration names, and say whether there are any of SONATA's."""
    if path in files.configurations:  # they name each other
        return False
    files.configurations.add(path)
    config = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("a configuration is a JSON object")
    variables = _Variables(_part(config, "manifest"))
    dt = _part(config, "run").get("dt")
    if isinstance(dt, int | float) and -HUGE < dt < HUGE:
        files.dt = float(dt)

    def resolved(name: Any) -> Path:
        return Path(os.path.normpath(path.parent / variables.expanded(str(name))))

    holds = False
    for name in (config.get("network"), config.get("circuit")):
        if isinstance(name, str):
            if resolved(name).is_file():
                with found.reading(resolved(name)):
                    holds |= _add_configuration(files, resolved(name), found)
            else:
                found.add("missing-file", f"it names {name!r}, which is not there", path)
    networks = _part(config, "networks")
    folders, seen = set(), defaultdict[str, set[Path]](set)
    for entry, item, file_key, types_key in _entries(networks):
        named = {key: resolved(entry[key]) for key in (file_key, types_key) if entry.get(key)}
        for key, path_of in named.items():
            if not path_of.is_file():
                text = f"{key} is {entry[key]!r}, which is not there"
                found.add("missing-file", text, path)
        file = named.get(file_key)
        if file is None or not file.is_file():
            continue
        folders.add(file.parent)
        _add_h5(files, file, found)
        items, wanted = files.h5.get(file), _HELD.get(item, item)
        if items is not None and wanted not in items:
            text = f"{file_key} is {entry[file_key]!r}, and there are no {wanted} in it"
            found.add("missing-dataset", text, path)
        holds |= bool(items)
        if file in seen[item]:
            text = f"{file_key} names {entry[file_key]!r}, which another one names, too"
            found.add("file-twice", text, path)
        seen[item].add(file)
        types = named.get(types_key)
        if types is not None and types.is_file() and (item, file) not in files.types:
            with found.reading(types):
                _, table = _read_types(types, found)
                if table is not None:
                    files.types[item, file] = table
                    files.tables[types] = item, table
    for folder in sorted(folders):
        _add_recipes(files, folder)
    return holds


#: What files hold that stand in a configuration under another word.
_HELD = {"gap_juncs": "gap junctions"}


def _entries(networks: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, str, str]]:
    for item, file_key, types_key in (
        ("nodes", "nodes_file", "node_types_file"),
        ("edges", "edges_file", "edge_types_file"),
        ("gap_juncs", "gap_juncs_file", ""),
    ):
        entries = networks.get(item)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                yield entry, item, file_key, types_key


def _part(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


class _Variables:
    """The variables of a manifest, which may be made of each other."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._values = {str(name).lstrip("$"): str(value) for name, value in manifest.items()}
        self._values.pop("", None)
        names = sorted(map(re.escape, self._values), key=len, reverse=True)  # $DIR after $DIRECTORY
        either = "|".join(names)
        self._form = re.compile(rf"\$(?:\{{({either})\}}|({either}))") if names else None
        self._open: list[str] = []

    def expanded(self, text: str) -> str:
        """Return a text with the values of the variables in it; ValueError for a very long one."""
        if self._form is not None:
            text = self._form.sub(self._value, text)
        if len(text) > MOST_LETTERS:
            raise ValueError(f"a path has more than {MOST_LETTERS:,} letters with its variables")
        return text

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name in self._open:
            raise ValueError(f"${name} of the manifest is made of itself")
        self._open.append(name)
        # Kept, so that many uses of one cost no more than their letters.
        self._values[name] = self.expanded(self._values[name])
        self._open.pop()
        return self._values[name]
