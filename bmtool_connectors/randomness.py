"""Random numbers: the default generator, private seeds and their streams.

Who owns which stream
---------------------
===============================  =====================================================
who draws                        from which stream
===============================  =====================================================
connector, ``rng`` a Generator   that object, in the order of first uses
or RandomState
connector, ``rng`` an int or     its own, one per use: root seed and the key (source
SeedSequence                     label, target label, class, ``name``)
connector, ``rng=None``, module  that object, in the order of first uses
``rng`` a Generator or
RandomState
connector, ``rng=None``, module  its own, one per use: root seed and the key (source
``rng`` an int or SeedSequence   label, target label, class, ``name``, number of the use
                                 among equal keys)
block of a ``BlockConnector``    that of a connector of its own between the pools of its
                                 classes; with a generator, in the order of ``p``
``decision``, ``decisions``,     that object, in call order
``rng`` a Generator or
RandomState
``decision``, ``decisions``,     its own, anew at every call (same seed, same answer)
``rng`` an int or SeedSequence
``decision``, ``decisions``,     that object, or, for a module-wide seed, one private
``rng=None``, module ``rng``     stream shared by all helpers in call order
``expected()``, ``preview()``,   one of its own per edge type, anew at every call, to
``summary()``, recipes of saved  choose pairs to look at: the key (source label, target
files                            label, class, ``name``) without a seed; what a user's
                                 function draws from a shared generator is put back
estimate of rho, numbers of      one of its own, anew at every call, to choose pairs to
possible pairs, of many pairs    look at: a key without a seed
``syn_*`` helper, ``rng`` a      that object, in call order
Generator or RandomState
``syn_*`` helper, ``rng`` an     one private stream per seed, shared by all helpers that
int or SeedSequence              were given it, in call order
``syn_*`` helper, ``rng=None``   as ``decision``, ``rng=None``
``WeightRule`` and the others    as a ``syn_*`` helper
any helper or rule, private      its own per edge type, property rule and slab of 4,096
seed, in a property that our     targets, anew at every build: root seed and the key
NetworkBuilder evaluates         (source label, target label, number of the edge type
                                 among those with equal labels, property names), and the
                                 number of the slab, whose synapses come in the order of
                                 target and source; rules joined by ``properties()`` have
                                 streams of their own each
user's function as a rule, or    one per edge type and rule with that key, in call order
helper in it, private seed
===============================  =====================================================

The label of a pool is its text in reports (network name and filter) where that can only mean
this filter; else JSON of both, which tells ``1`` from ``'1'``, and in which a function stands as
a digest of the node ids that it selects (``filters.stream_label``). Deep copies of a connector or
a rule draw from the generator of the original. Threads draw from shared generators one draw at a
time.

The last line is about the seeds of the lines before it and about a module-wide seed; a helper
that is given a Generator, or uses that of the module, follows it there as well.

``rng=1`` is therefore not ``numpy.random.default_rng(1)``: the seed is mixed with
the key, so that two connectors with the same seed do not draw the same numbers
for different populations.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import ROUNDING, floats
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.generators import SharedGenerator as SharedGenerator
from bmtool_connectors.locks import Lock

__all__ = ["decision", "decisions"]

#: What every ``rng`` argument of the package accepts.
RngLike: TypeAlias = (
    "np.random.Generator | np.random.RandomState | np.random.SeedSequence | int | None"
)

_ALLOWED = "a numpy Generator or RandomState, an int >= 0, a SeedSequence, or None"
#: Rows (sources, targets) that have one stream together, where streams are cut into slabs; part of
#: the streams' definition.
SLAB = 4096
#: What :func:`streams` returns.
Streams: TypeAlias = Callable[..., np.random.Generator]
#: Marks, in a spawn key, what the words after it stand for; part of the streams' definition.
_HELPERS, _USE, _PROPERTY, _LOOKING = 1, 2, 3, 4


class Seed:
    """A root from which private streams are derived by key.

    Parameters
    ----------
    entropy : int or SeedSequence
        The seed the user gave.
    """

    def __init__(self, entropy: int | np.random.SeedSequence) -> None:
        if not isinstance(entropy, np.random.SeedSequence):
            entropy = np.random.SeedSequence(entropy)
        self.sequence = entropy
        self._uses: dict[Hashable, int] = {}
        self._lock = Lock()
        self._helpers: np.random.Generator | None = None

    def __repr__(self) -> str:
        return f"Seed({self.sequence.entropy})"

    def __deepcopy__(self, memo: object) -> Seed:
        return self  # copies of a connector go on counting uses, and share the helpers' stream

    def root(self, *key: str | int | None) -> np.random.SeedSequence:
        """Return the root of the private stream with this key (the same on every machine)."""
        return self._child(_USE, *_words(key))

    def count_use(self, *key: str | None) -> int:
        """Number a use among those with an equal key: 0, 1, 2, ..."""
        with self._lock:
            number = self._uses.get(key, 0)
            self._uses[key] = number + 1
            return number

    @property
    def helpers(self) -> np.random.Generator:
        """The one stream that all helper functions share, in call order."""
        with self._lock:
            if self._helpers is None:
                self._helpers = np.random.default_rng(self._child(_HELPERS))
            return self._helpers

    def of_property(self, key: tuple[Hashable, ...], *slab: int) -> np.random.Generator:
        """Return the stream of a property, or of a slab of its targets, at its beginning."""
        return np.random.default_rng(self._child(_PROPERTY, *_words(key), *slab))

    def _child(self, *words: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(
            self.sequence.entropy, spawn_key=(*self.sequence.spawn_key, *words)
        )


def _words(key: tuple[Hashable, ...]) -> tuple[int, ...]:
    # blake2b and not hash(): Python salts the hashes of strings per process.
    digest = hashlib.blake2b(repr(key).encode(), digest_size=16).digest()
    return tuple(int(word) for word in np.frombuffer(digest, dtype="<u4"))


def looking(*key: str | None) -> np.random.Generator:
    """Return the stream that chooses pairs to look at, for a key: it is no seed's."""
    return np.random.default_rng(np.random.SeedSequence(0, spawn_key=(_LOOKING, *_words(key))))


def as_source(rng: object, owner: str) -> SharedGenerator | Seed:
    """Return the generator itself, or the root of private streams, that `rng` stands for.

    Raises
    ------
    ParameterError
        If `rng` is nothing that random numbers can come from; `owner` names the parameter.
    """
    if isinstance(rng, np.random.Generator | np.random.RandomState):
        return rng
    if isinstance(rng, np.random.SeedSequence):
        return Seed(rng)
    if rng is not None and not isinstance(rng, bool | np.bool_):
        try:
            entropy = operator.index(cast(Any, rng))
        except TypeError:
            pass
        else:
            if entropy >= 0:
                return Seed(entropy)
    raise ParameterError(
        f"{owner} must be {_ALLOWED}, got {rng!r}; pass for example "
        "numpy.random.default_rng(1234), or the int 1234 for streams of its own."
    )


class _Default:
    """The module-wide default: what the user assigned, and what is made of it."""

    def __init__(self) -> None:
        self.assign(None)

    def assign(self, rng: object) -> None:
        # Assigning starts the streams anew, also when the value equals the last one.
        value = np.random.default_rng() if rng is None else rng
        self.source = as_source(value, "bmtool_connectors.rng")
        self.value = cast(RngLike, value)


default = _Default()


#: Of this thread, as another one may evaluate the properties of another network: what gives the
#: private stream of the property rule that is being evaluated, for a seed.
_property_stream: ContextVar[Callable[..., np.random.Generator] | None] = ContextVar(
    "_property_stream", default=None
)


@contextmanager
def property_streams(*key: Hashable, names: tuple[str, ...] = ()) -> Iterator[None]:
    """Give the rules that are called in the block private streams with this key.

    Parameters
    ----------
    *key : str or int
        Of the edge type.
    names : tuple of str
        Of the properties that the rule gives.
    """
    streams: dict[Hashable, np.random.Generator] = {}

    def stream(seed: Seed, part: slice, *slab: int) -> np.random.Generator:
        if slab:
            return seed.of_property((*key, *names[part]), *slab)
        root = str(seed.sequence.entropy), seed.sequence.spawn_key, names[part]
        if root not in streams:
            streams[root] = seed.of_property((*key, *names[part]))
        return streams[root]

    token = _property_stream.set(stream)
    try:
        yield
    finally:
        _property_stream.reset(token)


def helper_stream(
    source: SharedGenerator | Seed,
    part: slice = slice(None),  # immutable
    *slab: int,
) -> SharedGenerator:
    """Return the generator that a rule draws from: a shared one, or the stream of a seed.

    Parameters
    ----------
    source : Generator, RandomState or Seed
    part : slice, optional
        Which of the properties it is for, where several rules give them.
    *slab : int
        Number of the slab of targets whose synapses are evaluated, at the beginning of its
        stream; without, the stream of rules that are called, where that has got to.
    """
    if not isinstance(source, Seed):
        return source
    private = _property_stream.get()
    return source.helpers if private is None else private(source, part, *slab)


def generator_for_helper(rng: object, owner: str) -> SharedGenerator:
    """Return the generator that a helper called with `rng` draws from, late bound."""
    if rng is None:
        return helper_stream(default.source)
    source = as_source(rng, owner)
    return source.helpers if isinstance(source, Seed) else source


def streams(rng: SharedGenerator, version: int) -> Streams:
    """Take 128 bits from a generator, as the root of streams that are told apart by numbers.

    Parameters
    ----------
    rng : Generator or RandomState
    version : int
        Of the way in which the streams are used: another one is another network.

    Returns
    -------
    callable
        Returns the stream of one or several ints, anew at every call; none depends on what
        another draws.
    """
    root = np.random.SeedSequence(int.from_bytes(rng.bytes(16), "little"))

    def stream(*numbers: int) -> np.random.Generator:
        key = (*root.spawn_key, version, *numbers)
        return np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=key))

    return stream


def slabs(n: int) -> Iterator[tuple[int, slice]]:
    """Yield the number of each slab of n rows, and the rows."""
    for number, start in enumerate(range(0, n, SLAB)):
        yield number, slice(start, min(start + SLAB, n))


def _checked(prob: object, function: str) -> npt.NDArray[np.float64]:
    """Return `prob` as floats, and refuse what would silently never connect."""
    p = floats(prob)
    if not ((p >= -ROUNDING) & (p <= 1 + ROUNDING)).all():
        raise ParameterError(
            f"prob of {function} must be probabilities in [0, 1], got {prob!r}: check the function "
            "that computed it."
        )
    return p


def decision(
    prob: float, size: int | tuple[int, ...] | None = None, rng: RngLike = None
) -> bool | npt.NDArray[np.bool_]:
    """Decide at random, True with probability `prob`: ``rng.random(size) < prob``.

    Parameters
    ----------
    prob : float
        Probability of True, dimensionless.
    size : int or tuple of int, optional
        Shape of the answer; one bool when None.
    rng : Generator, RandomState, int, SeedSequence or None
        None is ``bmtool_connectors.rng``, read at the call.

    Returns
    -------
    bool or ndarray of bool, shape `size`

    Raises
    ------
    ParameterError
        If `prob` is not in [0, 1], or `rng` is not one of the allowed kinds.

    Examples
    --------
    >>> decision(1.0), decision(0.0)
    (True, False)
    """
    p = _checked(prob, "decision")
    generator = generator_for_helper(rng, "rng of decision")
    try:
        drawn = generator.random(size) < p
    except (TypeError, ValueError, MemoryError):
        raise ParameterError(
            "size of decision must be a shape (an int or a tuple of ints) that fits prob and the "
            f"memory, or None, got {size!r} with prob {prob!r}."
        ) from None
    return bool(drawn) if np.ndim(drawn) == 0 else drawn


def decisions(prob: npt.ArrayLike, rng: RngLike = None) -> npt.NDArray[np.bool_]:
    """Decide at random for each probability in `prob`.

    Parameters
    ----------
    prob : array_like of float
        Probabilities of True, dimensionless.
    rng : Generator, RandomState, int, SeedSequence or None
        None is ``bmtool_connectors.rng``, read at the call.

    Returns
    -------
    ndarray of bool, shape of `prob`

    Raises
    ------
    ParameterError
        If `prob` is not in [0, 1], or `rng` is not one of the allowed kinds.

    Examples
    --------
    >>> decisions([1.0, 0.0]).tolist()
    [True, False]
    """
    p = _checked(prob, "decisions")
    drawn = generator_for_helper(rng, "rng of decisions").random(p.shape) < p
    return np.asarray(drawn)
