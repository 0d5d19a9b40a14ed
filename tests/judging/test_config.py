"""What a judging may be told."""

import pytest

from mtlzoo.judging import JudgingConfig
from mtlzoo.runs import RunConfig


def test_the_run_says_what_is_not_said():
    config = JudgingConfig(run=RunConfig(architecture="mmoe", balancer="famo", seed=5), seeds=2)
    assert (config.architectures, config.balancers, config.all_seeds) == (("mmoe",), ("famo",), (5, 6))
    assert JudgingConfig().balancers == ()
    assert JudgingConfig(architectures=["mmoe", "cgc", "mmoe"]).architectures == ("mmoe", "cgc")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architectures": ["mmo"]}, "Did you mean 'mmoe'"),
        ({"balancers": ["pcgrd"]}, "Did you mean 'pcgrad'"),
        ({"architectures": []}, "`architectures` must be at least one"),
        ({"architectures": ["single_task"]}, "'single_task' is always there"),
        ({"seeds": 0}, "`seeds`"),
        ({"trials": 0}, "`trials`"),
        ({"tuning_epochs": 0}, "`tuning_epochs`"),
        ({"run": RunConfig(baseline=False)}, "`run.baseline` must be True"),
    ],
)
def test_bad_values_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        JudgingConfig(**options)


@pytest.mark.parametrize("options", [{"architectures": "mmoe"}, {"run": {}}, {"seeds": 1.5}, {"others": 1}])
def test_values_of_other_types_are_refused(options):
    with pytest.raises(TypeError):
        JudgingConfig(**options)
