"""``python -m bmtool_connectors``: see ``cli``."""

import sys

from bmtool_connectors.cli import main

if __name__ == "__main__":
    sys.exit(main())
