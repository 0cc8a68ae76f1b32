"""OpenDKIM as milters of Postfix: the signer, and the verifier for SpamAssassin."""

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
    """On the server where it runs: a key never leaves its server."""
    return MailParts(milters=_uses(context))


def _uses(context: Context) -> tuple[MilterUse, ...]:
    """Rspamd verifies signatures itself; SpamAssassin uses the results of OpenDKIM."""
    verifies = context.plan.services.antispam is Antispam.SPAMASSASSIN and context.topology.receives
    signs = context.topology.signer is Signer.SEPARATE
    return (
        *((asked(MILTER, Stage.SIGNATURES, Stream.INCOMING),) if verifies else ()),
        *((asked(MILTER, Stage.SIGNING, Stream.SUBMITTED, Stream.LOCAL),) if signs else ()),
    )
