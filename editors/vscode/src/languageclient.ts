// What is used of vscode-languageclient: this module is loaded late, as it is most of the bundle.
export { LanguageClient } from "vscode-languageclient/node";
