/** How long until a moment, as people say it: "6 days left", "3 h left", "12 min left", "expired". Pure. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function timeLeft(at: string, now: number): string {
  const left = Date.parse(at) - now;
  if (Number.isNaN(left)) return "";
  if (left <= 0) return "expired";
  if (left < HOUR) return `${Math.ceil(left / MINUTE)} min left`;
  if (left < 2 * DAY) return `${Math.round(left / HOUR)} h left`;
  return `${Math.round(left / DAY)} days left`;
}
