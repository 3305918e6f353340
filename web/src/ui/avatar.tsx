/** Somebody's coloured initials. */
import { initials } from "~/lib/format";

const dots = { active: "bg-[#22a55b]", idle: "bg-[#d9982b]", away: "bg-[#93a09c]" };

export function Avatar({
  name,
  color,
  size = 28,
  status,
}: {
  name: string;
  color: number;
  size?: number;
  status?: keyof typeof dots;
}) {
  return (
    <span className="relative inline-block shrink-0" style={{ width: size, height: size }} aria-hidden="true">
      <span
        className={`grid size-full place-items-center rounded-full font-semibold text-white ${status === "away" ? "grayscale" : ""}`}
        style={{ background: `var(--person-${color % 12})`, fontSize: Math.round(size * 0.4) }}
      >
        {initials(name)}
      </span>
      {status && (
        <span className={`ring-surface absolute -right-px -bottom-px size-2 rounded-full ring-2 ${dots[status]}`} />
      )}
    </span>
  );
}
