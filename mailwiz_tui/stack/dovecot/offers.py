"""The services that a store offers the plan's other servers, on its internal address, inside TLS."""

from __future__ import annotations

from mailwiz_tui.plan.model import Role
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.traffic import Exchange

OFFERS = (
    Exchange(
        "lmtp",
        layout.LMTP_PORT,
        (Role.MAIL_STORAGE,),
        (Role.MX_INBOUND, Role.MX_OUTBOUND),
        "delivers mail to the mailboxes",
    ),
    Exchange("imap", layout.IMAP_PORT, (Role.MAIL_STORAGE,), (Role.MX_OUTBOUND,), "proxies IMAP to the mailbox"),
    Exchange(
        "managesieve",
        layout.SIEVE_PORT,
        (Role.MAIL_STORAGE,),
        (Role.MX_OUTBOUND,),
        "proxies ManageSieve to the mailbox",
    ),
    Exchange(
        "sync",
        layout.STORE_SYNC_PORT,
        (Role.MAIL_STORAGE,),
        (Role.MAIL_STORAGE,),
        "moves mailboxes between the stores",
        at_times=True,
    ),
)
