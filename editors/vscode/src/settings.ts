// The user's settings as the server reads them: shaped as config.toml, and only what the user has set, so that what
// is not set comes from the file.
import * as vscode from "vscode";
import { SETTINGS } from "./settings-generated";

const COMPLETION = "lsp.completion";

export function forServer(): Record<string, unknown> {
  const section = vscode.workspace.getConfiguration("ds4agent");
  const found: Record<string, unknown> = {};
  for (const key of SETTINGS) {
    const value = isSet(section, key) ? section.get(key) : undefined;
    if (value !== undefined && key !== COMPLETION) put(found, key.split("."), value);
  }
  // It may differ by language and folder, which the server does not know of: `completion` below decides instead.
  if (scopes().some((scope) => isSet(vscode.workspace.getConfiguration("ds4agent", scope), COMPLETION))) put(found, COMPLETION.split("."), "auto");
  return found;
}

/** What holds for a document. */
export function completion(document: vscode.TextDocument): "auto" | "invoked" | "off" {
  return vscode.workspace.getConfiguration("ds4agent", document).get(COMPLETION, "auto");
}

function scopes(): Array<vscode.ConfigurationScope | undefined> {
  return [undefined, ...(vscode.workspace.workspaceFolders ?? [])];
}

function isSet(section: vscode.WorkspaceConfiguration, key: string): boolean {
  const found = section.inspect(key);
  if (!found) return false;
  const { globalValue, workspaceValue, workspaceFolderValue, languageIds } = found;
  return [globalValue, workspaceValue, workspaceFolderValue].some((v) => v !== undefined) || !!languageIds?.length;
}

function put(into: Record<string, unknown>, [first = "", ...rest]: string[], value: unknown): void {
  if (rest.length === 0) into[first] = value;
  else put((into[first] ??= {}) as Record<string, unknown>, rest, value);
}
