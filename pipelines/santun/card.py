"""The model card: Markdown with the front matter of a model hub, its figures measured when it is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from santun_corpora import CORE_BEHAVIOURS
from santun_corpora.seed import seed_files

from santun.evaluate import evaluate, number, read_evaluation
from santun.model import DEFAULT, Model
from santun.robustness import robustness

_HEAD = """---
library_name: santun
pipeline_tag: text-classification
language: [ms, id, ar, en]
license: apache-2.0
datasets: [santun-seed]
metrics: [f1, precision, recall]
tags: [customer-service, dialogue, multi-label, scikit-learn, spacy]
---

# Model card: `{name}` {version}

Labels one utterance of a service conversation with the behaviours it performs: {behaviours}.
Multi-label, Malay, Indonesian, Arabic and English, mixed languages included. Linear models on hashed words, phrases and
character n-grams of sentences; a second stage, logistic regression{networks}, over the sentences of a turn,
{size}the turns before and after and the roles.

This page is written by `{command}`; no figure in it is typed, but the ceiling's.

## Use

Meant for quality assurance and research on service conversations: what share of calls greets, whether empathy comes
before the apology, which calls to listen to. A label is a claim about one utterance with an error rate (below); it is
not a judgement of a person, and no decision about an agent should rest on it without a person reading the turns it
quotes. Not meant for conversations that are no service (therapy, police, courts), or for other languages.

## Training

{rows:,} turns of {conversations:,} conversations (train and validation splits; near-duplicates of the test split left out).
{written} SHA-256 of the data:
`{digest}`. Noised copies of {share:.0%} of the conversations for each of
{kinds} kinds of noise, at weight {weight:g}. Calibration and thresholds come from cross-fitting over conversations, {folds} folds;
when thresholds are chosen, an example counts less where real talk holds fewer of them than the corpus, or is unlike it: {prior}.
{again} trains it again; the same rows and recipe give the same bytes, with {libraries}.
"""

_CEILING = """
The ceiling: two annotators under the guide agree at F1 0.94 to 0.99 on the core five.
"""

_LIMITS = """
## Known limits

* Written conversations are cleaner than real ones: figures on real talk are lower, above all for empathy, active
  listening and ownership, and in talk that is no service at all (film dialogue, social posts), where everyday words of
  feeling raise false alarms.
* Thanks that are meant bitterly are often taken for thanks; `santun checklist` says how often. Reported acts ("she
  thanked me") and softeners ("sorry, what was the name?") are mostly, not always, told apart.
* Malay and Indonesian share most words; a lone short utterance may be taken for the other language. This changes labels
  little: there is one model for all languages.
* Speech recognition that misses words costs recall. Long turns without punctuation are cut at words that open a clause.
* English talk of clinics ("how are you doing with that?", "I understand you're here for …") raises false alarms of rapport
  questions and empathy.
* Roles and the turns before and after help with empathy, rapport questions and active listening; without them these are the weakest labels.
"""


def model_card(model: Model, gold: Sequence[Path], name: str = DEFAULT) -> str:
    """Write the card of a model.

    Parameters
    ----------
    model : Model
    gold : sequence of Path
        Sets of real utterances to measure on, beside the held-out conversations of the seed corpus.
    name : str, default="default"
        What the model was loaded by.

    Returns
    -------
    str
        Markdown.
    """
    training = model.facts.get("training", {})
    recipe = model.facts["recipe"]
    libraries = model.facts.get("libraries", {})
    asked = "".join(f" --gold {path}" for path in gold)
    own = bool(recipe["data"]["files"] or recipe["data"]["dataset"])
    networks = len(model.classifier.unit_weights_) > 0
    text = _HEAD.format(
        name=recipe["name"],
        version=model.version,
        behaviours=", ".join(f"`{name}`" for name in model.behaviours),
        networks=" and small networks" if networks else "",
        size="its length and language, " if networks else "",
        command=f"santun card{asked} -o models/santun_models/default/README.md"
        if name == DEFAULT
        else f"santun card --model {name}{asked}",
        written="Those of the seed corpus were written for santun, the others are of whoever trained the model."
        if own
        else "All of them were written for this project; see the corpus's datasheet.",
        again="`santun train` with the recipe in its manifest" if own else "`santun train -o model`",
        rows=training.get("rows", 0),
        conversations=training.get("conversations", 0),
        digest=training.get("sha256", "unknown"),
        share=recipe["augmentation"]["share"],
        kinds=len(recipe["augmentation"]["kinds"]),
        weight=recipe["augmentation"]["weight"],
        folds=recipe["classifier"]["n_folds"],
        prior=", ".join(f"{name} {share:g}" for name, share in recipe["calibration"]["prior"].items()) or "none",
        libraries=", ".join(f"{name} {number}" for name, number in libraries.items()),
    )
    held_out, _ = read_evaluation(seed_files("test"))
    report = evaluate(model, held_out, by="slice")
    text += "\n## Held-out conversations of the seed corpus\n\n`santun evaluate --by slice`\n" + _tables(report)
    text += _by(
        report, "slice", "Slices a, b and c are the first corpus; the later ones were written at harder borders."
    )
    for field in ("channel", "style", "region"):
        text += _by(evaluate(model, held_out, by=field), field, "", least=100)
    text += _noise(robustness(model, held_out))
    if gold:
        rows, _ = read_evaluation(gold)
        measured = evaluate(model, rows, by="source")
        text += (
            "\n## Real public utterances\n\n"
            f"`santun evaluate {' '.join(map(str, gold))} --by source`: utterances of public collections, drawn at random or "
            "by cue words, or made local (below), labelled by the guide. No text of them is trained on; "
            "priors of thresholds, those of single languages above all, were chosen on them (docs/experiments.md).\n"
        )
        text += _tables(measured) + _by(measured, "source", "")
        text += _by(evaluate(model, rows, by="drawn_by"), "drawn_by", "")
        at_random = [row for row in rows if row.fields.get("drawn_by") == "random"]
        if at_random:
            text += _alarms(evaluate(model, at_random))
        text += _CEILING
    return text + _LIMITS


def _tables(report: dict[str, Any]) -> str:
    lines = [
        "",
        "| | core five F1 | 95 % | all ten F1 | cue words, core | rows |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for code, part in report["languages"].items():
        interval = "–".join(number(end, 2) for end in part.get("core_f1_interval", ()))
        lines.append(
            f"| {code} | {number(part['core_f1'])} | {interval} | {number(part['macro_f1'])} "
            f"| {number(part['baseline_core_f1'])} | {part['rows']:,} |"
        )
    average = {key: number(value) for key, value in report["average"].items()}
    lines.append(
        f"| mean of languages | {average['core_f1']} | | {average['macro_f1']} | {average['baseline_core_f1']} | |"
    )
    codes = [code for code in report["languages"] if code != "all"]
    lines += ["", "F1 with its 95 % interval, and support; (cue words) behind it:", ""]
    lines += ["| | " + " | ".join(codes) + " |", "| --- |" + " --- |" * len(codes)]
    for name in report["languages"][codes[0]]["behaviours"]:
        cells = [_cell(report["languages"][code]["behaviours"][name]) for code in codes]
        label = f"**{name}**" if name in CORE_BEHAVIOURS else name
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    whole = report["languages"]["all"]["behaviours"]
    worst = max(whole, key=lambda name: whole[name]["calibration_error"])
    found = report["language_identification"]
    lines += [
        "",
        f"Largest calibration error of a behaviour: {whole[worst]['calibration_error']:.3f} ({worst}). "
        f"Core F1 on texts seen in training {number(report['seen']['core_f1'])} ({report['seen']['rows']:,} rows), "
        f"unseen {number(report['unseen']['core_f1'])} ({report['unseen']['rows']:,} rows).",
    ]
    if found:
        lines.append(
            f"Language found: {number(found['utterances_of_four_words'], 4)} of lone utterances of four words or more, "
            f"{number(found['conversations'], 4)} of {found['n_conversations']:,} conversations."
        )
    return "\n".join(lines) + "\n"


def _cell(scores: dict[str, Any]) -> str:
    if scores["f1"] is None:
        return "–"
    low, high = scores["f1_interval"]
    return f"{scores['f1']:.2f} ({low:.2f}–{high:.2f}, n={scores['support']}; {scores['baseline_f1']:.2f})"


def _noise(report: dict[str, Any]) -> str:
    """Loss of F1 under each kind of noise."""
    lines = [
        "\n### Noise\n",
        "`santun robustness`: points of F1 lost on the same conversations, with 95 % intervals.",
        "",
        "| noise | rate | core five | all |",
        "| --- | --- | --- | --- |",
    ]
    for entry in report["noise"]:
        scores = entry["languages"]["all"]
        cells = []
        for key in ("core_f1", "macro_f1"):
            low, high = scores[key]["interval"]
            cells.append(f"{scores[key]['loss']:.1f} ({low:.1f} to {high:.1f})")
        lines.append(f"| {entry['kind']} | {entry['rate']:g} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _alarms(report: dict[str, Any]) -> str:
    """False alarms of the core five on utterances drawn at random."""
    whole = report["languages"]["all"]["behaviours"]
    told = ", ".join(f"{name} {whole[name]['false_alarms']:.2f}" for name in CORE_BEHAVIOURS if name in whole)
    return f"\nFalse alarms per 100 of the {report['rows']:,} utterances that were drawn at random: {told}.\n"


def _by(report: dict[str, Any], field: str, note: str, *, least: int = 0) -> str:
    lines = ["", *([note, ""] if note else []), f"| {field} | core F1 | all F1 | rows |", "| --- | --- | --- | --- |"]
    for value, part in report["by"].items():
        if part["rows"] < least or not value:
            continue
        lines.append(f"| {value} | {number(part['core_f1'])} | {number(part['macro_f1'])} | {part['rows']:,} |")
    return "\n".join(lines) + "\n"
