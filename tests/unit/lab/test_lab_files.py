"""What the lab writes for its operator and for itself can be read back, by others too."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import dkim
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from mailwiz_tui.lab import keys, machine, state, templates
from mailwiz_tui.lab.addresses import allocate
from mailwiz_tui.lab.inventory import LabHost, write_inventory, write_known_hosts
from mailwiz_tui.lab.keys import LabPaths
from mailwiz_tui.lab.machine import LabError
from mailwiz_tui.lab.state import HostSpec, State

SECRETS = ("identity_file", "tsig_key", "ca_key", "dkim_key")


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    paths = LabPaths(tmp_path / 'odd "name"')
    keys.ensure(paths)
    return paths


def host(root: Path, number: int = 1) -> LabHost:
    four, six = str(allocate([], []).host(number)).split()
    return LabHost(f"mx{number}", four, six, "trixie", None, f"mx{number}.lab.test", root)


def test_inventory_is_in_the_programs_own_format(paths: LabPaths, tmp_path: Path) -> None:
    write_inventory(paths, [host(tmp_path, 1), host(tmp_path, 2)], "192.0.2.36")
    servers = tomllib.loads(paths.inventory.read_text())["servers"]
    assert [server["id"] for server in servers] == ["mx1", "mx2"]
    assert servers[0] == {
        "id": "mx1",
        "host": "198.51.100.11",
        "user": "root",
        "port": 22,
        "identity_file": str(paths.identity_file),
        "public_ipv4": "198.51.100.11",
        "public_ipv6": "2001:db8:ca00:1::11",
        "known_hosts": "known_hosts",
        "tags": ["lab", "trixie"],
    }


def test_known_hosts_lists_each_key_under_every_name(paths: LabPaths, tmp_path: Path) -> None:
    folder = tmp_path / "etc/ssh"
    folder.mkdir(parents=True)
    for kind in ("rsa", "ed25519"):
        (folder / f"ssh_host_{kind}_key.pub").write_text(f"ssh-{kind} AAAA root@mx1\n")
    write_known_hosts(paths, [host(tmp_path)])
    names = "198.51.100.11,2001:db8:ca00:1::11,mx1.lab.test,mx1"
    assert paths.known_hosts.read_text() == f"{names} ssh-ed25519 AAAA\n{names} ssh-rsa AAAA\n"


def test_secrets_are_readable_by_their_owner_only_and_made_once(paths: LabPaths) -> None:
    before = {path: path.read_bytes() for path in paths.all() if path.exists()}
    for name in SECRETS:
        assert getattr(paths, name).stat().st_mode & 0o777 == 0o600, name
    keys.ensure(paths)
    assert {path: path.read_bytes() for path in before} == before


def test_identity_and_its_public_half_belong_together(paths: LabPaths) -> None:
    private = load_ssh_private_key(paths.identity_file.read_bytes(), None)
    public = keys.public_identity(paths).split()
    assert public[0] == "ssh-ed25519"
    assert public[1].encode() in private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )


def test_certificate_is_issued_by_the_labs_authority(paths: LabPaths) -> None:
    server = keys.issue(paths, "mail.outside.test", "outside.test")
    leaf, root = x509.load_pem_x509_certificates(server.chain.encode())
    leaf.verify_directly_issued_by(root)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.outside.test", "outside.test"]
    assert re.fullmatch(r"[0-9a-f]{64}", server.tlsa)


def test_dkim_record_verifies_what_its_key_signs(paths: LabPaths) -> None:
    record = keys.dkim_record(paths)
    strings = re.findall(r'"([^"]*)"', record)
    assert all(len(part) <= 255 for part in strings)
    mail = b"From: a@outside.test\r\nSubject: x\r\n\r\nhello\r\n"
    signed = dkim.sign(mail, b"lab", b"outside.test", paths.dkim_key.read_bytes()) + mail
    assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: "".join(strings).encode())


def test_tsig_key_file_is_what_nsupdate_reads(paths: LabPaths) -> None:
    text = paths.tsig_key.read_text()
    assert text.startswith('key "mailwiz-lab." {\n\talgorithm hmac-sha256;\n')
    assert keys.tsig_secret(paths) in text


def test_state_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "STATE", tmp_path)
    assert state.load("lab") is None
    memory = State(allocate([0], []), [HostSpec("mx1", 1, "trixie"), HostSpec("mx2", 2, "bookworm")])
    state.save("lab", memory)
    assert state.load("lab") == memory
    assert state.slots() == {"lab": 1}
    assert state.slots(but="lab") == {}
    with pytest.raises(LabError, match="it has: mx1, mx2"):
        memory.host("mx3")


def test_damaged_state_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "STATE", tmp_path)
    machine.write(tmp_path / "lab/state.json", '{"slot": 0}')
    with pytest.raises(LabError, match="lab down --name lab"):
        state.load("lab")


@pytest.mark.parametrize("name", ["", "Lab", "a/b", "..", "1st", "x" * 21, "a b"])
def test_odd_lab_names_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="cannot be a lab's name"):
        state.check_name(name)


def test_template_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        templates.render("acng.conf", proxy4="198.51.100.38")


def test_every_hole_of_every_template_is_a_plain_name() -> None:
    folder = files("mailwiz_tui.lab").joinpath("templates")
    for path in Path(str(folder)).rglob("*.*"):
        if path.is_file():
            text = path.read_text()
            assert text.count("{{") == len(re.findall(r"\{\{\w+\}\}", text)), path
