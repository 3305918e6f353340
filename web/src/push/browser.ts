/** This browser as something that takes pushes: whether it can, whether it does, and switching that on and off.

What the server pushes is shown by `push-worker.js`. A browser is on for one person: whoever leaves takes it along, and
finds it on again when they come back. */
import { request } from "~/api/http";
import { remember, remembered } from "~/lib/storage";

const WORKER = "/push-worker.js";
/** `on` or `again`, a space, and whose it is. */
const MEMORY = "push";

export interface PushBrowser {
  id: string;
  label: string;
  created_at: string;
  last_sent_at: string | null;
  is_this: boolean;
}

export interface PushBrowsers {
  public_key: string;
  items: PushBrowser[];
}

/** `insecure`: it could, but not over plain HTTP. */
export type Ability = "unsupported" | "insecure" | "blocked" | "able";

export function ability(): Ability {
  if (!globalThis.isSecureContext) return "insecure";
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis) || !("Notification" in globalThis)) {
    return "unsupported";
  }
  return Notification.permission === "denied" ? "blocked" : "able";
}

/** Why a browser was not switched on, in words for its person. */
export class NotSwitchedOn extends Error {}

export const browsers = (signal?: AbortSignal) => request<PushBrowsers>("GET", "/api/me/push", undefined, signal);
export const sendTest = (id: string) => request<void>("POST", `/api/me/push/${encodeURIComponent(id)}/test`);
export const removeBrowser = (id: string) => request<void>("DELETE", `/api/me/push/${encodeURIComponent(id)}`);

/** Asks for leave where that was not given yet. Raises NotSwitchedOn, ApiError. */
export async function switchOn(userId: string, publicKey: string): Promise<PushBrowser> {
  const answer = await Notification.requestPermission();
  if (answer !== "granted") {
    throw new NotSwitchedOn(
      answer === "denied"
        ? "Your browser does not let this site show notifications. You can allow it in the browser's settings for this site."
        : "Your browser asked whether this site may show notifications, and was not answered. Try again and allow it.",
    );
  }
  const subscription = await subscribed(publicKey);
  const { endpoint, keys } = subscription.toJSON();
  try {
    const browser = await request<PushBrowser>("POST", "/api/me/push", { endpoint, keys });
    remember(MEMORY, `on ${userId}`);
    return browser;
  } catch (error) {
    await subscription.unsubscribe();
    throw error;
  }
}

/** Nothing comes up here any more. */
export async function switchOff(id?: string): Promise<void> {
  remember(MEMORY, null);
  if (id !== undefined) await removeBrowser(id);
  await leave();
}

/** What a visit makes of it: `userId` is null when nobody is signed in. */
export async function keep(userId: string | null): Promise<void> {
  const [state, whose] = (remembered(MEMORY) ?? "").split(" ");
  if (!whose || ability() === "unsupported" || ability() === "insecure") return;
  if (userId === null) {
    remember(MEMORY, `again ${whose}`);
    await leave();
  } else if (userId !== whose || Notification.permission !== "granted") {
    await switchOff();
  } else {
    const { public_key, items } = await browsers();
    const isListed = items.some((one) => one.is_this);
    // Whoever took this browser off the list, elsewhere, wants it off.
    if (state === "on" && !isListed) await switchOff();
    else if (state === "again" || !(await current())) await switchOn(userId, public_key);
  }
}

async function subscribed(publicKey: string): Promise<PushSubscription> {
  try {
    await navigator.serviceWorker.register(WORKER);
    const { pushManager } = await navigator.serviceWorker.ready;
    const before = await pushManager.getSubscription();
    if (before && encoded(before.options.applicationServerKey) === publicKey) return before;
    await before?.unsubscribe();
    return await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey });
  } catch (error) {
    console.warn("push was not switched on:", error);
    throw new NotSwitchedOn("Your browser could not reach its push service. Is it blocked by the network, or by a setting?");
  }
}

async function current(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  return (await registration?.pushManager.getSubscription()) ?? null;
}

async function leave(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  await registration?.unregister();
}

/** Base64url without padding, as the server writes it. */
export function encoded(key: ArrayBuffer | null): string {
  const text = String.fromCharCode(...new Uint8Array(key ?? new ArrayBuffer(0)));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
