/** Where a sign-in link leads: home or to a session of this site, never anywhere else. Pure. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "";
  return /^\/(s\/[a-z0-9_]+)?$/.test(next) ? next : "/";
}
