"""A configuration stays as it is: what is resolved or varied makes another one."""

from dataclasses import FrozenInstanceError, replace

import pytest

from sceneseg.config.conversion import changed, to_dict
from sceneseg.config.schema import Config, DataConfig, TrainConfig
from sceneseg.errors import ConfigError


@pytest.mark.parametrize("section", ["", "data", "augment", "optim", "schedule", "train"])
def test_a_configuration_can_not_be_changed_in_place(section):
    config = Config()
    with pytest.raises(FrozenInstanceError):
        (getattr(config, section) if section else config).name = "x"


def test_a_changed_configuration_is_another_one():
    config = Config(train=TrainConfig(log=["wandb,mlflow"]))
    before = to_dict(config)
    other = changed(config, {"train": {"epochs": 3}, "optim": {"lr": 0.1}})
    assert to_dict(config) == before
    assert (other.train.epochs, other.train.log, other.optim.lr) == (3, ["wandb", "mlflow"], 0.1)
    with pytest.raises(ConfigError, match='here: unknown key "optim.lrr"'):
        changed(config, {"optim": {"lrr": 0.1}}, "here")


def test_short_forms_of_options_stay_in_step_when_a_section_is_replaced():
    data = DataConfig(coarse=True, options={"cities": ["ulm"]})
    assert replace(data, root="x").options == {"cities": ["ulm"], "coarse": True}
