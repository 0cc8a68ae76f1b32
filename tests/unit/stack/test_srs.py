"""Forwarding with SRS: what is rewritten, what is not, and where the secret comes from."""

from __future__ import annotations

import re

from mailwiz_tui.stack.blueprint import Blueprint, Command
from mailwiz_tui.stack.compile import compile_server

from . import cases

MAIN, MASTER = "/etc/postfix/main.cf", "/etc/postfix/master.cf"


def settings(blueprint: Blueprint) -> dict[str, str]:
    """main.cf as Postfix reads it."""
    text = re.sub(r"(?m)^#.*\n", "", blueprint.files()[MAIN].content)
    lines = re.sub(r"\n[ \t]+", " ", text).splitlines()
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}


def divided(server_id: str) -> Blueprint:
    return compile_server(cases.distributed(), server_id, cases.distributed_facts())


def patterns(blueprint: Blueprint, name: str) -> list[re.Pattern[str]]:
    text = blueprint.files()[f"/etc/postfix/mailwiz-srs-{name}"].content
    return [re.compile(found, re.IGNORECASE) for found in re.findall(r"(?m)^/(.*)/ ", text)]


def test_only_mail_for_the_world_of_foreign_senders_gets_another_envelope() -> None:
    one = compile_server(cases.plan(), "mx1", cases.facts())
    main = settings(one)
    assert "sender_canonical_maps" not in main, "it would rewrite the Return-Path of mail that stays here"
    own, served, foreign = (
        main["sender_dependent_default_transport_maps"].split(", ", 1)[0],
        *(re.split(r"\}, ", main["sender_dependent_default_transport_maps"].split(", ", 1)[1])),
    )
    assert (own, foreign) == ("regexp:/etc/postfix/mailwiz-srs-senders", "regexp:/etc/postfix/mailwiz-srs-foreign")
    assert "proxy:mysql:/etc/postfix/mysql/domains.cf" in served
    left_alone = patterns(one, "senders")
    assert any(p.search("<>") for p in left_alone)
    assert any(p.search("SRS0=ab=cd=other.test=x@example.com") for p in left_alone), "or it would go round"
    assert not any(p.search(sender) for p in left_alone for sender in ("x@other.test", "x@notexample.com"))
    (rewritten,) = patterns(one, "foreign")
    assert rewritten.search("x@other.test")
    assert not rewritten.search("<>")
    cleanup = one.files()[MASTER].content.split("srs-cleanup unix", 1)[1].split("\npickup", 1)[0]
    assert "sender_canonical_maps=tcp:127.0.0.1:10001" in cleanup
    assert "sender_canonical_classes=envelope_sender" in cleanup


def test_a_bounce_is_unwrapped_and_a_forged_address_has_no_catch_all() -> None:
    one = compile_server(cases.plan(), "mx1", cases.facts())
    main = settings(one)
    assert main["recipient_canonical_classes"] == "envelope_recipient"
    assert main["recipient_canonical_maps"].endswith("tcp:127.0.0.1:10002}")
    checks = (
        main["smtpd_recipient_restrictions"].split(" check_policy_service")[0].split(" check_recipient_access ")
    )
    assert checks[-2].endswith("tcp:127.0.0.1:10002, static:OK}")
    assert checks[-1] == "regexp:/etc/postfix/mailwiz-srs-refused"
    senders = main["smtpd_sender_restrictions"]
    assert senders.index("static:OK") < senders.index("own-senders"), "mail that is forwarded back to us"
    for name in ("addresses", "refused"):
        (found,) = patterns(one, name)
        assert found.search("SRS0=rQ7Z=JT=outside.test=alice@example.com")
        assert not found.search("alice@example.com")
        assert not found.search("SRS0=rQ7Z=JT=outside.test=alice@exampleXcom")


def test_of_several_servers_those_that_send_rewrite_and_all_mxes_unwrap_with_one_secret() -> None:
    incoming, front, store = divided("in1"), divided("out1"), divided("store1")
    assert "sender_dependent_default_transport_maps" not in settings(incoming)
    assert "tcp:127.0.0.1:10002" in settings(incoming)["recipient_canonical_maps"]
    assert (
        "hash:/var/lib/mailwiz-accounts/postfix/domains"
        in settings(front)["sender_dependent_default_transport_maps"]
    )
    assert "srs-cleanup" in front.files()[MASTER].content
    assert "srs-cleanup" not in incoming.files()[MASTER].content
    for server in (incoming, front):
        assert not server.secrets or {s.name for s in server.secrets}.isdisjoint({"srs"}), "it is not its own"
        drop_in = server.files()["/etc/systemd/system/postsrsd.service.d/mailwiz.conf"].content
        assert "/var/lib/mailwiz-accounts/srs.secret /etc/postsrsd.secret" in drop_in
    assert "srs" in {secret.name for secret in store.secrets}
    kept = next(i for _, i in store.items() if isinstance(i, Command) and i.id == "account-store.srs")
    assert "INSERT IGNORE" in kept.stdin, "a secret that came back with a backup stays"
    assert "{{secret:srs}}" in kept.stdin
    assert "postsrsd" not in store.packages()


def test_the_mail_that_passes_once_more_is_not_filtered_signed_or_changed_again() -> None:
    master = compile_server(cases.plan(), "mx1", cases.facts()).files()[MASTER].content
    service = master.split("127.0.0.1:10028 inet", 1)[1].split("srs-cleanup unix", 1)[0]
    for setting in (
        "smtpd_milters=\n",
        "local_header_rewrite_clients=\n",
        "smtpd_client_restrictions=permit_mynetworks,reject\n",
    ):
        assert f"-o {setting}" in service
