"""What a user can set about an engine, and the flags that say it."""

from dataclasses import dataclass, field
from pathlib import Path

from ds4agent.sidecar import fit

# Of a KV directory, for a model of that size.
KV_SPACE_MB = 65_536
Value = str | int | float | Path | bool | None


@dataclass(frozen=True, slots=True)
class Model:
    """Facts of a GGUF file. `size`: bytes of all parts. `most_ctx`: tokens it was made for, None: unknown."""

    path: Path
    size: int
    per_token: float = field(default_factory=fit.bytes_per_token)
    most_ctx: int | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the user can set. None and False: left to the engine. `ssd_streaming`: auto, on or off; `mtp`: on
    takes the draft layers of the model itself, `mtp_file` those of a file.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    ctx: int | None = None
    tokens: int | None = None
    threads: int | None = None
    power: int | None = None
    prefill_chunk: int | None = None
    sessions: int | None = None
    quality: bool = False
    warm_weights: bool = False
    cors: bool = False
    trace: Path | None = None
    vision: Path | None = None
    steering_file: Path | None = None
    steering_ffn: float | None = None
    steering_attn: float | None = None
    mtp: bool = False
    mtp_file: Path | None = None
    mtp_draft: int | None = None
    mtp_margin: float | None = None
    dspark: bool = False
    ssd_streaming: str = "auto"
    ssd_cold: bool = False
    ssd_cache_experts: str | None = None
    ssd_preload_experts: int | None = None
    kv_dir: Path | None = None
    kv_space_mb: int | None = KV_SPACE_MB
    kv_min_tokens: int | None = None
    kv_cold_max_tokens: int | None = None
    kv_interval: int | None = None
    kv_trim: int | None = None
    kv_align: int | None = None
    kv_reject_other_quant: bool = False
    tool_memory: int | None = None
    canonical_tools: bool = False
    extra: tuple[str, ...] = ()


# Field of Options, flag, what is lost where the binary does not know it.
FLAGS = (
    ("tokens", "--tokens", "requests without a limit get the engine's own"),
    ("threads", "--threads", "the engine chooses its threads"),
    ("power", "--power", "the GPU runs at full power"),
    ("prefill_chunk", "--prefill-chunk", "prefill goes in the engine's own steps"),
    ("sessions", "--batched-session", "one session is resident, others are read again"),
    ("quality", "--quality", "fast kernels are used"),
    ("warm_weights", "--warm-weights", "the first request reads the weights from disk"),
    ("cors", "--cors", "web pages cannot read the engine's replies"),
    ("trace", "--trace", "no trace is written"),
    ("vision", "--vision", "images cannot be read"),
    ("steering_file", "--dir-steering-file", "answers are not steered"),
    ("steering_ffn", "--dir-steering-ffn", "answers are not steered"),
    ("steering_attn", "--dir-steering-attn", "answers are not steered"),
    ("mtp_draft", "--mtp-draft", "drafts have the engine's own length"),
    ("mtp_margin", "--mtp-margin", "drafts are accepted by the engine's own margin"),
    ("dspark", "--dspark", "nothing is drafted by DSpark"),
    ("ssd_cold", "--ssd-streaming-cold", "popular experts are loaded first"),
    ("ssd_cache_experts", "--ssd-streaming-cache-experts", "the engine sizes its cache of experts"),
    ("ssd_preload_experts", "--ssd-streaming-preload-experts", "the engine chooses what it loads first"),
    ("kv_dir", "--kv-disk-dir", "sessions are read again after a restart"),
    ("kv_space_mb", "--kv-disk-space-mb", "the engine limits its KV directory by itself"),
    ("kv_min_tokens", "--kv-cache-min-tokens", "the engine's own limit holds"),
    ("kv_cold_max_tokens", "--kv-cache-cold-max-tokens", "the engine's own limit holds"),
    ("kv_interval", "--kv-cache-continued-interval-tokens", "checkpoints come at the engine's own interval"),
    ("kv_trim", "--kv-cache-boundary-trim-tokens", "the engine's own trim holds"),
    ("kv_align", "--kv-cache-boundary-align-tokens", "the engine's own alignment holds"),
    ("kv_reject_other_quant", "--kv-cache-reject-different-quant", "those of other quants are used"),
    ("tool_memory", "--tool-memory-max-ids", "the engine's own number of tool calls is remembered"),
    ("canonical_tools", "--disable-exact-dsml-tool-replay", "past tool calls are replayed as sampled"),
)  # fmt: skip
# These say nothing without another that is off.
ONLY_WITH = {"kv_space_mb": "kv_dir", "mtp_draft": "mtp_file", "mtp_margin": "mtp_file"}
