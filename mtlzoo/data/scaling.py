"""`Scaling`: how inputs are normalised, a batch at a time, in the graph."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from mtlzoo import checks


@dataclasses.dataclass(frozen=True)
class Scaling:
    """Normalises inputs to (x − mean) / std, float32.

    Measure it on the training data and pass the same object to the mixtures of validation and test, so that all
    three are scaled alike: `normalize=Scaling.measured(x_train)`.

    Args:
        mean: one number, or one for each entry of the last axis.
        std: as `mean`; above 0.

    Raises:
        ValueError: `std` is not above 0, or the lengths differ.

    Source: standard scores.

    >>> scaling = Scaling.measured(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> scaling
    Scaling(mean=(2.0, 5.0), std=(1.0, 1.0))
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self):
        for name in ("mean", "std"):
            values = tuple(np.atleast_1d(np.asarray(getattr(self, name), "float64")).tolist())
            object.__setattr__(
                self, name, tuple(checks.number(name, value, low=0, strict=True) for value in values) if name == "std" else values
            )
        if len(self.mean) != len(self.std):
            raise ValueError(f"`mean` and `std` must be as long as each other; received {len(self.mean)} and {len(self.std)}.")

    @classmethod
    def measured(cls, x) -> "Scaling":
        """Measures mean and standard deviation over all axes but the last (of [rows] over all); a constant entry gets std 1."""
        x = np.asarray(x)
        axes = tuple(range(x.ndim - 1)) or None
        mean, std = x.mean(axis=axes, dtype="float64"), x.std(axis=axes, dtype="float64")
        return cls(mean=mean, std=np.where(std > 0, std, 1.0))

    def __call__(self, x):
        """Returns the normalised inputs, float32, of the shape of `x`."""
        mean, std = (values[0] if len(values) == 1 else tf.constant(values, "float32") for values in (self.mean, self.std))
        return (tf.cast(x, "float32") - mean) / std


_UNIT = Scaling(mean=(0.0,), std=(255.0,))


def scaler(normalize, spec):
    """Returns the function that normalises a batch of inputs.

    Args:
        normalize: None, "unit" (uint8 to [0, 1]), a `Scaling`, or for dict inputs a dict of these by input.
        spec: `tf.TensorSpec` of one example, or a dict of them.

    Returns:
        A function from inputs to inputs.

    Raises:
        ValueError, TypeError: an unknown choice, "unit" on other inputs than uint8, an unknown input.

    >>> float(scaler("unit", tf.TensorSpec((1,), "uint8"))(tf.constant([255], "uint8"))[0])
    1.0
    """
    if isinstance(spec, Mapping):
        choices = normalize if isinstance(normalize, Mapping) else dict.fromkeys(spec, normalize)
        for key in choices:
            checks.one_of("normalize key", key, spec)
        functions = {key: scaler(choices.get(key), spec[key]) for key in spec}
        return lambda x: {key: functions[key](value) for key, value in x.items()}
    if normalize is None:
        return lambda x: x
    if isinstance(normalize, Scaling):
        if len(normalize.mean) not in (1, spec.shape[-1] if len(spec.shape) else 1):
            raise ValueError(f"`normalize` has {len(normalize.mean)} means; the inputs have the shape {tuple(spec.shape)}.")
        return normalize
    if normalize == "standard":
        raise ValueError(
            '`normalize="standard"` would measure each split by itself; pass normalize=Scaling.measured(x_train) to every split.'
        )
    if isinstance(normalize, str):
        checks.one_of("normalize", normalize, ["unit"])
        if spec.dtype != tf.uint8:
            raise ValueError(f'`normalize="unit"` is for uint8 inputs; received {spec.dtype.name}. Use Scaling.measured(x_train).')
        return _UNIT
    raise TypeError(f'`normalize` must be None, "unit", a Scaling or (for dict inputs) a dict of these; received {normalize!r}.')
