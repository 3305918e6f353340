/** What the chat of a session page shares with the rest of the page. */
import { type ReactNode, useState } from "react";
import { useSession } from "~/session/context";
import { ChatDeskProvider, ChatDeskState, useChatDeskState } from "./desk";

export function ChatRoom({ children }: { children: ReactNode }) {
  const [desk] = useState(() => new ChatDeskState());
  return <ChatDeskProvider value={desk}>{children}</ChatDeskProvider>;
}

/** Messages and mentions that this person has not read; none while the newest are before their eyes. */
export function useUnread(): { unread: number; mentions: number } {
  const unread = useSession((state) => state.reading?.unread ?? 0);
  const mentions = useSession((state) => state.reading?.mentions ?? 0);
  const isReading = useChatDeskState((desk) => desk.isReading);
  return isReading ? { unread: 0, mentions: 0 } : { unread, mentions };
}
