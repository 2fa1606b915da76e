"""One way in which defaults, files, candidates and options lie over each other."""

import pytest

from sceneseg.config.layering import flat, layer, nest


def test_layers_go_into_mappings_and_the_last_wins():
    base = {"a": {"b": 1, "c": 2}}
    assert layer(base, {"a": {"b": 3}}, {"a": {"b": 4}, "d": [5]}) == {"a": {"b": 4, "c": 2}, "d": [5]}
    assert base == {"a": {"b": 1, "c": 2}}


def test_a_value_and_a_mapping_take_each_others_place():
    assert layer({"a": 1}, {"a": {"b": 2}}) == {"a": {"b": 2}}
    assert layer({"a": {"b": 2}}, {"a": None}) == {"a": None}


@pytest.mark.parametrize("key", ["loss", "aux_loss"])
@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (0.5, {"smooth": 2}, {"weight": 0.5, "smooth": 2}),
        ({"smooth": 2}, 0.5, {"smooth": 2, "weight": 0.5}),
        ({"weight": 1, "smooth": 2}, {"weight": 3}, {"weight": 3, "smooth": 2}),
        (0.5, 2, 2),
    ],
)
def test_a_loss_keeps_its_weight(key, lower, upper, expected):
    assert layer({key: {"dice": lower}}, {key: {"dice": upper}}) == {key: {"dice": expected}}


def test_dotted_keys_and_back():
    plain = {"optim": {"name": "sgd", "lr_scale": {"encoder": 0.1}}, "seed": 3}
    assert layer({}, *(nest(key.split("."), value) for key, value in flat(plain).items())) == plain
