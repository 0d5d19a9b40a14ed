"""The batch normalisation of trunks."""

from keras import layers


def batch_normalization():
    """Returns a batch normalisation with a momentum of 0.9.

    Keras' 0.99 leaves a fifth of the start, variance 1, in the stored variances after 160 steps; features of small variance are then
    judged all but flat.
    """
    return layers.BatchNormalization(momentum=0.9)
