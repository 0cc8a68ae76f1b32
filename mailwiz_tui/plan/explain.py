"""Converts pydantic's errors about a plan into findings in an administrator's words, each with its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.schema import bounds_of, choices_of, closest, dotted, homes_of, keys_of, table_header

_EXAMPLES = {
    "domain.primary_domain": 'primary_domain = "example.com"',
    "domain.hostname": 'hostname = "mail.example.com"',
    "id": 'id = "mx1"',
    "name": 'name = "example.org"',
}


def explain(error: ValidationError) -> list[Finding]:
    """One finding for each error of pydantic, in the order of the file's keys."""
    return [_finding(details) for details in error.errors(include_url=False)]


def printable(text: str, limit: int = 200) -> str:
    """Text from a file, safe to print on a terminal: nothing invisible, not too long."""
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def quoted(value: object) -> str:
    """A value in the form of the plan file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"“{printable(value, 60)}”"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return printable(str(value), 60)


def _finding(details: ErrorDetails) -> Finding:
    location = details["loc"]
    message, advice = _words(details)
    return Finding(printable(dotted(location)) or "plan", printable(message, 400), advice=printable(advice))


def _words(details: ErrorDetails) -> tuple[str, str]:
    """The message and the advice for one error."""
    kind, location, value = details["type"], details["loc"], details["input"]
    context: dict[str, Any] = details.get("ctx", {})
    if kind == "value_error":
        return str(context.get("error", details["msg"])), ""
    if kind == "missing":
        return _missing(location)
    if kind == "extra_forbidden":
        return _unknown(location)
    if kind in ("enum", "literal_error"):
        return _choice(location, value)
    if kind in ("bool_parsing", "bool_type"):
        return f"must be true or false, without quotes, not {quoted(value)}", ""
    if kind == "string_type":
        return f"must be text in quotes, not {quoted(value)}", _in_quotes(location, value)
    if kind in ("int_parsing", "int_type", "int_from_float", "int_parsing_size"):
        return f"must be a whole number, without quotes, not {quoted(value)}", ""
    if kind in ("greater_than_equal", "less_than_equal"):
        least, most = bounds_of(location)
        return f"is {quoted(value)}; {least} to {most} are possible", ""
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be a table, not {quoted(value)}", f"write it as {table_header(location)} with its keys below"
    if kind == "list_type":
        keys = keys_of(location)
        form = f"write each as {table_header((*location, 0))}" if keys else 'write it in brackets: ["…", "…"]'
        return f"must be a list, not {quoted(value)}", form
    return details["msg"].removeprefix("Value error, "), ""


def _missing(location: tuple[str | int, ...]) -> tuple[str, str]:
    example = _EXAMPLES.get(dotted(location)) or _EXAMPLES.get(str(location[-1]))
    where = _at(location[:-1]).replace("in [", "under [")
    return "is missing", f"add, {where}: {example}" if example else f"add it {where}"


def _unknown(location: tuple[str | int, ...]) -> tuple[str, str]:
    *table, key = location
    name = str(key)
    near = closest(name, keys_of(table))
    if near:
        return "is not a key of a plan", f"did you mean {near}?"
    homes = homes_of(name)
    if homes:
        return f"does not belong {_at(table)}", f"it belongs in {' or '.join(homes)}"
    keys = keys_of(table)
    known = f"{table_header(table)} has {', '.join(keys)}" if keys else ""
    return "is not a key of a plan", known


def _at(table: Sequence[str | int]) -> str:
    return f"in {table_header(table)}" if table else "at the top of the file"


def _choice(location: tuple[str | int, ...], value: object) -> tuple[str, str]:
    choices = choices_of(location)
    near = closest(value, choices) if isinstance(value, str) else ""
    if isinstance(value, str) and value in choices:
        return f"must be written without quotes: {value}", ""
    return f"{quoted(value)} is not one of {', '.join(choices)}", f"did you mean {near}?" if near else ""


def _in_quotes(location: tuple[str | int, ...], value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and location:
        return f'write {location[-1]} = "{value}"'
    return ""
