"""keras-tuner's four oracles; here they begin with the default trial and survive a kill. Imported inside functions only."""

import functools
import json
import os
from pathlib import Path

import keras_tuner
import numpy as np

from mtlzoo import files, seeds

GIVE_UP_AFTER = 3
ENDED = ("COMPLETED", "FAILED")


class Careful:
    """What all four share; a base in front of an oracle of keras-tuner.

    The first trial has all defaults: the tasks' own alphas. The state is written in one step, and after a kill at any moment the
    trials that ended stay so and the others are run again. Once some trials ended and none of them was completed, the search stops
    (instead of an error inside a lock, which would leave the chief hanging).
    """

    default_first = True
    watcher = None

    def populate_space(self, trial_id):
        """Returns the values of the next trial, as in keras-tuner."""
        if self.default_first and not self.start_order:
            return {"status": "RUNNING", "values": self._defaults()}
        if self.gave_up:
            return {"status": "STOPPED", "values": None}
        # A state of its own for every trial, so that a resumed search tries what the first would have tried.
        self._random_state = np.random.RandomState(seeds.derive(self.seed, len(self.start_order)))
        return super().populate_space(trial_id)

    @property
    def gave_up(self):
        """Whether trials ended, and all of them by failing."""
        return len(self.end_order) >= GIVE_UP_AFTER and all(self.trials[trial].status == "FAILED" for trial in self.end_order)

    @keras_tuner.synchronized
    def end_trial(self, trial):
        """Ends a trial; one that ended already, run twice after a chief was started again, changes nothing."""
        if trial.trial_id in self.end_order:
            self.ongoing_trials = {tuner: one for tuner, one in self.ongoing_trials.items() if one.trial_id != trial.trial_id}
            return
        super().end_trial(trial)
        if self.watcher is not None:
            self.watcher(self)

    def save(self):
        """Writes the state in one step."""
        _write(self._get_oracle_fname(), self.get_state())

    def set_state(self, state):
        """Takes a saved state, put right where the process was killed between two files."""
        self.trials = {name: trial for name, trial in self.trials.items() if name in state["start_order"]}
        late = [name for name, trial in self.trials.items() if trial.status in ENDED and name not in state["end_order"]]
        ended = [*state["end_order"], *late]
        for name, trial in self.trials.items():
            if name not in ended:
                trial.metrics = type(trial.metrics)()
        ongoing = {tuner: name for tuner, name in state["ongoing_trials"].items() if name not in ended}
        super().set_state({**state, "end_order": ended, "ongoing_trials": ongoing})

    def _save_trial(self, trial):
        _write(os.path.join(self._get_trial_dir(trial.trial_id), "trial.json"), trial.get_state())

    def _check_consecutive_failures(self):
        """Left to `gave_up`."""

    def _defaults(self):
        space = self.get_space()
        space.values = {}
        for one in space.space:
            if space.is_active(one):
                space.values[one.name] = one.default
        return space.values


class RandomOracle(Careful, keras_tuner.oracles.RandomSearchOracle):
    """Random search."""


class BayesianOracle(Careful, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization."""


class HyperbandOracle(Careful, keras_tuner.oracles.HyperbandOracle):
    """Hyperband; the default trial stands beside the brackets and is trained for all epochs."""


class GridOracle(Careful, keras_tuner.oracles.GridSearchOracle):
    """Grid search, which begins with the defaults itself; its place in the grid follows from the trials (keras-tuner keeps it nowhere)."""

    default_first = False

    def set_state(self, state):
        """Takes a saved state: the trials in the order of the grid, each of which may have a successor to try."""
        super().set_state(state)
        values = {name: self.trials[name].hyperparameters.values for name in self.start_order}
        compare = functools.cmp_to_key(lambda one, other: self._compare(values[one], values[other]))
        self._ordered_ids = type(self._ordered_ids)()
        for name in sorted(self.start_order, key=compare):
            self._ordered_ids.insert(name)
        self._populate_next = list(self.start_order)


def make(search, objective, *, max_trials, epochs, seed):
    """Returns the oracle of a kind of search.

    Args:
        search: "random", "bayesian", "hyperband" or "grid".
        objective: a `keras_tuner.Objective`.
        max_trials: the most trials, or None.
        epochs: the most epochs a trial.
        seed: the seed of the values.
    """
    shared = {"objective": objective, "seed": 1 + seeds.derive(seed, "tuner")}  # keras-tuner takes 0 for no seed.
    if search == "hyperband":
        oracle = HyperbandOracle(**shared, max_epochs=epochs, hyperband_iterations=None)
        oracle.max_trials = max_trials
        return oracle
    kinds = {"random": RandomOracle, "bayesian": BayesianOracle, "grid": GridOracle}
    return kinds[search](**shared, max_trials=max_trials)


def _write(path, state):
    files.write(Path(path), json.dumps(state).encode())
