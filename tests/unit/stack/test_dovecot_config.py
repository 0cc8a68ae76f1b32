"""Dovecot's configuration as an administrator reads it: each setting with its reason, in the expected order."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack.compile import compile_server

from . import cases

SECTIONS = (
    "Protocols",
    "Listeners",
    "TLS",
    "Authentication",
    "Mail storage",
    "Quota",
    "Sieve",
    "IMAP, LMTP and ManageSieve",
    "Services and limits",
    "Own settings",
)
ON_FRONTS = ("Protocols", "Listeners", "TLS", "Authentication", "Services and limits", "Own settings")
MANUAL = {"trixie": "https://doc.dovecot.org/2.4.1/", "bookworm": "https://doc.dovecot.org/2.3/"}
RELEASES = pytest.mark.parametrize("codename", MANUAL)
S3 = {"type": "s3", "s3_endpoint": "https://s3.test", "s3_bucket": "mail", "s3_access_key": "AKEXAMPLE"}
NFS = {"type": "nfs", "nfs_server": "nfs.test", "nfs_export": "/srv/vmail"}
PLANS: tuple[dict[str, object], ...] = ({}, {"storage": NFS}, {"storage": S3}, {"limits": {"imap_append_mb": 120}})


def release(codename: str) -> FactsFile:
    return cases.facts() if codename == "trixie" else cases.bookworm()


def one_server(codename: str, **changes: object) -> str:
    return (
        compile_server(cases.plan(**changes), "mx1", release(codename)).files()["/etc/dovecot/dovecot.conf"].content
    )


def one_of_several(codename: str, server_id: str) -> str:
    plan = cases.distributed()
    known = FactsFile(servers=dict.fromkeys([s.id for s in plan.servers], release(codename).servers["mx1"]))
    return compile_server(plan, server_id, known).files()["/etc/dovecot/dovecot.conf"].content


def every_situation(codename: str) -> Iterator[str]:
    yield from (one_server(codename, **changes) for changes in PLANS)
    yield from (one_of_several(codename, server_id) for server_id in ("out1", "store1", "store2"))


def groups(config: str) -> Iterator[tuple[str, list[str]]]:
    """Settings and blocks that stand together, each with the comment that they have."""
    comment, settings = "", list[str]()
    for line in config.splitlines():
        if line.startswith("#") or not line:
            if settings:
                yield comment, settings
                comment, settings = "", []
            comment = f"{comment}{line}\n" if line else ""
        elif line[0] not in " }":
            settings.append(line)
    if settings:
        yield comment, settings


@RELEASES
def test_each_setting_has_its_reason_and_a_link_to_the_manual_of_its_version(codename: str) -> None:
    other = next(link for name, link in MANUAL.items() if name != codename)
    for config in every_situation(codename):
        found = list(groups(config))
        assert len(found) > 20
        assert [settings for comment, settings in found if MANUAL[codename] not in comment] == []
        assert other not in config
        for comment, settings in found:
            words = re.sub(r"https?://\S+|[#\s]", "", comment)
            assert words or settings == ["!include_try /etc/dovecot/mailwiz.d/*.conf"], settings


@RELEASES
def test_sections_are_in_the_expected_order_and_own_settings_are_read_last(codename: str) -> None:
    for config in every_situation(codename):
        found = tuple(re.findall(r"(?m)^## (.*)$", config))
        assert found == (SECTIONS if "mail_home" in config else ON_FRONTS)
        assert config.endswith("\n!include_try /etc/dovecot/mailwiz.d/*.conf\n")


@RELEASES
def test_each_service_and_each_setting_is_in_one_place(codename: str) -> None:
    for config in every_situation(codename):
        services = re.findall(r"(?m)^service \S+ \{$", config)
        assert sorted(set(services)) == sorted(services)
        settings = re.findall(r"(?m)^(\w+) =", config)
        assert sorted(set(settings)) == sorted(settings)
