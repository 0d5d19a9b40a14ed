"""`train_front`: one model for all preferences among the tasks, which it is told with the input (COSMOS)."""

from collections.abc import Mapping

from mtlzoo import architectures, balancing, checks, trunks
from mtlzoo.layers import ToldPreference
from mtlzoo.tuning import _states
from mtlzoo.tuning.preference_set import PreferenceSet
from mtlzoo.tuning.train_preferences import as_preferences, taking_preferences
from mtlzoo.tuning.with_preference import KEY, with_drawn_preferences, with_preference


def train_front(
    model,
    train,
    validation,
    *,
    preferences=5,
    epochs: int = 10,
    balancer="stch",
    concentration: float = 1.0,
    seed: int = 0,
) -> PreferenceSet:
    """Trains one model for the whole front: it reads the preference as one more input, and is asked for n preferences afterwards.

    At each step a preference r is drawn from a Dirichlet distribution and joined to the inputs of the batch, and the balancer weighs the
    losses for it: "stch" by the smooth maximum of r_t·L_t, and `COSMOS(0.0)` by the plain sum rᵀL, with which a task of a greater share
    gets the lower loss. COSMOS's own rᵀL − λ·cos(r, L) turns the losses towards r, as "pbi" does: where λ is so great that this term
    decides, a task of a greater share keeps the *greater* loss; in between the terms work against each other, and the front shrinks.

    It costs one training instead of n and serves preferences in between; n separate models (`train_preferences`) are the better points
    where there is time for them. The balancer compares losses as they are: bring them to like units first. The model's alphas multiply
    its weights as ever.

    The network is built anew as `model` was (`architectures.rebuild`), with fresh weights, one more input and T more channels of the first
    stage. `with_preference(data, r)` makes data for it: `made.predict(with_preference(data, [0.2, 0.8]))`.

    Args:
        model: a model that a builder made, with one input (a tensor, or the dict of a table), which stays as it is.
        train: batches (x, {task: y}, {task: weight}), as for `fit`.
        validation: such batches for the results.
        preferences: how many it is asked for, spread by `preference_grid`; or an array [n, T] of shares.
        epochs: epochs of the training.
        balancer: "stch", "cosmos", "pbi" or one of them with other arguments, whose `preferences` become "told".
        concentration: of the Dirichlet distribution, above 0; 1 draws evenly from the simplex, more keeps to its middle.
        seed: decides what is drawn.

    Returns:
        A `PreferenceSet` whose `models` hold the one model.

    Raises:
        ValueError: the balancer takes no preferences, each task has an input of its own, or the model was made by no builder.
        TypeError: an argument is of another type.

    Source: Ruchte and Grabocka, "Scalable Pareto Front Approximation for Deep Multi-Objective Learning", ICDM 2021.

    >>> import mtlzoo
    >>> splits = mtlzoo.data.load("digits", limit=64)
    >>> model = mtlzoo.architectures.hard_sharing(splits.inputs, splits.tasks, trunk="mlp", seed=0)
    >>> found = train_front(model, splits.train, splits.validation, preferences=3, epochs=1)
    >>> found.points.shape, sorted(found.models[0].input)
    ((3, 3), ['input', 'preference'])
    """
    _states.check_compiled(model)
    shares = as_preferences(preferences, len(model.tasks))
    epochs = checks.integer("epochs", epochs, low=1)
    concentration = checks.number("concentration", concentration, low=0, strict=True)
    checks.integer("seed", seed, low=0)
    if balancer is None:
        raise ValueError("`balancer` must take preferences; received None. Weighted sums are mtlzoo.balancing.COSMOS(0.0).")
    balancer = taking_preferences(balancing.get(balancer))
    told = type(balancer).from_config({**balancer.get_config(), "preferences": "told"})
    made = _told(model, told)
    _states.fit(made, with_drawn_preferences(train, len(model.tasks), concentration, seed), None, first=0, last=epochs)
    results = []
    for row in shares:
        found = made.evaluate(with_preference(validation, row), return_dict=True, verbose=0)
        results.append({key: float(value) for key, value in found.items()})
    return PreferenceSet(tasks=made.tasks, preferences=shares, results=tuple(results), models=(made,))


def _told(model, balancer):
    """Returns a fresh model as `model` was made, which reads the preference beside its input."""
    inputs, tasks = _record(model)["inputs"], [task.name for task in model.tasks]
    several = isinstance(inputs, Mapping)
    if several and {key.removesuffix("_input") for key in inputs} & set(tasks):
        raise ValueError(f"`model` must have one input that all tasks read; {model.name!r} has the inputs {list(inputs)}.")
    if several and KEY in inputs:
        raise ValueError(f"`model` must have no input {KEY!r} yet; {model.name!r} has one.")
    trunk = _record(model)["trunk"]
    trunk = trunks.default(tuple(inputs)) if trunk is None and not several else trunks.get(trunk)
    inputs = {**(inputs if several else {"input": inputs}), KEY: (len(tasks),)}
    trunk = trunk.behind(ToldPreference("numbers" if several else None))
    made = architectures.rebuild(model, inputs=inputs, trunk=trunk, balancer=balancer)
    made.alphas = dict(model.alphas)
    return made


def _record(model):
    if model.builder is None:
        raise ValueError(f"`model` must be made by a builder of mtlzoo.architectures; {model.name!r} was not.")
    return model.builder["arguments"]
