"""The gate lets a faithful file pass, and none that treats images in another way."""

from dataclasses import replace

import numpy as np
import pytest

from sceneseg.datasets.base import Scene
from sceneseg.errors import DataError
from sceneseg.export.gate import TOLERANCE, Verdict, compare
from sceneseg.export.plan import make_plan


def test_a_faithful_file_passes(model, body, scenes, opened):
    verdict = compare(model, opened(body, model, make_plan(model)).labels, scenes, TOLERANCE["fp32"])
    assert verdict.passed
    assert verdict.equal > 0.999
    assert verdict.before > 0.15, "a model that knows nothing proves nothing"
    assert verdict.before == pytest.approx(verdict.after, abs=1e-3)
    assert verdict.images == len(scenes)


def wrong_mean(plan):
    return replace(plan, mean=tuple(mean + 0.3 for mean in plan.mean))


def wrong_std(plan):
    return replace(plan, std=tuple(3 * std for std in plan.std))


def resized_for_no_reason(plan):
    return replace(plan, target_size=(32, 64))


def swapped_means(plan):
    red, green, blue = plan.mean
    return replace(plan, mean=(blue - 0.2, green, red + 0.2))


def shifted_classes(plan):
    return replace(plan, values=(*plan.values[1:], plan.values[0]))


@pytest.mark.parametrize("breaks", [wrong_mean, wrong_std, resized_for_no_reason, swapped_means, shifted_classes])
def test_a_broken_file_is_refused(model, body, scenes, opened, breaks):
    verdict = compare(model, opened(body, model, breaks(make_plan(model))).labels, scenes, TOLERANCE["int8"])
    assert not verdict.passed
    assert not verdict.result("toy", "val").passed


def test_blue_and_red_are_not_exchanged(model, body, scenes, opened):
    exported = opened(body, model, make_plan(model))
    verdict = compare(model, lambda p: exported.labels(np.ascontiguousarray(p[..., ::-1])), scenes, TOLERANCE["int8"])
    assert not verdict.passed


def test_pictures_of_one_size_are_compared_at_it(model, scenes):
    sizes = []

    def exported(picture):
        sizes.append(picture.shape[:2])
        return model.predict(picture).labels

    verdict = compare(model, exported, scenes, 0.0, image_size=(64, 96))
    assert verdict.equal == 1
    assert set(sizes) == {(64, 96)}


def test_a_mean_that_is_no_number_is_refused():
    assert not Verdict(1, 1.0, 0.5, float("nan"), {}, 0.001).passed


def test_a_score_may_rise(model, scenes):
    worse = [Scene(s.image, np.roll(s.labels, 40, 1), None, s.name) for s in scenes]
    truth = {s.image.tobytes(): s.labels for s in worse}
    assert compare(model, lambda p: truth[p.tobytes()], worse, 0.0).passed


def test_without_labels_there_is_nothing_to_compare(model, scenes):
    with pytest.raises(DataError, match="no image to compare"):
        compare(model, lambda p: p[..., 0], [], 0.0)
    void = [Scene(scenes[0].image, np.full_like(scenes[0].labels, 255), None, "void")]
    with pytest.raises(DataError, match="No class occurs"):
        compare(model, lambda p: np.zeros(p.shape[:2], np.uint8), void, 0.0)
