"""The operator's own certificate: what is fit passes, and each fault is told before anything is sent."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailwiz_tui.plan.findings import Severity
from mailwiz_tui.plan.rules.custom_certificate import examine
from tests.unit.certificates import Pair, issue

HOST = "mail.example.com"
ROOT = issue("Root", authority=True)
MIDDLE = issue("Middle", ROOT, authority=True)
GOOD = issue("mail", MIDDLE, names=(HOST,))


def told(chain: str, key: str) -> list[str]:
    return [f"{f.severity} {f.path}: {f.message}" for f in examine(chain.encode(), key.encode(), HOST)]


@pytest.mark.parametrize(
    "leaf",
    [
        GOOD,
        issue("mail", MIDDLE, names=("other.example.com", "*.example.com")),
        issue("mail", MIDDLE, names=(HOST,), key=rsa.generate_private_key(65537, 2048)),
        issue("mail", MIDDLE, names=(HOST,), key=ec.generate_private_key(ec.SECP384R1())),
    ],
)
def test_a_fit_pair_passes(leaf: Pair) -> None:
    assert told(leaf.pem + MIDDLE.pem, leaf.key_pem()) == []
    assert told(leaf.pem + MIDDLE.pem + ROOT.pem, leaf.key_pem()) == []


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (issue("mail", MIDDLE, names=("www.example.com",)), "is not valid for mail.example.com: its names are www"),
        (issue(HOST, MIDDLE), "its names are none"),
        (issue("mail", MIDDLE, names=("*.mail.example.com",)), "is not valid for"),
        (issue("mail", MIDDLE, names=(HOST,), begin=-9, end=-2), "expired on"),
        (issue("mail", MIDDLE, names=(HOST,), begin=2), "is not valid before"),
        (issue("mail", MIDDLE, names=(HOST,), key=rsa.generate_private_key(65537, 1024)), "RSA key of 1024 bits"),
        (issue("mail", MIDDLE, names=(HOST,), key=ec.generate_private_key(ec.SECP256K1())), "the curve secp256k1"),
        (issue("mail", MIDDLE, names=(HOST,), authority=True), "is a CA certificate"),
        (issue("mail", MIDDLE, names=(HOST,), usage=ExtendedKeyUsageOID.CLIENT_AUTH), "not valid for servers"),
    ],
)
def test_an_unfit_certificate_is_refused(leaf: Pair, words: str) -> None:
    (line,) = told(leaf.pem + MIDDLE.pem, leaf.key_pem())
    assert line.startswith(f"{Severity.FAULT} security.tls.certificate:")
    assert words in line


def test_order_of_the_chain_is_looked_at() -> None:
    assert "number 1 in the file was not issued by number 2" in told(GOOD.pem + ROOT.pem, GOOD.key_pem())[0]
    turned = told(MIDDLE.pem + GOOD.pem, GOOD.key_pem())
    assert any("own certificate is number 2" in line for line in turned)
    alone = told(GOOD.pem, GOOD.key_pem())
    assert [line.split()[0] for line in alone] == ["warning"]


def test_key_must_belong_and_need_no_passphrase() -> None:
    chain = GOOD.pem + MIDDLE.pem
    assert told(chain, MIDDLE.key_pem()) == [
        "fault security.tls.certificate: the server's own certificate is number 2 in the file"
    ]
    assert "does not belong" in told(chain, ROOT.key_pem())[0]
    locked = examine(chain.encode(), GOOD.key_pem(b"word").encode(), HOST)
    assert "passphrase" in locked[0].message
    assert "openssl pkey" in locked[0].advice
    assert "cannot be read as a private key" in told(chain, "-----BEGIN PRIVATE KEY-----\nMIIB\n")[0]
    assert "cannot be read as a certificate" in told("nothing", GOOD.key_pem())[0]
