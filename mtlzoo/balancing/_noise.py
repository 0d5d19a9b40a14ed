"""Random numbers of a step: a function of the seed and of the number of the step, so that a step drawn again is the same."""

import keras
from keras import ops


class _StepSeed(keras.random.SeedGenerator):
    """Seeds the draws of one step; its only state is the balancer's own count of steps, which is saved with the model."""

    def __init__(self, seed, steps, stream):
        self.seed, self.steps, self.stream = seed, steps, stream

    def next(self, ordered=True):
        """Returns the seed [2] of the step."""
        first = ops.convert_to_tensor((self.seed + 1_000_003 * self.stream) % (2**31 - 1), dtype="int64")
        return ops.stack([first, ops.cast(self.steps, "int64")])


def normal(tasks, seed, steps, stream=0):
    """Draws a standard normal number for each task [T]; those of the first tasks do not depend on how many follow."""
    return ops.cast(keras.random.normal((tasks,), dtype="float32", seed=_StepSeed(seed, steps, stream)), "float64")


def uniform(tasks, seed, steps, stream=0):
    """Draws a number in the open interval (0, 1) for each task [T], as `normal` does."""
    drawn = ops.cast(keras.random.uniform((tasks,), dtype="float32", seed=_StepSeed(seed, steps, stream)), "float64")
    return drawn + 2.0**-25


def uniform_block(shape, seed, steps, stream=0):
    """Draws a number in [0, 1) for each entry of a shape, float32: blocks are large."""
    return keras.random.uniform(shape, dtype="float32", seed=_StepSeed(seed, steps, stream))


def gamma(shapes, seed, steps, stream=0):
    """Draws a gamma number of scale 1 for each task from its own shape parameter [T], float64."""
    return keras.random.gamma(ops.shape(shapes), alpha=shapes, dtype="float64", seed=_StepSeed(seed, steps, stream))
