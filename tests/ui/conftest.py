"""A pinned environment for screens: folders of their own, fixed colours, time and width."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot

from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.terminal import capabilities
from tests.ui.fakes import FakeClock, Script, backends
from tests.ui.idle import wait_for_idle, wait_for_screen
from tests.ui.make import MakeApp
from tests.ui.parsed_styles import parse_once
from tests.unit.conftest import skip_fsync

INVENTORY = """\
[[servers]]
id = "mx1"
host = "192.0.2.21"
public_ipv4 = "192.0.2.21"
tags = ["paris"]

[[servers]]
id = "store1"
host = "192.0.2.22"
user = "ops"
port = 2222

[[servers]]
id = "filter1"
host = "filter1.example.net"
"""

PLAN = """\
version = 1
architecture = "single"

[[servers]]
id = "mx1"
roles = ["all-in-one"]

[domain]
primary_domain = "example.com"
hostname = "mail.example.com"

[security.tls]
provider = "selfsigned"
[security.dkim]
selector = "2026a"
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-golden`` writes the golden screens anew."""
    parser.addoption("--update-golden", action="store_true", help="write the golden screens anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden screens are to be written."""
    return bool(request.config.getoption("--update-golden", default=False))


@pytest.fixture(autouse=True)
def _pinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)
    capabilities.prepare_environment()
    monkeypatch.chdir(tmp_path)
    for user in ("textual.app.wait_for_idle", "textual.pilot.wait_for_idle"):
        monkeypatch.setattr(user, wait_for_idle)
    monkeypatch.setattr(Pilot, "_wait_for_screen", wait_for_screen)
    monkeypatch.setattr(Stylesheet, "_parse_rules", parse_once)
    monkeypatch.setattr(RuleSet, "__hash__", object.__hash__)
    skip_fsync(monkeypatch)


@pytest.fixture
def clock() -> FakeClock:
    """A clock the test moves."""
    return FakeClock()


@pytest.fixture
def script() -> Script:
    """What the fake engine will do."""
    return Script()


@pytest.fixture
def plan_path(tmp_path: Path) -> Path:
    """Where the plan of a test is; its folder has an inventory."""
    folder = tmp_path / "plans"
    folder.mkdir(exist_ok=True)
    (folder / "inventory.toml").write_text(INVENTORY, encoding="utf-8")
    return folder / "plan.toml"


@pytest.fixture
def filled(plan_path: Path) -> Path:
    """A finished plan."""
    plan_path.write_text(PLAN, encoding="utf-8")
    plan_path.chmod(0o600)
    return plan_path


@pytest.fixture
def make_app(script: Script, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """Makes the application on a plan file, with the fake engine."""

    def make(path: Path | None, inventory: Path | None = None) -> MailwizApp:
        session = Session(path, inventory, backends(script), clock=clock)
        session.now = lambda: 37_860.0
        return MailwizApp(session)

    return make
