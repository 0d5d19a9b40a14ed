"""`Distillation`: outputs that are held near those of an earlier model."""

from collections.abc import Mapping

import keras
from keras import ops

from mtlzoo import checks

_TINY = 1e-7


@keras.saving.register_keras_serializable(package="mtlzoo")
class Distillation(keras.layers.Layer):
    """Passes outputs on, and in training adds a loss for how far they are from those of an earlier model on the same inputs.

    The distance is the Kullback-Leibler divergence from the teacher's probabilities, both raised to 1/temperature and normalised, or
    the squared difference of reals; a mean over rows and entries. The teacher is fixed, and runs in training only.

    Args:
        teacher: a Keras model from the inputs to a dict of outputs.
        activations: dict of output name to "softmax" or "sigmoid" for probabilities, or "linear" for reals.
        coefficient: factor of the loss; 0 for none.
        temperature: above 1 small probabilities count for more.
        name: the layer's name; the loss is logged as `<name>_loss`.
        trainable: as in Keras; the teacher never is.
        dtype: as in Keras.

    Called on a list: the outputs [batch, units] in the order of `activations`, then what the teacher reads, flattened. Returns the
    list of outputs.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Li and Hoiem, "Learning without forgetting", ECCV 2016; Hinton, Vinyals and Dean 2015 for the temperature.

    >>> x = keras.Input((3,))
    >>> teacher = keras.Model(x, {"a": keras.layers.Dense(1, kernel_initializer="ones")(x)})
    >>> layer = Distillation(teacher, {"a": "linear"})
    >>> _ = layer([ops.ones((2, 1)), ops.ones((2, 3))], training=True)
    >>> float(layer.losses[0])
    4.0
    """

    reports_loss = True
    passes_first = True

    def __init__(
        self,
        teacher: keras.Model,
        activations: Mapping[str, str],
        *,
        coefficient: float = 1.0,
        temperature: float = 2.0,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.teacher = checks.instance("teacher", teacher, keras.Model, "a Keras model")
        self.activations = dict(checks.instance("activations", activations, Mapping, "a dict by output name"))
        checks.exact_keys("activations", self.activations, checks.instance("teacher.output", teacher.output, Mapping, "a dict"))
        for key, kind in self.activations.items():
            checks.one_of(f"activations[{key!r}]", kind, ["softmax", "sigmoid", "linear"])
        self.coefficient = checks.number("coefficient", coefficient, low=0)
        self.temperature = checks.number("temperature", temperature, low=0, strict=True)
        teacher.trainable = False

    def build(self, input_shape):
        """Checks the number of tensors; the teacher has its weights."""
        wanted = len(self.activations) + len(keras.tree.flatten(self.teacher.input))
        if len(input_shape) != wanted:
            raise ValueError(f"`inputs` of {self.name!r} must be {wanted} tensors, outputs and inputs; received {len(input_shape)}.")

    def call(self, inputs, training=None):
        """Returns the outputs."""
        count = len(self.activations)
        outputs = list(inputs[:count])
        if training and self.coefficient:
            wanted = self.teacher(keras.tree.pack_sequence_as(self.teacher.input, inputs[count:]), training=False)
            apart = [
                self._distance(kind, wanted[key], output) for (key, kind), output in zip(self.activations.items(), outputs, strict=True)
            ]
            self.add_loss(self.coefficient * sum(apart))
        return outputs

    def compute_output_shape(self, input_shape):
        """Returns the shapes of the outputs."""
        return [tuple(shape) for shape in input_shape[: len(self.activations)]]

    def get_config(self):
        """Returns the teacher's configuration and the arguments in plain types."""
        own = {"activations": self.activations, "coefficient": self.coefficient, "temperature": self.temperature}
        return {**super().get_config(), "teacher": keras.saving.serialize_keras_object(self.teacher), **own}

    @classmethod
    def from_config(cls, config):
        """Makes the layer from what `get_config` returned."""
        return cls(**{**config, "teacher": keras.saving.deserialize_keras_object(config["teacher"])})

    def _distance(self, kind, wanted, found):
        wanted, found = ops.stop_gradient(ops.cast(wanted, "float32")), ops.cast(found, "float32")
        if kind == "linear":
            return ops.mean(ops.square(found - wanted))
        if kind == "sigmoid":
            wanted, found = (ops.stack([1 - values, values], axis=-1) for values in (wanted, found))
        wanted, found = (ops.log(ops.clip(values, _TINY, 1.0)) / self.temperature for values in (wanted, found))
        wanted, found = (values - ops.logsumexp(values, axis=-1, keepdims=True) for values in (wanted, found))
        return ops.mean(ops.sum(ops.exp(wanted) * (wanted - found), axis=-1))
