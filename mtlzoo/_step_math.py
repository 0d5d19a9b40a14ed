"""What the backward passes of every sort of balancer share: losses of a batch, added losses, Gram matrices, replicas."""

import dataclasses
import math

import keras
import tensorflow as tf

from mtlzoo import _added_losses
from mtlzoo.balancing import Direction


@dataclasses.dataclass
class Step:
    """What a forward and backward pass gave.

    Args:
        picked: labels, outputs and label weights, each by task.
        losses: task losses [T].
        counts: number (or weight) of labels that each is a mean over, [T].
        added: the added losses (regularisers): their sum, and behind it those that are reported by name.
        gradients: one for each trainable variable, scaled as the optimizer wants it.
        weights: the balancer's weights [T], or None.
        advance: moves the balancer's state; called once the step is known to be good.
    """

    picked: tuple
    losses: tf.Tensor
    counts: tf.Tensor
    added: tf.Tensor
    gradients: list
    weights: tf.Tensor | None = None
    advance: object = lambda: None


def forward(model, outputs, y, sample_weight):
    """Returns labels, outputs and weights by task, the task losses as a list, and their counts [T]."""
    picked = model.task_losses.pick(y, outputs, sample_weight)
    return picked, *model.task_losses.values(*picked)


def losses_at(model, weights, states, batch):
    """Returns the task losses as a list and their counts [T], in training mode, with other values in the place of all variables.

    No variable is assigned: statistics of layers and random states stay as they are, and each call draws the same dropout.

    Args:
        model: a compiled model.
        weights: a tensor for each of `model.trainable_variables`.
        states: a tensor for each of `model.non_trainable_variables`.
        batch: `(x, y)` or `(x, y, sample_weight)`.
    """
    x, y, sample_weight = (*batch, None)[:3]
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    with keras.StatelessScope(state_mapping=list(zip(variables, [*weights, *states], strict=True))):
        return forward(model, model(x, training=True), y, sample_weight)[1:]


def added(model):
    """Returns `_added_losses.values`, and this replica's share of their sum, scaled for the optimizer; None if there are none."""
    values = _added_losses.values(model)
    if not model.losses:
        return values, None
    return values, model.optimizer.scale_loss(values[0] / model.distribute_strategy.num_replicas_in_sync)


def with_added(gradients, tape, loss, variables):
    """Adds the gradients of the added losses."""
    if loss is None:
        return gradients
    sources = [variable.value for variable in variables]
    return [one + tf.cast(other, one.dtype) for one, other in zip(gradients, dense(tape.gradient(loss, sources), sources), strict=True)]


def dense(gradients, sources):
    """Returns gradients as tensors, zeros where there are none."""
    pairs = zip(gradients, sources, strict=True)
    return [tf.zeros_like(source) if gradient is None else tf.convert_to_tensor(gradient) for gradient, source in pairs]


def products(blocks, others=None, scale=None):
    """Returns Σ R·Sᵀ [T, T] in float64 of rows R [T, size], and S or R, a variable: in float32 angles near 180° would be rounded away.

    One variable after the other: no more than one is held in float64 at a time.
    """
    total = None
    for index, rows in enumerate(blocks):
        with tf.control_dependencies([] if total is None else [total]):
            mine = tf.cast(tf.reshape(rows, [rows.shape[0], -1]), "float64")
            theirs = mine if others is None else tf.cast(others[index], "float64")
            product = tf.matmul(mine, theirs, transpose_b=True)
            total = product if total is None else total + product
    return total if scale is None else total / tf.cast(scale, "float64") ** 2


def direct(model, balancer, losses, present, blocks, representation=None, gram=None):
    """Returns the balancer's `Direction` for task gradients, and the tasks that move its state.

    An optimizer that scales losses leaves out steps in which they overflow. Such a step moves the balancer's state for no task, and
    its direction is not finite, so that the optimizer sees it.

    Args:
        model: a compiled model.
        balancer: its balancer.
        losses: [T].
        present: [T], bool.
        blocks: a list of [T, size], scaled as the optimizer wants it.
        representation: the shared tensor, if the gradients are taken there.
        gram: the products of gradients that the balancer needs, [T, T], if not those of `blocks` with themselves.
    """
    scale = model.optimizer.scale_loss(tf.constant(1.0))
    if balancer.needs == "jacobian":
        sound = _sound(model, blocks)
        present = present if sound is None else present & sound
        found = balancer.direct(losses, present, [rows / tf.cast(scale, rows.dtype) for rows in blocks], representation)
        rows = blocks if found.rows is None else [rows * tf.cast(scale, rows.dtype) for rows in found.rows]
        factors, weights, state = found.factors, found.weights, found.state
    else:
        gram = _gram(blocks, scale, representation) if gram is None else gram
        sound = _sound(model, [gram])
        if sound is not None:
            present, gram = present & sound, tf.where(sound, gram, tf.zeros_like(gram))
        weights = factors = balancer(losses, present, gram)
        rows, state = blocks, ((gram, _slopes(blocks[0], gram, present, scale, balancer.rotation_size)) if balancer.rotates else (gram,))
    factors, weights = tf.cast(factors, "float32"), weights if weights is None else tf.cast(weights, "float32")
    if sound is not None:
        factors, weights = tf.where(sound, factors, math.nan), weights if weights is None else tf.where(sound, weights, balancer.cached())
    return Direction(rows, factors, weights, state), present


def _gram(blocks, scale, representation):
    """G, which all replicas must see alike: those of the parameters' gradients are, since these have been averaged."""
    gram = products(blocks, scale=scale)
    return gram if representation is None else replica_mean(gram) / tf.distribute.get_strategy().num_replicas_in_sync


def _slopes(rows, gram, present, scale, size):
    """M_k − M_kᵀ for each task [T, size, size]: how turning what its head reads brings its unit gradient closer to the mean of all.

    M_k = Σ_n u_nk·v_nᵀ, with u the gradients over their norms and v their mean over the tasks; what a task adds to v by itself is left
    out, since it is symmetric.
    """
    norms = tf.sqrt(tf.maximum(tf.linalg.diag_part(gram), 0.0))
    inverse = tf.where(present, tf.math.divide_no_nan(tf.ones_like(norms), norms), 0.0) / tf.cast(scale, norms.dtype)
    inverse = tf.cast(inverse, rows.dtype)[:, tf.newaxis, tf.newaxis]
    rows = tf.reshape(rows, [rows.shape[0], -1, rows.shape[-1]])[..., :size]
    unit = tf.where(inverse > 0, rows * inverse, tf.zeros_like(rows))
    others = (tf.reduce_sum(unit, 0) - unit) / tf.maximum(tf.reduce_sum(tf.cast(present, unit.dtype)), 1.0)
    found = replica_mean(tf.matmul(unit, others, transpose_a=True)) / tf.distribute.get_strategy().num_replicas_in_sync
    return found - tf.linalg.matrix_transpose(found)


def _sound(model, blocks):
    """Says whether losses that are scaled have not overflowed; None for optimizers that scale none."""
    if not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        return None
    return tf.math.is_finite(tf.add_n([tf.cast(tf.reduce_sum(rows), "float64") for rows in blocks]))


def held(balancer, tasks):
    """Returns what `advance` takes after a step that computes nothing."""
    if balancer.needs == "jacobian":
        return balancer.held()
    return (tf.zeros((tasks, tasks), "float64"), *([tf.zeros((tasks, 1, 1))] if balancer.rotates else []))


def replica_mean(values):
    """Returns the mean of a tensor over all replicas."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)


def over_replicas(losses, counts):
    """Losses over all replicas, and which tasks have a label in any of them."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return losses, counts > 0
    sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.stack([losses * counts, counts]))
    return tf.math.divide_no_nan(sums[0], sums[1]), sums[1] > 0


def advancing(balancer, chosen, losses, present, weights, state=()):
    """Returns what moves the balancer's state once the step is known to be good."""
    found = state if balancer.needs == "jacobian" or balancer.rotates else (state[0] if state else None)

    def move():
        balancer.advance(losses, present, found, weights)
        return True

    def stay():
        balancer.tick()
        return True

    return move if chosen is None else lambda: tf.cond(chosen, move, stay)
