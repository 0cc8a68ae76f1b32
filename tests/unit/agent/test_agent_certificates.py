"""The certificate's part of the agent: the server's own key, and the operator's certificate that is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.core.host import Host
from mailwiz_tui.agent.items import keys
from mailwiz_tui.agent.protocol.keys import CertificatePublic, TlsWanted
from tests.unit.certificates import issue

WANTED = TlsWanted(("mail.example.com",), 90)
MIDDLE = issue("Middle", issue("Root", authority=True), authority=True)
LEAF = issue("mail", MIDDLE, names=("mail.example.com",))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "etc").mkdir()
    return Host(str(tmp_path))


def tls(host: Host, name: str = "mail.example.com") -> CertificatePublic:
    found = keys.prepare(host, [], TlsWanted((name,), 90)).tls
    assert found is not None
    return found


def read(host: Host, path: str) -> str:
    return Path(host.path(path)).read_text()


def put_live(host: Host, chain: str, key: str) -> None:
    folder = Path(host.path(keys.TLS_DIR))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fullchain.pem").write_text(chain)
    (folder / "privkey.pem").write_text(key)


def test_own_key_is_made_once_and_waits(host: Host) -> None:
    first = tls(host)
    assert (first.subject_names, first.self_signed) == (("mail.example.com",), True)
    assert tls(host) == first
    assert not Path(host.path(keys.TLS_DIR + "/fullchain.pem")).exists(), "nothing is put to use"
    assert Path(host.path(keys.OWN_DIR + "/privkey.pem")).stat().st_mode & 0o777 == 0o600
    renamed = tls(host, "mx.example.com")
    assert renamed.subject_names == ("mx.example.com",)
    assert renamed.spki_sha256 == first.spki_sha256, "TLSA stays true"


def test_key_of_a_self_signed_certificate_in_use_is_kept(host: Host) -> None:
    used = issue("mail.example.com", names=("mail.example.com",))
    put_live(host, used.pem, used.key_pem())
    told = tls(host)
    assert read(host, keys.OWN_DIR + "/privkey.pem") == used.key_pem()
    assert told.pem == used.pem


def test_key_of_an_own_certificate_in_use_is_not_taken(host: Host) -> None:
    put_live(host, LEAF.pem + MIDDLE.pem, LEAF.key_pem())
    told = tls(host)
    assert told.self_signed
    assert read(host, keys.OWN_DIR + "/privkey.pem") != LEAF.key_pem()


def test_issued_certificate_to_the_own_key_is_what_is_told(host: Host) -> None:
    keys.prepare(host, [], WANTED)
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    own = load_pem_private_key(read(host, keys.OWN_DIR + "/privkey.pem").encode(), None)
    issued = issue("mail.example.com", MIDDLE, names=("mail.example.com", "mta-sts.example.com"), key=own)
    put_live(host, issued.pem + MIDDLE.pem, issued.key_pem())
    assert tls(host).subject_names == ("mail.example.com", "mta-sts.example.com")


def test_sent_certificate_waits_in_a_folder_of_its_own(host: Host) -> None:
    keys.install_certificate(host, "comment\n" + LEAF.pem + MIDDLE.pem, LEAF.key_pem())
    assert read(host, keys.CUSTOM_DIR + "/fullchain.pem") == LEAF.pem + MIDDLE.pem
    assert Path(host.path(keys.CUSTOM_DIR)).stat().st_mode & 0o777 == 0o700
    assert Path(host.path(keys.CUSTOM_DIR + "/privkey.pem")).stat().st_mode & 0o777 == 0o600
    assert not Path(host.path(keys.TLS_DIR + "/privkey.pem")).exists()


def test_sent_certificate_must_be_a_pair(host: Host) -> None:
    with pytest.raises(AgentFault, match="does not belong"):
        keys.install_certificate(host, LEAF.pem, MIDDLE.key_pem())
    with pytest.raises(AgentFault, match="cannot read the private key"):
        keys.install_certificate(host, LEAF.pem, "no key")
