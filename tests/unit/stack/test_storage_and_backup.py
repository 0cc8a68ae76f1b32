"""What storage and backup choices put on a server: formats by release, no secret in the open, nothing left on."""

from __future__ import annotations

import json

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.backup import component as backup
from mailwiz_tui.stack.blueprint import Blueprint, Unit
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.objectstore import component as objectstore

from . import cases

S3 = {
    "type": "s3",
    "path": "/srv/mail",
    "s3_endpoint": "https://s3.example.net",
    "s3_bucket": "old-mail",
    "s3_access_key": "AKEXAMPLE",
    "s3_after_days": 45,
}


def made(known: FactsFile | None = None, **changes: object) -> Blueprint:
    return compile_server(cases.plan(**changes), "mx1", known or cases.facts())


def units(blueprint: Blueprint) -> dict[str, Unit]:
    return {unit.name: unit for unit in blueprint.units()}


def settings(blueprint: Blueprint) -> dict[str, object]:
    read: dict[str, object] = json.loads(blueprint.files()[backup.SETTINGS].content)
    return read


def test_nothing_is_on_that_was_not_chosen() -> None:
    found = units(made())
    for name in (backup.TIMER, objectstore.TIMER, objectstore.SERVICE):
        assert (found[name].running, found[name].enabled) == (False, False)
    assert backup.KEY not in made().files()


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ({"path": "/srv/mail"}, ("mail_home = /srv/mail/", "mail_driver = maildir")),
        (S3, ("mail_driver = sdbox", f"mail_alt_path = {layout.OBJECT_STORE_MOUNT}/", "mail_home = /srv/mail/")),
    ],
)
def test_dovecot_keeps_mail_where_the_plan_says(storage: dict[str, object], words: tuple[str, ...]) -> None:
    blueprint = made(storage=storage)
    config = blueprint.files()["/etc/dovecot/dovecot.conf"].content
    assert all(word in config for word in words)
    kind, path = blueprint.files()[layout.MAIL_STORE].content.splitlines()[-1].split()
    assert (blueprint.meta["mail_format"], blueprint.meta["storage"]) == (kind, path)


def test_object_store_is_mounted_before_dovecot_and_its_secret_is_given() -> None:
    blueprint = made(storage=S3)
    steps = [step.id for step in blueprint.steps]
    assert steps.index("objectstore") < steps.index("dovecot")
    config = blueprint.files()[objectstore.CONFIG]
    assert "{{secret:s3-key}}" in config.content
    assert config.mode == 0o600
    assert [spec.given != "" for spec in blueprint.secrets if spec.name == "s3-key"] == [True]
    mount = blueprint.files()[f"/etc/systemd/system/{objectstore.SERVICE}"].content
    assert f"install -d -m 0000 {layout.OBJECT_STORE_MOUNT}" in mount
    move = blueprint.files()[f"/etc/systemd/system/{objectstore.MOVE}"].content
    assert "savedbefore 45d" in move
    assert all(units(blueprint)[name].running for name in (objectstore.SERVICE, objectstore.TIMER))


def test_each_of_several_stores_has_a_folder_of_its_own_in_the_bucket() -> None:
    plan = cases.distributed(storage=S3, backup={"target": "/srv/backup"})
    for name in ("store1", "store2"):
        blueprint = compile_server(plan, name, cases.distributed_facts())
        files, kind = blueprint.files(), f"sdbox@servers/{name}"
        mount = files[f"/etc/systemd/system/{objectstore.SERVICE}"].content
        assert f"rclone mount store:old-mail/servers/{name} {layout.OBJECT_STORE_MOUNT} " in mount
        assert settings(blueprint)["bucket"] == f"store:old-mail/servers/{name}"
        assert (blueprint.meta["mail_format"], settings(blueprint)["format"]) == (kind, "sdbox")
        assert files[layout.MAIL_STORE].content.splitlines()[-1] == f"{kind} /srv/mail"
        assert "mail_driver = sdbox" in files["/etc/dovecot/dovecot.conf"].content
    assert objectstore.SERVICE not in units(compile_server(plan, "out1", cases.distributed_facts()))


def test_a_server_keeps_its_place_in_the_bucket_when_stores_are_added_or_removed() -> None:
    several, one = cases.distributed(storage=S3, backup={"target": "/srv/backup"}), cases.plan(storage=S3)
    for kind, place in (("sdbox", "store:old-mail"), ("sdbox@servers/first", "store:old-mail/servers/first")):
        store = {"format": kind, "path": "/srv/mail", "holds_mail": True}
        for plan, name, known in (
            (several, "store1", cases.distributed_facts(mail_store=store)),
            (one, "mx1", cases.facts(mail_store=store)),
        ):
            blueprint = compile_server(plan, name, known)
            mount = blueprint.files()[f"/etc/systemd/system/{objectstore.SERVICE}"].content
            assert f"rclone mount {place} " in mount
            assert blueprint.meta["mail_format"] == kind
    grown = compile_server(several, "store1", cases.distributed_facts(mail_store=store | {"format": "sdbox"}))
    assert f"{layout.OBJECT_STORE_MOUNT}/servers" in settings(grown)["exclude"]  # type: ignore[operator]


def test_backup_holds_what_is_the_operators_own_and_no_key() -> None:
    blueprint = made(backup={"target": "/srv/backup", "keep_daily": 3})
    conf = settings(blueprint)
    assert conf["repository"] == "/srv/backup"
    assert conf["databases"] == ["postfix"]
    assert conf["keep"] == {"daily": 3, "weekly": 5, "monthly": 12}
    kept = conf["kept"]
    assert isinstance(kept, list)
    assert {"/etc/dovecot/mailwiz.d", "/etc/mailwiz/local.d", "/etc/rspamd/override.d"} <= set(kept)
    places = [*kept, "/var/vmail"]
    for secret in (layout.TLS_KEY, layout.DKIM_DIR, layout.STATE_DIR, backup.KEY):
        assert not any(secret.startswith(place) for place in places)
    assert blueprint.files()[backup.KEY].mode == 0o600
    assert "restic" in blueprint.packages()


def test_indexes_are_left_out_only_where_dovecot_makes_them_again() -> None:
    target = {"target": "/srv/backup"}
    assert any("dovecot.index" in text for text in settings(made(backup=target))["exclude"])  # type: ignore[attr-defined]
    old = settings(made(backup=target, storage=S3))
    assert not any("dovecot.index" in text for text in old["exclude"])  # type: ignore[attr-defined]
    assert old["places"] == ["/srv/mail", layout.OBJECT_STORE_MOUNT]


def test_backup_in_an_object_store_has_its_credentials_in_a_file_of_root() -> None:
    blueprint = made(backup={"target": "s3:https://s3.example.net/backups", "s3_access_key": "AKEXAMPLE"})
    credentials = blueprint.files()[backup.S3_CREDENTIALS]
    assert "aws_secret_access_key = {{secret:backup-s3-key}}" in credentials.content
    assert credentials.mode == 0o600
    assert settings(blueprint)["s3_credentials"] == backup.S3_CREDENTIALS


@pytest.mark.parametrize("target", ["/srv/backup", "s3:https://s3.example.net/backups/mail"])
def test_each_of_several_stores_has_a_backup_of_its_own(target: str) -> None:
    plan = cases.distributed(backup={"target": target, "s3_access_key": "AKEXAMPLE" if "s3:" in target else ""})
    made = {name: compile_server(plan, name, cases.distributed_facts()) for name in ("store1", "store2", "out1")}
    assert backup.SETTINGS not in made["out1"].files()
    first, second = settings(made["store1"]), settings(made["store2"])
    assert (first["repository"], second["repository"]) == (f"{target}/store1", f"{target}/store2")
    assert (first["databases"], second["databases"]) == (["postfix"], [])
    assert (first["store"], second["store"], second["first_store"]) == ("store1", "store2", "store1")
    rows = second["accounts_copy"]["rows"]  # type: ignore[index]
    assert rows.startswith(f"{layout.ACCOUNT_COPY}/")
