"""What all tests share: a report section for figures that a test measures."""

from __future__ import annotations

import pytest

SECTION = "figures"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded with `record_property("figures", text)`, whether they passed or not."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, text in getattr(report, "user_properties", []):
                if key == SECTION and report.when == "call":
                    terminalreporter.section(report.nodeid)
                    terminalreporter.line(text)
