// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { InviteLook, InviteStatus } from "~/api/cosession";
import { InvitePage } from "./invite";

const SECRET = "s".repeat(43);
const bob = { user_id: "usr_bob", username: "Bob", email: "bob@till.example", color: 1, is_admin: false };

/** What the server was asked, with the secret where it was given. */
const asked: string[] = [];
let look: Partial<InviteLook> = {};
let me: typeof bob | null = bob;

const answer = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  asked.length = 0;
  location.hash = SECRET;
  // jsdom has none.
  vi.stubGlobal("EventSource", class extends EventTarget { close() {} });
  vi.stubGlobal("fetch", async (path: string, options: RequestInit) => {
    const secret = (options.headers as Record<string, string>)["Cosession-Invite"];
    asked.push([options.method, path, secret ? "with the secret" : "", options.body ?? ""].join(" ").trim());
    if (path === "/api/me") return me ? answer(me) : answer({ detail: "Sign in first.", error_code: "not_signed_in" }, 401);
    // What stands in the frame around the page is another matter: it is still loading.
    if (!path.startsWith("/api/invites/")) return new Promise<Response>(() => undefined);
    if (options.method !== "GET") return answer({ session_id: "ses_1", is_waiting: true });
    return answer({
      id: `inv_${"a".repeat(26)}`,
      title: "Mend the till",
      host: "Alice",
      inviter: "Alice",
      role: "editor",
      status: "live",
      way: "link",
      hint: "",
      needs_approval: false,
      has_ended: false,
      expires_at: "2026-01-05T12:00:00.000Z",
      session_id: null,
      ...look,
    });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  look = {};
  me = bob;
});

function open(id?: string) {
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <InvitePage id={id} />
    </QueryClientProvider>,
  );
}

const pages: [InviteStatus, heading: string, does: string][] = [
  ["live", "Mend the till", "Accept invite"],
  ["accepted", "Mend the till", "Open session"],
  ["waiting", "A host has been asked", ""],
  ["refused", "You were not let in", "Your sessions"],
  ["wrong_person", "This invite is for somebody else", "Use another account"],
  ["left", "You left this session", "Your sessions"],
  ["declined", "You declined this invite", "Your sessions"],
  ["expired", "This invite has expired", "Your sessions"],
  ["revoked", "This invite was withdrawn", "Your sessions"],
  ["used_up", "This invite was used already", "Your sessions"],
];

test.each(pages)("an invite that is %s says so, and what to do", async (status, heading, does) => {
  look = { status };
  open();
  expect(await screen.findByRole("heading", { name: heading })).toBeTruthy();
  if (does) {
    const found = screen.queryByRole("button", { name: does }) ?? screen.queryByRole("link", { name: does });
    expect(found, does).toBeTruthy();
  }
});

test("the secret goes in a header and not in an address", async () => {
  open();
  fireEvent.click(await screen.findByRole("button", { name: "Accept invite" }));
  await vi.waitFor(() => expect(asked).toContain("POST /api/invites/link/accept with the secret {}"));
  expect(asked.filter((one) => one.includes(SECRET))).toEqual([]);
});

test("whoever is not signed in says who they are, or signs in where it is for one person", async () => {
  me = null;
  open();
  expect(await screen.findByRole("textbox", { name: /Your name/ })).toBeTruthy();
  cleanup();
  look = { way: "email", hint: "b…@till.example", title: "" };
  open();
  expect(await screen.findByRole("heading", { name: "Sign in to see your invite" })).toBeTruthy();
  expect(screen.getByText(/the holder of b…@till.example/)).toBeTruthy();
  expect(screen.getByRole("link", { name: "Sign in" }).getAttribute("href")).toMatch(/^\/sign-in\?next=%2Finvite%2Finv_a+$/);
});

test("one that is made out to somebody is asked for by its id, and can be declined", async () => {
  look = { way: "slack" };
  const id = `inv_${"a".repeat(26)}`;
  open(id);
  fireEvent.click(await screen.findByRole("button", { name: "Decline" }));
  await vi.waitFor(() => expect(asked).toContain(`POST /api/invites/${id}/decline  {}`));
});
