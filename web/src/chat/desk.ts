/** What is open on the chat of this page: a thread, a message that is being edited, one that somebody was led to. */
import { createContext, useContext } from "react";
import { useStore } from "zustand";
import { createStore, type StoreApi } from "zustand/vanilla";

export interface ChatDesk {
  /** The first message of the thread that is open. */
  threadId: string | null;
  /** It was opened to show one of its replies, not to write in it. */
  isThreadShown: boolean;
  /** The message whose text is being changed, and in which of the two lists. */
  editing: { id: string; isThread: boolean } | null;
  /** Where somebody was led to; `count` tells two ways to the same message apart. */
  target: { id: string; count: number } | null;
  /** The newest messages are in sight of somebody: nothing is unread here. */
  isReading: boolean;
  /** The last reply that was in sight, by thread. */
  seenReplies: ReadonlyMap<string, number>;
}

export class ChatDeskState {
  readonly store: StoreApi<ChatDesk> = createStore(() => ({
    threadId: null,
    isThreadShown: false,
    editing: null,
    target: null,
    isReading: false,
    seenReplies: new Map(),
  }));

  openThread = (threadId: string): void => this.store.setState({ threadId, isThreadShown: false });

  /** Opens a thread and leads to one of its replies. */
  showReply = (threadId: string, replyId: string): void => {
    this.store.setState({ threadId, isThreadShown: true });
    this.lead(replyId);
  };

  closeThread = (): void => this.store.setState({ threadId: null });

  edit = (editing: ChatDesk["editing"]): void => this.store.setState({ editing });

  reading = (isReading: boolean): void => this.store.setState({ isReading });

  /** Leads to a message that is held: the list that shows it scrolls there. */
  lead = (id: string): void =>
    this.store.setState(({ target }) => ({ target: { id, count: (target?.count ?? 0) + 1 } }));

  /** Somebody was there. */
  arrived = (count: number): void =>
    this.store.setState(({ target }) => ({ target: target?.count === count ? null : target }));

  seen = (threadId: string, seq: number): void =>
    this.store.setState(({ seenReplies }) =>
      (seenReplies.get(threadId) ?? 0) >= seq ? {} : { seenReplies: new Map(seenReplies).set(threadId, seq) },
    );
}

const DeskContext = createContext<ChatDeskState | null>(null);
export const ChatDeskProvider = DeskContext;

export function useChatDesk(): ChatDeskState {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("This component stands outside of a session.");
  return desk;
}

export function useChatDeskState<T>(select: (desk: ChatDesk) => T): T {
  return useStore(useChatDesk().store, select);
}
