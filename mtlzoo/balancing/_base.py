"""What every balancer is: T task losses, and a Gram matrix if it asks for one, into T weights; its state in Keras variables."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._gram import checked


class Balancer(keras.layers.Layer):
    """Turns T task losses into T weights; knows no model. Balancers that need only losses weigh the whole loss, heads included.

    A subclass makes its state in `build` (variables with `aggregation="mean"`), gives the weights in `call` and moves its
    state in `update`. The model multiplies the weights by the alphas: the gradient is that of `Σ α_t · w_t · L_t`.

    Args:
        freeze_after: None, or the number of steps after which the weights stay at their mean over the second half of these
            steps; from then on nothing is computed for the balancer.
        name: the balancer's name.

    Raises:
        ValueError: `set_tasks` is called again with other tasks, or `freeze_after` is below 1.

    Source: rule 3 of the model (README.md).

    >>> from mtlzoo.balancing import UncertaintyWeighting
    >>> isinstance(UncertaintyWeighting(), Balancer)
    True
    """

    needs = "losses"
    at = None
    looks_again = False
    draws = False  # Whether weights are drawn at random, so that they are permuted with the tasks only on average.
    rotates = False  # Whether each head reads its own rotation of the shared representation, which the balancer turns.
    rotation_size = None
    reads_preference = False  # Whether it takes the preference that the model is told with the batch.
    weighs = True  # Whether the direction is a weighted sum of the task gradients, so that there are weights to log and to keep.
    every = 1
    reads_losses = True  # Whether the direction depends on the losses, so that `aggregate` must be given them.
    solves = False  # Whether it solves a problem that can be left unsolved, with a residual.
    residual = None  # How far the last problem of a solver was from solved: a variable, once there are tasks.

    def __init__(self, *, freeze_after=None, name=None):
        super().__init__(name=name, trainable=False, dtype="float32", autocast=False)
        self.freeze_after = freeze_after if freeze_after is None else checks.integer("freeze_after", freeze_after, low=1)
        self.kinds = self.sizes = None

    def set_tasks(self, kinds, sizes=None):
        """Makes the state for tasks of these kinds (as in `Task.kind`), and for shared variables of these sizes, if it needs them."""
        kinds = tuple(kinds)
        if self.kinds not in (None, kinds):
            raise ValueError(f"`balancer` {self.name!r} serves tasks of the kinds {self.kinds} already; make a new one for {kinds}.")
        self.check_tasks(kinds)
        self.set_sizes(sizes)
        self.kinds = kinds
        if not self.built:
            self.steps = self.add_weight(
                shape=(), initializer="zeros", dtype="int32", trainable=False, aggregation="only_first_replica", name="steps"
            )
            self.last = self.state("last", (len(kinds),), 1.0)
            self.mean = self.state("mean", (len(kinds),), 0.0)
            self.known = self.state("known", (len(kinds),), 0.0)
            if self.solves:
                self.residual = self.state("residual", (), dtype="float64")
            self.build((len(kinds),))
            self.built = True

    def check_tasks(self, kinds):
        """Raises an error for tasks that the constructor's arguments do not fit; called before anything is made."""

    def set_sizes(self, sizes):
        """Takes the numbers of entries of the shared variables; only balancers that keep gradients need them."""

    def set_rotations(self, matrices):
        """Takes the rotations of the representation, one variable a task; only a balancer that `rotates` needs them."""

    def set_told(self, variable):
        """Takes the variable [T] that holds the preference of the batch; only a balancer that `reads_preference` needs it."""

    def state(self, name, shape, value=0.0, dtype="float32"):
        """Makes a variable that is saved with the model and is no weight of the network."""

        def initializer(shape, dtype):  # Keras' own constants are rounded to float32, whatever the type.
            return ops.full(shape, value, dtype=dtype)

        return self.add_weight(shape=shape, initializer=initializer, dtype=dtype, trainable=False, aggregation="mean", name=name)

    def build(self, input_shape):
        """Makes the state; by default there is none."""

    def call(self, losses, present, gram=None):
        """Returns the weights [T] for losses [T]; `present` [T] says which tasks have a label in the batch."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(losses, present)`.")

    def update(self, losses, present, gram=None):
        """Moves the state by one step; a task that is not present keeps its own."""

    def look_again(self, losses, new_losses, present):
        """Moves the state by the losses of the same batch after the step; called if `looks_again` is True."""

    def start_epoch(self, epoch):
        """Called before each epoch of `fit`, outside the graph."""

    def end_epoch(self):
        """Called after each epoch of `fit`, outside the graph."""

    def is_fresh(self):
        """Says in the graph whether this step computes weights, or takes those it has: None if it always computes."""
        if self.every == 1 and self.freeze_after is None:
            return None
        fresh = self.steps % self.every == 0
        return fresh if self.freeze_after is None else ops.logical_and(fresh, self.steps < self.freeze_after)

    def cached(self):
        """Returns the weights [T] of a step that computes none: the last ones, or the frozen ones.

        A task that had no label in any step that computed weights takes the mean weight of those that had.
        """
        if self.freeze_after is None:
            return self._for_all(self.last)
        return ops.where(self.steps < self.freeze_after, self._for_all(self.last), self.mean)

    def _for_all(self, weights):
        known = ops.convert_to_tensor(self.known)
        count = ops.sum(known)
        mean = ops.where(count > 0, ops.sum(known * weights) / ops.maximum(count, 1.0), 1.0)
        return ops.where(known > 0, weights, mean)

    def advance(self, losses, present, gram=None, weights=None):
        """Moves everything by one step that computed weights."""
        if weights is not None:
            self.last.assign(ops.where(present, ops.cast(weights, "float32"), self.last))
            self.known.assign(ops.where(present, 1.0, self.known))
        self.update(losses, present, gram)
        self.tick()

    def tick(self):
        """Counts a step, and takes its weights into the mean that `freeze_after` will keep."""
        if self.freeze_after is not None:
            first = self.freeze_after // 2
            count = ops.cast(self.steps - first + 1, "float32")
            inside = ops.logical_and(self.steps >= first, self.steps < self.freeze_after)
            self.mean.assign(ops.where(inside, self.mean + (self._for_all(self.last) - self.mean) / ops.maximum(count, 1.0), self.mean))
        self.steps.assign(self.steps + 1)

    def combine(self, losses, present, jacobian):
        """Moves by one step on task gradients that are given as one matrix, outside a model; also in a graph.

        Args:
            losses: [T], float64.
            present: [T], bool.
            jacobian: [T, d], float64.

        Returns:
            The direction [d], and the weights [T]; None where the direction is no weighted sum of the rows.

        Raises:
            ValueError: the balancer is to keep weights over steps, which is done in a model.
        """
        self.check_every_step()
        weights = ops.cast(self(losses, present, *self.evidence(jacobian)), "float64")
        self.advance(losses, present, *self.evidence(jacobian), weights=weights)
        return ops.matmul(weights, self.last_rows(jacobian)), weights

    def check_every_step(self):
        """Raises an error if weights are not computed at every step, as they are outside a model."""
        if self.every > 1 or self.freeze_after is not None:
            raise ValueError(
                f"`balancer` {self.name!r} must have every=1 and no freeze_after outside a model, where every step computes weights; "
                f"received every={self.every} and freeze_after={self.freeze_after}."
            )

    def evidence(self, jacobian):
        """Returns what `call` takes beside losses and presence, as a tuple."""
        return ()

    def last_rows(self, jacobian):
        """Returns the rows [T, d] that the weights multiply."""
        return jacobian

    def get_config(self):
        """Returns the constructor's arguments that all balancers share."""
        return {"freeze_after": self.freeze_after, "name": self.name}

    def get_build_config(self):
        """Returns what `build_from_config` needs."""
        return {"kinds": list(self.kinds), "sizes": self.sizes and list(self.sizes)} if self.kinds else {}

    def build_from_config(self, config):
        """Makes the state of a balancer that is being loaded."""
        if config and config.get("kinds"):
            self.set_tasks(checks.instance("kinds", config["kinds"], (list, tuple), "a list"), config.get("sizes"))


class GramBalancer(Balancer):
    """A balancer that needs the Gram matrix G = JJᵀ of the task gradients; it weighs the shared parameters, heads stay plain.

    A subclass without a state defines `solve(gram, losses)`, which sees the tasks with labels only; one with a state
    defines `call` and uses `among_present`.

    Args:
        at: "parameters" takes the gradients with respect to all shared parameters (T backward passes through them), and
            "representation" with respect to the shared tensor that the heads read (one pass).
        every: compute new weights every that many steps, and keep them in between.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: rule 4 of the model (README.md); "representation" is MGDA-UB of Sener and Koltun, NeurIPS 2018.
    """

    needs = "gram"
    reads_losses = False

    def __init__(self, *, at="parameters", every=1, freeze_after=None, name=None):
        super().__init__(freeze_after=freeze_after, name=name)
        self.at = checks.one_of("at", at, ["parameters", "representation"])
        self.every = checks.integer("every", every, low=1)

    def call(self, losses, present, gram):
        """Returns the weights [T], float64, for losses [T] and the Gram matrix [T, T]."""
        return self.among_present(self.solve, losses, present, gram)

    def solved(self, weights, residual, allowed=1e-9):
        """Returns weights whose problem is solved, or NaN, which stops the training; keeps the residual, to be named then."""
        if self.residual is not None:
            self.residual.assign(residual)
        return checked(weights, residual, allowed)

    def solve(self, gram, losses):
        """Returns the weights [t] for the Gram matrix [t, t] and losses [t] of the tasks that have labels, float64."""
        raise NotImplementedError(f"{type(self).__name__} must define `solve(gram, losses)` or `call`.")

    def evidence(self, jacobian):
        """Returns the Gram matrix."""
        return (ops.matmul(jacobian, ops.transpose(jacobian)),)

    def among_present(self, solve, losses, present, gram):
        """Calls `solve` with the rows of the tasks that are present, and returns weights of all, 0 for the absent ones."""
        present = ops.logical_or(present, ops.logical_not(ops.any(present)))
        rows = ops.nonzero(present)[0]
        gram = ops.take(ops.take(ops.cast(gram, "float64"), rows, axis=0), rows, axis=1)
        weights = ops.cast(solve(gram, ops.take(ops.cast(losses, "float64"), rows)), "float64")
        return ops.scatter(ops.expand_dims(rows, -1), weights, ops.shape(present))

    def get_config(self):
        """Returns the constructor's arguments that all Gram balancers share."""
        return {**super().get_config(), "at": self.at, "every": self.every}
