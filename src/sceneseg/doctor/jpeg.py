"""JPEG files that are damaged inside. The format has no checksum, but libjpeg warns while it decodes.

OpenCV lets the warnings go to the error stream of the process, without the name of a file. So the files are decoded in
processes of their own, each of which runs this file, looks into its error stream after each image, and answers.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType

DAMAGE = re.compile(r"premature end|bad Huffman|instead of RST|progression|Premature end of JPEG")
LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]+)")
FORGIVEN = 16
"""Bytes behind the last pixels that mean nothing; where there are more, pixels before them were lost."""
START, END = b"\xff\xd8\xff", b"\xff\xd9"


class JpegChecker:
    """Asks libjpeg what is wrong inside of files; to be used as a context, by several threads if need be."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "JpegChecker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._started:
            process.communicate()

    def problem(self, path: Path) -> str | None:
        """Return what is wrong with a file; None for sound ones and for other formats."""
        with path.open("rb") as file:
            if file.read(len(START)) != START:
                return None
        process = self._process()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(str(path)) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        return problem_of(json.loads(answer), path.read_bytes()) if answer else "it ends the program that reads it"

    def _process(self) -> "subprocess.Popen[str]":
        process: subprocess.Popen[str] | None = getattr(self._own, "process", None)
        if process is None or process.poll() is not None:
            command = [sys.executable, "-P", __file__]  # -P: the modules next to this file aren't those it imports
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._own.process = process
            self._started.append(process)
        return process


def problem_of(warnings: str, content: bytes) -> str | None:
    """Return what is wrong with a file; None where libjpeg's warnings are harmless."""
    if DAMAGE.search(warnings):
        return "the data inside of the JPEG file are damaged, so that a part of the image is wrong"
    found = LEFT_OVER.search(warnings)
    if found is None:
        return None
    number, end = int(found[1]), content.rfind(END)
    if found[2] == "d9" and (number <= FORGIVEN or len(set(content[end - number : end])) == 1):
        return None  # or what fills a file up to a length, as some cameras write it
    return f"the JPEG file holds {number} bytes that belong to no pixel; the data before them are damaged"


def main() -> None:
    """Decode the files that are asked for, line by line, and answer with libjpeg's warnings."""
    import cv2
    import numpy as np

    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        for line in sys.stdin:
            log.seek(0)
            log.truncate()
            content = np.fromfile(json.loads(line), np.uint8)
            if content.size:
                cv2.imdecode(content, cv2.IMREAD_REDUCED_GRAYSCALE_8)
            log.seek(0)
            print(json.dumps(log.read().decode(errors="replace")), flush=True)


if __name__ == "__main__":
    main()
