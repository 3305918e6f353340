/** The feed: days, and what happened on each; every line leads to its moment. */
import { useState } from "react";
import { Link } from "wouter";
import { addressOf } from "~/lib/address";
import { clock, dayName, moment } from "~/lib/format";
import { useNow } from "~/lib/hooks";
import { Avatar } from "~/ui/avatar";
import { Button, Spinner } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Bone, Message } from "~/ui/states";
import { type FeedKind, useFeed } from "./data";
import { doer, folded, kinds, quote, type Row, sentence } from "./words";

export function Feed({ sessionId }: { sessionId: string | null }) {
  const [chosen, choose] = useState<readonly FeedKind[]>([]);
  const feed = useFeed(sessionId, chosen);
  const now = useNow(60_000);
  const rows = folded(feed.items ?? []);
  return (
    <>
      <Filters chosen={chosen} onChoose={choose} />
      {feed.items === undefined && !feed.isError && <Loading />}
      {feed.items === undefined && feed.isError && (
        <Message icon="alert" title="What happened could not be loaded" tone="bad">
          <p>{feed.error.message}</p>
          <Button icon="retry" onClick={() => void feed.refetch()}>
            Try again
          </Button>
        </Message>
      )}
      {feed.items?.length === 0 && (
        <Message icon="history" title="Nothing here yet">
          <p>{chosen.length > 0 ? "Nothing of this kind has happened." : "What people and agents do stands here."}</p>
        </Message>
      )}
      <ol aria-label="Activity" aria-busy={feed.isFetching} className={feed.isPlaceholderData ? "opacity-60" : ""}>
        {rows.map((row, index) => (
          <Entry key={row.item.id} row={row} day={dayOf(rows, index, now)} hasTitle={sessionId === null} />
        ))}
      </ol>
      {feed.hasNextPage && (
        <p className="mt-4 text-center">
          <Button disabled={feed.isFetchingNextPage} onClick={() => void feed.fetchNextPage()}>
            {feed.isFetchingNextPage ? <Spinner label="Loading" /> : "Show what was before"}
          </Button>
        </p>
      )}
    </>
  );
}

/** The heading over a row, where its day is another than that of the row above. */
function dayOf(rows: readonly Row[], index: number, now: number): string | null {
  const name = dayName(rows[index]?.item.at ?? "", now);
  const above = rows[index - 1];
  return above && dayName(above.item.at, now) === name ? null : name;
}

function Filters({ chosen, onChoose }: { chosen: readonly FeedKind[]; onChoose: (kinds: FeedKind[]) => void }) {
  const face = (isOn: boolean) =>
    `inline-flex items-center gap-1.5 rounded-full border px-2.5 py-1 text-xs font-medium ${isOn ? "bg-accent-soft text-accent border-transparent" : "border-line text-ink-soft hover:bg-hover"}`;
  return (
    <div role="group" aria-label="What to show" className="mb-4 flex flex-wrap gap-1.5">
      <button type="button" aria-pressed={chosen.length === 0} onClick={() => onChoose([])} className={face(chosen.length === 0)}>
        Everything
      </button>
      {(Object.keys(kinds) as FeedKind[]).map((kind) => {
        const isOn = chosen.includes(kind);
        return (
          <button
            key={kind}
            type="button"
            aria-pressed={isOn}
            onClick={() => onChoose(isOn ? chosen.filter((one) => one !== kind) : [...chosen, kind])}
            className={face(isOn)}
          >
            <Icon name={kinds[kind].icon} size={13} />
            {kinds[kind].name}
          </button>
        );
      })}
    </div>
  );
}

function Entry({ row, day, hasTitle }: { row: Row; day: string | null; hasTitle: boolean }) {
  const { item } = row;
  const who = doer(item);
  const text = quote(row);
  return (
    <li>
      {day && <h2 className="text-ink-faint mt-5 mb-1.5 text-xs font-semibold first:mt-0">{day}</h2>}
      <Link
        href={addressOf(item.session_id, item.seq)}
        className="hover:bg-hover rounded-control flex gap-3 px-2 py-2"
      >
        <span className="relative mt-0.5 shrink-0">
          {item.user ? (
            <Avatar name={item.user.username} color={item.user.color} size={26} />
          ) : (
            <span
              className={`grid size-[26px] place-items-center rounded-full ${item.kind === "error" ? "bg-bad-soft text-bad" : "bg-sunken text-ink-soft"}`}
            >
              <Icon name={kinds[item.kind].icon} size={14} />
            </span>
          )}
        </span>
        <span className="min-w-0 flex-1">
          <span className="block text-sm break-words">
            {who && <strong className="font-semibold">{who} </strong>}
            {sentence(row)}
            {hasTitle && <span className="text-ink-faint"> · {item.session_title}</span>}
          </span>
          {text !== null && <span className="text-ink-soft mt-0.5 line-clamp-2 text-sm break-words">{text}</span>}
          {item.is_gone && <span className="text-ink-faint mt-0.5 block text-sm italic">Taken back</span>}
        </span>
        <time dateTime={item.at} title={moment(item.at)} className="text-ink-faint shrink-0 text-xs tabular-nums">
          {clock(item.at)}
        </time>
      </Link>
    </li>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading what happened" className="space-y-4 py-2">
      {[62, 44, 71, 50].map((width) => (
        <div key={width} className="flex gap-3 px-2">
          <Bone className="size-[26px] rounded-full" />
          <div style={{ width: `${width}%` }} className="pt-1">
            <Bone className="h-3.5" />
          </div>
        </div>
      ))}
    </div>
  );
}
