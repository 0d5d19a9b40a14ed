import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task
from mtlzoo.data import aligned, start_at


def test_it_takes_mixtures_and_epochs_only():
    mixture = aligned((np.zeros((2, 1)), {"a": [0, 1]}), [Task.binary("a")])
    assert start_at(mixture, 3) is mixture
    with pytest.raises(ValueError, match="`epoch`"):
        start_at(mixture, -1)
    with pytest.raises(ValueError, match="`mixture`"):
        start_at(tf.data.Dataset.range(3), 0)
