"""`mtlzoo list`."""

from mtlzoo import architectures, balancing, data, trunks

HELP = "list what can be named"
FAMILIES = {
    "architectures": architectures.describe,
    "trunks": trunks.describe,
    "balancers": balancing.describe,
    "sources": data.sources.describe,
}


def add(parser):
    """Adds the options."""
    parser.add_argument("kind", nargs="?", choices=list(FAMILIES), help="list only these (default: all)")


def run(options):
    """Lists architectures, trunks, balancers and sources, each with what it is."""
    from rich.console import Console
    from rich.table import Table

    for kind, described in FAMILIES.items():
        if options.kind in (None, kind):
            table = Table(title=kind, title_justify="left", show_header=False, box=None, padding=(0, 2))
            for name, line in described().items():
                table.add_row(name, line)
            Console().print(table)
