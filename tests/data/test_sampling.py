import numpy as np
import pytest

from mtlzoo.data import annealed, by_temperature
from mtlzoo.data.sampling import as_sampling

SIZES = np.array([100, 400, 2500])


def test_temperature():
    np.testing.assert_allclose(by_temperature(1.0)(SIZES, 0), SIZES / 3000)
    np.testing.assert_allclose(by_temperature(2.0)(SIZES, 9), np.array([10, 20, 50]) / 80)
    np.testing.assert_allclose(by_temperature(1e9)(SIZES, 0), 1 / 3, atol=1e-6)


def test_annealed_goes_from_size_to_the_fifth_root():
    for epochs in (2, 5):
        np.testing.assert_allclose(annealed(epochs)(SIZES, 0), SIZES / 3000)
        np.testing.assert_allclose(annealed(epochs)(SIZES, epochs - 1), SIZES**0.2 / (SIZES**0.2).sum())
        np.testing.assert_allclose(annealed(epochs)(SIZES, epochs + 3), SIZES**0.2 / (SIZES**0.2).sum())
    np.testing.assert_allclose(annealed(3)(SIZES, 1), SIZES**0.6 / (SIZES**0.6).sum())


def test_annealed_over_one_epoch_is_by_size_and_finite():
    np.testing.assert_allclose(annealed(1)(SIZES, 0), SIZES / 3000)
    np.testing.assert_allclose(annealed(1)(SIZES, 1), SIZES / 3000)


def test_large_sizes_do_not_overflow():
    assert np.isfinite(by_temperature(1.0)(np.array([10**12, 1]), 0)).all()


def test_bad_numbers_and_functions_are_refused():
    with pytest.raises(ValueError, match="`temperature`"):
        by_temperature(0.5)
    with pytest.raises(ValueError, match="`epochs`"):
        annealed(0)
    for wrong in ([1, 2], [0, 0, 0], [1, np.nan, 1], [1, -1, 1]):
        with pytest.raises(ValueError, match="must return 3 finite weights"):
            as_sampling(lambda sizes, epoch, wrong=wrong: wrong)(SIZES, 0)
