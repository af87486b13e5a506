r"""English words as the script of CMRC2018 cuts them: the conventions of the Penn Treebank.

That script calls NLTK's `word_tokenize`. These rules give the same words, for one sentence in lower
case that has none of the characters that the script removes before (- : _ * ^ / \ ~ ` + = and
full-width punctuation), so rules for those are left out. NLTK's trained splitter of sentences is
not used; it matters only where a period ends a sentence inside an answer.
"""

import re

_ALONE = r"[;@#$%&?!\[\](){}<>\u2012-\u2015]|\.{2,}"
"""What is always a token of its own."""

_STEPS = (
    # A quote that opens: at the very start, or after a space, a bracket or another opening quote.
    (r"[«‘„]", r" \g<0> "),
    (r"^\"", " `` "),
    (r"(?<=[ (\[{<])(\"|'')", " `` "),
    (r"(?<!\w)'(?=\w)(?!(re|ve|ll|m|t|s|d|n)\b)", "' "),
    # The last period, also before what closes; no other one, so that "u.s." and "1.5" stay whole.
    (r"(?<=[^.])\.([\])}>\"'» ]*)\s*$", r" . \1 "),
    (r",(\D|$)", r" , \1"),
    (_ALONE, r" \g<0> "),
    (r"(?<=[^'])' ", " ' "),
    # A quote that closes, and what an apostrophe hangs on a word.
    (r"»", " » "),
    (r"''|\"", " '' "),
    (r"\s+|$", " "),
    (r"(?<=[^' ])('s|'m|'d|') ", r" \1 "),
    (r"(?<=[^' ])('ll|'re|'ve|n't) ", r" \1 "),
    # Two words written as one.
    (
        r"\b(can(?=not)|d(?='ye)|gim(?=me)|lem(?=me)|gon(?=na)|got(?=ta)|more(?='n))"
        r"(not|'ye|me|na|ta|'n)\b",
        r" \1 \2 ",
    ),
    (r"\b(wan)(na)(?=\s)", r" \1 \2 "),
    (r" ('t)(is|was)\b", r" \1 \2 "),
)
_RULES = tuple((re.compile(pattern), replacement) for pattern, replacement in _STEPS)


def english_words(text: str) -> list[str]:
    """The words and marks of a sentence, in their order."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.split()
