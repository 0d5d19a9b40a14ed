"""`conditionals`: the factors behind joint probabilities."""

import keras

from mtlzoo import checks
from mtlzoo.layers import Joint
from mtlzoo.model import MultiTaskModel


def conditionals(model: MultiTaskModel) -> keras.Model:
    """Returns a model of what each task's own head says: its probability given that its parents happened, not the joint one.

    Args:
        model: a model of `chained`, `esmm` or `escm2`, new or loaded from its file. Its weights are shared, not copied.

    Returns:
        A Keras model of the same inputs, with the outputs `{task.name: [batch, task.units]}`: for tasks of the chain the conditional
        probability, such as the conversion rate given a click; for others what `model` gives.

    Raises:
        TypeError: `model` is no `MultiTaskModel`.
        ValueError: no output of it is a joint probability.

    Source: pCVR of Ma et al., SIGIR 2018.

    >>> from mtlzoo import Task
    >>> from mtlzoo.architectures import chained
    >>> model = chained((8,), [Task.binary("click"), Task.binary("buy")], seed=0)
    >>> x = keras.ops.ones((1, 8))
    >>> rates, joint = conditionals(model)(x), model(x)
    >>> bool(abs(rates["click"] * rates["buy"] - joint["buy"]) < 1e-6)
    True
    """
    checks.instance("model", model, MultiTaskModel, "a MultiTaskModel")
    found, joint = dict(model.output), False
    for name, output in model.output.items():
        history = output._keras_history
        if isinstance(history.operation, Joint):
            *before, own = history.operation._inbound_nodes[history.node_index].input_tensors
            found[name], joint = Joint(name=f"{name}_conditional", dtype="float32")([own]), joint or bool(before)
    if not joint:
        raise ValueError(f"`model` must have joint probabilities as outputs, as 'chained' and 'esmm' give them; {model.name!r} has none.")
    return keras.Model(model.input, found, name=f"{model.name}_conditionals")
