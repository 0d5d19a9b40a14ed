"""`train_front`: one model for all preferences among the tasks, which it is told with the input (COSMOS)."""

from collections.abc import Mapping

import keras

from mtlzoo import architectures, balancing, checks, trunks
from mtlzoo.layers import ToldPreference
from mtlzoo.layers.table_embedding import KEYS
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
    balancer=None,
    concentration: float = 1.0,
    seed: int = 0,
) -> PreferenceSet:
    """Trains one model for the whole front: it reads the preference as one more input, and is asked for n preferences afterwards.

    At each step a preference r is drawn from a Dirichlet distribution and joined to the inputs of the batch. Without a balancer the
    losses are weighed by it, Σ r_t·α_t·L_t with the alphas that the model has. "stch" takes the smooth maximum of r_t·L_t, which also
    reaches what of a front is not convex. "cosmos" adds the paper's −λ·cos(r, L), and "pbi" its penalty, which turn the losses towards r:
    where that term decides, a task of a greater share keeps the *greater* loss; with a middling λ it works against the weighted sum,
    and the front shrinks. These three compare the losses as they are, and the alphas multiply their weights as ever: bring the losses to
    like units first.

    It costs one training instead of n and serves preferences in between; n separate models (`train_preferences`) have all of a
    network for each preference.

    The network is built anew as `model` was (`architectures.rebuild`), with fresh weights, one more input and T more channels of the first
    stage. `with_preference(data, r)` makes data for it: `made.predict(with_preference(data, [0.2, 0.8]))`.

    Args:
        model: a model that a builder made, with one input of floats, or those of a table, which stays as it is.
        train: batches (x, {task: y}, {task: weight}), as for `fit`.
        validation: such batches for the results.
        preferences: how many it is asked for, spread by `preference_grid`; or an array [n, T] of shares.
        epochs: epochs of the training.
        balancer: None, "stch", "cosmos", "pbi" or one of them with other arguments, whose `preferences` become "told".
        concentration: of the Dirichlet distribution, above 0; 1 draws evenly from the simplex, more keeps to its middle.
        seed: decides what is drawn.

    Returns:
        A `PreferenceSet` whose `models` hold the one model.

    Raises:
        ValueError: the balancer takes no preferences, there are other inputs than one or a table's, or the model was made by
            no builder.
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
    _states.check_data("train", train)
    _states.check_data("validation", validation)
    shares = as_preferences(preferences, len(model.tasks))
    epochs = checks.integer("epochs", epochs, low=1)
    concentration = checks.number("concentration", concentration, low=0, strict=True)
    checks.integer("seed", seed, low=0)
    balancer = balancing.COSMOS(0.0) if balancer is None else taking_preferences(balancing.get(balancer))
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
    if model.builder is None:
        raise ValueError(f"`model` must be made by a builder of mtlzoo.architectures; {model.name!r} was not.")
    given, trunk = model.input, model.builder["arguments"]["trunk"]
    table = isinstance(given, Mapping)
    parts = dict(given) if table else {"input": given}
    floats = [name for name, part in parts.items() if keras.backend.is_float_dtype(part.dtype)]
    if set(parts) - set(KEYS) if table else not floats:
        raise ValueError(
            f"`model` must have one input of floats that all tasks read, or those of a table, {' and '.join(KEYS)}; {model.name!r} has "
            f"{', '.join(f'{name} ({part.dtype})' for name, part in parts.items())}."
        )
    trunk = trunks.default(tuple(given.shape[1:])) if trunk is None else trunks.get(trunk)
    inputs = {name: (*part.shape[1:], keras.backend.standardize_dtype(part.dtype)) for name, part in parts.items()}
    trunk = trunk.behind(ToldPreference("numbers" if table else None))
    made = architectures.rebuild(model, inputs={**inputs, KEY: (len(model.tasks),)}, trunk=trunk, balancer=balancer)
    made.alphas = dict(model.alphas)
    return made
