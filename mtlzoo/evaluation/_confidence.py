"""How the confidence of an interval is read."""

from mtlzoo import checks


def checked(confidence):
    """Returns a confidence after checking that it is above 0 and below 1."""
    confidence = checks.number("confidence", confidence, low=0, high=1, strict=True)
    if confidence == 1:
        raise ValueError("`confidence` must be below 1: no finite interval is certain; received 1.")
    return confidence
