"""keras-tuner collects garbage before every trial; what the tests before left does not have to be looked through each time."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def little_garbage():
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
