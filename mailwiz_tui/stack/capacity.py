"""The limits of a server by its memory and processors: the one place for limits that depend on each other.

The memory of one connection, measured on Debian 12 and 13: an IMAP process 2.3 MB besides shared memory, a login
process for each connection 2 MB. So login processes carry many connections each (Dovecot's high-performance mode),
and clients that only wait (IDLE) share one process (imap-hibernate), which frees their memory. A message to all
users wakes them together, and each needs a process for a moment: 1,200 clients took 0.4 GB more.

The number of mailboxes has no influence. A limit that is never reached costs nothing, so few mailboxes need no
lower one; and many mailboxes allow no higher one, because the kernel kills processes when memory runs out.

Debian's limits that stay, and why they are enough:

- descriptors of Dovecot, 65,535 for each process (LimitNOFILE of its unit): imap-hibernate needs most, three for
  each client. With more than 20,000 connections this is the limit that comes next.
- descriptors of MariaDB, 32,768: a few hundred connections and 2,000 tables.
- descriptors of Postfix: master(8) raises its soft limit to the hard one itself, 524,288 by systemd.
- nginx, 768 connections for each processor: PHP makes the pages, its pools serve far fewer at once, and nginx
  closes idle connections when it needs others.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.fleet.facts import Facts

MEGABYTE = 1 << 20
USUAL_MEMORY = 2048
"""Megabytes of memory if the facts do not tell."""
POSTFIX_LISTENERS = 4
"""Services of Postfix that accept connections: ports 25, 465 and 587, and one for other servers."""
POSTFIX_MAPS = 8
"""Tables of Postfix in MariaDB; each proxymap(8) process keeps a connection for each."""

PEER_DELIVERIES = 10
"""Messages that one server delivers to a store at the same time."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The limits of one server. All are counts.

    ``imap_connections`` are open at the same time, ``imap_working`` of them active; ``imap_ready`` processes wait
    for them. Each login process, and each imap-hibernate process, carries ``login_clients``. ``auth_workers``
    verify passwords, with 64 MB each (Argon2id). ``auth_clients`` are connections to Dovecot's authentication from
    all its processes and Postfix, ``sasl_clients`` those of Postfix.
    ``postfix_processes`` is the limit of each service of Postfix, ``lookups`` that of its proxymap(8).
    ``inotify_instances`` are for clients that wait for new mail.
    """

    imap_connections: int
    imap_working: int
    imap_ready: int
    login_processes: int
    login_clients: int
    auth_workers: int
    auth_clients: int
    sasl_clients: int
    sieve_connections: int
    deliveries: int
    postfix_processes: int
    lookups: int
    database_postfix: int
    database_dovecot: int
    database_connections: int
    web_workers: int
    inotify_instances: int

    @classmethod
    def of(cls, facts: Facts) -> Capacity:
        """The limits by a server's memory: 2,100 IMAP connections on 4 GB, 1,100 on 2 GB, 550 on 1 GB."""
        memory = facts.memory_total // MEGABYTE or USUAL_MEMORY
        cpus = max(facts.cpus, 1)
        connections = _between(memory * 56 // 100, 300, 20_000)
        logins = _between(cpus, 2, 8)
        postfix = _between(memory // 40, 40, 200)
        lookups = _between(memory // 200, 8, 25)
        workers = _between(min(cpus * 4, memory // 200), 3, 32)
        deliveries = _between(memory // 200, 8, 40)
        database_postfix = lookups * POSTFIX_MAPS
        database_dovecot = max(40, 2 * workers) + 20
        web = _between(memory // 256, 4, 40)
        return cls(
            imap_connections=connections,
            imap_working=_between(memory // 3, 200, 5000),
            imap_ready=_between(2 * cpus, 4, 32),
            login_processes=logins,
            login_clients=-(-connections // logins) * 5 // 4,
            auth_workers=workers,
            auth_clients=2 * connections + POSTFIX_LISTENERS * postfix + 1000,
            sasl_clients=POSTFIX_LISTENERS * postfix,
            sieve_connections=_between(connections // 10, 50, 500),
            deliveries=deliveries,
            postfix_processes=postfix,
            lookups=lookups,
            database_postfix=database_postfix,
            database_dovecot=database_dovecot,
            database_connections=database_postfix + database_dovecot + 2 * web + 60,
            web_workers=web,
            inotify_instances=max(8192, 2 * connections),
        )


def _between(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))
