"""Dense stages, which several trunks end in."""

from keras import layers

from mtlzoo.trunks._norm import batch_normalization


def dense_stages(units, activation, batch_norm, dropout, first=()):
    """Returns dense layers by stage: `dense1`, `dense2` and so on.

    Args:
        units: widths of the stages.
        activation: Keras activation after each dense layer.
        batch_norm: whether each dense layer is followed by batch normalisation.
        dropout: share of features dropped after each stage.
        first: layers in front of the first stage's own.

    Returns:
        A dict of stage name to a list of Keras layers.
    """
    stages = {}
    for index, width in enumerate(units, start=1):
        stage = list(first) if index == 1 else []
        stage.append(layers.Dense(width, activation=None if batch_norm else activation))
        if batch_norm:
            stage += [batch_normalization(), layers.Activation(activation)]
        if dropout:
            stage.append(layers.Dropout(dropout))
        stages[f"dense{index}"] = stage
    return stages
