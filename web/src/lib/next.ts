/** Where a sign-in link leads: home, to a session or to an invite of this site, never anywhere else. Pure. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "";
  return /^\/((s|invite)\/[a-z0-9_]+)?$/.test(next) ? next : "/";
}
