"""main.cf and master.cf are whole files: each setting once, with its reason and a link beside it."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest

from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.compile import compile_server

from . import cases

SERVERS = ("mx1", "in1", "out1", "filter", "store1")
KINDS: dict[str, dict[str, object]] = {
    "plain": {},
    "relay": {
        "domain": {
            "primary_domain": "example.com",
            "hostname": "mail.example.com",
            "additional_domains": [{"name": "relay.example", "kind": "relay", "relay_host": "mx.relay.example"}],
        }
    },
    "smart-host": {"network": {"relay_host": "[smart.example.net]:465", "relay_user": "us"}},
}
LINK = re.compile(r"https://\S+")
ANCHOR = re.compile(r"https://www\.postfix\.org/postconf\.5\.html#(\w+)")


@cache
def made(kind: str, server_id: str) -> Blueprint:
    if server_id == "mx1":
        return compile_server(cases.plan(**KINDS[kind]), server_id, cases.facts())
    return compile_server(cases.distributed(**KINDS[kind]), server_id, cases.distributed_facts())


def paragraphs(kind: str, server_id: str, name: str) -> list[str]:
    return made(kind, server_id).files()[f"/etc/postfix/{name}"].content.split("\n\n")


def lines(paragraph: str) -> list[str]:
    """What Postfix reads of it."""
    return [line for line in paragraph.split("\n") if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server_id", SERVERS)
def test_each_setting_is_there_once_with_a_reason_and_a_link(server_id: str, kind: str) -> None:
    names: Counter[str] = Counter()
    for paragraph in paragraphs(kind, server_id, "main.cf"):
        settings = [line.split("=")[0].strip() for line in lines(paragraph) if not line[0].isspace()]
        names.update(settings)
        assert not settings or (paragraph.startswith("#") and LINK.search(paragraph)), paragraph
    assert len(names) > 20
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server_id", SERVERS)
def test_a_link_leads_to_what_is_set_beside_it(server_id: str, kind: str) -> None:
    for paragraph in paragraphs(kind, server_id, "main.cf"):
        for name in ANCHOR.findall(paragraph):
            # a limit of each transport is documented once
            assert name.removeprefix("transport_") in "\n".join(lines(paragraph)), paragraph


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server_id", SERVERS)
def test_each_service_is_there_once_and_its_options_have_a_reason(server_id: str, kind: str) -> None:
    services: Counter[str] = Counter()
    reason = False
    for paragraph in paragraphs(kind, server_id, "master.cf"):
        found = [" ".join(line.split()[:2]) for line in lines(paragraph) if not line[0].isspace()]
        services.update(found)
        # submission and submissions share a comment
        reason = reason and found == ["submissions inet"]
        reason = reason or (paragraph.lstrip("\n").startswith("# ") and "https://" in paragraph)
        assert reason or "    -o " not in paragraph or "\n# Relay domains: " in paragraph, paragraph
    assert len(services) > 20
    assert [name for name, times in services.items() if times > 1] == []


def test_no_setting_leaves_a_gap_or_an_empty_list_behind() -> None:
    for kind in KINDS:
        for server_id in SERVERS:
            for name in ("main.cf", "master.cf"):
                text = made(kind, server_id).files()[f"/etc/postfix/{name}"].content
                assert "\n\n\n" not in text, (kind, server_id, name)
                assert text.endswith("\n")
                assert not text.endswith("\n\n")
                assert not re.search(r"(?m)[ \t]+$", text), (kind, server_id, name)
