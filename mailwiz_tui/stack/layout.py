"""Well-known paths and names on a server: where components, the agent and the checks meet."""

from __future__ import annotations

CONF_DIR = "/etc/mailwiz"
LIB_DIR = "/usr/local/lib/mailwiz"
STATE_DIR = "/var/lib/mailwiz"

TLS_DIR = f"{CONF_DIR}/tls"
TLS_CHAIN = f"{TLS_DIR}/fullchain.pem"
"""The certificate and its issuers, in PEM, the server's own first."""
TLS_KEY = f"{TLS_DIR}/privkey.pem"
"""The private key to it: root only."""
TLS_SERVICES = f"{TLS_DIR}/services.d"
"""One file for each daemon that shows the certificate: its unit and ports, for ``serve-certificate``."""
TLS_OWN = f"{TLS_DIR}/own"
"""The key made on the server and a self-signed certificate to it, as ``prepare`` makes them."""
TLS_CUSTOM = f"{TLS_DIR}/custom"
"""The operator's own certificate and key, as ``install_certificate`` of the agent puts them."""
SELF_SIGNED_DAYS = 397
"""How long a self-signed certificate lasts: the most that a public authority could give in 2025."""
WAITING_DAYS = 90
"""How long a self-signed certificate lasts that only serves until a public one is issued."""
SERVE_CERTIFICATE = f"{LIB_DIR}/serve-certificate"
ISSUE_CERTIFICATE = f"{LIB_DIR}/issue-certificate"
LINEAGE = "mailwiz"
"""What certbot calls the certificate."""
ACME_ROOT = "/var/www/mailwiz/acme"
"""Where certbot puts the files that prove control of a name over HTTP (RFC 8555 section 8.3)."""
ACME_CA = f"{TLS_DIR}/acme-ca.pem"
"""The authority that vouches for an ACME server of the operator's own."""

INTERNAL_DIR = f"{CONF_DIR}/internal"
"""What the servers of a plan know each other by."""
INTERNAL_CERT = f"{INTERNAL_DIR}/cert.pem"
"""The certificate for the server's internal name, signed by its own key, as ``prepare`` makes it."""
INTERNAL_KEY = f"{INTERNAL_DIR}/key.pem"
"""The private key to it: root and the group ``INTERNAL_GROUP`` may read it; it never leaves the server."""
INTERNAL_IDENTITY = f"{INTERNAL_DIR}/identity.pem"
"""Certificate and key in one file, for programs that want both (HAProxy): root only."""
INTERNAL_PEERS = f"{INTERNAL_DIR}/peers.pem"
"""The certificates of all servers of the plan: whom to trust, and nobody else."""
DATABASE_PEERS = f"{INTERNAL_DIR}/database-peers.pem"
"""The same and the certificates of web applications: whom the account store's database trusts."""
INTERNAL_GROUP = "mailwiz-internal"
"""Daemons that read ``INTERNAL_KEY`` under a user of their own belong to it."""
INTERNAL_DOMAIN = "mailwiz.internal"
MESH_INTERFACE = "mwz0"
MESH_PORT = 51820

MESH_UNIT = "mailwiz-mesh.service"
"""What brings the private link up at the start of a server."""
ACCOUNT_COPY = "/var/lib/mailwiz-accounts"
"""Where a server keeps its copy of the accounts."""
ACCOUNT_LOGINS = f"{ACCOUNT_COPY}/dovecot/users"
"""Dovecot's part of it (passwd-file)."""
SRS_SECRET_COPY = f"{ACCOUNT_COPY}/srs.secret"
"""The secret of forwarding addresses (postsrsd), common to all servers that take or send mail."""
USAGE_FILE = ".usage"
"""In a mailbox's home on a store without the database: how full it is, for the copy's program to send on."""

DKIM_DIR = "/var/lib/rspamd/dkim"

DATABASE = "postfix"
"""The MariaDB database with the accounts, in the schema of PostfixAdmin."""
MYSQL_SOCKET = "/run/mysqld/mysqld.sock"
DATABASE_GATE_SOCKET = "/run/mailwiz-database/mysqld.sock"
"""The same database; a connection waits there while MariaDB restarts (``database_gate``)."""
PASSWORD_SCHEME = "ARGON2ID"  # noqa: S105
"""What ``doveadm pw -s`` is asked for; the hash in ``mailbox.password`` carries it as ``{ARGON2ID}``."""
SHORTEST_PASSWORD = 12
"""Characters that a password has at least, wherever it is set."""

VMAIL_USER = "vmail"
VMAIL_UID = 5000

MAIL_STORE = f"{CONF_DIR}/mail-store"
"""Its last line says in which format and where mail is kept: ``maildir /var/vmail``."""
OBJECT_STORE_MOUNT = "/var/lib/mailwiz-objectstore/mail"
"""Where the bucket for old mail is mounted."""

POSTFIX_SPOOL = "/var/spool/postfix"
SASL_SOCKET = "private/auth"
"""Dovecot's SASL socket, relative to Postfix's spool (where its chroot is)."""
SASL_GATE_SOCKET = "private/auth-gate"
"""Where Postfix asks: the same through the gate, which tells failures that pass (``sasl_gate``)."""
LMTP_PORT = 24
"""Where a store takes mail from other servers, inside TLS, on its internal address."""
DATABASE_PORT = 3306
IMAP_PORT = 143
SIEVE_PORT = 4190
STORE_SYNC_PORT = 12345
"""Where one store takes a mailbox from another (doveadm-sync(1) inside TLS)."""
PEER_RELAY_PORT = 10025
"""Where the servers that send mail out take what other servers of the plan have for the world."""
PANEL_MAIL_PORT = 10027
"""Where the admin panel of several servers hands in its mail, on the loopback."""
SRS_FORWARD_PORT = 10001
SRS_REVERSE_PORT = 10002
"""Where postsrsd answers Postfix (tcp_table(5)): for senders that leave, and for recipients of bounces."""
SRS_MAIL_PORT = 10028
"""Where mail of foreign senders for the world passes once more, to get a sender of ours."""
REPORT_MAIL_PORT = 10029
"""Where Rspamd hands in DMARC reports, on the loopback: they are signed and not filtered."""
DANE_POLICY_PORT = 8460
MTA_STS_PORT = 8461
"""Where Postfix asks what TLS a destination wants (socketmap_table(5)): DANE first, then MTA-STS."""
LMTP_SOCKET = "private/dovecot-lmtp"

RSPAMD_MILTER_PORT = 11332
RSPAMD_CONTROLLER_PORT = 11334
RATE_LIMITER_PORT = 11341
CLAMAV_MILTER_PORT = 11342
SPAMD_MILTER_PORT = 11343
OPENDKIM_MILTER_PORT = 11344
MESSAGE_CHECKS_PORT = 11345
SENDER_OWNERS_PORT = 11346
"""Where Postfix asks which logins own an envelope sender (socketmap_table(5))."""
SENDER_OWNERS = f"socketmap:inet:127.0.0.1:{SENDER_OWNERS_PORT}:senders"
"""The same as Postfix writes it."""
SIEVE_MAIL = f"{LIB_DIR}/mailwiz-sieve-mail"
"""What Dovecot hands the mail of users' filters to."""
MESSAGE_CHECKS_USER = "mailwiz-checks"
RECIPIENT_CHECKS_PORT = 11348
BOUNCES_PORT = 11349
"""Where the cleanup(8) behind bounce(8) asks who gets a bounce (socketmap_table(5))."""
BOUNCES = f"socketmap:inet:127.0.0.1:{BOUNCES_PORT}:bounces"
RECIPIENT_CHECKS_USER = "mailwiz-recipients"
SIGNING_USER = "mailwiz-signing"
SPAMD_PORT = 783
CLAMD_SOCKET = "/run/clamav/clamd.ctl"
RSPAMD_CONTROLLER = "/run/rspamd/controller.sock"
REDIS_SOCKET = "/run/redis-rspamd/redis-server.sock"

RESOLVER = "127.0.0.1"
"""Where the server's own validating resolver answers."""


def dkim_private_key(selector: str) -> str:
    """Where the private key of a selector is kept on the server that signs with it."""
    return f"{DKIM_DIR}/{selector}.key"
