"""Why one pair of nodes is connected, or not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bmtool_connectors.reports.tables import Report, aligned, number_text

__all__ = ["Explanation"]


@dataclass(frozen=True)
class Explanation(Report):
    """What is known of one pair of nodes.

    Attributes
    ----------
    source_id, target_id : int
        Node ids.
    outcome : {'forward', 'backward', 'both', 'none', 'not drawn yet'}
        How the pair is connected; from source to target is forward.
    n_syn, n_syn_backward : int or None
        Synapses in each direction; None before the draw.
    distance : float or None
        Value of the argument of `p0`, usually a distance (um); None without one.
    distance_backward : float or None
        The same of `p1`.
    p0, p1 : float or None
        Probabilities forward and backward, as they are drawn; None where pairs have none.
    pr_wanted, pr : float or None
        Probability of both, as the parameters ask for it and as it is drawn, after clipping to what
        is feasible; None with one direction, or while a correlation is still to be estimated.
    rho : float or None
        Correlation of the two directions with `pr`; None where one of them is certain.
    state : int or None
        In how many directions the connector that the law depends on connects the pair.
    law : str or None
        Parameter of the law that applied, where it depends on that.
    note : str
        What else is known.
    """

    source_id: int
    target_id: int
    outcome: str = "not drawn yet"
    n_syn: int | None = None
    n_syn_backward: int | None = None
    distance: float | None = None
    distance_backward: float | None = None
    p0: float | None = None
    p1: float | None = None
    pr_wanted: float | None = None
    pr: float | None = None
    rho: float | None = None
    state: int | None = None
    law: str | None = None
    note: str = ""

    def records(self) -> list[dict[str, Any]]:
        """Return the one row, by column."""
        return [self.as_dict()]

    def __str__(self) -> str:
        known = [
            [name, value if isinstance(value, str) else number_text(value)]
            for name, value in list(asdict(self).items())[2:-1]
            if value not in (None, "")
        ]
        lines = [f"from node {self.source_id} to node {self.target_id}", *aligned(known)]
        return "\n".join(lines + [f"  {self.note}"] * bool(self.note))
