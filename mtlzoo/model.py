"""`MultiTaskModel`: a functional Keras model that trains several tasks with `L = Σ α_t · w_t · L_t`."""

import copy
import functools
import inspect
from collections.abc import Mapping

import keras
import tensorflow as tf
from keras import ops

from mtlzoo import _added_losses, _backward, _executions, _learnt_sharing, _sharing, _step_parts, _task_losses, balancing, checks, gradients
from mtlzoo._random_state import RandomState
from mtlzoo.alphas import Alphas
from mtlzoo.task import check_tasks


@keras.saving.register_keras_serializable(package="mtlzoo")
class MultiTaskModel(keras.Model):
    """A functional model with one output a task, `{task.name: tensor}`. Builders make it; `fit` trains it.

    Without a balancer it trains as a plain `keras.Model` compiled with the tasks' losses and `loss_weights` = alphas.
    Differences that come on top: a loss is the mean over the labels that are there (weight above 0); `loss` in the logs
    is Σ α_t·L_t plus added losses, with a balancer too, so that runs can be compared (losses added by a layer that has
    `reports_loss` are logged as `<layer>_loss`); a non-finite loss stops training with the task's name before any weight is touched.

    Args:
        inputs: Keras input tensor, or dict of them.
        outputs: dict of task name to output tensor [batch, task.units].
        tasks: the tasks, one for each output.
        builder: name and arguments of the builder that made the model, for the record.
        representation: the Keras tensor that all heads read, or None; balancers with at="representation" need it.
        name: the model's name.

    Raises:
        ValueError: outputs and tasks do not have the same names, or an output is not [batch, task.units].

    Source: rules 1 to 8 of the model (README.md).

    >>> from mtlzoo import Task
    >>> x = keras.Input((4,))
    >>> outputs = {"digit": keras.layers.Dense(10, activation="softmax", name="digit")(x)}
    >>> model = MultiTaskModel(x, outputs, tasks=[Task.multiclass("digit", 10)])
    >>> model.compile("adam")
    >>> model.alphas["digit"]
    1.0
    """

    balancer = None
    on_nonfinite = "raise"
    task_losses = None

    def __init__(self, *args, tasks=(), builder=None, representation=None, **kwargs):
        super().__init__(*args, **kwargs)
        if not tasks:
            raise ValueError(
                "`tasks` must hold at least one Task; received none. (keras.models.clone_model does not pass them on: "
                "mtlzoo.architectures.rebuild(model) makes a fresh model as the first was made.)"
            )
        tasks = check_tasks([keras.saving.deserialize_keras_object(task) if isinstance(task, Mapping) else task for task in tasks])
        _step_parts.check_outputs(self.output, tasks)
        # Kept away from Keras' attribute tracking: like the optimizer these are saved, but are no weights of the network.
        self._keep("tasks", tasks)
        self._keep("_builder", builder)
        self._keep("representation", _sharing.tensor_at(self, representation))
        self._keep("_alphas", Alphas({task.name: task.alpha for task in tasks}))
        self._keep("_random_state", RandomState(self))

    def _keep(self, name, value):
        object.__setattr__(self, name, value)

    @property
    def builder(self):
        """Name and arguments of the builder that made the model, as a dict, or None."""
        return keras.saving.deserialize_keras_object(copy.deepcopy(self._builder)) if self._builder else None

    def record_builder(self, name, arguments):
        """Keeps the builder's name and arguments, to be saved with the model."""
        record = keras.saving.serialize_keras_object({"name": name, "arguments": arguments})
        # A model that is built again starts with a fresh balancer, which may serve other tasks and sizes.
        if isinstance(record["arguments"].get("balancer"), dict):
            record["arguments"]["balancer"].pop("build_config", None)
        self._keep("_builder", record)

    @property
    def alphas(self):
        """The alphas by task name: `model.alphas["digit"] = 0.3` acts from the next step on, without a retrace."""
        return self._alphas

    @alphas.setter
    def alphas(self, values):
        self._alphas.update(checks.instance("alphas", values, (Mapping, Alphas), "a dict of task name to alpha"))

    def compile(
        self,
        optimizer="adam",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        *,
        balancer=None,
        on_nonfinite="raise",
        run_eagerly=False,
        steps_per_execution="auto",
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Compiles the model; what is not given comes from the tasks.

        Args:
            optimizer: as in Keras.
            loss: None, or dict of task name to loss that replaces the task's own.
            loss_weights: None, or dict of task name to alpha; tasks not named keep theirs.
            metrics: None, or dict of task name to metrics that replace the task's own; labels of weight 0 are left out.
            weighted_metrics: the same as `metrics`, for those who know Keras' name for it.
            balancer: None for plain training, a name such as "uncertainty_weighting", or a `Balancer`.
            on_nonfinite: "raise" stops with the name of the task whose loss is not finite; "skip" leaves out the step.
            run_eagerly: as in Keras.
            steps_per_execution: as in Keras; "auto" gives TensorFlow up to 32 steps at a time in `fit`, unless a callback looks at
                every step. The weights come out the same.
            jit_compile: as in Keras, but "auto" is False: XLA would leave out the check for non-finite losses.
            auto_scale_loss: as in Keras.

        Raises:
            ValueError, TypeError: a name is unknown, an alpha is negative or not finite, or a value has no known form.
        """
        checks.one_of("on_nonfinite", on_nonfinite, ["raise", "skip"])
        if on_nonfinite == "skip" and self.distribute_strategy.num_replicas_in_sync > 1:
            raise ValueError("`on_nonfinite` must be 'raise' under a strategy of several replicas; received 'skip'.")
        if on_nonfinite == "raise" and jit_compile is True:
            raise ValueError("`jit_compile` must be False with on_nonfinite='raise' (XLA leaves the check out), or on_nonfinite be 'skip'.")
        if metrics is not None and weighted_metrics is not None:
            raise ValueError("`metrics` and `weighted_metrics` are the same here (weights are always honoured); give one of them.")
        optimizer = keras.optimizers.get(optimizer)
        balancer = balancing.get(balancer)
        if jit_compile is True and balancer is not None and balancer.needs == "gram":
            raise ValueError(f"`jit_compile` must be False with the balancer {balancer.name!r}: XLA cannot compile its solver.")
        tasks = _task_losses.replaced(self.tasks, loss, metrics if metrics is not None else weighted_metrics)
        backward = _backward.make(self, balancer)
        self.alphas.update(_task_losses.by_task("loss_weights", loss_weights, self.tasks))
        # From here on nothing is refused.
        self._keep("_bundles", steps_per_execution == "auto")
        self._keep("_functions", {})
        self._keep("tasks", tasks)
        self._keep("balancer", balancer)
        self._keep("on_nonfinite", on_nonfinite)
        self._keep("task_losses", _task_losses.TaskLosses(tasks, _added_losses.reading(self)))
        self._keep("_added_means", _added_losses.means(self))
        self._keep("_backward", backward)
        super().compile(
            optimizer=optimizer,
            weighted_metrics=self._keras_metrics(),
            run_eagerly=run_eagerly,
            steps_per_execution=1 if self._bundles else steps_per_execution,
            jit_compile=jit_compile is True,
            auto_scale_loss=auto_scale_loss,
        )
        self.loss = {task.name: task.loss for task in tasks}

    def _keras_metrics(self):
        metrics = {task.name: task.make_metrics() for task in self.tasks}
        if len(self.tasks) == 1:  # Keras leaves the task's name out of the logs of a single output.
            for metric in metrics[self.tasks[0].name]:
                metric.name = f"{self.tasks[0].name}_{metric.name}"
        return {name: found for name, found in metrics.items() if found} or None

    @property
    def _weight_keys(self):
        return [mean.name for mean in self.task_losses.weight_means]

    @property
    def metrics(self):
        """All metrics: total loss, compiled metrics, task losses, reported added losses, and balancer weights if there is a balancer."""
        own = []
        if self.task_losses is not None:
            own = self.task_losses.loss_means + self._added_means
            own += self.task_losses.weight_means if self.balancer is not None and self.balancer.weighs else []
        return super().metrics + own

    def total_loss(self, losses, weights=None, added=None):
        """Returns Σ α_t·w_t·L_t plus added losses (those of the last call), as this replica's share, for losses [T] and weights [T]."""
        factors = self.alphas.vector if weights is None else self.alphas.vector * weights
        total = ops.sum(factors * losses)
        for extra in self.losses if added is None else added:
            total += ops.sum(ops.cast(extra, "float32"))
        replicas = self.distribute_strategy.num_replicas_in_sync
        return total / replicas if replicas > 1 else total

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Returns Σ α_t·L_t plus added losses for a batch; see `keras.Model.compute_loss`."""
        losses, _ = self.task_losses(*self.task_losses.pick(y, y_pred, sample_weight))
        return self.total_loss(losses)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the tasks' metrics, leaving out labels of weight 0; see `keras.Model.compute_metrics`."""
        return super().compute_metrics(x, *self.task_losses.pick(y, y_pred, sample_weight))

    def get_metrics_result(self):
        """Returns the logs; `loss` is Σ α_t·`<task>_loss` plus added losses, whatever labels are missing in which batch."""
        logs = super().get_metrics_result() | self.task_losses.results() | {mean.name: mean.result() for mean in self._added_means}
        return logs | {"loss": self.task_losses.total(self.alphas.vector) + self._loss_tracker.result()}

    def _track(self, x, picked, losses, counts, added):
        for mean, value in zip((self._loss_tracker, *self._added_means), tf.unstack(added), strict=True):
            mean.update_state(value, sample_weight=_step_parts.rows(x))
        self.task_losses.track(self.task_losses.loss_means, losses, counts)
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(*picked)

    def train_step(self, data):
        """One step of `fit`: forward, task losses, weights, backward, update."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        skip = self.on_nonfinite == "skip"
        before = [tf.identity(variable) for variable in self.non_trainable_variables] if skip else []
        step = self._backward(x, y, sample_weight)

        def update():
            self.optimizer.apply_gradients(zip(step.gradients, self.trainable_variables, strict=True))
            self._track(x, step.picked, step.losses, step.counts, step.added)
            if self.balancer is not None:
                if step.weights is not None:
                    self.task_losses.track(self.task_losses.weight_means, step.weights, step.counts)
                step.advance()
                if self.balancer.looks_again:
                    _backward.look_again(self, x, y, sample_weight, step)
            return True

        if skip:
            good = _step_parts.all_finite(step, self.optimizer)
            tf.cond(good, update, lambda: _step_parts.restore(self.non_trainable_variables, before))
        else:
            # The checks must have passed before a weight is touched.
            with tf.control_dependencies(_step_parts.finite(step, self.tasks, self.optimizer, self.balancer)):
                step.gradients = tf.nest.map_structure(tf.identity, step.gradients, expand_composites=True)
            update()
        return self.get_metrics_result()

    def test_step(self, data):
        """One step of `evaluate`; balancer weights belong to training and are left out."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        picked = self.task_losses.pick(y, self(x, training=False), sample_weight)
        self._track(x, picked, *self.task_losses(*picked), _added_losses.values(self))
        logs = self.get_metrics_result()
        return {key: value for key, value in logs.items() if not self.balancer or key not in self._weight_keys}

    @functools.wraps(keras.Model.fit, assigned=("__signature__",))
    def fit(self, *args, **kwargs):
        """Trains the model as `keras.Model.fit` does; a `tf.data.Dataset` keeps its own order without a warning."""
        given = inspect.signature(keras.Model.fit).bind(self, *args, **kwargs).arguments
        if isinstance(given.get("x"), tf.data.Dataset):
            given.setdefault("shuffle", False)
        _step_parts.check_order(given.get("callbacks"), self)
        if self.balancer is not None:
            given["callbacks"] = _step_parts.with_epochs(given.get("callbacks"), self.balancer)
        given.pop("self")
        with _executions.bundled(self, given, self.compiled and self._bundles):
            return super().fit(**given)

    def gradient_report(self, batch):
        """Compares the task gradients on a batch; see `mtlzoo.gradients.gradient_report`."""
        return gradients.gradient_report(self, batch)

    def sharing(self, x=None):
        """Returns what was learnt about sharing, a dict of layer name to matrix: stitches, and gates as means over the rows of `x`."""
        return {name: matrix.values for name, matrix in _learnt_sharing.collect(self, x).items()}

    def make_train_function(self, force=False):
        """Makes the compiled step of `fit`; a non-finite loss comes out as a `ValueError` with the task's name."""
        _executions.make_function(self, "train_function", super().make_train_function, force, _step_parts.naming_nonfinite)
        return self.train_function

    def make_test_function(self, force=False):
        """Makes the compiled step of `evaluate`."""
        _executions.make_function(self, "test_function", super().make_test_function, force)
        return self.test_function

    def get_config(self):
        """Returns the network, the tasks and the builder's arguments."""
        tasks = [keras.saving.serialize_keras_object(task) for task in self.tasks]
        place = _sharing.address(self, self.representation)
        return {**super().get_config(), "tasks": tasks, "builder": self._builder, "representation": place}

    def get_compile_config(self):
        """Returns optimizer, alphas, balancer and options; losses and metrics belong to the tasks."""
        config = super().get_compile_config()
        if config:
            for key in ("loss", "metrics", "weighted_metrics"):
                config.pop(key, None)
            balancer = self.balancer and keras.saving.serialize_keras_object(self.balancer)
            config |= {"loss_weights": dict(self.alphas), "balancer": balancer, "on_nonfinite": self.on_nonfinite}
            config["steps_per_execution"] = "auto" if self._bundles else self.steps_per_execution
        return config

    def compile_from_config(self, config):
        """Compiles the model with what `get_compile_config` returned."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)
