"""Functions of nodes and laws in the ``examples`` of connectors, on which all their laws are tried.

The populations of a trial have 14 and 11 nodes, some 100 um apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.profiles.gaussian import GaussianDropoff

PROFILE = GaussianDropoff(stdev=60.0, pmax=0.5)
OF_DISTANCE = {"p": PROFILE, "p_arg": spherical_dist}


def synapses_of_ids(source: Any, target: Any) -> int:
    """Return a number of synapses from 0 to 2."""
    return int(source.node_id + target.node_id) % 3


def degree_of_id(node: Any) -> int:
    """Return a degree from 0 to 4."""
    return int(node.node_id) % 5


def listed_pairs(folder: Path) -> dict[str, Any]:
    """Write a list of pairs into a folder, and return the arguments that name it."""
    path = folder / "pairs.csv"
    rows = "".join(f"{k // 9},{k % 9},{1 + k % 3},{1 + k / 100}\n" for k in range(0, 81, 2))
    path.write_text(f"source_node_id,target_node_id,n_syn,delay\n{rows}")
    return {"filename": path}
