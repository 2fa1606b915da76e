"""Scenes of a comparison's page: the image, the labels and each prediction, one over the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sceneseg.errors import ScenesegError
from sceneseg.plain import UnfitError
from sceneseg.report.comparison.candidates import Candidate
from sceneseg.report.comparison.results import Ranking
from sceneseg.report.pictures import Picture, embed
from sceneseg.report.run.run_reader import Sample, read_samples

MAX_SCENES = 6


@dataclass(frozen=True)
class Scene:
    """A scene with its embedded images.

    Args:
        name: Of the scene.
        images: The image, the labels ("truth") where there are any, and each prediction, by name.
        scores: Mean IoU of each prediction on this scene; None where it isn't known.
    """

    name: str
    images: dict[str, Picture]
    scores: dict[str, float | None]


def scenes(ranking: Ranking, candidates: Sequence[Candidate], budget: int) -> list[Scene]:
    """Embed the scenes that all ranked candidates have stored, with what each predicted for them.

    Args:
        ranking: Of the candidates.
        candidates: As they were read.
        budget: Bytes that all images may take.
    """
    samples = {name: found for name, found in _samples(ranking, candidates).items() if found}
    if not samples:
        return []
    best, *others = samples.values()
    common = [scene for scene in best if all(scene in found for found in others)][:MAX_SCENES]
    files = {scene: _files({name: found[scene] for name, found in samples.items()}) for scene in common}
    embedded = embed({scene: list(paths.values()) for scene, paths in files.items()}, budget)
    return [
        Scene(
            scene,
            dict(zip(files[scene], images, strict=True)),
            {name: found[scene].mean_iou for name, found in samples.items()},
        )
        for scene, images in embedded.items()
    ]


def legend(ranking: Ranking, candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return the colors of the classes in the scenes: name -> CSS color."""
    shown = {name for name, found in _samples(ranking, candidates).items() if found}
    runs = [candidate.first.contents for candidate in candidates if candidate.name in shown]
    spaces = [run.labels for run in runs if run and run.labels]
    return {c.name: "#{:02x}{:02x}{:02x}".format(*c.color) for c in spaces[0].classes} if spaces else {}


def _samples(ranking: Ranking, candidates: Sequence[Candidate]) -> dict[str, dict[str, Sample]]:
    """Return the scenes of the ranked candidates, from the best on: candidate -> scene -> sample."""
    by_name = {candidate.name: candidate for candidate in candidates}
    return {row.name: _read(by_name[row.name]) for row in ranking.candidates}


def _read(candidate: Candidate) -> dict[str, Sample]:
    if candidate.first.scored is None:
        return {}
    try:
        return {sample.name: sample for sample in read_samples(candidate.first.scored.samples)}
    except (ScenesegError, OSError, UnfitError):  # without scenes the page is still worth reading
        return {}


def _files(samples: dict[str, Sample]) -> dict[str, Path]:
    """Return the images of a scene by what they show."""
    first = next(iter(samples.values()))
    truth = {"truth": first.truth} if first.truth else {}
    return {"image": first.image, **truth, **{name: sample.prediction for name, sample in samples.items()}}
