"""The host ``outside`` of a lab: name servers, a resolver, a package proxy, an ACME server, a correspondent."""

from __future__ import annotations

import ctypes
import email.policy
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from . import keys, machine, network, sources, templates, zones
from .addresses import AddressPlan
from .host import Machine
from .keys import LabPaths
from .lab_machine import write_files
from .machine import LabError, Report

ID = "outside"
PROXY_PORT = 3142
CLONE_NEWNET = 0x40000000


def root_servers(layer: Path) -> list[str]:
    """Return the addresses of the real root servers: in the lab they are the lab's own."""
    return (layer / "usr/share/dns/root.addresses").read_text().split()


def trust_anchor(layer: Path) -> dict[str, str]:
    """Return the files that name the lab's root key, for a host's /usr/share/dns."""
    folder = "usr/share/dns"
    return {f"{folder}/{name}": (layer / folder / name).read_text() for name in ("root.key", "root.ds")}


def prepare(box: Machine, plan: AddressPlan, paths: LabPaths) -> None:
    """Write the configuration of the outside host."""
    layer, root = box.images[0], box.root
    values = zones.placeholders(plan)
    mail = keys.issue(paths, "mail.outside.test", "outside.test")
    acme = keys.issue(paths, "acme.outside.test")
    first, second = plan.nameservers
    roots = root_servers(layer)
    listen = [str(first.ipv4), str(first.ipv6), str(second.ipv4), str(second.ipv6), *roots]
    delegations = (layer / "usr/share/dns/delegations").read_text()
    texts = zones.zone_files(plan, delegations, dkim=keys.dkim_record(paths), tlsa=mail.tlsa)
    places = [plan.mail, first, second, plan.resolver, plan.proxy, plan.acme]
    four, six = plan.outside_net
    addresses = [f"{pair.ipv4}/{four.prefixlen}" for pair in places]
    addresses += [f"{pair.ipv6}/{six.prefixlen}" for pair in places]
    addresses += [f"{address}/{128 if ':' in address else 32}" for address in roots]
    secure = [url for url in sources.read_archive().urls if url.startswith("https:")]
    more = [f"Remap-lab{n}: http:{url[6:]} ; {url}" for n, url in enumerate(secure)]
    if sources.apt_proxy():
        more.append(f"Proxy: {sources.apt_proxy()}")
    files = {
        "etc/hostname": "mail.outside.test\n",
        "etc/resolv.conf": f"nameserver {plan.resolver.ipv4}\noptions trust-ad edns0\n",
        "etc/systemd/network/10-lab.network": templates.render(
            "host.network",
            addresses="\n".join(f"Address={address}" for address in addresses),
            gateway4=plan.outside_gateway.ipv4,
            gateway6=plan.outside_gateway.ipv6,
            source4=plan.mail.ipv4,
            source6=plan.mail.ipv6,
        ),
        "etc/unbound/unbound.conf.d/lab.conf": templates.render("unbound-resolver.conf", **values),
        "etc/apt-cacher-ng/acng.conf": templates.render("acng.conf", **values, more="\n".join(more)),
        "etc/postfix/main.cf": templates.render("postfix-main.cf", **values),
        "etc/systemd/system/postfix.service.d/lab.conf": templates.source("postfix-restart.conf"),
        "etc/postfix/tls/certificate.pem": mail.chain,
        "etc/postfix/tls/key.pem": mail.key,
        "etc/pebble/pebble.json": templates.render("pebble.json", **values),
        "etc/pebble/resolver": f"RESOLVER={plan.resolver.ipv4}:53\n",
        "etc/pebble/certificate.pem": acme.chain,
        "etc/pebble/key.pem": acme.key,
        "etc/ssl/certs/mailwiz-lab.pem": paths.ca_file.read_text(),
        "etc/knot/knot.conf": templates.render(
            "knot.conf",
            listen=", ".join(f"{address}@53" for address in listen),
            tsig_name=keys.TSIG_NAME,
            tsig_secret=keys.tsig_secret(paths),
            zones="\n".join(_zone_entry(zone) for zone in zones.ZONES),
        ),
        **{f"var/lib/knot/{_file_name(zone)}": text for zone, text in texts.items()},
    }
    write_files(root, files)
    for secret in ("etc/postfix/tls/key.pem", "etc/pebble/key.pem"):
        (root / secret).chmod(0o600)
    knot = (root / "var/lib/knot").stat()
    for zone in texts:
        os.chown(root / "var/lib/knot" / _file_name(zone), knot.st_uid, knot.st_gid)
    os.chown(root / "etc/knot/knot.conf", 0, knot.st_gid)
    (root / "etc/knot/knot.conf").chmod(0o640)


def refresh(root: Path, plan: AddressPlan) -> None:
    """Write the present addresses of the package servers to the outside host, which cannot resolve their names.

    Its own name has to be there too, because Knot resolves it at its start, when there is no DNS yet.
    """
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [f"{address} mail.outside.test mail" for address in (plan.mail.ipv4, plan.mail.ipv6)]
    for name, addresses in network.archive_addresses().items():
        lines += [f"{address} {name}" for address in addresses]
    (root / "etc/hosts").write_text("\n".join(lines) + "\n")


def packages_folder(plan: AddressPlan, layer: Path) -> Path:
    """Return where downloaded packages are kept; one folder for each slot, as two proxies cannot share one."""
    folder = machine.CACHE / f"packages-{plan.slot}"
    folder.mkdir(parents=True, exist_ok=True)
    owner = (layer / "var/cache/apt-cacher-ng").stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    return folder


class Outside:
    """The correspondent: what reached ``*@outside.test``, and sending from there."""

    def __init__(self, box: Machine, plan: AddressPlan, paths: LabPaths) -> None:
        self._box = box
        self._paths = paths
        self.address = plan.mail
        """The address of mail.outside.test."""
        self.proxy = f"http://{plan.proxy.ipv4}:{PROXY_PORT}"
        self.acme_directory = "https://acme.outside.test/dir"
        self._acme = str(plan.acme.ipv4)

    @property
    def mailboxes(self) -> Path:
        """The Maildir, on this machine, of all received messages."""
        return self._box.root / "var/mail/outside"

    def messages(self, recipient: str = "") -> list[EmailMessage]:
        """Read received messages, oldest first; only those to ``recipient``, if given."""
        found: list[EmailMessage] = []
        maildir = self.mailboxes
        for path in sorted((p for part in ("new", "cur") for p in maildir.glob(f"{part}/*")), key=_arrival):
            message = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(path.read_bytes())
            if not recipient or str(message.get("X-Original-To", "")).lower() == recipient.lower():
                found.append(message)
        return found

    def wait_for(self, recipient: str = "", subject: str = "", seconds: float = 30) -> EmailMessage:
        """Wait for a message and return the newest that fits; raises LabError without one."""
        end = time.monotonic() + seconds
        while True:
            fits = [mail for mail in self.messages(recipient) if subject in str(mail.get("Subject", ""))]
            if fits:
                return fits[-1]
            if time.monotonic() > end:
                raise LabError(f"no message for {recipient or 'anyone'} at outside.test within {seconds:.0f} s")
            time.sleep(0.2)

    def clear(self) -> None:
        """Delete received messages."""
        for path in self.mailboxes.glob("*/*"):
            path.unlink(missing_ok=True)

    def send(self, message: EmailMessage | bytes, sender: str, *recipients: str) -> None:
        """Submit a message to the outside mail server, which delivers it like any server (with DANE)."""
        data = message if isinstance(message, bytes) else message.as_bytes(policy=email.policy.SMTP)
        text = data.replace(b"\r\n", b"\n").decode("utf-8", "surrogateescape")
        self._box.run(["/usr/sbin/sendmail", "-i", "-f", sender, "--", *recipients], stdin=text)

    def swaks(self, *options: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Speak SMTP from the outside address and see every reply; the exit code is swaks' own."""
        return self._box.run(["swaks", *options], stdin=stdin, check=False)

    def run(
        self, command: str | Sequence[str], *, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the outside host (it has openssl, curl, swaks, posttls-finger, kdig)."""
        return self._box.run(command, stdin=stdin, check=check)

    def listen(self, port: int = 0, address: str = "") -> socket.socket:
        """Open a listening socket, for a server of a test's own; the caller closes it.

        It is at ``address``, where the mail server has port 25, or at another IPv4 address of the outside host. The
        socket belongs to the outside host's network although this process serves it (setns(2)).
        """
        return self._inside(lambda: socket.create_server((address or str(self.address.ipv4), port)))

    def dial(self, port: int = 25) -> socket.socket:
        """Connect to a port of the outside host from a program on it, which may send mail there."""
        return self._inside(lambda: socket.create_connection(("127.0.0.1", port), timeout=60))

    def connect(self, address: str, port: int = 25) -> socket.socket:
        """Connect to another host from the outside address, like other mail servers."""
        return self._inside(lambda: socket.create_connection((address, port), timeout=120))

    def _inside(self, opener: Callable[[], socket.socket]) -> socket.socket:
        """Open a socket in the outside host's network, in a thread, because setns(2) cannot be undone."""
        opened: list[socket.socket] = []

        def enter() -> None:
            with open(f"/proc/{self._box.init()}/ns/net") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) == 0:
                    opened.append(opener())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if not opened:
            raise LabError("no socket could be opened on the outside host")
        return opened[0]

    def log(self) -> str:
        """Return the outside mail server's log."""
        path = self._box.root / "var/log/mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def check_archive(self, report: Report) -> None:
        """Print a warning if packages cannot be fetched through the machine: another firewall may block that."""
        url = sources.read_archive().main
        done = self._box.run(["curl", "-sS", "-o", "/dev/null", "-m", "10", url + "/"], check=False)
        if done.returncode != 0:
            report(
                f"warning: the lab cannot reach {url} through this machine ({done.stderr.strip()}); hosts get "
                "packages from the cache only. Check whether another firewall here drops forwarded packets."
            )

    def fetch_acme_roots(self, seconds: float = 20) -> str:
        """Read the root certificate of acme.outside.test, and store it beside the inventory."""
        context = ssl.create_default_context(cafile=str(self._paths.ca_file))
        context.check_hostname = False
        url = f"https://{self._acme}:15000/roots/0"
        end = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(url, timeout=3, context=context) as answer:
                    text = str(answer.read().decode())
                break
            except OSError as error:
                if time.monotonic() > end:
                    raise LabError(f"the lab's ACME server does not answer ({error}); see outside.log") from error
                time.sleep(0.2)
        machine.write(self._paths.acme_roots, text)
        return text


def _arrival(path: Path) -> tuple[float, str]:
    return path.stat().st_mtime, path.name


def _file_name(zone: str) -> str:
    return "root.zone" if zone == "." else f"{zone}zone"


def _zone_entry(zone: str) -> str:
    signing = "" if zone in zones.SIGNED_ZONES else "\n    dnssec-signing: off"
    return f'  - domain: "{zone}"\n    file: "{_file_name(zone)}"{signing}'
