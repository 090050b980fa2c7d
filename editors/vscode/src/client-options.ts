// How the language client is set up. Types only of vscode-languageclient: it is loaded when the first server starts.
import type { CloseAction, ErrorAction, LanguageClientOptions, Middleware } from "vscode-languageclient/node";
import type * as vscode from "vscode";
import { forServer } from "./settings";

// Of enums that are loaded too late to be named where they are needed.
const GO_ON = 1 as ErrorAction.Continue;
const DO_NOT_RESTART = 1 as CloseAction.DoNotRestart;

/** `closed`: the server's output has ended, whoever wanted that. */
export function clientOptions(log: vscode.LogOutputChannel, middleware: Middleware, closed: () => void): LanguageClientOptions {
  return {
    documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
    outputChannel: log,
    initializationOptions: forServer(),
    synchronize: { configurationSection: "ds4agent" },
    middleware,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: GO_ON, handled: true }),
      closed: () => {
        closed();
        return { action: DO_NOT_RESTART, handled: true };
      },
    },
  };
}
