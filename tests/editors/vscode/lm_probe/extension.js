// Another extension, as VS Code's own chat is one: it asks the model that ours offers, and writes down what it is told.
const { appendFileSync } = require("node:fs");
const { join } = require("node:path");
const vscode = require("vscode");

let cancel;

function note(what) {
  appendFileSync(join(vscode.workspace.workspaceFolders[0].uri.fsPath, "lm.jsonl"), `${JSON.stringify(what)}\n`);
}

async function ask() {
  cancel = new vscode.CancellationTokenSource();
  try {
    const models = await vscode.lm.selectChatModels({ vendor: "ds4agent" });
    note({ models: models.map(({ id, vendor, family, name, maxInputTokens }) => ({ id, vendor, family, name, maxInputTokens })) });
    const messages = [vscode.LanguageModelChatMessage.User("Greet otherwise")];
    note({ tokens: await models[0].countTokens(messages[0]) });
    const answer = await models[0].sendRequest(messages, {}, cancel.token);
    for await (const text of answer.text) note({ text });
    note({ end: cancel.token.isCancellationRequested ? "cancelled" : "completed" });
  } catch (error) {
    // By this name VS Code knows somebody's wish from a failure; the answer may also just end.
    note(error.name === "Canceled" ? { end: "cancelled" } : { end: error.name, message: error.message });
  }
}

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand("lmProbe.ask", () => void ask()),
    vscode.commands.registerCommand("lmProbe.stop", () => cancel.cancel()),
  );
};
