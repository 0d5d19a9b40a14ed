"""`hypermodel`: the search space of a multi-task model for any tuner of keras-tuner."""

from collections.abc import Mapping, Sequence

from mtlzoo import checks
from mtlzoo.tuning import _space
from mtlzoo.tuning.alpha_space import AlphaSpace
from mtlzoo.tuning.objective import Objective, of_tasks


def hypermodel(
    builder,
    objective: str | Mapping[str, float] | Objective,
    *,
    alphas: str | AlphaSpace = "log",
    architectures: Sequence[str] | None = None,
    balancers: Sequence[str | None] | None = None,
    arguments: Mapping[str, object] | None = None,
    seed: int | None = None,
):
    """Makes a `keras_tuner.HyperModel` whose models are multi-task and whose logs hold the objective as `val_objective`.

    Its `objective` is `keras_tuner.Objective("val_objective", "max")`. An epoch in which the objective is not finite counts as −∞; a trial
    whose loss diverges, or in which it is finite in no epoch, is a failed trial, and never the best. Every build sets the random
    seed by `keras.utils.set_random_seed` and Keras' dtype policy to that of the time when this was called.

    Args:
        builder: a model that a builder of `mtlzoo.architectures` made, as template: every trial is built with the arguments that it
            was built with, changed as below. Or a function `build(hp)` that returns a compiled `MultiTaskModel` and declares with `hp`
            what else is to be searched; its models' alphas are then set.
        objective: an `Objective`, or what makes one: see `mtlzoo.tuning.objective`. "delta_m" needs its baseline, so
            `objective("delta_m", tasks, baseline)`.
        alphas: "log", "simplex", "fixed" or an `AlphaSpace`.
        architectures: names to choose from, or None for the template's. Another architecture keeps the template's inputs, tasks, trunk,
            optimizer, balancer and seed, and arguments of its own name that were not left at their default.
        balancers: names (None for plain training) to choose from, or None for the template's. A name stands for the balancer with
            its defaults, or, where it is the template's, for that.
        arguments: dict of a builder's argument to a list of values, or to a dict of label to value where values are no plain ones. An
            argument that only some of the architectures have is searched with these alone.
        seed: the seed of every trial; None for the template's, or 0.

    Returns:
        A `keras_tuner.HyperModel`; `hyperparameters` are `architecture`, `balancer`, `alpha_<task>` and the arguments' names.

    Raises:
        ValueError: a name is unknown, a range empty, or the baseline of Δm missing.
        TypeError: an argument is of another type.

    Source: keras-tuner's hypermodels.

    >>> from mtlzoo import Task
    >>> from mtlzoo.architectures import hard_sharing
    >>> template = hard_sharing((8,), [Task.multiclass("digit", 10), Task.regression("sum")], seed=0)
    >>> made = hypermodel(template, "digit", arguments={"tower": [(), (16,)]})
    >>> made.objective.name, made.objective.direction
    ('val_objective', 'max')
    >>> import keras_tuner
    >>> hp = keras_tuner.HyperParameters()
    >>> dict(made.build(hp).alphas), hp.values
    ({'digit': 1.0, 'sum': 1.0}, {'tower': '()', 'alpha_sum': 1.0})
    """
    from mtlzoo.tuning._hypermodel import MultiTaskHyperModel

    space = _space.make(builder, alphas, architectures, balancers, arguments)
    score = of_tasks(objective, space.tasks)
    if score.needs_baseline and score.baseline is None:
        raise ValueError(
            "`objective` must hold the results of single-task models for Δm: mtlzoo.tuning.objective('delta_m', tasks, baseline). "
            "(mtlzoo.tuning.tune trains them itself.)"
        )
    seed = space.seed if seed is None else checks.integer("seed", seed, low=0)
    return MultiTaskHyperModel(space, score, seed)
