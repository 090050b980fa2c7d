// Two bundles: what runs in the extension host, and the script of the chat's webview.
import { existsSync } from "node:fs";
import { build } from "esbuild";
import { slim } from "./slim.mjs";

const common = { bundle: true, minify: true, sourcemap: false, legalComments: "none", logLevel: "warning" };

await build({
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "out/extension.js",
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  // The package's ES modules: what nobody uses is left out.
  mainFields: ["module", "main"],
  plugins: [slim],
});

const view = "src/chat/view/main.ts";
if (existsSync(view)) {
  await build({ ...common, entryPoints: ["src/chat/view/chat.css"], outfile: "out/chat.css" });
  await build({
    ...common,
    entryPoints: [view],
    outfile: "out/chat.js",
    platform: "browser",
    format: "iife",
    target: "es2022",
    alias: { entities: "./src/chat/view/entities.ts" },
  });
}
