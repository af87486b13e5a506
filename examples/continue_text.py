"""Continue a text: sample token by token from the most probable tokens (top-p).

    python examples/continue_text.py 今天天气很好，
    python examples/continue_text.py 今天天气很好， --samples 3 --top-p 0.7 --seed 2

The input is that of UniLM. [CLS] text [SEP] is segment 0, and its tokens see each other. The
generated tokens are segment 1, see all tokens before them, and end with [SEP]. The cache keeps keys
and values, so each new token is one position of work, not the whole text.
"""

import argparse

import torch

import wenlu

parser = argparse.ArgumentParser(description="Continue a text.")
parser.add_argument("text")
parser.add_argument("--model", default="wenlu-gen")
parser.add_argument("--tokens", type=int, default=40, help="maximum number of new tokens")
parser.add_argument("--samples", type=int, default=1)
parser.add_argument("--top-p", type=float, default=0.8, help="total probability to sample from")
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()

model, tokenizer = wenlu.load(arguments.model)
model.eval()
[end] = tokenizer.ids(["[SEP]"])
never = tokenizer.ids(["[PAD]", "[UNK]", "[CLS]", "[MASK]"])
source = tokenizer.join(tokenizer.encode(arguments.text).ids, None, model.config.max_length)


@torch.inference_mode()
def sampled(generator: torch.Generator) -> list[int]:
    """New tokens, up to [SEP]."""
    cache, tokens = model.encoder.new_cache(), list[int]()
    states = model.encoder(torch.tensor([source.ids]), cache=cache)
    while len(tokens) < arguments.tokens:
        logits = model.token_logits(states[0, -1])
        logits[never] = -torch.inf
        chances, order = logits.softmax(0).sort(descending=True)
        kept = chances.cumsum(0) - chances < arguments.top_p
        kept[0] = True  # also for --top-p 0
        drawn = int(order[torch.multinomial(chances * kept, 1, generator=generator)])
        if drawn == end:
            break
        tokens.append(drawn)
        one = torch.tensor([[drawn]])
        states = model.encoder(one, torch.ones_like(one), cache=cache)
    return tokens


for sample in range(arguments.samples):
    generator = torch.Generator().manual_seed(arguments.seed + sample)
    tokens = tokenizer.tokens(sampled(generator))
    print(arguments.text + "".join(token.removeprefix("##") for token in tokens))
