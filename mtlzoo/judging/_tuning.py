"""Tuned fixed weights: alphas searched on validation for one architecture."""

import math

import keras

from mtlzoo import evaluation, tuning
from mtlzoo.judging import _networks
from mtlzoo.judging._methods import Method

RULE = (
    "Tuned alphas are, for each architecture, the best on the validation rows of seed {seed} among {trials} of a random search ({epochs} "
    "epochs each; the source's own alphas, then each task but one with a factor from 0.1 to 10) and alphas of 1. They stay for all seeds: "
    "where the seed decides the split, too, some of these rows are test rows of other seeds."
)


def tuned_alphas(config, architecture, splits, folder, fixed):
    """Searches alphas for an architecture on the first seed's data; a search that was killed goes on.

    Args:
        config: the `JudgingConfig`.
        architecture: name of the builder.
        splits: the data of the first seed.
        folder: where the search keeps what it tried.
        fixed: cells of the first seed: the single-task models', then those of the methods with fixed alphas, which take part.

    Returns:
        Dict of "alphas", by task, "objective", its name, and "score", what they came to on validation.

    Raises:
        ValueError: no trial could be completed.
    """
    baseline, *candidates = fixed
    start = candidates[-1]["alphas"] or dict.fromkeys((task.name for task in splits.tasks), 1.0)
    start = {name: alpha or 1.0 for name, alpha in start.items()}  # Every alpha has a factor, of which 0 knows nothing.
    objective = wanted(splits.tasks, baseline["validation"])
    found = tuning.tune(
        _networks.run_config(config, Method("tuned", architecture), start, config.run.seed).build(splits),
        splits.train,
        splits.validation,
        folder=folder,
        alphas=tuning.AlphaSpace("log", low=0.1, high=10.0),
        max_trials=config.trials,
        objective=objective,
        epochs=config.tuning_epochs or config.run.epochs,
    )
    keras.utils.clear_session()
    tried = [(objective.score(cell["validation"]), cell["alphas"]) for cell in candidates if not cell.get("error")]
    tried.append((found.best["score"], found.best["alphas"]))
    score, alphas = max((one for one in tried if math.isfinite(one[0])), key=lambda one: one[0])
    return {"alphas": {name: float(alpha) for name, alpha in alphas.items()}, "objective": objective.name, "score": score}


def wanted(tasks, baseline):
    """Δm against single-task models; where these have a value of 0 or none, to which nothing is relative, the sum of the main metrics."""
    try:
        evaluation.delta_m(baseline, baseline, tasks)
    except ValueError:
        return tuning.objective({task.name: 1.0 for task in tasks}, tasks)
    return tuning.objective("delta_m", tasks, baseline)


def told(judgement):
    """How alphas were tuned, and which they are."""
    config, found = judgement.config, []
    for method in judgement.methods:
        if method.alphas == "tuned":
            alphas = next((cell["alphas"] for cell in judgement.cells[method.name] if cell.get("alphas")), {})
            found.append(f"{method.architecture}: {', '.join(f'{name} {alpha:.3g}' for name, alpha in alphas.items())}")
    rule = RULE.format(trials=config.trials, epochs=config.tuning_epochs or config.run.epochs, seed=config.run.seed)
    return f"{rule} They are {'; '.join(found)}." if found else rule
