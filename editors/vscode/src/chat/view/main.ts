// The script of the page.

import type { FromPage, ToPage } from "../protocol";
import { View } from "./view";

interface Host {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): Host;

const host = acquireVsCodeApi();
const view = new View(
  (message) => {
    host.postMessage(message);
  },
  {
    load: () => {
      const draft = host.getState();
      return typeof draft === "string" ? draft : "";
    },
    save: (draft) => {
      host.setState(draft);
    },
  },
);
window.addEventListener("message", (event: MessageEvent<ToPage>) => {
  view.hear(event.data);
});
host.postMessage({ type: "ready" });
