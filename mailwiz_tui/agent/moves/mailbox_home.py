"""What a store does for a mailbox that is created on it or removed."""

from __future__ import annotations

import os
import shutil

from ..accounts.addresses import address_of, held_address
from ..accounts.mailboxes import home_of
from ..core.host import Host
from ..protocol.accounts import FoundMail, LeftMail
from . import old_mail


def mailbox_created(host: Host, address: str) -> FoundMail:
    """Makes room for a new mailbox on this store; says where mail of a former one lies.

    The tombstone of an earlier mailbox of that name is removed (``move_state.tombstone``).
    """
    home = home_of(host, address_of(address))
    if home and os.path.isfile(host.path(home)):
        os.unlink(host.path(home))
    return FoundMail(home if home and os.path.isdir(host.path(home)) else "")


def mailbox_removed(host: Host, address: str, delete_mail: bool = False) -> LeftMail:
    """Ends the sessions of a mailbox that was removed, and deletes its mail if told so."""
    address = held_address(address)
    home = home_of(host, address)
    if home and not os.path.isdir(host.path(home)):
        home = ""
    host.run(["doveadm", "kick", address], timeout=10)
    if delete_mail and home:
        old_mail.remove(old_mail.folder(host, address))
        shutil.rmtree(host.path(home))
    return LeftMail(home, bool(delete_mail and home))
