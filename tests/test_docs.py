"""What the documents say is what the code does: protocol tables, settings, commands, the map, and no private places."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from signaling.config import PREFIX, SECTIONS, settings
from signaling.errors import ERRORS
from signaling.messages import EVENTS, REQUESTS
from tests.test_layering import modules, tracked_files

ROOT = Path(__file__).resolve().parent.parent
CODE = re.compile(r"`([^`\n]+)`")


@cache
def document(name: str) -> str:
    """The text of a file at the top of the tree."""
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def handbook() -> str:
    """Everything written for operators."""
    return "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def section(text: str, title: str) -> str:
    """The part under the heading that contains ``title``, up to the next heading of the same or a higher level."""
    found = re.search(rf"^(#+) .*{re.escape(title)}.*$", text, re.MULTILINE)
    assert found, f"no heading with {title!r}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def table(text: str) -> list[list[str]]:
    """The body rows of the Markdown tables in ``text``; a ``\\|`` stays inside its cell."""
    rows = [line.strip().strip("|") for line in text.splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]
    rules = [index for index, row in enumerate(cells) if all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    return [row for index, row in enumerate(cells) if index not in rules and index + 1 not in rules]


def names(rows: list[list[str]]) -> list[str]:
    """The names in backticks of each row's first cell."""
    return [name for row in rows for name in CODE.findall(row[0])]


def same(documented: list[str], real: list[str]) -> None:
    """Both lists hold the same names, once each."""
    assert sorted(documented) == sorted(set(documented)), "named twice"
    assert sorted(set(real) - set(documented)) == [], "not documented"
    assert sorted(set(documented) - set(real)) == [], "does not exist"


def test_requests_are_documented() -> None:
    protocol = document("PROTOCOL.md")
    parts = [
        section(protocol, title)
        for title in ("Requests", "The stage and the desk", "Chat", "The back channel", "One-to-one help")
    ]
    same([name for part in parts for name in names(table(part))], list(REQUESTS))


def test_events_are_documented() -> None:
    same(names(table(section(document("PROTOCOL.md"), "Events"))), list(EVENTS))


def test_errors_are_documented() -> None:
    rows = table(section(document("PROTOCOL.md"), "Error codes"))
    same(names(rows), list(ERRORS))
    documented = {name: row[1] for row in rows for name in CODE.findall(row[0])}
    wrong = {name: status for name, status in documented.items() if status and str(ERRORS[name].status) not in status}
    assert not wrong, "another HTTP status"


def test_settings_are_documented() -> None:
    documented = set(CODE.findall(handbook()))
    real = {f"{name}.{key}" for name, key, _, _ in settings()}
    assert sorted(real - documented) == []
    dotted = {name for name in documented if re.fullmatch(rf"({'|'.join(SECTIONS)})\.[a-z_]+", name)}
    assert sorted(dotted - real) == []
    variables = {f"{PREFIX}{name}".replace(".", "_").upper() for name in real} | {f"{PREFIX}CONFIG"}
    assert sorted(set(re.findall(rf"\b{PREFIX}[A-Z0-9_]+", handbook())) - variables) == []


def test_commands_exist() -> None:
    for command in sorted(set(re.findall(r"\./(scripts/[a-z_-]+)", handbook()))):
        assert os.access(ROOT / command, os.X_OK), command
    for target in sorted(set(re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", handbook()))):
        assert any((base / target).exists() for base in (ROOT, ROOT / "docs")), target


@cache
def help_of(*command: str) -> str:
    """What a subcommand of ``lianmai`` says of itself; fails if there is none."""
    run = subprocess.run(
        [sys.executable, "-c", "import sys; from signaling.cli import main; sys.exit(main())", *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert run.returncode == 0, f"lianmai {' '.join(command)}: {run.stderr}"
    return run.stdout


def test_subcommands_and_flags_exist() -> None:
    for words in re.findall(r"\blianmai ((?:[a-z]+ ?)+)((?: ?--[a-z-]+(?:[= ][^-\s`]\S*)?)*)", _commands()):
        subcommand, flags = words[0].split(), re.findall(r"--[a-z-]+", words[1])
        described = help_of(*subcommand)
        for flag in flags:
            assert re.search(rf"{flag}\b", described), f"lianmai {words[0]}: {flag}"


def _commands() -> str:
    """Lines of code blocks, and code in backticks: a sentence about lianmai is no command."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", handbook(), re.MULTILINE | re.DOTALL)
    spans = CODE.findall(re.sub(r"^```.*?^```", "", handbook(), flags=re.MULTILINE | re.DOTALL))
    return "\n".join(line.split(" #")[0] for part in [*blocks, *spans] for line in part.splitlines())


def test_map_names_every_module() -> None:
    words = {word for span in CODE.findall(document("ARCHITECTURE.md")) for word in re.findall(r"[\w./-]+", span)}
    stems = {
        word.removesuffix("/").rpartition("/")[2].rpartition(".py")[0] or word.rpartition("/")[2] for word in words
    }
    sources = [
        path for name, path in modules().items() if path.name != "__init__.py" and not name.startswith("scripts")
    ]
    sources += sorted((ROOT / "web" / "sdk").glob("*.js"))
    missing = [str(path.relative_to(ROOT)) for path in sources if path.stem not in stems and path.name not in words]
    assert missing == []


def test_map_names_nothing_else() -> None:
    paths = [span for span in CODE.findall(document("ARCHITECTURE.md")) if re.fullmatch(r"[\w-]+/[\w./-]+\.\w+", span)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


# Assembled, so that this file does not name what it forbids.
PRIVATE = re.compile(
    "|".join(
        [
            r"(?<![\w.~/-])/(?:root|home|work)/",
            "index" + "-url",
            '"resolved"' + r":\s*\"http",
            r"registry\s*=\s*[\"']?http",
            r"(?:files\.pythonhosted|pypi|registry\.npmjs|deb\.debian)" + r"\.org",
        ]
    )
)


def test_no_private_places() -> None:
    found = []
    for name in tracked_files():
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:4096]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if PRIVATE.search(line):
                found.append(f"{name}:{number}: {line.strip()[:80]}")
    assert found == []


@pytest.mark.parametrize(
    ("text", "private"),
    [("see /{}/me", True), ("/{}/.cache", True), ("shop.example/{}/live", False), ("a/{}/b", False), ("/a-{}", False)],
)
def test_private_places(text: str, private: bool) -> None:
    assert bool(PRIVATE.search(text.format("home"))) == private


def test_lock_has_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for entry in re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", document(name), flags=re.MULTILINE)):
            assert re.match(r"[\w.-]+==\S+", entry) and "--hash=sha256:" in entry, entry.splitlines()[0]


def test_lock_matches_wishes() -> None:
    for wishes, lock in (("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt")):
        pinned = set(re.findall(r"^[\w.-]+==[^\s;\\]+", document(lock).lower(), re.MULTILINE))
        bare = re.sub(r"\[\w+\]", "", document(wishes).lower())
        wanted = set(re.findall(r"^[\w.-]+==[^\s;\\]+", bare, re.MULTILINE))
        assert sorted(wanted - pinned) == []


def _setting_row(name: str, key: str, hint: Any, item: dataclasses.Field[Any]) -> str:
    """One line of docs/settings.md."""
    default = item.default if item.default is not dataclasses.MISSING else item.default_factory()  # type: ignore[operator]
    shown = ",".join(default) if isinstance(default, tuple | dict) else str(default)
    if isinstance(default, bool):
        shown = shown.lower()
    choices = f" ({' or '.join(f'`{choice}`' for choice in get_args(hint))})" if get_origin(hint) is Literal else ""
    return f"| `{name}.{key}` | {f'`{shown}`' if shown else ''} | {item.metadata['help']}{choices} |"


def test_settings_table() -> None:
    """Every setting with its default and its help, in the order of the code."""
    rows = [line for line in document("docs/settings.md").splitlines() if line.startswith("| `")]
    assert rows == [_setting_row(*entry) for entry in settings()]
