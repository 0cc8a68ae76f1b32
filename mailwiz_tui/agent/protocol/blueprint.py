"""What an agent carries out: the items of a blueprint, in steps that succeed or fail together.

``stack/`` makes them, the agent decodes them once and works with these types, so both mean the same by a field.

Secrets never appear here. Where a file or a command needs one, its text holds ``{{secret:NAME}}``; the
agent makes the secret on the server (``SecretSpec``) and fills it in when it writes the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeAlias


class Ask(StrEnum):
    """How a service is asked whether it answers (``items/answers.py``)."""

    TCP = "tcp"
    SMTP = "smtp"
    IMAP = "imap"
    IMAPS = "imaps"
    MILTER = "milter"
    REDIS = "redis"
    CLAMD = "clamd"
    SPAMD = "spamd"
    HTTP = "http"
    FASTCGI = "fastcgi"
    MYSQL = "mysql"
    POLICY = "policy"
    DNS = "dns"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class SecretSpec:
    """A random secret that is made on the server and never leaves it: letters and digits, ``length`` long.

    With ``given`` it is not made but given by the operator (a provider's password); ``given`` says in words
    what it is. It is asked for before the first installation and kept on the server alone.
    """

    name: str
    length: int = 40
    given: str = ""


@dataclass(frozen=True, slots=True)
class Packages:
    """Debian packages that must be installed, and debconf answers set before (debconf-set-selections(1))."""

    kind: ClassVar[str] = "packages"
    names: tuple[str, ...]
    debconf: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A system user with a group of the same name, and the further groups it belongs to.

    ``home`` empty means ``/nonexistent``; an existing user only gains missing groups.
    """

    kind: ClassVar[str] = "user"
    name: str
    uid: int | None = None
    home: str = ""
    groups: tuple[str, ...] = ()
    create: bool = True


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory with its owner and mode."""

    kind: ClassVar[str] = "directory"
    path: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class File:
    """A file written only if content, owner or mode differ; the replaced version is kept as a backup.

    ``append`` names a file of the operator's on the server: what it holds, if it is there, follows
    ``content``, for programs whose configuration knows no include.
    """

    kind: ClassVar[str] = "file"
    path: str
    content: str
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644
    append: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """A file that must not exist (a package's default that would get in the way); kept as a backup."""

    kind: ClassVar[str] = "absent"
    path: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command that brings about what no file can; it must be safe to repeat.

    It runs when ``unless`` exits non-zero (if given), or when the content of ``inputs`` (paths) differs
    from the last time it succeeded, or when it has never succeeded. With both, either reason is enough.
    ``stdin`` may hold ``{{secret:NAME}}``; ``argv`` may not. ``anywhere``: it does not need the volume of its step.
    """

    kind: ClassVar[str] = "command"
    id: str
    argv: tuple[str, ...]
    unless: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    stdin: str = ""
    timeout: float = 300.0
    anywhere: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit's wanted state.

    The unit is restarted when a file in ``restart_on`` differs from what it was at the last start made by
    the agent, reloaded when one in ``reload_on`` does. ``running=False, enabled=False`` stops and disables.

    A service that runs gets a drop-in which starts it again after a crash (``healing/drop_in.py``): ``after`` are
    units that are started before it and with it, ``restart`` is systemd's ``Restart=`` (a unit file of our own may
    say otherwise), ``service_settings`` are further lines of its ``[Service]`` section. ``oneshot`` marks a unit
    that ends when its work is done, or whose processes are not its own.
    """

    kind: ClassVar[str] = "unit"
    name: str
    running: bool = True
    enabled: bool = True
    restart_on: tuple[str, ...] = ()
    reload_on: tuple[str, ...] = ()
    masked: bool = False
    after: tuple[str, ...] = field(default=(), repr=False)
    restart: str = field(default="on-failure", repr=False)
    service_settings: tuple[str, ...] = field(default=(), repr=False)
    oneshot: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ready:
    """A service that must answer before its step ends: a unit is active before its program listens.

    ``service`` is its name for people, ``at`` is ``address:port`` or ``unix:/path``, ``argv`` the command of
    ``Ask.COMMAND``, which must end with 0. After ``limit`` seconds, or when ``unit`` failed, the step fails.
    ``volume`` is the mount point of a volume that moves, for a service that answers only where it is.
    """

    kind: ClassVar[str] = "ready"
    service: str
    unit: str
    ask: Ask
    at: str = ""
    argv: tuple[str, ...] = ()
    limit: float = 180.0
    volume: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that another server of the plan must provide before this one goes on.

    ``what`` and the other ``server`` are named to the operator while it is waited for. ``argv`` ends with 0 once it
    is there, and then costs nothing; after ``limit`` seconds the step fails. No controller is needed.
    """

    kind: ClassVar[str] = "wait"
    what: str
    server: str
    argv: tuple[str, ...]
    limit: float = 900.0


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What an earlier blueprint brought and this one does not name: units stop for good, files go."""

    kind: ClassVar[str] = "leftovers"


Item: TypeAlias = Packages | User | Directory | File | Absent | Command | Unit | Ready | Wait | Leftovers


@dataclass(frozen=True, slots=True)
class Step:
    """A group of items that succeed or fail together, in this order; the unit of progress an operator sees.

    Files of a step are written together; then ``validators`` (argument lists: the target's own checkers)
    must pass, else the former files come back and the step fails; then commands and units follow.
    ``lockout`` marks a step that could cut off SSH: it reverts by itself unless a new connection confirms it.
    ``optional`` marks a step that no later one builds on: where it fails, the operator may go on without it.
    ``volume`` is the mount point of a volume that moves between servers, for a step whose data is on it: commands,
    waits and questions are for the server that has the volume, and no unit is started at boot (``core/volume.py``).
    """

    id: str
    title: str
    component: str
    items: tuple[Item, ...]
    validators: tuple[tuple[str, ...], ...] = ()
    lockout: bool = False
    optional: bool = False
    volume: str = ""


@dataclass(frozen=True, slots=True)
class AgentBlueprint:
    """The part of a server's blueprint that its agent carries out: the steps in order, and the secrets they use."""

    server_id: str
    steps: tuple[Step, ...]
    secrets: tuple[SecretSpec, ...] = ()
