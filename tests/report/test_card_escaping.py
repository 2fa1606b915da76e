"""The model card with names that are Markdown or HTML themselves, read by a Markdown parser."""

import pytest
from markdown_it import MarkdownIt

from sceneseg.records.run_directory import read_json, write_json
from sceneseg.report.card import About, model_card
from sceneseg.report.render import code, escape_markdown
from small_run import make_small_run

HOSTILE = [
    "road | wall",
    "# car",
    "<script>alert(1)</script>",
    "sky\n# title\n",
    "[a](http://x)",
    "`code` **b** _i_",
    "&lt;",
]


def parse(text: str) -> list:
    return MarkdownIt("commonmark").enable("table").parse(text)


def shown(tokens: list) -> str:
    return "".join(t.content for t in tokens if t.type in ("text", "code_inline", "softbreak"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_text(name):
    tokens = parse(f"| a | b |\n|---|---|\n| {escape_markdown(name)} | 1 |\n")
    cells = [t for t in tokens if t.type == "inline"]
    assert len(cells) == 4
    assert shown(cells[2].children) == " ".join(name.split())
    assert {t.type for t in cells[2].children} <= {"text", "text_special"}
    assert not [t for t in parse(escape_markdown(name)) if t.type in ("html_block", "heading_open", "bullet_list_open")]


def test_code_keeps_its_fence():
    (block,) = parse(code("a\n```\n# b\n", "yaml"))
    assert (block.type, block.info, block.content) == ("fence", "yaml", "a\n```\n# b\n\n")


def test_the_card_of_a_run_with_hostile_names(toy_root, tmp_path):
    run = make_small_run(tmp_path / "run", toy_root)
    scores = read_json(run.metrics)
    names = dict(zip(scores["classes"], HOSTILE, strict=False))
    scores["classes"] = {names.get(name, name): row for name, row in scores["classes"].items()}
    write_json(run.metrics, scores)
    card = model_card(run.path, About("a | b", licence="<b>mine</b>"))
    tokens = parse(card.split("---\n", 2)[2])
    assert not [t for t in tokens if t.type == "html_block" and "script" in t.content]
    assert next(t.content for t in tokens if t.type == "inline" and t.map) == r"a \| b"
    headings = [tokens[i + 1].content for i, t in enumerate(tokens) if t.type == "heading_open"]
    assert headings[1:] == ["Use", "Scores", "Data", "Training", "Cost", "Limits", "Origin and license"]
    text = [shown(t.children) for t in tokens if t.type == "inline"]
    for name in HOSTILE:
        assert " ".join(name.split()) in text
