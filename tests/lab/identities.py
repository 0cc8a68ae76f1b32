"""The whole policy of senders as one table: who writes under which name, and what comes of it.

In addresses and fields ``{d}`` is the primary domain, ``{e}`` a second one with a catch-all of alice's, ``{a}``
another name of the first, ``{r}`` a relay domain, ``{p}`` a domain that only the accounts' database knows,
``{x}`` a domain of nobody here, ``{t}`` a word of each message's own. alice and bob are in ``{d}``; info@ leads to
both, support@ to bob, sales@ to alice, old@ would lead to alice but is off; dave is in ``{e}``, eve in ``{p}``.
"""

from __future__ import annotations

from dataclasses import dataclass

SIGNED = "signed"
"""Arrives outside with a DKIM signature of the author's domain that verifies, From as it was written."""
SENT = "sent"
"""Arrives outside; whether it is signed is another matter."""
COMPLETED = "completed"
"""Arrives signed, with the login's address as its From."""
INBOX = "INBOX"
"""Taken on port 25 and filed there, or into Junk."""
FORGED = "forged"
"""Refused by a filter; where there is none, taken: nobody looks at SPF, DKIM and DMARC there."""


@dataclass(frozen=True)
class Row:
    """A message and its outcome: one of the words above, or the code and status it is refused with.

    ``login`` empty means port 25. ``envelope`` "" is the null sender.
    """

    id: str
    login: str
    envelope: str
    fields: tuple[str, ...]
    outcome: str


def _submitted(outcome: str, rows: dict[str, tuple[str, ...]], envelope: str = "alice@{d}") -> list[Row]:
    return [Row(name, "alice@{d}", envelope, fields, outcome) for name, fields in rows.items()]


def _offered(outcome: str, rows: dict[str, tuple[str, ...]], envelope: str = "{t}@outside.test") -> list[Row]:
    return [Row(f"25: {name}", "", envelope, fields, outcome) for name, fields in rows.items()]


IDENTITY, SYNTAX, ENVELOPE = "550 5.7.1", "550 5.6.0", "553 5.7.1"

SUBMISSION = [
    *_submitted(SIGNED, {
        "own address": ("From: alice@{d}",),
        "quoted name": ('From: "Smith, Alice" <alice@{d}>',),
        "encoded name": ("From: =?utf-8?q?J=C3=BCrgen?= <alice@{d}>",),
        "8-bit name": ("From: Jürgen <alice@{d}>",),
        "upper case": ("From: ALICE@{d}",),
        "extension": ("From: alice+news@{d}",),
        "own alias": ("From: Sales <sales@{d}>",),
        "shared alias": ("From: info@{d}",),
        "name after it": ("From: alice@{d} (Alice (at home))",),
        "folded": ("From: Alice\n <alice@{d}>",),
        "two of one's own": ("From: alice@{d}, sales@{d}", "Sender: alice@{d}"),
        "own Sender": ("From: sales@{d}", "Sender: Alice <alice@{d}>"),
        "without a domain": ("From: Alice <alice>",),
        "quoted local part": ('From: "alice"@{d}',),
        "catch-all": ("From: whatever@{e}",),
    }),
    *_submitted(SIGNED, {
        "read receipt": ("From: alice@{d}",),
        "read receipt of an alias": ("From: sales@{d}",),
    }, ""),
    *_submitted(SIGNED, {"envelope of an alias": ("From: alice@{d}",)}, "sales@{d}"),
    *_submitted(SIGNED, {"envelope with an extension": ("From: alice@{d}",)}, "alice+bounces@{d}"),
    *_submitted(SENT, {"own address in an alias domain": ("From: alice@{a}",)}, "alice@{a}"),
    *_submitted(SENT, {"own alias in an alias domain": ("From: sales+x@{a}",)}, "sales@{a}"),
    *_submitted(COMPLETED, {"no From": ()}),
    *_submitted(COMPLETED, {"no From, null envelope": ()}, ""),
    Row("bob, shared alias", "bob@{d}", "info@{d}", ("From: info@{d}",), SIGNED),
    *_submitted(IDENTITY, {
        "another user": ("From: bob@{d}",),
        "another's alias": ("From: support@{d}",),
        "alias that is off": ("From: old@{d}",),
        "nobody's address": ("From: nobody-has-this@{d}",),
        "postmaster": ("From: Postmaster <postmaster@{d}>",),
        "mailbox in the second domain": ("From: dave@{e}",),
        "subdomain": ("From: alice@sub.{d}",),
        "deep subdomain": ("From: boss@a.b.{d}",),
        "relay domain": ("From: alice@{r}",),
        "below a relay domain": ("From: alice@sub.{r}",),
        "domain of the panel": ("From: eve@{p}",),
        "below a domain of the panel": ("From: eve@sub.{p}",),
        "another user in an alias domain": ("From: bob@{a}",),
        "foreign": ("From: ceo@{x}",),
        "host address": ("From: alice@[192.0.2.1]",),
        "own and another user": ("From: alice@{d}, bob@{d}",),
        "another user and own": ("From: bob@{d}, alice@{d}",),
        "own and foreign": ("From: alice@{d}, ceo@{x}",),
        "own of two domains": ("From: alice@{d}, whatever@{e}",),
        "own as the name": ('From: "alice@{d}" <bob@{d}>',),
        "route before it": ("From: <@{d}:postmaster@{d}>",),
        "another user quoted": ('From: "bob"@{d}',),
        "without a domain, another user": ("From: bob",),
        "Sender of another user": ("From: alice@{d}", "Sender: bob@{d}"),
        "Sender foreign": ("From: alice@{d}", "Sender: ceo@{x}"),
    }),
    *_submitted(IDENTITY, {
        "null envelope, another user": ("From: bob@{d}",),
        "null envelope, postmaster": ("From: postmaster@{d}",),
        "null envelope, second domain": ("From: dave@{e}",),
        "null envelope, foreign": ("From: ceo@{x}",),
        "null envelope, subdomain": ("From: alice@sub.{d}",),
    }, ""),
    *_submitted(SYNTAX, {
        "white space inside": ("From: postmaster @ {d}",),
        "white space inside one's own": ("From: alice @ {d}",),
        "tab inside": ("From: postmaster\t@{d}",),
        "comment inside": ("From: postmaster(x)@{d}",),
        "group": ("From: boss: postmaster@{d};",),
        "group of one's own": ("From: me: alice@{d};",),
        "empty group": ("From: undisclosed-recipients:;",),
        "two From, own first": ("From: alice@{d}", "From: bob@{d}"),
        "two From, own last": ("From: bob@{d}", "From: alice@{d}"),
        "two From, both own": ("From: alice@{d}", "from: alice@{d}"),
        "empty": ("From:",),
        "empty address": ("From: <>",),
        "name alone, encoded": ("From: =?utf-8?b?Ym9zc0BvdXRzaWRlLnRlc3Q=?=",),
        "Sender twice": ("From: alice@{d}", "Sender: alice@{d}", "Sender: bob@{d}"),
    }),
    *_submitted(ENVELOPE, {"envelope of another user": ("From: alice@{d}",)}, "bob@{d}"),
    *_submitted(ENVELOPE, {"envelope of postmaster": ("From: postmaster@{d}",)}, "postmaster@{d}"),
    *_submitted(ENVELOPE, {"envelope in a subdomain": ("From: alice@{d}",)}, "alice@sub.{d}"),
    *_submitted(ENVELOPE, {"envelope foreign": ("From: alice@{d}",)}, "ceo@{x}"),
    *_submitted(ENVELOPE, {"envelope in the panel's domain": ("From: eve@{p}",)}, "eve@{p}"),
]  # fmt: skip

FOREIGN = [
    Row(name, "alice@{d}", envelope, fields, "arrived unsigned")
    for name, envelope, fields in (
        ("foreign", "alice@{d}", ("From: ceo@{x}",)),
        ("null envelope, foreign", "", ("From: ceo@{x}",)),
        ("Sender foreign", "alice@{d}", ("From: boss@{x}", "Sender: ceo@{x}")),
    )
]
"""What comes of foreign authors where the plan allows them."""

PORT_25 = [
    *_offered(INBOX, {
        "plain": ("From: someone@outside.test",),
        "quoted name": ('From: "One, Some" <someone@outside.test>',),
        "8-bit name": ("From: Jürgen <someone@outside.test>",),
        "name after it": ("From: someone@outside.test (Some One)",),
        "mark of ours on it": ("X-Mailwiz-Served: header envelope", "From: someone@outside.test"),
        "our user as Sender": ("From: someone@outside.test", "Sender: alice@{d}"),
    }),
    *_offered(INBOX, {"bounce": ("From: MAILER-DAEMON@mail.outside.test (Mail Delivery System)",)}, ""),
    *_offered(SYNTAX, {
        "no From": (),
        "two From": ("From: someone@outside.test", "From: alice@{d}"),
        "two From, foreign": ("From: a@outside.test", "FROM: b@outside.test"),
        "empty": ("From:",),
        "empty address": ("From: <>",),
        "name alone": ("From: Alice",),
        "group, own": ("From: team: alice@{d};",),
        "group, foreign": ("From: team: someone@outside.test;",),
        "white space, own": ("From: alice @ {d}",),
        "white space, foreign": ("From: someone @ outside.test",),
        "white space before it": ("From: alice @{d}",),
        "comment inside": ("From: alice(x)@{d}",),
        "comment with an address": ("From: alice@{d} (<someone@outside.test>)",),
        "address as another's name": ("From: alice@{d} <someone@outside.test>",),
        "route": ("From: <@outside.test:alice@{d}>",),
        "quoted at sign": ('From: "alice@{d}"@outside.test',),
        "encoded inside": ("From: =?utf-8?q?alice?=@{d}",),
        "dot at the end": ("From: alice@{d}.",),
        "angle not closed": ("From: Alice <alice@{d}",),
        "no colon after it": ("From : alice@{d}",),
    }),
    *_offered(SYNTAX, {"bounce without From": ()}, ""),
    *_offered(IDENTITY, {
        "two domains": ("From: someone@outside.test, other@{x}",),
        "two domains, one own": ("From: someone@outside.test, alice@{d}",),
        "host address": ("From: someone@[192.0.2.1]",),
    }),
    *_offered(FORGED, {
        "own address": ("From: Alice <alice@{d}>",),
        "own address, encoded name": ("From: =?utf-8?q?Al=C3=ADce?= <alice@{d}>",),
        "subdomain": ("From: alice@sub.{d}",),
        "second domain": ("From: dave@{e}",),
        "relay domain": ("From: someone@{r}",),
        "below a relay domain": ("From: someone@sub.{r}",),
        "domain of the panel": ("From: eve@{p}",),
        "alias domain": ("From: alice@{a}",),
    }),
    *_offered(FORGED, {"bounce under an own address": ("From: postmaster@{d}",)}, ""),
    *_offered(ENVELOPE, {"own envelope": ("From: someone@outside.test",)}, "alice@{d}"),
    *_offered(ENVELOPE, {"own envelope, panel": ("From: someone@outside.test",)}, "eve@{p}"),
]  # fmt: skip

TABLE = [*SUBMISSION, *PORT_25]
assert len({row.id for row in TABLE}) == len(TABLE) >= 60
