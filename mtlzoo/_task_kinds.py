"""The constructors of `Task`, one a kind of label: `Task.multiclass`, `Task.binary`, `Task.multilabel`, `Task.regression`."""

import keras

from mtlzoo import checks, losses
from mtlzoo._task_parts import as_metrics, classification_loss, direction, standardized, weighted


class TaskKinds:
    """What `Task` inherits: a constructor for each kind of label, with the usual head, loss and metrics."""

    @classmethod
    def multiclass(
        cls,
        name,
        classes,
        *,
        alpha=1.0,
        loss=None,
        metrics=None,
        monitor=None,
        class_weight=None,
        label_smoothing=0.0,
        focal=None,
        from_logits=False,
    ):
        """A task with one of several classes; labels are integers [batch] from 0 to classes − 1.

        Args:
            name: the task's name.
            classes: number of classes, at least 2.
            alpha: weight in the total loss.
            loss: None for cross-entropy, or a Keras loss of integer labels and outputs [batch, classes].
            metrics: None for accuracy, or Keras metrics or their names.
            monitor: None for the first metric; or a metric's name and "max" or "min".
            class_weight: dict or sequence of one weight a class, as `fit(class_weight=...)` of a single task.
            label_smoothing: from 0 to 1.
            focal: None, or gamma ≥ 0 of the focal loss (Lin et al. 2017).
            from_logits: whether outputs are logits. Not needed for stability: with the softmax in the head
                Keras computes the loss from the logits behind it.

        Returns:
            A `Task`.

        Raises:
            ValueError, TypeError: an argument is not as said above.

        Source: Keras' categorical losses.

        >>> from mtlzoo import Task
        >>> Task.multiclass("digit", 10, label_smoothing=0.1).loss.name
        'categorical_crossentropy'
        """
        classes = checks.integer("classes", classes, low=2)
        chosen = classification_loss(
            loss, label_smoothing, focal, from_logits, keras.losses.CategoricalCrossentropy, keras.losses.CategoricalFocalCrossentropy
        )
        if loss is None:
            plain = label_smoothing == 0 and focal is None
            chosen = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits) if plain else losses.SparseLabels(chosen, classes)
        metrics = ["accuracy"] if metrics is None else metrics
        return cls._made(
            name,
            "multiclass",
            classes,
            "linear" if from_logits else "softmax",
            weighted(chosen, class_weight, classes),
            metrics,
            monitor,
            alpha,
        )

    @classmethod
    def binary(
        cls,
        name,
        *,
        alpha=1.0,
        loss=None,
        metrics=None,
        monitor=None,
        class_weight=None,
        label_smoothing=0.0,
        focal=None,
        from_logits=False,
    ):
        """A task with the answer yes or no; labels are 0 or 1, [batch].

        Args:
            name: the task's name.
            alpha: weight in the total loss.
            loss: None for binary cross-entropy, or a Keras loss of labels and outputs [batch, 1].
            metrics: None for accuracy and AUC, or Keras metrics or their names.
            monitor: None for AUC (or the first metric given); or a metric's name and "max" or "min".
            class_weight: weights of the labels 0 and 1, as a dict or a pair.
            label_smoothing: from 0 to 1.
            focal: None, or gamma ≥ 0 of the focal loss (Lin et al. 2017).
            from_logits: whether outputs are logits, [batch, 1]; see `multiclass`.

        Returns:
            A `Task`.

        Raises:
            ValueError, TypeError: an argument is not as said above.

        Source: Keras' binary losses.

        >>> from mtlzoo import Task
        >>> Task.binary("click", focal=2.0).monitor
        ('auc', 'max')
        """
        chosen = classification_loss(
            loss, label_smoothing, focal, from_logits, keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy
        )
        if metrics is None:
            metrics = ["accuracy", keras.metrics.AUC(from_logits=from_logits, name="auc")]
            monitor = monitor or ("auc", "max")
        return cls._made(
            name,
            "binary",
            1,
            "linear" if from_logits else "sigmoid",
            weighted(chosen, class_weight, 2),
            metrics,
            monitor,
            alpha,
        )

    @classmethod
    def multilabel(
        cls, name, labels, *, alpha=1.0, loss=None, metrics=None, monitor=None, label_smoothing=0.0, focal=None, from_logits=False
    ):
        """A task with several yes-or-no answers at once; labels are 0, 1 or NaN (not known), [batch, labels].

        Args:
            name: the task's name.
            labels: number of answers.
            alpha: weight in the total loss.
            loss: None for binary cross-entropy a label, or a Keras loss.
            metrics: None for accuracy and AUC over all labels, or Keras metrics or their names.
            monitor: None for AUC (or the first metric given); or a metric's name and "max" or "min".
            label_smoothing: from 0 to 1.
            focal: None, or gamma ≥ 0 of the focal loss.
            from_logits: whether outputs are logits, [batch, labels]; see `multiclass`.

        Returns:
            A `Task`.

        Raises:
            ValueError, TypeError: an argument is not as said above.

        Source: Keras' binary losses.

        >>> from mtlzoo import Task
        >>> Task.multilabel("assays", 12).label_shape
        (12,)
        """
        chosen = classification_loss(
            loss, label_smoothing, focal, from_logits, keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy
        )
        if metrics is None:
            metrics = ["accuracy", keras.metrics.AUC(from_logits=from_logits, name="auc")]
            monitor = monitor or ("auc", "max")
        return cls._made(
            name,
            "multilabel",
            checks.integer("labels", labels, low=1),
            "linear" if from_logits else "sigmoid",
            chosen,
            metrics,
            monitor,
            alpha,
        )

    @classmethod
    def regression(
        cls, name, units=1, *, alpha=1.0, loss="mean_squared_error", metrics=None, monitor=None, activation="linear", standardize=None
    ):
        """A task with one or several real numbers; labels are floats [batch], or [batch, units] for several; NaN is not known.

        A network finds it hard to reach numbers such as 40,000 ± 15,000, and their squared errors drown all other tasks. With
        `standardize=(40_000, 15_000)` the head works in standard deviations from the mean, and so does the loss; outputs, labels and
        metrics stay in the unit of the labels.

        Args:
            name: the task's name.
            units: how many numbers.
            alpha: weight in the total loss.
            loss: a Keras loss, its name, or a function.
            metrics: None for mean absolute error and root mean squared error, or Keras metrics or their names.
            monitor: None for the first metric; or a metric's name and "max" or "min".
            activation: Keras activation of the head, for numbers of a bounded range.
            standardize: None, or the mean and the standard deviation of the labels of the training rows.

        Returns:
            A `Task`.

        Raises:
            ValueError, TypeError: an argument is not as said above.

        Source: Keras' regression losses.

        >>> from mtlzoo import Task
        >>> Task.regression("price", loss="huber").monitor
        ('mae', 'min')
        """
        if metrics is None:
            metrics = [keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.RootMeanSquaredError(name="rmse")]
        if standardize is not None:
            activation, loss = standardized(standardize, activation, loss)
        return cls._made(name, "regression", units, activation, loss, metrics, monitor, alpha)

    @classmethod
    def _made(cls, name, kind, units, activation, loss, metrics, monitor, alpha):
        metrics = as_metrics(metrics, kind, activation)
        if monitor is None:
            monitor = (metrics[0].name, direction(metrics[0])) if metrics else ("loss", "min")
        return cls(name=name, kind=kind, units=units, activation=activation, loss=loss, metrics=metrics, monitor=monitor, alpha=alpha)
