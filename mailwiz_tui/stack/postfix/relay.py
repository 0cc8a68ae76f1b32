"""Mail that is not delivered here: relay domains to their next hops, the rest through a smart host."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.plan.dnsnames import is_ip
from mailwiz_tui.plan.hosts import parse_next_hop
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Directory, File, Probe, SecretSpec
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render

TRANSPORT = "/etc/postfix/mailwiz-transport"
RECIPIENTS = "/etc/postfix/mailwiz-relay-recipients"
PASSWORD_FILE = "/etc/postfix/mailwiz-smart-host"  # noqa: S105
CHECKER = f"{layout.LIB_DIR}/check-smart-host"
SECRET = SecretSpec("smart-host", given="password of the smart host")
SMTP, SUBMISSIONS = 25, 465


@dataclass(frozen=True, slots=True)
class SmartHost:
    """The smart host of a plan: its name for Postfix, and its TLS level (``secure`` or ``encrypt``).

    A host with a name needs a certificate of a public authority for it; for an address there is none.
    """

    hop: str
    host: str
    port: int
    lookup_mx: bool
    user: str

    @classmethod
    def of(cls, plan: Plan) -> SmartHost | None:
        """The plan's smart host, or None."""
        if not plan.network.relay_host:
            return None
        hop = parse_next_hop(plan.network.relay_host)
        return cls(str(hop), hop.host, hop.port or SMTP, hop.lookup_mx, plan.network.relay_user)

    @property
    def level(self) -> str:
        """Postfix's ``smtp_tls_security_level`` for it."""
        return "encrypt" if is_ip(self.host) else "secure"

    @property
    def implicit_tls(self) -> bool:
        """Whether TLS begins with the first byte (RFC 8314 section 3.3)."""
        return self.port == SUBMISSIONS

    @property
    def packages(self) -> tuple[str, ...]:
        """Postfix's login at the smart host."""
        return ("libsasl2-modules",) if self.user else ()

    @property
    def secrets(self) -> tuple[SecretSpec, ...]:
        """The password, from the operator."""
        return (SECRET,) if self.user else ()

    @property
    def files(self) -> tuple[Directory | File, ...]:
        """The login, for root alone, and the script that tests it."""
        checker = (
            folder("postfix"),
            module("postfix", "check_smart_host"),
            launcher("postfix", "check_smart_host", "check-smart-host"),
        )
        if not self.user:
            return checker
        text = render("postfix", "mailwiz-smart-host", hop=self.hop, user=self.user)
        return (File(PASSWORD_FILE, text, mode=0o600), *checker)

    @property
    def probe(self) -> Probe:
        """It can be reached, shows a valid certificate, and accepts this server."""
        argv: tuple[str, ...] = (CHECKER, self.host, str(self.port), self.level, "1" if self.user else "0")
        expect = "accepts mail from this server"
        if self.lookup_mx:
            argv = (
                "posttls-finger",
                "-c",
                "-T",
                "10",
                "-l",
                self.level,
                "-F",
                "/etc/ssl/certs/ca-certificates.crt",
            )
            argv = (*argv, self.hop)
            expect = "Verified TLS connection established"
        return Probe(
            id="postfix.smart-host",
            proves=f"the smart host {self.hop} answers over TLS" + (" and accepts the login" if self.user else ""),
            argv=argv,
            expect=expect,
            advice="mail waits in the queue until then; to change the password: mailwiz-tui secret PLAN smart-host",
        )


def relay_files(plan: Plan) -> dict[str, str]:
    """The maps: the next hop of each relay domain, and the verification of its recipients."""
    domains = plan.relay_domains()
    if not domains:
        return {}
    routes = "\n".join(f"{d.name} relay:{parse_next_hop(d.relay_host)}" for d in domains)
    checks = "\n".join(f"{d.name} reject_unverified_recipient" for d in domains)
    return {
        TRANSPORT: render("postfix", "mailwiz-transport", lines=routes),
        RECIPIENTS: render("postfix", "mailwiz-relay-recipients", lines=checks),
    }
