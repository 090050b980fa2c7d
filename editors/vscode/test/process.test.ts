import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Process } from "../src/process";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "process-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function script(text: string): Process {
  const file = join(folder, "program");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return new Process(file, []);
}

const never = new Promise<void>(() => undefined);

test("one that ends before it has answered says its last words", async () => {
  await expect(script("echo 'ds4agent: config.toml is not TOML' >&2; exit 2").until(never)).rejects.toThrow(
    /program ended with code 2: ds4agent: config.toml is not TOML$/,
  );
});

test("its own words are told rather than the client's, whichever come first", async () => {
  const process = script("read line; echo 'no such model' >&2; exit 1");
  const child = await process.started();
  child.stdin?.end();
  await expect(process.until(Promise.reject(new Error("connection got disposed")))).rejects.toThrow(/no such model/);
});

test("what cannot be started is named", async () => {
  const process = new Process(join(folder, "absent"), []);
  await expect(process.started()).rejects.toThrow(/absent cannot be started: .*ENOENT/);
  await expect(process.until(never)).rejects.toThrow(/absent cannot be started/);
});

test("one that was killed", async () => {
  const process = script("exec sleep 1000");
  await process.started();
  process.kill();
  expect(await process.end()).toBe("was ended by SIGTERM");
});
