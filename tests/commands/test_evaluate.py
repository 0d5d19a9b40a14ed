"""`mtlzoo evaluate`: the values of the report, of a table by the run's own encoder."""

import gzip
import json

import numpy as np

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
