"""What SONATA files are called, and each group, dataset, column and attribute in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.errors import NodeError

# A name that says what it holds is its own constant: SOURCE_NODE_ID is "source_node_id".

# ---------------------------------------------------------------------- files
#: How the names of files end, after the name of their network or of the two networks.
NODES_FILE = "_nodes.h5"
EDGES_FILE = "_edges.h5"
NODE_TYPES_FILE = "_node_types.csv"
EDGE_TYPES_FILE = "_edge_types.csv"
GAP_JUNCTIONS_FILE = "_gap_juncs.h5"
RECIPE_FILE = "_connections.json"
#: What files hold; the first two are also their groups in the file.
NODES = "nodes"
EDGES = "edges"
GAP_JUNCTIONS = "gap junctions"
#: Suffixes of HDF5 files.
H5_SUFFIXES = (".h5", ".hdf5")

#: Separator of the tables of types, and how BMTK writes that a type does not have a property.
SEPARATOR = " "
NULL = "NULL"

#: SONATA's mark of its files: attributes of the root.
MAGIC = 0x0A7A
VERSION = (0, 1)

# ---------------------------------------------------------------------- nodes
NODE_ID = "node_id"
NODE_TYPE_ID = "node_type_id"
NODE_GROUP_ID = "node_group_id"
NODE_GROUP_INDEX = "node_group_index"

# ---------------------------------------------------------------------- edges
SOURCE_NODE_ID = "source_node_id"
TARGET_NODE_ID = "target_node_id"
EDGE_TYPE_ID = "edge_type_id"
EDGE_GROUP_ID = "edge_group_id"
EDGE_GROUP_INDEX = "edge_group_index"
#: Attribute of both columns of node ids: the population of the nodes.
NODE_POPULATION = "node_population"
#: Columns of a table of edge types: which nodes it joins.
SOURCE_QUERY = "source_query"
TARGET_QUERY = "target_query"
#: Column of a table of edge types: whether they are gap junctions.
IS_GAP_JUNCTION = "is_gap_junction"

#: The columns of node ids, and the queries, of both ends.
END_IDS = (SOURCE_NODE_ID, TARGET_NODE_ID)
END_QUERIES = (SOURCE_QUERY, TARGET_QUERY)

#: Column of the ids in the tables of types.
TYPE_IDS = {NODES: NODE_TYPE_ID, EDGES: EDGE_TYPE_ID}
#: Columns that say in which group, and in which row of it, the properties of a row are.
GROUP_IDS = {NODES: NODE_GROUP_ID, EDGES: EDGE_GROUP_ID}
GROUP_INDICES = {NODES: NODE_GROUP_INDEX, EDGES: EDGE_GROUP_INDEX}

#: Group of the texts that numbers of a column stand for.
LIBRARY = "@library"

# ---------------------------------------------------------------------- properties of edges
#: Number of synapses of a row.
NSYNS = "nsyns"
DELAY = "delay"
SYN_WEIGHT = "syn_weight"
AFFERENT_SECTION_ID = "afferent_section_id"
AFFERENT_SECTION_POS = "afferent_section_pos"
EFFERENT_SECTION_ID = "efferent_section_id"
EFFERENT_SECTION_POS = "efferent_section_pos"
#: BMTK's older names of the afferent section.
SEC_ID = "sec_id"
SEC_X = "sec_x"

# ---------------------------------------------------------------------- indices of edges
#: The group of indices: SONATA's name, and one that BMTK has used.
INDICES = "indices"
INDICES_OLD = "indicies"
#: Indices, by the column that they are of.
INDEX_OF = {
    TARGET_NODE_ID: "target_to_source",
    SOURCE_NODE_ID: "source_to_target",
    EDGE_TYPE_ID: "edge_type_to_index",
}
#: Ranges of each id: BMTK's name, and that of SONATA's guide.
NODE_RANGES = "node_id_to_range"
NODE_RANGES_SONATA = "node_id_to_ranges"
#: The rows of each range.
EDGE_RANGES = "range_to_edge_id"

# ---------------------------------------------------------------------- gap junctions
#: Columns of the file of gap junctions: cells, and the ids of the halves on them.
GAP_SOURCE_IDS = "source_ids"
GAP_TARGET_IDS = "target_ids"
GAP_SOURCE_HALVES = "src_gap_ids"
GAP_TARGET_HALVES = "trg_gap_ids"
GAP_COLUMNS = (GAP_SOURCE_IDS, GAP_TARGET_IDS, GAP_SOURCE_HALVES, GAP_TARGET_HALVES)

# ---------------------------------------------------------------------- coordinates of nodes
#: The property with all coordinates of a node, um.
POSITIONS = "positions"
#: Properties with one coordinate each, if a node has no positions, in order of preference.
AXES = (("x", "y", "z"), ("pos_x", "pos_y", "pos_z"))
#: All of them.
COORDINATES = (POSITIONS, *(name for axes in AXES for name in axes))


def node_position(node: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """Return the coordinates of one node, um.

    Raises
    ------
    NodeError
        If the node carries neither ``positions`` nor x, y, z nor pos_x, pos_y, pos_z.
    """
    try:
        if POSITIONS in node:
            return np.asarray(node[POSITIONS], dtype=float)
        for axes in AXES:
            if axes[0] in node and axes[1] in node:
                return np.array([node[axis] for axis in axes if axis in node], dtype=float)
    except (TypeError, ValueError):  # not a node, or not coordinates
        pass
    raise NodeError(
        f"node {getattr(node, 'node_id', node)!r} has no position; a distance needs nodes with "
        "'positions' (um), or x, y, z, or pos_x, pos_y, pos_z: give one to add_nodes()."
    )
