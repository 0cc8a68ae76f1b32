"""Changes of accounts on the server, each with its result as a sentence, and the rows of the list of accounts."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text

from mailwiz_tui.manage.account_entries import AliasEntry, MailboxEntry
from mailwiz_tui.manage.account_words import shown_address, size_words
from mailwiz_tui.manage.accounts import Accounts
from mailwiz_tui.ui.dialogs.account_dialogs import NewAlias
from mailwiz_tui.ui.terminal.text import fit, safe_line

Row = MailboxEntry | AliasEntry


def line(row: Row | None, width: int, *, plain: bool) -> Text:
    """A mailbox or an alias in one line; None is the heading of the aliases."""
    if row is None:
        return Text("Aliases", style="bold underline")
    stored = isinstance(row, MailboxEntry) and bool(row.store)
    first = width * (38 if stored else 45) // 100
    address = cut(shown_address(row.address), first)
    if isinstance(row, AliasEntry):
        return Text(f"{address}  {'>' if plain else '→'} {cut(', '.join(row.goto), width - first - 4)}")
    used = f"{size_words(row.used)} of {size_words(row.quota)}" if row.quota else size_words(row.used)
    text = Text(f"{address}  {cut(row.name, width - first - (38 if stored else 30))}  {used:>14}  ")
    if stored:
        text.append(f"{cut(row.store, 6)}  ")
    if row.moving_to:
        text.append(f"to {row.moving_to}", style="bold")
    else:
        text.append("in use" if row.active else "out of use", style="" if row.active else "bold")
    return text


def cut(text: str, width: int) -> str:
    """Text cut or padded to a width in cells."""
    return fit(safe_line(text), width)


async def add_alias(accounts: Accounts, new: NewAlias) -> str:
    """Add an alias, or targets to an existing one."""
    alias = await accounts.add_alias(new.address, list(new.goto))
    return f"{shown_address(alias.address)} leads to {', '.join(alias.goto)}"


async def remove_alias(accounts: Accounts, address: str) -> str:
    """Remove an alias."""
    alias = await accounts.remove_alias(address)
    return f"{shown_address(address)} " + (f"leads to {alias.goto[0]} only" if alias.goto else "was removed")


async def set_quota(accounts: Accounts, address: str, quota: int) -> str:
    """Set a mailbox's quota."""
    await accounts.change(address, quota=quota)
    return f"{address}: quota {size_words(quota) if quota else 'none'}"


async def move(accounts: Accounts, *, address: str, store: str, say: Callable[[str], None]) -> str:
    """Move a mailbox to another store."""
    moved = await accounts.move(address, store, say)
    return f"{moved.line}. {moved.note}" if moved.note else moved.line


async def remove(accounts: Accounts, address: str, *, delete_mail: bool) -> str:
    """Remove a mailbox."""
    removed = await accounts.remove(address, delete_mail=delete_mail)
    kept = (
        f"; its mail is kept on {removed.store or 'the server'} in {removed.home}"
        if removed.home
        else "; it had no mail"
    )
    aliases = f". Aliases still lead to it: {', '.join(removed.aliases)}" if removed.aliases else ""
    return f"{address} was removed{' with its mail' if removed.deleted else kept}{aliases}"
