"""Python modules that run on servers: stored beside their component, shipped with their folder.

On a server ``/usr/local/lib/mailwiz`` is the package ``mailwiz``, and a component's modules are in a folder of
the component's name, so relative imports (``from ..accounts.account_reader import Accounts``) hold in both places.
"""

from __future__ import annotations

from importlib.resources import files

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Directory, File

PACKAGE = "mailwiz"
_HEADER = "# Managed by mailwiz-tui: the next apply writes this file again. Nothing here is meant to be changed.\n"


def folder(component: str) -> Directory:
    """The folder of a component's modules on a server."""
    return Directory(f"{layout.LIB_DIR}/{component}")


def module(component: str, name: str) -> File:
    """A module of a component as a file on a server."""
    text = files("mailwiz_tui.stack").joinpath(component, f"{name}.py").read_text(encoding="utf-8")
    return File(f"{layout.LIB_DIR}/{component}/{name}.py", _HEADER + text)


def launcher(component: str, name: str, program: str) -> File:
    """The executable that runs a module as the main one.

    ps(1), ss(8) and the check of ports see its file name, not ``python3``. Nothing from a user's folder or the
    working directory is imported (python3(1), -I).
    """
    text = (
        f"#!/usr/bin/python3 -I\n{_HEADER}import runpy\nimport sys\n\nsys.dont_write_bytecode = True\n"
        f"sys.path.insert(0, {layout.LIB_DIR.rpartition('/')[0]!r})\n"
        f"runpy.run_module({f'{PACKAGE}.{component}.{name}'!r}, run_name='__main__', alter_sys=True)\n"
    )
    return File(f"{layout.LIB_DIR}/{program}", text, mode=0o755)
