"""A machine to rehearse on: a temporary root with stand-ins for dpkg, apt-get and systemctl.

Every stand-in finds the root in ``$MAILWIZ_ROOT`` and writes its calls to ``calls`` there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mailwiz_tui.agent.core.host import Host
from mailwiz_tui.agent.protocol.blueprint import AgentBlueprint
from mailwiz_tui.stack.blueprint import Blueprint, Item, SecretSpec, Step

_HEAD = '#!/bin/sh\nR="$MAILWIZ_ROOT"\n'
_PROGRAMS = {
    "dpkg-query": 'cat "$R/installed" 2>/dev/null; exit 0\n',
    "dpkg": """echo "dpkg $*" >>"$R/calls"
case "$1" in
--audit) cat "$R/audit" 2>/dev/null ;;
--configure) rm -f "$R/audit" ;;
esac
exit 0
""",
    "apt-get": """echo "apt-get $*" >>"$R/calls"
[ -e "$R/usr/sbin/policy-rc.d" ] && echo "policy present" >>"$R/calls"
echo "$DEBIAN_FRONTEND $NEEDRESTART_SUSPEND" >"$R/apt-environment"
fd=
for word in "$@"; do case "$word" in APT::Status-Fd=*) fd=${word#*=} ;; esac; done
case "$*" in *" install "*) ;; *) exit 0 ;; esac
if [ -e "$R/apt-lock-once" ]; then
	rm "$R/apt-lock-once"
	echo "E: Could not get lock /var/cache/apt/archives/lock. It is held by process 4711"
	exit 100
fi
if [ -e "$R/apt-fails" ]; then cat "$R/apt-fails"; exit 100; fi
[ -n "$fd" ] && echo 'dlstatus:1:50:Retrieving file 1 of 2' >/proc/self/fd/$fd
echo started >"$R/apt-started"
while [ -e "$R/apt-blocks" ]; do sleep 0.05; done
seen=
for word in "$@"; do
	if [ -n "$seen" ]; then
		[ -n "$fd" ] && echo "pmstatus:$word:100:Installed $word" >/proc/self/fd/$fd
		echo "Setting up $word ..."
		echo "$word ii " >>"$R/installed"
	fi
	[ "$word" = install ] && seen=1
done
exit 0
""",
    "debconf-set-selections": 'cat >>"$R/debconf"\n',
    "systemctl": """verb=$1
shift
case "$verb" in
show)
	for name in "$@"; do
		case "$name" in -*) continue ;; *,*) continue ;; esac
		active=$(cat "$R/units/$name.active" 2>/dev/null || echo inactive)
		enabled=$(cat "$R/units/$name.enabled" 2>/dev/null || echo disabled)
		restarts=0
		if [ "$active" = active ] && [ -e "$R/units/$name.crashes" ]; then
			echo asked >>"$R/units/$name.crashes"
			[ "$(wc -l <"$R/units/$name.crashes")" -gt 2 ] && restarts=3
		fi
		printf 'LoadState=loaded\\nActiveState=%s\\nUnitFileState=%s\\nNRestarts=%s\\nType=simple\\n' \\
			"$active" "$enabled" "$restarts"
		printf 'RemainAfterExit=no\\nResult=success\\nNeedDaemonReload=no\\n\\n'
	done
	;;
is-system-running) echo running ;;
daemon-reload) ;;
*)
	[ "$1" = -- ] && shift
	echo "systemctl $verb $1" >>"$R/calls"
	mkdir -p "$R/units"
	case "$verb" in
	enable | disable) echo "${verb}d" >"$R/units/$1.enabled" ;;
	mask) echo masked >"$R/units/$1.enabled" ;;
	unmask) echo disabled >"$R/units/$1.enabled" ;;
	stop) echo inactive >"$R/units/$1.active" ;;
	*)
		if [ -e "$R/units/$1.broken" ]; then
			echo failed >"$R/units/$1.active"
			echo "Job for $1 failed."
			exit 1
		fi
		echo active >"$R/units/$1.active"
		;;
	esac
	;;
esac
exit 0
""",
    "journalctl": 'echo "fatal: the unit said why"\n',
    "nft": "exit 1\n",
}


class Rehearsal:
    """A temporary root with its stand-ins."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "usr/bin").mkdir(parents=True)
        (root / "usr/sbin").mkdir(parents=True)
        (root / "etc").mkdir()
        for name, script in _PROGRAMS.items():
            program = root / "usr/bin" / name
            program.write_text(_HEAD + script)
            program.chmod(0o755)
        (root / "etc/os-release").write_text(
            'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'
        )
        self.host = Host(str(root))
        self.host.make_state_dirs()

    def path(self, path: str) -> Path:
        """Where a path of the rehearsed machine is."""
        return self.root / path.lstrip("/")

    def calls(self) -> list[str]:
        """What the stand-ins were asked to do."""
        file = self.root / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def forget_calls(self) -> None:
        """Starts the list of calls anew."""
        (self.root / "calls").unlink(missing_ok=True)

    def touch(self, name: str, text: str = "") -> Path:
        """Sets a switch of the stand-ins."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def blueprint(*steps: Step, secrets: tuple[str, ...] = ()) -> Blueprint:
    """A blueprint of these steps."""
    return Blueprint("mx1", steps, tuple(SecretSpec(name, 20) for name in secrets))


def for_agent(*steps: Step, secrets: tuple[str, ...] = ()) -> AgentBlueprint:
    """What an agent is sent of it."""
    return blueprint(*steps, secrets=secrets).for_agent()


def step(
    *items: Item,
    name: str = "one",
    validators: tuple[tuple[str, ...], ...] = (),
    lockout: bool = False,
    optional: bool = False,
) -> Step:
    """A step of these items."""
    return Step(name, f"Do {name}", "test", items, validators, lockout, optional)


def as_options(**changes: Any) -> dict[str, Any]:
    """Options of a run."""
    return {"by": "tester@here", "gate_seconds": 0.4, "settle_seconds": 0.0, **changes}
