"""Pages of spans, answers, choices and relations."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from wenlu.evaluation.report.page import OF_KIND, sections_of

from .pages import Checker, check

EVIL = "<script>alert(1)</script>\"'&\x00\u202e</bdi></mark><img src=x onerror=y>"
MakeRun = Callable[..., Path]
Write = Callable[..., Path]
Line = dict[str, Any]


@pytest.fixture
def write(make_run: MakeRun) -> Write:
    """A run of a kind with given predictions."""

    def make(kind: str, lines: list[Line], **result: object) -> Path:
        about = {"kind": kind, "labels": [], "scores": {}, "name": "run"} | result
        run = make_run(rows=0, **about)
        text = "\n".join(json.dumps(line, ensure_ascii=True) for line in lines)
        (run / "dev.predictions.jsonl").write_text(text, encoding="utf-8")
        return run

    return make


def page_of(run: Path) -> tuple[Checker, str]:
    return check(run), (run / "report.html").read_text(encoding="utf-8")


def span(text: str, words: str, kind: str, **more: str) -> Line:
    start = text.index(words)
    return {"start": start, "end": start + len(words), "type": kind, "text": words, **more}


TEXT = "𠮷野家👩\u200d👧在北京大学附属第一医院旁开了店"
SPANS: Line = {
    "id": "t1",
    "text": TEXT,
    "gold": [
        span(TEXT, "𠮷野家", "店"),
        span(TEXT, "北京大学附属第一医院", "机构"),
        span(TEXT, "北京大学", "机构"),
        span(TEXT, "北京", "地点"),
    ],
    "predicted": [
        span(TEXT, "𠮷野家", "人名"),
        span(TEXT, "北京大学附属第一医院", "机构"),
        span(TEXT, "附属第一医院旁", "地点"),
        {"start": 90, "end": 99, "type": "时间", "text": "明天"},
    ],
}
ANSWER: Line = {
    "id": "q1",
    "question": "店开在哪里？",
    "context": TEXT,
    "gold": ["北京大学", "北京大学附属第一医院旁"],
    "predicted": span(TEXT, "第一医院", "") | {"score": 7.25},
    "scores": {"exact_match": 0.0, "f1": 0.5},
}
CHOICE: Line = {
    "id": "c1",
    "texts": ["老师问：还剩几只？", "小军怎样面对？"],
    "choices": ["立刻回答", "先弄明白条件", "不回答"],
    "gold": 1,
    "predicted": 2,
    "probabilities": [0.125, 0.25, 0.625],
}
FILM = {"subject": "妖铃铃", "predicate": "主演", "object": {"@value": "吴君如", "inWork": "片中"}}
RELATION: Line = {
    "id": "r1",
    "text": "《妖铃铃》由吴君如执导并主演",
    "gold": [FILM, FILM | {"predicate": "导演"}, FILM | {"object": {"@value": "沈腾"}}],
    "predicted": [FILM, FILM | {"predicate": "编剧"}, FILM | {"object": {"@value": "岳云鹏"}}],
}
LINES = {"spans": SPANS, "answers": ANSWER, "choices": CHOICE, "relations": RELATION}


@pytest.mark.parametrize("kind", LINES)
def test_a_page_has_the_sections_of_its_kind(write: Write, kind: str) -> None:
    line = LINES[kind]
    right = line | {"predicted": line["gold"]}
    if kind == "answers":
        right = line | {"predicted": "北京大学", "scores": {"exact_match": 1.0, "f1": 1.0}}
    run = write(kind, [line, right, line | {"gold": None}])
    page, _ = page_of(run)
    assert page.ids == ["headline", *(at for at, *_ in sections_of(kind) if at != "seeds")]
    assert page.text.count("Mistakes" if kind in ("answers", "choices") else "Texts") >= 1
    assert ("2 dev questions" if kind in ("answers", "choices") else "2 dev texts") in page.text
    (run / "dev.predictions.jsonl").write_text(json.dumps(right))
    assert "No mistakes." in check(run).text
    (run / "dev.predictions.jsonl").write_text("")
    assert "No dev predictions with" in check(run).text


def test_every_span_is_on_the_page(write: Write) -> None:
    names = [{"label": "机构", "name": "组织机构"}]
    page, source = page_of(write("spans", [SPANS], labels=names))
    for label in ("店 → 人名", "组织机构", "− 组织机构", "− 地点", "+ 地点", "+ 时间"):
        assert f'data-label="{label}"' in source
    assert '<mark class="wrong" data-label="店 → 人名">𠮷野家</mark>' in source
    assert "明天" in page.text
    assert "1 found 找到2 missed 漏掉2 surplus 多余1 another type 类型错误id t1" in page.text
    assert "Of 4 gold spans 1 were found (25.0 %), 1 got another type, 0 other bounds" in page.text
    assert "a span has no place inside its text (once)" in page.text
    assert "人名 × 1" in page.text


def test_roles_of_events(write: Write) -> None:
    gold = [span(TEXT, "北京", "开业", role="地点"), span(TEXT, "𠮷野家", "开业", role="主体")]
    said = [span(TEXT, "北京", "开业", role="时间"), span(TEXT, "𠮷野家", "人名", role="主体")]
    _, source = page_of(write("spans", [{"text": TEXT, "gold": gold, "predicted": said}]))
    assert 'data-label="开业 · 地点 → 时间"' in source
    assert 'data-label="开业 · 主体 → 人名 · 主体"' in source


def test_the_texts_with_most_mistakes_come_first(write: Write) -> None:
    lines = [
        {"id": f"n{count}", "text": "甲" * 9, "gold": [], "predicted": list(map(one, range(count)))}
        for count in (1, 5, 0, 3)
    ]
    page, _ = page_of(write("spans", lines))
    texts = page.text.split("逐条对照")[-1]
    assert texts.index("id n5") < texts.index("id n3") < texts.index("id n1")
    assert "id n0" not in texts
    assert "3 of 4 texts have a mistake in them" in page.text


def one(start: int) -> Line:
    return {"start": start, "end": start + 1, "type": "型", "text": "甲"}


def test_types_are_counted_and_so_is_what_they_are_taken_for(write: Write) -> None:
    lines = [SPANS] * 30
    page, _ = page_of(
        write("spans", lines, main_metric="f1", scores={"f1": 0.25, "f1_low": 0.2, "f1_high": 0.3})
    )
    table = page.text.split("Weakest first.")[1]
    assert "all together 合计25.0 %25.0 %25.0 %12012030" in table
    assert "(nothing) （无）" in table
    assert "Never found, though the dev set has them: 地点、店." in page.text
    assert "95 % interval" in page.text


def test_an_answer_is_marked_beside_the_right_ones(write: Write) -> None:
    page, source = page_of(write("answers", [ANSWER]))
    assert source.count('data-label="gold 真实"') == 2
    assert source.count('data-label="predicted 预测"') == 1
    for words in ("店开在哪里？", "北京大学 / 北京大学附属第一医院旁", "F1 50.0 %", "分值 7.25"):
        assert words in page.text
    assert "where 何地1" in page.text
    assert "1 to 4 字1" in page.text


def test_of_several_occurrences_that_nearest_to_the_prediction_is_marked(write: Write) -> None:
    context = "甲乙丙丁" * 10
    said = {"text": "甲", "start": 24, "end": 25}
    line = {"question": "?", "context": context, "gold": ["乙"], "predicted": said}
    _, source = page_of(write("answers", [line]))
    before = source.split('<mark class="missed"')[0]
    assert before.split("<bdi")[-1].count("乙") == 6
    assert '<mark class="surplus" data-label="predicted 预测">甲</mark><mark class="mis' in source


@pytest.mark.parametrize("place", [None, 99])
def test_answers_without_a_place(write: Write, place: int | None) -> None:
    said = {"text": "别处", "start": place, "end": place}
    lost = ANSWER | {"gold": ["不在文中", ""], "predicted": said, "scores": {}}
    page, _ = page_of(write("answers", [lost, ANSWER | {"predicted": None, "gold": []}]))
    assert "不在文中" in page.text
    assert "别处" in page.text
    assert "1 question got no answer" in page.text


def test_the_worst_answers_come_first_the_surest_of_them_before_the_others(write: Write) -> None:
    def answer(name: str, f1: float, score: float) -> Line:
        said = span(TEXT, "北京", "") | {"score": score}
        return ANSWER | {"id": name, "predicted": said, "scores": {"exact_match": 0, "f1": f1}}

    page, _ = page_of(write("answers", [answer("a", 0.5, 9), answer("b", 0, 1), answer("c", 0, 2)]))
    assert page.text.index("id c") < page.text.index("id b") < page.text.index("id a")


def test_choices_show_the_right_and_the_chosen_one(write: Write) -> None:
    page, source = page_of(write("choices", [CHOICE] * 40, scores={"accuracy": 0.0}))
    assert '<li class="gold"><bdi lang="zh-Hans">先弄明白条件</bdi><b> ✓ right' in source
    assert '<li class="wrong"><bdi lang="zh-Hans">不回答</bdi><b> ✗ chosen' in source
    assert "立刻回答" in page.text
    assert "62.5 %" in page.text
    assert "0 of 40 questions were answered rightly." in page.text
    assert "Guessing scores 33.3 %." in page.text
    assert "not shown to be better than guessing" in page.text
    assert "Expected calibration error" in page.text


def test_choices_without_probabilities(write: Write) -> None:
    line = {key: value for key, value in CHOICE.items() if key != "probabilities"}
    page, _ = page_of(write("choices", [line, line | {"choices": ["一", "二", "三", "四"]}]))
    assert "kept no probabilities" in page.text
    assert "✗ chosen" in page.text
    assert "Nearest misses" not in page.text


def test_a_habit_of_choosing_one_place_is_told(write: Write) -> None:
    page, _ = page_of(write("choices", [CHOICE] * 120))
    assert "Choice 3 is chosen 120 times and right 0 times: the model has a habit." in page.text


def test_relations_have_a_row_each(write: Write) -> None:
    page, source = page_of(write("relations", [RELATION]))
    texts = source.split('<section id="texts">')[1]
    for verdict in ("found", "missed", "surplus", "wrong"):
        assert texts.count(f'<tr class="{verdict}">') == 1
    for words in ("导演 → 编剧", "吴君如；inWork 片中", "沈腾", "岳云鹏", "id r1"):
        assert words in page.text
    assert "all together 合计33.3 %33.3 %33.3 %331" in page.text


def test_the_main_metric_speaks_for_the_run(write: Write) -> None:
    run = write(
        "answers",
        [ANSWER],
        main_metric="exact_match",
        scores={"exact_match": 0.62, "exact_match_low": 0.6, "exact_match_high": 0.64, "f1": 0.8},
    )
    page, _ = page_of(run)
    assert "Exact match 完全匹配62.00 %95 % interval 置信区间 60.00 – 64.00 %" in page.text
    assert "F1 F1 值80.00 %" in page.text
    page, _ = page_of(
        write("answers", [ANSWER], name="plain", scores={"f1": 0.8}, main_metric="f1")
    )
    assert "80.00 %" in page.text
    assert "95 % interval" not in page.text


def test_what_was_odd_in_the_files_is_told(write: Write) -> None:
    notes = {"entities that overlap": 5, "rows without <b>": 1, "broken": "many"}
    run = write("spans", [SPANS], splits={"train": {"rows": 200, "notes": notes}})
    page, _ = page_of(run)
    assert "In train: 5 entities that overlap (2.5 % of its rows)." in page.text
    assert "train1 0.50 %rows without <b>" in page.text
    assert "In train: 1 rows" not in page.text
    assert "broken" not in page.text
    check(write("spans", [], name="other", splits={"train": {"notes": [1]}}))


def test_lengths_and_boldness_are_told(write: Write) -> None:
    long = ANSWER | {"gold": ["北京"], "predicted": span(TEXT, "北京大学附属第一医院", "")}
    page, _ = page_of(write("answers", [long] * 60))
    assert "much longer than the right ones: 10.0 against 2.0 characters" in page.text
    bold = {"text": "甲乙丙", "gold": [one(0)], "predicted": [one(0), one(1), one(2)]}
    page, _ = page_of(write("spans", [bold] * 60, name="bold"))
    assert "says too much: 33.3 % of what it predicts is right, and it finds 100.0 %" in page.text
    moved = {"text": "甲乙丙", "gold": [one(0)], "predicted": [one(0) | {"end": 2}]}
    page, _ = page_of(write("spans", [moved] * 60, name="moved"))
    assert "60 of the 60 gold spans that were not found were predicted with other" in page.text


def evil(value: Any) -> Any:  # noqa: ANN401
    """The same line with hostile words in every place that holds words."""
    if isinstance(value, str):
        return EVIL + value
    if isinstance(value, list):
        return [evil(each) for each in value]
    if isinstance(value, dict):
        return {
            EVIL + key if key.startswith("@") else key: each if key == "text" else evil(each)
            for key, each in value.items()
        }
    return value


@pytest.mark.parametrize("kind", LINES)
def test_nothing_of_the_user_is_markup(write: Write, kind: str) -> None:
    hostile = evil(LINES[kind]) | {"text": EVIL + str(LINES[kind].get("text"))}
    labels = [{"label": EVIL, "name": EVIL + EVIL}]
    run = write(kind, [hostile] * 3, labels=labels, task=EVIL, main_metric=EVIL)
    page, source = page_of(run)
    assert "<img" not in source
    assert "<script>alert" not in source
    assert "\u202e" not in source
    assert "<script>alert(1)</script>" in page.text
    assert "␀[U+202E]" in page.text


@pytest.mark.parametrize("kind", LINES)
def test_broken_lines_are_left_out_and_told(write: Write, kind: str) -> None:
    run = write(kind, [LINES[kind], {"id": "x"}, {"predicted": 9, "text": "x"}])
    with (run / "dev.predictions.jsonl").open("a", encoding="utf-8") as file:
        file.write('\n{]\n"x"\n{"half')
    page, _ = page_of(run)
    assert "line without" in page.text
    assert "left out (2 times)" in page.text
    assert "could not be read and was left out" in page.text
    assert str(LINES[kind]["id"]) in page.text


def test_an_unknown_kind_is_told(write: Write) -> None:
    page, _ = page_of(write("poems", [{"predicted": "春眠"}]))
    assert "a kind that this version does not know, 'poems'" in page.text
    assert not set(page.ids) & {at for sections in OF_KIND.values() for at, *_ in sections}


@pytest.mark.parametrize("kind", LINES)
def test_a_run_killed_before_its_result_shows_what_it_said(write: Write, kind: str) -> None:
    run = write(kind, [LINES[kind]])
    (run / "result.json").unlink()
    page, _ = page_of(run)
    assert page.ids == ["headline", *(at for at, *_ in sections_of(kind) if at != "seeds")]


def test_the_main_metric_of_an_unfinished_run_is_that_of_its_epochs(write: Write) -> None:
    run = write("answers", [ANSWER])
    (run / "result.json").unlink()
    epochs = [{"event": "epoch", "epoch": 1, "exact_match": 0.25, "f1": 0.5}]
    (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, epochs)))
    assert "Exact match 完全匹配25.00 %" in check(run).text


def test_several_seeds(write: Write) -> None:
    runs = [{"seed": k, "folder": f"seed-{k}", "scores": {"f1": 0.5 + k / 100}} for k in (1, 2)]
    whole = write("spans", [], runs=runs, best_run="seed-2", main_metric="f1")
    for seed in (1, 2):
        write("spans", [SPANS, SPANS | {"predicted": SPANS["gold"]}], name=f"run/seed-{seed}")
    for name in ("metrics.jsonl", "dev.predictions.jsonl"):
        (whole / name).unlink()
    page, _ = page_of(whole)
    assert "50.0 % of the dev texts are wrong under every seed" in page.text
    assert "51.50" in page.text
    assert "types" not in page.ids


@pytest.mark.slow
def test_a_large_run_stays_a_small_file(write: Write) -> None:
    lines = [
        {
            "text": "很长的句子" * 300,
            "gold": [one(k) for k in range(0, 1500, 7)],
            "predicted": [one(k) for k in range(0, 1500, 11)],
        }
    ] * 40
    run = write("spans", lines)
    page_of(run)
    assert (run / "report.html").stat().st_size <= 2_500_000


def test_lanes_are_not_inherited_by_the_pieces_inside() -> None:
    style = (files("wenlu.evaluation.report") / "page.css").read_text(encoding="utf-8")
    assert "mark, mark.wrong { --lane: 0;" in style
