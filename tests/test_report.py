"""The report: its numbers, the workbook, and the page as a browser shows it, with texts that mean harm too."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from santun.conversations import Said, read_labelled
from santun.evidence import find_evidence
from santun.report import build_report
from santun.report_page import _inert, write_page
from santun.scorecard import load_card
from santun_cli import reporting
from santun_corpora import BEHAVIOURS, LANGUAGES
from santun_corpora.seed import seed_files
from typer.testing import CliRunner

from tests.browser import missing, open_browser, open_page, print_pdf

app = typer.Typer()
app.command()(reporting.report)
run = CliRunner().invoke

ARABIC = "نعتذر منك عن التأخير، order A-12"
TALK = [
    ("A1", "agent", "en", "Hello, how are you today?", ["greeting", "rapport_question"]),
    ("A1", "customer", "en", "My router stopped working and I am furious", []),
    ("A1", "agent", "en", "That must be so frustrating. We apologise for the trouble.", ["empathy", "apology"]),
    ("A1", "agent", "en", "Please try to restart it. I will call you tomorrow.", ["solution_offer", "ownership"]),
    ("A2", "agent", "ar", ARABIC, ["apology"]),
    ("A2", "customer", "ar", "الطلب ما وصل", []),
    ("A2", "customer", "ar", "شكراً", ["thanks"]),
    ("A3", "agent", "ms", "Terima kasih banyak puan", ["thanks"]),
    ("A3", "system", "ms", "call ended", []),
]
DAYS = {"A1": "2024-05-01", "A2": "2024-05-02", "A3": "2024-05-02"}
AGENTS = {"A1": "Grace", "A2": "سامي", "A3": "Grace"}


def write_labelled(path: Path, talk: list[tuple[str, str, str, str, list[str]]], **more: Any) -> Path:
    rows = []
    for n, (call, role, lang, text, labels) in enumerate(talk, 1):
        row = {
            "id": n,
            "conversation_id": call,
            "speaker": role,
            "role": role,
            "lang": lang,
            "text": text,
            "labels": labels,
        }
        row |= {"scores": {name: 0.9 if name in labels else 0.1 for name in BEHAVIOURS}, "source": f"calls.csv:{n}"}
        row |= {"agent_name": AGENTS.get(call, ""), "date": DAYS.get(call), "channel": "call", **more}
        if role == "system":
            row["skipped"] = "system line"
        rows.append(json.dumps(row, ensure_ascii=False))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_labelled(folder / "labelled.jsonl", TALK)
    result = run(
        app,
        [
            str(folder / "labelled.jsonl"), "-o", str(folder / "report.html"), "--xlsx", str(folder / "report.xlsx"),
            "--title", "May <calls>",
        ],
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "read 9 = labelled 8 + skipped 1 + bad 0; 3 conversations" in result.stderr
    return folder


# ----------------------------------------------------------------------------------------------------- numbers


def test_numbers(made):
    found = read_labelled([made / "labelled.jsonl"])
    report, scores = build_report(found, load_card("help"))
    behaviours = {one["name"]: one for one in report["behaviours"]}

    assert [one.score for one in scores] == [84.6, 0.0, None]
    assert (behaviours["apology"]["conversations"], behaviours["apology"]["share"]) == (2, pytest.approx(2 / 3))
    assert (behaviours["thanks"]["agent_turns"], behaviours["thanks"]["customer_turns"]) == (1, 1)
    assert behaviours["thanks"]["conversations"] == 1  # the agent's alone
    assert [(one["name"], one["conversations"]) for one in report["languages"]] == [("ms", 1), ("ar", 1), ("en", 1)]
    assert [(one["name"], one["conversations"]) for one in report["time"]["periods"]] == [
        ("2024-05-01", 1),
        ("2024-05-02", 2),
    ]
    assert [(one["agent"], one["calls"]) for one in report["agents"]] == [("Grace", 2), ("سامي", 1)]
    assert report["account"]["read"] == 9


def test_json_is_the_same_numbers(made):
    result = run(app, [str(made / "labelled.jsonl"), "--json", "-q"])
    told = json.loads(result.stdout)
    report, scores = build_report(read_labelled([made / "labelled.jsonl"]), load_card("help"))
    assert told == json.loads(json.dumps({**report, "calls": [one.to_dict() for one in scores]}))


def test_workbook(made):
    book = openpyxl.load_workbook(made / "report.xlsx")
    assert book.sheetnames == [
        "overview", "scorecard", "agents", "behaviours", "time", "languages", "channels", "conversations", "verdicts"
    ]  # fmt: skip
    for sheet in book:
        assert (sheet.freeze_panes, bool(sheet.auto_filter.ref)) == ("A2", True)
        assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    head, first, *_ = book["conversations"].iter_rows(values_only=True)
    told = dict(zip(head, first, strict=True))
    assert (told["conversation"], told["score"], told["hear"]) == ("A1", 84.6, "missed")
    assert {type(told[name]) for name in ("turns", "score")} == {int, float}


def test_commands_that_cannot_be(tmp_path, made):
    labelled = str(made / "labelled.jsonl")
    for options, code, told in (
        ([labelled], 2, "nothing to write"),
        ([labelled, "-o", "report.pdf"], 2, ".html"),
        ([labelled, "-o", str(tmp_path / "no" / "r.html")], 2, "no such folder"),
        ([labelled, "-o", str(tmp_path / "r.html"), "--card", "nowhere"], 2, "five_step, help"),
        ([labelled, "-o", str(tmp_path / "r.html"), "--date-field", "nope"], 4, "'nope'"),
        (["nowhere.jsonl", "--json"], 4, "no such file"),
    ):
        result = run(app, options)
        assert (result.exit_code, told in result.stderr) == (code, True), (options, result.stderr)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------------------- evidence


def test_evidence_points_at_words(model):
    turns = [
        Said(1, "agent", None, "en", "Okay 😀. Thank you so much, goodbye!", ["thanks", "closing"], {}, "x:1"),
        Said(2, "agent", None, "ar", "طيب. نعتذر منك كثيراً", ["apology"], {}, "x:2"),
        Said(3, "agent", None, "en", "hello", ["own_label"], {}, "x:3"),
    ]
    said = [
        {name: " ".join(turn.text[a:b] for a, b in spans) for name, spans in found.items()}
        for turn, found in zip(turns, find_evidence(model, turns), strict=True)
    ]
    assert "Thank you" in said[0]["thanks"]
    assert "goodbye" in said[0]["closing"]
    assert "نعتذر" in said[1]["apology"]
    assert said[2] == {}


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=60), st.sampled_from(LANGUAGES), st.lists(st.sampled_from(BEHAVIOURS), max_size=3)),
        max_size=6,
    )
)
def test_evidence_lies_in_the_text_and_no_batch_changes_it(tiny, drawn):
    turns = [Said(n, "agent", None, lang, text, labels, {}, "x") for n, (text, lang, labels) in enumerate(drawn, 1)]
    found = find_evidence(tiny, turns)

    assert found == [find_evidence(tiny, [turn])[0] for turn in turns]
    for turn, spans in zip(turns, found, strict=True):
        assert set(spans) <= set(turn.labels)
        for places in spans.values():
            flat = [edge for place in places for edge in place]
            assert flat == sorted(flat)
            assert all(turn.text[a:b].strip() for a, b in places)


# -------------------------------------------------------------------------------------------- the file itself


@given(st.recursive(st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_data_are_inert(value):
    written = _inert(value)
    assert json.loads(written) == value
    assert not set("<>&\u2028\u2029") & set(written)


def test_page_is_whole_and_closed(made):
    page = (made / "report.html").read_bytes().decode("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")

    assert page.startswith("<!doctype html>")
    assert "May &lt;calls&gt;" in page
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, kind in (("style", "style"), ("script", "script")):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert len(re.findall("<script", page)) == 2
    assert not re.search(r"https?://|@import|url\(|\sstyle=|\son[a-z]+=", page)


def test_page_is_the_same_bytes_again(made, tmp_path):
    found = read_labelled([made / "labelled.jsonl"])
    report, scores = build_report(found, load_card("help"))
    pages = []
    for name in ("a.html", "b.html"):
        write_page(report, scores, found.conversations, tmp_path / name)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


# ------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    lacking = missing()
    if lacking:
        pytest.skip(f"the page is not opened: {lacking}")
    with open_browser() as driver:
        yield driver


def script(driver: Any, body: str, *values: Any) -> Any:
    return driver.execute_script(body, *values)


def texts(driver: Any, selector: str) -> list[str]:
    return script(driver, "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector)


def choose(driver: Any, **values: str) -> list[str]:
    """Filter the list, and say which conversations are left."""
    script(
        driver,
        "const form = document.forms.filters; form.reset();"
        "for (const [name, value] of Object.entries(arguments[0])) {"
        "  const field = form.elements[name];"
        "  field.value = field.tagName === 'SELECT' ? [...field.options].find((o) => o.textContent === value).value : value; }"
        "form.dispatchEvent(new Event('submit', {cancelable: true}));",
        values,
    )
    return texts(driver, "#call-table tbody th")


def test_browser_shows_numbers_and_conversations(browser, made):
    open_page(browser, made / "report.html")

    assert texts(browser, "h1") == ["May <calls>"]
    assert texts(browser, "#count") == ["3 of 3 conversations"]
    assert texts(browser, "#call-table tbody th") == ["A1", "A2", "A3"]
    assert texts(browser, "#agent-table tbody th") == ["Grace", "سامي"]
    assert script(browser, "return performance.getEntriesByType('resource').length") == 0
    assert [line for line in browser.get_log("browser") if line["level"] != "DEBUG"] == []


def test_browser_filters_and_sorts(browser, made):
    open_page(browser, made / "report.html")

    assert choose(browser, lang="Arabic") == ["A2"]
    assert choose(browser, agent="Grace") == ["A1", "A3"]
    assert choose(browser, has="apology") == ["A1", "A2"]
    assert choose(browser, lacks="apology") == ["A3"]
    assert choose(browser, missed="Hears the customer out") == ["A1", "A2"]
    assert choose(browser, low="1", high="100") == ["A1"]
    assert choose(browser, text="ROUTER") == ["A1"]
    assert choose(browser, text="التاخير") == ["A2"]  # letters that writers vary count as one
    assert choose(browser, text="terima kasih", lang="English") == []
    assert choose(browser) == ["A1", "A2", "A3"]
    for expected, order in ((["A2", "A1", "A3"], "ascending"), (["A3", "A1", "A2"], "descending")):
        script(
            browser,
            "[...document.querySelectorAll('#call-table thead button')].find((b) => b.textContent === 'score').click()",
        )
        assert texts(browser, "#call-table tbody th") == expected
        assert texts(browser, f"#call-table th[aria-sort={order}]") == ["score"]


def test_browser_shows_a_conversation(browser, made):
    open_page(browser, made / "report.html", "#call-1")

    assert texts(browser, "#h-call") == ["Conversation A1"]
    assert script(browser, "return document.activeElement.id") == "h-call"
    assert texts(browser, "#turns li:nth-child(2) .said") == [TALK[1][3]]
    assert texts(browser, "#turns li:nth-child(2) .voiced") == ["voices a problem and a feeling"]
    assert [chip.replace("\xa0", " ") for chip in texts(browser, "#turns li:nth-child(3) .chip")] == [
        "EMempathy90 %",
        "APapology90 %",
    ]
    assert "apologise" in " ".join(texts(browser, "#turns li:nth-child(3) mark.b3"))
    verdicts = dict(zip(texts(browser, "#verdicts tbody th"), texts(browser, "#verdicts .verdict"), strict=True))
    assert (verdicts["Shows empathy"], verdicts["Hears the customer out"]) == ("✓ met", "✗ missed")
    assert script(
        browser, "return [...document.querySelectorAll('#turns li')].map((e) => e.classList.contains('mine'))"
    ) == [True, False, True, True]


def test_browser_sets_arabic_from_right_to_left(browser, made):
    open_page(browser, made / "report.html", "#call-2")
    style = "const s = getComputedStyle(document.querySelectorAll('#turns .said')[arguments[0]]); return [s.direction, s.unicodeBidi]"

    assert script(browser, style, 0) == ["rtl", "isolate"]
    assert script(browser, "return document.querySelector('#turns .said').lang") == "ar"
    plain = "const p = document.querySelector('#turns .said').cloneNode(true); p.querySelectorAll('.code').forEach((e) => e.remove()); return p.textContent"
    assert script(browser, plain) == ARABIC
    open_page(browser, made / "report.html", "#call-1")
    assert script(browser, style, 0)[0] == "ltr"


def test_browser_keyboard_and_history(browser, made):
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    def wait(condition):
        return WebDriverWait(browser, 20).until(lambda _: condition())

    open_page(browser, made / "report.html")
    button = browser.find_element("css selector", "#call-table tbody tr:nth-child(2) button")
    button.send_keys(Keys.ENTER)
    wait(lambda: texts(browser, "#h-call") == ["Conversation A2"])
    browser.find_element("css selector", "#next").send_keys(Keys.ENTER)
    wait(lambda: texts(browser, "#h-call") == ["Conversation A3"])
    assert texts(browser, "#turns li.skipped .head")[0].endswith("not labelled: system line")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait(lambda: script(browser, "return document.getElementById('call').hidden"))
    wait(lambda: script(browser, "return document.activeElement.textContent") == "A3")


def test_browser_page_can_be_read_by_a_screen_reader(browser, made):
    for fragment in ("", "#call-1"):
        open_page(browser, made / "report.html", fragment)
        nameless = script(
            browser,
            "return [...document.querySelectorAll('button, input, select, svg[role=img], section, [role=region]')].filter((e) => "
            "!(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim() || e.closest('label')))"
            ".map((e) => e.outerHTML)",
        )
        assert nameless == []
        levels = script(
            browser,
            "return [...document.querySelectorAll('h1, h2, h3')].filter((e) => e.offsetParent).map((e) => +e.tagName[1])",
        )
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
        assert (
            script(browser, "return document.querySelectorAll('main, header, footer, nav, [role=search]').length") == 5
        )
        doubled = script(
            browser,
            "const ids = [...document.querySelectorAll('[id]')].map((e) => e.id); return ids.filter((id, i) => ids.indexOf(id) !== i)",
        )
        assert doubled == []


def test_browser_prints(browser, made, tmp_path):
    open_page(browser, made / "report.html", "#call-1")
    print_pdf(browser, tmp_path / "print.pdf")
    assert (tmp_path / "print.pdf").read_bytes().startswith(b"%PDF")


HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!--<script>",
    "{{ 7 * 7 }}{% for x in y %}${document.title='owned'}",
    "=HYPERLINK(\"http://x\")",
    "\u202eevil\u2066 \u202b rtl \u2069",
    "&lt;b&gt; &amp; \"quotes\" 'and' `ticks`",
    "a\u0000b\u0007c\u2028d\u2029e\u200b",
    "x" * 1_000_000,
]  # fmt: skip
SHAPE = """
const shape = (e) => [e.tagName, e.className.baseVal ?? e.className, [...e.attributes].map((a) => a.name).sort().join(), [...e.children].map(shape)];
return JSON.stringify(shape(document.documentElement));
"""


def shapes(driver: Any, folder: Path, talk: list[Any], **more: Any) -> list[str]:
    folder.mkdir()
    write_labelled(folder / "labelled.jsonl", talk, **more)
    result = run(
        app,
        [
            str(folder / "labelled.jsonl"),
            "-o",
            str(folder / "r.html"),
            "--no-evidence",
            "--xlsx",
            str(folder / "r.xlsx"),
        ],
    )
    assert result.exit_code == 0, result.stderr
    seen = []
    for fragment in ("", "#call-1"):
        open_page(driver, folder / "r.html", fragment)
        seen.append(script(driver, SHAPE))
        assert "owned" not in driver.title
    return seen


def test_browser_hostile_texts_change_nothing_of_the_page(browser, tmp_path):
    def talk(said: list[str], name: str) -> list[Any]:
        return [(name, "agent" if n % 2 else "customer", "en", text, ["greeting"]) for n, text in enumerate(said)]

    harmless = ["plain words"] * (len(HOSTILE) - 1) + ["y" * 1_000_000]
    name = HOSTILE[0] + HOSTILE[3] + HOSTILE[5]
    calm = shapes(browser, tmp_path / "calm", talk(harmless, "call"), agent_name="Ann", channel="chat")
    wild = shapes(browser, tmp_path / "wild", talk(HOSTILE, name), agent_name=name, channel=name)

    assert wild == calm
    shown = texts(browser, "#turns .said")
    assert shown[0] == HOSTILE[0]
    assert shown[5] == "⟨U+202E⟩evil⟨U+2066⟩ ⟨U+202B⟩ rtl ⟨U+2069⟩"
    assert len(shown[-1]) < 4000
    script(browser, "[...document.querySelectorAll('#turns button')].at(-1).click()")
    assert len(texts(browser, "#turns .said")[-1]) == 1_000_000
    assert choose(browser, text="</SCRIPT>") == [texts(browser, "#h-call")[0].removeprefix("Conversation ")]
    for row in openpyxl.load_workbook(tmp_path / "wild" / "r.xlsx")["verdicts"].iter_rows():
        assert all(cell.data_type != "f" for cell in row)


@pytest.mark.slow
def test_two_thousand_conversations(browser, model, tmp_path):
    from santun.label import label_files

    corpus = [
        json.loads(line) for path in seed_files("train") for line in path.read_text(encoding="utf-8").splitlines()
    ]
    with (tmp_path / "calls.jsonl").open("w", encoding="utf-8") as file:
        for n in range(60_000):
            row = corpus[n % len(corpus)]
            made = {"conversation_id": f"call-{n // 30}", "speaker": row["speaker"], "text": row["text"]}
            file.write(
                json.dumps(made | {"agent_name": f"Agent {n // 30 % 40}", "date": f"2024-0{1 + n % 6}-02"}) + "\n"
            )
    label_files(model, [tmp_path / "calls.jsonl"], tmp_path / "labelled.jsonl")
    code = "import sys, typer; from santun_cli.reporting import report; app = typer.Typer(); app.command()(report); app(sys.argv[1:])"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(
        [
            sys.executable, "-c", code, str(tmp_path / "labelled.jsonl"), "-o", str(tmp_path / "r.html"),
            "--xlsx", str(tmp_path / "r.xlsx"),
        ],
        check=True,
    )  # fmt: skip
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    open_page(browser, tmp_path / "r.html")
    start = time.perf_counter()
    open_page(browser, tmp_path / "r.html")
    opened = time.perf_counter() - start
    megabytes = (tmp_path / "r.html").stat().st_size / 1e6
    print(f"{seconds:.1f} s of processor time, {megabytes:.1f} MB, opened in {opened:.2f} s")

    assert texts(browser, "#count") == ["2,000 of 2,000 conversations"]
    assert (seconds <= 60, megabytes <= 40, opened <= 3) == (True, True, True)
