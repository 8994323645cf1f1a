"""How edges are drawn: the only place where a connector's numbers come from.

``blocks`` cuts the pairs into runs, ``laws`` evaluates probabilities on them,
``pairwise`` draws, looking at every possible pair in row-major order, ``sparse``
draws visiting few more pairs than connect, and ``choice`` decides between them.
"""
