"""Tuned fixed weights: alphas searched on validation for one architecture."""

import math

import keras

from mtlzoo import evaluation, tuning
from mtlzoo.judging import _networks
from mtlzoo.judging._methods import Method

RULE = (
    "Tuned alphas are, for each architecture, the best on the validation rows of seed {seed} among {trials} of a random search (each task "
    "but one times a factor from 0.1 to 10, {epochs} epochs each) and those of the methods with fixed alphas; they stay for all seeds."
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
        Dict of "alphas", by task, "objective", its name, and "scores", what the candidates came to on validation.
    """
    baseline, *candidates = fixed
    start = candidates[-1]["alphas"]  # The source's own, if it has some; they need a factor each, which 0 does not take.
    start = start if all(start.values()) else dict.fromkeys(start, 1.0)
    objective = wanted(splits.tasks, baseline["validation"])
    model = _networks.run_config(config, Method("tuned", architecture), start, config.run.seed).build(splits)
    found = tuning.tune(
        model,
        splits.train,
        splits.validation,
        search="random",
        alphas=tuning.AlphaSpace("log", low=0.1, high=10.0),
        max_trials=config.trials,
        objective=objective,
        epochs=config.tuning_epochs or config.run.epochs,
        folder=folder,
        seed=config.run.seed,
    )
    keras.utils.clear_session()
    tried = [(objective.score(cell["validation"]), cell["alphas"]) for cell in candidates if not cell.get("error")]
    tried += found_trials(found)
    _, alphas = max((one for one in tried if math.isfinite(one[0])), key=lambda one: one[0], default=(math.nan, start))
    alphas = {name: float(alpha) for name, alpha in alphas.items()}
    return {"alphas": alphas, "objective": objective.name, "scores": [score for score, _ in tried]}


def found_trials(found):
    """Score and alphas of each trial of a search."""
    return [(found.best.score, found.best.alphas)]


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
