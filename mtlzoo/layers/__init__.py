"""Layers that architectures are made of: N copies of a layer as one, gates, mixtures, stitches and rotations."""

from mtlzoo.layers.batch_to_copies import BatchToCopies as BatchToCopies
from mtlzoo.layers.copies_to_batch import CopiesToBatch as CopiesToBatch
from mtlzoo.layers.cross_stitch import CrossStitch as CrossStitch
from mtlzoo.layers.feature_tokens import FeatureTokens as FeatureTokens
from mtlzoo.layers.folded import Folded as Folded
from mtlzoo.layers.for_all import ForAll as ForAll
from mtlzoo.layers.gates import Gates as Gates
from mtlzoo.layers.group_attention import GroupAttention as GroupAttention
from mtlzoo.layers.joint_attention import JointAttention as JointAttention
from mtlzoo.layers.mixture import Mixture as Mixture
from mtlzoo.layers.rotation import Rotation as Rotation
from mtlzoo.layers.stacked import stacked as stacked
from mtlzoo.layers.stacked_conv import StackedConv1D as StackedConv1D
from mtlzoo.layers.stacked_conv import StackedConv2D as StackedConv2D
from mtlzoo.layers.stacked_dense import StackedDense as StackedDense
from mtlzoo.layers.stacked_layers import StackedLayers as StackedLayers
from mtlzoo.layers.stacked_norm import StackedBatchNormalization as StackedBatchNormalization
from mtlzoo.layers.task_attention import TaskAttention as TaskAttention
from mtlzoo.layers.task_combination import TaskCombination as TaskCombination
from mtlzoo.layers.task_interaction import TaskInteraction as TaskInteraction
from mtlzoo.layers.task_tokens import TaskTokens as TaskTokens
from mtlzoo.layers.unstack import Unstack as Unstack
