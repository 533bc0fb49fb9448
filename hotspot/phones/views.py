"""The pages as HTML: pure functions from what there is to what a phone's browser shows."""

from base64 import b64encode
from collections.abc import Collection, Sequence
from hashlib import sha256
from urllib.parse import quote

from hotspot.model import series
from hotspot.model.wire import PackageInfo
from hotspot.phones.contents import Book, Chapter, Contents
from hotspot.phones.markup import Html, fill, join

STYLE = Html(
    ":root{color-scheme:light dark}"
    "body{font:1.05em/1.5 system-ui,sans-serif;max-width:42em;margin:0 auto;padding:1em}"
    "h1{font-size:1.4em}h2{font-size:1.1em;margin:0}"
    "article,details{border:1px solid #8888;border-radius:.5em;padding:.8em;margin:.8em 0}"
    "summary{font-weight:600;padding:.3em 0}p{margin:.3em 0}"
    "audio{width:100%}a.button{display:inline-block;padding:.4em 1em;border:1px solid;"
    "border-radius:.5em;text-decoration:none}"
)
POLICY = (
    "default-src 'none'; media-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)
"""The Content-Security-Policy under which the pages work: no script, nothing from elsewhere."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">$refresh
<title>$title</title><style>$style</style></head>
<body>$body</body></html>
"""
_REFRESH = '<meta http-equiv="refresh" content="$seconds">'
_LIST = (
    '<h1 dir="auto">$title</h1>$packages$more$explained<p><a href="/imports">From sticks</a> '
    '<a href="/neighbours">At other hotspots</a></p>'
)
_EMPTY = """<p>There are no packages here yet.</p>
<p>Put a USB stick with Bible packages (files that end in .bible) into the hotspot. They are copied
by themselves and appear here; then load this page again.</p>"""
_ITEM = """<article><h2 dir="auto"><a href="/packages/$id">$name</a></h2>
<p dir="auto">$language</p><p>$facts</p>$note$download</article>"""
_PACKAGE = """<p><a href="/">All packages</a></p><h1 dir="auto">$name</h1>
<p dir="auto">$language</p><p>$facts</p>$note$download$explained$audio"""
_NOTE = '<p dir="auto">This package $note.</p>'
_EXPLAINED = """<p><small>A package is one file that ends in .bible, for apps that read Bibles from
here, and for other hotspots: put it on a USB stick. Without such an app, hear the chapters on a
package's page, or download its books as audio.</small></p>"""
_DOWNLOAD = '<p><a class="button" href="/functions/v1/packages/$id/download">Download $size</a></p>'
_DAMAGED = "<p>A part of this package is damaged; it cannot be downloaded as a whole.</p>"
_BOOK = "<details$open><summary>$book</summary>$archive$chapters</details>"
_ARCHIVE = """<p><a class="button" href="/functions/v1/packages/$id/books/$book_id">
Download $book as audio ($facts)</a></p>"""
_CHAPTER = """<p>$name <small>($length)</small></p>
<audio controls preload="none" src="/functions/v1/media/$id"></audio>"""
_LACKING = """<p>$name <small>(damaged here until a good copy comes)</small></p>"""
_MORE = '<p><a href="/?offset=$offset">More packages</a></p>'
_MISSING = """<h1>Not here</h1><p>This package is not here any more.</p>
<p><a href="/">All packages</a></p>"""
_WELCOME = """<h1 dir="auto">$title</h1>
<p>This Wi-Fi has no internet. It has Bibles, to read and to hear, for everybody.</p>
<p><a class="button" href="$enter">Show what is here</a></p>
<p>To download, open <b>$home</b> in your browser. If the phone asks, stay connected.</p>"""

_PROBLEM = """<h1>This did not work</h1><p>$sentence</p><p><a href="/">All packages</a></p>"""

_TYPES = {"audio": "Audio", "text": "Text", "combined": "Text and audio"}


def list_page(
    title: str, packages: Sequence[tuple[PackageInfo, Contents]], next_offset: int | None
) -> Html:
    """The list of packages; `next_offset` is where the next page begins, if there is one."""
    items = [_item(_ITEM, info, contents) for info, contents in packages]
    return page(
        title,
        fill(
            _LIST,
            title=title,
            packages=join(items) if items else Html(_EMPTY),
            explained=Html(_EXPLAINED) if items else Html(""),
            more=Html("") if next_offset is None else fill(_MORE, offset=next_offset),
        ),
    )


def package_page(info: PackageInfo, contents: Contents, lacking: Collection[str] = ()) -> Html:
    """One package, with a player for each of its audio files but those that are `lacking`."""
    alone = len(contents.audio) == 1
    books = [_book(info, book, lacking, opened=alone) for book in contents.audio]
    more = {"audio": join(books), "explained": Html(_EXPLAINED)}
    return page(_name(info), _item(_PACKAGE, info, contents, **more))


def problem_page(sentence: str) -> Html:
    """What a person sees in place of an answer to a program."""
    return page("This did not work", fill(_PROBLEM, sentence=sentence))


def missing_page() -> Html:
    """What stands where a package is not."""
    return page("Not here", Html(_MISSING))


def welcome_page(title: str, home: str, enter: str) -> Html:
    """The first page of a phone that joined; `enter`: the path by which it goes on."""
    return page(title, fill(_WELCOME, title=title, home=home, enter=enter))


def page(title: str, body: Html, *, refresh_s: int | None = None) -> Html:
    """A whole page; `refresh_s`: after how many seconds it is loaded again, if at all."""
    refresh = Html("") if refresh_s is None else fill(_REFRESH, seconds=refresh_s)
    return fill(_PAGE, title=title, style=STYLE, body=body, refresh=refresh)


def _item(template: str, info: PackageInfo, contents: Contents, **more: Html) -> Html:
    address = quote(info.package_id, safe="")
    download = Html(_DAMAGED)
    if info.complete:
        download = fill(_DOWNLOAD, id=address, size=_size(info.size_in_bytes))
    return fill(
        template,
        id=address,
        name=_name(info),
        language=info.language_name,
        facts=_facts(info, contents),
        note=fill(_NOTE, note=note) if (note := series.told(info.series_info)) else Html(""),
        download=download,
        **more,
    )


def _name(info: PackageInfo) -> str:
    names = dict.fromkeys(filter(None, (info.text_version_name, info.audio_version_name)))
    return " / ".join(names) or info.package_id


def _facts(info: PackageInfo, contents: Contents) -> str:
    facts = [_TYPES.get(info.package_type, info.package_type), f"version {info.package_version}"]
    for count, one, many in (
        (contents.books, "book", "books"),
        (contents.chapters, "chapter", "chapters"),
        (contents.verses, "verse", "verses"),
        (sum(len(book.chapters) for book in contents.audio), "audio file", "audio files"),
    ):
        if count > 0:
            facts.append(f"{count:,} {one if count == 1 else many}")
    return " · ".join(facts)


def _book(info: PackageInfo, book: Book, lacking: Collection[str], *, opened: bool) -> Html:
    players = [
        fill(_LACKING, name=one.name) if one.media_file_id in lacking else _player(one)
        for one in book.chapters
    ]
    return fill(
        _BOOK,
        open=" open" if opened else "",
        book=book.name,
        archive=_archive(info, book, lacking),
        chapters=join(players),
    )


def _archive(info: PackageInfo, book: Book, lacking: Collection[str]) -> Html:
    """The link to all of a book's audio that is here."""
    count = sum(one not in lacking for one in book.media_file_ids)
    if count == 0:
        return Html("")
    facts = "1 chapter" if count == 1 else f"{count} chapters"
    return fill(
        _ARCHIVE,
        id=quote(info.package_id, safe=""),
        book_id=quote(book.id, safe=""),
        book=book.name,
        facts=f"{facts}, {_size(book.size)}" if book.size else facts,
    )


def _player(chapter: Chapter) -> Html:
    return fill(
        _CHAPTER,
        name=chapter.name,
        length=_length(chapter.seconds),
        id=quote(chapter.media_file_id, safe=""),
    )


def _size(size: int) -> str:
    """In the unit of shops and phone settings: 1 MB is 10^6 bytes."""
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
