"""`census_income`: the KDD census-income data with two tasks, income and marital status, as in the MMoE paper."""

import gzip
import os
import pathlib

import keras
import numpy as np

from mtlzoo import checks
from mtlzoo.data.from_table import from_table
from mtlzoo.data.sources._registry import Splits, register
from mtlzoo.data.table_encoder import TableEncoder
from mtlzoo.task import Task

FILE = "census-income.test.gz"
URL = f"https://archive.ics.uci.edu/ml/machine-learning-databases/census-income-mld/{FILE}"
FRACTIONS = {"train": 0.7, "validation": 0.15, "test": 0.15}
NUMBERS = ("age", "wage_per_hour", "capital_gains", "capital_losses", "dividends", "persons_worked_for", "weeks_worked")
COLUMNS = (
    *("age", "class_of_worker", "industry_code", "occupation_code", "education", "wage_per_hour", "enrolled_in_education"),
    *("marital_status", "industry", "occupation", "race", "hispanic_origin", "sex", "union_member", "reason_for_unemployment"),
    *("employment", "capital_gains", "capital_losses", "dividends", "tax_filer", "previous_region", "previous_state"),
    *("household_detail", "household_summary", "instance_weight", "migration_msa", "migration_region", "migration_within_region"),
    *("same_house", "migration_sunbelt", "persons_worked_for", "parents_present", "father_birth_country", "mother_birth_country"),
    *("birth_country", "citizenship", "own_business", "veterans_questionnaire", "veterans_benefits", "weeks_worked", "year"),
    "income",
)
NO_FEATURES = ("income", "marital_status", "education", "instance_weight")


@register
def census_income(
    data_dir: str | None = None,
    *,
    batch_size: int = 128,
    seed: int = 0,
    limit: int | None = None,
    encoder: TableEncoder | None = None,
) -> Splits:
    """Census records of 1994 and 1995: tasks `income` (above 50,000 dollars) and `never_married`; 31 categories and 7 numbers.

    The rows are those of the file that the publishers call the test file, cut once and for all into 70 % train, 15 % validation and
    15 % test, whatever the seed: not the split of the paper, which had the larger file, too. Not among the features are the two
    labels, education (a label in the paper's other pair of tasks) and the instance weight, which is no property of a person.

    Args:
        data_dir: folder with `census-income.test.gz`; None to download it (2.5 MB) to the cache of Keras.
        batch_size: rows a batch.
        seed: decides the order.
        limit: None, or the most rows of each split.
        encoder: None to fit one, or the one of a trained model, to judge that model.

    Returns:
        `Splits` of 69,833 / 14,965 / 14,964 rows with their encoder; x is `{"categories": int32 [b, 31], "numbers": float32 [b, 7]}`.

    Raises:
        ValueError, TypeError: the file is not there, cannot be had or is not whole; an argument out of range.

    Source: Lane and Kohavi, Census-Income (KDD), UCI 2000 (CC BY 4.0); the tasks are those of Ma et al., KDD 2018.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fake_census(folder, rows=100)
    ...     splits = census_income(folder)
    >>> [task.name for task in splits.tasks], splits.sizes
    (['income', 'never_married'], {'train': 70, 'validation': 15, 'test': 15})
    """
    if limit is not None:
        checks.integer("limit", limit, low=1)
    frame = _read(_path(data_dir))
    frame = frame.assign(
        above_50000=(frame["income"] == "50000+.").astype(int),
        never_married=(frame["marital_status"] == "Never married").astype(int),
        split=_parts(len(frame)),
    )
    if limit is not None:
        frame = frame.groupby("split", sort=False).head(limit)
    tasks = {Task.binary("income"): "above_50000", Task.binary("never_married"): "never_married"}
    kinds = {name: "number" if name in NUMBERS else "category" for name in COLUMNS if name not in NO_FEATURES}
    features = kinds if encoder is None else None
    made = from_table(frame, tasks, features=features, splits="split", batch_size=batch_size, seed=seed, encoder=encoder, verbose=False)
    return Splits(**{**vars(made), "info": "Census-Income (KDD), UCI, 1994 and 1995"})


def fake_census(data_dir: str, *, rows: int = 500, seed: int = 0) -> pathlib.Path:
    """Writes a file in the form of Census-Income: made-up people, of whom the old and learned earn more and the young are unmarried.

    Args:
        data_dir: folder that gets the file, which must not be there yet.
        rows: how many people.
        seed: decides who they are.

    Returns:
        The path of the file.

    Raises:
        ValueError, TypeError: the file is there already, or an argument out of range.

    Source: `census_income`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fake_census(folder, rows=20).name
    'census-income.test.gz'
    """
    path = pathlib.Path(data_dir) / FILE
    if path.exists():
        raise ValueError(f"`data_dir` must not hold {FILE} yet; {str(path)!r} exists.")
    checks.integer("rows", rows, low=20)
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    cells = {
        name: rng.integers(0, 100, rows) if name in NUMBERS else rng.choice(["Not in universe", "?", "Other"], rows) for name in COLUMNS
    }
    cells["education"] = rng.choice(["High school graduate", "Bachelors degree(BA AB BS)"], rows)
    cells["occupation"] = np.where(cells["education"] == "High school graduate", "Sales", "Professional specialty")
    cells["instance_weight"] = rng.uniform(40, 3000, rows).round(2)
    cells["marital_status"] = np.where(cells["age"] + rng.normal(0, 10, rows) < 35, "Never married", "Divorced")
    rich = cells["age"] + 40 * (cells["occupation"] == "Professional specialty") + rng.normal(0, 10, rows) > 100
    cells["income"] = np.where(rich, "50000+.", "- 50000.")
    lines = [", ".join(str(cells[name][row]) for name in COLUMNS) for row in range(rows)]
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return path


def _path(data_dir):
    if data_dir is None:
        try:
            return pathlib.Path(keras.utils.get_file(FILE, origin=URL, cache_subdir="datasets/census_income"))
        except Exception as error:  # Keras and the network have no common error.
            raise ValueError(
                f"`data_dir` must be a folder with {FILE} where there is no network; downloading it failed: {error}"
            ) from error
    folder = pathlib.Path(checks.instance("data_dir", data_dir, (str, os.PathLike), "a path")).expanduser()
    if not (folder / FILE).is_file():
        raise ValueError(f"`data_dir` must be a folder with {FILE}; received {str(data_dir)!r}.")
    return folder / FILE


def _read(path):
    import pandas

    try:
        frame = pandas.read_csv(path, header=None, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"`data_dir` must hold a whole {FILE}; {str(path)!r} cannot be read: {error}") from error
    if frame.shape[1] != len(COLUMNS):
        raise ValueError(f"`data_dir` must hold a {FILE} of {len(COLUMNS)} columns; {str(path)!r} has {frame.shape[1]}.")
    bad = sorted(set(frame[len(COLUMNS) - 1]) - {"50000+.", "- 50000."})
    if bad:
        raise ValueError(f"`data_dir` must hold a {FILE} whose rows end in '50000+.' or '- 50000.'; {str(path)!r} has {bad[0]!r}.")
    return frame.set_axis(COLUMNS, axis=1)


def _parts(rows):
    """The split of each row, the same on every machine and for every seed."""
    ends = np.round(np.cumsum(list(FRACTIONS.values())) * rows).astype(int)
    places = np.random.default_rng(0).permutation(rows)
    return np.array(list(FRACTIONS))[np.searchsorted(ends, places, side="right")]
