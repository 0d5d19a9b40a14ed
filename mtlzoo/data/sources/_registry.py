"""The registry of sources, and what a source returns."""

import dataclasses
from collections.abc import Mapping

import tensorflow as tf

from mtlzoo.registry import Registry
from mtlzoo.task import Task

sources = Registry("source")
register, get, names, describe = sources.register, sources.get, sources.names, sources.describe


@dataclasses.dataclass(frozen=True)
class Splits:
    """What a source gives: tasks, the shape of the inputs, and a mixture for each split.

    Args:
        tasks: the tasks.
        inputs: shape of one input, without the batch, which ends in the dtype if that is not float32; or a dict of shapes by input.
        train: mixture of `(x, {task: y}, {task: weight})`, shuffled anew each epoch.
        validation: the same for validation, in order.
        test: the same for the test, in order.
        sizes: rows by split.
        info: a sentence on where the data is from.
        encoder: None, or what turned a table's raw columns into these inputs, a `mtlzoo.data.TableEncoder`.

    Source: the splits of TensorFlow Datasets.

    >>> from mtlzoo.data.sources import digits
    >>> splits = digits(limit=60)
    >>> splits.inputs, splits.sizes["train"]
    ((12, 12, 1), 60)
    """

    tasks: tuple[Task, ...]
    inputs: tuple[int | str, ...] | Mapping[str, tuple[int | str, ...]]
    train: tf.data.Dataset
    validation: tf.data.Dataset
    test: tf.data.Dataset
    sizes: Mapping[str, int]
    info: str = ""
    encoder: object = None
