"""`mtlzoo compare`."""

import pathlib

from mtlzoo import judging, runs
from mtlzoo.commands import _options

HELP = "judge whether multi-task learning helps"
EPOCHS = 12
ARCHITECTURES, BALANCERS = ("hard_sharing",), ("uncertainty_weighting",)


def add(parser):
    """Adds the options."""
    default = judging.JudgingConfig()
    _options.add_run_options(parser, leave_out=("architecture", "balancer", "epochs"))
    add = parser.add_argument
    add("--epochs", metavar="N", type=int, default=EPOCHS, help=f"passes over the training data of each network (default: {EPOCHS})")
    add(
        "--architectures",
        metavar="A,B",
        type=_names,
        default=ARCHITECTURES,
        help=f"see `mtlzoo list architectures` (default: {','.join(ARCHITECTURES)})",
    )
    add(
        "--balancers",
        metavar="X,Y",
        type=_names,
        default=BALANCERS,
        help=f"see `mtlzoo list balancers`; none for no balancer (default: {','.join(BALANCERS)})",
    )
    add("--seeds", metavar="N", type=int, default=default.seeds, help=f"how many, from --seed on (default: {default.seeds})")
    add(
        "--trials",
        metavar="N",
        type=int,
        default=default.trials,
        help=f"sets of alphas tried on validation for each architecture's tuned weights (default: {default.trials})",
    )
    add("--tuning-epochs", metavar="N", type=int, help="epochs of each of these (default: those of --epochs)")
    add(
        "--out",
        metavar="DIR",
        help="where cells and report are kept; the folder of a comparison that was stopped goes on (default: runs/compare-<data>-<number>)",
    )


def run(options):
    """Judges whether multi-task learning helps on these data: architectures and balancers beside single-task models.

    Fixed weights tuned on validation are always there, too, and for tables scikit-learn's gradient boosting and linear models.
    Every method is trained with every seed. Stopped, it goes on where it was when it is given the same --out.
    """
    config = judging.JudgingConfig(
        run=_options.read_config(options),
        architectures=options.architectures,
        balancers=() if options.balancers == ("none",) else options.balancers,
        seeds=options.seeds,
        trials=options.trials,
        tuning_epochs=options.tuning_epochs,
    )
    folder = pathlib.Path(options.out) if options.out else runs.free_folder(config.run, prefix="compare-")
    try:
        judgement = judging.judge(config, folder)
        judgement.save(folder)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is kept; the same command with --out {folder} goes on from there.") from None
    finally:
        if not options.out and not any(folder.iterdir()):
            folder.rmdir()
    print(judgement.to_text())
    print(f"Page: {folder / 'report.html'}")


def _names(text):
    return tuple(name.strip() for name in text.split(",") if name.strip())
