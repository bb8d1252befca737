"""What people write, made safe to show: nothing invisible, nothing that reorders or covers the text around it. Pure.

:func:`clean_text` takes out control characters, bidirectional controls (which could reverse a neighbour's words),
zero-width and other invisible characters, unpaired surrogates and noncharacters. What writing needs stays: emoji with
their variation selectors and skin tones, families joined by zero-width joiners, flags of regions, and ideographic
variants. A base carries at most :data:`MAX_MARKS` combining marks, so that a flood of them cannot cover other lines.
A joiner outside an emoji goes too; the few scripts that use one lose a ligature, not a word.

The result is never longer than the input, and cleaning it again changes nothing. It is text, not HTML: who shows it
must still set it as text.
"""

from __future__ import annotations

import re
import unicodedata

MAX_MARKS = 4
MAX_NEWLINES = 5

_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_NEWLINES = frozenset("\n\v\f\r\x85\u2028\u2029")
# Letters, marks and symbols by category, but drawn as nothing (Default_Ignorable_Code_Point, blank Braille and music).
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\uffa0\ufff0-\ufffc"
    "\U0001d159\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
)
_NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef" + "".join(f"{chr(p + 0xFFFE)}{chr(p + 0xFFFF)}" for p in range(0, 0x110000, 0x10000)) + "]"
)
_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_TAG = re.compile("[\U000e0020-\U000e007f]")
# A black flag, the letters of a region, and the end (Unicode Technical Standard 51, section 1.4.6).
_REGION_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)


def clean_text(text: str, *, newlines: bool = False) -> str:
    """``text`` fit to be shown, perhaps empty; runs of white space become one space.

    With ``newlines``, a run that breaks the line becomes one ``\\n`` instead, the first :data:`MAX_NEWLINES` times.
    """
    visible = "".join(char for char in text if not _is_invisible(char))
    out: list[str] = []
    marks = breaks = position = 0
    while position < len(visible):
        char = visible[position]
        flag = _REGION_FLAG.match(visible, position)
        position += 1
        if flag is not None:
            out.extend(flag.group())
            position, marks = flag.end(), 0
        elif char in _SPACES or char.isspace():
            breaking = newlines and char in _NEWLINES and breaks < MAX_NEWLINES
            if out and out[-1] != "\n" and (breaking or out[-1] != " "):
                if out[-1] == " ":
                    out.pop()
                out.append("\n" if breaking else " ")
                breaks += breaking
        elif char == _JOINER:
            if _joins(out, visible[position : position + 1]):
                out.append(char)
        elif _SELECTOR.match(char):
            # One for each base: long runs of them look like nothing and can carry a hidden text.
            if _has_base(out) and marks == 0 and not _SELECTOR.match(out[-1]) and out[-1] != _JOINER:
                out.append(char)
        elif unicodedata.category(char) in ("Mn", "Me"):
            if _has_base(out) and marks < MAX_MARKS:
                out.append(char)
                marks += 1
        elif not _TAG.match(char):
            out.append(char)
            marks = 0
    return "".join(out).strip(" \n")


def _is_invisible(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Cc":
        return char not in _SPACES
    if category == "Cf":
        return char != _JOINER and not _TAG.match(char)
    return category == "Cs" or _BLANK.match(char) is not None or _NONCHARACTER.match(char) is not None


def _has_base(out: list[str]) -> bool:
    return bool(out) and out[-1] not in (" ", "\n")


def _joins(out: list[str], following: str) -> bool:
    """Whether a joiner here stands between two emoji."""
    before = out[-2:] if out[-1:] == [_EMOJI_STYLE] else out[-1:]
    return bool(before) and _EMOJI.match(before[0]) is not None and _EMOJI.match(following) is not None
