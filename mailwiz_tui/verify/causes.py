"""Why checks failed: one service that does not answer fails many, on its own server and on those that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailwiz_tui.plan.words import counted
from mailwiz_tui.verify.result import CheckResult, CheckState

ANSWERS = "answers."
"""How the ids of the checks begin that ask a service itself; then comes its unit."""
_MAIL = ("mail-in.", "mail-out.", "smtp.", "submission.", "relay.")
_LOGINS = ("auth.", "web.")
_DEPENDENTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("mailwiz-mesh", (*_MAIL, *_LOGINS), ("mesh.", "links.", "account")),
    ("unbound", _MAIL, ("resolver.", "unbound.")),
    (
        "mariadb",
        (*_MAIL, *_LOGINS),
        ("mariadb.", "database-gate.", "account", "postfix.accounts", "dovecot.accounts"),
    ),
    ("mailwiz-database-gate", (*_MAIL, *_LOGINS), ("database-gate.", "postfix.accounts", "dovecot.accounts")),
    ("redis-server@rspamd", (), ("redis.", "rspamd.", "answers.rspamd")),
    ("clamav-daemon", _MAIL, ("clamav.", "answers.mailwiz-clamav-milter")),
    ("spamd", _MAIL, ("spamassassin.", "answers.mailwiz-spamd-milter")),
    ("rspamd", _MAIL, ("rspamd.",)),
    (
        "dovecot",
        (*_MAIL, *_LOGINS),
        ("dovecot.", "sasl-gate.", "answers.mailwiz-sasl-gate", "tls.", "listens.", "reach."),
    ),
    ("mailwiz-sasl-gate", ("submission.",), ("sasl-gate.",)),
    ("mailwiz-", _MAIL, ("links.", "guard.", "clamav.", "spamassassin.", "message-checks.", "recipient-checks.")),
    ("opendkim", _MAIL, ("opendkim.",)),
    ("postfix", _MAIL, ("postfix.", "tls.", "listens.", "reach.")),
    ("php", ("web.",), ("php.",)),
    ("nginx", ("web.",), ("nginx.", "tls.", "listens.", "reach.")),
)
"""What fails with a unit, by the beginnings of its name and of the checks' ids: on every server, on its own server.
What others rely on comes first, so that it is named as the cause."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A service that does not answer, and the failed checks that follow from it, its own among them."""

    root: CheckResult
    results: tuple[CheckResult, ...]

    @property
    def subject(self) -> str:
        """The service and its server."""
        return f"{self.unit} on {self.root.server_id}"

    @property
    def unit(self) -> str:
        """The unit's name without its ending."""
        return self.root.id.partition(".")[2]

    @property
    def sentence(self) -> str:
        """How many checks failed because of it, and why it does not answer."""
        why = f" ({self.root.detail})" if self.root.detail else ""
        return f"{counted(len(self.results), 'check')} failed because {self.subject} does not answer{why}."


def causes(results: Sequence[CheckResult]) -> list[Cause]:
    """The services that do not answer, each with the failures that it explains; each failure is explained once."""
    left = [r for r in results if r.state is CheckState.FAILED]
    roots = sorted((r for r in left if r.id.startswith(ANSWERS)), key=_place)
    found = []
    for root in roots:
        if root not in left:
            continue
        explained = tuple(r for r in left if r is root or _follows(r, root))
        left = [r for r in left if r not in explained]
        found.append(Cause(root, explained))
    return found


def _place(root: CheckResult) -> int:
    unit = root.id.removeprefix(ANSWERS)
    return next((n for n, known in enumerate(_DEPENDENTS) if unit.startswith(known[0])), len(_DEPENDENTS))


def _follows(result: CheckResult, root: CheckResult) -> bool:
    """Whether a failure follows from a service that does not answer."""
    unit, here = root.id.removeprefix(ANSWERS), result.server_id == root.server_id
    if here and result.id in (f"unit.{unit}", "host.units"):
        return True
    place = _place(root)
    if place == len(_DEPENDENTS):
        return False
    _, anywhere, on_its_server = _DEPENDENTS[place]
    return result.id.startswith(anywhere) or (here and result.id.startswith(on_its_server))
