"""The `keras_tuner.HyperModel` of multi-task models. Imported inside functions only, since keras-tuner is."""

import math

import keras
import keras_tuner

from mtlzoo.callbacks import SameOrder
from mtlzoo.tuning.objective import Objective

KEY = "val_objective"


class MultiTaskHyperModel(keras_tuner.HyperModel):
    """Builds and fits the model of a trial; adds the objective's value to the logs.

    Args:
        space: what `_space.make` returned.
        score: the `mtlzoo.tuning.Objective`.
        seed: the seed that every trial starts from.
    """

    objective = keras_tuner.Objective(KEY, "max")

    def __init__(self, space, score: Objective, seed: int):
        super().__init__(name="mtlzoo")
        self.space, self.score, self.seed = space, score, seed
        self.trial, self.watch = None, None
        self._policy = keras.config.dtype_policy()

    def declare_hyperparameters(self, hp):
        """Declares what can be known without a model, and keeps it as the trial: a builder may refuse the choice."""
        self.trial = self.space.declare(hp) if hasattr(self.space, "declare") else None

    def build(self, hp):
        """Returns the compiled model of a trial."""
        keras.config.set_dtype_policy(self._policy)  # keras-tuner clears Keras' session before, and the policy with it.
        keras.utils.set_random_seed(self.seed)
        self.declare_hyperparameters(hp)
        model, self.trial = self.space.build(hp)
        return model

    def fit(self, hp, model, *args, **kwargs):
        """Trains the model as `keras.Model.fit` does and returns its history, which holds `val_objective`."""
        if kwargs.get("validation_data") is None and not kwargs.get("validation_split"):
            raise keras_tuner.errors.FatalValueError("`validation_data` must be given to the search: the objective is a validation value.")
        callbacks = list(kwargs.pop("callbacks", None) or [])
        for callback in callbacks:
            _let_bundle(callback)
        self.watch = ObjectiveWatch(self.score)
        starts = SameOrder(args[0] if args else kwargs.get("x"))
        history = model.fit(*args, **kwargs, callbacks=[self.watch, starts, *callbacks])
        if self.watch.best_epoch is None:
            raise keras_tuner.errors.FailedTrialError(f"the objective {self.score.name} was not finite in any epoch")
        return history


class ObjectiveWatch(keras.callbacks.Callback):
    """Adds `val_objective` to the logs, −∞ in epochs where it is not finite, and keeps the logs of the best epoch.

    Args:
        score: the `mtlzoo.tuning.Objective`.
    """

    def __init__(self, score):
        super().__init__()
        self.score, self.best, self.best_epoch, self.best_logs = score, -math.inf, None, {}

    def on_epoch_end(self, epoch, logs=None):
        """Adds the objective's value to the logs."""
        missing = [f"val_{key}" for key in self.score.keys if f"val_{key}" not in logs]
        if missing:
            raise keras_tuner.errors.FatalValueError(f"`validation_data` must be given in every epoch: {missing[0]!r} is not in the logs.")
        value = self.score.score(logs)
        logs[KEY] = value if math.isfinite(value) else -math.inf
        if logs[KEY] > self.best:
            self.best, self.best_epoch, self.best_logs = logs[KEY], epoch, dict(logs)


def _let_bundle(callback):
    """Says of keras-tuner's own callback that it does nothing at a step, so that steps may be bundled, unless its tuner does."""
    tuner = getattr(callback, "tuner", None)
    if type(callback).__name__ == "TunerCallback" and isinstance(tuner, keras_tuner.Tuner):
        names = ("on_batch_begin", "on_batch_end")
        callback.takes_several_steps = all(getattr(type(tuner), name) is getattr(keras_tuner.Tuner, name) for name in names)
