"""What blocks give on average, together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bmtool_connectors.arrays import index_dtype
from bmtool_connectors.patterns.block_parts import Part
from bmtool_connectors.sampling.expect import Expected


def summed(
    parts: Sequence[Part],
    found: Sequence[Expected],
    sizes: tuple[int, int],
    pairs: int,
    *,
    both: bool,
) -> Expected:
    """Return the sums of what is expected of each block.

    Parameters
    ----------
    parts, found : sequence
        The blocks, and what is expected of each.
    sizes : tuple of int
        ``(n_source, n_target)`` of the whole pools.
    pairs : int
        Pairs that are looked at.
    both : bool
        Whether reciprocal pairs only come from blocks that draw both directions together.
    """
    edges = sum(each.edges for each in found)
    # Directions that are drawn together are correlated, blocks are not.
    variance = sum(
        each.forward_sd**2
        + (each.backward and each.backward_sd**2 + 2 * (each.reciprocal - each.independent))
        for each in found
    )
    reciprocal = found if both else ()
    clipped = [(each.infeasible, each.pairs) for each in found if each.reciprocal]
    error = float(np.sqrt(sum(each.standard_error**2 for each in found)))
    n_bytes = sum(each.n_bytes for each in found) + edges * sum(_width(n) for n in sizes)
    for part, one in zip(parts, found, strict=True):  # positions in the whole are longer
        n_bytes -= one.edges * (_width(len(part.source)) + _width(len(part.target)))
    return Expected(
        sampler=" and ".join(sorted({each.sampler for each in found})) or "none",
        pairs=pairs,
        forward=edges,
        backward=0.0,
        reciprocal=sum(each.reciprocal for each in reciprocal),
        infeasible=sum(x * n for x, n in clipped) / max(sum(n for _, n in clipped), 1),
        standard_error=error,
        n_bytes=round(n_bytes),
        seconds=sum(each.seconds for each in found),
        kept_bytes=max((each.kept_bytes for each in found), default=0),
        forward_sd=float(np.sqrt(max(variance, 0.0))),
        reciprocal_sd=float(np.sqrt(sum(each.reciprocal_sd**2 for each in reciprocal))),
        forward_error=error,
        reciprocal_error=float(np.sqrt(sum(each.reciprocal_error**2 for each in reciprocal))),
        max_step=max((each.max_step for each in found), default=1.0),
        degrees={"out": (edges / sizes[0], None), "in": (edges / sizes[1], None)},
    )


def _width(n: int) -> int:
    """Return the bytes that a position among n nodes takes."""
    return index_dtype(n).itemsize
