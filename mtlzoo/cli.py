"""The command line; `mtlzoo/commands/` holds its commands."""

import argparse
import sys

import tensorflow as tf

from mtlzoo.commands import compare, evaluate, export, train, tune
from mtlzoo.commands import list as list_command

COMMANDS = {"train": train, "compare": compare, "tune": tune, "evaluate": evaluate, "export": export, "list": list_command}


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; what is wrong with its arguments comes out as one line and exit code 2.

    Args:
        arguments: the command line without the program's name; None for that of the process.

    Returns:
        The exit code: 0, 2 for a bad value, 130 when interrupted.

    Raises:
        SystemExit: from argparse, for `--help` (code 0) and for unknown options (code 2).

    Source: the exit codes of argparse.

    >>> main(["evaluate", "no/such/run"])
    2
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        options.command(options)
    except (ValueError, TypeError, OSError, tf.errors.OpError) as error:
        message = " ".join(str(error).split()).replace("overwrite=True", "--overwrite")
        print(f"mtlzoo {options.name}: error: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"mtlzoo {options.name}: interrupted; {str(stop) or 'nothing was written.'}", file=sys.stderr)
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line.

    Returns:
        An `argparse.ArgumentParser`.

    Source: the README's first ten minutes.

    >>> make_parser().parse_args(["train", "--epochs", "3"]).epochs
    3
    """
    parser = _Parser(prog="mtlzoo", description="Multi-task learning models for Keras: train, judge, export.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="name", help="what to do")
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.HELP, description=command.run.__doc__.split("\n")[0])
        command.add(own)
        own.set_defaults(command=command.run)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")
