"""What a written page holds."""

from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """A page taken apart: its tags, text and scripts, and its tables with the exact value of each <data>."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._inside = ""
        self._in_cell = False
        self.feed(file.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {k: v or "" for k, v in attrs}
        self.tags.append((tag, attributes))
        self._inside = tag
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._in_cell = True
        elif tag == "data" and self._in_cell:
            self.tables[-1][-1][-1] = attributes["value"]
            self._in_cell = False

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.text += data
        if self._in_cell:
            self.tables[-1][-1][-1] += data

    def all(self, tag: str, key: str) -> list[str]:
        return [attributes[key] for name, attributes in self.tags if name == tag and key in attributes]

    @property
    def ids(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}
