"""A milter that has spamd scan each message during the SMTP session.

Runs on servers, with Python 3.11 and newer and Debian's python3-milter. Spam is rejected from one score on and
marked from another (X-Spam: Yes); foreign marks and Authentication-Results are removed, and those of this server
added. Mail of users is scanned too, but nothing is added to it. A message that was not scanned is deferred, never
accepted.

usage: python3 -m mailwiz.spamassassin.spamd_milter SETTINGS    a JSON object
"""

from __future__ import annotations

import json
import sys
import syslog
import tempfile
from email.utils import formatdate
from typing import Any, ClassVar

import Milter

from . import authentication_results as authentication
from .spamd import Spamd, Verdict

IDENT = "mailwiz-spamd-milter"


class Filter(Milter.Base):  # type: ignore[misc]  # python3-milter has no types
    """One connection of Postfix; Milter.Base names the methods."""

    spamd: ClassVar[Spamd]
    junk: ClassVar[float] = 0.0
    reject: ClassVar[float] = 0.0

    def __init__(self) -> None:
        self.name = self.helo = "unknown"
        self.address = "127.0.0.1"
        self._begin_message("")

    def connect(self, name: str, family: object, address: Any) -> Any:
        self.name = "unknown" if name.startswith("[") else name
        self.address = address[0] if address else "127.0.0.1"
        self.helo = "unknown"
        return Milter.CONTINUE

    def hello(self, name: str) -> Any:
        self.helo = name
        return Milter.CONTINUE

    def envfrom(self, sender: str, *rest: str) -> Any:
        self._begin_message(sender)
        self.user = self.getsymval("{auth_authen}") or ""
        return Milter.CONTINUE

    def _begin_message(self, sender: str) -> None:
        self.sender, self.recipient, self.user = sender, "", ""
        self.foreign: list[str] = []
        self.results: list[str] = []
        self.authors: list[str] = []
        self.mail: tempfile.SpooledTemporaryFile[bytes] | None = None

    def envrcpt(self, recipient: str, *rest: str) -> Any:
        self.recipient = self.recipient or recipient
        return Milter.CONTINUE

    def _file(self) -> tempfile.SpooledTemporaryFile[bytes]:
        """The message for spamd: with a Received field for this server first, which Postfix adds only later."""
        if self.mail is None:
            host = self.getsymval("j") or "localhost"
            how = "ESMTPSA" if self.user else "ESMTP"
            place = f"IPv6:{self.address}" if ":" in self.address else self.address
            self.mail = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115
            self._write(
                f"X-Envelope-From: {self.sender}\r\n"
                f"Received: from {self.helo} ({self.name} [{place}])\r\n\tby {host} (Postfix) with {how}"
                f" id {self.getsymval('i') or 'unknown'}\r\n\tfor {self.recipient};"
                f" {formatdate(localtime=True)}\r\n"
            )
        return self.mail

    def _write(self, text: str) -> None:
        self._file().write(text.encode("utf-8", "surrogateescape"))

    def header(self, name: str, value: str) -> Any:
        self._file()
        known = name.strip().lower()
        if known == "from":
            self.authors.append(value)
        if known == authentication.NAME.lower():
            self.foreign.append(name)
            self.results.append(value)
        if known.startswith("x-spam"):
            self.foreign.append(name)
            return Milter.CONTINUE
        folded = value.replace("\r\n", "\n").replace("\n", "\r\n")
        self._write(f"{name}: {folded}\r\n")
        return Milter.CONTINUE

    def eoh(self) -> Any:
        self._write("\r\n")
        return Milter.CONTINUE

    def body(self, chunk: bytes) -> Any:
        self._file().write(chunk)
        return Milter.CONTINUE

    def eom(self) -> Any:
        try:
            verdict = self.spamd.verdict(self._file())
        except (OSError, ValueError) as error:
            syslog.syslog(f"deferred mail from {self.sender}: {error}")
            self.setreply("451", "4.7.1", "The spam filter does not answer, try again later")
            return Milter.TEMPFAIL
        finally:
            self._end()
        if verdict.score >= self.reject:
            named = ",".join(verdict.rules)
            syslog.syslog(f"rejected mail from {self.sender} for {self.recipient}: {verdict.score} {named}")
            self.setreply("554", "5.7.1", "Message refused by the spam filter")
            return Milter.REJECT
        if not self.user:
            self._mark(verdict)
        return Milter.CONTINUE

    def _mark(self, verdict: Verdict) -> None:
        told = authentication.evaluated(verdict.rules)
        self._take_out([name for name in self.foreign if told or name.strip().lower().startswith("x-spam")])
        spam = verdict.score >= self.junk
        if spam:
            self.addheader("X-Spam", "Yes")
        named = ",\n\t".join(verdict.rules)
        status = f"{'Yes' if spam else 'No'}, score={verdict.score} required={self.junk}\n\ttests={named}"
        self.addheader("X-Spam-Status", status)
        if told:
            # at the top, above the fields of earlier servers (RFC 8601 section 5)
            self.addheader(authentication.NAME, authentication.value(self._message(), verdict.rules), 0)

    def _take_out(self, names: list[str]) -> None:
        count: dict[str, int] = {}
        for name in names:
            count[name.lower()] = count.get(name.lower(), 0) + 1
        for name, last in count.items():
            for index in range(last, 0, -1):
                self.chgheader(name, index, "")

    def _message(self) -> authentication.Message:
        return authentication.Message(
            server=self.getsymval("j") or "localhost",
            queue_id=self.getsymval("i") or "",
            helo=self.helo,
            sender=self.sender.strip("<>"),
            authors=tuple(self.authors),
            results=tuple(self.results),
        )

    def _end(self) -> None:
        if self.mail is not None:
            self.mail.close()
            self.mail = None

    def abort(self) -> Any:
        self._end()
        return Milter.CONTINUE

    def close(self) -> Any:
        self._end()
        return Milter.CONTINUE


def main(path: str) -> None:
    """Serve until the unit is stopped."""
    with open(path, encoding="utf-8") as handle:
        settings = json.load(handle)
    syslog.openlog(IDENT, syslog.LOG_PID, syslog.LOG_MAIL)
    Filter.spamd = Spamd(settings["spamd_host"], int(settings["spamd_port"]), float(settings["seconds"]))
    Filter.junk, Filter.reject = float(settings["junk"]), float(settings["reject"])
    Milter.factory = Filter
    Milter.set_flags(Milter.ADDHDRS + Milter.CHGHDRS)
    Milter.runmilter(IDENT, settings["socket"], 120)


if __name__ == "__main__":
    main(sys.argv[1])
