"""Scores of unlike label spaces side by side: counts are scored again in classes that all of them know."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sceneseg.errors import ConfigError
from sceneseg.evaluation.regrouping import regrouped
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.scoring import score_run
from sceneseg.labels import LabelSpace, choose_space
from sceneseg.records.joint_scores import JointScores
from sceneseg.records.run_directory import RunDirectory, read_label_space
from sceneseg.records.scores import read_scores


def joint_space(spaces: Sequence[LabelSpace], wanted: str | None = None) -> LabelSpace:
    """Return the one of these label spaces that most of them can be mapped to, or the requested one.

    Args:
        spaces: Those of the candidates, one for each.
        wanted: As `sceneseg.labels.choose_space` takes it.

    Raises:
        ConfigError: None of them has what the requested one is made of.
    """
    if wanted is None:
        return max(spaces, key=lambda space: (sum(not _why_not(own, space) for own in spaces), -len(space)))
    errors = []
    for own in sorted(spaces, key=len, reverse=True):
        try:
            return choose_space(own, wanted)
        except ConfigError as error:
            errors.append(error)
    raise errors[0]


def score_together(places: Mapping[str, RunDirectory], wanted: str | None = None) -> JointScores | None:
    """Score what was counted in unlike label spaces in one that most can be mapped to; no model runs.

    Args:
        places: By name the run, or the evaluation in it, whose scores are compared.
        wanted: The label space, as `sceneseg.labels.choose_space` takes it; None: one of theirs.

    Returns:
        The label space, where the scores in it lie, and what can't be scored in it; None where all are in one label
        space and no other is requested.
    """
    protocols = {name: read_scores(place.metrics).protocol for name, place in places.items()}
    if not protocols:
        return None
    [(dataset, _)] = Counter(found.dataset for found in protocols.values()).most_common(1)
    same = {name: place for name, place in places.items() if protocols[name].dataset == dataset}
    spaces = {name: read_label_space(place.home) for name, place in same.items()}  # ids of others mean other things
    if wanted is None and len(set(spaces.values())) == 1:
        return None
    space = joint_space(list(spaces.values()), wanted)
    evaluations, apart = {}, {}
    for name, own in spaces.items():
        if own == space:
            continue
        if reason := _why_not(own, space):
            apart[name] = reason
            continue
        protocol = protocols[name]
        void, absent = protocol.void or "ignore", protocol.absent or "skip"
        request = Request(None, None, str(protocol.split), void=void, absent=absent, label_space=space)
        score_run(same[name].path, request)
        place = regrouped(same[name].home, protocol, space)
        evaluations[name] = place.path.relative_to(place.home.path).as_posix()
    return JointScores(space.name, evaluations, apart)


def _why_not(own: LabelSpace, space: LabelSpace) -> str:
    """Explain why train ids of one space can't be mapped to another; empty when they can."""
    try:
        own.train_ids_in(space)
    except ConfigError as error:
        return str(error)
    return ""
