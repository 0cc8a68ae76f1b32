"""What cannot be installed yet is named by its key, and only that."""

from typing import Any

import pytest

from mailwiz_tui.plan.support import unsupported

FRONTS = [
    {"id": f"n{number}", "roles": roles, "internal_ip": f"10.80.0.{number}"}
    for number, roles in enumerate((["mx-inbound", "antispam", "mail-storage"], ["mx-outbound"], ["mx-outbound"]))
]
NODES = [{"id": f"n{i}", "roles": ["all-in-one"]} for i in (1, 2)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"security.tls.provider": "letsencrypt"},
        {"security.tls.provider": "custom"},
        {"domain.additional_domains": [{"name": "a.no", "kind": "relay", "relay_host": "[10.0.0.5]"}]},
        {"services.antispam": "spamassassin", "services.antivirus": True},
        {"services.antispam": "none"},
        {"architecture": "distributed"},
        {"architecture": "distributed", "services.antivirus": True},
        {"architecture": "distributed", "backup": {"target": "/srv/backup"}},
        {"architecture": "distributed", "services.webmail": "roundcube", "services.admin_panel": "postfixadmin"},
        {"architecture": "distributed", "services.antivirus": True, "services.antispam": "none"},
        {"architecture": "distributed", "services.antispam": "spamassassin"},
        {"architecture": "distributed", "servers": FRONTS, "security.tls.provider": "letsencrypt"},
        {"storage.type": "s3", "backup": {"target": "/srv/backup"}},
        {"architecture": "distributed", "storage.type": "s3"},
        {"network.relay_host": "[smtp.isp.no]:587", "network.relay_user": "acme"},
    ],
)
def test_what_can_be_installed_is_not_refused(bend: Any, changes: dict[str, Any]) -> None:
    assert unsupported(bend({"security.tls.provider": "selfsigned", **changes})) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"architecture": "ha-cluster", "servers": NODES}, "architecture"),
    ],
)
def test_each_decision_that_is_not_there_yet_is_refused(bend: Any, changes: dict[str, Any], path: str) -> None:
    (finding,) = unsupported(bend({"security.tls.provider": "selfsigned", **changes}))
    assert finding.path == path
    assert "not installed yet" in finding.message
    assert finding.advice


@pytest.mark.parametrize("services", [{}, {"webmail": "roundcube"}, {"admin_panel": "postfixadmin"}])
def test_web_applications_on_several_fronts_are_not_refused(bend: Any, services: dict[str, str]) -> None:
    chosen = {f"services.{name}": value for name, value in services.items()}
    plan = {"architecture": "distributed", "servers": FRONTS, **chosen}
    assert unsupported(bend({"security.tls.provider": "selfsigned", **plan})) == []
