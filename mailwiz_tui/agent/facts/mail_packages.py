"""Mail software on a server, and the origin of its configuration: mailwiz-tui, the package, or another party."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from ..core.fault import AgentFault
from ..core.host import Host
from ..core.state import State
from ..protocol.facts import MailSoftware
from .exim_settings import exim_untouched
from .postfix_settings import main_untouched, master_untouched


@dataclass(frozen=True)
class Known:
    """A package, the files that show whether somebody configured it, and packages that own some of these files."""

    package: str
    configuration: tuple[str, ...]
    siblings: tuple[str, ...] = ()


_KNOWN = (
    Known("postfix", ("/etc/postfix/main.cf", "/etc/postfix/master.cf")),
    Known("dovecot-core", ("/etc/dovecot/dovecot.conf",)),
    Known("rspamd", ("/etc/rspamd/rspamd.conf", "/etc/rspamd/local.d/worker-proxy.inc")),
    Known(
        "exim4-base",
        (
            "/etc/exim4/exim4.conf.template",
            "/etc/exim4/exim4.conf",
            "/etc/exim4/exim4.conf.localmacros",
            "/etc/exim4/passwd.client",
            "/etc/exim4/update-exim4.conf.conf",
        ),
        ("exim4-config",),
    ),
    Known("sendmail-bin", ("/etc/mail/sendmail.mc",)),
    Known("opendkim", ("/etc/opendkim.conf",)),
    Known("spamd", ("/etc/default/spamd",)),
    Known("postsrsd", ("/etc/default/postsrsd",)),
    Known("postfix-mta-sts-resolver", ("/etc/mta-sts-daemon.yml",)),
    Known("opensmtpd", ("/etc/smtpd.conf",)),
    Known("courier-mta", ("/etc/courier/courierd",), ("courier-base",)),
    Known("cyrus-imapd", ("/etc/imapd.conf",), ("cyrus-common",)),
    Known("nullmailer", ("/etc/nullmailer/remotes",)),
    Known("ssmtp", ("/etc/ssmtp/ssmtp.conf",)),
    Known("msmtp-mta", ("/etc/msmtprc",)),
)
_HEADER = "mailwiz"


def find(host: Host) -> tuple[MailSoftware, ...]:
    """Each mail package that is installed, and whose configuration it has.

    Raises AgentFault if the list of packages cannot be read, because the origin is then unknown.
    """
    names = [name for known in _KNOWN for name in (known.package, *known.siblings)]
    form = "${Package}\t${Version}\t${db:Status-Abbrev}\t${Conffiles}\x1e"
    done = host.run(["dpkg-query", "-W", "-f", form, *names], timeout=60)
    if done.exit is None:
        advice = "on the server: check the load (top), and whether dpkg -l ends"
        raise AgentFault("dpkg-query does not list the installed mail software", "facts", advice)
    state = State(host)
    installed: dict[str, str] = {}
    sums: dict[str, str] = {}
    for record in done.output.decode("utf-8", "replace").split("\x1e"):
        # dpkg-query's messages about unknown packages are between the records
        parts = re.sub(r"(?m)^dpkg-query: .*\n", "", record).strip("\n").split("\t")
        if len(parts) < 4 or not parts[2].startswith("i"):
            continue
        installed[parts[0]] = parts[1]
        conffiles = [line.split() for line in parts[3].splitlines()]
        sums.update((words[0], words[1]) for words in conffiles if len(words) >= 2)
    return tuple(
        MailSoftware(known.package, installed[known.package], _owner(host, state, known, sums))
        for known in _KNOWN
        if known.package in installed
    )


def _owner(host: Host, state: State, known: Known, sums: dict[str, str]) -> str:
    owners = {_file_owner(host, state, path, sums.get(path, "")) for path in known.configuration}
    if "mailwiz" in owners:
        return "mailwiz"
    return "other" if "other" in owners else "package"


def _file_owner(host: Host, state: State, path: str, packaged_md5: str) -> str:
    try:
        with open(host.path(path), "rb") as handle:
            content = handle.read()
    except OSError:
        return "package"
    if state.file(path) or _HEADER in content[:600].decode("utf-8", "replace").lower():
        return "mailwiz"
    if path in (shipped := _by_ucf(host)):
        packaged_md5 = shipped[path]
    if packaged_md5:
        same = hashlib.md5(content, usedforsecurity=False).hexdigest() == packaged_md5
        return "package" if same else "other"
    return "package" if _untouched(host, path, content) else "other"


def _by_ucf(host: Host) -> dict[str, str]:
    """The digests of files that ucf(1) looks after instead of dpkg: of the maintainer's version, by path."""
    try:
        with open(host.path("/var/lib/ucf/hashfile"), encoding="utf-8", errors="replace") as handle:
            pairs = [line.split() for line in handle]
    except OSError:
        return {}
    return {words[1]: words[0] for words in pairs if len(words) == 2}


def _untouched(host: Host, path: str, content: bytes) -> bool:
    """Whether a file that no package owns is as a maintainer script makes it."""
    text = content.decode("utf-8", "replace")
    if path == "/etc/postfix/master.cf":
        return master_untouched(host, text)
    if path == "/etc/postfix/main.cf":
        return main_untouched(host, text)
    if path == "/etc/exim4/update-exim4.conf.conf":
        return exim_untouched(text)
    if path == "/etc/default/postsrsd":
        return _postsrsd_untouched(host, text)
    return path == "/etc/ssmtp/ssmtp.conf"


def _postsrsd_untouched(host: Host, text: str) -> bool:
    """Whether it is the package's template, with or without the domain that its postinst enters."""
    try:
        with open(host.path("/usr/share/postsrsd/postsrsd.template"), encoding="utf-8", errors="replace") as handle:
            template = handle.read()
    except OSError:
        return False
    domain = re.compile(r"(?m)^#?SRS_DOMAIN=.*$")
    return domain.sub("", text) == domain.sub("", template)
