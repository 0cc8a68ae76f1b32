"""``serve ROOT`` · ``run ROOT RUN`` · ``undo ROOT RUN STEP``."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> None:
    """Starts the mode that the arguments name."""
    words = sys.argv[1:] if argv is None else argv
    mode, root, rest = words[0], words[1], words[2:]
    if mode == "serve":
        from . import serve

        serve.main(root)
    elif mode == "run":
        from .core import run
        from .core.host import Host

        sys.exit(run.run(Host(root), rest[0]))
    elif mode == "undo":
        from .core import lockout
        from .core.host import Host

        lockout.undo(Host(root), rest[0], rest[1])
    else:
        sys.exit(f"no such mode: {mode}")


if __name__ == "__main__":
    main()
