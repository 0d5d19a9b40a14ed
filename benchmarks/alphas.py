"""Ways to choose the alphas at one budget: `python benchmarks/alphas.py [--epochs 10] [--trials 4] [--seeds 3] [--data multi_fashion]`.

Every method may train trials × epochs epochs for each seed, all told: its own choice, and the model that is judged.

- `single_task`: a network a task, and `equal`: the alphas that the source gives, with which all losses start alike. They have nothing to
  choose, and train through: the whole budget in one training.
- `equal, one trial`: the same for the epochs of one trial alone, to tell what the alphas do from what longer training does.
- `random`: `tune` draws alphas, trials − 1 trainings of so many epochs, and trains the best trial again.
- `population`: `train_population`, as many members as trials, turns of two epochs.
- `learnt`: `learn_alphas` with a balancer of the losses and one of the gradients for so many epochs; then the rest of the budget in one
  training with these alphas.

All have the same network, optimizer, order and initial weights for a seed, which decides the split of the digits, too. What is chosen,
alphas and epoch, is chosen by Δm on validation against `single_task` of the same seed, whose epochs are the best of each task.
`single_task`, `equal` and `learnt` choose among all their epochs, `population` among the ends of its turns, `random` as `tune` does.
Printed: main metrics on the test, and Δm there; mean ± 95 % confidence interval (Student's t) over seeds; wall time of a seed; and the
alphas of seed 0 (of a population the last ones), as ratios to those given.
"""

import argparse
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from _intervals import interval

import mtlzoo
from mtlzoo import data, evaluation, tuning

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "tfds"


class Best(keras.callbacks.Callback):
    """Keeps the weights of the epoch that is best on validation, and sets the order of each epoch.

    Args:
        train: the mixture that is trained on.
        score: function from the logs to a number, greater is better.
    """

    def __init__(self, train, score):
        super().__init__()
        self.train, self.score, self.best = train, score, (float("-inf"), None)

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the order of the epoch."""
        data.start_at(self.train, epoch)

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the weights if they are the best so far."""
        value = self.score(logs)
        if value > self.best[0]:
            self.best = (value, self.model.get_weights())


class Setting:
    """One seed's data, network and budget.

    Args:
        arguments: the command's.
        seed: the seed.
    """

    def __init__(self, arguments, seed):
        options = {"batch_size": arguments.batch_size, "limit": arguments.limit, "seed": seed}
        self.arguments, self.seed = arguments, seed
        self.splits = data.load(arguments.data, arguments.data_dir if arguments.data != "digits" else None, **options)
        self.space = tuning.AlphaSpace(low=1 / arguments.range, high=arguments.range)
        self.budget, self.goal = arguments.trials * arguments.epochs, None

    def model(self, name=None):
        """Returns a fresh model."""
        builder = mtlzoo.architectures.get(name or self.arguments.architecture)
        optimizer = keras.optimizers.Adam(self.arguments.learning_rate)
        return builder(self.splits.inputs, self.splits.tasks, trunk=self.arguments.trunk, optimizer=optimizer, seed=self.seed)

    def trained(self, model, epochs, scores):
        """Trains a model; returns results on validation and test of the epoch that is best by each score, joined by task."""
        keepers = {name: Best(self.splits.train, score) for name, score in scores.items()}
        model.fit(self.splits.train, validation_data=self.splits.validation, epochs=epochs, callbacks=list(keepers.values()), verbose=0)
        found = {"validation": {}, "test": {}}
        for name, keeper in keepers.items():
            model.set_weights(keeper.best[1])
            for split, results in found.items():
                logs = model.evaluate(getattr(self.splits, split), return_dict=True, verbose=0)
                results |= {key: value for key, value in logs.items() if name is None or key.startswith(f"{name}_")}
        return found

    def tested(self, model):
        """Returns results of a model on the test."""
        return model.evaluate(self.splits.test, return_dict=True, verbose=0)


def single_task(setting):
    """A network a task, each at the epoch that is best for it; sets what the others are chosen by."""
    goals = {task.name: tuning.objective(task.name, setting.splits.tasks) for task in setting.splits.tasks}
    found = setting.trained(setting.model("single_task"), setting.budget, {name: goal.score for name, goal in goals.items()})
    setting.goal = tuning.objective("delta_m", setting.splits.tasks, found["validation"])
    return found["test"], {}


def equal(setting):
    """The alphas that the source gives, for the whole budget."""
    return setting.trained(setting.model(), setting.budget, {None: setting.goal.score})["test"], {}


def one_trial(setting):
    """The alphas that the source gives, for the epochs of one trial."""
    return setting.trained(setting.model(), setting.arguments.epochs, {None: setting.goal.score})["test"], {}


def random(setting):
    """Random search by `tune`, and the best trial trained again."""
    arguments = setting.arguments
    with tempfile.TemporaryDirectory() as folder:
        options = {"objective": setting.goal, "alphas": setting.space, "epochs": arguments.epochs, "max_trials": arguments.trials - 1}
        found = tuning.tune(setting.model(), setting.splits.train, setting.splits.validation, folder=folder, **options)
        return setting.tested(found.best_model()), found.best["alphas"]


def population(setting):
    """Population-based training."""
    arguments, model = setting.arguments, setting.model()
    options = {"objective": setting.goal, "alphas": setting.space, "seed": setting.seed, "population": arguments.trials}
    options |= {"epochs": arguments.epochs, "interval": min(2, arguments.epochs)}
    found = tuning.train_population(model, setting.splits.train, setting.splits.validation, **options)
    return setting.tested(model), found.alphas


def learnt(setting, balancer):
    """Alphas that a balancer learnt, frozen for the rest of the budget."""
    model, first = setting.model(), setting.arguments.epochs
    model.alphas = tuning.learn_alphas(model, setting.splits.train, balancer=balancer, epochs=first)
    found = setting.trained(model, setting.budget - first, {None: setting.goal.score})
    return found["test"], dict(model.alphas)


def methods(arguments):
    """The methods by name; `single_task` comes first, since the others are judged against it."""
    frozen = {f"learnt {name}": lambda setting, name=name: learnt(setting, name) for name in arguments.balancers}
    return {"single_task": single_task, "equal": equal, "equal, one trial": one_trial, "random": random, "population": population, **frozen}


def main():
    """Runs all methods and seeds and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="digits", help="a source of mtlzoo.data (default: digits)")
    parser.add_argument("--data-dir", default=SHARED if SHARED.is_dir() else None, help="folder of prepared TFDS data")
    parser.add_argument("--architecture", default="hard_sharing", choices=mtlzoo.architectures.names(), metavar="NAME")
    parser.add_argument("--trunk", help="name of a trunk (default: the small one for the input)")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="beside single_task (default: all)")
    parser.add_argument("--balancers", nargs="+", default=["uncertainty_weighting", "nash_mtl"], metavar="NAME")
    parser.add_argument("--trials", type=int, default=4, help="trainings that the budget is for, at least 2")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of a trial")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--range", type=float, default=10.0, help="alphas are searched from 1/range to range times those given")
    parser.add_argument("--limit", type=int, help="the most rows of each split (default: all)")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="of Adam")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.methods or () if name not in methods(arguments)]
    if unknown:
        parser.error(f"--methods must be of {', '.join(methods(arguments))}; received {', '.join(unknown)}")
    settings = [Setting(arguments, seed) for seed in range(arguments.seeds)]
    tasks = settings[0].splits.tasks
    print(
        f"{arguments.data}, rows {dict(settings[0].splits.sizes)}, {arguments.architecture}, {arguments.trials} × {arguments.epochs} "
        f"epochs of {arguments.batch_size} rows a step, Adam {arguments.learning_rate:g}, seeds 0–{arguments.seeds - 1}\n"
    )
    header = "".join(f"{task.monitor_key:>20}" for task in tasks)
    print(f"{'':<30}{header}{'Δm, %':>16}{'s a seed':>10}  alphas, seed 0, as ratios to those given", flush=True)
    base = None
    for name, method in methods(arguments).items():
        if name not in ["single_task", *(arguments.methods or [name])]:
            continue
        start, found = time.perf_counter(), [method(setting) for setting in settings]
        seconds = (time.perf_counter() - start) / len(settings)
        results = [results for results, _ in found]
        base = base or results
        cells = [interval([one[task.monitor_key] for one in results], 4) for task in tasks]
        change = "–" if results is base else interval([evaluation.delta_m(*pair, tasks) for pair in zip(results, base, strict=True)])
        first = found[0][1]
        ratios = {task.name: first[task.name] / task.alpha for task in tasks} if first else {}
        said = ", ".join(f"{task} {ratio / ratios[tasks[0].name]:.2f}" for task, ratio in ratios.items())
        print(f"{name:<30}" + "".join(f"{cell:>20}" for cell in cells) + f"{change:>16}{seconds:>10.0f}  {said or '–'}", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
