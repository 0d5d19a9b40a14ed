"""`gradient_report`: how the task gradients of a model stand to each other on a batch, and whether balancing is likely to help."""

import dataclasses

import numpy as np
import tensorflow as tf

from mtlzoo import _step_math as maths
from mtlzoo import checks
from mtlzoo._sharing import Sharing

# Mean cosine to the mean direction, from the study of Gama and Grassi 2025: about .7 no gain, .45 some, .3 large.
LITTLE, SOME = 0.6, 0.4
# Beyond this ratio of norms the smaller task hardly trains, whatever the angle.
UNLIKE = 5.0


@dataclasses.dataclass(frozen=True)
class GradientReport:
    """Task gradients with respect to the shared parameters, compared.

    Args:
        tasks: names of the tasks with labels in the batch, in the order of the matrices.
        cosines: cosines between the task gradients, [T, T].
        norms: their norms, [T].
        magnitude_similarity: 2·‖g_i‖·‖g_j‖ / (‖g_i‖² + ‖g_j‖²), [T, T], 1 for equal norms.
        mean_cosine: mean cosine of the task gradients to their mean direction.
        conflicts: share of task pairs with a negative cosine, by shared variable.

    Source: Yu et al. (PCGrad, NeurIPS 2020) for the measures; Gama and Grassi 2025 for the rule.

    >>> report = GradientReport(("a", "b"), np.eye(2), np.ones(2), np.ones((2, 2)), 0.71, {"dense/kernel": 0.0})
    >>> report.norm_ratio, report.advice.split(":")[0]
    (1.0, 'The tasks agree (mean cosine to the mean direction 0.71)')
    """

    tasks: tuple[str, ...]
    cosines: np.ndarray
    norms: np.ndarray
    magnitude_similarity: np.ndarray
    mean_cosine: float
    conflicts: dict[str, float]

    @property
    def norm_ratio(self) -> float:
        """Largest over smallest norm; infinite if a task has no gradient."""
        return float(self.norms.max() / self.norms.min()) if self.norms.min() > 0 else float("inf")

    @property
    def advice(self) -> str:
        """One sentence on whether balancing is likely to help."""
        found = f"mean cosine to the mean direction {self.mean_cosine:.2f}"
        if len(self.tasks) < 2:
            return "There is one task with labels: nothing to balance."
        if self.mean_cosine > LITTLE:
            if self.norm_ratio > UNLIKE:
                sizes = f"one gradient is {self.norm_ratio:.3g} times another"
                return f"The tasks agree ({found}), but {sizes}: bring the losses to one scale first."
            return f"The tasks agree ({found}): equal weights are likely enough."
        if self.mean_cosine > SOME:
            return f"The tasks agree in part ({found}): balancing may bring a little; compare it with tuned fixed weights."
        return f"The tasks conflict ({found}): balancing is likely to help; compare it with tuned fixed weights and single-task models."

    def __str__(self):
        lines = [f"{'':>12} " + " ".join(f"{name[:9]:>9}" for name in self.tasks) + f" {'norm':>10}"]
        for name, row, norm in zip(self.tasks, self.cosines, self.norms, strict=True):
            lines.append(f"{name[:12]:>12} " + " ".join(f"{value:>9.3f}" for value in row) + f" {norm:>10.3g}")
        worst = sorted(self.conflicts.items(), key=lambda item: -item[1])[:3]
        lines.append(f"largest over smallest norm: {self.norm_ratio:.3g}")
        lines.append("pairs in conflict, most first: " + ", ".join(f"{path} {share:.0%}" for path, share in worst))
        return "\n".join([*lines, self.advice])


def gradient_report(model, batch) -> GradientReport:
    """Compares the task gradients of a model on one batch, in training mode, without changing the model.

    Args:
        model: a compiled `mtlzoo.MultiTaskModel`.
        batch: `(x, {task: y})` or `(x, {task: y}, {task: weight})`, arrays or tensors; one element of a mixture.

    Returns:
        A `GradientReport` of the tasks with labels in the batch; gradients are of L_t, without alphas.

    Raises:
        ValueError: the model is not compiled or shares no parameters, or no task has a label in the batch.
        TypeError: `batch` is no tuple.

    Source: Yu et al. (PCGrad, NeurIPS 2020), definitions 1 to 3.

    >>> from mtlzoo import Task
    >>> from mtlzoo.architectures import hard_sharing
    >>> model = hard_sharing((3,), [Task.regression("a"), Task.regression("b")], trunk="mlp", seed=0)
    >>> report = gradient_report(model, (np.ones((4, 3)), {"a": np.ones(4), "b": np.ones(4)}))
    >>> report.cosines.shape, float(report.cosines[0, 0])
    ((2, 2), 1.0)
    """
    checks.instance("batch", batch, tuple, "a tuple (x, y) or (x, y, weights)")
    if model.task_losses is None:
        raise ValueError("`model` must be compiled; call model.compile() first.")
    sharing = Sharing(model)
    if not sharing.shared:
        raise ValueError("`model` must share parameters between its tasks; this one shares none.")
    variables = [model.trainable_variables[index] for index in sharing.shared]
    weights = [tf.convert_to_tensor(variable.value) for variable in model.trainable_variables]
    states = [tf.convert_to_tensor(variable.value) for variable in model.non_trainable_variables]
    sources = [weights[index] for index in sharing.shared]
    batch = (tf.nest.map_structure(tf.convert_to_tensor, batch[0]), *batch[1:])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(sources)
        losses, counts = maths.losses_at(model, weights, states, batch)
    there = [index for index, count in enumerate(counts.numpy()) if count > 0]
    if not there:
        raise ValueError("`batch` must have a label of at least one task; received none.")
    rows = [tape.gradient(losses[index], sources, unconnected_gradients="zero") for index in there]
    matrices = [np.array([tf.reshape(row[place], [-1]).numpy() for row in rows], "float64") for place in range(len(sources))]
    gram = sum(matrix @ matrix.T for matrix in matrices)
    cosines, norms = _cosines(gram), np.sqrt(np.diag(gram))
    squares = norms[:, None] ** 2 + norms[None] ** 2
    mean = np.full(len(there), 1 / len(there))
    length = np.sqrt(max(mean @ gram @ mean, 0))
    toward = np.divide(gram @ mean, norms * length, out=np.zeros(len(there)), where=norms * length > 0)
    pairs = np.triu_indices(len(there), 1)
    conflicts = {
        v.path: float(np.mean(_cosines(m @ m.T)[pairs] < 0)) if len(there) > 1 else 0.0 for v, m in zip(variables, matrices, strict=True)
    }
    names = tuple(model.tasks[index].name for index in there)
    similarity = np.divide(2 * np.outer(norms, norms), squares, out=np.ones_like(squares), where=squares > 0)
    return GradientReport(names, cosines, norms, similarity, float(toward.mean()), conflicts)


def _cosines(gram):
    norms = np.sqrt(np.diag(gram))
    scale = np.outer(norms, norms)
    cosines = np.divide(gram, scale, out=np.zeros_like(gram), where=scale > 0)
    np.fill_diagonal(cosines, 1.0)
    return np.clip(cosines, -1, 1)
