"""What people do in the web applications, done in a real browser: webmail's users, the panel's administrator."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.lab.browser import Browser

_FETCH = """
const done = arguments[1];
fetch(arguments[0], {credentials: "same-origin"}).then(r => r.arrayBuffer())
    .then(b => crypto.subtle.digest("SHA-256", b))
    .then(d => done([...new Uint8Array(d)].map(x => x.toString(16).padStart(2, "0")).join("")))
    .catch(e => done("failed: " + e));
"""


class Webmail:
    """Roundcube in a browser."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url

    def try_login(self, user: str, password: str) -> bool:
        """Log in without cookies of an earlier session; whether the login succeeded."""
        self.browser.driver.delete_all_cookies()
        self.browser.open(self.url)
        self.browser.fill(_user=user, _pass=password)
        self.browser.click("#rcmloginsubmit")
        WebDriverWait(self.browser.driver, 20).until(
            until.any_of(
                until.url_contains("_task=mail"),
                until.visibility_of_element_located((By.CSS_SELECTOR, "#messagestack .alert-warning, .ui.alert")),
            )
        )
        return "_task=mail" in self.browser.driver.current_url

    def write(self, recipient: str, subject: str, text: str, attachment: Path | None = None) -> None:
        """Write a mail and press the button, whatever comes of it."""
        self.browser.open(f"{self.url}?_task=mail&_action=compose")
        self.browser.find("#compose_to input").send_keys(f"{recipient},")
        self.browser.find("#compose-subject").send_keys(subject)
        self.browser.find("#composebody").send_keys(text)
        if attachment:
            self.attach(attachment)
        self.browser.click("button.send")

    def send(self, recipient: str, subject: str, text: str, attachment: Path | None = None) -> None:
        """Write a mail and send it."""
        self.write(recipient, subject, text, attachment)
        self.browser.arrived("_mbox=", 60)

    def attach(self, file: Path) -> None:
        """Choose a file in the mail being written, and wait until it is uploaded."""
        self.browser.present("input[type=file]").send_keys(str(file))
        self.browser.present("#attachment-list li:not(.uploading)", 60)

    def read(self, subject: str, folder: str = "INBOX") -> str:
        """Open a mail by its subject; its text."""
        self.browser.open(f"{self.url}?_task=mail&_mbox={folder}")
        link = self.browser.text(subject, "a", 30).get_attribute("href")
        self.browser.open(str(link).replace("_action=preview", "_action=show"))
        return self.browser.find("#messagebody").text

    def attachment_sha256(self, name: str) -> str:
        """The SHA-256 of an attachment of the mail that is open, as the browser downloads it."""
        link = self.browser.text(name, 'ul[@id="attachment-list"]//a')
        url = str(link.get_attribute("href"))
        self.browser.driver.set_script_timeout(60)
        return str(self.browser.driver.execute_async_script(_FETCH, f"{url}&_download=1"))

    def make_filter(self, name: str, subject: str, folder: str) -> None:
        """A filter that moves mail by its subject into a folder."""
        self.browser.open(f"{self.url}?_task=settings&_action=plugin.managesieve")
        self.browser.click("a.create")
        self.browser.frame("#filter-box")
        self.browser.fill(_name=name)
        self._choose("_header[0]", "subject")
        self.browser.find('[name="_rule_target[0][]"]').send_keys(subject)
        self._choose("_action_type[0]", "fileinto")
        self._choose("_action_mailbox[0]", folder)
        self.browser.click("button.submit")
        self.browser.top()
        self.browser.text(name, "td")

    def _choose(self, field: str, value: str) -> None:
        Select(self.browser.find(f'[name="{field}"]')).select_by_value(value)

    def change_password(self, old: str, new: str) -> str:
        """Change the password in the settings; what the page says then."""
        self.browser.open(f"{self.url}?_task=settings&_action=plugin.password")
        self.browser.fill(_curpasswd=old, _newpasswd=new, _confpasswd=new)
        self.browser.click("button.submit")
        return self.browser.find("#messagestack .ui").text


class Panel:
    """PostfixAdmin in a browser."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url

    def try_login(self, user: str, password: str, page: str = "login.php") -> bool:
        """Log in without cookies of an earlier session; whether the login succeeded."""
        self.browser.driver.delete_all_cookies()
        self.browser.open(f"{self.url}{page}")
        self.browser.fill(fUsername=user, fPassword=password)
        self.browser.click('[name="submit"]')
        WebDriverWait(self.browser.driver, 20).until(
            until.any_of(
                until.url_contains("main.php"),
                until.visibility_of_element_located((By.CSS_SELECTOR, ".alert-danger, .error_msg, .flash-error")),
            )
        )
        return "main.php" in self.browser.driver.current_url

    def add_domain(self, domain: str) -> str:
        """Make a domain as the administrator, from the list of domains on; what the page says then."""
        self.browser.open(f"{self.url}list.php?table=domain")
        self.browser.click('a.btn[href="edit.php?table=domain"]')
        self.browser.find('[name="value[domain]"]').send_keys(domain)
        self.browser.click('[name="submit"]')
        return self.browser.find(".alert").text

    def add_mailbox(self, local_part: str, domain: str, password: str) -> str:
        """Make a mailbox as the administrator; what the page says then."""
        self.browser.open(f"{self.url}edit.php?table=mailbox&domain={domain}")
        self.browser.find('[name="value[local_part]"]').send_keys(local_part)
        self.browser.find('[name="value[password]"]').send_keys(password)
        self.browser.find('[name="value[password2]"]').send_keys(password)
        self.browser.click('[name="submit"]')
        return self.browser.find(".alert").text
