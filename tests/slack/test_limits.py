"""Whatever is put fits: what fit() gives, Slack takes; what can't be made to fit never leaves."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bot.playground.validation.messages import check_message
from bot.playground.validation.views import check_view
from bot.slack import blocks
from bot.slack.cutting import cut, cut_bytes, readable, size
from bot.slack.limits import NOTE, UnfitBlocks, fit, fit_view
from bot.slack.message import Message

OPTIONS = [blocks.choice(f"choice {at}", str(at)) for at in range(101)]
BOXES = [blocks.option(f"box {at}", str(at)) for at in range(11)]


def fitted_section(text: str) -> str:
    message = fit(Message("m", (blocks.section(text),))).message
    return str(message.blocks[0]["text"]["text"])


def test_what_fits_is_left_alone() -> None:
    message = Message("m", (blocks.header("h" * 150), blocks.section("s" * 3000)))
    assert fit(message).message == Message("m", tuple(message.blocks))
    assert fit(message).overflow is None


def test_a_long_section_is_cut_with_a_note_and_kept_whole_beside() -> None:
    text = "\n".join(f"line {at}" for at in range(1000))
    fitted = fit(Message("m", (blocks.section(text),)))
    shown = fitted.message.blocks[0]["text"]["text"]
    assert shown.endswith(NOTE)
    assert len(shown) <= 3000
    assert shown.removesuffix(NOTE).splitlines()[-1].startswith("line ")
    assert fitted.overflow == text


def test_the_whole_text_reads_without_markup() -> None:
    markup = (
        "<https://example.com/a|the log> of <!date^1800000000^{time}|15 Jan> &amp; <@U0ALICE001>"
    )
    fitted = fit(Message("m", (blocks.section(markup + " x" * 2000),)))
    assert fitted.overflow is not None
    assert fitted.overflow.startswith("the log (https://example.com/a) of 15 Jan & <@U0ALICE001> x")


def test_a_cut_leaves_no_link_half_and_closes_its_code_block() -> None:
    link = "<https://example.com/a-rather-long-address|name>"
    for shift in range(len(link)):
        shown = fitted_section("a" * (2950 - shift) + link + "b" * 3000)
        assert shown.count("<") == shown.count(">")
    code = fitted_section(blocks.code("line\n" * 1000))
    assert code.count("```") == 2
    assert len(code) <= 3000


def test_an_entity_is_not_cut_in_two() -> None:
    for shift in range(6):
        shown = fitted_section("a" * (2950 - shift) + "&amp;" * 100).removesuffix(NOTE)
        assert readable(shown).rstrip("&").endswith("a")


def test_text_alone_is_cut_to_what_an_update_takes() -> None:
    fitted = fit(Message("ü€😀 " * 1000))
    assert len(fitted.message.text.encode()) <= 4000
    assert fitted.message.text.endswith(NOTE)
    assert fitted.overflow == "ü€😀 " * 1000
    assert len(fitted.message.text.encode()) > 3000


def test_a_fallback_calls_nobody_whom_the_blocks_do_not_call() -> None:
    said = "<!channel> <@U0ALICE001> <#C0OPS00001|ops> <!date^1^{time}|12:00> a < b"
    shown = blocks.section(blocks.escape("<!channel>") + " for <@U0ALICE001>")
    assert fit(Message(said, (shown,))).message.text == (
        "&lt;!channel&gt; <@U0ALICE001> &lt;#C0OPS00001|ops&gt; <!date^1^{time}|12:00> a < b"
    )
    assert fit(Message(said)).message.text == said


def test_the_text_behind_blocks_is_cut_without_a_file() -> None:
    fitted = fit(Message("long " * 2000, (blocks.section("short"),)))
    assert len(fitted.message.text.encode()) <= 4000
    assert fitted.overflow is None


@pytest.mark.parametrize("limit", [1, 30, 75, 4000])
def test_cut_keeps_to_its_limit(limit: int) -> None:
    noise = random.Random(limit)  # noqa: S311 - the same on every run
    for _ in range(200):
        text = "".join(noise.choices("a <>&;`\n😀é", k=noise.randrange(1, 2 * limit + 50)))
        assert size(cut(text, limit, "…", markdown=noise.random() < 0.5)) <= max(limit, 6)
        assert len(cut_bytes(text, max(limit, 60), "…").encode()) <= max(limit, 60)


def test_too_many_blocks_lose_the_last_texts_but_no_control() -> None:
    row = [blocks.section(f"row {at}") for at in range(80)]
    control = blocks.actions(blocks.button("Details", "details"))
    last = blocks.context("alice")
    fitted = fit(Message("m", (blocks.header("head"), *row, control, last)))
    shown = fitted.message.blocks
    assert len(shown) == 50
    assert shown[0] == blocks.header("head")
    assert shown[-2:] == (control, last)
    assert shown[-3] == blocks.context(NOTE.strip())
    assert fitted.overflow is not None
    assert "row 79" in fitted.overflow


def test_much_text_beside_controls_is_cut_shorter() -> None:
    button = blocks.button("Show", "show")
    rows = tuple(blocks.section("word " * 500, accessory=button) for _ in range(30))
    fitted = fit(Message("m", rows))
    assert len(fitted.message.blocks) == 30
    check_message(list(fitted.message.blocks))


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        ((blocks.section("a", block_id="x"), blocks.section("b", block_id="x")), "share"),
        ((blocks.section("a", block_id="x" * 256),), "255"),
        ((blocks.actions(*[blocks.button("b", f"b{at}") for at in range(26)]),), "25"),
        ((blocks.actions(blocks.button("a", "same"), blocks.button("b", "same")),), "same"),
        ((blocks.actions(blocks.button("b", "x" * 256)),), "255"),
        ((blocks.actions(blocks.button("b", "b", "v" * 2001)),), "2000"),
        ((blocks.actions(blocks.button("b", "b", url="u" * 3001)),), "3000"),
        ((blocks.actions(blocks.select("s", "Choose", OPTIONS)),), "100"),
        ((blocks.actions(blocks.select("s", "Choose", [])),), "0"),
        ((blocks.actions(blocks.checkboxes("c", BOXES)),), "10"),
        ((blocks.actions(blocks.checkboxes("c", BOXES[:2], BOXES[3:4])),), "among"),
        ((blocks.actions({"type": "overflow", "action_id": "o", "options": OPTIONS[:6]}),), "5"),
        ((blocks.actions(blocks.select("s", "C", [blocks.choice("a", "v" * 151)])),), "150"),
        ((blocks.context(*["text"] * 11),), "10"),
        (({"type": "section"},), "needs text or fields"),
        (({"type": "image", "alt_text": "a"},), "image_url"),
        (({"type": "rich_text", "elements": []},), "rich_text"),
        (tuple(blocks.actions(blocks.button("b", "b")) for _ in range(51)), "controls"),
    ],
)
def test_what_cutting_does_not_mend_is_a_defect(unfit: tuple[Any, ...], why: str) -> None:
    with pytest.raises(UnfitBlocks, match=why):
        fit(Message("m", unfit))


def test_a_message_without_text_is_a_defect() -> None:
    with pytest.raises(UnfitBlocks, match="notification"):
        fit(Message(" ", (blocks.section("a"),)))


def test_a_modal_with_inputs_needs_submit() -> None:
    entry = blocks.field("Reason", blocks.text_input("reason"), block_id="reason")
    with pytest.raises(UnfitBlocks, match="submit"):
        fit_view(blocks.modal("m", "Title", [entry]))


class Anything:
    """Builds blocks as wild as the builders allow: texts of any length, lists up to their limit."""

    def __init__(self, seed: int) -> None:
        self._noise = random.Random(seed)  # noqa: S311 - the same on every run
        self._number = 0

    def text(self) -> str:
        pieces = (
            "word ",
            "é",
            "😀",
            "\n",
            "&amp;",
            "<https://e.example/x|link>",
            "```",
            "*b* ",
            "  ",
        )
        length = self._noise.choice((0, 1, 5, 40, 300, 2000))
        return "".join(self._noise.choices(pieces, k=length))

    def name(self) -> str:
        self._number += 1
        return f"n{self._number}"

    def options(self, most: int, build: Any) -> list[Any]:
        return [build(self.text(), f"v{at}") for at in range(self._noise.randint(1, most))]

    def control(self) -> Any:
        kind = self._noise.randrange(5)
        if kind == 0:
            ask = blocks.confirm(self.text(), self.text(), self.text(), self.text())
            return blocks.button(self.text(), self.name(), self.text()[:2000], confirm=ask)
        if kind == 1:
            options = self.options(10, blocks.option)
            return blocks.checkboxes(self.name(), options, self._noise.sample(options, 1))
        if kind == 2:
            options = self.options(100, blocks.choice)
            return blocks.select(self.name(), self.text(), options, options[0])
        if kind == 3:
            options = self.options(5, blocks.choice)
            return {"type": "overflow", "action_id": self.name(), "options": options}
        return blocks.button(self.text(), self.name())

    def block(self) -> Any:
        kind = self._noise.randrange(7)
        if kind == 0:
            return blocks.header(self.text())
        if kind == 1:
            return blocks.context(*[self.text() for _ in range(self._noise.randint(1, 10))])
        if kind == 2:
            return blocks.actions(*[self.control() for _ in range(self._noise.randint(1, 3))])
        if kind == 3:
            return blocks.section(self.text(), accessory=self.control(), block_id=self.name())
        if kind == 4:
            fields = [{"type": "mrkdwn", "text": self.text()} for _ in range(3)]
            return {"type": "section", "fields": fields}
        if kind == 5:
            return {
                "type": "image",
                "image_url": "https://e.example/x.png",
                "alt_text": self.text(),
                "title": blocks.plain(self.text()),
            }
        return blocks.section(self.text())

    def blocks(self, most: int) -> list[Any]:
        return [self.block() for _ in range(self._noise.randint(1, most))]


@pytest.mark.parametrize("seed", range(150))
def test_what_fit_gives_is_accepted(seed: int) -> None:
    anything = Anything(seed)
    message = Message("m" + anything.text(), tuple(anything.blocks(70)))
    if sum(block["type"] in ("actions", "section") for block in message.blocks) > 20:
        message = Message(message.text, message.blocks[:20])  # more controls than can fit
    fitted = fit(message).message
    check_message(list(fitted.blocks))
    assert len(fitted.text.encode()) <= 4000
    assert fit(fitted).message == fitted


@pytest.mark.parametrize("seed", range(50))
def test_what_fit_view_gives_is_accepted(seed: int) -> None:
    anything = Anything(seed)
    entry = blocks.field(
        anything.text(),
        blocks.text_input("a", initial=anything.text()),
        block_id="entry",
        hint=anything.text(),
    )
    view = blocks.modal("m", anything.text(), [entry, *anything.blocks(90)], submit=anything.text())
    check_view(fit_view(view | {"submit": blocks.plain(anything.text())}))
