"""DRBD: the replicated volume, on the two servers that hold mail."""

from __future__ import annotations

from mailwiz_tui.plan.model import PlanServer, Role
from mailwiz_tui.plan.published import server_name
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, Directory, File, Packages, Probe, Program, Step, Unit, Wait
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.traffic import Exchange
from mailwiz_tui.stack.unit_words import UnitWords
from mailwiz_tui.topology.servers import clustered

MINOR = 7
DEVICE = f"/dev/drbd{MINOR}"
RESOURCE = "/etc/drbd.d/mailwiz.res"
FENCE = f"{layout.LIB_DIR}/fence-peer"
UNFENCE = f"{layout.LIB_DIR}/unfence-peer"
FIRST = f"{layout.LIB_DIR}/first-volume"
FILE = "/var/lib/mailwiz-volume/volume.img"
LOOP = "/dev/loop77"
FILE_UNIT = "mailwiz-volume.service"
UNITS = "/etc/systemd/system"
MODULES = "/etc/modules-load.d/mailwiz-volume.conf"
_STATE = "drbdadm dstate mailwiz 2>/dev/null"
_USABLE = "^(UpToDate|Outdated)/|^Inconsistent/(Inconsistent|UpToDate)"
"""This disk has been used before, or both are new, or the peer has the content."""


class Drbd(Component):
    """The volume with mail and databases."""

    name = "drbd"
    title = "DRBD (volume)"
    programs = (Program("drbd"),)
    units = (
        UnitWords("mailwiz-volume", "this server has no copy of the mail, and cannot take the store over", ""),
    )
    telling_packages = ("drbd-utils",)
    offers = (
        Exchange(
            "drbd",
            layout.VOLUME_PORT,
            (Role.MAIL_STORAGE,),
            (Role.MAIL_STORAGE,),
            "replicates the volume with mail",
            wanted=clustered,
        ),
    )

    def wanted(self, context: Context) -> bool:
        """The servers among which the store moves."""
        return context.topology.mailboxes.moves and context.topology.mailboxes.here

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The volume is up on both servers and has a file system, mounted on none; Pacemaker does the rest."""
        places = context.topology.mailboxes.places
        first = places[0].id == context.server_id
        peer = next(place for place in places if place.id != context.server_id)
        disk = context.plan.cluster.device or LOOP
        step = Step(
            id="drbd",
            title="Create the volume (DRBD)",
            component=self.name,
            items=(
                *_file_items(context),
                File(MODULES, "# Managed by mailwiz-tui: the next apply writes this file again.\ndrbd\n"),
                File(FENCE, render("drbd", "fence-peer", places=" ".join(p.id for p in places)), mode=0o755),
                File(UNFENCE, render("drbd", "unfence-peer"), mode=0o755),
                File(FIRST, render("drbd", "first-volume", minor=str(MINOR)), mode=0o755),
                File(
                    RESOURCE,
                    render(
                        "drbd",
                        "mailwiz.res",
                        minor=str(MINOR),
                        disk=disk,
                        fence=FENCE,
                        unfence=UNFENCE,
                        places="\n".join(_place(context, place) for place in places),
                    ),
                ),
                Directory(layout.VOLUME, mode=0o755),
                *_units(context),
                Command("drbd.module", ("modprobe", "drbd"), unless=("test", "-e", "/sys/module/drbd")),
                Command(
                    id="drbd.metadata",
                    argv=("drbdadm", "--force", "create-md", "mailwiz"),
                    unless=("sh", "-c", f'[ "$(blkid -p -o value -s TYPE {disk})" = drbd ]'),
                ),
                Command(
                    id="drbd.up",
                    argv=("drbdadm", "up", "mailwiz"),
                    unless=("sh", "-c", f"{_STATE} | grep -q /"),
                ),
                Command(
                    id="drbd.adjust",
                    argv=("drbdadm", "adjust", "mailwiz"),
                    inputs=(RESOURCE,),
                ),
                Wait(
                    "replicated volume",
                    peer.id,
                    (
                        "sh",
                        "-c",
                        f"{_STATE} | grep -Eq '{_USABLE}'",
                    ),
                ),
                *((Command("drbd.first", (FIRST,), unless=(FIRST, "--check")),) if first else ()),
            ),
            validators=(("drbdadm", "dump", "mailwiz"),),
        )
        return Contribution(
            packages=Packages(names=("drbd-utils", "e2fsprogs")),
            steps=(step,),
            preflight=_empty_device(context),
            probes=(
                Probe(
                    id="cluster.volume",
                    proves="the volume with mail is complete on both servers",
                    argv=("drbdadm", "dstate", "mailwiz"),
                    expect=r"(?m)^UpToDate/UpToDate$",
                    advice="drbdadm status mailwiz; what is missing is copied by itself while both servers run",
                ),
            ),
        )


def _place(context: Context, place: PlanServer) -> str:
    """A server of the volume; DRBD finds its own by the name of the system (uname -n), which ``base`` sets."""
    name = server_name(context.plan, place)
    address = place.internal_ip
    shown = f"ipv6 [{address}]" if ":" in address else address
    return f"    on {name} {{\n        address {shown}:{layout.VOLUME_PORT};\n    }}"


def _file_items(context: Context) -> tuple[Directory | File, ...]:
    if context.plan.cluster.device:
        return ()
    unit = render("drbd", "volume-file.service", loop=LOOP, file=FILE)
    return (Directory(FILE.rpartition("/")[0], mode=0o700), File(f"{UNITS}/{FILE_UNIT}", unit))


def _units(context: Context) -> tuple[Command | Unit, ...]:
    if context.plan.cluster.device:
        return ()
    size = context.plan.cluster.size_gb
    return (
        Command("drbd.file", ("fallocate", "-l", f"{size}GiB", FILE), unless=("test", "-s", FILE)),
        Unit(FILE_UNIT, oneshot=True),
    )


def _empty_device(context: Context) -> tuple[Probe, ...]:
    """Before any change: a device with a file system of somebody else is not touched."""
    device = context.plan.cluster.device
    if not device:
        return ()
    there = f'[ -b {device} ] || {{ echo "no block device"; exit; }}'
    script = f'{there}; echo "found $(blkid -p -o value -s TYPE {device})"'
    return (
        Probe(
            id="volume.device",
            proves=f"{device} is a block device without a file system",
            argv=("sh", "-c", script),
            expect=r"^found (?:drbd)?\s*$",
            advice=f"if nothing on it is needed: wipefs --all {device}; else choose another cluster.device",
        ),
    )
