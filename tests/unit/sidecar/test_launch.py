"""The command line of an engine, for stand-ins of every generation: each must be able to parse it."""

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from ds4agent.engine.lock import take_lock
from ds4agent.sidecar import fit, kv_folder, launch
from ds4agent.sidecar.capabilities import Capabilities
from ds4agent.sidecar.fit import GIB, Memory
from ds4agent.sidecar.launch import Plan, PlanError
from ds4agent.sidecar.launch_options import FLAGS, Model, Options
from tests.standins import ds4_flags

FLASH = Model(Path("/m/flash.gguf"), 81 * GIB)
BIG = Memory(512 * GIB, 500 * GIB)
EVERYTHING = Options(
    ctx=50_000, tokens=1000, threads=4, power=80, prefill_chunk=4096, sessions=3, quality=True,
    warm_weights=True, cors=True, trace=Path("/t"), vision=Path("/v"), steering_file=Path("/s"),
    steering_ffn=1.5, steering_attn=-2.0, mtp=True, mtp_file=Path("/d"), mtp_draft=4,
    mtp_margin=2.5, dspark=True, ssd_streaming="off", ssd_cold=True, ssd_cache_experts="8GB",
    ssd_preload_experts=9, kv_dir=Path("/kv"), kv_space_mb=10, kv_min_tokens=600,
    kv_cold_max_tokens=0, kv_interval=0, kv_trim=0, kv_align=0, kv_reject_other_quant=True,
    tool_memory=7, canonical_tools=True,
)  # fmt: skip


def _known(generation: str) -> Capabilities:
    return Capabilities("x", {n: flag.value for flag in ds4_flags.FLAGS[generation] for n in flag.names})


def _plan(
    generation: str = "june",
    options: Options | None = None,
    memory: Memory = BIG,
    model: Model = FLASH,
    **more: Any,
) -> Plan:
    options = options or Options()
    more = {"support": None, "system": "Linux"} | more
    return launch.plan(
        ("/bin/ds4-server",), more["support"], _known(generation), model, options, memory, more["system"]
    )


def _parsed(generation: str, plan: Plan) -> dict[str, object]:
    return ds4_flags.parse(generation, list(plan.argv[1:])).values


@pytest.mark.parametrize("generation", ds4_flags.GENERATIONS)
def test_every_generation_understands_all_that_can_be_set(generation: str) -> None:
    plan = _plan(generation, EVERYTHING)
    values = _parsed(generation, plan)
    assert values["--ctx"] == 50_000
    assert values["--kv-disk-dir"] == "/kv"
    assert values["--kv-cache-continued-interval-tokens"] == 0
    assert values["--dir-steering-attn"] == -2.0
    unknown = [flag for _, flag, _ in FLAGS if not _known(generation).has(flag)]
    for flag in unknown:
        assert flag not in plan.argv
        assert any(f"knows no {flag}: " in note for note in plan.notes), flag
    assert ("--power" in plan.argv) == (generation != "may")


def test_every_option_is_used() -> None:
    by_hand = {"host", "port", "ctx", "mtp", "mtp_file", "ssd_streaming", "extra"}
    assert {f.name for f in fields(Options)} == by_hand | {name for name, _, _ in FLAGS}


def test_the_least_that_is_said() -> None:
    plan = _plan()
    assert plan.argv == (
        *("/bin/ds4-server", "--model", "/m/flash.gguf", "--host", "127.0.0.1", "--port", "8000"),
        *("--ctx", "393216"),
    )
    assert plan.notes == ()
    assert (plan.host, plan.port, plan.ctx, plan.kv_dir) == ("127.0.0.1", 8000, 393_216, None)


@pytest.mark.parametrize(
    ("generation", "words"),
    [("may", ["--mtp", "/d"]), ("june", ["--mtp", "/d"]), ("late", ["--mtp-model", "/d"])],
)
def test_a_file_of_draft_layers_goes_where_the_binary_takes_it(generation: str, words: list[str]) -> None:
    argv = _plan(generation, Options(mtp_file=Path("/d"), mtp_draft=2)).argv
    at = argv.index(words[0])
    assert list(argv[at : at + 2]) == words
    assert argv[argv.index("--mtp-draft") + 1] == "2"


def test_draft_layers_inside_the_model() -> None:
    assert _parsed("late", _plan("late", Options(mtp=True)))["--mtp"] is True
    plan = _plan("june", Options(mtp=True))
    assert "--mtp" not in plan.argv
    assert any("nothing is drafted" in note for note in plan.notes)
    assert any("does not draft" in note for note in _plan("late", Options(mtp=True, sessions=2)).notes)


@pytest.mark.parametrize(("system", "passed"), [("Darwin", True), ("Linux", False)])
def test_metal_is_said_on_a_mac_only(system: str, passed: bool) -> None:
    assert ("--metal" in _plan(system=system).argv) == passed


def test_the_engine_changes_to_its_shaders_and_all_paths_are_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = Model(Path("m.gguf"), GIB)
    options = Options(kv_dir=Path("kv"), trace=Path("t"), extra=("--dir-steering-file", "s"))
    assert "--chdir" not in _plan(options=options, model=model, support=tmp_path).argv
    (tmp_path / "metal").mkdir()
    plan = _plan(options=options, model=model, support=tmp_path)
    values = _parsed("june", plan)
    assert values["--chdir"] == str(tmp_path)
    assert values["--model"] == str(tmp_path / "m.gguf")
    assert values["--kv-disk-dir"] == str(tmp_path / "kv")
    assert values["--trace"] == str(tmp_path / "t")
    assert any("--dir-steering-file s is looked for in" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("extra", "flag", "value", "note"),
    [
        (("--ctx", "500"), "--ctx", 500, "your --ctx 500 replaces --ctx 393216"),
        (("-c", "500"), "--ctx", 500, "your --ctx 500 replaces --ctx 393216"),
        (("--port", "9"), "--port", 9, "your --port 9 replaces --port 8000"),
        (("-m", "/x.gguf"), "--model", "/x.gguf", "your --model /x.gguf replaces --model /m/flash.gguf"),
        (("--kv-disk-dir", "/y"), "--kv-disk-dir", "/y", "your --kv-disk-dir /y replaces --kv-disk-dir /kv"),
        (("--ctx", "1", "--ctx", "2"), "--ctx", 2, "your --ctx 1 replaces"),
        (("--listen", "h", "1", "--quality"), "--quality", True, ""),
        (("--simulate-used-memory", "64GB"), "--simulate-used-memory", "64GB", ""),
    ],
)
def test_the_users_own_arguments_win_and_conflicts_are_named(
    extra: tuple[str, ...], flag: str, value: object, note: str
) -> None:
    plan = _plan(options=Options(kv_dir=Path("/kv"), extra=extra))
    assert plan.argv[-len(extra) :] == extra
    ours = plan.argv[: -len(extra)]
    assert flag not in ours
    assert not note or any(note in line for line in plan.notes)
    if "--listen" not in extra:
        assert _parsed("june", plan)[flag] == value


def test_what_is_in_force_in_the_end_is_told() -> None:
    extra = ("--host", "0.0.0.0", "--port", "9", "-c", "77", "--kv-disk-dir", "/y")
    plan = _plan(options=Options(kv_dir=Path("/kv"), extra=extra))
    assert (plan.host, plan.port, plan.ctx, plan.kv_dir) == ("0.0.0.0", 9, 77, Path("/y"))


def test_a_backend_of_the_users_replaces_ours() -> None:
    plan = _plan(options=Options(extra=("--cpu",)), system="Darwin")
    assert "--metal" not in plan.argv
    assert plan.notes == ("your --cpu replaces --metal",)


@pytest.mark.parametrize(
    ("extra", "note"),
    [
        (("--batched-session", "2"), "knows no --batched-session"),
        (("--ctx=5",), "takes --ctx and its value as two words"),
        (("stray",), "follows no flag"),
    ],
)
def test_arguments_that_the_engine_would_refuse_are_told(extra: tuple[str, ...], note: str) -> None:
    plan = _plan("june", Options(extra=extra))
    assert plan.argv[-len(extra) :] == extra
    assert any(note in line for line in plan.notes)


@pytest.mark.parametrize(
    ("gib", "ctx"),
    [
        (16, 32_768),
        (64, 32_768),
        (96, 100_000),
        (191, 100_000),
        (192, 250_000),
        (383, 250_000),
        (384, 393_216),
    ],
)
def test_the_context_follows_memory(gib: int, ctx: int) -> None:
    assert fit.ladder(gib * GIB) == ctx
    small = replace(FLASH, size=GIB)
    assert _plan(memory=Memory(gib * GIB, gib * GIB), model=small).ctx == ctx
    assert _plan(memory=Memory(gib * GIB, gib * GIB), model=replace(small, most_ctx=20_000)).ctx == 20_000


def test_less_context_where_less_fits() -> None:
    plan = _plan(memory=Memory(128 * GIB, 92 * GIB))
    assert plan.ctx == 65_536
    assert any("not 100,000" in note for note in plan.notes)
    assert "--ssd-streaming" not in plan.argv


@pytest.mark.parametrize("ctx", [0, -1, 1_000_001])
def test_contexts_that_are_not_possible(ctx: int) -> None:
    with pytest.raises(PlanError, match="takes 1 to 1,000,000"):
        _plan(options=Options(ctx=ctx))
    with pytest.raises(PlanError, match="takes 1 to 4,096"):
        _plan(options=Options(ctx=5000), model=replace(FLASH, most_ctx=4096))


@pytest.mark.parametrize(
    ("generation", "setting", "gib", "mtp", "streams"),
    [
        ("june", "auto", 64, False, True),
        ("june", "auto", 512, False, False),
        ("june", "on", 512, False, True),
        ("june", "off", 64, False, False),
        ("may", "auto", 64, False, False),
        ("may", "on", 64, False, False),
        ("june", "auto", 64, True, False),
        ("late", "auto", 64, True, True),
    ],
)
def test_ssd_streaming(generation: str, setting: str, gib: int, mtp: bool, streams: bool) -> None:
    options = Options(ssd_streaming=setting, mtp_file=Path("/d") if mtp else None)
    plan = _plan(generation, options, Memory(gib * GIB, gib * GIB))
    assert ("--ssd-streaming" in plan.argv) == streams
    short = gib == 64
    assert any("are needed for a context" in note for note in plan.notes) == short


def test_ssd_streaming_and_a_draft_file_exclude_each_other_in_older_engines() -> None:
    with pytest.raises(PlanError, match="exclude each other"):
        _plan("june", Options(ssd_streaming="on", mtp_file=Path("/d")))
    with pytest.raises(PlanError, match="auto, on or off"):
        _plan("june", Options(ssd_streaming="yes"))


def test_what_fits_is_monotone_and_says_so() -> None:
    per_token = fit.bytes_per_token()
    assert per_token == 13_760
    for gib in range(60, 140, 4):
        memory = Memory(128 * GIB, gib * GIB)
        found = fit.what_fits(FLASH.size, memory, 100_000, per_token)
        more = fit.what_fits(FLASH.size, Memory(128 * GIB, (gib + 4) * GIB), 100_000, per_token)
        assert set(found.contexts) <= set(more.contexts)
        assert ("fits" in found.advice) == (found.needed <= memory.available)
    assert (
        "would fit (--ctx 65536)"
        in fit.what_fits(81 * GIB, Memory(128 * GIB, 92 * GIB), 10**6, per_token).advice
    )
    assert (
        "cannot hold the weights (81 GiB)"
        in fit.what_fits(81 * GIB, Memory(64 * GIB, 60 * GIB), 1, per_token).advice
    )


def test_memory_of_a_container_is_its_limit() -> None:
    files = {
        "/proc/meminfo": "MemTotal: 99 kB\nMemAvailable: 1048576 kB\n",
        "/sys/fs/cgroup/memory.max": str(3 << 20),
        "/sys/fs/cgroup/memory.current": str(1 << 20),
    }
    assert fit.memory("Linux", lambda path: files[path]) == Memory(3 << 20, 2 << 20)
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert fit.memory("Linux", lambda path: files[path]).available == GIB


@pytest.mark.parametrize(("said", "part"), [("0\n", 0.75), ("", 0.75), ("1024\n", 0.0), ("99999999", 1.0)])
def test_on_a_mac_the_limit_of_metal_counts(said: str, part: float) -> None:
    found = fit.memory("Darwin", sysctl=lambda name: said)
    expected = int(found.total * part) if part else GIB
    assert found.available in (expected, found.total * 2 // 3)


def test_folder_names_are_safe_and_never_shared() -> None:
    names = [
        "flash",
        "Flash",
        "FLASH",
        "a/b",
        "a b",
        "a-b",
        "..",
        "",
        "x" * 200,
        "x" * 201,
        "é",
        "\udcff",
        ".",
    ]
    made = [kv_folder.folder_name(name) for name in names]
    assert len({name.lower() for name in made}) == len(names)
    assert all("/" not in name and name.strip(".") and len(name) < 100 for name in made)
    assert made[0] == "flash"


def test_orphans_go_only_when_nobody_writes(tmp_path: Path) -> None:
    folder, lock = tmp_path / "kv/model", tmp_path / "lock"
    assert kv_folder.prepare(folder, lock) == []
    assert folder.stat().st_mode & 0o777 == 0o700
    key, gone = "0" * 40, 2**22 + 1  # above the highest pid there can be
    kept = [f"{key}.kv", f"{key}.kv.tmp.{os.getpid()}", "notes.kv.tmp.1", f"{key}.kv.tmp.x"]
    for name in [*kept, f"{key}.kv.tmp.{gone}"]:
        (folder / name).touch()
    held = take_lock(lock)
    assert kv_folder.prepare(folder, lock) == []
    os.close(held)
    assert kv_folder.prepare(folder, lock) == [f"{key}.kv.tmp.{gone}"]
    assert sorted(f.name for f in folder.iterdir()) == sorted(kept)


@pytest.mark.parametrize(
    ("gib", "most_ctx", "sessions", "possible"),
    [(128, 0, 1, True), (128, 1_000_000, 1, True), (128, 393_216, 1, True), (96, 0, 1, False),
     (128, 131_072, 1, False), (128, 0, 8, False)],
)  # fmt: skip
def test_a_context_that_a_request_needs_is_possible_or_not(
    gib: int, most_ctx: int, sessions: int, possible: bool
) -> None:
    memory = fit.Memory(gib * fit.GIB, gib * fit.GIB)
    assert fit.can_have(393_216, 81 * fit.GIB, most_ctx, sessions, memory) is possible
