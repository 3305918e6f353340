import { describe, expect, it } from "vitest";
import type { ThreadState } from "~/session/protocol";
import { lag, standingOf } from "./data";

const thread: ThreadState = {
  provider: "slack",
  status: "live",
  channel: "C1",
  channel_name: "payments",
  url: "",
  is_muted: false,
  behind_s: 0,
  reason: "",
};

describe("how a thread stands", () => {
  it("is said in one way, the weightiest", () => {
    expect(standingOf(null)).toBe("none");
    expect(standingOf(thread)).toBe("linked");
    expect(standingOf({ ...thread, status: "opening" })).toBe("opening");
    expect(standingOf({ ...thread, behind_s: 10 })).toBe("linked");
    expect(standingOf({ ...thread, behind_s: 11 })).toBe("late");
    expect(standingOf({ ...thread, behind_s: 11, is_muted: true })).toBe("muted");
    expect(standingOf({ ...thread, behind_s: 11, reason: "Cosession was removed." })).toBe("held");
    expect(standingOf({ ...thread, status: "paused", reason: "It was deleted." })).toBe("paused");
    expect(standingOf({ ...thread, status: "closed", behind_s: 99 })).toBe("none");
  });

  it("tells lags in whole units", () => {
    expect([40, 119, 120, 7_199, 7_200].map(lag)).toEqual(["40 s", "119 s", "2 min", "119 min", "2 h"]);
  });
});
