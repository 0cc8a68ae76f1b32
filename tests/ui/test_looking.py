"""Looking changes nothing: every screen over every kind of installed plan leaves the plan file as it is.

The servers told what they are after an installation: their own WireGuard addresses, keys, certificates.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.fleet.facts import Address, FactsFile, ServerRecord
from mailwiz_tui.fleet.facts_store import facts_path_for, save_facts
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.findings import Severity
from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.ui.accounts.accounts import AccountsScreen
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.widgets.choice_row import ChoiceRow
from mailwiz_tui.ui.widgets.form_field import FormField
from tests.ui.dashboards import watch
from tests.ui.fakes import FakeClock, Script, debian_facts, known_server, steps_of
from tests.ui.grid import focus, grid, until
from tests.ui.make import MakeApp
from tests.ui.test_accounts import FakeAccounts
from tests.ui.test_steps import field, goto
from tests.unit.certificates import issue

MAIL = '[domain]\nprimary_domain = "example.com"\nhostname = "mail.example.com"\n'
SINGLE = f'version = 1\n[[servers]]\nid = "mx1"\nroles = ["all-in-one"]\n{MAIL}'
DIVIDED = f"""\
# Installed in May; the link's numbers are the data centre's.
version=1
architecture   = 'distributed'

[[servers]]   # Paris
id = "mx1"
roles = [ "mx-outbound", "mx-inbound" ]
internal_ip = "10.91.0.7"

# the big one
[[servers]]
id = "store1"
internal_ip = "10.91.0.3"
roles = [
  "mail-storage",   # since 2024
]
[[servers]]
id = "filter1"
roles = ["antispam"]
internal_ip = "10.91.0.5"

{MAIL}
[security.tls]
provider = "selfsigned"
"""
CLUSTER = "".join(
    f'[[servers]]\nid = "{name}"\nroles = [{roles}]\ninternal_ip = "10.91.0.{n}"\n'
    for n, name, roles in ((9, "mx1", '"all-in-one"'), (4, "store1", '"all-in-one"'), (6, "filter1", ""))
)

PLANS = {
    "single": SINGLE,
    "single with an address": SINGLE.replace('["all-in-one"]', '["all-in-one"]\ninternal_ip = "10.9.9.9"'),
    "several": DIVIDED,
    "several on another's network": DIVIDED + '[network]\nprivate = "existing"\n',
    "several on our network, numbered otherwise": DIVIDED.replace("10.91.0", "10.80.0"),
    "several on IPv6": DIVIDED.replace("10.91.0.", "fd00:91::"),
    "cluster": f'architecture = "ha-cluster"\n{CLUSTER}{MAIL}[cluster]\nvirtual_ip = "192.0.2.99"\n',
    "cluster with a witness": (
        f'architecture = "ha-cluster"\n{CLUSTER}{MAIL}[cluster]\nwitness = "filter1"\n'
        'virtual_ip = "192.0.2.99"\ndevice = "/dev/vdb"\n'
    ),
    "relay domains": f"""{SINGLE}
additional_domains = [
  {{ name = "example.org", kind = "relay", relay_host = "mx.inner.example:2525" }},  # until June
  {{name="example.net"}},
]
""",
    "a mailbox domain with a next hop left over": f"""{SINGLE}
[[domain.additional_domains]]
name = "example.net"
kind = "mailbox"
relay_host = ""
""",
    "a certificate of its own": f"""{SINGLE}[security.tls]
provider = "custom"
certificate = "mail.pem"
private_key = "./mail.key"
[security.spf]
includes = ["spf.partner.example" , '_spf.other.example']
""",
    "nfs": f'{SINGLE}[storage]\ntype = "nfs"\nnfs_server = "192.0.2.80"\nnfs_export = "/mail"\n',
    "s3": f"""{SINGLE}[storage]
type = "s3"
s3_endpoint = "https://s3.example.net"
s3_bucket = "example-com-mail"
s3_access_key = "AKIA0123456789ABCDEF"
s3_after_days = 9_0
[services]
antivirus = false   # no memory for it
""",
    "odd": (
        "\ufeff# by hand\r\n\r\n  servers = [ { roles = ['all-in-one'],  id = 'mx1' } ]\r\n"
        "domain.primary_domain = \"Example.COM\"\r\ndomain.hostname = '''mail.example.com'''\r\n"
        'security = { dmarc = { rua = "mailto:a@example.com", percentage = 0x64 } } # all\r\n\r\n\r\n'
    ),
}
AUTHORITY = issue("Middle", issue("Root", authority=True), authority=True)
LEAF = issue("mail", AUTHORITY, names=("mail.example.com",))
kinds = pytest.mark.parametrize("kind", PLANS)


def installed(plan_path: Path, text: str) -> Callable[[], bytes]:
    """Leave a plan as after an installation, facts beside it; returns what reads the file."""
    plan_path.write_bytes(text.encode())
    plan_path.with_name("mail.pem").write_text(LEAF.pem + AUTHORITY.pem)
    plan_path.with_name("mail.key").write_text(LEAF.key_pem())
    raw = tomllib.loads(text.removeprefix("\ufeff"))
    records = {}
    for number, server in enumerate(raw["servers"]):
        told = known_server(f"192.0.2.{21 + number}")
        addresses = [*told.facts.addresses, Address(ip=f"192.168.7.{number + 1}", interface="eth1")]
        if address := server.get("internal_ip"):
            addresses.append(Address(ip=address, interface="mwz0"))
        facts = told.facts.model_copy(update={"addresses": tuple(addresses), "memory_total": 8 << 30})
        records[server["id"]] = told.model_copy(update={"facts": facts, "wireguard": "k" * 43 + "="})
    save_facts(facts_path_for(plan_path), FactsFile(servers=records))
    return plan_path.read_bytes


async def answering(app: MailwizApp) -> None:
    """Servers that are asked tell what they told before."""

    async def probe(server: Server, prompts: Prompts) -> Any:
        return app.session.known.servers.get(server.id, ServerRecord(facts=debian_facts())).facts

    app.session.probes.prober = probe


@kinds
async def test_every_screen_of_an_installed_plan_leaves_the_file_as_it_is(
    kind: str, make_app: MakeApp, plan_path: Path, script: Script, clock: FakeClock
) -> None:
    """Enter accepts what is there: in a plan that is whole there is nothing to add, and looking adds nothing."""
    now = installed(plan_path, PLANS[kind])
    before, inventory = now(), plan_path.with_name("inventory.toml").read_bytes()
    script.events = steps_of("mx1", 8, 3)
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await answering(app)
        assert not [f for f in app.session.findings() if f.severity is Severity.FAULT]
        await until(pilot, lambda: app.focused is not None, "start")
        await pilot.press("c")
        for spec in STEPS:
            await until(pilot, at_step(app, spec.id), f"step {spec.id}")
            await accept_everything(pilot, app, spec.id)
            assert now() == before, f"{kind}: {spec.id} wrote\n{grid(app)}"
        await until(pilot, in_review(app), "review")
        await back_to_the_first(pilot, app)
        assert now() == before, f"{kind}: going back wrote"
        app.show_start()
        await pilot.pause()
        app.show_monitor()
        await pilot.pause()
        app.show(AccountsScreen(app.session, accounts=FakeAccounts()))
        await pilot.pause()
        await watch(pilot, app, script, clock, servers=len(app.session.servers()))
        assert now() == before, f"{kind}: a screen wrote"
    assert now() == before
    assert plan_path.with_name("inventory.toml").read_bytes() == inventory
    assert not plan_path.with_name("plan.toml.orig").exists()


async def accept_everything(pilot: Pilot[Any], app: MailwizApp, step_id: str) -> None:
    """Enter on one field after the other, until the next step is shown."""
    for _ in range(40):
        if not at_step(app, step_id)():
            return
        await pilot.press("f8" if step_id in ("dns", "install") else "enter")
    pytest.fail(f"Enter does not leave {step_id}\n{grid(app)}")


@pytest.mark.parametrize("kind", ["several", "odd"])
async def test_every_key_of_a_step_leaves_the_file_as_it_is(kind: str, make_app: MakeApp, plan_path: Path) -> None:
    """What a step's keys open does not depend on the kind of plan; one with and one without several servers."""
    now = installed(plan_path, PLANS[kind])
    before = now()
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await answering(app)
        await until(pilot, lambda: app.focused is not None, "start")
        await pilot.press("c")
        for spec in STEPS:
            await until(pilot, at_step(app, spec.id), f"step {spec.id}")
            await look_around(pilot, app)
            assert now() == before, f"{kind}: {spec.id} wrote\n{grid(app)}"
            await pilot.press("f8")
        await until(pilot, in_review(app), "review")
        for key in ("f5", "f7", "f4", "end", "f1", "escape"):
            await pilot.press(key)
    assert now() == before


async def back_to_the_first(pilot: Pilot[Any], app: MailwizApp) -> None:
    """From the review to the first step by F7."""
    for spec in reversed(STEPS):
        await pilot.press("f7")
        await until(pilot, at_step(app, spec.id), f"back at {spec.id}")


async def look_around(pilot: Pilot[Any], app: MailwizApp) -> None:
    """Walk through a step's fields and its dialogs: Tab and arrows, F1, F2, F3, F5, F10, and close them."""
    await pilot.press("tab", "tab", "shift+tab")
    for key in ("f1", "f2", "f3", "f10"):
        await pilot.press(key)
        if isinstance(app.screen, Dialog):
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, Dialog), f"{key} closed")
    if getattr(app.screen, "step_id", "") == "roles":
        await pilot.press("f5")


def at_step(app: MailwizApp, step_id: str) -> Callable[[], bool]:
    """Whether a step is shown and takes keys."""
    return lambda: getattr(app.screen, "step_id", "") == step_id and app.focused is not None


def in_review(app: MailwizApp) -> Callable[[], bool]:
    """Whether the review is shown and takes keys."""
    return lambda: getattr(app.screen, "heading", "") == "Review" and app.focused is not None


async def test_one_answer_changes_one_line(make_app: MakeApp, plan_path: Path) -> None:
    now = installed(plan_path, DIVIDED)
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "security")
        asked = field(screen, "security.tls.provider")
        assert isinstance(asked.control, ChoiceRow)
        await focus(pilot, asked.control)
        await pilot.press("right")
        await until(pilot, lambda: app.session.value("security.tls.provider") != "selfsigned", "the answer")
        chosen = app.session.value("security.tls.provider")
    assert now().decode() == DIVIDED.replace('provider = "selfsigned"', f'provider = "{chosen}"')


async def test_a_server_that_joins_takes_a_free_number_and_renumbers_nobody(
    make_app: MakeApp, plan_path: Path
) -> None:
    now = installed(plan_path, DIVIDED)
    (plan_path.parent / "inventory.toml").open("a").write('\n[[servers]]\nid = "new1"\nhost = "192.0.2.29"\n')
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "roles")
        await pilot.press("end", "2")
        await until(pilot, lambda: "new1" in app.session.chosen_ids(), "the fourth")
    added = '[[servers]]\nid = "new1"\nroles = ["mx-outbound"]\ninternal_ip = "10.91.0.1"\n\n'
    assert now().decode().replace(added, "").splitlines() == DIVIDED.splitlines()
    assert added in now().decode()


async def test_another_kind_of_network_and_back_gives_the_same_numbers(make_app: MakeApp, plan_path: Path) -> None:
    now = installed(plan_path, PLANS["several on our network, numbered otherwise"])
    numbers = [server["internal_ip"] for server in tomllib.loads(now().decode())["servers"]]
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "roles")
        asked = next(f for f in screen.query(FormField) if f.path == "network.private")
        await focus(pilot, asked.control)
        await pilot.press("right")
        await until(pilot, lambda: app.session.servers()[0]["internal_ip"] == "192.168.7.1", "what it has there")
        await pilot.press("left")
        await until(pilot, lambda: app.session.servers()[0]["internal_ip"] == numbers[0], "the former number")
    assert [server["internal_ip"] for server in tomllib.loads(now().decode())["servers"]] == numbers


@pytest.mark.parametrize("key", ["f8", "space", "enter"])
async def test_the_only_server_is_proposed_and_taken_by_a_key(make_app: MakeApp, plan_path: Path, key: str) -> None:
    (plan_path.parent / "inventory.toml").write_text('[[servers]]\nid = "mx1"\nhost = "192.0.2.21"\n')
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "roles")
        await until(pilot, lambda: "(*) mx1" in grid(app), "proposed")
        await pilot.press("f7")
        await until(pilot, at_step(app, "architecture"), "looked at")
        assert not app.session.draft.answered("servers")
        await goto(pilot, app, "roles")
        await pilot.press(key)
        await until(pilot, lambda: app.session.draft.answered("servers"), "taken")
        assert app.session.servers() == [{"id": "mx1", "roles": ["all-in-one"]}]
