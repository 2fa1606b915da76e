"""The images of a page."""

import struct
import zlib

from picture_kinds import READ, png
from sceneseg.report.pictures import embed


def test_pictures_that_cannot_be_read_are_left_out(tmp_path):
    whole = bytearray(png(0, 8, []))
    whole[16:24] = struct.pack(">II", 40_000, 40_000)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    contents = {"claims.png": bytes(whole), "empty.png": b"", "right.png": READ["png-RGB"][0]()}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert list(embed({name: [tmp_path / name] for name in contents}, 10**6)) == ["right.png"]
