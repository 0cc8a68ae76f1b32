"""The self-signed certificate on the server: renewed in time, with the same key, by itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.tls import renew_selfsigned as renewal

from . import cases


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{tmp_path}/privkey.pem")
    return tmp_path


def openssl(*words: str) -> str:
    return subprocess.run(["openssl", *words], capture_output=True, text=True, check=True).stdout


def certificate(folder: Path, days: int) -> None:
    openssl(
        "req", "-x509", "-new", "-days", str(days), "-key", f"{folder}/privkey.pem", "-subj", "/CN=x",
        "-addext", "subjectAltName=DNS:mail.example.com,DNS:imap.example.com", "-out", f"{folder}/fullchain.pem",
    )  # fmt: skip


def shown(folder: Path, *what: str) -> str:
    return openssl("x509", "-in", f"{folder}/fullchain.pem", "-noout", *what)


@pytest.mark.parametrize(("left", "renewed"), [(31, False), (29, True)])
def test_it_is_renewed_within_its_last_month_with_the_same_key_and_names(
    folder: Path, left: int, renewed: bool
) -> None:
    certificate(folder, left)
    key, names = shown(folder, "-pubkey"), shown(folder, "-ext", "subjectAltName")
    assert renewal.main([str(folder), "397", "touch", f"{folder}/served"]) == 0
    assert (folder / "served").exists() is renewed
    assert (shown(folder, "-pubkey"), shown(folder, "-ext", "subjectAltName")) == (key, names)
    for days, valid in ((396, renewed), (398, False)):
        argv = ["openssl", "x509", "-in", f"{folder}/fullchain.pem", "-noout", "-checkend", str(days * 86400)]
        assert (subprocess.run(argv, capture_output=True, check=False).returncode == 0) is valid


def test_what_cannot_be_renewed_is_a_failure_that_systemd_sees(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert renewal.main([str(folder), "397", "true"]) == 1
    assert "there is no" in capsys.readouterr().err
    certificate(folder, 10)
    assert renewal.main([str(folder), "397", "false"]) == 1
    certificate(folder, 10)
    before = (folder / "fullchain.pem").read_bytes()
    (folder / "privkey.pem").write_text("no key")
    assert renewal.main([str(folder), "397", "true"]) == 1
    assert (folder / "fullchain.pem").read_bytes() == before, "the old one stays"


@pytest.mark.parametrize(("provider", "days"), [("selfsigned", "397"), ("letsencrypt", "90"), ("custom", "")])
def test_a_timer_looks_daily_where_there_is_such_a_certificate(provider: str, days: str) -> None:
    tls = {"provider": provider}
    if provider == "custom":
        tls |= {"certificate": "a.pem", "private_key": "b.pem"}
    plan = cases.plan(security={"tls": tls, "dkim": {"selector": "2026a"}})
    blueprint = compile_server(plan, "mx1", cases.facts())
    service = blueprint.files().get("/etc/systemd/system/mailwiz-selfsigned.service")
    assert bool(service) is bool(days)
    assert ("mailwiz-selfsigned.timer" in [unit.name for unit in blueprint.units()]) is bool(days)
    if service:
        assert f"/etc/mailwiz/tls/own {days} " in service.content
