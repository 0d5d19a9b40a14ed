"""`train_preferences`: one model for each of several preferences among the tasks."""

import inspect
import json

import keras
import numpy as np

from mtlzoo import balancing, checks, files
from mtlzoo.tuning import _states
from mtlzoo.tuning.preference_grid import preference_grid
from mtlzoo.tuning.preference_set import PreferenceSet


def train_preferences(
    model,
    train,
    validation,
    *,
    preferences=5,
    epochs: int = 10,
    balancer=None,
    folder=None,
) -> PreferenceSet:
    """Trains a model for each of several preferences, and puts their results together as a front.

    All start with the weights that `model` has, see the same batches and differ in the preference r alone. Without a balancer it is
    weighted sums, α_t = T·r_t times the alpha that the model has, so that equal preferences are the model as it is; they reach the
    convex part of a front. "stch" takes r as weights of a smooth maximum, which reaches all of it. "pbi" and "cosmos" take r as the
    direction in which the losses are to lie: with them a task of a greater share keeps the greater loss. All three compare the losses
    as they are, so that these should be of like units, and the model's alphas multiply their weights as ever. `model` itself stays as
    it is; a balancer that it has is left out.

    Args:
        model: a compiled `MultiTaskModel`.
        train: batches (x, {task: y}, {task: weight}), as for `fit`.
        validation: such batches for the results.
        preferences: how many, spread by `preference_grid`; or an array [n, T] of shares, each row scaled to sum to one.
        epochs: epochs for each preference.
        balancer: None, "stch", "pbi" or "cosmos", or one of them with other arguments, whose `preferences` are replaced.
        folder: None, or where each preference's model and results are kept once it is trained; a call with the same arguments that
            was killed goes on with the next preference.

    Returns:
        A `PreferenceSet` with n models.

    Raises:
        ValueError: the balancer takes no preferences, a row has not one share a task, or the folder holds something else.
        TypeError: an argument is of another type.

    Source: linear and smooth Tchebycheff scalarisation as baselines of Pareto multi-task learning: Lin et al., NeurIPS 2019 and ICML 2024.

    >>> import mtlzoo
    >>> splits = mtlzoo.data.load("digits", limit=64)
    >>> model = mtlzoo.architectures.hard_sharing(splits.inputs, splits.tasks, trunk="mlp", seed=0)
    >>> found = train_preferences(model, splits.train, splits.validation, preferences=3, epochs=1)
    >>> found.points.shape, [round(found.models[0].alphas[name], 3) for name in ("left", "right", "sum")]
    ((3, 3), [0.1, 0.1, 0.392])
    """
    _states.check_compiled(model)
    _states.check_data("train", train)
    _states.check_data("validation", validation)
    shares = as_preferences(preferences, len(model.tasks))
    epochs = checks.integer("epochs", epochs, low=1)
    chosen = [_preferring(balancer, row) for row in shares]
    described = [made and keras.saving.serialize_keras_object(made) for made in chosen]
    settings = {**_states.recipe(model), "preferences": shares.tolist(), "epochs": epochs, "balancer": described}
    folder = _states.claim(folder, settings, "models of preferences")
    worker, models, results = None, [], []
    for index, row in enumerate(shares):
        path = folder and folder / f"preference_{index}"
        if path is None or not path.is_dir():
            # Weighted sums differ in live alphas alone: one model serves them all, and is traced once.
            worker = _states.copy_of(model, chosen[index]) if chosen[index] or worker is None else worker
            made, found = _trained(worker, model, train, validation, row, epochs)
            _save(made, found, path)
        else:
            made, found = keras.saving.load_model(path / "model.keras"), json.loads((path / "results.json").read_text(encoding="utf-8"))
        models.append(made)
        results.append(found)
    return PreferenceSet(tasks=model.tasks, preferences=shares, results=tuple(results), models=tuple(models))


def as_preferences(preferences, tasks):
    """Returns preferences [n, T], float64, for a number of them or an array.

    Args:
        preferences: a whole number, or an array [n, T] of numbers of at least 0.
        tasks: T.

    Raises:
        ValueError, TypeError: it is none of these.
    """
    if isinstance(preferences, (int, np.integer)):
        return preference_grid(tasks, checks.integer("preferences", preferences, low=1))
    try:
        shares = np.array(preferences, "float64")
    except (TypeError, ValueError):
        raise TypeError(f"`preferences` must be a whole number or an array [n, {tasks}]; received {preferences!r}.") from None
    if shares.ndim != 2 or shares.shape[1] != tasks or not len(shares):
        raise ValueError(f"`preferences` must be [n, {tasks}], a share for each task; received the shape {shares.shape}.")
    if not (np.isfinite(shares).all() and (shares >= 0).all() and (shares.sum(axis=1) > 0).all()):
        raise ValueError(f"`preferences` must be finite, at least 0, and not all 0 in a row; received {shares.tolist()}.")
    return shares / shares.sum(axis=1, keepdims=True)


def _preferring(balancer, shares):
    """Returns a balancer of its own with these preferences, or None."""
    balancer = balancing.get(balancer)
    if balancer is None:
        return None
    if (shares <= 0).any():
        raise ValueError(f"`preferences` must be above 0 for the balancer {balancer.name!r}; received {shares.tolist()}.")
    return type(balancer).from_config({**taking_preferences(balancer).get_config(), "preferences": shares.tolist()})


def taking_preferences(balancer):
    """Returns a balancer that takes preferences, or raises an error.

    Args:
        balancer: a `Balancer`.

    Raises:
        ValueError: it takes none.
    """
    if "preferences" not in balancer.get_config():
        takers = [name for name in balancing.names() if "preferences" in inspect.signature(type(balancing.get(name))).parameters]
        raise ValueError(f"`balancer` must take preferences ({', '.join(takers)}); received {balancer.name!r}.")
    return balancer


def _trained(worker, model, train, validation, shares, epochs):
    """Returns a trained model of one preference, and its results."""
    if worker.balancer is None:
        start = _states.copy_of(model)
        start.alphas = {task.name: len(shares) * share * model.alphas[task.name] for task, share in zip(model.tasks, shares, strict=True)}
        _states.restore(worker, _states.capture(start))
    _states.fit(worker, train, None, first=0, last=epochs)
    results = {key: float(value) for key, value in worker.evaluate(validation, return_dict=True, verbose=0).items()}
    if worker.balancer is None:
        _states.restore(start, _states.capture(worker))
        return start, results
    return worker, results


def _save(model, results, path):
    if path is not None:
        with files.aside(path) as new:
            new.mkdir()
            model.save(new / "model.keras")
            files.write(new / "results.json", (json.dumps(results, indent=2) + "\n").encode())
