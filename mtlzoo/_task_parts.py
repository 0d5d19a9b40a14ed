"""How the fields of a `Task` are read, defaulted and checked."""

from collections.abc import Iterable, Mapping, Sequence

import keras

from mtlzoo import checks, losses


def listed(metrics):
    """Returns metrics as a tuple."""
    if metrics is None:
        return ()
    return (metrics,) if isinstance(metrics, str) or not isinstance(metrics, Iterable) else tuple(metrics)


def as_metric(metric):
    """Returns a Keras metric for a metric or its name."""
    if isinstance(metric, keras.metrics.Metric):
        return metric
    if isinstance(metric, str):
        try:
            return keras.metrics.get(metric)
        except ValueError as error:
            raise checks.unknown_name("metrics", metric, [name for name in dir(keras.metrics) if name[0].isupper()]) from error
    raise TypeError(f"`metrics` must be Keras metrics or their names; received {metric!r} of type {type(metric).__name__}.")


def direction(metric):
    """Returns the direction that is better for a metric, "max" or "min"."""
    lower = (keras.metrics.MeanAbsoluteError, keras.metrics.MeanSquaredError, keras.metrics.RootMeanSquaredError)
    words = ("error", "loss", "entropy", "divergence", "poisson", "logcosh")
    return "min" if isinstance(metric, lower) or any(word in metric.name for word in words) else "max"


def checked_monitor(monitor, names):
    """Returns the pair of a monitor after checking it."""
    if isinstance(monitor, str) or not isinstance(monitor, Sequence) or len(monitor) != 2:
        raise TypeError(f'`monitor` must be a metric\'s name and "max" or "min"; received {monitor!r}.')
    return (checks.one_of("monitor", monitor[0], [*names, "loss"]), checks.one_of("monitor", monitor[1], ["max", "min"]))


def new_metrics(metrics, monitor):
    """Returns the fields that change when a task's metrics are replaced; the monitor stays if its metric does."""
    metrics = tuple(as_metric(metric) for metric in listed(metrics))
    if monitor[0] not in [metric.name for metric in metrics]:
        monitor = (metrics[0].name, direction(metrics[0])) if metrics else ("loss", "min")
    return {"metrics": metrics, "monitor": monitor}


def check_logits(loss, activation):
    """Raises `ValueError` if a loss of logits would get activated outputs."""
    while hasattr(loss, "loss"):
        loss = loss.loss
    if getattr(loss, "_fn_kwargs", {}).get("from_logits") and activation != "linear":
        raise ValueError(
            f"`loss` has from_logits=True, but the head ends in {activation!r}. Leave from_logits out (Keras computes the "
            "loss from the logits behind the activation), or pass from_logits=True to the Task to get logits as outputs."
        )


def classification_loss(loss, label_smoothing, focal, from_logits, plain, focused):
    """Returns the loss given, or the default one with smoothing and focus."""
    checks.number("label_smoothing", label_smoothing, low=0, high=1)
    if loss is not None:
        if label_smoothing or focal is not None:
            raise ValueError("`label_smoothing` and `focal` change the default loss; with a `loss` of your own, set them there.")
        return loss
    if focal is None:
        return plain(from_logits=from_logits, label_smoothing=label_smoothing)
    return focused(from_logits=from_logits, label_smoothing=label_smoothing, gamma=checks.number("focal", focal, low=0))


def weighted(loss, class_weight, classes):
    """Returns the loss with class weights, if there are any."""
    if class_weight is None:
        return loss
    if isinstance(class_weight, Mapping):
        for index in class_weight:
            checks.integer("class_weight key", index, low=0, high=classes - 1)
        class_weight = [class_weight.get(index, 1.0) for index in range(classes)]
    if len(class_weight) != classes:
        raise ValueError(f"`class_weight` must have {classes} weights, one a class; received {len(class_weight)}.")
    return losses.ClassWeighted(loss, class_weight)


def binary_accuracy(from_logits):
    """Returns accuracy at probability 0.5."""
    return keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0 if from_logits else 0.5)
