"""Layers that architectures are made of: N copies of a layer as one, gates, mixtures, stitches and rotations."""

from mtlzoo.layers.adapter import Adapter as Adapter
from mtlzoo.layers.cross_stitch import CrossStitch as CrossStitch
from mtlzoo.layers.distillation import Distillation as Distillation
from mtlzoo.layers.film import FiLM as FiLM
from mtlzoo.layers.fold import Fold as Fold
from mtlzoo.layers.folded import Folded as Folded
from mtlzoo.layers.for_all import ForAll as ForAll
from mtlzoo.layers.gates import Gates as Gates
from mtlzoo.layers.mixture import Mixture as Mixture
from mtlzoo.layers.packed import Packed as Packed
from mtlzoo.layers.rotation import Rotation as Rotation
from mtlzoo.layers.stacked import stacked as stacked
from mtlzoo.layers.stacked_conv import StackedConv1D as StackedConv1D
from mtlzoo.layers.stacked_conv import StackedConv2D as StackedConv2D
from mtlzoo.layers.stacked_dense import StackedDense as StackedDense
from mtlzoo.layers.stacked_layers import StackedLayers as StackedLayers
from mtlzoo.layers.stacked_norm import StackedBatchNormalization as StackedBatchNormalization
from mtlzoo.layers.unfold import Unfold as Unfold
from mtlzoo.layers.unstack import Unstack as Unstack
