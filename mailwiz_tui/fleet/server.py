"""A server of the inventory: its SSH settings, and its public addresses."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mailwiz_tui.plan.findings import Finding


class Server(BaseModel):
    """One entry of an inventory file of any format.

    ``proxy_jump`` has OpenSSH's form: ``[user@]host[:port]``, several separated by commas.
    ``known_hosts`` and ``identity_file`` are absolute; the readers expand ``~`` and resolve paths
    relative to the inventory. ``openssh_alias`` is the ``Host`` name under which ``~/.ssh/config`` has more
    about the server (its agent, its key alias); empty for servers that OpenSSH's configuration need not know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    host: str
    user: str = "root"
    port: int = Field(default=22, ge=1, le=65535)
    identity_file: Path | None = None
    proxy_jump: str = ""
    public_ipv4: str = ""
    public_ipv6: str = ""
    known_hosts: Path | None = None
    tags: tuple[str, ...] = ()
    openssh_alias: str = ""


class Inventory(BaseModel):
    """All servers of one inventory file, in the file's order.

    ``resolver`` is the DNS server for the servers' names (``ADDRESS`` or ``ADDRESS:PORT``): the operator's machine
    looks records up there; empty for the machine's own resolver. ``warnings`` are the skipped hosts of a foreign
    format (Ansible, OpenSSH), with reasons.
    """

    model_config = ConfigDict(frozen=True)

    source: Path | None = None
    servers: tuple[Server, ...] = ()
    resolver: str = ""
    warnings: tuple[Finding, ...] = ()

    def get(self, server_id: str) -> Server | None:
        """The server with this id, or None."""
        return next((s for s in self.servers if s.id == server_id), None)
