"""mailwiz-tui: configure, install, verify and watch a complete mail stack on Debian servers."""

__version__ = "0.1.0"
