"""Turns a matplotlib figure into an inline SVG with the page's ids and colours and a text alternative."""

import io
import logging
import re
import warnings
import xml.etree.ElementTree as ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Colours that figures draw with, and the CSS variable that each becomes; nothing else may be drawn.
INK = {
    "#010101": "var(--text)",
    "#020202": "var(--muted)",
    "#030303": "var(--line)",
    "#040404": "var(--accent)",
    "#050505": "var(--good)",
    "#060606": "var(--warn)",
    "#070707": "var(--bad)",
    "#080808": "var(--page)",
    # colours of series, told apart by people who see colours differently; markers differ as well
    "#090909": "var(--s1)",
    "#0a0a0a": "var(--s2)",
    "#0b0b0b": "var(--s3)",
    "#0c0c0c": "var(--s4)",
    "#0d0d0d": "var(--s5)",
    "#0e0e0e": "var(--s6)",
}
TEXT, MUTED, LINE, ACCENT, GOOD, WARN, BAD, PAGE, *SERIES = INK

SETTINGS = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's font
    "svg.hashsalt": "plumbline",  # the same figure gives the same bytes
    "text.parse_math": False,  # a $ in a name is a $
    "text.color": TEXT,
    "font.family": "DejaVu Sans",  # wider than most page fonts: what fits here fits there
    "font.size": 11,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "path.simplify": True,
}
XLINK = "{http://www.w3.org/1999/xlink}href"
NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
logging.getLogger("matplotlib").setLevel(logging.ERROR)  # fonts that a name would need are no news


def figure_of(width: float, height: float) -> Figure:
    """An empty figure measured in CSS pixels (matplotlib's SVG has 72 points to the inch, a point a pixel)."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasSVG(figure)
    return figure


def inline(figure: Figure, anchor: str, title: str, description: str) -> Markup:
    """The figure as markup. `anchor` must be an id of the page's own; title and description are plain text."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # missing glyphs: the page's font draws the text, not this one
        figure.savefig(buffer, format="svg", transparent=True, metadata=NO_METADATA)
    root = ElementTree.fromstring(buffer.getvalue())
    used = set(re.findall(r"url\(#([^)]+)\)", buffer.getvalue()))
    used |= {node.get(XLINK, "").removeprefix("#") for node in root.iter()}
    _localise(root, used, anchor)
    for node in list(root):
        if node.tag == "metadata" or (node.tag == "defs" and len(node) and node[0].tag == "style"):
            root.remove(node)
    view_box = root.get("viewBox", "")
    root.attrib = {"viewBox": view_box, "width": view_box.split()[2], "class": "figure-svg", "role": "img"}
    root.set("aria-labelledby", f"{anchor}-title {anchor}-desc")
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        node = ElementTree.Element(tag, {"id": f"{anchor}-{tag}"})
        node.text = text
        root.insert(index, node)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _localise(root: ElementTree.Element, used: set[str], anchor: str) -> None:
    """Drops namespaces and unused ids, prefixes the others with the anchor, and hands the colours to CSS."""
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        node.tail = None
        if node.tag != "text":
            node.text = None
        if (name := node.get("id")) is not None:
            if name in used:
                node.set("id", f"{anchor}-{name}")
            else:
                del node.attrib["id"]
        if (target := node.attrib.pop(XLINK, None)) is not None:
            node.set("href", f"#{anchor}-{target.removeprefix('#')}")
        if clip := node.get("clip-path"):
            node.set("clip-path", clip.replace("url(#", f"url(#{anchor}-"))
        if style := node.get("style"):
            style = re.sub(r"font-family: [^;]*;?", "", style)
            node.set("style", re.sub(r"#0([1-9a-e])(?:0\1){2}\b", lambda found: INK[found[0]], style).strip())


def drawing():
    """The matplotlib settings under which figures are drawn and written, as a context manager."""
    return matplotlib.rc_context(SETTINGS)
