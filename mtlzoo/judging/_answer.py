"""What a judgement says: the answer in a sentence, what ties with what, and the notes."""

import math

from mtlzoo import evaluation
from mtlzoo.evaluation._render import number
from mtlzoo.judging import _networks, _others, _tuning
from mtlzoo.judging._methods import BASELINE


def interval(mean, half, form=number):
    """A mean with half its interval as text."""
    if not math.isfinite(mean):
        return "–"
    return form(mean) + (f" ± {form(half).lstrip('+')}" if math.isfinite(half) else "")


def percent(value):
    """A change in % as text, with its sign."""
    return f"{value:+.2f}" if math.isfinite(value) else "–"


def verdict(mean, half):
    """How a difference stands to 0: "ahead", "behind", "tie", or "?" where there is no interval."""
    if not (math.isfinite(mean) and math.isfinite(half)):
        return "?"
    return "ahead" if mean - half > 0 else "behind" if mean + half < 0 else "tie"


def answer(judgement):
    """Says in one sentence whether multi-task learning helps."""
    best, seeds = judgement.best, len(judgement.cells[BASELINE])
    mean, half = judgement.delta_m[best]
    stand = verdict(mean, half)
    told = {
        "ahead": "Yes: multi-task learning helps on these data",
        "behind": "No: multi-task learning hurts on these data",
        "tie": "A tie: overall, multi-task and single-task models cannot be told apart on these data",
        "?": "Undecided: nothing can be said of multi-task learning on these data",
    }[stand]
    why = f"{best}, the multi-task method that was best on validation, changes the main metrics on test by "
    why += f"{interval(mean, half, percent)} % (Δm)"
    if seeds == 1:
        why += ", and one seed cannot tell that from noise"
    elif stand == "?":
        why += ", which has no interval, since a value is missing or a single-task value is 0"
    else:
        why += f" over {seeds} seeds against single-task models of the same seed"
    return f"{told}; {why}{_by_task(judgement, best)}{_smaller(judgement, best, stand)}."


def _by_task(judgement, best):
    if len(judgement.cells[BASELINE]) == 1:
        return ""
    found = judgement.transfers[best]
    words = {
        "positive": "better on",
        "negative": "worse on (negative transfer)",
        "undecided": "undecided on",
        "unlearnable": "no better than a constant, with or without other tasks, on",
    }
    told = [f"{said} {', '.join(found.having(kind))}" for kind, said in words.items() if found.having(kind)]
    return f"; {'; '.join(told)}"


def _smaller(judgement, best, stand):
    """What it costs, where that decides: parameters against those of all single-task models."""
    own, theirs = (judgement.cost(name, "parameters") for name in (best, BASELINE))
    if stand not in ("ahead", "tie") or not (math.isfinite(own) and math.isfinite(theirs)) or own >= 0.95 * theirs:
        return ""
    return f"; it has {100 * own / theirs:.0f} % of their parameters"


def stands(judgement):
    """How each method's Δm stands to the greatest one; single-task models have Δm 0."""
    values = {method.name: judgement.delta_m_by_seed(method.name) for method in judgement.methods}
    means = {name: evaluation.mean_interval(found)[0] for name, found in values.items()}
    known = {name: mean for name, mean in means.items() if math.isfinite(mean)}
    if not known:
        return dict.fromkeys(values, "?")
    best = max(known, key=known.get)
    found = {}
    for name, own in values.items():
        differences = [mine - theirs for mine, theirs in zip(own, values[best], strict=True)]
        mean, half = evaluation.mean_interval(differences)
        same = all(difference == 0 for difference in differences)
        found[name] = "best" if name == best else "tie" if same else {"behind": "below", "tie": "tie"}.get(verdict(mean, half), "?")
    return found


def others(judgement):
    """Says how scikit-learn's methods stand to the multi-task method that answers."""
    best, told = judgement.best, []
    mine = judgement.delta_m_by_seed(best)
    for method in judgement.methods:
        if method.architecture is None:
            differences = [own - its for its, own in zip(mine, judgement.delta_m_by_seed(method.name), strict=True)]
            mean, half = evaluation.mean_interval(differences)
            words = {"ahead": "is ahead of", "behind": "is behind", "tie": "ties with", "?": "cannot be told from"}[verdict(mean, half)]
            told.append(f"{method.name} (Δm {interval(*judgement.delta_m[method.name], percent)} %) {words} {best}")
    return f"Without a network: {'; '.join(told)}." if told else ""


def notes(judgement):
    """How the tables are to be read, and how all was chosen."""
    config = judgement.config
    seeds = ", ".join(map(str, config.all_seeds))
    found = [
        f"Mean ± half the 95 % confidence interval over the seeds {seeds} (Student's t), on test; Δm is the mean change of the tasks' "
        "main metrics in % against the single-task models of the same seed, + is better. Best, tie and below compare Δm with the greatest "
        "one, seed by seed: what ties cannot be told apart. Intervals are not corrected for the number of methods and tasks.",
        f"Every network: {config.run.epochs} epochs, {config.run.batch_size} rows a batch, Adam at {config.run.learning_rate:g}. "
        f"{_networks.RULE}",
        _tuning.told(judgement),
        "A task is unlearnable if neither kind of model is better than the best constant output by more than 1 %. "
        "Equal is alphas of 1, with which balancers start, too; ms a step is the median over the epochs after the first; peak memory is "
        "that of the whole process, TensorFlow included.",
    ]
    if any(method.architecture is None for method in judgement.methods):
        found.append(_others.RULE)
    for name, cells in judgement.cells.items():
        errors = [cell["error"] for cell in cells if cell.get("error")]
        if errors:
            found.append(f"{name}: training failed with {len(errors)} of {len(cells)} seeds, which leaves it without values: {errors[0]}")
    return found
