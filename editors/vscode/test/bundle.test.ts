import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";

const folder = join(import.meta.dirname, "..");

beforeAll(() => {
  execFileSync(process.execPath, ["esbuild.mjs"], { cwd: folder });
});

test("the bundles are below 500 kB together", () => {
  const files = readdirSync(join(folder, "out")).map((name) => join(folder, "out", name));
  expect(files).toContain(join(folder, "out", "extension.js"));
  expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(500_000);
});

test("the language client is not loaded before a server is started", () => {
  // A `vscode` that notes what is asked of it: the client makes classes of its members as soon as it is loaded.
  const script = `
    const asked = new Set();
    const vscode = new Proxy({}, { get: (_, name) => { asked.add(String(name)); return class {}; } });
    const { _load } = require("node:module");
    require("node:module")._load = (name, ...rest) => (name === "vscode" ? vscode : _load(name, ...rest));
    require("./out/extension.js");
    console.log(JSON.stringify([...asked]));
  `;
  const asked: string[] = JSON.parse(execFileSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8" }));
  expect(asked.filter((name) => /^(CodeAction|InlayHint|Diagnostic|DocumentLink|CompletionItem)$/.test(name))).toEqual([]);
});

test("every command that is offered is registered by a part, and every command of keys and menus is offered", () => {
  const { contributes } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const offered: string[] = contributes.commands.map((c: { command: string }) => c.command);
  const source = readFileSync(join(folder, "out", "extension.js"), "utf8");
  for (const command of offered) expect(source).toContain(`"${command}"`);
  const used = [...contributes.keybindings, ...Object.values(contributes.menus).flat()] as { command: string }[];
  for (const { command } of used) expect(offered).toContain(command);
});
