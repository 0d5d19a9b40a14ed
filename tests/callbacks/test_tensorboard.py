"""What is in the event files, read back with TensorBoard's own reader."""

import io

import keras
import numpy as np
import pytest

from mtlzoo import AlphaSchedule, Task, architectures, trunks
from mtlzoo.callbacks import DeltaM, GradientSimilarity, TensorBoard
from tests import helpers

TASKS = [Task.multiclass("left", 3), Task.regression("left_size", alpha=0.5)]
BASE = {"left_accuracy": 0.5, "left_size_mae": 1.0}
ROWS = 24


@pytest.fixture
def data(rng):
    return rng.normal(size=(ROWS, 4)).astype("float32"), helpers.labels_for(TASKS, ROWS, rng)


def build(architecture="hard_sharing", **options):
    return architectures.get(architecture)((4,), TASKS, trunk=trunks.mlp((3,)), seed=0, **options)


def read(folder):
    """Scalars as a dict of tag to {step: value}, and images as a dict of tag to list of events."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    scalars, images = {}, {}
    for tag in events.Tags()["tensors"]:
        found = events.Tensors(tag)
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "images":
            images[tag] = [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in found]
        elif events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            assert len({event.step for event in found}) == len(found), f"{tag} is written twice"
            scalars[tag] = {event.step: float(tensor_util.make_ndarray(event.tensor_proto)) for event in found}
    return scalars, images


def test_curves_stand_by_task_and_once_and_what_is_shared_is_drawn(data, tmp_path):
    x, y = data
    model = build("mmoe", balancer="uncertainty_weighting")
    callbacks = [
        DeltaM(BASE),
        AlphaSchedule({"left": [1.0, 0.25]}),
        GradientSimilarity(data),
        TensorBoard(tmp_path, sharing_every=2, sharing_inputs=x),
    ]
    history = model.fit(x, y, validation_data=(x, y), epochs=2, verbose=0, callbacks=callbacks).history
    (training, images), (validation, _) = (read(tmp_path / run) for run in ("train", "validation"))
    check_picture(images)
    metrics = {"task/left/loss", "task/left/accuracy", "task/left_size/loss", "task/left_size/mae", "task/left_size/rmse"}
    state = {f"task/{name}/{what}" for name in ("left", "left_size") for what in ("alpha", "weight")}
    cosines = {"gradients/mean_cosine", "gradients/cosine_left_left_size"}
    assert set(training) == metrics | state | cosines | {"epoch_loss", "epoch_learning_rate", "epoch_delta_m"}
    assert set(validation) == metrics | {"epoch_loss", "epoch_delta_m", "evaluation_loss_vs_iterations"}
    for run, prefix in ((training, ""), (validation, "val_")):
        for tag in metrics | {"epoch_delta_m"}:
            key = prefix + tag.removeprefix("task/").removeprefix("epoch_").replace("/", "_")
            assert run[tag] == pytest.approx(dict(enumerate(history[key]))), tag
    assert training["task/left/weight"] == pytest.approx(dict(enumerate(history["left_weight"])))
    assert training["task/left/alpha"] == {0: 1.0, 1: 0.25} and training["task/left_size/alpha"] == {0: 0.5, 1: 0.5}
    assert training["gradients/mean_cosine"] == pytest.approx(dict(enumerate(history["mean_cosine"])))


def check_picture(images):
    """The picture of the second epoch alone, which is no plain colour."""
    from PIL import Image

    assert list(images) == ["sharing"] and [step for step, _ in images["sharing"]] == [1]
    width, height, png = images["sharing"][0][1]
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert picture.shape[:2] == (int(height), int(width)) and min(picture.shape[:2]) > 100
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


@pytest.mark.slow
def test_steps_and_evaluations_have_their_own_tags(data, tmp_path):
    x, y = data
    model = build()
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path, update_freq=2)])
    training = read(tmp_path / "train")[0]
    assert list(training["batch/left/loss"]) == list(training["batch_loss"]) == [2, 4, 6]
    assert "batch_left_loss" not in training and list(training["task/left/loss"]) == [0, 1]
    results = model.evaluate(x, y, verbose=0, return_dict=True, callbacks=[TensorBoard(tmp_path / "judged")])
    judged = read(tmp_path / "judged" / "validation")[0]
    assert judged["evaluation/left/accuracy"] == {6: pytest.approx(results["left_accuracy"])}
    assert "task/left/accuracy" not in judged


def test_it_is_keras_own_callback_and_takes_several_steps(tmp_path):
    from mtlzoo import _executions

    assert isinstance(TensorBoard(tmp_path), keras.callbacks.TensorBoard)
    assert not _executions.looks_at_steps(TensorBoard(tmp_path)) and _executions.looks_at_steps(TensorBoard(tmp_path, update_freq="batch"))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sharing_every": -1}, ValueError, "`sharing_every`"),
        ({"sharing_inputs": np.ones((2, 4))}, ValueError, "`sharing_every` must be at least 1"),
        ({"update_freq": "epochs"}, ValueError, "Did you mean 'epoch'"),
        ({"histogram_freq": -1}, ValueError, "`histogram_freq`"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        TensorBoard(tmp_path, **options)


def test_what_cannot_be_drawn_is_said_before_the_first_step(data, tmp_path):
    with pytest.raises(ValueError, match="no layer that learns how much tasks share"):
        build().fit(*data, verbose=0, callbacks=[TensorBoard(tmp_path, sharing_every=1)])
    model = build("mmoe")
    with pytest.raises(ValueError, match="`x` must be given"):
        model.fit(*data, verbose=0, callbacks=[TensorBoard(tmp_path, sharing_every=1)])
    with pytest.raises(ValueError, match="must list DeltaM in front of TensorBoard, which writes the logs"):
        model.fit(*data, verbose=0, callbacks=[TensorBoard(tmp_path), DeltaM(BASE)])
    with pytest.raises(TypeError, match="`model` must be a mtlzoo.MultiTaskModel"):
        TensorBoard(tmp_path).set_model(keras.Sequential([keras.layers.Dense(1)]))
    assert int(model.optimizer.iterations) == 0
