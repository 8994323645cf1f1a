"""Say whether a saved network can be trusted."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from bmtool_connectors.checks import number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.datasets import open_file
from bmtool_connectors.sonata.layout import EDGES, GAP_JUNCTIONS
from bmtool_connectors.sonata.open_tables import populations_in
from bmtool_connectors.sonata.type_tables import stem_of
from bmtool_connectors.verification.check_edges import check_rows
from bmtool_connectors.verification.check_gap_junctions import check_gap_files, check_gap_rows
from bmtool_connectors.verification.check_indices import check_indices
from bmtool_connectors.verification.check_nodes import Nodes, check_nodes
from bmtool_connectors.verification.check_recipes import check_recipes
from bmtool_connectors.verification.check_saved import (
    Told,
    check_files,
    check_nodes_told,
    check_tables,
    columns_told,
)
from bmtool_connectors.verification.checked_edges import CheckedEdges
from bmtool_connectors.verification.findings import Findings, Verification
from bmtool_connectors.verification.network_files import Files, locate
from bmtool_connectors.verification.recipe_entries import Recipe, read_recipes

__all__ = ["verify"]

OnePath: TypeAlias = str | os.PathLike[str]

#: What is not looked at of any network.
NEVER = "files that the tables of types name (dynamics_params, morphologies, models)"


def verify(
    network_dir: OnePath | Sequence[OnePath],
    *,
    dt: float | None = None,
    alarm_rate: float = 1e-3,
) -> Verification:
    """Check a saved network: its files, their structure, and the recipe of its edges.

    Parameters
    ----------
    network_dir : str, path, or a sequence of these
        A folder with SONATA files of any tool, a circuit or simulation configuration (``.json``)
        that names them, or several of these, which are one network.
    dt : float, ms, optional
        Least delay. By default that of a simulation configuration, if one is given; else delays
        only have to be above 0. Those of virtual sources may be 0.
    alarm_rate : float, default 0.001
        How often a good network may be reported because its numbers of edges are improbable: of
        all tests together.

    Returns
    -------
    Verification
        True when nothing is wrong; ``print`` it for a report. A folder may be as broken as can
        be: that is what is reported. The guide lists the codes of findings.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.

    Notes
    -----
    Checked are nodes (ids, types, groups, positions), edges (ids, types, groups, indices,
    duplicates, whether queries select their nodes; delays, sections, and other properties), gap
    junctions and their file. With the recipe ``<network>_connections.json`` that this package
    saves, also whether pairs, properties, nodes, tables of types, indices and files are those that
    were saved, and whether numbers of edges and reciprocal pairs are probable under the
    connector's law: an alarm where the two-sided probability of such a distance, bounded by
    Bennett's inequality, is below `alarm_rate` over the number of tests of what is not certain. For
    a mean that was estimated from a sample of the pairs, that uncertainty counts, too. What was not
    looked at is in the last line of the report, every time. Node ids go up to 2**31 - 1.

    Rows are read part by part; it takes about 55 bytes and half a microsecond per row, of which
    the comparison of a property is about 20 ns.

    Examples
    --------
    >>> net = NetworkBuilder("net")
    >>> net.add_nodes(N=10)
    >>> connector = FixedInDegreeConnector(3, rng=1, verbose=False, save_report=False)
    >>> _ = connector.connect(net, net.nodes(), net.nodes())
    >>> net.save("folder")
    >>> report = verify("folder")
    >>> print(report)
    nothing wrong
      folder
    nodes net: 10 rows
    edges net_to_net: 30 rows
    1 number tested against the recipe: largest deviation 0.0 standard deviations
        (type 100, edges); a good network fails once in 1,000
    not covered: laws against distance, and whether rules give the values of
        properties; files that the tables of types name (dynamics_params,
        morphologies, models)
    """
    if dt is not None:
        dt = number(dt, "dt of verify()", "a number of at least 0, in ms, or None", 0, 1e9)
    alarm_rate = number(alarm_rate, "alarm_rate of verify()", "a probability in (0, 1]", 1e-300, 1)
    paths = [network_dir] if isinstance(network_dir, str | os.PathLike) else network_dir
    if not isinstance(paths, list | tuple) or not paths:
        raise ParameterError(
            "network_dir of verify() must be a folder, a configuration, or a list of these, got "
            f"{network_dir!r}."
        )
    found = Findings()
    files = locate([Path(path) for path in paths], found)
    recipes = read_recipes(files.recipes, found)
    unnamed = check_files(recipes, files, found)
    nodes = check_nodes(files, found)
    check_nodes_told(recipes, nodes, files, found)
    limit = files.dt if dt is None else dt
    edges, all_read = _check_edges(files, nodes, limit, columns_told(recipes), found)
    rows = {f"nodes {name}": len(each.ids) for name, each in nodes.items() if each is not None}
    rows |= {f"edges {each.population}": len(each) for each in edges}
    check_gap_files(files.of(GAP_JUNCTIONS), edges, recipes, found)
    _check_names(nodes, edges, found)
    # Of a file that is not there it has been told already.
    if all(Path(path).suffix == ".json" for path in paths) and not found.has("missing-file"):
        _check_complete(nodes, edges)
    check_tables(recipes, files, found)
    if not all_read or found.has("unreadable"):
        unnamed |= set(files.recipes)
    tests = check_recipes(recipes, edges, alarm_rate, unnamed, found)
    return Verification(
        tuple(os.fspath(path) for path in paths),
        found.sorted(),
        rows,
        tuple(tests),
        alarm_rate,
        not_covered(rows, recipes, edges, found),
    )


def _check_names(
    nodes: Mapping[str, Nodes | None], edges: list[CheckedEdges], found: Findings
) -> None:
    """Report nodes that nobody refers to in a file called like nodes that are not there."""
    used = {end for each in edges for end in each.ends}
    read = {name: each for name, each in nodes.items() if each is not None}
    for name, each in read.items():
        if name not in used and stem_of(each.file) in used - read.keys():
            text = f"it has nodes {name!r}, and edges refer to {stem_of(each.file)!r}"
            found.add("population", text, each.file, population=name)


def _check_complete(known: Collection[str], edges: list[CheckedEdges]) -> None:
    """Report edges whose nodes are in no file that the configurations name: BMTK needs them."""
    for each in edges:
        for end in dict.fromkeys(each.ends):
            if end is not None and end not in known:
                text = f"it refers to nodes {end!r}, which no file of the configuration holds"
                each.tell("missing-file", text)


def _check_edges(
    files: Files,
    nodes: Mapping[str, Nodes | None],
    dt: float | None,
    told: Told,
    found: Findings,
) -> tuple[list[CheckedEdges], bool]:
    """Check all edge files; return what could be read, and whether that is all."""
    edges, n_there = [], 0
    for file in files.of(EDGES):
        with found.reading(file), open_file(file) as h5:
            for name, population in populations_in(h5, EDGES, found, file):
                n_there += 1
                with found.reading(file, population=name):
                    table = files.types.get((EDGES, file))
                    rows = check_rows(population, file, table, nodes, dt, told, found)
                    if rows is None:
                        continue
                    edges.append(rows)
                    check_gap_rows(rows)
                    check_indices(population, rows)
    return edges, n_there == len(edges)


def not_covered(
    rows: Mapping[str, int],
    recipes: Sequence[Recipe],
    edges: Sequence[CheckedEdges],
    found: Findings,
) -> tuple[str, ...]:
    """Return what was not looked at, the gravest first.

    Parameters
    ----------
    rows : mapping of str to int
        Populations of nodes and edges that were read.
    recipes : sequence of Recipe
    edges : sequence of CheckedEdges
    found : Findings
    """
    if not rows:
        return ("all of it: no nodes or edges were read",)
    left_out = []
    if found.has("unreadable", "missing-dataset", "length", "dtype", "id-floats"):
        left_out.append("what could not be read as a table")
    told = {entry.ends for recipe in recipes for entry in recipe.entries}
    alone = [each.population for each in edges if each.ends not in told]
    if alone:
        left_out.append(f"whether edges are those that were saved (no recipe: {_names(alone)})")
    valued = {
        entry.ends
        for recipe in recipes
        for entry in recipe.entries
        if entry.values is not None or not entry.pairs
    }
    bare = [each.population for each in edges if each.ends in told - valued]
    if bare:
        left_out.append(f"values of properties (not in the recipe: {_names(bare)})")
    known = {each.network for each in recipes if each.nodes is not None}
    nodes = [name.removeprefix("nodes ") for name in rows if name.startswith("nodes ")]
    unknown = [name for name in nodes if name not in known]
    if unknown:
        left_out.append(f"whether nodes are those that were saved (no recipe: {_names(unknown)})")
    absent = {str(end) for each in edges for end in each.ends if end not in nodes}
    if absent:
        left_out.append(f"nodes that are not there ({_names(sorted(absent))})")
    if told:
        left_out.append("laws against distance, and whether rules give the values of properties")
    return (*left_out, NEVER)


def _names(names: Sequence[str], most: int = 3) -> str:
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - most} more" * (len(names) > most)
    return ", ".join(names[:most]) + more
