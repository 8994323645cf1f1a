"""One save of a network: which files are written, and in which order."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.node_table import node_table
from bmtool_connectors.builder.portable import check_portable
from bmtool_connectors.builder.provenance import make_recipe
from bmtool_connectors.errors import ParameterError, warn
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata import recipe as recipes
from bmtool_connectors.sonata.edge_writer import WrittenEdges, write_edges, write_gap_junctions
from bmtool_connectors.sonata.leftovers import leftovers
from bmtool_connectors.sonata.node_writer import NodeTable, write_nodes
from bmtool_connectors.sonata.options import SaveOptions
from bmtool_connectors.sonata.staging import StagedFiles, check_targets
from bmtool_connectors.sonata.type_tables import type_texts, write_types

logger = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]

#: Arguments of ``save_nodes``, and how the names of files end where they are not given.
NODE_FILES = {"nodes_file_name": layout.NODES_FILE, "node_types_file_name": layout.NODE_TYPES_FILE}
#: Those of ``save_edges``.
EDGE_FILES = {"edges_file_name": layout.EDGES_FILE, "edge_types_file_name": layout.EDGE_TYPES_FILE}
EDGE_ARGUMENTS = (*EDGE_FILES, "src_network", "trg_network", "name", "force_build")
#: First columns of a table of edge types.
FIRST = (layout.EDGE_TYPE_ID, layout.TARGET_QUERY, layout.SOURCE_QUERY)


def check_names(network: Any) -> None:
    """Refuse names of networks with which files would be elsewhere than in their folder."""
    for name in {network.name}.union(*map(_ends, network.get_connections())):
        if not recipes.is_file_name(f"{name}{layout.NODES_FILE}"):
            raise ParameterError(
                "name of NetworkBuilder must have no '/' and no backslash, and not be longer than "
                f"files may be called, since its files are called after it, got {name!r}: rename "
                "the network. Nothing was built or written."
            )


def _ends(edge_type: Any) -> tuple[str, str]:
    """Return the names of the source and the target network of a ConnectionMap."""
    return edge_type.source_network_name, edge_type.target_network_name


@dataclass(frozen=True)
class _EdgeFiles:
    """What is written for the edges between two networks.

    Attributes
    ----------
    ends : tuple of str
        Source and target network.
    edges, types : Path or None
    """

    ends: tuple[str, str]
    edges: Path | None
    types: Path | None


class NetworkSave:
    """One save of a network.

    Parameters
    ----------
    network : SparseNetwork
    options : SaveOptions
    folder : str or path

    Attributes
    ----------
    saved : SavedParts
    written : dict of EdgeTable to WrittenEdges
        The edge types that have rows in a file of edges.
    """

    def __init__(self, network: Any, options: SaveOptions, folder: PathLike) -> None:
        self._network, self._options, self._folder = network, options, folder
        self._files = StagedFiles()
        self.saved = recipes.SavedParts()
        self.written: dict[EdgeTable, WrittenEdges] = {}

    def run(self, nodes: Mapping[str, Any] | None, edges: Mapping[str, Any] | None) -> None:
        """Write files of nodes, or of edges, or both.

        Parameters
        ----------
        nodes, edges : mapping or None
            Arguments of ``save_nodes`` and of ``save_edges``; None for what is not saved.
        """
        network, options = self._network, self._options
        node_files = []
        if nodes is not None:
            names = [(nodes.get(each), f"{network.name}{end}") for each, end in NODE_FILES.items()]
            node_files = [Path(self._folder, own if name is None else name) for name, own in names]
        edge_files = [] if edges is None else self._edge_files(edges)
        gap_file = Path(self._folder, f"{network.name}{layout.GAP_JUNCTIONS_FILE}")
        recipe = Path(self._folder, f"{network.name}{layout.RECIPE_FILE}")
        if options.portable:  # before edges are built
            ends = {each.ends for each in edge_files if each.edges is not None}
            check_portable(each for each in network.get_connections() if _ends(each) in ends)
        paths = (path for each in edge_files for path in (each.edges, each.types) if path)
        targets = [*node_files, *paths, *([] if edges is None else [gap_file])]
        # A recipe of this network is completed, and not replaced.
        if options.force_overwrite or not recipes.own_recipe(recipe, network.name):
            targets.append(recipe)
        check_targets(targets, options.force_overwrite)
        if not network.nodes_built:
            network.make_nodes()
        table = node_table(network.node_groups, options.portable and nodes is not None)
        self.saved.nodes = table.digests()
        with self._files:
            if nodes is not None:
                self._write_nodes(table, *node_files)
            if edges is not None:
                self._write_edges(edge_files, gap_file, edges)
            possible = self._write_recipe(recipe)
        if possible:
            warn(
                f"{str(self._folder)!r} holds {', '.join(possible)}, which this save did not "
                "write; no recipe says whose they are: remove them if they are left from an "
                "earlier save."
            )

    def _edge_files(self, given: Mapping[str, Any]) -> list[_EdgeFiles]:
        """Return the files for the edges between each two networks."""
        source, target = given.get("src_network"), given.get("trg_network")
        chosen = sorted(
            ends
            for ends in set(map(_ends, self._network.get_connections()))
            if source in (None, ends[0]) and target in (None, ends[1])
        )
        names = [given.get(argument) for argument in EDGE_FILES]
        if names != [None, None]:
            if len(chosen) > 1:
                raise ParameterError(
                    f"edges_file_name of save_edges() is {names[0]!r} and edge_types_file_name "
                    f"{names[1]!r} for the edges of {len(chosen)} pairs of networks "
                    f"({', '.join(map(' to '.join, chosen))}); choose one pair with src_network "
                    "and trg_network."
                )
            own = [None if name is None else Path(self._folder, name) for name in names]
            return [_EdgeFiles(ends, *own) for ends in chosen]
        suffixes = EDGE_FILES.values()
        return [
            _EdgeFiles(ends, *(Path(self._folder, "_".join(ends) + each) for each in suffixes))
            for ends in chosen
        ]

    def _write_nodes(self, nodes: NodeTable, file: Path, types_file: Path) -> None:
        """Write the file of nodes and the table of their types."""
        with self._files.writing(file) as path:
            if self._options.mode == "a" and file.exists():
                shutil.copyfile(file, path)
            write_nodes(path, self._network.name, nodes, self._options)
        types = [type_texts(each, none="") for each in self._network.node_types]
        with self._files.writing(types_file) as path:
            write_types(path, [layout.NODE_TYPE_ID], types)
        self.saved.node_files = [file, types_file]
        self.saved.node_types = {each[layout.NODE_TYPE_ID]: each for each in types}

    def _write_edges(
        self, edge_files: Sequence[_EdgeFiles], gap_file: Path, given: Mapping[str, Any]
    ) -> None:
        """Write the files of edges and gap junctions, of edges that are built now if need be."""
        network = self._network
        if not network.get_connections():
            logger.warning("Network %s has no edges; no file of edges is written.", network.name)
            self.saved.ends = None
            return
        if not network.edges_built:
            if not given.get("force_build", True):
                logger.warning("Edges are not built; no file of edges is written.")
                return
            network.build()
        if not edge_files:
            logger.warning("There are no edges between these networks; no file is written.")
            return
        tables: dict[tuple[str, str], list[EdgeTable]] = {}
        for table in network.edges_table():
            tables.setdefault(table.networks, []).append(table)
        for each in edge_files:
            self._write_between(each, tables.get(each.ends, []), given.get("name"))
        done = {each.ends for each in edge_files if each.edges is not None}
        self.saved.ends = None if done == set(tables) else done
        gaps = [each for each in network.edges_table() if each.is_gap_junction and each.n_syns]
        if gaps:
            ends = np.concatenate([table.node_ids(np.uint64, synapses=True) for table in gaps])
            with self._files.writing(gap_file) as path:
                found = write_gap_junctions(path, ends, network.first_gap_id, self._options)
            self.saved.gap_junctions = recipes.values_recipe(found)
            self.saved.files.append(gap_file)

    def _write_between(self, files: _EdgeFiles, tables: list[EdgeTable], name: str | None) -> None:
        """Write the files of edges between two networks."""
        if files.types is not None:
            types = [type_texts(table.edge_type_properties, layout.NULL) for table in tables]
            with self._files.writing(files.types) as path:
                write_types(path, FIRST, types)
            self.saved.files.append(files.types)
        if files.edges is None:
            return
        if not any(table.n_pairs for table in tables):
            logger.warning("No edges from %s to %s; no file of edges is written.", *files.ends)
            return
        population = "_to_".join(files.ends) if name is None else name
        with self._files.writing(files.edges) as path:
            arrays = [table.arrays() for table in tables]
            found = write_edges(path, arrays, (*files.ends, population), self._options)
        self.written |= zip(tables, found, strict=True)
        self.saved.files.append(files.edges)

    def _write_recipe(self, file: Path) -> list[str]:
        """Write the recipe; return what is left of an earlier save, if no recipe tells of it."""
        name, tables, saved = self._network.name, self._network.edges_table(), self.saved
        with self._files.writing(file) as path:  # last: until then there is the previous one
            recipe = make_recipe(name, tables, self.written, saved)
            recipes.write_recipe(path, file, recipe, saved)
            known, possible = leftovers(file, name, recipe["files"] or (), saved.ends is None)
            for each in known:
                self._files.remove(each)
        return possible
