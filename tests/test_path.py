"""The service path: steps, order, whose turns count, and the words it is told in."""

from __future__ import annotations

from santun.path import PathSummary, Turn, trace_path


def turns(*labelled: tuple[str, str]) -> list[Turn]:
    return [Turn(i, role, f"turn {i}", labels.split()) for i, (role, labels) in enumerate(labelled, 1)]


FULL = turns(
    ("agent", "greeting rapport_question thanks"), ("customer", "thanks"), ("agent", "needs_question"),
    ("agent", "empathy"), ("agent", "apology"), ("agent", "solution_offer"), ("customer", "thanks"), ("agent", "closing"),
)  # fmt: skip


def test_a_full_path_in_order():
    path = trace_path(FULL, "c1")

    assert {step: turn.turn for step, turn in path.steps.items() if turn} == {
        "greet": 1, "rapport": 1, "need": 3, "solution": 6, "thanks": 8,
    }  # fmt: skip
    assert path.in_order
    assert path.empathy_before_apology
    assert path.care_before_solution
    assert "greet: turn 1: “turn 1”" in path.lines()


def test_a_customers_greeting_is_not_the_agents():
    path = trace_path(
        turns(("customer", "greeting"), ("agent", "solution_offer"), ("agent", "apology"), ("agent", "empathy"))
    )

    assert path.steps["greet"] is None
    assert path.empathy_before_apology is False
    assert path.care_before_solution is False
    assert "greet: not taken (greeting not heard)" in path.lines()


def test_without_known_roles_all_turns_count_and_it_is_said():
    path = trace_path(turns(("unknown", "greeting")))

    assert path.steps["greet"] is not None
    assert path.care_before_solution is None
    assert path.lines()[-1] == "no turn is known to be the agent's: turns of all speakers were counted"


def test_summary_counts_conversations():
    summary = PathSummary()
    summary.add(trace_path(FULL))
    summary.add(trace_path(turns(("agent", "closing"))))

    assert (summary.conversations, summary.steps["thanks"], summary.steps["need"]) == (2, 2, 1)
    assert (summary.empathy_and_apology, summary.empathy_before_apology) == (1, 1)
