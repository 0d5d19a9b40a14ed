"""The peak of a process' memory over a stretch of its work, where the platform tells."""

import gc
import re
from pathlib import Path


class Peak:
    """Measures from its making on; `mib()` says the greatest memory since then in MiB, or None where that cannot be known.

    It is that of the whole process: TensorFlow itself, and what was there before, are in it.
    """

    def __init__(self):
        gc.collect()
        try:
            Path("/proc/self/clear_refs").write_text("5")  # Linux: sets VmHWM back to what is held now.
            self._known = True
        except OSError:
            self._known = False

    def mib(self):
        """The greatest memory since the start in MiB, or None."""
        try:
            found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()) if self._known else None
        except OSError:
            found = None
        return int(found[1]) / 1024 if found else None
