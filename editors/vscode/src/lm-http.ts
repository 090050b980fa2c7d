// One request to the engine. Node's own client and no fetch: what an editor's settings say of proxies is not
// meant for an engine on this machine.

import { request as plain } from "node:http";
import { request as secure } from "node:https";

/** The body of a 200 as it arrives; an abort ends it, which tells the engine to stop. Throws with what the engine said. */
export async function* post(url: string, value: object, key: string | undefined, signal: AbortSignal): AsyncGenerator<string> {
  const headers = {
    "Content-Type": "application/json",
    Accept: "text/event-stream",
    "X-Ds4agent-Lane": "interactive",
    ...(key && { Authorization: `Bearer ${key}` }),
  };
  const send = url.startsWith("https:") ? secure : plain;
  const answer = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    const asked = send(url, { method: "POST", headers, signal }, resolve);
    asked.on("error", reject);
    asked.end(JSON.stringify(value));
  });
  answer.setEncoding("utf8");
  if (answer.statusCode === 200) {
    yield* answer as AsyncIterable<string>;
    return;
  }
  let said = "";
  for await (const piece of answer as AsyncIterable<string>) said += piece;
  throw new Error(`The engine answered ${answer.statusCode}: ${message(said)}`);
}

function message(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: string | { message?: string } };
    return (typeof error === "string" ? error : error?.message) ?? text;
  } catch {
    return text;
  }
}
