"""Templates of configuration files: Jinja2 with delimiters of its own.

``{= name =}`` is a value, ``{: if name :}`` a statement, ``{:# remark #:}`` a remark that is not rendered.
Jinja2's own delimiters clash with the languages of the files: ``{{`` begins a secret for the agent
(``{{secret:NAME}}``), ``{#`` is in the shell's ``${#list}``, ``{%`` in formats of Lua and Python
(``"{%s}"``). No language here has ``{=`` or ``{:``. Already in use are ``$name`` and ``${name}`` (Postfix,
nginx, PHP, shell), ``%{name}`` (Dovecot), ``%i`` (systemd), ``%w`` (Lua), ``@name`` (nftables), ``@@name``
(SQL), ``[[`` and ``<<`` (shell), ``<{$name}>`` (an address in PHP), ``<%{name}>`` (Dovecot's log formats).

A line with only a statement or a remark is not in the output. A name without a value and a value without a name are
both errors, even in branches that are not used, so that a template always fits its code.
https://jinja.palletsprojects.com/en/stable/api/#high-level-api
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


class TemplateError(Exception):
    """A template and its values do not fit: a fault of the program, never of the plan."""


def render(component: str, name: str, /, **values: object) -> str:
    """The template ``templates/<name>`` of a component with its values filled in.

    Raises ``TemplateError`` if a name has no value, a value no name, or a value is neither text nor a whole number.
    """
    return _filled(*_template(component, name), values)


def source(component: str, name: str) -> str:
    """The source text of a component's template."""
    return files("mailwiz_tui.stack").joinpath(component, "templates", name).read_text(encoding="utf-8")


def fill(text: str, name: str, /, **values: object) -> str:
    """``text`` as a template with its values filled in; ``name`` is for the message of an error."""
    return _filled(*_compiled(text, name), values)


def _filled(template: jinja2.Template, names: frozenset[str], values: dict[str, object]) -> str:
    from jinja2 import UndefinedError

    if missing := sorted(names - values.keys()):
        raise TemplateError(f"{template.filename} needs a value for {', '.join(missing)}")
    if unused := sorted(values.keys() - names):
        raise TemplateError(f"{template.filename} has no place for {', '.join(unused)}")
    try:
        return template.render(values)
    except UndefinedError as error:  # an attribute or an item that a value does not have
        raise TemplateError(f"{template.filename}: {error}") from error


@cache
def _template(component: str, name: str) -> tuple[jinja2.Template, frozenset[str]]:
    return _compiled(source(component, name), f"{component}/{name}")


def _compiled(text: str, name: str) -> tuple[jinja2.Template, frozenset[str]]:
    """The template and the names of the values that it needs."""
    from jinja2 import Template, TemplateSyntaxError, meta

    environment = _environment()
    try:
        tree = environment.parse(text, filename=name)
        code = environment.compile(tree, name, name)
    except TemplateSyntaxError as error:
        raise TemplateError(f"{name}, line {error.lineno}: {error.message}") from error
    template = Template.from_code(environment, code, environment.make_globals(None))
    return template, frozenset(meta.find_undeclared_variables(tree))


@cache
def _environment() -> jinja2.Environment:
    """Jinja2 with the settings for these templates; loaded with the first template, not with the program."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        variable_start_string="{=",
        variable_end_string="=}",
        block_start_string="{:",
        block_end_string=":}",
        comment_start_string="{:#",
        comment_end_string="#:}",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - configuration files, not HTML
        finalize=_printable,
    )
    environment.globals.clear()
    return environment


def _printable(value: object) -> object:
    """Refuse values in Python's own notation: ``None``, ``True``, a list."""
    from jinja2 import Undefined

    if isinstance(value, str | Undefined) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TemplateError(f"a template prints {value!r}, which is neither text nor a whole number")


def sql_text(value: str) -> str:
    """A string as an SQL literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def quoted(value: str) -> str:
    """A string in double quotes, for UCL (Rspamd) and Dovecot."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
