"""What becomes of backward probabilities where an infeasible pr is not clipped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmtool_connectors.arrays import Index, Values
from bmtool_connectors.checks import ROUNDING
from bmtool_connectors.sampling.candidates import Candidates


@dataclass
class Moved:
    """By how much backward probabilities are other than they should be, and the worst of them.

    Attributes
    ----------
    pairs : int
        Pairs with p1 > 0.
    requested, drawn, reciprocal : float
        Sums of p1 as it should be, of p1 and of pr as they are drawn.
    worst : str or None
    excess : float
    """

    pairs: int = 0
    requested: float = 0.0
    drawn: float = 0.0
    reciprocal: float = 0.0
    worst: str | None = None
    excess: float = 0.0

    def __str__(self) -> str:
        p1, drawn = self.requested / self.pairs, self.drawn / self.pairs
        return (
            f"{self.drawn:.5g} backward connections are expected for {self.requested:.5g} (p1 is "
            f"{drawn:.4g} for {p1:.4g} on average), {self.reciprocal:.5g} of them reciprocal; "
            f"the largest change: {self.worst}"
        )

    def add(
        self, p0: Values, p1: Values, drawn: tuple[Values, Values], at: Candidates, chosen: Index
    ) -> None:
        """Add the chosen candidates, with p1 and pr as they are drawn."""
        columns = np.broadcast_arrays(p0, p1, *drawn, chosen)
        if at.space.self_pairs is not None:  # a self connection has one direction
            other = ~at.space.is_self(*at.pairs(chosen))
            columns = tuple(column[other] for column in columns)
        p0, p1, backward, joint, chosen = columns
        self.pairs += int(np.count_nonzero(p1 > 0))
        self.requested += float(p1.sum())
        self.drawn += float(backward.sum())
        self.reciprocal += float(joint.sum())
        excess = np.abs(backward - p1)
        k = int(np.argmax(excess)) if len(excess) else -1
        if k >= 0 and excess[k] > max(self.excess, ROUNDING):
            self.excess = float(excess[k])
            self.worst = (
                f"p1={float(p1[k]):.4g} became {float(backward[k]):.4g} for "
                f"{at.describe(int(chosen[k]))} with p0={float(p0[k]):.4g}"
            )
