"""Options that decide a run, shared by the commands that train."""

import argparse

from mtlzoo import runs


def add_run_options(parser, leave_out=()):
    """Adds the options that make a `RunConfig`, but those that a command has no use for."""
    default = runs.RunConfig()
    options = {
        "data": (
            "NAME",
            str,
            f"a source (see `mtlzoo list sources`), a CSV or Parquet file, or TFDS image sets joined by + (default: {default.data})",
        ),
        "data-dir": ("DIR", str, "folder of prepared data (default: the source's own)"),
        "task": (
            "COLUMN",
            str,
            "a column of the file that is to be predicted, COLUMN:KIND[:CLASSES] to say its kind (binary, multiclass, regression); "
            "or a task of the source that is wanted; may be repeated",
        ),
        "architecture": ("NAME", str, f"see `mtlzoo list architectures` (default: {default.architecture})"),
        "trunk": ("NAME", str, "see `mtlzoo list trunks`; none for the default (cnn for images, mlp for vectors)"),
        "balancer": ("NAME", str, "see `mtlzoo list balancers`; none for fixed alphas (default: none)"),
        "alpha": ("TASK=VALUE", _alpha, "weight of a task in the total loss; may be repeated"),
        "epochs": ("N", int, f"passes over the training data (default: {default.epochs})"),
        "batch-size": ("N", int, f"rows a batch (default: {default.batch_size})"),
        "learning-rate": ("X", float, f"of Adam (default: {default.learning_rate:g})"),
        "seed": ("N", int, f"decides splits, order and initial weights (default: {default.seed})"),
        "limit": ("N", int, "the most rows of each split (default: all)"),
    }
    for name, (metavar, kind, told) in options.items():
        if name not in leave_out:
            action = "append" if name in ("alpha", "task") else "store"
            parser.add_argument(f"--{name}", metavar=metavar, type=kind, action=action, help=told)


def read_config(options):
    """Returns the `RunConfig` of a command line: what is given changes the values of `--config`, or else the defaults."""
    read = getattr(options, "config", None)
    values = vars(runs.RunConfig.load(read)).copy() if read else {}
    values |= {key: getattr(options, key) for key in vars(runs.RunConfig()) if getattr(options, key, None) is not None}
    values |= {key: None for key in ("trunk", "balancer") if values.get(key) == "none"}
    if getattr(options, "task", None):
        values["tasks"] = tuple(options.task)
    if getattr(options, "alpha", None):
        values["alphas"] = {**values.get("alphas", {}), **dict(options.alpha)}
    return runs.RunConfig(**values)


def _alpha(text):
    name, equals, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        wanted = "must be TASK=NUMBER, such as sum=0.1"
        raise argparse.ArgumentTypeError(f"{wanted}; received {text!r}" if equals else f"{wanted}; received {text!r} without '='") from None
