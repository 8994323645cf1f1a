"""Damage to saved networks, and changes that are none: what `verify` must say about each.

``FAULTS`` are changes after which a simulator would do something else, a reader fails, or the
network is not the one that was built; ``HARMLESS`` are changes that mean the same network. Each
is planted in a copy of a good folder (`folders`). ``python -m planted`` in the folder ``tests``
prints what `verify` said about all of them.
"""

from planted import configs, edges, files, gaps, harmless, nodes, recipes, synapses, tables
from planted.plants import FAULTS, HARMLESS, Change, plant, said

__all__ = ["FAULTS", "HARMLESS", "Change", "plant", "said"]

# Importing these modules fills FAULTS and HARMLESS.
_ = (configs, edges, files, gaps, harmless, nodes, recipes, synapses, tables)
