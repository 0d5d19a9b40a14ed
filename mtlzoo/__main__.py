"""`python -m mtlzoo`."""

import sys

from mtlzoo.cli import main

sys.exit(main())
