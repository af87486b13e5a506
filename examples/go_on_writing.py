"""Let a model go on with a text, token by token, each drawn from the most probable ones.

    python examples/go_on_writing.py 今天天气很好，
    python examples/go_on_writing.py 今天天气很好， --samples 3 --top-p 0.7 --seed 2

As UniLM was trained: [CLS] text [SEP] is segment 0, and every place of it looks at all of it; what
is written is segment 1, looks at what stands before it, and ends with [SEP]. The cache keeps the
keys and values, so that each further token costs one place and not the whole text.
"""

import argparse

import torch

import wenlu

parser = argparse.ArgumentParser(description="Go on with a text.")
parser.add_argument("text")
parser.add_argument("--model", default="wenlu-gen")
parser.add_argument("--tokens", type=int, default=40, help="how many at most")
parser.add_argument("--samples", type=int, default=1)
parser.add_argument("--top-p", type=float, default=0.8, help="draw from so much of all chances")
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()

model, tokenizer = wenlu.load(arguments.model)
model.eval()
[end] = tokenizer.ids(["[SEP]"])
never = tokenizer.ids(["[PAD]", "[UNK]", "[CLS]", "[MASK]"])
source = tokenizer.join(tokenizer.encode(arguments.text).ids, None, model.config.max_length)


@torch.inference_mode()
def written(generator: torch.Generator) -> list[int]:
    """Tokens that follow the text."""
    cache, tokens = model.encoder.new_cache(), list[int]()
    states = model.encoder(torch.tensor([source.ids]), cache=cache)
    while len(tokens) < arguments.tokens:
        logits = model.token_logits(states[0, -1])
        logits[never] = -torch.inf
        chances, order = logits.softmax(0).sort(descending=True)
        kept = chances.cumsum(0) - chances < arguments.top_p  # with the one that crosses it
        kept[0] = True
        drawn = int(order[torch.multinomial(chances * kept, 1, generator=generator)])
        if drawn == end:
            break
        tokens.append(drawn)
        one = torch.tensor([[drawn]])
        states = model.encoder(one, torch.ones_like(one), cache=cache)
    return tokens


for sample in range(arguments.samples):
    generator = torch.Generator().manual_seed(arguments.seed + sample)
    tokens = tokenizer.tokens(written(generator))
    print(arguments.text + "".join(token.removeprefix("##") for token in tokens))
