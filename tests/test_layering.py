"""The shape of the tree: which way imports go, what pure modules may touch, how long a file may be."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A package may import itself and those to its right.
LAYERS = ("scripts", "signaling", "recorder", "media")

# Sockets, processes, clocks, frameworks and decoders: what a pure module never imports.
IMPURE = frozenset(
    "aiohttp aioice aiortc aiosqlite asyncio av cffi concurrent cv2 datetime ifaddr logging multiprocessing os pylibsrtp "
    "random select selectors signal socket sqlalchemy ssl subprocess threading time uvloop".split()
)

# media/ is pure unless a module is named here: it touches sockets, ciphers or processes, or drives one that does.
MEDIA_SHELL = frozenset(
    f"media.{name}"
    for name in (
        "candidates consumer demux dtls engine fanout libc pool producer publisher router rpc srtp taps tcp transport udp "
        "worker"
    ).split()
)

# signaling/ is a shell around these.
SIGNALING_PURE = frozenset(
    f"signaling.{name}" for name in (
        "admission alarms board call chat chat_text circle circles desk errors estimate help_book help_messages help_model help_today "
        "help_queue helpline helpline_talk hours invite invites limits message_types messages outlook record_book "
        "record_messages record_scenes room room_circle "
        "room_entries room_model room_stage room_state room_steps routing shapes stage stage_messages uplink"
    ).split()
)

# recorder/ too: files, processes and decoders are around these.
RECORDER_PURE = frozenset(
    f"recorder.{name}" for name in (
        "clock_fit codecs codecs.av1 codecs.h264 codecs.opus codecs.picture codecs.vpx container depacketize "
        "media_index mp4 reorder review.agreement review.audit review.retention review.sampling review.scorecard "
        "review.search sound_line spans track_log track_reader webm"
    ).split()
)

# What a pure module may use all the same: working hours are reckoned in calendars, from times that are given.
ALLOWED = {"signaling.hours": frozenset(("datetime",))}

MAX_LINES = 500
# Longer files, each with its reason.
LONG_FILES: dict[str, str] = {}


@dataclass(frozen=True)
class Import:
    """One imported module; ``runtime`` is False under ``if TYPE_CHECKING``."""

    name: str
    line: int
    runtime: bool


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """Every module of the layers, by dotted name."""
    return {_module_name(path): path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))}


@cache
def imports(name: str) -> tuple[Import, ...]:
    """What a module imports, functions included; relative imports resolved."""
    path = modules()[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return tuple(_walk(ast.parse(path.read_text(encoding="utf-8")), package, True))


def _walk(node: ast.AST, package: str, runtime: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, runtime)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            prefix = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*prefix, base] if base else prefix)
        for alias in node.names:
            full = f"{base}.{alias.name}"
            yield Import(full if full in modules() else base, node.lineno, runtime)
    elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        for statement in node.body:
            yield from _walk(statement, package, False)
        for statement in node.orelse:
            yield from _walk(statement, package, runtime)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, package, runtime)


def _is_pure(name: str) -> bool:
    return name in SIGNALING_PURE | RECORDER_PURE or (f"{name}.".startswith("media.") and name not in MEDIA_SHELL)


def test_imports_go_one_way() -> None:
    wrong = []
    for name in modules():
        allowed = LAYERS[LAYERS.index(name.split(".")[0]) :]
        for item in imports(name):
            layer = item.name.split(".")[0]
            if layer == "tests" or (layer in LAYERS and layer not in allowed):
                wrong.append(f"{name}:{item.line} imports {item.name}")
    assert not wrong


def test_pure_modules_touch_no_world() -> None:
    wrong = []
    for name in filter(_is_pure, modules()):
        for item in imports(name):
            top = item.name.split(".")[0]
            if top in ALLOWED.get(name, ()):
                continue
            if item.runtime and (top in IMPURE or (top in LAYERS and not _is_pure(item.name))):
                wrong.append(f"{name}:{item.line} imports {item.name}")
    assert not wrong


def test_named_modules_exist() -> None:
    assert sorted((MEDIA_SHELL | SIGNALING_PURE | RECORDER_PURE) - set(modules())) == []


def _unconditional(name: str) -> set[str]:
    """Project modules that importing ``name`` runs at once."""
    tree = ast.parse(modules()[name].read_text(encoding="utf-8"))
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    package = name if modules()[name].name == "__init__.py" else name.rpartition(".")[0]
    return {item.name for item in _walk(top, package, True) if item.name in modules()}


def test_no_import_cycles() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for other in sorted(_unconditional(name)):
                visit(other, (*path, name))
            done.add(name)

    for name in modules():
        visit(name, ())


def tracked_files() -> list[str]:
    """Files in the repository, and those that would be added to it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_files_are_short() -> None:
    sources = [name for name in tracked_files() if name.endswith((".py", ".js", ".mjs", ".css", ".html"))]
    long = {}
    for name in sources:
        lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            long[name] = lines
    assert {name: lines for name, lines in long.items() if name not in LONG_FILES} == {}, "split, or give a reason"
    assert set(LONG_FILES) <= set(long), "no longer long: take it off the list"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b", [("a.b", True)]),
        ("from media import rtcp", [("media", True)]),
        ("from . import api", [("media", True)]),
        ("def f():\n    import time", [("time", True)]),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import time\nelse:\n    import os",
            [("typing", True), ("time", False), ("os", True)],
        ),
    ],
)
def test_walk(monkeypatch: pytest.MonkeyPatch, text: str, expected: list[tuple[str, bool]]) -> None:
    monkeypatch.setitem(globals(), "modules", dict)
    assert [(item.name, item.runtime) for item in _walk(ast.parse(text), "media", True)] == expected
