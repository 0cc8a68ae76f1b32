"""The entry point: opens the screens, or runs the same engine without them.

Everything heavy is imported when it is needed, so ``--help`` and ``--version`` answer at once.
Exit codes: 0 fine; 1 failed, differs or changes are due; 2 faults in what was given; 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mailwiz_tui import __version__

USAGE = "mailwiz-tui [PLAN] [--inventory FILE] [--mouse]\n       mailwiz-tui COMMAND …"
COMMANDS = {
    "check": "validate a plan and its inventory together",
    "dns": "print the DNS records, or compare them with the live DNS",
    "render": "write what each server would get into a folder, connecting to nobody",
    "diff": "dry run: show what apply would change on each server",
    "apply": "install and verify; on a finished installation it changes nothing",
    "verify": "run all checks against the running servers",
    "monitor": "watch running servers, or an installation in progress",
    "mailbox": "accounts, aliases and quotas on the running installation",
    "secret": "store a secret on the servers that only you know (a smart host's password)",
    "node": "see which server has the mailboxes, and move them before maintenance (cluster)",
    "drill": "move the mailboxes of a cluster, planned and by force, and count every message",
    "backup": "make, list and restore backups of the running installation",
    "lab": "disposable Debian hosts on this machine for rehearsals",
}


def _with_plan(commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=COMMANDS[name], description=COMMANDS[name])
    parser.add_argument("plan", metavar="PLAN", type=Path, help="the plan file (TOML)")
    _inventory(parser)
    return parser


def _inventory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--inventory",
        type=Path,
        metavar="FILE",
        help="servers to choose from (default: inventory.toml beside the plan, then ~/.ssh/config)",
    )


def _resolver(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--resolver",
        metavar="ADDRESS",
        default="",
        help="look records up there (default: the inventory's resolver, else the system's)",
    )


def _connecting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--accept-new-host-keys",
        action="store_true",
        help="accept unknown host keys without asking (a changed key is always rejected)",
    )


def build_parser() -> argparse.ArgumentParser:
    """The parser for all commands; ``mailwiz-tui [PLAN]`` without a command opens the wizard."""
    parser = argparse.ArgumentParser(
        prog="mailwiz-tui",
        usage=USAGE,
        description="Configure, install, verify and watch a complete mail stack on Debian servers.",
        epilog="Without a command the wizard opens, on PLAN if one is given.",
    )
    parser.add_argument("--version", action="version", version=f"mailwiz-tui {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, prog="mailwiz-tui")

    check = _with_plan(commands, "check")
    check.add_argument("--network", action="store_true", help="also try the network between the servers")
    _connecting(check)

    dns = _with_plan(commands, "dns")
    dns.add_argument("--format", choices=("text", "zone", "web", "json"), default="text")
    dns.add_argument("--check", action="store_true", help="compare with the live DNS; exit 1 where they differ")
    dns.add_argument("--refresh", action="store_true", help="ask the servers again for addresses and public keys")
    dns.add_argument("--publish", action="store_true", help="send them by RFC 2136; the TSIG key on standard input")
    dns.add_argument("--server", metavar="ADDRESS", default="", help="the primary name server (with --publish)")
    dns.add_argument("--replace-mx", action="store_true", help="with --publish: remove other MX records")
    _resolver(dns)
    _connecting(dns)

    render = _with_plan(commands, "render")
    render.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write")
    render.add_argument("--refresh", action="store_true", help="ask the servers again for their facts first")
    _connecting(render)

    _connecting(_with_plan(commands, "diff"))

    apply = _with_plan(commands, "apply")
    apply.add_argument("--yes", action="store_true", help="do not ask before changing servers")
    apply.add_argument(
        "--adopt", action="store_true", help="replace a mail configuration that is not from mailwiz-tui"
    )
    apply.add_argument(
        "--credentials", type=Path, metavar="FILE", help="write generated passwords to this new 0600 JSON file"
    )
    _resolver(apply)
    _connecting(apply)

    verify = _with_plan(commands, "verify")
    verify.add_argument("--json", action="store_true", help="print the results as JSON")
    verify.add_argument("--to", default="", metavar="ADDRESS", help="also send a test mail to this address")
    _resolver(verify)
    _connecting(verify)

    monitor = _with_plan(commands, "monitor")
    monitor.add_argument("--once", action="store_true", help="print the state once and stop")
    monitor.add_argument("--plain", action="store_true", help="print lines also on a terminal, open no screen")
    monitor.add_argument("--json", action="store_true", help="print an object a line and server")
    monitor.add_argument("--interval", type=float, default=10.0, metavar="SECONDS", help="between lines")
    _resolver(monitor)
    _connecting(monitor)

    node = commands.add_parser("node", help=COMMANDS["node"], description=COMMANDS["node"])
    node.add_argument(
        "action",
        choices=("status", "drain", "return"),
        help="status: where the mailboxes are; drain: take a server out of service; return: let it back in",
    )
    node.add_argument("plan", metavar="PLAN", type=Path, help="the plan file (TOML)")
    node.add_argument("node", metavar="NODE", nargs="?", default="", help="the server's id (drain, return)")
    _inventory(node)
    node.add_argument("--json", action="store_true", help="print the state as JSON")
    _connecting(node)

    drill = _with_plan(commands, "drill")
    drill.add_argument("--yes", action="store_true", help="do not ask for the word that confirms it")
    drill.add_argument("--json", action="store_true", help="print the report as JSON, and progress as errors")
    drill.add_argument(
        "--report", type=Path, metavar="FILE", help="write the report there (default: drill-DATE-TIME.md here)"
    )
    drill.add_argument(
        "--limit", type=float, default=20.0, metavar="SECONDS", help="the longest gap that passes (default: 20)"
    )
    drill.add_argument(
        "--rate", type=float, default=5.0, metavar="N", help="messages a second in all, 0.5 to 8 (default: 5)"
    )
    _connecting(drill)

    secret = _with_plan(commands, "secret")
    secret.add_argument("name", nargs="?", default="", metavar="NAME", help="which one (default: list them)")
    secret.add_argument("--stdin", action="store_true", help="read it from standard input, one line")
    _connecting(secret)

    mailbox = commands.add_parser("mailbox", help=COMMANDS["mailbox"], description=COMMANDS["mailbox"])
    mailbox.set_defaults(mailbox_parser=mailbox)

    commands.add_parser("backup", help=COMMANDS["backup"], description=COMMANDS["backup"])

    lab = commands.add_parser("lab", help=COMMANDS["lab"], description=COMMANDS["lab"])
    lab.set_defaults(lab_parser=lab)
    return parser


def _wizard_parser() -> argparse.ArgumentParser:
    wizard = argparse.ArgumentParser(prog="mailwiz-tui", usage=USAGE)
    wizard.add_argument("plan", nargs="?", type=Path, metavar="PLAN")
    wizard.add_argument("--inventory", type=Path, metavar="FILE")
    wizard.add_argument("--mouse", action="store_true", help="let the terminal report mouse events")
    return wizard


def _wizard(arguments: Sequence[str]) -> int:
    options = _wizard_parser().parse_args(arguments)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return fail("the wizard needs a terminal; for automation use `mailwiz-tui apply PLAN --yes`", 2)
    if os.environ.get("TERM", "") in {"", "dumb"}:
        return fail("this terminal (TERM=dumb) cannot draw screens; use `mailwiz-tui apply PLAN` instead", 2)
    if os.environ.get("SSH_CONNECTION"):
        os.environ.setdefault("ESCDELAY", "300")
    run_app = importlib.import_module("mailwiz_tui.ui.app.run").run_app
    code: int = run_app(options.plan, options.inventory, mouse=options.mouse)
    return code


def fail(message: str, code: int = 1) -> int:
    """Print one line to standard error and give the exit code back."""
    print(f"mailwiz-tui: {message}", file=sys.stderr)  # noqa: T201
    return code


def _dispatch(arguments: list[str]) -> int:
    if not any(a in COMMANDS or a in {"-h", "--help", "--version"} for a in arguments[:1]):
        return _wizard(arguments)
    parser = build_parser()
    if arguments[0] == "lab":
        lab = importlib.import_module("mailwiz_tui.lab.command")
        lab_parser = argparse.ArgumentParser(prog="mailwiz-tui lab", description=COMMANDS["lab"])
        lab.add_arguments(lab_parser)
        code: int = lab.main(lab_parser.parse_args(arguments[1:]))
        return code
    if arguments[0] == "mailbox":
        mailbox = importlib.import_module("mailwiz_tui.commands.mailbox")
        mailbox_parser = argparse.ArgumentParser(prog="mailwiz-tui mailbox", description=COMMANDS["mailbox"])
        mailbox.add_arguments(mailbox_parser, _connecting)
        done: int = mailbox.run(mailbox_parser.parse_args(arguments[1:]))
        return done
    if arguments[0] == "backup":
        backup = importlib.import_module("mailwiz_tui.commands.backup")
        backup_parser = argparse.ArgumentParser(prog="mailwiz-tui backup", description=COMMANDS["backup"])
        backup.add_arguments(backup_parser, _connecting)
        ended: int = backup.run(backup_parser.parse_args(arguments[1:]))
        return ended
    options = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = importlib.import_module(
        f"mailwiz_tui.commands.{options.command}"
    ).run
    return command(options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code; a traceback never reaches the user."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(given)
    except KeyboardInterrupt:
        return fail("interrupted; runs on servers continue (apply again follows them)", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        report = importlib.import_module("mailwiz_tui.commands.failure").report
        code: int = report(error)
        return code


if __name__ == "__main__":
    sys.exit(main())
