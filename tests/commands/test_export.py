"""`mtlzoo export`: both formats, and raw columns for tables."""

import keras
import numpy as np
import tensorflow as tf

from mtlzoo import cli
from mtlzoo.data import TableEncoder


def test_export_in_both_formats(run_folder, tmp_path, capsys):
    assert cli.main(["export", str(run_folder), "--out", str(tmp_path / "saved")]) == 0
    assert (tmp_path / "saved" / "saved_model.pb").is_file()
    assert cli.main(["export", str(run_folder), "--format", "litert", "--out", str(tmp_path / "model.tflite")]) == 0
    assert (tmp_path / "model.tflite").stat().st_size > 1000
    assert cli.main(["export", str(run_folder)]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_export_of_a_table_s_run_takes_raw_columns(table_run, tmp_path, capsys):
    assert cli.main(["export", str(table_run), "--out", str(tmp_path / "saved")]) == 0
    assert "ids" not in capsys.readouterr().out
    model, encoder = keras.saving.load_model(table_run / "model.keras"), TableEncoder.load(table_run / "encoder.keras")
    table = {name: ["Other", "unseen"] for name in encoder.categories} | {name: [1.0, None] for name in encoder.numbers}
    served = tf.saved_model.load(str(tmp_path / "saved"))
    found = served.serve({name: tf.constant(cells) for name, cells in encoder.raw(table).items()})
    for task, values in model.predict(encoder.encode(table), verbose=0).items():
        np.testing.assert_allclose(found[task], values, atol=1e-6)
    assert cli.main(["export", str(table_run), "--format", "litert", "--out", str(tmp_path / "model.tflite")]) == 0
    assert f"ids and normalised numbers, as {table_run}/encoder.keras gives" in capsys.readouterr().out
