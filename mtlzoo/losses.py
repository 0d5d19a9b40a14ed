"""Keras losses that change how another Keras loss reads its labels: class indices, weights a class, standardised numbers."""

import re

import keras
from keras import ops

from mtlzoo import checks


class _Wrapper(keras.losses.Loss):
    """A loss around another one; its value before reduction is made from the inner loss' value."""

    def __init__(self, loss, name=None, reduction="mean_with_sample_weight"):
        self.loss = as_loss(loss)
        super().__init__(name=name or self.loss.name, reduction=reduction)

    def get_config(self):
        return {**super().get_config(), "loss": serialize_loss(self.loss)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "loss": keras.saving.deserialize_keras_object(config["loss"])})


@keras.saving.register_keras_serializable(package="mtlzoo")
class SparseLabels(_Wrapper):
    """Lets a Keras loss that wants one-hot labels (label smoothing, focal) take class indices.

    Args:
        loss: a Keras loss of one-hot labels [batch, classes] and probabilities [batch, classes].
        classes: number of classes.
        name: the loss' name.
        reduction: as in `keras.losses.Loss`.

    Returns:
        A Keras loss of integer labels [batch] and probabilities [batch, classes].

    Raises:
        ValueError: `classes` is below 2.

    Source: Keras' own losses; Keras' sparse cross-entropy has neither smoothing nor focus.

    >>> loss = SparseLabels(keras.losses.CategoricalCrossentropy(label_smoothing=0.1), classes=2)
    >>> round(float(loss([0], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(self, loss, classes, name=None, reduction="mean_with_sample_weight"):
        self.classes = checks.integer("classes", classes, low=2)
        super().__init__(loss, name=name, reduction=reduction)

    def call(self, y_true, y_pred):
        """Returns the inner loss of the one-hot labels, one value an example."""
        y_true, y_pred = ops.cast(y_true, "int32"), ops.convert_to_tensor(y_pred)
        if len(y_true.shape) == len(y_pred.shape):
            y_true = ops.squeeze(y_true, axis=-1)
        return self.loss.call(ops.one_hot(y_true, self.classes, dtype=y_pred.dtype), y_pred)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "classes": self.classes}


@keras.saving.register_keras_serializable(package="mtlzoo")
class ClassWeighted(_Wrapper):
    """Multiplies each example's loss by the weight of its class, as Keras' `class_weight` does for one output.

    The mean is still taken over the number of labels (not over the weights), so for a single task the
    training loss is the one of `fit(class_weight=...)`.

    Args:
        loss: a Keras loss whose `call` gives one value an example.
        weights: one weight a class, at least 0, in the order of the class indices.
        name: the loss' name.
        reduction: as in `keras.losses.Loss`.

    Returns:
        A Keras loss of the same labels and predictions as `loss`.

    Raises:
        ValueError: a weight is negative or not finite.

    Source: `class_weight` of `keras.Model.fit`.

    >>> loss = ClassWeighted(keras.losses.SparseCategoricalCrossentropy(), weights=[1.0, 3.0])
    >>> round(float(loss([0, 1], [[0.5, 0.5], [0.5, 0.5]])), 4)
    1.3863
    """

    def __init__(self, loss, weights, name=None, reduction="mean_with_sample_weight"):
        self.weights = tuple(checks.number("class_weight", weight, low=0) for weight in weights)
        super().__init__(loss, name=name, reduction=reduction)

    def call(self, y_true, y_pred):
        """Returns the inner loss of each example times its class' weight."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        values = self.loss.call(y_true, y_pred)
        classes = ops.cast(y_true, "int32")
        if len(classes.shape) > len(values.shape):
            classes = ops.squeeze(classes, axis=-1)
        return values * ops.take(ops.convert_to_tensor(self.weights, dtype=values.dtype), classes, axis=0)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "weights": list(self.weights)}


@keras.saving.register_keras_serializable(package="mtlzoo")
class Standardized(_Wrapper):
    """Takes another loss in standard deviations from the mean, of labels and predictions in their own unit.

    Args:
        loss: a Keras loss whose `call` gives one value an example.
        mean: the mean of the labels.
        std: their standard deviation, above 0.
        name: the loss' name.
        reduction: as in `keras.losses.Loss`.

    Returns:
        A Keras loss of the same labels and predictions as `loss`.

    Raises:
        ValueError: `std` is not above 0, or a number is not finite.

    Source: the standardising of targets that is usual in regression.

    >>> loss = Standardized("mean_squared_error", mean=40_000, std=10_000)
    >>> round(float(loss([[30_000.0]], [[50_000.0]])), 4)
    4.0
    """

    def __init__(self, loss, mean, std, name=None, reduction="mean_with_sample_weight"):
        self.mean, self.std = checks.number("mean", mean), checks.number("std", std, low=0, strict=True)
        super().__init__(loss, name=name, reduction=reduction)

    def call(self, y_true, y_pred):
        """Returns the inner loss of the standardised numbers, one value an example."""
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        return self.loss.call((y_true - self.mean) / self.std, (y_pred - self.mean) / self.std)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "mean": self.mean, "std": self.std}


@keras.saving.register_keras_serializable(package="mtlzoo")
class Affine:
    """The activation `offset + scale · x`, which puts standardised numbers back into their own unit.

    Args:
        scale: what is multiplied by, not 0.
        offset: what is added.

    Returns:
        A Keras activation.

    Raises:
        ValueError: a number is not finite, or `scale` is 0.

    Source: the standardising of targets that is usual in regression.

    >>> float(Affine(scale=10_000, offset=40_000)(-0.5))
    35000.0
    """

    def __init__(self, scale=1.0, offset=0.0):
        self.scale, self.offset = checks.number("scale", scale), checks.number("offset", offset)
        if self.scale == 0:
            raise ValueError(f"`scale` must not be 0; received {scale!r}.")

    def __call__(self, x):
        return x * self.scale + self.offset

    def __repr__(self):
        return f"Affine(scale={self.scale:g}, offset={self.offset:g})"

    def __eq__(self, other):
        return isinstance(other, Affine) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash((self.scale, self.offset))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"scale": self.scale, "offset": self.offset}

    @classmethod
    def from_config(cls, config):
        """Makes the activation from its configuration."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="mtlzoo")
class FunctionLoss(keras.losses.Loss):
    """Makes a Keras loss of a function `fn(y_true, y_pred)` that gives one value an example.

    Args:
        fn: the function; register it (`keras.saving.register_keras_serializable`) if the model is to be saved.
        name: the loss' name.
        reduction: as in `keras.losses.Loss`.

    Returns:
        A Keras loss.

    Raises:
        TypeError: `fn` cannot be called.

    Source: what `keras.Model.compile(loss=fn)` does.

    >>> round(float(FunctionLoss(keras.losses.mean_squared_error)([[1.0]], [[3.0]])), 1)
    4.0
    """

    def __init__(self, fn, name=None, reduction="mean_with_sample_weight"):
        if not callable(fn):
            raise TypeError(f"`fn` must be a function of (y_true, y_pred); received {fn!r}.")
        words = re.sub(r"\W+", "_", name or getattr(fn, "__name__", "")).strip("_")  # TensorFlow refuses "<lambda>" as a scope.
        super().__init__(name=words or "function_loss", reduction=reduction)
        self.fn = fn

    def call(self, y_true, y_pred):
        """Returns the function's values, one an example."""
        return self.fn(y_true, y_pred)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "fn": keras.saving.serialize_keras_object(self.fn)}

    @classmethod
    def from_config(cls, config):
        """Makes the loss from its configuration."""
        return cls(**{**config, "fn": keras.saving.deserialize_keras_object(config["fn"])})


def as_loss(loss):
    """Returns a Keras loss for a loss, its Keras name, or a function.

    Args:
        loss: a `keras.losses.Loss`, a name that `keras.losses.get` knows, or a function of `(y_true, y_pred)`.

    Returns:
        A `keras.losses.Loss`.

    Raises:
        ValueError: the name is unknown, or the loss sums instead of taking a mean.
        TypeError: `loss` is none of these.

    >>> as_loss("huber").name
    'huber'
    """
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError as error:
            known = [name for name in dir(keras.losses) if name.islower() and not name.startswith("_")]
            known = {*known, "mse", "mae", "mape"} - {"get", "deserialize", "serialize"}
            raise checks.unknown_name("loss", loss, known) from error
    if isinstance(loss, keras.losses.Loss):
        if loss.reduction in ("sum", "none", None):
            raise ValueError(
                f"`loss` must take a mean over the labels that are there; received {loss.name!r} with reduction={loss.reduction!r}."
            )
        return loss
    if callable(loss):
        return FunctionLoss(loss)
    raise TypeError(f"`loss` must be a Keras loss, its name or a function; received {loss!r} of type {type(loss).__name__}.")


def serialize_loss(loss):
    """Returns the configuration of a Keras loss, with the arguments that Keras' own `get_config` leaves out.

    Args:
        loss: a `keras.losses.Loss`.

    Returns:
        A dict for `keras.saving.deserialize_keras_object`.

    Source: measured on Keras 3.15, where `Huber(delta=2).get_config()` has no `delta`.

    >>> serialize_loss(keras.losses.Huber(delta=2.0))["config"]["delta"]
    2.0
    """
    config = keras.saving.serialize_keras_object(loss)
    extra = getattr(loss, "_fn_kwargs", {})
    config["config"].update({key: value for key, value in extra.items() if isinstance(value, (int, float, str, bool))})
    return config
