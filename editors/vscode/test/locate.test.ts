import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { candidates, isProgram, locate, type Surroundings } from "../src/locate";

let home: string;
const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  setting: "",
  folders: [],
  home,
  env: {},
  windows: false,
  ...more,
});

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "locate-"));
});
afterEach(() => rmSync(home, { recursive: true }));

function put(...parts: string[]): string {
  const file = join(home, ...parts);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "#!/bin/sh\n");
  chmodSync(file, 0o755);
  return file;
}

test("PATH comes before the folders' environments, those before pipx's", () => {
  const pipx = put(".local/share/pipx/venvs/ds4agent/bin/ds4agent");
  const found = (): string | undefined => locate(around({ folders: [join(home, "work")], env: { PATH: join(home, "bin") } }), (f) => f.startsWith(home) && isProgram(f))[0];
  expect(found()).toBe(pipx);
  const venv = put("work/.venv/bin/ds4agent");
  expect(found()).toBe(venv);
  const onPath = put("bin/ds4agent");
  expect(found()).toBe(onPath);
});

test("all that are there, each once, for where the first one is too old", () => {
  const old = put("bin/ds4agent");
  const own = put(".local/share/ds4agent/venv/bin/ds4agent");
  const path = [join(home, "bin"), join(home, "bin")].join(":");
  expect(locate(around({ env: { PATH: path } }), (f) => f.startsWith(home) && isProgram(f))).toEqual([old, own]);
});

test("a tool of uv's or pipx's is found also where a variable, or an earlier pipx, has put it", () => {
  const ours = (env: Surroundings["env"]): string[] => locate(around({ env }), (f) => f.startsWith(home) && isProgram(f));
  const uv = put("tools/ds4agent/bin/ds4agent");
  const pipx = put("pipes/venvs/ds4agent/bin/ds4agent");
  expect(ours({ UV_TOOL_DIR: join(home, "tools"), PIPX_HOME: join(home, "pipes") })).toEqual([pipx, uv]);
  const earlier = put(".local/pipx/venvs/ds4agent/bin/ds4agent");
  expect(ours({})).toEqual([earlier]);
});

test("a program that is named is the only one", () => {
  put("bin/ds4agent");
  expect(candidates(around({ setting: "~/own/ds4agent", env: { PATH: join(home, "bin") } }))).toEqual([join(home, "own/ds4agent")]);
});

test("neither a folder nor a file that cannot be run is a program", () => {
  mkdirSync(join(home, "ds4agent"));
  expect(isProgram(join(home, "ds4agent"))).toBe(false);
  const file = put("plain");
  chmodSync(file, 0o644);
  expect(isProgram(file)).toBe(false);
  expect(isProgram(join(home, "absent"))).toBe(false);
});

test("a relative folder of PATH, which would be the workspace, is not looked into", () => {
  expect(candidates(around({ env: { PATH: ".:bin:/usr/bin" } }))[0]).toBe("/usr/bin/ds4agent");
});

test("Windows", () => {
  const found = candidates(around({ windows: true, home: "C:\\me", folders: ["C:\\w"], env: { Path: "C:\\a;C:\\b" } }));
  expect(found.slice(0, 3)).toEqual(["C:\\a\\ds4agent.exe", "C:\\b\\ds4agent.exe", "C:\\w\\.venv\\Scripts\\ds4agent.exe"]);
});
