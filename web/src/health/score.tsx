/** A health score as a mark: a colour, a shape that differs by level, the number and a word. */
import { levelOf, type Level } from "./words";

export const textOf: Record<Level, string> = { good: "text-good", fair: "text-warn", poor: "text-bad" };
export const softOf: Record<Level, string> = {
  good: "bg-good-soft text-good",
  fair: "bg-warn-soft text-warn",
  poor: "bg-bad-soft text-bad",
};

/** A full, half-filled or empty disc: told apart without colours too. */
export function Disc({ level, size = 9 }: { level: Level; size?: number }) {
  const fill = { good: 0, fair: 5, poor: 10 }[level];
  return (
    <svg width={size} height={size} viewBox="0 0 10 10" aria-hidden="true" className="shrink-0">
      <clipPath id={`disc-${level}`}>
        <rect x="0" y={fill} width="10" height="10" />
      </clipPath>
      <circle cx="5" cy="5" r="5" fill="currentColor" clipPath={`url(#disc-${level})`} />
      <circle cx="5" cy="5" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
    </svg>
  );
}

/** For lists: the number with its mark. */
export function SmallScore({ score }: { score: number }) {
  const level = levelOf(score);
  return (
    <span title={`Health ${score} of 100: ${level}`} className={`inline-flex items-center gap-1 tabular-nums ${textOf[level]}`}>
      <Disc level={level} />
      <span className="sr-only">health </span>
      {score}
      <span className="sr-only"> of 100, {level}</span>
    </span>
  );
}
