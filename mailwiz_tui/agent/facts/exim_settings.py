"""Whether Exim is configured as by Debian's installation: local mail only.

``update-exim4.conf.conf`` belongs to no package; exim4-config writes it from debconf's answers (Debian 12 and 13),
so its values are compared one by one with the answers that nobody changed. ``dpkg-reconfigure exim4-config`` for
any other purpose counts as somebody's configuration.
"""

from __future__ import annotations

import re

_ANY = r"[^']*"
_AS_INSTALLED = {
    "dc_eximconfig_configtype": r"local|none",
    "dc_other_hostnames": _ANY,
    "dc_local_interfaces": r"127\.0\.0\.1 ; ::1",
    "dc_readhost": "",
    "dc_relay_domains": "",
    "dc_minimaldns": "false",
    "dc_relay_nets": "",
    "dc_smarthost": "",
    "CFILEMODE": "644",
    "dc_use_split_config": "false",
    "dc_hide_mailname": "|true|false",
    "dc_mailname_in_oh": "true",
    "dc_localdelivery": "mail_spool|maildir_home",
}


def exim_untouched(text: str) -> bool:
    """Whether every value in an ``update-exim4.conf.conf`` is one that the package's installation writes."""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = re.fullmatch(r"(\w+)='([^']*)'", line.strip())
        if not found or found[1] not in _AS_INSTALLED or not re.fullmatch(_AS_INSTALLED[found[1]], found[2]):
            return False
    return True
