import { describe, expect, it } from "vitest";

import { element } from "./dom";
import { chatPage, turn } from "./pages";

const REPLY = "Do this:\n\n```py\nprint(1)\n```\n\nor\n\n> ```py\n> print(2)\n> ```\n\n```\nprint(3)\n```\n";
const BLOCKS = [
  { block: 0, language: "py", text: "print(1)\n" },
  { block: 1, language: "", text: "print(3)\n" },
];

function running(draft?: { text: string }) {
  const page = chatPage(draft);
  page.view.hear({ type: "show", shown: { epoch: 1, title: "", turns: [turn({})] } });
  return { ...page, document: page.dom.window.document };
}

function key(page: ReturnType<typeof running>, where: Element, name: string, more: KeyboardEventInit = {}): void {
  where.dispatchEvent(new page.dom.window.KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...more }));
}

describe("the page", () => {
  it("draws once a frame, however many deltas come", () => {
    const page = running();
    for (let n = 0; n < 500; n++) page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "text", text: "ab " });
    expect(element(page.document, ".reply").textContent).toBe("");
    page.frame();
    expect(element(page.document, ".reply").textContent).toBe("ab ".repeat(500).trim());
  });

  it("shows what came in one piece in several frames, and the end behind it", () => {
    const page = running();
    const reply = "some words of it\n\n".repeat(1000);
    page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "text", text: reply });
    page.view.hear({ type: "turn", epoch: 1, index: 0, turn: turn({ turn: 0, reply, status: "cancelled" }) });
    const shown = (): number => page.document.querySelectorAll(".reply p").length;
    const foot = element(page.document, ".foot");
    let last = 0;
    for (; shown() < 1000; page.frame()) {
      expect(shown() - last).toBeLessThan(120);
      last = shown();
      expect(foot.textContent).toBe("");
    }
    expect(foot.textContent).toContain("Stopped");
    expect(element(page.document, ".reply").textContent).toBe("some words of it".repeat(1000));
  });

  it("does not touch what is finished", () => {
    const page = running();
    const hear = (text: string): void => {
      page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "text", text });
      page.frame();
    };
    hear("first\n\n```py\na = 1\n");
    const first = element(page.document, ".reply p");
    const line = element(page.document, ".line");
    hear("b = 2\n```\nlast\n\nend");
    expect(element(page.document, ".reply p")).toBe(first);
    expect(element(page.document, ".line")).toBe(line);
  });

  it("ignores deltas of what was shown before", () => {
    const page = running();
    page.view.hear({ type: "delta", epoch: 0, index: 0, kind: "text", text: "old" });
    page.frame();
    expect(element(page.document, ".reply").textContent).toBe("");
  });

  it("offers to use each block that the server knows, by its number", () => {
    const page = running();
    page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "text", text: REPLY });
    page.frame();
    expect(page.document.querySelectorAll("figcaption button")).toHaveLength(0);
    const done = turn({ turn: 4, reply: REPLY, status: "completed", blocks: BLOCKS });
    page.view.hear({ type: "turn", epoch: 1, index: 0, turn: done });
    const figures = [...page.document.querySelectorAll("figure")];
    expect(figures.map((figure) => figure.querySelectorAll("button").length)).toEqual([3, 0, 3]);
    figures[2]?.querySelectorAll("button").forEach((one) => {
      one.click();
    });
    expect(page.sent).toEqual(["copy", "insert", "apply"].map((type) => ({ type, turn: 4, block: 1 })));
  });

  it("shows the answer where it is more than what came by pieces", () => {
    const page = running();
    page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "text", text: "par" });
    page.frame();
    page.view.hear({ type: "turn", epoch: 1, index: 0, turn: turn({ turn: 0, reply: "parts", status: "completed" }) });
    expect(element(page.document, ".reply").textContent).toBe("parts");
  });

  it("folds reasoning", () => {
    const page = running();
    expect(element(page.document, "details").hidden).toBe(true);
    page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "reasoning", text: "hm" });
    page.frame();
    const details = element<HTMLDetailsElement>(page.document, "details");
    expect([details.hidden, details.open, element(details, ".thoughts").textContent]).toEqual([false, false, "hm"]);
  });

  it("sends with Enter, not with Shift+Enter, nor while a word is composed", () => {
    const page = chatPage();
    const { document } = page.dom.window;
    const question = element<HTMLTextAreaElement>(document, "#question");
    const full = { ...page, document };
    question.value = "why?";
    key(full, question, "Enter", { shiftKey: true });
    key(full, question, "Enter", { isComposing: true });
    expect(page.sent).toEqual([]);
    key(full, question, "Enter");
    expect(page.sent).toEqual([{ type: "send", text: "why?" }]);
    expect(question.value).toBe("");
  });

  it("stops with Escape and with the button, only while something runs", () => {
    const page = running();
    key(page, page.document.body, "Escape");
    element(page.document, "#stop").click();
    expect(page.sent).toEqual([{ type: "stop" }, { type: "stop" }]);
    page.view.hear({ type: "turn", epoch: 1, index: 0, turn: turn({ turn: 0, status: "cancelled" }) });
    key(page, page.document.body, "Escape");
    expect(page.sent).toHaveLength(2);
    expect(element(page.document, "#stop").hidden).toBe(true);
  });

  it("leaves an answer alone while Escape belongs to a word that is composed", () => {
    const page = running();
    key(page, element(page.document, "#question"), "Escape", { isComposing: true });
    expect(page.sent).toEqual([]);
  });

  it("asks a question again in its place", () => {
    const page = running();
    page.view.hear({ type: "turn", epoch: 1, index: 0, turn: turn({ turn: 3, reply: "x", status: "completed" }) });
    element(page.document, ".question button").click();
    const question = element<HTMLTextAreaElement>(page.document, "#question");
    expect([question.value, page.document.activeElement]).toEqual(["why?", question]);
    expect(element(page.document, "#editing").hidden).toBe(false);
    question.value = "how?";
    key(page, question, "Enter");
    expect(page.sent).toEqual([{ type: "again", index: 0 }, { type: "send", text: "how?", replaces: 3 }]);
  });

  it("asks a question that failed again in the place where it was to be", () => {
    const page = running();
    page.view.hear({ type: "turn", epoch: 1, index: 0, turn: turn({ replaces: 2, status: "failed", why: "no engine" }) });
    element(page.document, ".question button").click();
    key(page, element(page.document, "#question"), "Enter");
    expect(page.sent.at(-1)).toEqual({ type: "send", text: "why?", replaces: 2 });
  });

  it("keeps a draft when it is made anew", () => {
    const draft = { text: "" };
    const page = running(draft);
    const question = element<HTMLTextAreaElement>(page.document, "#question");
    question.value = "half a qu";
    question.dispatchEvent(new page.dom.window.Event("input"));
    const again = running(draft);
    expect(element<HTMLTextAreaElement>(again.document, "#question").value).toBe("half a qu");
  });

  it("goes on with a question that is edited when it is made anew", () => {
    const page = chatPage({ text: "how?" });
    const { document } = page.dom.window;
    const done = turn({ turn: 3, reply: "x", status: "completed" });
    page.view.hear({ type: "show", shown: { epoch: 1, title: "", turns: [done], editing: 3 } });
    expect(element(document, "#editing").hidden).toBe(false);
    key({ ...page, document }, element(document, "#question"), "Enter");
    expect(page.sent).toEqual([{ type: "send", text: "how?", replaces: 3 }]);
  });

  it("tells those who hear it of finished blocks and of the end", () => {
    const page = running();
    page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "text", text: "first\n\nsecond\n\nth\n" });
    page.frame();
    const said = element(page.document, "#said");
    expect([said.textContent, said.getAttribute("aria-live")]).toEqual(["firstsecond", "polite"]);
    page.view.hear({ type: "turn", epoch: 1, index: 0, turn: turn({ turn: 0, reply: "first", status: "completed" }) });
    expect(said.textContent).toContain("The answer is complete.");
  });

  it("tells of a last block, too, once", () => {
    const page = running();
    const reply = "Only this.";
    page.view.hear({ type: "delta", epoch: 1, index: 0, kind: "text", text: reply });
    page.frame();
    page.view.hear({ type: "turn", epoch: 1, index: 0, turn: turn({ turn: 0, reply, status: "completed" }) });
    page.view.hear({ type: "show", shown: { epoch: 2, title: "", turns: [turn({ turn: 0, reply, status: "completed" })] } });
    expect(element(page.document, "#said").textContent).toBe("Only this.The answer is complete.");
  });

  it("does not say of a conversation how far another one has been read", () => {
    const page = running();
    page.view.hear({ type: "working", text: "Reading 40 %" });
    page.view.hear({ type: "show", shown: { epoch: 2, title: "", turns: [] } });
    expect(element(page.document, "#working").textContent).toBe("");
  });

  it("names everything that can be pressed or written in", () => {
    const page = running();
    page.view.hear({ type: "chips", chips: [{ id: "1", label: "a.py", title: "src/a.py" }] });
    for (const one of page.document.querySelectorAll("button, select, textarea")) {
      const label = page.document.querySelector(`label[for="${one.id}"]`)?.textContent;
      expect(one.getAttribute("aria-label") ?? label ?? one.textContent?.trim()).toBeTruthy();
    }
    element(page.document, "#chips button").click();
    expect(page.sent).toEqual([{ type: "detach", id: "1" }]);
  });
});
