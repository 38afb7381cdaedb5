"""Reading a page of HTML in a test: strictly, so that what a browser would kindly repair is an error.

Keeps what the tests of pages ask: its blocks with their tables and charts, by their headings.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, TreeBuilder

VOID = {"meta"}
NUMBER = re.compile(r"\d[\d.,]*")


class BrokenPage(Exception):
    """Elements that do not close each other in turn."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.builder, self.open = TreeBuilder(), list[str]()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if len({name for name, _ in attrs}) < len(attrs):
            raise BrokenPage(f"{tag} has an attribute twice")
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise BrokenPage(f"</{tag}> closes what is not open")
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.builder.data(data)


@dataclass(frozen=True)
class Block:
    """A heading with the table below it (rows by their first cell) and the chart, if it has them."""

    title: str
    rows: dict[str, list[str]]
    chart: Element | None
    text: str


def parsed(page: str) -> Element:
    """The page as a tree; raises `BrokenPage`."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if reader.open:
        raise BrokenPage(f"{reader.open[-1]} stays open")
    return reader.builder.close()


def blocks(page: Element) -> dict[str, Block]:
    """The blocks of a page by title."""
    found = [_block(node) for node in page.iter("div") if node.get("class") == "block"]
    assert len({block.title for block in found}) == len(found)
    return {block.title: block for block in found}


def text_of(node: Element) -> str:
    """All text of an element, in one line."""
    return " ".join("".join(node.itertext()).split())


def by_class(page: Element, name: str) -> Iterator[Element]:
    """The elements of a class."""
    return (node for node in page.iter() if name in node.get("class", "").split())


def numbers(text: str) -> list[int]:
    """The whole numbers in a text, without what sets their thousands apart."""
    return [int(re.sub(r"[.,]", "", found)) for found in NUMBER.findall(text)]


def _block(node: Element) -> Block:
    rows = [row for body in node.iter("tbody") for row in body.iter("tr")]
    cells = {text_of(row[0]): [text_of(cell) for cell in row[1:]] for row in rows}
    assert len(cells) == len(rows)
    return Block(text_of(next(node.iter("h3"))), cells, next(node.iter("svg"), None), text_of(node))
