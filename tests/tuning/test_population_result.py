"""What a population leaves: table and picture."""

import pytest

from mtlzoo.tuning import PopulationResult


def test_alphas_history_and_picture(tmp_path):
    rows = [
        {"member": member, "epoch": epoch, "parent": None, "a_alpha": 1.0, "b_alpha": 2.0 + member, "score": member + epoch}
        for member in (0, 1)
        for epoch in (0, 1, 2)
    ]
    found = PopulationResult(
        model=None, score=3.0, objective="-a_mae", epoch=3, schedule={"a": [1.0, 1.0, 1.0], "b": [2.0, 3.0, 3.0]}, rows=tuple(rows)
    )
    assert found.alphas == {"a": 1.0, "b": 3.0}
    assert found.history[found.history["member"] == 1]["score"].tolist() == [1, 2, 3]
    figure = found.plot(tmp_path / "alphas.png")
    assert [axis.get_title() for axis in figure.axes] == ["α of a", "α of b", "-a_mae"]
    assert figure.axes[1].lines[-1].get_ydata().tolist() == [2.0, 3.0, 3.0]
    assert (tmp_path / "alphas.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="exists"):
        found.plot(tmp_path / "alphas.png")
