"""What all tests share: two logical CPUs for strategies, fixed seeds, small data."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def tfds_dir():
    """Folder of prepared TFDS data sets (MNIST's test images, Fashion-MNIST)."""
    folder = SHARED / "tfds"
    if not folder.is_dir():
        pytest.skip(f"needs prepared TFDS data in {folder}")
    return folder


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# Balancers, and files of models, whose tests run by default; the others are marked slow, so that plain `pytest` stays under four minutes.
BY_DEFAULT = ("uncertainty_weighting", "famo", "pcgrad", "mgda", "aggregate")
QUICK = ("test_hard_sharing.py", "test_single_task.py", "test_mmoe.py", "test_cross_stitch.py", "test_settle.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        of_balancers = "tests/balancing/" in item.nodeid or "contracts/test_balancers" in item.nodeid
        of_models = "tests/architectures/" in item.nodeid or "tests/growth/" in item.nodeid
        if (of_balancers and not any(name in item.nodeid for name in BY_DEFAULT)) or (of_models and item.path.name not in QUICK):
            item.add_marker(pytest.mark.slow)
