// What can be done with a block of code that the model wrote.

import * as vscode from "vscode";

import type { Server } from "../client";
import type { Block } from "../protocol";

/** The editor that was used last: while the chat has the focus no editor is active, but one is still there. */
export function editor(): vscode.TextEditor | undefined {
  return vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
}

/** What came of it, for a person. */
export async function use(server: Server, type: "insert" | "copy" | "apply", conversation: string, turn: number, block: Block): Promise<string> {
  if (type === "copy") await vscode.env.clipboard.writeText(block.text);
  else if (type === "insert") await insert(block);
  else if (!(await apply(server, conversation, turn, block.block))) return "The file was left as it is.";
  return { copy: "Copied.", insert: "Inserted.", apply: "Applied." }[type];
}

async function insert({ text }: Block): Promise<void> {
  const at = editor();
  if (!at) throw new Error("No file is open to insert the code into.");
  const { version } = at.document;
  const done = await at.edit((edit) => {
    for (const selection of at.selections) edit.replace(selection, text);
  });
  // An editor that is read-only takes an edit without a word.
  if (!done || (text && at.document.version === version)) throw new Error(`${vscode.workspace.asRelativePath(at.document.uri)} cannot be changed.`);
  await vscode.window.showTextDocument(at.document, at.viewColumn);
}

/** The server sends the edit, and the editor shows it for a yes or no. */
async function apply(server: Server, conversation: string, turn: number, block: number): Promise<boolean> {
  const at = editor();
  if (!at) throw new Error("No file is open to apply the code to.");
  const { code2ProtocolConverter: protocol } = server.converters;
  const { document, selection } = at;
  const range = selection.isEmpty ? {} : { range: protocol.asRange(selection) };
  const textDocument = { uri: protocol.asUri(document.uri), version: document.version };
  const answer = await server.request("ds4/chat/apply", { conversation, turn, block, textDocument, ...range });
  return answer.applied;
}
