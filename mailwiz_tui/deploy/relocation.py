"""Mail stored in another place or format than planned: it would seem lost, so the operator moves it first."""

from __future__ import annotations

from mailwiz_tui.fleet.facts import Facts
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.layout import MAIL_STORE
from mailwiz_tui.stack.mounts import mount_unit
from mailwiz_tui.stack.nfs.component import TIMER

_NFS = "nfs-maildir@"
_STOP = "systemctl stop postfix dovecot"
_ASIDE = "/run/mailwiz-move"


def needed(facts: Facts, blueprint: Blueprint) -> list[tuple[str, str]]:
    """(reason, advice) if mail must be moved first; the advice has commands for the server's shell."""
    store, place = facts.mail_store, blueprint.meta.get("storage", "")
    kind = blueprint.meta.get("mail_format", "")
    if store is None or not store.holds_mail or not place or (store.path, store.format) == (place, kind):
        return []
    was_nfs, becomes_nfs = store.format.startswith(_NFS), kind.startswith(_NFS)
    if "sdbox" in (store.format.partition("@")[0], kind.partition("@")[0]) and store.format != kind:
        return [
            (
                f"its mailboxes are stored as {_shown(store.format)} in {store.path}, but the plan has "
                f"{_shown(kind)}",
                "choose the former storage.type; or copy the mail out first, by IMAP, and move the folder away",
            )
        ]
    where = f"{store.path} on {store.format.removeprefix(_NFS)}" if was_nfs else store.path
    planned = f"{place} on {kind.removeprefix(_NFS)}" if becomes_nfs else place
    commands = _commands(store.path, store.format, place, kind)
    return [(f"its mail is in {where}, but the plan has {planned}", f"move it first: {commands}; then apply")]


def _commands(former: str, was: str, place: str, kind: str) -> str:
    """One line for a shell; it stops at the first failure, and removes no mail."""
    if not was.startswith(_NFS) and not kind.startswith(_NFS):
        return f"{_STOP} && mv {former} {place}"
    kept = f"{former}.moved"
    if was == kind:
        return f"{_STOP} && {_unmounted(former)} && rm {MAIL_STORE}"
    steps = [_STOP]
    if kind.startswith(_NFS):
        mounted = f"mkdir -p {_ASIDE} && mount -t nfs4 {kind.removeprefix(_NFS)} {_ASIDE}"
        steps += ["apt-get install -y nfs-common", mounted, f"cp -a {former}/. {_ASIDE}/", f"umount {_ASIDE}"]
        if was.startswith(_NFS):
            steps += [_unmounted(former), f"rm {MAIL_STORE}"]
        else:
            steps += [f"mv {former} {kept}"]
    else:
        steps += [f"cp -a {former} {kept}", _unmounted(former), f"mv {kept} {place}", f"rm {MAIL_STORE}"]
    return " && ".join(steps)


def _unmounted(path: str) -> str:
    unit = mount_unit(path)
    quoted = f"'{unit}'" if "\\" in unit else unit
    return f"systemctl disable --now {TIMER} {quoted} && (chattr -i {path} || :) && rmdir {path}"


def _shown(kind: str) -> str:
    kind, _, folder = kind.partition("@")
    if kind == "nfs-maildir":
        return "maildir on a file server"
    return f"{kind} with old mail in the bucket's folder {folder}" if folder else kind
