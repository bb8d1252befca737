"""A skip fails in CI and is loud elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SKIPS = {
    "mark": "import pytest\n@pytest.mark.skip(reason='no camera')\ndef test_it(): pass\n",
    "call": "import pytest\ndef test_it(): pytest.skip('no camera')\n",
    "fixture": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('no camera')\ndef test_it(f): pass\n",
    "module": "import pytest\npytest.skip('no camera', allow_module_level=True)\ndef test_it(): pass\n",
}


@pytest.mark.parametrize("text", SKIPS.values(), ids=SKIPS.keys())
@pytest.mark.parametrize("in_ci", [True, False])
def test_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, text: str, in_ci: bool) -> None:
    monkeypatch.setenv("CI", "true" if in_ci else "")
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    pytester.makepyfile(test_sample=text)
    result = pytester.runpytest_inprocess()
    output = result.stdout.str()
    assert "no camera" in output
    assert (result.ret in (1, 2)) == in_ci
    assert ("NOT RUN" in output) != in_ci


def test_expected_failure_is_no_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    pytester.makepyfile("import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it(): assert False\n")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(xfailed=1)
    assert result.ret == 0
