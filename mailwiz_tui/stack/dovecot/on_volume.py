"""The mailboxes of a store that moves: a folder of the volume, at the path that the plan names."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, File, Item, Unit
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.mounts import mount_unit
from mailwiz_tui.stack.render import render

_UNITS = "/etc/systemd/system"


def mail_on_volume(context: Context) -> tuple[Item, ...]:
    """The mount of the folder, before Dovecot starts; nothing where the mailboxes do not move."""
    if not context.topology.mailboxes.moves:
        return ()
    path = context.plan.storage.path
    unit = mount_unit(path)
    asserted = render("dovecot", "on-volume.conf", path=path)
    drop_in = File(f"{_UNITS}/dovecot.service.d/mailwiz-volume.conf", asserted)
    text = render("dovecot", "mail-on-volume.mount", source=layout.VOLUME_MAIL, path=path, volume=layout.VOLUME)
    mount = File(f"{_UNITS}/{unit}", text)
    return (
        mount,
        drop_in,
        Command("dovecot.volume", ("systemctl", "daemon-reload"), inputs=(mount.path, drop_in.path), anywhere=True),
        Command(
            id="dovecot.volume-folder",
            argv=(
                "install", "-d", "-o", layout.VMAIL_USER, "-g", layout.VMAIL_USER, "-m", "750", layout.VOLUME_MAIL,
            ),
            unless=("test", "-d", layout.VOLUME_MAIL),
        ),
        Unit(unit, restart_on=(mount.path,)),
    )  # fmt: skip
