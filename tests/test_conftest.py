"""A skip fails in CI and is loud elsewhere; an expected failure is no skip."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SKIPS = {
    "test_by_mark": "import pytest\n@pytest.mark.skip(reason='no camera')\ndef test_it(): pass\n",
    "test_by_call": "import pytest\ndef test_it(): pytest.skip('no camera')\n",
    "test_by_fixture": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('no camera')\ndef test_it(f): pass\n",
    "test_by_module": "import pytest\npytest.skip('no camera', allow_module_level=True)\ndef test_it(): pass\n",
}
EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it(): assert False\n"


@pytest.mark.parametrize("in_ci", [True, False])
def test_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, in_ci: bool) -> None:
    monkeypatch.setenv("CI", "true" if in_ci else "")
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    pytester.makepyfile(**SKIPS, test_expected_failure=EXPECTED_FAILURE)
    result = pytester.runpytest_inprocess("--continue-on-collection-errors")
    if in_ci:
        # pytest counts what fails before the call as an error.
        result.assert_outcomes(failed=1, errors=3, xfailed=1)
    else:
        result.assert_outcomes(skipped=4, xfailed=1)
    assert ("NOT RUN" in result.stdout.str()) != in_ci
    for name in SKIPS:
        assert any(name in line and "no camera" in line for line in result.stdout.lines), name
