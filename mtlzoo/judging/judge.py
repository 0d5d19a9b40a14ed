"""`judge`: the matrix of methods and seeds, trained cell by cell, and what it says."""

import dataclasses

import keras

from mtlzoo import checks, evaluation
from mtlzoo.judging import _networks, _others, _tuning
from mtlzoo.judging._cells import Folder
from mtlzoo.judging._methods import methods, own_alphas
from mtlzoo.judging._progress import Bar
from mtlzoo.judging.config import JudgingConfig
from mtlzoo.judging.judgement import Judgement


def judge(config: JudgingConfig, folder, *, progress: bool = True) -> Judgement:
    """Trains every method with every seed and says whether multi-task learning helps on these data.

    The methods are: single-task models; for each architecture equal weights (alphas of 1), the source's own alphas where these differ,
    fixed weights tuned on validation, and each balancer; for tables also scikit-learn's gradient boosting and linear models. Every cell
    (a method and a seed) is trained once and kept as a file in the folder, so that a judging that was killed goes on where it stopped, and
    a later one may add seeds, architectures and balancers.

    Args:
        config: what to judge.
        folder: where cells are kept; new, empty, or of the same judging.
        progress: whether a progress bar over the cells is shown on standard error.

    Returns:
        A `Judgement`; `save` writes it as CSV, Markdown, HTML and pictures.

    Raises:
        ValueError: the folder is of another judging (the message says what differs), the data cannot be had, or an architecture does not
            take these tasks. A training whose loss becomes not finite is no error: its cell says so.
        TypeError: `config` is no `JudgingConfig`.

    Source: the comparisons of Kurin et al. (NeurIPS 2022) and Xin et al. (NeurIPS 2022), with tuned fixed weights beside all balancers.

    >>> from mtlzoo.runs import RunConfig
    >>> config = JudgingConfig(run=RunConfig(data="digits", tasks=("left",), limit=20), seeds=2)
    >>> judge(config, "runs/judging")
    Traceback (most recent call last):
        ...
    ValueError: `tasks` must be at least two, or there is nothing to learn together; received 'left' alone.
    """
    checks.instance("config", config, JudgingConfig, "a mtlzoo.judging.JudgingConfig")
    data = _Data(config)
    splits = data.of(config.run.seed)
    chosen = methods(config, splits)
    _check_buildable(config, chosen, splits)
    if len(splits.tasks) < 2:
        raise ValueError(f"`tasks` must be at least two, or there is nothing to learn together; received {splits.tasks[0].name!r} alone.")
    kept, bar = Folder(folder, config), Bar(progress)
    cells, chance = {method.name: [] for method in chosen}, []
    with bar.over(len(chosen) * config.seeds):
        for seed in config.all_seeds:
            for method in chosen:
                bar.say(f"{method.name}, seed {seed}")
                cells[method.name].append(_cell(config, method, seed, data, kept, bar))
                bar.step()
            chance.append(_chance(seed, data, kept))
    return Judgement(
        config=config, tasks=splits.tasks, methods=tuple(chosen), cells=cells, chance=chance, info=splits.info, sizes=splits.sizes
    )


class _Data:
    """The splits of one seed at a time."""

    def __init__(self, config):
        self._config, self._seed, self._splits, self.tasks = config, None, None, None

    def of(self, seed):
        """The splits of a seed."""
        if seed != self._seed:
            first = self._seed is None
            self._splits = dataclasses.replace(self._config.run, seed=seed).load_data(verbose=first)
            self._seed, self.tasks = seed, self._splits.tasks
        return self._splits


def _chance(seed, data, kept):
    """What the best constant output reaches on a seed's test data: as it is kept, or found and kept."""
    name = f"chance-seed{seed}"
    if kept.read(name) is None:
        splits = data.of(seed)
        kept.keep(name, evaluation.chance_results(splits.tasks, splits.train, splits.test))
    return kept.read(name)


def _check_buildable(config, chosen, splits):
    """Builds every network once, so that what cannot be is said before anything is trained."""
    known = [task.name for task in splits.tasks]
    for name in config.run.alphas:
        checks.one_of("alpha of task", name, known)
    for method in chosen:
        if method.architecture is not None and method.alphas == "equal":
            _networks.run_config(config, method, dict.fromkeys(known, 1.0), config.run.seed).build(splits)
            keras.utils.clear_session()


def _cell(config, method, seed, data, kept, bar):
    """The cell of a method and a seed: as it is kept, or trained and kept."""
    name = f"{method.slug}-seed{seed}"
    found = kept.read(name)
    if found is not None:
        return found
    alphas = _alphas(config, method, data, kept, bar)
    splits = data.of(seed)
    if method.architecture is None:
        found = _others.train(method, splits, seed)
    else:
        try:
            found = _networks.train(_networks.run_config(config, method, alphas, seed), splits, _networks.is_apart(method))
        except ValueError as error:
            if "not finite" not in str(error):
                raise
            found = _networks.failed(error, splits, method)
        keras.utils.clear_session()
    found = {"method": method.name, "seed": seed, **found}
    kept.keep(name, found)
    return found


def _alphas(config, method, data, kept, bar):
    """The alphas of a method; tuned ones are searched for once, on the first seed, and kept."""
    names, first = [task.name for task in data.tasks], config.run.seed
    if method.alphas == "own":
        return own_alphas(config, data.tasks)
    if method.alphas == "equal":
        return dict.fromkeys(names, 1.0)
    name = f"alphas-{method.architecture}"
    if kept.read(name) is None:
        bar.say(f"{method.architecture}: tuning alphas, {config.trials} trials")
        splits = data.of(first)
        known = methods(config, splits)
        fixed = [one for one in known if one.architecture == method.architecture and one.alphas != "tuned" and one.balancer is None]
        cells = [kept.read(f"{one.slug}-seed{first}") for one in (known[0], *fixed)]
        with bar.paused():
            kept.keep(name, _tuning.tuned_alphas(config, method.architecture, splits, kept.path / "tuning" / method.architecture, cells))
    return kept.read(name)["alphas"]
