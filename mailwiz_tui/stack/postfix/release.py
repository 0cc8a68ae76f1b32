"""Differences of Postfix between Debian releases: 3.10 on Debian 13, 3.7 on Debian 12."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.stack.blueprint import Command, Unit
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.unit_words import UnitWords, Work

SERVICE = "postfix.service"
INSTANCE = "postfix@-.service"
WORDS = tuple(
    UnitWords(
        unit.removesuffix(".service"),
        "no mail is received or sent",
        work=(Work.MAIL,),
        checks=("postfix.", "tls.", "listeners.wanted", "reach."),
    )
    for unit in (SERVICE, INSTANCE)
)


@dataclass(frozen=True, slots=True)
class Release:
    """``compatibility_level``, the key exchange groups that its OpenSSL knows, whether it has a setting for those
    over finite fields, and the unit that its processes run in.

    Debian 12 starts an instance, and its ``postfix.service`` runs nothing and is always active: state and journal
    of Postfix are those of the instance alone.
    """

    compatibility_level: str
    curves: str
    has_ffdhe: bool = True
    unit: str = SERVICE

    @classmethod
    def of(cls, context: Context) -> Release:
        """The release of a server."""
        return _BOOKWORM if context.codename == "bookworm" else _TRIXIE

    def units(
        self, *, restart_on: tuple[str, ...], reload_on: tuple[str, ...], after: tuple[str, ...] = ()
    ) -> tuple[Command | Unit, ...]:
        """The units of Postfix; the one with the processes reads the files.

        After an upgrade of Debian the old instance still runs, and systemd does not start the new unit beside it.
        """
        first: Command | Unit = Unit(SERVICE, oneshot=True)
        if self.unit == SERVICE:
            stop = f"systemctl stop {INSTANCE}; systemctl reset-failed {INSTANCE} || true"
            gone = f'[ "$(systemctl is-active {INSTANCE})" = inactive ]'
            first = Command("postfix.former-instance", argv=("sh", "-c", stop), unless=("sh", "-c", gone))
        return (
            first,
            Unit(
                self.unit, restart_on=restart_on, reload_on=reload_on, after=after, service_settings=(_MASTER_PID,)
            ),
        )


_MASTER_PID = "PIDFile=/var/spool/postfix/pid/master.pid"
"""Debian's unit does not name the process of master(8), so systemd would not notice that it was killed."""

_TRIXIE = Release(
    compatibility_level="3.10",
    curves="X25519MLKEM768 X25519 prime256v1 secp384r1",
)
_BOOKWORM = Release("3.6", "X25519 prime256v1 secp384r1", has_ffdhe=False, unit=INSTANCE)
