"""What every layer must do that architectures are made of, whichever it is."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo.layers

PUBLIC = {name: item for name, item in vars(mtlzoo.layers).items() if inspect.isclass(item)}
L = keras.layers


def teacher():
    x = keras.Input((3,), name="x")
    return keras.Model(x, {"one": L.Dense(2, activation="softmax", name="one")(x)}, name="teacher")


# A layer with its options, and the shapes of what it reads, without the batch.
MAKERS = {
    "Adapter": (lambda: PUBLIC["Adapter"](3, start="glorot_uniform", seed=1), [(5, 5, 4)]),
    "AdaptiveTransfer": (lambda: PUBLIC["AdaptiveTransfer"](("a", "b", "c"), seed=3), [(3, 4)]),
    "Branching": (
        lambda: PUBLIC["Branching"](("x", "y"), ("a", "b", "c"), temperature=(2.0, 0.5), steps=9, seed=3, slices="tasks"),
        [(2, 4)],
    ),
    "Calibrator": (lambda: PUBLIC["Calibrator"](0.3), [(3,), (3,)]),
    "Counterfactual": (lambda: PUBLIC["Counterfactual"]("dr", weight=0.5, clip=0.1, click="a", conversion="b"), [(1,), (1,), (1,)]),
    "CrossStitch": (lambda: PUBLIC["CrossStitch"](("a", "b"), per_channel=True, own=0.7, slices="tasks"), [(2, 4)]),
    "DSelectK": (lambda: PUBLIC["DSelectK"](("x", "y", "z"), ("a", "b"), entropy=0.1, seed=3, slices="tasks"), [(1, 5)]),
    "Distillation": (lambda: PUBLIC["Distillation"](teacher(), {"one": "softmax"}, coefficient=0.5), [(2,), (3,)]),
    "FeatureTokens": (lambda: PUBLIC["FeatureTokens"](6, seed=3), [(4,)]),
    "FiLM": (lambda: PUBLIC["FiLM"](("a", "b"), slices="tasks"), [(1, 4)]),
    "Fold": (lambda: PUBLIC["Fold"](2), [(2, 5)]),
    "Folded": (lambda: PUBLIC["Folded"](L.MaxPooling2D(2), ("a", "b")), [(2, 4, 4, 3)]),
    "ForAll": (lambda: PUBLIC["ForAll"](), [(5,)]),
    "ForEach": (lambda: PUBLIC["ForEach"](3), [(2, 5)]),
    "FusionGates": (lambda: PUBLIC["FusionGates"](("x", "y", "z", "w"), ("a",), own=2, first=1, seed=3, slices="tasks"), [(1, 5)]),
    "Gates": (lambda: PUBLIC["Gates"](("x", "y", "z"), ("a", "b"), seed=3, slices="tasks"), [(1, 5)]),
    "GroupAttention": (lambda: PUBLIC["GroupAttention"](("a", "b"), ("x",), 2, temperature=0.5, seed=3, slices="tasks"), [(5, 3)]),
    "Joint": (lambda: PUBLIC["Joint"](), [(3,), (3,)]),
    "JointAttention": (lambda: PUBLIC["JointAttention"](("a", "b"), 2, tasks_see_tasks=False, only_tasks=True, seed=3), [(5, 4)]),
    "L2Distance": (lambda: PUBLIC["L2Distance"]([PUBLIC["StackedDense"](L.Dense(4), ("a", "b"), slices="tasks")]), [(2, 5)]),
    "Mixture": (lambda: PUBLIC["Mixture"](), [(3, 2), (2, 4, 3)]),
    "NDDR": (lambda: PUBLIC["NDDR"](("a", "b"), own=0.7, slices="tasks"), [(2, 3, 4)]),
    "OrthogonalSubspaces": (
        lambda: PUBLIC["OrthogonalSubspaces"]([PUBLIC["StackedConv2D"](L.Conv2D(4, 3), 2), PUBLIC["Folded"](L.MaxPooling2D(2), 2)]),
        [(1, 5, 5, 2)],
    ),
    "OwnGradientMixture": (lambda: PUBLIC["OwnGradientMixture"](), [(2, 5), (4, 5), (1, 5)]),
    "OwnMixture": (lambda: PUBLIC["OwnMixture"](), [(2, 3), (4, 5), (1, 5)]),
    "Packed": (lambda: PUBLIC["Packed"](L.Dense(4, activation="relu"), (3, 5)), [(5,)]),
    "Rotation": (lambda: PUBLIC["Rotation"](3), [(4,)]),
    "Sluice": (lambda: PUBLIC["Sluice"](("a", "b"), own=0.7, slices="tasks"), [(2, 3, 4)]),
    "StackedBatchNormalization": (lambda: PUBLIC["StackedBatchNormalization"](L.BatchNormalization(momentum=0.9), 2), [(2, 4)]),
    "StackedConv1D": (lambda: PUBLIC["StackedConv1D"](L.Conv1D(4, 3, padding="causal", activation="relu"), 2), [(1, 6, 2)]),
    "StackedConv2D": (lambda: PUBLIC["StackedConv2D"](L.Conv2D(4, 3, kernel_regularizer="l2"), 2), [(2, 5, 5, 2)]),
    "StackedDense": (lambda: PUBLIC["StackedDense"](L.Dense(4, activation="relu"), ("a", "b"), slices="tasks"), [(2, 5)]),
    "StackedLayerNormalization": (lambda: PUBLIC["StackedLayerNormalization"](L.LayerNormalization(), 2), [(2, 4)]),
    "StackedLayers": (lambda: PUBLIC["StackedLayers"](L.LayerNormalization(), 2), [(2, 5)]),
    "StageMixture": (lambda: PUBLIC["StageMixture"](("a", "b"), ("low", "high"), last=0.7), [(2, 4), (2, 4)]),
    "TableEmbedding": (lambda: PUBLIC["TableEmbedding"]((3, 4), width=4), [(2,)]),
    "TaskAttention": (lambda: PUBLIC["TaskAttention"](("a", "b"), 3, seed=3, slices="tasks"), [(1, 4), (2, 5)]),
    "TaskCombination": (lambda: PUBLIC["TaskCombination"](("a", "b"), own=0.7, slices="tasks"), [(2, 4), (2, 4)]),
    "TaskInteraction": (lambda: PUBLIC["TaskInteraction"](("a", "b")), [(2, 3), (2, 3), (2, 4)]),
    "TaskTokens": (lambda: PUBLIC["TaskTokens"](("a", "b"), seed=3, slices="tasks"), [(3, 4)]),
    "ToldPreference": (lambda: PUBLIC["ToldPreference"](), [(3, 3, 2), (2,)]),
    "TraceNorm": (
        lambda: PUBLIC["TraceNorm"]([PUBLIC["StackedConv1D"](L.Conv1D(4, 3), 2)], flattening="tt"),
        [(1, 6, 2)],
    ),
    "Unfold": (lambda: PUBLIC["Unfold"](1), [(5,)]),  # The contract's batches of 7 and 3 rows leave no other number.
    "Unstack": (lambda: PUBLIC["Unstack"](2), [(2, 5)]),
}


@pytest.fixture(params=sorted(MAKERS))
def made(request):
    """The layer, and what it reads for seven rows."""
    make, shapes = MAKERS[request.param]
    draw = np.random.default_rng(0)
    values = [draw.uniform(0.1, 1, (7, *shape)).astype("float32") for shape in shapes]
    return make(), values if len(values) > 1 else values[0]


def shapes_of(values):
    return keras.tree.map_structure(lambda part: tuple(part.shape), values)


def network(layer, x):
    inputs = keras.tree.map_structure(lambda part: keras.Input(part.shape[1:]), x)
    outputs = layer(inputs)
    return keras.Model(inputs, outputs if isinstance(outputs, (list, dict)) else [outputs])


def test_none_escapes():
    assert set(MAKERS) == set(PUBLIC)


def test_shapes_are_known_before_anything_runs(made):
    layer, x = made
    symbolic = network(layer, x).outputs
    declared = layer.compute_output_shape(shapes_of(x))
    found = [tuple(part.shape) for part in keras.tree.flatten(layer(x))]
    assert (declared if isinstance(declared, list) else [declared]) == found
    assert [tuple(part.shape) for part in symbolic] == [(None, *shape[1:]) for shape in found]


def test_configuration_round_trip(made):
    layer, x = made
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and again.name == layer.name
    layer(x), again(x)
    assert [weight.path for weight in again.weights] == [weight.path for weight in layer.weights]


def test_saved_networks_come_back_as_they_were(made, tmp_path):
    layer, x = made
    model = network(layer, x)
    layer.set_weights([weight + np.random.default_rng(0).uniform(0, 0.1, weight.shape) for weight in layer.get_weights()])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model.predict(x, verbose=0), loaded.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert getattr(loaded.layers[-1], "slices", None) == getattr(layer, "slices", None)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_in_short_numbers_and_keeps_long_weights(made, policy, request):
    layer, x = made
    wanted = keras.tree.flatten(layer(x))
    keras.config.set_dtype_policy(policy)
    try:
        mixed = MAKERS[request.node.callspec.params["made"]][0]()
    finally:
        keras.config.set_dtype_policy("float32")
    mixed(x)
    mixed.set_weights(layer.get_weights())
    assert {weight.dtype for weight in mixed.weights} <= {"float32", "int32"}
    for short, long in zip(keras.tree.flatten(mixed(x)), wanted, strict=True):
        assert short.dtype == policy.removeprefix("mixed_")
        np.testing.assert_allclose(tf.cast(short, "float32"), long, rtol=0.05, atol=0.03)


def test_every_weight_learns_and_any_batch_runs(made):
    layer, x = made
    model = network(layer, x)

    @tf.function(input_signature=[[tf.TensorSpec((None, *part.shape[1:])) for part in keras.tree.flatten(x)]])
    def gradients(values):
        with tf.GradientTape() as tape:
            outputs = keras.tree.flatten(model(values, training=True))
            loss = sum(tf.reduce_sum(tf.sin(part * (1 + tf.range(part.shape[-1], dtype="float32")))) for part in outputs)
        return tape.gradient(loss, [variable.value for variable in layer.trainable_variables])

    for rows in (7, 3):
        for variable, gradient in zip(layer.trainable_variables, gradients([part[:rows] for part in keras.tree.flatten(x)]), strict=True):
            assert gradient is not None and np.any(tf.convert_to_tensor(gradient) != 0), variable.path


def test_what_was_learnt_about_sharing_has_a_name_a_row_and_a_column(made):
    layer, x = made
    if not hasattr(layer, "sharing"):
        return
    layer(x)
    matrix = layer.sharing(x) if layer.sharing_needs_inputs else layer.sharing()
    assert matrix.shape == tuple(len(labels) for labels in layer.sharing_labels)
