"""`Task`: one job of the network. Its name is the output, the loss key, the label key, the weight key and the metric prefix."""

import dataclasses
import re
from collections.abc import Iterable, Mapping

import keras

from mtlzoo import _task_parts, checks, losses
from mtlzoo._task_kinds import TaskKinds

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED = ("loss", "val_loss")


@keras.saving.register_keras_serializable(package="mtlzoo")
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Task(TaskKinds):
    """One job of the network: its head, loss, metrics and weight. Made by `Task.multiclass`, `Task.binary` and so on.

    Args:
        name: letters, digits and `_`, starting with a letter; unique among the tasks of a model.
        kind: what sort of label it is; decides how labels are read. One of `Task.kinds()`.
        units: width of the head's output, [batch, units].
        activation: Keras activation of the head, by name or a registered object, applied to what `predict` returns.
        loss: a Keras loss of labels and outputs; its mean over the labels that are there is L_t.
        metrics: Keras metrics; templates, copied for every model.
        monitor: name of the main metric (or `"loss"`) and `"max"` or `"min"`, the direction that is better.
        alpha: weight of L_t in the total loss, at least 0.

    Raises:
        ValueError, TypeError: a field is not as said above; the message names it.

    Source: the six concepts of the house (README.md).

    >>> task = Task.multiclass("digit", 10, alpha=0.5)
    >>> task.units, task.alpha, task.monitor_key
    (10, 0.5, 'digit_accuracy')
    """

    name: str
    kind: str
    units: int
    activation: object
    loss: keras.losses.Loss
    metrics: tuple
    monitor: tuple[str, str]
    alpha: float = 1.0

    def __post_init__(self):
        checks.instance("name", self.name, str, "a string")
        if not _NAME.fullmatch(self.name) or self.name in _RESERVED:
            raise ValueError(f"`name` must be letters, digits and '_', start with a letter and not be 'loss'; received {self.name!r}.")
        checks.one_of("kind", self.kind, self.kinds())
        set_field = object.__setattr__
        set_field(self, "units", checks.integer("units", self.units, low=1))
        set_field(self, "alpha", checks.number("alpha", self.alpha, low=0))
        _task_parts.checked_activation(self.activation)
        set_field(self, "loss", losses.as_loss(self.loss))
        set_field(self, "metrics", _task_parts.as_metrics(self.metrics, self.kind, self.activation))
        set_field(self, "monitor", _task_parts.checked_monitor(self.monitor, [metric.name for metric in self.metrics]))
        _task_parts.check_logits(self.loss, self.activation)

    @staticmethod
    def kinds() -> tuple[str, ...]:
        """Returns the kinds of task."""
        return ("binary", "multiclass", "multilabel", "regression")

    @property
    def monitor_key(self) -> str:
        """Key of the main metric in the logs of `fit` and `evaluate`, such as `digit_accuracy`."""
        return f"{self.name}_{self.monitor[0]}"

    @property
    def label_dtype(self) -> str:
        """Dtype of a label in a batch: int32 for class indices, float32 for the rest."""
        return "int32" if self.kind == "multiclass" else "float32"

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Shape of one label: () for a class or a single number, (units,) for several."""
        several = self.kind == "multilabel" or (self.kind == "regression" and self.units > 1)
        return (self.units,) if several else ()

    @property
    def entrywise(self) -> bool:
        """Whether each entry of a label may be missing by itself: several entries, and a loss and metrics of single entries.

        Where one of them needs the whole vector (such as cosine similarity), a label with a missing entry is missing.
        """
        return bool(self.label_shape) and _task_parts.of_single_entries(self.loss, self.metrics)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of one label's weight: the label's own if entries may be missing alone, else ()."""
        return self.label_shape if self.entrywise else ()

    def make_loss(self) -> keras.losses.Loss:
        """Returns a copy of the loss that takes its mean over the labels that are there."""
        loss = object.__new__(type(self.loss))  # Keras copies by `get_config`, which forgets what it does not list.
        loss.__dict__.update(self.loss.__dict__, reduction="mean_with_sample_weight")
        return loss

    def make_metrics(self) -> list[keras.metrics.Metric]:
        """Returns fresh metrics, so that no two models share a state."""
        return [type(metric).from_config(metric.get_config()) for metric in self.metrics]

    def replace(self, **changes) -> "Task":
        """Returns the task with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)

    def get_config(self) -> dict:
        """Returns the fields in plain types."""
        config = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        config["loss"] = losses.serialize_loss(self.loss)
        config["metrics"] = [keras.saving.serialize_keras_object(metric) for metric in self.metrics]
        config["monitor"] = list(self.monitor)
        if not isinstance(self.activation, str):
            config["activation"] = keras.activations.serialize(self.activation)
        return config

    @classmethod
    def from_config(cls, config: Mapping) -> "Task":
        """Makes the task from what `get_config` returned."""
        read = keras.saving.deserialize_keras_object
        changes = {
            "loss": read(config["loss"]),
            "metrics": tuple(read(metric) for metric in config["metrics"]),
            "monitor": tuple(config["monitor"]),
        }
        if not isinstance(config["activation"], str):
            changes["activation"] = read(config["activation"])
        return cls(**{**config, **changes})

    def __eq__(self, other):
        return isinstance(other, Task) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash((self.name, self.kind, self.units))


def check_tasks(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Returns the tasks as a tuple after checking that there is one and that no name is twice.

    Args:
        tasks: one or more tasks.

    Returns:
        A tuple of them, in order.

    Raises:
        TypeError: an element is no `Task`.
        ValueError: there is none, or a name stands twice.

    >>> [task.name for task in check_tasks([Task.binary("a"), Task.binary("b")])]
    ['a', 'b']
    """
    tasks = (tasks,) if isinstance(tasks, Task) else tuple(tasks)
    if not tasks:
        raise ValueError("`tasks` must hold at least one Task; received none.")
    for task in tasks:
        checks.instance("tasks", task, Task, "a sequence of mtlzoo.Task")
    names = [task.name for task in tasks]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValueError(f"`tasks` must have unlike names; received {doubles[0]!r} {names.count(doubles[0])} times.")
    return tasks
