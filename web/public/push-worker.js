/* Shows what the server pushes to this browser, and leads there when it is clicked. Answers for no page and keeps
   nothing: pages load as if it were not there. */

const NOTHING = { id: "cosession", title: "Something waits for you", body: "Open Cosession to see it.", path: "/inbox" };

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data));
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

/* A browser allows no push that shows nothing. The same tag again takes the place of what is there, without a sound. */
async function show(data) {
  const told = read(data);
  await self.registration.showNotification(told.title, {
    body: told.body,
    tag: told.id,
    icon: "/assets/favicon-1.svg",
    data: placeOf(told.path),
  });
}

function read(data) {
  try {
    const told = data.json();
    const isWhole = ["id", "title", "body", "path"].every((name) => typeof told[name] === "string");
    return isWhole ? told : NOTHING;
  } catch {
    return NOTHING;
  }
}

/* An address of this server, whatever was said. */
function placeOf(path) {
  try {
    const url = new URL(path, self.location.origin);
    return url.origin === self.location.origin ? url.href : new URL(NOTHING.path, self.location.origin).href;
  } catch {
    return new URL(NOTHING.path, self.location.origin).href;
  }
}

/* Somebody's other work stays: only a tab that shows this place already is brought to the front. */
async function open(href) {
  const url = new URL(href);
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = tabs.find((tab) => new URL(tab.url).pathname === url.pathname);
  if (!there) return self.clients.openWindow(href);
  there.postMessage({ type: "go", path: url.pathname + url.search + url.hash });
  return there.focus();
}

/* The push service has given this browser another address. */
async function renew(event) {
  const options = (event.oldSubscription ?? event.newSubscription)?.options;
  const subscription = event.newSubscription ?? (options && (await self.registration.pushManager.subscribe(options)));
  if (!subscription) return;
  const { endpoint, keys } = subscription.toJSON();
  const answer = await fetch("/api/me/push", {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ endpoint, keys }),
  });
  /* Nobody is signed in here any more. */
  if (answer.status === 401) await subscription.unsubscribe();
}
