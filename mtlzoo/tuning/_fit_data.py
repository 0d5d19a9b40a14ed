"""Training data of a search as arguments of `keras.Model.fit`."""

from mtlzoo.callbacks import SameOrder


def fit_arguments(train, validation, epochs, callbacks=True):
    """Returns the arguments of `fit` for a data set, or for a tuple of arrays (x, y) or (x, y, weights).

    Args:
        train: what is trained on.
        validation: what is validated on, or None.
        epochs: passes over the data.
        callbacks: whether the order of a mixture is set by the epoch.
    """
    parts = dict(zip(("x", "y", "sample_weight"), train, strict=False)) if isinstance(train, tuple) else {"x": train}
    own = {"callbacks": [SameOrder(parts["x"])]} if callbacks else {}
    return {**parts, "validation_data": validation, "epochs": epochs, "verbose": 0, **own}


def check(argument, data):
    """Checks that data are there and have a form that `fit` takes."""
    if data is None or (isinstance(data, tuple) and len(data) not in (2, 3)):
        received = "None" if data is None else f"a tuple of {len(data)}"
        raise ValueError(f"`{argument}` must be a tf.data.Dataset or a tuple (x, y) or (x, y, weights); received {received}.")
