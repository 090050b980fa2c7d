import { beforeEach, expect, test } from "vitest";
import { disagrees, Ghosts } from "../src/ghosts";

let said: string[];
let ghosts: Ghosts;

beforeEach(() => {
  said = [];
  ghosts = new Ghosts({
    shown: (id) => said.push(`shown ${id}`),
    accepted: (id, length) => said.push(`accepted ${id} ${length}`),
    dismissed: (id) => said.push(`dismissed ${id}`),
  });
  ghosts.show({ id: "c1", uri: "a", offset: 10, rest: "return x" });
});

const type = (offset: number, text: string, removed = 0) => ghosts.change("a", [{ offset, removed, text }], false);

test("typing what it says is neither an accept nor a new suggestion", () => {
  type(10, "r");
  ghosts.show({ id: "c2", uri: "a", offset: 11, rest: "eturn x" });
  expect(said).toEqual(["shown c1"]);
  expect(ghosts.live).toMatchObject({ id: "c2", offset: 11 });
});

test("a word, then the rest", () => {
  type(10, "return ");
  type(17, "x");
  ghosts.complete("c1");
  expect(said).toEqual(["shown c1", "accepted c1 7"]);
  expect(ghosts.live).toBeUndefined();
});

test("a part of one character counts when it was accepted", () => {
  ghosts.accepting = true;
  type(10, "r");
  expect(said).toEqual(["shown c1", "accepted c1 1"]);
});

test.each([
  ["something else", () => type(10, "q")],
  ["elsewhere", () => type(3, "r")],
  ["a deletion", () => type(9, "", 1)],
  ["two changes", () => ghosts.change("a", [{ offset: 10, removed: 0, text: "r" }, { offset: 2, removed: 0, text: "r" }], false)],
  ["an undo", () => ghosts.change("a", [{ offset: 10, removed: 0, text: "r" }], true)],
  ["the cursor elsewhere", () => ghosts.moved("a", 4)],
  ["another file", () => ghosts.moved("b", 10)],
])("%s dismisses it", (_, happens) => {
  happens();
  expect(said).toEqual(["shown c1", "dismissed c1"]);
  ghosts.dismiss();
  expect(said).toHaveLength(2);
});

test("what happens to other files is not about it", () => {
  ghosts.change("b", [{ offset: 10, removed: 0, text: "q" }], false);
  ghosts.moved("a", 10);
  expect(said).toEqual(["shown c1"]);
});

test("another suggestion in its place", () => {
  ghosts.show({ id: "c2", uri: "a", offset: 10, rest: "yield" });
  expect(said).toEqual(["shown c1", "dismissed c1", "shown c2"]);
});

const other = (id: string, rest: string, offset = 10) => ({ id, uri: "a", offset, rest });

test("a part of an alternative is accepted, then its rest", () => {
  ghosts.show(other("c1", "return x"), other("c2", "yield x"), other("c3", "raise"));
  type(10, "yield ");
  expect(ghosts.live).toEqual(other("c2", "x", 16));
  type(16, "x");
  ghosts.complete("c2");
  expect(said).toEqual(["shown c1", "dismissed c1", "shown c2", "accepted c2 6"]);
  expect(ghosts.live).toBeUndefined();
});

test("alternatives stay while what is typed fits them, also over an answer that knows only the first", () => {
  ghosts.show(other("c1", "return x"), other("c2", "return y"), other("c3", "raise"));
  type(10, "r");
  ghosts.show(other("c4", "eturn x", 11));
  type(11, "eturn ");
  type(17, "y");
  expect(said).toEqual(["shown c1", "accepted c4 6", "dismissed c4", "shown c2"]);
  ghosts.complete("c2");
  expect(ghosts.live).toBeUndefined();
});

test("all alternatives go with what is typed otherwise", () => {
  ghosts.show(other("c1", "return x"), other("c2", "yield x"));
  type(10, "q");
  type(11, "y");
  expect(said).toEqual(["shown c1", "dismissed c1"]);
});

test("an alternative that was accepted in full is over", () => {
  ghosts.show(other("c1", "return x"), other("c2", "yield x"));
  ghosts.complete("c2");
  expect(ghosts.live).toBeUndefined();
  expect(said).toEqual(["shown c1"]);
});

test.each([
  ["pri", "print", undefined, false],
  ["pri", "Print", undefined, true],
  ["pri", "sprint", undefined, true],
  ["pri", "print", "nt(x)", false],
  ["pri", "private", "nt(x)", true],
  ["", "print", "print(x)", false],
])("typed %j, selected %j, known %j", (typed, selected, rest, expected) => {
  expect(disagrees(typed, selected, rest === undefined ? undefined : { rest })).toBe(expected);
});
