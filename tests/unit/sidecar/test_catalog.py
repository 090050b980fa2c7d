"""The listing: models, shards, speculators, reasons, and what a name means."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ds4agent.sidecar.catalog import Catalog, Listing, Model, Resolved, UnknownModel
from tests.gguf_files import ROUTED, ROUTED_END, U16, gguf, header, pair, plain, whole, write


def listing(*roots: Path) -> Listing:
    return Catalog(roots).scan()


def only(found: Listing) -> Model:
    (model,) = found.models
    return model


def reasons(found: Listing) -> dict[str, str]:
    return {other.path.name: other.reason for other in found.rejected}


def shard(path: Path, number: int, count: int, architecture: str = "") -> Path:
    """As a splitter writes them: the first one has the metadata, the others only their number."""
    pairs = [
        pair("split.no", U16, struct.pack("<H", number)),
        pair("split.count", U16, struct.pack("<H", count)),
    ]
    pairs += [plain("general.architecture", architecture)] if architecture else []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole(header(pairs, ROUTED), ROUTED_END))
    return path


def split(folder: Path, stem: str, numbers: list[int], count: int) -> list[Path]:
    return [
        shard(folder / f"{stem}-{n:05}-of-{count:05}.gguf", n - 1, count, "deepseek4" if n == 1 else "")
        for n in numbers
    ]


def snapshot(
    hub: Path, repo: str, commit: str, file: str, blob: str, data: bytes, main: bool = False
) -> Path:
    """A file in a Hugging Face cache."""
    folder = hub / f"models--{repo.replace('/', '--')}"
    stored = folder / "blobs" / blob
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(data)
    link = folder / "snapshots" / commit / file
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(stored)
    if main:
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / "main").write_text(commit)
    return link


def test_a_model_and_its_facts(tmp_path: Path) -> None:
    path = write(tmp_path / "DeepSeek-V4-Flash-Q2.gguf", name="V4", deepseek4__context_length=1 << 20)
    model = only(listing(tmp_path))
    size = path.stat().st_size
    assert (model.id, model.name, model.kind) == ("deepseek-v4-flash-q2", "DeepSeek-V4-Flash-Q2", "model")
    assert (model.path, model.shards, model.missing, model.problem) == (path, (path,), (), "")
    assert (model.size, model.estimate, model.variant) == (size, size + size * 5 // 100, "flash")
    assert model.header.context_length == 1 << 20
    assert model.header.quantisation == "IQ2_XXS/Q2_K"


def test_models_in_folders_take_the_folders_name(tmp_path: Path) -> None:
    write(tmp_path / "Foo" / "model.gguf")
    write(tmp_path / "Two" / "Bar.gguf")
    write(tmp_path / "Two" / "Baz.gguf")
    found = listing(tmp_path)
    assert [(m.id, m.name) for m in found.models] == [
        ("foo", "Foo"), ("two-bar", "Two / Bar"), ("two-baz", "Two / Baz"),
    ]  # fmt: skip


def test_other_architectures_and_broken_files_have_reasons(tmp_path: Path) -> None:
    write(tmp_path / "llama.gguf", "llama")
    write(tmp_path / "none.gguf", "")
    (tmp_path / "stub.gguf").write_bytes(bytes(1000))
    (tmp_path / "half.gguf").write_bytes(gguf()[:-100])
    found = listing(tmp_path)
    assert found.models == ()
    n = len(gguf())
    assert reasons(found) == {
        "llama.gguf": "its architecture is 'llama'; ds4-server runs 'deepseek4'",
        "none.gguf": "its header names no architecture",
        "stub.gguf": r"it is not a GGUF file: it begins with b'\x00\x00\x00\x00', not with b'GGUF'",
        "half.gguf": f"it is not complete: {n - 100} of {n} bytes",
    }


def test_speculators_are_no_models(tmp_path: Path) -> None:
    write(tmp_path / "mtp.gguf", "deepseek4_mtp_support")
    write(tmp_path / "spark.gguf", "deepseek4-dspark")
    found = listing(tmp_path)
    assert found.models == ()
    assert [model.id for model in found.speculators] == ["mtp", "spark"]
    assert found.find("spark.gguf").kind == "speculator"
    with pytest.raises(UnknownModel, match=r"spark is a speculator \(DSpark\): it runs beside a model"):
        found.resolve("spark")


def test_a_split_model_is_one_entry(tmp_path: Path) -> None:
    paths = split(tmp_path, "Big", [1, 2, 3], 3)
    model = only(listing(tmp_path))
    assert (model.id, model.path, model.shards) == ("big", paths[0], tuple(paths))
    assert model.size == sum(path.stat().st_size for path in paths)
    assert model.parameters == 3 * model.header.parameters


def test_missing_shards_are_named(tmp_path: Path) -> None:
    split(tmp_path, "Big", [1, 3], 4)
    model = only(listing(tmp_path))
    assert model.missing == ("Big-00002-of-00004.gguf", "Big-00004-of-00004.gguf")
    assert model.problem == "missing: Big-00002-of-00004.gguf, Big-00004-of-00004.gguf"


def test_shards_without_their_first_are_no_model(tmp_path: Path) -> None:
    split(tmp_path, "Big", [2, 3], 3)
    found = listing(tmp_path)
    assert found.models == ()
    reason = "its first shard, Big-00001-of-00003.gguf, is missing"
    assert reasons(found) == {"Big-00002-of-00003.gguf": reason, "Big-00003-of-00003.gguf": reason}


def test_shards_whose_names_and_headers_differ(tmp_path: Path) -> None:
    shard(tmp_path / "renamed.gguf", 1, 3, "deepseek4")
    shard(tmp_path / "a-00001-of-00002.gguf", 1, 2, "deepseek4")
    write(tmp_path / "b-00001-of-00002.gguf")
    assert reasons(listing(tmp_path)) == {
        "renamed.gguf": "it is shard 2 of 3, but its name does not say so; the others cannot be found",
        "a-00001-of-00002.gguf": "its name says shard 1 of 2, its header 2 of 2",
        "b-00001-of-00002.gguf": "its name says shard 1 of 2, its header 1 of 1",
    }


def test_a_damaged_shard_is_missing_and_has_a_reason(tmp_path: Path) -> None:
    paths = split(tmp_path, "Big", [1, 2], 2)
    paths[1].write_bytes(b"nothing")
    found = listing(tmp_path)
    assert only(found).missing == ("Big-00002-of-00002.gguf",)
    assert list(reasons(found)) == ["Big-00002-of-00002.gguf"]


def test_the_cache_lists_snapshots_and_no_blob_twice(tmp_path: Path) -> None:
    for commit, main in (("aaaaaaaaaa", False), ("bbbbbbbbbb", True)):
        snapshot(tmp_path, "Antirez/V4-GGUF", commit, "Flash-Q2.gguf", "b10b", gguf(), main)
    (tmp_path / "models--Antirez--V4-GGUF" / "blobs" / "stray.gguf.incomplete").write_bytes(gguf())
    model = only(listing(tmp_path))
    assert model.id == "v4-gguf-flash-q2"
    assert model.hub
    assert (model.hub.repo, model.hub.commit, model.hub.file) == (
        "Antirez/V4-GGUF",
        "bbbbbbbbbb",
        "Flash-Q2.gguf",
    )
    assert [path.parent.name for path in model.also] == ["aaaaaaaaaa"]


def test_two_versions_in_the_cache_are_two_models(tmp_path: Path) -> None:
    snapshot(tmp_path, "a/foo", "aaaaaaaaaa", "model.gguf", "1", gguf(name="old"))
    snapshot(tmp_path, "a/foo", "bbbbbbbbbb", "model.gguf", "2", gguf(name="new"), main=True)
    snapshot(tmp_path, "z/foo", "cccccccccc", "model.gguf", "3", gguf(), main=True)
    found = listing(tmp_path)
    assert [(m.id, m.header.name) for m in found.models] == [("foo", "new"), ("foo:z", ""), ("foo:a", "old")]


def test_folders_inside_a_repository_tell_generic_files_apart(tmp_path: Path) -> None:
    snapshot(tmp_path, "a/foo", "aaaaaaaaaa", "Q2/model.gguf", "1", gguf(name="1"))
    snapshot(tmp_path, "a/foo", "aaaaaaaaaa", "Q4/model.gguf", "2", gguf(name="2"))
    assert [m.id for m in listing(tmp_path).models] == ["foo-q2", "foo-q4"]


def test_one_file_in_two_folders_is_one_model(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "x.gguf")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "y.gguf").symlink_to(path)
    (tmp_path / "b" / "z.gguf").hardlink_to(path)
    found = listing(tmp_path / "a", tmp_path / "b", tmp_path)
    assert only(found).id == "x"
    assert found.resolve("y.gguf").model.path == path


def test_colliding_ids_stay_apart(tmp_path: Path) -> None:
    write(tmp_path / "Foo Bar.gguf", name="1")
    write(tmp_path / "foo-bar.gguf", name="2")
    write(tmp_path / "foo_bar.gguf", name="3")
    found = listing(tmp_path)
    assert [m.id for m in found.models] == ["foo-bar", "foo-bar:2", "foo-bar:3"]
    assert found.resolve("FOO_BAR.gguf").model.header.name == "3"


@pytest.fixture
def several(tmp_path: Path) -> Listing:
    write(tmp_path / "one" / "Flash.gguf")
    write(tmp_path / "two" / "Flash.gguf")
    write(tmp_path / "Talk-Chat.gguf")
    write(tmp_path / "talk.gguf")
    snapshot(tmp_path / "hub", "Me/Pro-GGUF", "aaaaaaaaaa", "Pro.gguf", "1", gguf())
    return listing(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected", "thinking"),
    [
        ("one-flash", "one-flash", None),
        ("ONE-Flash", "one-flash", None),
        ("one/flash.GGUF", "one-flash", None),
        ("one-flash-chat", "one-flash", "chat"),
        ("one-flash-think", "one-flash", "think"),
        ("One-Flash-Think-Max", "one-flash", "think-max"),
        ("talk-chat", "talk-chat", None),
        ("talk-chat-chat", "talk-chat", "chat"),
        ("talk-think", "talk", "think"),
        ("Talk-Chat.gguf", "talk-chat", None),
        ("Me/Pro-GGUF", "pro-gguf-pro", None),
        ("me/pro-gguf:pro.gguf", "pro-gguf-pro", None),
        ("me/pro-gguf/pro.gguf-think", "pro-gguf-pro", "think"),
        ("fast", "one-flash", None),
        ("FAST-think", "one-flash", "think"),
        ("deep", "two-flash", "think-max"),
        ("named", "pro-gguf-pro", None),
        ("talk", "talk", None),
    ],
)
def test_what_a_name_means(several: Listing, name: str, expected: str, thinking: str | None) -> None:
    aliases = {
        "Fast": "one-flash",
        "deep": "two-flash-think-max",
        "named": "Me/Pro-GGUF",
        "talk": "one-flash",
    }
    found = several.resolve(name, aliases)
    assert found == Resolved(found.model, found.thinking)
    assert (found.model.id, found.thinking) == (expected, thinking)


def test_paths_resolve(several: Listing) -> None:
    for model in several.models:
        assert several.resolve(str(model.path)).model is model


def test_names_that_mean_nothing_or_too_much(several: Listing, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"'flash\.gguf' fits one-flash, two-flash; name one of these"):
        several.resolve("flash.gguf")
    with pytest.raises(UnknownModel, match="there is no model 'x'; there are talk-chat, "):
        several.resolve("x")
    with pytest.raises(UnknownModel, match="the alias 'x' means 'y', and there is no such model"):
        several.resolve("x", {"x": "y", "y": "one-flash"})
    for name in ("one-flash-reasoner", "one-flash-think-think", "", "-chat"):
        with pytest.raises(UnknownModel):
            several.resolve(name)
    with pytest.raises(UnknownModel, match="there are none"):
        listing(tmp_path / "nothing").resolve("x")


def test_a_rejected_file_says_why(tmp_path: Path) -> None:
    path = write(tmp_path / "llama.gguf", "llama")
    for name in ("llama.gguf", str(path)):
        with pytest.raises(UnknownModel, match="cannot be used: its architecture is 'llama'"):
            listing(tmp_path).resolve(name)


def test_the_catalog_imports_lightly() -> None:
    import subprocess
    import sys

    heavy = (
        "ssl",
        "http.client",
        "urllib.request",
        "email",
        "click",
        "pydantic",
        "asyncio",
        "huggingface_hub",
    )
    code = f"import sys, ds4agent.sidecar.catalog; print([m for m in {heavy!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
