"""What reads each kind of file, called as the commands call it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ingredients import picture

from sceneseg import datasets, standalone, tasks
from sceneseg.config import files as config_files
from sceneseg.config import variants
from sceneseg.config.schema import Config
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.labels import LabelSpace, choose_space
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.records import run_directory
from sceneseg.records.run_directory import RunDirectory


def use_space(space: LabelSpace) -> None:
    """Do with a label space what is done with one."""
    labels = np.array([[0, 1, 255]], np.uint8)
    labels[labels >= len(space)] = 255
    space.encode(space.decode(labels))
    space.train_ids_in(space)
    assert space.palette.shape == (256, 3)
    assert len(space.names) >= len(space.categories)
    json.dumps(space.to_dict())


def read_space(file: Path) -> None:
    use_space(LabelSpace.from_dict(run_directory.read_json(file)))


def read_space_file(file: Path) -> None:
    use_space(choose_space(LABEL_SPACE, str(file)))


def read_weights(file: Path) -> None:
    tasks.load(file, "cpu").predict(picture())


def verify_weights(file: Path) -> None:
    from sceneseg.publishing.verification import verify

    verify(file)


def import_foreign(file: Path) -> None:
    from sceneseg.publishing.foreign import import_checkpoint

    import_checkpoint(file, file.with_name("out.safetensors"))


def read_config(file: Path) -> None:
    config_files.dump(config_files.load(file))


def read_variants(file: Path) -> None:
    variants.make_variants(Config(), [str(file), "fast_scnn"], ["optim.name=sgd,adamw"])


def read_varied(file: Path) -> None:
    variants.make_variants(Config(), [], [file.read_text("utf-8", "replace")])


def read_folder(file: Path) -> None:
    """Open the data set that a data.yaml or list belongs to, and read a scene."""
    train, val = (datasets.create("folder", root=file.parent, split=split) for split in ("train", "val"))
    use_space(train.label_space)
    for split in (train, val):
        split.read(0)


def examine_folder(file: Path) -> None:
    from sceneseg.doctor import diagnose

    root = file.parents[2]
    diagnose("folder", root)


def read_label_map(file: Path) -> None:
    from types import SimpleNamespace

    from sceneseg.evaluation.scoring import read_label_map

    read_label_map(file, SimpleNamespace(label_space=LABEL_SPACE), LABEL_SPACE)  # type: ignore[arg-type]


def read_manifest(file: Path) -> None:
    from sceneseg.fetching.progress import ProgressReporter
    from sceneseg.publishing.manifest import read_manifest, write_manifest

    write_manifest(list(read_manifest(str(file), ProgressReporter()).entries))


def read_pack(file: Path) -> None:
    """Read a scene of a pack and compare all with their checksums."""
    packed = datasets.create("packed", root=file.parents[1])
    for part in packed.read(0, with_instances=True).image, packed.read_labels(0):
        np.asarray(part).sum()
    packed.verify()  # type: ignore[attr-defined]


def resume_pack(file: Path) -> None:
    from sceneseg.shards.index import load_index

    load_index(file)


def read_records(file: Path) -> None:
    from sceneseg.shards import tfrecord

    for payload in tfrecord.read_records(file):
        tfrecord.decode_example(payload, file)


def read_counts(file: Path) -> None:
    from sceneseg.metrics.scores import semantic_scores

    counts = SemanticCounts.load(file)
    semantic_scores(counts, "ignore")


def read_exported(file: Path) -> None:
    from sceneseg.export.exported import ExportedModel

    model = ExportedModel.load(file)
    model.predict(picture()).labels.sum()
    use_space(model.label_space)


def read_companion(file: Path) -> None:
    read_exported(file.with_suffix(".xml"))


def run_exported(file: Path) -> None:
    runner = standalone.Runner(file)
    labels = runner.labels(picture())
    standalone.to_label_ids(labels, runner.description)
    standalone.overlay(picture(), labels, runner.description)
    standalone.largest(labels, runner.description)


def report(depth: int) -> Callable[[Path], None]:
    def read(file: Path) -> None:
        from sceneseg.report.run.page import write_report

        write_report(file.parents[depth])

    return read


def write_card(file: Path) -> None:
    from sceneseg.report.card import About, model_card

    model_card(file.parent, About("x"))


def read_evaluation(file: Path) -> None:
    from sceneseg.evaluation.stored import counts_of

    counts_of(file.parent)


def read_history(file: Path) -> None:
    from sceneseg.api.train import Trained

    assert Trained(RunDirectory(file.parent), True).history is not None


def compare(depth: int) -> Callable[[Path], None]:
    def read(file: Path) -> None:
        from sceneseg.report.comparison.page import write_comparison

        write_comparison(file.parents[depth])

    return read


def read_table(file: Path) -> None:
    from sceneseg.records.predictions import Predictions

    found = Predictions(file.parent)
    for row in found.rows.values():
        found.complete(row)


def read_data_record(file: Path) -> None:
    from sceneseg.training.data_record import DataRecord

    if record := DataRecord.read(RunDirectory(file.parent)):
        assert len(record.steps) == len(record.accepted)


def state_parts() -> dict[str, Any]:
    """Return what a run saves, of a small network."""
    import torch

    torch.manual_seed(0)
    network = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return {"network": network, "optimizer": optimizer}


def read_state(file: Path) -> None:
    from sceneseg.training.checkpoint import load_state

    load_state(file, state_parts())


def read_bench(file: Path) -> None:
    from sceneseg.bench.record import Record
    from sceneseg.bench.table import failures, tables

    results = Record.read(file).results
    assert tables(results) is not None
    assert failures(results) is not None


def read_source(file: Path) -> None:
    from sceneseg.fetching.datasets import find_source, is_fetched

    is_fetched(find_source("camvid"), file.parent)


def unpack(file: Path) -> None:
    from sceneseg.fetching.datasets.unpacking import unpack
    from sceneseg.fetching.progress import ProgressReporter

    try:
        unpack(file, file.parent / "out", "data", ProgressReporter())
    finally:
        shutil.rmtree(file.parent / "out", ignore_errors=True)


def paint(file: Path) -> None:
    from sceneseg.inference.video import paint_video

    paint_video(file, file.with_name("out.mp4"), lambda frame: frame)


def read_calibration(file: Path) -> None:
    from sceneseg.inference.birds_eye import birds_eye, read_calibration

    birds_eye(np.ones((37, 124), np.uint8), read_calibration(file))
