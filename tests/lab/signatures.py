"""A mirror of virus signatures on the lab's wire: one file that knows the test virus, served over HTTP."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator

from mailwiz_tui.lab.lab import Lab

EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURES = b"44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n"
NAME = "signatures.outside.test"


class _Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/eicar.hdb"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(SIGNATURES) if found else 0))
        self.send_header("Last-Modified", "Tue, 01 Jul 2025 00:00:00 GMT")
        self.end_headers()
        if found:
            self.wfile.write(SIGNATURES)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nobody reads it."""


@contextlib.contextmanager
def signature_mirror(lab: Lab) -> Iterator[str]:
    """Serve for as long as the block lasts; the URL of the signatures."""
    lab.dns.publish(f"{NAME}. 5 IN A {lab.outside.address.ipv4}")
    server = http.server.ThreadingHTTPServer((str(lab.outside.address.ipv4), 0), _Mirror, bind_and_activate=False)
    server.socket.close()
    with lab.outside.listen() as server.socket:
        port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield f"http://{NAME}:{port}/eicar.hdb"
        finally:
            server.shutdown()
            thread.join()
