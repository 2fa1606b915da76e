"""Entry point of ``python -m sceneseg.run model.onnx photo.jpg``; the runner is `sceneseg.standalone`."""

import sys

from sceneseg.standalone import *  # noqa: F403
from sceneseg.standalone import main

if __name__ == "__main__":
    sys.exit(main())
