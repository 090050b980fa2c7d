"""`ds4agent run` with a sidecar: it goes through it, and both keep one cache."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path

import pytest

from ds4agent.sidecar import runtime
from ds4agent.sidecar.runtime import Runtime
from tests.e2e.run_process import COMMAND, Ended, Home
from tests.e2e.test_serve import running

pytestmark = pytest.mark.slow
SERVE = [*COMMAND, "serve", "--port", "0"]
TASK = "Create a file called notes.txt with the line: hello"
NEXT = "Run cat notes.txt and tell me what it prints."


def _home(tmp_path: Path, engine: str = "auto") -> Home:
    return Home(tmp_path, engine, {"DS4_LOCK_FILE": str(tmp_path / "lock")})


def _reread(ended: Ended) -> list[tuple[int, int]]:
    """Tokens predicted and tokens read twice, of each request of a turn that ended well."""
    assert (ended.code, ended.events[-1]["status"]) == (0, "completed"), ended.err
    return [(e["predicted_tokens"], e["reread_tokens"]) for e in ended.events if e["type"] == "cache"]


def _metrics(found: Runtime) -> str:
    with urllib.request.urlopen(f"{found.url}/metrics") as reply:
        return str(reply.read().decode())


def test_it_goes_through_the_sidecar_and_reads_no_token_twice(tmp_path: Path) -> None:
    home = _home(tmp_path)
    with running(tmp_path, SERVE) as sidecar:
        first, second = home.run("--json", TASK), home.run("--json", "--continue", NEXT)
        requests = _reread(first) + _reread(second)
        assert [reread for _, reread in requests] == [0] * len(requests)
        assert _reread(second)[0][0] > 0
        assert f'lane="agent",status="200"}} {len(requests)}' in _metrics(sidecar.found)
        assert sidecar.status()["engine"]["restarts"] == 0
    transcript = home.transcripts()[0].read_text()
    assert f'"engine":"{sidecar.found.pid}@{sidecar.found.url}"' in transcript


def test_keys_for_others_do_not_keep_the_user_out(tmp_path: Path) -> None:
    home = _home(tmp_path)
    with running(tmp_path, [*SERVE, "--api-key", "editor=s3cret"]) as sidecar:
        assert home.run("Hello!").code == 0
        assert 'lane="agent",status="200"} 1' in sidecar.ask("/metrics", Authorization="Bearer s3cret")[1]


def test_what_one_has_read_is_warm_for_the_other(tmp_path: Path) -> None:
    """An engine of the run's own, the sidecar's, and one of its own again, on one session."""
    home = _home(tmp_path, "embedded")
    seen = _reread(home.run("--json", TASK))
    with running(tmp_path, SERVE):
        seen += _reread(_home(tmp_path).run("--json", "--continue", NEXT))
    seen += _reread(home.run("--json", "--continue", "Thanks!"))
    assert [reread for _, reread in seen] == [0] * len(seen)
    kept = home.command([*COMMAND, "kv", "list", "--json"])
    assert max(json.loads(line)["tokens"] for line in kept.out.splitlines()) >= seen[-1][0]
    assert [folder.name for folder in (tmp_path / ".local/share/ds4agent/kv-models").iterdir()] == ["bundled"]


def test_a_sidecar_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    """Killed, its file still there: the run starts an engine of its own."""
    home = _home(tmp_path)
    with running(tmp_path, SERVE) as sidecar:
        pass
    file = tmp_path / ".local/state/ds4agent/sidecar.json"
    file.write_text(json.dumps({"pid": 1, "port": sidecar.found.port, "token": "x", "host": "127.0.0.1"}))
    assert runtime.read(file) is None
    assert home.run("Hello!").code == 0
    assert subprocess.run([*COMMAND, "status"], env=home.env, capture_output=True).returncode == 1
