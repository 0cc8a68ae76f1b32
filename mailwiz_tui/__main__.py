"""``python -m mailwiz_tui`` is ``mailwiz-tui``."""

import sys

from mailwiz_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
