/** The reactions under a message: how many, who, and one's own to give and take back. */
import { useSession } from "~/session/context";
import type { Reaction } from "~/session/protocol";
import { emojiName } from "./emoji";

interface Props {
  reactions: readonly Reaction[];
  /** Absent where nobody may react. */
  onToggle?: (emoji: string, isThere: boolean) => void;
}

export function Reactions({ reactions, onToggle }: Props) {
  const people = useSession((state) => state.people);
  const members = useSession((state) => state.members);
  const myId = useSession((state) => state.you?.user_id ?? null);
  if (reactions.length === 0) return null;
  const nameOf = (id: string) =>
    id === myId ? "you" : (members.get(id)?.username ?? people.get(id)?.username ?? "somebody");
  return (
    <span className="mt-1 flex flex-wrap gap-1">
      {reactions.map(({ emoji, user_ids: ids }) => {
        const isMine = myId !== null && ids.includes(myId);
        const who = listed(ids.map(nameOf));
        const words = `${emojiName(emoji)}: ${who}`;
        return (
          <button
            key={emoji}
            type="button"
            aria-pressed={isMine}
            aria-disabled={onToggle ? undefined : true}
            aria-label={onToggle ? `${words}. ${isMine ? "Take yours back" : "React too"}` : words}
            title={words}
            onClick={() => onToggle?.(emoji, isMine)}
            className={`flex h-6 items-center gap-1 rounded-full border px-2 text-xs tabular-nums transition-colors ${
              isMine
                ? "border-accent bg-accent-soft text-accent font-semibold"
                : `border-line bg-surface text-ink-soft ${onToggle ? "hover:border-line-strong hover:bg-hover" : "cursor-default!"}`
            }`}
          >
            <span className="text-sm leading-none">{emoji}</span>
            {ids.length}
          </button>
        );
      })}
    </span>
  );
}

/** "Ana", "Ana and you", "Ana, Ben and 3 others". */
export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? "";
  const most = 8;
  const rest = names.length > most ? names.length - most + 1 : 1;
  const shown = names.slice(0, names.length - rest);
  const last = rest === 1 ? names.at(-1) : `${rest} others`;
  return `${shown.join(", ")} and ${last}`;
}
