"""`label_with`: labels by rules, for data that nobody has labelled."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data import _rows


def label_with(rules: Mapping) -> Callable:
    """Makes a function that labels inputs by rules; where all rules of a task abstain, the label is missing.

    With several rules for a task the commonest answer wins, and a tie abstains. That is for classes; give one rule for numbers.

    Args:
        rules: `{task: rule}` or `{task: [rules]}`. A rule is a Python function of one example's input (an array, or a dict of
            them) to one number, or None or NaN to abstain.

    Returns:
        A function from inputs (array [rows, ...], dict of arrays, or an unbatched `tf.data.Dataset` of inputs, for its `apply`) to
        `(inputs, {task: labels})`, arrays float64 [rows] or a `tf.data.Dataset`, for `aligned` and `mixed`. The rules run
        in Python on each example, for a stream at every epoch: use `cache=True` there.

    Raises:
        ValueError, TypeError: no rules, a rule that is no function, an answer that is no single number, inputs as in `aligned`.

    Source: labelling functions of Snorkel (Ratner et al. 2017), with its majority vote.

    >>> x = np.array([[1.0], [5.0], [9.0]])
    >>> label_with({"large": lambda row: None if 4 < row[0] < 6 else row[0] > 4})(x)[1]["large"].tolist()
    [0.0, nan, 1.0]
    """
    checks.instance("rules", rules, Mapping, "a dict of functions by task")
    listed = {task: tuple(rule) if isinstance(rule, list | tuple) else (rule,) for task, rule in rules.items()}
    if not listed or not all(listed.values()):
        raise ValueError(f"`rules` must have at least one rule for each task; received {dict(rules)!r}.")
    for task, functions in listed.items():
        for function in functions:
            if not callable(function):
                raise TypeError(f"`rules` of {task!r} must be functions; received {function!r}.")

    def labelled(x):
        return _label_stream(x, listed) if _rows.is_stream(x) else _label_arrays(x, listed)

    return labelled


def _label_arrays(x, rules):
    x, size = _rows.read_inputs(x, "`data`")
    examples = ({key: array[row] for key, array in x.items()} if isinstance(x, dict) else x[row] for row in range(size))
    votes = [[_vote(task, functions, example) for task, functions in rules.items()] for example in examples]
    return x, dict(zip(rules, np.array(votes, "float64").T, strict=True))


def _label_stream(dataset, rules):
    spec = dataset.element_spec
    if isinstance(spec, tuple):
        raise TypeError(f"`data` must be a data set of inputs alone; received elements {spec}.")

    @tf.autograph.experimental.do_not_convert
    def label(x):
        def vote(*parts):
            example = tf.nest.pack_sequence_as(spec, parts)
            return np.array([_vote(task, functions, example) for task, functions in rules.items()], "float64")

        votes = tf.ensure_shape(tf.numpy_function(vote, tf.nest.flatten(x), tf.float64), (len(rules),))
        return x, dict(zip(rules, tf.unstack(votes), strict=True))

    return dataset.map(label)


def _vote(task, functions, example):
    """The commonest answer of the functions, or NaN if all abstain or several are as common."""
    answers = []
    for function in functions:
        answer = function(example)
        answer = np.nan if answer is None else answer
        if np.size(answer) != 1 or np.asarray(answer).dtype.kind not in "biuf":
            raise TypeError(f"`rules` of {task!r} must answer with one number, or None to abstain; received {answer!r}.")
        answers.append(float(np.asarray(answer).reshape(())))
    values, counts = np.unique([answer for answer in answers if not np.isnan(answer)], return_counts=True)
    best = values[counts == counts.max()] if len(values) else values
    return best[0] if len(best) == 1 else np.nan
