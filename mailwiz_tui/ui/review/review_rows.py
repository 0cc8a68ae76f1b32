"""The rows of the review: each answer by its label, the servers' roles, then server by server."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.raw_values import lookup
from mailwiz_tui.plan.steps import STEPS, field_at
from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import client_addresses, clustered, linked, places, voters
from mailwiz_tui.ui.review.plan_words import happens_on
from mailwiz_tui.ui.terminal.text import safe_line, wrap
from mailwiz_tui.ui.widgets.server_list import Chosen
from mailwiz_tui.ui.widgets.server_picker import cluster_overview, overview

_FURTHER = [field for step in STEPS for field in step.fields if field.further]
LABEL = 1 + max(13, *(len(field.label) for field in _FURTHER))


def answers(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """The answers about all servers: the path of the field, a label, and the answer in words."""
    security, services = plan.security, plan.services
    for field in STEPS[0].fields:
        yield field.path, field.label, _chosen(field.path, getattr(plan, field.path))
    if linked(plan):
        chosen = {s.id: Chosen(set(s.roles)) for s in plan.servers}
        yield "servers", "Roles", cluster_overview(chosen) if clustered(plan) else overview(chosen)
        yield "network.private", "Private link", _chosen("network.private", plan.network.private.value)
    yield from _cluster(plan)
    yield "domain.primary_domain", "Domains", ", ".join(plan.all_domains())
    yield "domain.hostname", "Mail host", plan.domain.hostname
    yield "security.tls.provider", "Certificates", _chosen("security.tls.provider", security.tls.provider.value)
    dkim = f"selector {security.dkim.selector}, {security.dkim.key_size} bits" if security.dkim.enabled else "off"
    yield "security.dkim.enabled", "DKIM", dkim
    yield "security.spf.policy", "SPF", security.spf.policy.value
    yield "security.dmarc.policy", "DMARC", security.dmarc.policy.value
    filters = _chosen("services.antispam", services.antispam.value)
    yield "services.antispam", "Spam filter", f"{filters}, with ClamAV" if services.antivirus else filters
    for path, label, value in (
        ("services.webmail", "Webmail", services.webmail.value),
        ("services.admin_panel", "Admin panel", services.admin_panel.value),
    ):
        if value != "none":
            yield path, label, _chosen(path, value)
    yield "storage.type", "Mailboxes", f"{_chosen('storage.type', plan.storage.type.value)}, in {plan.storage.path}"
    if plan.backup.target:
        yield "backup.target", "Backup", plan.backup.target
    raw = plan.model_dump(mode="json")
    for field in _FURTHER:
        if (value := lookup(raw, field.path)) != field.default:
            yield field.path, field.label, f"{_chosen(field.path, value)} {field.unit}".rstrip()


def _cluster(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Where clients find a store that moves, who votes, and where its mail is."""
    if not clustered(plan):
        return
    cluster, where = plan.cluster, " and ".join(place.id for place in places(plan))
    path = "cluster.virtual_ip" if cluster.virtual_ip else "cluster.virtual_ipv6"
    yield path, "Address", f"{', '.join(client_addresses(plan))}, moves between {where}"
    yield (
        "cluster.witness",
        "Witness",
        f"{cluster.witness or 'none named'}; {counted(len(voters(plan)), 'server')} vote",
    )
    if cluster.device:
        yield "cluster.device", "Disk for mail", f"{cluster.device} on {where}"
    else:
        yield "cluster.size_gb", "Disk for mail", f"a file of {cluster.size_gb} GB on {where}"


def brief(blueprint: Blueprint) -> str:
    """A server's installation in one line, for a folded server."""
    return (
        f"{counted(len(blueprint.steps), 'step')}, {counted(len(blueprint.packages()), 'package')}, "
        f"{counted(len(blueprint.files()), 'file')}; "
        "Enter shows them"
    )


def details(blueprint: Blueprint, width: int) -> list[Text]:
    """What will be done on a server, one row for each kind."""
    return [pair(f"  {label}", sentence, width) for label, sentence in happens_on(blueprint)]


def pair(label: str, value: str, width: int) -> Text:
    """A label and its value; wrapped rows are indented under the first."""
    text = Text(overflow="fold")
    text.append(f"{label:<{LABEL}}", style="bold")
    rows = wrap(safe_line(value), max(20, width - LABEL - 4))
    text.append(f"\n{' ' * LABEL}".join(rows))
    return text


def field_name(path: str) -> str:
    """A finding's step and field label, else its path."""
    for step in STEPS:
        for field in step.fields:
            if path == field.path:
                return f"{step.title}, {field.label}"
    return path


def _chosen(path: str, value: object) -> str:
    """An answer by its label in the form."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    field = field_at(path)
    found = next((c.label for c in field.choices if c.value == value), "") if field is not None else ""
    return found or str(value)
