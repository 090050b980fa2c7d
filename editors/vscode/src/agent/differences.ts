// A change of the agent in the editor's own view of differences.

import * as vscode from "vscode";

import type { Requests } from "../protocol";
import type { Documents } from "./documents";
import { undo } from "./patch";
import type { Session, Step } from "./session";

export type Changed = Requests["ds4/agent/changes"][1]["files"][number];

/** What a session did to a file, up to what the file is now. */
export async function openFile(documents: Documents, session: string, file: Changed): Promise<void> {
  const uri = vscode.Uri.parse(file.uri, true);
  const now = file.kind === "delete" ? "" : await read(uri);
  const before = now === undefined ? undefined : file.kind === "add" ? "" : undo(now, file.diff);
  const name = base(uri);
  if (now === undefined || before === undefined) return openText(documents, `${session} ${file.uri}`, `${name}.diff`, file.diff);
  const left = documents.at(`before ${session} ${file.uri}`, name, () => before);
  const right = file.kind === "delete" ? documents.at(`after ${session} ${file.uri}`, name, () => "") : uri;
  await vscode.commands.executeCommand("vscode.diff", left, right, `${name} (before the agent ↔ now)`);
}

/** What one step did. Later steps are taken back first, to see the file as it was then. */
export async function openStep(documents: Documents, session: Session, step: Step): Promise<void> {
  const { path, diff } = step;
  if (path === undefined || !diff) return openText(documents, `${session.id} ${step.id}`, "change.txt", step.text);
  const uri = vscode.Uri.joinPath(vscode.Uri.parse(session.folder), path);
  const target = path.startsWith("/") ? vscode.Uri.file(path) : uri;
  const sides = taken(await read(target), session.steps, step);
  const name = base(target);
  const key = `${session.id} ${step.id}`;
  if (!sides) return openText(documents, key, `${name}.diff`, diff);
  const left = documents.at(`before ${key}`, name, () => sides.before);
  const right = documents.at(`after ${key}`, name, () => sides.after);
  await vscode.commands.executeCommand("vscode.diff", left, right, `${name} (this step)`);
}

/** The file before and after a step; undefined where something else changed it since. */
export function taken(
  now: string | undefined,
  steps: readonly Step[],
  step: Step,
): { before: string; after: string } | undefined {
  const later = steps.slice(steps.indexOf(step) + 1).filter((one) => one.path === step.path && one.diff);
  const after = later.reduceRight<string | undefined>(
    (text, { diff = "" }) => (text === undefined ? undefined : undo(text, diff)),
    now,
  );
  const before = after === undefined ? undefined : undo(after, step.diff ?? "");
  return after === undefined || before === undefined ? undefined : { before, after };
}

export async function openText(documents: Documents, key: string, name: string, text: string): Promise<void> {
  const uri = documents.at(key, name, () => text);
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}

async function read(uri: vscode.Uri): Promise<string | undefined> {
  try {
    const bytes = await vscode.workspace.fs.readFile(uri);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const base = (uri: vscode.Uri): string => uri.path.slice(uri.path.lastIndexOf("/") + 1);
