"""The top of a comparison's page."""

from dataclasses import replace

from made_up_results import make_ranking, make_results, make_row

from sceneseg.records.comparison_plan import Budget
from sceneseg.records.interval import Interval
from sceneseg.records.scores import Protocol
from sceneseg.report.comparison.results import Answer, ClassSet, Difference
from sceneseg.report.comparison.summary import cards, facts, headline

REAL, UNSURE = Interval(0.1, 0.05, 0.15), Interval(0.1, -0.05, 0.25)


def results(answer, lead=REAL):
    rows = [make_row("a", 0.6), make_row("b", 0.5)]
    return replace(make_results(make_ranking(rows, [Difference("a", "b", lead)])), answer=answer)


def shown(answer, lead=REAL):
    return {card.row.name: card.titles for card in cards(results(answer, lead))}


def test_who_answers_which_question_has_a_card():
    answer = Answer("", (), best="a", fastest="b", near="a")
    assert shown(answer) == {"a": "Most accurate", "b": "Fastest"}
    assert shown(answer, UNSURE)["a"] == "Highest mean IoU"
    assert shown(Answer("", (), "a", "b", "b")) == {"a": "Most accurate", "b": "Fastest"}
    assert shown(Answer("", (), "a", "b", "b", as_fast=("c",), as_near=("c",)))["b"] == "As fast as any"


def test_who_answers_everything_needs_no_card():
    assert shown(Answer("", (), best="a", fastest="a", near="a")) == {}


def test_sentences_of_the_headline_are_apart_and_names_have_their_colors():
    first, second = headline(Answer("`a` leads by 1.5 points. `<b>` is fast.", ()), {"a": "red"})
    assert first == '<b style="--own: red">a</b> leads by 1.5\u00a0points.'
    assert second == "<b>&lt;b&gt;</b> is fast."


def test_facts():
    found = replace(results(Answer("", ())), protocol=Protocol("camvid", "test", 1233), budget=Budget("steps", 2000))
    classes = ClassSet(("road", "car"), ("train",), "skip")
    found = replace(found, ranking=replace(found.ranking, classes=classes))
    said = facts(found, 3)
    assert said["Compared"] == ("3", "candidates, 2 ranked")
    assert said["Scored on"] == ("1,233", "images of camvid test, 2 of 3 classes")
    assert said["Budget"] == ("2,000", "steps each")
    assert facts(replace(found, budget=Budget("time", 90.0)), 3)["Budget"] == ("1 min 30 s", "of training each")
