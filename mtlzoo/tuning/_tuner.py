"""The keras-tuner tuner that `tune` uses: it keeps a record of every trial. Imported inside functions only."""

import json
import math
import os
import time
from pathlib import Path

import keras_tuner
import tensorflow as tf

from mtlzoo import files
from mtlzoo.tuning._space import own_values
from mtlzoo.tuning._trials import PROJECT, RECORD


class Stopped(keras_tuner.errors.FatalError):
    """Carries an error that is no trial's own out of keras-tuner, which would otherwise count the trial as failed and go on."""


class RecordingTuner(keras_tuner.Hyperband):
    """Runs trials and writes of each what was built, how it scored, and how long it took.

    keras-tuner's Hyperband tuner, since it alone knows how to go on with a trial; without an oracle of that kind it is a plain tuner.

    Args:
        oracle: what `_oracles.make` returned.
        hypermodel: a `MultiTaskHyperModel`.
        folder: where all is kept.
    """

    def __init__(self, oracle, hypermodel, folder):
        keras_tuner.Tuner.__init__(self, oracle=oracle, hypermodel=hypermodel, directory=str(folder), project_name=PROJECT)
        if not self._is_worker():
            self.save()  # keras-tuner resumes only what was saved, which it does not do before the first trial ends.

    def run_trial(self, trial, *args, **kwargs):
        """Runs a trial; what its values cause fails it, other errors stop the search."""
        start = time.perf_counter()
        self.hypermodel.trial = self.hypermodel.watch = None
        try:
            results = super().run_trial(trial, *args, **kwargs)
        except keras_tuner.errors.FatalError:
            raise
        except (ValueError, tf.errors.ResourceExhaustedError, keras_tuner.errors.FailedTrialError) as error:
            self._write_record(trial, start, " ".join(str(error).split()) or type(error).__name__)
            raise keras_tuner.errors.FailedTrialError(str(error)) from error
        except Exception as error:
            raise Stopped(str(error)) from error
        self._write_record(trial, start)
        return results

    def pre_create_trial(self):
        """Lets a worker that was told to wait do so, instead of asking the chief without a pause."""
        if self._is_worker():
            time.sleep(0.05)

    def _write_record(self, trial, start, message=None):
        watch, built = self.hypermodel.watch, self.hypermodel.trial
        if built is None:  # A function that refused its values says nothing of them.
            built = {"arguments": own_values(trial.hyperparameters)}
        found = message is None and watch is not None and watch.best_epoch is not None
        logs = {key: float(value) for key, value in watch.best_logs.items()} if found else {}
        record = {
            **built,
            "tuner": self.tuner_id,
            "score": watch.best if found else None,
            "epochs": watch.best_epoch + 1 if found else None,
            "logs": {key: value if math.isfinite(value) else None for key, value in logs.items()},
            "seconds": time.perf_counter() - start,
            "message": message,
        }
        files.write(Path(self.get_trial_dir(trial.trial_id)) / RECORD, json.dumps(record).encode())

    def _populate_initial_space(self):
        """Declares the space, for a template without building a model."""
        if hasattr(self.hypermodel.space, "declare"):
            space = self.oracle.get_space()
            self.hypermodel.declare_hyperparameters(space)
            self.oracle.update_space(space)
        else:
            super()._populate_initial_space()

    def _get_tuner_fname(self):
        """One file for whoever holds the oracle, so that a search of a chief and workers may be ended by one process."""
        return os.path.join(str(self.project_dir), f"{self.tuner_id if self._is_worker() else 'tuner'}.json")
