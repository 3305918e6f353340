import { expect, test } from "vitest";
import type { ContextUpdate } from "~/session/protocol";
import { reduce } from "~/session/reducer";
import { emptyState } from "~/session/state";
import { alice, bob, connected, entry } from "~/testing/entries";

const start = () => reduce(emptyState, connected(0));

test("how the agent is doing comes with the line and is renewed live", () => {
  const state = start();
  expect(state.health?.health_score).toBeNull();
  const context: ContextUpdate["context"] = { ...connected(0).context, health_score: 47, tool_calls: 40 };
  const next = reduce(state, { type: "session_update", context });
  expect(next.health).toEqual(context);
  expect(next.to).toBe(state.to);
});

test("an entry of the same name tells of the title and the host", () => {
  const renamed = reduce(start(), entry(1, "session_update", { title: "Mend it", host: null }));
  expect(renamed.session).toMatchObject({ title: "Mend it", host: alice });
  const passed = reduce(renamed, entry(2, "session_update", { title: null, host: bob }));
  expect(passed.session).toMatchObject({ title: "Mend it", host: bob });
  expect(passed.health).toEqual(renamed.health);
});

test("every request to come along is a new one", () => {
  const once = reduce(start(), { type: "summoned", by: bob });
  const twice = reduce(once, { type: "summoned", by: bob });
  expect(once.summons?.by).toEqual(bob);
  expect(twice.summons?.nonce).not.toBe(once.summons?.nonce);
});

test("who follows whom is known before the next word about where they are", () => {
  const here = { ...bob, status: "active" as const, cursor: null, viewport: null, following: null };
  const state = reduce(start(), { type: "presence_update", users: [here] });
  const following = reduce(state, { type: "followed", user_id: bob.user_id, target_id: alice.user_id });
  expect(following.presence.get(bob.user_id)?.following).toBe(alice.user_id);
  expect(reduce(following, { type: "followed", user_id: "usr_gone", target_id: null })).toBe(following);
});
