"""`stacked`: N copies of a layer as one, by the fastest way that is known for it."""

import keras

from mtlzoo.layers._stacked import Stacked
from mtlzoo.layers.folded import Folded
from mtlzoo.layers.stacked_conv import StackedConv1D, StackedConv2D
from mtlzoo.layers.stacked_dense import StackedDense
from mtlzoo.layers.stacked_layer_norm import StackedLayerNormalization, of_last_axis
from mtlzoo.layers.stacked_layers import StackedLayers
from mtlzoo.layers.stacked_norm import StackedBatchNormalization

_FUSED = {kind.of: kind for kind in (StackedDense, StackedConv1D, StackedConv2D, StackedBatchNormalization, StackedLayerNormalization)}
# Layers of Keras that have no weights and treat every row of a batch by itself.
WEIGHTLESS = {
    getattr(keras.layers, name)
    for name in (
        *("Flatten", "Reshape", "Permute", "RepeatVector", "Identity", "Rescaling", "UnitNormalization"),
        *("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax"),
        *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise", "AlphaDropout"),
        *(f"{kind}Pooling{rank}D" for kind in ("Max", "Average", "GlobalMax", "GlobalAverage") for rank in (1, 2, 3)),
        *(f"{kind}{rank}D" for kind in ("ZeroPadding", "Cropping", "UpSampling") for rank in (1, 2, 3)),
    )
}


def stacked(layer, copies=None, *, slices: str | None = None, name: str | None = None) -> Stacked:
    """Returns N copies of a layer as one layer, by the fastest way that is known for it.

    Dense layers, convolutions, batch and layer normalisations are fused; layers without weights run once for all copies; any other
    layer or model runs copy by copy.

    Args:
        layer: the layer or model to copy, or a sequence of one a copy, alike but for names and seeds.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        name: the layer's name.

    Returns:
        A `StackedDense`, `StackedConv1D`, `StackedConv2D`, `StackedBatchNormalization`, `StackedLayerNormalization`, `Folded` or
        `StackedLayers`.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: the house's measurements on a CPU.

    >>> [type(stacked(layer, 4)).__name__ for layer in (keras.layers.Dense(3), keras.layers.Flatten(), keras.layers.PReLU())]
    ['StackedDense', 'Folded', 'StackedLayers']
    """
    first = layer if isinstance(layer, keras.layers.Layer) else next(iter(layer), None)
    kind = type(first)
    # LoRA, quantization and renorm change what the weights are; other axes, where they lie.
    changed = getattr(first, "lora_rank", None) or getattr(first, "renorm", False) or getattr(first, "quantization_mode", None)
    changed = changed or (kind is keras.layers.LayerNormalization and not of_last_axis(first))
    made = Folded if kind in WEIGHTLESS else StackedLayers
    if not changed:
        made = _FUSED.get(kind, made)
    return made(layer, copies, slices=slices, name=name)
