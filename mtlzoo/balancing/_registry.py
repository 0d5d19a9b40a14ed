"""The registry of balancers."""

from mtlzoo import checks
from mtlzoo.balancing._base import Balancer
from mtlzoo.registry import Registry

BALANCERS = Registry("balancer")
names, describe = BALANCERS.names, BALANCERS.describe


def get(identifier) -> Balancer | None:
    """Returns the balancer for a name, an instance, or None for plain training.

    Args:
        identifier: a registered name such as `"uncertainty_weighting"`, a `Balancer`, or None.

    Returns:
        A `Balancer` with its default arguments for a name; what was given otherwise.

    Raises:
        ValueError: the name is unknown.
        TypeError: `identifier` is none of these.

    Source: `keras.losses.get`.

    >>> get("uncertainty_weighting").name
    'uncertainty_weighting'
    """
    if identifier is None or isinstance(identifier, Balancer):
        return identifier
    checks.instance("balancer", identifier, str, "a name, a mtlzoo.balancing.Balancer or None")
    return BALANCERS.get(identifier)()
