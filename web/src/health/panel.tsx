/** What the score is made of: its reasons with their points, how full the context is, and what the agent has done. */
import { compact, plural } from "~/lib/format";
import type { SessionContext } from "~/session/protocol";
import { Icon } from "~/ui/icon";
import { Disc, textOf } from "./score";
import { contextPart, levelOf, statusWords } from "./words";

export function HealthPanel({ health }: { health: SessionContext }) {
  const { health_score: score } = health;
  if (score === null) {
    return (
      <div className="py-3 text-center text-sm">
        <Icon name="terminal" size={20} className="text-ink-faint mx-auto mb-2" />
        <p className="font-medium">No agent has done anything yet</p>
        <p className="text-ink-soft mt-1 text-xs">
          Its health, tokens and tool calls are measured from its first step on, and shown here live.
        </p>
      </div>
    );
  }
  const level = levelOf(score);
  return (
    <div className="space-y-4">
      <div className="flex items-center gap-3">
        <span className={`text-3xl leading-none font-semibold tabular-nums ${textOf[level]}`}>{score}</span>
        <span className="min-w-0 text-sm">
          <span className={`flex items-center gap-1.5 font-medium ${textOf[level]}`}>
            <Disc level={level} /> {level} <span className="text-ink-faint font-normal">of 100</span>
          </span>
          <span className="text-ink-soft block text-xs" data-testid="health-status">
            {statusWords[health.status]}
          </span>
        </span>
      </div>
      <Reasons health={health} />
      <ContextBar health={health} />
      <Numbers health={health} />
    </div>
  );
}

function Reasons({ health }: { health: SessionContext }) {
  if (health.health_reasons.length === 0) {
    return <p className="text-ink-soft text-xs">Nothing takes points away.</p>;
  }
  return (
    <ul aria-label="Why it is not higher" className="space-y-1">
      {health.health_reasons.map((reason) => (
        <li key={reason.code} className="flex items-baseline gap-2 text-xs">
          <span className="text-ink w-9 shrink-0 text-right font-semibold tabular-nums">−{reason.points}</span>
          <span className="text-ink-soft">{reason.text}</span>
        </li>
      ))}
    </ul>
  );
}

function ContextBar({ health }: { health: SessionContext }) {
  const part = contextPart(health);
  const { context_used: used, context_limit: limit } = health;
  if (used === null) return null;
  if (part === null || limit === null) {
    return (
      <p className="text-ink-soft text-xs">
        {compact(used)} tokens in its context; how many fit is not known.
      </p>
    );
  }
  const fill = part >= 0.9 ? "bg-bad" : part >= 0.5 ? "bg-warn" : "bg-good";
  return (
    <div className="text-xs">
      <div className="mb-1 flex justify-between gap-2">
        <span className="font-medium">Context</span>
        <span className="text-ink-soft tabular-nums">
          {compact(used)} of {compact(limit)} tokens · {Math.round(part * 100)} %
        </span>
      </div>
      <div
        role="meter"
        aria-label="Context used"
        aria-valuemin={0}
        aria-valuemax={limit}
        aria-valuenow={Math.min(used, limit)}
        aria-valuetext={`${Math.round(part * 100)} % of ${compact(limit)} tokens`}
        className="border-line-strong h-2.5 overflow-hidden rounded-full border"
      >
        <div className={`h-full ${fill}`} style={{ width: `${part * 100}%` }} />
      </div>
    </div>
  );
}

function Numbers({ health }: { health: SessionContext }) {
  const failures = health.tool_failures;
  const rows: [string, string][] = [
    ["Tokens in all", health.token_count === null ? "not told" : health.token_count.toLocaleString("en")],
    ["Turns", health.turns.toLocaleString("en")],
    ["Tool calls", `${health.tool_calls.toLocaleString("en")}${failures > 0 ? `, ${plural(failures, "failure")}` : ""}`],
    ["Files touched", health.files_touched.toLocaleString("en")],
  ];
  return (
    <dl className="border-line grid grid-cols-2 gap-x-4 gap-y-2 border-t pt-3 text-xs">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt className="text-ink-faint">{name}</dt>
          <dd className="font-medium tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
