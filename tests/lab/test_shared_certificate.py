"""Two servers that share the mail hostname, of both releases: certificates of the lab's ACME server, renewed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts
from mailwiz_tui.lab import keys
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.plan.toml import load_plan
from tests.lab.conftest import FreshHost
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.workspace import acme

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500)]

SHAPE = (
    ("trixie", ("mx-inbound", "mx-outbound", "antispam")),
    ("bookworm", ("mx-outbound",)),
    ("trixie", ("mail-storage",)),
)
LIVE = "/etc/mailwiz/tls/fullchain.pem"
RENEW = "REQUESTS_CA_BUNDLE=/etc/mailwiz/tls/acme-ca.pem certbot renew --force-renewal --no-random-sleep-on-renew"
PORTS = {993: "", 465: "", 443: "", 143: "imap", 587: "smtp"}
CHALLENGE = re.compile(r'^(\S+) .*"GET /\.well-known/acme-challenge/([\w-]+) [^"]*" 200 ', re.MULTILINE)
NOTHING_CACHED = 6.0
"""Seconds after which no resolver of the lab has a former record."""


@dataclass(frozen=True)
class Fronts:
    """The two fronts, and what each of them shows."""

    fleet: Fleet
    ids: tuple[str, str]

    def on_disk(self, front: str, what: str) -> str:
        return self.fleet.run(front, f"openssl x509 -in {LIVE} -noout {what}").strip()

    def shown(self, front: str) -> set[str]:
        """The serials that its ports show the world, asked for the shared name."""
        address, found = self.fleet.lab.host(front).ipv4, set()
        for port, starttls in PORTS.items():
            upgrade = f"-starttls {starttls}" if starttls else ""
            said = self.fleet.lab.outside.run(
                f"openssl s_client -connect {address}:{port} -servername {self.fleet.hostname} {upgrade} "
                "</dev/null 2>/dev/null | openssl x509 -noout -serial",
                check=False,
            )
            found.add(said.stdout.strip())
        return found

    def key(self, front: str) -> str:
        """The fingerprint of its key, as TLSA has it."""
        return self.fleet.run(
            front,
            f"openssl x509 -in {LIVE} -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c-64",
        ).strip()

    def challenges(self, front: str) -> set[tuple[str, str]]:
        """Who was answered with which challenge."""
        return set(CHALLENGE.findall(self.fleet.run(front, "cat /var/log/nginx/access.log")))

    def renew(self, front: str) -> None:
        """Renew now; with the same key, another certificate is on every port."""
        serial, key = self.on_disk(front, "-serial"), self.key(front)
        self.fleet.run(front, RENEW)
        assert self.on_disk(front, "-serial") != serial
        assert self.key(front) == key
        assert self.shown(front) == {self.on_disk(front, "-serial")}

    def renew_together(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.renew, self.ids))

    @contextmanager
    def leading_to(self, front: str) -> Iterator[None]:
        """The shared name leads to one front alone, so the ACME server asks no other."""
        host, name = self.fleet.lab.host(front), self.fleet.hostname
        self.fleet.lab.dns.publish([f"{name}. 5 IN A {host.ipv4}", f"{name}. 5 IN AAAA {host.ipv6}"])
        time.sleep(NOTHING_CACHED)
        try:
            yield
        finally:
            self.fleet.publish()
            time.sleep(NOTHING_CACHED)


@pytest.fixture(scope="module")
def fronts(lab: Lab, lend_hosts: FreshHost, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Fronts:
    members = [Member(lend_hosts(suite).id, roles, number) for number, (suite, roles) in enumerate(SHAPE, 1)]
    fleet = make_fleet(lab, tmp_path_factory.mktemp("fronts"), lent_domain, members)
    text = fleet.plan.read_text()
    before = 'provider = "selfsigned"\n'
    assert before in text
    fleet.plan.write_text(text.replace(before, f'provider = "letsencrypt"\n{acme(fleet)}'))
    looked = fleet.mailwiz("diff")
    assert looked.code == 1, looked.err
    fleet.publish()
    done = fleet.apply("--credentials", str(fleet.credentials))
    (fleet.folder / "apply.out").write_text(done.out + done.err)
    assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
    print(f"three servers installed and verified in {done.seconds:.0f} s")
    return Fronts(fleet, (members[0].host, members[1].host))


def test_everything_verifies_and_nothing_is_left_to_do(fronts: Fronts) -> None:
    assert fronts.fleet.failed_checks() == []
    again = fronts.fleet.apply()
    assert (again.code, "no changes" in again.out) == (0, True), again.out + again.err


def test_each_front_has_a_key_and_a_certificate_of_its_own_for_the_shared_names(fronts: Fronts) -> None:
    fleet, found = fronts.fleet, {}
    for front in fronts.ids:
        assert "Pebble" in fronts.on_disk(front, "-issuer")
        names = set(re.findall(r"DNS:([^,\s]+)", fronts.on_disk(front, "-ext subjectAltName")))
        shared = {fleet.hostname, *(f"{w}.{fleet.domain}" for w in ("mta-sts", "autoconfig", "autodiscover"))}
        assert names == {f"{front}.{fleet.domain}", *shared}
        assert fronts.shown(front) == {fronts.on_disk(front, "-serial")}
        found[front] = fronts.key(front)
    assert len(set(found.values())) == 2
    told = {text.lower().replace(" ", "") for text in fleet.lab.dns.texts(f"_993._tcp.{fleet.hostname}", "TLSA")}
    assert told == {f"311{key}" for key in found.values()}
    receiving = fronts.ids[0]
    (own,) = fleet.lab.dns.texts(f"_25._tcp.{receiving}.{fleet.domain}", "TLSA")
    assert own.lower().replace(" ", "") == f"311{found[receiving]}"


@pytest.mark.parametrize(("asking", "asked"), [(0, 1), (1, 0)], ids=["trixie", "bookworm"])
def test_a_renewal_works_where_the_authority_asks_the_other_front(fronts: Fronts, asking: int, asked: int) -> None:
    asking_id, asked_id = fronts.ids[asking], fronts.ids[asked]
    before = {front: fronts.challenges(front) for front in fronts.ids}
    with fronts.leading_to(asked_id):
        fronts.renew(asking_id)
    outside = {token for who, token in fronts.challenges(asked_id) - before[asked_id] if who != "127.0.0.1"}
    inside = {token for who, token in fronts.challenges(asking_id) - before[asking_id] if who == "127.0.0.1"}
    print(f"{asked_id} was asked for {len(outside)} challenges and had {len(outside & inside)} from {asking_id}")
    assert len(outside & inside) >= 4, "the mail hostname and the web names"


def test_both_renew_at_the_same_time(fronts: Fronts) -> None:
    fronts.renew_together()


def test_timers_of_the_fronts_have_different_hours(fronts: Fronts) -> None:
    asked = "systemctl show -p TimersCalendar certbot.timer"
    found = [re.findall(r"OnCalendar=(.*?) ;", fronts.fleet.run(front, asked)) for front in fronts.ids]
    assert found == [["*-*-* 00,12:00:00 UTC"], ["*-*-* 06,18:00:00 UTC"]]


def test_a_dead_front_costs_little_and_keeps_no_renewal_from_the_other(fronts: Fronts) -> None:
    first, second = fronts.ids
    lab, hostname = fronts.fleet.lab, fronts.fleet.hostname
    lab.cut(second)
    try:
        path = f"http://{hostname}/.well-known/acme-challenge/nobody-has-this"
        where = f"--resolve {hostname}:80:{lab.host(first).ipv4}"
        begun = time.monotonic()
        said = lab.outside.run(f"curl -s -o /dev/null -w '%{{http_code}}' {where} {path}", check=False).stdout
        assert said in ("404", "502", "504")
        assert time.monotonic() - begun < 5
        with fronts.leading_to(first):
            fronts.renew(first)
    finally:
        lab.boot(second)
    end = time.monotonic() + 120
    while fronts.fleet.failed_checks():
        assert time.monotonic() < end, fronts.fleet.failed_checks()


def test_names_are_proved_in_the_dns_by_both_at_once(fronts: Fronts) -> None:
    fleet = fronts.fleet
    lab, former = fleet.lab, fleet.plan.read_text()
    server = f'acme_dns_server = "{lab.plan.nameservers[0].ipv4}"\nacme_dns_key = "hmac-sha256:{keys.TSIG_NAME}"\n'
    fleet.plan.write_text(former.replace("acme_email", f"{server}acme_email"))
    name, foreign = f"_acme-challenge.{fleet.hostname}", "a value of another server"
    lab.dns.publish(f'{name}. 5 IN TXT "{foreign}"')
    try:
        assert fleet.give("acme-dns-key", keys.tsig_secret(lab.paths)).code == 0
        done = fleet.apply()
        assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
        for front in fronts.ids:
            fleet.run(front, "grep -x 'authenticator = dns-rfc2136' /etc/letsencrypt/renewal/mailwiz.conf")
            assert fleet.run(front, "ss -Hltn '( sport = :10081 )'") == ""
        fronts.renew_together()
        time.sleep(NOTHING_CACHED)
        assert lab.dns.texts(name, "TXT", server=lab.dns.server) == [f'"{foreign}"']
        assert "no changes" in fleet.apply().out
    finally:
        lab.dns.remove(name)
        fleet.plan.write_text(former)
    back = fleet.apply()
    assert back.code == 0 or fleet.failed_checks() == [], back.out + back.err
    fronts.renew(fronts.ids[1])


def test_the_plan_publishes_every_key_and_no_other(fronts: Fronts) -> None:
    fleet = fronts.fleet
    records = plan_records(load_plan(fleet.plan), load_facts(facts_path_for(fleet.plan)))
    told = {record.value.split()[-1] for record in records if record.type == "TLSA"}
    assert told == {fronts.key(front) for front in fronts.ids}
