"""The command line: every verb is a function in a module of `sceneseg.cli`."""

import inspect
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cyclopts import App

from sceneseg.cli import (
    allowing,
    bench,
    compare,
    data_doctor,
    data_get,
    data_pack,
    data_stats,
    data_toy,
    data_unpack,
    data_verify,
    data_view,
    endings,
    evaluate,
    export,
    fields,
    find_lr,
    models,
    output,
    plan,
    predict,
    report,
    signals,
    spellings,
    summary,
    train,
    verify_resume,
    weights_card,
    weights_get,
    weights_import,
    weights_list,
    weights_manifest,
    weights_verify,
)
from sceneseg.config import command_line
from sceneseg.errors import ScenesegError, hide_library_warnings
from sceneseg.version import __version__


def add(group: App, verb: Callable[..., Any]) -> None:
    """Add a verb to a group under its own name, with the text of its docstring before the arguments as its help."""
    text, args, arguments = (inspect.getdoc(verb) or "").partition("\n\nArgs:\n")
    verb.__doc__ = text + args + re.sub(r"\n {8,}", " ", arguments)  # else lines end where the source's do
    paragraphs = [p if p.startswith("Example") else " ".join(p.split()) for p in text.split("\n\n")]
    group.command(verb, name=verb.__name__.strip("_").replace("_", "-"), help="\n\n".join(paragraphs))


app = App(
    name="sceneseg",
    help="Train, compare and ship semantic-segmentation models on street scenes.\n\n"
    "A model, loss, ... of your own is named FILE.py:CLASS. Every command takes --allow FILE.py, for runs and weights "
    "that name such a file, which is not run on their word alone.",
    version=__version__,
    config=(command_line.check_options,),
    suppress_keyboard_interrupt=False,  # `main` says how far the command came
    help_format="plaintext",  # Markdown and rich markup would swallow <NAME> and [export]
)
add(app, train.train)
add(app, evaluate.evaluate)
add(app, predict.predict)
add(app, compare.compare)
add(app, report.report)
add(app, export.export)
add(app, bench.bench)
add(app, models.models)
add(app, summary.summary)
add(app, plan.plan)
add(app, find_lr.find_lr)
add(app, verify_resume.verify_resume)

data_app = App(name="data", help="Fetch, check, look at and pack data sets; draw toy scenes.")
add(data_app, data_toy.toy)
add(data_app, data_get.get)
add(data_app, data_doctor.doctor)
add(data_app, data_stats.stats)
add(data_app, data_view.view)
add(data_app, data_pack.pack)
add(data_app, data_unpack.unpack)
add(data_app, data_verify.verify)
app.command(data_app)

weights_app = App(name="weights", help="Fetch, import, check and publish weights files.")
add(weights_app, weights_list.list_)
add(weights_app, weights_get.get)
add(weights_app, weights_import.import_)
add(weights_app, weights_verify.verify)
add(weights_app, weights_card.card)
add(weights_app, weights_manifest.manifest)
app.command(weights_app)

app.register_install_completion_command(help="Let the shell complete commands and options (bash, zsh, fish).")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what a user can cause ends it with one sentence and an exit code, without a traceback.

    Args:
        arguments: Verb and options; those of the process when absent.
    """
    hide_library_warnings()
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")  # before OpenCV is imported: several processes read instead
    output.never_fail_on_letters()
    words = sys.argv[1:] if arguments is None else list(arguments)
    with signals.stopping(), output.printed_log():
        try:
            words = allowing.take_allowed(words)
            words = spellings.respell(app, words)
            app(words, exit_on_error=False, print_error=False)
        except KeyboardInterrupt as stop:
            print(*("Stopped.", *getattr(stop, "__notes__", [])), file=sys.stderr)
            sys.exit(signals.exit_code(stop))
        except Exception as error:
            code, sentence = endings.ending(error)
            field = error.field if isinstance(error, ScenesegError) else None
            if sentence and field and (option := fields.option_of(app, words, field)):
                sentence = f"{sentence} (option: {option})"
            if sentence:
                endings.show(sentence)
            sys.exit(code)


if __name__ == "__main__":
    main()
