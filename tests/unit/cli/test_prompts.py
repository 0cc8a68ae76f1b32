"""One option answers one question: ``--accept-new-host-keys`` leaves the passwords to be asked."""

from __future__ import annotations

import getpass
import io

import pytest

from mailwiz_tui.commands import terminal
from mailwiz_tui.deploy.prompts import HostKey, RefusingPrompts

KEYS = (HostKey("ssh-ed25519", "SHA256:abc"),)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def sit_down(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Be at a terminal that says yes; what it was told. Within the test: pytest sets the streams before it."""
    told = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    monkeypatch.setattr("sys.stderr", told)
    monkeypatch.setattr(getpass, "getpass", lambda question: f"answer to {question}")
    return told


async def test_on_a_terminal_only_the_question_of_host_keys_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal = sit_down(monkeypatch)
    prompts = terminal.prompts(accept_new_host_keys=True)
    assert await prompts.confirm_host_key("mx1", "mx1.example", KEYS)
    assert "SHA256:abc" in at_terminal.getvalue(), "what was accepted is shown"
    assert "[y/N]" not in at_terminal.getvalue()
    for answer in (
        await prompts.sudo_password("mx1", "anna", 1),
        await prompts.password("mx1", "anna", 1),
        await prompts.passphrase("mx1", "/key", 1),
        await prompts.given_secret("mx1", "password of the smart host"),
    ):
        assert answer is not None
        assert answer.get_secret_value().startswith("answer to ")


async def test_without_the_option_the_host_keys_are_asked_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal = sit_down(monkeypatch)
    assert await terminal.prompts(accept_new_host_keys=False).confirm_host_key("mx1", "mx1.example", KEYS)
    assert "[y/N]" in at_terminal.getvalue()


async def test_data_on_standard_input_silences_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    sit_down(monkeypatch)
    monkeypatch.setattr("sys.stdin", io.StringIO("a secret on standard input\n"))
    monkeypatch.setattr(terminal, "_controlling_terminal", lambda: True)
    assert await terminal.prompts(accept_new_host_keys=False).sudo_password("mx1", "anna", 1) is not None


async def test_without_a_terminal_everything_else_is_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(terminal, "_controlling_terminal", lambda: False)
    prompts = terminal.prompts(accept_new_host_keys=True)
    assert isinstance(prompts, RefusingPrompts)
    assert await prompts.confirm_host_key("mx1", "mx1.example", KEYS)
    assert await prompts.sudo_password("mx1", "anna", 1) is None
