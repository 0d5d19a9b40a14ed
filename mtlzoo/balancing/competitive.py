"""Tasks that compete for the steps: multi-armed bandits on how much their losses fall."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked, _noise
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class Competitive(Balancer):
    """Draws one task a step, by a bandit that is rewarded if its loss fell: the drawn task gets the weight T, the others 0.

    The reward of a draw is known at the next step that has labels of the task: ½ + ½·(1 − L/L̄) within [0, 1], where L̄ is a
    moving average of the task's losses before. "exp3" draws with the chances p = (1 − γ)·softmax(s) + γ/T and adds
    γ·reward/(p·T) to s of the drawn task. "thompson" draws θ_t ~ Beta(1 + Σ reward, 1 + Σ (1 − reward)) and takes the
    greatest. T is the number of tasks with labels in the batch; the others take no part in the draw.

    Args:
        bandit: "exp3" or "thompson", which XLA cannot compile (`jit_compile=True` fails: it has no gamma numbers).
        exploration: γ of "exp3", above 0 and at most 1; "thompson" needs none and has None.
        momentum: of the moving average L̄.
        seed: an int; draws are a function of it and the count of steps, which is saved.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T], one of them
        above 0.

    Raises:
        ValueError: an argument is unknown or out of bounds, or `exploration` is given for "thompson".

    Source: Auer et al., "The Nonstochastic Multiarmed Bandit Problem", SIAM Journal on Computing 2002 (EXP3), for curricula
        Graves et al., ICML 2017; Thompson sampling over tasks as in AutoSeM, Guo et al., NAACL 2019.

    >>> balancer = Competitive(seed=1)
    >>> balancer.set_tasks(["regression"] * 3)
    >>> sorted(float(weight) for weight in balancer(keras.ops.ones(3), keras.ops.ones(3, dtype="bool")))
    [0.0, 0.0, 3.0]
    """

    draws = True

    def __init__(self, bandit="exp3", exploration=None, momentum=0.9, seed=0, *, freeze_after=None, name="competitive"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.bandit = checks.one_of("bandit", bandit, ["exp3", "thompson"])
        if bandit == "thompson" and exploration is not None:
            raise ValueError(f"`exploration` must be None for bandit='thompson', which needs none; received {exploration!r}.")
        self.exploration = exploration
        self.share = checks.number("exploration", 0.1 if exploration is None else exploration, low=0, high=1, strict=True)
        self.momentum = checks.number("momentum", momentum, low=0, high=1)
        self.seed = checks.integer("seed", seed, low=0)

    def build(self, input_shape):
        """Makes the scores, the sums of rewards, the moving averages, and the chances of draws not rewarded yet; [T] each."""
        shape = tuple(input_shape)
        self.scores = self.state("scores", shape, dtype="float64")
        self.won = self.state("won", shape, 1.0, dtype="float64")
        self.lost = self.state("lost", shape, 1.0, dtype="float64")
        self.averages = self.state("averages", shape, -1.0, dtype="float64")
        self.waiting = self.state("waiting", shape, dtype="float64")

    def chances(self, present):
        """Returns the chances [T] with which "exp3" draws the tasks that are present; 1 for "thompson", which has no use for them."""
        if self.bandit == "thompson":
            return ops.cast(present, "float64")
        even = ops.cast(present, "float64") / _masked.count(present)
        return (1 - self.share) * _masked.softmax(ops.convert_to_tensor(self.scores), present) + self.share * even

    def draw(self, present):
        """Returns which task is drawn, [T] bool; the same for the same step."""
        if self.bandit == "exp3":
            noise = -ops.log(-ops.log(_noise.uniform(len(self.kinds), self.seed, self.steps)))
            values = ops.log(ops.maximum(self.chances(present), 1e-300)) + noise
        else:
            won = _noise.gamma(ops.convert_to_tensor(self.won), self.seed, self.steps)
            values = won / (won + _noise.gamma(ops.convert_to_tensor(self.lost), self.seed, self.steps, stream=1))
        best = ops.argmax(ops.where(present, values, -float("inf")))
        return ops.arange(len(self.kinds)) == ops.cast(best, "int32")

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        present = _masked.any_of(present)
        return _masked.like(ops.where(self.draw(present), _masked.count(present), 0.0), losses)

    def learn(self, rewards, chances, rewarded):
        """Takes rewards [T] from 0 to 1 for the tasks [T] that are `rewarded`, which were drawn with these chances [T]."""
        rewards = ops.cast(rewards, "float64")
        self.won.assign(ops.where(rewarded, self.won + rewards, self.won))
        self.lost.assign(ops.where(rewarded, self.lost + 1.0 - rewards, self.lost))
        gain = self.share * rewards / ops.where(rewarded, chances, 1.0)
        self.scores.assign(ops.where(rewarded, self.scores + gain, self.scores))

    def update(self, losses, present, gram=None):
        """Rewards the draws that wait for it, and moves the averages of the tasks that are present."""
        losses, there = ops.cast(losses, "float64"), _masked.any_of(present)
        drawn, waiting = self.draw(there), ops.convert_to_tensor(self.waiting) + 0.0
        chances = self.chances(there) * _masked.count(there)
        known = self.averages > 0
        fall = 1.0 - losses / ops.where(known, self.averages, 1.0)
        rewards = 0.5 + 0.5 * ops.clip(ops.where(known, fall, 0.0), -1.0, 1.0)
        rewarded = ops.logical_and(present, waiting > 0)
        self.learn(rewards, waiting, rewarded)
        moved = ops.where(self.averages >= 0, self.momentum * self.averages + (1 - self.momentum) * losses, losses)
        self.averages.assign(ops.where(present, moved, self.averages))
        self.waiting.assign(ops.where(drawn, chances, ops.where(rewarded, 0.0, waiting)))

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {"bandit": self.bandit, "exploration": self.exploration, "momentum": self.momentum, "seed": self.seed}
        return {**super().get_config(), **own}


BALANCERS.register(Competitive, name="competitive")
