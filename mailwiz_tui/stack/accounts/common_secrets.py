"""Secrets that several servers share: the account store has them, and they are copied with the accounts."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from mailwiz_tui.plan.model import PlanServer, Role, Webmail
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, SecretSpec
from mailwiz_tui.stack.component import Context
from mailwiz_tui.topology.servers import copy_servers, roles_of

WEBMAIL_GROUP = "mailwiz-webmail"
"""The group that may read the copy of Roundcube's key."""


@dataclass(frozen=True, slots=True)
class CommonSecret:
    """A secret of the account store (``spec``), and its copy on the servers with one of ``roles``.

    ``name`` is its key in the table of secrets. ``group`` may read the copy, root alone if it is empty; ``unit`` is
    restarted when it changes.
    """

    name: str
    spec: SecretSpec
    path: str
    roles: frozenset[Role]
    group: str = ""
    unit: str = ""

    def copied_to(self, context: Context, server: PlanServer) -> bool:
        """Whether a server of the plan has a copy."""
        return server in copy_servers(context.plan) and bool(roles_of(context.plan, server) & self.roles)


SRS = CommonSecret(
    "srs",
    SecretSpec("srs"),
    layout.SRS_SECRET_COPY,
    frozenset({Role.MX_INBOUND, Role.MX_OUTBOUND}),
    unit="postsrsd.service",
)
"""The secret of SRS addresses (forwarding): bounces of forwarded mail go to any MX."""
WEBMAIL = CommonSecret(
    "roundcube",
    SecretSpec("roundcube-des-key", 32),
    layout.WEBMAIL_KEY_COPY,
    frozenset({Role.MX_OUTBOUND}),
    group=WEBMAIL_GROUP,
)
"""The key that encrypts passwords in Roundcube's sessions, which are in the database."""


def common_secrets(context: Context) -> tuple[CommonSecret, ...]:
    """The secrets that this plan's servers have in common."""
    shared = context.topology.sessions_shared and context.plan.services.webmail is Webmail.ROUNDCUBE
    return (SRS, WEBMAIL) if shared else (SRS,)


def copied_secrets(context: Context) -> tuple[CommonSecret, ...]:
    """Those of which this server has a copy."""
    return tuple(s for s in common_secrets(context) if s.copied_to(context, context.topology.server))


def copies(context: Context) -> list[dict[str, str]]:
    """This server's copies in the form of the settings of account-copy."""
    wanted = ("name", "path", "group", "unit")
    return [{key: str(asdict(secret)[key]) for key in wanted} for secret in copied_secrets(context)]


def kept_secrets(context: Context) -> tuple[Command, ...]:
    """The commands that put the secrets into the account store, where they stay as they are."""
    return tuple(_kept(secret) for secret in common_secrets(context))


def _kept(secret: CommonSecret) -> Command:
    row = f"('{secret.name}', '{{{{secret:{secret.spec.name}}}}}')"
    there = f"SELECT COUNT(*) FROM {layout.DATABASE}.mailwiz_secret WHERE name = '{secret.name}'"  # noqa: S608
    return Command(
        id=f"account-store.{secret.name}",
        argv=("mariadb", "--batch", layout.DATABASE),
        stdin=f"INSERT IGNORE INTO `mailwiz_secret` (`name`, `value`) VALUES {row};\n",  # noqa: S608
        unless=("sh", "-c", '[ "$(mariadb -BNe "$0")" = 1 ]', there),
    )
