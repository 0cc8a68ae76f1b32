"""The registry of all actions: keys, key bar, palette and help are generated from it.

Only keys that tmux, screen, terminals and slow links pass through: function keys, letters outside fields,
arrows, Enter, Escape. Escape closes dialogs and prompts and does nothing else. Keys of a form have no priority:
Textual would handle them before the keys typed ahead for a field, which would then lose its last characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Action:
    """One action: ``name`` is the method ``action_<name>``; ``scope`` is the kind of screen that has it.

    ``label`` is its text in the key bar, ``help`` the sentence in palette and help. ``bar`` is its rank in the
    key bar (0: not shown there).
    """

    id: str
    key: str
    name: str
    label: str
    help: str
    scope: str
    bar: int = 0
    priority: bool = False

    @property
    def key_text(self) -> str:
        """The key as people write it: ``F8``, ``Ctrl+Q``."""
        return "/".join(_key_text(key) for key in self.key.split(","))


def _key_text(key: str) -> str:
    names = {
        "left_square_bracket": "[",
        "right_square_bracket": "]",
        "slash": "/",
        "ampersand": "&",
        "space": "Space",
    }
    if key in names:
        return names[key]
    if len(key) == 1:
        return key
    return "+".join(part.capitalize() for part in key.split("+"))


ACTIONS: tuple[Action, ...] = (
    Action("app.help", "f1", "help", "Help", "Explain this screen and its fields", "app", 1, True),
    Action("app.palette", "ctrl+p", "command_palette", "Actions", "List every action by name", "app", 90),
    Action(
        "app.quit",
        "ctrl+q",
        "quit_safely",
        "Quit",
        "Quit; asks first if something is running or not saved",
        "app",
        99,
        True,
    ),
    Action("app.contrast", "f9", "contrast", "Contrast", "Switch high-contrast colours on or off", "app"),
    Action("start.continue", "c", "continue_draft", "Continue", "Continue the draft", "start", 10),
    Action("start.new", "n", "new_draft", "New", "Begin a new plan; the old draft is kept", "start", 11),
    Action("start.add_server", "a", "add_server", "Add server", "Add a server by hand", "start", 12),
    Action("start.ssh_config", "s", "ssh_config", "SSH config", "Use the hosts of ~/.ssh/config", "start", 13),
    Action("start.monitor", "m", "monitor", "Monitor", "Watch the running servers of this plan", "start", 15),
    Action("start.lab", "l", "lab", "Lab", "Rehearse on disposable hosts on this machine", "start", 14),
    Action("start.accounts", "u", "accounts", "Accounts", "Manage mailboxes and aliases", "start", 16),
    Action("step.next", "f8", "next_step", "Next", "Go to the next step", "step", 20),
    Action("step.back", "f7", "previous_step", "Back", "Go to the previous step; no answer is lost", "step", 19),
    Action("step.list", "f2", "steps", "Steps", "Jump to any step", "step", 21),
    Action("step.dns", "f3", "dns_preview", "DNS", "Show the DNS records of the plan so far", "step", 22),
    Action("step.review", "f4", "review", "Review", "Show what is missing and what will be installed", "step", 23),
    Action(
        "roles.probe",
        "f5",
        "probe",
        "Check",
        "Connect to the chosen servers; read system, memory, disk",
        "roles",
        30,
    ),
    Action("roles.add", "f6", "add_server", "Add server", "Add a server by hand to the inventory", "roles", 31),
    Action(
        "roles.traffic",
        "f10",
        "traffic",
        "Connections",
        "Show which servers connect to which, and on which ports",
        "roles",
        32,
    ),
    Action(
        "traffic.test",
        "f5",
        "try_network",
        "Test network",
        "Test the network between the servers; changes nothing",
        "traffic",
        30,
    ),
    Action(
        "dns.refresh",
        "f5",
        "fetch_keys",
        "Get keys",
        "Generate DKIM keys on the servers and show the real records",
        "dns",
        30,
    ),
    Action(
        "dns.compare",
        "l",
        "compare_records",
        "Look up",
        "Look the records up in the DNS: published, wrong or missing",
        "dns",
        31,
    ),
    Action("dns.copy", "c", "copy_value", "Copy", "Copy the value to the terminal's clipboard", "dns", 32),
    Action("records.copy", "c", "copy_value", "Copy", "Copy the value to the terminal's clipboard", "records", 32),
    Action("dns.save", "f6", "save_zone", "Save zone", "Write the records to a zone file", "dns", 33),
    Action("domains.add", "f5", "add_domain", "Add domain", "Add another domain", "domains", 30),
    Action("review.back", "f7", "back", "Back", "Go back to the steps", "review", 19, True),
    Action(
        "review.install",
        "f8",
        "install",
        "Install",
        "Install on the servers; asks for confirmation",
        "review",
        20,
        True,
    ),
    Action("review.compare", "f5", "compare", "Compare", "Compare with the servers; changes nothing", "review", 21),
    Action(
        "run.next_server",
        "right_square_bracket",
        "next_server",
        "Next log",
        "Show the next server's log",
        "run",
        30,
    ),
    Action(
        "run.previous_server",
        "left_square_bracket",
        "previous_server",
        "Previous log",
        "Show the previous server's log",
        "run",
    ),
    Action("run.server", "1-9", "choose_server", "Server", "Show that server's log", "run"),
    Action("log.follow", "f", "follow", "Follow", "Go to the end of the log and follow it", "log", 31),
    Action("log.pause", "p", "pause", "Pause", "Stop scrolling; new lines are still recorded", "log", 32),
    Action("log.find", "slash", "find", "Find", "Find text in the log", "log", 33),
    Action("log.find_next", "n", "find_next", "Find next", "Go to the previous match, upwards from the end", "log"),
    Action("log.find_previous", "N", "find_previous", "Find back", "Go to the next match, downwards", "log"),
    Action("log.filter", "ampersand", "filter", "Filter", "Show only lines that contain a text", "log", 34),
    Action("log.error", "e", "next_error", "Error", "Go to the previous error, upwards from the end", "log", 35),
    Action("log.mark", "m", "mark", "Mark", "Insert a mark with the time into the log", "log"),
    Action("log.times", "t", "times", "Times", "Show the time of each line", "log", 39),
    Action("log.wrap", "w", "wrap", "Wrap", "Wrap long lines of the log", "log", 40),
    Action("log.zoom", "z", "zoom", "Zoom", "Show the log on the whole screen", "log", 36),
    Action("log.copy", "y", "copy", "Copy", "Copy the visible lines to the terminal's clipboard", "log"),
    Action("log.save", "s", "save_log", "Save", "Write the whole log to a file", "log", 37),
    Action("run.steps", "l", "step_list", "Steps/log", "Switch between the list of steps and the log", "run", 29),
    Action("run.retry", "r", "retry", "Retry", "Continue the chosen server from the failed step", "run", 38),
    Action("run.skip", "k", "skip", "Skip", "Continue without the failed step, if it is optional", "run", 39),
    Action("run.results", "enter", "results", "Results", "Show first passwords and checks when done", "run", 20),
    Action("run.leave", "f7", "leave", "Back", "Go back to the review, when nothing is running", "run", 19, True),
    Action("run.accounts", "u", "accounts", "Accounts", "Manage mailboxes and aliases", "run", 40),
    Action("verify.again", "r", "again", "Check again", "Run all checks again", "verify", 20),
    Action(
        "verify.failures", "e", "next_failure", "Next failure", "Go to the next check that failed", "verify", 21
    ),
    Action("verify.log", "l", "log", "Log", "Go back to the installation's log", "verify", 22),
    Action("verify.monitor", "m", "monitor", "Monitor", "Watch the running servers", "verify", 23),
    Action("verify.steps", "f7", "steps", "Steps", "Go back to the steps", "verify", 19, True),
    Action("verify.accounts", "u", "accounts", "Accounts", "Manage mailboxes and aliases", "verify", 24),
    Action("accounts.add", "a", "add_mailbox", "Add", "Add a mailbox", "accounts", 30),
    Action("accounts.alias", "l", "add_alias", "Alias", "Add an alias, or a target to an alias", "accounts", 31),
    Action("accounts.password", "p", "new_password", "Password", "Set a new mailbox password", "accounts", 32),
    Action("accounts.quota", "u", "set_quota", "Quota", "Set the maximum size of a mailbox", "accounts", 33),
    Action("accounts.use", "d", "switch_use", "In/out", "Take a mailbox out of use or back in use", "accounts", 34),
    Action("accounts.remove", "x", "remove_account", "Remove", "Remove a mailbox or an alias", "accounts", 35),
    Action("accounts.move", "m", "move_mailbox", "Move", "Move a mailbox to another store", "accounts", 38),
    Action("accounts.find", "slash", "find_account", "Filter", "Filter by part of address or name", "accounts", 36),
    Action("accounts.refresh", "r", "refresh_accounts", "Reload", "Read the accounts again", "accounts", 37),
    Action("accounts.back", "f7", "leave_accounts", "Back", "Go back to the previous screen", "accounts", 19, True),
    Action(
        "monitor.next_server", "right_square_bracket", "next_server", "Next", "Show the next server", "monitor", 28
    ),
    Action(
        "monitor.previous_server",
        "left_square_bracket",
        "previous_server",
        "Previous",
        "Show the previous server",
        "monitor",
    ),
    Action("monitor.server", "1-9", "choose_server", "Server", "Show that server", "monitor"),
    Action("monitor.all", "a", "all_alerts", "All", "List all problems, each with advice", "monitor", 29),
    Action("monitor.now", "f5,r", "look_now", "Refresh", "Check the servers now", "monitor", 30),
    Action(
        "monitor.installation",
        "i",
        "installation",
        "Installation",
        "Show the installation in progress",
        "monitor",
        27,
    ),
    Action("monitor.leave", "f7", "leave", "Back", "Go back; monitoring continues", "monitor", 19, True),
    Action("password.copy", "c", "copy_password", "Copy", "Copy it to the terminal's clipboard", "password"),
    Action("dialog.close", "escape", "close", "Close", "Close this dialog without doing anything", "dialog", 90),
)


MOVING: tuple[tuple[str, str], ...] = (
    ("Tab, ↓", "Go to the next field"),
    ("⇧Tab, ↑", "Go to the previous field"),
    ("← → Space", "Change a choice"),
    ("Enter", "Accept and go to the next field, or from the last to the next step"),
    ("Esc", "Close a dialog; no answer is lost"),
)
"""The keys that every form has; they are not actions."""


@lru_cache
def actions_for(*scopes: str) -> tuple[Action, ...]:
    """The actions of the scopes, in registry order."""
    return tuple(action for action in ACTIONS if action.scope in scopes)


def bindings_for(*scopes: str) -> list[Binding]:
    """Textual's bindings of the scopes, with the registry's ids so that a keymap can override them."""
    return [
        Binding(a.key, a.name, a.label, tooltip=a.help, id=a.id, priority=a.priority, show=a.bar > 0)
        for a in actions_for(*scopes)
    ]


def key_table(*scopes: str) -> list[tuple[str, str]]:
    """Key and help of each action of the scopes (of all scopes if none is named)."""
    chosen = actions_for(*scopes) if scopes else ACTIONS
    return [(a.key_text, a.help) for a in chosen]
