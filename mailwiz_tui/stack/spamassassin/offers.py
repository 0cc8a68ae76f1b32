"""SpamAssassin for other servers: its milter, and spamd itself for learning."""

from __future__ import annotations

from mailwiz_tui.plan.model import Antispam, Plan, Role
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.filtering import ASKS_FILTERS
from mailwiz_tui.stack.traffic import Link

_ANSWERS = (r'send "PING SPAMC/1.5\r\n\r\n"', "expect string PONG")
"""spamd/PROTOCOL of SpamAssassin's source. spamd logs a line for each connection."""


def _chosen(plan: Plan) -> bool:
    return plan.services.antispam is Antispam.SPAMASSASSIN


LINK = Link(
    "spamassassin",
    layout.SPAMD_MILTER_PORT,
    (Role.ANTISPAM,),
    ASKS_FILTERS,
    "has mail filtered",
    wanted=_chosen,
    own_probe=(
        f"connect port {layout.SPAMD_MILTER_PORT}",
        f"connect port {layout.SPAMD_PORT}",
        *_ANSWERS,
    ),
    own_interval=5,
)
TEACHING = Link(
    "spamd",
    layout.SPAMD_PORT,
    (Role.ANTISPAM,),
    (Role.MAIL_STORAGE,),
    "teaches SpamAssassin what is spam",
    each=True,
    wanted=_chosen,
    probe=_ANSWERS,
    interval=30,
)
