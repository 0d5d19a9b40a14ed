"""Derived seeds."""

from mtlzoo import seeds


def test_derived_seeds_differ_by_name_and_seed_and_stay():
    made = {seeds.derive(seed, name) for seed in range(10) for name in "abc"}
    assert len(made) == 30 and all(0 <= value < 2**31 for value in made)
    assert seeds.derive(0, "a", 1) == 597688857


def test_reseeding_fills_open_seeds_and_varies_fixed_ones():
    config = {"a": {"seed": None}, "b": [{"seed": 5}], "units": 3}
    filled = seeds.reseed(config, 0, "x")
    assert filled["units"] == 3 and isinstance(filled["a"]["seed"], int) and filled["b"][0]["seed"] != 5
    varied = seeds.reseed(config, None, "x")
    assert varied["a"]["seed"] is None and varied["b"][0]["seed"] not in (None, 5)
    assert seeds.reseed(config, None, "x") == varied != seeds.reseed(config, None, "y")
