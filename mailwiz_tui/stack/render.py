"""Templates of configuration files: ``@@NAME@@`` is replaced, everything else is left alone.

The mark collides with nothing that Postfix (``$name``), Dovecot (``%{name}``), nftables (``@name``) or
the agent (``{{secret:NAME}}``) use. A name without a value and a value without a name are both errors,
so that a template and the code beside it cannot drift apart.
"""

from __future__ import annotations

import re
from importlib.resources import files

_MARK = re.compile(r"@@([A-Z][A-Z0-9_]*)@@")


class TemplateError(Exception):
    """A template and its values do not fit; a fault of the program, never of the plan."""


def render(component: str, name: str, /, **values: str) -> str:
    """The template ``templates/<name>`` of a component with its values filled in.

    ``values`` are keyed by the marks' names in lower case. Raises ``TemplateError`` where a mark has no
    value or a value no mark.
    """
    return fill(source(component, name), f"{component}/{name}", **values)


def source(component: str, name: str) -> str:
    """The text of a component's template as it is."""
    return files("mailwiz_tui.stack").joinpath(component, "templates", name).read_text(encoding="utf-8")


def fill(text: str, name: str, /, **values: str) -> str:
    """``text`` with its marks replaced; ``name`` is for the message of an error."""
    known = {key.upper(): value for key, value in values.items()}
    marks = set(_MARK.findall(text))
    if missing := sorted(marks - known.keys()):
        raise TemplateError(f"{name} needs a value for {', '.join(missing)}")
    if unused := sorted(known.keys() - marks):
        raise TemplateError(f"{name} has no place for {', '.join(unused)}")
    return _MARK.sub(lambda mark: known[mark.group(1)], text)


def sql_text(value: str) -> str:
    """A string as an SQL literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def quoted(value: str) -> str:
    """A string in double quotes, as UCL (Rspamd) and Dovecot read it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
