import numpy as np

from mtlzoo.data.sources import fake_tfds, multi_mnist


def test_images_are_those_of_mnist(tmp_path):
    fake_tfds(tmp_path, "mnist", train=40, test=10, seed=3)
    splits = multi_mnist(tmp_path, composition="lin", batch_size=20)
    assert splits.sizes == {"train": 72, "validation": 8, "test": 20} and "mnist" in splits.info
    for _, y, _ in splits.train:
        assert np.all(y["left"] != y["right"])
