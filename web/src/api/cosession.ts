/** Every call that this page makes, by name. */
import type { SearchPage } from "~/search/data";
import type { ChatPage } from "~/session/loader";
import type {
  CommentThread,
  FileVersion,
  FileView,
  LogEntry,
  Participant,
  Role,
  SessionView,
  ThreadState,
} from "~/session/protocol";
import { request, requestText } from "./http";

export interface Me {
  user_id: string;
  username: string;
  email: string | null;
  color: number;
  /** Runs the server: may see what is open on it. */
  is_admin?: boolean;
  /** How dates are written; empty for as the browser does. */
  language?: string;
}

export interface Profile {
  username: string;
  /** A name of the IANA's list; empty until it is known. */
  time_zone: string;
  /** How dates are written; empty for as the browser does. */
  language: string;
}

export interface DigestWish {
  cadence: "off" | "daily" | "weekly";
  /** After midnight, where one is. */
  minute: number;
  /** Of a weekly one; 0 is Monday. */
  weekday: number;
}

export interface Digest extends DigestWish {
  next_at: string | null;
}

export interface WayIn {
  provider: string;
  path: string;
}

/** How an invite reaches the person it is for. */
export type InviteWay = "link" | "email" | "person" | "slack";

export type InviteStatus =
  | "live"
  | "accepted"
  | "waiting"
  | "refused"
  | "wrong_person"
  | "left"
  | "declined"
  | "expired"
  | "revoked"
  | "used_up";

export interface InviteWish {
  role: Role;
  /** Only its holder may accept. */
  email?: string;
  /** Seconds. */
  expires_in?: number;
  max_uses?: number;
  /** Whoever accepts waits until a host lets them in. */
  needs_approval?: boolean;
}

export interface InviteLink {
  id: string;
  url: string;
  role: Role;
  expires_at: string;
  max_uses: number;
  way: InviteWay;
  needs_approval: boolean;
}

export interface InviteLook {
  id: string;
  /** Empty while it is not known that it is for whoever looks. */
  title: string;
  host: string;
  inviter: string;
  role: Role;
  status: InviteStatus;
  way: InviteWay;
  /** Of the address that it is made out to, as much as reminds its owner. */
  hint: string;
  needs_approval: boolean;
  has_ended: boolean;
  expires_at: string;
  session_id: string | null;
}

export interface ListedInvite {
  id: string;
  role: Role;
  status: InviteStatus;
  way: InviteWay;
  to: string;
  inviter: string;
  created_at: string;
  expires_at: string;
  max_uses: number;
  use_count: number;
  needs_approval: boolean;
  /** How many are in the session by it. */
  came: number;
  /** Why it was not delivered; empty where it was. */
  problem: string;
}

export interface Knock {
  user: { user_id: string; username: string; color: number };
  role: Role;
  invite_id: string;
  knocked_at: string;
}

export interface SessionInvites {
  items: ListedInvite[];
  knocks: Knock[];
}

/** What one process of the server has open now. */
export interface Live {
  totals: {
    sessions: number;
    people: number;
    connections: number;
    by_transport: Record<string, number>;
    queued_bytes: number;
  };
  sessions: {
    id: string;
    title: string;
    status: "live" | "ended";
    host: { user_id: string; username: string; color: number };
    people: number;
    connections: number;
    head: number;
    queued_bytes: number;
  }[];
  connections: {
    id: string;
    session_id: string;
    user_id: string;
    username: string;
    role: Role;
    transport: string;
    since: string;
    last_heard_at: string;
    queued_bytes: number;
    is_live: boolean;
    address: string;
  }[];
}

const session = (id: string) => `/api/sessions/${encodeURIComponent(id)}`;

/** As far as the reference reads it. https://spec.openapis.org/oas/v3.1.0 */
export interface OpenApi {
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

export interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>;
}

export interface Schema {
  $ref?: string;
  title?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  required?: string[];
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

export const api = {
  openapi: (signal?: AbortSignal) => request<OpenApi>("GET", "/openapi.json", undefined, signal),
  /** `replaces`: who was signed in in this browser until now. */
  signIn: (token: string) => request<Me & { replaces: string | null }>("POST", "/api/sign-in", { token }),
  /** Has a mail sent, if somebody can come in by the address. */
  askForLink: (email: string) => request<{ expires_in: number }>("POST", "/api/sign-in/email", { email }),
  /** Whose address a mailed link went to; spends nothing. */
  lookAtLink: (token: string) => request<{ email: string }>("POST", "/api/sign-in/email/look", { token }),
  signInByCode: (code: string) =>
    request<Me & { replaces: string | null }>("POST", "/api/sign-in/email/code", { code }),
  profile: (signal?: AbortSignal) => request<Profile>("GET", "/api/me/profile", undefined, signal),
  changeProfile: (change: Partial<Profile>) => request<Profile>("PATCH", "/api/me/profile", change),
  digest: (signal?: AbortSignal) => request<Digest>("GET", "/api/me/digest", undefined, signal),
  chooseDigest: (wish: DigestWish) => request<Digest>("PUT", "/api/me/digest", wish),
  /** Ends every login of one's own, this one included. */
  signOutEverywhere: () => request<void>("POST", "/api/me/sign-out-everywhere"),
  /** Other systems by which people may come in here, and where that begins. */
  waysIn: (signal?: AbortSignal) => request<{ ways: WayIn[] }>("GET", "/api/sign-in", undefined, signal),
  identities: (signal?: AbortSignal) =>
    request<{ items: { provider: string; linked_at: string }[] }>("GET", "/api/me/identities", undefined, signal),
  disconnect: (provider: string) => request<void>("DELETE", `/api/me/identities/${encodeURIComponent(provider)}`),
  signOut: () => request<void>("POST", "/api/sign-out"),
  me: (signal?: AbortSignal) => request<Me>("GET", "/api/me", undefined, signal),

  sessions: (signal?: AbortSignal) => request<{ items: SessionView[] }>("GET", "/api/sessions", undefined, signal),
  startSession: (title: string) => request<SessionView>("POST", "/api/sessions", { title }),
  session: (id: string, signal?: AbortSignal) => request<SessionView>("GET", session(id), undefined, signal),
  renameSession: (id: string, title: string) => request<SessionView>("PATCH", session(id), { title }),
  endSession: (id: string) => request<SessionView>("POST", `${session(id)}/end`),

  mirror: (id: string, signal?: AbortSignal) =>
    request<{ thread: ThreadState | null; channels: { id: string; name: string }[] }>(
      "GET",
      `${session(id)}/thread`,
      undefined,
      signal,
    ),
  /** A paused thread goes on as a new one, in another channel where one is named. */
  resumeMirror: (id: string, channel: string | null) =>
    request<void>("POST", `${session(id)}/thread/resume`, { channel }),

  ticket: (id: string) => request<{ ticket: string; expires_in: number }>("POST", `${session(id)}/tickets`),
  eventsAfter: (id: string, seq: number, limit: number) =>
    request<{ items: LogEntry[]; next: number | null }>("GET", `${session(id)}/events?after=${seq}&limit=${limit}`),
  eventsBefore: (id: string, seq: number, limit: number) =>
    request<{ items: LogEntry[] }>("GET", `${session(id)}/events?before=${seq}&limit=${limit}`),
  messagesBefore: (id: string, seq: number, limit: number) =>
    request<ChatPage>("GET", `${session(id)}/messages?before=${seq}&limit=${limit}`),
  /** A message and every answer to it. */
  thread: (id: string, rootId: string) =>
    request<ChatPage>("GET", `${session(id)}/messages?${new URLSearchParams({ parent: rootId })}`),
  /** Every text that a message has had, the first first. */
  texts: (id: string, messageId: string, signal?: AbortSignal) =>
    request<{ items: { content: string; at: string }[] }>(
      "GET",
      `${session(id)}/messages/${encodeURIComponent(messageId)}/history`,
      undefined,
      signal,
    ),
  /** In one session, or in all of them; `before` is the `next` of the page above. */
  search: (id: string | null, words: string, before: number | null, limit: number, signal?: AbortSignal) => {
    const query = new URLSearchParams({ q: words, limit: String(limit), ...(before ? { before: String(before) } : {}) });
    const path = id === null ? "/api/search" : `${session(id)}/search`;
    return request<SearchPage>("GET", `${path}?${query}`, undefined, signal);
  },
  changeRole: (id: string, userId: string, role: Role) =>
    request<void>("PATCH", `${session(id)}/participants/${encodeURIComponent(userId)}`, { role }),
  removeParticipant: (id: string, userId: string) =>
    request<void>("DELETE", `${session(id)}/participants/${encodeURIComponent(userId)}`),
  handOver: (id: string, userId: string) =>
    request<SessionView>("POST", `${session(id)}/hand-over`, { user_id: userId }),
  live: (signal?: AbortSignal) => request<Live>("GET", "/api/admin/live", undefined, signal),
  participants: (id: string) => request<{ items: Participant[] }>("GET", `${session(id)}/participants`),

  files: (id: string, signal?: AbortSignal) =>
    request<{ items: FileView[] }>("GET", `${session(id)}/files`, undefined, signal),
  fileVersions: (id: string, path: string, signal?: AbortSignal) =>
    request<{ items: FileVersion[] }>("GET", `${session(id)}/files/versions?${new URLSearchParams({ path })}`, undefined, signal),
  /** A file's content by its SHA-256, as text: it never changes. */
  blob: (id: string, version: string, signal?: AbortSignal) =>
    requestText(`${session(id)}/blobs/${encodeURIComponent(version)}`, signal),
  /** Of one file as it was in `version`, or of the whole session as it stands now. */
  comments: (id: string, of?: { file: string; version: string | null }, signal?: AbortSignal) => {
    const query = new URLSearchParams({ include_resolved: "true" });
    if (of) query.set("file", of.file);
    if (of?.version) query.set("version", of.version);
    return request<{ items: CommentThread[] }>("GET", `${session(id)}/comments?${query}`, undefined, signal);
  },

  invite: (id: string, wish: InviteWish) => request<InviteLink>("POST", `${session(id)}/invites`, wish),
  invites: (id: string, signal?: AbortSignal) =>
    request<SessionInvites>("GET", `${session(id)}/invites`, undefined, signal),
  revokeInvite: (inviteId: string, removePeople: boolean) =>
    request<void>("DELETE", `/api/invites/${encodeURIComponent(inviteId)}${removePeople ? "?remove_people=true" : ""}`),
  answerKnock: (id: string, userId: string, admit: boolean) =>
    request<void>("POST", `${session(id)}/knocks/${encodeURIComponent(userId)}`, { admit }),
  myInvites: (signal?: AbortSignal) =>
    request<{ items: InviteLook[] }>("GET", "/api/me/invites", undefined, signal),
  /** `token`: a link's secret, or the id of an invite that is made out to whoever is signed in. */
  lookAtInvite: (token: string, signal?: AbortSignal) => atInvite<InviteLook>("GET", token, "", undefined, signal),
  acceptInvite: (token: string, who: { name?: string }) =>
    atInvite<{ session_id: string; is_waiting: boolean }>("POST", token, "/accept", who),
  declineInvite: (token: string) => atInvite<void>("POST", token, "/decline", {}),
};

/** A secret goes in a header: addresses are written into logs. */
function atInvite<T>(method: string, token: string, deed: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  if (/^inv_[a-z2-7]{26}$/.test(token)) return request<T>(method, `/api/invites/${token}${deed}`, body, signal);
  // A link that was cut off or altered in a mail may hold what no header can.
  const secret = encodeURIComponent(token).slice(0, 200);
  return request<T>(method, `/api/invites/link${deed}`, body, signal, { "Cosession-Invite": secret });
}
