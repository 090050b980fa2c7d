"""The command line: what is taken, what is refused, and the help that tells of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.engine.flag_table import BY_NAME, FLAGS
from ds4agent.engine.flag_values import Unavailable
from ds4agent.engine.flags import Flags, UsageError, parse_flags
from ds4agent.engine.usage import TOPICS, usage

# Every flag of ds4-server that its supervisors may pass, with a value that it takes.
SUPERVISED = [
    "-m x.gguf", "--model x.gguf", "--mtp d.gguf", "--mtp-draft 4", "--mtp-margin 3.5", "-c 4096",
    "--ctx 4096", "-n 100", "--tokens 100", "-t 2", "--threads 2", "--chdir /tmp", "--quality",
    "--dir-steering-file s.bin", "--dir-steering-file s --dir-steering-ffn 1.5",
    "--dir-steering-file s --dir-steering-attn -2", "--warm-weights", "--cpu", "--backend cpu",
    "--host 0.0.0.0", "--port 8001", "--cors", "--trace t.txt", "--kv-disk-dir kv", "--kv-disk-space-mb 1",
    "--kv-cache-min-tokens 1", "--kv-cache-cold-max-tokens 0", "--kv-cache-cold-max-tokens 512",
    "--kv-cache-continued-interval-tokens 0", "--kv-cache-boundary-trim-tokens 0",
    "--kv-cache-boundary-align-tokens 0", "--kv-cache-reject-different-quant",
    "--disable-exact-dsml-tool-replay", "--tool-memory-max-ids 5", "--power 100", "--ssd-streaming",
    "--ssd-streaming-cold", "--ssd-streaming-cache-experts 7", "--ssd-streaming-cache-experts 16gB",
    "--ssd-streaming-preload-experts 9", "--simulate-used-memory 64GB", "--simulate-used-memory 64",
    "--prefill-chunk 2048", "--role none",
]  # fmt: skip


@pytest.mark.parametrize("line", SUPERVISED)
def test_what_a_supervisor_passes_is_taken(line: str) -> None:
    parse_flags(line.split())


@pytest.mark.parametrize(
    ("line", "flag", "value"),
    [
        ("--ctx 0", "--ctx", "0"), ("-c +5", "-c", "+5"), ("--ctx 5x", "--ctx", "5x"),
        ("--ctx 0x10", "--ctx", "0x10"), ("--ctx 1_0", "--ctx", "1_0"), ("--tokens -1", "--tokens", "-1"),
        ("--ctx 99999999999", "--ctx", "99999999999"), ("--ctx ٣", "--ctx", "٣"),
        ("--port 65536", "--port", "65536"), ("--power 101", "--power", "101"),
        ("--mtp-margin 1001", "--mtp-margin", "1001"), ("--mtp-margin nan", "--mtp-margin", "nan"),
        ("--dir-steering-ffn -100.5", "--dir-steering-ffn", "-100.5"),
        ("--kv-disk-space-mb 0", "--kv-disk-space-mb", "0"),
        ("--kv-cache-boundary-trim-tokens -1", "--kv-cache-boundary-trim-tokens", "-1"),
        ("--simulate-used-memory 64MB", "--simulate-used-memory", "64MB"),
        ("--ssd-streaming-cache-experts GB", "--ssd-streaming-cache-experts", "GB"),
        ("--backend abacus", "--backend", "abacus"), ("--role boss", "--role", "boss"),
    ],
)  # fmt: skip
def test_bad_values(line: str, flag: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"^invalid value for {flag}: ") as caught:
        parse_flags(line.split())
    assert str(caught.value).endswith(f": {value}")
    assert not caught.value.show_usage


def test_a_number_of_many_digits_is_a_bad_value() -> None:
    with pytest.raises(UsageError, match="invalid value"):
        parse_flags(["--ctx", "9" * 5000])


@pytest.mark.parametrize("name", [n for f in FLAGS if f.value for n in f.names])
def test_a_value_must_follow(name: str) -> None:
    with pytest.raises(UsageError, match=f"^missing value for {name}$"):
        parse_flags([name])


def test_an_unknown_option_brings_the_usage() -> None:
    for name in ("--nope", "--ctx=5", "x", ""):
        with pytest.raises(UsageError, match="unknown option: ") as caught:
            parse_flags([name])
        assert caught.value.show_usage


@pytest.mark.parametrize("line", ["--metal", "--cuda", "--rocm", "--backend metal", "--backend rocm"])
def test_other_backends_are_refused(line: str) -> None:
    name = line.split()[-1].lstrip("-")
    with pytest.raises(Unavailable) as caught:
        parse_flags(line.split())
    assert str(caught.value) == (
        f"{name} backend requested but this build has no graph backend support; aborting startup"
    )


def test_flags_that_do_not_go_together() -> None:
    with pytest.raises(UsageError) as caught:
        parse_flags(["--kv-cache-cold-max-tokens", "100"])
    assert str(caught.value) == "--kv-cache-cold-max-tokens must be 0 or >= --kv-cache-min-tokens"
    parse_flags("--kv-cache-cold-max-tokens 100 --kv-cache-min-tokens 100".split())
    with pytest.raises(Unavailable, match="directional steering needs --dir-steering-file"):
        parse_flags(["--dir-steering-attn", "1"])
    with pytest.raises(Unavailable, match="role worker"):
        parse_flags(["--role", "worker"])


def test_what_is_kept() -> None:
    line = "-m a -c 5 -n 6 -t 7 --chdir d --host h --port 0 --cors --trace f --special-tokens-in-text"
    assert parse_flags([]) == Flags()
    assert parse_flags([*line.split(), "--disable-exact-dsml-tool-replay"]) == Flags(
        model=Path("a"), ctx=5, tokens=6, threads=7, chdir=Path("d"), host="h", port=0, cors=True,
        trace=Path("f"), special_tokens_in_text=True, replay=False,
    )  # fmt: skip
    assert parse_flags("-c 5 -c 6".split()).ctx == 6


@pytest.mark.parametrize(
    ("line", "topic"),
    [("-h", ""), ("--help", ""), ("--help all", "all"), ("--help --nope", ""), ("-c 5 --help api", "api")],
)
def test_help_ends_the_reading(line: str, topic: str) -> None:
    assert parse_flags(line.split()).help == topic


def test_all_flags_are_in_the_help_of_their_topic() -> None:
    everything = usage("all")
    for flag in FLAGS:
        entry = f"  {', '.join(flag.names)} {flag.value}".rstrip()
        assert f"\n{entry}" in everything
        assert f"\n{entry}" in usage(flag.topic)
        assert (f"\n{entry}" in usage()) == flag.effect
        assert flag.topic in TOPICS
    assert everything.count("accepted, no effect") == sum(not f.effect for f in FLAGS)
    assert max(map(len, everything.splitlines())) <= 100


def test_an_unknown_topic_gets_a_notice_and_the_usual_help() -> None:
    notice, _, rest = usage("cooking").partition("\n\n")
    assert "cooking" in notice
    assert rest == usage()


@given(st.lists(st.one_of(st.sampled_from(sorted(BY_NAME)), st.text(max_size=6)), max_size=6))
def test_any_command_line_is_taken_or_refused_in_order(arguments: list[str]) -> None:
    try:
        parse_flags(arguments)
    except (UsageError, Unavailable) as error:
        assert str(error)
