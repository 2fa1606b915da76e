"""The command line: every verb is a function in `sceneseg.cli`, imported when it is called."""

import errno
import sys

from cyclopts import App
from rich.console import Console

from sceneseg.config import command_line
from sceneseg.errors import ScenesegError
from sceneseg.version import __version__

app = App(
    name="sceneseg",
    help="Train, compare and ship semantic-segmentation models on street scenes.",
    version=__version__,
    config=(command_line.remember,),
)
for verb in ("train", "evaluate", "predict", "compare", "report", "summary", "models", "bench", "plan", "export"):
    app.command(f"sceneseg.cli.{verb}:{verb}", name=verb)
app.command("sceneseg.cli.find_lr:find_lr", name="find-lr")
app.command("sceneseg.cli.verify_resume:verify_resume", name="verify-resume")

data = App(name="data", help="Make, look at and prepare data sets.")
for part in ("toy", "doctor", "stats", "view"):
    data.command(f"sceneseg.cli.data:{part}", name=part)
data.command("sceneseg.cli.data_get:get", name="get")
for verb in ("pack", "unpack", "verify"):
    data.command(f"sceneseg.cli.data_pack:{verb}", name=verb)
app.command(data)

weights = App(name="weights", help="Weights files: ours, and other people's.")
weights.command("sceneseg.cli.weights:import_", name="import")
weights.command("sceneseg.cli.weights:list_", name="list")
for part in ("get", "verify", "card", "manifest"):
    weights.command(f"sceneseg.cli.weights:{part}", name=part)
app.command(weights)


def main() -> None:
    """Run the command line; errors meant for the user end it with one sentence and exit code 1."""
    try:
        app()
    except ScenesegError as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {_plain(error)}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        file = f" for {error.filename}" if error.filename else ""
        Console(stderr=True).print(
            f"[bold red]Error:[/] The disk has no room{file}. Make some, then give the command again; a training "
            f"goes on with sceneseg train -r RUN.",
            highlight=False,
            soft_wrap=True,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _plain(error: Exception) -> str:
    return str(error).replace("[", r"\[")


if __name__ == "__main__":
    main()
