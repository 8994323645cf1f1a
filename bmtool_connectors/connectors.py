"""The names of the ``connectors`` module of bmtool, for build scripts that import it.

``import bmtool_connectors.connectors`` instead of ``bmtool.connectors`` is all that changes. The
defaults ``rng``, ``report_name`` and ``infeasible`` are those of :mod:`bmtool_connectors`, wherever
they are assigned.
"""

from __future__ import annotations

import os as _os
import sys as _sys

from bmtool_connectors.bernoulli import *
from bmtool_connectors.defaults import ModuleWithDefaults as _ModuleWithDefaults
from bmtool_connectors.distances import cylindrical_dist_z as cylindrical_dist_z
from bmtool_connectors.distances import euclid_dist as euclid_dist
from bmtool_connectors.distances import spherical_dist as spherical_dist
from bmtool_connectors.messages import *
from bmtool_connectors.nodes import is_same_pop as is_same_pop
from bmtool_connectors.patterns.base import AbstractConnector as AbstractConnector
from bmtool_connectors.patterns.conditional import *
from bmtool_connectors.patterns.from_file import *
from bmtool_connectors.patterns.gap_junction import *
from bmtool_connectors.patterns.one_to_one import *
from bmtool_connectors.patterns.reciprocal import *
from bmtool_connectors.patterns.unidirection import *
from bmtool_connectors.profiles.algebra import (
    DistantDependentProbability as DistantDependentProbability,
)
from bmtool_connectors.profiles.gaussian import *
from bmtool_connectors.profiles.probability_function import *
from bmtool_connectors.profiles.reciprocal_rate import *
from bmtool_connectors.profiles.uniform import *
from bmtool_connectors.proportions import num_prop as num_prop
from bmtool_connectors.randomness import *
from bmtool_connectors.randomness import RngLike as _RngLike
from bmtool_connectors.synapses.helpers import *

rng: _RngLike  # properties of the module's class
report_name: str | _os.PathLike[str]
infeasible: str

__all__ = ["infeasible", "report_name", "rng"]
__all__ += [_name for _name in globals() if not _name.startswith("_") and _name != "annotations"]
__all__.sort()
_sys.modules[__name__].__class__ = _ModuleWithDefaults
