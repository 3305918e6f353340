/** What this person may do with each message, and how it is done. */
import { useMemo } from "react";
import { addressOf } from "~/lib/address";
import { say } from "~/lib/toast";
import { useClient, useSession } from "~/session/context";
import { useChatDesk } from "./desk";
import type { ChatItem } from "./items";
import type { Actions } from "./message-actions";

export interface MessageDeeds {
  for: (item: ChatItem) => Actions;
  unreact: (id: string, emoji: string) => void;
  openThread: (rootId: string) => void;
  editDone: () => void;
}

interface Place {
  /** Replies are not answered by a thread of their own. */
  isThread: boolean;
  onRemove: (item: ChatItem) => void;
  /** Where the focus goes once the text was changed. */
  onEdited: () => void;
}

export function useDeeds({ isThread, onRemove, onEdited }: Place): MessageDeeds {
  const client = useClient();
  const desk = useChatDesk();
  const role = useSession((state) => state.role);
  const isLive = useSession((state) => state.session?.status === "live");
  const sessionId = useSession((state) => state.session?.id ?? "");
  const mayWrite = isLive && (role === "host" || role === "editor");
  return useMemo(
    () => ({
      for: (item) => ({
        react: mayWrite ? (emoji: string) => client.change(item.key, { kind: "react", emoji }) : undefined,
        reply: mayWrite && !isThread ? () => desk.openThread(item.key) : undefined,
        edit: mayWrite && item.isMine ? () => desk.edit({ id: item.key, isThread }) : undefined,
        remove: mayWrite && (item.isMine || role === "host") ? () => onRemove(item) : undefined,
        copyLink: () => void copyLink(sessionId, item),
      }),
      unreact: (id, emoji) => client.change(id, { kind: "unreact", emoji }),
      openThread: desk.openThread,
      editDone: () => {
        desk.edit(null);
        onEdited();
      },
    }),
    [client, desk, role, mayWrite, isThread, sessionId, onRemove, onEdited],
  );
}

async function copyLink(sessionId: string, item: ChatItem): Promise<void> {
  const url = location.origin + addressOf(sessionId, item.message?.seq ?? 1);
  try {
    await navigator.clipboard.writeText(url);
    say("The link to the message is copied.");
  } catch (error) {
    // Browsers refuse it on addresses without HTTPS: the link can still be taken by hand.
    console.warn("The link could not be copied.", error);
    say(`This browser does not let pages copy. The link: ${url}`);
  }
}
