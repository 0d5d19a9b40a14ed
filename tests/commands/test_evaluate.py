"""`mtlzoo evaluate`: the values of the report, of a table by the run's own encoder."""

import gzip
import json

import numpy as np
import pandas

from mtlzoo import cli
from mtlzoo.data.sources.census_income import COLUMNS, FILE, NUMBERS, _parts


def test_evaluate_gives_the_report_s_own_values(run_folder, capsys):
    assert cli.main(["evaluate", str(run_folder), "--json"]) == 0
    got = json.loads(capsys.readouterr().out)["models"]["hard_sharing"]
    wanted = json.loads((run_folder / "report.json").read_text())["models"]["hard_sharing"]
    for key, value in wanted["results"].items():
        np.testing.assert_allclose(got["results"][key], value, rtol=1e-5)
    assert cli.main(["evaluate", str(run_folder), "--split", "validation"]) == 0
    assert "hard_sharing" in capsys.readouterr().out


def test_evaluate_reads_other_data_with_the_run_s_own_encoder(table_run, tmp_path, capsys):
    lines = gzip.decompress((table_run.parent / FILE).read_bytes()).decode().splitlines()
    cells = [line.split(", ") for line in lines]
    for row in np.flatnonzero(_parts(len(cells)) == "train"):  # The rows of the test stay; an encoder fitted anew would differ.
        kept = (cells[row][COLUMNS.index("marital_status")], cells[row][-1])
        cells[row] = ["7" if name in NUMBERS else "Other" for name in COLUMNS]
        cells[row][COLUMNS.index("marital_status")], cells[row][-1] = kept
    (tmp_path / FILE).write_bytes(gzip.compress("\n".join(map(", ".join, cells)).encode()))
    capsys.readouterr()
    assert cli.main(["evaluate", str(table_run), "--data-dir", str(tmp_path), "--json"]) == 0
    got = json.loads(capsys.readouterr().out)["models"]["hard_sharing"]["results"]
    wanted = json.loads((table_run / "report.json").read_text())["models"]["hard_sharing"]["results"]
    assert got.keys() == wanted.keys()
    for key, value in wanted.items():
        np.testing.assert_allclose(got[key], value, rtol=1e-5)


def test_a_run_on_text_labels_is_judged_by_its_own_classes(tmp_path, capsys):
    rows = np.arange(60)
    table = pandas.DataFrame({"age": rows, "income": np.where(rows % 3, "<=50K", ">50K"), "size": np.array(["s", "l", "m"])[rows % 3]})
    table.to_csv(tmp_path / "people.csv", index=False)
    run = tmp_path / "run"
    options = ["--task", "income", "--task", "size", "--epochs", "1", "--no-baseline", "--out", str(run)]
    assert cli.main(["train", "--data", str(tmp_path / "people.csv"), *options]) == 0
    printed = capsys.readouterr().out
    assert 'income: binary, "<=50K" is 0, ">50K" is 1' in printed
    assert 'size: multiclass of 3 classes, "l" is 0, "m" is 1, "s" is 2' in printed

    # The same rows with one class alone: what is right for one is wrong for the other, which it were not if both were class 0.
    found = []
    for name, label in (("low", "<=50K"), ("high", ">50K")):
        (tmp_path / name).mkdir()
        table.assign(income=label, size="m").to_csv(tmp_path / name / "people.csv", index=False)
        assert cli.main(["evaluate", str(run), "--data-dir", str(tmp_path / name), "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["models"]["hard_sharing"]["results"]["income_accuracy"])
    np.testing.assert_allclose(sum(found), 1, rtol=1e-6)
