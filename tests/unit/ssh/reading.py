"""Reading a known number of bytes from a channel."""

from __future__ import annotations

from mailwiz_tui.deploy.ssh import Channel


async def read_exactly(channel: Channel, count: int) -> bytes:
    """``count`` bytes, or what came before the end of the output. Raises ConnectionLost."""
    data = b""
    while len(data) < count and (part := await channel.read(count - len(data))):
        data += part
    return data
