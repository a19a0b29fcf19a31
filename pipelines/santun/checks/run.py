"""How often a model fails the cases of each capability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from santun_corpora import LANGUAGES, ROLES, Utterance, role_of

from santun.checks.cases import Capability, Case, Expectation, read_capabilities, read_cases
from santun.model import Labels, Model

MOVE = 0.1  # how far a score has to move to have a direction
_Z = 1.959964  # of a 95 % interval


def run_checks(model: Model, langs: Sequence[str] = LANGUAGES, cases: Sequence[Case] | None = None) -> dict[str, Any]:
    """Give a model the behavioural tests.

    Parameters
    ----------
    model : Model
    langs : sequence of str, default=LANGUAGES
    cases : sequence of Case, default=None
        Those that come with santun if not given.

    Returns
    -------
    dict
        ``model``; ``overall``, and for each of ``languages`` and ``kinds`` (MFT, INV, DIR): ``cases``, ``failed``,
        ``rate`` and its 95 % ``interval``; ``capabilities``, the same for each, with its ``kind``, ``rule``, ``about``
        and ``languages``; ``failures``, a list of the cases that failed, with what was ``unmet``, the labels that were
        ``found`` and the ``scores`` of the behaviours under test; ``skipped``, how many cases test only behaviours that
        the model does not know.

    Raises
    ------
    ValueError
        If a language is unknown, or no case is left.

    Notes
    -----
    After CheckList (Ribeiro et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList,
    doi:10.18653/v1/2020.acl-main.442). Intervals are Wilson's (1927). They say how well the rate is known for cases
    like these; the cases are no sample of calls, so a rate is for comparing models and finding faults, not for
    predicting errors in use. A case fails if any of its expectations is unmet. A direction is met where the score
    moves by a tenth or more.
    """
    chosen = [case for case in (read_cases(tuple(langs)) if cases is None else cases) if case.lang in langs]
    known = set(model.behaviours)
    tested = [case for case in chosen if any(not one.label or one.label in known for one in case.expect)]
    if not tested:
        raise ValueError("no case tests a behaviour that the model knows")
    result = model.label_utterances([_utterance(case, text) for case in tested for text in _texts(case)])
    rows = np.cumsum([0, *[len(_texts(case)) for case in tested]])
    failures: list[dict[str, Any]] = []
    failed: list[bool] = []
    for case, row in zip(tested, rows.tolist(), strict=False):
        unmet = [one for one in case.expect if _is_unmet(one, model.behaviours, result, row)]
        failed.append(bool(unmet))
        if unmet:
            failures.append(_failure(case, unmet, model, result, row))
    return {
        "model": model.version,
        "skipped": len(chosen) - len(tested),
        "overall": _rate(failed),
        "languages": {
            code: _rate(_of(tested, failed, lang=code)) for code in LANGUAGES if any(c.lang == code for c in tested)
        },
        **_by_capability(tested, failed),
        "failures": failures,
    }


def wilson(failed: int, n: int) -> tuple[float, float]:
    """95 % interval of a share after Wilson (1927).

    Examples
    --------
    >>> low, high = wilson(1, 10)
    >>> round(low, 3), round(high, 3)
    (0.018, 0.404)
    """
    if not n:
        return 0.0, 1.0
    share, square = failed / n, _Z**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z / (1 + square / n) * (share * (1 - share) / n + square / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def _texts(case: Case) -> list[str]:
    return [case.text] if case.variant is None else [case.text, case.variant]


def _utterance(case: Case, text: str) -> Utterance:
    return Utterance(
        text, f"{case.lang}.tsv:{case.line}", speaker=case.speaker, lang=case.lang if case.told else None,
        role=case.speaker if case.speaker in ROLES else role_of(case.speaker),
        context=[case.before] if case.before else [],
    )  # fmt: skip


def _is_unmet(one: Expectation, behaviours: Sequence[str], result: Labels, row: int) -> bool:
    if one.label and one.label not in behaviours:
        return False
    columns = [behaviours.index(one.label)] if one.label else list(range(len(behaviours)))
    labels: npt.NDArray[np.int8] = result.predicted[:, columns]
    if one.sign in "+-":
        return bool(labels[row].any()) != (one.sign == "+")
    if one.sign == "=":
        return not np.array_equal(labels[row], labels[row + 1])
    moved = float((result.scores[row + 1, columns] - result.scores[row, columns]).max())
    return (moved if one.sign == ">" else -moved) < MOVE


def _failure(case: Case, unmet: list[Expectation], model: Model, result: Labels, row: int) -> dict[str, Any]:
    verdicts = [model.verdict(result, row + i) for i in range(len(_texts(case)))]
    under_test = [name for name in model.behaviours if any(one.label in ("", name) for one in unmet)]
    return {
        "capability": case.capability,
        "lang": case.lang,
        "line": case.line,
        "before": case.before,
        "speaker": case.speaker,
        "text": case.text,
        "variant": case.variant,
        "unmet": [str(one) for one in unmet],
        "found": [verdict["labels"] for verdict in verdicts],
        "scores": [{name: verdict["scores"][name] for name in under_test} for verdict in verdicts],
    }


def _of(cases: Sequence[Case], failed: Sequence[bool], *, lang: str = "", names: Iterable[str] = ()) -> list[bool]:
    """Which of the cases of a language and of some capabilities failed; empty stands for all."""
    wanted = set(names)
    return [
        bad
        for case, bad in zip(cases, failed, strict=True)
        if lang in ("", case.lang) and (not wanted or case.capability in wanted)
    ]


def _rate(failed: Sequence[bool]) -> dict[str, Any]:
    n, bad = len(failed), sum(failed)
    return {"cases": n, "failed": bad, "rate": bad / n, "interval": list(wilson(bad, n))}


def _by_capability(cases: Sequence[Case], failed: Sequence[bool]) -> dict[str, Any]:
    """Rates of each kind of test, and of each capability with its languages."""
    used = {case.capability for case in cases}
    named: dict[str, Capability] = {name: one for name, one in read_capabilities().items() if name in used}
    kinds = dict.fromkeys(one.kind for one in named.values())
    capabilities = {}
    for name, one in named.items():
        codes = [code for code in LANGUAGES if any(c.lang == code and c.capability == name for c in cases)]
        capabilities[name] = {
            "kind": one.kind,
            "rule": one.rule,
            "about": one.about,
            **_rate(_of(cases, failed, names=[name])),
            "languages": {code: _rate(_of(cases, failed, lang=code, names=[name])) for code in codes},
        }
    return {
        "kinds": {
            kind: _rate(_of(cases, failed, names=[name for name, one in named.items() if one.kind == kind]))
            for kind in kinds
        },
        "capabilities": capabilities,
    }
