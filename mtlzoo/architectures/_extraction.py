"""Progressive layered extraction: levels of experts, some of each task's own and some that all tasks share, and their gates."""

import keras

from mtlzoo import checks, seeds
from mtlzoo.architectures import _levels, _stages
from mtlzoo.architectures._experts import Stem, apply_experts
from mtlzoo.layers import Gates, Mixture, OwnMixture


class Extraction:
    """Layers of a network of one or more levels, made once and applied to as many inputs as there are.

    Args:
        template: the trunk; its first stages are the stem, and each expert of the first level has a copy of the rest.
        tensor: what the trunk reads, a Keras tensor or a dict of them.
        tasks: names of the tasks.
        own: the number of experts of each task.
        shared: the number of experts that all tasks share.
        levels: widths of the experts of each level behind the first.
        stem: the number of the stem's stages; None for 0 on vectors and 1 on other inputs.
        seed: the one seed of all initial weights.
    """

    def __init__(self, template, tensor, tasks, own, shared, *, levels=(), stem=None, seed=None):
        self._tasks, self._widths, self._seed = list(tasks), _levels.read_widths(levels), seed
        self._own = [f"{task}_expert{index}" for task in tasks for index in range(checks.integer("own", own, low=0))]
        self._shared = [f"shared{index}" for index in range(checks.integer("shared", shared, low=1))]
        self._each = own
        self._stem = Stem(template, tensor, stem, seed)
        last = len(self._widths) + 1
        mine = template.stacked(self._own, seed, prefix="own_experts", slices=self._slices(1, last)) if own else ()
        common = template.stacked(self._shared, seed, prefix="shared_experts")
        self._first = [stages[self._stem.size :] for stages in (mine, common)]
        self._levels = [self._level(number, last) for number in range(1, last + 1)]

    def __call__(self, x):
        """Returns the mixtures of the last level, [batch, tasks, ...]."""
        x, vectors = self._stem(x)
        own = apply_experts(self._first[0], x, len(self._own)) if self._own else None
        shared = apply_experts(self._first[1], x, len(self._shared))
        mixed, common = self._levels[0].mixtures(vectors, vectors, own, shared)
        for level in self._levels[1:]:
            _stages.vectors(mixed)
            own = level.own(level.each(mixed)) if self._own else None
            mixed, common = level.mixtures(mixed, common, own, level.shared(common))
        return mixed

    def _slices(self, number, last):
        """In the last level a task's experts serve that task alone, and in the one before its gate does: its mixture goes there."""
        return "tasks" if number == last else None

    def _level(self, number, last):
        seed = self._seed if number == 1 or self._seed is None else seeds.derive(self._seed, "level", number)
        prefix = f"level{number}_" if last > 1 else ""
        made = _Level()
        names = [f"own{index}" for index in range(self._each)] + self._shared
        made.gates = Gates(names, self._tasks, seed=seed, slices="tasks" if number >= last - 1 else None, name=f"{prefix}gates")
        made.mixture = (OwnMixture if self._own else Mixture)(name=f"{prefix}mixture")
        if number > 1:
            width = self._widths[number - 2]
            made.each = _levels.each(self._each, f"{prefix}each")
            if self._own:
                made.own = _levels.dense_experts(width, self._own, seed, f"{prefix}own_experts", self._slices(number, last))
            made.shared = _levels.dense_experts(width, self._shared, seed, f"{prefix}shared_experts")
        if number < last:
            made.shared_gate = Gates([*self._own, *self._shared], ["shared"], seed=seed, name=f"{prefix}shared_gate")
            made.shared_mixture = Mixture(name=f"{prefix}shared_mixture")
            made.join = keras.layers.Concatenate(axis=1, name=f"{prefix}experts")
        return made


class _Level:
    """The layers of one level; the last has no shared gate, the first has its experts from the trunk."""

    shared_gate = None

    def mixtures(self, mixed, common, own, shared):
        """Returns the tasks' mixtures [batch, tasks, ...] and the shared one [batch, 1, ...], which the last level has not.

        Args:
            mixed: what the tasks' gates read, [batch, tasks or 1, features].
            common: what the shared gate reads, [batch, 1, features].
            own: features of the tasks' experts, or None if there are none.
            shared: features of the shared experts.
        """
        read = [shared] if own is None else [own, shared]
        found = self.mixture([self.gates(mixed), *read])
        if self.shared_gate is None:
            return found, None
        every = self.join(read) if len(read) > 1 else shared
        return found, self.shared_mixture([self.shared_gate(common), every])
