"""Where modules between the stages of stacked trunks read: behind each stage with weights, while its features still have places."""

from keras import layers

from mtlzoo.layers import Folded

_ENDS = (layers.Flatten, *(getattr(layers, f"Global{kind}Pooling{rank}D") for kind in ("Average", "Max") for rank in (1, 2, 3)))


def sites(stages):
    """Cuts stages where modules between them read.

    A stage that ends in flattening or global pooling is cut in front of that: behind it a module would no longer see channels, but
    each channel at each place.

    Args:
        stages: a sequence of `StackedStage`.

    Returns:
        A pair: a list of (front, rest), two stages for each stage, and the names of those stages behind whose front a module belongs,
        which are all but those without weights, in order.

    Raises:
        ValueError: no stage has weights.
    """
    cut = [stage.split(_place(stage.layers)) for stage in stages]
    return cut, with_weights([front for front, _ in cut])


def with_weights(stages):
    """Returns the names of the stages that do more than compute without weights; raises `ValueError` if there is none."""
    names = [stage.name for stage in stages if not all(isinstance(layer, Folded) for layer in stage.layers)]
    if not names:
        raise ValueError("`trunk` must have a stage with weights: without them the tasks' features are all the same.")
    return names


def _place(found):
    """The place of the first layer of a stage's end: it gives up places, and no weights follow."""
    place = len(found)
    for index in reversed(range(len(found))):
        if not isinstance(found[index], Folded):
            break
        if isinstance(found[index].layer, _ENDS):
            place = index
    return place
