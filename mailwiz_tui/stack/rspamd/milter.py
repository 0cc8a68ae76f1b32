"""Rspamd for Postfix and Dovecot: the milter, the header field that marks spam, and the learner."""

from __future__ import annotations

from mailwiz_tui.plan.model import Antispam, Plan, Role
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.filtering import ASKS_FILTERS, reached, teaching_places
from mailwiz_tui.stack.mail_parts import Learner, MailParts, Milter, Stage, Stream, asked
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.traffic import Link

MILTER = Milter("rspamd", "rspamd.service", layout.RSPAMD_MILTER_PORT)


def _chosen(plan: Plan) -> bool:
    return plan.services.antispam is Antispam.RSPAMD


LINK = Link(
    "milter", layout.RSPAMD_MILTER_PORT, (Role.ANTISPAM,), ASKS_FILTERS, "has mail filtered", wanted=_chosen
)
TEACHING = Link(
    "learning",
    layout.RSPAMD_CONTROLLER_PORT,
    (Role.ANTISPAM,),
    (Role.MAIL_STORAGE,),
    "teaches Rspamd what is spam",
    each=True,
    wanted=_chosen,
    ping="/ping",
)


def runs(context: Context) -> bool:
    """Whether Rspamd runs on this server."""
    return context.plan.services.antispam is Antispam.RSPAMD and context.topology.filters.here


def mail_parts(context: Context) -> MailParts:
    """Rspamd's milter here, or on the servers that filter, if the plan has Rspamd.

    If it works for this server alone it also signs, so mail of the host itself passes through it too.
    """
    if context.plan.services.antispam is not Antispam.RSPAMD:
        return MailParts()
    local = (Stream.LOCAL,) if context.topology.filters.exclusive else ()
    return MailParts(
        milters=tuple(
            asked(milter, Stage.VERDICT, Stream.INCOMING, Stream.SUBMITTED, *local)
            for milter in reached(context, MILTER, LINK)
        ),
        junk_headers=(("X-Spam", "Yes"),),
        learner=_learner(context),
    )


def _learner(context: Context) -> Learner:
    """The learner: sends a message to Rspamd's controller here, or to that of every server that filters."""
    program = f"{layout.LIB_DIR}/rspamd-learn"
    if context.topology.filters.exclusive:
        script = render("rspamd", "rspamd-learn", controller=layout.RSPAMD_CONTROLLER)
        return Learner(program, "_rspamd", script)
    script = render("rspamd", "rspamd-learn-peers", places=teaching_places(context, TEACHING))
    return Learner(program, "nobody", script, "curl")
