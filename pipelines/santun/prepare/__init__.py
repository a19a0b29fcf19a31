"""From raw utterances to the text a classifier reads, by spaCy pipelines of four languages.

`pipeline` gives the spaCy pipeline of a language, for whoever wants tokens, sentences and their places in the raw
text; `prepare` gives the same as plain strings, much faster, because each distinct chunk of text is looked at once.
"""

from santun.prepare.pipeline import LONGEST, pipeline, prepare, prepared_text, raw_span

__all__ = ["LONGEST", "pipeline", "prepare", "prepared_text", "raw_span"]
