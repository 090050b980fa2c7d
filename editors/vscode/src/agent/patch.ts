// A text before a change, from the text after it and the change as a unified diff.

interface Hunk {
  /** Of the text after the change: the first line, from 0. */
  readonly at: number;
  readonly before: string[];
  readonly after: string[];
}

/** Lines with their ends, which are LF alone. */
export function lines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Undefined where the text is not what the diff led to, or the diff says nothing of text (binary files). */
export function undo(after: string, diff: string): string | undefined {
  const hunks = parse(diff);
  if (!hunks) return undefined;
  const now = lines(after);
  const made: string[] = [];
  let at = 0;
  for (const hunk of hunks) {
    if (hunk.at < at || hunk.after.some((line, n) => now[hunk.at + n] !== line)) return undefined;
    made.push(...now.slice(at, hunk.at), ...hunk.before);
    at = hunk.at + hunk.after.length;
  }
  return [...made, ...now.slice(at)].join("");
}

function parse(diff: string): Hunk[] | undefined {
  if (/^(Binary files |GIT binary patch)/m.test(diff.split("\n@@", 1)[0] ?? "")) return undefined;
  const hunks: Hunk[] = [];
  const all = lines(diff);
  for (let n = 0; n < all.length; ) {
    const head = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(all[n] ?? "");
    n++;
    if (!head) continue;
    const [, old = "1", first, fresh = "1"] = head;
    const hunk: Hunk = { at: Number(first) - (fresh === "0" ? 0 : 1), before: [], after: [] };
    n = body(all, n, hunk, Number(old), Number(fresh));
    hunks.push(hunk);
  }
  return hunks;
}

/** Where the hunk's lines end. They are counted, because what they hold may look like anything. */
function body(all: readonly string[], from: number, hunk: Hunk, old: number, fresh: number): number {
  let n = from;
  for (; n < all.length; n++) {
    const line = all[n] ?? "";
    if (line.startsWith("\\")) {
      const sign = all[n - 1]?.charAt(0);
      if (sign !== "+") bare(hunk.before);
      if (sign !== "-") bare(hunk.after);
      continue;
    }
    if (hunk.before.length >= old && hunk.after.length >= fresh) break;
    if (!line.startsWith("+")) hunk.before.push(line.slice(1));
    if (!line.startsWith("-")) hunk.after.push(line.slice(1));
  }
  return n;
}

/** The last line has no end. */
function bare(side: string[]): void {
  const last = side.pop();
  if (last !== undefined) side.push(last.replace(/\n$/, ""));
}
