"""What a search may change, and the model of one choice; without keras-tuner, whose hyperparameters are handed in."""

import dataclasses
import inspect

import keras

from mtlzoo import architectures, balancing, checks
from mtlzoo.model import MultiTaskModel
from mtlzoo.tuning._choices import Choices, names_of
from mtlzoo.tuning.alpha_space import AlphaSpace, as_space

OWN = ("inputs", "tasks", "balancer", "name", "seed")
KEPT = ("inputs", "tasks", "trunk", "optimizer", "balancer", "seed")
COLUMNS = ("trial", "status", "score", "architecture", "balancer", "epochs", "seconds", "message")
NO_BALANCER = "none"
TEMPLATE = "template/model.keras"


def make(builder, alphas="log", architectures=None, balancers=None, arguments=None):
    """Returns the space around a template model, or that of a function `build(hp)`; the arguments are those of `hypermodel`."""
    if isinstance(builder, MultiTaskModel):
        return TemplateSpace(builder, as_space(alphas), architectures, balancers, arguments)
    if not callable(builder) or isinstance(builder, type):
        raise TypeError(f"`builder` must be a MultiTaskModel or a function build(hp) that makes one; received {builder!r}.")
    try:
        inspect.signature(builder).bind(None)
    except TypeError:
        raise TypeError(f"`builder` must be a function of the hyperparameters alone, build(hp); received {builder!r}.") from None
    given = {"architectures": architectures, "balancers": balancers, "arguments": arguments}
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"`{name}` must be None where `builder` is a function: let build(hp) declare it; received {value!r}.")
    return FunctionSpace(builder, as_space(alphas))


class TemplateSpace:
    """Alphas, architectures, balancers and arguments around a model that a builder made.

    Args:
        template: the model; its tasks, inputs, trunk, optimizer and other arguments are kept.
        alphas: an `AlphaSpace`.
        architectures: list of names, or None for the template's own.
        balancers: list of names and None, or None for the template's own balancer.
        arguments: dict of builder argument to values, or None.
    """

    def __init__(self, template, alphas, names=None, balancers=None, arguments=None):
        if template.builder is None:
            raise ValueError(
                f"`builder` must be a model made by a builder of mtlzoo.architectures, or a function build(hp); {template.name!r} was not."
            )
        self.template, self.alphas = template, alphas
        record = template.builder
        self.own, self.tasks = record["name"], tuple(record["arguments"]["tasks"])
        alphas.check(self.tasks)
        known = architectures.names()
        self.architectures = [self.own] if names is None else names_of("architectures", names, known)
        self.balancers = None if balancers is None else names_of("balancers", balancers, (*balancing.names(), None))
        self.arguments = [self._choices(name, given) for name, given in (arguments or {}).items()]

    @property
    def seed(self):
        """The template's seed, or 0."""
        return self.template.builder["arguments"].get("seed") or 0

    @property
    def empty(self):
        """Whether there is nothing to search."""
        several = [self.architectures, self.balancers or (), *[choices.labels for choices in self.arguments]]
        return self.alphas.kind == "fixed" and all(len(names) < 2 for names in several)

    def declare(self, hp):
        """Declares all hyperparameters and returns the trial: architecture, balancer, alphas, arguments (labels of those that apply)."""
        found = {"architecture": self._name(hp, "architecture", self.architectures, self.own), "balancer": self._own_balancer()}
        found["arguments"] = {
            choices.name: label for choices in self.arguments if (label := self._argument(hp, choices, found)) is not None
        }
        if self.balancers is not None:
            names = [name or NO_BALANCER for name in self.balancers]
            found["balancer"] = self._name(hp, "balancer", names, self._own_balancer())
        return {**found, "alphas": self.alphas.declare(hp, self.tasks)}

    def build(self, hp):
        """Returns the compiled model of the trial, and the trial as `declare` does."""
        trial = self.declare(hp)
        return self.make(trial["architecture"], trial), trial

    def make(self, name, trial=None, alone=False):
        """Returns the model of an architecture: as the template where `trial` says nothing; `alone` with alphas of 1 and no balancer."""
        arguments = self._carried(name)
        if alone:
            arguments |= {"tasks": [task.replace(alpha=1.0) for task in self.tasks], "balancer": None}
        if trial is not None:
            alphas = trial["alphas"]
            arguments["tasks"] = [task.replace(alpha=alphas[task.name]) for task in self.tasks]
            if self.balancers is not None and trial["balancer"] != self._own_balancer():
                arguments["balancer"] = None if trial["balancer"] == NO_BALANCER else trial["balancer"]
            chosen = {choices.name: choices for choices in self.arguments}
            arguments |= {key: chosen[key].value(label) for key, label in trial["arguments"].items()}
        return architectures.get(name)(**arguments)

    def config(self):
        """Returns all that decides the space, in plain types."""
        arguments = {choices.name: choices.config() for choices in self.arguments}
        alphas = dataclasses.asdict(self.alphas)
        return {"alphas": alphas, "architectures": self.architectures, "balancers": self.balancers, "arguments": arguments}

    @classmethod
    def from_config(cls, template, config):
        """Makes the space that `config` told of."""
        made = cls(template, AlphaSpace(**config["alphas"]), config["architectures"], config["balancers"])
        made.arguments = [Choices.from_config(name, choices) for name, choices in config["arguments"].items()]
        return made

    def _name(self, hp, kind, names, own):
        """One of several names; the template's own is the default."""
        return names[0] if len(names) == 1 else hp.Choice(kind, names, default=own if own in names else names[0])

    def _own_balancer(self):
        return self.template.balancer.name if self.template.balancer is not None else NO_BALANCER

    def _argument(self, hp, choices, found):
        owners = [name for name in self.architectures if choices.name in _parameters(name)]
        if len(owners) == len(self.architectures):
            return choices.declare(hp)
        with hp.conditional_scope("architecture", owners):
            label = choices.declare(hp)
        return label if found["architecture"] in owners else None

    def _choices(self, name, given):
        if name in OWN:
            raise ValueError(f"`arguments` must not hold {name!r}, which the search itself or the template decides.")
        known = {key for architecture in self.architectures for key in _parameters(architecture)} - set(OWN)
        checks.one_of("arguments key", name, sorted(known))
        _check_column("arguments key", name)
        choices = Choices(name, given)
        if name in self.template.builder["arguments"]:
            choices.prefer(self.template.builder["arguments"][name])
        return choices

    def _carried(self, name):
        """The template's arguments for a builder: all for its own, else those that every builder has, and what was set on purpose."""
        recorded = self.template.builder["arguments"]
        if name == self.own:
            return recorded
        own, other = _parameters(self.own), _parameters(name)
        set_on_purpose = [key for key, value in recorded.items() if key in KEPT or (key != "name" and not _equal(value, own[key].default))]
        return {key: recorded[key] for key in set_on_purpose if key in other}


class FunctionSpace:
    """What a user's function `build(hp)` declares, and alphas for the tasks of the model that it makes.

    Args:
        build: the function.
        alphas: an `AlphaSpace`.
    """

    seed, empty, architectures = 0, False, None

    def __init__(self, build, alphas):
        import keras_tuner

        self.function, self.alphas = build, alphas
        hp = keras_tuner.HyperParameters()
        self.template = self._model(hp)
        self.tasks = self.template.tasks
        alphas.check(self.tasks)
        for one in hp.space:
            _check_column("hyperparameter", one.name)
        self.declared = hp.get_config()["space"]
        self.empty = alphas.kind == "fixed" and not hp.space

    def build(self, hp):
        """Returns the compiled model of the trial, and the trial."""
        model = self._model(hp)
        alphas = self.alphas.declare(hp, model.tasks)
        model.alphas = alphas
        arguments = own_values(hp)
        balancer = NO_BALANCER if model.balancer is None else model.balancer.name
        return model, {
            "architecture": (model.builder or {}).get("name", model.name),
            "balancer": balancer,
            "arguments": arguments,
            "alphas": alphas,
        }

    def make(self, name, trial=None, alone=False):
        """Returns the model of another architecture on the terms of the function's default model, as `TemplateSpace.make` does."""
        if self.template.builder is None:
            raise ValueError(
                f"`objective` must hold its own baseline, mtlzoo.tuning.objective('delta_m', tasks, baseline): build(hp) makes the model "
                f"{self.template.name!r} without a builder of mtlzoo.architectures, so single-task models of its kind cannot be made."
            )
        return TemplateSpace(self.template, AlphaSpace("fixed")).make(name, trial, alone)

    def config(self):
        """Returns all that is known of the space, in plain types."""
        where = f"{getattr(self.function, '__module__', '')}.{getattr(self.function, '__qualname__', type(self.function).__name__)}"
        return {"alphas": dataclasses.asdict(self.alphas), "function": where.rpartition(".")[2], "declared": self.declared}

    def _model(self, hp):
        model = self.function(hp)
        if not isinstance(model, MultiTaskModel):
            raise TypeError(f"`builder` must return a mtlzoo.MultiTaskModel; {self.function!r} returned {type(model).__name__}.")
        return model


def own_values(hp):
    """Returns the values of the hyperparameters that a function declared, without alphas and what keras-tuner keeps with them."""
    return {name: value for name, value in hp.values.items() if not name.startswith(("alpha_", "tuner/"))}


def built(result, values):
    """Returns the model of a trial of a `TuningResult`, for the values of its hyperparameters."""
    import keras_tuner

    space = _of(result)
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    keras.utils.set_random_seed(result.settings["seed"])
    return space.build(hp)[0]


def _of(result):
    config = result.settings["space"]
    if "function" in config:
        if result.builder is None:
            raise ValueError("`builder` must be given to load_result to build a model: the search was over a function build(hp).")
        return make(result.builder, AlphaSpace(**config["alphas"]))
    template = result.builder
    if template is None:
        template = keras.saving.load_model(result.folder / TEMPLATE)
    return TemplateSpace.from_config(template, config)


def _parameters(name):
    return inspect.signature(architectures.get(name)).parameters


def _equal(value, default):
    """Whether a recorded value is a default; tuples are recorded as lists."""
    if isinstance(value, (list, tuple)) and isinstance(default, (list, tuple)):
        return list(value) == list(default)
    return type(value) is type(default) and value == default


def _check_column(argument, name):
    if name in COLUMNS or name.startswith(("alpha_", "val_", "tuner/")):
        raise ValueError(f"`{argument}` must not be named {name!r}, which the table of results uses itself.")
