"""Mail at a chosen path, old mail in a bucket that is lost and comes back, TLS on every port: on both releases."""

import imaplib
import subprocess
import time
from collections.abc import Iterator

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab import scanner
from tests.lab.clients import imap
from tests.lab.conftest import lending_domains
from tests.lab.objectstore import ACCESS_KEY, SECRET, ObjectStore
from tests.lab.workspace import Workspace, acme, make_workspace

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("storage"),
    pytest.mark.parametrize("lent_host", ["trixie", "bookworm"], indirect=True, scope="module"),
]

PATH = "/srv/mail/boxes"
MOUNT = "/var/lib/mailwiz-objectstore/mail"
CHOICE = """
[storage]
type = "s3"
path = "{path}"
s3_endpoint = "{endpoint}"
s3_bucket = "{bucket}"
s3_access_key = "{key}"
s3_after_days = 1
"""


@pytest.fixture(scope="module")
def lent_domain(lab: Lab, lent_host: str) -> Iterator[str]:
    """A domain for each of the hosts."""
    with lending_domains(lab) as take:
        yield take()


@pytest.fixture(scope="module")
def store(lab: Lab, lent_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    made = ObjectStore(lab, tmp_path_factory.mktemp("s3"))
    with made:
        yield made


@pytest.fixture(scope="module")
def workspace(
    lab: Lab, lent_host: str, lent_domain: str, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    made = make_workspace(lab, tmp_path_factory.mktemp("storage"), lent_host, lent_domain)
    choice = CHOICE.format(path=PATH, endpoint=store.endpoint, bucket=store.bucket, key=ACCESS_KEY)
    public = made.plan.read_text().replace('"selfsigned"', f'"letsencrypt"\n{acme(made)}')
    made.plan.write_text(public + choice)
    return made


@pytest.fixture(scope="module")
def installed(workspace: Workspace) -> Workspace:
    assert workspace.mailwiz("diff").code == 1
    workspace.publish()
    refused = workspace.mailwiz("apply", "--yes")
    assert refused.code == 1
    assert "was not given" in refused.err
    assert workspace.give("s3-key", SECRET).code == 0
    options = ["--yes", "--credentials", str(workspace.credentials), "--resolver", workspace.lab.dns.resolver]
    done = workspace.mailwiz("apply", *options)
    assert done.code == 0 or failing(workspace) == set(), done.out + done.err
    again = workspace.mailwiz("apply", "--yes")
    assert "no changes" in again.out, again.out + again.err
    return workspace


def mailbox(workspace: Workspace) -> imaplib.IMAP4_SSL:
    address = f"postmaster@{workspace.domain}"
    box = imap(workspace.address, address, workspace.password(address))
    box.select("INBOX")
    return box


def put(workspace: Workspace, subject: str) -> None:
    with mailbox(workspace) as box:
        state, _ = box.append("INBOX", "", None, f"Subject: {subject}\r\n\r\n{subject} {'x' * 500}\r\n".encode())
        assert state == "OK"


def readable(workspace: Workspace) -> list[bool]:
    """Whether each message's body can be read, by number."""
    found = []
    with mailbox(workspace) as box:
        count = len(box.search(None, "ALL")[1][0].split())
    for number in range(1, count + 1):
        with mailbox(workspace) as box:
            try:
                found.append(box.fetch(str(number), "(BODY.PEEK[TEXT])")[0] == "OK")
            except imaplib.IMAP4.abort:
                found.append(False)
    return found


def failing(workspace: Workspace) -> set[str]:
    """The checks that fail now."""
    done = workspace.mailwiz("verify", "--resolver", workspace.lab.dns.resolver)
    words = [line.split() for line in done.out.splitlines() if line.startswith("FAIL")]
    return {line[2].rstrip(":") for line in words}


def sh(workspace: Workspace, script: str) -> subprocess.CompletedProcess[str]:
    return workspace.lab.run(workspace.host, ["sh", "-c", script], check=False)


def test_every_port_speaks_modern_tls_only(installed: Workspace) -> None:
    assert scanner.faults(installed.lab, installed.host, installed.hostname) == []


def test_mail_lies_at_the_chosen_path_and_nowhere_else(installed: Workspace) -> None:
    put(installed, "old")
    home = sh(installed, f"doveadm user -f home postmaster@{installed.domain}").stdout.strip()
    assert home == f"{PATH}/{installed.domain}/postmaster"
    assert sh(installed, f"stat -c '%U %a' {PATH}").stdout.split() == ["vmail", "750"]
    assert sh(installed, f"test -e {home}/sdbox/mailboxes/INBOX/dbox-Mails/u.1").returncode == 0
    assert sh(installed, "test -e /var/vmail").returncode == 1


def test_old_mail_moves_to_the_bucket_and_new_mail_stays(installed: Workspace, store: ObjectStore) -> None:
    moved = sh(
        installed, f"sleep 2; doveadm altmove -u postmaster@{installed.domain} savedbefore 1s && sync {MOUNT}"
    )
    assert moved.returncode == 0, moved.stderr
    deadline = time.monotonic() + 30
    while not [p for p in store.objects() if p.name.startswith("u.")] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [p.name for p in store.objects() if p.name.startswith("u.")]
    assert sh(installed, f"find {PATH} -name u.1 | grep postmaster").stdout == ""
    put(installed, "new")
    assert readable(installed) == [True, True]
    assert sh(installed, "systemctl start mailwiz-altmove.service").returncode == 0


def test_a_lost_bucket_degrades_old_mail_alone_and_verification_says_so(
    installed: Workspace, store: ObjectStore
) -> None:
    store.stop()
    try:
        cache = "/var/lib/mailwiz-objectstore/cache"
        sh(
            installed,
            f"systemctl stop mailwiz-objectstore; rm -rf {cache}/vfs*; systemctl start mailwiz-objectstore",
        )
        put(installed, "while the bucket is lost")
        assert readable(installed) == [False, True, True]
        assert sh(installed, "systemctl start mailwiz-altmove.service").returncode != 0
        assert {"objectstore.bucket", "objectstore.move"} <= failing(installed)
    finally:
        store.start()
    assert sh(installed, "systemctl start mailwiz-altmove.service").returncode == 0
    assert readable(installed) == [True, True, True]


def test_without_the_mount_nothing_falls_into_its_place_and_nothing_is_taken_for_gone(installed: Workspace) -> None:
    sh(installed, "systemctl stop mailwiz-objectstore")
    try:
        assert sh(installed, f"stat -c %a {MOUNT}").stdout.strip() == "0"
        assert readable(installed) == [False, True, True]
    finally:
        sh(installed, "systemctl start mailwiz-objectstore")
    assert readable(installed) == [True, True, True]
    assert failing(installed) == set()


def test_a_wrong_secret_is_refused_by_the_store_and_seen(installed: Workspace) -> None:
    listing = "rclone lsf store:mail --config /tmp/wrong.conf --retries 1 --low-level-retries 1"
    text = "sed 's/^secret_access_key.*/secret_access_key = wrong/' /etc/mailwiz/objectstore/rclone.conf"
    assert sh(installed, f"{text} > /tmp/wrong.conf; {listing}").returncode != 0
    assert sh(installed, "stat -c %a /etc/mailwiz/objectstore/rclone.conf").stdout.strip() == "600"


def test_mail_is_never_left_behind_when_the_plan_names_another_place(installed: Workspace) -> None:
    former = installed.plan.read_text()
    try:
        installed.plan.write_text(former.replace(PATH, "/srv/elsewhere"))
        refused = installed.mailwiz("apply", "--yes")
        assert refused.code == 1
        assert f"its mail is in {PATH}" in refused.err
        assert f"mv {PATH} /srv/elsewhere" in refused.err
        assert sh(installed, f"systemctl stop postfix dovecot && mv {PATH} /srv/elsewhere").returncode == 0
        done = installed.mailwiz("apply", "--yes", "--resolver", installed.lab.dns.resolver)
        assert done.code == 0, done.out + done.err
        assert readable(installed) == [True, True, True]
        installed.plan.write_text(former.replace(PATH, "/srv/elsewhere").replace('type = "s3"', 'type = "maildir"'))
        kind = installed.mailwiz("apply", "--yes")
        assert kind.code == 1
        assert "sdbox" in kind.err
    finally:
        installed.plan.write_text(former)
