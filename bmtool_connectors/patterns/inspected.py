"""What a connector tells of its edges before and after they are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from bmtool_connectors import messages
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.distances import Metric
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.views import ConnectorViews
from bmtool_connectors.sampling.expected import Expected
from bmtool_connectors.sampling.plan import Plan

if TYPE_CHECKING:
    from bmtool_connectors.reports.connections import Connections
    from bmtool_connectors.reports.explain import Explanation
    from bmtool_connectors.reports.preview import Preview, PreviewEntry
    from bmtool_connectors.reports.summary import Summary

__all__ = ["ConnectorInspection"]

#: Methods that tell of the edges that the ``draw`` of their class makes.
TELLING = ("expected_of", "_plan_ahead", "_explained", "_law_of_distance")


class ConnectorInspection(ConnectorViews):
    """What can be asked of a connector; the edges are drawn for ``summary()`` only."""

    #: Whether edges are stored once per unordered pair.
    _is_undirected: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # The laws of another class, from which this one derives, are not those of its own draw.
        for name in TELLING:
            if _depth(cls, "draw") < _depth(cls, name):
                setattr(cls, name, getattr(ConnectorInspection, name))

    # ------------------------------------------------------------------ what classes override
    def expected_of(self, projection: Projection, most: int | None = None) -> Expected | None:
        """Return what the draw of a projection gives on average; None where that is not known.

        Parameters
        ----------
        projection : Projection
        most : int, optional
            Pairs that stand for all, where there are many.
        """
        if self.is_random:
            return None
        timer = messages.Timer()
        drawn = projection.draw()
        return Expected.certain(drawn, timer.end())

    def _plan_ahead(self, projection: Projection) -> Plan | None:
        """Return the laws that say which pairs may connect, where there are any."""
        return None

    def _explained(self, projection: Projection, i: int, j: int) -> dict[str, Any]:
        """Return what the laws say of the pair at two indices."""
        return {"note": f"{type(self).__name__} has no probability of a single pair"}

    def _law_of_distance(self, projection: Projection) -> tuple[Any, Metric] | None:
        """Return the forward probability as a function of distances, and their metric."""
        return None

    def _report_labels(self, projection: Projection) -> tuple[str, str]:
        return projection.labels

    def _report_rows(self, projection: Projection) -> Iterable[tuple[str, str, Connectivity]]:
        """Return the rows of a drawn projection in the CSV report: labels, and what was drawn."""
        return [(*self._report_labels(projection), projection.drawn())]

    def _save_report(self, projection: Projection) -> None:
        """Append to the CSV connection report."""
        from bmtool_connectors.reports.connection_report import save_rows

        return save_rows(self.report_name, self._report_rows(projection))

    # ------------------------------------------------------------------ what users ask
    def save_connection_report(self) -> None:
        """Append the row of the current use to the CSV connection report."""
        self.use.looked_at()
        self._save_report(self.use)

    def expected(self) -> Expected:
        """Return what the draw will give and cost, computed from the laws; draws nothing.

        Returns
        -------
        Expected
            Numbers of edges and reciprocal pairs, the share of infeasible pairs, memory, time
            and sampler.

        Raises
        ------
        NodeError
            Before ``setup_nodes``; of a connector that depends on another one's edges, when
            those have not been drawn.
        ParameterError
            As the draw would, if a function gives what is no probability, or no degree.
        NotImplementedError
            If only ``draw`` itself can tell: of a connector that says nothing else.

        Notes
        -----
        Of probabilities: exact up to 262,144 pairs within reach; above, from a sample of them
        that is the same every time and another one for each edge type, with ``standard_error``
        telling how far off the edges may be; ``estimated`` is then True. Of degrees: with
        multapses, pairs that are drawn repeatedly count once. Functions of the user are called
        (but not those for `n_syn`), and a shared generator stands afterwards where it stood
        before.
        """
        found: Expected | None = self.expected_of(self.use)
        if found is None:
            raise NotImplementedError(
                f"expected() of {type(self).__name__} is not known: only its draw() tells what it "
                "connects; look at connectivity, or define expected_of() in the class."
            )
        return found

    def preview(self) -> Preview:
        """Return what the draw will give and cost, with hints where that looks unintended.

        Returns
        -------
        Preview
            ``print`` it, or take ``to_frame()``, ``to_json()``, ``to_csv()``.

        Raises
        ------
        NodeError
            Before ``setup_nodes``.

        Notes
        -----
        The numbers of :meth:`expected`; nothing is drawn. Errors that the draw would raise are
        hints here.
        """
        from bmtool_connectors.reports.of_connector import preview

        return preview(self)

    def preview_of(self, projection: Projection) -> PreviewEntry:
        """Return what the draw of a projection will give."""
        from bmtool_connectors.reports.of_connector import preview_of

        return preview_of(self, projection)

    def summary(self) -> Summary:
        """Return what was wanted and what was drawn, with standard deviations and z.

        Returns
        -------
        Summary
            ``print`` it, or take ``to_frame()``, ``to_json()``, ``to_csv()``.

        Raises
        ------
        NodeError
            Before ``setup_nodes``.

        Notes
        -----
        Draws the edges if they have not been. The laws are looked at again, as in
        :meth:`expected`; what comes from a sample is marked.
        """
        from bmtool_connectors.reports.of_connector import summary

        return summary(self)

    def connections_of(self, projection: Projection) -> Connections:
        """Return the edges of a projection, with what was expected of them."""
        from bmtool_connectors.reports.of_connector import connections_of

        return connections_of(self, projection)

    def explain(self, source_id: int, target_id: int) -> Explanation:
        """Return why a pair of nodes is connected or not: its laws and what was drawn.

        Parameters
        ----------
        source_id, target_id : int
            Node ids.

        Returns
        -------
        Explanation
            ``print`` it.

        Raises
        ------
        NodeError
            Before ``setup_nodes``, or if a pool has no such node.

        Notes
        -----
        Nothing is drawn: before the draw the outcome is ``'not drawn yet'``.
        """
        from bmtool_connectors.reports.of_connector import explain_pair

        return explain_pair(self, source_id, target_id)


def _depth(cls: type, name: str) -> int:
    """Return how far up the classes that `cls` derives from a name is defined."""
    return next((k for k, each in enumerate(cls.__mro__) if name in vars(each)), len(cls.__mro__))
