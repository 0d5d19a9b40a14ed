"""What balancers that take preferences among the tasks share: numbers that stay, or those that the model is told."""

from mtlzoo.balancing import _masked, _per_task
from mtlzoo.balancing._base import Balancer

TOLD = "told"


class PreferenceBalancer(Balancer):
    """A balancer of the losses with preferences r, one a task, that are given once, or read from the model at every step.

    Args:
        preferences: list of numbers above 0, one a task in the order of the tasks; None for 1/T, T the number of tasks with labels in
            the batch; or "told" for those of the batch, which a model with the layer `mtlzoo.layers.ToldPreference` holds.
        freeze_after: as in `Balancer`.
        name: the balancer's name.
    """

    def __init__(self, preferences=None, *, freeze_after=None, name=None):
        super().__init__(freeze_after=freeze_after, name=name)
        told = isinstance(preferences, str) and preferences == TOLD
        self.preferences = TOLD if told else _per_task.numbers("preferences", preferences, low=0, strict=True)
        object.__setattr__(self, "_told", None)  # A weight of the model, and none of this layer.

    @property
    def reads_preference(self):
        """Whether the preferences are those that the model is told."""
        return self.preferences == TOLD

    def set_told(self, variable):
        """Takes the variable [T] that holds the preferences of the batch."""
        object.__setattr__(self, "_told", variable)

    def check_tasks(self, kinds):
        """Checks the number of tasks."""
        if not self.reads_preference:
            _per_task.check("preferences", self.preferences, len(kinds))

    def shares(self, present):
        """Returns the preferences [T], float64; 0 for a task that is not present."""
        if self.reads_preference and self._told is None:
            raise ValueError(f"`balancer` {self.name!r} with preferences='told' works in a model that is told them; it serves none.")
        return _masked.preferences(self._told if self.reads_preference else self.preferences, present)

    def get_config(self):
        """Returns the constructor's arguments that all of them share."""
        return {**super().get_config(), "preferences": self.preferences}
