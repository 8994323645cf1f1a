"""The names of the ``connectors`` module of bmtool, for build scripts that import it.

``import bmtool_connectors.connectors`` instead of ``bmtool.connectors`` is all that changes. The
defaults ``rng``, ``report_name`` and ``infeasible`` are those of :mod:`bmtool_connectors`, wherever
they are assigned.
"""

from __future__ import annotations

import os as _os
import sys as _sys

from bmtool_connectors.bernoulli import pr_2_rho, rho_2_pr
from bmtool_connectors.defaults import ModuleWithDefaults as _ModuleWithDefaults
from bmtool_connectors.distances import cylindrical_dist_z, euclid_dist, spherical_dist
from bmtool_connectors.messages import Timer
from bmtool_connectors.nodes import is_same_pop
from bmtool_connectors.patterns.base import AbstractConnector
from bmtool_connectors.patterns.conditional import GapJunctionConditionalReciprocalConnector
from bmtool_connectors.patterns.from_file import FileBasedConnector
from bmtool_connectors.patterns.gap_junction import CorrelatedGapJunction, GapJunction
from bmtool_connectors.patterns.one_to_one import OneToOneSequentialConnector
from bmtool_connectors.patterns.reciprocal import ReciprocalConnector
from bmtool_connectors.patterns.unidirection import UnidirectionConnector
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.profiles.gaussian import NORM_COEF, GaussianDropoff, gaussian
from bmtool_connectors.profiles.probability_function import ProbabilityFunction
from bmtool_connectors.profiles.reciprocal_rate import NormalizedReciprocalRate
from bmtool_connectors.profiles.uniform import UniformInRange
from bmtool_connectors.proportions import num_prop
from bmtool_connectors.randomness import RngLike as _RngLike
from bmtool_connectors.randomness import decision, decisions
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

__all__ = [
    "DELAY_LOWBOUND",
    "DELAY_UPBOUND",
    "FLUC_STDEV",
    "NORM_COEF",
    "SYN_MIN_DELAY",
    "SYN_VELOCITY",
    "AbstractConnector",
    "CorrelatedGapJunction",
    "DistantDependentProbability",
    "FileBasedConnector",
    "GapJunction",
    "GapJunctionConditionalReciprocalConnector",
    "GaussianDropoff",
    "NormalizedReciprocalRate",
    "OneToOneSequentialConnector",
    "ProbabilityFunction",
    "ReciprocalConnector",
    "Timer",
    "UnidirectionConnector",
    "UniformInRange",
    "cylindrical_dist_z",
    "decision",
    "decisions",
    "euclid_dist",
    "gaussian",
    "infeasible",
    "is_same_pop",
    "num_prop",
    "pr_2_rho",
    "report_name",
    "rho_2_pr",
    "rng",
    "spherical_dist",
    "syn_const_delay",
    "syn_const_delay_feng_section_PN",
    "syn_dist_delay_feng",
    "syn_dist_delay_feng_section_PN",
    "syn_section_PN",
    "syn_uniform_delay_section",
]

rng: _RngLike  # properties of the module's class
report_name: str | _os.PathLike[str]
infeasible: str
_sys.modules[__name__].__class__ = _ModuleWithDefaults
