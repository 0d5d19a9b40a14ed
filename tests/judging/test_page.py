"""The page: nothing in it leaves it, the answer comes first, and a browser shows it."""

import html.parser
import json
import shutil
import socket
import subprocess
import threading

import pytest

from tests.judging import made

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
FLAGS += "--disable-sync --disable-default-apps --hide-scrollbars --allow-file-access-from-files --virtual-time-budget=10000"
LOADING = ("src", "href", "srcset", "data", "action", "poster", "background", "formaction", "ping", "cite")


class Elements(html.parser.HTMLParser):
    """Collects elements with their attributes and whatever text stands in them, and holds that all that opens closes."""

    VOID = ("meta", "link", "img", "source", "wbr", "br")

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes), []))
        if tag not in self.VOID:
            self.open.append(self.found[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2].append(data)

    def texts(self, tag):
        """Texts of all elements of a name."""
        return ["".join(text) for name, _, text in self.found if name == tag]


@pytest.fixture(scope="module")
def judgement():
    return made.judgement(made.better())


@pytest.fixture(scope="module")
def page(judgement):
    return judgement.to_html()


def test_nothing_is_loaded_from_elsewhere(page):
    elements = Elements(page)
    loaded = [value for _, attributes, _ in elements.found for name, value in attributes.items() if name in LOADING]
    assert len(loaded) == 3 * 2 + 1 and all(value.startswith("data:") for value in loaded)
    assert not {tag for tag, _, _ in elements.found} & {"script", "iframe", "object", "embed", "form", "base", "video", "audio"}
    (style,) = elements.texts("style")
    assert "url(" not in style and "@import" not in style
    policy = next(attributes["content"] for _, attributes, _ in elements.found if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_headings_are_in_order_and_the_answer_comes_first(page, judgement):
    elements = Elements(page)
    headings = [tag for tag, _, _ in elements.found if tag in ("h1", "h2", "h3", "h4")]
    assert headings[0] == "h1" and headings.count("h1") == 1 and set(headings[1:]) == {"h2"}
    assert elements.texts("p")[0] == judgement.answer and elements.texts("p")[1] == judgement.others
    assert page.index("<p>") < page.index("<table>")


def test_tables_scroll_by_themselves_and_hold_all_values(page, judgement):
    elements = Elements(page)
    tags = [(tag, attributes.get("class")) for tag, attributes, _ in elements.found]
    assert [tags[place - 1] for place, (tag, _) in enumerate(tags) if tag == "table"] == [("div", "scroll")] * 3
    assert elements.texts("td").count("best") == 1 and "+5.00 ± 1.24" in elements.texts("td")
    assert elements.texts("th").count("hard_sharing, equal") == 3
    assert {attributes.get("scope") for tag, attributes, _ in elements.found if tag == "th"} == {"col", "row"}


def test_pictures_have_words_and_a_dark_form(page):
    elements = Elements(page)
    assert all(attributes["alt"] for tag, attributes, _ in elements.found if tag == "img")
    assert [attributes["media"] for tag, attributes, _ in elements.found if tag == "source"] == ["(prefers-color-scheme: dark)"] * 3
    assert ("meta", "width=device-width, initial-scale=1") in [(tag, attributes.get("content")) for tag, attributes, _ in elements.found]


def test_what_is_text_stays_text(page):
    assert "made-up &lt;values&gt; &amp; more" in page and "<values>" not in page


HARNESS = """<!DOCTYPE html><iframe id="frame" src="%s" width="390" height="800"></iframe><pre id="told"></pre><script>
frame.onload = () => {
  const page = frame.contentDocument, count = (name) => page.querySelectorAll(name).length;
  told.textContent = JSON.stringify({
    wide: page.documentElement.scrollWidth, tables: count("table"), headings: count("h1, h2"),
    pictures: [...page.images].map((image) => image.complete && image.naturalWidth),
    shown: [...page.images].map((image) => image.getBoundingClientRect().width),
    scrolled: [...page.querySelectorAll(".scroll")].map((part) => part.scrollWidth > part.clientWidth),
    answer: page.querySelector(".answer p").textContent, resources: frame.contentWindow.performance.getEntriesByType("resource").length,
  });
};
</script>"""


@pytest.fixture
def proxy():
    """A server on the loopback address to which a browser brings what it wants of the network; it notes and refuses."""
    asked, server = [], socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(4096).split(b"\r\n")[0].decode("latin-1"))
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1], asked
    server.close()


def browse(path, folder, port):
    """What a browser makes of a page, with the network behind a proxy."""
    command = [BROWSER, *FLAGS.split(), f"--user-data-dir={folder}", f"--proxy-server=127.0.0.1:{port}", "--dump-dom", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def outside(asked):
    """What was asked for, but for what a browser asks its maker by itself, whatever it shows."""
    makers = (".google.com", ".googleapis.com", ".gvt1.com", ".gstatic.com")
    return [line for line in asked if not any(f"{maker}:" in line or f"{maker}/" in line for maker in makers)]


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs chromium or google-chrome on the PATH")
def test_a_browser_shows_it_on_a_phone_and_asks_for_nothing(page, judgement, proxy, tmp_path):
    port, asked = proxy
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    (tmp_path / "harness.html").write_text(HARNESS % "report.html", encoding="utf-8")
    shown = browse(tmp_path / "harness.html", tmp_path / "one", port)
    told = json.loads(html.unescape(shown[shown.index('<pre id="told">') + len('<pre id="told">') : shown.index("</pre>")]))
    assert told["tables"] == 3 and told["headings"] == 5 and told["answer"] == judgement.answer
    assert told["wide"] <= 390, "nothing but the inside of a table is wider than the screen"
    assert any(told["scrolled"]), "the tables scroll inside themselves"
    assert len(told["pictures"]) == 3 and all(width > 500 for width in told["pictures"])
    assert all(width > 250 for width in told["shown"])
    assert told["resources"] == 0 and not outside(asked)

    (tmp_path / "report.html").write_text(
        '<div class="answer"><p><img src="http://outside.invalid/picture.png"></p></div>', encoding="utf-8"
    )
    shown = browse(tmp_path / "harness.html", tmp_path / "two", port)
    assert "outside.invalid" in " ".join(outside(asked)), "the proxy sees what leaves a page"
