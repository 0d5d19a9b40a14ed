"""The toy's search in a process of its own, to be killed: `python -m tests.tuning.process FOLDER TRIALS`.

Each training it begins leaves a file `<tuner>_<number>` in the folder TOY_SIGNALS. The first waits for the file TOY_WAIT_FOR if that
is set; that of the number TOY_STUCK_AT never ends.
"""

import os
import pathlib
import sys
import time

from tests.tuning import toy

SIGNALS = pathlib.Path(os.environ.get("TOY_SIGNALS", "."))
TUNER = os.environ.get("KERASTUNER_TUNER_ID", "alone")
begun = []


def build(hp):
    """The toy's model, whose training tells of itself."""
    model = toy.build(hp)
    fit = model.fit

    def telling(*args, **kwargs):
        begun.append(1)
        (SIGNALS / f"{TUNER}_{len(begun)}").touch()
        if len(begun) == 1 and "TOY_WAIT_FOR" in os.environ:
            toy.wait_for(SIGNALS / os.environ["TOY_WAIT_FOR"])
        if len(begun) == int(os.environ.get("TOY_STUCK_AT", 0)):
            time.sleep(600)
        return fit(*args, **kwargs)

    object.__setattr__(model, "fit", telling)
    return model


if __name__ == "__main__":
    toy.search(sys.argv[1], build, max_trials=int(sys.argv[2]), search=sys.argv[3])
