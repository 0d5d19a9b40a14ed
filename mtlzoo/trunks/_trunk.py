"""`Trunk`: what reads the input, as an ordered list of stages that an architecture may copy, share or take apart."""

from collections.abc import Mapping, Sequence

import keras

from mtlzoo import checks, seeds
from mtlzoo.layers import stacked
from mtlzoo.layers.stacked import WEIGHTLESS

# Layers that give up the places of maps and sequences.
_FLATTENING = (
    keras.layers.Flatten,
    *(getattr(keras.layers, f"Global{kind}Pooling{rank}D") for kind in ("Max", "Average") for rank in (1, 2, 3)),
)


class Stage:
    """One copied stage of a trunk: fresh layers, applied in order.

    Args:
        name: the stage's name in the trunk.
        layers: the Keras layers of this copy.
        weights: for each layer None, or the weights that its template had.

    Source: the stage protocol of the house.

    >>> Stage("dense1", [keras.layers.Dense(3)], [None])(keras.ops.ones((2, 5))).shape
    TensorShape([2, 3])
    """

    def __init__(self, name: str, layers: Sequence[keras.layers.Layer], weights: Sequence):
        self.name = name
        self.layers = tuple(layers)
        self._weights = list(weights)

    def __call__(self, x):
        """Applies the layers; the first call builds them, and gives them their template's weights if it had any."""
        for index, layer in enumerate(self.layers):
            if self._weights[index] is not None and not layer.built:
                layer.build(keras.tree.map_structure(lambda tensor: tensor.shape, x))
            self._start_once(index)
            x = layer(x)
        return x

    @property
    def has_start(self) -> bool:
        """Whether the stage starts with weights that its template had."""
        return any(weights is not None for weights in self._weights)

    def start(self):
        """Gives the layers, which must be built, their template's weights if it had any; for those who apply `layers` themselves."""
        for index in range(len(self.layers)):
            self._start_once(index)

    def freeze(self):
        """Makes the stage's weights fixed; batch normalisation then runs on its stored statistics."""
        for layer in self.layers:
            layer.trainable = False

    def _start_once(self, index):
        weights, self._weights[index] = self._weights[index], None
        if weights is not None:
            self._start(self.layers[index], weights)

    def _start(self, layer, weights):
        layer.set_weights(weights)


class StackedStage(Stage):
    """N copies of one stage, run as one: from [batch, N or 1, ...] to [batch, N or 1, ...].

    Axis 1 of the input holds what each copy reads, or one entry that all of them read (`mtlzoo.layers.ForAll` makes it). The
    output has one entry as long as no layer tells the copies apart, such as in a stage that only flattens.

    Args:
        name: the stage's name in the trunk.
        layers: stacked layers, such as `mtlzoo.layers.stacked` makes them.
        weights: for each layer None, or the weights that every copy of it starts with.

    Source: the stage protocol of the house.

    >>> stage = StackedStage("dense1", [stacked(keras.layers.Dense(3), copies=4)], [None])
    >>> stage(keras.ops.ones((2, 1, 5))).shape
    TensorShape([2, 4, 3])
    """

    def _start(self, layer, weights):
        for copy in layer.copies:
            layer.set_copy_weights(copy, weights)


@keras.saving.register_keras_serializable(package="mtlzoo")
class Trunk:
    """Stages of Keras layers, kept as templates: every `copy` gives fresh layers.

    Args:
        stages: dict of stage name to a layer, a list of layers, or a whole `keras.Model`; applied in order. Layers
            that are built keep their weights in every copy (a pretrained trunk).

    Raises:
        ValueError: there is no stage, a stage is empty, or a layer stands twice in one stage.
        TypeError: something is no Keras layer.

    Source: the stage protocol of the house: an architecture applies the stages once, makes one copy a task or an
        expert, or puts something between the stages.

    >>> trunk = Trunk({"read": [keras.layers.Flatten(), keras.layers.Dense(8)], "think": keras.layers.Dense(4)})
    >>> trunk.names
    ('read', 'think')
    >>> [layer.name for stage in trunk.copy("digit") for layer in stage.layers]
    ['digit_read_flatten', 'digit_read_dense', 'digit_think_dense']
    """

    def __init__(self, stages: Mapping[str, keras.layers.Layer | Sequence[keras.layers.Layer]]):
        checks.instance("stages", stages, Mapping, "a dict of stage name to Keras layers")
        if not stages:
            raise ValueError("`stages` must hold at least one stage; received none.")
        self._stages = {name: _as_layers(name, layers) for name, layers in stages.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stages, in order."""
        return tuple(self._stages)

    def copy(self, prefix: str = "", seed: int | None = None) -> tuple[Stage, ...]:
        """Returns fresh stages, to be applied in order.

        Args:
            prefix: put before the layers' names, such as a task's name; decides their seeds too.
            seed: the one seed that all initial weights and dropouts follow from; None leaves them to Keras.

        Returns:
            A tuple of `Stage`.
        """
        return tuple(
            Stage(stage, [_copied(layer, prefix, stage, role, seed) for role, layer in roles], _weights(roles))
            for stage, roles in self._roles(seed)
        )

    def stacked(
        self, names: Sequence[str], seed: int | None = None, *, prefix: str = "stacked", slices: str | None = None
    ) -> tuple[StackedStage, ...]:
        """Returns fresh stages of several copies that run as one, to be applied in order.

        Args:
            names: the copies' names, such as those of tasks or experts. A copy starts with exactly the weights that
                `copy(name, seed)` gives.
            seed: the one seed that all initial weights and dropouts follow from; None leaves them to Keras.
            prefix: put before the names of the layers.
            slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.

        Returns:
            A tuple of `StackedStage`.

        Raises:
            ValueError, TypeError: an argument is not as said above.
        """
        made = []
        for stage, roles in self._roles(seed):
            fresh = []
            for role, layer in roles:
                copies = [_copied(layer, name, stage, role, seed) for name in names]
                fresh.append(stacked(copies, names, slices=slices, name=f"{prefix}_{stage}_{role}"))
            made.append(StackedStage(stage, fresh, _weights(roles)))
        return tuple(made)

    def behind(self, layer: keras.layers.Layer) -> "Trunk":
        """Returns the same trunk with a layer in front of its first stage, as a part of that stage.

        Args:
            layer: a Keras layer whose output the first stage reads.

        Returns:
            A `Trunk` whose weights start as those of this one.
        """
        first, *_ = self._stages
        return Trunk({**self._stages, first: [layer, *self._stages[first]]})

    def flattening_apart(self) -> "Trunk":
        """Returns the same trunk with the flattening at the end of a stage as a stage of its own, called `<stage>_flat`.

        Flattening is `Flatten` or a global pooling, with what follows it in its stage without weights, such as dropout. Architectures
        that put something behind the stages read channels there, where the stage as it was gives one long vector.

        Returns:
            A `Trunk` whose weights start as those of this one.
        """
        stages = {}
        for name, layers in self._stages.items():
            end = _end_of_places(layers)
            parts = {name: layers[:end], _free(f"{name}_flat", self._stages): layers[end:]} if end else {name: layers}
            stages |= {part: held for part, held in parts.items() if held}
        return Trunk(stages)

    def without_flattening(self) -> "Trunk":
        """Returns the trunk without the flattening at its end, so that it ends in maps or a sequence where it has any.

        Returns:
            A `Trunk` whose weights start as those of this one; a trunk that does nothing but flatten stays as it is.
        """
        kept = dict(self.flattening_apart()._stages)
        while len(kept) > 1 and _end_of_places(list(kept.values())[-1]) == 0:
            kept.popitem()
        return Trunk(kept)

    def get_config(self) -> dict:
        """Returns the stages' layers as configurations."""
        return {"stages": {name: [keras.saving.serialize_keras_object(layer) for layer in layers] for name, layers in self._stages.items()}}

    @classmethod
    def from_config(cls, config: Mapping) -> "Trunk":
        """Makes the trunk from what `get_config` returned."""
        read = keras.saving.deserialize_keras_object
        return cls({name: [read(layer) for layer in layers] for name, layers in config["stages"].items()})

    def _roles(self, seed):
        """Stages as pairs of name and list of (role, layer), once the seed is known to be one."""
        if seed is not None:
            checks.integer("seed", seed)
        return [(stage, list(zip(_roles(layers), layers, strict=True))) for stage, layers in self._stages.items()]

    def __eq__(self, other):
        return isinstance(other, Trunk) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash(self.names)


def _as_layers(name, layers):
    checks.instance("stages key", name, str, "a string")
    layers = (layers,) if isinstance(layers, keras.layers.Layer) else tuple(layers)
    if not layers:
        raise ValueError(f"`stages[{name!r}]` must hold at least one layer; received none.")
    if len({id(layer) for layer in layers}) < len(layers):
        raise ValueError(f"`stages[{name!r}]` must not hold a layer twice: a copy would be two layers that share no weights.")
    for layer in layers:
        checks.instance(f"stages[{name!r}]", layer, keras.layers.Layer, "Keras layers")
    return layers


def _roles(layers):
    """Names of the layers inside their stage: what they are, numbered where one kind stands more than once."""
    kinds = [_role(layer) for layer in layers]
    return [kind if kinds.count(kind) == 1 else f"{kind}{kinds[: index + 1].count(kind)}" for index, kind in enumerate(kinds)]


def _end_of_places(layers):
    """Where the flattening at the end of a stage begins."""
    for index, layer in enumerate(layers):
        if isinstance(layer, _FLATTENING) and all(type(one) in WEIGHTLESS for one in layers[index:]):
            return index
    return len(layers)


def _free(name, taken):
    return _free(f"{name}_", taken) if name in taken else name


def _role(layer):
    name = type(layer).__name__
    short = {"Conv2D": "conv", "Conv1D": "conv", "MaxPooling2D": "pool", "BatchNormalization": "norm"}
    return short.get(name, "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_"))


def _copied(layer, prefix, stage, role, seed):
    name, config = f"{prefix}_{stage}_{role}" if prefix else f"{stage}_{role}", layer.get_config()
    if seed is not None or prefix:
        config = seeds.reseed(config, seed, name)
    return type(layer).from_config({**config, "name": name})


def _weights(roles):
    """For each layer None, or the weights that it has."""
    return [layer.get_weights() if layer.built and layer.weights else None for _, layer in roles]
