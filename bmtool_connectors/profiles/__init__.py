"""Connection probability as a function of distance: profiles, and arithmetic with them.

``base`` says what a probability function is, and what is common to all profiles;
``algebra`` has the class that profiles derive from, their sums and their products;
``formula`` those whose height may come from an overall probability, a mean over
``shells``. The profiles themselves are in ``uniform``, ``gaussian``,
``gaussian_sums``, ``dropoffs`` and ``tabulated``.
"""
