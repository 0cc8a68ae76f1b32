"""Mailboxes, aliases and domains as plain tables; each column is as wide as its widest entry."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from mailwiz_tui.commands.terminal import say
from mailwiz_tui.manage.account_entries import AliasEntry, DomainEntry, MailboxEntry
from mailwiz_tui.manage.account_words import shown_address, size_words


def _print(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(cell_len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        say("  ".join(set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_mailboxes(mailboxes: Sequence[MailboxEntry]) -> None:
    """One line each, with how full it is."""
    if not mailboxes:
        say("no mailboxes")
        return
    stored = any(m.store for m in mailboxes)
    _print(
        ("MAILBOX", "NAME", "USED", "QUOTA", "MESSAGES", *(("STORE",) if stored else ()), "STATE"),
        [
            (
                shown_address(m.address),
                m.name,
                size_words(m.used),
                size_words(m.quota) if m.quota else "none",
                str(m.messages),
                *((m.store,) if stored else ()),
                f"moving to {m.moving_to}" if m.moving_to else "in use" if m.active else "out of use",
            )
            for m in mailboxes
        ],
    )


def print_aliases(aliases: Sequence[AliasEntry]) -> None:
    """One line each, with where it leads."""
    if not aliases:
        say("no aliases")
        return
    _print(
        ("ALIAS", "LEADS TO"),
        [(shown_address(a.address), ", ".join(a.goto) + ("" if a.active else "  (out of use)")) for a in aliases],
    )


def print_domains(domains: Sequence[DomainEntry]) -> None:
    """One line each, with how much is in it."""
    _print(
        ("DOMAIN", "MAILBOXES", "ALIASES", "STATE"),
        [
            (
                shown_address(f"@{d.domain}").removeprefix("*@"),
                str(d.mailboxes),
                str(d.aliases),
                "in use" if d.active else "not in the plan: accepts no mail",
            )
            for d in domains
        ],
    )
