/** Comments from the server and to it: read anew when the log tells of one, shown at once when this page makes one. */
import { keepPreviousData, type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo } from "react";
import { useStore } from "zustand";
import { createStore, type StoreApi } from "zustand/vanilla";
import { api } from "~/api/cosession";
import type { SessionClient } from "~/session/client";
import { type Wish as Command, Refused } from "~/session/commands";
import { useClientState, useSession } from "~/session/context";
import { type AddWish, type ChangeWish, type CommentWish, type SettleWish, type Shown, type ShownThread, withWishes } from "./threads";

/** What a wish says beside what is known of every wish. */
type New<T extends CommentWish> = T extends CommentWish ? Omit<T, "id" | "state" | "error" | "seq" | "written_at"> : never;

/** Milliseconds: entries that come together are read together. */
const SETTLE = 60;

export class CommentDesk {
  readonly store: StoreApi<{ wishes: readonly CommentWish[]; drafts: Readonly<Record<string, string>> }> = createStore(
    () => ({ wishes: [], drafts: {} }),
  );
  private count = 0;

  constructor(
    private readonly client: SessionClient,
    private readonly queries: QueryClient,
    private readonly sessionId: string,
  ) {}

  add(wish: Omit<New<AddWish>, "kind">): void {
    this.begin({ kind: "add", ...wish });
  }

  change(wish: New<ChangeWish>): void {
    this.begin(wish);
  }

  settle(wish: New<SettleWish>): void {
    this.begin(wish);
  }

  retry(id: string): void {
    const wish = this.store.getState().wishes.find((one) => one.id === id);
    if (!wish) return;
    this.patch(id, { state: "pending", error: null });
    void this.send(wish);
  }

  discard(id: string): void {
    this.store.setState(({ wishes }) => ({ wishes: wishes.filter((one) => one.id !== id) }));
  }

  /** What is being written, by where: it survives that its card goes out of sight. */
  draft(key: string, text: string): void {
    this.store.setState(({ drafts }) => {
      const { [key]: _, ...rest } = drafts;
      return { drafts: text === "" ? rest : { ...rest, [key]: text } };
    });
  }

  private begin(said: New<CommentWish>): void {
    this.count += 1;
    const id = `comment-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}-${this.count}`;
    const rest = { id, state: "pending", error: null, seq: null, written_at: new Date().toISOString() } as const;
    const wish = { ...said, ...rest } as CommentWish;
    this.store.setState(({ wishes }) => ({ wishes: [...wishes, wish] }));
    void this.send(wish);
  }

  private async send(wish: CommentWish): Promise<void> {
    try {
      const seq = await this.client.command(commandOf(wish));
      this.patch(wish.id, { seq });
      await this.queries.invalidateQueries({ queryKey: ["comments", this.sessionId] }, { throwOnError: true });
      this.discard(wish.id);
    } catch (error) {
      // Stored, but not read back yet: the wish stands for it until it is.
      if (!(error instanceof Refused)) return;
      this.patch(wish.id, { state: "failed", error: error.message });
    }
  }

  private patch(id: string, change: Partial<Pick<CommentWish, "state" | "error" | "seq">>): void {
    this.store.setState(({ wishes }) => ({ wishes: wishes.map((one) => (one.id === id ? { ...one, ...change } : one)) }));
  }
}

function commandOf(wish: CommentWish): Command {
  const { id: client_msg_id } = wish;
  switch (wish.kind) {
    case "add": {
      const { content, mentions, thread_id, file, line, end_line, version, code_snippet } = wish;
      const place = thread_id ? { thread_id } : { file, line, end_line, version, code_snippet };
      return { type: "add_comment", client_msg_id, content, mentions, ...place };
    }
    case "edit": {
      const { comment_id, content, mentions } = wish;
      return { type: "edit_comment", client_msg_id, comment_id, content, mentions };
    }
    case "delete":
      return { type: "delete_comment", client_msg_id, comment_id: wish.comment_id };
    case "resolve":
      return { type: "resolve_comment", client_msg_id, comment_id: wish.thread_id };
    case "reopen":
      return { type: "reopen_comment", client_msg_id, comment_id: wish.thread_id };
  }
}

const CommentDeskContext = createContext<CommentDesk | null>(null);
export const CommentDeskProvider = CommentDeskContext;

export function useCommentDesk(): CommentDesk {
  const desk = useContext(CommentDeskContext);
  if (!desk) throw new Error("This component stands outside of a session.");
  return desk;
}

export function useDraft(key: string): [string, (text: string) => void] {
  const desk = useCommentDesk();
  return [useStore(desk.store, (state) => state.drafts[key] ?? ""), (text) => desk.draft(key, text)];
}

export interface Threads {
  threads: ShownThread[];
  isLoading: boolean;
  /** Their places are those of another version, until the ones of this version are here. */
  isStale: boolean;
  error: Error | null;
  retry: () => void;
}

/** The threads of a file in one version of it; with null those of the whole session, placed in what is newest. */
export function useThreads(id: string, shown: Shown | null): Threads {
  const desk = useCommentDesk();
  const wishes = useStore(desk.store, (state) => state.wishes);
  const me = useSession((state) => state.you);
  const found = useQuery({
    queryKey: ["comments", id, shown?.file ?? null, shown?.version ?? null],
    queryFn: async ({ signal }) => (await api.comments(id, shown ?? undefined, signal)).items,
    staleTime: 60_000,
    // While places in a new version are asked for, those in the one before stand in.
    placeholderData: (before, query) => (query?.queryKey[2] === (shown?.file ?? null) ? keepPreviousData(before) : undefined),
  });
  const [file, version] = [shown?.file ?? null, shown?.version ?? null];
  const threads = useMemo(
    () => withWishes(found.data ?? [], wishes, me, file === null ? null : { file, version }),
    [found.data, wishes, me, file, version],
  );
  return {
    threads,
    isLoading: found.isPending,
    isStale: found.isPlaceholderData,
    error: found.data ? null : found.error,
    retry: () => void found.refetch(),
  };
}

/** Reads comments anew whenever the log told of one, of a file, or the line came back. Stands once per page. */
export function useCommentNews(id: string): void {
  const queries = useQueryClient();
  const seq = useSession((state) => state.commentsSeq);
  const told = useSession((state) => state.sharedFiles);
  const isOnline = useClientState((state) => state.line.phase === "online");
  useEffect(() => {
    if (!isOnline) return;
    const timer = setTimeout(() => void queries.invalidateQueries({ queryKey: ["comments", id] }), SETTLE);
    return () => clearTimeout(timer);
  }, [queries, id, seq, told, isOnline]);
}
