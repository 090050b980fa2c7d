// What the status bar says.
import type { Status } from "./protocol";

export type Shown = "stopped" | "starting" | "running" | "failed";

export interface Line {
  text: string;
  tooltip: string;
  /** Something is wrong that the user has to see to. */
  alarming: boolean;
}

const DOING: Record<string, string> = { completion: "completing", chat: "answering", edit: "editing", agent: "agent" };

export function line(state: Shown, status: Status | undefined, problem: string, pausedHere: boolean): Line {
  if (state === "failed") return { text: "$(error) ds4", tooltip: problem, alarming: true };
  if (state === "stopped") return { text: "$(circle-slash) ds4", tooltip: "The language server does not run.", alarming: false };
  if (state === "starting" || !status) return { text: "$(loading~spin) ds4", tooltip: "The language server starts.", alarming: false };
  const [icon, words] = phase(status, pausedHere);
  const name = status.model ? plain(status.model) : "ds4";
  return { text: [icon, name, words].filter(Boolean).join(" "), tooltip: tooltip(status, pausedHere), alarming: status.phase === "lost" };
}

function phase(status: Status, pausedHere: boolean): [string, string] {
  const speed = status.tokensPerSecond === undefined ? "" : `${Math.round(status.tokensPerSecond)} tok/s`;
  switch (status.phase) {
    case "loading":
      return ["$(loading~spin)", joined("loading", percent(status))];
    case "queued":
      return ["$(clock)", status.queuePosition === undefined ? "waiting" : `waiting, ${status.queuePosition} before`];
    case "prefill":
      return ["$(loading~spin)", joined("reading", percent(status), speed)];
    case "decode":
      return ["$(loading~spin)", joined(DOING[status.what ?? ""] ?? "writing", speed)];
    case "lost":
      return ["$(warning)", "engine lost"];
    case "paused":
      return ["$(debug-pause)", "paused"];
    case "idle":
      return [pausedHere ? "$(debug-pause)" : "$(sparkle)", pausedHere ? "paused here" : ""];
  }
}

/** Lines of plain text: what comes from the server is not markup. */
function tooltip(status: Status, pausedHere: boolean): string {
  const found = [
    status.model && `Model: ${status.model}`,
    status.message,
    pausedHere && "Completion is paused in this file.",
    status.secondsLeft !== undefined && `${Math.ceil(status.secondsLeft)} s left`,
    status.cachedTokens !== undefined && `Last request: ${count(status.cachedTokens)} tokens cached, ${count(status.rereadTokens ?? 0)} re-read`,
    ...Object.entries(status.acceptance ?? {}).map(
      ([language, seen]) => `${language || "text"}: ${seen.accepted} of ${seen.shown} suggestions accepted, ${count(seen.characters)} characters`,
    ),
  ];
  return found.filter((part): part is string => !!part).join("\n") || "ds4agent";
}

function percent(status: Status): string {
  return status.percent === undefined ? "" : `${Math.floor(status.percent)} %`;
}

function joined(...parts: string[]): string {
  return parts.filter(Boolean).join(" ");
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}

/** A status bar would make an icon of `$(…)`. */
function plain(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? name;
  return last.replaceAll("$(", "(").slice(0, 40);
}
