"""A server with 4 GB of memory carries 1,000 waiting and 200 busy IMAP clients, also when all wake at once."""

from __future__ import annotations

import asyncio
import re

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD, until
from tests.lab.load import Crowd
from tests.lab.site import Site, installed
from tests.lab.workspace import make_workspace

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("capacity"),
    pytest.mark.parametrize("lent_host", ["trixie", "bookworm"], indirect=True, scope="module"),
]

WAITING, BUSY, USERS = 1000, 200, 50
MEMORY_KB = 4_000_000
"""What the server shall take for its memory: a usual small one, not that of the machine that runs the tests."""
COMPLAINTS = r"limit|[Tt]imeout|[Ff]ailed|Fatal|Out of memory|Panic|killed"
"""What Dovecot says in its log when it drops a client."""


@pytest.fixture(scope="module")
def site(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    smaller(lab, lent_host, MEMORY_KB)
    site = installed(make_workspace(lab, tmp_path_factory.mktemp("capacity"), lent_host, lent_domain))
    with_users(site)
    return site


def smaller(lab: Lab, host: str, memory_kb: int) -> None:
    """Have a lab host say that it has less memory, by which its limits are chosen."""
    lab.run(
        host,
        "mountpoint -q /proc/meminfo && exit; "
        f"sed 's/^MemTotal:.*/MemTotal: {memory_kb} kB/' /proc/meminfo > /run/meminfo; "
        "mount --bind /run/meminfo /proc/meminfo",
    )


def users(site: Site) -> list[str]:
    return [f"load{number}@{site.domain}" for number in range(USERS)]


def with_users(site: Site) -> None:
    """Mailboxes with one password; its hash costs little, as the time of logins is not what is measured."""
    hashed = site.run(f"doveadm pw -s SSHA512 -p {PASSWORD}").strip()
    for address in users(site):
        local = address.partition("@")[0]
        site.sql(
            "INSERT INTO mailbox (username, password, name, maildir, local_part, domain) VALUES "
            f"('{address}', '{hashed}', '', '{site.domain}/{local}/', '{local}', '{site.domain}');"
            f"INSERT INTO alias (address, goto, domain) VALUES ('{address}', '{address}', '{site.domain}');"
        )


@pytest.fixture
def crowd(site: Site) -> Crowd:
    return Crowd(site.workspace.address, users(site))


def parked(site: Site) -> int:
    """How many clients wait in imap-hibernate: it keeps an inotify instance for each."""
    return int(
        site.run("ls -l $(pgrep -x imap-hibernate | sed 's|.*|/proc/&/fd|') | grep -c inotify || true").strip() or 0
    )


def memory_kb(site: Site) -> int:
    """The memory of all processes of the server, each shared page once (proc(5), Pss)."""
    return int(site.run("cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ {sum += $2} END {print sum}'"))


def to_everybody(site: Site) -> None:
    """One message to all users, as a list sends it."""
    site.run(
        f"printf 'From: {site.bob}\\nTo: all@{site.domain}\\nSubject: to all\\n\\nWe meet on Tuesday.\\n'"
        f" | sendmail -i -f {site.bob} -- {' '.join(users(site))}"
    )


def test_nobody_is_dropped_and_all_wake(site: Site, crowd: Crowd) -> None:
    seen: dict[str, int] = {}
    since = site.run("date +%s").strip()

    async def walk() -> None:
        await crowd.connect_idle(WAITING)
        await crowd.connect_busy(BUSY)
        assert (len(crowd.idle), len(crowd.busy)) == (WAITING, BUSY), crowd.wrong
        assert await asyncio.to_thread(until, lambda: parked(site) == WAITING, 120), parked(site)
        seen["waiting"] = await asyncio.to_thread(memory_kb, site)
        told = asyncio.create_task(crowd.hear_of_new_mail())
        await asyncio.to_thread(to_everybody, site)
        await asyncio.sleep(5)
        seen["awake"] = await asyncio.to_thread(memory_kb, site)
        await told
        await crowd.go_on(within=20)
        seen["commands"] = await crowd.stop()

    asyncio.run(walk())
    print(seen)
    assert not crowd.wrong
    assert max(seen["waiting"], seen["awake"]) < MEMORY_KB * 0.8, seen
    assert seen["commands"] > BUSY * 5
    log = site.run(f"journalctl -u dovecot -o cat --since @{since}")
    assert [line for line in log.splitlines() if re.search(COMPLAINTS, line)] == []
