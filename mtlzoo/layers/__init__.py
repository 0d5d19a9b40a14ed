"""Layers that architectures are made of: N copies of a layer as one, gates, mixtures, stitches, penalties and rotations."""

from mtlzoo.layers.cross_stitch import CrossStitch as CrossStitch
from mtlzoo.layers.folded import Folded as Folded
from mtlzoo.layers.for_all import ForAll as ForAll
from mtlzoo.layers.gates import Gates as Gates
from mtlzoo.layers.l2_distance import L2Distance as L2Distance
from mtlzoo.layers.mixture import Mixture as Mixture
from mtlzoo.layers.nddr import NDDR as NDDR
from mtlzoo.layers.orthogonal_subspaces import OrthogonalSubspaces as OrthogonalSubspaces
from mtlzoo.layers.rotation import Rotation as Rotation
from mtlzoo.layers.sluice import Sluice as Sluice
from mtlzoo.layers.stacked import stacked as stacked
from mtlzoo.layers.stacked_conv import StackedConv1D as StackedConv1D
from mtlzoo.layers.stacked_conv import StackedConv2D as StackedConv2D
from mtlzoo.layers.stacked_dense import StackedDense as StackedDense
from mtlzoo.layers.stacked_layers import StackedLayers as StackedLayers
from mtlzoo.layers.stacked_norm import StackedBatchNormalization as StackedBatchNormalization
from mtlzoo.layers.stage_mixture import StageMixture as StageMixture
from mtlzoo.layers.trace_norm import TraceNorm as TraceNorm
from mtlzoo.layers.unstack import Unstack as Unstack
