"""Backward passes: how the gradients of a step are had for each sort of balancer. Said in one place:

Balancers that need only losses weigh the whole loss, heads included. Balancers that need the Gram matrix or the gradients move
the shared parameters; each head takes the gradient of its own α_t·L_t. Added losses (regularisers) count once and are not weighed.
"""

import math
import weakref

import tensorflow as tf

from mtlzoo import _sharing
from mtlzoo import _step_math as maths
from mtlzoo._step_math import Step
from mtlzoo.balancing import BATCHES


def make(model, balancer):
    """Returns the backward pass for a balancer, a function (x, y, sample_weight) -> `Step`."""
    replicas = model.distribute_strategy.num_replicas_in_sync
    if balancer is not None and replicas > 1 and (balancer.every > 1 or balancer.freeze_after):
        raise ValueError(f"`balancer` {balancer.name!r} must have every=1 and no freeze_after under a strategy of {replicas} replicas.")
    if balancer is None:
        return WholeLoss(model, None)
    _claim(model, balancer)
    kinds = [task.kind for task in model.tasks]
    if balancer.needs == "losses":
        if balancer.reads_preference:
            balancer.set_told(_sharing.told(model, balancer))
        balancer.set_tasks(kinds)
        return WholeLoss(model, balancer)
    sharing = _sharing.Sharing(model)
    sharing.check_shared(balancer)
    matrices = [layer.matrix for layer in sharing.rotations(model.representation, balancer)] if balancer.rotates else []
    if balancer.at == "representation":
        made = AtRepresentation(model, balancer, sharing)
    else:
        made = (SeveralBatches if balancer.needs == "batches" else AtParameters)(model, balancer, sharing)
    sizes = [math.prod(model.trainable_variables[index].shape) for index in sharing.shared] if balancer.needs == "jacobian" else None
    balancer.set_tasks(kinds, [list(matrix.shape) for matrix in matrices] or sizes)
    balancer.set_rotations(matrices)
    return made


def _claim(model, balancer):
    """Gives the balancer to the model; its state belongs to one training only."""
    owner = getattr(balancer, "owner", None)
    if owner is not None and owner() not in (None, model):
        raise ValueError(
            f"`balancer` {balancer.name!r} must not serve two models, whose states would mix; make a new one for {model.name!r}."
        )
    object.__setattr__(balancer, "owner", weakref.ref(model))


class WholeLoss:
    """One backward pass of Σ α_t·w_t·L_t; the weights, if any, come from the losses."""

    def __init__(self, model, balancer):
        self.model, self.balancer = model, balancer

    def __call__(self, x, y, sample_weight):
        model, balancer = self.model, self.balancer
        with tf.GradientTape() as tape:
            picked, values, counts = maths.forward(model, model(x, training=True), y, sample_weight)
            losses, extra = tf.stack(values), model.losses
            # Read before replicas wait for each other: they run the same layers, which keep the losses of the last of them.
            added, _ = maths.added(model)
            weights, advance = None, (lambda: None)
            if balancer is not None:
                total, present = maths.over_replicas(losses, counts)
                weights, advance = _weighed(balancer, total, tf.logical_and(present, model.alphas.vector > 0))
            scaled = model.optimizer.scale_loss(model.total_loss(losses, weights, extra))
        gradients = tape.gradient(scaled, model.trainable_variables)
        return Step(picked, losses, counts, added, gradients, weights, advance)


class AtParameters:
    """T backward passes through the shared parameters, their Gram matrix, and the weighted sum of the same gradients."""

    def __init__(self, model, balancer, sharing):
        self.model, self.balancer, self.sharing = model, balancer, sharing

    def __call__(self, x, y, sample_weight):
        chosen = self.balancer.is_fresh()
        if chosen is None:
            found = self._pass(x, y, sample_weight, fresh=True)
        else:
            # With the forward pass inside, too: what it keeps for the backward pass costs as much again if it enters a branch.
            found = tf.cond(chosen, lambda: self._pass(x, y, sample_weight, True), lambda: self._pass(x, y, sample_weight, False))
        outputs, losses, counts, added, gradients, weights, total, moving, state = found
        picked = self.model.task_losses.pick(y, outputs, sample_weight)
        advance = maths.advancing(self.balancer, chosen, total, moving, weights, state)
        return Step(picked, losses, counts, added, gradients, weights, advance)

    def _pass(self, x, y, sample_weight, fresh):
        """Forward and backward, with new weights or with those that are known."""
        model, balancer = self.model, self.balancer
        with tf.GradientTape(persistent=True) as tape:
            outputs = model(x, training=True)
            _, values, counts = maths.forward(model, outputs, y, sample_weight)
            scaled = [model.optimizer.scale_loss(value) for value in values]
            added, extra = maths.added(model)
        losses = tf.stack(values)
        total, present = maths.over_replicas(losses, counts)
        present = tf.logical_and(present, model.alphas.vector > 0)
        if fresh:
            stacked, heads = self._rows(tape, scaled)
            found, moving = maths.direct(model, balancer, total, present, stacked)
            gradients, weights, state = self._combined(found, heads), found.weights, found.state
        else:
            weights, moving, state = balancer.cached(), present, maths.held(balancer, len(values))
            gradients = self._plain(tape, scaled, weights)
        gradients = maths.with_added(gradients, tape, extra, model.trainable_variables)
        return outputs, losses, counts, added, gradients, weights, total, moving, state

    def _rows(self, tape, scaled):
        """Gradients of each task: of the shared variables as matrices [T, size] a variable, of its own ones as they are."""
        variables, shared = self.model.trainable_variables, self.sharing.shared
        gradients = []
        for loss, own in zip(scaled, self.sharing.own, strict=True):
            sources = [variables[index].value for index in [*shared, *own]]
            gradients.append(maths.dense(tape.gradient(loss, sources), sources))
        stacked = [tf.stack([tf.reshape(row[place], [-1]) for row in gradients]) for place in range(len(shared))]
        return [maths.replica_mean(tf.cast(rows, "float32")) for rows in stacked], [row[len(shared) :] for row in gradients]

    def _combined(self, direction, heads):
        variables, alphas = self.model.trainable_variables, self.model.alphas.vector
        replicas = self.model.distribute_strategy.num_replicas_in_sync
        factors, found = (alphas * direction.factors)[tf.newaxis], [None] * len(variables)
        for index, rows in zip(self.sharing.shared, direction.rows, strict=True):
            found[index] = tf.reshape(tf.matmul(factors, rows), variables[index].shape) / replicas
        for task, own in enumerate(self.sharing.own):
            for index, gradient in zip(own, heads[task], strict=True):
                mine = tf.cast(alphas[task], gradient.dtype) * gradient / replicas
                # A variable with a slice a task has a part from each of them.
                found[index] = mine if found[index] is None else found[index] + mine
        return found

    def _plain(self, tape, scaled, weights, share=1.0):
        """One pass for the shared variables with weights that are known, and one through the heads alone."""
        variables, alphas = self.model.trainable_variables, self.model.alphas.vector * share
        every = list(dict.fromkeys(index for own in self.sharing.own for index in own))
        found = [None] * len(variables)
        for indices, factors in ((self.sharing.shared, alphas * weights), (every, alphas)):
            sources = [variables[index].value for index in indices]
            upstream = [tf.cast(factors[task], loss.dtype) for task, loss in enumerate(scaled)]
            gradients = maths.dense(tape.gradient(scaled, sources, output_gradients=upstream), sources)
            for index, gradient in zip(indices, gradients, strict=True):
                found[index] = gradient
        return found


class SeveralBatches(AtParameters):
    """T backward passes for each third of the batch: J₁J₂ᵀ gives the weights, J₃ the shared gradient, all rows those of the heads."""

    def _pass(self, x, y, sample_weight, fresh):
        model, balancer = self.model, self.balancer
        batch = (x, y) if sample_weight is None else (x, y, sample_weight)
        rows = tf.shape(tf.nest.flatten(x)[0])[0]
        passes = (self._forward(*_third(batch, rows, k)) for k in range(BATCHES))
        tapes, scaled, added, extra, outputs, values, counts = zip(*passes, strict=True)
        counts = [tf.where(k < rows, count, 0.0) for k, count in enumerate(counts)]
        # A task's loss is a mean over its labels: each third counts by how many of them it has.
        share = tf.math.divide_no_nan(tf.stack(counts), tf.add_n(counts))
        losses = tf.reduce_sum(share * tf.stack([tf.stack(part) for part in values]), 0)
        total, _ = maths.over_replicas(losses, tf.add_n(counts))
        there = [maths.over_replicas(losses, count)[1] for count in counts]
        present = tf.reduce_all(tf.stack(there), 0) & (model.alphas.vector > 0)
        if fresh:
            blocks, own = zip(*(self._rows(tape, part) for tape, part in zip(tapes, scaled, strict=True)), strict=True)
            cross = maths.products(blocks[0], blocks[1], model.optimizer.scale_loss(tf.constant(1.0)))
            found, moving = maths.direct(model, balancer, total, present, blocks[-1], gram=cross)
            heads = [_weighted_sums([part[task] for part in own], share[:, task]) for task in range(len(model.tasks))]
            gradients, weights, state = self._combined(found, heads), found.weights, found.state
        else:
            weights, moving, state = balancer.cached(), present, maths.held(balancer, len(model.tasks))
            found = [self._plain(tapes[k], scaled[k], weights, share[k]) for k in range(BATCHES)]
            gradients = [tf.add_n(parts) for parts in zip(*found, strict=True)]
        for tape, loss in zip(tapes, extra, strict=True):
            gradients = maths.with_added(gradients, tape, loss, model.trainable_variables)
        return _joined(outputs, rows), losses, tf.add_n(counts), tf.add_n(added) / BATCHES, gradients, weights, total, moving, state

    def _forward(self, x, y, sample_weight=None):
        with tf.GradientTape(persistent=True) as tape:
            outputs = self.model(x, training=True)
            _, values, counts = maths.forward(self.model, outputs, y, sample_weight)
            scaled = [self.model.optimizer.scale_loss(value) for value in values]
            added, extra = maths.added(self.model)
            extra = extra if extra is None else extra / BATCHES
        return tape, scaled, added, extra, outputs, values, counts


class AtRepresentation:
    """One pass through the heads, each with its own view of the shared tensor, and one through what lies in front of it."""

    def __init__(self, model, balancer, sharing):
        self.model, self.balancer, self.sharing = model, balancer, sharing
        self.encoder, self.heads = self.sharing.split_at(model.representation, balancer)
        # What lies behind the representation is a head's own with one task, too.
        places = {id(variable): index for index, variable in enumerate(model.trainable_variables)}
        front = {id(variable) for variable in self.encoder.trainable_variables}
        self.own = [[places[id(v)] for v in head.trainable_variables if id(v) not in front] for head in self.heads]
        self.shared = sorted(set(places.values()) - {index for part in self.own for index in part})

    def __call__(self, x, y, sample_weight):
        model, balancer = self.model, self.balancer
        variables, alphas = model.trainable_variables, model.alphas.vector
        with tf.GradientTape(persistent=True) as tape:
            shared = self.encoder(x, training=True)
            views = [tf.identity(shared) for _ in self.heads]
            outputs = {}
            for head, view in zip(self.heads, views, strict=True):
                outputs |= head(view, training=True)
            picked, values, counts = maths.forward(model, outputs, y, sample_weight)
            scaled = [model.optimizer.scale_loss(value) for value in values]
            together, (added, extra) = tf.add_n(scaled), maths.added(model)
        losses = tf.stack(values)
        total, present = maths.over_replicas(losses, counts)
        present = tf.logical_and(present, alphas > 0)
        own = [index for part in self.own for index in part]
        sources = [*views, *(variables[index].value for index in own)]
        gradients = maths.dense(tape.gradient(together, sources), sources)
        at_views = tf.stack([tf.cast(gradient, "float32") for gradient in gradients[: len(views)]])

        def fresh():
            found, moving = maths.direct(model, balancer, total, present, [at_views], shared)
            return self._upstream(found.factors, found.rows[0]), found.weights, moving, found.state

        def kept():
            weights = balancer.cached()
            return self._upstream(weights, at_views), weights, present, maths.held(balancer, len(values))

        chosen = balancer.is_fresh()
        upstream, weights, moving, state = fresh() if chosen is None else tf.cond(chosen, fresh, kept)
        upstream = tf.cast(upstream, shared.dtype)
        found, replicas = [None] * len(variables), model.distribute_strategy.num_replicas_in_sync
        front = [variables[index].value for index in self.shared]
        for index, gradient in zip(self.shared, maths.dense(tape.gradient(shared, front, upstream), front), strict=True):
            found[index] = gradient / replicas
        owners = [task for task, part in enumerate(self.own) for _ in part]
        for index, task, gradient in zip(own, owners, gradients[len(views) :], strict=True):
            found[index] = tf.cast(alphas[task], gradient.dtype) * gradient / replicas
        found = maths.with_added(found, tape, extra, variables)
        return Step(picked, losses, counts, added, found, weights, maths.advancing(balancer, chosen, total, moving, weights, state))

    def _upstream(self, factors, rows):
        return tf.tensordot(self.model.alphas.vector * factors, rows, 1)


def look_again(model, x, y, sample_weight, step):
    """Shows the balancer the losses of the same batch after the step, unless it is frozen."""
    if model.balancer.freeze_after is None:
        _look(model, x, y, sample_weight, step)
    else:
        going = model.balancer.steps < model.balancer.freeze_after
        tf.cond(going, lambda: _look(model, x, y, sample_weight, step), lambda: True)


def _look(model, x, y, sample_weight, step):
    """Statistics of layers and random states stay as they are."""
    variables = model.non_trainable_variables
    before = [tf.identity(variable) for variable in variables]
    _, values, counts = maths.forward(model, model(x, training=True), y, sample_weight)
    losses, present = maths.over_replicas(step.losses, counts)
    new_losses, _ = maths.over_replicas(tf.stack(values), counts)
    with tf.control_dependencies(values):
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
    model.balancer.look_again(losses, new_losses, tf.logical_and(present, model.alphas.vector > 0))
    return True


def _weighed(balancer, losses, present):
    """Weights of a balancer of the losses, and what moves its state."""
    chosen = balancer.is_fresh()
    if chosen is None:
        weights = tf.cast(balancer(losses, present), "float32")
    else:
        weights = tf.cond(chosen, lambda: tf.cast(balancer(losses, present), "float32"), balancer.cached)
    weights = tf.stop_gradient(weights)
    return weights, maths.advancing(balancer, chosen, losses, present, weights)


def _weighted_sums(lists, factors):
    """Sums lists of gradients entry by entry, each list times its factor."""
    return [sum(tf.cast(factors[k], entries[0].dtype) * entry for k, entry in enumerate(entries)) for entries in zip(*lists, strict=True)]


def _third(batch, rows, k):
    """Takes every third row from the k-th; where there is none, a row again, which counts for nothing."""
    chosen = tf.range(k, tf.maximum(rows, BATCHES), BATCHES)[:rows] % tf.maximum(rows, 1)
    return tf.nest.map_structure(lambda values: tf.gather(values, chosen), batch)


def _joined(parts, rows):
    """Puts the thirds' outputs back into the order of the batch, without rows that were taken again."""
    places = tf.concat([tf.range(k, tf.maximum(rows, BATCHES), BATCHES) for k in range(BATCHES)], 0)
    order = tf.argsort(places)[:rows]
    return {name: tf.gather(tf.concat([part[name] for part in parts], 0), order) for name in parts[0]}
