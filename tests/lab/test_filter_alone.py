"""A filter on a server of its own that starts slowly is waited for, and the first proof holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.conftest import FreshDomain, FreshHost
from tests.lab.fleet import Member, make_fleet

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("alone")]

SLOW = """
mkdir -p /etc/systemd/system/rspamd.service.d
cat >/etc/systemd/system/rspamd.service.d/slow.conf <<END
[Service]
ExecStart=
ExecStart=/bin/sh -c 'sleep 40; exec /usr/bin/rspamd -c /etc/rspamd/rspamd.conf -f'
END
"""
"""systemd calls it active at once, and nothing listens for 40 s more."""


@pytest.mark.parametrize(("filters", "others"), [("bookworm", "trixie"), ("trixie", "bookworm")])
def test_a_filter_that_starts_slowly_is_waited_for_and_every_check_passes_at_once(
    lab: Lab, fresh_host: FreshHost, fresh_domain: FreshDomain, tmp_path: Path, filters: str, others: str
) -> None:
    suites = {("mx-inbound", "mx-outbound"): others, ("antispam",): filters, ("mail-storage",): others}
    hosts = {roles: fresh_host(suite).id for roles, suite in suites.items()}
    members = [Member(host, roles, number) for number, (roles, host) in enumerate(hosts.items(), 1)]
    lab.run(hosts["antispam",], ["sh", "-c", SLOW])
    fleet = make_fleet(lab, tmp_path, fresh_domain(), members)
    assert fleet.mailwiz("diff").code == 1
    fleet.publish()
    done = fleet.apply("--credentials", str(fleet.credentials))
    assert done.code == 0, done.out + done.err
    assert " 0 failed" in done.out
    assert "sleep 40" in fleet.run(hosts["antispam",], "systemctl show -p ExecStart rspamd")
