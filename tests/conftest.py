"""What all tests share: a report section for figures that a test measures, and how property tests run.

No example has a time limit: on a busy machine it would fail what is right. A usual run looks at the same
examples every time; `make fuzz` looks at many others.
"""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

settings.register_profile("ds4agent", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("ds4agent")

SECTION = "figures"


def pytest_configure() -> None:
    """Signals that whoever started the tests ignores (nohup) are not ignored by the programs under test."""
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGHUP else signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", action="store_true", help="take the pictures of the editors' READMEs anew"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes first: begun last, it would run alone."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded with `record_property("figures", text)`, whether they passed or not."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, text in getattr(report, "user_properties", []):
                if key == SECTION and report.when == "call":
                    terminalreporter.section(report.nodeid)
                    terminalreporter.line(text)
