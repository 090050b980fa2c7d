import { beforeEach, describe, expect, it } from "vitest";

import { Conversation, lines } from "../../src/chat/conversation";
import { fromPage, type ToPage } from "../../src/chat/protocol";
import type { Reply } from "../../src/protocol";

let told: ToPage[];
let chat: Conversation;

beforeEach(() => {
  told = [];
  chat = new Conversation((message) => told.push(message));
});

const reply = (more: Partial<Reply> = {}): Reply => ({
  conversation: "c1",
  turn: 0,
  status: "completed",
  text: "because",
  blocks: [],
  ...more,
});
const delta = (text: string, token = "t1") => ({ conversation: "c1", turn: 0, kind: "text" as const, text, token });

const range = (line: number, character: number, last: number, end: number) => ({ start: { line, character }, end: { line: last, character: end } });

describe("a conversation", () => {
  it("gathers what comes, and is whole for a page made anew at any time", () => {
    chat.asked("t1", "why?", [{ kind: "file", uri: "file:///a.py" }]);
    chat.delta({ ...delta("hm"), kind: "reasoning" });
    chat.delta(delta("bec"));
    expect(chat.shown.turns).toMatchObject([{ text: "why?", chips: ["a.py"], reasoning: "hm", reply: "bec", status: "running" }]);
    chat.delta(delta("ause"));
    expect(chat.answered("t1", reply())).toBe(true);
    expect(chat.shown).toMatchObject({ conversation: "c1", title: "why?" });
    expect(chat.shown.turns).toMatchObject([{ turn: 0, reply: "because", status: "completed" }]);
    expect(chat.running).toBeUndefined();
  });

  it("drops what belongs to a question that is not shown any more", () => {
    chat.asked("t1", "why?", []);
    chat.begin();
    chat.delta(delta("late"));
    expect(chat.answered("t1", reply())).toBe(false);
    expect(chat.failed("t1", "late")).toBe(false);
    expect(chat.shown.turns).toEqual([]);
    expect(chat.conversation).toBeUndefined();
  });

  it("drops deltas of other clients", () => {
    chat.asked("t1", "why?", []);
    chat.delta(delta("x", "t2"));
    chat.delta({ conversation: "c1", turn: 0, kind: "text", text: "y" });
    expect(chat.shown.turns[0]?.reply).toBe("");
  });

  it("takes the place of a turn and of what follows", () => {
    const turns = [0, 1, 2].map((turn) => ({
      turn,
      text: `q${turn}`,
      context: [],
      reasoning: "",
      reply: `a${turn}`,
      status: "completed" as const,
      blocks: [],
    }));
    chat.open({ conversation: "c1", title: "q0", turns });
    chat.asked("t1", "q1, better", [], 1);
    expect(chat.shown.turns.map(({ text }) => text)).toEqual(["q0", "q1, better"]);
    chat.answered("t1", reply({ conversation: "c2", turn: 1 }));
    expect(chat.conversation).toBe("c2");
  });

  it("has its turns again where the question that was to replace them got no answer", () => {
    const turns = [0, 1, 2].map((turn) => ({
      turn,
      text: `q${turn}`,
      context: [],
      reasoning: "",
      reply: `a${turn}`,
      status: "completed" as const,
      blocks: [],
    }));
    chat.open({ conversation: "c1", title: "q0", turns });
    chat.asked("t1", "q1, better", [], 1);
    chat.failed("t1", "no engine answers");
    // What the next question follows is what is shown; the one that failed can be asked again in the same place.
    expect(chat.shown.turns.map(({ text }) => text)).toEqual(["q0", "q1", "q2", "q1, better"]);
    expect(chat.shown.turns[3]).toMatchObject({ status: "failed", why: "no engine answers", replaces: 1 });
    expect(chat.running).toBeUndefined();
    chat.asked("t2", "q1, better", [], 1);
    expect(chat.shown.turns.map(({ text }) => text)).toEqual(["q0", "q1, better"]);
    chat.failed("t2", "no engine answers");
    chat.asked("t3", "q3", []);
    expect(chat.shown.turns.map(({ text }) => text)).toEqual(["q0", "q1", "q2", "q3"]);
  });

  it("keeps what had come when the engine is lost, and asks again without what the server never knew", () => {
    chat.asked("t1", "why?", []);
    chat.delta(delta("bec"));
    chat.failed("t1", "the engine was lost");
    expect(chat.shown.turns).toMatchObject([{ reply: "bec", status: "failed", why: "the engine was lost" }]);
    chat.asked("t2", "again", []);
    chat.failed("t2", "the server does not run");
    chat.asked("t3", "and again", []);
    expect(chat.shown.turns.map(({ text }) => text)).toEqual(["why?", "and again"]);
  });

  it("knows of a question that is being edited, until something else is shown", () => {
    const one = { turn: 4, text: "q", context: [], reasoning: "", reply: "a", status: "completed" as const, blocks: [] };
    chat.open({ conversation: "c1", title: "q", turns: [one] });
    chat.edit(0);
    expect(chat.shown.editing).toBe(4);
    chat.keep();
    expect(chat.shown.editing).toBeUndefined();
    chat.edit(0);
    chat.asked("t1", "q, better", [], 4);
    expect(chat.shown.editing).toBeUndefined();
  });

  it("names contexts by file", () => {
    const context = [{ kind: "selection" as const, uri: "file:///a/b%20c.py" }, { kind: "file" as const, uri: "file:///%zz" }];
    const turns = [{ turn: 0, text: "q", context, reasoning: "", reply: "", status: "completed" as const, blocks: [] }];
    chat.open({ conversation: "c1", title: "q", turns });
    expect(chat.shown.turns[0]?.chips).toEqual(["selection of b c.py", "%zz"]);
  });

  it("goes on with an answer that is on its way, and says where another one is", () => {
    const context = [{ kind: "selection" as const, uri: "file:///a.py", range: range(2, 0, 4, 0) }];
    const turns = [{ turn: 0, text: "q", context, reasoning: "", reply: "", status: "running" as const, blocks: [] }];
    const stored = { conversation: "c1", title: "q", turns };
    chat.open(stored, ["t1", { conversation: "c1", text: "bec", reasoning: "hm" }]);
    chat.delta(delta("ause"));
    expect(chat.shown.turns).toMatchObject([{ reasoning: "hm", reply: "because", status: "running", chips: ["selection of a.py:3-4"] }]);
    expect(chat.answered("t1", reply(), { ...turns[0]!, text: "in full" })).toBe(true);
    expect(chat.shown.turns).toMatchObject([{ text: "in full", status: "completed" }]);
    chat.open(stored);
    expect(chat.shown.turns).toMatchObject([{ status: "failed", why: expect.stringContaining("another window") }]);
    expect(chat.edit(0)).toEqual(context);
  });

  it("counts lines as people do", () => {
    expect([range(0, 0, 0, 0), range(0, 3, 0, 5), range(0, 3, 1, 0), range(0, 0, 1, 1)].map(lines)).toEqual([":1", ":1", ":1", ":1-2"]);
  });

  it("tells each delta with the epoch of what is shown", () => {
    chat.asked("t1", "why?", []);
    chat.delta(delta("x"));
    const [show, one] = told;
    expect(show?.type === "show" && one?.type === "delta" && show.shown.epoch === one.epoch).toBe(true);
  });
});

describe("a message of the page", () => {
  it.each([
    { type: "ready" },
    { type: "send", text: "x" },
    { type: "send", text: "x", replaces: 0 },
    { type: "apply", turn: 0, block: 1 },
    { type: "open", conversation: "c" },
    { type: "attach", what: "file" },
    { type: "again", index: 0 },
    { type: "keep" },
  ])("is taken: %j", (message) => {
    expect(fromPage(message)).toEqual(message);
  });

  it.each([
    undefined,
    null,
    "ready",
    {},
    { type: "run", command: "x" },
    { type: "send", text: 1 },
    { type: "send", text: "x", replaces: "0" },
    { type: "apply", turn: 0 },
    { type: "open", conversation: 1 },
    { type: "attach", what: "folder" },
    { type: "toString" },
  ])("is refused: %j", (message) => {
    expect(fromPage(message)).toBeUndefined();
  });
});
