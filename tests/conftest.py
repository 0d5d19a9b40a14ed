"""What all tests share: two logical CPUs for strategies, fixed seeds, small data."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

# The tests of two processes share two cores: more threads each would only wait for one another.
tf.config.threading.set_intra_op_parallelism_threads(1)
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


# So that plain `pytest` stays under four minutes: of these folders and files only tests with one of the words in their id run by default.
BY_DEFAULT = {
    "tests/balancing/": ("uncertainty_weighting", "famo", "pcgrad", "aggregate"),
    "tests/contracts/test_balancers": ("uncertainty_weighting",),
    "tests/contracts/test_architectures.py": ("hard_sharing",),
    "tests/architectures/": ("test_hard_sharing.py", "test_single_task.py", "test_mmoe.py", "test_cross_stitch.py"),
    "tests/growth/": ("test_settle.py",),
    "tests/tuning/": ("test_objective.py", "test_alpha_space.py"),
    "tests/judging/": ("test_judgement.py", "test_page.py", "test_config.py"),
    "tests/commands/": ("leaves_a_whole_run", "the_report_s_own_values", "test_list.py"),
    "tests/notebooks/": ("stored",),
    "tests/trunks/test_tabular.py": (),
    "tests/test_added_losses.py": (),
    "tests/test_backward.py": (),
    "tests/test_backward_batches.py": (),
    "tests/test_executions.py": (),
    "tests/test_export.py": (),
    "tests/test_model_corners.py": (),
    "tests/test_progress.py": (),
    "tests/test_sharing_of_slices.py": (),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        for place, words in BY_DEFAULT.items():
            if item.nodeid.startswith(place) and not any(word in item.nodeid for word in words):
                item.add_marker(pytest.mark.slow)
