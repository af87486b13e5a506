"""From text to a model that loads, and a run that is gone on with."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from wenlu.corpus import TokenCorpus, write_jsonl, write_tokens
from wenlu.errors import CheckpointError, ConfigError, DataError, RunError, WenluError
from wenlu.models import FAMILIES, Model, load, save
from wenlu.nn import Padding, real_tokens
from wenlu.text import Tokenizer
from wenlu.training.pretraining import PretrainingConfig, pretrain, run
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.evaluate import evaluate
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import make_objectives

from .conftest import Configure
from .small import SPECIAL, TOKENIZER, write_documents, write_vocabulary
from .toy import metrics


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model" / "model.safetensors")


def result(out: Path) -> dict[str, Any]:
    return json.loads((out / "result.json").read_text("utf-8"))


def assert_same(one: Path, other: Path) -> None:
    """Bit for bit, and nothing is left over."""
    assert (one / "config.toml").read_bytes() == (other / "config.toml").read_bytes()
    assert metrics(one) == metrics(other)
    for key in ("scores", "tokens", "epochs", "steps", "fingerprint", "objectives", "seed"):
        assert result(one)[key] == result(other)[key], key
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []
    listed = [{str(p.relative_to(out)) for p in out.rglob("*")} for out in (one, other)]
    assert listed[0] == listed[1]


# What comes out.


@pytest.fixture(scope="module")
def whole(configure: Configure, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from text, with held-out text."""
    out = tmp_path_factory.mktemp("whole") / "run"
    told: list[str] = []
    config = configure(corpus=(str(folder / "text.txt"),), heldout=(str(folder / "heldout.jsonl"),))
    found = pretrain(config, out, say=told.append)
    assert found == result(out)
    (out.parent / "told").write_text("\n".join(told), "utf-8")
    return out


def test_the_run_folder(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} == {
        *("config.toml", "metrics.jsonl", "result.json", "model", "tokens", "heldout", "stable"),
    }
    assert newest(whole / "stable") == "step-00000018"
    found = result(whole)
    assert found["steps"] == 24
    assert found["objectives"] == ["mlm", "nsp"]
    assert found["seed"] == 1
    assert found["parameters"] == sum(x.numel() for x in load(whole / "model").model.parameters())
    assert found["tokens"] == metrics(whole)[-1]["tokens"]
    assert 0 < found["epochs"] < 1
    assert set(found["scores"]["mlm"]) == {"all", "新闻", "小说"}
    events = [(line["event"], line["step"]) for line in metrics(whole)]
    assert [step for event, step in events if event == "heldout"] == [10, 20]


def newest(folder: Path) -> str:
    (state,) = folder.iterdir()
    return state.name


def test_what_is_told(whole: Path) -> None:
    told = (whole.parent / "told").read_text("utf-8").splitlines()
    assert told[0].startswith("corpus: 120 documents, ")
    assert told[-1].endswith(" parameters, 2 layers of 16")
    assert any(line.startswith("24 steps will see some 0.0 million tokens") for line in told)


def test_the_configuration_repeats_the_run(whole: Path, tmp_path: Path) -> None:
    config = PretrainingConfig.from_toml(whole / "config.toml")
    pretrain(config, tmp_path / "again")
    assert_same(tmp_path / "again", whole)


def test_text_and_its_tokens_are_the_same(whole: Path, tmp_path: Path) -> None:
    config = PretrainingConfig.from_toml(whole / "config.toml")
    tokens = (str(whole / "tokens"),), (str(whole / "heldout"),)
    pretrain(replace(config, corpus=tokens[0], heldout=tokens[1]), tmp_path / "again")
    assert not (tmp_path / "again" / "tokens").exists()
    ours, theirs = weights(tmp_path / "again"), weights(whole)
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    assert result(tmp_path / "again")["scores"] == result(whole)["scores"]


def test_the_scores_are_those_of_the_saved_model(whole: Path) -> None:
    config = PretrainingConfig.from_toml(whole / "config.toml")
    model, tokenizer = load(whole / "model")
    objectives = make_objectives(config.objective, tokenizer, config.masking)
    data = PretrainingData(
        TokenCorpus(whole / "heldout"),
        tokenizer,
        objectives,
        max_length=32,
        batch_tokens=256,
        seed=1,
    )
    scores = evaluate(Pretraining(model, objectives), data, precision="float32")
    assert scores == result(whole)["scores"]


def test_the_model_loads_here_and_in_transformers(whole: Path) -> None:
    model, tokenizer = load(whole / "model")
    assert model.heads == {"pooler", "mlm", "nsp"}
    assert tokenizer.vocabulary == TOKENIZER.vocabulary
    assert (model.config.dropout, model.config.attention_dropout) == (0.1, 0.1)
    theirs, report = transformers.RoFormerForMaskedLM.from_pretrained(
        whole / "model", output_loading_info=True
    )
    assert not report["missing_keys"]
    ids = torch.randint(5, len(TOKENIZER), (2, 9))
    real = real_tokens(torch.tensor([9, 5]), 9)
    segments = (torch.arange(9) > 3).long().expand(2, 9)
    with torch.no_grad():
        states = model.eval().encoder(ids, segments, Padding(real))
        expected = model.token_logits(states)[real]
        found = theirs.eval()(ids, attention_mask=real, token_type_ids=segments).logits[real]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_it_learns(configure: Configure, folder: Path, tmp_path: Path) -> None:
    config = configure(
        objective=("lm",), steps=60, lr=0.03, heldout=(str(folder / "heldout.jsonl"),)
    )
    found = pretrain(config, tmp_path / "run")["scores"]["lm"]["all"]
    first = next(line for line in metrics(tmp_path / "run") if line["event"] == "heldout")
    assert first["lm_loss"] - 0.3 > found["loss"]
    assert found["accuracy"] > 0.2


@pytest.mark.parametrize(
    "objective", [("mlm",), ("mlm", "sop"), ("unilm",), ("unilm", "mlm"), ("nsp",)]
)
def test_every_objective(
    objective: tuple[str, ...], configure: Configure, folder: Path, tmp_path: Path
) -> None:
    config = configure(objective=objective, steps=2, heldout=(str(folder / "heldout.jsonl"),))
    found = pretrain(config, tmp_path / "run")
    assert found["objectives"] == list(objective)
    assert found["scores"].keys() == set(objective)
    assert load(tmp_path / "run" / "model").model.heads


def test_a_causal_shape(configure: Configure, tmp_path: Path) -> None:
    """GPT-2, which transformers reads."""
    shape = tmp_path / "gpt2.toml"
    lines = (
        *('family = "gpt2"', "width = 16", "layers = 2", "heads = 2", "inner_width = 64"),
        *("segments = 0", "causal = true", 'block = "pre_norm"', "embedding_norm = false"),
        *(
            "final_norm = true",
            'norm = {name = "layer_norm", epsilon = 1e-5}',
            'activation = "gelu_tanh"',
        ),
    )
    shape.write_text("\n".join(lines), "utf-8")
    pretrain(configure(objective=("lm",), config=str(shape), steps=3), tmp_path / "run")
    model = load(tmp_path / "run" / "model").model
    assert model.heads == set()
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "run" / "model").eval()
    ids = torch.randint(5, len(TOKENIZER), (2, 9))
    with torch.no_grad():
        found = model.eval().token_logits(model.encoder(ids))
        torch.testing.assert_close(found, theirs(ids).logits, rtol=1e-4, atol=1e-4)


def test_going_on_from_another_model(configure: Configure, tmp_path: Path) -> None:
    """Its weights, its vocabulary, and its heads, also those that are not trained."""
    torch.manual_seed(8)
    tokenizer = Tokenizer.from_tokens([*TOKENIZER.vocabulary, "茶壶"])
    shape = FAMILIES["bert"](vocabulary=len(tokenizer), width=16, layers=2, heads=2, max_length=40)
    old = Model(replace(shape, dropout=0.3), ("pooler", "nsp"))
    given = save(tmp_path / "old", old, tokenizer)
    text = write_documents(tmp_path / "text.txt", 40)
    config = configure(
        objective=("mlm",), corpus=(str(text),), model=str(given), vocab=None, steps=2
    )
    pretrain(config, tmp_path / "run")
    new, same = load(tmp_path / "run" / "model")
    assert new.heads == {"pooler", "mlm", "nsp"}
    assert new.config == old.config
    assert same.vocabulary == tokenizer.vocabulary
    for name, tensor in old.state_dict().items():
        kept = name.startswith(("pooler.", "nsp."))
        assert torch.equal(new.state_dict()[name], tensor) == kept or "position" in name, name


def test_recomputing_and_how_often_to_write_change_no_bit(whole: Path, tmp_path: Path) -> None:
    config = PretrainingConfig.from_toml(whole / "config.toml")
    changes = {
        "gradient_checkpointing": 1,
        "checkpoint_steps": 0,
        "log_steps": 3,
        "evaluate_steps": 7,
    }
    pretrain(replace(config, training=replace(config.training, **changes)), tmp_path / "again")
    ours, theirs = weights(tmp_path / "again"), weights(whole)
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    assert result(tmp_path / "again")["fingerprint"] == result(whole)["fingerprint"]


# Going on.


def longer(config: PretrainingConfig, **changes: Any) -> PretrainingConfig:  # noqa: ANN401
    return replace(config, training=replace(config.training, **changes))


@pytest.fixture(scope="module")
def base(configure: Configure, folder: Path) -> PretrainingConfig:
    return configure(heldout=(str(folder / "heldout.jsonl"),), average=0.2, dropout=0.1)


@pytest.fixture(scope="module")
def finished(base: PretrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 updates."""
    out = tmp_path_factory.mktemp("finished") / "run"
    pretrain(base, out)
    return out


@pytest.fixture(scope="module")
def forty(base: PretrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 from the beginning."""
    out = tmp_path_factory.mktemp("forty") / "run"
    pretrain(longer(base, steps=40), out)
    return out


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_more_updates_are_as_if_from_the_beginning(
    base: PretrainingConfig, copy: Path, forty: Path
) -> None:
    told: list[str] = []
    pretrain(longer(base, steps=40), copy, resume=True, say=told.append)
    assert "resuming after step 18" in told
    assert_same(copy, forty)


def test_by_and_by(base: PretrainingConfig, copy: Path, forty: Path) -> None:
    pretrain(longer(base, steps=30), copy, resume=True)
    pretrain(longer(base, steps=40), copy, resume=True)
    assert_same(copy, forty)


def test_a_later_fall(base: PretrainingConfig, copy: Path, tmp_path: Path) -> None:
    other = longer(base, decay=0.2, average=0.2)
    pretrain(other, copy, resume=True)
    pretrain(other, tmp_path / "whole")
    assert_same(copy, tmp_path / "whole")


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Stop training after that many updates, all at once."""

    class Ended(run.ProgressBar):
        def advance(self, text: str, rate: float, by: int = 1, unit: str = "texts") -> None:
            nonlocal at
            super().advance(text, rate, by, unit)
            at -= text.startswith("loss")
            if at == 0:
                raise KeyboardInterrupt

    monkeypatch.setattr(run, "ProgressBar", Ended)


def test_more_updates_before_the_end(
    base: PretrainingConfig,
    forty: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unfinished run can be made longer, too: before and after its rate began to fall."""
    for at, kept in ((12, 10), (22, 18)):
        out = tmp_path / str(at)
        with monkeypatch.context() as patch:
            interrupt(patch, at)
            with pytest.raises(KeyboardInterrupt):
                pretrain(base, out)
        told: list[str] = []
        pretrain(longer(base, steps=40), out, resume=True, say=told.append)
        assert f"resuming after step {kept}" in told
        assert_same(out, forty)


def test_a_shorter_end(
    base: PretrainingConfig, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is not past the new point where the rate falls can end earlier."""
    with monkeypatch.context() as patch:
        interrupt(patch, 17)
        with pytest.raises(KeyboardInterrupt):
            pretrain(longer(base, steps=40), tmp_path / "run")
    pretrain(base, tmp_path / "run", resume=True)
    assert_same(tmp_path / "run", finished)


def test_an_end_that_lies_behind(
    base: PretrainingConfig, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = r"has no state of step 15 or before to resume from; give more --steps"
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    with pytest.raises(RunError, match=message):
        pretrain(longer(base, steps=20), copy, resume=True)
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before
    with monkeypatch.context() as patch:
        interrupt(patch, 28)
        with pytest.raises(KeyboardInterrupt):
            pretrain(longer(base, steps=40), tmp_path / "unfinished")
    with pytest.raises(RunError, match="has no state of step 18 or before"):
        pretrain(base, tmp_path / "unfinished", resume=True)


def test_a_warm_up_that_was_cut_short_cannot_be_made_up_for(
    base: PretrainingConfig, tmp_path: Path
) -> None:
    short = longer(base, steps=8, warmup=10)
    pretrain(short, tmp_path / "run")
    message = "it cannot be resumed: warmup_steps was 8 and is now 10"
    with pytest.raises(RunError, match=message):
        pretrain(longer(short, steps=40), tmp_path / "run", resume=True)


def test_other_schedules_have_one_end(
    base: PretrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cosine = longer(base, schedule="cosine", steps=6, average=0.0)
    with monkeypatch.context() as patch:
        interrupt(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            pretrain(cosine, tmp_path / "run")
    with pytest.raises(RunError, match="steps was 6 and is now 9"):
        pretrain(longer(cosine, steps=9), tmp_path / "run", resume=True)
    pretrain(cosine, tmp_path / "run", resume=True)
    pretrain(cosine, tmp_path / "whole")
    assert_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize("place", ["copytree", "remove", "rename", "unlink", "config"])
def test_killed_while_going_back(
    place: str,
    base: PretrainingConfig,
    copy: Path,
    forty: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever was done of it, the next attempt comes to the same, and not by starting anew."""
    more = longer(base, steps=40)
    owner, name = {
        "copytree": (run.shutil, "copytree"),
        "remove": (run, "remove"),
        "rename": (Path, "rename"),
        "unlink": (Path, "unlink"),
        "config": (run, "atomic_write"),
    }[place]
    real = getattr(owner, name)

    def killing(*given: Any, **named: Any) -> None:  # noqa: ANN401
        if place != "config":
            real(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killing)
        with pytest.raises(KeyboardInterrupt):
            pretrain(more, copy, resume=True)
    told: list[str] = []
    pretrain(more, copy, resume=True, say=told.append)
    assert "resuming after step 18" in told
    assert_same(copy, forty)


def test_killed_while_going_back_from_the_middle_of_the_fall(
    base: PretrainingConfig, forty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, more = tmp_path / "run", longer(base, steps=40)
    with monkeypatch.context() as patch:
        interrupt(patch, 22)
        with pytest.raises(KeyboardInterrupt):
            pretrain(base, out)
    real = run.remove

    def killing(folder: Path) -> None:
        real(folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "remove", killing)
        with pytest.raises(KeyboardInterrupt):
            pretrain(more, out, resume=True)
    assert not (out / "checkpoint").exists()
    told: list[str] = []
    pretrain(more, out, resume=True, say=told.append)
    assert "resuming after step 18" in told
    assert_same(out, forty)


def test_a_result_without_its_last_sweep(base: PretrainingConfig, copy: Path) -> None:
    shutil.copytree(copy / "stable", copy / "checkpoint")
    with pytest.raises(RunError, match="is finished; give more --steps to train on"):
        pretrain(base, copy, resume=True)
    assert not (copy / "checkpoint").exists()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seed": 2, "lr": 0.5}, "seed was 1 and is now 2; lr was 0.01 and is now 0.5"),
        ({"objective": ("mlm",)}, r"objective was \('mlm', 'nsp'\) and is now \('mlm',\)"),
        ({"mask_rate": 0.3}, r"mask_rate was 0\.15 and is now 0\.3"),
        ({"steps": 40, "warmup": 5}, "warmup was 4 and is now 5"),
        ({"corpus": ("text.txt",)}, r"corpus was \('.*'\) and is now \('text.txt',\)"),
    ],
)
def test_other_settings_are_refused(
    change: dict[str, Any], what: str, base: PretrainingConfig, copy: Path, folder: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    own = {k: v for k, v in change.items() if hasattr(base, k)}
    of_masking = {k: v for k, v in change.items() if hasattr(base.masking, k)}
    of_training = {k: v for k, v in change.items() if hasattr(base.training, k)}
    if "corpus" in own:
        own["corpus"] = (str(folder / "text.txt"),)
        what = "corpus was "
    config = replace(
        base,
        **own,
        masking=replace(base.masking, **of_masking),
        training=replace(base.training, **of_training),
    )
    message = f"was started with other settings; it cannot be resumed: {what}"
    with pytest.raises(RunError, match=message):
        pretrain(config, copy, resume=True)
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def test_another_corpus_under_the_same_name_is_refused(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seed in (("tokens", 1), ("other", 2)):
        text = write_documents(tmp_path / f"{name}.txt", 60, seed)
        write_tokens([text], TOKENIZER, tmp_path / name, workers=1)
    config = configure(corpus=(str(tmp_path / "tokens"),))
    with monkeypatch.context() as patch:
        interrupt(patch, 7)
        with pytest.raises(KeyboardInterrupt):
            pretrain(config, tmp_path / "run")
    shutil.rmtree(tmp_path / "tokens")
    (tmp_path / "other").rename(tmp_path / "tokens")
    with pytest.raises(RunError, match="was started with other data"):
        pretrain(config, tmp_path / "run", resume=True)


def test_recomputing_may_begin_later(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when memory did not suffice."""
    config = configure(steps=12)
    with monkeypatch.context() as patch:
        interrupt(patch, 7)
        with pytest.raises(KeyboardInterrupt):
            pretrain(config, tmp_path / "run")
    pretrain(longer(config, gradient_checkpointing=1), tmp_path / "run", resume=True)
    pretrain(config, tmp_path / "whole")
    ours, theirs = weights(tmp_path / "run"), weights(tmp_path / "whole")
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_nothing_to_go_on_with_is_a_new_start(configure: Configure, tmp_path: Path) -> None:
    told: list[str] = []
    pretrain(configure(steps=2), tmp_path / "run", resume=True, say=told.append)
    assert told[0] == f"there is no run at {tmp_path / 'run'} yet: starting a new one"
    assert result(tmp_path / "run")["steps"] == 2


# Folders.


def test_a_folder_that_exists(configure: Configure, copy: Path) -> None:
    message = "exists already; --resume resumes it, --overwrite replaces it, or give another"
    with pytest.raises(RunError, match=message):
        pretrain(configure(), copy)
    pretrain(configure(steps=2), copy, overwrite=True)
    assert result(copy)["steps"] == 2
    assert not (copy / "heldout").exists()


@pytest.mark.parametrize("flag", ["resume", "overwrite", ""])
@pytest.mark.parametrize("name", ["notes.txt", "config.toml", "tokens"])
def test_another_folder_is_left_alone(
    flag: str, name: str, configure: Configure, tmp_path: Path
) -> None:
    """Also one that holds what looks like a part of a run."""
    out = tmp_path / "out"
    out.mkdir()
    if name == "tokens":
        (out / name).mkdir()
    else:
        (out / name).write_text('task = "classify"\n')
    with pytest.raises(
        RunError, match="exists already and is not a run folder, so it is left alone"
    ):
        pretrain(configure(), out, **({flag: True} if flag else {}))
    assert [path.name for path in out.iterdir()] == [name]


def test_a_file_stands_there(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(RunError, match="it is a file"):
        pretrain(configure(), tmp_path / "out", overwrite=True)
    with pytest.raises(RunError, match="cannot make the folder"):
        pretrain(configure(), tmp_path / "out" / "run")


def test_what_is_needed_is_not_overwritten(configure: Configure, copy: Path) -> None:
    write_tokens([write_documents(copy.parent / "a.txt", 30)], TOKENIZER, copy / "tokens")
    own = ({"corpus": (str(copy / "tokens"),)}, {"model": str(copy / "model"), "vocab": None})
    for change in own:
        with pytest.raises(RunError, match=f"is in {copy}, which --overwrite would remove"):
            pretrain(configure(**change), copy, overwrite=True)
    assert (copy / "result.json").exists()


# What cannot be trained.


@pytest.fixture
def refused(configure: Configure, finished: Path, tmp_path: Path) -> Callable[..., str]:
    """What is said, where nothing is made, and nothing that stands there is removed."""

    def refuse(kind: type[WenluError], **changes: Any) -> str:  # noqa: ANN401
        config = configure(**changes)
        with pytest.raises(kind) as caught:
            pretrain(config, tmp_path / "new")
        assert not (tmp_path / "new").exists()
        before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
        with pytest.raises(kind):
            pretrain(config, finished, overwrite=True)
        assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before
        return str(caught.value)

    return refuse


def test_text_that_is_not_there(refused: Callable[..., str], tmp_path: Path) -> None:
    told = refused(DataError, corpus=(str(tmp_path / "nowhere.txt"),))
    assert told.startswith(f"{tmp_path / 'nowhere.txt'}: there is no such file")
    told = refused(DataError, heldout=(str(tmp_path / "nowhere.txt"),))
    assert "nowhere.txt" in told


def test_text_of_another_kind(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "text.docx").write_text("好")
    told = refused(DataError, corpus=(str(tmp_path / "text.docx"),))
    assert "files that end in '.docx' cannot be read as text; those in .jsonl, " in told


def test_a_folder_without_tokens(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert str(tmp_path / "folder") in refused(DataError, corpus=(str(tmp_path / "folder"),))


def test_tokens_of_another_vocabulary(refused: Callable[..., str], tmp_path: Path) -> None:
    other = write_vocabulary(tmp_path / "vocab.txt", [*SPECIAL, "的"])
    told = refused(RunError, vocab=str(other))
    assert "was made with another vocabulary; give the one that it was made with, or" in told


def test_vocabularies_that_lack_something(refused: Callable[..., str], tmp_path: Path) -> None:
    tokens = TOKENIZER.vocabulary
    for missing, kind in (("[CLS]", CheckpointError), ("[MASK]", ConfigError)):
        some = write_vocabulary(tmp_path / "v.txt", [x for x in tokens if x != missing])
        assert missing in refused(kind, vocab=str(some))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("heads = 3\n", "{shape}: width 16 cannot be shared evenly among 3 heads"),
        ("heads = 16\n", "{shape}: rotary positions turn pairs; key_size 1 is odd"),
        ("depth = 3\nheads = 2\n", "{shape} has no field 'depth'; the closest are width"),
        ("max_length = 16\nheads = 2\n", "max_length 32 is more than the 16 positions of {shape}"),
    ],
)
def test_shapes_that_cannot_be(
    more: str, message: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    shape = tmp_path / "shape.toml"
    shape.write_text(f'position = "rotary"\nwidth = 16\nlayers = 1\ninner_width = 8\n{more}')
    assert message.format(shape=shape) in refused(ConfigError, config=str(shape))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": ("mlm", "lm")}, "mlm and lm cannot be trained together: lm goes alone"),
        ({"objective": ("mlm", "nps")}, "no objective 'nps'; the closest are nsp"),
    ],
)
def test_settings_that_cannot_be(
    changes: dict[str, Any], message: str, refused: Callable[..., str]
) -> None:
    assert message in refused(ConfigError, **changes)


def test_one_document(configure: Configure, tmp_path: Path) -> None:
    for name, texts in (("one", ["今天喝茶。睡觉！"]), ("two", ["今天喝茶。睡觉！", "周末。"])):
        write_jsonl(tmp_path / f"{name}.jsonl", ({"text": text} for text in texts))
    for corpus, heldout, where in (("one", "two", "tokens"), ("two", "one", "heldout")):
        files = {"corpus": (corpus,), "heldout": (heldout,)}
        paths = {k: (str(tmp_path / f"{name}.jsonl"),) for k, (name,) in files.items()}
        message = re.escape(f"other documents, but {tmp_path / where / where} has 1; give more")
        with pytest.raises(DataError, match=message):
            pretrain(configure(**paths), tmp_path / where)


def test_a_held_out_text_in_which_nothing_is_masked(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "held.txt").write_text("茶", "utf-8")
    config = configure(
        objective=("mlm",), heldout=(str(tmp_path / "held.txt"),), steps=3, evaluate_steps=1
    )
    found = pretrain(config, tmp_path / "run")
    assert set(found["scores"]["mlm"]) <= {"all", "held.txt"}


def test_bad_text_leaves_nothing_that_is_in_the_way(
    configure: Configure, folder: Path, tmp_path: Path
) -> None:
    """The same command, with the file mended, is enough."""
    text = tmp_path / "text.jsonl"
    text.write_text('{"text": "今天喝茶。我们睡觉！"}\n{"txt": 1}\n', "utf-8")
    config = configure(corpus=(str(text),), steps=2)
    with pytest.raises(DataError, match=r"text\.jsonl, line 2"):
        pretrain(config, tmp_path / "run")
    shutil.copy(folder / "heldout.jsonl", text)
    assert pretrain(config, tmp_path / "run")["steps"] == 2


def test_tokens_of_a_run_that_never_began_are_those_of_its_text(
    configure: Configure, tmp_path: Path
) -> None:
    """Bad held-out text ended it; meanwhile another corpus was chosen."""
    held = tmp_path / "held.jsonl"
    held.write_text('{"txt": 1}\n', "utf-8")
    for name, count in (("one", 30), ("two", 40)):
        text = write_documents(tmp_path / f"{name}.txt", count)
        config = configure(corpus=(str(text),), heldout=(str(held),), steps=2)
        with pytest.raises(DataError, match=r"held\.jsonl, line 1"):
            pretrain(config, tmp_path / "run", resume=True)
    assert TokenCorpus(tmp_path / "run" / "tokens").statistics.documents == 40
