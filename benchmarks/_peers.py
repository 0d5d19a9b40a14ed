"""The LeNet of `step_time.py` in PyTorch, trained by LibMTL and TorchJD, for the columns beside ours; both are optional.

`pip install torch torchjd[nash_mtl,cagrad,fairgrad,quadprog_projector] LibMTL`. Of LibMTL only the weighting classes are used: its models
ask for a torchvision that is long gone, so they are left out of the import.
"""

import sys
import time
import types

LIBMTL = ("EW", "PCGrad", "MGDA")
TORCHJD = ("UPGrad", "MGDA", "NashMTL")


def available():
    """Returns the rows that can be timed here: `torch`, `libmtl/NAME`, `torchjd/NAME`."""
    rows = []
    try:
        import torch

        rows.append("torch")
        torch.set_num_threads(torch.get_num_threads())
    except ImportError:
        return rows
    try:
        _libmtl()
        rows += [f"libmtl/{name}" for name in LIBMTL]
    except ImportError:
        pass
    try:
        import torchjd.aggregation  # noqa: F401

        rows += [f"torchjd/{name}" for name in TORCHJD]
    except ImportError:
        pass
    return rows


def _libmtl():
    sys.modules.setdefault("LibMTL.model", types.ModuleType("LibMTL.model"))
    import LibMTL.weighting

    return LibMTL.weighting


def stepper(row, tasks, batch):
    """Returns a function that takes a number of steps and gives the seconds that they took.

    Args:
        row: a name from `available()`.
        tasks: the number of tasks.
        batch: NumPy arrays (x [rows, 28, 28, 1], list of labels [rows]).
    """
    import torch

    torch.manual_seed(0)
    x, labels = torch.tensor(batch[0]).permute(0, 3, 1, 2).contiguous(), [torch.tensor(y) for y in batch[1]]
    library, _, name = row.partition("/")
    if library == "libmtl":
        net = _with_weighting(getattr(_libmtl(), name), tasks)
        step = _libmtl_step(net, {"mgda_gn": "none"} if name == "MGDA" else {})
    else:
        net = _Lenet(tasks)
        step = _sum_step(net) if library == "torch" else _torchjd_step(net, name, tasks)
    optimizer = torch.optim.Adam(net.parameters())
    loss = torch.nn.CrossEntropyLoss()

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=library != "libmtl")
            z = net.encoder(x)
            step([loss(head(z), y) for head, y in zip(net.heads, labels, strict=True)], z)
            optimizer.step()
        return time.perf_counter() - start

    return run


def _encoder():
    from torch import nn

    layers = [nn.Conv2d(1, 10, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(10, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(320, 50), nn.ReLU())


def _Lenet(tasks):
    from torch import nn

    net = nn.Module()
    net.encoder, net.heads = _encoder(), nn.ModuleList(nn.Linear(50, 10) for _ in range(tasks))
    return net


def _with_weighting(weighting, tasks):
    from torch import nn

    class Net(weighting):
        def __init__(self):
            super().__init__()
            self.encoder, self.heads = _encoder(), nn.ModuleList(nn.Linear(50, 10) for _ in range(tasks))
            self.task_num, self.task_name, self.device, self.rep_grad = tasks, list(range(tasks)), "cpu", False

        def get_share_params(self):
            return self.encoder.parameters()

        def zero_grad_share_params(self):
            self.encoder.zero_grad(set_to_none=False)

    net = Net()
    net.init_param()
    return net


def _libmtl_step(net, options):
    import torch

    return lambda losses, z: net.backward(torch.stack(losses), **options)


def _sum_step(net):
    return lambda losses, z: sum(losses).backward()


def _torchjd_step(net, name, tasks):
    from torchjd import aggregation
    from torchjd.autojac import mtl_backward

    try:
        from torchjd.autojac import jac_to_grad
    except ImportError:
        jac_to_grad = None
    aggregator = getattr(aggregation, name)(*((tasks,) if name == "NashMTL" else ()))
    shared = list(net.encoder.parameters())

    def step(losses, z):
        if jac_to_grad is None:
            mtl_backward(losses=losses, features=z, aggregator=aggregator)
        else:
            mtl_backward(losses, features=z)
            jac_to_grad(shared, aggregator)

    return step
