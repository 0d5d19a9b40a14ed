"""Hypermodels: what they declare and build, in the hands of keras-tuner itself, and what they refuse."""

import json

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task, architectures, trunks, tuning
from mtlzoo.balancing import FAMO
from tests.tuning import toy


@pytest.fixture
def eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def built(made, **values):
    """The model of chosen values."""
    hp = keras_tuner.HyperParameters()
    hp.values = values
    return made.build(hp)


def test_arguments_of_some_architectures_are_searched_with_these_alone():
    choices = {"tower": [(5,), (3,)], "experts": [2, 4], "frozen": [()]}
    made = tuning.hypermodel(toy.template(), "a", architectures=["hard_sharing", "mmoe"], arguments=choices)
    hp = keras_tuner.HyperParameters()
    made.declare_hyperparameters(hp)
    space = {one.name: one for one in hp.space}
    assert list(space) == ["architecture", "tower", "experts", "alpha_b"]
    assert space["architecture"].default == "hard_sharing" and space["tower"].default == "(3,)", "the template's own are the defaults"
    assert [(one.name, one.values) for one in space["experts"].conditions] == [("architecture", ["mmoe"])] and not space["tower"].conditions
    assert hp.values == {"architecture": "hard_sharing", "tower": "(3,)", "alpha_b": 1.0}


def test_the_default_is_the_template_again():
    template = toy.template()
    model = built(tuning.hypermodel(template, "a"))
    assert dict(model.alphas) == {"a": 0.5, "b": 1.0}
    assert json.dumps(model.get_config()["builder"]) == json.dumps(template.get_config()["builder"])
    for mine, theirs in zip(model.get_weights(), template.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_alphas_are_the_tasks_own_and_so_stay_when_the_model_is_built_again():
    model = built(tuning.hypermodel(toy.template(), "a"), alpha_b=3.0)
    assert dict(model.alphas) == {"a": 0.5, "b": 3.0} == dict(architectures.rebuild(model).alphas)


def test_another_architecture_keeps_what_both_have_and_was_set():
    template = toy.template(trunk=trunks.mlp((7,)), balancer="uncertainty_weighting")
    model = built(tuning.hypermodel(template, "a", architectures=["mmoe"], arguments={"experts": [2]}))
    told = model.builder["arguments"]
    assert model.builder["name"] == "mmoe" and told["inputs"] == [4] and told["seed"] == 3 and told["tower"] == [3] and told["experts"] == 2
    assert told["trunk"].get_config() == template.builder["arguments"]["trunk"].get_config()
    assert type(told["optimizer"]) is keras.optimizers.SGD and model.balancer.name == "uncertainty_weighting"
    default = built(tuning.hypermodel(toy.template(tower=()), "a", architectures=["mmoe"])).builder["arguments"]["tower"]
    assert tuple(default) == architectures.get("mmoe")((4,), [Task.binary("b")]).builder["arguments"]["tower"] or default == []


def test_balancers_by_name_and_the_templates_with_its_settings():
    made = tuning.hypermodel(toy.template(balancer=FAMO(learning_rate=0.5)), "a", balancers=["famo", None, "dwa"])
    assert built(made).balancer.get_config()["learning_rate"] == 0.5
    assert built(made, balancer="none").balancer is None
    assert built(made, balancer="dwa").balancer.name == "dwa"


def test_values_of_any_kind_have_labels_and_are_made_anew():
    optimizers = {"slow": keras.optimizers.SGD(0.1), "fast": keras.optimizers.Adam(0.2)}
    made = tuning.hypermodel(toy.template(), "a", arguments={"optimizer": optimizers, "tower": [(), (2, 2)]})
    one, other = (built(made, optimizer="fast", tower="(2, 2)") for _ in range(2))
    assert float(one.optimizer.learning_rate) == pytest.approx(0.2) and one.optimizer is not other.optimizer is not optimizers["fast"]
    assert one.builder["arguments"]["tower"] == [2, 2]


def test_keras_tuners_own_tuners_take_it(tmp_path, eagerly):
    template, (x, y) = toy.template(), toy.rows()
    before = template.get_weights()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        made = tuning.hypermodel(template, {"a": 1.0, "b": 2.0})
        assert [(made.objective.name, made.objective.direction)] == [("val_objective", "max")]
        tuner = keras_tuner.RandomSearch(made, objective=made.objective, max_trials=2, directory=tmp_path, seed=1)
        seen = []
        stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
        made_fit = made.fit
        made.fit = lambda hp, model, *args, callbacks, **kwargs: made_fit(hp, model, *args, callbacks=[*callbacks, stop], **kwargs)
        tuner.search(x, y, validation_data=(x, y), epochs=2, verbose=0)
        assert keras.config.dtype_policy().name == "mixed_bfloat16", "clearing Keras' session does not change the policy"
    finally:
        keras.config.set_dtype_policy("float32")
    for logs in seen:
        assert logs["val_objective"] == pytest.approx(2 * logs["val_b_auc"] - logs["val_a_mae"])
    assert len(seen) == 4 and len(tuner.oracle.trials) == 2
    assert tuner.oracle.get_best_trials()[0].score == max(logs["val_objective"] for logs in seen)
    for mine, theirs in zip(before, template.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    template.fit(x, y, verbose=0)


def test_keras_tuners_callback_does_not_keep_steps_from_being_bundled(tmp_path):
    class Watching(keras_tuner.RandomSearch):
        def on_batch_end(self, trial, model, batch, logs=None):
            """Looks at every step."""

    from keras_tuner.src.engine.tuner_utils import TunerCallback

    from mtlzoo._executions import looks_at_steps
    from mtlzoo.tuning import _hypermodel

    made = tuning.hypermodel(toy.build, toy.BOTH)
    for tuner, looks in [(keras_tuner.RandomSearch, False), (Watching, True)]:
        callback = TunerCallback(tuner(made, objective=made.objective, directory=tmp_path, project_name=tuner.__name__), None)
        assert looks_at_steps(callback)
        _hypermodel._let_bundle(callback)
        assert looks_at_steps(callback) is looks


def test_a_trial_that_diverges_is_failed_and_validation_must_be_there(tmp_path):
    def build(hp):
        model = toy.build(hp)
        model.optimizer.learning_rate = 1e30 if hp.Choice("far", [0, 1]) else 0.25
        return model

    made = tuning.hypermodel(build, toy.BOTH, alphas="fixed")
    tuner = keras_tuner.GridSearch(made, objective=made.objective, directory=tmp_path)
    tuner.search(toy.DATA, validation_data=toy.DATA, epochs=4, verbose=0)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED"]
    assert tuner.oracle.get_best_trials()[0].hyperparameters.values == {"far": 0}
    tuner = keras_tuner.GridSearch(made, objective=made.objective, directory=tmp_path, overwrite=True)
    with pytest.raises(keras_tuner.errors.FatalValueError, match="`validation_data` must be given"):
        tuner.search(toy.DATA, verbose=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architectures": ["mmo"]}, "Did you mean 'mmoe'"),
        ({"architectures": []}, "at least one name"),
        ({"architectures": ["mmoe", "mmoe"]}, "once"),
        ({"balancers": ["pcgrd"]}, "Did you mean 'pcgrad'"),
        ({"arguments": {"expert": [1]}, "architectures": ["mmoe"]}, "Did you mean 'experts'"),
        ({"arguments": {"experts": [2, 4]}}, "`arguments key` must be one of"),
        ({"arguments": {"seed": [1, 2]}}, "must not hold 'seed'"),
        ({"arguments": {"tower": []}}, "at least one value"),
        ({"arguments": {"tower": [(), ()]}}, "each value once"),
        ({"alphas": "lgo"}, "Did you mean 'log'"),
        ({"objective": "val_loss"}, "smallest alphas would win"),
        ({"objective": "delta_m"}, "results of single-task models"),
        ({"seed": -1}, "`seed` must be"),
    ],
)
def test_bad_values_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tuning.hypermodel(toy.template(), **{"objective": "a", **changes})


def test_bad_types_and_builders_are_refused():
    for changes, message in [
        ({"architectures": "mmoe"}, "a list of names"),
        ({"arguments": {"tower": 3}}, "a list of values or a dict"),
        ({"arguments": {"optimizer": [keras.optimizers.SGD()]}}, "as a dict of label to value"),
    ]:
        with pytest.raises(TypeError, match=message):
            tuning.hypermodel(toy.template(), "a", **changes)
    for builder in ("hard_sharing", architectures.hard_sharing, keras.Sequential):
        with pytest.raises(TypeError, match="`builder` must be a"):
            tuning.hypermodel(builder, "a")
    with pytest.raises(TypeError, match="must return a mtlzoo.MultiTaskModel"):
        tuning.hypermodel(lambda hp: keras.Sequential(), "a")
    with pytest.raises(ValueError, match="made by a builder"):
        tuning.hypermodel(toy.build(None), "one")
    with pytest.raises(ValueError, match="let build.hp. declare it"):
        tuning.hypermodel(toy.build, "one", balancers=["dwa"])
    with pytest.raises(ValueError, match="must not be named 'score'"):
        tuning.hypermodel(lambda hp: hp.Int("score", 1, 2) and toy.build(hp), "one")
