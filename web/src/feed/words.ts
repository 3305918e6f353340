/** What an item of the feed says, as one sentence after the name of who did it. Pure. */
import { plural } from "~/lib/format";
import type { IconName } from "~/ui/icon";
import type { FeedItem, FeedKind } from "./data";

export const kinds: Record<FeedKind, { icon: IconName; name: string }> = {
  mention: { icon: "chat", name: "Mentions" },
  comment: { icon: "comment", name: "Comments" },
  agent: { icon: "terminal", name: "Agent" },
  error: { icon: "alert", name: "Errors" },
  file: { icon: "file", name: "Files" },
  people: { icon: "users", name: "People" },
  invite: { icon: "invite", name: "Invites" },
  approval: { icon: "key", name: "Approvals" },
  thread: { icon: "link", name: "Threads" },
  session: { icon: "flag", name: "Sessions" },
};

/** Several changes of files in a row are shown as one. */
export interface Row {
  item: FeedItem;
  /** The others that are told with it, later ones first. */
  more: FeedItem[];
}

export function folded(items: readonly FeedItem[]): Row[] {
  const rows: Row[] = [];
  for (const item of items) {
    const last = rows.at(-1);
    const isSame =
      last !== undefined &&
      item.kind === "file" &&
      last.item.kind === "file" &&
      item.session_id === last.item.session_id &&
      item.what === last.item.what &&
      item.user?.user_id === last.item.user?.user_id;
    if (isSame) last.more.push(item);
    else rows.push({ item, more: [] });
  }
  return rows;
}

const changes: Record<string, string> = { added: "added", modified: "changed", deleted: "deleted", renamed: "renamed" };
const invites: Record<string, string> = {
  invite_accepted: "accepted an invite",
  invite_revoked: "withdrew an invite",
  invite_declined: "declined an invite",
  invite_expired: "An invite has expired",
};

export function doer({ user, kind, what }: FeedItem): string {
  if (user) return user.username;
  if (what === "invite_expired" || kind === "thread" || what === "mirror_paused") return "";
  return "The agent";
}

export function sentence({ item, more }: Row): string {
  const { what, target, text, user } = item;
  switch (what) {
    case "session_started":
      return "started the session";
    case "session_update":
      return text ? `renamed the session to “${text}”` : `handed the session to ${target}`;
    case "session_ended":
      return "ended the session";
    case "participant_added":
      return `joined as ${target}`;
    case "participant_removed":
      return user?.username === target ? "left" : `removed ${target}`;
    case "role_changed":
      return `made ${target} ${text === "editor" ? "an editor" : `a ${text}`}`;
    case "invite_created":
      return `made an invite for ${text === "editor" ? "an editor" : `a ${text}`}`;
    case "knocked":
      return target === "again" ? "still waits to come in" : "asked to come in";
    case "knock_answered":
      return text === "admitted" ? `let ${target} in` : `did not let ${target} in`;
    case "code_comment":
      return `commented on ${target}`;
    case "comment_resolved":
      return `resolved a comment on ${target}`;
    case "comment_reopened":
      return `reopened a comment on ${target}`;
    case "chat_message":
      return "mentioned somebody";
    case "prompt_submitted":
      return "asked the agent";
    case "turn_finished":
      return { completed: "finished its turn", failed: "failed", interrupted: "was stopped" }[text] ?? text;
    case "agent_failed":
      return "reported an error";
    case "file_shared":
    case "file_changed":
      return more.length > 0
        ? `changed ${plural(new Set([item, ...more].map((one) => one.target)).size, "file")}`
        : `${changes[text] ?? "changed"} ${target}`;
    case "thread_linked":
      return `A Slack thread${target ? ` in ${target}` : ""} mirrors the session`;
    case "mirror_resumed":
      return `had a new Slack thread opened${target ? ` in ${target}` : ""}`;
    case "mirror_paused":
      return "The Slack mirror is paused";
    default:
      return invites[what] ?? what.replaceAll("_", " ");
  }
}

const quoted = new Set(["chat_message", "code_comment", "prompt_submitted", "agent_failed", "mirror_paused"]);

/** What was said with it; null where nothing was. */
export function quote({ item }: Row): string | null {
  if (!quoted.has(item.what)) return null;
  return item.is_gone ? null : item.text;
}
