import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ending, misfit, Restarts, versionOf } from "../src/compatible";

test.each([
  ["0.1.0", undefined],
  ["0.1.9", undefined],
  ["0.0.9", "Install ds4agent 0.1."],
  ["0.2.0", "Update the extension, or install ds4agent 0.1 beside it."],
  ["1.1.0", "Update the extension, or install ds4agent 0.1 beside it."],
  ["soon", "Install ds4agent 0.1."],
  [undefined, "Install ds4agent 0.1."],
])("a server of version %s", (version, advice) => {
  const said = misfit({ name: "ds4agent", version }, "0.1.3", "/usr/bin/ds4agent");
  if (advice === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(`/usr/bin/ds4agent is ds4agent ${version ?? "of an unknown version"}; this extension, 0.1.3, is made for ds4agent 0.1. ${advice}`);
});

test("another server is named", () => {
  expect(misfit({ name: "pylsp", version: "0.1.0" }, "0.1.0", "/x")).toContain("pylsp");
  expect(misfit(undefined, "0.1.0", "/x")).toContain("/x is not ds4agent");
});

test.each([
  ["echo ds4agent 0.0.9", "0.0.9"],
  ["echo other 7.1", "unknown"],
  ["exit 2", "unknown"],
])("a program that says %j is asked for its version", async (text, version) => {
  const folder = mkdtempSync(join(tmpdir(), "version-"));
  const program = join(folder, "program");
  writeFileSync(program, `#!/bin/sh\n${text}\n`);
  chmodSync(program, 0o755);
  expect(await versionOf(program, "unknown")).toBe(version);
  expect(await versionOf(join(folder, "absent"), "unknown")).toBe("unknown");
  rmSync(folder, { recursive: true });
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
