/** "(edited)", and behind it every text that the message has had. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/cosession";
import { Markdown } from "~/code/markdown";
import { clock, moment } from "~/lib/format";
import { useSession } from "~/session/context";
import type { Message } from "~/session/state";
import { Spinner } from "~/ui/controls";
import { Popover } from "~/ui/popover";

export function Edited({ message }: { message: Message }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        title={message.edited_at ? `Edited ${moment(message.edited_at)}` : undefined}
        onClick={(event) => setAnchor(event.currentTarget)}
        className="text-ink-faint hover:text-ink mt-0.5 rounded px-0.5 text-2xs hover:underline"
      >
        (edited)
      </button>
      {anchor && (
        <Popover anchor={anchor} label="Earlier texts" onClose={() => setAnchor(null)} className="w-80 p-3">
          <Texts message={message} />
        </Popover>
      )}
    </>
  );
}

function Texts({ message }: { message: Message }) {
  const sessionId = useSession((state) => state.session?.id ?? "");
  const texts = useQuery({
    queryKey: ["texts", sessionId, message.id, message.updated_seq],
    queryFn: ({ signal }) => api.texts(sessionId, message.id, signal),
  });
  if (texts.isError) {
    return (
      <p role="alert" className="text-bad text-xs">
        {texts.error.message}{" "}
        <button type="button" className="font-medium underline" onClick={() => void texts.refetch()}>
          Try again
        </button>
      </p>
    );
  }
  if (!texts.data) return <Spinner label="Loading earlier texts" />;
  return (
    <ol aria-label="Texts, the latest first" className="max-h-72 space-y-3 overflow-y-auto text-sm">
      {texts.data.items.toReversed().map(({ content, at }, index, all) => (
        <li key={at} className={index === 0 ? "" : "text-ink-soft"}>
          <p className="text-ink-faint mb-0.5 text-2xs">
            <time dateTime={at} title={moment(at)} className="tabular-nums">
              {clock(at)}
            </time>{" "}
            {index === 0 ? "· as it is now" : index === all.length - 1 ? "· as it was written" : ""}
          </p>
          <Markdown text={content} />
        </li>
      ))}
    </ol>
  );
}
