"""mtlzoo: a multi-task learning model zoo for Keras 3 on TensorFlow."""

from mtlzoo.task import Task as Task
