// The model as it is offered, to an editor that is made up.
import { expect, test, vi } from "vitest";
import { CancellationError } from "vscode";

import type { Server } from "../src/client";
import { lm } from "../src/lm";

interface Offered {
  provideLanguageModelChatResponse(model: object, messages: object[], options: object, progress: object, token: object): Promise<void>;
}
const offered: Offered[] = vi.hoisted(() => []);

vi.mock("vscode", () => ({
  CancellationError: class extends Error {},
  EventEmitter: class {},
  lm: { registerLanguageModelChatProvider: (_: string, one: Offered) => offered.push(one) },
}));

test("who stops while the engine is waited for gets no error of ours", async () => {
  const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose: () => undefined }) };
  const request = async (): Promise<never> => {
    token.isCancellationRequested = true;
    throw new Error("Request ds4/engine was cancelled");
  };
  lm({ subscriptions: [] } as never, { on: () => undefined, request } as unknown as Server);
  const answer = offered[0]?.provideLanguageModelChatResponse({}, [], {}, {}, token);
  await expect(answer).rejects.toBeInstanceOf(CancellationError);
});
