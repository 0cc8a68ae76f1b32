"""Waits until every address of a name answers with a file of this server, as an ACME server may ask any of them.

``challenges_reach.py PATH TEXT SECONDS NAME ADDRESS...``: asks each ADDRESS on port 80 for PATH of the host NAME,
until each has answered with TEXT or SECONDS have passed. Exit 1, with one line for each address that did not.
"""

from __future__ import annotations

import http.client
import sys
import time

PORT = 80
PATIENCE = 5.0
"""Seconds for one answer."""
PAUSE = 3.0
"""Seconds between two rounds."""
MOST_BYTES = 4096


def main(argv: list[str]) -> int:
    """Ask until all have answered."""
    path, text, seconds, name, *addresses = argv
    end = time.monotonic() + float(seconds)
    left = dict.fromkeys(addresses, "")
    told = False
    while True:
        faults = ((address, fault(address, name, path, text)) for address in left)
        left = {address: why for address, why in faults if why}
        if not left or time.monotonic() > end:
            break
        if not told:
            sys.stdout.write(f"waits up to {seconds} s for answers to challenges at {', '.join(left)}\n")
            sys.stdout.flush()
            told = True
        time.sleep(PAUSE)
    for address, why in left.items():
        sys.stderr.write(f"{address} does not answer challenges of this server for {name}: {why}\n")
    return 1 if left else 0


def fault(address: str, name: str, path: str, text: str) -> str:
    """Why an address does not answer with the text; empty if it does."""
    connection = http.client.HTTPConnection(address, PORT, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Host": name})
        answer = connection.getresponse()
        said = answer.read(MOST_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    if answer.status != http.client.OK:
        return f"{answer.status} {answer.reason}"
    return "" if said.strip() == text else "another answer"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
