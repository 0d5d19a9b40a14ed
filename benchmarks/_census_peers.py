"""Steps a second of DeepCTR and torch-rechub on census-income, for the rows beside ours; both are optional.

`pip install deepctr tf-keras torch torch-rechub`. Each runs in a process of its own (DeepCTR needs the Keras 2 of tf-keras), with its own
layers and its own way of feeding arrays; `python benchmarks/_census_peers.py LIBRARY ARRAYS OPTIONS` prints steps a second by row as JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LIBRARIES = ("deepctr", "torch_rechub")


def rates(splits, arguments):
    """Returns steps a second by row of each library that is installed, the best and the median of the turns.

    Args:
        splits: encoded census-income.
        arguments: `batch_size`, `units`, `tower` and `repeats`.
    """
    parts = [(x["categories"], x["numbers"], np.stack([y[task.name] for task in splits.tasks], 1)) for x, y, _ in splits.train]
    arrays = dict(zip(("categories", "numbers", "labels"), map(np.concatenate, zip(*parts, strict=True)), strict=True))
    options = {"sizes": splits.encoder.sizes, "batch": arguments.batch_size, "units": list(arguments.units), "tower": arguments.tower}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "rows.npz", **{key: np.asarray(value) for key, value in arrays.items()})
        for library in LIBRARIES:
            command = [
                sys.executable,
                __file__,
                library,
                str(Path(folder) / "rows.npz"),
                json.dumps(options | {"turns": arguments.repeats}),
            ]
            environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            if done.returncode == 0:
                found |= {f"{library}: {row}": values for row, values in json.loads(done.stdout.splitlines()[-1]).items()}
            else:
                print(f"{library}: left out ({done.stderr.strip().splitlines()[-1]})")
    return found


def _deepctr(rows, options):
    """DeepCTR's models under `fit` on arrays, an epoch a turn."""
    from deepctr.feature_column import DenseFeat, SparseFeat
    from deepctr.models import MMOE, PLE, SharedBottom

    categories, numbers, labels = rows["categories"], rows["numbers"], rows["labels"]
    columns = [SparseFeat(f"c{index}", size, embedding_dim=8) for index, size in enumerate(options["sizes"])]
    columns += [DenseFeat(f"n{index}", 1) for index in range(numbers.shape[1])]
    x = {f"c{index}": categories[:, index] for index in range(categories.shape[1])}
    x |= {f"n{index}": numbers[:, index] for index in range(numbers.shape[1])}
    units, towers = tuple(options["units"]), {"tower_dnn_hidden_units": (options["tower"],)}
    models = {
        "shared bottom": lambda: SharedBottom(columns, bottom_dnn_hidden_units=units, **towers),
        "MMoE": lambda: MMOE(columns, num_experts=4, expert_dnn_hidden_units=units, **towers),
        "PLE": lambda: PLE(columns, shared_expert_num=2, specific_expert_num=1, num_levels=2, expert_dnn_hidden_units=units, **towers),
    }
    for row, make in models.items():
        model = make()
        model.compile("adam", loss=["binary_crossentropy"] * 2, metrics=["accuracy", "AUC"])
        targets = [labels[:, 0].astype("float32"), labels[:, 1].astype("float32")]
        yield row, lambda model=model, targets=targets: model.fit(x, targets, batch_size=options["batch"], epochs=1, verbose=0)


def _torch_rechub(rows, options):
    """torch-rechub's models under its own trainer and data loader, an epoch a turn."""
    import contextlib

    import torch
    from torch_rechub.basic.features import DenseFeature, SparseFeature
    from torch_rechub.models.multi_task import MMOE, PLE, SharedBottom
    from torch_rechub.trainers import MTLTrainer
    from torch_rechub.utils.data import DataGenerator

    torch.set_num_threads(os.cpu_count())
    categories, numbers, labels = rows["categories"], rows["numbers"], rows["labels"]
    features = [SparseFeature(f"c{index}", size, embed_dim=8) for index, size in enumerate(options["sizes"])]
    features += [DenseFeature(f"n{index}") for index in range(numbers.shape[1])]
    x = {f"c{index}": categories[:, index] for index in range(categories.shape[1])}
    x |= {f"n{index}": numbers[:, index] for index in range(numbers.shape[1])}
    kinds, towers, widths = ["classification"] * 2, [{"dims": [options["tower"]]}] * 2, {"dims": options["units"]}
    loader, _, _ = DataGenerator(x, labels.astype("float32")).generate_dataloader(
        x_val=x, y_val=labels, x_test=x, y_test=labels, batch_size=options["batch"]
    )
    models = {
        "shared bottom": lambda: SharedBottom(features, kinds, widths, towers),
        "MMoE": lambda: MMOE(features, kinds, 4, widths, towers),
        "PLE": lambda: PLE(features, kinds, 2, 1, 2, widths, towers),
    }
    for row, make in models.items():
        trainer = MTLTrainer(make(), kinds, optimizer_params={"lr": 1e-3})

        def epoch(trainer=trainer):
            with contextlib.redirect_stdout(sys.stderr):
                trainer.train_one_epoch(loader)

        yield row, epoch


def main():
    """Times the rows of one library."""
    library, path, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    with np.load(path) as file:
        rows = dict(file)
    steps, found = -(-len(rows["labels"]) // options["batch"]), {}
    for row, epoch in {"deepctr": _deepctr, "torch_rechub": _torch_rechub}[library](rows, options):
        seconds = []
        for turn in range(options["turns"] + 1):
            start = time.perf_counter()
            epoch()
            seconds += [time.perf_counter() - start] if turn else []  # The first turn traces and warms up.
        found[row] = [steps / float(np.median(seconds)), steps / min(seconds)]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
