"""A check without an answer is made once more, where only a few are: a busy server is not a broken one."""

from __future__ import annotations

from collections import Counter

from mailwiz_tui.verify import check as checks
from mailwiz_tui.verify.check import Check, Failed, perform_all
from mailwiz_tui.verify.result import CheckResult, CheckState


class Server:
    """Answers each check from its given try on; 0 is never."""

    def __init__(self, **answers_at: int) -> None:
        self.answers_at = answers_at
        self.tries: Counter[str] = Counter()
        self.told: list[CheckResult] = []

    def check(self, name: str) -> Check:
        def action() -> str:
            self.tries[name] += 1
            if self.tries[name] != self.answers_at[name]:
                raise TimeoutError("The read operation timed out")
            return "seen"

        return Check(name, f"{name} works.", action, f"look at {name}")

    async def verify(self) -> dict[str, CheckResult]:
        results = await perform_all([self.check(name) for name in self.answers_at], "mx1", self.told.append)
        assert [r.id for r in results] == list(self.answers_at)
        assert sorted(r.id for r in self.told) == sorted(self.answers_at), "each is told of once"
        return {r.id: r for r in results}


async def test_the_second_try_counts_and_is_told() -> None:
    found = await Server(slow=2, quick=1).verify()
    assert (found["slow"].state, found["slow"].detail) == (CheckState.PASSED, "seen; answered at the second try")
    assert found["quick"].detail == "seen"


async def test_what_never_answers_fails_after_two_tries() -> None:
    server = Server(dead=0, quick=1)
    found = await server.verify()
    assert found["dead"].state is CheckState.FAILED
    assert "expected an answer, got none (The read operation timed out)" in found["dead"].detail
    assert found["dead"].advice == "look at dead"
    assert server.tries["dead"] == 2


async def test_a_server_that_answers_nothing_is_not_waited_for_twice() -> None:
    server = Server(**dict.fromkeys((f"c{n}" for n in range(checks.SECOND_TRIES + 1)), 0))
    assert {r.state for r in (await server.verify()).values()} == {CheckState.FAILED}
    assert set(server.tries.values()) == {1}


async def test_a_wrong_answer_is_not_asked_for_again() -> None:
    tries: list[int] = []

    def wrong() -> str:
        tries.append(1)
        raise Failed("expected 250, got 550")

    (result,) = await perform_all([Check("wrong", "It works.", wrong)], "mx1", lambda told: None)
    assert (result.state, len(tries)) == (CheckState.FAILED, 1)
