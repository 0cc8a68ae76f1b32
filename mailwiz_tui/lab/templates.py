"""The lab's configuration files, as whole readable files with ``{{name}}`` for values."""

from __future__ import annotations

import re
from importlib.resources import files

_HOLE = re.compile(r"\{\{(\w+)\}\}")


def source(name: str) -> str:
    """Return a template of ``lab/templates/``."""
    return files(__package__).joinpath("templates", *name.split("/")).read_text()


def render(name: str, **values: object) -> str:
    """Fill in all values of a template; a missing value raises KeyError."""
    return _HOLE.sub(lambda hole: str(values[hole[1]]), source(name))
