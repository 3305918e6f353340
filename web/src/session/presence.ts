/** Tells the others whether this person is here: active, idle after two minutes without a stir, away when hidden. */
import { useEffect } from "react";
import type { SessionClient } from "./client";

const IDLE_AFTER = 120_000;
const STIRS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focus"] as const;

export function usePresenceReport(client: SessionClient): void {
  useEffect(() => {
    let idle: ReturnType<typeof setTimeout> | undefined;
    const stir = () => {
      clearTimeout(idle);
      if (document.visibilityState === "hidden") {
        client.look({ status: "away" });
        return;
      }
      client.look({ status: "active" });
      idle = setTimeout(() => client.look({ status: "idle" }), IDLE_AFTER);
    };
    stir();
    for (const name of STIRS) window.addEventListener(name, stir, { passive: true });
    document.addEventListener("visibilitychange", stir);
    return () => {
      clearTimeout(idle);
      for (const name of STIRS) window.removeEventListener(name, stir);
      document.removeEventListener("visibilitychange", stir);
    };
  }, [client]);
}
