"""What holds for every page that any test fetches: valid HTML5, one heading that is the title, labels, no inline code."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import html5lib

XHTML = "{http://www.w3.org/1999/xhtml}"
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
CONTROLS = ("input", "select", "textarea")
HIDDEN_TYPES = {"hidden", "submit", "button"}


def check_page(text: str, *, whole: bool = True) -> Element:
    """Assert everything; the parsed document."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=True)
    root: Element = parser.parse(text) if whole else parser.parseFragment(text)
    elements = list(root.iter())
    named = [e for e in elements if isinstance(e.tag, str)]
    if whole:
        _check_whole(root, named)
    _check_ids(named)
    _check_labels(named)
    _check_nothing_inline(named)
    return root


def _check_whole(root: Element, elements: list[Element]) -> None:
    language = root.get("lang")
    assert language in {"ja", "en"}
    headings = [e for e in elements if e.tag == XHTML + "h1"]
    assert len(headings) == 1, f"{len(headings)} h1"
    title = next(e for e in elements if e.tag == XHTML + "title")
    assert _text(title) == f"{_text(headings[0])} — Enclave"
    if language == "en":
        stray = [s for s in _strings(root) if JAPANESE.search(s)]
        assert not stray, f"Japanese on an English page: {stray[:3]}"
    for form in (e for e in elements if e.tag == XHTML + "form"):
        if form.get("method") == "post":
            fields = [i.get("name") for i in form.iter(XHTML + "input")]
            assert "csrf" in fields, f"no token in the form for {form.get('action')}"


def _check_ids(elements: list[Element]) -> None:
    ids = Counter(e.get("id") for e in elements if e.get("id") is not None)
    assert not [i for i, n in ids.items() if n > 1], "ids used twice"
    for element in elements:
        for attribute in ("aria-describedby", "aria-labelledby", "for"):
            for wanted in (element.get(attribute) or "").split():
                assert wanted in ids, f"{attribute}={wanted} names nothing"
        href = element.get("href") or ""
        if href.startswith("#"):
            assert href[1:] in ids, f"{href} leads nowhere"


def _check_labels(elements: list[Element]) -> None:
    labelled = {e.get("for") for e in elements if e.tag == XHTML + "label"}
    for element in elements:
        name = str(element.tag).removeprefix(XHTML)
        if name in CONTROLS and element.get("type") not in HIDDEN_TYPES:
            assert element.get("id") in labelled or element.get("aria-label"), (
                f"no label for {element.get('name')}"
            )
        if name == "img":
            assert element.get("alt") is not None
        if name in {"button", "a"} and element.get("href", "x"):
            assert _text(element).strip() or element.get("aria-label"), f"empty {name}"


def _check_nothing_inline(elements: list[Element]) -> None:
    for element in elements:
        name = str(element.tag).rsplit("}", 1)[-1]
        if name == "script":
            assert element.get("src", "").startswith("/static/"), "a script not of our own"
            assert not (element.text or "").strip(), "an inline script"
        assert name != "style", "an inline style sheet"
        for attribute, value in element.attrib.items():
            assert attribute != "style", "an inline style"
            assert not attribute.startswith(("on", "hx-on")), f"inline {attribute}"
            assert not str(value).lower().lstrip().startswith("javascript:")
            if attribute in {"src", "href", "action"}:
                assert not str(value).startswith(("http:", "//")), f"{attribute} to elsewhere: {value}"


def _text(element: Element) -> str:
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def _strings(element: Element) -> Iterator[str]:
    """Texts of a page that are the portal's own: not what people typed (`typed`), not marked as another language."""
    if not isinstance(element.tag, str) or (element.get("lang") == "ja" and element.tag != XHTML + "html"):
        return
    if "typed" in (element.get("class") or "").split():
        return
    if element.text:
        yield element.text
    for child in element:
        yield from _strings(child)
        if child.tail:
            yield child.tail


def fields_of(root: Element, action: str) -> tuple[str, list[tuple[str, str]]]:
    """(address, fields) of the form that has the button `data-action=<action>`, filled as it stands, button included."""
    for form in root.iter(XHTML + "form"):
        for button in form.iter(XHTML + "button"):
            if button.get("data-action") == action:
                data = list(_form_data(form))
                if button.get("name"):
                    data.append((str(button.get("name")), str(button.get("value") or "")))
                return str(form.get("action") or ""), data
    raise LookupError(f"no button {action}")


def _form_data(form: Element) -> Iterator[tuple[str, str]]:
    for e in form.iter():
        name, tag = e.get("name"), str(e.tag).removeprefix(XHTML)
        if not name:
            continue
        if tag == "input" and (e.get("type") not in {"checkbox", "radio"} or e.get("checked") is not None):
            yield name, e.get("value") or ""
        elif tag == "textarea":
            yield name, "".join(e.itertext())
        elif tag == "select":
            options = list(e.iter(XHTML + "option"))
            chosen = [o for o in options if o.get("selected") is not None] or options[:1]
            for option in chosen:
                yield name, option.get("value") or ""


def words(root: Any) -> str:
    """All text of a page, in one line."""
    return _text(root)
