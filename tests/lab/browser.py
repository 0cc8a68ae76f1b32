"""A real browser without a screen: Debian's chromium, driven over WebDriver, that finds lab hosts by name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
    "--ignore-certificate-errors",
)


class Browser:
    """A browser window; every look waits until what is looked for is there."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        self.driver.get(url)

    def find(self, css: str, seconds: float = 45) -> WebElement:
        return WebDriverWait(self.driver, seconds).until(
            until.visibility_of_element_located((By.CSS_SELECTOR, css))
        )

    def present(self, css: str, seconds: float = 45) -> WebElement:
        return WebDriverWait(self.driver, seconds).until(until.presence_of_element_located((By.CSS_SELECTOR, css)))

    def text(self, text: str, css: str = "*", seconds: float = 45) -> WebElement:
        path = f'//{css}[contains(normalize-space(.), "{text}")]'
        return WebDriverWait(self.driver, seconds).until(until.visibility_of_element_located((By.XPATH, path)))

    def fill(self, **fields: str) -> None:
        """Write into the fields with these names."""
        for name, value in fields.items():
            field = self.find(f'[name="{name}"]')
            field.clear()
            field.send_keys(value)

    def click(self, css: str, seconds: float = 45) -> None:
        WebDriverWait(self.driver, seconds).until(until.element_to_be_clickable((By.CSS_SELECTOR, css))).click()

    def arrived(self, url_part: str, seconds: float = 45) -> None:
        WebDriverWait(self.driver, seconds).until(until.url_contains(url_part))

    def frame(self, css: str) -> None:
        self.driver.switch_to.default_content()
        WebDriverWait(self.driver, 45).until(until.frame_to_be_available_and_switch_to_it((By.CSS_SELECTOR, css)))

    def top(self) -> None:
        self.driver.switch_to.default_content()

    def complaints(self) -> list[str]:
        """What the browser itself found wrong since it was last asked: refusals of the CSP, scripts that broke."""
        entries: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(entry["message"]) for entry in entries if entry["level"] == "SEVERE"]


@contextmanager
def browser(hosts: Mapping[str, str]) -> Iterator[Browser]:
    """A browser for which the names in ``hosts`` are at the addresses given, and no other name exists."""
    with tempfile.TemporaryDirectory(prefix="mailwiz-browser-") as folder:
        options = ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        rules = ", ".join([*(f"MAP {name} {address}" for name, address in hosts.items()), "MAP * ~NOTFOUND"])
        for flag in (*FLAGS, f"--host-resolver-rules={rules}", f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = Chrome(options=options, service=ChromeService("/usr/bin/chromedriver"))
        try:
            driver.set_page_load_timeout(30)
            yield Browser(driver)
        finally:
            driver.quit()
