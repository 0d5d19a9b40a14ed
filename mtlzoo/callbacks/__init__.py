"""Callbacks for a training: Δm, task gradients, task affinities, the order of rows, and TensorBoard."""

from mtlzoo.callbacks.delta_m import DeltaM as DeltaM
from mtlzoo.callbacks.gradient_similarity import GradientSimilarity as GradientSimilarity
from mtlzoo.callbacks.same_order import SameOrder as SameOrder
from mtlzoo.callbacks.task_affinity import TaskAffinity as TaskAffinity
from mtlzoo.callbacks.tensorboard import TensorBoard as TensorBoard
