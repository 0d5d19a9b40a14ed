"""How tables (title, header, rows of text) are written, as text and as Markdown."""

import io
import sys


def text(tables, notes, strong=None):
    """Returns tables and notes as text; with colours only where standard output is a terminal.

    Args:
        tables: tuples (title, header, rows, number of columns of words); columns of numbers are right-justified.
        notes: lines that follow.
        strong: the first cell of rows that stand out, or None.
    """
    from rich.console import Console
    from rich.table import Table

    terminal = sys.stdout.isatty()
    console = Console(file=io.StringIO(), force_terminal=terminal, force_jupyter=False, width=None if terminal else 240)
    for title, header, rows, words in tables:
        table = Table(title=title, title_justify="left", title_style="bold", box=_box())
        for index, name in enumerate(header):
            table.add_column(name, justify="left" if index < words else "right", overflow="fold")
        for row in rows:
            table.add_row(*[_coloured(cell) for cell in row], style="bold" if row[0] == strong else None)
        console.print(table)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return "\n".join([*lines, *notes]) + "\n"


def markdown(heading, tables, notes):
    """Returns a heading, tables as for `text`, and notes as Markdown."""
    return "\n".join([f"# {heading}", "", *markdown_lines(tables), "\n\n".join(notes)]) + "\n"


def markdown_lines(tables):
    """Returns the lines of tables as Markdown, each under its title."""
    lines = []
    for title, header, rows, _ in tables:
        lines += [f"## {title}", "", _row(header), _row(["---"] + ["---:"] * (len(header) - 1)), *[_row(row) for row in rows], ""]
    return lines


def _row(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _coloured(cell):
    from rich.text import Text

    style = "green" if "+" in cell and "%" in cell else "red" if "-" in cell and "%" in cell else ""
    return Text(cell, style=style)


def _box():
    from rich import box

    return box.SIMPLE_HEAD
