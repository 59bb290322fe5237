"""Whole pages: every subset of inputs, hostile text, links, alternatives for figures, size and time."""

import re
import time

import pytest

from documents import GPU, bench_document, check_document

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; }</style><b>",
    "]]>--><svg onload=x>",
    "$\\frac{1}{$",
    "{{ 7*7 }}",
    "a\x00b\x1b[31m",
    "\u202egnp.exe",
    "</title></script>",
    "&lt;b&gt;",
    "x" * 5000,
    "http://evil.example/a.js",
    "%s %n ../..",
    "",
    "漢字 🚀 \ud83d",
]


@pytest.mark.parametrize("has_check", [False, True])
@pytest.mark.parametrize("benches", [0, 1, 2])
def test_page_builds_from_each_subset(report, has_check, benches):
    documents = [bench_document(gpu=gpu) for gpu in (GPU, "NVIDIA B200")[:benches]]
    page = report(check_document() if has_check else None, *documents)
    words = page.words
    assert ("No check document was given" in words) == (not has_check)
    assert ("No benchmark document was given" in words) == (not benches)
    assert ("NVIDIA B200" in words) == (benches == 2)
    assert_sound(page)


def assert_sound(page):
    """What holds for every page whatever it shows."""
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in page.all("a"):
        assert attributes["href"].startswith("#") and attributes["href"][1:] in ids
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), f"<{tag} {name}>"
            if name in ("src", "href", "xlink:href", "data", "action", "srcset", "poster"):
                assert value.startswith("#"), f"<{tag} {name}={value}>"
                assert value == "#" or value[1:] in ids
            for target in re.findall(r"url\(([^)]*)\)", value or ""):
                assert target.lstrip("#") in ids
        assert tag not in ("img", "link", "iframe", "object", "embed", "image", "foreignobject", "base", "b-x")
    assert len(page.all("script")) == 1 and len(page.all("style")) == 1
    titles = {a.get("id") for a in page.all("title")} | {a.get("id") for a in page.all("desc")}
    for svg in page.all("svg"):
        if svg.get("aria-hidden") == "true":  # a line in a table, whose row says the same in numbers
            assert svg["class"] == "spark"
            continue
        assert svg["role"] == "img"
        assert set(svg["aria-labelledby"].split()) <= titles and len(svg["aria-labelledby"].split()) == 2
    for figure in page.source.split('<svg class="figure-svg')[1:]:
        figure = figure.split("</svg>")[0]
        assert re.search(r"<title [^>]*>[^<]", figure) and re.search(r"<desc [^>]*>[^<]", figure)
        assert not re.search(r"(?:fill|stroke): #", figure), "a colour that the dark mode cannot change"


def test_full_page_has_no_external_reference(report):
    page = report(check_document(), bench_document())
    assert not re.search(r"https?:|//[a-z]|@import|xmlns", page.source)
    assert len(page.all("svg")) == 4 + 4 + 3  # worst shares and errors of four operators, times of three


def test_inline_script_and_style_are_whole(report):
    """Nothing in them may end their element early."""
    page = report(check_document(10))
    script = page.source.split("<script>")[1].split("</script>")[0]
    assert script.strip().endswith("})();")
    style = page.source.split("<style>")[1].split("</style>")[0]
    assert style.count("{") == style.count("}") > 50


def hostile_check(text: str) -> dict:
    document = check_document(120)
    for index, case in enumerate(document["cases"]):
        if index % 2:
            case |= {"name": text, "operator": text, "dtype": text, "reason": text, "repro": text, "selected": text}
            case["axes"] = {f"offset.{text}": text, text: text}
            for variant in case["variants"]:
                variant |= {"name": text, "reason": text, "failed_checks": [text]}
    document["device"] |= {"name": text, "driver": text, "cuda": text}
    document["library"] |= {"name": text, "version": text, "digest": text}
    return document | {
        "commit": text,
        "started": text,
        "tier": text,
        "golden": document["golden"] | {"gpus": [text]},
    }


def hostile_bench(text: str) -> dict:
    document = bench_document(gpu=text, commit=text)
    document["context"] |= {"date": text, "driver": text}
    for entry in document["benchmarks"][::2]:
        entry["name"] = entry["run_name"] = f"{text}/{text}/{text}=1/variant={text}/cold"
    document["benchmarks"].append({"name": text, "error_occurred": True, "error_message": text})
    return document


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(report, text):
    page = report(hostile_check(text), hostile_bench(text))
    assert_sound(page)
    if text.startswith(("<", '"', "'", "{", "$", "&")):
        assert text in page.words
    for unwanted in ("\x00", "\x1b", "\u202e", "\ud83d"):
        assert unwanted not in page.source


def test_a_page_is_a_function_of_its_documents(report):
    documents = check_document(), bench_document()
    assert report(*documents).source == report(*documents).source


def test_every_count_is_on_the_page(report):
    document = check_document(900)
    words = report(document).words
    for state in ("passed", "failed", "crashed", "mistrusted", "unsupported", "skipped"):
        assert f"{state} {document['summary'][state]}" in words
    assert "needs 2 devices, found 1" in words and "signal 11" in words


def test_two_hundred_of_many_cases_are_listed(report):
    document = check_document(6000)
    page = report(document)
    wrong = sum(document["summary"][state] for state in ("failed", "crashed", "mistrusted"))
    assert wrong > 200
    listed = [a for a in page.all("details") if a.get("id", "").startswith("case-")]
    assert len(listed) == 200 and f"200 of {wrong}" in page.words
    names = {case["name"] for case in document["cases"]}
    repros = re.findall(r"plumbline check --filter '([^']*)'", page.words)
    assert len(repros) == 200 and set(repros) <= names


def test_anchors_do_not_depend_on_other_cases(report):
    document = check_document(300)
    ids = {a["id"] for a in report(document).all("details") if "id" in a}
    assert "case-rope-fp16-tokens-1-hq-32-hk-8-d-128-rotary-128-seed-5" in ids


def test_replay_says_what_stood_in_for_the_gpu(report):
    words = report(check_document(device="replay", trouble=False)).words
    assert f"no GPU here; the replay was verified bit for bit against what {GPU} computed, in 297 cases" in words
    assert "no library of operators was opened" in words and "replay only" in words


def test_twenty_thousand_cases_are_quick_and_small(command, write, tmp_path):
    check, bench = write(check_document(20000), "check.json"), write(bench_document(), "bench.json")
    output = tmp_path / "report.html"
    started = time.monotonic()
    done = command("--check", check, "--bench", bench, "--output", output)
    assert done.returncode == 0 and done.stderr == ""
    assert time.monotonic() - started < 20
    assert output.stat().st_size < 3 * 2**20


def test_a_thousand_operators_stay_small(report):
    document = check_document(4000)
    for index, case in enumerate(document["cases"]):
        case["operator"] = f"operator_{index % 1000}"
        case["axes"] = {f"offset.p{index % 97}": str(index)}
    page = report(document)
    assert len(page.source) < 3 * 2**20
    assert_sound(page)
    assert "24 of 1,000 operators shown" in page.words and "500 of" in page.words
