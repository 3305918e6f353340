/** A server's log, read over HTTP. */
import { ApiError } from "~/api/http";
import type { History } from "~/session/loader";
import type { Shelf } from "~/session/outbox";
import { fold } from "~/session/fold";
import type { LogEntry, MessageView } from "~/session/protocol";
import { emptyView } from "~/session/state";

export class FakeHistory implements History {
  entries: LogEntry[] = [];
  reads: string[] = [];
  isDown = false;

  ticket = async () => ({ ticket: "t" });

  eventsAfter = async (_id: string, seq: number, limit: number) => {
    this.reads.push(`after ${seq}`);
    return { items: this.answer(this.entries.filter((one) => one.seq > seq).slice(0, limit)) };
  };

  eventsBefore = async (_id: string, seq: number, limit: number) => {
    this.reads.push(`before ${seq}`);
    return { items: this.answer(this.entries.filter((one) => one.seq < seq).slice(-limit)) };
  };

  messagesBefore = async (_id: string, seq: number, limit: number) => {
    const chat = this.messages.filter((message) => message.seq < seq);
    const items = this.answer(chat.slice(-limit)).map((message) => ({ seq: message.seq, message }));
    return { items, next: chat.length > limit ? (items[0]?.seq ?? null) : null };
  };

  thread = async (_id: string, rootId: string) => {
    const found = this.messages.filter((message) => message.id === rootId || message.parent_id === rootId);
    return { items: this.answer(found).map((message) => ({ seq: message.seq, message })), next: null };
  };

  /** As they stand at the end of the log. */
  private get messages(): MessageView[] {
    return fold(emptyView, this.entries).messages.map((message) => ({ ...message, reply_count: 0, last_reply_at: null }));
  }

  private answer<T>(items: T[]): T[] {
    if (this.isDown) throw new ApiError(503, "unavailable", "The database is busy.");
    return items;
  }
}

export class FakeShelf extends Map<string, string> implements Shelf {
  getItem = (name: string) => this.get(name) ?? null;
  setItem = (name: string, text: string) => void this.set(name, text);
  removeItem = (name: string) => void this.delete(name);
  key = (at: number) => [...this.keys()][at] ?? null;
  get length(): number {
    return this.size;
  }
}
