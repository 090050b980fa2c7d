"""The forms of ds4-server's log lines; logparse says how to read them.

The order within a table counts where two forms match the same line: the narrower one comes first.
"""

from dataclasses import dataclass

from ds4agent.wire import logevents as ev


@dataclass(frozen=True, slots=True)
class Form:
    event: type[ev.Event]
    text: str
    constants: tuple[tuple[str, str], ...] = ()


def _forms(event: type[ev.Event], field: str, said: dict[str, str]) -> list[Form]:
    """Forms of one event that differ in a field that the line does not spell."""
    return [Form(event, text, ((field, value),)) for text, value in said.items()]


# Of processes that end at once.
FATAL = [Form(ev.StartFailed, "out of memory", (("reason", "memory"),))]

SERVER = [
    *FATAL,
    Form(
        ev.ContextBuffers,
        "context buffers {mib} MiB (ctx={ctx}, backend={backend*}, prefill_chunk={prefill_chunk}, "
        "raw_kv_rows={raw_kv_rows}, compressed_kv_rows={compressed_kv_rows})",
    ),
    Form(
        ev.DiskCache,
        "KV disk cache {folder*} (budget={budget_mib} MiB, cross-quant={cross_quant*}, min={min}, "
        "cold_max={cold_max}, continued={continued}, trim={trim}, align={align}[, {rest*}])",
    ),
    Form(
        ev.Batched,
        "batched mode enabled resident_sessions={sessions} prefill_quantum={prefill_quantum} "
        "mixed_prefill_quantum={mixed_prefill_quantum}",
    ),
    Form(ev.Listening, "listening on http://{host}:{port}"),
    Form(ev.ShutdownRequested, "shutdown requested, draining requests"),
    Form(ev.Persisting, "persisting current KV cache before shutdown tokens={tokens}"),
    Form(ev.Persisting, "persisting resident KV cache before shutdown slot={slot} tokens={tokens}"),
    Form(ev.Notice, "exact DSML tool replay disabled{rest*}"),
    Form(ev.Notice, "tracing session to {rest*}"),
    Form(ev.Notice, "{n} resident sessions request at least {rest*}"),
    Form(ev.Notice, "context of {asked} tokens asked, the model has {declared}; using {used}"),
    *_forms(
        ev.Trouble,
        "what",
        {
            "accept failed: {rest*}": "accept",
            "failed to create KV cache directory {rest*}": "kv-directory",
            "KV disk cache {folder*} not used: {rest*}": "kv-directory",
        },
    ),
    *_forms(
        ev.StartFailed,
        "reason",
        {
            "failed to listen on {rest*}": "listen",
            "failed to create {backend} session": "memory",
            "failed to chdir to {rest*}": "files",
            "failed to open trace file {rest*}": "files",
            "unknown option: {rest*}": "usage",
            "invalid value for {rest*}": "usage",
            "invalid {option} value: {rest*}": "usage",
            "valid server backends are: {rest*}": "usage",
            "missing value for {rest*}": "usage",
            "{option} must be {rest*}": "usage",
        },
    ),
    Form(
        ev.Miss,
        "live kv cache miss{responses?} live={live} prompt={prompt} common={common}[ vision={vision}] "
        "reason={reason}",
    ),
    *_forms(
        ev.Continuation,
        "protocol",
        {
            "responses live continuation RESPPROTO match={match} ids={ids} cached={cached} prompt={prompt}": (
                "responses"
            ),
            "anthropic live continuation match={match} ids={ids} cached={cached} prompt={prompt}": (
                "anthropic"
            ),
            "thinking live continuation match={match} cached={cached} prompt={prompt}": "thinking",
        },
    ),
    Form(
        ev.ReasoningMissing,
        "responses replay RESPPROTO missing reasoning state; continuing from visible history "
        "source={source} cached={cached} prompt={prompt}",
    ),
    Form(
        ev.ToolCalls,
        r"tool calls ctx={cached}..{prompt}:{suffix}{responses?} n={n} raw_dsml={raw} "
        r"ids=\[{ids}\] names=\[{names}\]",
    ),
    Form(
        ev.Remembered,
        "thinking live checkpoint remembered ctx={cached}..{prompt}:{suffix} live={live} visible={visible}",
    ),
    Form(
        ev.Canonicalised,
        "tool checkpoint canonicalized ctx={ctx} common={common} live={live} canonical={canonical}",
    ),
    Form(
        ev.Rebuild,
        "tool checkpoint canonicalization needs {tokens} tokens rebuild ctx={ctx} request_ctx={request} "
        "reason={reason} tail={tail} discard={discard} common={common} live={live} target={target} "
        "cached={cached} source={source}[ file={path*}]",
    ),
    Form(
        ev.RebuildDone,
        "tool checkpoint rebuild done ctx={ctx} request_ctx={request} source={source} cached={cached} "
        "replay={replay} target={target} {seconds}s",
    ),
    Form(ev.RebuildFailed, "tool checkpoint rebuild failed {detail*}"),
    Form(ev.RebuildFailed, "tool checkpoint canonicalization failed {detail*}"),
    Form(
        ev.CacheHit,
        "kv cache hit text{responses?} tokens={tokens} text={text} quant={quant} key={key} load={ms} ms"
        "{consumed?} file={path*}",
    ),
    Form(
        ev.CacheStored,
        "kv cache stored tokens={tokens} trimmed={trimmed} reason={reason} key={key} size={mib} MiB "
        "save={ms} ms",
    ),
    Form(
        ev.CacheEvicted,
        "kv cache evicted reason={reason} tokens={tokens} hits={hits} size={mib} MiB file={path*}",
    ),
    Form(ev.CacheSkipped, "kv cache skipped tokens={tokens}[ reason={reason}] because {why*}"),
    Form(ev.PrefixReused, "kv cache prefix reused source={source} cached={cached} prompt={prompt}"),
    Form(ev.Prefetched, "kv cache prefetched cached={cached} read={read} prompt={prompt} {seconds}s"),
    *_forms(
        ev.CacheFailed,
        "what",
        {
            "kv cache store failed {detail*}": "store",
            "kv cache failed to create {detail*}": "create",
            "kv cache load failed {detail*}": "load",
            "kv cache discarded {detail*}": "discarded",
            "kv cache replaced incompatible file {detail*}": "replaced",
            "kv cache damaged {detail*}": "damaged",
            "kv cache failed to {detail*}": "other",
            "kv cache cannot {detail*}": "other",
        },
    ),
]

# What follows KIND ctx=CTX[ gen=N][FLAGS].
REQUEST = [
    Form(ev.PromptStart, "prompt start"),
    Form(ev.PromptDone, "prompt done {seconds}s"),
    Form(
        ev.Prefill,
        "{phase*} chunk {done}/{total} ({percent}%) chunk={chunk_rate} t/s avg={rate} t/s {seconds}s",
    ),
    Form(ev.Decode, "decoding chunk={chunk_rate} t/s avg={rate} t/s {seconds}s"),
    Form(ev.Finish, 'finish={finish}[ error="{error*}"] {seconds}s'),
    *_forms(
        ev.Broken,
        "how",
        {
            said + "{rest*}": said
            for said in (
                "stream closed during prefill",
                "sse headers failed",
                "anthropic stream start failed",
                "openai role chunk failed",
                "responses created event failed",
                "prefill failed after stream closed",
                "prefill SSE error failed",
                "final stream failed",
                "client disconnected",
            )
        },
    ),
    *_forms(
        ev.Repair,
        "what",
        {
            "ignored orphan tool-call end marker after {count} generated tokens": "orphan-end",
            "invalid tool call returned as assistant text {rest*}": "returned-as-text",
            "invalid tool call dsml_snippet: {rest*}": "returned-as-text",
            "tool call inside unclosed <think>; forced </think> after {count} generated tokens": (
                "closed-thinking"
            ),
            "repaired unterminated tool call ({count} calls recovered)": "repaired",
            "unterminated tool call; continuing with model-visible tool error": "tool-error",
            "invalid tool call; continuing with model-visible tool error": "tool-error",
            "tool-error continuation appended {count} tokens": "tool-error-appended",
            "recovered a complete tool call from unclosed reasoning after {count} generated tokens": (
                "recovered"
            ),
        },
    ),
]

# Behind "ds4:".
ENGINE = [
    *FATAL,
    Form(ev.Layer, "prefill layer {layer}/{layers}"),
    Form(ev.Layer, "gpu prefill layer {layer}/{layers}"),
    Form(ev.Layer, "gpu prefill token {token} layer {layer}/{layers}"),
    Form(ev.Device, "Metal device not available"),
    Form(ev.Device, "Metal device {name*}, {ram_gib} GiB RAM"),
    Form(ev.Device, "Metal device {name*}"),
    Form(ev.Device, "CUDA backend initialized on {name*}"),
    Form(ev.Loading, "CUDA loading model tensors into device cache: {gib} GiB"),
    Form(ev.Loading, "CUDA loading model tensors {gib} GiB cached"),
    Form(ev.Notice, "CUDA loading model tensors into device cache"),
    Form(ev.Loading, "CUDA copying {gib} GiB model to device memory"),
    Form(ev.Loading, "warming mapped tensor pages: {gib} GiB"),
    Form(ev.Notice, "warmed tensor pages in {rest*}"),
    Form(ev.Loaded, "CUDA startup model cache prepared {gib} GiB of tensor spans in {seconds}s"),
    Form(ev.Loaded, "CUDA registered {gib} GiB model mapping for device access"),
    Form(ev.Loaded, "Metal model views created in {rest*} (mapped {mib} MiB from offset {offset} MiB)"),
    Form(ev.Speculator, "MTP support model loaded: {path*} (draft={draft})"),
    Form(ev.BackendReady, "{backend} backend initialized for graph diagnostics"),
    Form(ev.ExpertBudget, "cached expert count: {experts} ({gib} GiB)"),
    Form(
        ev.ExpertBudget,
        "{backend} SSD streaming cache budget {gib} GiB / {each} MiB per expert = {experts} experts",
    ),
    Form(
        ev.ExpertBudget,
        "{backend} SSD streaming {rest*} + {gib} GiB dynamic cache ({experts} experts, {each} MiB each)",
    ),
    Form(
        ev.ExpertCache,
        "streaming expert cache {rest*} entries={entries} {more*} hits={hits} misses={misses}[ {last*}]",
    ),
    Form(ev.Notice, "{backend} SSD streaming {rest*}"),
    *_forms(
        ev.StartFailed,
        "reason",
        {
            "another ds4 process is already running[ (pid {pid})]; refusing to start": "lock",
            "failed to open lock file {rest*}": "lock",
            "failed to lock {rest*}": "lock",
            "failed to truncate lock file {rest*}": "lock",
            "cannot open model {rest*}": "model",
            "cannot stat model {rest*}": "model",
            "cannot mmap model {rest*}": "model",
            "model file is too small to be GGUF": "model",
            "model is not a GGUF file": "model",
            "only GGUF v3 is supported": "model",
            "required tokenizer token is missing: {rest*}": "model",
            "directional steering needs --dir-steering-file": "usage",
            "{backend} failed to map model views; {rest*}": "memory",
            "{backend} failed to prepare startup model cache{rest*}": "memory",
            "{rest*} aborting startup": "backend",
            "{backend} backend requested but this build is linked with {rest*}": "backend",
        },
    ),
]
