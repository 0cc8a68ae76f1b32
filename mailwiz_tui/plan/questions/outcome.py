"""Steps 7 and 8 have no questions: they show the DNS records and the review, and install."""

from __future__ import annotations

from mailwiz_tui.plan.schema import answers
from mailwiz_tui.plan.spec import StepSpec

DNS = StepSpec(
    id="dns",
    number=7,
    title="DNS",
    summary="The DNS records of the plan, ready to publish.",
    help=(
        "Mail works only with the right records in the DNS. Each record is shown with its reason; "
        "copy the records into your DNS provider's form, or export them as a zone file. The DKIM "
        "record appears when the server has generated its key: in the first part of step 8, or when "
        "you request it here.\n\nThe reverse name (PTR) of the server's address is set at the "
        "provider of the server, not in your zone."
    ),
    depends_on=(
        "architecture",
        "servers",
        "cluster.virtual_ip",
        "domain.primary_domain",
        "domain.hostname",
        "domain.additional_domains",
        "security.tls.provider",
        "security.dkim.enabled",
        "security.dkim.selector",
        "security.dkim.key_size",
        "security.spf.policy",
        "security.spf.includes",
        "security.dmarc.policy",
        "security.dmarc.rua",
        "security.dmarc.ruf",
        "security.dmarc.percentage",
        "network.relay_host",
        "services.webmail",
        "services.admin_panel",
    ),
)

INSTALL = StepSpec(
    id="install",
    number=8,
    title="Installation",
    summary="Install the servers, and test that mail works.",
    help=(
        "The review shows what is still missing, what each server gets, and what changes. The "
        "installation then runs on the servers and continues if this connection is lost; start "
        "mailwiz-tui again to follow it.\n\nAt the end test messages are sent in both directions, and "
        "requests that must be rejected are tried. Generated passwords are shown once.\n\nA second "
        "installation changes only what differs from the plan."
    ),
    depends_on=tuple(path for path in answers() if path != "version"),
)
