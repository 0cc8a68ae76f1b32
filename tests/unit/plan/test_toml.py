"""The plan file: what is written is read again, and a file that cannot be used is told of and left alone."""

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailwiz_tui.plan.findings import PlanError, Severity
from mailwiz_tui.plan.model import Architecture, DomainKind, Plan, Role, StorageType
from mailwiz_tui.plan.toml import dumps, findings_of, load_plan, load_raw, save_plan

NAMES = st.from_regex(r"[a-z]{1,12}\.(se|no|example)", fullmatch=True)
IPS = st.ip_addresses(v=4, network="10.0.0.0/8").map(str)
SERVERS = st.fixed_dictionaries(
    {
        "id": st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True),
        "roles": st.lists(st.sampled_from([r.value for r in Role]), max_size=4),
    },
    optional={"internal_ip": IPS},
)
EXTRA = st.fixed_dictionaries({"name": NAMES, "kind": st.sampled_from([k.value for k in DomainKind])})
PLANS = st.fixed_dictionaries(
    {
        "architecture": st.sampled_from([a.value for a in Architecture]),
        "servers": st.lists(SERVERS, max_size=4),
        "domain": st.fixed_dictionaries(
            {"primary_domain": NAMES, "hostname": NAMES.map(lambda n: f"mail.{n}")},
            optional={"additional_domains": st.lists(EXTRA, max_size=3)},
        ),
        "security": st.fixed_dictionaries(
            {
                "dkim": st.fixed_dictionaries(
                    {"enabled": st.booleans(), "key_size": st.sampled_from([1024, 2048, 4096])}
                ),
                "dmarc": st.fixed_dictionaries(
                    {"percentage": st.integers(0, 100), "rua": NAMES.map(lambda n: f"a@{n}")}
                ),
            }
        ),
        "storage": st.fixed_dictionaries({"type": st.sampled_from([t.value for t in StorageType])}),
        "network": st.fixed_dictionaries({"resolvers": st.lists(IPS, max_size=3)}),
    }
)
SCALARS = st.text() | st.integers(-(2**62), 2**62) | st.booleans() | st.floats(allow_nan=False) | st.dates()
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3), max_leaves=8
)
KEYS = st.sampled_from([*Plan.model_fields, "primary_domain", "dkim", "id"]) | st.text(max_size=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


def fault(path: Path) -> str:
    with pytest.raises(PlanError) as caught:
        load_plan(path)
    (finding,) = caught.value.findings
    assert finding.path == str(path)
    assert finding.severity is Severity.FAULT
    return finding.line


@given(raw=PLANS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_saved_is_loaded_again(folder: Path, raw: dict[str, Any]) -> None:
    plan = Plan.model_validate(raw)
    path = folder / "plan.toml"
    save_plan(plan, path)
    assert load_plan(path) == plan
    save_plan(raw, path)
    assert load_plan(path) == plan


@given(raw=st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_values_survive_the_file_and_never_break_the_rules(raw: dict[str, Any]) -> None:
    assert tomllib.loads(dumps(raw)) == raw
    for finding in findings_of(raw):
        assert finding.line.isprintable()


@given(raw=PLANS, path=st.lists(KEYS, min_size=1, max_size=3), value=VALUES)
def test_a_sound_plan_with_one_odd_value_never_breaks_the_rules(
    raw: dict[str, Any], path: list[str], value: Any
) -> None:
    table: Any = raw
    for part in path[:-1]:
        table = table.setdefault(part, {}) if isinstance(table, dict) else {}
    if isinstance(table, dict):
        table[path[-1]] = value
    for finding in findings_of(raw):
        assert finding.line.isprintable()


def test_a_file_has_the_keys_in_the_order_of_the_models(sound: dict[str, Any]) -> None:
    shuffled = {
        "storage": {"path": "/x", "type": "maildir"},
        "zzz": {"a": 1},
        **dict(reversed(sound.items())),
        "version": 1,
    }
    text = dumps(shuffled)
    assert text.startswith("# A plan of mailwiz-tui")
    assert list(tomllib.loads(text)) == ["version", "servers", "domain", "security", "storage", "zzz"]
    assert list(tomllib.loads(text)["storage"]) == ["type", "path"]


def test_a_saved_plan_is_private_and_replaces_the_old_one_in_one_step(
    tmp_path: Path, sound: dict[str, Any]
) -> None:
    path = tmp_path / "new" / "plan.toml"
    save_plan(sound, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    before = path.stat().st_ino
    save_plan(sound, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_ino != before
    assert os.listdir(path.parent) == ["plan.toml"]


def test_a_failed_write_keeps_the_old_file(
    tmp_path: Path, sound: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mailwiz_tui.plan.files.os.fsync", full)
    with pytest.raises(PlanError, match="No space left on device"):
        save_plan(sound, path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["plan.toml"]


def test_a_symbolic_link_stays_one(tmp_path: Path, sound: dict[str, Any]) -> None:
    real = tmp_path / "real.toml"
    real.write_text("old")
    link = tmp_path / "plan.toml"
    link.symlink_to(real)
    save_plan(sound, link)
    assert link.is_symlink()
    assert load_raw(real)["domain"]["primary_domain"] == "acme.se"


def test_a_missing_file(tmp_path: Path) -> None:
    assert "there is no such file" in fault(tmp_path / "plan.toml")


def test_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in fault(tmp_path)


def test_a_file_where_a_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("")
    assert "cannot be read: Not a directory" in fault(tmp_path / "plan.toml" / "x")


def test_a_path_with_a_nul_byte() -> None:
    with pytest.raises(PlanError, match="null byte"):
        load_plan(Path("a\0b"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("")
    path.chmod(0)
    assert "cannot be read by this user" in fault(path)


def test_a_huge_file_is_not_read_to_its_end() -> None:
    assert "is larger than" in fault(Path("/dev/zero"))


def test_utf16(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes("version = 1".encode("utf-16"))
    assert "is not UTF-8 text" in fault(path)


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path, sound: dict[str, Any]) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b"\xef\xbb\xbf" + dumps(sound).replace("\n", "\r\n").encode())
    assert load_plan(path).domain.primary_domain == "acme.se"


def test_a_line_that_may_hold_a_secret_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("password = hunter2\n")
    line = fault(path)
    assert "line 1" in line
    assert "hunter2" not in line


def test_rules_speak_beside_single_faults_but_not_of_what_is_missing(sound: dict[str, Any]) -> None:
    sound["domain"]["primary_domain"] = "acme_se"
    sound["servers"][0]["roles"] = ["all-in-on"]
    sound["storage"] = {"type": "nfs"}
    assert [f.path for f in findings_of(sound) if f.severity is Severity.FAULT] == [
        "servers.0.roles.0",
        "domain.primary_domain",
        "storage.nfs_server",
        "storage.nfs_export",
    ]
