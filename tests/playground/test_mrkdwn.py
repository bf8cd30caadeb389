"""mrkdwn as HTML: what is formatted, what stays text, and that nothing slips through."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from bot.playground import Workspace
from bot.playground.page import markdown, rich_text
from bot.playground.page.mrkdwn import plain_to_html, text_html, to_html
from tests.playground.helpers import JSON

WORKSPACE = Workspace.sample()


def shown(text: str, *, verbatim: bool = False) -> str:
    return to_html(text, WORKSPACE, verbatim)


def link(url: str, words: str) -> str:
    return f'<a href="{url}" target="_blank" rel="noopener noreferrer">{words}</a>'


def mention(words: str) -> str:
    return f'<span class="bk-mention">{words}</span>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "*bold* _italic_ ~gone~ `code`",
            "<b>bold</b> <i>italic</i> <s>gone</s> <code>code</code>",
        ),
        ("*bold and _italic_ too*", "<b>bold and <i>italic</i> too</b>"),
        ("`*not* bold`", "<code>*not* bold</code>"),
        ("snake_case_name 2*3*4 a~b~c", "snake_case_name 2*3*4 a~b~c"),
        ("* not bold * nor _ this _", "* not bold * nor _ this _"),
        ("(*yes*), *yes*.", "(<b>yes</b>), <b>yes</b>."),
        ("*one\ntwo*", "*one<br>two*"),
        ("a\nb\n\nc", "a<br>b<br><br>c"),
        ("- one\n- two", "- one<br>- two"),
        ("before\n> one\n&gt; two\nafter", "before<blockquote>one<br>two</blockquote>after"),
        ("a\n>>> b\nc", "a<blockquote>b<br>c</blockquote>"),
        ("> a\n>>> b\n> c", "<blockquote>a<br>b<br>&gt; c</blockquote>"),
        ("*open _and_ *open again", "*open <i>and</i> *open again"),
        ("*one ~two~ *three*", "<b>one <s>two</s> *three</b>"),
        ("see:\n```\n*raw*\n  two\n```\ndone", "see:<pre>*raw*\n  two</pre>done"),
        ("5 &gt; 3 &amp;&amp; 2 &lt; 3", "5 &gt; 3 &amp;&amp; 2 &lt; 3"),
        ("&amp;lt;b&amp;gt;", "&amp;lt;b&amp;gt;"),
        (":tada: :bell: :no_such: 10:30:45", "🎉 🔔 :no_such: 10:30:45"),
        ("", ""),
    ],
)
def test_formatting(text: str, html: str) -> None:
    assert shown(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<@U0ALICE001>", mention("@alice")),
        ("<@U0ALICE001|someone>", mention("@alice")),
        ("<@U0NOBODY01>", mention("@U0NOBODY01")),
        ("<#C0OPS00001>", mention("#ops")),
        ("<#C0GONE0001|old-ops>", mention("#old-ops")),
        ("<!subteam^S0OPS00001>", mention("@ops")),
        ("<!subteam^S0GONE0001|@gone>", mention("@gone")),
        ("<!here> <!channel>", f"{mention('@here')} {mention('@channel')}"),
        ("`<@U0BOB00001>`", "<code>@bob</code>"),
        ("<!unknown|words>", "words"),
    ],
)
def test_mentions(text: str, html: str) -> None:
    assert shown(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<https://e.example/?a=1&amp;b=2>", link("https://e.example/?a=1&amp;b=2", "https://e.example/?a=1&amp;b=2")),
        ("<https://e.example|the *log*>", link("https://e.example", "the <b>log</b>")),
        ("<mailto:a@e.example|a@e.example>", link("mailto:a@e.example", "a@e.example")),
        ("<tel:+491|call>", link("tel:+491", "call")),
        ("at https://e.example/a_b_c.", f"at {link('https://e.example/a_b_c', 'https://e.example/a_b_c')}."),
        ("*<https://e.example|bold>*", f"<b>{link('https://e.example', 'bold')}</b>"),
    ],
)  # fmt: skip
def test_links(text: str, html: str) -> None:
    assert shown(text) == html


@pytest.mark.timeout(20)  # what grew with the square of the length took minutes
@pytest.mark.parametrize("text", [" *a", " _a", " ~a", " *a _b ~c", "a\n> b\n", "> a\n>", "<a "])
def test_a_long_text_without_end_signs_is_soon_drawn(text: str) -> None:
    shown(text * 50_000)


def test_signs_within_signs_end() -> None:
    assert shown("*a " * 3000 + "*" * 3000).count("<b>") == 1


def test_bare_urls_stay_text_where_the_app_says_verbatim() -> None:
    assert shown('https://e.example/?a="b"', verbatim=True) == "https://e.example/?a=&quot;b&quot;"


def test_dates_are_left_to_the_browser_with_their_fallback() -> None:
    html = shown("<!date^1795000000^{date_short} at {time}|18 Nov, 12:06>")
    assert html == (
        '<time class="bk-time" data-epoch="1795000000" data-format="{date_short} at {time}">'
        "18 Nov, 12:06</time>"
    )
    assert shown("<!date^soon^{time}|12:06>") == "12:06"
    linked = shown("<!date^1795000000^{time}^https://e.example|12:06>")
    assert linked.startswith('<a href="https://e.example"')
    assert shown("<!date^1795000000^{time}^javascript:alert(1)|12:06>").startswith("<time")


def test_plain_text_is_not_formatted() -> None:
    assert plain_to_html("*a* <b> :tada:\nc") == "*a* &lt;b&gt; 🎉<br>c"
    text = {"type": "plain_text", "text": ":tada:", "emoji": False}
    assert text_html(text, WORKSPACE) == ":tada:"


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<javascript:alert(1)|click>",
    "<JaVaScRiPt:alert(1)>",
    "<data:text/html,<script>alert(1)</script>|x>",
    '<https://e.example/" onmouseover="alert(1)|x>',
    "<https://e.example|<img src=x onerror=alert(1)>>",
    '<@U0ALICE001"><script>|"><script>alert(1)</script>>',
    '<#C9|"><svg onload=alert(1)>>',
    '<!date^1^{time}" onclick="alert(1)|"><script>>',
    "<!date^1^{time}^javascript:alert(1)|x>",
    "*<b onclick=alert(1)>*",
    "`<img src=x onerror=alert(1)>`",
    "```<script>alert(1)</script>```",
    "> <iframe src=javascript:alert(1)>",
    'https://e.example/"onmouseover="alert(1)',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;script&amp;gt;",
    ":<script>:",
]


class _Tags(HTMLParser):
    """Collects every element and attribute that a browser would make of some HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


ALLOWED = {
    "a": {"href", "target", "rel"},
    "span": {"class"},
    "time": {"class", "data-epoch", "data-format"},
}
ALLOWED |= {
    tag: {"class"} for tag in ("b", "i", "s", "code", "pre", "blockquote", "br", "div", "p", "em")
}


def harmless(html: str) -> bool:
    parser = _Tags()
    parser.feed(html)
    return all(
        tag in ALLOWED
        and set(attributes) <= ALLOWED[tag]
        and re.match(r"https?:|mailto:|tel:|$", attributes.get("href") or "")
        for tag, attributes in parser.found
    )


@pytest.mark.parametrize("verbatim", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_becomes_html(text: str, verbatim: bool) -> None:
    for wrapped in (text, f"*{text}*", f"> {text}", f"_~{text}~_", f"```{text}```"):
        assert harmless(shown(wrapped, verbatim=verbatim)), shown(wrapped, verbatim=verbatim)
    assert harmless(plain_to_html(text))
    assert harmless(markdown.to_html(text)), markdown.to_html(text)


def rich(*elements: JSON) -> str:
    line = {"type": "rich_text_section", "elements": list(elements)}
    return rich_text.to_html({"type": "rich_text", "elements": [line]}, WORKSPACE)


@pytest.mark.parametrize("text", HOSTILE)
def test_rich_text_escapes_everything(text: str) -> None:
    html = rich(
        {"type": "text", "text": text, "style": {"bold": True}},
        {"type": "link", "url": text, "text": text},
        {"type": "link", "url": f"https://e.example/{text}"},
        {"type": "user", "user_id": text},
        {"type": "channel", "channel_id": text},
        {"type": "usergroup", "usergroup_id": text},
        {"type": "emoji", "name": text},
        {"type": "color", "value": text},
        {"type": "date", "timestamp": 1, "format": text, "fallback": text, "url": text},
    )
    assert harmless(html), html


def test_rich_text_styles_and_lists() -> None:
    assert rich({"type": "text", "text": "x", "style": {"bold": True, "code": True}}) == (
        "<div><b><code>x</code></b></div>"
    )
    item = {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}
    ordered = {"type": "rich_text_list", "style": "ordered", "elements": [item], "offset": 2}
    html = rich_text.to_html({"type": "rich_text", "elements": [ordered]}, WORKSPACE)
    assert html == '<ol class="bk-indent-0" start="3"><li>one</li></ol>'
    assert rich({"type": "user", "user_id": "U0BOB00001"}) == f"<div>{mention('@bob')}</div>"
