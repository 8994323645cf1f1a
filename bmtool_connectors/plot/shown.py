"""What pictures share: the connections that are shown, axes, colours and labels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.inspection.connections import Connections
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.saved import read_connections

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: From M. Okabe and K. Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/.
ORANGE, BLUE = "#E69F00", "#0072B2"


def connections_of(network: Any, owner: str) -> list[Connections]:
    """Return the connections of whatever was given."""
    if isinstance(network, BaseConnector):
        network._look()
        return [network.connections_of(network.use)]
    if isinstance(network, str | os.PathLike):
        return read_connections(network)
    adaptor = getattr(network, "adaptor", network)
    if not hasattr(adaptor, "connections"):
        raise ParameterError(
            f"network of {owner} is {network!r}; allowed is a connector, a network of our "
            "NetworkBuilder after build(), or the folder of a saved network."
        )
    found: list[Connections] = adaptor.connections()
    return found


def chosen(network: Any, owner: str, edge_type: int | None) -> tuple[Connections, str]:
    """Return the connections and the direction that are to be shown."""
    found = connections_of(network, owner)
    if isinstance(network, BaseConnector):
        if edge_type is not None:
            raise ParameterError(
                f"edge_type of {owner} is {edge_type!r}, and a connector has none; leave it out."
            )
        return found[0], "forward"
    known = {
        number: (each, direction)
        for each in found
        for number, direction in zip(each.edge_types, each.directions, strict=True)
    }
    if edge_type is None and len(known) == 1:
        return next(iter(known.values()))
    if edge_type not in list(known):  # which may be anything
        raise ParameterError(
            f"edge_type of {owner} is {edge_type!r}; allowed here are "
            f"{', '.join(map(str, known)) or 'none: there are no edges'}."
        )
    return known[edge_type]


def axes_of(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes that are drawn into."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def short_label(label: str) -> str:
    """Return a pool's label without what all labels have."""
    network, _, query = label.partition(": ")
    if query in ("", "*"):
        return network
    return "\n".join(part.partition("==")[2].strip("'") or part for part in query.split("&"))


def title_of(found: Connections, direction: str) -> str:
    """Return what stands above a picture of one edge type."""
    ends = [short_label(each).replace("\n", ", ") for each in (found.source, found.target)]
    return " → ".join(ends if direction == "forward" else ends[::-1])


def finish(ax: Axes) -> None:
    """Leave out what is no data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=8, edgecolor="none", framealpha=0.8)
