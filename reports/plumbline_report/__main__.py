"""The command line: documents in, one HTML page out."""

import argparse
import sys
from pathlib import Path

OK, ERROR = 0, 2


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.exit(ERROR, f"plumbline_report: {message}; see --help.\n")


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="plumbline_report", description="Turns plumbline's JSON documents into one self-contained HTML page."
    )
    parser.add_argument("--check", type=Path, metavar="JSON", help="what `plumbline check --json` wrote")
    parser.add_argument(
        "--bench",
        type=Path,
        metavar="JSON",
        action="append",
        default=[],
        help="what `plumbline bench` wrote (Google Benchmark's JSON); may be repeated",
    )
    parser.add_argument(
        "--output", type=Path, metavar="HTML", required=True, help="the page; an old one is replaced"
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    try:
        # imported here so that a missing package is one sentence too
        from .load import DocumentError, load_bench, load_check
        from .model import build_check
        from .page import render
        from .speed import build_bench
        from .write import OutputError, write_page
    except ModuleNotFoundError as error:
        return _fail(f"the Python package {error.name} is missing; pip install -r reports/requirements.txt.")

    try:
        for source in filter(None, [options.check, *options.bench]):
            if source.exists() and options.output.exists() and source.samefile(options.output):
                raise OutputError(f"{options.output} is an input document; the page needs a name of its own.")
        check = build_check(load_check(options.check)) if options.check else None
        benches = [build_bench(load_bench(path)) for path in options.bench]
        size = write_page(options.output, render(check, benches))
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
