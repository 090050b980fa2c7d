// A step of the agent that needs a yes: asked in a dialog, where closing it is a no.

import * as vscode from "vscode";

import type { Server } from "../client";
import { visible } from "../chat/view/visible";
import type { Documents } from "./documents";

const METHOD = "ds4/agent/approve";
const MOST_SHOWN = 1500;

export function approvals(server: Server, documents: Documents): void {
  server.prepare.push((client) => {
    client.registerFeature({
      fillClientCapabilities: (capabilities) => {
        const others = (capabilities.experimental ?? {}) as object;
        capabilities.experimental = { ...others, ds4agent: { approve: true } };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => undefined,
    });
    client.onRequest(METHOD, async ({ session, question }: { session: string; question: string }) => ({
      allow: await asked(documents, session, visible(question)),
    }));
  });
}

async function asked(documents: Documents, session: string, question: string): Promise<boolean> {
  const long = question.length > MOST_SHOWN;
  const detail = long ? `${question.slice(0, MOST_SHOWN)}…` : question;
  if (long) {
    const uri = documents.at(`question ${session}`, "step.diff", () => question);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }
  return (await vscode.window.showWarningMessage("The agent asks for a yes.", { modal: true, detail }, "Allow")) === "Allow";
}
