"""The plan's limits on a real server: message size, quota and sending rate hold in every program alike."""

from __future__ import annotations

import smtplib
import uuid
from collections.abc import Iterator

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD, mail, submit, until, unverified
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.site import Site, installed
from tests.lab.workspace import make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("limits")]

LIMITS = """
[limits]
message_size_mb = 3
mailbox_quota_gb = 1
sent_per_hour = 20
"""
MEGABYTE = 1 << 20
KINDS = [("trixie", "rspamd"), ("bookworm", "none")]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(kind))
def site(lab: Lab, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    release, antispam = request.param
    with lending_hosts(lab) as hosts, lending_domains(lab) as domains:
        workspace = make_workspace(lab, tmp_path_factory.mktemp("limits"), hosts(release).id, domains())
        text = workspace.plan.read_text()
        workspace.plan.write_text(f'{text}\n[services]\nantispam = "{antispam}"\n{LIMITS}')
        yield installed(workspace)


def test_a_message_up_to_the_size_passes_every_program_and_a_larger_one_is_refused(site: Site) -> None:
    for host, port in ((site.workspace.address, 25), (site.workspace.address, 587)):
        with smtplib.SMTP(host, port, timeout=60, local_hostname="operator.outside.test") as client:
            client.ehlo()
            assert client.esmtp_features["size"] == str(3 * MEGABYTE)
    subject = uuid.uuid4().hex
    fits = mail(site.bob, site.bob, subject, body="x" * 70 + "\n" + ("y" * 76 + "\n") * 38_000)
    submit(site.workspace.address, site.bob, fits, site.bob)
    assert site.found(site.bob, "INBOX", subject, 120)
    large = mail(site.bob, site.bob, body=("y" * 76 + "\n") * 42_000)
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        submit(site.workspace.address, site.bob, large, site.bob)
    assert refused.value.smtp_code == 552


def test_a_mailbox_without_a_quota_has_the_plans(site: Site) -> None:
    client = site.imap(site.bob)
    answer = b" ".join(part for part in client.getquotaroot("INBOX")[1][1] if part)
    client.logout()
    assert str(1024 * 1024).encode() in answer, answer


def test_a_login_is_deferred_above_its_sending_rate(site: Site) -> None:
    name, domain = site.bob.split("@")

    def codes() -> list[int]:
        with smtplib.SMTP(site.workspace.address, 587, timeout=60) as client:
            client.starttls(context=unverified())
            client.login(site.bob, PASSWORD)
            client.mail(site.bob)
            found = [client.rcpt(f"{name}+{number}@{domain}")[0] for number in range(15)]
            found.append(client.data(mail(site.bob, site.bob, body=uuid.uuid4().hex).as_bytes())[0])
        return found

    assert codes() == [250] * 16
    assert until(lambda: codes()[-1] == 451, 60), "fifteen more exceed twenty"
