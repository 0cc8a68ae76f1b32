"""What the servers of a cluster do: two hold mail, each further one votes, and one of those is the witness."""

from __future__ import annotations

from collections.abc import Mapping

from mailwiz_tui.plan.model import Role
from mailwiz_tui.ui.widgets.server_list import Chosen

HOLDERS = 2
"""DRBD replicates between two servers."""
_WITH_THE_MAIL = {Role.MAIL_STORAGE, Role.MX_OUTBOUND}
_OF_VOTERS = {Role.MX_INBOUND, Role.ANTISPAM}


def holds_mail(entry: Chosen) -> bool:
    """Whether a server is one of those among which the mailboxes move."""
    return Role.ALL_IN_ONE in entry.roles


def roles_of_next(chosen: Mapping[str, Chosen]) -> set[Role]:
    """The roles of one more server: it holds mail if another holder is needed, else it votes."""
    return {Role.ALL_IN_ONE} if sum(map(holds_mail, chosen.values())) < HOLDERS else set(_OF_VOTERS)


def toggled(roles: set[Role], role: Role) -> set[Role]:
    """The roles after one was set or cleared.

    Mailboxes and submission are on the same servers, so either role makes a holder of a voter, or a voter of a
    holder. A holder has all other roles; a voter may receive and filter mail.
    """
    if role in _WITH_THE_MAIL:
        return set(_OF_VOTERS) if Role.ALL_IN_ONE in roles else {Role.ALL_IN_ONE}
    if Role.ALL_IN_ONE in roles:
        return set(roles)
    return (roles ^ {role}) & _OF_VOTERS


def witness(chosen: Mapping[str, Chosen], named: str) -> str:
    """The witness among these servers: the one that was named if it votes, else the first voter, else empty."""
    voters = [server_id for server_id, entry in chosen.items() if not holds_mail(entry)]
    return named if named in voters else next(iter(voters), "")
