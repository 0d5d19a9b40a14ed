"""Losses that layers add (`add_loss`): their sum, and which of them the logs name."""

import keras
import tensorflow as tf


def reporting(model):
    """Returns the layers that have `reports_loss`: the logs name what each adds, as `<layer>_loss`."""
    return [layer for layer in model._flatten_layers(include_self=False) if getattr(layer, "reports_loss", False)]


def reading(model):
    """Returns the layers that have `read_labels`: what they add needs labels, which are known after the forward pass."""
    return [layer for layer in model._flatten_layers(include_self=False) if hasattr(layer, "read_labels")]


def values(model):
    """Returns the sum of all added losses of the last call, and behind it what each reporting layer added itself: [1 + reporting]."""
    return tf.stack([_sum(model.losses), *(_sum(layer._get_own_losses()) for layer in reporting(model))])


def means(model):
    """Returns a running mean for each reporting layer."""
    return [keras.metrics.Mean(name=f"{layer.name}_loss") for layer in reporting(model)]


def _sum(losses):
    return tf.add_n([tf.reduce_sum(tf.cast(loss, "float32")) for loss in losses]) if losses else tf.zeros(())
