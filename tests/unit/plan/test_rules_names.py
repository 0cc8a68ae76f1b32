"""Domains, certificates, DKIM, SPF, DMARC and storage taken together."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.certificates import issue

MIDDLE = issue("Middle", issue("Root", authority=True), authority=True)
LEAF = issue("mail", MIDDLE, names=("mail.acme.se",))
CERTIFICATE = LEAF.pem + MIDDLE.pem
KEY = LEAF.key_pem()
CUSTOM = {"security.tls": {"provider": "custom", "certificate": "chain.pem", "private_key": "key.pem"}}


def extra(name: str, kind: str = "mailbox", relay_host: str = "") -> dict[str, Any]:
    return {"domain.additional_domains": [{"name": name, "kind": kind, "relay_host": relay_host}]}


@pytest.mark.parametrize(
    ("changes", "begin"),
    [
        ({"domain.hostname": "acme.se"}, "warning domain.hostname: acme.se is itself a mail domain"),
        ({"domain.hostname": "mx.isp.no"}, "warning domain.hostname: mx.isp.no is not below any domain"),
        ({"domain.hostname": "mta-sts.acme.se"}, "fault domain.hostname: mta-sts.… is the name of a web service"),
        ({"domain.hostname": "m" * 60 + ".acme.se"}, "fault domain.hostname: has 68 characters"),
        (extra("acme.se"), "fault domain.additional_domains.0.name: acme.se is already the primary domain"),
        (extra("a.no", "relay"), "fault domain.additional_domains.0.relay_host: a.no is a relay domain without"),
        (extra("a.no", "mailbox", "b.no"), "fault domain.additional_domains.0.relay_host: a.no is a mailbox"),
        (extra("a.no", "relay", "a.no"), "fault domain.additional_domains.0.relay_host: the MX records of a.no"),
        (
            extra("a.no", "relay", "[mail.acme.se]"),
            "fault domain.additional_domains.0.relay_host: [mail.acme.se] is",
        ),
        ({"network.resolvers": ["::1"]}, "fault network.resolvers.0: ::1 is the server itself"),
        (
            {"network.resolvers": ["192.0.2.5", "192.0.2.5"]},
            "warning network.resolvers.1: 192.0.2.5 is listed twice",
        ),
        (
            {"security.tls.provider": "selfsigned"},
            "warning security.tls.provider: mail programs and phones warn",
        ),
        ({"security.tls.acme_ca_file": "ca.pem"}, "warning security.tls.acme_ca_file: is used only with"),
        ({"security.tls.certificate": "c.pem"}, "warning security.tls.certificate: is only used with the provider"),
        ({"security.dkim.enabled": False}, "warning security.dkim.enabled: large providers reject mail without"),
        ({"security.dkim.key_size": 1024}, "warning security.dkim.key_size: a 1024-bit key can be broken"),
        ({"security.dkim.key_size": 4096}, "warning security.dkim.key_size: the record of a 4096-bit key"),
        ({"security.spf.policy": "neutral"}, "warning security.spf.policy: neutral says nothing"),
        ({"security.spf.includes": ["acme.se"]}, "fault security.spf.includes.0: acme.se would include its own"),
        ({"security.spf.includes": ["a.no", "a.no"]}, "warning security.spf.includes.1: a.no is listed twice"),
        (
            {"security.spf.includes": [f"a{i}.no" for i in range(9)]},
            "warning security.spf.includes: 9 includes leave",
        ),
        (
            {"security.spf.includes": [f"a{i}.no" for i in range(10)]},
            "fault security.spf.includes: 10 includes make",
        ),
        (
            {"network.relay_host": "[smtp.isp.no]"},
            "warning security.spf.includes: mail is sent through [smtp.isp.no]",
        ),
        (
            {"network.relay_host": "mail.acme.se"},
            "fault network.relay_host: mail.acme.se is this mail server itself",
        ),
        ({"security.dmarc.policy": "none"}, "warning security.dmarc.policy: the policy none only reports"),
        ({"security.dmarc.percentage": 50}, "warning security.dmarc.percentage: RFC 9989 dropped pct"),
        ({"security.dmarc.rua": ""}, "warning security.dmarc.rua: without an address for reports"),
        ({"security.dmarc.ruf": "dmarc@acme.se"}, "warning security.dmarc.ruf: failure reports contain parts of"),
        ({"security.dmarc.rua": "x@reports.no"}, "warning security.dmarc.rua: reports.no must allow reports"),
        ({"services.antispam": "none"}, "warning services.antispam: without a spam filter"),
        ({"storage.type": "nfs"}, "fault storage.nfs_server: is missing"),
        ({"storage.type": "s3"}, "fault storage.s3_bucket: is missing"),
        ({"storage.s3_bucket": "mail"}, "warning storage.s3_bucket: is only used with"),
        (
            {"storage": {"type": "s3", "s3_bucket": "mail", "s3_endpoint": "http://s3.acme.se"}},
            "warning storage.s3_endpoint: mail would cross the network unencrypted",
        ),
        ({"security.dkim.selector": ".".join(["a" * 60] * 4)[:236]}, "fault security.dkim.selector: "),
    ],
)
def test_each_rule_speaks(lines: Any, changes: dict[str, Any], begin: str) -> None:
    found = lines(changes)
    assert [line for line in found if line.startswith(begin)], found


@pytest.mark.parametrize(
    "changes",
    [
        extra("acme.no"),
        extra("acme.no", "relay", "[10.0.0.5]:2525"),
        extra("acme.no", "relay", "mail.internal.acme.no"),
        {"domain.hostname": "mx.acme.no", **extra("acme.no")},
        {"network.resolvers": ["192.0.2.53", "2001:db8::53"]},
        {"security.spf.policy": "softfail"},
        {"security.spf.includes": ["_spf.newsletter.no"]},
        {"security.dmarc.policy": "reject"},
        {"security.dmarc.rua": "dmarc@reports.acme.se"},
        {"storage": {"type": "nfs", "nfs_server": "10.0.0.9", "nfs_export": "/srv/vmail"}},
        {
            "storage": {
                "type": "s3",
                "s3_endpoint": "https://s3.acme.se",
                "s3_bucket": "acme-mail",
                "s3_access_key": "AKACME",
            }
        },
        {"network.relay_host": "[smtp.isp.no]:587", "security.spf.includes": ["spf.isp.no"]},
    ],
)
def test_what_is_sound_stays_without_findings(lines: Any, changes: dict[str, Any]) -> None:
    assert lines(changes) == []


def test_names_that_the_public_dns_does_not_serve_get_no_public_certificate(lines: Any) -> None:
    names = {
        "domain.primary_domain": "acme.test",
        "domain.hostname": "mail.acme.test",
        "security.dmarc.rua": "d@acme.test",
    }
    (line,) = lines(names)
    assert line.startswith(
        "warning security.tls.provider: Let's Encrypt issues no certificate for names under .test"
    )
    assert lines({**names, "security.tls.acme_directory": "https://ca.acme.test/dir"}) == []


def test_reports_to_another_domain_name_the_record_that_allows_them(lines: Any) -> None:
    (line,) = lines({"security.dmarc.rua": "a@acme.se,b@reports.no"})
    assert 'TXT "v=DMARC1" at acme.se._report._dmarc.reports.no' in line


def test_custom_certificates_are_looked_for_beside_the_plan(lines: Any, tmp_path: Path) -> None:
    assert [line.split(" (")[0] for line in lines(CUSTOM, base=tmp_path)] == [
        f"fault security.tls.certificate: there is no file {tmp_path / 'chain.pem'}",
        f"fault security.tls.private_key: there is no file {tmp_path / 'key.pem'}",
    ]
    (tmp_path / "chain.pem").write_text(CERTIFICATE)
    (tmp_path / "key.pem").write_text(KEY)
    assert lines(CUSTOM, base=tmp_path) == []
    assert lines(CUSTOM) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CERTIFICATE, "has no private key"),
        ("", "is not PEM"),
        (KEY.replace("PRIVATE", "ENCRYPTED PRIVATE"), "is protected by a passphrase"),
    ],
)
def test_a_key_file_must_hold_a_usable_key(lines: Any, tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "chain.pem").write_text(CERTIFICATE)
    (tmp_path / "key.pem").write_text(content)
    (line,) = lines(CUSTOM, base=tmp_path)
    assert line.startswith("fault security.tls.private_key:")
    assert words in line


def test_a_directory_is_no_certificate(lines: Any, tmp_path: Path) -> None:
    (tmp_path / "chain.pem").mkdir()
    (tmp_path / "key.pem").write_text(KEY)
    (line,) = lines(CUSTOM, base=tmp_path)
    assert "cannot be read: Is a directory" in line


def test_faults_come_before_warnings(lines: Any) -> None:
    found = lines({"security.dkim.key_size": 1024, "storage.type": "nfs"})
    assert [line.split()[0] for line in found] == ["fault", "fault", "warning"]
