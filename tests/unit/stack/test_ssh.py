"""sshd's algorithms: only where the plan asks, strong ones only, and never without a way back."""

from __future__ import annotations

import re

import pytest

from mailwiz_tui.stack.blueprint import Blueprint, Step, Unit
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.ssh.component import DROPIN

from . import cases

WEAK = ("nistp", "sha1", "umac-64", "cbc", "3des", "group14", "group1-", "group-exchange", "chacha20", "ssh-rsa,")


def made(hardened: bool, **facts: object) -> Blueprint:
    security = {"tls": {"provider": "selfsigned"}, "dkim": {"selector": "2026a"}, "ssh_hardening": hardened}
    return compile_server(cases.plan(security=security), "mx1", cases.facts(**facts))


def ssh_step(blueprint: Blueprint) -> Step:
    (step,) = [step for step in blueprint.steps if step.id == "ssh"]
    return step


def test_debians_sshd_is_left_alone_unless_the_plan_says_so() -> None:
    assert DROPIN not in made(False).files()
    assert all(unit.name != "ssh.service" for unit in made(False).units())


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
def test_only_strong_algorithms_are_offered_and_clients_of_ten_years_still_connect(codename: str) -> None:
    text = made(True, codename=codename).files()[DROPIN].content
    settings = dict(re.findall(r"(?m)^(\w+) (\S+)$", text))
    assert settings.keys() == {"KexAlgorithms", "HostKeyAlgorithms", "Ciphers", "MACs"}
    assert not [word for word in WEAK for value in settings.values() if word in f"{value},"]
    assert "curve25519-sha256" in settings["KexAlgorithms"].split(",")
    assert settings["KexAlgorithms"].startswith("mlkem768" if codename == "trixie" else "sntrup761")
    assert {"ssh-ed25519", "rsa-sha2-512"} <= set(settings["HostKeyAlgorithms"].split(","))
    assert {"aes256-ctr", "aes256-gcm@openssh.com"} <= set(settings["Ciphers"].split(","))
    assert "hmac-sha2-256-etm@openssh.com" in settings["MACs"]


def test_a_short_rsa_host_key_is_not_offered_and_the_operator_is_told() -> None:
    blueprint = made(True, ssh_rsa_bits=2048)
    assert "rsa-sha2" not in blueprint.files()[DROPIN].content
    assert any("2048 bits" in finding for finding in blueprint.findings)
    assert "rsa-sha2" in made(True, ssh_rsa_bits=3072).files()[DROPIN].content


def test_sshd_accepts_it_first_and_it_is_undone_without_a_new_connection() -> None:
    step = ssh_step(made(True))
    assert step.lockout
    assert ("sshd", "-t") in step.validators
    (unit,) = [item for item in step.items if isinstance(item, Unit)]
    assert (unit.name, unit.reload_on) == ("ssh.service", (DROPIN,))
