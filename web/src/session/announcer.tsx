/**
 * The one polite live region: finished messages, as they arrive live. Lists are virtual, so they cannot be it: rows that
 * scroll into view are not news. What somebody sends themselves is not read back to them.
 */
import { useEffect, useRef, useState } from "react";
import { inWords } from "~/attachments/sizes";
import { useSession } from "~/session/context";

const LONGEST = 240;

export function Announcer() {
  const rows = useSession((state) => state.rows);
  const messages = useSession((state) => state.messages);
  const isLoaded = useSession((state) => state.isLoaded);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const to = useSession((state) => state.to);
  const heard = useRef<number | null>(null);
  const [text, setText] = useState("");

  useEffect(() => {
    if (!isLoaded) return;
    const since = heard.current;
    heard.current = to;
    if (since === null || since >= to) return;
    const news: string[] = [];
    for (let at = messages.length - 1; at >= 0; at -= 1) {
      const message = messages[at];
      if (!message || message.seq <= since) break;
      if (message.user_id !== myId) news.unshift(`${message.username}: ${short(inWords(message.content, message.files))}`);
    }
    const last = rows.at(-1);
    if (last?.kind === "message" && last.seq > since) news.push(`Agent: ${short(last.text)}`);
    if (last?.kind === "failure" && last.seq > since) news.push(`Error of the agent: ${short(last.text)}`);
    if (news.length > 0) setText(news.slice(-3).join("\n"));
  }, [rows, messages, to, isLoaded, myId]);

  return (
    <div role="status" aria-live="polite" aria-label="Announcements" className="sr-only">
      {text}
    </div>
  );
}

const short = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
