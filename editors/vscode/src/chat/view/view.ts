// The page of the chat: shows what the extension tells and tells it what the user wants.

import type { Chip, FromPage, Summary, ToPage, Turn } from "../protocol";
import { Composer } from "./composer";
import { button, part } from "./elements";
import { Frames } from "./frames";
import { TurnView, type Wishes } from "./turn";
import { visible } from "./visible";

/** Nearer to the end than this, in pixels, and the page follows what is written. */
const NEAR = 40;
const MOST_SAID = 400;

export class View {
  private epoch = -1;
  private turns: TurnView[] = [];
  private shown: string | undefined;
  private readonly list = part("turns");
  private readonly conversations = part<HTMLSelectElement>("conversations");
  private readonly said = part("said");
  private readonly working = part("working");
  private readonly composer: Composer;

  constructor(
    private readonly send: (message: FromPage) => void,
    keep: { load: () => string; save: (draft: string) => void },
    private readonly frames = new Frames(),
  ) {
    this.composer = new Composer(send, keep);
    part("new").addEventListener("click", () => {
      send({ type: "new" });
      this.composer.focus();
    });
    part("delete").addEventListener("click", () => {
      if (this.shown) send({ type: "delete", conversation: this.shown });
    });
    this.conversations.addEventListener("change", () => {
      const { value } = this.conversations;
      send(value ? { type: "open", conversation: value } : { type: "new" });
    });
  }

  hear(message: ToPage): void {
    switch (message.type) {
      case "show":
        this.show(message.shown);
        break;
      case "delta":
        if (message.epoch === this.epoch) this.turns[message.index]?.add(message.kind, message.text);
        this.frames.want(this.draw);
        break;
      case "turn":
        if (message.epoch === this.epoch) this.end(message.index, message.turn);
        break;
      case "conversations":
        this.shown = message.shown;
        this.choices(message.conversations);
        break;
      case "chips":
        this.chips(message.chips);
        break;
      case "draft":
        this.composer.put(message.text);
        break;
      case "working":
        this.working.textContent = visible(message.text);
        break;
      case "said":
        this.say(message.text);
        break;
    }
  }

  private show({ epoch, conversation, turns, editing }: Extract<ToPage, { type: "show" }>["shown"]): void {
    this.epoch = epoch;
    this.shown = conversation;
    const wishes = (index: number): Wishes => ({
      send: this.send,
      edit: (turn: Turn) => {
        this.composer.edit(turn);
        this.send({ type: "again", index });
      },
      say: this.say,
    });
    this.turns = turns.map((turn, index) => new TurnView(turn, wishes(index)));
    this.list.replaceChildren(...this.turns.map(({ element }) => element));
    this.composer.reset(editing);
    this.composer.runs(turns.at(-1)?.status === "running");
    this.conversations.value = conversation ?? "";
    this.working.textContent = "";
    this.draw();
    this.list.scrollTop = this.list.scrollHeight;
  }

  private readonly draw = (): void => {
    const follow = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR;
    if (this.turns.map((turn) => turn.draw()).includes(false)) this.frames.want(this.draw);
    if (follow) this.list.scrollTop = this.list.scrollHeight;
  };

  private end(index: number, turn: Turn): void {
    this.composer.runs(false);
    this.working.textContent = "";
    this.turns[index]?.end(turn, () => {
      this.say(turn.why ?? (turn.status === "completed" ? "The answer is complete." : "The answer ended."));
    });
    this.draw();
  }

  /** For those who hear the page. */
  private readonly say = (text: string): void => {
    const line = document.createElement("p");
    line.textContent = visible(text.slice(0, MOST_SAID));
    this.said.replaceChildren(...[...this.said.children].slice(-3), line);
  };

  private choices(conversations: readonly Summary[]): void {
    const fresh = new Option("New conversation", "");
    const options = conversations.map(({ conversation, title }) => new Option(visible(title), conversation));
    this.conversations.replaceChildren(fresh, ...options);
    this.conversations.value = this.shown ?? "";
  }

  private chips(chips: readonly Chip[]): void {
    const items = chips.map(({ id, label, title }) => {
      const item = document.createElement("li");
      const remove = button("×", () => {
        this.send({ type: "detach", id });
        this.composer.focus();
      });
      remove.setAttribute("aria-label", `Remove ${visible(label)}`);
      item.title = visible(title);
      item.append(visible(label), remove);
      return item;
    });
    part("chips").replaceChildren(...items);
  }
}
