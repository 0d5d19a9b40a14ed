"""Trunks: what reads the input and makes features, in stages."""

from mtlzoo.trunks._registry import default as default
from mtlzoo.trunks._registry import describe as describe
from mtlzoo.trunks._registry import get as get
from mtlzoo.trunks._registry import names as names
from mtlzoo.trunks._trunk import StackedStage as StackedStage
from mtlzoo.trunks._trunk import Stage as Stage
from mtlzoo.trunks._trunk import Trunk as Trunk
from mtlzoo.trunks.cnn import cnn as cnn
from mtlzoo.trunks.mlp import mlp as mlp
from mtlzoo.trunks.tabular import tabular as tabular
