"""Backward passes: how the gradients of a step are had for each sort of balancer. Said in one place:

Balancers that need only losses weigh the whole loss, heads included. Balancers that need the Gram matrix weigh the shared
parameters; each head takes the gradient of its own α_t·L_t. Added losses (regularisers) count once and are not weighed.
"""

import dataclasses

import tensorflow as tf

from mtlzoo._sharing import Sharing


@dataclasses.dataclass
class Step:
    """What a forward and backward pass gave.

    Args:
        picked: labels, outputs and label weights, each by task.
        losses: task losses [T].
        counts: number (or weight) of labels that each is a mean over, [T].
        gradients: one for each trainable variable, scaled as the optimizer wants it.
        weights: the balancer's weights [T], or None.
        advance: moves the balancer's state; called once the step is known to be good.
    """

    picked: tuple
    losses: tf.Tensor
    counts: tf.Tensor
    gradients: list
    weights: tf.Tensor | None = None
    advance: object = lambda: None


def make(model, balancer):
    """Returns the backward pass for a balancer, a function (x, y, sample_weight) -> `Step`."""
    replicas = model.distribute_strategy.num_replicas_in_sync
    if balancer is not None and replicas > 1 and (balancer.every > 1 or balancer.freeze_after):
        raise ValueError(f"`balancer` {balancer.name!r} must have every=1 and no freeze_after under a strategy of {replicas} replicas.")
    if balancer is None or balancer.needs == "losses":
        return WholeLoss(model, balancer)
    return AtRepresentation(model, balancer) if balancer.at == "representation" else AtParameters(model, balancer)


class WholeLoss:
    """One backward pass of Σ α_t·w_t·L_t; the weights, if any, come from the losses."""

    def __init__(self, model, balancer):
        self.model, self.balancer = model, balancer

    def __call__(self, x, y, sample_weight):
        model, balancer = self.model, self.balancer
        with tf.GradientTape() as tape:
            picked, values, counts = _forward(model, model(x, training=True), y, sample_weight)
            losses = tf.stack(values)
            weights, advance = None, (lambda: None)
            if balancer is not None:
                given = _global(losses, counts)
                weights, advance = _weighed(balancer, *given)
            scaled = model.optimizer.scale_loss(model.total_loss(losses, weights))
        return Step(picked, losses, counts, tape.gradient(scaled, model.trainable_variables), weights, advance)


class AtParameters:
    """T backward passes through the shared parameters, their Gram matrix, and the weighted sum of the same gradients."""

    def __init__(self, model, balancer):
        self.model, self.balancer, self.sharing = model, balancer, Sharing(model)
        self.sharing.check_shared(balancer)

    def __call__(self, x, y, sample_weight):
        model, balancer = self.model, self.balancer
        with tf.GradientTape(persistent=True) as tape:
            picked, values, counts = _forward(model, model(x, training=True), y, sample_weight)
            scaled = [model.optimizer.scale_loss(value) for value in values]
            added = _added(model)
        losses = tf.stack(values)
        total, present = _global(losses, counts)
        present = tf.logical_and(present, model.alphas.vector > 0)

        def fresh():
            stacked, heads = self._rows(tape, scaled)
            scale = tf.cast(model.optimizer.scale_loss(tf.constant(1.0)), "float32")
            gram = tf.add_n([_gram(rows / scale) for rows in stacked])
            weights = tf.cast(balancer(total, present, gram), "float32")
            return self._combined(stacked, heads, weights), weights, gram

        def kept():
            weights = balancer.cached()
            return self._plain(tape, scaled, weights), weights, tf.zeros((len(values),) * 2, "float64")

        chosen = balancer.is_fresh()
        gradients, weights, gram = fresh() if chosen is None else tf.cond(chosen, fresh, kept)
        gradients = _with_added(gradients, tape, added, model.trainable_variables)
        return Step(picked, losses, counts, gradients, weights, _advancing(balancer, chosen, total, present, weights, gram))

    def _rows(self, tape, scaled):
        """Gradients of each task: of the shared variables as matrices [T, size] a variable, of its own ones as they are."""
        variables, shared = self.model.trainable_variables, self.sharing.shared
        gradients = []
        for loss, own in zip(scaled, self.sharing.own, strict=True):
            sources = [variables[index].value for index in [*shared, *own]]
            gradients.append(_dense(tape.gradient(loss, sources), sources))
        stacked = [tf.stack([tf.reshape(row[place], [-1]) for row in gradients]) for place in range(len(shared))]
        return [_replica_mean(tf.cast(rows, "float32")) for rows in stacked], [row[len(shared) :] for row in gradients]

    def _combined(self, stacked, heads, weights):
        variables, alphas = self.model.trainable_variables, self.model.alphas.vector
        replicas = self.model.distribute_strategy.num_replicas_in_sync
        factors, found = (alphas * weights)[tf.newaxis], [None] * len(variables)
        for index, rows in zip(self.sharing.shared, stacked, strict=True):
            found[index] = tf.reshape(tf.matmul(factors, rows), variables[index].shape) / replicas
        for task, own in enumerate(self.sharing.own):
            for index, gradient in zip(own, heads[task], strict=True):
                found[index] = tf.cast(alphas[task], gradient.dtype) * gradient / replicas
        return found

    def _plain(self, tape, scaled, weights):
        """One pass for the shared variables with weights that are known, and one through the heads alone."""
        variables, alphas = self.model.trainable_variables, self.model.alphas.vector
        every = [index for own in self.sharing.own for index in own]
        found = [None] * len(variables)
        for indices, factors in ((self.sharing.shared, alphas * weights), (every, alphas)):
            sources = [variables[index].value for index in indices]
            upstream = [tf.cast(factors[task], loss.dtype) for task, loss in enumerate(scaled)]
            gradients = _dense(tape.gradient(scaled, sources, output_gradients=upstream), sources)
            for index, gradient in zip(indices, gradients, strict=True):
                found[index] = gradient
        return found


class AtRepresentation:
    """One pass through the heads, each with its own view of the shared tensor, and one through what lies in front of it."""

    def __init__(self, model, balancer):
        self.model, self.balancer, self.sharing = model, balancer, Sharing(model)
        self.sharing.check_shared(balancer)
        self.encoder, self.heads = self.sharing.split_at(model.representation, balancer)

    def __call__(self, x, y, sample_weight):
        model, balancer, sharing = self.model, self.balancer, self.sharing
        variables, alphas = model.trainable_variables, model.alphas.vector
        with tf.GradientTape(persistent=True) as tape:
            shared = self.encoder(x, training=True)
            views = [tf.identity(shared) for _ in self.heads]
            outputs = {}
            for head, view in zip(self.heads, views, strict=True):
                outputs |= head(view, training=True)
            picked, values, counts = _forward(model, outputs, y, sample_weight)
            scaled = [model.optimizer.scale_loss(value) for value in values]
            together, added = tf.add_n(scaled), _added(model)
        losses = tf.stack(values)
        total, present = _global(losses, counts)
        present = tf.logical_and(present, alphas > 0)
        own = [index for part in sharing.own for index in part]
        sources = [*views, *(variables[index].value for index in own)]
        gradients = _dense(tape.gradient(together, sources), sources)
        at_views = tf.stack([tf.cast(tf.reshape(gradient, [-1]), "float32") for gradient in gradients[: len(views)]])

        def fresh():
            rows = at_views / tf.cast(model.optimizer.scale_loss(tf.constant(1.0)), "float32")
            gram = _replica_mean(_gram(rows)) / model.distribute_strategy.num_replicas_in_sync
            return tf.cast(balancer(total, present, gram), "float32"), gram

        chosen = balancer.is_fresh()
        if chosen is None:
            weights, gram = fresh()
        else:
            weights, gram = tf.cond(chosen, fresh, lambda: (balancer.cached(), tf.zeros((len(values),) * 2, "float64")))
        upstream = tf.cast(tf.reshape(tf.matmul((alphas * weights)[tf.newaxis], at_views), tf.shape(shared)), shared.dtype)
        found, replicas = [None] * len(variables), model.distribute_strategy.num_replicas_in_sync
        front = [variables[index].value for index in sharing.shared]
        for index, gradient in zip(sharing.shared, _dense(tape.gradient(shared, front, upstream), front), strict=True):
            found[index] = gradient / replicas
        owners = [task for task, part in enumerate(sharing.own) for _ in part]
        for index, task, gradient in zip(own, owners, gradients[len(views) :], strict=True):
            found[index] = tf.cast(alphas[task], gradient.dtype) * gradient / replicas
        found = _with_added(found, tape, added, variables)
        return Step(picked, losses, counts, found, weights, _advancing(balancer, chosen, total, present, weights, gram))


def look_again(model, x, y, sample_weight, step):
    """Shows the balancer the losses of the same batch after the step; statistics of layers and random states stay as they are."""
    variables = model.non_trainable_variables
    before = [tf.identity(variable) for variable in variables]
    _, values, counts = _forward(model, model(x, training=True), y, sample_weight)
    losses, present = _global(step.losses, counts)
    new_losses, _ = _global(tf.stack(values), counts)
    with tf.control_dependencies(values):
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
    model.balancer.look_again(losses, new_losses, present)


def _forward(model, outputs, y, sample_weight):
    picked = model.task_losses.pick(y, outputs, sample_weight)
    return picked, *model.task_losses.values(*picked)


def _added(model):
    replicas = model.distribute_strategy.num_replicas_in_sync
    added = [tf.reduce_sum(tf.cast(loss, "float32")) / replicas for loss in model.losses]
    return model.optimizer.scale_loss(tf.add_n(added)) if added else None


def _with_added(gradients, tape, added, variables):
    if added is None:
        return gradients
    sources = [variable.value for variable in variables]
    return [one + tf.cast(other, one.dtype) for one, other in zip(gradients, _dense(tape.gradient(added, sources), sources), strict=True)]


def _dense(gradients, sources):
    pairs = zip(gradients, sources, strict=True)
    return [tf.zeros_like(source) if gradient is None else tf.convert_to_tensor(gradient) for gradient, source in pairs]


def _gram(rows):
    """JJᵀ of rows [T, size] in float64: in float32 the products would round away the angle between rows that nearly oppose."""
    rows = tf.cast(rows, "float64")
    return tf.matmul(rows, rows, transpose_b=True)


def _replica_mean(values):
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)


def _global(losses, counts):
    """Losses over all replicas, and which tasks have a label in any of them."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return losses, counts > 0
    sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.stack([losses * counts, counts]))
    return tf.math.divide_no_nan(sums[0], sums[1]), sums[1] > 0


def _weighed(balancer, losses, present):
    """Weights of a balancer of the losses, and what moves its state."""
    chosen = balancer.is_fresh()
    if chosen is None:
        weights = tf.cast(balancer(losses, present), "float32")
    else:
        weights = tf.cond(chosen, lambda: tf.cast(balancer(losses, present), "float32"), balancer.cached)
    weights = tf.stop_gradient(weights)
    return weights, _advancing(balancer, chosen, losses, present, weights, None)


def _advancing(balancer, chosen, losses, present, weights, gram):
    def forward():
        balancer.advance(losses, present, gram, weights)
        return True

    def stay():
        balancer.tick()
        return True

    return forward if chosen is None else lambda: tf.cond(chosen, forward, stay)
