/** The page's calls to the sandbox's server. Every action carries the header that other sites cannot send. */
import type { Change, Message, Snapshot } from "./types";

const BASE = "/sandbox/slack/ui";

/** What the server refused, in Slack's word for it (`not_in_channel`, …) or in its own sentence. */
export class Refused extends Error {}

async function answerOf<T>(response: Response): Promise<T> {
  const answer = (await response.json().catch(() => null)) as (T & { error?: string; detail?: string }) | null;
  if (!response.ok || answer === null) {
    const said = answer?.error ?? answer?.detail?.replace(/\.$/, "");
    throw new Refused(said ?? `the server answered ${response.status}`);
  }
  return answer;
}

export async function fetchState(user: string | null): Promise<Snapshot> {
  return answerOf(await fetch(`${BASE}/state?user=${encodeURIComponent(user ?? "")}`));
}

export async function fetchMessages(user: string, channel: string): Promise<Message[]> {
  const query = new URLSearchParams({ user, channel });
  const answer = await answerOf<{ messages: Message[] }>(await fetch(`${BASE}/messages?${query}`));
  return answer.messages;
}

export async function act<T = unknown>(action: string, body: Record<string, unknown>): Promise<T> {
  const response = await fetch(`${BASE}/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-sandbox": "1" },
    body: JSON.stringify(body),
  });
  return (await answerOf<{ result: T }>(response)).result;
}

/** Puts a file up for a message that is to come; returns its id. */
export async function upload(user: string, file: File): Promise<string> {
  const query = new URLSearchParams({ user, name: file.name });
  const response = await fetch(`${BASE}/upload?${query}`, { method: "POST", headers: { "x-sandbox": "1" }, body: file });
  return (await answerOf<{ result: string }>(response)).result;
}

/** A link that signs somebody of the workspace in and leads to `next`, a path of this site. Works once. */
export async function linkFor(user: string, next: string): Promise<string> {
  const response = await fetch("/sandbox/slack/links", {
    method: "POST",
    headers: { "content-type": "application/json", "x-sandbox": "1" },
    body: JSON.stringify({ user_id: user, next }),
  });
  return (await answerOf<{ url: string }>(response)).url;
}

/** Listens until stopped. `onOpen` comes with every (re)connection: what happened in between must be read again. */
export function listen(
  user: string,
  on: { open: () => void; change: (change: Change) => void; lost: () => void },
): () => void {
  const stream = new EventSource(`${BASE}/stream?user=${encodeURIComponent(user)}`);
  stream.addEventListener("open", on.open);
  stream.addEventListener("message", (event) => on.change(JSON.parse(event.data as string) as Change));
  stream.addEventListener("error", on.lost);
  return () => stream.close();
}
