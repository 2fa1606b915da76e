"""A pack as TensorFlow's own reader sees it; runs where TensorFlow is installed (pip install tensorflow-cpu)."""

import numpy as np
import pytest

from sceneseg import datasets
from sceneseg.packing import pack
from sceneseg.shards.tfrecord import encode_example, read_records, write_records

pytestmark = pytest.mark.filterwarnings("ignore")  # of TensorFlow, which has some at every import


@pytest.fixture(scope="module")
def tf():
    return pytest.importorskip("tensorflow", reason="TensorFlow isn't installed")


def test_tensorflow_reads_every_pixel_of_a_pack(tf, toy_root, tmp_path):
    dataset = datasets.create("cityscapes", root=toy_root, split="train")
    pack.pack(dataset, tmp_path, "tfrecord", 1)
    shards = sorted(str(path) for path in (tmp_path / "train").glob("*.tfrecord"))
    features = {
        "image/filename": tf.io.FixedLenFeature([], tf.string),
        "image/height": tf.io.FixedLenFeature([], tf.int64),
        "image/width": tf.io.FixedLenFeature([], tf.int64),
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/segmentation/class/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/segmentation/class/names": tf.io.VarLenFeature(tf.string),
    }
    seen = 0
    for i, record in enumerate(tf.data.TFRecordDataset(shards)):
        example = tf.io.parse_single_example(record, features)
        scene = dataset.read(i)
        assert example["image/filename"].numpy().decode() == scene.name
        assert (int(example["image/height"]), int(example["image/width"])) == scene.labels.shape
        assert np.array_equal(tf.io.decode_png(example["image/encoded"], channels=3).numpy(), scene.image)
        labels = tf.io.decode_png(example["image/segmentation/class/encoded"], channels=1).numpy()[..., 0]
        assert np.array_equal(labels, scene.labels)
        names = [name.decode() for name in tf.sparse.to_dense(example["image/segmentation/class/names"]).numpy()]
        assert names == dataset.label_space.names
        seen += 1
    assert seen == len(dataset)


def test_tensorflow_reads_all_values_of_an_example(tf, tmp_path):
    values = {
        "name": ["Straße".encode(), b"", bytes(range(256))],
        "score": [0.5, -1.5],
        "id": [0, -1, 2**63 - 1, -(2**63)],
    }
    write_records(tmp_path / "a.tfrecord", [encode_example(values)])
    (record,) = tf.data.TFRecordDataset([str(tmp_path / "a.tfrecord")])
    example = tf.train.Example.FromString(record.numpy())
    feature = example.features.feature
    assert list(feature["name"].bytes_list.value) == values["name"]
    assert list(feature["score"].float_list.value) == values["score"]
    assert list(feature["id"].int64_list.value) == values["id"]


def test_both_read_what_the_other_wrote_and_both_see_damage(tf, tmp_path):
    file = str(tmp_path / "theirs.tfrecord")
    with tf.io.TFRecordWriter(file) as writer:
        for payload in (b"one", b"", b"x" * 70000):
            writer.write(payload)
    assert list(read_records(tmp_path / "theirs.tfrecord")) == [b"one", b"", b"x" * 70000]
    write_records(tmp_path / "ours.tfrecord", [b"one", b"two"])
    damaged = bytearray((tmp_path / "ours.tfrecord").read_bytes())
    damaged[-5] ^= 1
    (tmp_path / "ours.tfrecord").write_bytes(damaged)
    with pytest.raises(tf.errors.DataLossError, match="corrupted record"):
        list(tf.data.TFRecordDataset([str(tmp_path / "ours.tfrecord")]))
