"""Switching a server to its own resolver: the names that it needs decide, not the root; private names stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mailwiz_tui.stack.blueprint import Command
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.unbound import use_own_resolver as switch

from . import cases

NAMES = ["deb.debian.org", "example.com", "com"]


def asked(own: dict[str, str], before: dict[str, str]) -> str:
    def ask(server: str, name: str) -> str:
        return (own if server == "127.0.0.1" else before).get(name, "REFUSED")

    return switch.refusal(NAMES, ask)


def test_a_resolver_that_answers_own_names_alone_is_good_enough() -> None:
    own = {"deb.debian.org": "NOERROR", "example.com": "NOERROR"}
    assert asked(own, own) == ""
    assert asked({"example.com": "NXDOMAIN"}, {}) == "", "a domain that is not published yet is an answer, too"


def test_what_was_resolved_before_and_is_not_any_more_is_named() -> None:
    before = dict.fromkeys(NAMES, "NOERROR")
    own = {"example.com": "NOERROR", "com": "NOERROR", "deb.debian.org": "SERVFAIL"}
    assert asked(own, before) == "unbound on 127.0.0.1 does not resolve deb.debian.org (SERVFAIL)"
    assert "example.com (NXDOMAIN)" in asked(own | {"example.com": "NXDOMAIN"}, before), "shadowed by a local zone"


def test_a_resolver_that_answers_nothing_is_refused_with_every_name() -> None:
    reason = asked(dict.fromkeys(NAMES, "no answer"), {})
    assert "none of the names" in reason
    assert all(name in reason for name in NAMES)


def test_hosts_that_packages_come_from_are_found_in_both_forms_of_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = tmp_path / "etc/apt"
    (apt / "sources.list.d").mkdir(parents=True)
    (apt / "sources.list").write_text(
        "deb http://deb.debian.org/debian trixie main\n# deb http://old.example x y\n"
    )
    (apt / "sources.list.d/own.sources").write_text(
        "Types: deb\nURIs: https://mirror.example:8443/debian http://192.0.2.1/debian\nSuites: trixie\n"
    )
    (apt / "sources.list.d/off.list.save").write_text("deb http://off.example x y\n")
    program = tmp_path / "apt-config"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert switch.package_hosts(tmp_path) == ["deb.debian.org", "mirror.example"]
    program.write_text("#!/bin/sh\necho 'Acquire::http::Proxy \"http://proxy.example:3142\";'\n")
    assert switch.package_hosts(tmp_path) == ["proxy.example"]


def test_the_file_is_replaced_once_and_what_was_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, path in (("WANTED", "wanted"), ("LIVE", "resolv.conf"), ("KEPT", "backup/resolv.conf")):
        monkeypatch.setattr(switch, name, tmp_path / path)
    hook, program = tmp_path / "hook", tmp_path / "program"
    monkeypatch.setattr(switch, "HOOKS", {str(hook): "skip\n", str(tmp_path / "other"): "skip\n"})
    monkeypatch.setattr(
        switch, "PROGRAMS", {str(hook): str(program), str(tmp_path / "other"): str(tmp_path / "no")}
    )
    program.touch()
    (tmp_path / "wanted").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "stub").write_text("nameserver 127.0.0.53\n")
    (tmp_path / "resolv.conf").symlink_to("stub")
    switch.switch()
    switch.switch()
    assert not (tmp_path / "resolv.conf").is_symlink()
    assert (tmp_path / "resolv.conf").read_text() == "nameserver 127.0.0.1\n"
    assert (tmp_path / "backup/resolv.conf").read_text() == "nameserver 127.0.0.53\n# was a link to stub\n"
    assert hook.read_text() == switch.NOTE + "skip\n"
    assert not (tmp_path / "other").exists()


def test_private_names_are_asked_of_the_forwarder_and_need_no_signature() -> None:
    facts = cases.facts(recursion=False, resolvers=[{"address": "10.0.0.1", "answers": True, "dnssec": True}])
    text = compile_server(cases.plan(), "mx1", facts).files()["/etc/unbound/unbound.conf.d/mailwiz.conf"].content
    for name in ("test", "internal", "lan"):
        assert f'local-zone: "{name}." nodefault' in text
        assert f'domain-insecure: "{name}."' in text
    assert "unblock-lan-zones: yes" in text
    alone = compile_server(cases.plan(), "mx1", cases.facts()).files()["/etc/unbound/unbound.conf.d/mailwiz.conf"]
    assert "nodefault" not in alone.content, "who asks the root itself finds none of these there"


def test_a_forwarder_without_the_root_is_told_and_the_check_asks_for_the_plans_domain() -> None:
    facts = cases.facts(recursion=False, resolvers=[{"address": "10.0.0.1", "answers": False, "dnssec": False}])
    blueprint = compile_server(cases.plan(), "mx1", facts)
    assert any("10.0.0.1 answers only for its own names" in finding for finding in blueprint.findings)
    (probe,) = [probe for probe in blueprint.probes if probe.id == "resolver.answers"]
    assert "example.com" in probe.argv
    assert not [probe for probe in blueprint.probes if probe.id == "resolver.dnssec"]
    (command,) = [
        item for _, item in blueprint.items() if isinstance(item, Command) and item.id == "unbound.switch"
    ]
    assert command.argv[1:] == ("example.com", "com")


def dns(monkeypatch: pytest.MonkeyPatch, said: dict[str, dict[str, str]]) -> None:
    """DNS servers by address, and what each answers; a name that libc resolves is one of the server in use."""
    monkeypatch.setattr(switch, "query", lambda server, name: said[server].get(name, "REFUSED"))
    monkeypatch.setattr(switch, "unresolved", lambda name: "" if name in said["10.0.0.9"] else "not known")
    monkeypatch.setattr(switch, "package_hosts", lambda: ["deb.debian.org"])
    monkeypatch.setattr(switch, "switched_to", lambda forwarders: False)


def test_before_an_installation_the_names_that_would_fail_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = tmp_path / "resolv.conf"
    live.write_text("nameserver 10.0.0.9\n")
    monkeypatch.setattr(switch, "LIVE", live)
    every = dict.fromkeys(NAMES, "NOERROR")
    own = {"example.com": "NOERROR", "com": "NXDOMAIN"}

    dns(monkeypatch, {"10.0.0.9": every, "10.0.0.1": every, "10.0.0.2": own})
    assert switch.before([], NAMES[1:]) == ""
    assert switch.before(["10.0.0.2", "10.0.0.1"], NAMES[1:]) == "", "one that knows them all is enough"
    said = switch.before(["10.0.0.2"], NAMES[1:])
    assert said == "the DNS server 10.0.0.2 does not resolve deb.debian.org (REFUSED), com (NXDOMAIN)"

    dns(monkeypatch, {"10.0.0.9": own})
    assert (
        switch.before(["10.0.0.9"], NAMES[1:]) == "the hosts of packages do not resolve: deb.debian.org (not known)"
    )
    dns(monkeypatch, {"10.0.0.9": own | {"deb.debian.org": "NOERROR"}})
    assert switch.before(["10.0.0.9"], NAMES[1:]) == "", "own names are enough"
    dns(monkeypatch, {"10.0.0.9": {"deb.debian.org": "SERVFAIL", "com": "SERVFAIL"}})
    said = switch.before(["10.0.0.9"], NAMES[1:])
    assert said == (
        "the DNS server 10.0.0.9 resolves none of the names that this server needs: "
        "deb.debian.org (SERVFAIL), example.com (REFUSED), com (SERVFAIL)"
    )


def test_a_host_that_forwards_to_the_planned_servers_already_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANTED", "LIVE"):
        monkeypatch.setattr(switch, name, tmp_path / name)
        (tmp_path / name).write_text("nameserver 127.0.0.1\n")
    monkeypatch.setattr(switch, "FORWARDING", tmp_path / "unbound.conf")
    assert not switch.switched_to(["10.0.0.1"])
    (tmp_path / "unbound.conf").write_text("forward-zone:\n    name: .\n    forward-addr: 10.0.0.1\n")
    assert switch.switched_to(["10.0.0.1"])
    assert not switch.switched_to(["10.0.0.2"])
    (tmp_path / "LIVE").write_text("nameserver 10.0.0.1\n")
    assert not switch.switched_to(["10.0.0.1"])


@pytest.mark.parametrize(("proxy", "code"), [("http://192.0.2.1:3142", 0), ("http://mirror.invalid:3142", 1)])
def test_the_preflight_program_runs_without_any_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, code: int
) -> None:
    program = tmp_path / "apt-config"
    program.write_text(f"#!/bin/sh\necho 'Acquire::http::Proxy \"{proxy}\";'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (probe,) = [p for p in compile_server(cases.plan(), "mx1", cases.facts()).preflight if p.id == "resolver.names"]
    assert probe.argv[-3:] == ("", "example.com", "com")
    done = subprocess.run([sys.executable, *probe.argv[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert ("mirror.invalid" in done.stderr) == (code == 1)


def test_the_preflight_asks_the_servers_that_will_be_forwarded_to() -> None:
    facts = cases.facts(recursion=False, resolvers=[{"address": "10.0.0.1", "answers": True, "dnssec": True}])
    (probe,) = [p for p in compile_server(cases.plan(), "mx1", facts).preflight if p.id == "resolver.names"]
    assert probe.argv[-3:] == ("10.0.0.1", "example.com", "com")
