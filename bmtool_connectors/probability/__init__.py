"""Connection probability as a function of distance: profiles, and arithmetic with them.

``base`` says what a probability function is, and what any profile knows of a range of distances;
``algebra`` adds, multiplies and is what profiles derive from; ``formula`` is for those whose
height may come from an overall probability, a mean that ``shells`` takes. The profiles themselves
are in ``uniform``, ``gaussian``, ``gaussian_sums``, ``dropoffs`` and ``tabulated``.
"""
