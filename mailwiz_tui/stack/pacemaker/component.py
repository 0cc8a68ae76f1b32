"""Pacemaker and SBD: one server at a time mounts the volume, and one that lost the majority is certainly gone."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, Command, Directory, File, Packages, Probe, Program, Ready, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.drbd.component import DEVICE
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

FOLDER = f"{layout.CONF_DIR}/cluster"
LOAD = f"{layout.LIB_DIR}/load-rules"
UNIT = "pacemaker.service"
SBD_CONFIG = "/etc/default/sbd"
WATCHDOG = "/etc/modules-load.d/mailwiz-watchdog.conf"
WATCHDOG_SECONDS = 5
"""A server without majority is reset after this time; the others wait for twice as long."""
MOUNTED = "crm_resource --resource volume-fs --locate --quiet | grep -q ."
_START_SBD = (
    "systemctl enable sbd.service && systemctl restart corosync.service && for n in $(seq 200); do "
    "systemctl -q is-active sbd.service && exit 0; sleep 0.3; done; exit 1"
)
"""sbd refuses a start by hand: it is started with Corosync, and needs a moment then."""
_READY = "crm_attribute --node $(crm_node -n) --name mailwiz-ready"


class Pacemaker(Component):
    """The resource manager with the volume; what is on it follows when its daemons are configured."""

    name = "pacemaker"
    title = "Pacemaker (take-over)"
    programs = (Program("pacemaker"),)
    units = (
        UnitWords("pacemaker", "this server cannot take the store over", "pacemaker"),
        UnitWords("sbd", "this server cannot take itself out, so it takes part in nothing", ""),
    )
    telling_packages = ("pacemaker",)

    def wanted(self, context: Context) -> bool:
        """Every server of a plan whose store moves."""
        return context.topology.mailboxes.moves

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The step ends when a server has the volume mounted."""
        here = context.topology.mailboxes
        first = here.here and here.places[0].id == context.server_id
        sbd = render("pacemaker", "sbd", timeout=str(WATCHDOG_SECONDS))
        step = Step(
            id="pacemaker",
            title="Configure Pacemaker (take-over)",
            component=self.name,
            items=(
                Directory(FOLDER),
                File(WATCHDOG, render("pacemaker", "watchdog.conf")),
                File(SBD_CONFIG, sbd),
                File(LOAD, render("pacemaker", "load-rules", folder=FOLDER), mode=0o755),
                File(f"{FOLDER}/options.xml", _options(context)),
                *_volume_files(context),
                Command("pacemaker.watchdog", ("modprobe", "softdog"), unless=("test", "-e", "/dev/watchdog0")),
                # It is started with Corosync; one that runs without it is started by that.
                Command(
                    "pacemaker.sbd",
                    ("sh", "-c", _START_SBD),
                    unless=("systemctl", "-q", "is-active", "sbd.service"),
                ),
                Unit(UNIT),
                Ready(
                    "Pacemaker (majority)",
                    UNIT,
                    Ask.COMMAND,
                    argv=("sh", "-c", '[ "$(crm_node -q)" = 1 ] && crm_node -n'),
                    limit=900,
                ),
                Command("pacemaker.options", (LOAD, "options"), inputs=(f"{FOLDER}/options.xml",)),
                *((_FIRST_READY,) if first else ()),
                *(
                    (
                        Command(
                            "pacemaker.volume",
                            (LOAD, "volume"),
                            inputs=(f"{FOLDER}/volume.xml", f"{FOLDER}/volume-rules.xml"),
                        ),
                        Ready("the volume", UNIT, Ask.COMMAND, argv=("sh", "-c", MOUNTED), limit=300),
                    )
                    if here.here
                    else ()
                ),
            ),
            validators=(("xmllint", "--noout", f"{FOLDER}/options.xml"),),
        )
        return Contribution(
            packages=Packages(
                names=("libxml2-utils", "pacemaker", "pacemaker-cli-utils", "resource-agents", "sbd")
            ),
            steps=(step,),
            probes=(
                unit_active(UNIT, "Pacemaker (take-over) runs"),
                unit_active("sbd.service", "a server that loses the majority takes itself out (sbd)"),
                Probe(
                    id="cluster.rules",
                    proves="Pacemaker accepts its configuration",
                    argv=("crm_verify", "--live-check"),
                    advice="crm_verify -L -VV",
                ),
            ),
        )


_FIRST_READY = Command(
    "pacemaker.first",
    ("sh", "-c", f"{_READY} --update yes"),
    unless=("sh", "-c", "cibadmin --query --xpath \"//nvpair[@name='mailwiz-ready'][@value='yes']\""),
)
"""Of a new cluster the first server takes the volume; else one of those that were complete before."""


def voters_only(context: Context) -> tuple[str, ...]:
    """The servers that vote and never have the volume."""
    places = {place.id for place in context.topology.mailboxes.places}
    return tuple(server.id for server in context.plan.servers if server.id not in places)


def _options(context: Context) -> str:
    # "suicide" is the name before Pacemaker 2.1.9
    policy = "suicide" if context.codename == "bookworm" else "fence"
    return render("pacemaker", "options.xml", watchdog=str(2 * WATCHDOG_SECONDS), no_quorum=policy)


def _volume_files(context: Context) -> tuple[File, ...]:
    if not context.topology.mailboxes.here:
        return ()
    return (
        File(f"{FOLDER}/volume.xml", render("pacemaker", "volume.xml", device=DEVICE, mount=layout.VOLUME)),
        File(
            f"{FOLDER}/volume-rules.xml", render("pacemaker", "volume-rules.xml", voters=list(voters_only(context)))
        ),
    )
