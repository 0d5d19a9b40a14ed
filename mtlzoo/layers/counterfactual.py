"""`Counterfactual`: a conversion rate for all rows, learnt from clicked rows that are weighed by how likely they were."""

import keras
from keras import ops

from mtlzoo import checks

ESTIMATORS = ("dr", "ipw")


@keras.saving.register_keras_serializable(package="mtlzoo")
class Counterfactual(keras.layers.Layer):
    """Hands the logits of a conversion rate on as they are, and adds a loss of that rate over all rows, clicked or not.

    With o the click, ô its predicted probability (a constant here, not below `clip`), r̂ the conversion rate and e its cross-entropy:

    - "ipw", inverse propensity weights: mean(o·e / ô);
    - "dr", doubly robust: mean(ê + o·(e − ê)/ô) + mean(o·(e − ê)²/ô), with ê the cross-entropy of r̂ and the conversion r̃ that an
      imputation tower predicts. The first mean trains the rate, with r̃ held, and the second the tower, with r̂ held.

    Each estimates the mean of e over all rows, and does so without bias if ô is right ("dr": or r̃ is). In the paper the tower predicts ê
    itself; what it says then has no slope in r̂, and rows without a click would teach the rate nothing. The loss needs labels of
    two tasks at once: a `MultiTaskModel` gives them to `read_labels` after the forward pass, in training and in evaluation.

    Args:
        estimator: "ipw" or "dr".
        weight: coefficient of the loss, above 0.
        clip: least value of ô, above 0: the lower it is, the less bias and the more variance.
        click: name of the click task.
        conversion: name of the conversion task, whose label is 1 for a click and a conversion.
        name: the layer's name; the loss is logged as `<name>_loss`.
        trainable: as in Keras.
        dtype: as in Keras.

    Input a list of logits of r̂ and of ô, and for "dr" of r̃, each [batch, 1]; output the first of them.

    Raises:
        ValueError, TypeError: an argument or the inputs are not as said above.

    Source: Wang et al., "ESCM²: entire space counterfactual multi-task model for post-click conversion rate estimation", SIGIR 2022;
        what trains what in "dr": Wang et al., "Doubly robust joint learning for recommendation on data missing not at random", ICML 2019.

    >>> layer = Counterfactual("ipw")
    >>> logits = ops.array([[0.0], [0.0]])
    >>> _ = layer([logits, logits])
    >>> layer.read_labels({"click": ops.array([[1.0], [0.0]]), "conversion": ops.array([[1.0], [0.0]])})
    >>> round(float(layer.losses[0]), 4)  # One click of two rows at ô = 0.5: log(2) / 0.5 / 2.
    0.6931
    """

    reports_loss = True
    passes_first = True

    def __init__(
        self,
        estimator: str = "ipw",
        *,
        weight: float = 1.0,
        clip: float = 0.05,
        click: str = "click",
        conversion: str = "conversion",
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.estimator = checks.one_of("estimator", estimator, ESTIMATORS)
        self.weight = checks.number("weight", weight, low=0, strict=True)
        self.clip = checks.number("clip", clip, low=0, high=1, strict=True)
        self.click = checks.instance("click", click, str, "the name of a task")
        self.conversion = checks.instance("conversion", conversion, str, "the name of a task")
        self._predicted = None

    def build(self, input_shape):
        """Checks the number of inputs."""
        wanted = 3 if self.estimator == "dr" else 2
        if not isinstance(input_shape, list) or len(input_shape) != wanted or {tuple(shape[1:]) for shape in input_shape} != {(1,)}:
            raise ValueError(f"`inputs` of {self.name!r} must be a list of {wanted} tensors [batch, 1]; received the shapes {input_shape}.")

    def call(self, inputs):
        """Returns the first of the inputs, and keeps them for the labels of the same step."""
        # Past Keras' tracking: these are no state of the layer.
        object.__setattr__(self, "_predicted", [ops.cast(part, "float32")[:, 0] for part in inputs])
        return inputs[0]

    def read_labels(self, labels, weights=None):
        """Adds the loss of the last call, given its labels; a second time it takes the place of the first.

        Args:
            labels: dict of task name to labels, [batch] or [batch, 1].
            weights: None, or dict of task name to weights [batch]; a missing label has weight 0. A row counts if its click is known and,
                where there was one, its conversion too; with the click's weight where there was none, else with the conversion's.
        """
        names = (self.click, self.conversion)
        labels = [ops.reshape(ops.cast(labels[name], "float32"), (-1,)) for name in names]
        there = [ops.ones_like(labels[0])] * 2 if weights is None else [ops.cast(weights[name], "float32") for name in names]
        labels = [ops.where(weight > 0, label, ops.zeros_like(label)) for label, weight in zip(labels, there, strict=True)]
        clicked = labels[0] > 0
        rows = ops.where(there[0] > 0, ops.where(clicked, there[1], there[0]), ops.zeros_like(there[0]))
        values = self._values(*labels)
        self._clear_losses()
        self.add_loss(self.weight * ops.divide_no_nan(ops.sum(rows * values), ops.sum(rows)))

    def compute_output_shape(self, input_shape):
        """Returns the shape of the first input."""
        return tuple(input_shape[0])

    def get_config(self):
        """Returns the arguments in plain types."""
        own = {"estimator": self.estimator, "weight": self.weight, "clip": self.clip, "click": self.click, "conversion": self.conversion}
        return {**super().get_config(), **own}

    def _values(self, click, conversion):
        """What each row adds to the mean."""
        rate, propensity, *imputed = self._predicted
        inverse = click / ops.clip(ops.stop_gradient(ops.sigmoid(propensity)), self.clip, 1.0)
        error = ops.softplus(rate) - conversion * rate
        if self.estimator == "ipw":
            return inverse * error
        imputed = ops.sigmoid(imputed[0])
        guess = ops.softplus(rate) - ops.stop_gradient(imputed) * rate
        # The difference of the two errors, with the rate held: this part trains the tower alone.
        difference = ops.stop_gradient(rate) * (imputed - conversion)
        return guess + inverse * (error - guess) + inverse * ops.square(difference)
