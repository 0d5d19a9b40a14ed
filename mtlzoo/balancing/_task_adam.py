"""Adam on one number a task, in float64 throughout: a task that sits out a step keeps its moments and its count of steps."""

import math

from keras import ops

# One minus the decay rates of both moments.
_FAST, _SLOW = 0.1, 0.001


class TaskAdam:
    """The moments of the numbers [T], which belong to the balancer's state, and the steps that they give.

    Keras' own Adam rounds its decay rates to float32, which makes its first steps 1e-5 wrong.

    Args:
        balancer: the `Balancer` that keeps the moments, while it is built.
        tasks: T.
        learning_rate: the size of a step.
        epsilon: as in Adam; with 0 the steps do not depend on the scale of the gradients.
    """

    def __init__(self, balancer, tasks, learning_rate, epsilon=0.0):
        self.learning_rate, self.epsilon = learning_rate, epsilon
        self.mean, self.square, self.count = (balancer.state(name, (tasks,), dtype="float64") for name in ("adam_m", "adam_v", "adam_n"))

    def step(self, gradient, present):
        """Moves the moments of the tasks present by the gradient [T], and returns what to add to the numbers, 0 for the others."""
        moved = ops.cast(present, "float64")
        gradient = ops.where(present, gradient, ops.zeros_like(gradient))
        self.mean.assign(self.mean + _FAST * moved * (gradient - self.mean))
        self.square.assign(self.square + _SLOW * moved * (gradient**2 - self.square))
        self.count.assign(self.count + moved)
        count = ops.maximum(ops.convert_to_tensor(self.count), 1.0)
        mean = ops.convert_to_tensor(self.mean) / (1.0 - ops.exp(count * math.log1p(-_FAST)))
        root = ops.sqrt(ops.convert_to_tensor(self.square) / (1.0 - ops.exp(count * math.log1p(-_SLOW)))) + self.epsilon
        change = ops.where(root > 0, mean / ops.where(root > 0, root, 1.0), 0.0)
        return -self.learning_rate * change * moved
