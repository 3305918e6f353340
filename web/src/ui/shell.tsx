/** The frame of every page but the session's: the name, the person, the theme, and a column in the middle. */
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Me } from "~/api/cosession";
import { Bell } from "~/inbox/bell";
import { setTheme, type Theme, useTheme } from "~/lib/theme";
import { AccountMenu } from "./account";
import { IconButton, LinkButton } from "./controls";

const nextTheme: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const themeIcon = { system: "system", light: "sun", dark: "moon" } as const;

export function ThemeToggle() {
  const theme = useTheme();
  return (
    <IconButton
      icon={themeIcon[theme]}
      label={`Theme: ${theme}. Switch to ${nextTheme[theme]}`}
      onClick={() => setTheme(nextTheme[theme])}
    />
  );
}

export function Logo() {
  return (
    <span className="inline-flex items-center gap-2 font-semibold tracking-tight">
      <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="#1d6b5c" />
        <path
          d="M20.5 11.2a7 7 0 1 0 0 9.6"
          fill="none"
          stroke="#fff"
          strokeWidth="3"
          strokeLinecap="round"
        />
        <circle cx="22.6" cy="16" r="2.6" fill="#ffd27a" />
      </svg>
      Cosession
    </span>
  );
}

/** `hearsFeed`: the page shows what happens, and wants to be told when there is more. */
export function Shell({ me, hearsFeed, children }: { me?: Me | null; hearsFeed?: boolean; children: ReactNode }) {
  return (
    <div className="flex h-full flex-col">
      <header className="border-line bg-surface flex h-13 shrink-0 items-center gap-3 border-b px-4 sm:px-6">
        <Link href="/" className="rounded-control flex">
          <Logo />
        </Link>
        <span className="flex-1" />
        <ThemeToggle />
        {me && (
          <>
            {me.is_admin && (
              <LinkButton href="/admin" look="ghost" size="sm">
                Live
              </LinkButton>
            )}
            <LinkButton href="/activity" look="ghost" size="sm">
              Activity
            </LinkButton>
            <Bell hearsFeed={hearsFeed} />
            <AccountMenu me={me} />
          </>
        )}
      </header>
      <main className="min-h-0 flex-1 overflow-y-auto">{children}</main>
    </div>
  );
}
