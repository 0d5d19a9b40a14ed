"""A progress bar over the trials of a search, where somebody can see it."""


class TrialBar:
    """Shows how many trials ended, and the best score; on a terminal or in a notebook only.

    Args:
        total: the number of trials, or None.
        shown: False in a worker, whose chief shows the bar.
    """

    def __init__(self, total, shown=True):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        columns = [TextColumn("trials"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[told]}")]
        self.bar = Progress(*columns, console=console) if shown and (console.is_terminal or console.is_jupyter) else None
        self.row = self.bar.add_task("trials", total=total, told="") if self.bar else None

    def __enter__(self):
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *error):
        if self.bar:
            self.bar.stop()

    def show(self, oracle):
        """Shows the state of an oracle."""
        if self.bar:
            self.bar.update(self.row, completed=len(oracle.end_order), told=summary(oracle.trials.values()))


def summary(trials):
    """Returns the best score and the number of failed trials, in words."""
    scores = [trial.score for trial in trials if trial.status == "COMPLETED"]
    failed = sum(trial.status == "FAILED" for trial in trials)
    told = f"best {max(scores):.4g}" if scores else ""
    return told + (f"  {failed} failed" if failed else "")
