/** The browser as the connection sees it. */
import type { SocketLike, World } from "./connection";
import { StreamSocket } from "./stream-socket";

const BLOCKED = "cosession.websocket-blocked-at";

export const browserWorld: World = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (run, ms) => window.setTimeout(run, ms),
  clearTimeout: (id) => window.clearTimeout(id),
  openSocket: (url) => new WebSocket(url) as SocketLike,
  openStream: (address) => new StreamSocket(address),
  blockedAt: () => Number(sessionStorage.getItem(BLOCKED)) || null,
  setBlockedAt: (at) => sessionStorage.setItem(BLOCKED, String(at)),
  onWake(wake) {
    const shown = () => document.visibilityState === "visible" && wake();
    const restored = (event: PageTransitionEvent) => event.persisted && wake();
    window.addEventListener("online", wake);
    window.addEventListener("pageshow", restored);
    document.addEventListener("visibilitychange", shown);
    return () => {
      window.removeEventListener("online", wake);
      window.removeEventListener("pageshow", restored);
      document.removeEventListener("visibilitychange", shown);
    };
  },
};
