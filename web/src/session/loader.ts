/** Reads the log over HTTP: the first page, older ones, chat from further back, and whatever the socket did not bring. */
import type { StoreApi } from "zustand/vanilla";
import { ApiError } from "~/api/http";
import type { ClientState } from "./client";
import type { LogEntry, MessageView } from "./protocol";
import type { Input } from "./reducer";
import type { SessionState } from "./state";

/** Entries of the first page, of an older one, and of one that fills a hole. */
const FIRST_PAGE = 300;
const OLDER_PAGE = 1_000;
const REPAIR_PAGE = 1_000;
const CHAT_PAGE = 100;
/** Messages of a page on the way to an old one. */
const CHAT_LEAP = 500;
/** Fewer messages than this on the first page, and the chat reads further back by itself. */
const CHAT_ENOUGH = 30;

/** Chat alone, oldest first. `next` is null at the beginning. */
export interface ChatPage {
  items: { seq: number; message: MessageView }[];
  next: number | null;
}

/** The part of the HTTP interface that a session needs. */
export interface History {
  ticket(id: string): Promise<{ ticket: string }>;
  eventsAfter(id: string, seq: number, limit: number): Promise<{ items: LogEntry[] }>;
  eventsBefore(id: string, seq: number, limit: number): Promise<{ items: LogEntry[] }>;
  messagesBefore(id: string, seq: number, limit: number): Promise<ChatPage>;
  thread(id: string, rootId: string): Promise<ChatPage>;
}

export class Loader {
  private isRepairing = false;
  private chatPage: Promise<void> | null = null;

  constructor(
    private readonly sessionId: string,
    private readonly history: History,
    private readonly store: StoreApi<ClientState>,
    private readonly dispatch: (inputs: readonly Input[]) => void,
  ) {}

  private get state(): SessionState {
    return this.store.getState().session;
  }

  /** The page before what is held. Does nothing at the beginning of the log or while one is on its way. */
  async older(): Promise<void> {
    const { epoch, from, isLoaded } = this.state;
    if (this.store.getState().loading === "busy" || epoch === null) return;
    if (from <= 1) {
      if (!isLoaded) this.dispatch([{ type: "history", entries: [] }]);
      return;
    }
    this.store.setState({ loading: "busy", loadError: null });
    try {
      const limit = isLoaded ? OLDER_PAGE : FIRST_PAGE;
      const page = await this.history.eventsBefore(this.sessionId, from, limit);
      this.store.setState({ loading: "idle" });
      // A page of another history came too late: the one that counts now is asked for instead.
      if (this.state.epoch !== epoch) return void this.older();
      this.dispatch([{ type: "history", entries: page.items }]);
      if (!isLoaded && this.state.messages.length < CHAT_ENOUGH) void this.olderMessages();
    } catch (error) {
      const loadError = error instanceof ApiError ? error.message : String(error);
      this.store.setState({ loading: "failed", loadError });
    }
  }

  /** Chat from before what is held, without the transcript around it. Who asks while a page is on its way waits for it. */
  olderMessages(limit = CHAT_PAGE): Promise<void> {
    this.chatPage ??= this.readMessages(limit).finally(() => {
      this.chatPage = null;
    });
    return this.chatPage;
  }

  private async readMessages(limit: number): Promise<void> {
    const { epoch, from, olderMessages, hasOlderMessages } = this.state;
    if (epoch === null || !hasOlderMessages) return;
    const before = Math.min(olderMessages[0]?.seq ?? from, from);
    if (before <= 1) {
      this.dispatch([{ type: "chat_history", messages: [], hasOlder: false }]);
      return;
    }
    this.store.setState({ chatLoading: "busy" });
    try {
      const page = await this.history.messagesBefore(this.sessionId, before, limit);
      this.store.setState({ chatLoading: "idle" });
      if (this.state.epoch !== epoch) return;
      const messages = page.items.map(({ message }) => message);
      this.dispatch([{ type: "chat_history", messages, hasOlder: page.next !== null }]);
    } catch (error) {
      console.warn("Earlier messages could not be loaded.", error);
      this.store.setState({ chatLoading: "failed" });
    }
  }

  /** Chat back to entry `seq`, so that the message there is among what is held. False where it did not come. */
  async messagesBackTo(seq: number): Promise<boolean> {
    for (;;) {
      const { from, olderMessages, hasOlderMessages } = this.state;
      const first = Math.min(olderMessages[0]?.seq ?? from, from);
      if (first <= seq) return true;
      if (!hasOlderMessages) return false;
      await this.olderMessages(CHAT_LEAP);
      if (this.state.olderMessages === olderMessages && this.state.hasOlderMessages === hasOlderMessages) return false;
    }
  }

  /** A thread by itself, for when its first message lies further back than what is held. Raises ApiError. */
  async thread(rootId: string): Promise<void> {
    const { epoch } = this.state;
    const page = await this.history.thread(this.sessionId, rootId);
    if (this.state.epoch !== epoch) return;
    this.dispatch([{ type: "thread_history", rootId, messages: page.items.map(({ message }) => message) }]);
  }

  /** Fetches what the socket did not bring: the answer of the log itself, so no hole outlives this. */
  async repair(): Promise<void> {
    if (this.isRepairing || !this.hasHole()) return;
    this.isRepairing = true;
    try {
      while (this.hasHole()) {
        const { to, epoch } = this.state;
        const page = await this.history.eventsAfter(this.sessionId, to, REPAIR_PAGE);
        if (this.state.epoch !== epoch || page.items.length === 0) break;
        this.dispatch(page.items);
      }
    } catch (error) {
      // The line's next `ping` asks again.
      console.warn("Missing events could not be fetched yet.", error);
    } finally {
      this.isRepairing = false;
    }
  }

  hasHole(): boolean {
    return this.state.epoch !== null && this.state.head > this.state.to;
  }
}
