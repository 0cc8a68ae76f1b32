"""Certificates for names that several servers have: who answers whose challenges, and when each server renews."""

from __future__ import annotations

import http.server
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Scope
from mailwiz_tui.stack.certbot import challenges_reach, turns
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.flows import flows_of
from mailwiz_tui.stack.nginx.component import SITE

from . import cases

DNS = {"acme_dns_server": "192.0.2.53", "acme_dns_key": "mail"}


def site(plan: Plan, server_id: str) -> str:
    return compile_server(plan, server_id, cases.two_fronts_facts()).files()[SITE].content


def fronts(count: int) -> Plan:
    servers = [
        {"id": f"out{number}", "roles": ["mx-outbound"], "internal_ip": f"10.80.0.{number}"}
        for number in range(1, count + 1)
    ]
    store = {"id": "store1", "roles": ["mail-storage", "antispam", "mx-inbound"], "internal_ip": "10.80.0.99"}
    return cases.distributed(servers=[*servers, store], security={"tls": {"provider": "letsencrypt"}})


def asked(text: str) -> list[str]:
    """The servers that nginx asks for challenges that it does not have."""
    found = re.search(r"upstream mailwiz_fronts {(.*?)}", text, re.DOTALL)
    return re.findall(r"server (\S+) max_fails=0;", found[1]) if found else []


def test_each_front_asks_every_other_one_and_never_itself() -> None:
    plan = fronts(3)
    for number in range(3):
        places = [f"127.0.0.{10 + other}:{layout.CHALLENGES_PORT}" for other in range(3) if other != number]
        assert asked(site(plan, f"out{number + 1}")) == places


def test_a_forwarded_request_is_not_forwarded_again() -> None:
    text = site(cases.two_fronts(), "out1")
    before, _, behind = text.partition(f"listen 127.0.0.1:{layout.CHALLENGES_PORT};")
    assert before.count("proxy_pass http://mailwiz_fronts;") == 1
    assert "mailwiz_fronts" not in behind
    assert "try_files $uri =404;" in behind.partition("\nserver {")[0]


@pytest.mark.parametrize(
    ("plan", "server_id"),
    [(cases.two_fronts(), "in1"), (cases.two_fronts(**DNS), "out1"), (fronts(1), "out1")],
    ids=["receives only", "dns-01", "one front"],
)
def test_others_are_asked_by_nobody_else(plan: Plan, server_id: str) -> None:
    blueprint = compile_server(plan, server_id, cases.two_fronts_facts())
    assert "mailwiz_fronts" not in blueprint.files()[SITE].content
    assert layout.CHALLENGES_PORT not in {port.number for port in blueprint.ports}
    assert not [path for path in blueprint.files() if "acme-challenge" in path]


def test_only_fronts_reach_the_challenges_of_fronts() -> None:
    found = {(f.source_id, f.target_id) for f in flows_of(cases.two_fronts()) if f.service == "challenges"}
    assert found == {("out1", "out2"), ("out2", "out1")}
    assert not [f for f in flows_of(cases.two_fronts(**DNS)) if f.service == "challenges"]
    blueprint = compile_server(cases.two_fronts(), "out2", cases.two_fronts_facts())
    scopes = {port.scope for port in blueprint.ports if port.number == layout.CHALLENGES_PORT}
    assert scopes == {Scope.LOCAL, Scope.PEERS}


@pytest.mark.parametrize("count", [2, 3, 5, 7])
def test_no_two_servers_renew_at_the_same_time(count: int) -> None:
    plan, known = fronts(count), cases.two_fronts_facts()
    taken: list[tuple[int, int]] = []
    for number in range(1, count + 1):
        context = Context(plan, f"out{number}", known.servers["out1"].facts, known)
        hour, later, minute = map(int, re.findall(r"\d+", turns.calendar(context))[:3])
        assert later == hour + 12
        delay = int(re.search(r"RandomizedDelaySec=(\d+)min", turns.drop_in(context))[1])  # type: ignore[index]
        begins = hour * 60 + minute
        taken.append((begins, begins + delay))
    assert all(end < begins for (_, end), (begins, _) in pairwise(taken))
    assert taken[-1][1] < 12 * 60


def test_the_only_server_of_its_names_keeps_debians_timer() -> None:
    for plan, server_id in ((fronts(1), "out1"), (cases.two_fronts(), "in1")):
        assert turns.TIMER not in compile_server(plan, server_id, cases.two_fronts_facts()).files()


def told(script: str, folder: Path, answers: dict[str, list[str]]) -> list[str]:
    """What ``issue-certificate --names`` says while the DNS has these addresses."""
    (folder / "dig").write_text(
        "#!/bin/sh\ncase $4 in\n"
        + "".join(f"{shlex.quote(name)}) printf '%s\\n' {' '.join(ips)} ;;\n" for name, ips in answers.items())
        + "esac\n"
    )
    (folder / "dig").chmod(0o755)
    text = script.replace("PATH=/usr/sbin", f"PATH={folder}:/usr/sbin").replace("/etc/letsencrypt", str(folder))
    done = subprocess.run(["sh", "-c", text, "sh", "--names"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_shared_name_may_lead_to_any_front_and_a_servers_own_name_to_itself_alone(tmp_path: Path) -> None:
    files = compile_server(cases.two_fronts(), "out1", cases.two_fronts_facts()).files()
    script = files[layout.ISSUE_CERTIFICATE].content
    both = ["192.0.2.31", "192.0.2.32"]
    good = told(script, tmp_path, {"out1.example.com": both[:1], "mail.example.com": both})
    assert "out1.example.com: leads here, and joins at the next apply" in good
    assert "mail.example.com: leads here, and joins at the next apply" in good
    assert "mta-sts.example.com: is not in the DNS yet" in good
    bad = told(script, tmp_path, {"out1.example.com": both[1:], "mail.example.com": [*both, "192.0.2.33"]})
    assert "out1.example.com: leads to 192.0.2.32, which is not a server of this name" in bad
    assert "mail.example.com: leads to 192.0.2.33, which is not a server of this name" in bad


def test_where_a_front_is_not_known_yet_a_shared_name_may_lead_anywhere(tmp_path: Path) -> None:
    known = cases.two_fronts_facts()
    known = FactsFile(servers={name: record for name, record in known.servers.items() if name != "out2"})
    script = compile_server(cases.two_fronts(), "out1", known).files()[layout.ISSUE_CERTIFICATE].content
    found = told(script, tmp_path, {"mail.example.com": ["198.51.100.1"], "out1.example.com": ["198.51.100.1"]})
    assert "mail.example.com: leads here, and joins at the next apply" in found
    assert "out1.example.com: leads to 198.51.100.1, which is not a server of this name" in found


def test_the_name_of_a_cluster_may_lead_to_the_address_that_moves(tmp_path: Path) -> None:
    nodes = [{"id": name, "roles": ["all-in-one"], "internal_ip": f"10.80.0.{n}"} for n, name in enumerate("ab", 1)]
    plan = cases.two_fronts().model_dump(mode="json") | {
        "architecture": "ha-cluster",
        "servers": nodes,
        "cluster": {"virtual_ip": "192.0.2.99"},
    }
    known = cases.two_fronts_facts().servers
    facts = FactsFile(servers={"a": known["out1"], "b": known["out2"]})
    files = compile_server(Plan.model_validate(plan), "a", facts).files()
    found = told(files[layout.ISSUE_CERTIFICATE].content, tmp_path, {"mail.example.com": ["192.0.2.99"]})
    assert "mail.example.com: leads here, and joins at the next apply" in found
    assert asked(files[SITE].content) == [f"127.0.0.11:{layout.CHALLENGES_PORT}"]


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers with the text of the server's address, or as the host name says."""

    def do_GET(self) -> None:
        body = b"out1.example.com\n" if self.headers["Host"] == "mail.example.com" else b"other"
        self.send_response(200 if self.path == "/sample" else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(address: str, port: int = 0) -> Iterator[int]:
    with http.server.ThreadingHTTPServer((address, port), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Two addresses that answer."""
    monkeypatch.setattr(challenges_reach, "PAUSE", 0.05)
    with ExitStack() as stack:
        port = stack.enter_context(answering("127.0.0.1"))
        stack.enter_context(answering("127.0.0.2", port))
        monkeypatch.setattr(challenges_reach, "PORT", port)
        yield ["127.0.0.1", "127.0.0.2"]


def test_addresses_that_answer_are_waited_for_no_longer(reached: list[str]) -> None:
    argv = ["/sample", "out1.example.com", "30", "mail.example.com", *reached]
    assert challenges_reach.main(argv) == 0


@pytest.mark.parametrize(
    ("path", "name", "more", "said"),
    [
        ("/other", "mail.example.com", [], "127.0.0.2 does not answer challenges of this server for mail"),
        ("/sample", "www.example.com", [], "another answer"),
        ("/sample", "mail.example.com", ["127.0.0.3"], "127.0.0.3 does not answer challenges of this server"),
    ],
)
def test_what_does_not_answer_is_named_with_the_reason(
    reached: list[str], capsys: pytest.CaptureFixture[str], path: str, name: str, more: list[str], said: str
) -> None:
    assert challenges_reach.main([path, "out1.example.com", "0.1", name, *reached, *more]) == 1
    assert said in capsys.readouterr().err


def test_one_that_comes_late_is_waited_for(reached: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack:
        late = threading.Timer(0.3, lambda: stack.enter_context(answering("127.0.0.4", challenges_reach.PORT)))
        late.start()
        argv = ["/sample", "out1.example.com", "30", "mail.example.com", *reached, "127.0.0.4"]
        assert challenges_reach.main(argv) == 0
        late.join()
    assert capsys.readouterr().out == "waits up to 30 s for answers to challenges at 127.0.0.4\n"
