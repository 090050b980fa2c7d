import { beforeEach, describe, expect, it } from "vitest";

import { figures, summary } from "../../src/agent/figures";
import { Session } from "../../src/agent/session";
import type { AgentProgress } from "../../src/protocol";

let session: Session;
let now = 0;
beforeEach(() => {
  session = new Session("s1", "Fix it", "file:///w", true, 0);
  now = 1000;
});

const hear = (type: string, more: Record<string, unknown> = {}): void => {
  session.hear({ type, ...more }, now);
};
const progress = (more: Partial<AgentProgress>): void => {
  session.progress({ session: "s1", phase: "idle", seconds: 0, promptTokens: 0, cachedTokens: 0, rereadTokens: 0, completionTokens: 0, ...more });
};
const item = (id: string, type: string, more: Record<string, unknown> = {}): { item: Record<string, unknown> } => ({
  item: { id, type, ...more },
});

describe("a session of the agent", () => {
  it("shows what is said, run and changed", () => {
    hear("session.started", { session_id: "s1" });
    hear("item.started", item("item_0", "agent_message", { text: "" }));
    hear("item.updated", item("item_0", "agent_message", { delta: "I look\n" }));
    hear("item.updated", item("item_0", "agent_message", { delta: "closer" }));
    expect(session.steps).toMatchObject([{ kind: "message", title: "I look", text: "I look\ncloser", state: "running" }]);
    hear("item.completed", item("item_0", "agent_message", { text: "I look\ncloser" }));
    hear("item.started", item("item_1", "command_execution", { command: "make", status: "in_progress" }));
    const ran = { command: "make", aggregated_output: "no\n", exit_code: 2, status: "failed" };
    hear("item.completed", item("item_1", "command_execution", ran));
    const changed = { path: "a.py", diff: "@@ -1 +1 @@\n-a\n+b\n", status: "completed" };
    hear("item.completed", item("item_2", "file_change", changed));
    expect(session.steps.slice(1)).toMatchObject([
      { kind: "command", title: "make", text: "$ make\nno\n", state: "failed", note: "exit 2" },
      { kind: "change", path: "a.py", diff: changed.diff, state: "done", note: "" },
    ]);
  });

  it("counts tokens and seconds over all turns", () => {
    hear("session.started");
    now += 4500;
    expect(session.seconds(now)).toBe(4.5);
    progress({ phase: "prefill", percent: 41.6 });
    expect(summary(session, now)).toBe("reading 42 % · 4 s");
    progress({ phase: "decode", promptTokens: 100, cachedTokens: 60, rereadTokens: 7, completionTokens: 12 });
    expect(summary(session, now)).toBe("writing · 4 s · 100 tokens read (60 cached), 12 written · 7 read again");
    progress({ phase: "decode", promptTokens: 100, cachedTokens: 60, rereadTokens: 7, completionTokens: 20 });
    hear("session.completed", { status: "completed", exit_code: 0 });
    now += 60_000;
    hear("session.started");
    expect(session.doing).toBe("waiting for the engine");
    now += 1500;
    progress({ phase: "idle", promptTokens: 40, cachedTokens: 40, completionTokens: 3 });
    expect(session.doing).toBe("at work");
    hear("session.completed", { status: "interrupted" });
    expect(summary(session, now + 99_000)).toBe("interrupted · 6 s · 140 tokens read (100 cached), 23 written · 7 read again");
    expect(session.running).toBe(false);
    const idle = new Session("s0", "Old", "file:///w", false, 0);
    expect(figures([idle, session], now)).toBe(summary(session, now));
    expect(figures([idle], now)).toBeUndefined();
  });

  it("keeps the steps of an earlier turn, whose ids come again", () => {
    for (const text of ["one", "two"]) {
      hear("session.started");
      hear("item.completed", item("item_0", "agent_message", { text }));
      hear("session.completed", { status: "completed" });
    }
    expect(session.steps.map(({ text }) => text)).toEqual(["one", "two"]);
    expect(new Set(session.steps.map(({ id }) => id)).size).toBe(2);
  });

  it("leaves nothing running when a turn ends, and says once why it failed", () => {
    hear("session.started");
    hear("item.started", item("item_0", "command_execution", { command: "sleep 9", status: "in_progress" }));
    hear("error", { message: "the engine was lost", kind: "engine_lost" });
    hear("turn.failed", { error: { message: "the engine was lost" }, usage: {} });
    hear("session.completed", { status: "engine_lost" });
    expect(session.steps.map(({ kind, state }) => [kind, state])).toEqual([
      ["command", "failed"],
      ["error", "done"],
    ]);
  });

  it("takes events it does not know, or that lack what they should have", () => {
    for (const type of ["news", "turn.failed", "cache", "turn.completed", "session.completed"]) hear(type);
    expect(session.tokens).toEqual({ read: 0, cached: 0, reread: 0, written: 0 });
  });
});
