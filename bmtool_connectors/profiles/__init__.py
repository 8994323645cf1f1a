"""Connection probability as a function of distance: profiles, and arithmetic with them.

``probability_function`` says what one is, and what is common to all profiles;
``algebra`` has the class that profiles derive from, their sums and their products;
``formula`` those whose height may come from an overall probability, a mean over
``shells``. The profiles themselves are in ``uniform``, ``gaussian``,
``gaussian_sums``, ``dropoffs``, ``tabulated`` and any other file with a class
that carries ``examples``; ``reciprocal_rate`` is a function of a pair.
"""
