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

    def evaluate(name, changed):
        (tmp_path / name).mkdir()
        changed.to_csv(tmp_path / name / "people.csv", index=False)
        done = cli.main(["evaluate", str(run), "--data-dir", str(tmp_path / name), "--json"])
        return done, capsys.readouterr()

    def results(name, changed):
        done, printed = evaluate(name, changed)
        assert done == 0
        return json.loads(printed.out)["models"]["hard_sharing"]["results"]

    wanted = json.loads((run / "report.json").read_text())["models"]["hard_sharing"]["results"]
    same = results("same", table)
    assert all(np.isclose(same[key], value, rtol=1e-5) for key, value in wanted.items())
    low, high = (results(name, table.assign(income=label, size="m")) for name, label in (("low", "<=50K"), ("high", ">50K")))
    np.testing.assert_allclose(low["income_accuracy"] + high["income_accuracy"], 1, rtol=1e-6)
    assert low["size_accuracy"] == high["size_accuracy"]
    done, printed = evaluate("new", table.assign(size="xl"))
    assert done == 2 and "column 'size', row 1 must be 'l' or 'm' or 's', or empty" in printed.err
