"""`settle`: a model that has learnt without forgetting, without its teacher."""

from mtlzoo.growth import _graph
from mtlzoo.model import MultiTaskModel


def settle(model: MultiTaskModel, *, optimizer="adam", balancer=None) -> MultiTaskModel:
    """Returns a copy of a model without the frozen teachers that `add_task(..., how="lwf")` put in; outputs are the same.

    Args:
        model: the model; one without a teacher is copied as it is.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.

    Returns:
        A compiled `MultiTaskModel` that shares nothing with the first.

    Raises:
        TypeError: `model` is no `MultiTaskModel`.

    Source: the house: a teacher is for training, and doubles the weights of a file.

    >>> from mtlzoo import Task, architectures, growth
    >>> model = architectures.hard_sharing((3,), [Task.binary("a")], trunk="mlp", seed=0)
    >>> grown = growth.add_task(model, Task.regression("b"), how="lwf")
    >>> settle(grown).count_params() == grown.count_params() - model.count_params()
    True
    """
    copy = _graph.copied(model)
    outputs, representation = _graph.without_teachers(copy)
    plain = MultiTaskModel(copy.input, outputs, tasks=model.tasks, representation=representation, name=model.name)
    plain.compile(optimizer, loss_weights=dict(model.alphas), balancer=balancer)
    return plain
