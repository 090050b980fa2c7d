// A document for the parts that run in the browser.

import { JSDOM } from "jsdom";

export function page(body = ""): JSDOM {
  const dom = new JSDOM(`<!doctype html><body>${body}</body>`, {
    url: "https://chat.invalid/",
    runScripts: "dangerously",
    pretendToBeVisual: true,
  });
  const { document, HTMLOListElement, HTMLElement, Node, Option } = dom.window;
  Object.assign(globalThis, { document, HTMLOListElement, HTMLElement, Node, Option });
  return dom;
}

export function element<T extends Element = HTMLElement>(root: ParentNode, selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`there is no ${selector}`);
  return found;
}
