"""Keys: made once where they are used, readable by root only; what comes back is public."""

from __future__ import annotations

import base64
import json
import stat
import time
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key

from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.items import keys, mesh_keys
from mailwiz_tui.agent.protocol.codec import to_json
from mailwiz_tui.agent.protocol.keys import CertificatePublic, DkimWanted, MeshWanted, TlsWanted
from tests.unit.agent.rehearsal import Rehearsal


def tls(machine: Rehearsal, names: tuple[str, ...], days: int) -> CertificatePublic:
    found = keys.prepare(machine.host, [], TlsWanted(names, days)).tls
    assert found is not None
    return found


def test_a_dkim_key_is_made_once_and_its_public_half_is_true(machine: Rehearsal) -> None:
    (first,) = keys.prepare(machine.host, [DkimWanted("2026a", 2048)], None).dkim
    path = machine.path("/var/lib/rspamd/dkim/2026a.key")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    private = load_pem_private_key(path.read_bytes(), None)
    public = load_der_public_key(base64.b64decode(first.public_key))
    assert isinstance(private, rsa.RSAPrivateKey)
    assert private.public_key() == public
    assert (first.bits, first.algorithm) == (2048, "rsa")
    (second,) = keys.prepare(machine.host, [DkimWanted("2026a", 2048)], None).dkim
    assert second == first


def test_a_self_signed_certificate_fits_its_key_and_names(machine: Rehearsal) -> None:
    answer = keys.prepare(machine.host, [], TlsWanted(("mail.example.com", "imap.example.com"), 825))
    made = answer.tls
    assert made is not None
    certificate = x509.load_pem_x509_certificate(machine.path("/etc/mailwiz/tls/own/fullchain.pem").read_bytes())
    key_path = machine.path("/etc/mailwiz/tls/own/privkey.pem")
    key = load_pem_private_key(key_path.read_bytes(), None)
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert certificate.public_key() == key.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert (
        names.get_values_for_type(x509.DNSName)
        == list(made.subject_names)
        == ["mail.example.com", "imap.example.com"]
    )
    assert 800 < (made.not_after - time.time()) / 86400 < 826
    assert "PRIVATE" not in json.dumps(to_json(answer))
    assert tls(machine, made.subject_names, 825) == made
    other = tls(machine, ("mail.example.org",), 825)
    assert other.subject_names == ("mail.example.org",)
    assert other.spki_sha256 == made.spki_sha256, "a new certificate keeps the key"


def test_a_certificate_of_former_years_that_lasts_too_long_is_made_again_with_its_key(machine: Rehearsal) -> None:
    names = ("mail.example.com",)
    old = tls(machine, names, 825)
    new = tls(machine, names, 397)
    assert 396 < (new.not_after - time.time()) / 86400 < 398
    assert new.spki_sha256 == old.spki_sha256, "TLSA records stay true"
    assert tls(machine, names, 397) == new


def test_where_no_certificate_is_asked_for_none_is_made(machine: Rehearsal) -> None:
    assert keys.prepare(machine.host, [], None).tls is None
    assert not machine.path("/etc/mailwiz").exists()


@pytest.mark.parametrize("selector", ["", "../../etc/passwd", "a b", "-x", "a/b", "x" * 80])
def test_a_bad_selector_makes_no_file(machine: Rehearsal, selector: str) -> None:
    with pytest.raises(AgentFault):
        keys.prepare(machine.host, [DkimWanted(selector, 2048)], None)
    assert not machine.path("/var/lib/rspamd").exists()


def test_a_bad_name_makes_no_certificate(machine: Rehearsal) -> None:
    with pytest.raises(AgentFault):
        keys.prepare(machine.host, [], TlsWanted(("mail.example.com,IP:10.0.0.1",)))


def test_what_a_server_is_known_by_to_its_peers_is_made_once_and_fits(machine: Rehearsal) -> None:
    wanted = MeshWanted("in1.mailwiz.internal", wireguard=True)
    first = mesh_keys.prepare(machine.host, wanted)
    folder = machine.path("/etc/mailwiz/internal")
    certificate = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
    key = load_pem_private_key((folder / "key.pem").read_bytes(), None)
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == "CN=in1.mailwiz.internal"
    assert first.internal.pem.encode() == (folder / "cert.pem").read_bytes()
    for name in ("key.pem", "identity.pem"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    private = X25519PrivateKey.from_private_bytes(
        base64.b64decode(machine.path("/etc/mailwiz/mesh/private.key").read_bytes())
    )
    assert base64.b64decode(first.wireguard) == private.public_key().public_bytes_raw()
    assert "PRIVATE" not in json.dumps(to_json(first))
    (folder / "key.pem").chmod(0o640)
    assert mesh_keys.prepare(machine.host, wanted) == first
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o640, "its group may have been let in"
    renamed = mesh_keys.prepare(machine.host, replace(wanted, name="in2.mailwiz.internal"))
    assert renamed.internal.spki_sha256 == first.internal.spki_sha256
    assert renamed.internal.subject_names == ("in2.mailwiz.internal",)


def test_a_program_gets_a_key_of_its_own_and_keeps_it(machine: Rehearsal) -> None:
    wanted = MeshWanted("in1.mailwiz.internal", False, {"webmail": "webmail.in1"})
    first = mesh_keys.prepare(machine.host, wanted)
    folder = machine.path("/etc/mailwiz/internal")
    certificate = x509.load_pem_x509_certificate((folder / "webmail-cert.pem").read_bytes())
    key = load_pem_private_key((folder / "webmail-key.pem").read_bytes(), None)
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == "CN=webmail.in1"
    assert first.clients["webmail"].spki_sha256 != first.internal.spki_sha256
    assert stat.S_IMODE((folder / "webmail-key.pem").stat().st_mode) == 0o600
    assert "PRIVATE" not in json.dumps(to_json(first))
    assert mesh_keys.prepare(machine.host, wanted) == first


def test_a_program_of_a_bad_name_gets_no_key(machine: Rehearsal) -> None:
    wanted = MeshWanted("in1.mailwiz.internal", False, {"../key": "webmail.in1"})
    with pytest.raises(AgentFault, match="is not a valid program name"):
        mesh_keys.prepare(machine.host, wanted)


def test_a_lost_key_makes_a_new_certificate_and_an_existing_network_no_key(machine: Rehearsal) -> None:
    wanted = MeshWanted("in1.mailwiz.internal", wireguard=False)
    first = mesh_keys.prepare(machine.host, wanted)
    assert first.wireguard == ""
    assert not machine.path("/etc/mailwiz/mesh").exists()
    machine.path("/etc/mailwiz/internal/key.pem").unlink()
    second = mesh_keys.prepare(machine.host, wanted)
    assert second.internal.spki_sha256 != first.internal.spki_sha256
    both = machine.path("/etc/mailwiz/internal/identity.pem").read_text()
    assert second.internal.pem in both
    assert "PRIVATE KEY" in both


@pytest.mark.parametrize("name", ["", "a b", "in1/CN=x", "-x", "x" * 64])
def test_a_bad_internal_name_makes_no_certificate(machine: Rehearsal, name: str) -> None:
    with pytest.raises(AgentFault, match="cannot be a name in a certificate"):
        mesh_keys.prepare(machine.host, MeshWanted(name, wireguard=False))
