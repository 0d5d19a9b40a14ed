"""A judgement as one self-contained page of HTML: no file beside it, nothing loaded from elsewhere, no script."""

import base64
import dataclasses
import html
import json

from mtlzoo.judging import _pictures, _tables

STYLE = """
:root { color-scheme: light dark; --page: #f6f8fa; --card: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --mark: #fff4ec;
  --accent: #b84a00; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9198a1; --line: #30363d;
  --mark: #2b2019; --accent: #ff9b50; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.15rem; margin: 0 0 0.75rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; padding: 1rem; margin: 1rem 0; }
.answer { border-left: 0.4rem solid var(--accent); font-size: 1.1rem; }
.answer p { margin: 0; }
.answer p + p { margin-top: 0.75rem; font-size: 0.95rem; }
.about, .notes { color: var(--soft); font-size: 0.92rem; }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; }
tbody th, thead th:first-child { text-align: left; position: sticky; left: 0; background: var(--card); font-weight: 500; }
tr.best td, tr.best th { background: var(--mark); }
tr.best th { font-weight: 700; }
figure { margin: 0 0 1rem; }
figure img { display: block; width: 100%; max-width: 34rem; height: auto; margin: 0 auto; }
figcaption { color: var(--soft); font-size: 0.85rem; text-align: center; }
pre { overflow-x: auto; font-size: 0.8rem; margin: 0; }
wbr { display: none; }
@media (max-width: 40rem) { wbr { display: inline; }
  tbody th, thead th:first-child { white-space: normal; min-width: 7rem; max-width: 9rem; } }
summary { cursor: pointer; color: var(--soft); }
"""
CAPTIONS = {
    "delta_m": "Δm of each method with its 95 % interval. An interval that holds 0 is a tie with single-task models.",
    "tasks": "Main metric of each task on test with its 95 % interval; the line stands at the single-task models.",
    "cost": "What each method takes.",
}


def page(judgement):
    """Returns a judgement as HTML."""
    results, changes, costs = _tables.tables(judgement)
    title = html.escape(_tables.TITLE)
    said = [judgement.answer, *[judgement.others] * bool(judgement.others)]
    answer = "\n".join(f"<p>{html.escape(one)}</p>" for one in said)
    parts = [
        f'<header><h1>{title}</h1></header>\n<main>\n<section class="answer" aria-label="Answer">\n{answer}\n</section>',
        f'<p class="about">{html.escape(_tables.about(judgement))}</p>',
        _section(judgement, results, "delta_m"),
        _section(judgement, changes, "tasks"),
        _section(judgement, costs, "cost"),
        _notes(judgement),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Beside the picture of a page in the tab, which browsers ask a server for, this forbids all that is not in the page.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f'<link rel="icon" href="data:,">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n'
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _section(judgement, table, picture):
    title, header, rows = table
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in header)
    lines = []
    for first, *cells in rows:
        mark = ' class="best"' if first == judgement.best else ""
        lines.append(
            f'<tr{mark}><th scope="row">{_breakable(first)}</th>' + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
        )
    body = "\n".join(lines)
    return (
        f"<section>\n<h2>{html.escape(title)}</h2>\n{_figure(judgement, picture)}\n"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(title)}">\n<table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>\n</section>"
    )


def _breakable(name):
    """A method's name, which may be broken after an underscore."""
    return html.escape(name).replace("_", "_<wbr>")


def _figure(judgement, name):
    """A picture for light and one for dark pages, in the page itself."""
    make, caption = _pictures.PICTURES[name], html.escape(CAPTIONS[name])
    light, dark = (
        "data:image/png;base64," + base64.b64encode(_pictures.png(make(judgement, colours))).decode()
        for colours in (_pictures.LIGHT, _pictures.DARK)
    )
    return (
        f'<figure><picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
        f'<img src="{light}" alt="{caption}"></picture><figcaption>{caption}</figcaption></figure>'
    )


def _notes(judgement):
    lines = "\n".join(f"<li>{html.escape(note)}</li>" for note in judgement.notes)
    config = html.escape(json.dumps(dataclasses.asdict(judgement.config), indent=2, ensure_ascii=False))
    return (
        f'<section class="notes">\n<h2>How to read this</h2>\n<ul>\n{lines}\n</ul>\n'
        f"<details><summary>Configuration</summary>\n<pre>{config}</pre></details>\n</section>"
    )
