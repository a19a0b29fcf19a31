"""The MLflow model, from code: a pyfunc over a model folder, which loads plain files and unpickles nothing.

MLflow runs this file when it loads a logged model (`mlflow models serve`, `mlflow.pyfunc.spark_udf`). `santun label`
does not: it takes the model folder out of the logged model and runs no code of the registry.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
from santun_corpora import LANGUAGES, ROLES, Utterance, role_of

from santun.model import Model, load

if TYPE_CHECKING:
    import pandas as pd

OPTIONAL = ("conversation_id", "turn", "speaker", "lang", "conversation_rows")
_NUMBERS = ("turn", "conversation_rows")


class Labeller(PythonModel):
    """Label the rows of a frame.

    Rows of one ``conversation_id`` are taken as one conversation, in the order of ``turn`` (of the frame where it is
    missing), wherever they stand in the frame; rows without one are lone utterances.
    """

    _skip_type_hint_validation = True  # the signature is given when the model is logged
    model: Model

    def load_context(self, context: Any) -> None:
        """Load the model folder of the artifacts."""
        self.model = load(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """Label rows.

        Parameters
        ----------
        context : PythonModelContext
        model_input : DataFrame
            ``text`` and, optional, ``conversation_id``, ``turn``, ``speaker`` (a role word), ``lang``, and
            ``conversation_rows``: how many rows the conversation has, so that a part of one is refused.
        params : dict, default=None
            None are known.

        Returns
        -------
        DataFrame
            In the order of the input: ``labels`` (list of str), ``lang``, and a probability for each behaviour.

        Raises
        ------
        MlflowException
            If ``conversation_rows`` is given and rows of a conversation are missing.
        """
        import pandas as pd

        columns = {
            name: model_input[name].tolist() if name in model_input else [None] * len(model_input)
            for name in ("text", *OPTIONAL)
        }
        rows = [
            Utterance(
                _word(text) or "", f"row:{i}", conversation_id=_word(conversation), speaker=_word(speaker),
                turn=None if turn is None or turn != turn else int(turn),
                role=speaker if speaker in ROLES else role_of(_word(speaker)), lang=lang if lang in LANGUAGES else None,
            )
            for i, (text, conversation, turn, speaker, lang, _) in enumerate(zip(*columns.values(), strict=True))
        ]  # fmt: skip
        if "conversation_rows" in model_input:
            _check_whole(rows, columns["conversation_rows"])
        first: dict[str, int] = {}
        home = [
            i if row.conversation_id is None else first.setdefault(row.conversation_id, i) for i, row in enumerate(rows)
        ]
        order = sorted(range(len(rows)), key=lambda i: (home[i], rows[i].turn is None, rows[i].turn or 0, i))
        result = self.model.label_utterances([rows[i] for i in order])
        back = np.argsort(order) if rows else np.empty(0, np.int64)
        names = self.model.behaviours
        out: dict[str, Any] = {
            "labels": [[n for n, on in zip(names, row, strict=True) if on] for row in result.predicted[back].tolist()],
            "lang": [result.lang[i] for i in back],
        }
        out |= {name: result.scores[back, j] for j, name in enumerate(names)}
        return pd.DataFrame(out, index=model_input.index)


def _word(value: Any) -> str | None:
    """A cell as text; None where pandas has a gap."""
    return None if value is None or value != value or value == "" else str(value)


def _check_whole(rows: list[Utterance], numbers: list[Any]) -> None:
    """Refuse a part of a conversation, for its labels would not be those of the whole."""
    here = Counter(row.conversation_id for row in rows)
    for row, number in zip(rows, numbers, strict=True):
        if row.conversation_id is not None and number is not None and number == number:
            there = here[row.conversation_id]
            if there != number:
                raise MlflowException.invalid_parameter_value(
                    f"a conversation of {int(number)} rows came with {there} of them, and its labels would not be those "
                    "of the whole; on Spark: spark.sql.execution.arrow.maxRecordsPerBatch has to be 0, a partition below 2 GB"
                )


def signature(behaviours: list[str]) -> Any:
    """Give the signature that the model is logged with."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    optional = [
        ColSpec(DataType.long if name in _NUMBERS else DataType.string, name, required=False) for name in OPTIONAL
    ]
    outputs = [ColSpec(Array(DataType.string), "labels"), ColSpec(DataType.string, "lang")]
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text"), *optional]),
        outputs=Schema([*outputs, *(ColSpec(DataType.double, name) for name in behaviours)]),
    )


def example() -> pd.DataFrame:
    """Give an input example that is nobody's call."""
    import pandas as pd

    return pd.DataFrame(
        {
            "text": ["Selamat pagi, boleh saya bantu?", "Internet saya putus.", "Maaf atas kesulitan ini, puan."],
            "conversation_id": ["example"] * 3,
            "turn": [1, 2, 3],
            "speaker": ["agent", "customer", "agent"],
            "lang": ["ms"] * 3,
        }
    )


set_model(Labeller())
