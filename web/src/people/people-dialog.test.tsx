// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SessionClient } from "~/session/client";
import { ClientProvider } from "~/session/context";
import type { Role } from "~/session/protocol";
import { alice, bob, connected, entry } from "~/testing/entries";
import { FakeHistory, FakeShelf } from "~/testing/history";
import { FakeWorld, settled } from "~/testing/world";
import { PeopleDialog } from "./people-dialog";

/** The server's answers, in order, and what it was asked. */
const asked: string[] = [];
let answers: Response[] = [];

async function open(role: Role): Promise<FakeWorld> {
  const world = new FakeWorld();
  const client = new SessionClient({
    sessionId: "ses_1",
    userId: alice.user_id,
    origin: "ws://test",
    world,
    history: new FakeHistory(),
    shelf: new FakeShelf(),
    newId: () => "m1",
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ClientProvider client={client}>
        <PeopleDialog onClose={() => undefined} />
      </ClientProvider>
    </QueryClientProvider>,
  );
  const participants = [
    { ...alice, role },
    { ...bob, role: "editor" as const },
  ];
  await act(async () => {
    await world.pass(0);
    world.socket.says(connected(0, { role, participants }));
  });
  return world;
}

const wait = () => act(() => settled());

beforeEach(() => {
  asked.length = 0;
  answers = [];
  // jsdom has no modal dialogs.
  HTMLDialogElement.prototype.showModal = function show() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
  };
  vi.stubGlobal("fetch", async (path: string, options: RequestInit) => {
    asked.push(`${options.method} ${path} ${options.body ?? ""}`.trim());
    return answers.shift() ?? new Response(null, { status: 204 });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test("a host gives somebody another role, and what the log says is shown", async () => {
  const world = await open("host");
  fireEvent.change(screen.getByRole("combobox", { name: "Role of Bob Tanaka" }), { target: { value: "viewer" } });
  await wait();
  expect(asked).toEqual(['PATCH /api/sessions/ses_1/participants/usr_bob {"role":"viewer"}']);
  await act(async () => {
    world.socket.says(entry(1, "role_changed", { user_id: bob.user_id, role: "viewer" }));
    await world.pass(50);
  });
  expect(screen.getByRole("combobox", { name: "Role of Bob Tanaka" })).toHaveProperty("value", "viewer");
});

test("removing somebody is asked about first", async () => {
  await open("host");
  fireEvent.click(screen.getByRole("button", { name: "Remove Bob Tanaka" }));
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(asked).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Remove Bob Tanaka" }));
  fireEvent.click(screen.getByRole("button", { name: "Remove" }));
  await wait();
  expect(asked).toEqual(["DELETE /api/sessions/ses_1/participants/usr_bob"]);
});

test("what the server refuses is said in its words", async () => {
  await open("host");
  const problem = { error_code: "last_host", detail: "A session needs a host: make someone else host first." };
  answers = [Response.json(problem, { status: 409 })];
  fireEvent.change(screen.getByRole("combobox", { name: "Role of Alice Moreau" }), { target: { value: "editor" } });
  expect(asked).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Become editor" }));
  await wait();
  expect((await screen.findByRole("alert")).textContent).toBe(problem.detail);
  expect(screen.getByRole("combobox", { name: "Role of Alice Moreau" })).toHaveProperty("value", "host");
});

test("an editor sees the roles and may leave, nothing else", async () => {
  await open("editor");
  expect(screen.queryByRole("combobox")).toBeNull();
  expect(screen.queryByRole("button", { name: /^Remove/ })).toBeNull();
  expect(screen.getByRole("button", { name: "Leave this session" })).toBeTruthy();
});

test("handing over is asked about in words first, and is one request", async () => {
  await open("host");
  fireEvent.change(screen.getByRole("combobox", { name: "Role of Bob Tanaka" }), { target: { value: "hand_over" } });
  expect(screen.getByRole("group", { name: "Hand the session over to Bob Tanaka?" }).textContent).toContain("as an editor");
  expect(asked).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Hand over" }));
  await wait();
  expect(asked).toEqual(['POST /api/sessions/ses_1/hand-over {"user_id":"usr_bob"}']);
});

test("making another host is asked about first", async () => {
  await open("host");
  fireEvent.change(screen.getByRole("combobox", { name: "Role of Bob Tanaka" }), { target: { value: "host" } });
  expect(asked).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Make host" }));
  await wait();
  expect(asked).toEqual(['PATCH /api/sessions/ses_1/participants/usr_bob {"role":"host"}']);
});
