"""One bar over the cells of a judging, on standard error."""

import contextlib


class Bar:
    """A bar that says which cell is trained.

    Args:
        shown: whether it is shown.
    """

    def __init__(self, shown):
        self._shown, self._bar, self._row = shown, None, None

    @contextlib.contextmanager
    def over(self, total):
        """Shows the bar while the block runs.

        Args:
            total: how many cells there are.
        """
        if not self._shown:
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = [BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}")]
        with Progress(*columns, console=Console(stderr=True)) as self._bar:
            self._row = self._bar.add_task("", total=total)
            yield
            self._bar.update(self._row, description="done")
        self._bar = None

    @contextlib.contextmanager
    def paused(self):
        """Hides the bar while the block runs, which may show one of its own."""
        if self._bar is None:
            yield
            return
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()

    def say(self, words):
        """Says what is done now."""
        if self._bar is not None:
            self._bar.update(self._row, description=words)

    def step(self):
        """Moves the bar by one cell."""
        if self._bar is not None:
            self._bar.advance(self._row)
