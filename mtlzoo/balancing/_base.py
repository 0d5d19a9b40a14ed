"""What every balancer is: a function of the task losses to one weight a task, with its state in Keras variables."""

import keras

from mtlzoo import checks


class Balancer(keras.layers.Layer):
    """Turns T task losses into T weights; knows no model.

    A subclass sets `state` variables in `build`, gives the weights in `call` and moves its state in `update`. The model
    multiplies the weights by the alphas: the total loss is `Σ α_t · w_t · L_t`.

    Args:
        name: the balancer's name.

    Raises:
        ValueError: `set_tasks` is called again with other tasks.

    Source: rule 3 of the model (README.md).

    >>> from mtlzoo.balancing import UncertaintyWeighting
    >>> isinstance(UncertaintyWeighting(), Balancer)
    True
    """

    def __init__(self, name=None):
        super().__init__(name=name, trainable=False, dtype="float32")
        self.kinds = None

    def set_tasks(self, kinds):
        """Makes the state for tasks of these kinds (as in `Task.kind`), one entry a task."""
        kinds = tuple(kinds)
        if self.kinds not in (None, kinds):
            raise ValueError(f"`balancer` {self.name!r} serves tasks of the kinds {self.kinds} already; make a new one for {kinds}.")
        self.kinds = kinds
        if not self.built:
            self.build((len(kinds),))

    def call(self, losses, present):
        """Returns the weights [T] for losses [T]; `present` [T] says which tasks have a label in the batch."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(losses, present)`.")

    def update(self, losses, present):
        """Moves the state by one step; a task that is not present keeps its own."""

    def get_build_config(self):
        """Returns what `build_from_config` needs."""
        return {"kinds": list(self.kinds)} if self.kinds else {}

    def build_from_config(self, config):
        """Makes the state of a balancer that is being loaded."""
        if config and config.get("kinds"):
            self.set_tasks(checks.instance("kinds", config["kinds"], (list, tuple), "a list"))
