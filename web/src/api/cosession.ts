/** Every call that this page makes, by name. */
import type { ChatPage } from "~/session/loader";
import type { LogEntry, Participant, Role, SessionView } from "~/session/protocol";
import { request } from "./http";

export interface Me {
  user_id: string;
  username: string;
  email: string | null;
  color: number;
}

export interface InviteLink {
  id: string;
  url: string;
  role: Role;
  expires_at: string;
  max_uses: number;
}

export interface InviteLook {
  title: string;
  host: string | { username: string };
  role: Role;
  status: "live" | "expired" | "revoked" | "used_up" | "accepted";
  expires_at: string;
}

const session = (id: string) => `/api/sessions/${encodeURIComponent(id)}`;

export const api = {
  signIn: (token: string) => request<Me>("POST", "/api/sign-in", { token }),
  signOut: () => request<void>("POST", "/api/sign-out"),
  me: (signal?: AbortSignal) => request<Me>("GET", "/api/me", undefined, signal),

  sessions: (signal?: AbortSignal) => request<{ items: SessionView[] }>("GET", "/api/sessions", undefined, signal),
  startSession: (title: string) => request<SessionView>("POST", "/api/sessions", { title }),
  session: (id: string, signal?: AbortSignal) => request<SessionView>("GET", session(id), undefined, signal),
  renameSession: (id: string, title: string) => request<SessionView>("PATCH", session(id), { title }),
  endSession: (id: string) => request<SessionView>("POST", `${session(id)}/end`),

  ticket: (id: string) => request<{ ticket: string; expires_in: number }>("POST", `${session(id)}/tickets`),
  eventsAfter: (id: string, seq: number, limit: number) =>
    request<{ items: LogEntry[]; next: number | null }>("GET", `${session(id)}/events?after=${seq}&limit=${limit}`),
  eventsBefore: (id: string, seq: number, limit: number) =>
    request<{ items: LogEntry[] }>("GET", `${session(id)}/events?before=${seq}&limit=${limit}`),
  messagesBefore: (id: string, seq: number, limit: number) =>
    request<ChatPage>("GET", `${session(id)}/messages?before=${seq}&limit=${limit}`),
  participants: (id: string) => request<{ items: Participant[] }>("GET", `${session(id)}/participants`),

  invite: (id: string, wish: { role: Role; expires_in?: number; max_uses?: number }) =>
    request<InviteLink>("POST", `${session(id)}/invites`, wish),
  lookAtInvite: (token: string) => request<InviteLook>("GET", `/api/invites/${encodeURIComponent(token)}`),
  acceptInvite: (token: string, who: { name?: string; email?: string }) =>
    request<{ session_id: string }>("POST", `/api/invites/${encodeURIComponent(token)}/accept`, who),
};
