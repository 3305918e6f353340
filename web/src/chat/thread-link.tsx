/** "3 replies · last 14:02": what stands under a message that was answered, and leads to the answers. */
import { clock, moment, plural } from "~/lib/format";
import { useSession } from "~/session/context";
import { Avatar } from "~/ui/avatar";
import type { ThreadSummary } from "./items";

interface Props {
  thread: ThreadSummary;
  isOpen: boolean;
  onOpen: () => void;
}

export function ThreadLink({ thread, isOpen, onOpen }: Props) {
  const members = useSession((state) => state.members);
  const people = useSession((state) => state.people);
  const { count, lastAt, userIds, newCount } = thread;
  const news = newCount > 0 ? `, ${newCount} new` : "";
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      aria-label={`${plural(count, "reply", "replies")}${news}, the last at ${clock(lastAt)}. Show the thread`}
      title={`Last reply ${moment(lastAt)}`}
      onClick={onOpen}
      className={`mt-1 flex max-w-full items-center gap-1.5 rounded-full border py-0.5 pr-2.5 pl-1 text-2xs transition-colors ${
        isOpen ? "border-accent bg-accent-soft" : "border-line hover:border-line-strong hover:bg-hover"
      }`}
    >
      <span className="flex -space-x-1">
        {userIds.map((id) => {
          const person = members.get(id) ?? people.get(id);
          return (
            <span key={id} className="ring-surface rounded-full ring-2">
              <Avatar name={person?.username ?? "?"} color={person?.color ?? 11} size={18} />
            </span>
          );
        })}
      </span>
      <span className="text-accent font-semibold whitespace-nowrap">{plural(count, "reply", "replies")}</span>
      <span className="text-ink-faint truncate tabular-nums">· last {clock(lastAt)}</span>
      {newCount > 0 && (
        <span className="bg-accent text-accent-ink rounded-full px-1.5 font-semibold whitespace-nowrap">{newCount} new</span>
      )}
    </button>
  );
}
