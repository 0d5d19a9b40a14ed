"""`mtlzoo train`."""

import argparse
import pathlib

from mtlzoo import runs
from mtlzoo.commands import _options

HELP = "train a model and its single-task baselines"


def add(parser):
    """Adds the options."""
    parser.add_argument("--config", metavar="FILE", help="run the config.json of an earlier run again; other options change single values")
    _options.add_run_options(parser)
    add = parser.add_argument
    add("--baseline", action=argparse.BooleanOptionalAction, default=None, help="train single-task baselines beside it (default: yes)")
    add("--out", metavar="DIR", help="the run's folder (default: runs/<data>-<number>, the first that is free)")
    add("--overwrite", action="store_true", help="replace the run in --out once the new one is finished")


def run(options):
    """Trains a multi-task model and single-task baselines of the same size and budget, and leaves a run folder."""
    config = _options.read_config(options)
    folder = pathlib.Path(options.out) if options.out else runs.free_folder(config)
    try:
        report = runs.train(config, folder, overwrite=options.overwrite)
    finally:
        if not options.out and not any(folder.iterdir()):
            folder.rmdir()
    print(report.to_text())
    print(f"Run: {folder}")
