"""The networks of FedKL's table, without pre-training: from torchvision, as the paper seems to have them, or MONAI."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import torch
from torch import nn

CLASSES = 2
"""Miss, and hit or maybe."""
GROUPS = 32
"""Most groups of a GroupNorm layer (Wu and He 2018)."""


def network(name: str, group_norm: bool, seed: int) -> nn.Module:
    """Return a new network (batch, 1, rows, cols) to logits (batch, 2); raise KeyError for an unknown name."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = NETWORKS[name]()
    if group_norm:
        replace_batch_norm(built)
    return built


def replace_batch_norm(module: nn.Module) -> None:
    """Put a GroupNorm layer in the place of every BatchNorm layer."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            groups = gcd(GROUPS, child.num_features)
            setattr(module, name, nn.GroupNorm(groups, child.num_features))
        else:
            replace_batch_norm(child)


def ke() -> nn.Module:
    """Return the network of Ke et al. 2018 with the mean over places before its last layer.

    Their input is 720 pixels wide and leaves 3 x 3 places; FedKL's leaves one.
    """
    from baselines.networks import ke_network

    layers = [*ke_network().children()][:-2]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, CLASSES))


def resnet18() -> nn.Module:
    return _resnet("resnet18")


def resnet50() -> nn.Module:
    return _resnet("resnet50")


def _resnet(name: str) -> nn.Module:
    try:
        import torchvision.models as models
    except (ImportError, RuntimeError):  # a RuntimeError where its operators do not fit torch
        import monai.networks.nets as nets

        return getattr(nets, name)(spatial_dims=2, n_input_channels=1, num_classes=CLASSES, conv1_t_stride=2)
    built = getattr(models, name)(num_classes=CLASSES)
    built.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(built.conv1.weight, mode="fan_out", nonlinearity="relu")  # as torchvision does
    return built


def densenet121() -> nn.Module:
    try:
        import torchvision.models as models
    except (ImportError, RuntimeError):
        from monai.networks.nets import DenseNet121

        return DenseNet121(spatial_dims=2, in_channels=1, out_channels=CLASSES)
    built = models.densenet121(num_classes=CLASSES)
    built.features.conv0 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(built.features.conv0.weight)
    return built


def vgg19() -> nn.Module:
    """Return torchvision's network, which has no BatchNorm layer; raise ImportError where torchvision is missing."""
    import torchvision.models as models

    built = models.vgg19(num_classes=CLASSES)
    built.features[0] = nn.Conv2d(1, 64, 3, padding=1)
    nn.init.kaiming_normal_(built.features[0].weight, mode="fan_out", nonlinearity="relu")
    nn.init.zeros_(built.features[0].bias)
    return built


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "Ke": ke,
    "ResNet18": resnet18,
    "ResNet50": resnet50,
    "DenseNet121": densenet121,
    "VGG19": vgg19,
}
WITHOUT_BATCH_NORM = frozenset({"VGG19"})
