"""OpenDKIM as Postfix meets it: what signs where the filter does not, and what says which signatures are good."""

from __future__ import annotations

from mailwiz_tui.plan.model import Antispam
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.mail_parts import MailParts, Milter, MilterUse, Stage, Stream, asked
from mailwiz_tui.topology.model import Signer

MILTER = Milter("opendkim", "opendkim.service", layout.OPENDKIM_MILTER_PORT)


def runs(context: Context) -> bool:
    """Whether OpenDKIM runs on this server."""
    return bool(_uses(context))


def mail_parts(context: Context) -> MailParts:
    """It is asked where it runs: a key never leaves its server."""
    return MailParts(milters=_uses(context))


def _uses(context: Context) -> tuple[MilterUse, ...]:
    """Rspamd looks at signatures itself; SpamAssassin weighs what OpenDKIM said before."""
    verifies = context.plan.services.antispam is Antispam.SPAMASSASSIN and context.topology.receives
    signs = context.topology.signer is Signer.SEPARATE
    return (
        *((asked(MILTER, Stage.SIGNATURES, Stream.INCOMING),) if verifies else ()),
        *((asked(MILTER, Stage.SIGNING, Stream.SUBMITTED, Stream.LOCAL),) if signs else ()),
    )
