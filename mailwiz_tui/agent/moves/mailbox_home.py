"""What one of several stores does for a mailbox that comes to it or is removed."""

from __future__ import annotations

import os
import shutil
from typing import Any

from ..accounts.addresses import address_of, held_address
from ..accounts.mailboxes import home_of
from ..core.host import Host


def mailbox_created(host: Host, address: str) -> dict[str, Any]:
    """Makes room for a new mailbox on this store; ``{"found_mail"}`` says where mail of a former one lies.

    What a mailbox of that name left in its place when it moved away goes (``move_state.tombstone``).
    """
    home = home_of(host, address_of(address))
    if home and os.path.isfile(host.path(home)):
        os.unlink(host.path(home))
    return {"found_mail": home if home and os.path.isdir(host.path(home)) else ""}


def mailbox_removed(host: Host, address: str, delete_mail: bool = False) -> dict[str, Any]:
    """Ends the sessions of a mailbox that was removed, and deletes its mail if told so; ``{"home", "deleted"}``."""
    address = held_address(address)
    home = home_of(host, address)
    if home and not os.path.isdir(host.path(home)):
        home = ""
    host.run(["doveadm", "kick", address], timeout=10)
    if delete_mail and home:
        shutil.rmtree(host.path(home))
    return {"home": home, "deleted": bool(delete_mail and home)}
