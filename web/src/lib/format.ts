/** Numbers and times as people read them. Pure but for the language of dates, which is set once; times are RFC 3339 or milliseconds of the epoch. */

/** In which language dates are written; undefined for that of the browser. */
let language: string | undefined;

/** From now on dates are written as `tag` (BCP 47) says; empty for as the browser does. */
export function writeDatesIn(tag: string): void {
  language = tag || undefined;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "5 min ago", "3 h ago", "yesterday", "12 Mar". */
export function ago(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return "";
  const passed = now - then;
  if (passed < MINUTE) return "just now";
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
  if (passed < 2 * DAY) return "yesterday";
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  const form: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" };
  return new Intl.DateTimeFormat(language, form).format(then);
}

/** "14:05" in this person's time zone. */
export function clock(at: string): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return "";
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(then);
}

/** "Mon 5 Jan 2026, 14:05:09", for tooltips. */
export function moment(at: string): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return "";
  return new Intl.DateTimeFormat(language, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(then);
}

/** "Today", "Yesterday", "Monday 5 January": the heading between days. */
export function dayName(at: string, now: number): string {
  const day = new Date(at);
  const daysBetween = Math.round((startOfDay(now) - startOfDay(day.getTime())) / DAY);
  if (daysBetween === 0) return "Today";
  if (daysBetween === 1) return "Yesterday";
  return new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" }).format(day);
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** "340 ms", "4.2 s", "3 min 12 s", "2 h 5 min". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / 1_000)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.round((ms % MINUTE) / 1_000)} s`;
  return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
}

/** "980", "12.4k", "3.1M". */
export function compact(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 100_000) return `${trim(count / 1_000)}k`;
  if (count < 1_000_000) return `${Math.round(count / 1_000)}k`;
  return `${trim(count / 1_000_000)}M`;
}

const trim = (value: number) => value.toFixed(1).replace(/\.0$/, "");

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** One or two letters for an avatar; works for any script. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s._-]+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toLocaleUpperCase();
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.split("/").at(-1) || path;
}
