"""A real browser opens the page: no errors, no network, and everything that a reader does with it works."""

import json
import re
import struct
import subprocess
import sys
from itertools import pairwise

import pytest

from browser import NoBrowserError, chromium
from conftest import REPORTS
from documents import bench_document, check_document
from made_up import parts, tma_bench_document

SIZES = {"wide": 1280, "narrow": 400}
# For every text on the page: the ratio of its colour to the nearest background that is not transparent (WCAG 2.1).
CONTRAST = r"""
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      known.set(color, [...canvas.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(color);
  };
  const light = (c) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = c.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const c = rgba(getComputedStyle(node).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.textContent.trim() || ["SCRIPT", "STYLE", "title", "desc"].includes(node.tagName)) continue;
    const style = getComputedStyle(node);
    const color = rgba(node.closest("svg") ? style.fill : style.color);
    const a = light(color) + 0.05, b = light(behind(node)) + 0.05;
    const ratio = Math.max(a, b) / Math.min(a, b);
    const kind = node.className?.baseVal ?? node.className;
    if (ratio < 4.5) found.push([text.textContent.trim().slice(0, 40), node.tagName, kind, ratio]);
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def browser():
    try:
        with chromium() as started:
            yield started
    except NoBrowserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """A page with every section, hostile names among them."""
    from plumbline_report.page import render

    made = parts(series=40, nights=120)
    hostile = "<img src=x onerror=\"document.title='executed'\"><script>document.title='executed'</script>"
    made["history"]["runs"][-1]["commit"] = hostile
    made["history"]["runs"][-1]["machine"] = made["history"]["runs"][-1]["machine"] | {"host": hostile}
    made["mutation"]["mutants"][0]["what"] = hostile
    check = check_document(400)
    check["cases"][5]["name"] = hostile
    document = {"schema": "plumbline.report/1", "check": [check], "bench": [bench_document(), tma_bench_document()]}
    document |= {key: [part] if key in ("gate", "mutation", "tune") else part for key, part in made.items()}
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(json.loads(json.dumps(document))), "utf-8")
    return path


@pytest.fixture
def tab(browser, page_file):
    """Opens the page; fails at the end when the browser complained or asked for anything but the page."""
    opened = []

    def open_page(width=1280, scheme="light", anchor=""):
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tab.complaints, tab.requests = [], []
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.goto(page_file.as_uri() + anchor)
        opened.append(tab)
        return tab

    yield open_page
    for one in opened:
        assert one.complaints == []
        assert [url for url in one.requests if url.split("#")[0] != page_file.as_uri()] == []
        assert one.title() != "executed"
        one.close()


def test_the_contrast_check_sees_poor_contrast(tab):
    page = tab()
    page.evaluate("document.querySelector('#trust h2').style.color = '#999'")
    assert [row[0] for row in page.evaluate(CONTRAST)].count("Trust") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(tab, scheme):
    page = tab(scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((node) => (node.open = true))")
    poor = [
        row
        for row in page.evaluate(CONTRAST)
        if "refused" not in row[2]  # hatched, and struck through; its colour is the muted one, which others show
    ]
    assert poor == []


@pytest.mark.parametrize("width", SIZES.values(), ids=SIZES)
def test_nothing_overflows(tab, width):
    """The page itself never scrolls sideways; wide tables scroll inside their own box."""
    page = tab(width=width)
    page.evaluate("document.querySelectorAll('details').forEach((node) => (node.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """() => [...document.querySelectorAll("main *")]
             .filter((n) => !n.closest(".table, .repro, svg") && n.getBoundingClientRect().right > innerWidth + 1)
             .map((n) => n.outerHTML.slice(0, 80))"""
    )
    assert outside == []
    labels = page.evaluate(
        """() => [...document.querySelectorAll(".figure-svg")].flatMap((svg) => {
             const box = svg.getBoundingClientRect();
             return [...svg.querySelectorAll("text")].filter((t) => {
               const r = t.getBoundingClientRect();
               return r.width && (r.right > box.right + 2 || r.left < box.left - 2);
             }).map((t) => t.textContent);
           })"""
    )
    assert labels == []


def test_every_table_sorts(tab):
    page = tab()
    tables = page.locator("[data-table]")
    assert tables.count() >= 12
    for index in range(tables.count()):
        table = tables.nth(index)
        for column in (0, table.locator("thead tr").first.locator("th").count() - 1):
            header = table.locator("thead tr").first.locator("th").nth(column)
            header.locator("button").click()
            first = header.get_attribute("aria-sort")
            up = _keys(table, column)
            header.locator("button").click()
            assert {first, header.get_attribute("aria-sort")} == {"ascending", "descending"}
            down = _keys(table, column)
            if first == "descending":
                up, down = down, up
            _assert_sorted(up)
            _assert_sorted(down, reverse=True)


def _keys(table, column: int) -> list:
    return table.evaluate(
        """(box, column) => [...box.querySelectorAll("tbody tr")].map((row) => {
             const cell = row.cells[column];
             return cell.dataset.v === undefined ? cell.textContent.trim() || null
               : cell.dataset.v === "" ? null : Number(cell.dataset.v);
           })""",
        column,
    )


def _assert_sorted(keys: list, reverse: bool = False) -> None:
    known = [key for key in keys if key is not None]
    assert keys[: len(known)] == known, "what is missing comes last"
    if known and all(isinstance(key, (int, float)) for key in known):
        assert known == sorted(known, reverse=reverse)
    elif known:  # words: by the browser's collation; equal words must stand together
        changes = sum(one != other for one, other in pairwise(known))
        assert changes == len(set(known)) - 1


def test_tables_and_lists_filter(tab):
    page = tab()
    visible = """(box) => [...box.querySelectorAll("tbody tr, :scope > details")]
                   .filter((row) => row.checkVisibility()).map((row) => row.textContent.toLowerCase())"""
    for box in page.locator("[data-table], [data-list]").all():
        head = box.locator("xpath=preceding-sibling::div[1]")
        field, every = head.locator("input"), box.evaluate(visible)
        assert every
        word = re.split(r"\s+", every[-1].strip())[0]
        field.fill(word)
        shown = box.evaluate(visible)
        assert shown == [text for text in every if word in text]
        field.fill("no such thing anywhere")
        assert box.evaluate(visible) == [] and f"0 of {len(every)}" in head.inner_text()
        field.fill("")
        assert box.evaluate(visible) == every


def test_every_anchor_resolves(tab):
    page = tab()
    missing = page.evaluate(
        """() => [...document.querySelectorAll("a[href]")].map((a) => a.getAttribute("href"))
             .filter((href) => href[0] !== "#" || !document.getElementById(decodeURIComponent(href.slice(1))))"""
    )
    assert missing == []


def test_a_link_to_one_series_opens_it_and_undoes_a_filter(tab):
    page = tab()
    anchors = page.evaluate("[...document.querySelectorAll('details[data-still]')].map((node) => node.id)")
    assert len(anchors) > 10
    page = tab(anchor=f"#{anchors[7]}")
    target = page.locator(f"[id='{anchors[7]}']")
    assert target.get_attribute("open") is not None and target.locator("svg").is_visible()
    page.locator("#trends .filter input").last.fill("no such thing anywhere")
    assert not target.is_visible()
    page.evaluate("location.hash = ''")
    page.evaluate(f"location.hash = '#{anchors[7]}'")
    target.wait_for(state="visible")


def test_a_figure_is_told_in_words(tab):
    """What assistive technology gets of each figure: a role, a name, a description."""
    told = tab().evaluate(
        """() => [...document.querySelectorAll("svg:not([aria-hidden])")].map((svg) =>
             [svg.getAttribute("role"), ...svg.getAttribute("aria-labelledby").split(" ").map((id) =>
               document.getElementById(id)?.textContent.length ?? 0)])"""
    )
    assert len(told) > 40
    assert all(role == "img" and title > 3 and description > 20 for role, title, description in told)


def test_it_prints(tab):
    page = tab()
    pdf = page.pdf(format="A4", print_background=False)
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 5 < pages < 80
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details:not([data-still])')].every((node) => node.open)")
    assert page.locator("nav").is_hidden() and page.locator(".filter").first.is_hidden()


def test_it_reads_without_scripts(browser, page_file):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page_file.as_uri())
    assert tab.locator("#trust table").first.is_visible() and tab.locator(".filter").count() == 0
    context.close()


def test_the_script_takes_screenshots(browser, page_file, tmp_path):
    """What makes README's picture: the size is right, and the picture is no blank."""
    command = [sys.executable, REPORTS / "screenshots.py", page_file, tmp_path, "--only", "wide", "--only", "pdf"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    picture = (tmp_path / "wide.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and struct.unpack(">II", picture[16:24]) == (1280, 1000)
    assert len(picture) > 30_000
    assert (tmp_path / "pdf.pdf").read_bytes().startswith(b"%PDF")
