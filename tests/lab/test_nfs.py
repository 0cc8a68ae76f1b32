"""Mailboxes on a file server: a real kernel's NFS 4.1 client, and a server that goes away at every turn."""

import imaplib
import time
from collections.abc import Callable, Iterator

import pytest

from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.stack.compile import compile_server
from tests.lab.clients import unverified
from tests.lab.fileserver import FileServer
from tests.lab.kernelhost import KernelHost, accelerated
from tests.lab.workspace import Done, Workspace, make_workspace
from tests.unit.stack import cases

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(2400), pytest.mark.xdist_group("nfs")]

PATH = "/srv/our-mail"
UNIT = r"srv-our\x2dmail.mount"
FOLDERS = ("2024.1", "Clients/A. Smith/v1.2")
ARCHIVE = (b"y" * 70 + b"\r\n") * 750_000
"""54 MB; SMTP takes 50 MB."""
CHOICE = """
[storage]
type = "nfs"
path = "{path}"
nfs_server = "{server}"
nfs_export = "{export}"
"""


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[FileServer]:
    made = FileServer(lab)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def guest(lab: Lab, lent_host: str) -> Iterator[KernelHost]:
    storage = {"type": "nfs", "nfs_server": "192.0.2.9", "nfs_export": "/export"}
    packages = compile_server(cases.plan(storage=storage), "mx1", cases.facts()).packages()
    made = KernelHost(lab, lent_host, ("python3", *packages))
    try:
        made.boot()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def workspace(
    lab: Lab, guest: KernelHost, lent_domain: str, server: FileServer, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    made = make_workspace(lab, tmp_path_factory.mktemp("nfs"), guest.id, lent_domain)
    made.plan.write_text(
        made.plan.read_text() + CHOICE.format(path=PATH, server=server.address, export=server.export)
    )
    return made


def apply(workspace: Workspace) -> Done:
    return workspace.mailwiz("apply", "--yes", "--resolver", workspace.lab.dns.resolver, timeout=1500)


@pytest.fixture(scope="module")
def refusals(workspace: Workspace, server: FileServer) -> list[str]:
    """What is said of a file server that is not there, and of one that does not let the mailboxes' user write."""
    said = [apply(workspace)]
    server.start("All_Squash")
    said.append(apply(workspace))
    server.stop()
    assert [done.code for done in said] == [1, 1], [done.out + done.err for done in said]
    return [done.err for done in said]


@pytest.fixture(scope="module")
def installed(workspace: Workspace, refusals: list[str], guest: KernelHost, server: FileServer) -> Workspace:
    assert guest.sh("systemctl is-active dovecot").stdout.strip() == "inactive"
    server.start("No_Root_Squash")
    workspace.publish()
    options = ["--yes", "--credentials", str(workspace.credentials), "--resolver", workspace.lab.dns.resolver]
    done = workspace.mailwiz("apply", *options, timeout=1500)
    assert f"{guest.id}: done" in done.out, done.out + done.err
    assert not failing(workspace), done.out + done.err
    assert "no changes" in apply(workspace).out
    return workspace


def failing(workspace: Workspace) -> set[str]:
    """The checks that fail now; of an emulated server only those of the mount, for others it is too slow."""
    done = workspace.mailwiz("verify", "--resolver", workspace.lab.dns.resolver)
    words = [line.split() for line in done.out.splitlines() if line.startswith("FAIL")]
    found = {line[2].rstrip(":") for line in words}
    return found if accelerated() else {check for check in found if check.startswith(("nfs.", "unit.srv-"))}


def until(holds: Callable[[], bool], what: str, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(1)


def send(guest: KernelHost, workspace: Workspace, subject: str) -> None:
    words = f"printf 'Subject: {subject}\\n\\ntext\\n' | sendmail -f postmaster@{workspace.domain}"
    done = guest.sh(f"{words} postmaster@{workspace.domain}")
    assert done.returncode == 0, done.stderr


def subjects(workspace: Workspace) -> list[str]:
    address = f"postmaster@{workspace.domain}"
    with imaplib.IMAP4_SSL(workspace.address, ssl_context=unverified(), timeout=120) as box:
        box.login(address, workspace.password(address))
        box.select("INBOX", readonly=True)
        numbers = b",".join(box.search(None, "ALL")[1][0].split()).decode()
        if not numbers:
            return []
        parts = box.fetch(numbers, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        return [part[1].decode().partition(":")[2].strip() for part in parts if isinstance(part, tuple)]


def queued(guest: KernelHost) -> int:
    return int(guest.sh("find /var/spool/postfix/deferred /var/spool/postfix/active -type f | wc -l").stdout)


def test_file_server_that_cannot_be_used_is_refused_in_words(refusals: list[str], server: FileServer) -> None:
    absent, squashing = refusals
    assert f"the file server {server.address} answers on port 2049" in absent
    assert "the export belongs to uid" in squashing
    assert f"chown 5000:5000 {server.export}" in squashing


def test_mail_lies_on_the_file_server_and_indexes_do_not(
    installed: Workspace, guest: KernelHost, server: FileServer
) -> None:
    assert failing(installed) == set()
    mounted = guest.sh(f"findmnt -n -o FSTYPE,SOURCE,OPTIONS -M {PATH}").stdout
    assert mounted.split()[:2] == ["nfs4", f"{server.address}:{server.export}"]
    assert {"hard", "nosuid", "nodev", "noexec", "vers=4.1"} <= set(mounted.split()[2].split(","))
    before = len(server.mails())
    send(guest, installed, "first")
    until(lambda: len(server.mails()) > before, "no mail came to the file server")
    assert subjects(installed)[-1] == "first"
    names = {path.name for path in server.folder.rglob("*")}
    assert "dovecot-uidlist" in names
    assert not [name for name in names if name.startswith("dovecot.index")]
    assert {path.stat().st_uid for path in server.mails()} == {5000}
    assert guest.sh("find /var/lib/mailwiz-indexes -name 'dovecot.index*'").stdout
    assert guest.sh("postconf -h queue_directory; ss -Hltn 'sport = :111'").stdout.split() == ["/var/spool/postfix"]


def test_folders_with_dots_and_archives_lie_on_the_file_server(installed: Workspace, server: FileServer) -> None:
    """Folders of other servers can be made, and filled with more than one mail over SMTP may have."""
    address = f"postmaster@{installed.domain}"
    with imaplib.IMAP4_SSL(installed.address, ssl_context=unverified(), timeout=900) as box:
        box.login(address, installed.password(address))
        for name in FOLDERS:
            assert box.create(f'"{name}"')[0] == "OK", name
            assert box.append(f'"{name}"', "", "", f"Subject: {name}\r\n\r\ntext\r\n".encode())[0] == "OK"
            assert box.select(f'"{name}"') == ("OK", [b"1"])
        listed = b"".join(line for line in box.list()[1] if isinstance(line, bytes)).decode()
        assert all(name in listed for name in FOLDERS), listed
        assert box.append("Archive", "", "", b"Subject: archive\r\n\r\n" + ARCHIVE)[0] == "OK"
        assert max(path.stat().st_size for path in server.mails()) > 50 * 1024**2
        box.select("Archive")
        box.store("1:*", "+FLAGS", "\\Deleted")
        box.expunge()
    names = {path.name for path in server.folder.rglob("Maildir/.*")}
    assert {".2024\\2e1", ".Clients.A\\2e Smith.v1\\2e2"} <= names, names


def test_mail_waits_while_the_file_server_hangs(
    installed: Workspace, guest: KernelHost, server: FileServer
) -> None:
    server.stop()
    send(guest, installed, "while it hangs")
    until(lambda: queued(guest) > 0, "the mail is not in the queue")
    assert {"nfs.server", "nfs.free"} <= failing(installed)
    server.start()
    until(lambda: "while it hangs" in subjects(installed), "the mail did not arrive")
    until(lambda: queued(guest) == 0, "the mail is still in the queue")
    assert subjects(installed).count("while it hangs") == 1


def test_after_a_boot_without_the_file_server_nothing_falls_into_the_mount_point(
    installed: Workspace, guest: KernelHost, server: FileServer
) -> None:
    guest.sh("sync")
    guest.cut_power()
    server.stop()
    guest.start()
    until(lambda: guest.sh(f"systemctl is-active '{UNIT}'").stdout.strip() == "failed", "the mount is not given up")
    assert guest.sh("systemctl is-active dovecot").stdout.strip() == "inactive"
    until(lambda: guest.sh("systemctl is-active postfix").stdout.strip() == "active", "Postfix does not start")
    send(guest, installed, "while it is missing")
    until(lambda: queued(guest) > 0, "the mail is not in the queue")
    assert guest.sh(f"stat -c '%a %U' {PATH}; lsattr -d {PATH}").stdout.split()[:2] == ["0", "root"]
    assert guest.sh(f"touch {PATH}/x").returncode != 0
    assert guest.sh(f"runuser -u vmail -- ls {PATH}").returncode != 0
    server.start()
    until(lambda: guest.sh("systemctl is-active dovecot").stdout.strip() == "active", "Dovecot stays down")
    guest.sh("postqueue -f")
    until(lambda: "while it is missing" in subjects(installed), "the mail did not arrive")
    assert failing(installed) == set()
    assert "no changes" in apply(installed).out


def test_mail_is_moved_first_when_the_plan_names_another_kind(
    installed: Workspace, guest: KernelHost, server: FileServer
) -> None:
    former, mails = installed.plan.read_text(), sorted(subjects(installed))
    local = former.partition("[storage]")[0] + f'[storage]\ntype = "maildir"\npath = "{PATH}"\n'
    for text, kind in ((local, "ext4"), (former, "nfs4")):
        installed.plan.write_text(text)
        refused = apply(installed)
        assert refused.code == 1
        commands = refused.err.partition("move it first: ")[2].partition("; then apply")[0]
        assert commands, refused.err
        done = guest.sh(commands, timeout=300)
        assert done.returncode == 0, commands + done.stdout + done.stderr
        applied = apply(installed)
        assert f"{guest.id}: done" in applied.out, applied.out + applied.err
        assert not failing(installed), applied.out
        assert sorted(subjects(installed)) == mails
        assert guest.sh(f"stat -f -c %T {PATH}; df --output=fstype {PATH}").stdout.split()[-1] == kind
        assert guest.sh("systemctl is-active mailwiz-nfs.timer").stdout.strip() == (
            "active" if kind == "nfs4" else "inactive"
        )
    assert "no changes" in apply(installed).out
