"""Secrets that are made on the server, once, or given by the operator, and never leave it again.

Each is a file ``secrets/NAME``, 0600 root.

Text refers to them as ``{{secret:NAME}}``. Whatever is shown of a file has ``●●●`` in their place.
"""

from __future__ import annotations

import os
import re
import secrets as random
import string
from collections.abc import Iterable

from ..protocol.blueprint import SecretSpec
from .fault import AgentFault
from .files import write
from .host import STATE, Host

MASK = "●●●"
_PLACE = re.compile(r"\{\{secret:([A-Za-z0-9_.-]+)\}\}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_LONGEST = 1024
_ALPHABET = string.ascii_letters + string.digits
_SECRET_LINE = re.compile(r"(?i)^(.*(?:pass|secret|token|key|pw)[^=:\s]*\s*(?:=>?|:|\s)\s*)(\S.*)$")


def put(host: Host, name: str, value: str) -> None:
    """Keeps a secret that the operator gives; one that is there already is replaced."""
    if not _NAME.match(name):
        raise AgentFault(f"{name!r} is not a valid name for a secret", "secrets")
    if not value or len(value) > _LONGEST or not value.isprintable():
        raise AgentFault("a secret must be one line of printable characters", f"secret {name}")
    host.make_state_dirs()
    write(host, f"{STATE}/secrets/{name}", value.encode() + b"\n", 0o600)


def missing(host: Host, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the named secrets that this server does not have."""
    return tuple(name for name in names if _NAME.match(name) and not os.path.exists(host.state("secrets", name)))


class Secrets:
    """The secrets that a blueprint names. With ``make=False`` missing ones stay unknown (for a dry run)."""

    def __init__(self, host: Host, specs: Iterable[SecretSpec], *, make: bool) -> None:
        self._host = host
        self._lengths: dict[str, int] = {}
        self._given: dict[str, str] = {}
        for spec in specs:
            if not _NAME.match(spec.name):
                raise AgentFault(f"{spec.name!r} is not a valid name for a secret", "secrets")
            self._lengths[spec.name] = spec.length
            self._given[spec.name] = spec.given
        self._make = make
        self._values: dict[str, str] = {}

    def value(self, name: str) -> str | None:
        """The secret; made now if it is not there yet and may be made."""
        if name in self._values:
            return self._values[name]
        path = self._host.state("secrets", name)
        try:
            with open(path, encoding="utf-8") as handle:
                value = handle.read().rstrip("\n")
        except FileNotFoundError:
            value = ""
        if not value:
            if name not in self._lengths:
                raise AgentFault(f"the blueprint uses a secret {name!r} that it does not declare", "secrets")
            if not self._make:
                return None
            if self._given[name]:
                raise AgentFault(f"the {self._given[name]} was not given to this server yet", "secrets",
                                 f"give it with: mailwiz-tui secret PLAN {name}")  # fmt: skip
            value = "".join(random.choice(_ALPHABET) for _ in range(self._lengths[name]))
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            write(self._host, f"{STATE}/secrets/{name}", value.encode() + b"\n", 0o600)
        self._values[name] = value
        return value

    def names_in(self, text: str) -> list[str]:
        """The secrets that a text refers to."""
        return _PLACE.findall(text)

    def fill(self, text: str) -> str | None:
        """The text with its secrets; None if one of them does not exist yet and must not be made."""
        for name in self.names_in(text):
            if self.value(name) is None:
                return None
        return _PLACE.sub(lambda match: self.value(match[1]) or "", text)

    def masked(self, text: str) -> str:
        """The text with a mask wherever it refers to a secret or contains one."""
        text = _PLACE.sub(MASK, text)
        for name in self._lengths:
            value = self._values.get(name) or self.value(name) if self._exists(name) else None
            if value:
                text = text.replace(value, MASK)
        return text

    def masked_foreign(self, text: str) -> str:
        """A file that may contain unknown secrets: everything after a word such as "password" is masked."""
        return "\n".join(_SECRET_LINE.sub(rf"\g<1>{MASK}", line) for line in self.masked(text).split("\n"))

    def _exists(self, name: str) -> bool:
        return name in self._values or os.path.exists(self._host.state("secrets", name))
