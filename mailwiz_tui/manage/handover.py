"""What an installation hands to its operator exactly once: first passwords and the backups' keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Handover:
    """Passwords by address, of mailboxes and the panel's administrators, and recovery keys of backups by server."""

    mailboxes: Mapping[str, SecretStr] = field(default_factory=dict)
    administrators: Mapping[str, SecretStr] = field(default_factory=dict)
    backup_keys: Mapping[str, SecretStr] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything to hand over."""
        return bool(self.secrets())

    def secrets(self) -> tuple[SecretStr, ...]:
        """All of them."""
        return (*self.mailboxes.values(), *self.administrators.values(), *self.backup_keys.values())

    def to_json(self) -> str:
        """``{"mailboxes": {address: password}, "admin_panel": {address: password}, "backup_keys": {server: key}}``.

        The last two only where there are such; the text ends with a line break.
        """
        content: dict[str, object] = {"mailboxes": _plain(self.mailboxes)}
        if self.administrators:
            content["admin_panel"] = _plain(self.administrators)
        if self.backup_keys:
            content["backup_keys"] = _plain(self.backup_keys)
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _plain(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in secrets.items()}
