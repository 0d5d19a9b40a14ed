"""`ToldPreference`: puts the preference among the tasks beside the input, and remembers that of the batch."""

from collections.abc import Mapping

import keras
from keras import ops

KEY = "preference"


@keras.saving.register_keras_serializable(package="mtlzoo")
class ToldPreference(keras.layers.Layer):
    """Joins a preference, one share a task, to an input along its last axis, so that one network can serve every preference.

    In training it keeps the batch's mean preference in the weight `told` [tasks], where a balancer with preferences="told" reads it.

    Args:
        joins: the name of the input that the preference joins where there are several, such as "numbers" for a table; if there is none
            of that name, the preference becomes it. None for a single input.
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Input: a dict of "preference" [batch, tasks] and the others; or a list of one input [batch, ..., channels] and the preference. Output:
    for a single input [batch, ..., channels + tasks], the preference at every place; for several a dict of them.

    Raises:
        ValueError: there is no preference, or several inputs and no `joins`.

    Source: Ruchte and Grabocka, "Scalable Pareto Front Approximation for Deep Multi-Objective Learning", ICDM 2021, where the
        preference joins the input of the network.

    >>> x = {"input": ops.zeros((2, 4, 4, 1)), "preference": ops.convert_to_tensor([[0.25, 0.75], [0.5, 0.5]])}
    >>> joined = ToldPreference()(x)
    >>> tuple(joined.shape), joined[0, 3, 1].numpy().tolist()
    ((2, 4, 4, 3), [0.0, 0.25, 0.75])
    """

    def __init__(self, joins: str | None = None, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.joins = joins

    def build(self, input_shape):
        """Makes `told`."""
        _, _, shape = self._parts(input_shape)
        self.told = self.add_weight(
            shape=(shape[-1],), initializer=keras.initializers.Constant(1 / shape[-1]), trainable=False, aggregation="mean", name="told"
        )

    def call(self, x, training=False):
        """Returns the input with the preference, or a dict of inputs."""
        others, place, preference = self._parts(x)
        if training:
            self.told.assign(ops.cast(ops.mean(preference, axis=0), self.told.dtype))
        preference = ops.cast(preference, self.compute_dtype)
        if place not in others:
            return {**others, place: preference}
        joined = _joined(ops.cast(others[place], self.compute_dtype), preference)
        return joined if self.joins is None else {**others, place: joined}

    def compute_output_shape(self, input_shape):
        """Returns the shape, or a dict of them."""
        others, place, shape = self._parts(input_shape)
        joined = (*others[place][:-1], others[place][-1] + shape[-1]) if place in others else tuple(shape)
        return joined if self.joins is None else {**others, place: joined}

    def compute_output_spec(self, x, training=False):
        """Returns shape and dtype; inputs that the preference does not join stay as they are."""
        others, place, _ = self._parts(x)
        shapes = self.compute_output_shape(keras.tree.map_structure(lambda part: tuple(part.shape), x))
        if self.joins is None:
            return keras.KerasTensor(shapes, dtype=self.compute_dtype)
        dtypes = {key: part.dtype for key, part in others.items()} | {place: self.compute_dtype}
        return {key: keras.KerasTensor(shape, dtype=dtypes[key]) for key, shape in shapes.items()}

    def _parts(self, x):
        """The other inputs by name, the name that the preference joins, and the preference."""
        x = x if isinstance(x, Mapping) else {"input": x[0], KEY: x[1]}
        others = {key: part for key, part in x.items() if key != KEY}
        if KEY not in x or (self.joins is None and len(others) != 1):
            raise ValueError(
                f"`inputs` of {self.name!r} must be {KEY!r} and one other input, or several and `joins` be given; received {list(x)}."
            )
        return others, self.joins or next(iter(others)), x[KEY]

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "joins": self.joins}


def _joined(x, preference):
    """[batch, ..., channels + tasks]."""
    places = ops.shape(x)[:-1]
    preference = ops.reshape(preference, (-1, *(1,) * (len(x.shape) - 2), preference.shape[-1]))
    return ops.concatenate([x, ops.broadcast_to(preference, (*places, preference.shape[-1]))], axis=-1)
