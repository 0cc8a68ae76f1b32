"""The lab's configuration files, kept as an administrator would read them, with ``{{name}}`` for what varies."""

from __future__ import annotations

import re
from importlib.resources import files

_HOLE = re.compile(r"\{\{(\w+)\}\}")


def source(name: str) -> str:
    """Return a template as it stands in ``lab/templates/``."""
    return files(__package__).joinpath("templates", *name.split("/")).read_text()


def render(name: str, **values: object) -> str:
    """Fill every hole of a template; a hole without a value is a KeyError."""
    return _HOLE.sub(lambda hole: str(values[hole[1]]), source(name))
