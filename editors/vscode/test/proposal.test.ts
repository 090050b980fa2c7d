import { expect, test } from "vitest";
import { type Change, type Hunk, Proposal } from "../src/proposal";

/** Deterministic numbers below `n` (an LCG by Numerical Recipes). */
function numbers(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function text(below: (n: number) => number, most: number): string {
  return Array.from({ length: below(most) }, () => "ab\né𝒳"[below(4)]).join("");
}

function hunksOf(below: (n: number) => number, document: string): Hunk[] {
  const found: Hunk[] = [];
  for (let at = 0; at <= document.length; ) {
    const start = at + below(6);
    const end = start + below(4);
    if (end > document.length) break;
    found.push({ start, end, text: text(below, 5) });
    at = end + 1;
  }
  return found;
}

const changed = (document: string, { offset, removed, text }: Change) => document.slice(0, offset) + text + document.slice(offset + removed);
const asChange = ({ start, end, text }: Hunk): Change => ({ offset: start, removed: end - start, text });

test("accepting all one by one, in any order, is the proposal; rejecting all is the document", () => {
  for (let seed = 0; seed < 500; seed++) {
    const below = numbers(seed);
    let document = text(below, 60);
    const hunks = hunksOf(below, document);
    const proposal = new Proposal(hunks);
    const wanted = proposal.text(document);
    while (proposal.hunks.length > 0) {
      const hunk = proposal.hunks[below(proposal.hunks.length)] as Hunk;
      proposal.settle(hunk);
      document = changed(document, asChange(hunk));
      expect(proposal.change(asChange(hunk))).toBe(false);
      expect(proposal.text(document)).toBe(wanted);
    }
    expect(document).toBe(wanted);
  }
});

test("rejecting some and accepting the others leaves out just those", () => {
  for (let seed = 0; seed < 500; seed++) {
    const below = numbers(seed);
    const before = text(below, 60);
    const hunks = hunksOf(below, before);
    const kept = hunks.filter(() => below(2) === 0);
    const proposal = new Proposal(hunks);
    let document = before;
    for (const original of hunks) {
      const hunk = proposal.hunks[0] as Hunk;
      proposal.settle(hunk);
      if (!kept.includes(original)) continue;
      document = changed(document, asChange(hunk));
      proposal.change(asChange(hunk));
    }
    expect(document).toBe(new Proposal(kept).text(before));
  }
});

test("decisions are taken back one by one, also when the user has typed in between", () => {
  for (let seed = 0; seed < 500; seed++) {
    const below = numbers(seed);
    const some = text(below, 60);
    const before = `${some}...`;
    let document = before;
    const proposal = new Proposal(hunksOf(below, some));
    const wanted = proposal.text(document);
    const make = (hunks: readonly Hunk[]): void => {
      for (const hunk of [...hunks].reverse()) {
        document = changed(document, asChange(hunk));
        proposal.change(asChange(hunk));
      }
    };
    while (proposal.hunks.length > 0) {
      const hunks = proposal.hunks.filter((_, n) => n === 0 || below(2) === 0);
      hunks.forEach((hunk) => proposal.settle(hunk));
      if (below(2) === 0) {
        proposal.rejected(hunks);
        continue;
      }
      const replaced = hunks.map(({ start, end }) => document.slice(start, end));
      make(hunks);
      proposal.accepted(hunks, replaced);
    }
    const typed = { offset: document.length, removed: 0, text: "!" };
    document = changed(document, typed);
    proposal.change(typed);
    for (let last = proposal.takeBack(); last; last = proposal.takeBack()) {
      make(last.change);
      proposal.reopen(last.again);
    }
    expect(document).toBe(`${before}!`);
    expect(proposal.text(document)).toBe(`${wanted}!`);
  }
});

test("a decision about lines that were changed since cannot be taken back", () => {
  const proposal = new Proposal([{ start: 0, end: 2, text: "A" }, { start: 4, end: 6, text: "E" }]);
  const [first] = proposal.hunks as [Hunk];
  proposal.settle(first);
  proposal.change(asChange(first));
  proposal.accepted([first], ["ab"]);
  proposal.change({ offset: 0, removed: 1, text: "B" });
  expect(proposal.takeBack()).toBeUndefined();
});

test("what the user types between hunks is in the document and in the proposal", () => {
  const proposal = new Proposal([{ start: 0, end: 1, text: "A" }, { start: 4, end: 5, text: "E" }]);
  expect(proposal.change({ offset: 2, removed: 1, text: "xyz" })).toBe(false);
  expect(proposal.text("abxyzde")).toBe("AbxyzdE");
});

test("a hunk whose text was changed is dropped, and only that", () => {
  const proposal = new Proposal([{ start: 0, end: 2, text: "A" }, { start: 4, end: 6, text: "E" }]);
  expect(proposal.change({ offset: 1, removed: 1, text: "" })).toBe(true);
  expect(proposal.text("acdef")).toBe("acdE");
});

test("hunks that overlap are refused", () => {
  expect(() => new Proposal([{ start: 0, end: 3, text: "" }, { start: 2, end: 4, text: "" }])).toThrow(RangeError);
});

test("the hunk at the cursor", () => {
  const proposal = new Proposal([{ start: 1, end: 2, text: "BBBB" }, { start: 4, end: 5, text: "" }]);
  const [first, second] = proposal.hunks;
  expect([0, 3, 5, 6, 99].map((at) => proposal.inText(at))).toEqual([first, first, first, second, second]);
  expect([0, 2, 3, 99].map((at) => proposal.inDocument(at))).toEqual([first, first, second, second]);
});

/** One hunk, accepted, and the document with it. */
function taken(text: string, hunk: Hunk): { proposal: Proposal; document: string } {
  const proposal = new Proposal([hunk]);
  proposal.settle(hunk);
  proposal.change(asChange(hunk));
  proposal.accepted([hunk], [text.slice(hunk.start, hunk.end)]);
  return { proposal, document: changed(text, asChange(hunk)) };
}

test("a deletion that the document's undo has brought back is not brought back once more", () => {
  const { proposal, document } = taken("a gone b", { start: 1, end: 6, text: "" });
  const undone = { offset: 1, removed: 0, text: " gone" };
  proposal.change(undone);
  expect(changed(document, undone)).toBe("a gone b");
  expect(proposal.takeBack()).toBeUndefined();
});

test("an insertion that was taken back, and made again by the document's undo, is not proposed once more", () => {
  const { proposal } = taken("a b", { start: 1, end: 1, text: " new" });
  const back = proposal.takeBack();
  for (const hunk of back?.change ?? []) proposal.change(asChange(hunk));
  proposal.reopen(back?.again ?? []);
  expect(proposal.hunks).toHaveLength(1);
  expect(proposal.change({ offset: 1, removed: 0, text: " new" })).toBe(true);
  expect(proposal.hunks).toHaveLength(0);
});

test("what is typed where something was deleted, or is to be inserted, leaves that as it is", () => {
  const { proposal } = taken("a gone b", { start: 1, end: 6, text: "" });
  proposal.change({ offset: 1, removed: 0, text: "x" });
  expect(proposal.takeBack()?.change).toMatchObject([{ start: 2, end: 2, text: " gone" }]);
});
