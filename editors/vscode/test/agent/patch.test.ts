import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";

import { undo } from "../../src/agent/patch";

const folder = mkdtempSync(join(tmpdir(), "ds4-patch-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function git(before: string, after: string): string {
  writeFileSync(join(folder, "a"), before);
  writeFileSync(join(folder, "b"), after);
  const made = spawnSync("git", ["diff", "--no-index", "--no-color", "a", "b"], { cwd: folder, encoding: "utf8" });
  if (made.error) throw made.error;
  return made.stdout;
}

const line = fc.constantFrom("a", "b", "", "  c", "-x", "+y", "@@ -1 +1 @@", "\\ No newline at end of file", "é\r", "--- a", "+++ b");
const text = fc
  .tuple(fc.array(line, { maxLength: 30 }), fc.boolean())
  .map(([lines, ended]) => lines.join("\n") + (ended && lines.length > 0 ? "\n" : ""));

describe("a change that is taken back", () => {
  it("is git's, of any two texts", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        expect(undo(after, git(before, after))).toBe(before);
      }),
      { numRuns: 80, seed: 5 },
    );
  }, 60_000);

  it("is refused where the text is another", () => {
    const diff = git("a\nb\nc\n", "a\nB\nc\n");
    expect(undo("a\nB\nc\n", diff)).toBe("a\nb\nc\n");
    expect(undo("a\nX\nc\n", diff)).toBeUndefined();
    expect(undo("", diff)).toBeUndefined();
  });

  it("is refused where the file is not text", () => {
    expect(undo("\0", "diff --git a/x b/x\nBinary files a/x and b/x differ\n")).toBeUndefined();
  });

  it("leaves a text alone of which only the mode changed", () => {
    expect(undo("a\n", "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n")).toBe("a\n");
  });
});
