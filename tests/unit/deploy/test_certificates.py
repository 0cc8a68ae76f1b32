"""The operator's own certificate on its way, and what is read beside the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.deploy.certificates import acme_authority, custom_certificate
from mailwiz_tui.plan.findings import PlanError
from mailwiz_tui.plan.model import Plan
from tests.unit.certificates import issue

MIDDLE = issue("Middle", issue("Root", authority=True), authority=True)
LEAF = issue("mail", MIDDLE, names=("mail.example.com", "mta-sts.example.com"))


def plan(**tls: Any) -> Plan:
    domain = {"primary_domain": "example.com", "hostname": "mail.example.com"}
    return Plan.model_validate({"domain": domain, "security": {"tls": tls}})


CUSTOM = plan(provider="custom", certificate="chain.pem", private_key="key.pem")


def test_custom_certificate_is_read_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / "chain.pem").write_text("a comment\n" + LEAF.pem + MIDDLE.pem)
    (tmp_path / "key.pem").write_text(LEAF.key_pem())
    found = custom_certificate(CUSTOM, tmp_path)
    assert found is not None
    assert found.chain == LEAF.pem + MIDDLE.pem
    assert found.public.subject_names == ("mail.example.com", "mta-sts.example.com")
    assert not found.public.trusted, "no public authority vouches for it"
    assert LEAF.key_pem().splitlines()[1] not in repr(found)


def test_faults_stop_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"there is no file .*chain\.pem"):
        custom_certificate(CUSTOM, tmp_path)
    (tmp_path / "chain.pem").write_text(LEAF.pem)
    (tmp_path / "key.pem").write_text(MIDDLE.key_pem())
    with pytest.raises(PlanError, match="does not belong to the certificate"):
        custom_certificate(CUSTOM, tmp_path)
    assert custom_certificate(plan(provider="selfsigned"), tmp_path) is None


def test_authority_of_an_acme_server(tmp_path: Path) -> None:
    own = plan(provider="letsencrypt", acme_directory="https://acme.example.com/dir", acme_ca_file="ca.pem")
    with pytest.raises(PlanError, match="there is no file"):
        acme_authority(own, tmp_path)
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(PlanError, match="holds no certificate"):
        acme_authority(own, tmp_path)
    (tmp_path / "ca.pem").write_text("words\n" + MIDDLE.pem)
    assert acme_authority(own, tmp_path) == MIDDLE.pem
    assert acme_authority(plan(provider="letsencrypt"), tmp_path) == ""
