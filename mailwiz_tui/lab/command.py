"""``mailwiz-tui lab up | down | ls | reset``: the lab from the command line."""

from __future__ import annotations

import argparse
import os
import sys

from . import base, state, zones
from .lab import Lab, LabError
from .machine import CACHE
from .sources import SUITES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the lab's subcommands to a parser."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="up|down|ls|reset")
    up = verbs.add_parser("up", help="start hosts; existing ones are kept")
    up.add_argument("count", nargs="?", type=int, default=3, metavar="N", help="how many hosts (default: 3)")
    up.add_argument("--suite", choices=SUITES, default=SUITES[0], help="Debian release (default: %(default)s)")
    up.add_argument(
        "--kernel", action="store_true", help="hosts with a kernel of their own and a second, empty disk"
    )
    up.add_argument(
        "--memory", type=int, default=state.MEMORY_MB, metavar="MB", help="with --kernel (default: %(default)s)"
    )
    up.add_argument(
        "--disk",
        type=int,
        default=state.DISK_MB,
        metavar="MB",
        help="size of the second disk with --kernel (default: %(default)s)",
    )
    up.add_argument("--install", action="store_true", help="install the Debian packages this machine lacks")
    down = verbs.add_parser("down", help="remove the lab; cached images stay")
    down.add_argument("--purge", action="store_true", help="remove the cached images and packages as well")
    listing = verbs.add_parser("ls", help="list the lab's hosts")
    reset = verbs.add_parser("reset", help="make a host bare again")
    reset.add_argument("host", metavar="HOST")
    for verb in (up, down, listing, reset):
        verb.add_argument("--name", default="lab", help="which lab (default: %(default)s)")


def main(args: argparse.Namespace) -> int:
    """Do what the arguments say; errors become one line on standard error and exit code 1."""
    try:
        lab = Lab(args.name)
        return {"up": _up, "down": _down, "ls": _list, "reset": _reset}[args.verb](lab, args)
    except LabError as error:
        _complain(str(error))
    except PermissionError as error:
        _complain(f"{error.filename}: permission denied; use sudo")
    except OSError as error:
        _complain(f"{error}; try: mailwiz-tui lab down --name {args.name}, then up")
    except KeyboardInterrupt:
        _complain("interrupted; run it again to continue, or: mailwiz-tui lab down")
    return 1


def _up(lab: Lab, args: argparse.Namespace) -> int:
    paths = lab.up(
        args.count,
        suite=args.suite,
        kernel=args.kernel,
        memory_mb=args.memory,
        disk_mb=args.disk,
        install=args.install,
        report=_say,
    )
    _say(f"inventory    {paths.inventory}")
    _say(f"rehearse     mailwiz-tui plan.toml --inventory {paths.inventory}")
    host = lab.hosts()[0] if lab.hosts() else None
    if host:
        _say(
            f"log in       ssh -i {paths.identity_file} -o UserKnownHostsFile={paths.known_hosts} root@{host.ipv4}"
        )
    _say("users        root, and admin (same key) with sudo by the password: lab")
    domains = " ".join(zone.rstrip(".") for zone in zones.CUSTOMER_ZONES if zone != "lab.test.")
    _say(f"domains      {domains}; a correspondent: anyone@outside.test")
    _say(f"ACME         {lab.outside.acme_directory}, authority {paths.ca_file}")
    _say_dns(lab)
    return 0


def _say_dns(lab: Lab) -> None:
    """The lab's primary name server, its resolver, and the command to publish records."""
    _say(f"DNS          primary {lab.dns.server}, resolver {lab.dns.resolver}, key {lab.paths.tsig_key}")
    _say(f"publish      mailwiz-tui dns plan.toml --publish --server {lab.dns.server} < {lab.paths.tsig_key}")


def _down(lab: Lab, args: argparse.Namespace) -> int:
    lab.down(report=_say)
    if args.purge:
        base.purge()
        _say(f"lab {lab.name} and all cached images were removed")
    else:
        _say(f"lab {lab.name} was removed; cached images stay in {CACHE} (--purge removes them)")
    return 0


def _list(lab: Lab, _args: argparse.Namespace) -> int:
    hosts = lab.hosts()
    if not hosts:
        _say(f"no lab {lab.name}; start one: mailwiz-tui lab up --name {lab.name}")
        return 0
    _say(f"{'HOST':6} {'IPV4':16} {'IPV6':24} {'DEBIAN':9} {'KIND':9} STATE")
    for host in hosts:
        running = f"running, pid {host.pid}" if host.pid else "not running"
        _say(f"{host.id:6} {host.ipv4:16} {host.ipv6:24} {host.suite:9} {host.kind:9} {running}")
    _say_dns(lab)
    return 0


def _reset(lab: Lab, args: argparse.Namespace) -> int:
    lab.reset(args.host, report=_say)
    _say(f"{args.host} is bare again")
    return 0


def _say(line: str) -> None:
    """Print a line; a closed output does not stop the work."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(line: str) -> None:
    sys.stderr.write(f"mailwiz-tui lab: {line}\n")
