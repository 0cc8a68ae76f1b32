"""MTA-STS and DANE on outgoing mail: whose mail leaves, whose waits, and what survives a restart."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import until
from tests.lab.policy_host import policy, policy_host
from tests.lab.post_office import PostOffice, post_office
from tests.lab.site import Site, installed
from tests.lab.workspace import make_workspace

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("mta-sts"),
    pytest.mark.parametrize("lent_host", ["trixie", "bookworm"], indirect=True, scope="module"),
]


EXCHANGERS = {
    "enforced": "mx", "wildcard": "mx", "elsewhere": "mx", "later-postfix": "mx", "later-mailwiz": "mx",
    "badcert": "badcert-mx", "testing": "badcert-mx", "none": "badcert-mx", "absent": "badcert-mx",
}  # fmt: skip
"""The domains that are sent to, below one of the lab's, and the name of the exchanger of each."""


class World:
    """A server of ours and the domains that it sends to, all at one exchanger with an honest certificate."""

    def __init__(self, site: Site, office: PostOffice, stack: ExitStack) -> None:
        self.site, self.office = site, office
        self.base = f"partner.{site.domain}"
        self._stack = stack

    def at(self, name: str) -> str:
        """A domain of ``EXCHANGERS``."""
        return f"{name}.{self.base}"

    def silence_policies(self) -> None:
        """Stop the web server with the policies."""
        self._stack.close()

    def send(self, domain: str) -> str:
        """Send a mail of bob's to a domain; the recipient."""
        recipient = f"{uuid.uuid4().hex}@{domain}"
        self.site.submit(self.site.bob, recipient)
        return recipient

    def arrives(self, recipient: str, seconds: float = 30) -> bool:
        return until(lambda: any(recipient in letter.recipients for letter in self.office.letters), seconds)

    def log_of(self, recipient: str) -> str:
        """What Postfix says of a recipient, once it says something."""
        found: list[str] = []

        def told() -> bool:
            lines = self.site.run("journalctl -o cat --no-pager -t postfix/smtp -n 400").splitlines()
            found[:] = [line for line in lines if recipient in line]
            return bool(found)

        assert until(told), f"nothing was said of {recipient}"
        return found[-1]

    def connections(self, exchanger: str = "mx") -> list[str]:
        """How far each connection to an exchanger was verified, in the words of Postfix, oldest first."""
        log = self.site.run("journalctl -o cat --no-pager -t postfix/smtp -t postfix/tlsproxy -n 600")
        return re.findall(rf"(\w+) TLS connection established to {exchanger}[.]", log)


@pytest.fixture(scope="module")
def world(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Install a server that trusts the lab's authority, and publish policies of every kind."""
    lab.clear_dns(lent_domain)  # of the host before
    workspace = make_workspace(lab, tmp_path_factory.mktemp("sts"), lent_host, lent_domain)
    lab.run(lent_host, ["sh", "-c", "cat > /usr/local/share/ca-certificates/lab.crt && update-ca-certificates"],
            stdin=lab.paths.ca_file.read_text())  # fmt: skip
    site = installed(workspace)
    place, base = str(lab.plan.proxy.ipv4), f"partner.{lent_domain}"
    policies = {
        f"enforced.{base}": policy("enforce", f"mx.{base}"),
        f"wildcard.{base}": policy("enforce", f"*.{base}"),
        f"elsewhere.{base}": policy("enforce", f"another.{base}"),
        f"badcert.{base}": policy("enforce", f"badcert-mx.{base}"),
        f"testing.{base}": policy("testing", f"another.{base}"),
        f"none.{base}": policy("none"),
        "outside.test": policy("enforce", "nobody.outside.test"),
    }
    lab.dns.publish(f"badcert-mx.{base}. 5 IN A {place}")
    lab.dns.publish([f"{name}.{base}. 5 IN MX 10 {mx}.{base}." for name, mx in EXCHANGERS.items()])
    with ExitStack() as stack, post_office(lab, port=25, name=f"mx.{base}", address=place) as office:
        stack.enter_context(policy_host(lab, policies, place))
        try:
            yield World(site, office, stack)
        finally:
            lab.dns.remove("_mta-sts.outside.test", "mta-sts.outside.test")


@pytest.mark.parametrize("name", ["enforced", "wildcard"])
def test_an_exchanger_that_the_policy_names_is_verified(world: World, name: str) -> None:
    assert world.arrives(world.send(world.at(name)))
    assert world.connections()[-1] == "Verified"


@pytest.mark.parametrize("name", ["elsewhere", "badcert"])
def test_mail_waits_where_policy_and_exchanger_do_not_fit(world: World, name: str) -> None:
    recipient = world.send(world.at(name))
    assert "status=deferred" in world.log_of(recipient)
    assert not world.arrives(recipient, 1)


@pytest.mark.parametrize("name", ["testing", "none", "absent"])
def test_without_a_policy_that_is_enforced_tls_is_opportunistic(world: World, name: str) -> None:
    assert world.arrives(world.send(world.at(name)))
    assert world.connections("badcert-mx")[-1] != "Verified"


def test_dane_goes_before_a_policy_that_says_otherwise(world: World) -> None:
    """Its policy names no exchanger that there is, so this mail would wait if DANE were not asked first."""
    recipient = world.send("outside.test")
    assert world.site.lab.outside.wait_for(recipient)
    assert world.connections("mail")[-1] == "Verified"


def test_policies_survive_a_restart_and_the_loss_of_their_web_server(world: World) -> None:
    world.silence_policies()
    world.site.run("systemctl restart postfix-mta-sts-resolver")
    refused = world.send(world.at("elsewhere"))
    assert "status=deferred" in world.log_of(refused)
    assert world.arrives(world.send(world.at("enforced")))
    assert world.connections()[-1] == "Verified"


@pytest.mark.parametrize("unit", ["postfix-mta-sts-resolver", "mailwiz-dane-policy"])
def test_while_policies_cannot_be_asked_mail_waits(world: World, unit: str) -> None:
    domain = world.at(f"later-{unit.partition('-')[0]}")
    world.site.run(f"systemctl stop {unit}")
    try:
        recipient = world.send(domain)
        assert "status=deferred" in world.log_of(recipient)
        found = world.site.workspace.mailwiz("verify", "--resolver", world.site.lab.dns.resolver)
        assert found.code == 1
        assert "mta_sts." in re.sub(r"(?m)^ok .*$", "", found.out)
    finally:
        world.site.run(f"systemctl start {unit}")
    world.site.run("postqueue -f")
    assert world.arrives(recipient, 60)
