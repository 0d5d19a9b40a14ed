"""`multitab`: regression tasks on made-up rows, with the correlation of every pair of tasks exactly as wanted."""

import math
import numbers
from collections.abc import Sequence

import numpy as np

from mtlzoo import checks, seeds
from mtlzoo.data.aligned import aligned
from mtlzoo.data.sources._registry import Splits, register
from mtlzoo.task import Task

DEGREES = (1, 3, 2, 3, 4, 2, 3)
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


@register
def multitab(
    data_dir: str | None = None,
    *,
    rows: int = 20_000,
    degrees: Sequence[int] = DEGREES,
    correlation=0.4,
    features: int = 32,
    noise=0.01,
    batch_size: int = 128,
    seed: int = 0,
    limit: int | None = None,
) -> Splits:
    """Made-up tables of MultiTab-Bench: regression tasks `y1`, `y2`, … whose correlations are set; no download.

    The defaults are the setting of the paper, but for the number of rows, which is 1,000,000 there. The alpha of a task is 1 over the
    variance of its labels, known from its degree and noise, so that all losses start alike: the labels themselves are not scaled.

    Args:
        data_dir: not needed, since the data is made; must be None.
        rows: rows of all splits together: 70 % are for training, 15 % for validation and 15 % for the test.
        degrees: degree of each task's polynomial, one a task; as many tasks as there are degrees.
        correlation: cosine of the weights of every pair of tasks, or a matrix [tasks, tasks] of them.
        features: columns of x; at least the rank of the correlation matrix (the number of tasks for most).
        noise: standard deviation of the labels' noise, a number or one for each task.
        batch_size: rows a batch.
        seed: decides weights, rows, noise and order.
        limit: None, or the most rows of each split.

    Returns:
        `Splits`; x float32 [b, features], drawn from N(0, I); see `multitab_rows` for the labels.

    Raises:
        ValueError, TypeError: an argument out of range, or a matrix that is no correlation matrix.

    Source: Sinodinos et al., "MultiTab: A Scalable Foundation for Multitask Learning on Tabular Data" (AAAI 2026), MultiTab-Bench.

    >>> splits = multitab(rows=100, degrees=[1, 2], correlation=1.0)
    >>> [(task.name, round(task.alpha, 3)) for task in splits.tasks], splits.sizes["test"]
    ([('y1', 1.0), ('y2', 0.333)], 15)
    """
    if data_dir is not None:
        raise ValueError(f"`data_dir` must be None for 'multitab', which is made up; received {str(data_dir)!r}.")
    checks.integer("rows", rows, low=20)
    if limit is not None:
        checks.integer("limit", limit, low=1)
    x, labels, _ = multitab_rows(rows, degrees=degrees, correlation=correlation, features=features, noise=noise, seed=seed)
    deviations = _each("noise", noise, len(labels))
    tasks = tuple(
        Task.regression(name, alpha=1 / (_variance(degree) + deviation**2))
        for name, degree, deviation in zip(labels, degrees, deviations, strict=True)
    )
    ends = np.round(np.cumsum([0, *SHARES.values()]) * rows).astype(int).tolist()
    mixtures, sizes = {}, {}
    for index, part in enumerate(SHARES):
        low, high = ends[index], ends[index + 1]
        high = high if limit is None else min(high, low + limit)
        mine = {name: values[low:high] for name, values in labels.items()}
        mixtures[part] = aligned((x[low:high], mine), tasks, batch_size=batch_size, seed=seed, shuffle=part == "train")
        sizes[part] = high - low
    return Splits(tasks=tasks, inputs=(features,), sizes=sizes, info="MultiTab-Bench, made up", **mixtures)


def multitab_rows(rows: int, *, degrees: Sequence[int] = DEGREES, correlation=0.4, features: int = 32, noise=0.01, seed: int = 0) -> tuple:
    """Makes rows of MultiTab-Bench as arrays: y_i = Σ_{k=1..degree_i} (w_i·x)^k + σ_i·ε with cos(w_i, w_j) = P_ij and ‖w_i‖ = 1.

    The weights are the rows of W = QΛ^½U, with P = QΛQᵀ and orthonormal rows in U. Since x is from N(0, I), P_ij is also the
    correlation of w_i·x and w_j·x. The weights depend on the seed and not on the number of rows.

    Args:
        rows: number of rows.
        degrees: degree of each task's polynomial, one a task, at least 1.
        correlation: P: one number for all pairs, from −1/(tasks − 1) to 1, or a matrix [tasks, tasks].
        features: columns of x, at least the rank of P.
        noise: σ, a number of at least 0, or one for each task.
        seed: decides weights, rows and noise.

    Returns:
        `(x, labels, weights)`: x float32 [rows, features], labels a dict of float32 [rows] by the names y1, y2, …, weights float64
        [tasks, features].

    Raises:
        ValueError, TypeError: an argument out of range, or a matrix that is no correlation matrix.

    Source: Sinodinos et al. (AAAI 2026), MultiTab-Bench.

    >>> x, labels, weights = multitab_rows(5, degrees=[1, 2], correlation=0.25, noise=0.0)
    >>> round(float(weights[0] @ weights[1]), 12), bool(np.allclose(labels["y1"], x @ weights[0]))
    (0.25, True)
    """
    checks.integer("rows", rows, low=1)
    if isinstance(degrees, str) or not hasattr(degrees, "__iter__"):
        raise TypeError(
            f"`degrees` must be a sequence of whole numbers, one a task; received {degrees!r} of type {type(degrees).__name__}."
        )
    degrees = [checks.integer("degrees", degree, low=1) for degree in degrees]
    if not degrees:
        raise ValueError("`degrees` must hold one degree for each task; received none.")
    deviations = _each("noise", noise, len(degrees))
    weights = _weights(_matrix(correlation, len(degrees)), checks.integer("features", features, low=1), seed)
    rng = np.random.default_rng(seeds.derive(checks.integer("seed", seed, low=0), "multitab", "rows"))
    x = rng.normal(size=(rows, features)).astype("float32")
    projected = x.astype("float64") @ weights.T
    made = rng.normal(size=projected.shape) * deviations
    for place, degree in enumerate(degrees):
        made[:, place] += sum(projected[:, place] ** power for power in range(1, degree + 1))
    return x, {f"y{place + 1}": made[:, place].astype("float32") for place in range(len(degrees))}, weights


def _each(argument, values, count):
    """A number as one for each task, or one for each task as it is."""
    several = [values] * count if isinstance(values, numbers.Real) else list(values)
    if len(several) != count:
        raise ValueError(f"`{argument}` must be a number, or one for each of the {count} tasks; received {len(several)} numbers.")
    return np.array([checks.number(argument, value, low=0) for value in several])


def _matrix(correlation, count):
    """P after all checks: symmetric, with ones on the diagonal and no negative eigenvalue."""
    if isinstance(correlation, numbers.Real):
        low = -1 / (count - 1) if count > 1 else -1.0
        value = checks.number("correlation", correlation, low=low - 1e-12, high=1)
        return np.where(np.eye(count, dtype=bool), 1.0, value)
    matrix = np.asarray(correlation, "float64")
    if matrix.shape != (count, count):
        raise ValueError(
            f"`correlation` must be a number or a matrix [{count}, {count}], a row for each task; received the shape {matrix.shape}."
        )
    if not (np.isfinite(matrix).all() and np.allclose(matrix, matrix.T, atol=1e-12) and np.allclose(np.diag(matrix), 1, atol=1e-12)):
        raise ValueError(f"`correlation` must be finite and symmetric with ones on its diagonal; received {matrix.tolist()}.")
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < -1e-10 * count:
        raise ValueError(f"`correlation` must have no negative eigenvalue, or no such tasks exist; received one of {least:.3g}.")
    return matrix


def _weights(matrix, features, seed):
    """W = QΛ^½U [tasks, features] with orthonormal rows in U."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-10 * len(values)
    if kept.sum() > features:
        raise ValueError(f"`features` must be at least {kept.sum()}, the rank of the correlation matrix; received {features}.")
    rng = np.random.default_rng(seeds.derive(seed, "multitab", "weights"))
    directions = np.linalg.qr(rng.normal(size=(features, int(kept.sum()))))[0].T
    return (vectors[:, kept] * np.sqrt(values[kept])) @ directions


def _variance(degree):
    """The variance of Σ_{k≤degree} u^k for u from N(0, 1), whose moments are 1·3·5⋯(k − 1) for even k and 0 for odd ones."""

    def moment(power):
        return 0 if power % 2 else math.prod(range(1, power, 2))

    powers = range(1, degree + 1)
    return sum(moment(one + other) for one in powers for other in powers) - sum(map(moment, powers)) ** 2
