"""From Slack into the session and back, and the other way round: code, links, mentions and lists come through.

What somebody composed in Slack is read three times: as it was made, as Markdown by a reader of CommonMark that is none
of ours, and as the post that the session would make of it. All three say the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.mrkdwn import from_slack, to_parts
from tests.bot.support.traffic import MESSAGES

PEOPLE = {"U0ANN00001": "Ann Lee", "U0BOB00001": "bob_the_b", "U0CELIK001": "Çelik"}
IDS = {name: slack_id for slack_id, name in PEOPLE.items()}
NAMED = re.compile("@(" + "|".join(IDS) + ")")

Element = dict[str, Any]

#: `COSESSION_SLACK_MESSAGES=1000` looks at so many; without it they are few.
EXAMPLES = max(60, MESSAGES)


@dataclass
class Said:
    """What a text says: its facts in order, and its prose without white space and marks."""

    facts: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    prose: str = ""

    def code(self, text: str) -> None:
        self.facts.append(("code", text))

    def link(self, url: str, label: str) -> None:
        self.facts.append(("link", unquote(url), bare(unquote(label or url))))

    def text(self, text: str) -> None:
        position = 0
        for found in re.finditer(rf"{NAMED.pattern}|https?://\S+", text):
            self.prose += bare(text[position : found.start()])
            if found[0].startswith("@"):
                self.facts.append(("mention", IDS[found[1]]))
            else:
                self.link(found[0], "")
            position = found.end()
        self.prose += bare(text[position:])


def bare(text: str) -> str:
    """Without white space, what stands for marks, and what looks like it."""
    return re.sub(r"[\s*_~\u2060]", "", text.replace("\u02cb", "`").replace("%7C", "|").replace("¦", "|"))


# ── As it was made in Slack ───────────────────────────────────────────────────────────────────────────────────────────

WORDS = st.sampled_from(
    [
        *("word", "snake_case", "__init__", "2 * 3", "*a*", "`", "``", "a```b", "[x](y)", "[", "](", "<b>", "</x>"),
        *("&amp;", "&lt;", "~~no~~", "\\", "\\*", "C:\\dir\\", "a|b", "ä", "漢", "@channel", "!", "#x", "**", "a*b*c"),
        *("<!here>", "x < y", "(", ")", "Vec<String>", ":", "$1", "-x", "=", '"q"'),
    ]
)
#: Everything that somebody may have in their code; U+2060 is what keeps backticks apart in a post.
LETTERS = st.characters(exclude_characters="\r\x00\u2060", exclude_categories=["Cs", "Co", "Cn"])
CODE = st.text(st.sampled_from("`` ab<>&*_|~[]()\\\t") | LETTERS, min_size=1, max_size=24)
INLINE_CODE = CODE.map(lambda code: code.replace("\n", " ")).filter(str.strip)
BLOCK = st.lists(
    CODE | st.sampled_from(["```", "```py", "~~~", "| a | b |\n|---|---|", "> x", "- y", "    z", ""]), max_size=5
)
URLS = st.text(st.sampled_from("ab/_*~(),.;'!&=?#%"), max_size=10).map(
    lambda path: f"https://x.example/{path.replace('%', '%20')}"
)
STYLE = st.sampled_from([{}, {}, {"bold": True}, {"italic": True}, {"bold": True, "italic": True}, {"strike": True}])
PROSE = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)


def styled(element: Element, style: dict[str, bool]) -> Element:
    return {**element, "style": style} if style else element


TEXT = st.builds(lambda text, style: [styled({"type": "text", "text": text}, style)], PROSE, STYLE)
SPAN = st.builds(lambda text: [{"type": "text", "text": text, "style": {"code": True}}], INLINE_CODE)
LABELS = st.lists(WORDS.filter(lambda word: "|" not in word), min_size=1, max_size=2).map(" ".join)
LINK = st.builds(
    lambda url, label, style: [styled({"type": "link", "url": url, **({"text": label} if label else {})}, style)],
    URLS,
    st.just("") | LABELS,
    STYLE,
)
MENTION = st.builds(
    lambda slack_id: [
        {"type": "text", "text": " "},
        {"type": "user", "user_id": slack_id},
        {"type": "text", "text": " "},
    ],
    st.sampled_from(list(PEOPLE)),
)
EMOJI = st.sampled_from(
    [[{"type": "emoji", "name": "tada", "unicode": "1f389"}], [{"type": "emoji", "name": "partyparrot"}]]
)
SPACE = st.sampled_from([[{"type": "text", "text": " "}], [{"type": "text", "text": " and "}]])
LINE = st.lists(TEXT | SPAN | LINK | MENTION | EMOJI | SPACE, min_size=1, max_size=6).map(
    lambda all_: list(chain(*all_))
)
#: Something to see at the beginning, so that no line is empty and none is deeply indented.
FULL_LINE = LINE.map(lambda line: [{"type": "text", "text": "see "}, *line])
BREAK: list[Element] = [{"type": "text", "text": "\n"}]
SECTION = st.lists(FULL_LINE, min_size=1, max_size=3).map(
    lambda lines: {"type": "rich_text_section", "elements": sum(([*BREAK, *line] for line in lines[1:]), lines[0])}
)
QUOTE = st.builds(lambda line: {"type": "rich_text_quote", "elements": line}, FULL_LINE)
PRE = (
    BLOCK.map("\n".join)
    .filter(lambda code: bool(code.strip("` \n\t~")))
    .map(lambda code: {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": code}]})
)


@st.composite
def lists(draw: st.DrawFn) -> list[Element]:
    """Lists inside of lists, counted as Slack counts them: one that goes on has an offset."""
    parts: list[Element] = []
    counted: list[tuple[str, int]] = []
    for _ in range(draw(st.integers(1, 4))):
        indent = draw(st.integers(0, min(len(counted), 3)))
        style = draw(st.sampled_from(["bullet", "ordered"]))
        items = draw(st.lists(FULL_LINE, min_size=1, max_size=3))
        goes_on = indent < len(counted) and counted[indent][0] == style
        offset = counted[indent][1] if goes_on else draw(st.sampled_from([0, 0, 4]))
        offset = offset if style == "ordered" else 0
        counted[indent:] = [(style, offset + len(items))]
        sections = [{"type": "rich_text_section", "elements": item} for item in items]
        parts.append(
            {"type": "rich_text_list", "style": style, "indent": indent, "offset": offset, "elements": sections}
        )
    return parts


@st.composite
def messages(draw: st.DrawFn) -> Element:
    """A message as a client sends it: no two lists or quotes in a row, they would be one."""
    parts: list[Element] = []
    for _ in range(draw(st.integers(1, 4))):
        before = parts[-1]["type"] if parts else ""
        others = [lists()] if before != "rich_text_list" else []
        others += [QUOTE.map(lambda part: [part])] if before != "rich_text_quote" else []
        parts += draw(st.one_of(SECTION.map(lambda part: [part]), PRE.map(lambda part: [part]), *others))
    return {"text": "", "blocks": [{"type": "rich_text", "elements": parts}]}


def as_made(message: Element) -> Said:
    said = Said()
    depth: list[int] = []
    for part in message["blocks"][0]["elements"]:
        kind = part["type"]
        if kind == "rich_text_preformatted":
            said.code(part["elements"][0]["text"])
        elif kind == "rich_text_list":
            depth = [*(level for level in depth if level < part["indent"]), part["indent"]]
            for number, item in enumerate(part["elements"], 1 + part["offset"]):
                said.facts.append(("item", len(depth), number if part["style"] == "ordered" else None))
                read_elements(said, item["elements"])
        else:
            if kind == "rich_text_quote":
                said.facts.append(("quote",))
            read_elements(said, part["elements"])
        depth = depth if kind == "rich_text_list" else []
    return said


def read_elements(said: Said, elements: list[Element]) -> None:
    code = ""
    for element in [*elements, {"type": "text", "text": ""}]:
        is_code = bool(element.get("style", {}).get("code"))
        if code and not is_code:
            said.code(code)
            code = ""
        if is_code:
            code += element["text"]
        elif element["type"] == "link":
            said.link(element["url"], element.get("text", ""))
        elif element["type"] == "user":
            said.facts.append(("mention", element["user_id"]))
        elif element["type"] == "emoji":
            said.prose += bare(chr(int(element["unicode"], 16)) if "unicode" in element else f":{element['name']}:")
        else:
            said.prose += bare(element["text"])


# ── As a reader of CommonMark sees it ─────────────────────────────────────────────────────────────────────────────────

COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def as_markdown(markdown: str) -> Said:
    said = Said()
    lists: list[int | None] = []
    for token in COMMONMARK.parse(markdown):
        if token.type in ("fence", "code_block"):
            said.code(token.content.removesuffix("\n"))
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            is_ordered = token.type.startswith("ordered")
            lists.append(int(token.attrs.get("start", 1)) if is_ordered else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            number = lists[-1]
            said.facts.append(("item", len(lists), number))
            lists[-1] = number + 1 if number is not None else None
        elif token.type == "blockquote_open":
            said.facts.append(("quote",))
        elif token.type == "inline":
            read_inline(said, token.children or [])
        else:
            assert token.type.split("_")[0] in ("paragraph", "heading", "list", "blockquote"), token.type
    return said


def read_inline(said: Said, tokens: list[Token]) -> None:
    link: tuple[str, list[str]] | None = None
    run = ""
    for token in tokens:
        if token.type == "link_open":
            said.text(run)
            link, run = (str(token.attrs["href"]), []), ""
        elif token.type == "link_close":
            assert link is not None
            said.link(link[0], "".join(link[1]))
            link = None
        elif token.type == "code_inline" and link is not None:
            # In mrkdwn no code stands in a link: its words do.
            link[1].append(token.content)
        elif token.type == "code_inline":
            said.text(run)
            run = ""
            said.code(token.content)
        elif token.type in ("text", "softbreak", "hardbreak"):
            text = token.content or " "
            if link is not None:
                link[1].append(text)
            else:
                run += text
        else:
            assert token.type.split("_")[0] in ("strong", "em", "s"), f"{token.type}: {token.content}"
    said.text(run)


# ── As Slack shows a post ─────────────────────────────────────────────────────────────────────────────────────────────

SLACKS = re.compile(
    r"```(.*?)```|`([^`\n]+)`|<@([A-Z0-9]+)>|<([^<>|]+)\|([^<>]+)>|(?m:^( *)(?:•|(\d+)\.) )|(?m:^(> ))", re.DOTALL
)


def as_post(post: str) -> Said:
    said = Said()
    depths: list[int] = []
    position = 0
    for found in SLACKS.finditer(post):
        between = html_undone(post[position : found.start()])
        said.text(between)
        position = found.end()
        block, span, person, url, label, indent, number, quote = found.groups()
        if block is not None:
            said.code(html_undone(block.removeprefix("\n").removesuffix("\n")).replace("\u2060", ""))
        elif span is not None:
            said.code(html_undone(span))
        elif person is not None:
            said.facts.append(("mention", person))
        elif url is not None:
            said.link(html_undone(url), html_undone(label))
        elif quote is not None:
            said.facts.append(("quote",))
        else:
            depths = [*(depth for depth in depths if depth < len(indent)), len(indent)]
            said.facts.append(("item", len(depths), int(number) if number else None))
    said.text(html_undone(post[position:]))
    return said


def html_undone(text: str) -> str:
    """The three entities that Slack knows."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def posted(markdown: str) -> str:
    [post] = to_parts(markdown, 100_000, IDS)
    return post


def name_of(slack_id: str) -> str:
    return PEOPLE.get(slack_id, "")


@given(messages())
@settings(max_examples=EXAMPLES)
def test_what_is_composed_in_slack_says_the_same_in_the_session_and_in_a_post_of_it(message: Element) -> None:
    made = as_made(message)
    markdown = from_slack(message, name_of).text
    read = as_markdown(markdown)
    assert read.facts == made.facts, markdown
    assert read.prose == made.prose, markdown
    post = posted(markdown)
    shown = as_post(post)
    assert shown.facts == made.facts, post
    assert shown.prose == made.prose, post


# ── From the session ──────────────────────────────────────────────────────────────────────────────────────────────────


def ticked(code: str, least: int) -> str:
    return "`" * max(least, 1 + max((len(run) for run in re.findall("`+", code)), default=0))


PLAIN = st.sampled_from(["word", "snake_case", "2 * 3", "ä", "漢", "a|b", "x < y", "@channel", "\\`", "C:\\dir"])
SPANS = INLINE_CODE.map(lambda code: f"{ticked(code, 1)} {code} {ticked(code, 1)}")
LINKS = st.builds(
    # The judge takes the stars of an address in the open for marks.
    lambda label, path, form: form.format(label, f"https://x.example/{path if form != '{1}' else path.strip('*xyz')}"),
    st.sampled_from(["here", "`a.py`", "**bold** words", "a [b] c", "*it*"]),
    st.sampled_from(["", "a_b_c", "x*y*z", "q?a=1&b=2", "w(iki)"]),
    st.sampled_from(["[{0}]({1})", '[{0}]({1} "Title")', "[{0}](<{1}>)", "<{1}>", "{1}", "**[{0}]({1})**"]),
)
CALLS = st.sampled_from([f"@{name}" for name in IDS])
MARKED = st.builds(
    lambda mark, inner: f"{mark}{inner}{mark}",
    st.sampled_from(["**", "*", "~~", "***", "__"]),
    st.sampled_from(["bold", "two words"]),
)
AROUND_CODE = INLINE_CODE.filter(lambda code: "`" not in code and code == code.strip()).map(
    lambda code: f"**`{code}`:**"
)
PHRASES = st.lists(PLAIN | SPANS | LINKS | CALLS | MARKED | AROUND_CODE, min_size=1, max_size=5).map(
    lambda pieces: "See " + " ".join(pieces)
)


def fenced(code: str, info: str, before: str) -> str:
    marks = ticked(code, 3)
    return "\n".join(
        f"{before}{line}".rstrip() if not line else f"{before}{line}"
        for line in [marks + info, *code.split("\n"), marks]
    )


CODES = BLOCK.map("\n".join).filter(lambda code: bool(code.strip("` \n\t~")))
FENCES = st.builds(fenced, CODES, st.sampled_from(["", "py", "diff"]), st.sampled_from(["", "", "> "]))
TILDES = CODES.filter(lambda code: "~~~" not in code).map(lambda code: f"~~~\n{code}\n~~~")
HEADINGS = PHRASES.map(lambda words: f"## {words}")
QUOTES = PHRASES.map(lambda words: f"> {words}")


@st.composite
def outlines(draw: st.DrawFn) -> str:
    """A list as people and agents write them, with code under its last item."""
    marker = draw(st.sampled_from(["-", "*", "+", "1."]))
    pad, lines = " " * (len(marker) + 1), list[str]()
    for number in range(1, draw(st.integers(1, 3)) + 1):
        shown = f"{number}." if marker == "1." else marker
        lines.append(f"{shown} {draw(PHRASES)}")
        lines += [f"{pad}- {words}" for words in draw(st.lists(PHRASES, max_size=2))]
    if draw(st.booleans()):
        lines += ["", fenced(draw(CODES), "sh", pad)]
    return "\n".join(lines)


MARKDOWN = st.lists(PHRASES | FENCES | TILDES | HEADINGS | QUOTES | outlines(), min_size=1, max_size=4).map(
    # A comment keeps two lists apart, and two quotes.
    lambda blocks: "\n\nNow:\n\n".join(blocks)
)


def without_quotes(said: Said) -> list[tuple[Any, ...]]:
    """Code leaves the quote that it stands in."""
    return [fact for fact in said.facts if fact != ("quote",)]


@given(MARKDOWN)
@settings(max_examples=EXAMPLES)
def test_what_is_written_in_the_session_says_the_same_in_a_post_and_back_in_a_session(markdown: str) -> None:
    written = as_markdown(markdown)
    post = posted(markdown)
    shown = as_post(post)
    assert without_quotes(shown) == without_quotes(written), post
    assert shown.prose == written.prose, post
    back = from_slack({"text": post}, name_of).text
    read = as_markdown(back)
    assert without_quotes(read) == without_quotes(written), back
    assert read.prose == written.prose, back
