"""Transformer blocks over the tokens of tasks and features."""

import keras
import numpy as np
import pytest
from scipy.special import erf

from mtlzoo.layers import JointAttention

TASKS = ("a", "b", "c")


def tokens(rng, count=8):
    return rng.normal(size=(5, count, 6)).astype("float32")


def made(x, **arguments):
    layer = JointAttention(TASKS, 2, **arguments)
    layer.build(x.shape)
    draw = np.random.default_rng(1)
    layer.set_weights([weight + draw.normal(size=weight.shape) * 0.3 for weight in layer.get_weights()])
    return layer


def normed(x, norm):
    gamma, beta = (weight.numpy() for weight in norm.weights)
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * gamma + beta


def plain(layer, x, see):
    """The block in NumPy, head by head, and its attention [batch, heads, tokens, tokens]."""
    parts = {part.name: part for part in layer._flatten_layers(include_self=False)}
    h = normed(x, parts["norm1"])
    q, k, v = (h @ parts[role].kernel.numpy() + (0 if role == "key" else parts[role].bias.numpy()) for role in ("query", "key", "value"))
    index = np.arange(x.shape[1])
    allowed = (index[None] >= 3) | ((index[:, None] < 3) & (see | (index[:, None] == index[None])))
    read, found = [], []
    for head in (slice(0, 3), slice(3, 6)):
        powers = np.exp(q[..., head] @ k[..., head].swapaxes(1, 2) / np.sqrt(3)) * allowed
        found.append(powers / powers.sum(-1, keepdims=True))
        read.append(found[-1] @ v[..., head])
    x = x + np.concatenate(read, -1) @ parts["output"].kernel.numpy() + parts["output"].bias.numpy()
    inner = normed(x, parts["norm2"]) @ parts["inner"].kernel.numpy() + parts["inner"].bias.numpy()
    inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
    return x + inner @ parts["outer"].kernel.numpy() + parts["outer"].bias.numpy(), np.stack(found, 1)


@pytest.mark.parametrize("see", [True, False])
@pytest.mark.parametrize("only_tasks", [True, False])
def test_equals_the_block_written_out(see, only_tasks, rng):
    x = tokens(rng)
    layer = made(x, tasks_see_tasks=see, only_tasks=only_tasks)
    wanted, attention = plain(layer, x, see)
    np.testing.assert_allclose(layer(x), wanted[:, :3] if only_tasks else wanted, rtol=1e-3, atol=1e-4)
    mean = attention.mean((0, 1))[:3]
    np.testing.assert_allclose(layer.sharing(x), np.concatenate([mean[:, :3], mean[:, 3:].sum(-1, keepdims=True)], -1), atol=1e-5)
    np.testing.assert_allclose(layer.sharing(x).sum(-1), 1, rtol=1e-5)
    assert layer.sharing_labels == (TASKS, (*TASKS, "features"))


@pytest.mark.parametrize("see", [True, False])
def test_features_never_read_tasks_and_tasks_read_tasks_if_asked_for(see, rng):
    x = tokens(rng)
    layer, changed = made(x, tasks_see_tasks=see), x.copy()
    changed[:, 1] += rng.normal(size=6)
    before, after = np.asarray(layer(x)), np.asarray(layer(changed))
    np.testing.assert_array_equal(before[:, 3:], after[:, 3:])
    assert np.array_equal(before[:, [0, 2]], after[:, [0, 2]]) is not see
    assert np.abs(before[:, 1] - after[:, 1]).min(-1).max() > 1e-4


def test_tokens_that_are_not_there_are_not_read(rng):
    x = tokens(rng)
    layer, mask = made(x), keras.ops.array(np.arange(8) < 6) & keras.ops.ones((5, 8), "bool")
    np.testing.assert_allclose(layer(x, mask=mask)[:, :6], layer(x[:, :6]), atol=1e-5)
    assert layer.compute_mask(x, mask) is mask and made(x, only_tasks=True).compute_mask(x, mask) is None


def test_projections_start_different_and_a_seed_decides():
    def kernels(seed):
        layer = JointAttention(TASKS, 2, seed=seed)
        layer.build((None, 8, 6))
        return [weight.numpy() for weight in layer.weights if weight.shape == (6, 6)]

    one, again, other = kernels(1), kernels(1), kernels(2)
    assert len(one) == 4
    for index in range(4):
        np.testing.assert_array_equal(one[index], again[index])
        assert not any(np.array_equal(one[index], kernel) for kernel in [*other, *one[:index]])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: JointAttention(TASKS, 0), ValueError, "`heads`"),
        (lambda: JointAttention(TASKS, tasks_see_tasks=1), TypeError, "`tasks_see_tasks` must be True or False"),
        (lambda: JointAttention(TASKS, only_tasks="yes"), TypeError, "`only_tasks` must be True or False"),
        (lambda: JointAttention(TASKS, 4)(np.ones((2, 5, 6))), ValueError, "must divide the width 6"),
        (lambda: JointAttention(TASKS, 2)(np.ones((2, 3, 6))), ValueError, "tokens of 3 tasks and of features behind them"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
