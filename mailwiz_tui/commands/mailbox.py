"""``mailbox …``: accounts, aliases and quotas on the running installation.

A password is generated and printed once, or read from standard input; it is never an argument.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from pydantic import SecretStr

from mailwiz_tui.commands.mailbox_tables import print_aliases, print_domains, print_mailboxes
from mailwiz_tui.commands.terminal import ask, complain, interactive, say
from mailwiz_tui.commands.workspace import open_workspace
from mailwiz_tui.manage.account_entries import AccountBook
from mailwiz_tui.manage.account_words import shown_address, size_words, typed_quota
from mailwiz_tui.manage.accounts import Accounts

Options = argparse.Namespace
Work = Callable[[Accounts, Options], Awaitable[int]]


def add_arguments(parser: argparse.ArgumentParser, connecting: Callable[[argparse.ArgumentParser], None]) -> None:
    """The sub-commands; ``connecting`` adds what every command that connects has."""
    commands = parser.add_subparsers(dest="do", metavar="COMMAND", required=True)

    def command(name: str, explain: str, work: Work, *, among: argparse._SubParsersAction[argparse.ArgumentParser] = commands) -> argparse.ArgumentParser:  # noqa: E501  # fmt: skip
        made = among.add_parser(name, help=explain, description=explain)
        made.add_argument("plan", metavar="PLAN", type=Path, help="the plan file (TOML)")
        made.add_argument("--inventory", type=Path, metavar="FILE", help="default: inventory.toml beside the plan")
        connecting(made)
        made.set_defaults(work=work)
        return made

    listing = command("list", "list mailboxes and aliases", _list)
    listing.add_argument("address", nargs="?", default="", metavar="PART", help="only what contains this text")
    listing.add_argument("--json", action="store_true", help="print everything as JSON")
    domains = command("domains", "list the mailbox domains", _domains)
    domains.add_argument("--json", action="store_true", help="print everything as JSON")

    add = command("add", "add a mailbox; its password is generated and shown once", _add)
    _address(add)
    _password(add)
    _quota(add)
    add.add_argument("--name", default="", metavar="NAME", help="name of the owner")
    stored = "of several stores, the server that keeps it (default: the one with the fewest mailboxes)"
    add.add_argument("--store", default="", metavar="ID", help=stored)

    passwd = command("passwd", "give a mailbox a new password, and end its sessions", _passwd)
    _address(passwd)
    _password(passwd)

    change = command("set", "change a mailbox's quota or name, disable or enable it", _set)
    _address(change)
    _quota(change)
    change.add_argument("--name", default=None, metavar="NAME", help="name of the owner")
    use = change.add_mutually_exclusive_group()
    use.add_argument(
        "--disable",
        dest="active",
        action="store_false",
        default=None,
        help="disable: reject logins and incoming mail",
    )
    use.add_argument("--enable", dest="active", action="store_true", default=None, help="in use")

    remove = command("remove", "remove a mailbox; its mail stays on the server without --delete-mail", _remove)
    _address(remove)
    remove.add_argument("--delete-mail", action="store_true", help="delete its mail too; asks first")
    remove.add_argument("--yes", action="store_true", help="do not ask before deleting mail")

    move = command("move", "move a mailbox to another store; completes or undoes an interrupted move", _move)
    _address(move)
    move.add_argument("store", metavar="STORE", help="the new store")

    alias = commands.add_parser("alias", help="further addresses, forwarding and catch-alls")
    aliases = alias.add_subparsers(dest="do_alias", metavar="COMMAND", required=True)
    listing = command("list", "list aliases and catch-alls", _alias_list, among=aliases)
    listing.add_argument("address", nargs="?", default="", metavar="PART", help="only what contains this text")
    listing.add_argument("--json", action="store_true", help="print everything as JSON")
    explain = "add an alias (@DOMAIN: catch-all) or further targets"
    add = command("add", explain, _alias_add, among=aliases)
    add.add_argument("address", metavar="ADDRESS", help="the address, or @DOMAIN for a catch-all")
    add.add_argument("goto", nargs="+", metavar="TARGET", help="target addresses")
    remove = command("remove", "remove an alias, or only some of its targets", _alias_remove, among=aliases)
    remove.add_argument("address", metavar="ADDRESS", help="the address, or @DOMAIN for a catch-all")
    remove.add_argument("goto", nargs="*", metavar="TARGET", help="only these targets (default: the whole alias)")


def _address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="the mailbox, like anna@example.com")


def _password(parser: argparse.ArgumentParser) -> None:
    explain = "read the password from standard input, one line (default: generate one)"
    parser.add_argument("--password-stdin", action="store_true", help=explain)


def _quota(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quota", default=None, metavar="SIZE", help="like 5G or 500M; none for no limit")


def run(options: Options) -> int:
    """Do it on the server that keeps the accounts; 0 done, 1 refused, 2 faults in what was given."""
    try:
        options.bytes = typed_quota(options.quota) if getattr(options, "quota", None) is not None else None
        options.password = _read_password(options)
    except ValueError as error:
        complain(str(error))
        return 2
    workspace = open_workspace(options)

    async def work() -> int:
        engine = workspace.engine(options)
        try:
            done: int = await options.work(Accounts(engine), options)
            return done
        except ValueError as error:
            complain(str(error))
            return 2
        finally:
            await engine.close()

    return asyncio.run(work())


def _read_password(options: Options) -> SecretStr | None:
    if not getattr(options, "password_stdin", False):
        return None
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise ValueError("there was no password on standard input")
    return SecretStr(line)


def _as_json(book: AccountBook) -> str:
    """Stable keys: domains, mailboxes (sizes in bytes; of several stores which one), aliases."""
    aliases = [{**asdict(alias), "catch_all": alias.catch_all} for alias in book.aliases]
    mailboxes = [asdict(m) for m in book.mailboxes]
    for mailbox in mailboxes if not book.stores else ():
        del mailbox["store"], mailbox["moving_to"]
    content = {"version": 1, "domains": [asdict(d) for d in book.domains],
               "mailboxes": mailboxes, "aliases": aliases}  # fmt: skip
    return json.dumps(content, indent=2)


def _filtered(book: AccountBook, part: str) -> AccountBook:
    part = part.lower()
    return AccountBook(
        book.domains,
        tuple(m for m in book.mailboxes if part in m.address or part in m.name.lower()),
        tuple(a for a in book.aliases if part in a.address or any(part in goto for goto in a.goto)),
        book.stores,
    )


async def _list(accounts: Accounts, options: Options) -> int:
    book = _filtered(await accounts.book(), options.address)
    if options.json:
        say(_as_json(book))
        return 0
    print_mailboxes(book.mailboxes)
    if book.aliases:
        say()
        print_aliases(book.aliases)
    return 0


async def _domains(accounts: Accounts, options: Options) -> int:
    book = await accounts.book()
    if options.json:
        say(_as_json(AccountBook(book.domains)))
    else:
        print_domains(book.domains)
    return 0


async def _alias_list(accounts: Accounts, options: Options) -> int:
    book = _filtered(await accounts.book(), options.address)
    if options.json:
        say(_as_json(AccountBook((), (), book.aliases)))
    else:
        print_aliases(book.aliases)
    return 0


async def _add(accounts: Accounts, options: Options) -> int:
    added = await accounts.add(
        options.address,
        password=options.password,
        quota=options.bytes or 0,
        name=options.name,
        store=options.store,
    )
    limit = f", quota {size_words(options.bytes)}" if options.bytes else ""
    stored = f" on {added.store}" if added.store else ""
    say(f"{shown_address(added.address)} was added{stored}{limit}")
    if shown_address(added.address) != added.address:
        say(f"log in as: {added.address}")
    if added.found_mail:
        complain(f"note: the mailbox contains mail of an earlier {added.address}, found in {added.found_mail}")
    _show(added.generated)
    return 0


async def _passwd(accounts: Accounts, options: Options) -> int:
    generated = await accounts.set_password(options.address, options.password)
    say(f"{options.address} has a new password; sessions with the old one were ended")
    _show(generated)
    return 0


def _show(generated: SecretStr | None) -> None:
    if generated is not None:
        say(f"password: {generated.get_secret_value()}   (shown this once, stored only as a hash)")


async def _set(accounts: Accounts, options: Options) -> int:
    if options.bytes is None and options.active is None and options.name is None:
        complain("no change was given", "add --quota SIZE, --name NAME, --disable or --enable")
        return 2
    await accounts.change(options.address, quota=options.bytes, active=options.active, name=options.name)
    said = []
    if options.bytes is not None:
        said.append(f"quota {size_words(options.bytes) if options.bytes else 'none'}")
    if options.name is not None:
        said.append(f"name {options.name or 'none'}")
    if options.active is not None:
        said.append("in use" if options.active else "out of use: no login, no incoming mail; its mail stays")
    say(f"{options.address}: {', '.join(said)}")
    return 0


async def _remove(accounts: Accounts, options: Options) -> int:
    if options.delete_mail and not options.yes:
        if not interactive():
            complain("deleting mail cannot be undone and there is no terminal to ask", "add --yes")
            return 2
        if not await asyncio.to_thread(ask, f"Delete {options.address} and all its mail for good?"):
            complain("nothing was changed")
            return 1
    removed = await accounts.remove(options.address, delete_mail=options.delete_mail)
    if removed.deleted:
        say(f"{shown_address(removed.address)} and its mail were removed")
    else:
        server = removed.store or "the server"
        where = f"; its mail is kept on {server} in {removed.home}" if removed.home else "; it had no mail"
        say(f"{shown_address(removed.address)} was removed{where}")
    if removed.aliases:
        complain(f"note: aliases with it as target: {', '.join(removed.aliases)}", "see: mailbox alias remove")
    return 0


async def _move(accounts: Accounts, options: Options) -> int:
    moved = await accounts.move(options.address, options.store, complain)
    say(moved.line)
    if moved.note:
        complain(moved.note)
    return 0


async def _alias_add(accounts: Accounts, options: Options) -> int:
    alias = await accounts.add_alias(options.address, options.goto)
    say(f"{shown_address(alias.address)} leads to {', '.join(alias.goto)}")
    return 0


async def _alias_remove(accounts: Accounts, options: Options) -> int:
    alias = await accounts.remove_alias(options.address, options.goto)
    left = f"leads to {', '.join(alias.goto)} only" if alias.goto else "was removed"
    say(f"{shown_address(alias.address)} {left}")
    return 0
