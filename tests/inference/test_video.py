"""Videos keep their size, their times and their colors."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sceneseg.errors import ConfigError, DataError
from sceneseg.inference import video
from sceneseg.inference.video import paint_video

av = pytest.importorskip("av")

COLORS = np.array([(200, 60, 30), (30, 150, 60), (40, 60, 200), (220, 220, 90)], np.uint8)  # of the quarters
FRAMES = 9


def quarters(size, step=0):
    height, width = size
    picture = np.empty((height, width, 3), np.uint8)
    rows, columns = (np.arange(side) * 2 // side for side in size)
    picture[:] = np.roll(COLORS, step, 0)[(2 * rows[:, None] + columns)]
    return picture


def film(file: Path, size=(48, 80), rate=Fraction(30000, 1001), times=None, turned=0, sound=False, matrix=None):
    """Write a video of four colored quarters."""
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264" if "libx264" in av.codecs_available else "mpeg4", rate=rate)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
        if turned:
            stream.set_display_rotation(turned)
        if matrix is not None:
            stream.codec_context.colorspace = matrix
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        hears = out.add_stream("aac", rate=44100) if sound else None
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(quarters(size), "rgb24")
            frame = frame.reformat(format=stream.pix_fmt, dst_colorspace=matrix)
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if hears is not None:
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            heard.sample_rate = 44100
            out.mux(hears.encode(heard))
            out.mux(hears.encode(None))
    return file


def watch(file: Path):
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        frames = [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(stream)]
        return frames, stream.average_rate, stream.codec_context.name


@pytest.mark.parametrize("size", [(48, 80), (49, 81)])
def test_size_rate_and_colors_stay(tmp_path, size):
    source = film(tmp_path / "street.mp4", size)
    seen, totals = [], []

    def paint(picture):
        seen.append(picture)
        return picture

    made = paint_video(source, tmp_path / "out" / "copy.mp4", paint, totals.append)
    frames, rate, codec = watch(tmp_path / "out" / "copy.mp4")
    original, original_rate, _ = watch(source)
    assert (made.frames, made.promised, made.sound) == (FRAMES, FRAMES, False)
    assert totals == [FRAMES] * FRAMES
    assert rate == original_rate == Fraction(30000, 1001)
    assert codec == ("h264" if made.encoder == "libx264" else "mpeg4")
    assert [time for time, _ in frames] == pytest.approx([time for time, _ in original], abs=1e-3)
    for (_, picture), shown in zip(frames, seen, strict=True):
        assert picture.shape == shown.shape == (*size, 3)
        difference = np.abs(picture.astype(int) - quarters(size))
        assert np.median(difference) <= 4
        assert difference.mean() < 6  # edges suffer
    assert not list((tmp_path / "out").glob(".*")), "nothing but the video is left"


@pytest.mark.parametrize("suffix", ["mkv", "webm", "mts", "ts", "m2ts", "avi", "flv", "y4m", "wmv", "mpg", "3gp"])
def test_whole_videos_have_no_problem_and_cut_ones_do(tmp_path, suffix):
    source = noise(tmp_path / f"a.{suffix}")
    whole = paint_video(source, tmp_path / "b.mp4", lambda picture: picture)
    assert (whole.frames, whole.promised, whole.problem) == (24, 24, "")
    if suffix in ("mpg", "3gp"):  # MPEG-1 says nothing of its length, 3GP can't be opened without its end
        return
    (tmp_path / f"cut.{suffix}").write_bytes(source.read_bytes()[: source.stat().st_size * 2 // 3 - 1])
    cut = paint_video(tmp_path / f"cut.{suffix}", tmp_path / "b.mp4", lambda picture: picture)
    assert cut.frames < 20
    if suffix in ("mkv", "webm", "avi", "flv"):
        assert f"{cut.frames} of 24 frames" in cut.problem or suffix == "flv"
    assert cut.problem.startswith(f"{cut.frames} ")


def test_sound_that_is_longer_than_its_video_is_no_problem(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream, hears = out.add_stream("mpeg4", rate=10), out.add_stream("aac", rate=8000)
        stream.height, stream.width, stream.pix_fmt = 48, 80, "yuv420p"
        for _ in range(5):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(quarters((48, 80)), "rgb24")))
        out.mux(stream.encode(None))
        for _ in range(20):
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            heard.sample_rate = 8000
            out.mux(hears.encode(heard))
        out.mux(hears.encode(None))
    made = paint_video(tmp_path / "a.mkv", tmp_path / "b.mp4", lambda picture: picture)
    assert (made.frames, made.problem, made.sound) == (5, "", True)


CODECS = {"webm": "libvpx", "y4m": "wrapped_avframe", "wmv": "wmv2", "mpg": "mpeg1video", "flv": "flv"}
FORMATS = {"mts": "mpegts", "m2ts": "mpegts", "y4m": "yuv4mpegpipe", "wmv": "asf"}


def noise(file: Path) -> Path:
    """Write 24 frames that don't compress, so that two thirds of the file are about two thirds of them."""
    suffix, rng = file.suffix[1:], np.random.default_rng(0)
    codec = CODECS.get(suffix, "mpeg4")
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    with av.open(str(file), "w", format=FORMATS.get(suffix)) as out:
        stream = out.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 80, "yuv420p"
        for _ in range(24):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (48, 80, 3), dtype=np.uint8), "rgb24")
            out.mux(stream.encode(frame.reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    return file


def test_what_is_painted_is_seen(tmp_path):
    paint_video(film(tmp_path / "a.mp4"), tmp_path / "b.mp4", lambda picture: np.full_like(picture, 90))
    assert all(np.abs(p.astype(int) - 90).max() <= 3 for _, p in watch(tmp_path / "b.mp4")[0])


def test_frames_are_shown_when_they_were(tmp_path):
    times = [0, 40, 80, 300, 333, 700, 710, 711, 1500]
    source = film(tmp_path / "a.mp4", times=times)
    paint_video(source, tmp_path / "b.mp4", lambda picture: picture)
    assert [time for time, _ in watch(tmp_path / "b.mp4")[0]] == pytest.approx([t / 1000 for t in times], abs=2e-3)


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_a_camera_that_was_turned(tmp_path, turned):
    if not hasattr(av.video.stream.VideoStream, "set_display_rotation"):
        pytest.skip("this PyAV can't write such a video")
    source = film(tmp_path / "a.mp4", turned=turned)
    paint_video(source, tmp_path / "b.mp4", lambda picture: picture)
    upright = np.rot90(quarters((48, 80)), turned // 90)
    picture = watch(tmp_path / "b.mp4")[0][0][1]
    assert picture.shape == upright.shape
    assert np.median(np.abs(picture.astype(int) - upright)) <= 4


@pytest.mark.parametrize("matrix", [video.BT709, video.BT601, video.BT2020])
def test_colors_survive_every_matrix(tmp_path, matrix):
    source = film(tmp_path / "a.mp4", matrix=matrix)
    paint_video(source, tmp_path / "b.mp4", lambda picture: picture)
    for _, picture in watch(tmp_path / "b.mp4")[0]:
        assert np.median(np.abs(picture.astype(int) - quarters((48, 80)))) <= 4


def test_without_h264_it_is_mpeg4(tmp_path, monkeypatch):
    source = film(tmp_path / "a.mp4", size=(49, 81))
    monkeypatch.setattr(video, "ENCODERS", {"none": {}, "mpeg4": video.ENCODERS["mpeg4"]})
    made = paint_video(source, tmp_path / "b.mp4", lambda picture: picture)
    frames, rate, codec = watch(tmp_path / "b.mp4")
    assert made.encoder == codec == "mpeg4"
    assert len(frames) == FRAMES
    assert float(rate) == pytest.approx(30000 / 1001, rel=1e-3)
    assert frames[0][1].shape == (49, 81, 3)
    assert np.median(np.abs(frames[0][1].astype(int) - quarters((49, 81)))) <= 6


def test_sound_is_noticed(tmp_path):
    assert paint_video(film(tmp_path / "a.mp4", sound=True), tmp_path / "b.mp4", lambda picture: picture).sound


def test_bad_input_gets_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "text.mp4").write_text("no video")
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    target = tmp_path / "out" / "b.mp4"
    for name, complaint in (
        ("none.mp4", "there is no such file"),
        ("text.mp4", "not readable as a video"),
        ("sound.mp4", "there is no video in this file, only audio"),
    ):
        with pytest.raises(DataError, match=complaint) as raised:
            paint_video(tmp_path / name, target, lambda picture: picture)
        assert "\n" not in str(raised.value)
    monkeypatch.setattr(video, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    with pytest.raises(ConfigError, match=r"pip install .*\[video\]"):
        paint_video(tmp_path / "text.mp4", target, lambda picture: picture)
    assert not list((tmp_path / "out").glob("*")) if target.parent.exists() else True


def test_a_painter_that_fails_leaves_nothing(tmp_path):
    def fail(picture):
        raise DataError("no more paint")

    source = film(tmp_path / "a.mp4")
    with pytest.raises(DataError, match="no more paint"):
        paint_video(source, tmp_path / "b.mp4", fail)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
