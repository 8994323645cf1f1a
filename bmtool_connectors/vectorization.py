"""Parameters become functions of arrays of pairs.

A parameter is a number, a function of this package, a function declared
``@vectorized``, or any other Python function, which is called once per pair,
in order, with plain Python values: the result is what calling it one pair at
a time gives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, overload

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray, Index, IntArray, Values
from bmtool_connectors.checks import ROUNDING, floats
from bmtool_connectors.discovery import has_examples
from bmtool_connectors.distances import metric_of
from bmtool_connectors.errors import ParameterError, must_be
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.profiles.algebra import (
    DistantDependentProbability,
    ProfileProduct,
    ProfileSum,
)
from bmtool_connectors.profiles.reciprocal_rate import NormalizedReciprocalRate

__all__ = ["vectorized"]

F = TypeVar("F", bound=Callable[..., Any])


@overload
def vectorized(function: F) -> F: ...
@overload
def vectorized(
    *, bound: Callable[[npt.NDArray[Any], npt.NDArray[Any]], npt.ArrayLike]
) -> Callable[[F], F]: ...
def vectorized(function: Any = None, *, bound: Any = None) -> Any:
    """Declare that a function takes and returns arrays, so that it is called once per block.

    Parameters
    ----------
    function : callable
        A law, ``p(arg)`` or ``pr(arg, p0, p1)``: its arguments are arrays of shape (m,), or
        numbers where the value is one for all pairs. A function of two nodes (``p_arg``,
        ``n_syn``): ``source['positions']`` is then an array of shape (m, 3), any other
        attribute one of shape (m,).
    bound : callable, optional
        ``bound(d0, d1)`` returns a number that the law never exceeds at arguments in
        ``[d0, d1]`` (arrays in, array out).

    Returns
    -------
    callable
        The same function, marked.

    Examples
    --------
    >>> @vectorized
    ... def p(dist):
    ...     return 0.1 * (dist < 50.0)
    """
    if function is None:
        return functools.partial(_mark, bound=bound)
    return _mark(function, bound=bound)


def _mark(function: Any, bound: Any) -> Any:
    if not callable(function) or not (bound is None or callable(bound)):
        name, got = ("bound", bound) if callable(function) else ("function", function)
        raise ParameterError(f"{name} of vectorized must be a function, got {got!r}.")
    try:
        function.vectorized_bound = bound
    except AttributeError:  # a NumPy ufunc, a built-in: mark a function that calls it

        def marked(*args: Any) -> Any:
            return function(*args)

        marked.vectorized_bound = bound  # type: ignore[attr-defined]
        return functools.update_wrapper(marked, function, updated=())
    return function


def is_vectorized(function: Any) -> bool:
    """Whether the function was declared ``@vectorized``."""
    return hasattr(function, "vectorized_bound")


def needs_python_calls(value: Any) -> bool:
    """Whether the parameter is a function that must be called once per pair."""
    if not callable(value):
        return False
    return not (is_vectorized(value) or metric_of(value) is not None or _is_array_law(value))


def _is_array_law(function: Any) -> bool:
    """Whether a law of this package can be evaluated on arrays."""
    if type(function) is NormalizedReciprocalRate:
        rate = function.NRR
        return function.rate is not None or is_profile(rate) or is_vectorized(rate)
    return is_profile(function)


def is_profile(law: Any) -> bool:
    """Whether a law is a distance profile with examples of its own, or made of such profiles.

    Such a class takes arrays and knows its bounds; a subclass may have changed anything.
    """
    if type(law) in (ProfileSum, ProfileProduct):
        return all(isinstance(part, float) or is_profile(part) for part in law.parts)
    return isinstance(law, DistantDependentProbability) and has_examples(type(law))


def has_bound(law: Any) -> bool:
    """Whether a law knows an upper bound on an interval of its argument."""
    return is_profile(law) or getattr(law, "vectorized_bound", None) is not None


def bound_of(law: Any, low: Any, high: Any, name: str) -> FloatArray:
    """Return an upper bound of a law on the intervals [low, high] of its argument."""
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    if not callable(law):
        return np.full(low.shape, float(law))
    if is_profile(law):
        return law.bound(low, high)  # type: ignore[no-any-return]
    bound = np.broadcast_to(np.asarray(law.vectorized_bound(low, high), dtype=float), low.shape)
    if not (bound >= 0).all():
        raise ParameterError(
            f"bound of {name} must give numbers that the function never exceeds, got negative or "
            "missing values."
        )
    limited: FloatArray = np.minimum(bound, 1.0)
    return limited


def takes_distance(law: Any) -> bool:
    """Whether a law of this package cannot be evaluated without a distance."""
    if type(law) is NormalizedReciprocalRate:
        return takes_distance(law.NRR)
    return isinstance(law, DistantDependentProbability)


def as_array(values: list[Any]) -> npt.NDArray[Any]:
    """Return what a function gave for each pair as floats, or as objects if they are not."""
    try:
        array = np.array(values)
    except ValueError:  # sequences of different lengths
        array = np.array(None)
    if array.shape == (len(values),) and array.dtype.kind in "fiub":
        return array.astype(float)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def one_per_item(values: Any, n: int, name: str, items: str = "pairs") -> npt.NDArray[Any]:
    """Refuse a vectorised function that does not answer with one value per pair (or node)."""
    if np.ndim(values) == 0 or np.shape(values) == (n,):
        return np.broadcast_to(np.asarray(values), (n,))
    raise ParameterError(
        f"{name} was declared @vectorized and returned an array of shape {np.shape(values)} for "
        f"{n} {items}; it must return shape ({n},) or one number."
    )


def of_pairs(
    value: Any, source: NodeArrays, target: NodeArrays, i: Index, j: Index, name: str
) -> Values:
    """Evaluate a parameter that is a function of two nodes, on pairs.

    Parameters
    ----------
    value : number, None or callable
        ``p_arg``, ``pr_arg`` or ``n_syn``; package distances are dealt with by the sampler.
    source, target : NodeArrays
        The pools that `i` and `j`, shape (m,), index.
    name : str
        Parameter and class, for messages.
    """
    if not callable(value):
        return value
    if is_vectorized(value):
        return one_per_item(value(source.take(i), target.take(j)), len(i), name)
    sources, targets = source.nodes, target.nodes
    pairs = zip(i.tolist(), j.tolist(), strict=True)
    return as_array([value(sources[a], targets[b]) for a, b in pairs])


def of_values(law: Any, args: tuple[Values, ...], n: int, name: str) -> Values:
    """Evaluate a law, ``p(arg)`` or ``pr(arg, p0, p1)``, on the values of its arguments.

    Parameters
    ----------
    law : number or callable
    args : tuple
        Each one value for all pairs or an ndarray of shape (n,).
    n : int
        Number of pairs.
    name : str
        Parameter and class, for messages.

    Returns
    -------
    float or ndarray of float, shape (n,)
    """
    if not callable(law):
        return law
    if is_profile(law):
        dist = floats(args[0])
        return law.values(dist) if dist.ndim else law(float(dist))
    if type(law) is NormalizedReciprocalRate and _is_array_law(law):
        if is_profile(law.NRR):
            return args[1] * args[2] * law.NRR.raw(floats(args[0]))
        rate = of_values(law.NRR if law.rate is None else law.rate, args[:1], n, name)
        return args[1] * args[2] * rate
    if is_vectorized(law):
        return one_per_item(law(*args), n, name)
    # Plain Python objects, one per pair.
    columns = [each.tolist() if isinstance(each, np.ndarray) else [each] * n for each in args]
    call, dtype = _of_numbers(law)
    found = [call(*values) for values in zip(*columns, strict=True)]
    if dtype is not None:
        found = np.fromiter(found, dtype=object, count=len(found)).astype(dtype).tolist()
    return as_array(found)


def _of_numbers(law: Any) -> tuple[Callable[..., Any], Any]:
    """Return what is called for each pair, and the type that its results are cast to, if any.

    For one pair ``np.vectorize`` takes thirty times as long as most laws that it wraps, and calls
    them twice, at first to see what they return. A law depends on nothing but its arguments, so
    that this is not seen; functions of nodes may draw, and are called as they are. So are those
    with options that change the call, or with several results.
    """
    if type(law) is not np.vectorize or law.signature or law.excluded or law.cache:
        return law, None
    if law.otypes is None:
        return law.pyfunc, None
    return (law.pyfunc, law.otypes[0]) if len(law.otypes) == 1 else (law, None)


def checked_probability(p: Values, describe: Callable[[int], str], name: str) -> Values:
    """Return probabilities as floats within [0, 1], or raise for the first that is not.

    Parameters
    ----------
    p : float or ndarray, shape (m,)
        What a law gave; up to 1e-9 outside counts as rounding.
    describe : callable
        ``describe(k)`` names pair k, for the message.
    name : str
        Parameter and class, for the message.
    """
    values = checked_numbers(p, describe, name)
    refuse_first(
        (values < -ROUNDING) | (values > 1 + ROUNDING), values, describe, name, _PROBABILITY
    )
    clipped = np.clip(values, 0.0, 1.0)
    return clipped if np.ndim(values) else float(clipped)


_PROBABILITY = "a probability in [0, 1]: correct the function or clip its result"


def checked_numbers(
    values: Values,
    describe: Callable[[int], str],
    name: str,
    allowed: str = _PROBABILITY,
) -> Values:
    """Return what a function gave as floats, or raise for the first that is not a number."""
    numbers = floats(values)
    refuse_first(np.isnan(numbers), values, describe, name, allowed)
    return numbers if numbers.ndim else float(numbers)


def refuse(got: Any, where: str, name: str, allowed: str) -> NoReturn:
    """Raise for a value that a function must not give."""
    got = got.item() if isinstance(got, np.generic) else got
    raise ParameterError(must_be(name, allowed, f"{got!r} for {where}"))


def refuse_first(
    wrong: Any, values: Any, describe: Callable[[int], str], name: str, allowed: str
) -> None:
    """Raise for the first value that is wrong, if any is."""
    if np.any(wrong):
        k = int(np.flatnonzero(wrong)[0])
        refuse(np.ravel(np.asarray(values, dtype=object))[k], describe(k), name, allowed)


def checked_counts(
    counts: Values,
    n: int,
    describe: Callable[[int], str],
    name: str,
    allowed: str = "a whole number of synapses >= 0: round the result of the function",
) -> IntArray:
    """Return synapse counts as whole numbers >= 0, shape (n,), or raise for the first that is not.

    Parameters
    ----------
    counts : int or ndarray, shape (n,)
    n : int
        Number of pairs.
    describe : callable
        ``describe(k)`` names pair k, for the message.
    name, allowed : str
        Parameter and class, and what it must be, for the message; after a colon, what to do.
    """
    values = np.broadcast_to(np.asarray(counts), (n,))
    numbers = floats(values)
    possible = (numbers >= 0) & (numbers <= np.iinfo(np.uint32).max)
    refuse_first(~possible | (np.floor(numbers) != numbers), values, describe, name, allowed)
    return numbers.astype(np.int64)
