"""The lookahead of task affinity: the losses of all tasks after a step on one of them, in one compiled function."""

import tensorflow as tf

from mtlzoo import _step_math as maths
from mtlzoo._sharing import Sharing


class Lookahead:
    """Measures the affinity of all pairs of tasks on a batch: a forward pass, T backward passes, and T forward passes.

    No variable is assigned: the passes run with other values in the variables' place (`keras.StatelessScope`). All of them start from
    the same random states, so that dropout leaves out the same units before and after the step.

    Args:
        model: a compiled model whose tasks share parameters.
        batch: a batch of the form of those to come, but for the number of rows.
    """

    def __init__(self, model, batch):
        self.model, self.task_losses, self.shared = model, model.task_losses, Sharing(model).shared
        form = tf.nest.map_structure(lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), batch)
        self._function = tf.function(self._affinity).get_concrete_function(form, tf.TensorSpec((), "float32"))

    def __call__(self, batch, learning_rate):
        """Returns 1 − L_j(after a step on L_i) / L_j, [T, T] for i, j; NaN where a task has no labels or a loss is 0 or not finite."""
        return self._function(tf.nest.map_structure(tf.convert_to_tensor, batch), tf.constant(learning_rate, "float32")).numpy()

    def _affinity(self, batch, learning_rate):
        model = self.model
        weights = [tf.convert_to_tensor(variable.value) for variable in model.trainable_variables]
        states = [tf.convert_to_tensor(variable.value) for variable in model.non_trainable_variables]
        shared = [weights[index] for index in self.shared]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(shared)
            losses, counts = maths.losses_at(model, weights, states, batch)
            scaled = [model.optimizer.scale_loss(loss) for loss in losses]
        rows = [maths.dense(tape.gradient(loss, shared), shared) for loss in scaled]
        rate = learning_rate / model.optimizer.scale_loss(tf.constant(1.0))

        def after(gradients):
            moved = list(weights)
            for index, gradient in zip(self.shared, gradients, strict=True):
                moved[index] = weights[index] - tf.cast(rate, gradient.dtype) * gradient
            return tf.stack(maths.losses_at(model, moved, states, batch)[0])

        # One after the other: the forward pass is traced once, and no more than one is in memory.
        stacked = [tf.stack(parts) for parts in zip(*rows, strict=True)]
        changed = tf.map_fn(after, stacked, parallel_iterations=1, fn_output_signature=tf.TensorSpec((len(losses),), "float32"))
        before, there = tf.stack(losses), counts > 0
        affinity = 1 - changed / before
        known = there[:, tf.newaxis] & there[tf.newaxis] & tf.math.is_finite(affinity)
        return tf.where(known, affinity, float("nan"))
