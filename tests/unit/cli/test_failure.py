"""An unexpected error is one line for the operator; the traceback goes to the debug log."""

from pathlib import Path

import pytest

from mailwiz_tui.commands import check
from mailwiz_tui.commands.credentials import CredentialsFile
from mailwiz_tui.commands.failure import report
from mailwiz_tui.plan.errors import OperatorError


def test_a_traceback_never_reaches_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mailwiz_tui.cli import main

    def explode(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(check, "run", explode)
    assert main(["check", "plan.toml"]) == 1
    printed = capsys.readouterr().err
    log = tmp_path / "mailwiz-tui" / "debug.log"
    assert "Traceback" not in printed
    assert str(log) in printed
    assert "ZeroDivisionError" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_an_error_that_says_what_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(OperatorError("connection refused", "mx1", "is the SSH server running?")) == 1
    assert capsys.readouterr().err == "mailwiz-tui: mx1: connection refused – is the SSH server running?\n"


def test_credentials_never_overwrite_a_file(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        CredentialsFile(path)
    assert path.read_text() == "mine"


def test_unused_credentials_file_is_removed(tmp_path: Path) -> None:
    file = CredentialsFile(tmp_path / "credentials.json")
    file.discard()
    assert list(tmp_path.iterdir()) == []
