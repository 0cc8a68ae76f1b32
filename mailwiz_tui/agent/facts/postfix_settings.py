"""Whether Postfix is configured as by Debian's maintainer scripts, or was changed.

No package owns ``main.cf`` and ``master.cf``; the former is made from debconf's answers (postfix.postinst of
Debian 12 and 13), so its values are compared one by one. Whatever is not known to come from there counts as set.
"""

from __future__ import annotations

import os
import re

from ..core.host import Host

_TEMPLATES = ("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf.proto")
_ANY = r".*"
_AS_INSTALLED = {
    "alias_database": r"hash:/etc/aliases",
    "alias_maps": r"hash:/etc/aliases|\$alias_database",
    "append_dot_mydomain": r"no",
    "biff": r"no",
    "compatibility_level": _ANY,
    "cyrus_sasl_config_path": r"/etc/postfix/sasl",
    "default_transport": r"error|smtp",
    "inet_interfaces": r"all|loopback-only|localhost|127\.0\.0\.1",
    "inet_protocols": r"all|ipv4|ipv6",
    "mailbox_command": r'|procmail -a "\$EXTENSION"',
    "mailbox_size_limit": r"0",
    "mydestination": _ANY,
    "myhostname": _ANY,
    "mynetworks": r"(?:(?:127\.0\.0\.0/8|\[::ffff:127\.0\.0\.0\]/104|\[::1\]/128)\s*)*",
    "mynetworks_style": r"host",
    "myorigin": r"/etc/mailname|\$myhostname|\$mydomain",
    "readme_directory": r"no",
    "recipient_delimiter": r"\+?",
    "relay_transport": r"error|relay",
    "relayhost": r"",
    "smtp_tls_CAfile": r"/etc/ssl/certs/ca-certificates\.crt",
    "smtp_tls_CApath": r"/etc/ssl/certs",
    "smtp_tls_security_level": r"may",
    "smtp_tls_session_cache_database": r"btree:\$\{data_directory\}/smtp_scache",
    "smtpd_banner": r"\$myhostname ESMTP \$mail_name \(\S+\)",
    "smtpd_relay_restrictions": r"permit_mynetworks,? permit_sasl_authenticated,? defer_unauth_destination",
    "smtpd_tls_cert_file": r"/etc/ssl/certs/ssl-cert-snakeoil\.pem",
    "smtpd_tls_key_file": r"/etc/ssl/private/ssl-cert-snakeoil\.key",
    "smtpd_tls_security_level": r"may",
    "smtpd_tls_session_cache_database": r"btree:\$\{data_directory\}/smtpd_scache",
    "smtpd_use_tls": r"yes",
}


def main_untouched(host: Host, text: str) -> bool:
    """Whether every value in a ``main.cf`` is one that the package's installation writes.

    The names that the machine takes mail for are its own, the one it had when Postfix was installed included.
    """
    values = _values(text)
    for name, value in values:
        if name not in _AS_INSTALLED or not re.fullmatch(_AS_INSTALLED[name], value):
            return False
    own = {dict(values).get("myhostname", ""), *(_read(host, path) for path in ("/etc/mailname", "/etc/hostname"))}
    labels = {name.strip().lower().partition(".")[0] for name in own} - {""} | {"localhost", "$myhostname"}
    taken = re.split(r"[\s,]+", dict(values).get("mydestination", ""))
    return all(word.lower().partition(".")[0] in labels for word in taken if word)


def master_untouched(host: Host, text: str) -> bool:
    """Whether a ``master.cf`` has the services of the template that the package brings, or at least no own ones."""
    for path in _TEMPLATES:
        if os.path.exists(host.path(path)) and _settings(_read(host, path)) == _settings(text):
            return True
    own = ("submission ", "submissions ", "smtps ", "dovecot ")
    return not any(line.startswith(own) for line in _settings(text))


def _values(text: str) -> list[tuple[str, str]]:
    """Names and values; a line that begins with white space goes on with the one before (postconf(5))."""
    whole: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and whole:
            whole[-1] += f" {line.strip()}"
        else:
            whole.append(line)
    return [(name.strip(), " ".join(value.split())) for name, _, value in (line.partition("=") for line in whole)]


def _settings(text: str) -> list[str]:
    return [
        " ".join(line.split()) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]


def _read(host: Host, path: str) -> str:
    try:
        with open(host.path(path), encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""
