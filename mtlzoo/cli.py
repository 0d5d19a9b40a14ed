"""The command line: `mtlzoo train`, `evaluate`, `export`, `list`."""

import argparse
import pathlib
import sys

import tensorflow as tf

from mtlzoo import architectures, balancing, data, evaluation, export, runs, trunks


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; what is wrong with its arguments comes out as one line and exit code 2.

    Args:
        arguments: the command line without the program's name; None for that of the process.

    Returns:
        The exit code: 0, 2 for a bad value, 130 when interrupted.

    Raises:
        SystemExit: from argparse, for `--help` (code 0) and for unknown options (code 2).

    Source: the exit codes of argparse.

    >>> main(["evaluate", "no/such/run"])
    2
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        options.command(options)
    except (ValueError, TypeError, OSError, tf.errors.OpError) as error:
        message = " ".join(str(error).split()).replace("overwrite=True", "--overwrite")
        print(f"mtlzoo {options.name}: error: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"mtlzoo {options.name}: interrupted; nothing was written.", file=sys.stderr)
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line.

    Returns:
        An `argparse.ArgumentParser`.

    Source: the README's first ten minutes.

    >>> make_parser().parse_args(["train", "--epochs", "3"]).epochs
    3
    """
    parser = _Parser(prog="mtlzoo", description="Multi-task learning models for Keras: train, judge, export.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="name", help="what to do")
    _add_train(commands.add_parser("train", help="train a model and its single-task baselines", description=_first_line(_train)))
    _add_evaluate(commands.add_parser("evaluate", help="judge a run's model", description=_first_line(_evaluate)))
    _add_export(commands.add_parser("export", help="export a run's model", description=_first_line(_export)))
    listing = commands.add_parser("list", help="list what can be named", description=_first_line(_list))
    listing.add_argument("kind", nargs="?", choices=list(_families()), help="list only these (default: all)")
    listing.set_defaults(command=_list)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _add_train(parser):
    default = runs.RunConfig()
    parser.set_defaults(command=_train)
    parser.add_argument("--config", metavar="FILE", help="run the config.json of an earlier run again; other options change single values")
    add = parser.add_argument
    add("--data", metavar="NAME", help=f"a source (see `mtlzoo list sources`) or TFDS image sets joined by + (default: {default.data})")
    add("--data-dir", metavar="DIR", help="folder of prepared data (default: the source's own)")
    add("--architecture", metavar="NAME", help=f"see `mtlzoo list architectures` (default: {default.architecture})")
    add("--trunk", metavar="NAME", help="see `mtlzoo list trunks`; none for the default (cnn for images, mlp for vectors)")
    add("--balancer", metavar="NAME", help="see `mtlzoo list balancers`; none for fixed alphas (default: none)")
    add("--alpha", metavar="TASK=VALUE", action="append", type=_alpha, help="weight of a task in the total loss; may be repeated")
    add("--epochs", metavar="N", type=int, help=f"passes over the training data (default: {default.epochs})")
    add("--batch-size", metavar="N", type=int, help=f"rows a batch (default: {default.batch_size})")
    add("--learning-rate", metavar="X", type=float, help=f"of Adam (default: {default.learning_rate:g})")
    add("--seed", metavar="N", type=int, help=f"decides splits, order and initial weights (default: {default.seed})")
    add("--limit", metavar="N", type=int, help="the most rows of each split (default: all)")
    add("--baseline", action=argparse.BooleanOptionalAction, default=None, help="train single-task baselines beside it (default: yes)")
    add("--out", metavar="DIR", help="the run's folder (default: runs/<data>-<number>, the first that is free)")
    add("--overwrite", action="store_true", help="replace the run in --out once the new one is finished")


def _add_evaluate(parser):
    parser.set_defaults(command=_evaluate)
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    parser.add_argument("--split", choices=["train", "validation", "test"], default="test", help="what to judge on (default: test)")
    parser.add_argument("--data-dir", metavar="DIR", help="folder of prepared data (default: the run's own)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def _add_export(parser):
    parser.set_defaults(command=_export)
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    parser.add_argument("--format", choices=["saved_model", "litert"], default="saved_model", help="(default: saved_model)")
    parser.add_argument("--out", metavar="PATH", help="where to (default: RUN/export or RUN/model.tflite)")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")


def _train(options):
    """Trains a multi-task model and single-task baselines of the same size and budget, and leaves a run folder."""
    values = vars(runs.RunConfig.load(options.config)).copy() if options.config else {}
    given = {key: getattr(options, key) for key in vars(runs.RunConfig()) if getattr(options, key, None) is not None}
    values |= given
    values |= {key: None for key in ("trunk", "balancer") if values.get(key) == "none"}
    if options.alpha:
        values["alphas"] = {**values.get("alphas", {}), **dict(options.alpha)}
    config = runs.RunConfig(**values)
    folder = pathlib.Path(options.out) if options.out else runs.free_folder(config)
    try:
        report = runs.train(config, folder, overwrite=options.overwrite)
    finally:
        if not options.out and not any(folder.iterdir()):
            folder.rmdir()
    print(report.to_text())
    print(f"Run: {folder}")


def _evaluate(options):
    """Judges the model of a run on its data."""
    model, config = runs.load(options.run)
    if options.data_dir:
        config = runs.RunConfig(**{**vars(config), "data_dir": options.data_dir})
    splits = config.load_data(runs.load_encoder(options.run))
    report = evaluation.report(model, getattr(splits, options.split))
    print(report.to_json() if options.json else report.to_text())


def _export(options):
    """Exports the model of a run as a SavedModel (one named output a task, one signature a task) or for LiteRT.

    Of a run on a table the SavedModel takes the raw columns; LiteRT, which has no look-up of texts, takes what the encoder gives.
    """
    model, _ = runs.load(options.run)
    encoder = runs.load_encoder(options.run)
    path = options.out or f"{options.run}/{'export' if options.format == 'saved_model' else 'model.tflite'}"
    if options.format == "saved_model":
        export.export_saved_model(model, path, encoder=encoder, overwrite=options.overwrite)
    else:
        export.export_litert(model, path, overwrite=options.overwrite)
    print(f"Exported: {path}")
    if encoder is not None and options.format == "litert":
        print(f"Its inputs are ids and normalised numbers, as {options.run}/encoder.keras gives them.")


def _list(options):
    """Lists architectures, trunks, balancers and sources, each with what it is."""
    from rich.console import Console
    from rich.table import Table

    for kind, described in _families().items():
        if options.kind in (None, kind):
            table = Table(title=kind, title_justify="left", show_header=False, box=None, padding=(0, 2))
            for name, line in described().items():
                table.add_row(name, line)
            Console().print(table)


def _families():
    return {
        "architectures": architectures.describe,
        "trunks": trunks.describe,
        "balancers": balancing.describe,
        "sources": data.sources.describe,
    }


def _alpha(text):
    name, equals, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        wanted = "must be TASK=NUMBER, such as sum=0.1"
        raise argparse.ArgumentTypeError(f"{wanted}; received {text!r}" if equals else f"{wanted}; received {text!r} without '='") from None


def _first_line(function):
    return function.__doc__.split("\n")[0]
