"""A web server on the lab's wire that serves MTA-STS policies over HTTPS, by the domain asked for (RFC 8461)."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from mailwiz_tui.lab import keys
from mailwiz_tui.lab.lab import Lab


def policy(mode: str, *exchanges: str, seconds: int = 86400) -> str:
    """The text of a policy."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {name}" for name in exchanges), f"max_age: {seconds}"]
    return "".join(f"{line}\r\n" for line in lines)


@contextlib.contextmanager
def policy_host(lab: Lab, policies: Mapping[str, str], address: str) -> Iterator[list[str]]:
    """Publish the records of the domains and serve their policies while the block lasts; the domains asked for."""
    asked: list[str] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            domain = str(self.headers["Host"]).partition(":")[0].removeprefix("mta-sts.")
            asked.append(domain)
            text = policies[domain].encode() if self.path == "/.well-known/mta-sts.txt" else b""
            self.send_response(200 if text else 404)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nobody reads it."""

    for domain in policies:
        lab.dns.publish(f'mta-sts.{domain}. 5 IN A {address}\n_mta-sts.{domain}. 5 IN TXT "v=STSv1; id=1;"')
    server = http.server.ThreadingHTTPServer((address, 0), Answers, bind_and_activate=False)
    server.socket.close()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        issued = keys.issue(lab.paths, *(f"mta-sts.{domain}" for domain in policies))
        chain, key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
        chain.write_text(issued.chain)
        key.write_text(issued.key)
        context.load_cert_chain(chain, key)
    with lab.outside.listen(443, address) as plain, context.wrap_socket(plain, server_side=True) as server.socket:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()
