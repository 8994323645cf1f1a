"""Properties of single synapses: what ``ConnectionMap.add_properties(rule=...)`` calls.

BMTK calls a rule as ``rule(source_node, target_node, **rule_params)``, once per
synapse, often wrapped in ``functools.partial(rule, connector=connector)``.
"""

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

__all__ = [
    "DELAY_LOWBOUND",
    "DELAY_UPBOUND",
    "FLUC_STDEV",
    "SYN_MIN_DELAY",
    "SYN_VELOCITY",
    "DelayRule",
    "PlacementRule",
    "WeightRule",
    "clipped",
    "lognormal",
    "mixture",
    "properties",
    "syn_const_delay",
    "syn_const_delay_feng_section_PN",
    "syn_dist_delay_feng",
    "syn_dist_delay_feng_section_PN",
    "syn_section_PN",
    "syn_uniform_delay_section",
    "truncated",
]
