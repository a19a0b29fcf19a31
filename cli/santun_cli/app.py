"""The typer application. Nothing heavy is imported before a command needs it, so that ``--help`` answers at once."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from santun.label import Account
    from santun.model import Model

USAGE, PARTLY, UNREADABLE, INTERNAL = 2, 3, 4, 5

app = typer.Typer(
    name="santun",
    help=(
        "Label the utterances of service conversations with the behaviours they perform: greeting, rapport question, "
        "empathy, apology, thanks, needs question, active listening, solution offer, ownership, closing; in Malay, "
        "Indonesian, Arabic and English.\n\n"
        'Start with `santun label calls.csv -o labelled.xlsx` or `santun label --text "Maaf ya kak"`.\n\n'
        "Exit codes: 0 done; 2 the command is wrong; 3 some rows could not be read, the rest is done; 4 an input "
        "could not be read at all; 5 a fault of santun."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
corpora_app = typer.Typer(help="Look at labelled data: check it, count it.", no_args_is_help=True)
app.add_typer(corpora_app, name="corpora")

Inputs = Annotated[
    list[str] | None,
    typer.Argument(help="Files or folders: JSONL, CSV/TSV, XLSX, Parquet, `Agent: …` text; `-` for standard input."),
]
ModelName = Annotated[
    str, typer.Option("--model", help="A shipped model's name, or a folder that `santun train` wrote.")
]
Lang = Annotated[
    str | None,
    typer.Option("--lang", help="Language of rows that do not name theirs: ms, id, ar, en. Found out if not given."),
]
Role = Annotated[
    str | None, typer.Option("--speaker-role", help="Role of rows whose speaker names none: agent, customer, bot.")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="Which column holds what, where the names do not tell: `--map text=Isi,speaker=Pengirim`."
    ),
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Encoding of text files, e.g. cp1256. Found out if not given.")
]
FormatIn = Annotated[
    str | None,
    typer.Option(
        "--format-in", help="Format of the inputs: jsonl, json, csv, xlsx, parquet, text. Sniffed if not given."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def fail(message: str, code: int) -> NoReturn:
    """Say one line and leave."""
    typer.echo(f"santun: {message}", err=True)
    raise typer.Exit(code)


def _columns(given: list[str] | None) -> dict[str, str]:
    from santun_corpora.columns import FIELDS

    columns: dict[str, str] = {}
    last = ""
    for pair in [piece for one in given or [] for piece in one.split(",")]:
        field, mark, column = pair.partition("=")
        if mark and field.strip() in FIELDS:
            last = field.strip()
            columns[last] = column
        elif last:  # a column's name may hold a comma
            columns[last] += f",{pair}"
        else:
            fail(f"--map {pair!r}: write FIELD=COLUMN, where FIELD is one of {', '.join(FIELDS)}", USAGE)
    return columns


def _check(lang: str | None, role: str | None) -> None:
    from santun_corpora import LANGUAGES, ROLES

    if lang is not None and lang not in LANGUAGES:
        fail(f"unknown language {lang!r}; give one of {', '.join(LANGUAGES)}", USAGE)
    if role is not None and role not in ROLES:
        fail(f"unknown role {role!r}; give one of {', '.join(ROLES)}", USAGE)


def _model(name: str) -> Model:
    from santun.model import load
    from santun_models.store import ModelError

    try:
        return load(name)
    except ModelError as error:
        fail(str(error), UNREADABLE)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*[Text(str(cell)) for cell in row])
    Console(width=None if sys.stdout.isatty() else 160).print(table)


# ------------------------------------------------------------------------------------------------------- label


@app.command()
def label(
    inputs: Inputs = None,
    text: Annotated[list[str] | None, typer.Option("--text", help="Label this utterance; may be given again.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write here; standard output if not given.")] = None,
    format_out: Annotated[
        str | None, typer.Option("--format", help="jsonl, csv, xlsx or parquet; by the ending of OUT if not given.")
    ] = None,
    lang: Lang = None,
    role: Role = None,
    columns: Map = None,
    model: ModelName = "default",
    encoding: Encoding = None,
    format_in: FormatIn = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew instead of going on after a kill.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the summary to standard error as JSON.")] = False,
) -> None:
    """Label every utterance of transcripts, one record an utterance, in the order of the input.

    Examples
    --------
        santun label calls/ -o labelled.jsonl

        santun label export.csv --map text=Isi,speaker=Pengirim -o labelled.xlsx

        cat call.txt | santun label - --lang ms

        santun label --text "Mohon maaf atas keterlambatannya, Kak" --lang id

    Every input row is accounted for in the summary: read = labelled + skipped + bad. A job that was killed goes on
    where it stopped when the same command is given again.
    """
    _check(lang, role)
    if bool(inputs) == bool(text):
        fail("give files to label, or --text", USAGE)
    loaded_columns = _columns(columns)
    if text:
        if out or format_out:
            fail("--text prints; give a file to write one", USAGE)
        loaded = _model(model)
        for record in loaded.label([t.encode("utf-8", "replace").decode() for t in text], lang=lang, speaker=role):
            typer.echo(json.dumps(record, ensure_ascii=False))
        return
    from santun.label import Account, label_files
    from santun.write import FORMATS, partial_path
    from santun_corpora.read import READERS

    endings = {".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet"}
    if format_out is None and out is not None and out.suffix.lower() in (".tsv", ".xls", ".ods", ".json", ".txt"):
        fail(f"{out}: no such format; end it in .jsonl, .csv, .xlsx or .parquet, or say --format", USAGE)
    kind = format_out or (endings.get(out.suffix.lower(), "jsonl") if out else "jsonl")
    if kind not in FORMATS:
        fail(f"unknown format {kind!r}; the formats are {', '.join(FORMATS)}", USAGE)
    if kind in ("xlsx", "parquet") and (out is None or (out.exists() and not out.is_file() and not out.is_dir())):
        where = "standard output" if out is None else f"{out}, which is no file"
        fail(f"{kind} cannot go to {where}; name a file with -o", USAGE)
    if format_in is not None and format_in not in READERS:
        fail(f"unknown format {format_in!r}; the formats are {', '.join(READERS)}", USAGE)
    loaded = _model(model)
    if out is not None and (out.is_dir() or not out.resolve().parent.is_dir()):
        fail(f"{out}: is a folder; name a file" if out.is_dir() else f"{out.parent}: no such folder", USAGE)
    out = out.resolve() if out is not None and out.is_symlink() and (out.is_file() or not out.exists()) else out
    ours = {out.resolve(), partial_path(out).resolve()} if out is not None else set()
    if (inputs or []).count("-") > 1:
        fail("standard input can be read once; give `-` once", USAGE)
    paths, missing, spooled = _gather(inputs or [], ours)
    clash = next((path for path in paths if path.resolve() in ours), None)
    if clash is not None:
        fail(f"{clash}: is an input too; write somewhere else", USAGE)
    account = Account()
    try:
        if paths:
            with _Progress(paths, quiet) as progress:
                account = label_files(
                    loaded, paths, out, kind=kind, lang=lang, role=role, columns=loaded_columns, encoding=encoding,
                    format_in=format_in, restart=restart, on_block=progress.update, on_note=progress.note,
                )  # fmt: skip
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        fail(f"{out or 'standard output'}: cannot be written ({error.strerror})", UNREADABLE)
    except KeyboardInterrupt:
        fail("stopped; give the same command again to go on" if out else "stopped", 130)
    finally:
        for path in spooled:
            shutil.rmtree(path.parent, ignore_errors=True)
    account.unreadable = missing + account.unreadable
    account.model = loaded.version
    if not quiet:
        _summary(account, as_json)
    else:
        for message in account.unreadable:
            typer.echo(f"santun: unreadable: {message}", err=True)
    raise typer.Exit(account.exit_code)


def _gather(inputs: list[str], ours: set[Path]) -> tuple[list[Path], list[str], list[Path]]:
    """Files of inputs, what could not be found, and which files are temporary copies of streams.

    Of a folder the job's own output (`ours`) is no input.
    """
    from santun_corpora import InputError, find_files, spool

    paths: list[Path] = []
    missing: list[str] = []
    spooled: list[Path] = []
    for name in inputs:
        if name == "-":
            spooled.append(spool(sys.stdin.buffer, "stdin"))
            paths.append(spooled[-1])
            continue
        try:
            found = find_files([name])
        except InputError as error:
            missing.append(str(error))
            continue
        if Path(name).is_dir():
            paths += [path for path in found if path.resolve() not in ours]
        elif found[0].is_file():
            paths += found
        else:
            with found[0].open("rb") as stream:
                spooled.append(spool(stream, found[0].name))
            paths.append(spooled[-1])
    return paths, missing, spooled


class _Progress:
    """A progress bar on a terminal; nothing elsewhere."""

    def __init__(self, paths: list[Path], quiet: bool) -> None:
        self.bar: Any = None
        self.quiet = quiet
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self.bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"),
                TimeRemainingColumn(), console=Console(stderr=True), transient=True,
            )  # fmt: skip
            total = sum(map(_lines, paths))
            self.task = self.bar.add_task("labelling", total=total or None)

    def __enter__(self) -> _Progress:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def update(self, account: Account, path: Path) -> None:
        """Show how many rows are done."""
        if self.bar:
            self.bar.update(self.task, completed=account.read, description=path.name[:30])

    def note(self, message: str) -> None:
        """Say something between."""
        if not self.quiet:
            typer.echo(f"santun: {message}", err=True)


def _lines(path: Path) -> int:
    """Rows of a file as far as they are cheap to count."""
    if path.suffix.lower() in (".xlsx", ".xlsm", ".parquet", ".json"):
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _summary(account: Account, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(account.to_dict(), ensure_ascii=False), err=True)
        return
    a = account
    lines = [f"read {a.read:,} = labelled {a.labelled:,} + skipped {a.skipped:,} + bad {a.bad:,}   (model {a.model})"]
    if a.labelled:
        langs = ", ".join(f"{code} {n:,}" for code, n in sorted(a.langs.items(), key=lambda item: -item[1]))
        lines.append(f"languages: {langs}" + (f"; mixed {a.mixed:,}" if a.mixed else ""))
        lines.append("labels: " + ", ".join(f"{name} {n:,}" for name, n in a.labels.items()))
    p = a.paths
    if p.conversations:
        steps = ", ".join(f"{step} {n:,}" for step, n in p.steps.items())
        lines.append(f"service path of {p.conversations:,} conversations: {steps}; all in order {p.in_order:,}")
        if p.empathy_and_apology or p.care_and_solution:
            lines.append(
                f"empathy before apology in {p.empathy_before_apology:,} of {p.empathy_and_apology:,}; "
                f"both before the solution in {p.care_before_solution:,} of {p.care_and_solution:,}"
            )
    for problem in a.problems[:10]:
        lines.append(f"bad: {problem}")
    if a.bad > 10:
        lines.append(f"bad: {a.bad - 10:,} more (--json lists up to a hundred)")
    lines += [f"unreadable: {message}" for message in a.unreadable]
    for line in lines:
        typer.echo(f"santun: {line}", err=True)


# ----------------------------------------------------------------------------------------------------- explain


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="An utterance.")],
    lang: Lang = None,
    role: Role = None,
    behaviour: Annotated[
        list[str] | None, typer.Option("--behaviour", "-b", help="Only this one; may be given again.")
    ] = None,
    model: ModelName = "default",
    as_json: Json = False,
) -> None:
    """Show which words speak for and against each behaviour; the parts add up to the score's log-odds.

    Example:

        santun explain "Maaf sangat puan, saya faham puan kecewa" -b empathy
    """
    _check(lang, role)
    loaded = _model(model)
    for name in behaviour or []:
        if name not in loaded.behaviours:
            fail(f"unknown behaviour {name!r}; the model knows {', '.join(loaded.behaviours)}", USAGE)
    text = text.encode("utf-8", "replace").decode()
    said = loaded.explain(text, lang=lang, speaker=role)
    if behaviour:
        said["behaviours"] = {name: said["behaviours"][name] for name in loaded.behaviours if name in behaviour}
    if as_json:
        _print_json(said)
        return
    typer.echo(f"language {said['lang']}; read as: {' / '.join(said['prepared'].splitlines())}")
    shown = {k: v for k, v in said["behaviours"].items() if behaviour or v["predicted"] or v["score"] >= 0.1}
    if not shown:
        typer.echo("no behaviour comes near its threshold; -b NAME shows one all the same")
    for name, part in shown.items():
        verdict = "yes" if part["predicted"] else "no"
        rows = [(w["text"], f"{w['weight']:+.2f}") for w in part["words"]]
        rows += [("(speaker and turn before)", f"{part['context']:+.2f}"), ("(start)", f"{part['base']:+.2f}")]
        rows.append(("= log-odds", f"{part['log_odds']:+.2f}"))
        best = max(part["spans"], key=lambda span: span["weight"], default=None)
        if best and len(part["spans"]) > 1:
            rows.append((f"most in: “{best['text'][:60]}”", f"{best['weight']:+.2f}"))
        _table(f"\n{name}: {verdict}, {part['score']:.2f} (from {part['threshold']:.2f})", ("word", "weight"), rows)


# ---------------------------------------------------------------------------------------------------- evaluate


@app.command()
def evaluate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Records with `labels`; the held-out seed corpus if none.")
    ] = None,
    model: ModelName = "default",
    by: Annotated[
        str | None, typer.Option("--by", help="Also core F1 for each value of this field, e.g. source, domain.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", help="Only rows with these values of a field, e.g. `slice=a,b,c`.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw a picture here: .png, .svg or .pdf.")] = None,
    columns: Map = None,
    as_json: Json = False,
) -> None:
    """Measure a model on labelled utterances, by language and behaviour, beside the cue-word baseline.

    Examples
    --------
        santun evaluate

        santun evaluate mycalls.jsonl --by channel --plot f1.png

    Intervals are 95 % bootstrap intervals by conversation. Never give it what the model was trained on.
    """
    from santun.evaluate import draw, evaluate, read_evaluation
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    loaded = _model(model)
    paths = files or seed_files("test")
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        fail(f"{missing}: no such file", UNREADABLE)
    try:
        rows, problems = read_evaluation(paths, _columns(columns))
    except InputError as error:
        fail(str(error), UNREADABLE)
    if where is not None:
        field, mark, values = where.partition("=")
        rows = [row for row in rows if mark and str(row.fields.get(field)) in values.split(",")]
        if not rows:
            fail(f"--where {where!r}: no row has such a value; write FIELD=VALUE,VALUE", USAGE)
    report = evaluate(loaded, rows, by=by)
    report["problems"] = problems
    if plot:
        try:
            draw(report, plot)
        except (ImportError, ValueError, OSError) as error:
            fail(str(error), USAGE)
    if as_json:
        _print_json(report)
    else:
        _show_report(report, by)
    for problem in problems[:10]:
        typer.echo(f"santun: bad: {problem}", err=True)
    raise typer.Exit(PARTLY if problems else 0)


def _interval(values: list[float] | None) -> str:
    return f"{values[0]:.2f}–{values[1]:.2f}" if values else ""


def _show_report(report: dict[str, Any], by: str | None) -> None:
    from santun.evaluate import number

    headers = ("behaviour", "precision", "recall", "F1", "95 %", "AP", "support", "false/100", "ECE", "cue words F1")
    for code, part in report["languages"].items():
        rows: list[tuple[Any, ...]] = [
            (
                name, number(s["precision"]), number(s["recall"]), number(s["f1"]), _interval(s["f1_interval"]),
                number(s["average_precision"]), s["support"], number(s["false_alarms"], 2),
                number(s["calibration_error"]), number(s["baseline_f1"]),
            )
            for name, s in part["behaviours"].items()
        ]  # fmt: skip
        for key, title in (("core", "core macro"), ("macro", "macro")):
            interval = _interval(part.get(f"{key}_f1_interval"))
            base = number(part[f"baseline_{key}_f1"])
            rows.append((title, "", "", number(part[f"{key}_f1"]), interval, "", "", "", "", base))
        _table(f"\n{code}: {part['rows']:,} rows", headers, rows)
    average = {key: number(value) for key, value in report["average"].items()}
    typer.echo(
        f"\nmean over languages: core {average['core_f1']} (cue words {average['baseline_core_f1']}), "
        f"all {average['macro_f1']} (cue words {average['baseline_macro_f1']})"
    )
    for name in ("seen", "unseen"):
        part = report[name]
        typer.echo(
            f"texts {name} in training: {part['rows']:,} rows, core {number(part['core_f1'])}, all {number(part['macro_f1'])}"
        )
    found = report["language_identification"]
    if found:
        typer.echo(
            f"language found: {number(found['utterances_of_four_words'], 4)} of {found['n_utterances_of_four_words']:,} lone "
            f"utterances of four words or more, {number(found['conversations'], 4)} of {found['n_conversations']:,} conversations"
        )
    if by:
        rows = [
            (v or "(none)", p["rows"], number(p["core_f1"]), number(p["macro_f1"])) for v, p in report["by"].items()
        ]
        _table(f"\nby {by}", (by, "rows", "core F1", "all F1"), rows)


# -------------------------------------------------------------------------------------------------------- path


@app.command()
def path(
    call: Annotated[Path, typer.Argument(help="A transcript.")],
    lang: Lang = None,
    columns: Map = None,
    model: ModelName = "default",
    encoding: Encoding = None,
    format_in: FormatIn = None,
    as_json: Json = False,
) -> None:
    """Say which steps of the service path a conversation took (greet, rapport, need, solution, thanks), with quotations.

    Example:

        santun path call.txt
    """
    _check(lang, None)
    from santun.label import label_path
    from santun.path import Turn, trace_path
    from santun_corpora import InputError

    loaded = _model(model)
    if not call.is_file():
        fail(f"{call}: no such file", UNREADABLE)
    try:
        conversations = label_path(
            loaded, call, lang=lang, columns=_columns(columns), encoding=encoding, format_in=format_in
        )
    except InputError as error:
        fail(str(error), UNREADABLE)
    traced = [
        trace_path([Turn(r["turn"] or i, r["role"], r["text"], r["labels"]) for i, r in enumerate(records, 1)], name)
        for name, records in conversations
    ]
    if as_json:
        _print_json([one.to_dict() for one in traced])
        return
    for one in traced:
        typer.echo(f"{one.conversation_id or '(no conversation)'}")
        for line in one.lines():
            typer.echo(f"  {line}")


# ------------------------------------------------------------------------------------------------------- train


@app.command()
def train(
    corpora: Annotated[list[Path] | None, typer.Argument(help="Labelled records; the seed corpus if none.")] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the new model.")] = Path("model"),
    jobs: Annotated[int, typer.Option("--jobs", help="Processes.")] = 2,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Train a model on labelled records and write it as a folder of plain data.

    Examples
    --------
        santun train -o model

        santun train mycalls.jsonl -o model && santun label calls/ --model model

    Conversations of the test split (a tenth, by the conversation's id) are left out, so that `santun evaluate` measures
    on what the model has not seen. The same records give the same bytes.
    """
    from santun.train import TrainingDataError, read_labelled, split_rows, train
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    try:
        rows, test = split_rows(read_labelled(corpora or seed_files()))
        if not quiet:
            typer.echo(f"santun: training on {len(rows):,} turns, {len(test):,} held out", err=True)
        with _fits(quiet) as progress:
            model = train(rows, progress=progress, n_jobs=jobs)
    except (InputError, TrainingDataError) as error:
        fail(str(error), UNREADABLE)
    try:
        model.save(out, model.facts)
    except OSError as error:
        fail(f"{out}: cannot be written ({error.strerror})", USAGE)
    if not quiet:
        typer.echo(f"santun: wrote {out}; try `santun label --model {out} …`", err=True)


class _fits:  # noqa: N801 (a context manager that reads as a verb)
    """A progress bar over the fits of a training on a terminal."""

    def __init__(self, quiet: bool) -> None:
        self.bar: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self.bar = Progress(console=Console(stderr=True), transient=True)

    def __enter__(self) -> Any:
        if self.bar is None:
            return None
        self.bar.start()
        task = self.bar.add_task("training", total=None)
        return lambda done, total: self.bar.update(task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


@app.command()
def card(
    model: ModelName = "default",
    gold: Annotated[
        list[Path] | None, typer.Option("--gold", help="A set of real utterances to measure on; may be given again.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write here; standard output if not given.")] = None,
) -> None:
    """Write the model card: every figure in it is measured by this command.

    Example:

        santun card --gold gold/ms.jsonl --gold gold/en.jsonl -o README.md
    """
    from santun.card import model_card
    from santun_corpora import InputError

    try:
        text = model_card(_model(model), gold or [])
    except InputError as error:
        fail(str(error), UNREADABLE)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{out}: cannot be written ({error.strerror})", USAGE)


# ----------------------------------------------------------------------------------------------------- corpora


@corpora_app.command("check")
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Record files; the seed corpus if none.")] = None,
    as_json: Json = False,
) -> None:
    """Check labelled records: every bad row is named by file and line.

    Example:

        santun corpora check mycalls.jsonl

    Checked: the fields of the record, languages and behaviours, ids that stand twice, turns out of order, a conversation
    in two splits, and near-duplicates between test and training.
    """
    from santun.audit import check_files
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    try:
        result = check_files(files or seed_files())
    except InputError as error:
        fail(str(error), UNREADABLE)
    if as_json:
        _print_json(result)
    else:
        for problem in result["problems"]:
            typer.echo(problem)
        for warning in result["warnings"]:
            typer.echo(f"note: {warning}")
        typer.echo(
            f"{result['rows']:,} rows, {result['conversations']:,} conversations, {len(result['problems']):,} problems"
        )
    raise typer.Exit(PARTLY if result["problems"] else 0)


@corpora_app.command("stats")
def stats(
    files: Annotated[list[Path] | None, typer.Argument(help="Record files; the seed corpus if none.")] = None,
    as_json: Json = False,
) -> None:
    """Count labelled records by language, behaviour, role and whatever fields they carry.

    Example:

        santun corpora stats mycalls.jsonl
    """
    from santun.audit import count_files
    from santun_corpora import InputError
    from santun_corpora.seed import seed_files

    try:
        counted = count_files(files or seed_files())
    except InputError as error:
        fail(str(error), UNREADABLE)
    if as_json:
        _print_json(counted)
        return
    langs = list(counted["languages"])
    for title, key in (("\nbehaviours (turns)", "behaviours"), ("\nroles", "roles")):
        names = list(dict.fromkeys(n for code in langs for n in counted["languages"][code][key]))
        rows = [(name, *(counted["languages"][code][key].get(name, 0) for code in langs)) for name in names]
        _table(title, (key[:-1], *langs), rows)
    _table(
        "\nsize",
        ("", *langs),
        [
            (key, *(counted["languages"][code][key] for code in langs))
            for key in ("rows", "conversations", "unlabelled", "several")
        ],
    )
    for field, values in counted["fields"].items():
        typer.echo(f"\n{field}: " + ", ".join(f"{value} {n:,}" for value, n in list(values.items())[:20]))


@app.command()
def version() -> None:
    """Print the version of santun."""
    from importlib.metadata import version as installed

    typer.echo(installed("santun"))


def main() -> None:
    """Run the command; a fault of santun is one line and exit code 5, with no text of anybody's call in it."""
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("SANTUN_DEBUG"):
            raise
        frame = error.__traceback__
        while frame and frame.tb_next:
            frame = frame.tb_next
        where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
        typer.echo(
            f"santun: a fault of santun ({type(error).__name__} at {where}); SANTUN_DEBUG=1 shows more", err=True
        )
        sys.exit(INTERNAL)


if __name__ == "__main__":
    main()
