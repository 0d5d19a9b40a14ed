"""Judging: does multi-task learning help here? Architectures × balancers × seeds beside single-task models, with what is certain of it."""

from mtlzoo.judging.config import JudgingConfig as JudgingConfig
from mtlzoo.judging.judge import judge as judge
from mtlzoo.judging.judgement import Judgement as Judgement
