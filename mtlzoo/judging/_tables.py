"""The tables of a judgement, and how they are written as text, Markdown and CSV."""

import io
import math

from mtlzoo.evaluation import _tables
from mtlzoo.evaluation._render import ARROWS, number
from mtlzoo.judging._answer import interval, percent
from mtlzoo.judging._methods import BASELINE

TITLE = "Does multi-task learning help here?"


def tables(judgement):
    """Returns all tables, each as (title, header, rows); the first cell of a row is its head."""
    return [_results(judgement), _changes(judgement), _costs(judgement)]


def text(judgement):
    """Returns a judgement as text, with colours only where standard output is a terminal."""
    return _tables.text(_with_words(judgement), [*judgement.notes, "", *_said(judgement)], strong=judgement.best)


def markdown(judgement):
    """Returns a judgement as Markdown, the answer first."""
    lines = [f"# {TITLE}", "", *[line for one in (*_said(judgement), about(judgement)) for line in (one, "")]]
    lines += [*_tables.markdown_lines(_with_words(judgement)), "## How to read this", "", *[f"- {note}" for note in judgement.notes]]
    return "\n".join(lines) + "\n"


def csv(judgement):
    """Returns one row a method, seed and task: the main metric on validation and test, and what it took."""
    import csv as writer

    file = io.StringIO()
    rows = writer.writer(file, lineterminator="\n")
    costs = ("parameters", "step_ms", "seconds", "peak_mib")
    rows.writerow(
        ["method", "seed", "task", "metric", "better", "validation", "test", "epoch", "alpha", "delta_m_percent", *costs, "error"]
    )
    for method in judgement.methods:
        totals = judgement.delta_m_by_seed(method.name)
        for cell, seed, total in zip(judgement.cells[method.name], judgement.config.all_seeds, totals, strict=True):
            for task in judgement.tasks:
                own = [cell["validation"][task.monitor_key], cell["test"][task.monitor_key]]
                found = [cell.get("epochs", {}).get(task.name), cell.get("alphas", {}).get(task.name), total]
                took = [cell.get(key) for key in costs]
                told = [_plain(value) for value in (*own, *found, *took)]
                rows.writerow([method.name, seed, task.name, *task.monitor, *told, cell.get("error", "")])
    return file.getvalue()


def about(judgement):
    """Says on which data, with how many rows and seeds."""
    rows = ", ".join(f"{size:,} {part}" for part, size in judgement.sizes.items())
    seeds = len(judgement.config.all_seeds)
    told = [judgement.info or judgement.config.run.data, f"rows: {rows}" if rows else "", f"{seeds} seed{'s' if seeds > 1 else ''}"]
    return "Data: " + "; ".join(part for part in told if part) + "."


def heading(task):
    """A task with its main metric and the direction that is better."""
    return f"{task.name}: {task.monitor[0]} {ARROWS[task.monitor[1]]}"


def _results(judgement):
    header = ["Method", *[heading(task) for task in judgement.tasks], "Δm, % ↑", "By Δm", "Mean rank ↓"]
    found, totals, ranks, stands = judgement.results, judgement.delta_m, judgement.mean_ranks, judgement.stands
    rows = []
    for method in judgement.methods:
        name = method.name
        values = [interval(*found[name][task.name]) for task in judgement.tasks]
        total = "0" if name == BASELINE else interval(*totals[name], percent)
        rows.append([name, *values, total, stands[name], f"{ranks[name]:.2f}"])
    return "Results on test", header, rows


def _changes(judgement):
    header = ["Multi-task method", *[task.name for task in judgement.tasks]]
    rows = [
        [
            name,
            *[
                f"{interval(found.changes[task.name], found.halves[task.name], percent)} {found.verdicts[task.name]}"
                for task in found.tasks
            ],
        ]
        for name, found in judgement.transfers.items()
    ]
    return "Transfer: change of each task in % against single-task models", header, rows


def _costs(judgement):
    header = ["Method", "Parameters", "ms a step", "Training, s", "Peak memory, MiB"]
    keys = ("parameters", "step_ms", "seconds", "peak_mib")
    rows = []
    for method in judgement.methods:
        values = [judgement.cost(method.name, key) for key in keys]
        rows.append([method.name, f"{values[0]:,.0f}" if math.isfinite(values[0]) else "–", *[number(value) for value in values[1:]]])
    return "Cost, mean over seeds", header, rows


def _plain(value):
    return "" if value is None or (isinstance(value, float) and not math.isfinite(value)) else value


def _with_words(judgement):
    """The tables with the number of their columns of words, as `evaluation._tables` takes them."""
    return [(*table, 1) for table in tables(judgement)]


def _said(judgement):
    return [judgement.answer, *[judgement.others] * bool(judgement.others)]
