"""Uncertainty weighting (Kendall, Gal and Cipolla, CVPR 2018)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS

_FACTORS = {"regression": 0.5, "classification": 1.0}


@keras.saving.register_keras_serializable(package="mtlzoo")
class UncertaintyWeighting(Balancer):
    """Weighs each task by the noise that it learns for it: w_t = ½·exp(−s_t) for regressions, exp(−s_t) for classes.

    It minimises Σ c_t·exp(−s_t)·L_t + ½·s_t over the log variances s_t (c = ½ for regression, 1 for classification, as in
    the paper), with an Adam of its own: at the network's learning rate s would hardly move. At its optimum
    exp(s_t) = 2·c_t·L_t. The alphas do not enter the training of s.

    Args:
        learning_rate: of the Adam that trains s; 0.025 as in the study of Nash-MTL (Navon et al. 2022).
        initial: s of every task at the start.
        form: "auto" (by the task's kind), "regression" or "classification" for all tasks.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T], float32.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses", CVPR 2018, eqs. 7 and 10.

    >>> balancer = UncertaintyWeighting()
    >>> balancer.set_tasks(["regression", "multiclass"])
    >>> [float(weight) for weight in balancer(keras.ops.ones(2), keras.ops.ones(2, dtype="bool"))]
    [0.5, 1.0]
    """

    def __init__(self, learning_rate=0.025, initial=0.0, form="auto", *, freeze_after=None, name="uncertainty_weighting"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0, strict=True)
        self.initial = checks.number("initial", initial)
        self.form = checks.one_of("form", form, ["auto", *_FACTORS])
        self.optimizer = keras.optimizers.Adam(self.learning_rate, name="uncertainty_adam")

    def build(self, input_shape):
        """Makes s, [T], and the moments of its optimizer."""
        forms = [self._form(kind) for kind in self.kinds or ["regression"] * input_shape[0]]
        self.factors = [_FACTORS[form] for form in forms]
        self.log_variances = self.state("log_variances", tuple(input_shape), self.initial)
        self.optimizer.build([self.log_variances])

    def _form(self, kind):
        if self.form != "auto":
            return self.form
        return "regression" if kind == "regression" else "classification"

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        return ops.convert_to_tensor(self.factors, dtype="float32") * ops.exp(-self.log_variances)

    def update(self, losses, present, gram=None):
        """Takes one Adam step on s; tasks without a label keep theirs."""
        before = ops.convert_to_tensor(self.log_variances) + 0.0
        gradient = 0.5 - self.call(losses, present) * ops.cast(losses, "float32")
        self.optimizer.apply([ops.where(present, gradient, 0.0)], [self.log_variances])
        self.log_variances.assign(ops.where(present, self.log_variances, before))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate": self.learning_rate, "initial": self.initial, "form": self.form}


BALANCERS.register(UncertaintyWeighting, name="uncertainty_weighting")
