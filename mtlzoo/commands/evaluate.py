"""`mtlzoo evaluate`."""

import dataclasses

from mtlzoo import evaluation, runs

HELP = "judge a run's model"


def add(parser):
    """Adds the options."""
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    parser.add_argument("--split", choices=["train", "validation", "test"], default="test", help="what to judge on (default: test)")
    parser.add_argument("--data-dir", metavar="DIR", help="folder of prepared data (default: the run's own)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(options):
    """Judges the model of a run on its data, which for tables the run's own encoder reads."""
    model, config = runs.load(options.run)
    if options.data_dir:
        config = dataclasses.replace(config, data_dir=options.data_dir)
    splits = config.load_data(runs.load_encoder(options.run), verbose=False)
    report = evaluation.report(model, getattr(splits, options.split))
    print(report.to_json() if options.json else report.to_text())
