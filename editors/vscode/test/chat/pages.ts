// The page of the chat with its view, as the extension makes it.

import type { JSDOM } from "jsdom";

import { page as html } from "../../src/chat/page";
import type { FromPage, Turn } from "../../src/chat/protocol";
import { Frames } from "../../src/chat/view/frames";
import { View } from "../../src/chat/view/view";
import { page } from "./dom";

export interface Page {
  readonly dom: JSDOM;
  readonly view: View;
  readonly sent: FromPage[];
  readonly draft: { text: string };
  /** Draws the frame that was asked for. */
  readonly frame: () => void;
}

export function chatPage(draft = { text: "" }): Page {
  const body = /<body>([\s\S]*)<script/.exec(html({ nonce: "n", cspSource: "c", script: "s", style: "t" }));
  const dom = page(body?.[1]);
  const sent: FromPage[] = [];
  const waiting: (() => void)[] = [];
  const keep = {
    load: () => draft.text,
    save: (text: string) => {
      draft.text = text;
    },
  };
  const frames = new Frames((draw) => waiting.push(draw));
  const view = new View((message) => sent.push(message), keep, frames);
  const frame = (): void => {
    waiting.splice(0).forEach((draw) => {
      draw();
    });
  };
  return { dom, view, sent, draft, frame };
}

export function turn(more: Partial<Turn>): Turn {
  return { text: "why?", chips: [], reasoning: "", reply: "", status: "running", blocks: [], ...more };
}
