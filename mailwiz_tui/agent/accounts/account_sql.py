"""The accounts' database as the agent speaks to it: SQL over the unix socket, values that cannot break out.

The tables are PostfixAdmin's; rows are written as its panel writes them, so that it shows them properly.
"""

from __future__ import annotations

import json
import re

from ..core.fault import AgentFault
from ..core.host import Host, require

Row = dict[str, object]
"""What one row of an answer says, by column."""
DATABASE = "postfix"
PROBE = "mailwiz-probe"
"""The local part of the mailbox that verification uses; it is nobody's account."""
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}\Z")


def domain_of(value: object) -> str:
    """A domain in lower case. Raises AgentFault for what is none."""
    text = str(value)
    if not _DOMAIN.match(text) or ".." in text:
        raise AgentFault(f"{text!r} is not a domain", "accounts")
    return text.lower()


def literal(value: str) -> str:
    """A string for SQL: plain text in quotes, other printable ASCII as its bytes, anything else is refused."""
    if re.fullmatch(r"[A-Za-z0-9 ._+@/{}$,=*-]*", value):
        return f"'{value}'"
    if not re.fullmatch(r"[ -~]*", value):
        raise AgentFault("a value with unexpected characters was not written to MariaDB", "accounts")
    return f"_latin1 X'{value.encode().hex()}'"


def free_text(value: str) -> str:
    """Any text, such as a person's name, for SQL."""
    return f"CONVERT(X'{value.encode().hex()}' USING utf8mb4)"


def insert(verb: str, table: str, columns: dict[str, str], tail: str = "") -> str:
    """A statement that writes a row; ``columns`` hold SQL expressions. It is active and dated now."""
    names = ", ".join((*columns, "created", "modified", "active"))
    values = ", ".join((*columns.values(), "NOW()", "NOW()", "1"))
    return f"{verb} INTO {table} ({names}) VALUES ({values}) {tail};"


def query(host: Host, statements: str) -> list[str]:
    """Runs SQL over the unix socket as root, from standard input; the rows as lines."""
    done = host.run(["mariadb", "--no-defaults", "--batch", "--raw", "--skip-column-names",
                     "--default-character-set=utf8mb4", "--database", DATABASE],
                    statements.encode(), timeout=30)  # fmt: skip
    said = done.output.decode("utf-8", "replace")
    if not done.ok and (done.exit == 127 or "ERROR 1049" in said or "ERROR 1146" in said):
        raise AgentFault("no mail server is installed on this server yet, so there are no accounts", "accounts",
                         "install it first: mailwiz-tui apply PLAN")  # fmt: skip
    require(done, "MariaDB (accounts) does not answer", "mariadb", "on the server: systemctl status mariadb")
    return [line for line in said.split("\n") if line]


def rows(host: Host, statements: str) -> list[Row]:
    """Runs SQL whose every row is a JSON object."""
    found: list[Row] = []
    for line in query(host, statements):
        value = json.loads(line, strict=False)
        if isinstance(value, dict):
            found.append(value)
    return found


def change(host: Host, *statements: str) -> None:
    """Runs statements together or not at all."""
    query(host, "\n".join(("START TRANSACTION;", *statements, "COMMIT;")))


def number(value: object) -> int:
    """A number of a row; 0 for NULL."""
    return int(str(value)) if value else 0
