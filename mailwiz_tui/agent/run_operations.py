"""What the agent does to install: facts, keys and secrets before a run, then its start, journal and end."""

from __future__ import annotations

from collections.abc import Iterator

from .channel import Channel
from .core.context import Context
from .protocol.facts import AskFacts, ServerFacts
from .protocol.keys import AskMissingSecrets, InstallCertificate, KeysPublic, PrepareKeys, PutSecret
from .protocol.request import Operation
from .protocol.runs import (
    AskRunStatus,
    CompareBlueprint,
    Confirmation,
    ConfirmStep,
    FollowRun,
    JournalChunk,
    RunStarted,
    RunStatus,
    StartRun,
    StepDiff,
    StopAfterStep,
    StopAsked,
)


class RunOperations:
    """The operations of an installation."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._host = channel.host

    def operations(self) -> list[Operation]:
        """The operations of this group."""
        return [
            AskFacts.by(self._facts),
            PrepareKeys.by(self._prepare),
            InstallCertificate.by(self._certificate),
            PutSecret.by(self._put_secret),
            AskMissingSecrets.by(self._missing_secrets),
            CompareBlueprint.by(self._compare),
            StartRun.by(self._start),
            AskRunStatus.by(self._status),
            FollowRun.by(self._follow),
            ConfirmStep.by(self._confirm),
            StopAfterStep.by(self._stop),
        ]

    def _facts(self, _: AskFacts) -> ServerFacts:
        from .facts import facts

        return facts.gather(self._host)

    def _prepare(self, request: PrepareKeys) -> KeysPublic:
        from .items import keys, mesh_keys

        with self._channel.exclusive:
            made = keys.prepare(self._host, request.dkim, request.tls)
            mesh = mesh_keys.prepare(self._host, request.mesh) if request.mesh else None
            return KeysPublic(made.dkim, made.tls, mesh)

    def _certificate(self, request: InstallCertificate) -> None:
        from .items import keys

        with self._channel.exclusive:
            keys.install_certificate(self._host, request.chain, request.private_key.reveal())

    def _put_secret(self, request: PutSecret) -> None:
        from .core import secrets

        with self._channel.exclusive:
            secrets.put(self._host, request.name, request.value.reveal())

    def _missing_secrets(self, request: AskMissingSecrets) -> tuple[str, ...]:
        from .core import secrets

        return secrets.missing(self._host, request.names)

    def _compare(self, request: CompareBlueprint) -> tuple[StepDiff, ...]:
        from .core import steps

        return steps.compare(Context.of(self._host, request.blueprint, predict=True))

    def _start(self, request: StartRun) -> RunStarted:
        from .core import launch

        with self._channel.exclusive:
            return launch.start(self._host, request.run_id, request.blueprint, request.options)

    def _status(self, _: AskRunStatus) -> RunStatus:
        from .core import launch

        return launch.status(self._host)

    def _follow(self, request: FollowRun) -> Iterator[JournalChunk | None]:
        from .core import launch

        return launch.follow(self._host, request.run_id, request.offset)

    def _confirm(self, request: ConfirmStep) -> Confirmation:
        from .core import lockout

        return Confirmation(lockout.confirm(self._host, request.run_id, request.step))

    def _stop(self, request: StopAfterStep) -> StopAsked:
        from .core import run

        return StopAsked(run.stop_after_step(self._host, request.run_id))
