"""Every notebook runs from top to bottom, and shows what it says."""

import os
import pathlib

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "notebooks"
SHOWN = {
    "01_quickstart.ipynb": (["Δm", "missing", "digit (1, 10)", "turn (1, 4)", "one task alone: ['digit']"], 3),
    "02_balancing.ipynb": (["mean cosine to the mean direction", "chosen on validation", "single task", "Nash-MTL"], 1),
    "03_architectures.ipynb": (["Δm apart from 0:", "within the noise:", "cross_stitch", "conv2_node", "ple:", "ms a step"], 9),
    "05_alphas_and_affinity.ipynb": (["must not be the total loss", "hypervolume", "('y4', 'y5', 'y6')", "Δm, % ↑", "Tuned alphas"], 7),
}
SLOW = ("02_balancing.ipynb", "03_architectures.ipynb", "05_alphas_and_affinity.ipynb")
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in NOTEBOOKS])
def test_notebook_runs(name, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.delitem(os.environ, "MPLBACKEND", raising=False)
    notebook = nbformat.read(FOLDER / name, as_version=4)
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.get("text", "") for output in outputs)
    words, pictures = SHOWN[name]
    for word in words:
        assert word in text
    assert sum("image/png" in output.get("data", {}) for output in outputs) == pictures
    assert not [output for output in outputs if output.output_type == "error"]


def test_notebooks_are_stored_without_outputs():
    for path in FOLDER.glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert not [cell for cell in cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)], path.name
