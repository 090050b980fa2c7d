import { expect, test } from "vitest";
import type { Status } from "../src/protocol";
import { line } from "../src/status-text";

const at = (status: Status, here = false) => line("running", status, "", here);

test.each<[Status, string]>([
  [{ phase: "idle", model: "/m/ds4-tiny.gguf" }, "$(sparkle) ds4-tiny.gguf"],
  [{ phase: "prefill", percent: 42.9, tokensPerSecond: 311.6 }, "$(loading~spin) ds4 reading 42 % 312 tok/s"],
  [{ phase: "decode", what: "chat", tokensPerSecond: 20 }, "$(loading~spin) ds4 answering 20 tok/s"],
  [{ phase: "decode" }, "$(loading~spin) ds4 writing"],
  [{ phase: "loading", percent: 0 }, "$(loading~spin) ds4 loading 0 %"],
  [{ phase: "queued", queuePosition: 2 }, "$(clock) ds4 waiting, 2 before"],
  [{ phase: "lost", message: "gone" }, "$(warning) ds4 engine lost"],
  [{ phase: "paused" }, "$(debug-pause) ds4 paused"],
])("%j", (status, text) => {
  expect(at(status).text).toBe(text);
});

test("what was cached and what was read again", () => {
  const { tooltip } = at({ phase: "idle", cachedTokens: 12345, rereadTokens: 6 });
  expect(tooltip).toContain("12,345 tokens cached, 6 re-read");
});

test("only a lost engine and a failed server alarm", () => {
  expect(at({ phase: "lost" }).alarming).toBe(true);
  expect(line("failed", undefined, "no program", false)).toEqual({ text: "$(error) ds4", tooltip: "no program", alarming: true });
  expect(at({ phase: "idle" }).alarming).toBe(false);
  expect(line("stopped", undefined, "", false).alarming).toBe(false);
});

test("a pause of this file shows while nothing else goes on", () => {
  expect(at({ phase: "idle" }, true).text).toContain("paused here");
  expect(at({ phase: "prefill" }, true).text).not.toContain("paused");
});

test("a model's name makes no icon", () => {
  expect(at({ phase: "idle", model: "$(bomb)" }).text).toBe("$(sparkle) (bomb)");
});
