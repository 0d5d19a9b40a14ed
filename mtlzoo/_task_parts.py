"""How the fields of a `Task` are read, defaulted and checked."""

from collections.abc import Iterable, Mapping, Sequence

import keras

from mtlzoo import checks, losses


def listed(metrics):
    """Returns metrics as a tuple."""
    if metrics is None:
        return ()
    return (metrics,) if isinstance(metrics, str) or not isinstance(metrics, Iterable) else tuple(metrics)


# What takes a mean over entries that could as well stand alone.
SINGLE_LOSSES = (
    keras.losses.BinaryCrossentropy,
    keras.losses.BinaryFocalCrossentropy,
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.MeanSquaredLogarithmicError,
    keras.losses.MeanAbsolutePercentageError,
    keras.losses.Huber,
    keras.losses.LogCosh,
    keras.losses.Poisson,
)
SINGLE_FUNCTIONS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "binary_crossentropy", "poisson")
SINGLE_METRICS = (
    keras.metrics.BinaryAccuracy,
    keras.metrics.AUC,
    keras.metrics.Precision,
    keras.metrics.Recall,
    keras.metrics.MeanAbsoluteError,
    keras.metrics.MeanSquaredError,
    keras.metrics.RootMeanSquaredError,
    keras.metrics.MeanAbsolutePercentageError,
    keras.metrics.MeanSquaredLogarithmicError,
    keras.metrics.BinaryCrossentropy,
)


def of_single_entries(loss, metrics):
    """Says whether a loss and metrics of a vector are means over its entries."""
    single = isinstance(loss, SINGLE_LOSSES) or getattr(getattr(loss, "fn", None), "__name__", "") in SINGLE_FUNCTIONS
    return single and all(isinstance(metric, SINGLE_METRICS) for metric in metrics)


def checked_activation(activation):
    """Returns a Keras activation's name after looking it up."""
    try:
        keras.activations.get(activation)
    except ValueError as error:
        known = [name for name in dir(keras.activations) if name.islower() and not name.startswith("_")]
        raise checks.unknown_name("activation", activation, set(known) - {"get", "deserialize", "serialize"}) from error
    return activation


def as_metrics(metrics, kind, activation):
    """Returns Keras metrics for metrics or their names; "accuracy" is the one of the kind of task."""
    found = tuple(as_metric(metric, kind, activation) for metric in listed(metrics))
    names = [metric.name for metric in found]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValueError(f"`metrics` must have unlike names; received {doubles[0]!r} {names.count(doubles[0])} times.")
    return found


def as_metric(metric, kind, activation):
    """Returns a Keras metric for a metric or its name."""
    if isinstance(metric, keras.metrics.Metric):
        return metric
    if metric in ("accuracy", "acc") and kind != "regression":
        if kind == "multiclass":
            return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        return binary_accuracy(activation == "linear")
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


def new_metrics(metrics, task):
    """Returns the fields that change when a task's metrics are replaced; the monitor stays if its metric does."""
    metrics, monitor = as_metrics(metrics, task.kind, task.activation), task.monitor
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
    gamma = checks.number("focal", focal, low=0)
    if focused is keras.losses.CategoricalFocalCrossentropy:  # Its default alpha of 0.25 would scale the whole loss.
        return focused(alpha=1.0, gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing)
    return focused(gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing)


def weighted(loss, class_weight, classes):
    """Returns the loss with class weights, if there are any."""
    if class_weight is None:
        return loss
    if isinstance(class_weight, Mapping):
        for index in class_weight:
            checks.integer("class_weight key", index, low=0, high=classes - 1)
        class_weight = [class_weight.get(index, 1.0) for index in range(classes)]
    if not hasattr(class_weight, "__len__") or isinstance(class_weight, str):
        raise TypeError(f"`class_weight` must be a dict or a sequence of one weight a class; received {class_weight!r}.")
    if len(class_weight) != classes:
        raise ValueError(f"`class_weight` must have {classes} weights, one a class; received {len(class_weight)}.")
    return losses.ClassWeighted(loss, class_weight)


def standardized(mean_std, activation, loss):
    """Returns the activation and the loss of numbers that the head gives in standard deviations from their mean."""
    if isinstance(mean_std, str) or not isinstance(mean_std, Sequence) or len(mean_std) != 2:
        raise TypeError(f"`standardize` must be a pair (mean, standard deviation); received {mean_std!r}.")
    if activation != "linear":
        raise ValueError(f"`standardize` is for heads with a linear activation; received activation={activation!r}.")
    mean = checks.number("standardize mean", mean_std[0])
    std = checks.number("standardize standard deviation", mean_std[1], low=0, strict=True)
    return losses.Affine(scale=std, offset=mean), losses.Standardized(loss, mean, std)


def binary_accuracy(from_logits):
    """Returns accuracy at probability 0.5."""
    return keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0 if from_logits else 0.5)
