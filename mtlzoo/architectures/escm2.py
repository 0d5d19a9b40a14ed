"""Entire space counterfactual multi-task model (Wang et al. 2022)."""

from collections.abc import Sequence

from mtlzoo import checks
from mtlzoo.architectures import _chain, _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import Heads, assemble
from mtlzoo.layers import Counterfactual
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def escm2(
    inputs,
    tasks: Sequence[Task],
    *,
    click: str | None = None,
    conversion: str | None = None,
    estimator: str | Counterfactual = "ipw",
    trunk=None,
    tower: Sequence[int] = (64,),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "escm2",
) -> MultiTaskModel:
    """ESMM and a counterfactual loss of the conversion rate: clicked rows stand for rows like them that were not clicked.

    `esmm` trains the conversion rate only through its product with the click rate, so that it fits best where clicks are likely. Here a
    further loss estimates the rate's error over *all* rows from the clicked ones: each weighed by the inverse of its predicted click
    probability ("ipw"), or, "dr", with a third tower that predicts conversions where there was no click, which is right if either
    prediction is. Use it where the conversion rate itself is wanted for rows that are seldom clicked, and a model too
    simple to be right everywhere must be right on the average; where clicks are rare, inverse probabilities make it noisy.

    The loss is added to the total, not multiplied by an alpha or a balancer, and logged as `counterfactual_loss`. Outputs are those of
    `esmm`, as are the parameters; "dr" has a tower and a head more.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by input name for a trunk of several
            inputs. One input a task is refused: the labels of click and conversion must be of the same rows.
        tasks: the tasks, two of them binary.
        click: name of the task whose output is pCTR; None for the first binary task that is not `conversion`.
        conversion: name of the task whose output is pCTCVR; None for the first binary task that is not `click`.
        estimator: "ipw", "dr", or a `mtlzoo.layers.Counterfactual` for a weight and a clip of one's own, which is copied.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`; see `chained`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or there are fewer than two binary tasks.

    Source: Wang et al., "ESCM²: entire space counterfactual multi-task model for post-click conversion rate estimation", SIGIR 2022.

    >>> model = escm2((8,), [Task.binary("click"), Task.binary("buy")], estimator="dr", trunk="mlp", tower=(16,), seed=0)
    >>> model.count_params() == (8 * 64 + 64 + 64 * 64 + 64) + 3 * (64 * 16 + 16) + 3 * (16 + 1)
    True
    >>> import numpy as np
    >>> labels = {"click": np.ones(4), "buy": np.zeros(4)}
    >>> sorted(key for key in model.evaluate(np.ones((4, 8)), labels, return_dict=True, verbose=0) if key.endswith("loss"))
    ['buy_loss', 'click_loss', 'counterfactual_loss', 'loss']
    """
    tasks = check_tasks(tasks)
    click, conversion = _chain.read_pair(tasks, click, conversion)
    if not isinstance(estimator, Counterfactual):
        checks.instance("estimator", estimator, str, "'ipw', 'dr' or a mtlzoo.layers.Counterfactual")
        estimator = Counterfactual(estimator)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    if tensors[click] is not tensors[conversion]:
        raise ValueError(
            "`inputs` must be those of all tasks: the labels of click and conversion must be of the same rows; received one input a task."
        )
    features = _inputs.shared(tensors, _inputs.read_trunk(trunk, tensors).copy(seed=seed))
    changes = {"click": click, "conversion": conversion, "name": "counterfactual", "dtype": "float32"}
    layer = Counterfactual.from_config({**estimator.get_config(), **changes})

    def regularised(name, logits):
        if name != conversion:
            return logits[-1]
        read = [logits[-1], logits[0]]
        if layer.estimator == "dr":
            imputed = f"{conversion}_imputed"
            read.append(Heads([Task.regression(imputed)], tower, seed).output(imputed, features[conversion]))
        return layer(read)

    outputs = _chain.joint_outputs(tasks, features, {click: (), conversion: (click,)}, regularised)
    return assemble(made, features, tasks, tower=tower, outputs=outputs, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
