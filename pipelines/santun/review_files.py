"""The files of a review: tasks for annotation tools or as a sheet for people, and the answers that come back."""

from __future__ import annotations

import contextlib
import csv
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from santun_corpora import BEHAVIOURS, InputError, Problem, Utterance, open_source, read
from santun_corpora.exchange import Options as ToolOptions
from santun_corpora.exchange import ToolMap, export_records, import_records, sniff
from santun_corpora.exchange.record import load_json, load_objects, write_array, write_lines
from santun_corpora.schema import fold

from santun.review import CONTEXT, Votes, behaviours_of_tasks, task_of
from santun.write import inert, partial_path, sheet_cell

TOOLS = ("label-studio", "doccano", "argilla", "prodigy")
SHEETS = ("xlsx", "csv")
FORMATS = (*TOOLS, *SHEETS)
_RECORDS = ".review.jsonl"
_BEFORE = [f"before_{number}" for number in range(CONTEXT, 0, -1)]
_FRONT = ["task", "conversation", "turn", *_BEFORE, "speaker", "text"]
_YES = frozenset(["yes", "y", "x", "1", "true", "ya", "iya", "نعم", "✓", "✔"])
_NO = frozenset(["", "no", "n", "0", "false", "none", "tidak", "bukan", "لا"])
_WIDTHS = {"task": 15, "conversation": 16, "turn": 6, "speaker": 12, "text": 60, "said": 40, "reviewer": 14, "note": 30}
_WHAT = {
    "greeting": "opens the contact: a salutation, a welcome, the return of a greeting",
    "rapport_question": "asks about the other as a person, where the case does not need the answer",
    "empathy": "shows that they understand or care about what the other feels or goes through",
    "apology": "regrets what they, their side or the service did, failed to do or cannot give",
    "thanks": "is grateful to the other",
    "needs_question": "asks what the other needs or what happened, or probes the problem; also 'anything else?'",
    "active_listening": "gives the other's problem or wish back in own words, or invites the whole story",
    "solution_offer": "gives or proposes a concrete remedy, option or next step",
    "ownership": "commits their side to a certain act: who, what, by when",
    "closing": "ends the contact: a farewell, wishes, an invitation to come back",
}
_HOW = (
    (
        "For each row read the turns before, then decide about the turn in `text` alone: put yes under every behaviour "
        "that it performs, and leave the others blank. Take a yes off where it is wrong.",
        "Write your name under `reviewer` in every row that you have looked at, also where no behaviour is performed. Rows "
        "without a name are not counted. Change nothing else; `note` is yours.",
    ),
    (
        "Bagi setiap baris, baca giliran sebelumnya, kemudian nilai `text` sahaja: tulis yes di bawah setiap tingkah laku "
        "yang dilakukan, dan biarkan yang lain kosong. Padamkan yes yang salah.",
        "Tulis nama anda di bawah `reviewer` pada setiap baris yang telah disemak, walaupun tiada tingkah laku. Baris tanpa "
        "nama tidak dikira. Jangan ubah yang lain; `note` untuk catatan anda.",
    ),
    (
        "Untuk setiap baris, baca giliran sebelumnya, lalu nilai `text` saja: isi yes di bawah setiap perilaku yang "
        "dilakukan, dan kosongkan yang lain. Hapus yes yang salah.",
        "Tulis nama Anda di bawah `reviewer` pada setiap baris yang sudah diperiksa, juga bila tidak ada perilaku. Baris "
        "tanpa nama tidak dihitung. Jangan ubah yang lain; `note` untuk catatan Anda.",
    ),
    (
        "في كل صف اقرأ ما قيل قبله ثم احكم على `text` وحده: اكتب yes تحت كل سلوك يؤديه واترك الباقي فارغاً، واحذف yes إن كانت خطأ.",
        "اكتب اسمك تحت `reviewer` في كل صف راجعته، حتى إن لم يكن فيه أي سلوك؛ فالصفوف بلا اسم لا تُحسب. لا تغيّر شيئاً آخر، و`note` "
        "لملاحظاتك.",
    ),
)


def companion(path: Path) -> Path:
    """Where the tasks' own records stand, beside the file that people work in.

    Examples
    --------
    >>> companion(Path("june/tasks.xlsx")).name
    'tasks.xlsx.review.jsonl'
    """
    return path if path.name.endswith(_RECORDS) else path.with_name(path.name + _RECORDS)


def format_of(path: Path, given: str | None) -> str:
    """Format of a file to write: as given, else by its ending.

    Raises
    ------
    InputError
        If neither tells.
    """
    kind = given or path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise InputError(f"{path.name}: which format? name it with -f: {', '.join(FORMATS)}")
    return kind


def write_tasks(
    tasks: Sequence[Utterance],
    path: Path,
    kind: str,
    *,
    blind: bool = False,
    said: Mapping[str, Mapping[str, frozenset[str]]] | None = None,
) -> None:
    """Write tasks for people, and their records beside.

    Parameters
    ----------
    tasks : sequence of Utterance
    path : Path
    kind : str
        One of `FORMATS`.
    blind : bool, default=False
        Do not show the model's labels. doccano never shows them: it could not tell them from answers.
    said : mapping, default=None
        Answers of reviewers for the one who has the last word; shown, and what all agree on is filled in.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    blind = blind or kind == "doccano"
    for task in tasks:
        task.fields["review"] = {**task.fields["review"], "blind": blind}
    shown = [_shown(task, blind, said) for task in tasks]
    behaviours = behaviours_of_tasks(tasks)
    # only those of the ten that the model knows, and its own
    names = [name for name in BEHAVIOURS if name in behaviours] + [n for n in behaviours if n not in BEHAVIOURS]
    try:
        if kind in TOOLS:
            _write_tool(shown, path, kind, names)
        elif kind == "xlsx":
            _write_workbook(shown, path, names)
        else:
            _write_csv(shown, path, names)
        records = partial_path(companion(path))
        with records.open("w", encoding="utf-8", newline="") as lines:
            lines.writelines(json.dumps(task.fields, ensure_ascii=False) + "\n" for task in tasks)
        records.replace(companion(path))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be written'}") from None
    finally:
        for left in (partial_path(path), partial_path(companion(path))):
            with contextlib.suppress(OSError):
                left.unlink()


def _shown(task: Utterance, blind: bool, said: Mapping[str, Mapping[str, frozenset[str]]] | None) -> Utterance:
    """What a person gets to see of a task: under the task's id, with the turns before as one field."""
    fields: dict[str, Any] = {"before": "\n".join(f"{who}: {text}" for who, text in task.context)}
    labels = None if blind else list(task.labels or ())
    if said is not None:
        answers = said.get(task_of(task), {})
        agreed = frozenset.intersection(*answers.values()) if answers else frozenset()
        labels = [name for name in behaviours_of_tasks([task]) if name in agreed]
        fields["said"] = "; ".join(f"{who}: {', '.join(sorted(ls)) or 'none'}" for who, ls in sorted(answers.items()))
    return replace(task, id=task_of(task), labels=labels, context=task.context, fields=fields)


# ------------------------------------------------------------------------------------------------------ tools


def _write_tool(shown: Sequence[Utterance], path: Path, kind: str, names: Sequence[str]) -> None:
    plain = [replace(row, context=[], fields={}) for row in shown]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / "tasks"
        export_records(plain, made, kind, behaviours=names, predictions=kind != "doccano")
        objects = [value for _, value in load_objects(made) if not isinstance(value, Problem)] if shown else []
    for value, row in zip(objects, shown, strict=True):
        _show(value, row.fields, kind)
    write = write_lines if kind in ("doccano", "prodigy") else write_array
    write(partial_path(path), objects)
    partial_path(path).replace(path)
    if kind == "label-studio":
        said = any("said" in row.fields for row in shown)
        path.with_name(f"{path.stem}.config.xml").write_text(_label_studio_config(names, said), encoding="utf-8")


def _show(value: dict[str, Any], fields: Mapping[str, Any], kind: str) -> None:
    """Put the turns before, and what reviewers said, where the tool shows them."""
    if kind == "label-studio":
        value["data"] = {**fields, **value["data"]}
    elif kind == "argilla":
        value["fields"] = {**fields, **value["fields"]}
    elif kind == "prodigy":
        value["meta"] = {**fields, **value["meta"]}
    elif kind == "doccano":
        value |= fields


def _label_studio_config(names: Sequence[str], said: bool) -> str:
    from santun_corpora.exchange.label_studio import labelling_config

    above = '  <Text name="before" value="$before"/>\n' + ('  <Text name="said" value="$said"/>\n' if said else "")
    return labelling_config(names).replace("<View>\n", f"<View>\n{above}", 1)


# ----------------------------------------------------------------------------------------------------- sheets


def _columns(shown: Sequence[Utterance], names: Sequence[str]) -> list[str]:
    said = ["said"] if any("said" in row.fields for row in shown) else []
    return [*_FRONT, *said, *names, "reviewer", "note"]


def _row(row: Utterance, columns: Sequence[str]) -> list[Any]:
    before = [f"{who}: {text}" for who, text in row.context][-CONTEXT:]
    known: dict[str, Any] = dict(zip(_BEFORE, [""] * (CONTEXT - len(before)) + before, strict=True))
    known |= {
        "task": row.id, "conversation": row.conversation_id, "turn": row.turn, "text": row.text,
        "speaker": row.role if row.role != "unknown" else row.speaker, "said": row.fields.get("said", ""),
    }  # fmt: skip
    return [known.get(name, "yes" if name in (row.labels or ()) else "") for name in columns]


def _write_csv(shown: Sequence[Utterance], path: Path, names: Sequence[str]) -> None:
    columns = _columns(shown, names)
    with partial_path(path).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(columns)
        # NUL ends the file for some spreadsheets
        writer.writerows([inert(_no_nul(value)) for value in _row(row, columns)] for row in shown)
    partial_path(path).replace(path)


def _no_nul(value: Any) -> Any:
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def _write_workbook(shown: Sequence[Utterance], path: Path, names: Sequence[str]) -> None:
    import openpyxl
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    columns = _columns(shown, names)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("review")
    sheet.freeze_panes = "B2"
    for number, column in enumerate(columns, 1):
        width = 34 if column in _BEFORE else _WIDTHS.get(column, 11)
        sheet.column_dimensions[get_column_letter(number)].width = width
    ticks = DataValidation(type="list", formula1='"yes"', allow_blank=True, showErrorMessage=True)
    ticks.errorTitle, ticks.error = "yes or blank", "Choose yes, or leave the cell blank."
    first, last = (get_column_letter(columns.index(name) + 1) for name in (names[0], names[-1]))
    ticks.add(f"{first}2:{last}{max(2, len(shown) + 1)}")
    sheet.data_validations.append(ticks)
    head = []
    for column in columns:
        cell = sheet_cell(sheet, column, "")
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDE8EC")
        cell.alignment = Alignment(wrap_text=True, vertical="top", textRotation=0)
        head.append(cell)
    sheet.append(head)
    for row in shown:
        line = []
        for column, value in zip(columns, _row(row, columns), strict=True):
            cell = sheet_cell(sheet, value, companion(path).name)
            if column in (*_BEFORE, "text", "said") and hasattr(cell, "alignment"):
                right = row.lang == "ar" and column != "said"
                cell.alignment = Alignment(wrap_text=True, vertical="top", readingOrder=2 if right else 0)
                if column == "text":
                    cell.font = Font(bold=True)
            line.append(cell)
        sheet.append(line)
    _write_instructions(book, names)
    book.save(partial_path(path))
    partial_path(path).replace(path)


def _write_instructions(book: Any, names: Sequence[str]) -> None:
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet("instructions")
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 22, 110

    def line(left: str, right: str, order: int = 0) -> None:
        cells = [sheet_cell(sheet, left, ""), sheet_cell(sheet, right, "")]
        cells[0].font = Font(bold=True)
        cells[1].alignment = Alignment(wrap_text=True, vertical="top", readingOrder=order)
        sheet.append(cells)

    for title, paragraphs in zip(("English", "Bahasa Melayu", "Bahasa Indonesia", "العربية"), _HOW, strict=True):
        for number, paragraph in enumerate(paragraphs):
            line("" if number else title, paragraph, 2 if title == "العربية" else 0)
    line("", "")
    for name in names:
        line(name, f"The speaker {_WHAT[name]}." if name in _WHAT else "A behaviour of your own.")


# ---------------------------------------------------------------------------------------------------- answers


@dataclass
class Answers:
    """What reviewers said.

    Attributes
    ----------
    votes : dict
        Task to reviewer to labels.
    read, taken, unanswered, bad : int
        Answers; ``read = taken + unanswered + bad``.
    problems : list of str
        By place.
    notes : list of str
    """

    votes: Votes = field(default_factory=dict)
    read: int = 0
    taken: int = 0
    unanswered: int = 0
    bad: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_tasks(path: Path) -> list[Utterance]:
    """Read the records of tasks.

    Parameters
    ----------
    path : Path
        The file that people work in, or the ``.review.jsonl`` beside it.

    Raises
    ------
    InputError
        If they are not there, or damaged.
    """
    records = companion(path)
    if not records.is_file():
        raise InputError(f"{records}: not there; santun review sample wrote it beside the tasks, keep the two together")
    tasks: list[Utterance] = []
    for row in read(open_source(records, format="jsonl")):
        sound = isinstance(row, Utterance) and not row.fault and row.labels is not None and task_of(row)
        if not sound or not {"part", "stratum", "of"} <= row.fields["review"].keys():  # type: ignore[union-attr]
            raise InputError(f"{row.source}: no task; take the file as santun review sample wrote it")
        assert isinstance(row, Utterance)  # noqa: S101 (a sound one)
        tasks.append(replace(row, source=str(row.fields.get("source") or row.source)))
    return tasks


def read_answers(
    paths: Sequence[Path],
    tasks: Sequence[Utterance],
    kind: str | None = None,
    *,
    empty: str = "unlabelled",
    progress: Callable[[int, int], None] | None = None,
) -> Answers:
    """Read what reviewers answered.

    Parameters
    ----------
    paths : sequence of Path
        Sheets that were filled in, or exports of a tool. Answers that do not say whose they are are called by their file.
    tasks : sequence of Utterance
    kind : str, default=None
        One of `FORMATS`; found out where None.
    empty : str, default="unlabelled"
        What no label means in doccano: ``unlabelled`` or ``none``.
    progress : callable, default=None
        Told (files read, files).

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    answers = Answers()
    known = {task_of(task) for task in tasks}
    names = behaviours_of_tasks(tasks)
    for number, path in enumerate(paths, 1):
        found = kind or _kind_of(path)
        units = _sheet_answers(path, names) if found in SHEETS else _tool_answers(path, found, names, empty)
        for source, key, who, labels in units:
            answers.read += 1
            wrong = labels if isinstance(labels, str) else ""
            if not wrong and labels is not None and key not in known:
                wrong = "no task of this review; are these the tasks that --tasks names?"
            if wrong:
                answers.bad += 1
                answers.problems.append(f"{source}: {wrong}")
            elif labels is None:
                answers.unanswered += 1
            else:
                assert not isinstance(labels, str)  # noqa: S101 (that is a fault)
                answers.taken += 1
                mine = answers.votes.setdefault(key, {})
                note = f"{path.name}: {who} answered some tasks twice; the last answer counts"
                if who in mine and mine[who] != labels and note not in answers.notes:
                    answers.notes.append(note)
                mine[who] = labels
        if progress:
            progress(number, len(paths))
    return answers


_Unit = tuple[str, str, str, frozenset[str] | str | None]  # place, task, reviewer, and labels, a fault or no answer


def _kind_of(path: Path) -> str:
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return "xlsx"
    if path.suffix.lower() in (".csv", ".tsv") and path.is_file():
        with path.open("rb") as file:
            head = file.readline().replace(b"\x00", b"").lower()
        if b"task" in head and b"reviewer" in head:
            return "csv"
    return sniff(path)


def _sheet_answers(path: Path, names: Sequence[str]) -> Iterator[_Unit]:
    for row in read(open_source(path)):
        if isinstance(row, Problem):
            yield row.source, "", "", row.what
            continue
        cells = {fold(str(name)): value for name, value in row.fields.items()}
        missing = [name for name in ("task", "reviewer", *names) if fold(name) not in cells]
        if missing:
            raise InputError(f"{path.name}: no column {missing[0]!r}; keep the columns of the sheet as they were")
        who = " ".join(str(cells["reviewer"] or "").split())
        yield row.source, str(cells["task"] or "").strip(), who, _ticked(cells, names) if who else None


def _ticked(cells: Mapping[str, Any], names: Sequence[str]) -> frozenset[str] | str:
    """Behaviours that are ticked; a fault where a cell says neither yes nor no."""
    ticked = []
    for name in names:
        value = cells[fold(name)]
        word = "" if value is None else str(value).strip().casefold()
        word = {"1.0": "1", "0.0": "0"}.get(word, word)
        if word in _YES:
            ticked.append(name)
        elif word not in _NO:
            return f"{name}: neither yes nor blank"
    return frozenset(ticked)


def _tool_answers(path: Path, kind: str, names: Sequence[str], empty: str) -> Iterator[_Unit]:
    """Answers of a tool's export, of each annotator; the row itself where nobody has answered."""
    plan = ToolMap(behaviours=tuple(dict.fromkeys((*BEHAVIOURS, *names))))
    answered: set[str] = set()
    silent: dict[str, _Unit] = {}
    for who in [*_annotators(path, kind), None]:
        for row in import_records(path, kind, plan, options=ToolOptions(annotator=who, empty=empty)):
            if isinstance(row, Problem):
                if row.source not in answered:
                    yield row.source, "", "", row.what
                answered.add(row.source)
            elif row.labels is None:
                silent.setdefault(row.source, (row.source, str(row.id), "", None))
            elif who is not None or row.source not in answered:  # an answer that is nobody's is the file's
                answered.add(row.source)
                yield row.source, str(row.id), who or path.stem, frozenset(row.labels)
    yield from (unit for source, unit in silent.items() if source not in answered)


def _annotators(path: Path, kind: str) -> list[str]:
    """Names of those who answered, as the tool has them."""
    names: dict[str, None] = {}
    if kind == "label-studio":
        tasks = load_json(path)
        for task in tasks if isinstance(tasks, list) else [tasks]:
            given = task.get("annotations") or task.get("completions") or [] if isinstance(task, dict) else []
            people = [one.get("completed_by") for one in given if isinstance(one, dict)]
            people += [task.get("annotator")] if isinstance(task, dict) else []
            for who in people:
                who = (who.get("email") or who.get("id")) if isinstance(who, dict) else who
                names |= {str(who): None} if who is not None else {}
    elif kind == "argilla":
        for _, row in load_objects(path):
            if isinstance(row, Problem):
                continue
            nested = row.get("responses")
            for responses in nested.values() if isinstance(nested, dict) else ():
                people = [one.get("user_id") for one in responses or () if isinstance(one, dict)]
                names |= {str(who): None for who in people if who is not None}
            for key, values in row.items():
                if key.endswith(".responses.users"):
                    names |= {str(who): None for who in values or ()}
    elif kind == "prodigy":
        for _, row in load_objects(path):
            if not isinstance(row, Problem):
                who = row.get("_annotator_id") or row.get("_session_id")
                names |= {str(who): None} if who else {}
    return list(names)
