"""segmentation_models_pytorch's U-Net as a network that both loops can train."""

import torch
from torch import Tensor

from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.models._torchvision import import_torchvision
from sceneseg.models.base import SegmentationModel
from sceneseg.tasks.semantic import Semantic

SMP = "smp_unet"


class SmpUNet(SegmentationModel):
    """U-Net with ResNet-18, untrained; logits at the image's size."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        import_torchvision()
        import segmentation_models_pytorch as smp

        self.network = smp.Unet("resnet18", encoder_weights=None, classes=num_classes)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the logits."""
        return (self.network(self.prepare(image)),)


class SmpSemantic(Semantic):
    """Our task with their network."""

    def create_model(self, precision: str) -> SemanticModel:
        """Create the network; the seed decides its weights."""
        torch.manual_seed(self.config.seed)
        network = SmpUNet(len(self.train.label_space))
        self.model = SemanticModel(network, self.train.label_space, {"name": SMP}, Preprocessing(None, precision))
        return self.model
