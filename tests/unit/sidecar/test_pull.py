"""Pulling from a server that breaks off, lies, refuses and serves the wrong bytes."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import huggingface_hub
import pytest

from ds4agent.sidecar import digests, hub, pull
from ds4agent.sidecar.catalog import Catalog
from ds4agent.sidecar.digests import Digest
from ds4agent.sidecar.download import Remote, download
from ds4agent.sidecar.patience import Trouble
from tests.gguf_files import gguf
from tests.hub_server import COMMIT, Hub, serving

DATA = gguf(name="pulled") + bytes(range(256)) * 2_000
SHA = hashlib.sha256(DATA).hexdigest()


@dataclass
class Puller:
    """Pulls into folders of a test; what was reported and waited for is kept."""

    hub: Hub
    places: pull.Places
    pauses: list[float] = field(default_factory=list)
    reports: list[tuple[str, int, int | None]] = field(default_factory=list)
    stop_at: int | None = None

    def __call__(self, text: str, revision: str | None = None) -> Path:
        return pull.pull(pull.parse(text, revision), self.places, self.report, self.pauses.append)[0]

    def report(self, stage: str, done: int, total: int | None) -> None:
        self.reports.append((stage, done, total))
        if self.stop_at is not None and stage == "loading" and done >= self.stop_at:
            self.stop_at = None
            raise KeyboardInterrupt

    def trouble(self, text: str, revision: str | None = None) -> str:
        with pytest.raises(Trouble) as caught:
            self(text, revision)
        return str(caught.value)

    @property
    def partials(self) -> dict[str, int]:
        files = [*self.places.cache.rglob("*.incomplete"), *self.places.own.rglob(".*.partial")]
        return {path.name: path.stat().st_size for path in files}

    def listed(self) -> list[str]:
        return [model.id for model in Catalog([self.places.cache, self.places.own]).scan().models]


@pytest.fixture
def puller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Puller]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    with serving(Hub({"Model-Q2.gguf": DATA, "README.md": b"text"})) as served:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", served.url)
        yield Puller(served, pull.Places(tmp_path / "hub", tmp_path / "own"))


def test_a_pull_fills_the_cache_as_its_own_tools_do(puller: Puller) -> None:
    path = puller("a/b")
    assert path.read_bytes() == DATA
    assert puller.listed() == ["b"]
    assert digests.known(path) == Digest("sha256", SHA, "the repository")
    theirs = huggingface_hub.try_to_load_from_cache("a/b", "Model-Q2.gguf", cache_dir=puller.places.cache)
    assert theirs == str(path)
    info = huggingface_hub.scan_cache_dir(puller.places.cache)
    assert not info.warnings
    (repo,) = info.repos
    assert (repo.repo_id, repo.size_on_disk, [*repo.refs]) == ("a/b", len(DATA), ["main"])
    assert puller.reports[0] == ("loading", 0, len(DATA))
    assert puller.reports[-1] == ("checking", len(DATA), len(DATA))
    assert puller.partials == {}
    puller.hub.requests.clear()
    assert puller("a/b") == path
    assert len(puller.hub.requests) == 1, "what is there is not loaded again"


def test_the_hub_is_asked_for_nothing_else(
    puller: Puller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As in a new process of a new user.
    monkeypatch.setattr(huggingface_hub.constants, "AGENT_HARNESSES_PATH", str(tmp_path / "agents.json"))
    monkeypatch.setattr("huggingface_hub.utils._detect_agent._registry", None)
    puller("a/b")
    listing, file = (path for path, _ in puller.hub.requests)
    assert listing == "/api/models/a/b/revision/main"
    assert file.startswith("/a/b/resolve/")


def test_connections_that_break_are_taken_up_again(puller: Puller) -> None:
    puller.hub.breaks = [100_000, 0, 50_000]
    assert puller("a/b").read_bytes() == DATA
    ranges = [wanted.split("=")[1].split("-")[0] for path, wanted in puller.hub.requests if "resolve" in path]
    assert ranges == ["0", "100000", "100000", "150000"]
    assert puller.pauses == [1.0, 2.0, 1.0]


def test_a_server_that_never_sends_is_given_up_and_what_is_there_is_kept(puller: Puller) -> None:
    puller.hub.breaks = [100_000, 0, 0, 0, 0, 0]
    problem = puller.trouble("a/b")
    assert "the connection broke" in problem
    assert "given up after 5 attempts, the same command goes on from here" in problem
    assert puller.partials == {f"{SHA}.ds4agent.incomplete": 100_000}
    assert puller.listed() == []
    puller.hub.breaks = []
    assert puller("a/b").read_bytes() == DATA
    assert puller.hub.requests[-1][1].startswith("bytes=100000-")


def test_an_interruption_keeps_what_is_there(puller: Puller) -> None:
    puller.hub.breaks = [200_000]
    puller.stop_at = 1
    with pytest.raises(KeyboardInterrupt):
        puller("a/b")
    (kept,) = puller.partials.values()
    assert 0 < kept <= 200_000
    assert puller.listed() == []
    puller.hub.breaks = []
    assert puller("a/b").read_bytes() == DATA
    assert puller.hub.requests[-1][1].startswith(f"bytes={kept}-")


def test_a_server_without_ranges_starts_again(puller: Puller) -> None:
    puller.hub.ranges = False
    puller.hub.breaks = [300_000, 100_000]
    assert puller("a/b").read_bytes() == DATA


def test_a_server_without_ranges_that_always_breaks_is_given_up(puller: Puller) -> None:
    puller.hub.ranges = False
    puller.hub.breaks = [300_000] * 50
    assert "given up" in puller.trouble("a/b")
    assert len(puller.hub.requests) == 6


def test_a_wrong_digest_is_never_kept(puller: Puller) -> None:
    wrong = {"size": len(DATA), "sha256": "0" * 64, "pointerSize": 1}
    puller.hub.announced["Model-Q2.gguf"] = {"lfs": wrong}
    problem = puller.trouble("a/b")
    assert f"its sha256 digest is {SHA}, expected {'0' * 64}; it was removed, pull it again" in problem
    assert (puller.partials, puller.listed()) == ({}, [])


def test_a_part_that_was_damaged_on_disk_is_noticed(puller: Puller) -> None:
    puller.hub.breaks = [100_000, 0, 0, 0, 0, 0]
    puller.trouble("a/b")
    (partial,) = puller.places.cache.rglob("*.incomplete")
    partial.write_bytes(b"x" + partial.read_bytes()[1:])
    puller.hub.breaks = []
    assert "it was removed" in puller.trouble("a/b")
    assert puller("a/b").read_bytes() == DATA


@pytest.mark.parametrize("difference", [-1000, 1000])
def test_a_length_that_is_not_the_announced_one(puller: Puller, difference: int) -> None:
    size = len(DATA) + difference
    puller.hub.announced["Model-Q2.gguf"] = {"size": size}
    assert f"the server says {len(DATA)} bytes, {size} were announced" in puller.trouble("a/b")
    assert puller.listed() == []


def test_more_than_was_announced_is_not_written(puller: Puller) -> None:
    puller.hub.ranges = False
    puller.hub.extra = b"more" * 1000
    assert f"the server sends more than the {len(DATA)} bytes announced" in puller.trouble("a/b")
    assert list(puller.partials.values()) == [len(DATA)]


def test_a_reply_without_a_length_that_ends_early(puller: Puller) -> None:
    puller.hub.ranges = False
    puller.hub.extra = b"x"
    puller.hub.breaks = [300_000] * 50
    assert "the reply ended before its end; given up" in puller.trouble("a/b")


def test_space_is_looked_at_first(puller: Puller) -> None:
    lfs = {"size": 10**19, "sha256": SHA, "pointerSize": 1}
    puller.hub.announced["Model-Q2.gguf"] = {"size": 10**19, "lfs": lfs}
    assert "Model-Q2.gguf needs 10000000000.0 GB more, and " in puller.trouble("a/b")
    assert len(puller.hub.requests) == 1


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (401, {}, "there is no repository a/b, or it is private: `hf auth login` or set HF_TOKEN"),
        (403, {"X-Error-Code": "GatedRepo"}, "a/b is gated: accept its terms on its page"),
        (403, {}, "the server answers 403, it is not allowed"),
        (404, {"X-Error-Code": "RepoNotFound"}, "there is no repository a/b"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "a/b has no such revision"),
        (418, {}, "a/b: the server answers 418"),
        (429, {"Retry-After": "3600"}, "it asks to wait 3600 s"),
        (200, {}, "does not answer like a hub"),
    ],
)
def test_refusals_of_the_repository(
    puller: Puller, status: int, headers: dict[str, str], expected: str
) -> None:
    puller.hub.refusals = [(status, headers)]
    assert expected in puller.trouble("a/b")
    assert puller.pauses == []


@pytest.mark.parametrize(("status", "expected"), [(401, "it wants a login"), (404, "it is not there")])
def test_refusals_of_the_file(puller: Puller, status: int, expected: str) -> None:
    repository = hub.look("a/b", "main", puller.pauses.append)
    remote = hub.remote(repository, repository.files[0], puller.places.cache)
    puller.hub.refusals = [(status, {})]
    with pytest.raises(Trouble, match=f"Model-Q2.gguf: the server answers {status}, {expected}"):
        download(remote, huggingface_hub.get_session(), puller.report, puller.pauses.append)


def test_a_busy_server_is_waited_for_as_it_asks(puller: Puller) -> None:
    puller.hub.refusals = [(503, {}), (429, {"Retry-After": "7"}), (429, {"Retry-After": "Fri, 1 Jan 2027"})]
    assert puller("a/b").read_bytes() == DATA
    assert puller.pauses == [1.0, 7.0, 4.0]


def test_a_server_that_is_not_there(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached" in puller.trouble("a/b")
    assert puller.pauses == [1.0, 2.0, 4.0, 8.0]


def test_a_login_that_is_not_valid_does_not_close_what_is_open(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stale")
    assert puller("a/b").read_bytes() == DATA
    assert puller.hub.logins == ["Bearer hf_stale", "", ""]


def test_a_private_repository_with_a_login(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    puller.hub.private, puller.hub.token = True, "hf_good"
    assert "or it is private" in puller.trouble("a/b")
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert puller("a/b").read_bytes() == DATA


def test_another_host_is_followed_to(puller: Puller) -> None:
    puller.hub.redirect = True
    assert puller("a/b").read_bytes() == DATA


def test_redirects_without_end(puller: Puller) -> None:
    circles = [(302, {"Location": "/login"})] * 50
    puller.hub.refusals = [*circles]
    assert "from one address to the next without end" in puller.trouble("a/b")
    puller.hub.refusals = [*circles]
    assert "from one address to the next without end" in puller.trouble(f"{puller.hub.url}/x.gguf")
    puller.hub.refusals = []
    repository = hub.look("a/b", "main", puller.pauses.append)
    remote = hub.remote(repository, repository.files[0], puller.places.cache)
    puller.hub.refusals = [*circles]
    with pytest.raises(Trouble, match="from one address to the next without end"):
        download(remote, huggingface_hub.get_session(), puller.report, puller.pauses.append)
    assert puller.pauses == []


def test_an_address_that_is_none(puller: Puller) -> None:
    assert "is no URL" in puller.trouble("http://[::1/x.gguf")


def test_paths_that_lead_out_of_the_cache_are_not_taken(puller: Puller) -> None:
    puller.hub.files = {"../../../evil.gguf": DATA, "/evil.gguf": DATA, "a//evil.gguf": DATA}
    assert puller.trouble("a/b") == "a/b has no GGUF files"


def test_a_digest_that_is_none_is_not_a_path(puller: Puller) -> None:
    lfs = {"size": len(DATA), "sha256": "../../x", "pointerSize": 1}
    puller.hub.announced["Model-Q2.gguf"] = {"lfs": lfs}
    assert "does not say the size and the digest of Model-Q2.gguf" in puller.trouble("a/b")


def test_one_of_several_files(puller: Puller) -> None:
    puller.hub.files = {
        "Foo-Q2.gguf": DATA, "sub/Foo-Q4.gguf": DATA[:5000],
        "Big-00001-of-00002.gguf": DATA[:6000], "Big-00002-of-00002.gguf": DATA[:7000],
    }  # fmt: skip
    problem = puller.trouble("a/b")
    assert problem.startswith("a/b has several, name one: Big-00001-of-00002.gguf (0.0 GB), Foo-Q2.gguf ")
    assert puller.trouble("a/b:q8").startswith("a/b has no q8; it has Big-00001")
    assert puller("a/b:sub/Foo-Q4.gguf").name == "Foo-Q4.gguf"
    assert puller("a/b:foo-q4.GGUF").name == "Foo-Q4.gguf"
    assert puller("a/b:*q2*").name == "Foo-Q2.gguf"
    first = puller("a/b:Big")
    assert first.name == "Big-00001-of-00002.gguf"
    assert (first.parent / "Big-00002-of-00002.gguf").stat().st_size == 7000


def test_revisions(puller: Puller) -> None:
    assert puller("a/b", "old").parent.name == COMMIT
    assert (puller.places.cache / "models--a--b" / "refs" / "old").read_text() == COMMIT
    assert "no such revision" in puller.trouble("a/b", "none")


def test_what_a_source_means(puller: Puller) -> None:
    source = pull.Source
    assert pull.parse("a/b", None) == source("a/b")
    assert pull.parse("a/b:c/d.gguf", "v1") == source("a/b", "c/d.gguf", "v1")
    for base in ("https://huggingface.co", "https://hf.co", puller.hub.url):
        blob = f"{base}/a/b/blob/v2/c/d%20e.gguf?download=1"
        assert pull.parse(blob, None) == source("a/b", "c/d e.gguf", "v2")
        assert pull.parse(f"{base}/a/b/resolve/main/d.gguf", None) == source("a/b", "d.gguf", "main")
        assert pull.parse(f"{base}/a/b", None) == source("a/b")
        assert pull.parse(f"{base}/a/b/tree/v3", None) == source("a/b", revision="v3")
    url = "https://example.org/a/b/resolve/main/d.gguf"
    assert pull.parse(url, None) == source(url=url)
    for wrong in ("a", "a/b/c", "", "../b", "ftp://x/y.gguf"):
        with pytest.raises(Trouble):
            pull.pull(pull.parse(wrong, None), puller.places, puller.report, puller.pauses.append)


def test_a_plain_url(puller: Puller) -> None:
    puller.hub.files["/x/y/Plain.gguf"] = DATA
    path = puller(f"{puller.hub.url}/x/y/Plain.gguf?key=1")
    assert path == puller.places.own / "Plain.gguf"
    assert path.read_bytes() == DATA
    assert (puller.places.own / "Plain.gguf.sha256").read_text() == f"{SHA}  Plain.gguf\n"
    assert digests.known(path) == Digest("sha256", SHA, "Plain.gguf.sha256")
    assert puller.listed() == ["plain"]
    assert "exists already" in puller.trouble(f"{puller.hub.url}/x/y/Plain.gguf")


def test_a_plain_url_goes_on_only_with_the_same_version(puller: Puller) -> None:
    puller.hub.files["/x/y/Plain.gguf"] = DATA
    url = f"{puller.hub.url}/x/y/Plain.gguf"
    puller.hub.breaks = [100_000, 0, 0, 0, 0, 0]
    puller.trouble(url)
    assert list(puller.partials.values()) == [100_000]
    puller.hub.etag, puller.hub.files["/x/y/Plain.gguf"] = '"2"', DATA[::-1]
    puller.hub.breaks = []
    assert puller(url).read_bytes() == DATA[::-1]
    assert puller.partials == {}


def test_a_plain_url_whose_file_changes_meanwhile_is_never_a_mixture(puller: Puller) -> None:
    puller.hub.files["/x/y/Plain.gguf"] = DATA
    puller.hub.breaks = [100_000]

    def pause(_seconds: float) -> None:
        puller.hub.etag, puller.hub.files["/x/y/Plain.gguf"] = '"2"', DATA[::-1]

    source = pull.parse(f"{puller.hub.url}/x/y/Plain.gguf", None)
    (path,) = pull.pull(source, puller.places, puller.report, pause)
    assert path.read_bytes() == DATA[::-1]


def test_a_plain_url_without_length_or_ranges(puller: Puller) -> None:
    puller.hub.files["/x/y/Plain.gguf"] = DATA
    puller.hub.ranges, puller.hub.extra = False, b"end"
    assert puller(f"{puller.hub.url}/x/y/Plain.gguf").read_bytes() == DATA + b"end"


@pytest.mark.parametrize("path", ["x", ".x.gguf", "x%2Fy.gguf", "..%2f..%2fx.gguf"])
def test_urls_whose_names_are_no_files_of_ours(puller: Puller, path: str) -> None:
    assert "does not name a .gguf file" in puller.trouble(f"{puller.hub.url}/{path}")


def test_large_files_are_asked_for_in_segments(puller: Puller) -> None:
    repository = hub.look("a/b", "main", puller.pauses.append)
    remote = hub.remote(repository, repository.files[0], puller.places.cache)
    download(remote, huggingface_hub.get_session(), puller.report, puller.pauses.append, segment=200_000)
    assert remote.target.read_bytes() == DATA
    assert [wanted for _, wanted in puller.hub.requests[1:3]] == ["bytes=0-199999", "bytes=200000-399999"]


@pytest.mark.parametrize("segment", [200_000, len(DATA), len(DATA) + 1])
def test_segments_of_a_file_of_unknown_size(puller: Puller, segment: int) -> None:
    puller.hub.files["/x.gguf"], puller.hub.sized = DATA, False
    own = puller.places.own
    remote = Remote(f"{puller.hub.url}/x.gguf", "x", own / "x", own / ".x", None, None, version='"1"')
    client = huggingface_hub.get_session()
    assert download(remote, client, puller.report, puller.pauses.append, segment=segment) == SHA
    assert (remote.target.read_bytes(), puller.pauses) == (DATA, [])


def test_two_downloads_of_one_file_do_not_mix(puller: Puller) -> None:
    remote = Remote(puller.hub.url, "x", puller.places.own / "x", puller.places.own / ".x", 5, None)
    puller.places.own.mkdir()
    with remote.partial.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Trouble, match="x is being loaded by another process"):
            download(remote, huggingface_hub.get_session(), puller.report, puller.pauses.append)


def test_a_file_that_is_being_loaded_from_elsewhere_is_left_alone(puller: Puller) -> None:
    puller.hub.files["/x.gguf"] = puller.hub.files["/y/z/x.gguf"] = DATA
    puller.hub.breaks = [100_000, 0, 0, 0, 0, 0]
    puller.trouble(f"{puller.hub.url}/x.gguf")
    puller.hub.breaks = []
    (partial,) = puller.places.own.glob(".*.partial")
    with partial.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        problem = puller.trouble(f"{puller.hub.url}/y/z/x.gguf")
        assert "x.gguf is being loaded by another process, from another address" in problem
        assert puller.partials == {partial.name: 100_000}
    assert puller(f"{puller.hub.url}/y/z/x.gguf").read_bytes() == DATA
    assert puller.partials == {}


def test_a_blob_that_lost_its_name_is_not_loaded_again(puller: Puller) -> None:
    link = puller("a/b")
    link.unlink()
    puller.hub.requests.clear()
    assert puller("a/b") == link
    assert os.path.lexists(link)
    assert len(puller.hub.requests) == 1


def test_removal_takes_the_blobs_and_leaves_the_rest(puller: Puller) -> None:
    puller.hub.files["Other.gguf"] = DATA[:9000]
    first, second = puller("a/b:Model"), puller("a/b:Other")
    hub.removal([first], puller.places.cache).execute()
    assert not os.path.lexists(first)
    blobs = puller.places.cache / "models--a--b" / "blobs"
    assert [path.name for path in blobs.iterdir()] == [hashlib.sha256(DATA[:9000]).hexdigest()]
    assert second.read_bytes() == DATA[:9000]
    hub.removal([second], puller.places.cache).execute()
    assert not (puller.places.cache / "models--a--b").exists()
