import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task
from mtlzoo.data import annealed, by_temperature, mixed, start_at

A, B = Task.multiclass("a", 100), Task.regression("b")
SIZES = {"a": 30, "b": 10}
ARRAYS = {
    "a": (np.arange(30, dtype="float32")[:, None], np.arange(30)),
    "b": (np.arange(100, 110, dtype="float32")[:, None], np.arange(10.0)),
}
STREAMS = {name: tf.data.Dataset.from_tensor_slices(pair) for name, pair in ARRAYS.items()}
BOTH = pytest.mark.parametrize("data", [ARRAYS, STREAMS, {**ARRAYS, "b": STREAMS["b"]}], ids=["memory", "stream", "half"])


def rows(mixture):
    return [int(row) for x, _, _ in mixture.as_numpy_iterator() for row in x[:, 0]]


@BOTH
def test_each_example_carries_the_labels_of_its_own_task(data):
    seen = 0
    for x, y, weights in mixed(data, [A, B], batch_size=16):
        x, from_a = x[:, 0].numpy(), x[:, 0].numpy() < 100
        np.testing.assert_array_equal(weights["a"], from_a)
        np.testing.assert_array_equal(weights["b"], ~from_a)
        np.testing.assert_array_equal(y["a"], np.where(from_a, x, 0))
        np.testing.assert_array_equal(y["b"], np.where(from_a, 0, x - 100))
        seen += len(x)
    assert seen == 40


@BOTH
def test_an_epoch_by_size_is_every_row_once_and_mixed(data):
    mixture = mixed(data, [A, B], batch_size=16)
    everything = [*range(30), *range(100, 110)]
    epochs = [rows(mixture) for _ in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [everything, everything]
    assert epochs[0] != epochs[1]
    assert int(mixture.cardinality()) == 3
    first = epochs[0][:20]
    assert any(row < 100 for row in first) and any(row >= 100 for row in first)


@BOTH
def test_no_shuffle_gives_one_data_set_after_the_other_in_order(data):
    assert rows(mixed(data, [A, B], batch_size=16, shuffle=False)) == [*range(30), *range(100, 110)]


@BOTH
@pytest.mark.parametrize(
    "sampling", ["size", "uniform", by_temperature(3.0), annealed(3)], ids=["size", "uniform", "temperature", "annealed"]
)
def test_the_seed_repeats_all_epochs_and_any_epoch_can_be_had_again(data, sampling):
    def make():
        return mixed(data, [A, B], batch_size=16, sampling=sampling, seed=7)

    first, again = make(), make()
    epochs = [rows(first) for _ in range(3)]
    keras.utils.set_random_seed(5)
    assert [rows(again) for _ in range(3)] == epochs
    assert rows(start_at(make(), 2)) == epochs[2]
    assert rows(start_at(again, 1)) == epochs[1]


@BOTH
def test_draws_follow_the_probabilities_and_go_through_all_rows_before_any_comes_again(data):
    mixture = mixed(data, [A, B], batch_size=16, sampling="uniform", epoch_size=1000)
    drawn = rows(mixture)
    counts = {"a": sum(row < 100 for row in drawn), "b": sum(row >= 100 for row in drawn)}
    assert counts["a"] + counts["b"] == 1000
    assert abs(counts["a"] - 500) < 4 * np.sqrt(250)
    for name, size in SIZES.items():
        own = [row for row in drawn if (row < 100) == (name == "a")]
        passes = [own[start : start + size] for start in range(0, len(own) - size + 1, size)]
        assert all(len(set(part)) == size for part in passes)
        assert passes[0] != passes[1]


def test_a_pass_goes_on_in_the_next_epoch():
    mixture = mixed(ARRAYS, [A, B], sampling="uniform", epoch_size=15)
    drawn = [row for _ in range(6) for row in rows(mixture) if row < 100]
    assert len(set(drawn[:30])) == 30


def test_annealed_sampling_draws_by_size_first_and_nearly_uniformly_at_the_end():
    mixture = mixed(ARRAYS, [A, B], sampling=annealed(4), epoch_size=20_000, batch_size=1000)
    shares = [np.mean([row < 100 for row in rows(mixture)]) for _ in range(5)]
    wanted = [30**a / (30**a + 10**a) for a in (1, 1 - 0.8 / 3, 1 - 1.6 / 3, 0.2, 0.2)]
    np.testing.assert_allclose(shares, wanted, atol=0.02)


def test_a_function_may_say_the_probabilities():
    assert all(row >= 100 for row in rows(mixed(ARRAYS, [A, B], sampling=lambda sizes, epoch: [0, 1])))


@pytest.mark.parametrize("source", [ARRAYS, STREAMS], ids=["memory", "stream"])
def test_a_list_of_data_sets_counts_as_one(source):
    data = {"a": [source["a"], source["a"]], "b": source["b"]}
    assert sorted(rows(mixed(data, [A, B]))) == sorted([*range(30), *range(30), *range(100, 110)])
    drawn = rows(mixed(data, [A, B], sampling="uniform", epoch_size=2000))
    assert abs(np.mean([row < 100 for row in drawn]) - 0.5) < 0.06


def test_a_data_set_may_label_several_tasks():
    x = np.zeros((4, 1), "float32")
    data = {"both": (x, {"a": [1, -1, 2, 3], "b": [np.nan, 1, 2, 3]}), "b": (x, [4.0] * 4)}
    (_, _, weights), *_ = mixed(data, [A, B], shuffle=False)
    assert weights["a"].numpy().tolist() == [1, 0, 1, 1, 0, 0, 0, 0]
    assert weights["b"].numpy().tolist() == [0, 1, 1, 1, 1, 1, 1, 1]


@BOTH
def test_the_last_batch_may_be_dropped(data):
    mixture = mixed(data, [A, B], batch_size=16, drop_remainder=True)
    assert [len(x) for x, _, _ in mixture] == [16, 16]
    assert int(mixture.cardinality()) == 2


def test_a_cached_stream_is_decoded_once():
    seen = []

    def spied(row):
        return tf.ensure_shape(tf.numpy_function(lambda i: seen.append(i) or i, [row], tf.float32), (1,))

    data = {name: stream.map(lambda x, y: (spied(x), y)) for name, stream in STREAMS.items()}
    mixture = mixed(data, [A, B], cache=True, shuffle=2)
    uniform = mixed(data, [A, B], cache=True, shuffle=2, sampling="uniform", epoch_size=10)
    epochs = [rows(mixture) for _ in range(3)]
    assert len(rows(uniform)) == len(rows(uniform)) == 10
    assert len(seen) == 80
    assert sorted(epochs[0]) == sorted(epochs[2])


def test_keras_trains_on_it_and_a_resumed_run_ends_like_the_whole_one():
    def model():
        keras.utils.set_random_seed(1)
        x = keras.Input((1,))
        heads = {"a": keras.layers.Dense(100, activation="softmax", name="a")(x), "b": keras.layers.Dense(1, name="b")(x)}
        model = keras.Model(x, heads)
        losses = {task.name: task.make_loss() for task in (A, B)}
        model.compile("sgd", losses, weighted_metrics={task.name: task.make_metrics() for task in (A, B)})
        return model

    def fit(model, first, last):
        train = mixed(ARRAYS, [A, B], batch_size=8, normalize=None)
        follow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: start_at(train, epoch))
        model.fit(
            train.map(lambda x, y, w: (x / 100, y, w)), initial_epoch=first, epochs=last, verbose=0, callbacks=[follow], shuffle=False
        )

    whole, resumed, middle = model(), model(), model()
    fit(whole, 0, 4)
    fit(middle, 0, 2)
    resumed.set_weights(middle.get_weights())
    fit(resumed, 2, 4)
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_it_runs_under_a_mirrored_strategy():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        mixture = mixed(ARRAYS, [A, B], batch_size=16)
    parts = [part for batch in strategy.experimental_distribute_dataset(mixture) for part in strategy.experimental_local_results(batch[0])]
    assert sorted(int(row) for part in parts for row in part[:, 0]) == [*range(30), *range(100, 110)]


IMAGES = np.zeros((4, 8, 8, 1), "uint8")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "at least one data set"),
        ({"a": ARRAYS["a"]}, "no data set labels 'b'"),
        ({"aa": ARRAYS["a"], "b": ARRAYS["b"]}, "received 'aa'. Did you mean 'a'"),
        ({"a": [], "b": ARRAYS["b"]}, "'a' must hold at least one data set"),
        ({"a": (IMAGES, [0] * 4), "b": (IMAGES[:, :7], [0] * 4)}, r"\(8, 8, 1\) uint8 in 'a' and \(7, 8, 1\) uint8 in 'b'"),
        ({"a": (IMAGES, [0] * 4), "b": (IMAGES / 255, [0] * 4)}, r"\(8, 8, 1\) uint8 in 'a' and \(8, 8, 1\) float64 in 'b'"),
        ({"a": (IMAGES, [0] * 3), "b": ARRAYS["b"]}, "task 'a' must be as many as the inputs, 4"),
        ({"a": (IMAGES[:0], []), "b": ARRAYS["b"]}, "'a' must not be empty"),
    ],
)
def test_bad_data_is_refused_at_once(data, message):
    with pytest.raises(ValueError, match=message):
        mixed(data, [A, B])


def test_bad_streams_and_options_are_refused_at_once():
    with pytest.raises(ValueError, match="assert_cardinality"):
        mixed({**STREAMS, "b": STREAMS["b"].filter(lambda x, y: True)}, [A, B])
    with pytest.raises(ValueError, match="endless"):
        mixed({**STREAMS, "b": STREAMS["b"].repeat()}, [A, B])
    with pytest.raises(ValueError, match="`epoch_size` is not for"):
        mixed(ARRAYS, [A, B], epoch_size=10)
    with pytest.raises(ValueError, match="Did you mean 'uniform'"):
        mixed(ARRAYS, [A, B], sampling="unifrom")
    with pytest.raises(ValueError, match=r"annealed\(epochs=10\)"):
        mixed(ARRAYS, [A, B], sampling="annealed")
    with pytest.raises(TypeError, match="dict of data sets"):
        mixed(ARRAYS["a"], [A, B])
    with pytest.raises(ValueError, match="unlike names"):
        mixed(ARRAYS, [A, A])
