/** Buttons, fields and badges: the same height, radius and focus everywhere. */
import type { ButtonHTMLAttributes, ComponentProps, ReactNode } from "react";
import { Link } from "wouter";
import { Icon, type IconName } from "./icon";

type Look = "primary" | "secondary" | "ghost" | "danger";

const looks: Record<Look, string> = {
  primary: "bg-accent text-accent-ink hover:bg-accent-strong",
  secondary: "bg-raised text-ink border border-line-strong/60 hover:bg-hover",
  ghost: "text-ink-soft hover:bg-hover hover:text-ink",
  danger: "text-bad border border-bad/40 hover:bg-bad-soft",
};

const frame =
  "inline-flex items-center justify-center gap-1.5 rounded-control font-medium whitespace-nowrap select-none " +
  "transition-colors disabled:opacity-50 disabled:cursor-not-allowed";

const sizes = { sm: "h-7 px-2.5 text-xs", md: "h-9 px-3.5 text-sm" };

interface Shape {
  look?: Look;
  size?: keyof typeof sizes;
  icon?: IconName;
}

export function Button({
  look = "secondary",
  size = "md",
  icon,
  className = "",
  children,
  ...rest
}: Shape & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type="button" className={`${frame} ${looks[look]} ${sizes[size]} ${className}`} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function LinkButton({
  look = "secondary",
  size = "md",
  icon,
  href,
  children,
}: Shape & { href: string; children: ReactNode }) {
  return (
    <Link href={href} className={`${frame} ${looks[look]} ${sizes[size]}`}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}

/** A square button whose name is only heard, and shown as its tooltip. */
export function IconButton({
  icon,
  label,
  className = "",
  ...rest
}: { icon: IconName; label: string } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`${frame} text-ink-soft hover:bg-hover hover:text-ink size-8 ${className}`}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
}

export const fieldClass =
  "h-9 w-full rounded-control border border-line-strong bg-surface px-3 text-sm text-ink placeholder:text-ink-faint " +
  "aria-invalid:border-bad";

export function Field({
  label,
  hint,
  error,
  ...rest
}: { label: string; hint?: string; error?: string | null } & ComponentProps<"input">) {
  return (
    <label className="block text-sm">
      <span className="mb-1 block font-medium">{label}</span>
      <input className={fieldClass} aria-invalid={error ? true : undefined} {...rest} />
      {error ? (
        <span role="alert" className="text-bad mt-1 block text-xs">
          {error}
        </span>
      ) : (
        hint && <span className="text-ink-faint mt-1 block text-xs">{hint}</span>
      )}
    </label>
  );
}

/** Why something was not done, in the server's words. */
export function Refusal({ className = "", children }: { className?: string; children: ReactNode }) {
  return (
    <p role="alert" className={`bg-bad-soft text-bad rounded-control px-3 py-2 text-sm ${className}`}>
      {children}
    </p>
  );
}

type Tone = "neutral" | "good" | "bad" | "warn" | "info";

const tones: Record<Tone, string> = {
  neutral: "bg-sunken text-ink-soft",
  good: "bg-good-soft text-good",
  bad: "bg-bad-soft text-bad",
  warn: "bg-warn-soft text-warn",
  info: "bg-info-soft text-info",
};

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={`inline-flex h-5 shrink-0 items-center gap-1 rounded-full px-2 text-2xs font-medium ${tones[tone]}`}
    >
      {children}
    </span>
  );
}

/** How much somebody has not read; where they are called by name, that stands out. */
export function UnreadBadge({ unread, mentions }: { unread: number; mentions: number }) {
  if (unread === 0 && mentions === 0) return null;
  return (
    <span
      className={`inline-flex h-4.5 min-w-4.5 shrink-0 items-center justify-center gap-0.5 rounded-full px-1.5 text-2xs font-semibold tabular-nums ${mentions > 0 ? "bg-bad-solid text-white" : "bg-accent text-accent-ink"}`}
    >
      {mentions > 0 && <span aria-hidden="true">@</span>}
      {unread > 999 ? "999+" : unread}
      <span className="sr-only">
        {" "}
        unread{mentions > 0 ? `, ${mentions} ${mentions === 1 ? "mentions" : "mention"} you` : ""}
      </span>
    </span>
  );
}

/** "Live" with a breathing dot, or "Ended". */
export function StatusBadge({ status }: { status: "live" | "ended" }) {
  if (status === "ended") return <Badge>Ended</Badge>;
  return (
    <Badge tone="good">
      <span className="relative flex size-1.5">
        <span className="absolute inset-0 animate-ping rounded-full bg-current opacity-60 [animation-duration:2.4s]" />
        <span className="size-1.5 rounded-full bg-current" />
      </span>
      Live
    </Badge>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="border-line-strong/60 bg-sunken text-ink-soft inline-grid h-5 min-w-5 place-items-center rounded border px-1 text-2xs">
      {children}
    </kbd>
  );
}

export function Spinner({ label }: { label?: string }) {
  return (
    <span role={label ? "status" : undefined} className="inline-flex items-center gap-2">
      <span
        className="size-4 animate-spin rounded-full border-2 border-current border-r-transparent opacity-70"
        aria-hidden="true"
      />
      {label && <span>{label}</span>}
    </span>
  );
}
