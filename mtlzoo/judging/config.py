"""`JudgingConfig`: all that decides a judging."""

import dataclasses

from mtlzoo import architectures, balancing, checks
from mtlzoo.runs import RunConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class JudgingConfig:
    """All that decides a judging: the run that is varied, and what it is varied over.

    Args:
        run: data, trunk, epochs, batch size, learning rate and first seed of every method. Its alphas, where they differ from those of
            the source, change the source's own alphas, which are a method of their own where they are not all 1.
        architectures: names of builders; None for the run's. `single_task` is always there and is not named.
        balancers: names of balancers, which start from alphas of 1; None for the run's, if it has one.
        seeds: how many seeds from the run's on; each decides splits (where the source lets it), order and initial weights.
        trials: how many sets of alphas are tried on validation, for each architecture, to make its tuned weights.
        tuning_epochs: epochs of a trial; None for those of the run.
        others: whether methods of scikit-learn are judged, too, where the data are a table.

    Raises:
        ValueError, TypeError: an argument is out of bounds or a name unknown; the nearest one is given.

    Source: the comparisons of Kurin et al. (2022) and Xin et al. (2022), who tune the baselines as well.

    >>> JudgingConfig(balancers=("pcgrad",), seeds=2).architectures
    ('hard_sharing',)
    """

    run: RunConfig = dataclasses.field(default_factory=RunConfig)
    architectures: tuple[str, ...] | None = None
    balancers: tuple[str, ...] | None = None
    seeds: int = 3
    trials: int = 4
    tuning_epochs: int | None = None
    others: bool = True

    def __post_init__(self):
        checks.instance("run", self.run, RunConfig, "a mtlzoo.runs.RunConfig")
        if not self.run.baseline:
            raise ValueError("`run.baseline` must be True: a judging always has the single-task models in it; received False.")
        own = (self.run.balancer,) if self.run.balancer else ()
        chosen = {
            "architectures": _names("architectures", self.architectures, (self.run.architecture,), architectures.names()),
            "balancers": _names("balancers", self.balancers, own, balancing.names()),
        }
        for field, names in chosen.items():
            object.__setattr__(self, field, names)
        if not self.architectures or "single_task" in self.architectures:
            raise ValueError(
                "`architectures` must be at least one, of those that learn tasks together ('single_task' is always there); "
                f"received {self.architectures}."
            )
        checks.integer("seeds", self.seeds, low=1)
        checks.integer("trials", self.trials, low=1)
        if self.tuning_epochs is not None:
            checks.integer("tuning_epochs", self.tuning_epochs, low=1)
        checks.instance("others", self.others, bool, "True or False")

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds, in order."""
        return tuple(self.run.seed + number for number in range(self.seeds))


def _names(field, values, default, known):
    if isinstance(values, str):
        raise TypeError(f"`{field}` must be a sequence of names; received {values!r}.")
    return tuple(dict.fromkeys(checks.one_of(field, value, known) for value in (default if values is None else values)))
