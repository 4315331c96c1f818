"""The line alone, under a clock that the test moves: who is called, who waits, who makes way."""

import random
from dataclasses import dataclass, field

import pytest

from enclave.core.refusal import Refused
from enclave.gateway import line
from enclave.gateway.line import (
    OF_ALL,
    OF_PERSON,
    QUANTUM,
    Line,
    Places,
    Stage,
    Turn,
    places_for,
)


@dataclass
class Moment:
    """The clock."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Waiting:
    """A line with a clock of its own."""

    places: Places
    moment: Moment = field(default_factory=Moment)

    def __post_init__(self) -> None:
        self.line = Line(self.places, self.moment)

    def ask(self, person: str, project: str = "p") -> Turn:
        turn = self.line.enter(person, project)
        self.line.ask(turn)
        return turn

    def pass_by(self, seconds: float) -> None:
        """Time passes, looked at as often as the gateway does."""
        end = self.moment.at + seconds
        while self.moment.at < end:
            self.moment.at = min(end, self.moment.at + 0.1)
            self.line.tick()


def came(*turns: Turn) -> list[bool]:
    return [turn.called.done() and turn.stage is not Stage.GONE for turn in turns]


def test_as_many_run_at_once_as_there_are_places_and_the_others_wait_in_their_order() -> None:
    at = Waiting(Places(2, 2))
    turns = [at.ask(f"person {n}") for n in range(5)]
    assert came(*turns) == [True, True, False, False, False]
    at.line.leave(turns[1])
    assert came(*turns[2:]) == [True, False, False]
    assert at.line.waiting == 2


def test_a_person_who_asks_much_is_called_as_often_as_one_who_asks_little() -> None:
    """Sixteen questions that came first do not go before somebody's one."""
    at = Waiting(Places(1, 1))
    running = at.ask("suda")
    many = [at.ask("tanaka") for _ in range(OF_PERSON)]
    at.moment.at += 0.1
    at.line.leave(running)
    one = at.ask("mori")
    at.moment.at += 0.1
    assert came(*many[:2], one) == [True, False, False]
    at.line.leave(many[0])
    assert came(many[1], one) == [False, True]


def test_a_question_that_lasts_makes_way_and_the_next_short_one_does_not_wait_for_it() -> None:
    slowed: list[str] = []
    at = Waiting(Places(1, 1))
    lasting = at.line.enter("tanaka", "p", lambda: slowed.append("tanaka"))
    at.line.ask(lasting)
    short = at.ask("suda")
    assert came(lasting, short) == [True, False]
    at.pass_by(QUANTUM + 0.1)
    assert came(short) == [True]
    assert set(slowed) == {"tanaka"}


def test_whoever_is_alone_makes_way_for_nobody() -> None:
    """Until somebody comes: then it does."""
    slowed: list[str] = []
    at = Waiting(Places(2, 2))
    lasting = at.line.enter("tanaka", "p", lambda: slowed.append("tanaka"))
    at.line.ask(lasting)
    at.pass_by(10)
    assert slowed == []
    at.ask("suda")
    assert slowed == ["tanaka"]


def test_long_questions_have_their_own_places_and_no_more_than_these() -> None:
    """With every long place taken a question that lasts keeps the short one that it has."""
    at = Waiting(Places(1, 2))
    turns = [at.ask(f"person {n}") for n in range(4)]
    at.pass_by(QUANTUM + 0.1)
    assert came(*turns) == [True, True, False, False]
    at.pass_by(QUANTUM + 0.1)
    assert came(*turns) == [True, True, True, False]
    at.pass_by(60)
    assert came(turns[3]) == [False]
    at.line.leave(turns[0])
    assert came(turns[3]) == [True]


def test_one_person_never_holds_more_than_would_be_left_over() -> None:
    """Whoever comes first with questions that last leaves as many places as they take."""
    at = Waiting(Places(2, 6))
    first = [at.ask("tanaka") for _ in range(OF_PERSON)]
    at.pass_by(5)
    assert sum(came(*first)) == 4
    second = [at.ask("suda") for _ in range(OF_PERSON)]
    at.pass_by(5)
    assert sum(came(*second)) == 2
    third = [at.ask("mori") for _ in range(OF_PERSON)]
    at.pass_by(5)
    assert sum(came(*third)) == 1
    assert came(at.ask("ito")) == [True]


def test_who_was_called_last_is_called_last_and_is_called() -> None:
    """In turns: three persons, of whom one asked much before the others came."""
    at = Waiting(Places(1, 1))
    many = [at.ask("tanaka") for _ in range(4)]
    others = [at.ask(who) for who in ("suda", "mori", "suda", "mori")]
    order = []
    running = many[0]
    while True:
        at.moment.at += 0.05
        at.line.leave(running)
        left = [turn for turn in [*many, *others] if turn.stage is Stage.HELD]
        if not left:
            break
        (running,) = left
        order.append(running.person)
    assert order == ["suda", "mori", "tanaka", "suda", "mori", "tanaka", "tanaka"]


def test_the_line_is_bounded_for_a_person_and_for_everybody() -> None:
    at = Waiting(Places(1, 1))
    mine = [at.ask("tanaka") for _ in range(OF_PERSON)]
    with pytest.raises(Refused) as refused:
        at.ask("tanaka")
    assert (refused.value.code, refused.value.facts["limit"]) == ("gateway.busy", OF_PERSON)
    for n in range(OF_ALL - OF_PERSON):
        at.ask(f"person {n}")
    with pytest.raises(Refused, match=r"gateway\.busy"):
        at.ask("suda")
    at.line.leave(mine[-1])
    assert at.ask("suda").waiting


def test_who_is_taken_out_of_the_line_hears_of_it_and_takes_nobodys_place() -> None:
    """A waiting one is gone at once; one that runs is not touched until it leaves."""
    at = Waiting(Places(1, 1))
    running, waiting, next_one = at.ask("tanaka"), at.ask("suda"), at.ask("mori")
    at.line.withdraw(waiting)
    at.line.withdraw(running)
    assert waiting.called.done()
    assert waiting.stage is Stage.GONE
    at.line.leave(running)
    assert came(running, next_one) == [False, True]
    at.line.leave(waiting)
    at.line.leave(next_one)
    assert len(at.line) == 0


def test_a_question_that_was_stopped_before_it_could_wait_never_waits() -> None:
    at = Waiting(Places(1, 1))
    turn = at.line.enter("tanaka", "p")
    at.line.withdraw(turn)
    at.line.ask(turn)
    assert turn.called.done()
    assert came(turn) == [False]
    assert len(at.line) == 0


@pytest.mark.parametrize("passes", [0.0, QUANTUM + 0.2])
def test_a_project_cannot_tell_from_its_other_questions_when_one_of_them_truly_ended(passes: float) -> None:
    """Aggregate tier: between the engine's end and the step of the clock everything of the same project waits as if
    the first one still ran. Another project has its place."""

    def seen(rests: bool) -> tuple[list[bool], ...]:
        at = Waiting(Places(1, 1))
        first = at.ask("tanaka", "p")
        mine = [at.ask("tanaka", "p"), at.ask("suda", "p")]
        if rests:
            at.line.rest(first)
        now = came(*mine)
        at.pass_by(passes)
        soon = came(*mine)
        at.line.leave(first)
        at.pass_by(2 * QUANTUM)
        return now, soon, came(*mine)

    assert seen(rests=True) == seen(rests=False)
    at = Waiting(Places(1, 0))
    first, theirs = at.ask("tanaka", "p"), at.ask("mori", "q")
    assert came(theirs) == [False]
    at.line.rest(first)
    assert came(theirs) == [True]


def test_thirty_two_who_ask_again_and_again_are_served_alike() -> None:
    """Some ask short questions and some long ones: every one who asks short ones is answered as often as any other of
    them, and waits no longer than everybody's short questions and one quantum of each place would take."""
    chance = random.Random(7)
    at = Waiting(Places(2, 6))
    people = [f"person {n}" for n in range(32)]
    lasts = {who: 4.0 if n % 8 == 0 else 0.05 for n, who in enumerate(people)}
    asked = {who: (at.ask(who), at.moment.at) for who in chance.sample(people, 32)}
    answered = dict.fromkeys(people, 0)
    waited: list[float] = []
    for _ in range(3000):
        at.moment.at += 0.02
        at.line.tick()
        for who, (turn, since) in list(asked.items()):
            if turn.stage is Stage.HELD and at.moment.at - turn.since >= lasts[who]:
                at.line.leave(turn)
                answered[who] += 1
                if lasts[who] < 1:
                    waited.append(at.moment.at - since)
                asked[who] = (at.ask(who), at.moment.at)
    short = [answered[who] for who in people if lasts[who] < 1]
    assert min(short) >= 0.8 * max(short)
    assert min(answered.values()) > 0
    assert max(waited) < 28 * 0.06 + 8 * QUANTUM


def test_places_leave_workers_for_submissions() -> None:
    """Of eight workers on two processors two examine; never fewer than four questions have a place."""
    assert places_for(2, 8) == Places(2, 4)
    assert places_for(16, 32) == Places(16, 14)
    assert places_for(1, 4).total >= 4
    assert line.PATIENCE <= 300
