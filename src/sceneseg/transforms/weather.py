"""Weather: rain, snow, fog, shadow, light beam and darkness, each with a probability of its own."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.ranges import Share
from sceneseg.transforms import register
from sceneseg.transforms.base import Sample, SampleInfo, SampleTransform
from sceneseg.transforms.darkness import Darkness
from sceneseg.transforms.effect import Effect, as_bytes
from sceneseg.transforms.fog import Fog
from sceneseg.transforms.light_beam import LightBeam
from sceneseg.transforms.rain import Rain
from sceneseg.transforms.shadow import Shadow
from sceneseg.transforms.snow import Snow

EFFECTS: dict[str, type[Effect[Any]]] = {
    "rain": Rain,
    "snow": Snow,
    "fog": Fog,
    "shadow": Shadow,
    "light_beam": LightBeam,
    "darkness": Darkness,
}
"""In the order in which they are painted; the samples of a seed depend on it."""

Befallen = list[tuple[Effect[Any], Any]]
"""The effects that come, with their details."""


@register
class Weather(SampleTransform[Befallen]):
    """Any of the six kinds of weather, several at once too; whether one comes doesn't depend on the others.

    Source: the six kinds are a common list in road-scene projects.

    Args:
        kinds: Kind -> probability; "any" is shared evenly among all kinds.
        strength: The largest, from 0 to 1; each time it is drawn from a third of it upwards.

    Raises:
        ConfigError: A kind that isn't known, or a number beyond 0..1.

    Example:
        >>> from sceneseg.transforms.base import sample_generator
        >>> info = SampleInfo(0, "a", image_size=(32, 48), size=(32, 48), base_size=(32, 48))
        >>> drawn = Weather({"fog": 1.0, "any": 0.0}).draw(sample_generator(0, 0), info)
        >>> [effect for effect, _ in drawn]
        [Fog(p=1.0, strength=0.7)]
    """

    def __init__(self, kinds: Mapping[str, float], strength: Share = 0.7) -> None:
        self.kinds, self.strength = dict(kinds), strength
        for kind, p in self.kinds.items():
            if kind not in EFFECTS and kind != "any":
                hint = did_you_mean(kind, EFFECTS)
                raise ConfigError(
                    f'There is no weather called "{kind}".{hint} Known: {", ".join(EFFECTS)}.', field="augment.weather"
                )
            if not 0 <= p <= 1:
                raise ConfigError(
                    f"augment.weather.{kind}: expected a probability from 0 to 1, found {p!r}.",
                    field="augment.weather",
                )
        if not 0 <= strength <= 1:
            raise ConfigError(
                f"augment.weather_strength: expected a number from 0 to 1, found {strength!r}.",
                field="augment.weather_strength",
            )
        share = self.kinds.get("any", 0.0) / len(EFFECTS)
        self.effects = [made(self.kinds.get(kind, share), strength) for kind, made in EFFECTS.items()]

    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> Befallen:
        """Draw what befalls a sample: two numbers for each kind, for any probabilities, then details."""
        found = [
            (effect, effect.drawn_strength(share))
            for (luck, share), effect in zip(rng.random((len(EFFECTS), 2)), self.effects, strict=True)
            if luck < effect.p
        ]
        return [(effect, effect.details(rng, strength, sample)) for effect, strength in found]

    def apply(self, sample: Sample, drawn: Befallen) -> Sample:
        """Return the sample in the weather.

        Raises:
            DataError: The image isn't uint8.
        """
        as_bytes(sample.image)
        for effect, details in drawn:
            sample = effect.apply(sample, details)
        return sample
