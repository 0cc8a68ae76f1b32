"""Verification of a really installed server: all is right, then one thing is broken at a time, and is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.lab.lab import Lab, LabHost
from mailwiz_tui.manage.first_secrets import FirstSecrets
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.run import verify

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

POSTFIX = "systemctl reload postfix"
OTHER_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=other "
    "-addext subjectAltName=DNS:$(postconf -h myhostname) "
    "-keyout /etc/dovecot/other.key -out /etc/dovecot/other.pem"
)
DKIM_KEY = "/var/lib/rspamd/dkim/2026a.key"


@dataclass(frozen=True)
class Break:
    """A way to break the server, how to mend it, and the checks that must find it."""

    name: str
    do: str
    undo: str
    found_by: frozenset[str]
    states: frozenset[CheckState] = field(default=frozenset({CheckState.FAILED}))


BREAKS = (
    Break(
        "dovecot stopped",
        "systemctl stop dovecot.socket dovecot.service 2>/dev/null || systemctl stop dovecot.service",
        "systemctl start dovecot.service",
        frozenset(
            {"unit.dovecot", "listeners.wanted", "tls.993.certificate", "tls.143.versions", "auth.imap.login"}
        ),
    ),
    Break(
        "open relay",
        f"postconf -e mynetworks=0.0.0.0/0 && {POSTFIX}",
        f"postconf -e 'mynetworks=127.0.0.0/8, [::1]/128' && {POSTFIX}",
        frozenset({"smtp.open-relay"}),
    ),
    Break(
        "another certificate on IMAP",
        f"{OTHER_CERTIFICATE} && printf 'ssl_server_cert_file = /etc/dovecot/other.pem\\n"
        "ssl_server_key_file = /etc/dovecot/other.key\\n' > /etc/dovecot/mailwiz.d/other.conf && "
        "systemctl restart dovecot.service",
        "rm /etc/dovecot/mailwiz.d/other.conf && systemctl restart dovecot.service",
        frozenset({"tls.993.certificate", "tls.143.certificate", "auth.imap.login"}),
    ),
    Break(
        "login before TLS on submission",
        f"postconf -e smtpd_tls_auth_only=no smtpd_sasl_security_options=noanonymous && "
        f"postconf -P submission/inet/smtpd_tls_security_level=may && {POSTFIX}",
        f"postconf -e smtpd_tls_auth_only=yes 'smtpd_sasl_security_options=noanonymous, noplaintext' && "
        f"postconf -P submission/inet/smtpd_tls_security_level=encrypt && {POSTFIX}",
        frozenset({"submission.no-clear-login"}),
    ),
    Break(
        "VRFY on",
        f"postconf -e disable_vrfy_command=no && {POSTFIX}",
        f"postconf -e disable_vrfy_command=yes && {POSTFIX}",
        frozenset({"smtp.vrfy"}),
    ),
    Break(
        "bare newlines taken",
        f"postconf -e smtpd_forbid_bare_newline=no && {POSTFIX}",
        f"postconf -e smtpd_forbid_bare_newline=normalize && {POSTFIX}",
        frozenset({"smtp.smuggling"}),
    ),
    Break(
        "any sender after login",
        f"postconf -P submissions/inet/smtpd_sender_restrictions= && {POSTFIX}",
        f"postconf -P 'submissions/inet/smtpd_sender_restrictions=$submission_sender_restrictions' && {POSTFIX}",
        frozenset({"submission.forged-sender"}),
    ),
    Break(
        "another DKIM key on the server",
        f"cp -a {DKIM_KEY} /root/dkim.key && rspamadm dkim_keygen -b 2048 -s 2026a -k /root/other.key "
        f"> /dev/null && "
        f"cat /root/other.key > {DKIM_KEY} && systemctl restart rspamd",
        f"cat /root/dkim.key > {DKIM_KEY} && systemctl restart rspamd",
        frozenset({"mail-out.465", "mail-out.587"}),
    ),
    Break(
        "no filter",
        f"postconf -e smtpd_milters= non_smtpd_milters= && {POSTFIX}",
        f"postconf -e 'smtpd_milters=inet:127.0.0.1:11345 inet:127.0.0.1:11332' "
        f"non_smtpd_milters=inet:127.0.0.1:11332 && {POSTFIX}",
        frozenset({"smtp.gtube", "mail-out.465", "mail-out.587", "submission.forged-author"}),
    ),
    Break(
        "nobody compares From with the login",
        f"postconf -e smtpd_milters=inet:127.0.0.1:11332 && {POSTFIX}",
        f"postconf -e 'smtpd_milters=inet:127.0.0.1:11345 inet:127.0.0.1:11332' && {POSTFIX}",
        frozenset({"submission.forged-author"}),
    ),
    Break(
        "a forgotten program listens",
        "systemd-run --quiet --unit=forgotten python3 -m http.server 8080 && "
        "until ss -Hltn | grep -q :8080; do :; done",
        "systemctl stop forgotten",
        frozenset({"listeners.unexpected"}),
    ),
)


@pytest.fixture
def plan(fresh_host: Callable[[], LabHost], fresh_domain: Callable[[], str]) -> Plan:
    host, domain = fresh_host(), fresh_domain()
    return Plan.model_validate(
        {
            "servers": [{"id": host.id, "roles": ["all-in-one"]}],
            "domain": {"primary_domain": domain, "hostname": f"mail.{domain}"},
            "security": {"tls": {"provider": "selfsigned"}, "dkim": {"selector": "2026a"}},
        }
    )


async def test_all_right_then_each_fault_is_found(lab: Lab, plan: Plan, tmp_path: Path) -> None:
    inventory = load_inventory(lab.paths.inventory)
    host = plan.servers[0].id
    engine = Engine(plan, inventory, prompts=RefusingPrompts(), facts_path=tmp_path / "plan.facts.json")
    resolver = lab.dns.resolver

    async def run(to: str = "") -> dict[str, CheckResult]:
        results = await verify(engine, on_result=lambda _: None, to=to, resolver=resolver)
        return {result.id: result for result in results}

    try:
        outcome = (await engine.apply())[host]
        assert outcome.state is ServerPhase.DONE, outcome
        await FirstSecrets(engine).accounts()
        records = plan_records(plan, engine.known, inventory)

        before = await run()
        assert all(r.state is not CheckState.FAILED for r in before.values() if not r.id.startswith("dns."))
        assert before["dns.mx"].state is CheckState.WARNING

        lab.dns.publish("\n".join(f"{r.name}. {r.type} {r.rdata}" for r in records))
        right = await run("someone@outside.test")
        assert [r.id for r in right.values() if r.state is not CheckState.PASSED] == ["tls.trust"]
        assert {"mail-in.delivery", "mail-out.outside", "dns.dkim", "dns.tlsa"} <= set(right)
        assert "verified by dkimpy" in right["mail-out.465"].detail

        unseen: list[str] = []
        for fault in BREAKS:
            lab.run(host, fault.do)
            try:
                found = await run()
            finally:
                lab.run(host, fault.undo)
            for check in sorted(fault.found_by):
                if found[check].state not in fault.states:
                    unseen.append(f"{fault.name}: {check} is {found[check].state}: {found[check].detail}")
        assert unseen == []

        lab.dns.publish(f"{plan.domain.primary_domain}. MX 10 elsewhere.outside.test.")
        mended = await run()
        assert [r.id for r in mended.values() if r.state is CheckState.FAILED] == ["dns.mx"]
    finally:
        await engine.close()
