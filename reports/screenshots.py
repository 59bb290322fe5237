"""Makes screenshots of a report in headless Chromium: wide, narrow, dark, and a PDF as it prints."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests"))

SHOTS = {  # name: width, height, colour scheme, whole page
    "wide": (1280, 1000, "light", False),
    "wide-full": (1280, 1000, "light", True),
    "dark": (1280, 1000, "dark", False),
    "dark-full": (1280, 1000, "dark", True),
    "narrow": (400, 800, "light", False),
    "narrow-full": (400, 800, "light", True),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="the HTML file")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--only", action="append", choices=[*SHOTS, "pdf"], help="not all of them; may be repeated")
    options = parser.parse_args()
    from browser import NoBrowserError, chromium

    wanted = options.only or [*SHOTS, "pdf"]
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        with chromium() as browser:
            for name in wanted:
                width, height, scheme, whole = SHOTS.get(name, (1280, 1000, "light", False))
                tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                tab.goto(options.page.resolve().as_uri())
                target = options.folder / (f"{name}.pdf" if name == "pdf" else f"{name}.png")
                if name == "pdf":
                    tab.pdf(
                        path=target, format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "12mm")
                    )
                else:
                    tab.screenshot(path=target, full_page=whole)
                tab.close()
                print(target)
    except NoBrowserError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
