"""SSH to the servers: the only package that knows asyncssh.

``connect`` gives a ``Connection``; ``Connection.open_privileged`` a ``Channel`` to a command that runs as root.
Everything that goes wrong is an ``SshError``; a connection that ended early is ``ConnectionLost``.
"""

from mailwiz_tui.install.ssh.channel import Channel
from mailwiz_tui.install.ssh.connection import Completed, Connection
from mailwiz_tui.install.ssh.errors import ConnectionLost, SshError, SshErrorKind
from mailwiz_tui.install.ssh.transport import connect
from mailwiz_tui.install.ssh.tunnels import Tunnels

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
