"""What is on a server already: Debian's own exim4 is replaced, somebody's only with leave, a web server never."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import until
from tests.lab.conftest import FreshDomain, FreshHost
from tests.lab.workspace import Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500), pytest.mark.xdist_group("foreign")]

INSTALL = "export DEBIAN_FRONTEND=noninteractive; apt-get -q update; apt-get -qy install --no-install-recommends "
SOMEBODYS = """
sed -i "s/'local'/'internet'/; s/^dc_local_interfaces=.*/dc_local_interfaces=''/" /etc/exim4/update-exim4.conf.conf
update-exim4.conf && systemctl restart exim4
"""
FAILED_TIMER = """
mkdir -p /run/systemd/system/exim4-base.service.d
printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' >/run/systemd/system/exim4-base.service.d/fails.conf
systemctl daemon-reload; systemctl start exim4-base.service
rm -r /run/systemd/system/exim4-base.service.d; systemctl daemon-reload
systemctl is-failed exim4-base.service
"""


@pytest.mark.parametrize("suite", ["trixie", pytest.param("bookworm", marks=pytest.mark.long)])
def test_exim_and_apache_on_the_server(
    lab: Lab, fresh_host: FreshHost, fresh_domain: FreshDomain, tmp_path: Path, suite: str
) -> None:
    workspace = make_workspace(lab, tmp_path, fresh_host(suite).id, fresh_domain())
    workspace.plan.write_text(workspace.plan.read_text() + '\n[services]\nwebmail = "roundcube"\n')
    run(workspace, INSTALL + "exim4-daemon-light apache2", timeout=400)

    refused = workspace.mailwiz("apply", "--yes")
    assert refused.code == 1
    assert "port 80 (http) is in use by apache2" in refused.err
    assert "systemctl disable --now apache2" in refused.err
    assert "configured on the server, not by mailwiz-tui" not in refused.err, "an untouched exim4 is Debian's"

    run(workspace, f"systemctl disable --now apache2; {SOMEBODYS}")
    assert until(lambda: "exim4" in run(workspace, "ss -Hltnp sport = :25"))
    refused = workspace.mailwiz("apply", "--yes")
    assert "exim4-base is already configured on the server, not by mailwiz-tui" in refused.err
    assert "exim4" in run(workspace, "ss -Hltnp sport = :25"), "nothing was changed"

    assert run(workspace, FAILED_TIMER).strip() == "failed"
    done = workspace.mailwiz("apply", "--yes", "--adopt", "--resolver", lab.dns.resolver)
    assert done.code == 0, done.out + done.err
    listening = run(workspace, "ss -Hltnp sport = :25")
    assert "master" in listening
    assert "exim4" not in listening
    assert run(workspace, "systemctl list-units --failed --plain --no-legend").strip() == ""


def run(workspace: Workspace, command: str, timeout: float = 120) -> str:
    return str(workspace.lab.run(workspace.host, ["sh", "-c", command], check=False, timeout=timeout).stdout)
