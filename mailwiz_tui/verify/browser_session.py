"""A minimal browser session: keeps cookies and sends forms, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from mailwiz_tui.verify.check import Failed
from mailwiz_tui.verify.web import Answer, Site

FORM = "application/x-www-form-urlencoded"


class BrowserSession:
    """One session with the site of the mail host. Raises the errors of ``Site.fetch``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._jar: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._keep(self._site.fetch(self._site.target.hostname, path, cookies=self._cookies))

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a form."""
        body = urlencode(fields).encode()
        answer = self._site.fetch(self._site.target.hostname, path, body=body, kind=FORM, cookies=self._cookies)
        return self._keep(answer)

    @property
    def _cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._jar.items())

    def _keep(self, answer: Answer) -> Answer:
        for line in answer.cookies:
            name, _, value = line.partition(";")[0].partition("=")
            self._jar[name.strip()] = value.strip()
        return answer


def form_value(answer: Answer, name: str) -> str:
    """The value of a hidden field in a page. Raises ``Failed`` where there is none."""
    text = answer.body.decode("utf-8", "replace")
    for tag in re.findall(r"<input[^>]*>", text):
        if re.search(rf"""\bname=["']{re.escape(name)}["']""", tag):
            found = re.search(r"""\bvalue=["']([^"']*)["']""", tag)
            if found:
                return str(found[1])
    raise Failed(f"expected a login form with the field {name}, got {answer.status} without one")
