import { expect, test } from "vitest";
import { ending, misfit, Restarts } from "../src/compatible";

test.each([
  ["0.1.0", undefined],
  ["0.1.9", undefined],
  ["0.0.9", "Update ds4agent."],
  ["0.2.0", "Update the extension."],
  ["1.1.0", "Update the extension."],
  ["soon", "Update ds4agent."],
  [undefined, "Update ds4agent."],
])("a server of version %s", (version, advice) => {
  const said = misfit({ name: "ds4agent", version }, "0.1.3", "/usr/bin/ds4agent");
  if (advice === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(advice);
});

test("another server is named", () => {
  expect(misfit({ name: "pylsp", version: "0.1.0" }, "0.1.0", "/x")).toContain("pylsp");
  expect(misfit(undefined, "0.1.0", "/x")).toContain("/x is not ds4agent");
});

test("restarts are bounded within a span, and allowed again after it", () => {
  const restarts = new Restarts(2, 1000);
  expect([0, 10, 20, 999].map((now) => restarts.allowed(now))).toEqual([true, true, false, false]);
  expect(restarts.allowed(1005)).toBe(true);
  expect(restarts.allowed(1006)).toBe(false);
  restarts.forget();
  expect(restarts.allowed(1007)).toBe(true);
});

test("the last line of a traceback says why", () => {
  expect(ending(1, null, "Traceback\n  File\nValueError: no\n\n")).toBe("ended with code 1: ValueError: no");
  expect(ending(null, "SIGKILL", "")).toBe("was ended by SIGKILL");
});
