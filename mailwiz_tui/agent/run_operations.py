"""What the controller asks to install: facts, keys and secrets before a run, then its start, journal and end."""

from __future__ import annotations

from collections.abc import Iterator

from .core.context import Context, Raw
from .operation import Answer, Channel, Operation


class RunOperations:
    """From what a server is to what its blueprint makes of it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def by_name(self) -> dict[str, Operation]:
        """The operations under the names that requests give them."""
        return {
            "facts": self.facts,
            "prepare": self.prepare,
            "install_certificate": self.install_certificate,
            "secret_put": self.secret_put,
            "secret_missing": self.secret_missing,
            "diff": self.diff,
            "start": self.start,
            "status": self.status,
            "follow": self.follow,
            "confirm": self.confirm,
            "stop_after": self.stop_after,
        }

    def facts(self) -> Answer:
        """Everything known of the server, as ``fleet.facts.Facts`` names it."""
        from .facts import facts

        return facts.gather(self._channel.host)

    def prepare(self, dkim: list[Raw], tls: Raw | None, mesh: Raw | None = None) -> Answer:
        """Makes missing keys; returns the public halves."""
        from .items import keys, mesh_keys

        with self._channel.exclusive:
            answer = keys.prepare(self._channel.host, dkim, tls)
            return answer | (mesh_keys.prepare(self._channel.host, mesh) if mesh else {})

    def install_certificate(self, chain: str, key: str) -> Answer:
        """Keeps the operator's own certificate and key for the next run."""
        from .items import keys

        with self._channel.exclusive:
            return keys.install_certificate(self._channel.host, chain, key)

    def secret_put(self, name: str, value: str) -> Answer:
        """Keeps a secret that the operator gives."""
        from .core import secrets

        with self._channel.exclusive:
            return secrets.put(self._channel.host, name, value)

    def secret_missing(self, names: list[str]) -> Answer:
        """Which of the named secrets are not here yet."""
        from .core import secrets

        return {"missing": secrets.missing(self._channel.host, names)}

    def diff(self, blueprint: Raw) -> Answer:
        """What a blueprint would change here."""
        from .core import steps

        return {"steps": steps.compare(Context.of(self._channel.host, blueprint, predict=True))}

    def start(self, run_id: str, blueprint: Raw, options: Raw | None = None) -> Answer:
        """Starts a run of its own."""
        from .core import launch

        with self._channel.exclusive:
            return launch.start(self._channel.host, run_id, blueprint, options or {})

    def status(self) -> Answer:
        """The latest run and how it stands."""
        from .core import launch

        return launch.status(self._channel.host)

    def follow(self, run_id: str, offset: int = 0) -> Iterator[Raw]:
        """A run's journal from a byte offset."""
        from .core import launch

        return launch.follow(self._channel.host, run_id, offset)

    def confirm(self, run_id: str, step: str) -> Answer:
        """Keeps a lockout step."""
        from .core import lockout

        return {"outcome": lockout.confirm(self._channel.host, run_id, step)}

    def stop_after(self, run_id: str) -> Answer:
        """Ends a run when its present step is done."""
        from .core import run

        return {"asked": run.stop_after_step(self._channel.host, run_id)}
