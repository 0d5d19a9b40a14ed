"""mtlzoo: a multi-task learning model zoo for Keras 3 on TensorFlow."""

from mtlzoo import architectures as architectures
from mtlzoo import balancing as balancing
from mtlzoo import callbacks as callbacks
from mtlzoo import data as data
from mtlzoo import evaluation as evaluation
from mtlzoo import export as export
from mtlzoo import growth as growth
from mtlzoo import judging as judging
from mtlzoo import layers as layers
from mtlzoo import trunks as trunks
from mtlzoo import tuning as tuning
from mtlzoo.alphas import AlphaSchedule as AlphaSchedule
from mtlzoo.assemble import assemble as assemble
from mtlzoo.model import MultiTaskModel as MultiTaskModel
from mtlzoo.task import Task as Task
