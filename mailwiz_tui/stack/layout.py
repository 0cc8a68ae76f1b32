"""Paths, ports and names on a server that components, the agent and the checks share."""

from __future__ import annotations

CONF_DIR = "/etc/mailwiz"
LIB_DIR = "/usr/local/lib/mailwiz"
STATE_DIR = "/var/lib/mailwiz"

TLS_DIR = f"{CONF_DIR}/tls"
TLS_CHAIN = f"{TLS_DIR}/fullchain.pem"
"""The certificate and its issuers, in PEM, the server's own first."""
TLS_KEY = f"{TLS_DIR}/privkey.pem"
"""Its private key: root only."""
TLS_SERVICES = f"{TLS_DIR}/services.d"
"""One file for each daemon that shows the certificate: its unit and ports, for ``serve-certificate``."""
TLS_OWN = f"{TLS_DIR}/own"
"""The key that ``prepare`` creates on the server, and a self-signed certificate for it."""
TLS_CUSTOM = f"{TLS_DIR}/custom"
"""The operator's own certificate and key, from ``install_certificate`` of the agent."""
SELF_SIGNED_DAYS = 397
"""Days of a self-signed certificate: the most that a public authority could give in 2025."""
WAITING_DAYS = 90
"""Days of a self-signed certificate that is used only until a public one is issued."""
SERVE_CERTIFICATE = f"{LIB_DIR}/serve-certificate"
ISSUE_CERTIFICATE = f"{LIB_DIR}/issue-certificate"
LINEAGE = "mailwiz"
"""The certificate's name for certbot."""
ACME_ROOT = "/var/www/mailwiz/acme"
"""The folder for certbot's HTTP challenges (RFC 8555 section 8.3)."""
CHALLENGES_PORT = 10081
"""nginx with the challenges of this server, for the other servers of its names."""
ACME_CA = f"{TLS_DIR}/acme-ca.pem"
"""The authority of the operator's own ACME server."""

INTERNAL_DIR = f"{CONF_DIR}/internal"
"""The folder of the certificates between the servers."""
INTERNAL_CERT = f"{INTERNAL_DIR}/cert.pem"
"""The certificate for the server's internal name, signed by its own key, from ``prepare``."""
INTERNAL_KEY = f"{INTERNAL_DIR}/key.pem"
"""Its private key: root and the group ``INTERNAL_GROUP`` may read it; it never leaves the server."""
INTERNAL_IDENTITY = f"{INTERNAL_DIR}/identity.pem"
"""Certificate and key in one file, for HAProxy: root only."""
INTERNAL_PEERS = f"{INTERNAL_DIR}/peers.pem"
"""The certificates of all servers of the plan: only these are trusted."""
DATABASE_PEERS = f"{INTERNAL_DIR}/database-peers.pem"
"""The same and the certificates of web applications: only these does MariaDB (accounts) trust."""
INTERNAL_GROUP = "mailwiz-internal"
"""The group of daemons that read ``INTERNAL_KEY`` as their own user."""
INTERNAL_DOMAIN = "mailwiz.internal"
MOVING_STORE = "127.0.0.3"
"""The store that moves: HAProxy carries connections to the server that has it now (``moving_store``)."""
MESH_INTERFACE = "mwz0"
MESH_PORT = 51820

MESH_UNIT = "mailwiz-mesh.service"
"""The unit of the private link."""
ACCOUNT_COPY = "/var/lib/mailwiz-accounts"
"""The folder of a server's copy of the accounts."""
ACCOUNT_LOGINS = f"{ACCOUNT_COPY}/dovecot/users"
"""Dovecot's part of it (passwd-file)."""
SRS_SECRET_COPY = f"{ACCOUNT_COPY}/srs.secret"
"""The secret of SRS addresses (postsrsd), common to all servers that receive or send mail."""
WEBMAIL_KEY_COPY = f"{ACCOUNT_COPY}/webmail.key"
"""The key of sessions of Roundcube, common to all servers that serve clients."""
USAGE_FILE = ".usage"
"""In a mailbox's home on a store without MariaDB: how full it is; account-copy reports it."""

DKIM_DIR = "/var/lib/rspamd/dkim"

VOLUME = "/srv/mailwiz"
"""The mount point of the volume that moves between servers, with mail and databases."""
VOLUME_DATABASES = f"{VOLUME}/mysql"
VOLUME_MAIL = f"{VOLUME}/mail"

DATABASE = "postfix"
"""The MariaDB database with the accounts, in the schema of PostfixAdmin."""
MYSQL_SOCKET = "/run/mysqld/mysqld.sock"
DATABASE_GATE_SOCKET = "/run/mailwiz-database/mysqld.sock"
"""The same database; connections wait there while MariaDB restarts (``database_gate``)."""
PASSWORD_SCHEME = "ARGON2ID"  # noqa: S105
"""The scheme for ``doveadm pw -s``; hashes in ``mailbox.password`` begin with ``{ARGON2ID}``."""
SHORTEST_PASSWORD = 12
"""The least number of characters of a password, wherever it is set."""

VMAIL_USER = "vmail"
VMAIL_UID = 5000

MAIL_STORE = f"{CONF_DIR}/mail-store"
"""Its last line has the format and the folder of mailboxes: ``maildir /var/vmail``."""
OBJECT_STORE_MOUNT = "/var/lib/mailwiz-objectstore/mail"
"""The mount point of the bucket for old mail."""
OLD_MAIL_LOCK = "/run/mailwiz-old-mail.lock"
"""Held while old mail is moved to the bucket, backed up or restored."""

POSTFIX_SPOOL = "/var/spool/postfix"
SASL_SOCKET = "private/auth"
"""Dovecot's SASL socket, relative to Postfix's spool (where its chroot is)."""
SASL_GATE_SOCKET = "private/auth-gate"
"""The same for Postfix, through the gate, which knows temporary failures (``sasl_gate``)."""
LMTP_PORT = 24
"""LMTP on a store, for mail from other servers, inside TLS, on its internal address."""
DATABASE_PORT = 3306
IMAP_PORT = 143
SIEVE_PORT = 4190
MOVING_STORE_PORT = 12347
"""Answers on the server that has the store that moves, and on no other."""
CLUSTER_PORT = 5405
"""Corosync's messages (UDP)."""
VOLUME_PORT = 7789
"""DRBD's replication of the volume."""
STORE_SYNC_PORT = 12345
"""Moves of mailboxes between stores (doveadm-sync(1) inside TLS)."""
PEER_RELAY_PORT = 10025
"""The relay for outgoing mail of the plan's other servers."""
PANEL_MAIL_PORT = 10027
"""Submission of PostfixAdmin's mail with several servers, on the loopback."""
SRS_FORWARD_PORT = 10001
SRS_REVERSE_PORT = 10002
"""postsrsd for Postfix (tcp_table(5)): senders of forwarded mail, and recipients of bounces."""
SRS_MAIL_PORT = 10028
"""Mail of foreign senders for other servers passes here once more to get an SRS sender."""
REPORT_MAIL_PORT = 10029
"""Submission of Rspamd's DMARC reports, on the loopback: they are signed and not filtered."""
DANE_POLICY_PORT = 8460
MTA_STS_PORT = 8461
"""TLS policies of destinations for Postfix (socketmap_table(5)): DANE first, then MTA-STS."""
LMTP_SOCKET = "private/dovecot-lmtp"

RSPAMD_MILTER_PORT = 11332
RSPAMD_CONTROLLER_PORT = 11334
CLAMAV_MILTER_PORT = 11342
SPAMD_MILTER_PORT = 11343
OPENDKIM_MILTER_PORT = 11344
MESSAGE_CHECKS_PORT = 11345
SENDER_OWNERS_PORT = 11346
"""The logins that own an envelope sender, for Postfix (socketmap_table(5))."""
SENDER_OWNERS = f"socketmap:inet:127.0.0.1:{SENDER_OWNERS_PORT}:senders"
"""The same in Postfix's form."""
SIEVE_MAIL = f"{LIB_DIR}/mailwiz-sieve-mail"
"""The program to which Dovecot hands mail of users' filters."""
MESSAGE_CHECKS_USER = "mailwiz-checks"
RATE_LIMITER_PORT = 11347
"""Not 11341: there its former unit, mailwiz-guard, serves Postfix until Postfix asks the new one."""
RECIPIENT_CHECKS_PORT = 11348
BOUNCES_PORT = 11349
"""The recipients of bounces, for the cleanup(8) of bounce(8) (socketmap_table(5))."""
BOUNCES = f"socketmap:inet:127.0.0.1:{BOUNCES_PORT}:bounces"
RECIPIENT_CHECKS_USER = "mailwiz-recipients"
SIGNING_USER = "mailwiz-signing"
SPAMD_PORT = 783
CLAMD_SOCKET = "/run/clamav/clamd.ctl"
RSPAMD_CONTROLLER = "/run/rspamd/controller.sock"
REDIS_SOCKET = "/run/redis-rspamd/redis-server.sock"

RESOLVER = "127.0.0.1"
"""The address of the server's own validating resolver."""


def dkim_private_key(selector: str) -> str:
    """The private key of a selector, on the server that signs with it."""
    return f"{DKIM_DIR}/{selector}.key"
