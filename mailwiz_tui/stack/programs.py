"""Python modules that run on servers: kept beside their component, shipped with the folder they are in.

On a server ``/usr/local/lib/mailwiz`` is the package ``mailwiz``, and a component's modules are in a folder of
the component's name, so relative imports (``from ..accounts.account_reader import Accounts``) hold in both places.
"""

from __future__ import annotations

from importlib.resources import files

from mailwiz_tui.stack import keys
from mailwiz_tui.stack.blueprint import Directory, File

PACKAGE = "mailwiz"
_HEADER = "# Managed by mailwiz-tui: the next apply writes this file again. Nothing here is meant to be changed.\n"
PYTHON = ("/usr/bin/python3", "-s", "-P", "-m")
"""How a unit starts a module: nothing of a user's and nothing of the working directory is imported."""
ENVIRONMENT = f"PYTHONPATH={keys.LIB_DIR.rpartition('/')[0]} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1"
"""What the unit's ``Environment=`` says, so that Python finds the package."""


def folder(component: str) -> Directory:
    """The folder of a component's modules on a server."""
    return Directory(f"{keys.LIB_DIR}/{component}")


def module(component: str, name: str) -> File:
    """A module of a component as it is put on a server."""
    text = files("mailwiz_tui.stack").joinpath(component, f"{name}.py").read_text(encoding="utf-8")
    return File(f"{keys.LIB_DIR}/{component}/{name}.py", _HEADER + text)


def start(component: str, name: str) -> str:
    """The command line of a unit that runs a module."""
    return " ".join((*PYTHON, f"{PACKAGE}.{component}.{name}"))
