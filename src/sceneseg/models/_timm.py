"""timm's networks, with their pre-trained weights when asked for."""

from typing import Any

from torch import nn

from sceneseg.errors import ModelError
from sceneseg.models._torchvision import import_timm


def create_timm(name: str, pretrained: bool, **arguments: Any) -> nn.Module:
    """Create one of timm's networks.

    Args:
        name: As timm spells it, "vit_large_patch16_384".
        pretrained: Fetch weights (once; they are stored in Hugging Face's cache).
        arguments: What else timm's constructor takes.

    Raises:
        ModelError: The weights are neither in the cache nor within reach.
    """
    timm = import_timm()
    try:
        network: nn.Module = timm.create_model(name, pretrained=pretrained, **arguments)
    except OSError as error:  # what huggingface_hub raises for "no connection" and "not in the cache" alike
        raise ModelError(
            f'The pre-trained weights of timm\'s "{name}" are not in the cache and could not be downloaded. '
            "Create the model once where there is a network, copy that machine's ~/.cache/huggingface (or set HF_HOME "
            "to it), or start without them: pretrained: false."
        ) from error
    return network
