"""What all synapse helpers share: their generator, and the checks of their arguments.

They are called once per synapse, so everything here has to be quick: an
argument is looked at with a comparison, and only a failed one costs a message.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NoReturn

from bmtool_connectors import randomness
from bmtool_connectors.errors import NodeError, ParameterError, warn
from bmtool_connectors.randomness import Seed, SharedGenerator

#: What counts as finite.
MOST = 1e100

#: The streams of helpers that were given a seed, by seed value: one helper is called once per
#: synapse with the same seed, and must not return the same number each time.
_seeds: dict[Hashable, Seed] = {}

#: Helpers and unknown keywords that were warned about.
_warned: set[tuple[str, str]] = set()


def origin(rng: Any, helper: str) -> SharedGenerator | Seed:
    """Return the generator or the seed that `rng` stands for; None is the module's, now."""
    if rng is None:
        return randomness.default.source
    source = randomness.as_source(rng, f"rng of {helper}")
    if isinstance(source, Seed):
        sequence = source.sequence
        source = _seeds.setdefault((str(sequence.entropy), sequence.spawn_key), source)
    return source


def generator(rng: Any, helper: str) -> SharedGenerator:
    """Return the generator that a call with this `rng` draws from."""
    return randomness.helper_stream(origin(rng, helper))


def refuse(helper: str, name: str, value: Any, allowed: str) -> NoReturn:
    """Raise for an argument that is not allowed."""
    raise ParameterError(f"{name} of {helper} is {value!r}; allowed is {allowed}.")


def stored(helper: str, connector: Any, source: Any, target: Any) -> Any:
    """Return what a connector stored for a pair of nodes."""
    try:
        look_up, ids = connector.get_conn_prop, (source.node_id, target.node_id)
    except AttributeError:
        if hasattr(connector, "get_conn_prop"):
            raise NodeError(
                f"source and target of {helper} are {source!r} and {target!r}; allowed are nodes."
            ) from None
        refuse(helper, "connector", connector, "a connector of this package, or None")
    try:
        return look_up(*ids)
    except KeyError as error:
        said = ", ".join(map(str, error.args))
        raise KeyError(
            f"connector of {helper} stored nothing for the pair ({said}); pass the connector that "
            "made these edges."
        ) from None


def check_keywords(helper: str, unknown: dict[str, Any]) -> None:
    """Warn, once per helper and name, about keywords that no helper knows."""
    for name in unknown:
        if (helper, name) not in _warned:
            _warned.add((helper, name))
            warn(
                f"{helper} got an unknown keyword {name!r}, which has no effect; check the "
                "spelling in rule_params."
            )
