"""The kinds of documents that a report is made of: one row each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    key: str  # the option, and the member of plumbline.report/1
    title: str
    command: str  # what writes it
    many: bool = False  # several documents of this kind may stand in one report
    version: int = 1

    @property
    def schema(self) -> str:
        return f"plumbline.{self.key}"

    @property
    def file(self) -> str:
        return f"{self.key}.schema.json"


KINDS = {
    kind.key: kind
    for kind in (
        Kind("check", "Check", "plumbline check --json", many=True),
        Kind("bench", "Benchmark", "plumbline bench --json", many=True),  # Google Benchmark's JSON
        Kind("gate", "Regression gate", "plumbline gate --json", many=True),
        Kind("calibration", "Calibration", "plumbline calibrate"),
        Kind("history", "History", "plumbline history export"),
        Kind("mutation", "Mutants", "plumbline mutate --json", many=True),
        Kind("tune", "Tuning", "plumbline tune --json", many=True),
        Kind("fingerprint", "Resource fingerprint", "plumbline fingerprint"),
        Kind("sanitize", "Sanitizer", "ci/sanitize.sh"),
    )
}
REPORT = Kind("report", "Report", "plumbline-report assemble")
