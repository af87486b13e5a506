import re

from wenlu.corpus import TokenCorpus
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.pretraining.settings import MaskingSettings, PretrainingSettings
from wenlu.training.pretraining.statistics import describe_rows

from .small import TOKENIZER


def told(corpus: TokenCorpus, *names: str, micro_batches: int = 1, **masking: object) -> list[str]:
    objectives = make_objectives(names, TOKENIZER, MaskingSettings(**masking))  # type: ignore[arg-type]
    data = PretrainingData(corpus, TOKENIZER, objectives, max_length=32, batch_tokens=256, seed=1)
    return describe_rows(data, PretrainingSettings(steps=1000), micro_batches)


def numbers(line: str) -> list[float]:
    return [float(x.replace(",", "")) for x in re.findall(r"\d[\d,]*\.?\d*(?:e[+-]\d+)?", line)]


def test_what_is_told(corpus: TokenCorpus) -> None:
    lines = told(corpus, "mlm", "nsp")
    made = corpus.statistics
    assert lines[0] == (
        f"corpus: 120 documents, {made.sentences:,} sentences, {made.tokens:,} tokens, 0.000% [UNK]"
    )
    rows, pairs, masked, seen = lines[1:]
    average, batch, filled = numbers(rows)
    assert 8 < average <= 32
    assert average * batch <= 256
    assert 80 < filled <= 100
    assert pairs.startswith("pairs: ")
    assert 40 < numbers(pairs)[0] < 100
    share, span = numbers(masked)
    assert 10 < share < 18
    assert span > 1.4
    _, millions, times = numbers(seen)
    assert times == round(1000 / len_batches(corpus), 1 - len(str(int(times))) + 1)
    assert millions > 0.1


def len_batches(corpus: TokenCorpus) -> int:
    objectives = make_objectives(["mlm", "nsp"], TOKENIZER, MaskingSettings())
    data = PretrainingData(corpus, TOKENIZER, objectives, max_length=32, batch_tokens=256, seed=1)
    return len(data.block(0).batches)


def test_more_micro_batches_see_more(corpus: TokenCorpus) -> None:
    one, four = (numbers(told(corpus, "mlm", micro_batches=n)[-1])[1] for n in (1, 4))
    assert abs(four - 4 * one) < 0.3


def test_single_tokens_are_told_from_words(corpus: TokenCorpus) -> None:
    whole, single = (
        numbers(told(corpus, "mlm", whole_words=whole)[2])[1] for whole in (True, False)
    )
    assert single < 1.3 < whole


def test_nothing_is_said_of_what_is_not_there(corpus: TokenCorpus) -> None:
    lines = told(corpus, "lm")
    assert len(lines) == 3
    assert not any(line.startswith(("pairs", "masked")) for line in lines)
