"""What pictures share: the connections that are shown, axes, colours and labels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.reports import of_connector
from bmtool_connectors.reports.connections import Connections
from bmtool_connectors.reports.pool_names import network_of, pool_key, short_names
from bmtool_connectors.saved import read_connections

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EdgeType: TypeAlias = int | tuple[str, str, int]

#: From M. Okabe and K. Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/.
ORANGE, BLUE = "#E69F00", "#0072B2"
#: Letters in a line of a title.
MOST_TITLE = 48


def connections_of(network: Any, owner: str) -> list[Connections]:
    """Return the connections of whatever was given."""
    if isinstance(network, BaseConnector):
        network.use.looked_at()
        return [of_connector.connections_of(network, network.use)]
    if isinstance(network, str | os.PathLike):
        return read_connections(network)
    adaptor = getattr(network, "adaptor", network)
    if not hasattr(adaptor, "connections"):
        raise ParameterError(
            f"network of {owner} must be a connector, a network of our NetworkBuilder after "
            f"build(), or the folder of a saved network, got {network!r}."
        )
    found: list[Connections] = adaptor.connections()
    return found


def chosen(network: Any, owner: str, edge_type: EdgeType | None) -> tuple[Connections, str]:
    """Return the connections and the direction that are to be shown."""
    found = connections_of(network, owner)
    if isinstance(network, BaseConnector):
        if edge_type is not None:
            raise ParameterError(
                f"edge_type of {owner} is {edge_type!r}, and a connector has none; leave it out."
            )
        return found[0], "forward"
    known = {}
    for each in found:
        ends = network_of(each.source), network_of(each.target)
        for edge_id, direction in zip(each.edge_types, each.directions, strict=True):
            key = (*(ends if direction == "forward" else ends[::-1]), edge_id)
            known[key] = each, direction
    fitting = [key for key in known if edge_type is None or edge_type in (key, key[2])]
    if len(fitting) == 1:
        return known[fitting[0]]
    ids = [key[2] for key in known]
    allowed = [repr(key if ids.count(key[2]) > 1 else key[2]) for key in known]
    raise ParameterError(
        f"edge_type of {owner} must be one of {', '.join(allowed) or '(there are no edges)'}, "
        f"got {edge_type!r}."
    )


def axes_of(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes that are drawn into."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def finish(ax: Axes, found: Connections, direction: str) -> None:
    """Leave out what is no data, and say whose data it is, in two lines where one is too long."""
    names = short_names((found.source, found.target))
    ends = [names[pool_key(each)].replace("\n", ", ") for each in (found.source, found.target)]
    title = " → ".join(ends if direction == "forward" else ends[::-1])
    if len(title) > MOST_TITLE:
        title = title.replace(" → ", "\n→ ")
    size = 12 * min(1.0, MOST_TITLE / max(map(len, title.split("\n"))))
    ax.set_title(title, fontsize=size)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=8, edgecolor="none", framealpha=0.8)
