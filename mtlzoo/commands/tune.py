"""`mtlzoo tune`."""

import shlex

from mtlzoo import runs, tuning
from mtlzoo.commands import _options

NO_BALANCER = ("balancer", "none")
HELP = "search alphas, architectures and balancers"


def add(parser):
    """Adds the options."""
    _options.add_run_options(parser)
    add = parser.add_argument
    add("--search", metavar="NAME", default="random", help="random, bayesian, hyperband or grid (default: random)")
    add("--alphas", dest="kind", metavar="KIND", default="log", help="log, simplex or fixed (default: log)")
    add("--pivot", metavar="TASK", help="the task whose alpha the others are compared with (default: the first)")
    add("--low", metavar="X", type=float, default=0.01, help="least factor of an alpha (default: 0.01)")
    add("--high", metavar="X", type=float, default=100.0, help="greatest factor of an alpha (default: 100)")
    add("--steps", metavar="N", type=int, help="how many factors, at equal ratios (default: any; 5 for a grid)")
    add("--architectures", metavar="A,B", help="architectures to choose from (default: that of --architecture)")
    add("--balancers", metavar="X,Y", help="balancers to choose from, none for fixed alphas (default: that of --balancer)")
    add("--trials", metavar="N", type=int, help="the most trials (default: 20; a grid: all)")
    add(
        "--objective",
        metavar="NAME[=WEIGHT]",
        action="append",
        help="delta_m, a task, or <task>_<metric>; may be repeated, for the weighted sum (default: delta_m)",
    )
    add("--out", metavar="DIR", help="the search's folder; the same command goes on with it (default: runs/tune-<data>)")


def run(options):
    """Searches alphas, and architectures and balancers if asked, and leaves a folder from which the same command goes on."""
    config = _options.read_config(options)
    folder = options.out or f"runs/tune-{config.data_name}"
    alphas = tuning.AlphaSpace(options.kind, pivot=options.pivot, low=options.low, high=options.high, steps=options.steps)
    objective = _objective(options.objective)
    splits = config.load_data()
    template = config.build(splits)
    balancers = _names(options.balancers)
    try:
        result = tuning.tune(
            template,
            splits.train,
            splits.validation,
            folder=folder,
            search=options.search,
            alphas=alphas,
            architectures=_names(options.architectures),
            balancers=balancers and [None if name == "none" else name for name in balancers],
            max_trials=options.trials,
            objective=objective,
            epochs=config.epochs,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"trials that ended are kept in {folder}; the same command goes on with it.") from None
    result.save()
    print(result.to_text())
    print(f"Search: {folder}")
    print(f"Train the best alone: mtlzoo {' '.join(_training(config, result.best))}")


def _objective(given):
    """The objective of the command line: a name, or a dict of names to weights."""
    if not given:
        return "delta_m"
    weights = {}
    for text in given:
        name, equals, weight = text.partition("=")
        try:
            weights[name] = float(weight) if equals else 1.0
        except ValueError:
            raise ValueError(f"`objective` must be NAME or NAME=NUMBER, such as sum=0.5; received {text!r}.") from None
    return weights


def _training(config, best):
    """The command that trains the model of the best trial again and leaves a run."""
    default, parts = vars(runs.RunConfig()), ["train"]
    searched = {"architecture": best["architecture"], "balancer": best["balancer"], "epochs": best["epochs"]}
    for name, value in {**vars(config), **searched}.items():
        if value != default[name] and isinstance(value, (str, int, float)) and not isinstance(value, bool) and (name, value) != NO_BALANCER:
            parts += [f"--{name.replace('_', '-')}", shlex.quote(str(value))]
    for name, alpha in best["alphas"].items():
        parts += ["--alpha", f"{name}={alpha!r}"]
    return parts


def _names(text):
    return None if text is None else [name.strip() for name in text.split(",")]
