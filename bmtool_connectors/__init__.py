"""Connectors for BMTK's NetworkBuilder.

Make a connector, give it two node pools, and splat it into ``add_edges``::

    connector = ReciprocalConnector(p0=0.15, pr=0.06)
    connector.setup_nodes(source=net.nodes(pop_name='A'), target=net.nodes(pop_name='A'))
    net.add_edges(**connector.edge_params())

Three defaults can be assigned: ``bmtool_connectors.rng`` (a Generator, a
RandomState, an int or a SeedSequence), ``bmtool_connectors.report_name``, and
``bmtool_connectors.infeasible`` (``'clip'``, or ``'bmtool'`` for networks
published with bmtool). ``bmtool_connectors.connectors`` is a module with the
names of bmtool's ``connectors``, which shares these defaults.
"""

from __future__ import annotations

import sys as _sys
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from bmtool_connectors import connectors as connectors
from bmtool_connectors.bernoulli import *
from bmtool_connectors.comparison.compare import *
from bmtool_connectors.comparison.differences import *
from bmtool_connectors.comparison.values import *
from bmtool_connectors.connectivity import *
from bmtool_connectors.defaults import ModuleWithDefaults as _ModuleWithDefaults
from bmtool_connectors.discovery import FOLDERS as _FOLDERS
from bmtool_connectors.discovery import found as _found
from bmtool_connectors.distances import *
from bmtool_connectors.edges import *
from bmtool_connectors.errors import *
from bmtool_connectors.messages import *
from bmtool_connectors.nodes import *
from bmtool_connectors.patterns.base import *
from bmtool_connectors.patterns.block import *
from bmtool_connectors.patterns.block_tables import *
from bmtool_connectors.patterns.conditional import *
from bmtool_connectors.patterns.deterministic import *
from bmtool_connectors.patterns.fixed_degree import *
from bmtool_connectors.patterns.fixed_number import *
from bmtool_connectors.patterns.from_file import *
from bmtool_connectors.patterns.gap_junction import *
from bmtool_connectors.patterns.matrix import *
from bmtool_connectors.patterns.one_to_one import *
from bmtool_connectors.patterns.reciprocal import *
from bmtool_connectors.patterns.unidirection import *
from bmtool_connectors.profiles.algebra import *
from bmtool_connectors.profiles.dropoffs import *
from bmtool_connectors.profiles.gaussian import *
from bmtool_connectors.profiles.gaussian_sums import *
from bmtool_connectors.profiles.probability_function import *
from bmtool_connectors.profiles.reciprocal_rate import *
from bmtool_connectors.profiles.tabulated import *
from bmtool_connectors.profiles.uniform import *
from bmtool_connectors.proportions import *
from bmtool_connectors.randomness import *
from bmtool_connectors.recordings.fit import *
from bmtool_connectors.recordings.pair_counts import *
from bmtool_connectors.reports.explain import *
from bmtool_connectors.reports.preview import *
from bmtool_connectors.reports.summary import *
from bmtool_connectors.sampling.expected import *
from bmtool_connectors.saved import *
from bmtool_connectors.synapses.delay import *
from bmtool_connectors.synapses.distributions import *
from bmtool_connectors.synapses.helpers import *
from bmtool_connectors.synapses.placement import *
from bmtool_connectors.synapses.rules import *
from bmtool_connectors.synapses.weight import *
from bmtool_connectors.vectorization import *
from bmtool_connectors.verification.findings import *
from bmtool_connectors.verification.verify import *

if _TYPE_CHECKING:
    from bmtool_connectors.builder.network import NetworkBuilder as NetworkBuilder
    from bmtool_connectors.builder.network import SparseNetwork as SparseNetwork

__version__ = "0.1.0"

# What modules have in their ``__all__`` is public, and what is found in folders: see discovery.py.
for _folder in _FOLDERS:
    globals().update(_found(_folder))
__all__ = [
    *("NetworkBuilder", "SparseNetwork", "__version__", "connectors"),
    *("infeasible", "report_name", "rng"),
]
__all__ += [
    _name
    for _name, _value in globals().items()
    if not (_name.startswith("_") or isinstance(_value, _ModuleType | type(annotations)))
]
# Constants, classes, the rest.
__all__.sort(key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))


def __getattr__(name: str) -> _Any:
    """Import what is built on BMTK when it is asked for: BMTK alone takes seconds."""
    if name in ("NetworkBuilder", "SparseNetwork"):
        from bmtool_connectors.builder import network

        return getattr(network, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_sys.modules[__name__].__class__ = _ModuleWithDefaults
