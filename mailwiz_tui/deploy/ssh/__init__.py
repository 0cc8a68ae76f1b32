"""SSH to the servers: the only package that knows asyncssh.

``connect`` gives a ``Connection``; ``Connection.open_privileged`` a ``Channel`` to a command that runs as root.
Everything that goes wrong is an ``SshError``; a connection that ended early is ``ConnectionLost``.
"""

from mailwiz_tui.deploy.ssh.channel import Channel
from mailwiz_tui.deploy.ssh.connection import Completed, Connection
from mailwiz_tui.deploy.ssh.errors import ConnectionLost, SshError, SshErrorKind
from mailwiz_tui.deploy.ssh.transport import connect
from mailwiz_tui.deploy.ssh.tunnels import Tunnels

__all__ = [
    "Channel",
    "Completed",
    "Connection",
    "ConnectionLost",
    "SshError",
    "SshErrorKind",
    "Tunnels",
    "connect",
]
