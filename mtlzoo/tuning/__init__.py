"""Tuning: alphas, architectures and balancers searched with keras-tuner, on objectives that no alpha weighs."""

from mtlzoo.tuning.alpha_space import AlphaSpace as AlphaSpace
from mtlzoo.tuning.hypermodel import hypermodel as hypermodel
from mtlzoo.tuning.learn_alphas import learn_alphas as learn_alphas
from mtlzoo.tuning.load_result import load_result as load_result
from mtlzoo.tuning.objective import Objective as Objective
from mtlzoo.tuning.objective import objective as objective
from mtlzoo.tuning.population_result import PopulationResult as PopulationResult
from mtlzoo.tuning.preference_grid import preference_grid as preference_grid
from mtlzoo.tuning.preference_set import PreferenceSet as PreferenceSet
from mtlzoo.tuning.result import TuningResult as TuningResult
from mtlzoo.tuning.train_front import train_front as train_front
from mtlzoo.tuning.train_population import train_population as train_population
from mtlzoo.tuning.train_preferences import train_preferences as train_preferences
from mtlzoo.tuning.tune import tune as tune
from mtlzoo.tuning.with_preference import with_preference as with_preference
