"""Facts: every key the controller knows, resolvers as the network gave them, DNS answers read right."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from types import ModuleType

import pytest

from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.core.host import Done
from mailwiz_tui.agent.core.state import State
from mailwiz_tui.agent.facts import facts, listeners, mail_packages, network_facts
from mailwiz_tui.agent.protocol.codec import to_json
from mailwiz_tui.agent.protocol.facts import AskFacts, Listener, MailSoftware, ResolverFact, ServerFacts
from mailwiz_tui.fleet.facts import Facts
from tests.unit.agent.rehearsal import Rehearsal
from tests.unit.fake_link import ask


def test_the_agent_returns_exactly_the_facts_that_the_controller_knows(machine: Rehearsal) -> None:
    known = set(Facts.model_fields) - {"clock_skew"}  # only the controller can tell that
    assert {field.name for field in fields(ServerFacts)} == known
    read = Facts.model_validate(to_json(ask(machine.host, AskFacts())))
    assert (read.os_id, read.os_version, read.codename) == ("debian", "13", "trixie")
    assert read.memory_total > 0
    assert read.disks[0].mount == "/"


def test_a_resolver_that_never_answers_hides_nothing_else(
    machine: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(facts, "_DEADLINE", 0.5)
    monkeypatch.setattr(facts, "_fqdn", answered.wait)
    found = facts.gather(machine.host)
    answered.set()
    assert found.fqdn == ""
    assert found.memory_total > 0


@pytest.mark.parametrize(
    ("key", "place", "name", "told"),
    [
        ("mail_software", mail_packages, "find", (MailSoftware("postfix", "3", "other"),)),
        ("listeners", listeners, "find", (Listener("tcp", "0.0.0.0", 25, "master"),)),
        ("ssh_ports", facts, "_ssh_ports", (22, 2222)),
    ],
)
def test_what_must_be_known_is_waited_for_however_slow_the_server_is(
    machine: Rehearsal, monkeypatch: pytest.MonkeyPatch, key: str, place: ModuleType, name: str, told: object
) -> None:
    def slow(host: object, *_: object) -> object:
        time.sleep(0.5)
        return told

    monkeypatch.setattr(facts, "_DEADLINE", 0.1)
    monkeypatch.setattr(place, name, slow)
    assert getattr(facts.gather(machine.host), key) == told


def test_a_server_that_cannot_say_what_is_on_it_is_not_taken_for_an_empty_one(
    machine: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = threading.Event()
    monkeypatch.setattr(facts, "_DEADLINE", 0.1)
    monkeypatch.setattr(facts, "_PATIENCE", 0.5)
    monkeypatch.setattr(mail_packages, "find", lambda host: stuck.wait())
    with pytest.raises(AgentFault, match="which mail software it has"):
        facts.gather(machine.host)
    stuck.set()


def test_a_package_list_that_is_not_read_in_time_is_no_empty_one(
    machine: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(machine.host), "run", lambda *_, **__: Done(None, b"stopped after 60 s"))
    with pytest.raises(AgentFault, match="dpkg"):
        mail_packages.find(machine.host)


def test_a_listener_is_found_with_its_address_and_program(machine: Rehearsal) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
    ):
        found = {(x.address, x.port): x.process for x in listeners.find(machine.host)}
        assert found[("127.0.0.1", four.getsockname()[1])]
        assert ("::1", six.getsockname()[1]) in found


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        ("0::/system.slice/postsrsd.service\n", "postsrsd.service"),
        ("0::/system.slice/system-postfix.slice/postfix@-.service\n", "postfix@-.service"),
        ("1:name=systemd:/system.slice/rspamd.service/main\n0::/\n", "rspamd.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", ""),
    ],
)
def test_the_unit_of_a_process_is_told_by_its_control_group(groups: str, unit: str) -> None:
    assert listeners.unit_of(groups) == unit


def test_a_listener_is_ours_where_we_started_its_unit(machine: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_unit", lambda _pid: "postsrsd.service")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for started, ours in (("postsrsd.service", True), ("other.service", False)):
            assert {x.ours for x in listeners.find(machine.host, [started]) if x.port == port} == {ours}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/etc/resolv.conf": "nameserver 192.0.2.1\nnameserver 2001:db8::1\n"}, ["192.0.2.1", "2001:db8::1"]),
        (
            {
                "/etc/resolv.conf": "nameserver 127.0.0.53\n",
                "/run/systemd/resolve/resolv.conf": "nameserver 192.0.2.2\n",
            },
            ["192.0.2.2"],
        ),
        (
            {
                "/etc/resolv.conf": "nameserver 127.0.0.1\n",
                "/var/lib/mailwiz/backup/resolv.conf": "search x\nnameserver 192.0.2.3\n",
            },
            ["192.0.2.3"],
        ),
        ({"/etc/resolv.conf": "nameserver 127.0.0.1\n"}, ["127.0.0.1"]),
        ({}, []),
    ],
)
def test_resolvers_are_those_that_the_network_gave(
    machine: Rehearsal, files: dict[str, str], expected: list[str]
) -> None:
    for path, text in files.items():
        machine.touch(path.lstrip("/"), text)
    assert network_facts.configured_resolvers(machine.host) == expected


NameServer = Callable[[bytes], None]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A name server on 127.0.0.1 that puts given records into its answer section."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    answer = b""
    flags = 0x8180

    def serve() -> None:
        while True:
            try:
                question, client = server.recvfrom(4096)
            except OSError:
                return
            head = question[:2] + struct.pack("!HHHHH", flags, 1, answer.count(b"\xc0\x0c"), 0, 0)
            server.sendto(head + question[12:17] + answer, client)

    def answers(records: bytes, with_flags: int = 0x8180) -> None:
        nonlocal answer, flags
        answer, flags = records, with_flags

    real = socket.socket.connect

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        real(self, server.getsockname() if address[1] == 53 else address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield answers
    server.close()


def record(kind: int) -> bytes:
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, 3) + b"abc"


def test_answers_are_read_by_type(name_server: Callable[..., None], machine: Rehearsal) -> None:
    machine.touch("etc/resolv.conf", "nameserver 127.0.0.1\n")
    name_server(record(6) + record(46))
    assert network_facts.query("127.0.0.1", ".", 6, recurse=True) == {6, 46}
    assert network_facts.resolvers(machine.host) == (ResolverFact("127.0.0.1", answers=True, dnssec=True),)
    name_server(record(6))
    assert network_facts.resolvers(machine.host) == (ResolverFact("127.0.0.1", answers=True, dnssec=False),)
    name_server(b"", 0x8182)
    assert network_facts.resolvers(machine.host) == (ResolverFact("127.0.0.1", answers=False, dnssec=False),)
    name_server(b"\xc0\x0c\x00")
    assert network_facts.query("127.0.0.1", ".", 6, recurse=True) is None


def test_whose_the_resolver_of_mta_sts_is(machine: Rehearsal) -> None:
    package, path = "postfix-mta-sts-resolver", "/etc/mta-sts-daemon.yml"
    md5 = hashlib.md5(b"as Debian ships it\n").hexdigest()
    said = f"{package}\\t1\\tii \\t\\n {path} {md5}\\036"
    machine.path("/usr/bin/dpkg-query").write_text(f"#!/bin/sh\nprintf '{said}'\n")
    for text, owner in (("as Debian ships it\n", "package"), ("changed\n", "other")):
        machine.touch(path.lstrip("/"), text)
        (found,) = mail_packages.find(machine.host)
        assert (found.name, found.owner) == (package, owner)


@pytest.mark.parametrize(
    ("change", "owner"),
    [
        (("", ""), "package"),
        (("#SRS_DOMAIN=example.com", "SRS_DOMAIN=mx1.example.org"), "package"),
        (("RUN_AS=postsrsd", "RUN_AS=nobody"), "other"),
        (("#SRS_EXCLUDE_DOMAINS=", "SRS_EXCLUDE_DOMAINS=.example.org"), "other"),
    ],
    ids=["as shipped", "with debconf's domain", "another user", "an exclusion"],
)
def test_a_postsrsd_as_debian_installed_it_is_nobodys(
    machine: Rehearsal, change: tuple[str, str], owner: str
) -> None:
    """Its settings belong to no package: the maintainer script copies a template and enters the host's domain."""
    template = "# Default settings\n#SRS_DOMAIN=example.com\n#\n#SRS_EXCLUDE_DOMAINS=\nRUN_AS=postsrsd\n"
    machine.touch("usr/share/postsrsd/postsrsd.template", template)
    machine.path("/usr/bin/dpkg-query").write_text("#!/bin/sh\nprintf 'postsrsd\\t1.10\\tii \\t\\036'\n")
    machine.touch("etc/default/postsrsd", template.replace(*change) if change[0] else template)
    (found,) = mail_packages.find(machine.host)
    assert (found.name, found.owner) == ("postsrsd", owner)


@pytest.mark.parametrize("by", ["dpkg", "ucf"])
def test_whose_configuration_mail_software_has(machine: Rehearsal, by: str) -> None:
    shipped = "as Debian ships it\n"
    md5 = hashlib.md5(shipped.encode()).hexdigest()
    conffile = f"\\n /etc/dovecot/dovecot.conf {md5}" if by == "dpkg" else ""
    if by == "ucf":
        machine.touch("var/lib/ucf/hashfile", f"{md5}  /etc/dovecot/dovecot.conf\n")
    said = f"dovecot-core\\t1:2.4\\tii \\t{conffile}\\036"
    machine.path("/usr/bin/dpkg-query").write_text(f"#!/bin/sh\nprintf '{said}'\n")

    def owner_of(text: str) -> str:
        machine.touch("etc/dovecot/dovecot.conf", text)
        (found,) = mail_packages.find(machine.host)
        assert (found.name, found.version) == ("dovecot-core", "1:2.4")
        return found.owner

    assert owner_of(shipped) == "package"
    assert owner_of("somebody's own\n") == "other"
    assert owner_of("# Managed by mailwiz-tui\n") == "mailwiz"
    State(machine.host).record("files", "/etc/dovecot/dovecot.conf", "x")
    assert owner_of("changed by hand since\n") == "mailwiz"


MAIN_13 = """\
# See /usr/share/postfix/main.cf.dist for a commented, more complete version
compatibility_level = 3.9
myorigin = /etc/mailname
smtpd_banner = $myhostname ESMTP $mail_name (Debian)
mynetworks_style = host
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mydestination = $myhostname, mx1.example.org, localhost.example.org, , localhost
mailbox_size_limit = 0
mailbox_command =
alias_maps = hash:/etc/aliases
relayhost =
cyrus_sasl_config_path = /etc/postfix/sasl
smtpd_tls_key_file = /etc/ssl/private/ssl-cert-snakeoil.key
smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = mx1.example.org
"""
MAIN_12 = """\
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
append_dot_mydomain = no
readme_directory = no
compatibility_level = 3.6
smtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem
smtp_tls_CApath=/etc/ssl/certs
smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
inet_interfaces = loopback-only
default_transport = error
"""


@pytest.mark.parametrize("text", [MAIN_13, MAIN_12], ids=["trixie", "bookworm"])
@pytest.mark.parametrize(
    ("change", "owner"),
    [
        ("", "package"),
        ("# a remark\n", "package"),
        ("mynetworks = 127.0.0.0/8 192.0.2.0/24\n", "other"),
        ("mynetworks = 127.0.0.0/8\n  192.0.2.0/24\n", "other"),
        ("smtpd_banner = mine\n", "other"),
        ("mydestination = $myhostname, customer.example\n", "other"),
        ("relayhost = [smtp.example.net]:587\n", "other"),
        ("virtual_mailbox_domains = example.org\n", "other"),
        ("smtpd_tls_cert_file = /etc/letsencrypt/live/mx1/fullchain.pem\n", "other"),
    ],
)
def test_a_postfix_in_which_somebody_set_anything_is_not_the_packages(
    machine: Rehearsal, text: str, change: str, owner: str
) -> None:
    machine.touch("etc/hostname", "mx1\n")
    machine.touch("etc/mailname", "mx1.example.org\n")
    machine.path("/usr/bin/dpkg-query").write_text("#!/bin/sh\nprintf 'postfix\\t3\\tii \\t\\036'\n")
    machine.touch("etc/postfix/main.cf", text + change)
    (found,) = mail_packages.find(machine.host)
    assert found.owner == owner


EXIM = """\
# /etc/exim4/update-exim4.conf.conf
# This is a Debian specific file

dc_eximconfig_configtype='local'
dc_other_hostnames='mx3.lab.test'
dc_local_interfaces='127.0.0.1 ; ::1'
dc_readhost=''
dc_relay_domains=''
dc_minimaldns='false'
dc_relay_nets=''
dc_smarthost=''
CFILEMODE='644'
dc_use_split_config='false'
dc_hide_mailname=''
dc_mailname_in_oh='true'
dc_localdelivery='mail_spool'
"""


@pytest.mark.parametrize(
    ("change", "template", "owner"),
    [
        (("", ""), "as shipped\n", "package"),
        (("'local'", "'internet'"), "as shipped\n", "other"),
        (("dc_smarthost=''", "dc_smarthost='smtp.example.net::587'"), "as shipped\n", "other"),
        (("dc_relay_domains=''", "dc_relay_domains='example.org'"), "as shipped\n", "other"),
        (("", ""), "changed\n", "other"),
    ],
)
def test_an_exim_as_debian_installed_it_is_nobodys(
    machine: Rehearsal, change: tuple[str, str], template: str, owner: str
) -> None:
    """Its conffiles belong to exim4-config, and the file that says what it is for to no package."""
    md5 = hashlib.md5(b"as shipped\n").hexdigest()
    said = "exim4-base\\t4.96\\tii \\t\\036"
    said += f"exim4-config\\t4.96\\tii \\t\\n /etc/exim4/exim4.conf.template {md5}\\036"
    machine.path("/usr/bin/dpkg-query").write_text(f"#!/bin/sh\nprintf '{said}'\n")
    machine.touch("etc/exim4/exim4.conf.template", template)
    machine.touch("etc/exim4/update-exim4.conf.conf", EXIM.replace(*change))
    (found,) = mail_packages.find(machine.host)
    assert (found.name, found.owner) == ("exim4-base", owner)
    machine.touch("etc/exim4/exim4.conf.localmacros", "MAIN_TLS_ENABLE = 1\n")
    assert mail_packages.find(machine.host)[0].owner == "other"


def test_a_machine_that_was_renamed_since_has_still_the_packages_postfix(machine: Rehearsal) -> None:
    machine.touch("etc/hostname", "mail7\n")
    machine.touch("etc/mailname", "mail7.example.net\n")
    machine.path("/usr/bin/dpkg-query").write_text("#!/bin/sh\nprintf 'postfix\\t3\\tii \\t\\036'\n")
    machine.touch("etc/postfix/main.cf", MAIN_13)
    (found,) = mail_packages.find(machine.host)
    assert found.owner == "package"
