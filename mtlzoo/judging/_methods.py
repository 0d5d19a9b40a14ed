"""The methods of a judging, and their order."""

import dataclasses
import re

BASELINE = "single_task"
BOOSTING, LINEAR = "sklearn boosting", "sklearn linear"


@dataclasses.dataclass(frozen=True)
class Method:
    """A method: a network of an architecture with alphas or a balancer, or one of scikit-learn's (no architecture).

    Args:
        name: what it is called in tables.
        architecture: name of its builder, or None.
        alphas: "equal" (all 1), "own" (the source's) or "tuned".
        balancer: name of a balancer, or None.
    """

    name: str
    architecture: str | None = None
    alphas: str = "equal"
    balancer: str | None = None

    @property
    def multi_task(self):
        """Whether it is a network that learns the tasks together."""
        return self.architecture not in (None, BASELINE)

    @property
    def slug(self):
        """The name as part of a file's name."""
        return re.sub(r"[^a-z0-9_]+", "-", self.name.lower())


def methods(config, splits):
    """Returns all methods of a judging on these data: single-task models first, then by architecture, then scikit-learn's.

    >>> from mtlzoo.data import load
    >>> from mtlzoo.judging import JudgingConfig
    >>> [method.name for method in methods(JudgingConfig(balancers=("famo",)), load(limit=20))]
    ['single_task', 'hard_sharing, equal', 'hard_sharing, own alphas', 'hard_sharing, tuned', 'hard_sharing, famo']
    """
    found = [Method(BASELINE, BASELINE, "own")]
    for name in config.architectures:
        found.append(Method(f"{name}, equal", name))
        if any(alpha != 1 for alpha in own_alphas(config, splits.tasks).values()):
            found.append(Method(f"{name}, own alphas", name, "own"))
        found.append(Method(f"{name}, tuned", name, "tuned"))
        found += [Method(f"{name}, {balancer}", name, "equal", balancer) for balancer in config.balancers]
    if config.others and splits.encoder is not None:
        found += [Method(BOOSTING), Method(LINEAR)]
    return found


def own_alphas(config, tasks):
    """The alphas of the source, changed by those of the run."""
    return {task.name: float(config.run.alphas.get(task.name, task.alpha)) for task in tasks}
