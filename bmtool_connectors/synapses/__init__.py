"""Properties of single synapses: what ``ConnectionMap.add_properties(rule=...)`` calls.

BMTK calls a rule as ``rule(source_node, target_node, **rule_params)``, once per
synapse, often wrapped in ``functools.partial(rule, connector=connector)``.
"""
