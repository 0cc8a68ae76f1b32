"""One SMTP dialogue, command by command, with the replies.

Only the standard library is used and nothing of this package, for the same source also runs on a server
(``remote.py`` sends it there) when port 25 cannot be reached from the operator's machine.
RFC 5321 (SMTP), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
from typing import Any

HELO = "verification.mailwiz-check.invalid"
"""What checks greet as. An address literal would be correct too, but spam filters score it."""
QUIET = 1.5
"""How many seconds without a reply mean that the server waits for more."""
ACCEPTANCE = 4
"""The reply to a whole message may take this many times as long as other replies."""
IGNORED = "not treated as the end of data"
CLOSED = 0
"""The code for no answer: the connection was closed, or the step was not reached."""


def pinned(pem: str) -> ssl.SSLContext:
    """A client context that accepts exactly the certificate given, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=pem)
    return context


class Dialog:
    """A connection to an SMTP server; every step returns the reply code and text.

    ``pem`` is the certificate the server must show once TLS starts. Raises ``OSError`` where no connection
    can be made (``ssl.SSLError`` where the certificate is another).
    """

    def __init__(self, host: str, port: int, *, pem: str, implicit: bool = False, seconds: float = 15.0) -> None:
        self._pem = pem
        self._hostname = host
        self._seconds = seconds
        self._socket = socket.create_connection((host, port), timeout=seconds)
        try:
            if implicit:
                self._start_tls()
            self._file = self._socket.makefile("rb")
        except BaseException:
            self._socket.close()
            raise

    def reply(self) -> tuple[int, str]:
        """The next reply: its code and its lines, joined by newlines; ``CLOSED`` where none comes."""
        lines: list[str] = []
        while True:
            try:
                line = self._file.readline(8192)
            except OSError as error:
                return CLOSED, "\n".join([*lines, f"no answer: {error}"])
            if not line:
                return CLOSED, "\n".join([*lines, "the connection was closed"])
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            lines.append(text[4:])
            if text[3:4] != "-":
                code = int(text[:3]) if text[:3].isdigit() else CLOSED
                return code, "\n".join(lines)

    def send(self, command: str) -> tuple[int, str]:
        """Send a command and return the reply; ``STARTTLS`` starts TLS when the server agrees."""
        try:
            self._socket.sendall(command.encode() + b"\r\n")
        except OSError as error:
            return CLOSED, f"the connection was closed: {error}"
        code, text = self.reply()
        if command.upper() == "STARTTLS" and code == 220:
            self._file.close()
            self._start_tls()
            self._file = self._socket.makefile("rb")
        return code, text

    def message(self, text: str) -> tuple[int, str]:
        """Send a message: ``DATA``, then the text with dots doubled (RFC 5321 section 4.5.2)."""
        code, said = self.send("DATA")
        if code != 354:
            return code, said
        lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
        body = "".join(f".{line}\r\n" if line.startswith(".") else f"{line}\r\n" for line in lines)
        # filters look at it now: RFC 5321 section 4.5.3.2.6 grants them ten minutes
        self._socket.settimeout(self._seconds * ACCEPTANCE)
        try:
            return self.send(f"{body}.")
        finally:
            self._socket.settimeout(self._seconds)

    def smuggle(self, text: str, ending: str) -> tuple[int, str]:
        """Send a message with ``ending`` inside, which is not the end of a mail (RFC 5321 section 2.3.8).

        The reply, if the server took it for the end all the same; else ``CLOSED`` and what it said at the
        true end. Raises nothing for a server that hangs up.
        """
        code, said = self.send("DATA")
        if code != 354:
            return code, said
        try:
            self._socket.sendall(f"{text.rstrip()}{ending}".encode())
            if select.select([self._socket], [], [], QUIET)[0]:
                return self.reply()
            self._socket.sendall(b"\r\n.\r\n")
        except OSError as error:
            return CLOSED, f"the connection was closed: {error}"
        code, said = self.reply()
        return CLOSED, f"{IGNORED}, and the real end was answered with {code} {said}"

    def close(self) -> None:
        """End the connection."""
        self.send("QUIT")
        self._file.close()
        self._socket.close()

    def _start_tls(self) -> None:
        self._socket = pinned(self._pem).wrap_socket(self._socket, server_hostname=self._hostname)


def talk(spec: dict[str, Any]) -> list[list[Any]]:
    """Run a dialogue and return ``[code, text]`` for the greeting and for each step.

    ``spec``: ``host``, ``port``, ``pem``, ``seconds`` and ``steps``; a step is a command, or a list: a message to
    send, and optionally a false ending to try in it (``smuggle``). ``EHLO`` alone is completed with ``HELO``.
    A message is sent only if the step before it, its recipient, was accepted.
    """
    dialog = Dialog(spec["host"], spec["port"], pem=spec["pem"], seconds=spec["seconds"])
    replies: list[list[Any]] = [list(dialog.reply())]
    for step in spec["steps"]:
        if isinstance(step, list):
            accepted = 200 <= replies[-1][0] < 300
            if not accepted:
                replies.append([CLOSED, "not sent"])
                continue
            replies.append(list(dialog.smuggle(*step) if len(step) > 1 else dialog.message(*step)))
        else:
            replies.append(list(dialog.send(f"EHLO {HELO}" if step == "EHLO" else step)))
        if replies[-1][0] == CLOSED and not replies[-1][1].startswith(IGNORED):
            break
    replies += [[CLOSED, "the connection was closed before"]] * (len(spec["steps"]) + 1 - len(replies))
    dialog.close()
    return replies


if __name__ == "__main__":
    try:
        print(json.dumps({"replies": talk(json.loads(sys.argv[1]))}))  # noqa: T201
    except (OSError, ValueError) as error:
        print(json.dumps({"error": str(error)}))  # noqa: T201
