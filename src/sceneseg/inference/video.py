"""Videos: every frame is read, painted on, and written again at the same size and the same time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from sceneseg.arrays import ImageArray
from sceneseg.errors import DataError, MissingPackageError
from sceneseg.records import run_directory

SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts", ".wmv", ".3gp", ".flv"),
    *(".y4m", ".ogv"),
}

ENCODERS: dict[str, dict[str, str]] = {
    "libx264": {"crf": "20", "preset": "veryfast"},  # H.264 that looks like the original; faster presets show blocks
    "mpeg4": {"flags": "+qscale", "global_quality": "354"},  # 3 of 1 (best) to 31, in FFmpeg's unit of 118
}
"""Encoder -> its options; the first that PyAV's FFmpeg was built with writes."""

BT709, UNKNOWN, BT601, NTSC, BT2020 = 1, 2, 5, 6, 9  # FFmpeg's numbers of the matrix between RGB and YUV
LIMITED = 1  # its number of the range in which luma goes from 16 to 235
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # object in a WMV file that holds its size
MPEG4_CLOCK = 65535  # ticks of a second, at most


@dataclass(frozen=True)
class Video:
    """Record of a segmented video.

    Args:
        frames: How many.
        promised: How many it should have by the count or length in its head; `frames` where that says nothing else.
        encoder: One of `ENCODERS`.
        sound: Whether the original has sound, which isn't copied.
        damaged: Whether part of the file is broken, or it ends in the middle of a frame.
    """

    frames: int
    promised: int
    encoder: str
    sound: bool
    damaged: bool = False

    @property
    def problem(self) -> str:
        """Problem with the original; empty when every frame was there."""
        if self.frames < self.promised:
            return f"{self.frames} of {self.promised} frames"
        return f"{self.frames} frames, then damaged or cut off" if self.damaged else ""


def paint_video(
    source: Path,
    target: Path,
    paint: Callable[[ImageArray], ImageArray],
    on_frame: Callable[[int], object] = lambda total: None,
) -> Video:
    """Write a copy of a video as MP4 in which every frame is painted on.

    Args:
        source: Anything that FFmpeg reads.
        target: The file to write, whole or not at all; its folder is made.
        paint: Maps a frame (H, W, 3) uint8 RGB, upright, to one of the same size.
        on_frame: Is called after each frame, with the number of all, or 0 where that isn't known.

    Raises:
        ConfigError: PyAV isn't installed.
        DataError: The file isn't a video, or damaged.
    """
    av = import_av()
    with _opened(av, source) as container, run_directory.atomic(target) as temporary:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        total = stream.frames or _estimated(stream, container)
        with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as out:
            writer: _Writer | None = None
            frames = 0
            extent = _Extent(container, stream)
            for frame in _frames(av, extent, source):
                turns = round((getattr(frame, "rotation", 0) or 0) / 90)
                pixels = np.rot90(frame.to_ndarray(format="rgb24"), turns)
                image = paint(np.ascontiguousarray(pixels))
                if writer is None:
                    writer = _Writer(av, out, stream, image.shape[:2], bool(turns % 2))
                writer.write(image, frame)
                frames += 1
                on_frame(total)
            if writer is None:
                raise DataError(f"{source}: there is no readable frame in this video.")
            writer.finish()
        damaged = extent.damaged or _cut_short(extent, source)
        return Video(frames, extent.promised(frames), writer.encoder, bool(container.streams.audio), damaged)


def import_av() -> Any:
    """Import PyAV.

    Raises:
        MissingPackageError: It isn't installed.
    """
    try:
        return import_module("av")
    except ImportError:
        raise MissingPackageError("av") from None


def _opened(av: Any, source: Path) -> Any:
    if not source.is_file():
        raise DataError(f"{source}: there is no such file.")
    try:
        container = av.open(str(source))
    except (av.FFmpegError, ValueError) as error:
        raise DataError(f"{source}: not readable as a video ({_words(error)}).") from None
    if not container.streams.video:
        kinds = " and ".join(sorted({stream.type for stream in container.streams})) or "nothing that is known"
        container.close()
        raise DataError(f"{source}: there is no video in this file, only {kinds}. Give one with images.")
    return container


class _Extent:
    """Frames read from a file, compared with those its header promises.

    Args:
        container: The opened file.
        stream: Its video.
    """

    def __init__(self, container: Any, stream: Any) -> None:
        self.container, self.stream = container, stream
        self.damaged = False
        self.end = 0.0  # of all streams, in seconds: sound may be longer than its video
        self.longest = 0.0  # time from one frame to the next
        self.read = 0  # bytes
        self._last: float | None = None

    def frames(self) -> Iterator[Any]:
        """Decode the video, and take note of every packet."""
        for packet in self.container.demux():
            self.damaged = self.damaged or packet.is_corrupt
            self.read = max(self.read, (packet.pos or 0) + packet.size)
            if packet.pts is not None:
                self.end = max(self.end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream.index == self.stream.index:
                for frame in packet.decode():
                    self._note(frame.time)
                    yield frame

    def promised(self, frames: int) -> int:
        """Return how many frames there should be, when so many have been read."""
        rate = float(self.stream.average_rate or self.stream.guessed_rate or 25)
        if self.container.duration is not None:
            missing = ((self.container.start_time or 0) + self.container.duration) / 1_000_000 - self.end
            if missing > max(1.5 / rate, 1.5 * self.longest):
                return max(frames + round(missing * rate), self.stream.frames)
        # an MP4 that was trimmed counts frames that aren't shown; its length is that of the rest
        return frames if "mp4" in self.container.format.name else max(frames, self.stream.frames)

    def _note(self, time: float | None) -> None:
        if time is not None:
            self.longest = max(self.longest, time - self._last) if self._last is not None else 0.0
            self._last = time


def _frames(av: Any, extent: _Extent, source: Path) -> Iterator[Any]:
    count, size = 0, None
    try:
        for frame in extent.frames():
            size = size or (frame.height, frame.width)
            if (frame.height, frame.width) != size:
                raise DataError(f"{source}: frame {count + 1} has another size than those before; cut the video there.")
            yield frame
            count += 1
    except av.FFmpegError as error:
        raise DataError(f"{source}: damaged after {count} frames ({_words(error)}).") from None


def _cut_short(extent: _Extent, source: Path) -> bool:
    """Return whether a file ends too early, for formats whose header doesn't have their duration."""
    kind, size = extent.container.format.name, source.stat().st_size
    if kind == "mpegts":
        return all(size % packet for packet in (188, 192, 204))
    if kind == "yuv4mpegpipe":
        return size > extent.read
    if kind == "asf":
        with source.open("rb") as file:
            head = file.read(4096)
        at = head.find(ASF_PROPERTIES)
        return at >= 0 and int.from_bytes(head[at + 40 : at + 48], "little") > size
    return False


class _Writer:
    """Encodes images with the times and colors of the frames that they were painted on."""

    def __init__(self, av: Any, out: Any, stream: Any, size: tuple[int, int], turned: bool) -> None:
        self.av, self.out = av, out
        self.encoder = next(name for name in ENCODERS if name in av.codecs_available)
        height, width = size
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        self.stream = out.add_stream(self.encoder, rate=rate, options=ENCODERS[self.encoder])
        self.stream.width, self.stream.height = width, height
        # colors at half the size take even sides; H.264 can also keep them whole
        odd = height % 2 or width % 2
        self.pixel_format = "yuv444p" if odd and self.encoder == "libx264" else "yuv420p"
        self.stream.pix_fmt = self.pixel_format
        self.clock = _clock(stream.time_base, rate, self.encoder)
        context, original = self.stream.codec_context, stream.codec_context
        context.time_base = self.clock
        if shape := stream.sample_aspect_ratio:
            context.sample_aspect_ratio = 1 / shape if turned else shape
        # where nothing is said, BT.601 is taken both times and nothing is said again: players show both files alike
        found = original.colorspace
        self.matrix = found if found in (BT709, BT2020) else BT601
        context.colorspace = found if found in (BT709, UNKNOWN, BT601, NTSC, BT2020) else BT601
        context.color_primaries, context.color_trc = original.color_primaries, original.color_trc
        context.color_range = LIMITED
        self.first: int | None = None
        self.last = -1

    def write(self, picture: ImageArray, original: Any) -> None:
        """Encode an image in the place of a frame."""
        frame = self.av.VideoFrame.from_ndarray(picture, "rgb24")
        frame = frame.reformat(format=self.pixel_format, dst_colorspace=self.matrix)
        frame.pts, frame.time_base = self._time(original), self.clock
        self.out.mux(self.stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self.out.mux(self.stream.encode(None))

    def _time(self, original: Any) -> int:
        """Return when the frame is shown, in ticks since the first; some files don't say, or say it twice."""
        if original.pts is None:
            ticks = self.last + round(1 / (self.stream.codec_context.framerate * self.clock)) if self.last >= 0 else 0
        else:
            self.first = original.pts if self.first is None else self.first
            ticks = round((original.pts - self.first) * original.time_base / self.clock)
        self.last = max(ticks, self.last + 1)
        return self.last


def _clock(original: Fraction | None, rate: Fraction, encoder: str) -> Fraction:
    """Return seconds of a tick: the original's, so that no time is rounded, if the encoder takes it."""
    clock = original or 1 / rate
    if encoder == "mpeg4" and clock.denominator > MPEG4_CLOCK:
        return (1 / rate).limit_denominator(MPEG4_CLOCK)
    return clock


def _estimated(stream: Any, container: Any) -> int:
    """Return about how many frames there are; 0 when nothing says so."""
    rate = stream.average_rate or 0
    if stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate)
    return round(container.duration / 1_000_000 * rate) if container.duration else 0


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
