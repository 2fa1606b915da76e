"""The outputs of validations: last and best weights, scores and what belongs to them, and a preview."""

from sceneseg.errors import ConfigError
from sceneseg.inference import visualization
from sceneseg.records.scores import write_scores
from sceneseg.tasks.base import Validation
from sceneseg.training import sharding
from sceneseg.training.callbacks import Callback
from sceneseg.training.view import TrainView


class BestWeights(Callback):
    """Writes the validated weights, and if they are the best so far also their scores, counts and samples."""

    def on_validation_end(self, view: TrainView) -> None:
        """Write the weights that were validated: the moving average, where there is one."""
        found, setup = view.validation, view.setup
        assert found is not None  # it has just ended
        score = _number(found, setup.score)
        better = view.state.add_score(score)
        source = setup.average.state if setup.average else view.network.state_dict()
        weights = sharding.whole(source)
        if not view.is_first_process:
            return
        protocol = found.scores.protocol.to_dict()
        facts = {"score": {setup.score: score, "protocol": protocol}, "epoch": view.epoch}
        view.model.save(view.run.last, weights, **facts)
        if better:
            view.model.save(view.run.best, weights, **facts)
            found.write(view.run)
            write_scores(view.run.metrics, found.scores)
        if found.picture is not None:
            visualization.write_bytes(view.run.preview(view.epoch), visualization.rgb_png(found.picture))


def _number(found: Validation, key: str) -> float:
    """Return the score that decides which weights are the best.

    Raises:
        ConfigError: The validation split doesn't give it.
    """
    score = found.scores.means.get(key)
    if score is None:
        numbers = [name for name, value in found.scores.means.items() if value is not None]
        raise ConfigError(
            f"The validation split gives no {key} to choose the best weights by. It gives: "
            f"{', '.join(numbers) or 'nothing, as none of its pixels is labeled'}.",
            field="train.best",
        )
    return score
