"""What every source must do, whichever it is."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.data import load, sources
from mtlzoo.data.sources import Splits, fake_census, fake_tfds
from mtlzoo.task import check_tasks

SPECS = [*sources.names(), "mnist+fashion_mnist"]
EMBEDDED = ["digits", "multitab"]  # The others read a folder, which is made up here.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for seed, name in enumerate(("mnist", "fashion_mnist")):
        fake_tfds(folder, name, train=80, test=30, seed=seed)
    fake_census(folder, rows=300)
    return folder


@pytest.fixture(params=SPECS)
def made(request, folder):
    def make(**options):
        return load(request.param, None if request.param in EMBEDDED else folder, batch_size=16, limit=50, **options)

    return make


def rows(mixture):
    return np.concatenate(
        [tf.concat([tf.cast(tf.reshape(part, (len(part), -1)), "float32") for part in tf.nest.flatten(x)], 1) for x, _, _ in mixture]
    )


@pytest.mark.parametrize("name", sources.names())
def test_signature_is_the_house_s_own(name):
    parameters = list(inspect.signature(sources.get(name)).parameters.values())
    assert [parameter.name for parameter in parameters[:1]] == ["data_dir"]
    assert {"batch_size", "seed", "limit"} <= {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    assert sources.describe()[name]


def test_elements_match_the_tasks_and_sizes_the_rows(made):
    splits = made()
    assert isinstance(splits, Splits) and splits.info
    check_tasks(splits.tasks)
    names = sorted(task.name for task in splits.tasks)
    for split in ("train", "validation", "test"):
        mixture = getattr(splits, split)
        x, y, weights = mixture.element_spec
        shapes = tf.nest.map_structure(lambda spec: (*spec.shape[1:], *([] if spec.dtype == "float32" else [spec.dtype.name])), x)
        assert shapes == splits.inputs
        assert sorted(y) == sorted(weights) == names
        for task in splits.tasks:
            assert (y[task.name].dtype, tuple(y[task.name].shape[1:])) == (task.label_dtype, task.label_shape)
            assert tuple(weights[task.name].shape[1:]) == (task.label_shape if task.entrywise else ())
        assert len(rows(mixture)) == splits.sizes[split]
        assert int(mixture.cardinality()) == -(-splits.sizes[split] // 16)


def test_splits_are_disjoint(made):
    splits = made()
    held = [{row.tobytes() for row in rows(getattr(splits, split))} for split in ("train", "validation", "test")]
    assert len(set().union(*held)) == sum(len(part) for part in held)


def test_the_seed_repeats_the_order_and_epochs_differ(made):
    first, again = made(seed=5).train, made(seed=5).train
    epochs = [rows(first) for _ in range(2)]
    for expected in epochs:
        np.testing.assert_array_equal(rows(again), expected)
    assert not np.array_equal(*epochs)
