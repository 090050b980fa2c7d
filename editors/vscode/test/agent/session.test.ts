import { beforeEach, describe, expect, it } from "vitest";

import { Session, summary } from "../../src/agent/session";

let session: Session;
let now = 0;
beforeEach(() => {
  session = new Session("s1", "Fix it", "file:///w", true, 0);
  now = 1000;
});

const hear = (type: string, more: Record<string, unknown> = {}): void => {
  session.hear({ type, ...more }, now);
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
    hear("cache", { prompt_tokens: 100, cached_tokens: 60, reread_tokens: 7, predicted_tokens: 67 });
    hear("turn.completed", { usage: { input_tokens: 100, cached_input_tokens: 60, output_tokens: 20 } });
    hear("session.completed", { status: "completed", exit_code: 0 });
    now += 60_000;
    hear("session.started");
    now += 1500;
    hear("session.completed", { status: "interrupted" });
    expect(summary(session, now + 99_000)).toBe("interrupted · 6 s · 100 tokens read (60 cached), 20 written · 7 read again");
    expect(session.running).toBe(false);
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
