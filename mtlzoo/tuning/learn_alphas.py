"""`learn_alphas`: alphas that a balancer learnt in one training, to be frozen in others."""

import math

from mtlzoo import architectures, balancing, checks
from mtlzoo.tuning import _states


def learn_alphas(
    model,
    train,
    *,
    balancer="uncertainty_weighting",
    epochs: int = 10,
    last: float = 0.5,
    pivot: str | None = None,
) -> dict[str, float]:
    """Alphas that a balancer learnt: the mean of α_t·w_t over the last part of one training, normalised.

    A fresh copy of the model (`architectures.rebuild`) is trained with the balancer, and only the numbers are kept: the model itself
    stays as it is. Train it, or any other model of these tasks, with them from its first step: `model.alphas = learn_alphas(...)`.

    `freeze_after` of a balancer is the other way to freeze: the same training goes on with the mean weights, which are part of that model's
    balancer. Here they become plain alphas of a training of their own, without a balancer and its cost. Weights of a balancer of the
    gradients move the shared parameters only; as alphas they weigh the heads, too.

    Args:
        model: a model that a builder made; its alphas and the builder's seed are those of the copy, its weights are not.
        train: batches (x, {task: y}, {task: weight}), as for `fit`.
        balancer: a name, or a `mtlzoo.balancing.Balancer` that serves no model yet.
        epochs: epochs that the copy is trained.
        last: share of these epochs, above 0 and at most 1, whose weights are averaged: the last ones, at least one.
        pivot: name of the task that keeps its alpha, the others relative to it; None for alphas that sum to the number of tasks.

    Returns:
        Dict of task name to alpha, in the order of the tasks.

    Raises:
        ValueError: the balancer gives no weights, a mean weight is below 0 or all are 0, or the model was made by no builder.
        TypeError: an argument is of another type.

    Source: learnt weights as fixed ones, as in Kirchdorfer et al., "Analytical Uncertainty-Based Loss Weighting in Multi-Task Learning"
        (GCPR 2024), who compare uncertainty weighting with scalarisation; the mean over the last part is ours.

    >>> import mtlzoo
    >>> splits = mtlzoo.data.load("digits", limit=64)
    >>> model = mtlzoo.architectures.hard_sharing(splits.inputs, splits.tasks, trunk="mlp", seed=0)
    >>> alphas = learn_alphas(model, splits.train, epochs=2)
    >>> round(sum(alphas.values()), 6)
    3.0
    """
    _states.check_compiled(model)
    _states.check_data("train", train)
    names = [task.name for task in model.tasks]
    epochs = checks.integer("epochs", epochs, low=1)
    last = checks.number("last", last, low=0, high=1, strict=True)
    if pivot is not None:
        checks.one_of("pivot", pivot, names)
    balancer = balancing.get(balancer)
    if balancer is None or not balancer.weighs:
        weighing = [name for name in balancing.names() if balancing.get(name).weighs]
        raise ValueError(
            f"`balancer` must be one that gives weights ({', '.join(weighing)}); {getattr(balancer, 'name', None)!r} gives none to keep."
        )
    learner = architectures.rebuild(model, balancer=balancer)
    learner.alphas = dict(model.alphas)
    logs = _states.fit(learner, train, None, first=0, last=epochs)
    kept = logs[-max(1, round(last * epochs)) :]
    products = {name: model.alphas[name] * math.fsum(epoch[f"{name}_weight"] for epoch in kept) / len(kept) for name in names}
    return normalised(products, balancer, pivot, model.alphas)


def normalised(products, balancer, pivot, alphas):
    """Returns alphas in the ratios of the products α_t·w_t: with the sum T, or with the pivot's own alpha.

    Args:
        products: dict of task name to product.
        balancer: whose weights they are, for the message.
        pivot: name of a task, or None.
        alphas: the alphas that the model has.

    Raises:
        ValueError: a product is below 0, or what they are divided by is 0.
    """
    below = [name for name, value in products.items() if value < 0]
    if below:
        raise ValueError(f"`balancer` {balancer.name!r} gave task {below[0]!r} a mean weight below 0, which cannot be an alpha.")
    unit = products[pivot] / alphas[pivot] if pivot and alphas[pivot] > 0 else math.fsum(products.values()) / len(products)
    if unit == 0 or (pivot and products[pivot] == 0):
        raise ValueError(f"`balancer` {balancer.name!r} gave {'`pivot` ' + repr(pivot) if pivot else 'all tasks'} the mean weight 0.")
    return {name: value / unit for name, value in products.items()}
