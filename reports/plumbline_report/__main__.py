"""The command line: documents in, one HTML page out; or documents in, one JSON document out."""

import argparse
import json
import sys
from pathlib import Path

from .kinds import KINDS

OK, ERROR = 0, 2


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(ERROR, f"plumbline_report: {message}; see --help.\n")


def _omission(text: str) -> tuple[str, str]:
    what, equals, why = text.partition("=")
    if not (what.strip() and equals and why.strip()):
        raise argparse.ArgumentTypeError(f"'{text}' was expected to be WHAT=WHY")
    return what.strip(), why.strip()


def arguments(argv: list[str]) -> argparse.Namespace:
    only_assembles = argv[:1] == ["assemble"]
    parser = Parser(
        prog="plumbline_report assemble" if only_assembles else "plumbline_report",
        description="Puts plumbline's JSON documents together into one plumbline.report/1."
        if only_assembles
        else "Turns plumbline's JSON documents into one self-contained HTML page. "
        "`plumbline_report assemble ... --json F` puts them together into one document instead.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="JSON",
        action="append",
        default=[],
        help="an assembled plumbline.report/1; more documents may be added to it",
    )
    for kind in KINDS.values():
        parser.add_argument(
            f"--{kind.key}",
            type=Path,
            metavar="JSON",
            action="append",
            default=[],
            help=f"what `{kind.command}` wrote" + ("; may be repeated" if kind.many else ""),
        )
    parser.add_argument(
        "--not-run",
        type=_omission,
        metavar="WHAT=WHY",
        action="append",
        default=[],
        help="something that was left out, and why; may be repeated",
    )
    parser.add_argument(
        "--tolerant",
        action="store_true",
        help="a document that cannot be read is told on the page instead of ending the command",
    )
    if only_assembles:
        parser.add_argument("--json", type=Path, metavar="JSON", required=True, dest="output", help="the document")
    else:
        parser.add_argument(
            "--output", type=Path, metavar="HTML", required=True, help="the page; an old one is replaced"
        )
    options = parser.parse_args(argv[1:] if only_assembles else argv)
    options.only_assembles = only_assembles
    return options


def main(argv: list[str] | None = None) -> int:
    options = arguments(sys.argv[1:] if argv is None else argv)
    try:
        # imported here so that a missing package is one sentence too
        from .assemble import assemble
        from .load import DocumentError
        from .page import render
        from .write import OutputError, write_page
    except ModuleNotFoundError as error:
        return _fail(f"the Python package {error.name} is missing; pip install -r reports/requirements.txt.")

    sources = {key: getattr(options, key) for key in KINDS}
    try:
        for source in [*options.report, *(path for paths in sources.values() for path in paths)]:
            if source.exists() and options.output.exists() and source.samefile(options.output):
                raise OutputError(f"{options.output} is an input document; the page needs a name of its own.")
        report = assemble(sources, options.report, options.not_run, options.tolerant)
        text = json.dumps(report, allow_nan=True) + "\n" if options.only_assembles else render(report)
        size = write_page(options.output, text)
    except (DocumentError, OutputError) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename or options.output}: {error.strerror or error}.")
    print(f"{options.output}: {size / 1024:,.0f} KiB")
    return OK


def _fail(sentence: str) -> int:
    line = " ".join(sentence.split())
    print(f"plumbline_report: {line}".encode("ascii", "backslashreplace").decode(), file=sys.stderr)
    return ERROR


if __name__ == "__main__":
    sys.exit(main())
