"""The members of a population: how their alphas move, who copies whom, and how they are kept."""

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np

from mtlzoo import files
from mtlzoo.tuning import _states


@dataclasses.dataclass
class Member:
    """One member: the factors of its alphas, the state of its model, its score, and the alphas that its weights have seen, by epoch."""

    factors: dict[str, float]
    state: list[np.ndarray]
    score: float = -math.inf
    parent: int | None = None
    lineage: list[dict[str, float]] = dataclasses.field(default_factory=list)

    @property
    def rank(self) -> float:
        """The score, with one that is not a number below all others."""
        return -math.inf if math.isnan(self.score) else self.score

    def copied(self) -> "Member":
        """Returns a member of its own with the same training behind it; arrays are never written to, and are shared."""
        return dataclasses.replace(self, factors=dict(self.factors), lineage=list(self.lineage))


def drawn(space, pivot, names, rng) -> dict[str, float]:
    """Draws factors: log-uniform in the space's range, or one of its steps; that of the pivot is 1."""
    steps = space.factors()

    def one():
        return float(rng.choice(steps)) if steps else float(np.exp(rng.uniform(math.log(space.low), math.log(space.high))))

    return {name: 1.0 if name == pivot else one() for name in names}


def perturbed(factors, space, pivot, perturb, rng) -> dict[str, float]:
    """Moves each factor but the pivot's up or down by `perturb`, or to a neighbour among the space's steps, and keeps it in the range."""
    moved, steps = {}, space.factors()
    for name, factor in factors.items():
        up = rng.integers(2)
        if name == pivot:
            moved[name] = 1.0
        elif steps:
            nearest = int(np.argmin(np.abs(np.log(steps) - math.log(factor))))
            moved[name] = steps[min(max(nearest + (1 if up else -1), 0), len(steps) - 1)]
        else:
            moved[name] = min(max(factor * perturb ** (1 if up else -1), space.low), space.high)
    return moved


def evolve(members, space, pivot, perturb, resample, rng):
    """The worst quarter (at least one) become copies of members of the best quarter, with alphas moved or drawn anew."""
    order = sorted(range(len(members)), key=lambda index: -members[index].rank)
    quarter = max(1, len(members) // 4)
    for member in members:
        member.parent = None
    for index in order[-quarter:]:
        parent = order[int(rng.integers(quarter))]
        child = members[parent].copied()
        if rng.uniform() < resample:
            child.factors = drawn(space, pivot, child.factors, rng)
        else:
            child.factors = perturbed(child.factors, space, pivot, perturb, rng)
        child.parent = parent
        members[index] = child


def save(folder: Path, turn: int, members, best, rows):
    """Keeps all that the next turn starts from in a folder of its own, and then removes that of the turn before."""
    with files.aside(folder / f"turn_{turn:04d}") as new:
        new.mkdir()
        notes = []
        for index, member in enumerate([*members, best]):
            _states.write_arrays(new / f"{index}.npz", member.state)
            notes.append({field: getattr(member, field) for field in ("factors", "score", "parent", "lineage")})
        files.write(new / "members.json", json.dumps({"members": notes, "rows": rows}).encode())
    for old in folder.glob("turn_*"):
        if old.name < f"turn_{turn:04d}":
            shutil.rmtree(old)


def load(folder: Path):
    """Returns the number of turns that are done, the members, the best one, and the rows of the history; None where none is done."""
    turns = sorted(folder.glob("turn_*"))
    if not turns:
        return None
    held = json.loads((turns[-1] / "members.json").read_text(encoding="utf-8"))
    read = [Member(state=_states.read_arrays(turns[-1] / f"{index}.npz"), **note) for index, note in enumerate(held["members"])]
    return int(turns[-1].name.removeprefix("turn_")) + 1, read[:-1], read[-1], held["rows"]
