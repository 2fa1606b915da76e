import pytest

from sceneseg.bench.record import Record
from sceneseg.commands.bench import bench
from sceneseg.errors import ConfigError


def test_every_model_engine_size_and_batch_is_measured(tmp_path, capsys):
    bench(
        models=["fast_scnn,espnet_v2"],
        engine=["eager"],
        size=[64, 96, 96, 64],
        batch=[1, 2],
        threads=1,
        device="cpu",
        repetitions=1,
        warmup=0,
        json=tmp_path / "bench.json",
    )
    record = Record.read(tmp_path / "bench.json")
    found = [(r.name, r.size, r.batch, r.error) for r in record.results]
    sizes, names = ((64, 96), (96, 64)), ("fast_scnn", "espnet_v2")
    assert found == [(name, size, batch, None) for size in sizes for batch in (1, 2) for name in names]
    assert record.environment["cpu"]
    assert capsys.readouterr().out.count("untrained") == 8


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "-m fast_scnn,unet"),
        ({"models": ["fast_scn"]}, 'Did you mean "fast_scnn"'),
        ({"models": ["classifier"]}, "can't segment"),
        ({"models": ["fast_scnn"], "engine": ["eagr"]}, 'Did you mean "eager"'),
        ({"models": ["fast_scnn"], "engine": ["cuda_graph"]}, "None of the engines"),
        ({"models": ["fast_scnn"], "size": [64]}, "pairs of HEIGHT WIDTH"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is(options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        bench(device="cpu", **options)
