"""Tuning: alphas, architectures and balancers searched with keras-tuner, on objectives that no alpha weighs."""

from mtlzoo.tuning.alpha_space import AlphaSpace as AlphaSpace
from mtlzoo.tuning.objective import Objective as Objective
from mtlzoo.tuning.objective import objective as objective
