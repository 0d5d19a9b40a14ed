"""`python -m mtlzoo`."""

import sys

from mtlzoo.cli import main

if __name__ == "__main__":
    sys.exit(main())
