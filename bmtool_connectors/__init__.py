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
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from bmtool_connectors import connectors
from bmtool_connectors.bernoulli import pr_2_rho, rho_2_pr
from bmtool_connectors.comparison.compare import compare
from bmtool_connectors.comparison.differences import Comparison
from bmtool_connectors.comparison.values import Difference
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.defaults import ModuleWithDefaults as _ModuleWithDefaults
from bmtool_connectors.discovery import FOLDERS as _FOLDERS
from bmtool_connectors.discovery import found as _found
from bmtool_connectors.distances import (
    PeriodicDistance,
    cylindrical_dist_z,
    euclid_dist,
    spherical_dist,
)
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import ConnectivityWarning, NodeError, ParameterError
from bmtool_connectors.messages import Timer
from bmtool_connectors.nodes import NodeArrays, is_same_pop
from bmtool_connectors.patterns.base import AbstractConnector, BaseConnector
from bmtool_connectors.patterns.block_tables import (
    core_periphery_blocks,
    excitatory_inhibitory_blocks,
    hierarchical_blocks,
    modular_blocks,
)
from bmtool_connectors.profiles.algebra import (
    DistantDependentProbability,
    ProfileProduct,
    ProfileSum,
)
from bmtool_connectors.profiles.gaussian import NORM_COEF, gaussian
from bmtool_connectors.profiles.probability_function import ProbabilityFunction
from bmtool_connectors.profiles.reciprocal_rate import NormalizedReciprocalRate
from bmtool_connectors.proportions import in_degree_from_p, num_prop, p_from_in_degree
from bmtool_connectors.randomness import decision, decisions
from bmtool_connectors.recordings.fit import ProfileFit
from bmtool_connectors.recordings.pair_counts import PairCounts
from bmtool_connectors.reports.explain import Explanation
from bmtool_connectors.reports.preview import Preview
from bmtool_connectors.reports.summary import Summary
from bmtool_connectors.sampling.expected import Expected
from bmtool_connectors.saved import summarize
from bmtool_connectors.synapses.delay import DelayRule
from bmtool_connectors.synapses.distributions import clipped, lognormal, mixture, truncated
from bmtool_connectors.synapses.helpers import (
    DELAY_LOWBOUND,
    DELAY_UPBOUND,
    FLUC_STDEV,
    SYN_MIN_DELAY,
    SYN_VELOCITY,
    syn_const_delay,
    syn_const_delay_feng_section_PN,
    syn_dist_delay_feng,
    syn_dist_delay_feng_section_PN,
    syn_section_PN,
    syn_uniform_delay_section,
)
from bmtool_connectors.synapses.placement import PlacementRule
from bmtool_connectors.synapses.rules import properties
from bmtool_connectors.synapses.weight import WeightRule
from bmtool_connectors.vectorization import vectorized
from bmtool_connectors.verification.findings import ChanceTest, Finding, Verification
from bmtool_connectors.verification.verify import verify

if _TYPE_CHECKING:
    from bmtool_connectors.builder.network import NetworkBuilder, SparseNetwork

    # What is found in folders, for those who cannot look: see discovery.py.
    from bmtool_connectors.patterns.block import *
    from bmtool_connectors.patterns.conditional import *
    from bmtool_connectors.patterns.deterministic import *
    from bmtool_connectors.patterns.fixed_degree import *
    from bmtool_connectors.patterns.fixed_total import *
    from bmtool_connectors.patterns.from_file import *
    from bmtool_connectors.patterns.gap_junction import *
    from bmtool_connectors.patterns.matrix import *
    from bmtool_connectors.patterns.one_to_one import *
    from bmtool_connectors.patterns.reciprocal import *
    from bmtool_connectors.patterns.unidirection import *
    from bmtool_connectors.profiles.dropoffs import *
    from bmtool_connectors.profiles.gaussian import *
    from bmtool_connectors.profiles.gaussian_sums import *
    from bmtool_connectors.profiles.tabulated import *
    from bmtool_connectors.profiles.uniform import *

__version__ = "0.1.0"

__all__ = [
    "DELAY_LOWBOUND",
    "DELAY_UPBOUND",
    "FLUC_STDEV",
    "NORM_COEF",
    "SYN_MIN_DELAY",
    "SYN_VELOCITY",
    "AbstractConnector",
    "BaseConnector",
    "ChanceTest",
    "Comparison",
    "Connectivity",
    "ConnectivityWarning",
    "DelayRule",
    "Difference",
    "DistantDependentProbability",
    "EdgeList",
    "Expected",
    "Explanation",
    "Finding",
    "NetworkBuilder",
    "NodeArrays",
    "NodeError",
    "NormalizedReciprocalRate",
    "PairCounts",
    "ParameterError",
    "PeriodicDistance",
    "PlacementRule",
    "Preview",
    "ProbabilityFunction",
    "ProfileFit",
    "ProfileProduct",
    "ProfileSum",
    "SparseNetwork",
    "Summary",
    "Timer",
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
]
for _folder in _FOLDERS:
    globals().update(_found(_folder))
    __all__ += _found(_folder)
# Constants, classes, the rest.
__all__.sort(key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))


def __getattr__(name: str) -> _Any:
    """Import what is built on BMTK when it is asked for: BMTK alone takes seconds."""
    if name in ("NetworkBuilder", "SparseNetwork"):
        from bmtool_connectors.builder import network

        return getattr(network, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_sys.modules[__name__].__class__ = _ModuleWithDefaults
