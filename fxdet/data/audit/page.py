"""An audit as one HTML page that loads nothing: verdicts, picture pairs side by side, sortable tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from tqdm import tqdm

from fxdet.core.files import write_text
from fxdet.core.wording import counted
from fxdet.data.audit.page_pictures import ShownGroup, ShownPicture, ordered_groups, show_groups
from fxdet.data.audit.page_style import SCRIPT, STYLE
from fxdet.data.audit.page_tables import (
    baseline_table,
    class_table,
    collision_table,
    duplicate_table,
    fault_tables,
    leak_table,
    set_table,
    shortcut_table,
)
from fxdet.data.audit.results import AuditResult
from fxdet.data.audit.verdicts import Level, Verdict, judge
from fxdet.data.audit.wording import NOTICE, label_text, part_name, printable

GROUPS_SHOWN = 200
"""Most groups with pictures; with about three pictures of 7 kB each the page stays below 6 MB."""

MEMBERS_NAMED = 100
"""Most members of a group that are named."""

_LEVELS: dict[Level, str] = {"bad": "✗ misleads", "look": "! look at it", "fine": "✓ fine"}
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_page(path: Path, result: AuditResult, groups_shown: int = GROUPS_SHOWN) -> None:
    """Write the page of an audit; the pictures are read from the audited files.

    Args:
        path: The HTML file.
        result: The audit.
        groups_shown: Most groups to show with pictures.

    Raises:
        OutputError: The file can't be written.
    """
    groups = ordered_groups(result)[:groups_shown]
    shown = tqdm(show_groups(groups, result), total=len(groups), desc="page", unit=" groups", disable=None, leave=False)
    write_text(path, printable(page(result, shown)))


def page(result: AuditResult, groups: Iterable[ShownGroup]) -> str:
    """Return the page as HTML.

    Args:
        result: The audit.
        groups: Groups to show, in order.
    """
    title = f"Data audit: {', '.join(facts.name for facts in result.sets)}"
    sections = [section for section in _sections(result, groups) if section[2]]
    links = "".join(f'<li><a href="#{key}">{escape(name)}</a></li>' for key, name, _ in sections)
    body = "\n".join(
        f'<section id="{key}" aria-labelledby="{key}-head"><h2 id="{key}-head">{escape(name)}</h2>\n{text}</section>'
        for key, name, text in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p class="soft">{counted(len(result.files), "picture")}, fxdet {escape(result.version)}. {NOTICE}</p>
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>
{body}
</main>
<footer><p>Made by fxdet {escape(result.version)} in {result.seconds:.1f} s. {NOTICE}</p></footer>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _sections(result: AuditResult, groups: Iterable[ShownGroup]) -> Iterator[tuple[str, str, str]]:
    """Yield key, heading and content of each section; empty ones are left out."""
    yield "verdicts", "What the audit says", _verdicts(judge(result))
    yield "leakage", "Leakage", leak_table(result) if result.leaks else ""
    yield "pictures", "The same radiograph twice", _groups(result, groups) if result.groups else ""
    yield "no-learning", "No learning", baseline_table(result) if result.baselines else ""
    yield "shortcuts", "Shortcuts", "".join(shortcut_table(found) for found in result.shortcuts)
    yield "faults", "Files and labels", "".join(fault_tables(result))
    yield "classes", "Classes", class_table(result) if result.classes else ""
    yield "names", "Shared names", collision_table(result) if result.collisions else ""
    yield "sets", "Sets", set_table(result)
    settings = escape(json.dumps(dict(result.settings), indent=1, ensure_ascii=False))
    yield "settings", "Settings", f'<pre class="scroll" tabindex="0">{settings}</pre>' if result.settings else ""


def _verdicts(verdicts: Iterable[Verdict]) -> str:
    rows = "\n".join(
        f'<li class="{verdict.level}"><p>'
        f'<span class="level">{_LEVELS[verdict.level]} – {escape(verdict.topic)}.</span> '
        f"{escape(verdict.finding)} {escape(verdict.advice)}</p></li>"
        for verdict in verdicts
    )
    return f'<ul class="verdicts">\n{rows}\n</ul>'


def _groups(result: AuditResult, groups: Iterable[ShownGroup]) -> str:
    shown = list(groups)
    kinds = [kind for kind in _FILTERS if any(kind in group.kinds for group in shown)]
    buttons = "".join(
        f'<button type="button" data-kind="{kind}" aria-pressed="{str(kind == "all").lower()}">{name}</button>'
        for kind, name in _FILTERS.items()
        if kind == "all" or kind in kinds
    )
    left = len(result.groups) - len(shown)
    limit = f" The first {len(shown):,} of {len(result.groups):,} groups are shown; audit.json holds all." * (left > 0)
    cards = "\n".join(_card(group, result) for group in shown)
    return f"""{duplicate_table(result)}
<p>Every picture of a group is laid as the first one lies, so that equal ones look equal. Opposite labels and leaks come
first, then the largest groups.{limit}</p>
<div class="filters" role="group" aria-label="Filter the groups" hidden>{buttons}
<input type="search" placeholder="file name" aria-label="Only groups with this text">
<span id="shown" role="status" class="soft"></span></div>
<div class="groups">
{cards}
</div>
"""


_FILTERS = {
    "all": "all",
    "leak": "leaks",
    "conflict": "opposite labels",
    "bytes": "same bytes",
    "pixels": "same pixels",
    "near": "nearly the same",
}
"""Kind of group → name of its filter."""

_TAGS = {**_FILTERS, "leak": "leak"}


def _card(shown: ShownGroup, result: AuditResult) -> str:
    members = shown.group.members
    tags = "".join(f'<span class="tag {kind}">{_TAGS[kind]}</span>' for kind in shown.kinds)
    figures = "".join(_figure(picture, result) for picture in shown.pictures)
    return (
        f'<article class="group" data-kinds="{" ".join(shown.kinds)}"><h3>{tags}{counted(len(members), "picture")}</h3>'
        f'<div class="pair">{figures}</div>{_others(shown, result)}</article>'
    )


def _figure(picture: ShownPicture, result: AuditResult) -> str:
    file = result.files[picture.file]
    alt = escape(f"{file.name}, {label_text(file.fractured, file.label)}", quote=True)
    film = f'<img src="{picture.uri}" alt="{alt}">' if picture.uri else "can't be read"
    part = part_name(f"{file.set_name}/{file.part or '-'}", result)
    how = []
    if picture.similarity is not None and picture.similarity < 1:
        how.append(f"similarity {picture.similarity:.3f}")
    if picture.turn != "0":
        how.append(f"shown {_turn_words(picture.turn)}")
    note = f"<br>{', '.join(how)}" if how else ""
    return (
        f'<figure><div class="film">{film}</div><figcaption><strong>{escape(label_text(file.fractured, file.label))}'
        f"</strong> · {escape(part)}<br>{escape(file.name)}{note}</figcaption></figure>"
    )


def _turn_words(turn: str) -> str:
    """Return how a picture was laid, in words.

    Example:
        >>> _turn_words("m1"), _turn_words("2")
        ('mirrored and turned by 90°', 'turned by 180°')
    """
    words = ["mirrored"] if turn.startswith("m") else []
    quarter = int(turn[-1])
    return " and ".join([*words, *([f"turned by {90 * quarter}°"] if quarter else [])])


def _others(shown: ShownGroup, result: AuditResult) -> str:
    """Return the members that are not shown, folded."""
    seen = {picture.file for picture in shown.pictures}
    rest = [index for index in shown.group.members if index not in seen]
    if not rest:
        return ""
    rows = "".join(
        f"<li>{escape(f'{file.set_name}/' if len(result.sets) > 1 else '')}{escape(file.name)} – "
        f"{escape(label_text(file.fractured, file.label))}, {escape(file.part or 'no part')}</li>"
        for file in (result.files[index] for index in rest[:MEMBERS_NAMED])
    )
    more = f"<li>and {len(rest) - MEMBERS_NAMED:,} more</li>" if len(rest) > MEMBERS_NAMED else ""
    return f"<details><summary>{counted(len(rest), 'more picture')}</summary><ul>{rows}{more}</ul></details>"
