/** What a screen shows when it has nothing to show: loading, empty, failed. */
import type { ReactNode } from "react";
import { Icon, type IconName } from "./icon";

export function Message({
  icon,
  title,
  tone = "neutral",
  children,
}: {
  icon: IconName;
  title: string;
  tone?: "neutral" | "bad";
  children?: ReactNode;
}) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-center px-6 py-16 text-center">
      <span
        className={`mb-4 grid size-11 place-items-center rounded-full ${tone === "bad" ? "bg-bad-soft text-bad" : "bg-accent-soft text-accent"}`}
      >
        <Icon name={icon} size={20} />
      </span>
      <h1 className="text-lg font-semibold">{title}</h1>
      <div className="text-ink-soft mt-1.5 space-y-4 text-sm">{children}</div>
    </div>
  );
}

/** A grey bar where text will be. */
export function Bone({ className = "" }: { className?: string }) {
  return <span className={`bg-line/80 block animate-pulse rounded ${className}`} />;
}
