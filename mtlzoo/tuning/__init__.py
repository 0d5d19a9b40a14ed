"""Tuning: alphas, architectures and balancers searched with keras-tuner, on objectives that no alpha weighs."""

from mtlzoo.tuning.alpha_space import AlphaSpace as AlphaSpace
from mtlzoo.tuning.hypermodel import hypermodel as hypermodel
from mtlzoo.tuning.load_result import load_result as load_result
from mtlzoo.tuning.objective import Objective as Objective
from mtlzoo.tuning.objective import objective as objective
from mtlzoo.tuning.result import TuningResult as TuningResult
from mtlzoo.tuning.tune import tune as tune
